/** The convolutional network of three strided layers. */

import { Affine, inputs, Layered } from './affine.js';

const KERNELS = [5, 3, 3];
const STRIDE = 2;
const PADDING = 1;

/** Three convolutions of stride 2, each with relu, then one affine map. */
export class CNN extends Layered {
  /**
   * @param {import('../operations.js').Operations} operations
   * @param {import('./models.js').Sizes} sizes
   */
  constructor(operations, sizes) {
    const { classes, columns, width: channels = 25 } = sizes;
    let length = sizes.length;
    const convolutions = KERNELS.map((kernel, i) => {
      const name = `convolutions[${i}]`;
      const layer = new Convolution(operations, name, kernel, i ? channels : 1, channels, length, columns);
      length = layer.outLength;
      return layer;
    });
    const output = new Affine(operations, 'output', [classes, channels * length], columns);
    super(operations, sizes, [...convolutions.map((layer) => layer.map), output]);
    this.convolutions = convolutions;
    this.output = output;
    /** The outputs of the convolutions, flattened. */
    this.last = inputs(operations, channels * length, columns);
    const size = channels * length * columns;
    this.units = convolutions.map((layer, i) =>
      i === KERNELS.length - 1 ? this.last.subarray(0, size) : operations.allocate(layer.outSize),
    );
    this.gradients = convolutions.map((layer) => operations.allocate(layer.outSize));
  }

  forward() {
    let x = this.x;
    this.convolutions.forEach((layer, i) => {
      layer.forward(x, this.units[i]);
      this.operations.relu(this.units[i]);
      x = this.units[i];
    });
    this.output.forward(this.last, this.logits);
  }

  backward(withInput = false) {
    const { operations, convolutions, units, gradients } = this;
    this.output.backward(this.last, this.logitGradient, gradients[gradients.length - 1]);
    for (let i = convolutions.length - 1; i >= 0; i--) {
      operations.reluGradient(gradients[i], units[i]);
      const below = withInput ? this.inputGradient : null;
      convolutions[i].backward(gradients[i], i > 0 ? gradients[i - 1] : below);
    }
  }
}

/** A convolution as one product: the windows of the whole batch are the columns of a matrix. */
class Convolution {
  /**
   * @param {import('../operations.js').Operations} operations
   * @param {string} name
   * @param {number} kernel taps
   * @param {number} channels of the input
   * @param {number} outChannels
   * @param {number} length points of the input
   * @param {number} columns samples of a batch
   */
  constructor(operations, name, kernel, channels, outChannels, length, columns) {
    const outLength = Math.floor((length + 2 * PADDING - kernel) / STRIDE) + 1;
    const width = outLength * columns;
    this.operations = operations;
    this.outLength = outLength;
    this.outSize = outChannels * width;
    this.map = new Affine(operations, name, [outChannels, kernel, channels], width);
    this.windows = inputs(operations, kernel * channels, width);
    this.windowGradient = operations.allocate(kernel * channels * width);
    /** Rows of a window matrix and of the input that have the same values, with their gradients. */
    this.pairs = [];
    for (let tap = 0; tap < kernel; tap++) {
      for (let channel = 0; channel < channels; channel++) {
        for (let place = 0; place < outLength; place++) {
          const from = STRIDE * place + tap - PADDING;
          if (from < 0 || from >= length) continue;
          const row = ((tap * channels + channel) * outLength + place) * columns;
          const at = (channel * length + from) * columns;
          this.pairs.push({ row, at });
        }
      }
    }
    this.columns = columns;
  }

  /**
   * @param {Float32Array} x shape (channels, length, columns)
   * @param {Float32Array} y shape (outChannels, outLength, columns)
   */
  forward(x, y) {
    const { windows, columns } = this;
    for (const { row, at } of this.pairs) windows.set(x.subarray(at, at + columns), row);
    this.map.forward(windows, y);
  }

  /**
   * @param {Float32Array} dy
   * @param {Float32Array | null} dx
   */
  backward(dy, dx) {
    const { windows, windowGradient, columns } = this;
    this.map.backward(windows, dy, dx === null ? null : windowGradient);
    if (dx === null) return;
    dx.fill(0);
    for (const { row, at } of this.pairs) {
      for (let j = 0; j < columns; j++) dx[at + j] += windowGradient[row + j];
    }
  }
}
