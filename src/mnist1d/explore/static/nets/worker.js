/** The script of a Web Worker that trains one model: it answers the messages of protocol.js. */

import { integer, number } from '../data/config.js';
import { loadKernel } from './operations.js';
import { Trainer } from './trainer.js';

/** @typedef {import('./protocol.js').Request} Request */
/** @typedef {import('./protocol.js').Reply} Reply */
/** @typedef {import('./protocol.js').Settings} Settings */
/** @typedef {import('./protocol.js').Report} Report */

// Milliseconds of training between two looks at the messages, and between two reports.
const SLICE = 12;
const REPORT_EVERY = 50;

const kernel = loadKernel();

/** A run that can be paused, with what it has recorded. */
class Session {
  running = false;
  /** @type {number[]} */
  losses = [];
  /** @type {import('./protocol.js').Evaluated[]} */
  evaluations = [];
  /** What the page was told: numbers of losses and of evaluations. */
  told = { losses: 0, evaluations: 0 };
  reported = 0;
  /** When the run was last resumed, and after how many steps. */
  resumed = { time: 0, steps: 0 };

  /**
   * @param {Settings} settings
   * @param {WebAssembly.Module | null} loops
   */
  constructor(settings, loops) {
    const { nSteps = Infinity, evaluateEvery = 250, stepsPerSecond = Infinity } = settings;
    if (nSteps !== Infinity) integer('nSteps', nSteps, 1, Number.MAX_SAFE_INTEGER);
    if (evaluateEvery !== Infinity) integer('evaluateEvery', evaluateEvery, 1, Number.MAX_SAFE_INTEGER);
    checkPace(stepsPerSecond);
    this.trainer = new Trainer(settings, loops);
    this.settings = settings;
    this.usesKernel = loops !== null;
  }

  resume() {
    this.resumed = { time: performance.now(), steps: this.trainer.steps };
    if (!this.running) {
      this.running = true;
      wakeUp();
    }
  }

  pause() {
    this.running = false;
    this.report();
  }

  /** Train for a moment. */
  runSlice() {
    const start = performance.now();
    const { nSteps = Infinity } = this.settings;
    while (this.trainer.steps < nSteps && performance.now() - start < SLICE && !this.isAhead()) this.step();
    if (this.trainer.steps >= nSteps) this.running = false;
    if (!this.running || performance.now() - this.reported > REPORT_EVERY) this.report();
    if (!this.running) return;
    if (this.isAhead()) setTimeout(wakeUp, SLICE);
    else wakeUp();
  }

  /** Whether the run is faster than was asked for. */
  isAhead() {
    const { stepsPerSecond = Infinity } = this.settings;
    const seconds = (performance.now() - this.resumed.time) / 1000;
    return this.trainer.steps - this.resumed.steps > seconds * stepsPerSecond;
  }

  step() {
    const { evaluateEvery = 250 } = this.settings;
    const { trainer } = this;
    const step = trainer.steps;
    this.losses.push(trainer.step());
    if (step % evaluateEvery === 0) this.evaluations.push(this.evaluated(step));
  }

  /**
   * @param {number} step
   * @returns {import('./protocol.js').Evaluated}
   */
  evaluated(step) {
    const parts = Object.keys(this.settings.data).map((name) => {
      const { accuracy, loss } = this.trainer.evaluate(name);
      return [name, { accuracy, loss }];
    });
    return { step, parts: Object.fromEntries(parts) };
  }

  report() {
    const { losses, evaluations, told } = this;
    this.reported = performance.now();
    const news = { losses: losses.slice(told.losses), evaluations: evaluations.slice(told.evaluations) };
    send({ type: 'progress', ...this.state(), ...news });
    this.told = { losses: losses.length, evaluations: evaluations.length };
  }

  /** @returns {import('./protocol.js').State} */
  state() {
    const { running, usesKernel, trainer: { steps, nParameters } } = this;
    return { steps, running, nParameters, usesKernel };
  }
}

/** @param {number} stepsPerSecond */
function checkPace(stepsPerSecond) {
  if (stepsPerSecond !== Infinity) number('stepsPerSecond', stepsPerSecond, Number.MIN_VALUE, Number.MAX_VALUE);
}

/** @type {Session | null} */
let session = null;

// Unlike timers, messages to oneself are not delayed, and let those of the page in between.
const alarm = new MessageChannel();
alarm.port1.onmessage = () => {
  if (!session?.running) return;
  try {
    session.runSlice();
  } catch (error) {
    session.running = false;
    send({ type: 'error', message: String(error) });
  }
};

function wakeUp() {
  alarm.port2.postMessage(null);
}

/** @param {Report} report */
function send(report) {
  postMessage(report);
}

/**
 * @param {Request} request
 * @returns {Promise<unknown>}
 */
async function answer(request) {
  if (request.type === 'start' && request.settings) {
    const loops = request.settings.useKernel === false ? null : await kernel;
    session = new Session(request.settings, loops);
  }
  if (session === null) throw new Error('there is no run: start one first');
  const { trainer } = session;
  switch (request.type) {
    case 'start':
      if (!request.paused) session.resume();
      return session.state();
    case 'pause':
      session.pause();
      return session.state();
    case 'step':
      session.running = false;
      for (let i = 0; i < (request.n ?? 1); i++) session.step();
      session.report();
      return session.state();
    case 'pace':
      checkPace(request.stepsPerSecond);
      session.settings = { ...session.settings, stepsPerSecond: request.stepsPerSecond };
      session.resumed = { time: performance.now(), steps: trainer.steps };
      return session.state();
    case 'history':
      return { losses: session.losses, evaluations: session.evaluations };
    case 'weights':
      return trainer.weights();
    case 'evaluate':
      return trainer.evaluate(request.part);
    case 'predict':
      return trainer.logits(request.x);
    case 'saliency':
      return trainer.saliency(request.x, request.labels);
    case 'stop':
      session = null;
      close();
  }
}

onmessage = async ({ data: request }) => {
  const { id } = request;
  try {
    send({ type: 'reply', id, value: await answer(request) });
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    send({ type: 'refusal', id, name, message });
  }
};
