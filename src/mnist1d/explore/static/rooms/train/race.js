// Several runs on the same data: models and seeds, each in a worker of its own.

import { Training } from "../../nets/protocol.js";
import { interval } from "../statistics.js";

/** @typedef {{ model: string, seed: number, training: Training, steps: number, running: boolean, nParameters: number, losses: number[], evaluations: import("../../nets/protocol.js").Evaluated[] }} Run */
/** @typedef {import("../../nets/protocol.js").Settings} Settings */

export class Race {
  /**
   * @param {Settings[]} settings one per run
   * @param {() => void} onChange called when something is new, at most once per frame
   * @param {(message: string) => void} onError
   */
  constructor(settings, onChange, onError) {
    this.ended = false;
    let asked = false;
    const changed = () => {
      if (asked || this.ended) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        if (!this.ended) onChange();
      });
    };
    this.settings = settings;
    /** @type {Run[]} */
    this.runs = settings.map(({ model, seed = 0 }) => {
      const training = new Training((progress) => {
        run.losses.push(...progress.losses);
        run.evaluations.push(...progress.evaluations);
        Object.assign(run, { steps: progress.steps, running: progress.running, nParameters: progress.nParameters });
        changed();
      }, (message) => {
        if (!this.ended) onError(message);
      });
      /** @type {Run} */
      const run = { model, seed, training, steps: 0, running: false, nParameters: 0, losses: [], evaluations: [] };
      return run;
    });
  }

  /** @param {boolean} paused whether to make the models and no step */
  async begin(paused) {
    // Before they start, as a short run is at its end before the last one has begun.
    for (const run of this.runs) run.running = !paused;
    await Promise.all(this.runs.map((run, i) => run.training.start(this.settings[i], paused)));
  }

  async resume() {
    const left = this.runs.filter((run, i) => run.steps < (this.settings[i].nSteps ?? Infinity));
    for (const run of left) run.running = true;
    await Promise.all(left.map(({ training }) => training.start()));
  }

  async pause() {
    await Promise.all(this.runs.map(({ training }) => training.pause()));
  }

  async step() {
    await Promise.all(this.runs.map(({ training }) => training.step()));
  }

  stop() {
    this.ended = true;
    for (const { training } of this.runs) training.stop();
  }

  get running() {
    return this.runs.some(({ running }) => running);
  }

  get models() {
    return [...new Set(this.runs.map(({ model }) => model))];
  }

  /** @param {string} model */
  of(model) {
    return this.runs.filter((run) => run.model === model);
  }
}

/**
 * The curve of a model: means over its seeds at the steps that all have reached.
 * @param {Run[]} runs
 * @param {string} part
 */
export function curveOf(runs, part) {
  const n = Math.min(...runs.map(({ evaluations }) => evaluations.length));
  const x = [], y = [], low = [], high = [];
  for (let i = 0; i < n; i++) {
    const values = runs.map(({ evaluations }) => 100 * evaluations[i].parts[part].accuracy);
    const [mean, least, most] = interval(values);
    x.push(runs[0].evaluations[i].step);
    y.push(mean);
    if (runs.length > 1) {
      low.push(Math.max(0, least));
      high.push(Math.min(100, most));
    }
  }
  return { x, y, low, high };
}

/**
 * The evaluation of a run with the highest validation accuracy, the first of equals.
 * @param {Run} run
 */
export function bestOf({ evaluations }) {
  let best = evaluations[0];
  for (const each of evaluations) if (each.parts.validation.accuracy > best.parts.validation.accuracy) best = each;
  return best;
}
