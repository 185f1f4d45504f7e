/**
 * Random words of the native stream, from the counter-based generator Philox4x64-10.
 *
 * A block of four words is a function of key and counter, so that any part of a sequence can be computed without the
 * parts before it. Words of 64 bits are kept as halves of 32, as numbers of JavaScript hold 53 and its big integers are
 * slow. Source: Salmon et al. (2011); `mnist1d.stream.bits`.
 */

/** Kinds of sequences: the highest word of the counter. */
export const LABELS = 0;
export const FACTORS = 1;
export const CORRELATED = 2;
export const WHITE = 3;
export const NOISE = 4;

const TWO_32 = 2 ** 32;
const ROUNDS = 10;
// The upper half of the key: the bytes `mnist1d` and 1, lowest first; the lower half is the seed.
const KEY_HIGH = 0x01643174;
const KEY_LOW = 0x73696e6d;
// Multipliers, and what is added to the key after each round.
const M0_HIGH = 0xd2e7470e, M0_LOW = 0xe14c6c93, M1_HIGH = 0xca5a8263, M1_LOW = 0x95121157;
const W0_HIGH = 0x9e3779b9, W0_LOW = 0x7f4a7c15, W1_HIGH = 0xbb67ae85, W1_LOW = 0x84caa73b;

const BLOCK = new Uint32Array(8);
const PRODUCT = new Uint32Array(4);

/**
 * Read words of a sequence.
 *
 * @param {number} seed which stream, an integer from 0 to 2**32 - 1
 * @param {number} kind which sequence of it
 * @param {number} first number of the first word, below 2**52
 * @param {number} n how many words
 * @param {Uint32Array} [out] where they go, new if omitted
 * @returns {Uint32Array} low and high half of every word in turn, 2 n numbers
 */
export function words(seed, kind, first, n, out = new Uint32Array(2 * n)) {
  for (let b = Math.floor(first / 4); 4 * b < first + n; b++) {
    fillBlock(seed, kind, b + 1);
    const start = Math.max(first, 4 * b);
    const stop = Math.min(first + n, 4 * b + 4);
    for (let word = start; word < stop; word++) {
      out[2 * (word - first)] = BLOCK[2 * (word - 4 * b)];
      out[2 * (word - first) + 1] = BLOCK[2 * (word - 4 * b) + 1];
    }
  }
  return out;
}

/**
 * Turn a 32-bit number into an equally probable one below a bound: u * bound // 2**32, exactly.
 *
 * @param {number} bound from 1 to 2**53 - 1
 * @param {number} u
 */
export function below(bound, u) {
  if (bound <= 2 ** 21) return Math.floor((u * bound) / TWO_32);
  return Number((BigInt(u) * BigInt(bound)) >> 32n);
}

/**
 * Turn a 32-bit number into one between -1/2 and 1/2.
 *
 * @param {number} u
 */
export function centred(u) {
  return (u + 0.5) / TWO_32 - 0.5;
}

/**
 * Fill BLOCK with the four words of a counter.
 *
 * @param {number} seed
 * @param {number} kind
 * @param {number} counter
 */
function fillBlock(seed, kind, counter) {
  let x0High = Math.floor(counter / TWO_32), x0Low = counter >>> 0, x1High = 0, x1Low = 0;
  let x2High = 0, x2Low = 0, x3High = 0, x3Low = kind;
  let k0High = 0, k0Low = seed, k1High = KEY_HIGH, k1Low = KEY_LOW;
  for (let round = 0; round < ROUNDS; round++) {
    multiply(M0_HIGH, M0_LOW, x0High, x0Low);
    const a0 = PRODUCT[0], a1 = PRODUCT[1], a2 = PRODUCT[2], a3 = PRODUCT[3];
    multiply(M1_HIGH, M1_LOW, x2High, x2Low);
    x0High = (PRODUCT[0] ^ x1High ^ k0High) >>> 0;
    x0Low = (PRODUCT[1] ^ x1Low ^ k0Low) >>> 0;
    x1High = PRODUCT[2];
    x1Low = PRODUCT[3];
    x2High = (a0 ^ x3High ^ k1High) >>> 0;
    x2Low = (a1 ^ x3Low ^ k1Low) >>> 0;
    x3High = a2;
    x3Low = a3;
    k0Low += W0_LOW;
    k0High = (k0High + W0_HIGH + (k0Low >= TWO_32 ? 1 : 0)) >>> 0;
    k0Low >>>= 0;
    k1Low += W1_LOW;
    k1High = (k1High + W1_HIGH + (k1Low >= TWO_32 ? 1 : 0)) >>> 0;
    k1Low >>>= 0;
  }
  BLOCK[0] = x0Low;
  BLOCK[1] = x0High;
  BLOCK[2] = x1Low;
  BLOCK[3] = x1High;
  BLOCK[4] = x2Low;
  BLOCK[5] = x2High;
  BLOCK[6] = x3Low;
  BLOCK[7] = x3High;
}

/**
 * Fill PRODUCT with the 128 bits of a product of two 64-bit numbers, highest first.
 *
 * @param {number} aHigh
 * @param {number} aLow
 * @param {number} bHigh
 * @param {number} bLow
 */
function multiply(aHigh, aLow, bHigh, bLow) {
  const low = highHalf(aLow, bLow);
  const left = highHalf(aLow, bHigh);
  const right = highHalf(aHigh, bLow);
  const high = highHalf(aHigh, bHigh);
  // Sums of a few 32-bit numbers are exact.
  let sum = low + (Math.imul(aLow, bHigh) >>> 0) + (Math.imul(aHigh, bLow) >>> 0);
  PRODUCT[3] = Math.imul(aLow, bLow);
  PRODUCT[2] = sum;
  sum = Math.floor(sum / TWO_32) + left + right + (Math.imul(aHigh, bHigh) >>> 0);
  PRODUCT[1] = sum;
  PRODUCT[0] = high + Math.floor(sum / TWO_32);
}

/**
 * Return the high half of the product of two 32-bit numbers.
 *
 * @param {number} a
 * @param {number} b
 */
function highHalf(a, b) {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const left = aLow * bHigh, right = aHigh * bLow;
  const middle = ((aLow * bLow) >>> 16) + (left & 0xffff) + (right & 0xffff);
  return aHigh * bHigh + (left >>> 16) + (right >>> 16) + (middle >>> 16);
}
