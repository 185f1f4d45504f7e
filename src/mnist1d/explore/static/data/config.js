/**
 * The configuration of a dataset: the parameters of `mnist1d.DatasetConfig`, by the same names and with the same
 * bounds.
 *
 * Values come from addresses that anybody may write, so that all are checked here and nowhere after.
 */

import { DEFAULTS, LABEL_NOISE_KINDS, LARGEST_LENGTH, LARGEST_STRENGTH, TEMPLATES } from './constants.js';
import { apportion } from './rationals.js';

/**
 * Parameters as `DatasetConfig.to_dict` returns them; all may be omitted.
 *
 * @typedef {object} Parameters
 * @property {number} [num_samples]
 * @property {number} [train_split]
 * @property {number} [template_len]
 * @property {readonly [number, number]} [padding]
 * @property {number} [scale_coeff]
 * @property {number} [max_translation] at most 2**53 - 1 here
 * @property {number} [corr_noise_scale]
 * @property {number} [iid_noise_scale]
 * @property {number} [shear_scale]
 * @property {boolean} [shuffle_seq]
 * @property {number} [final_seq_length] at most 4096 here
 * @property {number} [seed]
 * @property {number | null} [train]
 * @property {number} [validation]
 * @property {number | null} [test]
 * @property {readonly number[] | null} [classes]
 * @property {readonly number[] | null} [class_proportions]
 * @property {boolean} [stratified]
 * @property {number} [label_noise]
 * @property {string} [label_noise_kind]
 * @property {string | readonly number[]} [positions]
 * @property {number | null} [positions_seed]
 * @property {readonly (readonly number[])[] | null} [templates]
 * @property {readonly string[] | null} [class_names]
 * @property {Readonly<Record<string, Parameters>>} [shifted_tests]
 * @property {string} [dtype]
 * @property {boolean} [channel_axis]
 */

/**
 * A checked configuration: all parameters, and what follows from them.
 *
 * @typedef {Required<Parameters> & {
 *   heights: readonly (readonly number[])[],
 *   labels: readonly number[],
 *   shares: readonly number[],
 *   stretchedLength: number,
 *   nSamples: number,
 *   nTrain: number,
 *   nTest: number,
 * }} Config
 *
 * `heights` are the templates of all classes; `labels` those that occur, in the order of generation; `shares` their
 * proportions; `stretchedLength` the points of a signal before the final resampling; and the sizes of all parts
 * together, of the training and of the test part.
 */

/** What a user gave is wrong; the message names field, value and what is allowed. */
export class InputError extends Error {
  name = 'InputError';
}

const LARGEST_SIZE = 2 ** 31 - 1;
const LARGEST_SEED = 2 ** 32 - 1;
const POSITIONS = ['original', 'flipped', 'shuffled', 'chunked', 'shuffled_classification', 'shuffled_lottery'];
const SHIFT_PARAMETERS = [
  'padding', 'scale_coeff', 'max_translation', 'corr_noise_scale', 'iid_noise_scale', 'shear_scale',
  'class_proportions',
];

/**
 * Check parameters and fill in the published values of those that are omitted.
 *
 * @param {Parameters} [parameters]
 * @returns {Config}
 * @throws {InputError} if a parameter is unknown, of the wrong type, out of range or contradicts another one
 */
export function configured(parameters = {}) {
  if (parameters === null || typeof parameters !== 'object' || Array.isArray(parameters)) {
    throw new InputError(`a configuration must be an object, not ${shown(parameters)}`);
  }
  for (const name of Object.keys(parameters)) {
    if (!Object.hasOwn(DEFAULTS, name)) throw new InputError(`unknown parameter ${shown(name)}`);
  }
  const given = /** @type {Required<Parameters>} */ ({ ...DEFAULTS, ...parameters });
  checkNumbers(given);
  const heights = given.templates === null ? TEMPLATES : checkedTemplates(given.templates);
  const length = heights[0].length;
  // As in Python, the length of the ten digits gives way to that of own templates.
  if (given.template_len === DEFAULTS.template_len) given.template_len = length;
  integer('template_len', given.template_len, length, length);
  if (given.class_names !== null) checkNames(given.class_names, heights.length);
  checkPadding(given.padding, length);
  const labels = checkedClasses(given.classes, heights.length);
  const shares = given.class_proportions === null ? labels.map(() => 1) : given.class_proportions;
  checkShares(shares, labels.length);
  if (given.label_noise > 0 && given.label_noise_kind === 'other' && labels.length < 2) {
    throw new InputError("label_noise of the kind 'other' must have two classes or more");
  }
  checkPositions(given);
  const stretchedLength = length + given.padding[1];
  const config = { ...given, heights, labels, shares, stretchedLength, ...sizes(given, labels) };
  const smallest = Math.min(...apportion(config.nSamples, shares));
  if (smallest < 1) throw new InputError(`class_proportions leaves a class without any of ${config.nSamples} samples`);
  checkShiftedTests(given.shifted_tests, parameters);
  return Object.freeze(config);
}

