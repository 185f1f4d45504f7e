/** The four models of the paper, as in `mnist1d.models`, by the same names. */

import { CNN } from './cnn.js';
import { Logistic, MLP } from './dense.js';
import { GRU } from './gru.js';

/** @typedef {import('./affine.js').NamedArray} NamedArray */
/** @typedef {import('./affine.js').Storage} Storage */

/**
 * What a model is made for.
 *
 * @typedef {object} Sizes
 * @property {number} length points of a signal
 * @property {number} classes
 * @property {number} columns samples of a batch, rounded up to a multiple of 8; those beyond it are 0
 * @property {number} [width] hidden units of the MLP, channels of the CNN, hidden units per direction of the GRU
 * @property {boolean} [residual] whether the MLP's second layer adds to its first
 */

/**
 * @typedef {object} Model
 * @property {Float32Array} x signals, shape (length, columns) and below it a row of ones
 * @property {Float32Array} logits shape (classes, columns)
 * @property {Float32Array} logitGradient that of the loss
 * @property {Float32Array} inputGradient shape (length, columns)
 * @property {Storage[]} storages
 * @property {() => void} forward computes logits
 * @property {(withInput?: boolean) => void} backward computes the gradients of the weights, and of the input if wanted
 * @property {(key: import('../threefry.js').Key) => void} initialise
 * @property {() => NamedArray[]} arrays copies of the weights, as the package has them
 * @property {(arrays: ArrayLike<number>[]) => void} setArrays in the order of `arrays`
 */

/** @type {Record<string, new (operations: import('../operations.js').Operations, sizes: Sizes) => Model>} */
export const MODELS = { Logistic, MLP, CNN, GRU };
