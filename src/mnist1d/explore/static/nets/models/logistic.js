/** Multinomial logistic regression. */

import { Affine } from './affine.js';
import { Layered } from './layered.js';

export class Logistic extends Layered {
  /**
   * @param {import('../operations.js').Operations} operations
   * @param {import('./models.js').Sizes} sizes
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
