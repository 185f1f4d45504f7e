/** Proportions of classes as exact fractions: thresholds of random words, and sizes of parts. */

const DOUBLE = new DataView(new ArrayBuffer(8));
const TWO_64 = 1n << 64n;

/**
 * Return whole numbers in exactly the given proportions.
 *
 * @param {readonly number[]} shares positive and finite
 * @returns {bigint[]}
 */
export function exactShares(shares) {
  const parts = shares.map((share) => {
    DOUBLE.setFloat64(0, share);
    const bits = DOUBLE.getBigUint64(0);
    const exponent = Number(bits >> 52n);
    const fraction = bits & ((1n << 52n) - 1n);
    return exponent ? { whole: fraction + (1n << 52n), exponent } : { whole: fraction, exponent: 1 };
  });
  const lowest = Math.min(...parts.map((part) => part.exponent));
  return parts.map((part) => part.whole << BigInt(part.exponent - lowest));
}

/**
 * Return the first 64-bit word of every class but the first, as low and high halves.
 *
 * @param {readonly number[]} shares of the classes
 * @returns {{low: number, high: number}[]}
 */
export function thresholds(shares) {
  const exact = exactShares(shares);
  const total = exact.reduce((sum, share) => sum + share);
  let reached = 0n;
  return exact.slice(0, -1).map((share) => {
    reached += share;
    const word = (TWO_64 * reached) / total;
    const first = word < TWO_64 ? word : TWO_64 - 1n;
    return { low: Number(first & 0xffffffffn), high: Number(first >> 32n) };
  });
}

/**
 * Divide a number of samples in given proportions, by the largest remainder; of equal ones the first.
 *
 * @param {number} n
 * @param {readonly number[]} shares
 * @returns {number[]}
 */
export function apportion(n, shares) {
  const exact = exactShares(shares);
  const total = exact.reduce((sum, share) => sum + share);
  const products = exact.map((share) => BigInt(n) * share);
  const sizes = products.map((product) => Number(product / total));
  const byRemainder = products
    .map((product, place) => ({ rest: product % total, place }))
    .sort((a, b) => (a.rest === b.rest ? a.place - b.place : a.rest > b.rest ? -1 : 1));
  const left = n - sizes.reduce((sum, size) => sum + size, 0);
  for (const { place } of byRemainder.slice(0, left)) sizes[place] += 1;
  return sizes;
}
