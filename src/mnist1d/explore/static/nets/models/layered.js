/** What models of several affine maps have in common. */

import { inputs } from './affine.js';
import { split } from '../threefry.js';

/** @typedef {import('./affine.js').Affine} Affine */

/** A model whose weights are those of affine maps. */
export class Layered {
  /**
   * @param {import('../operations.js').Operations} operations
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
