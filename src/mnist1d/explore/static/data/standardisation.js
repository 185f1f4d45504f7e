/**
 * Mean and standard deviation of all values of a configuration's distribution, to the last bit those of
 * `mnist1d.stream`.
 *
 * The order of the operations, and of the terms of every sum, is part of the definition (docs/stream-specification.md).
 */

import { InputError } from './config.js';
import { mirrored } from './grid.js';
import { NORMAL_VARIANCE } from './normal.js';

/** A Gaussian filter of width 2: the weight of the centre, of its two neighbours, and so on. */
export const SMOOTHING = [817, 721, 496, 265, 111, 36, 9, 2];

/** Its weights are whole multiples of the reciprocal. */
export const SMOOTHING_UNIT = 4096;
// Of the midpoints of 2**32 equal parts of an interval of length 1.
const UNIFORM_VARIANCE = 1 / 12;
// Thousands of squares of this size still have a finite sum.
const LARGEST_SQUARE = 1e300;

/** @typedef {import('./config.js').Config} Config */
/** @typedef {import('./grid.js').Grid} Grid */

/**
 * @param {Config} config
 * @param {Grid} grid
 * @returns {{mean: number, std: number}}
 * @throws {InputError} if all values are the same, or too large
 */
export function standardisation(config, grid) {
  const { height, square, product, outside, outsideBoth } = shifted(moments(config, grid), config, grid.length);
  const { variance, covariance } = smoothedCovariance(grid.length);
  const smooth = outside.map((share, p) => share * variance[p]);
  const smoothPair = outsideBoth.map((share, p) => share * covariance[p]);
  const { left, rightShare, final } = grid;
  /** @param {Float64Array} single @param {Float64Array} pair @param {number} j @param {number} r */
  const resampled = (single, pair, j, r) =>
    (1 - r) * (1 - r) * single[left[j]] + 2 * r * (1 - r) * pair[left[j]] + r * r * single[left[j] + 1];
  const scaleFactor = 1 + config.scale_coeff * config.scale_coeff * UNIFORM_VARIANCE;
  const smoothScale = config.corr_noise_scale / SMOOTHING_UNIT;
  const smoothFactor = smoothScale * smoothScale * NORMAL_VARIANCE;
  const whiteFactor = config.iid_noise_scale * config.iid_noise_scale * NORMAL_VARIANCE;
  const slopeFactor = config.shear_scale * config.shear_scale * UNIFORM_VARIANCE;
  const means = [];
  const squares = [];
  for (let j = 0; j < final; j++) {
    const r = rightShare[j] / (final - 1);
    means.push((1 - r) * height[left[j]] + r * height[left[j] + 1]);
    const scaled = scaleFactor * resampled(square, product, j, r);
    if (!(scaled < LARGEST_SQUARE)) {
      throw new InputError('the values are too large to be standardised: lower templates or scale_coeff');
    }
    squares.push(scaled, smoothFactor * resampled(smooth, smoothPair, j, r));
    squares.push(whiteFactor * ((1 - r) * (1 - r) + r * r), slopeFactor * grid.line[j] * grid.line[j]);
  }
  const mean = exactSum(means) / final;
  const second = exactSum(squares) / final;
  const spread = second - mean * mean;
  if (spread <= 1e-12 * second) {
    throw new InputError(
      'all values are the same and cannot be standardised: raise final_seq_length, max_translation or a strength',
    );
  }
  return { mean, std: Math.sqrt(spread) };
}

/**
 * Averages for every stretched point: of the height of the digit, of its square and of its product with the next
 * point's; shares of signals whose digit does not cover the point, and covers neither it nor the next.
 *
 * @typedef {Record<'height' | 'square' | 'product' | 'outside' | 'outsideBoth', Float64Array>} Moments
 */

/**
 * @param {Config} config
 * @param {Grid} grid
 * @returns {Moments}
 */
