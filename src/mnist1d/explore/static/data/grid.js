/**
 * The grids of points of padded templates, stretched and finished signals, in whole numbers, so that no machine can
 * round differently what decides a branch. The counterpart of `_Grid` in `mnist1d.stream.tables`.
 */

import { roundToEven } from './normal.js';

// The tallest template is rounded to this many bits, all others to the same unit.
const HEIGHT_BITS = 24;

/**
 * @typedef {object} Grid
 * @property {number} length points of a stretched signal
 * @property {number} final points of a finished signal
 * @property {Int32Array} left for every final point, its left neighbour among the stretched ones
 * @property {Int32Array} rightShare weight of its right neighbour, in units of 1 / (final - 1)
 * @property {Float64Array} line heights of a line over the final points, from -1/2 to 1/2
 * @property {number} templateLength points of a template
 * @property {number} heightUnit the height that a whole number 1 stands for
 * @property {(place: number, padding: number, p: number) => number} stretchedHeight height of a stretched,
 *   unshifted point of a class, in units of heightUnit / (length - 1)
 * @property {(padding: number, p: number) => boolean} isOfDigit whether an unshifted point belongs to the digit
 */

/**
 * @param {import('./config.js').Config} config
 * @returns {Grid}
 */
export function makeGrid(config) {
  const { stretchedLength: length, final_seq_length: final } = config;
  const [width, steps] = [length - 1, final - 1];
  const left = Int32Array.from({ length: final }, (_, j) => Math.floor((j * width) / steps));
  const rightShare = Int32Array.from({ length: final }, (_, j) => (j * width) % steps);
  // The last point lies on a stretched one that has no right neighbour.
  left[steps] = length - 2;
  rightShare[steps] = steps;
  const line = Float64Array.from({ length: final }, (_, j) => (2 * j - steps) / (2 * steps));

  const rows = config.labels.map((label) => config.heights[label]);
  const templateLength = rows[0].length;
  const heightUnit = 2 ** (exponentOf(rows) - HEIGHT_BITS);
  // Beyond the template there is nothing.
  const heights = rows.map((row) => Int32Array.from([...row.map((height) => roundToEven(height / heightUnit)), 0, 0]));

  return {
    length,
    final,
    left,
    rightShare,
    line,
    templateLength,
    heightUnit,
    stretchedHeight(place, padding, p) {
      const source = p * (templateLength - 1 + padding);
      const share = source % width;
      const row = heights[place];
      const first = Math.min(Math.floor(source / width), templateLength);
      return (width - share) * row[first] + share * row[first + 1];
    },
    isOfDigit: (padding, p) => p * (templateLength - 1 + padding) < templateLength * width,
  };
}

/**
 * Return e, where the largest absolute height is f * 2**e with 1/2 <= f < 1; 0 if all are 0.
 *
 * @param {(readonly number[])[]} rows
 */
function exponentOf(rows) {
  let largest = 0;
  for (const row of rows) for (const height of row) largest = Math.max(largest, Math.abs(height));
  if (largest === 0) return 0;
  // Rounding of the logarithm may miss by one.
  let exponent = Math.floor(Math.log2(largest)) + 1;
  while (largest >= 2 ** exponent) exponent++;
  while (largest < 2 ** (exponent - 1)) exponent--;
  return exponent;
}

/**
 * Return the places that continue a signal beyond its ends as its mirror image, the end point repeated.
 *
 * @param {number} length of the signal
 * @param {number} radius points beyond each end
 * @returns {Int32Array} shape (length + 2 * radius,)
 */
export function mirrored(length, radius) {
  return Int32Array.from({ length: length + 2 * radius }, (_, i) => {
    const place = (i - radius + 2 * length * radius) % (2 * length);
    return place < length ? place : 2 * length - 1 - place;
  });
}
