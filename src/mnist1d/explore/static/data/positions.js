/** The order of the points of every sample: `mnist1d.dataset.variants.fixed_order`. */

import { RandomState } from './legacy.js';

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