/** @param {Required<Parameters>} given */
function checkNumbers(given) {
  integer('num_samples', given.num_samples, 1, LARGEST_SIZE);
  number('train_split', given.train_split, 0, 1);
  if (given.train_split === 0 || given.train_split === 1) {
    throw new InputError(`train_split must be above 0 and below 1, not ${given.train_split}`);
  }
  for (const name of /** @type {const} */ (['scale_coeff', 'corr_noise_scale', 'iid_noise_scale', 'shear_scale'])) {
    number(name, given[name], -LARGEST_STRENGTH, LARGEST_STRENGTH);
  }
  integer('max_translation', given.max_translation, 1, Number.MAX_SAFE_INTEGER);
  integer('final_seq_length', given.final_seq_length, 2, LARGEST_LENGTH);
  integer('seed', given.seed, 0, LARGEST_SEED);
  if (given.train !== null) integer('train', given.train, 1, LARGEST_SIZE);
  integer('validation', given.validation, 0, LARGEST_SIZE);
  if (given.test !== null) integer('test', given.test, 1, LARGEST_SIZE);
  number('label_noise', given.label_noise, 0, 1);
  oneOf('label_noise_kind', given.label_noise_kind, LABEL_NOISE_KINDS);
  if (given.positions_seed !== null) integer('positions_seed', given.positions_seed, 0, LARGEST_SEED);
  oneOf('dtype', given.dtype, ['float64', 'float32']);
  for (const name of /** @type {const} */ (['shuffle_seq', 'stratified', 'channel_axis'])) {
    const value = given[name];
    if (typeof value !== 'boolean') throw new InputError(`${name} must be true or false, not ${shown(value)}`);
  }
}

/** @param {unknown} templates */
function checkedTemplates(templates) {
  const rows = list('templates', templates, 1, 2 ** 16);
  const length = list('templates[0]', rows[0], 2, LARGEST_LENGTH).length;
  return rows.map((row, i) =>
    list(`templates[${i}]`, row, length, length).map((height, j) =>
      number(`templates[${i}][${j}]`, height, -LARGEST_STRENGTH, LARGEST_STRENGTH),
    ),
  );
}

/** @param {unknown} names @param {number} n */
function checkNames(names, n) {
  const texts = list('class_names', names, n, n);
  if (texts.some((text) => typeof text !== 'string' || text === '') || new Set(texts).size < n) {
    throw new InputError(`class_names must be ${n} different texts, one per template, not ${shown(names)}`);
  }
}

/** @param {unknown} padding @param {number} templateLength */
function checkPadding(padding, templateLength) {
  const [lowest, highest] = list('padding', padding, 2, 2);
  integer('padding[1], the highest,', highest, 0, LARGEST_LENGTH - templateLength);
  integer('padding[0], the lowest,', lowest, 0, /** @type {number} */ (highest));
}

/** @param {unknown} classes @param {number} n */
function checkedClasses(classes, n) {
  if (classes === null) return Array.from({ length: n }, (_, label) => label);
  const labels = list('classes', classes, 1, n).map((label, i) => integer(`classes[${i}]`, label, 0, n - 1));
  if (new Set(labels).size < labels.length) throw new InputError(`classes must be different, not ${shown(classes)}`);
  return labels;
}

/** @param {unknown} shares @param {number} n */
function checkShares(shares, n) {
  list('class_proportions', shares, n, n).forEach((share, i) => {
    if (number(`class_proportions[${i}]`, share, 0, LARGEST_STRENGTH) === 0) {
      throw new InputError(`class_proportions must be positive, not ${shown(shares)}`);
    }
  });
}

