/** The bidirectional gated recurrent unit. */

import { Affine, inputs } from './affine.js';
import { split, uniform } from '../threefry.js';

/** @typedef {import('../operations.js').Operations} Operations */

const GATES = 3;
const DIRECTIONS = 2;

/**
 * One bidirectional GRU layer over a signal of single points; all its outputs, flattened, feed one affine map.
 *
 * r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z likewise, n = tanh(W_in x + b_in + r (W_hn h + b_hn)),
 * h' = (1 - z) n + z h; h starts at 0.
 */
export class GRU {
  /**
   * @param {Operations} operations
   * @param {import('./models.js').Sizes} sizes
   */
  constructor(operations, { length, classes, columns, width = 6 }) {
    this.operations = operations;
    this.width = width;
    this.columns = columns;
    this.directions = [0, 1].map((_, d) => new Direction(operations, width, length, columns, d === 1));
    this.output = new Affine(operations, 'output', [classes, length * DIRECTIONS * width], columns);
    /** Shapes of the layer's arrays in the package: gate, direction, hidden unit, and what it is connected with. */
    this.shapes = {
      input_weight: [GATES, DIRECTIONS, width, 1],
      hidden_weight: [GATES, DIRECTIONS, width, width],
      input_bias: [GATES, DIRECTIONS, width],
      hidden_bias: [GATES, DIRECTIONS, width],
    };
    this.own = Object.values(this.shapes).map((shape) => {
      const size = shape.reduce((product, axis) => product * axis);
      return { values: operations.allocate(size), gradient: operations.allocate(size) };
    });
    this.storages = [...this.own, this.output.storage];
    this.x = inputs(operations, length, columns);
    this.outputs = inputs(operations, length * DIRECTIONS * width, columns);
    this.outputGradient = operations.allocate(length * DIRECTIONS * width * columns);
    this.logits = operations.allocate(classes * columns);
    this.logitGradient = operations.allocate(classes * columns);
    this.inputGradient = operations.allocate(length * columns);
    const size = width * columns;
    /** @param {Float32Array} all @param {number} d */
    const steps = (all, d) =>
      Array.from({ length }, (_, t) => all.subarray((DIRECTIONS * t + d) * size, (DIRECTIONS * t + d + 1) * size));
    this.directions.forEach((direction, d) => {
      direction.outputs = steps(this.outputs, d);
      direction.outputGradients = steps(this.outputGradient, d);
    });
  }

  forward() {
    this.directions.forEach((direction, d) => {
      direction.setWeights(this.own.map((storage) => storage.values), d);
      direction.forward(this.x);
    });
    this.output.forward(this.outputs, this.logits);
  }

  backward(withInput = false) {
    this.output.backward(this.outputs, this.logitGradient, this.outputGradient);
    if (withInput) this.inputGradient.fill(0);
    this.directions.forEach((direction, d) => {
      direction.backward(withInput ? this.inputGradient : null);
      direction.getGradients(this.own.map((storage) => storage.gradient), d);
    });
  }

  /** @param {import('../threefry.js').Key} key */
  initialise(key) {
    this.own.forEach(({ values }, i) => values.set(uniform(split(key, i), values.length, this.width)));
    this.output.initialise(split(key, this.own.length));
  }

  arrays() {
    const shapes = Object.entries(this.shapes);
    const own = shapes.map(([name, shape], i) => ({ name, shape, values: this.own[i].values.slice() }));
    return [...own, ...this.output.arrays()];
  }

  /** @param {ArrayLike<number>[]} arrays */
  setArrays(arrays) {
    this.own.forEach(({ values }, i) => values.set(arrays[i]));
    this.output.setArrays(arrays.slice(this.own.length));
  }
}

/**
 * One direction. Per time step its input is a matrix with the rows of the hidden state, the point and ones; the affine
 * maps of all gates are one product with it: those of r and z, and for n that of the hidden state and that of the
 * input.
 */
class Direction {
  /** @type {Float32Array[]} the hidden state after each point goes there, too */
  outputs = [];
  /** @type {Float32Array[]} */
  outputGradients = [];

