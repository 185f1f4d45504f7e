/** The affine map, of which all models are made. */

import { split, uniform } from '../threefry.js';

/** @typedef {import('../operations.js').Operations} Operations */
/** @typedef {import('../threefry.js').Key} Key */

/**
 * Weights that an optimiser changes, with the gradient of the loss.
 *
 * @typedef {{values: Float32Array, gradient: Float32Array}} Storage
 */

/**
 * An array of a model as the package has it: `name` is its path in the Equinox module, `shape` its axes, and the values
 * are in the order of NumPy.
 *
 * @typedef {{name: string, shape: number[], values: Float32Array}} NamedArray
 */

/**
 * y = W x + b for every column of a batch. A row of ones below the inputs makes the bias a column of the weights.
 */
export class Affine {
  /**
   * @param {Operations} operations
   * @param {string} name its path in the model
   * @param {number[]} shape of the weights as the package has them: outputs first, the others are inputs
   * @param {number} columns of a batch
   */
  constructor(operations, name, shape, columns) {
    const outSize = shape[0];
    const inSize = shape.slice(1).reduce((product, size) => product * size);
    this.operations = operations;
    this.name = name;
    this.shape = shape;
    this.columns = columns;
    this.inSize = inSize;
    this.outSize = outSize;
    /** @type {Storage} shape (outSize, inSize + 1) */
    this.storage = {
      values: operations.allocate(outSize * (inSize + 1)),
      gradient: operations.allocate(outSize * (inSize + 1)),
    };
    this.transposed = operations.allocate(inSize * outSize);
  }

  /**
   * @param {Float32Array} x shape (inSize + 1, columns), the last row ones
   * @param {Float32Array} y shape (outSize, columns)
   */
  forward(x, y) {
    this.operations.multiply(y, this.storage.values, x, this.outSize, this.inSize + 1, this.columns);
  }

  /**
   * @param {Float32Array} x
   * @param {Float32Array} dy gradient of y
   * @param {Float32Array | null} dx that of x goes here, shape (inSize, columns)
   */
  backward(x, dy, dx) {
    const { operations, storage, transposed, inSize, outSize, columns } = this;
    operations.multiplyTransposed(storage.gradient, dy, x, outSize, inSize + 1, columns);
    if (dx === null) return;
    for (let i = 0; i < outSize; i++) {
      for (let j = 0; j < inSize; j++) transposed[j * outSize + i] = storage.values[i * (inSize + 1) + j];
    }
    operations.multiply(dx, transposed, dy, inSize, outSize, columns);
  }

  /**
   * Draw initial weights, as the package does from the key.
   *
   * @param {Key} key
   */
  initialise(key) {
    this.setArrays([
      uniform(split(key, 0), this.outSize * this.inSize, this.inSize),
      uniform(split(key, 1), this.outSize, this.inSize),
    ]);
  }

  /** @returns {NamedArray[]} */
  arrays() {
    const { name, shape, inSize, outSize, storage: { values } } = this;
    const weight = Float32Array.from({ length: outSize * inSize }, (_, i) => values[i + Math.floor(i / inSize)]);
    const bias = Float32Array.from({ length: outSize }, (_, i) => values[i * (inSize + 1) + inSize]);
    return [
      { name: `${name}.weight`, shape, values: weight },
      { name: `${name}.bias`, shape: [outSize], values: bias },
    ];
  }

  /** @param {ArrayLike<number>[]} arrays weight and bias, in the order of `arrays` */
  setArrays([weight, bias]) {
    const { inSize, outSize, storage: { values } } = this;
    for (let i = 0; i < outSize; i++) {
      for (let j = 0; j < inSize; j++) values[i * (inSize + 1) + j] = weight[i * inSize + j];
      values[i * (inSize + 1) + inSize] = bias[i];
    }
  }
}

/**
 * Return an array for the inputs of an affine map: zeros, and ones in the last row.
 *
 * @param {Operations} operations
 * @param {number} inSize
 * @param {number} columns
 */
export function inputs(operations, inSize, columns) {
  return operations.allocate((inSize + 1) * columns).fill(1, inSize * columns);
}

/** A model whose weights are those of affine maps. */
export class Layered {
  /**
   * @param {Operations} operations
   * @param {import('./models.js').Sizes} sizes
   * @param {Affine[]} layers
   */
  constructor(operations, { length, classes, columns }, layers) {
    this.operations = operations;
    this.layers = layers;
    this.storages = layers.map((layer) => layer.storage);
    this.x = inputs(operations, length, columns);
    this.logits = operations.allocate(classes * columns);
    this.logitGradient = operations.allocate(classes * columns);
    this.inputGradient = operations.allocate(length * columns);
  }

  /** @param {import('../threefry.js').Key} key */
  initialise(key) {
    this.layers.forEach((layer, i) => layer.initialise(this.layers.length === 1 ? key : split(key, i)));
  }

  arrays() {
    return this.layers.flatMap((layer) => layer.arrays());
  }

  /** @param {ArrayLike<number>[]} arrays */
  setArrays(arrays) {
    this.layers.forEach((layer, i) => layer.setArrays(arrays.slice(2 * i, 2 * i + 2)));
  }
}
