/**
 * How a page trains models: each in a worker of its own, which answers messages and reports progress.
 *
 *     const training = new Training(({ steps, losses, evaluations }) => draw(steps, losses, evaluations));
 *     await training.start({ model: 'MLP', data: { train, test }, seed: 0 });
 *     await training.pause();
 *     const { losses } = await training.history();
 *     training.stop();
 *
 * Arrays are copied to the worker; the page keeps its own. A Content-Security-Policy needs `script-src 'self'
 * 'wasm-unsafe-eval'` for the kernel, without which training is slower and the same.
 */

/**
 * @typedef {import('./trainer.js').Run & {
 *   nSteps?: number,
 *   evaluateEvery?: number,
 *   stepsPerSecond?: number,
 *   useKernel?: boolean,
 * }} Settings
 *
 * What to train (see `Run`), `nSteps` after which it stops by itself (never), `evaluateEvery` so many steps, from the
 * first on (250), the largest number of `stepsPerSecond` (any) and whether to use the WebAssembly kernel (where there
 * is one).
 */

/**
 * A message to the worker; it answers each, by its id, with a `Reply`.
 *
 * - start: begin a run with settings, or go on without any; `paused` makes the model and no step
 * - pause
 * - step: make `n` steps (1) and stay paused
 * - pace: change `stepsPerSecond`
 * - history: all losses and evaluations, a `History`
 * - weights: copies of all arrays of the model, by name, `NamedArray[]`
 * - evaluate: accuracy, loss and predictions on a part of the data, an `Evaluation`
 * - predict: scores of signals, one row of classes per signal, a `Float32Array`
 * - saliency: derivatives of the scores of labels by the points of their signals, a `Float32Array` like the signals
 * - stop: end the worker
 *
 * @typedef {{id: number} & (
 *   | {type: 'start', settings?: Settings, paused?: boolean}
 *   | {type: 'pause' | 'history' | 'weights' | 'stop'}
 *   | {type: 'step', n?: number}
 *   | {type: 'pace', stepsPerSecond: number}
 *   | {type: 'evaluate', part: string}
 *   | {type: 'predict', x: Float32Array}
 *   | {type: 'saliency', x: Float32Array, labels: ArrayLike<number>}
 * )} Request
 */

/**
 * @typedef {object} State
 * @property {number} steps done
 * @property {boolean} running
 * @property {number} nParameters of the model
 * @property {boolean} usesKernel whether it runs in WebAssembly
 */

/**
 * @typedef {object} Evaluated
 * @property {number} step index of the step after which it took place, as in the package
 * @property {Record<string, {accuracy: number, loss: number}>} parts of the data; losses are in nats
 */

/** @typedef {{losses: number[], evaluations: Evaluated[]}} History the loss of each step's batch before it, in nats */

/** @typedef {{type: 'progress'} & State & History} Progress what is new since the last one */

/**
 * @typedef {{type: 'reply', id: number, value: any}
 *   | {type: 'refusal', id: number, name: string, message: string}} Reply
 */

/** @typedef {Progress | Reply | {type: 'error', message: string}} Report what a worker sends */

const STOPPED = 'the run was stopped';

/** One run in a worker. */
export class Training {
  #lastId = 0;
  #stopped = false;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();

  /**
   * @param {(progress: Progress) => void} onProgress called about 20 times a second, and at every pause
   * @param {(message: string) => void} [onError] called when the worker fails
   */
  constructor(onProgress, onError = () => {}) {
    this.worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
    this.worker.onmessage = ({ data }) => this.#receive(data, onProgress, onError);
    this.worker.onerror = (event) => {
      const message = event.message || 'the worker could not be loaded';
      this.#refuseAll(message);
      onError(message);
    };
  }

  /**
   * Begin a run, or go on.
   *
   * @param {Settings} [settings] of a new run; without them the present one goes on
   * @param {boolean} [paused] whether to make the model and no step
   * @returns {Promise<State>} refused with an `InputError` if a setting is wrong
   */
  start(settings, paused = false) {
    return this.#ask({ type: 'start', settings, paused });
  }

  /** @returns {Promise<State>} */
  pause() {
    return this.#ask({ type: 'pause' });
  }

  /**
   * Make some steps and stay paused.
   *
   * @param {number} [n]
   * @returns {Promise<State>}
   */
  step(n = 1) {
    return this.#ask({ type: 'step', n });
  }

  /**
   * @param {number} stepsPerSecond Infinity for as many as there can be
   * @returns {Promise<State>}
   */
  pace(stepsPerSecond) {
    return this.#ask({ type: 'pace', stepsPerSecond });
  }

  /** @returns {Promise<History>} */
  history() {
    return this.#ask({ type: 'history' });
  }

  /** @returns {Promise<import('./models/affine.js').NamedArray[]>} */
  weights() {
    return this.#ask({ type: 'weights' });
  }

  /**
   * @param {string} part of the data
   * @returns {Promise<import('./trainer.js').Evaluation>}
   */
  evaluate(part) {
    return this.#ask({ type: 'evaluate', part });
  }

  /**
   * @param {Float32Array} x signals, one after the other
   * @returns {Promise<Float32Array>} one row of scores per signal
   */
  predict(x) {
    return this.#ask({ type: 'predict', x });
  }

  /**
   * @param {Float32Array} x signals, one after the other
   * @param {ArrayLike<number>} labels one per signal
   * @returns {Promise<Float32Array>} derivatives of their scores by every point
   */
  saliency(x, labels) {
    return this.#ask({ type: 'saliency', x, labels });
  }

  /** End the worker at once. What was asked and not answered is refused. */
  stop() {
    this.#stopped = true;
    this.worker.terminate();
    this.#refuseAll(STOPPED);
  }

  /**
   * @param {object} request
   * @returns {Promise<any>}
   */
  #ask(request) {
    if (this.#stopped) return Promise.reject(new Error(STOPPED));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...request, id });
    });
  }

  /**
   * @param {Report} report
   * @param {(progress: Progress) => void} onProgress
   * @param {(message: string) => void} onError
   */
  #receive(report, onProgress, onError) {
    if (report.type === 'progress') return onProgress(report);
    if (report.type === 'error') return onError(report.message);
    const waiting = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if (report.type === 'reply') waiting?.resolve(report.value);
    else waiting?.reject(Object.assign(new Error(report.message), { name: report.name }));
  }

  /** @param {string} message */
  #refuseAll(message) {
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }
}
