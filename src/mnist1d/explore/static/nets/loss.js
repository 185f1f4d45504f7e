/** The loss and accuracy of classification. */

/**
 * Return mean softmax cross-entropy in nats and the share of samples whose largest logit is the label's, which is NaN
 * if the loss is not finite.
 *
 * @param {Float32Array} logits shape (classes, columns)
 * @param {ArrayLike<number>} labels of the first columns, which count
 * @param {number} n how many columns count
 * @param {number} columns
 * @param {Float32Array} [gradient] that of the loss goes here, shape (classes, columns); other columns stay
 * @param {Uint8Array} [predictions] the classes of the largest logits go here
 */
export function crossEntropy(logits, labels, n, columns, gradient, predictions) {
  const classes = logits.length / columns;
  let loss = 0;
  let correct = 0;
  for (let j = 0; j < n; j++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[c * columns + j] > logits[best * columns + j]) best = c;
    const largest = logits[best * columns + j];
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const term = Math.exp(logits[c * columns + j] - largest);
      sum += term;
      if (gradient) gradient[c * columns + j] = term;
    }
    const label = labels[j];
    loss += Math.log(sum) + largest - logits[label * columns + j];
    if (best === label) correct++;
    if (predictions) predictions[j] = best;
    if (gradient) {
      const scale = 1 / (sum * n);
      for (let c = 0; c < classes; c++) gradient[c * columns + j] *= scale;
      gradient[label * columns + j] -= 1 / n;
    }
  }
  return { loss: loss / n, accuracy: Number.isFinite(loss) ? correct / n : NaN };
}
