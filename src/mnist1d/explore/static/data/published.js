/**
 * Sets from the published random stream: what `mnist1d.generate` and `mnist1d.load` return, up to rounding.
 *
 * Logarithm and exponential differ in the last bit between machines, so that signals differ from Python's by about
 * 1e-14; those of the published configuration are equal as 32-bit floats.
 */

import { configured, InputError } from './config.js';
import { fixedOrder, RandomState } from './legacy.js';
import { apportion } from './rationals.js';
import { Synthesis } from './synthesis.js';

// Streams that are independent of that of the samples.
const LABEL_NOISE = 1;
const SHIFTED_TESTS = 2;

/** @typedef {import('./config.js').Parameters} Parameters */
/** @typedef {import('./config.js').Config} Config */

/**
 * One part of a set: standardised signals, n * final_seq_length values, and labels.
 *
 * @typedef {{x: Float64Array, y: Int32Array}} Part
 */

/**
 * @typedef {object} PublishedSet
 * @property {Part} train with label noise, if there is any
 * @property {Part} validation
 * @property {Part} test
 * @property {Record<string, Part>} shiftedTests
 * @property {Int32Array} clean training labels before noise
 * @property {Uint8Array} redrawn 1 where label noise drew a training label, perhaps the old one
 * @property {number} mean of all raw values of the three parts
 * @property {number} std
 * @property {Int32Array | null} columnOrder the original place of every point
 */

/** Return the published MNIST-1D: 4,000 training and 1,000 test samples. */
export function load() {
  return generateSet();
}

/**
 * Return the set of a configuration.
 *
 * @param {Parameters} [parameters]
 * @returns {PublishedSet}
 * @throws {InputError} if a parameter is wrong, or the values cannot be standardised
 */
export function generateSet(parameters = {}) {
  const config = configured(parameters);
  if (config.max_translation > 2 ** 32) {
    throw new InputError('max_translation must be at most 2**32 in a published set');
  }
  const random = new RandomState(config.seed);
  const raw = rawSamples(config, config.nSamples, random);
  const length = config.final_seq_length;
  const columnOrder = config.shuffle_seq ? random.permutation(length) : fixedOrder(config);
  const { mean, std } = constants(raw.x);
  const all = finished(raw, columnOrder, mean, std, length);
  const order = config.stratified ? stratifiedOrder(all.y, config) : null;
  const nTest = config.nSamples - config.nTest;
  /** @param {number} start @param {number} stop */
  const part = (start, stop) => {
    if (order) return taken(all, order.subarray(start, stop), length);
    return { x: all.x.slice(start * length, stop * length), y: all.y.slice(start, stop) };
  };
  const train = part(0, config.nTrain);
  const clean = train.y;
  const { labels, redrawn } = noisyLabels(clean, config, random);
  const shiftedTests = Object.entries(config.shifted_tests).map(([name, changes]) => {
    const shifted = configured({ ...parameters, ...changes, shifted_tests: {} });
    const samples = rawSamples(shifted, config.nTest, RandomState.derived(config.seed, SHIFTED_TESTS));
    return [name, finished(samples, columnOrder, mean, std, length)];
  });
  return {
    train: { x: train.x, y: labels },
    validation: part(config.nTrain, nTest),
    test: part(nTest, config.nSamples),
    shiftedTests: Object.fromEntries(shiftedTests),
    clean,
    redrawn,
    mean,
    std,
    columnOrder,
  };
}

/**
 * Return signals, not yet standardised, and labels, in random order.
 *
 * @param {Config} config
 * @param {number} n
 * @param {RandomState} random
 * @returns {Part}
 */
function rawSamples(config, n, random) {
  const synthesis = new Synthesis(config);
  const length = config.final_seq_length;
  const x = new Float64Array(n * length);
  const y = new Int32Array(n);
  let row = 0;
  apportion(n, config.shares).forEach((size, place) => {
    for (const end = row + size; row < end; row++) {
      y[row] = config.labels[place];
      synthesis.sampleInto(x.subarray(row * length, (row + 1) * length), y[row], random);
    }
  });
  return taken({ x, y }, random.permutation(n), length);
}

/**
 * @param {Part} part
 * @param {Int32Array} rows
 * @param {number} length
 * @returns {Part}
 */
function taken({ x, y }, rows, length) {
  const signals = new Float64Array(rows.length * length);
  rows.forEach((row, i) => signals.set(x.subarray(row * length, (row + 1) * length), i * length));
  return { x: signals, y: rows.map((row) => y[row]) };
}

/** @param {Float64Array} x */
function constants(x) {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const std = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length);
  if (!Number.isFinite(std)) throw new InputError('the values are too large to be standardised');
  if (std <= 1e-12 * Math.abs(mean)) throw new InputError('all values are the same and cannot be standardised');
  return { mean, std };
}

/**
 * @param {Part} part
 * @param {Int32Array | null} columnOrder
 * @param {number} mean
 * @param {number} std
 * @param {number} length
 * @returns {Part}
 */
function finished({ x, y }, columnOrder, mean, std, length) {
  const signals = x.map((_, i) => {
    const column = i % length;
    return ((columnOrder ? x[i - column + columnOrder[column]] : x[i]) - mean) / std;
  });
  return { x: signals, y };
}

/**
 * Return an order of samples in which every part has the classes in the same shares, to one sample.
 *
 * @param {Int32Array} labels of all parts together
 * @param {Config} config
 */
function stratifiedOrder(labels, config) {
  let left = config.labels.map((label) => {
    /** @type {number[]} */
    const rows = [];
    labels.forEach((each, row) => each === label && rows.push(row));
    return rows;
  });
  const parts = [config.nTrain, config.validation, config.nTest].map((size) => {
    const numbers = apportion(size, left.map((rows) => rows.length));
    const rows = left.flatMap((all, i) => all.slice(0, numbers[i]));
    left = left.map((all, i) => all.slice(numbers[i]));
    return rows.sort((a, b) => a - b);
  });
  return Int32Array.from(parts.flat());
}

/**
 * @param {Int32Array} clean
 * @param {Config} config
 * @param {RandomState} random the stream of the samples, after all else was drawn
 */
function noisyLabels(clean, config, random) {
  const { label_noise: probability, label_noise_kind: kind, labels: classes } = config;
  const labels = clean.slice();
  const redrawn = new Uint8Array(clean.length);
  if (probability === 0) return { labels, redrawn };
  const n = classes.length;
  const own = RandomState.derived(config.seed, LABEL_NOISE);
  for (let i = 0; i < clean.length; i++) {
    const published = kind === 'published';
    const selected = (published ? random : own).uniform() < probability;
    redrawn[i] = Number(selected);
    // A label's noise does not depend on whether others are selected; that of the paper does.
    const choice = published ? 0 : own.uniform();
    if (!selected) continue;
    if (published) labels[i] = classes[random.below(n)];
    else if (kind === 'symmetric') labels[i] = classes[Math.floor(choice * n)];
    else labels[i] = classes[(classes.indexOf(clean[i]) + 1 + Math.floor(choice * (n - 1))) % n];
  }
  return { labels, redrawn };
}