/** @param {Required<Parameters>} given */
function checkPositions({ positions, final_seq_length: length, shuffle_seq: shuffled }) {
  if (typeof positions === 'string') {
    oneOf('positions', positions, POSITIONS);
  } else {
    const order = list('positions', positions, length, length);
    order.forEach((place, j) => integer(`positions[${j}]`, place, 0, length - 1));
    if (new Set(order).size < length) {
      throw new InputError(`positions must be the integers 0 to ${length - 1} in any order, not ${shown(positions)}`);
    }
  }
  if (positions === 'chunked' && length % 4) {
    throw new InputError(`positions must not be 'chunked' with final_seq_length=${length}, which 4 does not divide`);
  }
  if (shuffled && positions !== 'original') throw new InputError('shuffle_seq must be false if positions are given');
}

/** @param {unknown} shifts @param {Parameters} parameters */
function checkShiftedTests(shifts, parameters) {
  if (shifts === null || typeof shifts !== 'object' || Array.isArray(shifts)) {
    throw new InputError(`shifted_tests must be an object from names to changed parameters, not ${shown(shifts)}`);
  }
  for (const [name, changes] of Object.entries(shifts)) {
    if (!/^[A-Za-z]\w{0,63}$/.test(name) || ['train', 'validation', 'test'].includes(name.toLowerCase())) {
      throw new InputError(`shifted_tests must have names of letters, digits and underscores, not ${shown(name)}`);
    }
    for (const changed of Object.keys(Object(changes))) {
      if (!SHIFT_PARAMETERS.includes(changed)) throw new InputError(`shifted_tests.${name} must not change ${changed}`);
    }
    configured({ ...parameters, .../** @type {Parameters} */ (changes), shifted_tests: {} });
  }
}

/**
 * Return the sizes of all parts together, of the training and of the test part.
 *
 * @param {Required<Parameters>} given
 * @param {readonly number[]} labels
 */
function sizes(given, labels) {
  if ((given.train === null) !== (given.test === null)) throw new InputError('train must come together with test');
  if (given.train !== null && given.test !== null) {
    const nSamples = given.train + given.validation + given.test;
    integer('train, validation and test together', nSamples, labels.length, LARGEST_SIZE);
    return { nSamples, nTrain: given.train, nTest: given.test };
  }
  integer('num_samples', given.num_samples, labels.length, LARGEST_SIZE);
  const rest = given.class_proportions === null ? given.num_samples % labels.length : 0;
  const nSamples = given.num_samples - rest;
  const nSplit = Math.trunc(nSamples * given.train_split);
  const nTrain = nSplit - given.validation;
  if (nTrain < 1 || nSplit === nSamples) {
    throw new InputError(
      `train_split=${given.train_split} and validation=${given.validation} leave a part without samples`,
    );
  }
  return { nSamples, nTrain, nTest: nSamples - nSplit };
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} lowest
 * @param {number} highest
 */
export function integer(name, value, lowest, highest) {
  if (!Number.isInteger(value)) throw new InputError(`${name} must be an integer, not ${shown(value)}`);
  return number(name, value, lowest, highest);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} lowest
 * @param {number} highest
 */
export function number(name, value, lowest, highest) {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new InputError(`${name} must be a finite number, not ${shown(value)}`);
  }
  if (value < lowest || value > highest) {
    throw new InputError(`${name} must be from ${lowest} to ${highest}, not ${shown(value)}`);
  }
  return value;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {readonly string[]} allowed
 */
export function oneOf(name, value, allowed) {
  if (typeof value !== 'string' || !allowed.includes(value)) {
    throw new InputError(`${name} must be one of ${allowed.join(', ')}, not ${shown(value)}`);
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 * @returns {readonly unknown[]}
 */
function list(name, value, least, most) {
  const wanted = least === most ? `${least}` : `${least} to ${most}`;
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    throw new InputError(`${name} must be a list of ${wanted} values, not ${shown(value)}`);
  }
  return value;
}

/** @param {unknown} value */
function shown(value) {
  const text = typeof value === 'string' ? `'${value}'` : String(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
