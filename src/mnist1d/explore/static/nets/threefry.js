/**
 * Random numbers of JAX, from the counter-based generator Threefry-2x32: keys, uniform numbers and permutations, so
 * that a key gives the initial weights and the batches that it gives in `mnist1d.models` and `mnist1d.training`.
 *
 * Source: Salmon et al. (2011); `jax.random` with partitionable keys, its default.
 */

const ROTATIONS = [[13, 15, 26, 6], [17, 29, 16, 24]];
const PARITY = 0x1bd11bda;
const TWO_32 = 2 ** 32;

/** @typedef {readonly [number, number]} Key two 32-bit numbers */

/**
 * Return the key of a seed: `jax.random.key`.
 *
 * @param {number} seed an integer from 0 to 2**32 - 1
 * @returns {Key}
 */
export function key(seed) {
  return [0, seed];
}

/**
 * Return one of the keys that a key is split into: `jax.random.split(key, n)[i]`, for any n.
 *
 * @param {Key} from
 * @param {number} i
 * @returns {Key}
 */
export function split(from, i) {
  return threefry(from, 0, i);
}

/**
 * Return uniform numbers from -bound to bound: `mnist1d.models.layers.uniform`.
 *
 * @param {Key} from
 * @param {number} n
 * @param {number} fanIn inputs of a unit; the bound is 1 / sqrt(fanIn)
 */
export function uniform(from, n, fanIn) {
  const bound = Math.fround(1 / Math.sqrt(fanIn));
  return Float32Array.from({ length: n }, (_, i) => {
    const share = (word(from, i) >>> 9) / 2 ** 23;
    return Math.max(-bound, Math.fround(share * 2 * bound) - bound);
  });
}

/**
 * Return the numbers 0 to n - 1 in random order: `jax.random.permutation`.
 *
 * @param {Key} from
 * @param {number} n
 */
export function permutation(from, n) {
  const order = Array.from({ length: n }, (_, i) => i);
  const words = new Float64Array(n);
  // Sorted several times, so that equal words hardly matter.
  const nRounds = Math.ceil((3 * Math.log(n)) / Math.log(TWO_32 - 1));
  for (let round = 0; round < nRounds; round++) {
    const own = split(from, 1);
    from = split(from, 0);
    order.forEach((row, place) => (words[row] = word(own, place)));
    order.sort((a, b) => words[a] - words[b]);
  }
  return Int32Array.from(order);
}

/** @param {Key} from @param {number} i */
function word(from, i) {
  const [high, low] = threefry(from, 0, i);
  return (high ^ low) >>> 0;
}

/**
 * @param {Key} from
 * @param {number} high
 * @param {number} low
 * @returns {Key}
 */
function threefry(from, high, low) {
  const keys = [from[0], from[1], from[0] ^ from[1] ^ PARITY];
  let x = (high + keys[0]) | 0;
  let y = (low + keys[1]) | 0;
  for (let group = 0; group < 5; group++) {
    for (const by of ROTATIONS[group % 2]) {
      x = (x + y) | 0;
      y = ((y << by) | (y >>> (32 - by))) ^ x;
    }
    x = (x + keys[(group + 1) % 3]) | 0;
    y = (y + keys[(group + 2) % 3] + group + 1) | 0;
  }
  return [x >>> 0, y >>> 0];
}
