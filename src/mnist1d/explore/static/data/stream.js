/**
 * The native stream: samples that are, bit for bit, those of `mnist1d.stream.Stream`.
 *
 * Sample i is a function of configuration and index. The random draws are kept apart from the synthesis: they depend on
 * seed and number of stretched points alone, so that a strength, or the templates, can change under the same draws.
 *
 *     let shown = generate({ seed: 7 }, [0, 1, 2]);
 *     shown = generate({ seed: 7, iid_noise_scale: 0.1 }, [0, 1, 2], shown.draws);
 */

import { configured, InputError, integer } from './config.js';
import { makeGrid, mirrored } from './grid.js';
import { fixedOrder } from './legacy.js';
import { NORMAL_TABLE, NORMAL_UNIT } from './normal.js';
import { below, centred, CORRELATED, FACTORS, LABELS, NOISE, WHITE, words } from './philox.js';
import { thresholds } from './rationals.js';
import { SMOOTHING, SMOOTHING_UNIT, standardisation } from './standardisation.js';

/** Samples are numbered from 0 to below this one: a million million. (Python's stream goes to 2**62.) */
export const LARGEST_INDEX = 2 ** 40;

const f32 = Math.fround;

/** @typedef {import('./config.js').Parameters} Parameters */
/** @typedef {import('./config.js').Config} Config */

/**
 * The random part of samples.
 *
 * @typedef {object} Draws
 * @property {number} seed
 * @property {number} length points of a stretched signal
 * @property {readonly number[]} indices of the samples
 * @property {Uint32Array} factors four 32-bit numbers per sample: for padding, scale, shift and slope
 * @property {Int32Array} smooth smoothed noise, `length` numbers per sample, in units of 1 / (512 * 4096)
 * @property {Int16Array} white normal values, `length` numbers per sample, in units of 1 / 512
 */

/**
 * @typedef {object} Samples
 * @property {Float32Array} x standardised signals, one after the other, n * final_seq_length values
 * @property {Int32Array} y labels, with their noise
 * @property {Int32Array} clean labels without it
 * @property {Uint8Array} redrawn 1 where label noise drew a label, perhaps the old one
 * @property {Draws} draws
 */

/** The fixed part of the synthesis of a configuration. */
export class Stream {
  /**
   * @param {Parameters} [parameters] those of `DatasetConfig`; sizes, split, shifted test sets and dtype have no effect
   * @throws {InputError} if a parameter is wrong, or does not exist in a stream (shuffle_seq, published label noise)
   */
  constructor(parameters = {}) {
    const config = configured(parameters);
    if (config.shuffle_seq) throw new InputError("shuffle_seq must be false in a stream; use positions 'shuffled'");
    if (config.label_noise > 0 && config.label_noise_kind === 'published') {
      throw new InputError("label_noise_kind must not be 'published' in a stream; use 'symmetric'");
    }
    /** @readonly */
    this.config = config;
    /** @readonly */
    this.grid = makeGrid(config);
    const { mean, std } = standardisation(config, this.grid);
    /** @readonly mean of all values of the distribution, before standardisation */
    this.mean = mean;
    /** @readonly their standard deviation */
    this.std = std;
    /** @readonly the original place of every point, or null */
    this.columnOrder = fixedOrder(config);
  }

  /**
   * Return the random part of samples.
   *
   * @param {readonly number[]} indices from 0 to below `LARGEST_INDEX`
   * @returns {Draws}
   */
  draws(indices) {
    const { config: { seed }, grid: { length } } = this;
    const n = indices.length;
    const factors = new Uint32Array(4 * n);
    const smooth = new Int32Array(n * length);
    const white = new Int16Array(n * length);
    const normal = new Int16Array(length);
    const continued = mirrored(length, SMOOTHING.length - 1);
    indices.forEach((index, row) => {
      integer('index', index, 0, LARGEST_INDEX - 1);
      words(seed, FACTORS, 2 * index, 2, factors.subarray(4 * row, 4 * row + 4));
      fillNormal(seed, CORRELATED, index, normal);
      smoothInto(smooth.subarray(row * length, (row + 1) * length), normal, continued);
      fillNormal(seed, WHITE, index, white.subarray(row * length, (row + 1) * length));
    });
    return { seed, length, indices: [...indices], factors, smooth, white };
  }

  /**
   * Return whether draws are those of samples of this stream.
   *
   * @param {Draws | undefined} draws
   * @param {readonly number[]} indices
   */
  fits(draws, indices) {
    return (
      draws !== undefined &&
      draws.seed === this.config.seed &&
      draws.length === this.grid.length &&
      draws.indices.length === indices.length &&
      draws.indices.every((index, row) => index === indices[row])
    );
  }

  /**
   * Return padding, factor on the height, shift and slope of a sample, as the synthesis takes them.
   *
   * @param {Draws} draws
   * @param {number} row
   */
  factors({ factors }, row) {
    const { config, grid } = this;
    const [lowest, highest] = config.padding;
    const shift = below(config.max_translation, factors[4 * row + 2]);
    return {
      padding: lowest + below(highest - lowest + 1, factors[4 * row]),
      scale: 1 + config.scale_coeff * centred(factors[4 * row + 1]),
      // One as long as the signal or longer moves nothing.
      shift: shift < grid.length ? shift : 0,
      slope: centred(factors[4 * row + 3]),
    };
  }

