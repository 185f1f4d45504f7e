/** One run: a model, its data and its optimiser. It knows neither workers nor pages. */

import { InputError, integer, number, oneOf } from '../data/config.js';
import { ORDERS } from './batches.js';
import { crossEntropy } from './loss.js';
import { MODELS } from './models/models.js';
import { COLUMNS, withOperations } from './operations.js';
import { OPTIMISERS } from './optimisers.js';
import { key } from './threefry.js';

/**
 * @typedef {object} Part samples
 * @property {Float32Array} x signals, one after the other
 * @property {ArrayLike<number>} y labels, from 0
 */

/**
 * What to train, and how. What is omitted is as in the paper's Table 1.
 *
 * @typedef {object} Run
 * @property {string} model Logistic, MLP, CNN or GRU
 * @property {Record<string, Part>} data by part; all that are not `train` are evaluated as well
 * @property {number} [length] points of a signal, 40
 * @property {number} [classes] 10
 * @property {number} [width] hidden units of the MLP (100), channels of the CNN (25), hidden units per direction of the
 *   GRU (6)
 * @property {boolean} [residual] whether the MLP's second layer adds to its first (true)
 * @property {string} [optimiser] adam, momentum (0.9) or sgd
 * @property {number} [learningRate] 0.01
 * @property {number} [batchSize] 100
 * @property {'sequential' | 'shuffled'} [order] of the samples
 * @property {number} [seed] key of the initial weights, and of shuffled batches: an integer from 0 to 2**32 - 1
 * @property {ArrayLike<number>[]} [weights] initial weights, in the order of `Trainer.weights`, in place of drawn ones
 */

/**
 * Mean loss in nats, the share of right predictions (NaN if a score is not finite), and the classes with the largest
 * scores.
 *
 * @typedef {{accuracy: number, loss: number, predictions: Uint8Array}} Evaluation
 */

const LARGEST_SIZE = 4096;

export class Trainer {
  /** Steps done. */
  steps = 0;

  /**
   * @param {Run} run
   * @param {WebAssembly.Module | null} kernel from `loadKernel`; plain JavaScript without one
   * @throws {InputError} if a setting is wrong
   */
  constructor(run, kernel) {
    const { length = 40, classes = 10, batchSize = 100, learningRate = 0.01, seed = 0, width, residual } = run;
    const { optimiser = 'adam', order = 'sequential', data } = run;
    oneOf('model', run.model, Object.keys(MODELS));
    oneOf('optimiser', optimiser, Object.keys(OPTIMISERS));
    oneOf('order', order, Object.keys(ORDERS));
    integer('length', length, 9, LARGEST_SIZE);
    integer('classes', classes, 1, 256);
    if (width !== undefined) integer('width', width, 1, LARGEST_SIZE);
    integer('seed', seed, 0, 2 ** 32 - 1);
    number('learningRate', learningRate, Number.MIN_VALUE, 1e6);
    for (const [name, part] of Object.entries(data)) checkPart(name, part, length, classes);
    if (data.train === undefined) throw new InputError('data must have a part named train');
    const nTrain = data.train.y.length;
    integer('batchSize', batchSize, 1, nTrain);
    this.length = length;
    this.classes = classes;
    this.batchSize = batchSize;
    this.data = data;
    this.columns = Math.ceil(batchSize / COLUMNS) * COLUMNS;
    this.batches = ORDERS[order](nTrain, batchSize, seed);
    const built = withOperations(kernel, (operations) => {
      const model = new MODELS[run.model](operations, { length, classes, columns: this.columns, width, residual });
      return { model, update: OPTIMISERS[optimiser](operations, model.storages, learningRate) };
    });
    this.model = built.model;
    this.update = built.update;
    if (run.weights === undefined) this.model.initialise(key(seed));
    else this.setWeights(run.weights);
    this.labels = new Int32Array(batchSize);
    /** @readonly */
    this.nParameters = this.weights().reduce((sum, { values }) => sum + values.length, 0);
  }

  /** Make a step; return the loss of its batch before it. */
  step() {
    const { model, data: { train }, labels } = this;
    const rows = this.batches(this.steps);
    this.#show(train.x, rows, 0, rows.length);
    for (let i = 0; i < rows.length; i++) labels[i] = train.y[rows[i]];
    model.forward();
    const { loss } = crossEntropy(model.logits, labels, rows.length, this.columns, model.logitGradient);
    model.backward();
    this.update();
    this.steps++;
    return loss;
  }

