/** Classes of samples and their noise, as in `mnist1d.stream.bits`. */

import { below, LABELS, NOISE, words } from './philox.js';
import { thresholds } from './rationals.js';

/** @typedef {import('./config.js').Config} Config */

/**
 * Return the class of each sample before noise, as a place in `config.labels`.
 *
 * With equal class sizes, every group of as many samples as there are classes has each class once, in the order of
 * sorted random words. With proportions, each sample draws its own class.
 *
 * @param {Config} config
 * @param {readonly number[]} indices
 * @returns {Int32Array}
 */
export function classPlaces(config, indices) {
  const places = new Int32Array(indices.length);
  if (config.class_proportions !== null) {
    const first = thresholds(config.class_proportions);
    indices.forEach((index, row) => {
      const [low, high] = words(config.seed, LABELS, index, 1);
      places[row] = first.filter((word) => word.high < high || (word.high === high && word.low <= low)).length;
    });
    return places;
  }
  const n = config.labels.length;
  let group = -1;
  /** @type {number[]} */
  let order = [];
  indices.forEach((index, row) => {
    if (Math.floor(index / n) !== group) {
      group = Math.floor(index / n);
      order = randomOrder(config.seed, group * n, n);
    }
    places[row] = order[index - group * n];
  });
  return places;
}

/**
 * Return the classes of samples after noise, and which of them it drew.
 *
 * @param {Config} config
 * @param {Int32Array} places before noise
 * @param {readonly number[]} indices
 */
export function noisyPlaces(config, places, indices) {
  const noisy = places.slice();
  const redrawn = new Uint8Array(places.length);
  if (config.label_noise === 0) return { places: noisy, redrawn };
  const n = config.labels.length;
  const bound = Math.floor(config.label_noise * 2 ** 32);
  indices.forEach((index, row) => {
    const [chance, choice] = words(config.seed, NOISE, index, 1);
    if (chance >= bound) return;
    redrawn[row] = 1;
    const other = config.label_noise_kind === 'other';
    noisy[row] = other ? (places[row] + 1 + below(n - 1, choice)) % n : below(n, choice);
  });
  return { places: noisy, redrawn };
}

/**
 * Return the numbers 0 to n - 1 in the order of random words, whose lowest 16 bits each number replaces.
 *
 * @param {number} seed
 * @param {number} first number of the first word
 * @param {number} n
 */
function randomOrder(seed, first, n) {
  const drawn = words(seed, LABELS, first, n);
  const order = Array.from({ length: n }, (_, place) => place);
  return order.sort(
    (a, b) => drawn[2 * a + 1] - drawn[2 * b + 1] || (drawn[2 * a] >>> 16) - (drawn[2 * b] >>> 16) || a - b,
  );
}