  /**
   * Return samples.
   *
   * @param {Draws} draws of the samples
   * @returns {Samples}
   */
  synthesise(draws) {
    const { config, grid, mean, std, columnOrder } = this;
    const { length, final, left, rightShare } = grid;
    const { indices } = draws;
    const [width, steps] = [length - 1, final - 1];
    // Digits are multiplied by the unit and factors divided by it, so that both fit 32 bits.
    const scaleUnit = Math.max(1, Math.abs(config.scale_coeff));
    const digitUnit = (width * steps) / grid.heightUnit;
    const smoothUnit = config.corr_noise_scale / (NORMAL_UNIT * SMOOTHING_UNIT) / std;
    const whiteUnit = f32(config.iid_noise_scale / (NORMAL_UNIT * steps) / std);
    const offset = f32(mean / std);
    const line = Float32Array.from(grid.line, (height) => (config.shear_scale * height) / std);
    const leftStrength = Float32Array.from(rightShare, (share) => ((steps - share) / steps) * smoothUnit);
    const rightStrength = Float32Array.from(rightShare, (share) => (share / steps) * smoothUnit);
    const order = columnOrder ?? Int32Array.from({ length: final }, (_, j) => j);

    const places = classPlaces(config, indices);
    const noisy = noisyPlaces(config, places, indices);
    const x = new Float32Array(indices.length * final);
    const signal = new Float32Array(final);
    for (let row = 0; row < indices.length; row++) {
      const { padding, scale, shift, slope } = this.factors(draws, row);
      const factor = f32(scale / scaleUnit);
      const tilt = f32(slope);
      const at = row * length;
      for (let j = 0; j < final; j++) {
        const l = left[j];
        const share = rightShare[j];
        const first = (l - shift + length) % length;
        const second = (first + 1) % length;
        const height =
          (steps - share) * grid.stretchedHeight(places[row], padding, first) +
          share * grid.stretchedHeight(places[row], padding, second);
        let value = f32(f32(((height / digitUnit) * scaleUnit) / std) * factor);
        const leftFactor = grid.isOfDigit(padding, first) ? 0 : leftStrength[j];
        const rightFactor = grid.isOfDigit(padding, second) ? 0 : rightStrength[j];
        value = f32(value + f32(draws.smooth[at + l] * leftFactor));
        value = f32(value + f32(draws.smooth[at + l + 1] * rightFactor));
        const white = (steps - share) * draws.white[at + l] + share * draws.white[at + l + 1];
        value = f32(value + f32(white * whiteUnit));
        value = f32(value - f32(tilt * line[j]));
        signal[j] = value - offset;
      }
      for (let j = 0; j < final; j++) x[row * final + j] = signal[order[j]];
    }
    /** @param {number} place */
    const label = (place) => config.labels[place];
    return { x, y: noisy.places.map(label), clean: places.map(label), redrawn: noisy.redrawn, draws };
  }
}

/**
 * Return samples of a configuration, under given draws where they fit.
 *
 * @param {Parameters} parameters
 * @param {readonly number[]} indices
 * @param {Draws} [draws] of the same samples, from an earlier call
 * @returns {Samples}
 * @throws {InputError} if a parameter or an index is wrong
 */
export function generate(parameters, indices, draws) {
  const stream = new Stream(parameters);
  return stream.synthesise(draws !== undefined && stream.fits(draws, indices) ? draws : stream.draws(indices));
}

/**
 * Return the indices of samples that follow each other.
 *
 * @param {number} start
 * @param {number} stop
 */
export function range(start, stop) {
  return Array.from({ length: stop - start }, (_, i) => start + i);
}

const NUMBERS = new Uint32Array(2 * 1026);

/**
 * Fill an array with the normal values of a sample.
 *
 * @param {number} seed
 * @param {number} kind
 * @param {number} index
 * @param {Int16Array} out
 */
function fillNormal(seed, kind, index, out) {
  const first = index * out.length;
  const word = Math.floor(first / 4);
  const skipped = first - 4 * word;
  words(seed, kind, word, Math.ceil((skipped + out.length) / 4), NUMBERS);
  for (let p = 0; p < out.length; p++) {
    const half = NUMBERS[(skipped + p) >> 1];
    out[p] = NORMAL_TABLE[(skipped + p) & 1 ? half >>> 16 : half & 0xffff];
  }
}

/**
 * @param {Int32Array} out
 * @param {Int16Array} normal
 * @param {Int32Array} continued
 */
function smoothInto(out, normal, continued) {
  const radius = SMOOTHING.length - 1;
  for (let p = 0; p < out.length; p++) {
    let sum = SMOOTHING[0] * normal[p];
    for (let d = 1; d <= radius; d++) {
      sum += SMOOTHING[d] * (normal[continued[p + radius - d]] + normal[continued[p + radius + d]]);
    }
    out[p] = sum;
  }
}

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
function classPlaces(config, indices) {
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
function noisyPlaces(config, places, indices) {
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