  /**
   * @param {string} name of a part of the data
   * @returns {Evaluation}
   */
  evaluate(name) {
    const { x, y } = this.data[name];
    const predictions = new Uint8Array(y.length);
    let loss = 0;
    let accuracy = 0;
    this.#forEachBatch(x, (first, n) => {
      const labels = Array.prototype.slice.call(y, first, first + n);
      const some = predictions.subarray(first);
      const found = crossEntropy(this.model.logits, labels, n, this.columns, undefined, some);
      loss += found.loss * n;
      accuracy += found.accuracy * n;
    });
    return { accuracy: accuracy / y.length, loss: loss / y.length, predictions };
  }

  /**
   * Return the scores of the classes.
   *
   * @param {Float32Array} x signals, one after the other
   * @returns {Float32Array} one row of scores per signal
   */
  logits(x) {
    const { classes, columns, model } = this;
    const scores = new Float32Array((x.length / this.length) * classes);
    this.#forEachBatch(x, (first, n) => {
      for (let j = 0; j < n; j++) {
        for (let c = 0; c < classes; c++) scores[(first + j) * classes + c] = model.logits[c * columns + j];
      }
    });
    return scores;
  }

  /**
   * Return how the score of a class changes with every point of a signal.
   *
   * @param {Float32Array} x signals, one after the other
   * @param {ArrayLike<number>} labels the class of each
   * @returns {Float32Array} one row of derivatives per signal
   */
  saliency(x, labels) {
    const { length, columns, model } = this;
    const derivatives = new Float32Array(x.length);
    this.#forEachBatch(x, (first, n) => {
      model.logitGradient.fill(0);
      for (let j = 0; j < n; j++) model.logitGradient[labels[first + j] * columns + j] = 1;
      model.backward(true);
      for (let j = 0; j < n; j++) {
        for (let p = 0; p < length; p++) derivatives[(first + j) * length + p] = model.inputGradient[p * columns + j];
      }
      model.logitGradient.fill(0);
    });
    return derivatives;
  }

  /** Return copies of all weights, with the names and shapes that they have in the package. */
  weights() {
    return this.model.arrays();
  }

  /** @param {ArrayLike<number>[]} arrays */
  setWeights(arrays) {
    const wanted = this.model.arrays();
    if (arrays.length !== wanted.length || arrays.some((each, i) => each.length !== wanted[i].values.length)) {
      const listed = wanted.map(({ name, shape }) => `${name} (${shape.join(', ')})`);
      throw new InputError(`weights must be ${listed.join(', ')}`);
    }
    this.model.setArrays(arrays);
  }

  /**
   * Compute scores batch by batch.
   *
   * @param {Float32Array} x
   * @param {(first: number, n: number) => void} use the first n columns are those of the samples from `first` on
   */
  #forEachBatch(x, use) {
    const n = x.length / this.length;
    for (let first = 0; first < n; first += this.columns) {
      const size = Math.min(this.columns, n - first);
      this.#show(x, null, first, size);
      this.model.forward();
      use(first, size);
    }
  }

  /**
   * Put signals into the columns of the model's input, and zeros into those that are left.
   *
   * @param {Float32Array} x
   * @param {Int32Array | null} rows which signals, all if null
   * @param {number} first
   * @param {number} n
   */
  #show(x, rows, first, n) {
    const { length, columns, model } = this;
    for (let j = 0; j < n; j++) {
      const from = (rows === null ? first + j : rows[first + j]) * length;
      for (let p = 0; p < length; p++) model.x[p * columns + j] = x[from + p];
    }
    for (let j = n; j < columns; j++) for (let p = 0; p < length; p++) model.x[p * columns + j] = 0;
  }
}

/**
 * @param {string} name
 * @param {Part} part
 * @param {number} length
 * @param {number} classes
 */
function checkPart(name, { x, y }, length, classes) {
  if (y.length === 0 || x.length !== y.length * length) {
    throw new InputError(`data.${name} must have ${length} values for each of one or more labels`);
  }
  for (let i = 0; i < y.length; i++) integer(`data.${name}.y[${i}]`, y[i], 0, classes - 1);
}
