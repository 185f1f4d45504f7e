/** Optimisers, as in Optax: plain gradient descent, momentum and Adam. */

/** @typedef {import('./models/affine.js').Storage} Storage */
/** @typedef {import('./operations.js').Operations} Operations */

const MOMENTUM = 0.9;
const [B1, B2] = [0.9, 0.999];

/**
 * What makes an optimiser: weights with their gradients and a learning rate give a function that makes a step.
 *
 * @type {Record<string, (operations: Operations, storages: Storage[], rate: number) => () => void>}
 */
export const OPTIMISERS = { sgd, momentum, adam };

/**
 * @param {Operations} _
 * @param {Storage[]} storages
 * @param {number} rate
 */
function sgd(_, storages, rate) {
  return () => {
    for (const { values, gradient } of storages) {
      for (let i = 0; i < values.length; i++) values[i] -= rate * gradient[i];
    }
  };
}

/**
 * @param {Operations} operations
 * @param {Storage[]} storages
 * @param {number} rate
 */
function momentum(operations, storages, rate) {
  const traces = storages.map(({ values }) => operations.allocate(values.length));
  return () => {
    storages.forEach(({ values, gradient }, part) => {
      const trace = traces[part];
      for (let i = 0; i < values.length; i++) {
        trace[i] = gradient[i] + MOMENTUM * trace[i];
        values[i] -= rate * trace[i];
      }
    });
  };
}

/**
 * @param {Operations} operations
 * @param {Storage[]} storages
 * @param {number} rate
 */
function adam(operations, storages, rate) {
  const means = storages.map(({ values }) => operations.allocate(values.length));
  const squares = storages.map(({ values }) => operations.allocate(values.length));
  let step = 0;
  return () => {
    step++;
    const [mScale, vScale] = [1 - B1 ** step, 1 - B2 ** step];
    storages.forEach(({ values, gradient }, part) => {
      operations.adam(values, gradient, means[part], squares[part], rate, mScale, vScale);
    });
  };
}