  /**
   * @param {Operations} operations
   * @param {number} width hidden units
   * @param {number} length points
   * @param {number} columns samples of a batch
   * @param {boolean} reversed whether it begins at the last point
   */
  constructor(operations, width, length, columns, reversed) {
    this.operations = operations;
    this.width = width;
    this.columns = columns;
    this.rows = width + 2;
    this.order = Array.from({ length }, (_, s) => (reversed ? length - 1 - s : s));
    const size = width * columns;
    // One more than there are points, for the state after the last.
    this.inputs = Array.from({ length: length + 1 }, () => operations.allocate(this.rows * columns));
    for (const input of this.inputs) input.fill(1, (width + 1) * columns);
    this.states = this.inputs.map((input) => input.subarray(0, size));
    this.gates = this.order.map(() => operations.allocate(4 * size));
    this.weights = operations.allocate(4 * width * this.rows);
    this.transposed = operations.allocate(this.rows * 4 * width);
    this.gradient = operations.allocate(4 * width * this.rows);
    this.stateGradient = operations.allocate(size);
    this.pointGradient = operations.allocate(columns);
  }

  /** @param {Float32Array} x */
  forward(x) {
    const { operations, inputs: all, states, gates, weights, rows, width, columns } = this;
    this.order.forEach((t, s) => {
      all[s].set(x.subarray(t * columns, (t + 1) * columns), width * columns);
      operations.multiply(gates[s], weights, all[s], 4 * width, rows, columns);
      operations.gruForward(gates[s], states[s], states[s + 1], this.outputs[t]);
    });
  }

  /** @param {Float32Array | null} inputGradient */
  backward(inputGradient) {
    const { operations, inputs: all, states, gates, transposed, gradient, stateGradient, rows, width, columns } = this;
    const point = transposed.subarray(width * 4 * width);
    stateGradient.fill(0);
    for (let s = this.order.length - 1; s >= 0; s--) {
      const t = this.order[s];
      operations.gruBackward(gates[s], states[s], stateGradient, this.outputGradients[t]);
      operations.multiplyTransposed(gradient, gates[s], all[s], 4 * width, rows, columns, s < this.order.length - 1);
      operations.multiply(stateGradient, transposed, gates[s], width, 4 * width, columns, true);
      if (inputGradient === null) continue;
      const place = inputGradient.subarray(t * columns, (t + 1) * columns);
      operations.multiply(place, point, gates[s], 1, 4 * width, columns, true);
    }
  }

  /**
   * Put the weights of a direction into one matrix, of shape (4 * width, rows).
   *
   * @param {Float32Array[]} arrays those of the package
   * @param {number} d
   */
  setWeights([inputWeight, hiddenWeight, inputBias, hiddenBias], d) {
    const { weights, transposed, width, rows } = this;
    for (let block = 0; block < 4; block++) {
      for (let unit = 0; unit < width; unit++) {
        const row = (block * width + unit) * rows;
        // Both maps of the third gate, n, are of its weights: the first with those of the state, the second of the
        // input.
        const from = (Math.min(block, 2) * DIRECTIONS + d) * width + unit;
        const [withState, withInput] = [block < 3, block !== 2];
        for (let k = 0; k < width; k++) weights[row + k] = withState ? hiddenWeight[from * width + k] : 0;
        weights[row + width] = withInput ? inputWeight[from] : 0;
        weights[row + width + 1] = (withInput ? inputBias[from] : 0) + (withState ? hiddenBias[from] : 0);
        for (let k = 0; k < rows; k++) transposed[k * 4 * width + block * width + unit] = weights[row + k];
      }
    }
  }

  /**
   * Take the gradients out of that matrix.
   *
   * @param {Float32Array[]} gradients in the shapes of the package
   * @param {number} d
   */
  getGradients([inputWeight, hiddenWeight, inputBias, hiddenBias], d) {
    const { gradient, width, rows } = this;
    for (let gate = 0; gate < GATES; gate++) {
      for (let unit = 0; unit < width; unit++) {
        const to = (gate * DIRECTIONS + d) * width + unit;
        const ofState = (gate * width + unit) * rows;
        const ofInput = ((gate === 2 ? 3 : gate) * width + unit) * rows;
        hiddenWeight.set(gradient.subarray(ofState, ofState + width), to * width);
        inputWeight[to] = gradient[ofInput + width];
        inputBias[to] = gradient[ofInput + width + 1];
        hiddenBias[to] = gradient[ofState + width + 1];
      }
    }
  }
}
