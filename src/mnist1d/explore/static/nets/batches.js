/** Which samples the batch of every step has: `mnist1d.training.batching`. */

import { key, permutation, split } from './threefry.js';

/**
 * Rows of a step's batch, from the step's index.
 *
 * @typedef {(step: number) => Int32Array} Batches
 */

/**
 * Batches in stored order, over and over; one that reaches the end goes on with the first rows.
 *
 * @param {number} n number of samples
 * @param {number} batchSize from 1 to n
 * @returns {Batches}
 */
export function sequential(n, batchSize) {
  return (step) => Int32Array.from({ length: batchSize }, (_, i) => (step * batchSize + i) % n);
}

/**
 * Batches that are reshuffled each epoch, whose remainder is dropped: `shuffled_order` with the key of a seed.
 *
 * @param {number} n
 * @param {number} batchSize
 * @param {number} seed
 * @returns {Batches}
 */
export function shuffled(n, batchSize, seed) {
  const perEpoch = Math.floor(n / batchSize);
  let epoch = -1;
  let order = new Int32Array(0);
  return (step) => {
    const now = Math.floor(step / perEpoch);
    if (now !== epoch) {
      epoch = now;
      order = permutation(split(key(seed), epoch), n);
    }
    const first = (step % perEpoch) * batchSize;
    return order.subarray(first, first + batchSize);
  };
}

export const ORDERS = { sequential, shuffled };