function moments(config, grid) {
  const { length } = grid;
  const empty = () => new Float64Array(length);
  const [height, square, product, outside, outsideBoth] = [empty(), empty(), empty(), empty(), empty()];
  const [lowest, highest] = config.padding;
  const stretched = empty();
  for (let padding = lowest; padding <= highest; padding++) {
    config.shares.forEach((share, place) => {
      for (let p = 0; p < length; p++) {
        stretched[p] = grid.stretchedHeight(place, padding, p) * (grid.heightUnit / (length - 1));
      }
      for (let p = 0; p < length; p++) {
        const scaled = share * stretched[p];
        height[p] += scaled;
        square[p] += scaled * stretched[p];
        product[p] += scaled * stretched[(p + 1) % length];
      }
    });
    for (let p = 0; p < length; p++) {
      const free = !grid.isOfDigit(padding, p);
      outside[p] += Number(free);
      outsideBoth[p] += Number(free && !grid.isOfDigit(padding, (p + 1) % length));
    }
  }
  const nPaddings = highest - lowest + 1;
  const weight = nPaddings * exactSum(config.shares);
  /** @param {Float64Array} values @param {number} by */
  const divided = (values, by) => values.map((value) => value / by);
  return {
    height: divided(height, weight),
    square: divided(square, weight),
    product: divided(product, weight),
    outside: divided(outside, nPaddings),
    outsideBoth: divided(outsideBoth, nPaddings),
  };
}

/**
 * Average over the shifts; one as long as the signal or longer moves nothing.
 *
 * @param {Moments} all
 * @param {Config} config
 * @param {number} length
 * @returns {Moments}
 */
function shifted(all, config, length) {
  const bound = config.max_translation;
  const unmoved = 1 + Math.max(0, bound - length);
  /** @param {Float64Array} values */
  const average = (values) => {
    const total = values.map((value) => value * unmoved);
    for (let shift = 1; shift < Math.min(bound, length); shift++) {
      for (let p = 0; p < shift; p++) total[p] += values[p - shift + length];
      for (let p = shift; p < length; p++) total[p] += values[p - shift];
    }
    return total.map((value) => value / bound);
  };
  return {
    height: average(all.height),
    square: average(all.square),
    product: average(all.product),
    outside: average(all.outside),
    outsideBoth: average(all.outsideBoth),
  };
}

/**
 * Return variance of smoothed noise and covariance with the next point, in 1 / 4096**2: whole numbers.
 *
 * @param {number} length
 */
function smoothedCovariance(length) {
  const variance = new Float64Array(length);
  const covariance = new Float64Array(length);
  const radius = SMOOTHING.length - 1;
  const columns = mirrored(length, radius);
  const weights = new Float64Array(length);
  for (let p = 0; p < length; p++) {
    const next = (p + 1) % length;
    for (let d = -radius; d <= radius; d++) weights[columns[p + d + radius]] += SMOOTHING[Math.abs(d)];
    for (let d = -radius; d <= radius; d++) {
      variance[p] += SMOOTHING[Math.abs(d)] * weights[columns[p + d + radius]];
      covariance[p] += SMOOTHING[Math.abs(d)] * weights[columns[next + d + radius]];
    }
    for (let d = -radius; d <= radius; d++) weights[columns[p + d + radius]] = 0;
  }
  return { variance, covariance };
}

/**
 * Return the exact sum of numbers, rounded once: Python's `math.fsum` (Shewchuk 1997).
 *
 * @param {readonly number[]} values
 */
export function exactSum(values) {
  /** @type {number[]} without common bits, smallest first */
  const parts = [];
  for (let x of values) {
    let kept = 0;
    for (let y of parts) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low !== 0) parts[kept++] = low;
      x = high;
    }
    parts.length = kept;
    parts.push(x);
  }
  let sum = parts.pop() ?? 0;
  while (parts.length > 0) {
    const x = sum;
    const y = /** @type {number} */ (parts.pop());
    sum = x + y;
    const low = y - (sum - x);
    if (low === 0) continue;
    // A tie is decided by what is left.
    const rest = parts.at(-1) ?? 0;
    const twice = 2 * low;
    if ((low < 0 && rest < 0) || (low > 0 && rest > 0)) {
      if (twice === sum + twice - sum) sum += twice;
    }
    break;
  }
  return sum;
}
