/** Logistic regression and the multilayer perceptron, whose layers are affine maps of all their inputs. */

import { Affine, inputs, Layered } from './affine.js';

/** @typedef {import('../operations.js').Operations} Operations */
/** @typedef {import('./models.js').Sizes} Sizes */

/** Multinomial logistic regression. */
export class Logistic extends Layered {
  /**
   * @param {Operations} operations
   * @param {Sizes} sizes
   */
  constructor(operations, sizes) {
    const output = new Affine(operations, 'output', [sizes.classes, sizes.length], sizes.columns);
    super(operations, sizes, [output]);
    this.output = output;
  }

  forward() {
    this.output.forward(this.x, this.logits);
  }

  backward(withInput = false) {
    this.output.backward(this.x, this.logitGradient, withInput ? this.inputGradient : null);
  }
}

/** Two hidden layers: with a = relu(W1 x), the second one is a + relu(W2 a) (residual) or relu(W2 a). */
export class MLP extends Layered {
  /**
   * @param {Operations} operations
   * @param {Sizes} sizes
   */
  constructor(operations, sizes) {
    const { length, classes, columns, width = 100, residual = true } = sizes;
    const hidden = new Affine(operations, 'hidden', [width, length], columns);
    const second = new Affine(operations, 'second', [width, width], columns);
    const output = new Affine(operations, 'output', [classes, width], columns);
    super(operations, sizes, [hidden, second, output]);
    this.hidden = hidden;
    this.second = second;
    this.output = output;
    this.residual = residual;
    const size = width * columns;
    this.first = inputs(operations, width, columns);
    this.firstUnits = this.first.subarray(0, size);
    this.added = operations.allocate(size);
    this.last = inputs(operations, width, columns);
    this.lastUnits = this.last.subarray(0, size);
    this.firstGradient = operations.allocate(size);
    this.addedGradient = operations.allocate(size);
    this.lastGradient = operations.allocate(size);
  }

  forward() {
    const { operations, firstUnits, added, lastUnits } = this;
    this.hidden.forward(this.x, firstUnits);
    operations.relu(firstUnits);
    this.second.forward(this.first, added);
    operations.relu(added);
    lastUnits.set(added);
    if (this.residual) operations.add(lastUnits, firstUnits);
    this.output.forward(this.last, this.logits);
  }

  backward(withInput = false) {
    const { operations, firstGradient, addedGradient, lastGradient } = this;
    this.output.backward(this.last, this.logitGradient, lastGradient);
    addedGradient.set(lastGradient);
    operations.reluGradient(addedGradient, this.added);
    this.second.backward(this.first, addedGradient, firstGradient);
    if (this.residual) operations.add(firstGradient, lastGradient);
    operations.reluGradient(firstGradient, this.firstUnits);
    this.hidden.backward(this.x, firstGradient, withInput ? this.inputGradient : null);
  }
}
