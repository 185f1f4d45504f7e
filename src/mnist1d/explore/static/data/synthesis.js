/**
 * The published synthesis in floating point: `mnist1d.dataset.synthesis` with the draws of `draw_transforms`.
 *
 * Smooth noise goes where a stretched point is exactly zero, which depends on the last bit wherever two grid points
 * coincide, so that grids and interpolation follow NumPy's operation by operation.
 */

import { mirrored } from './grid.js';

// Keeps the digit apart from the padding, which is recognised by being exactly zero.
const OFFSET = 1e-8;
const WIDTH = 2;
const RADIUS = 8;

/** @typedef {import('./config.js').Config} Config */

export class Synthesis {
  /** @type {Map<number, Float64Array>} */
  #stretched = new Map();

  /** @param {Config} config */
  constructor(config) {
    const { stretchedLength: length, final_seq_length: final } = config;
    this.config = config;
    this.target = grid(0, length);
    this.line = grid(-0.5, final);
    this.mirror = mirrored(length, RADIUS);
    this.weights = smoothingWeights(config.corr_noise_scale);
    const finalGrid = grid(0, final);
    this.left = Int32Array.from(finalGrid, (t) => Math.min(lastNotAbove(this.target, t), length - 2));
    this.right = finalGrid.map((t, j) => {
      const l = this.left[j];
      return (t - this.target[l]) / (this.target[l + 1] - this.target[l]);
    });
    this.smooth = new Float64Array(length);
    this.white = new Float64Array(length);
    this.signal = new Float64Array(length);
  }

  /**
   * Draw a sample and write its raw signal.
   *
   * @param {Float64Array} out final_seq_length values
   * @param {number} label
   * @param {import('./legacy.js').RandomState} random
   */
  sampleInto(out, label, random) {
    const { config, left, right, line, mirror, weights, smooth, white, signal } = this;
    const length = signal.length;
    const [lowest, highest] = config.padding;
    const padding = lowest + Math.floor((highest - lowest + 1) * random.uniform());
    const scale = 1 + config.scale_coeff * (random.uniform() - 0.5);
    const shift = random.below(config.max_translation);
    for (let p = 0; p < length; p++) smooth[p] = random.normal();
    for (let p = 0; p < length; p++) white[p] = random.normal();
    const shear = config.shear_scale * (random.uniform() - 0.5);

    const stretched = this.#stretchedTemplate(label, padding);
    // One beyond the end leaves the signal whole.
    const moved = shift < length ? shift : 0;
    for (let p = 0; p < length; p++) {
      let height = stretched[(p - moved + length) % length] * scale;
      if (height === 0) {
        height = weights[0] * smooth[p];
        for (let d = 1; d <= RADIUS; d++) {
          height += weights[d] * (smooth[mirror[p + RADIUS - d]] + smooth[mirror[p + RADIUS + d]]);
        }
      }
      signal[p] = height + config.iid_noise_scale * white[p];
    }
    for (let j = 0; j < out.length; j++) {
      out[j] = (1 - right[j]) * signal[left[j]] + right[j] * signal[left[j] + 1] - line[j] * shear;
    }
  }

  /**
   * Return a template with zeros appended, stretched to the common length.
   *
   * @param {number} label
   * @param {number} padding
   */
  #stretchedTemplate(label, padding) {
    const key = label * 2 ** 16 + padding;
    let stretched = this.#stretched.get(key);
    if (stretched === undefined) {
      const template = this.config.heights[label];
      const heights = new Float64Array(template.length + padding);
      template.forEach((height, i) => (heights[i] = height + OFFSET));
      stretched = interpolated(this.target, grid(0, heights.length), heights);
      this.#stretched.set(key, stretched);
    }
    return stretched;
  }
}

/**
 * Return n evenly spaced numbers on an interval of length 1, as `numpy.linspace`.
 *
 * @param {number} start
 * @param {number} n
 */
function grid(start, n) {
  const step = 1 / (n - 1);
  const points = Float64Array.from({ length: n }, (_, i) => i * step + start);
  points[n - 1] = start + 1;
  return points;
}

/**
 * Return the last place whose number is not above a value, at least 0.
 *
 * @param {Float64Array} sorted
 * @param {number} value
 */
function lastNotAbove(sorted, value) {
  let place = Math.min(Math.floor(value * (sorted.length - 1)) + 1, sorted.length - 1);
  while (sorted[place] > value) place--;
  return place;
}

/**
 * Interpolate as `numpy.interp`.
 *
 * @param {Float64Array} x
 * @param {Float64Array} xp rising
 * @param {Float64Array} fp
 */
function interpolated(x, xp, fp) {
  return x.map((value) => {
    const j = lastNotAbove(xp, value);
    if (j === xp.length - 1 || xp[j] === value) return fp[j];
    return ((fp[j + 1] - fp[j]) / (xp[j + 1] - xp[j])) * (value - xp[j]) + fp[j];
  });
}

/**
 * Return the weights of a Gaussian filter, truncated at four widths, times the strength, from the centre on.
 *
 * @param {number} strength
 */
function smoothingWeights(strength) {
  const weights = Array.from({ length: 2 * RADIUS + 1 }, (_, i) => Math.exp(-0.5 * ((i - RADIUS) / WIDTH) ** 2));
  const sum = weights.reduce((total, weight) => total + weight);
  return weights.slice(RADIUS).map((weight) => weight * (strength / sum));
}
