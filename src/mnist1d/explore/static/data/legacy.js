/**
 * NumPy's legacy random stream, `numpy.random.RandomState`: the Mersenne Twister MT19937 and the distributions that
 * NumPy keeps as they are.
 */

const SIZE = 624;
const SHIFT = 397;

export class RandomState {
  /** @type {Uint32Array} */
  #state = new Uint32Array(SIZE);
  #used = SIZE;
  /** @type {number | null} */
  #spareNormal = null;

  /**
   * @param {number} seed an integer from 0 to 2**32 - 1
   */
  constructor(seed) {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      state[i] = Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1_812_433_253) + i;
    }
  }

  /**
   * Return a stream of its own, independent of that of the seed: `mnist1d.dataset.variants.derived_stream`.
   *
   * @param {number} seed
   * @param {number} purpose a small whole number
   */
  static derived(seed, purpose) {
    const stream = new RandomState(0);
    stream.#state = seedSequenceState([seed, 0, 0, 0, purpose]);
    stream.#state[0] = 0x80000000;
    stream.#used = SIZE - 1;
    return stream;
  }

  /** Return the next 32 random bits. */
  word() {
    const state = this.#state;
    if (this.#used === SIZE) {
      for (let k = 0; k < SIZE; k++) {
        const bits = (state[k] & 0x80000000) | (state[(k + 1) % SIZE] & 0x7fffffff);
        state[k] = state[(k + SHIFT) % SIZE] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
      }
      this.#used = 0;
    }
    let word = state[this.#used++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  /** Return a uniform number, at least 0 and below 1. */
  uniform() {
    const high = this.word() >>> 5;
    return (high * 67_108_864 + (this.word() >>> 6)) / 9_007_199_254_740_992;
  }

  /** Return a standard normal number, by the polar method. */
  normal() {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    let x, y, square;
    do {
      x = 2 * this.uniform() - 1;
      y = 2 * this.uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    this.#spareNormal = factor * x;
    return factor * y;
  }

  /**
   * Return a whole number from 0 to below a bound.
   *
   * @param {number} bound from 1, for which no random number is used, to 2**32
   */
  below(bound) {
    if (bound === 1) return 0;
    const mask = 2 ** (32 - Math.clz32(bound - 1)) - 1;
    let value;
    do {
      value = (this.word() & mask) >>> 0;
    } while (value >= bound);
    return value;
  }

  /**
   * Return the numbers 0 to n - 1 in random order.
   *
   * @param {number} n
   */
  permutation(n) {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const moved = order[i];
      order[i] = order[j];
      order[j] = moved;
    }
    return order;
  }
}

/**
 * Return what NumPy's `SeedSequence` makes of some entropy: the state of a Mersenne Twister.
 *
 * @param {number[]} entropy 32-bit numbers, four or more
 */
function seedSequenceState(entropy) {
  const pool = new Uint32Array(4);
  let constant = 0x43b0d7e5;
  /** @param {number} value */
  const hashed = (value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  /** @param {number} place @param {number} value */
  const mix = (place, value) => {
    const mixed = Math.imul(0xca01f9dd, pool[place]) - Math.imul(0x4973f715, value);
    pool[place] = mixed ^ ((mixed >>> 0) >>> 16);
  };
  for (let i = 0; i < 4; i++) pool[i] = hashed(entropy[i]);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) mix(to, hashed(pool[from]));
  }
  for (const value of entropy.slice(4)) for (let to = 0; to < 4; to++) mix(to, hashed(value));
  const state = new Uint32Array(SIZE);
  constant = 0x8b51f9dd;
  for (let i = 0; i < SIZE; i++) {
    let value = pool[i % 4] ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    value = Math.imul(value, constant);
    state[i] = value ^ (value >>> 16);
  }
  return state;
}

/** @type {Record<string, number>} */
const PUBLISHED_SEEDS = { shuffled_classification: 42, shuffled_lottery: 0 };

/**
 * Return the original place of every point, or null for the original order.
 *
 * @param {Pick<import('./config.js').Config, 'positions' | 'positions_seed' | 'seed' | 'final_seq_length'>} config
 * @returns {Int32Array | null}
 */
export function fixedOrder(config) {
  const { positions, final_seq_length: length } = config;
  if (typeof positions !== 'string') return Int32Array.from(positions);
  if (positions === 'original') return null;
  if (positions === 'flipped') return Int32Array.from({ length }, (_, j) => length - 1 - j);
  if (positions === 'chunked') return Int32Array.from({ length }, (_, j) => (j + length / 2) % length);
  const seed = PUBLISHED_SEEDS[positions] ?? config.positions_seed ?? config.seed;
  return new RandomState(seed).permutation(length);
}
