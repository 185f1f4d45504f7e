// Double descent, measured here: MLPs of rising width on noisy labels.

import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { generateSet } from "../data/published.js";
import { Training } from "../nets/protocol.js";
import { Button } from "../app/controls.js";
import { Chart } from "../app/plots.js";

const WIDTHS = [4, 6, 8, 11, 16, 23, 32, 45, 64, 96];
const SEEDS = [0, 1];
const STEPS = 6000;
const DATA = { train: 4000, test: 1000, label_noise: 0.15, label_noise_kind: "other" };
const SETTINGS = { model: "MLP", residual: false, learningRate: 0.005, nSteps: STEPS, evaluateEvery: STEPS - 1 };

/** @typedef {Record<string, { accuracy: number }>} Parts */
/** @typedef {{ width: number, train: number, test: number }} Point mean errors over the seeds, in per cent */

export function LiveDescent() {
  const [points, setPoints] = useState(/** @type {Point[]} */ ([]));
  const [running, setRunning] = useState(false);
  const [problem, setProblem] = useState("");
  /** A worker per seed, and whether their results are still wanted. */
  const work = useRef(/** @type {{ wanted: boolean, workers: Series[] }} */ ({ wanted: false, workers: [] }));

  const stop = () => {
    work.current.wanted = false;
    for (const worker of work.current.workers) worker.stop();
  };
  useEffect(() => stop, []);

  const measure = async () => {
    stop();
    const mine = { wanted: true, workers: SEEDS.map(() => new Series()) };
    work.current = mine;
    setPoints([]);
    setProblem("");
    setRunning(true);
    try {
      const set = generateSet(DATA);
      const data = {
        train: { x: Float32Array.from(set.train.x), y: set.train.y },
        test: { x: Float32Array.from(set.test.x), y: set.test.y },
      };
      /** Results by width, one per seed that has got there. @type {Parts[][]} */
      const found = WIDTHS.map(() => []);
      const series = mine.workers.map(async (worker, i) => {
        for (const [place, width] of WIDTHS.entries()) {
          const parts = await worker.train({ ...SETTINGS, width, seed: SEEDS[i], data });
          if (!mine.wanted) return;
          if (found[place].push(parts) === SEEDS.length) setPoints((before) => [...before, pointOf(width, found[place])]);
        }
      });
      await Promise.all(series);
    } catch (error) {
      if (mine.wanted) setProblem(/** @type {Error} */ (error).message);
    }
    if (!mine.wanted) return;
    stop();
    setRunning(false);
  };

  const x = points.map(({ width }) => width);
  const curves = [
    { name: "test", colour: 1, x, y: points.map(({ test }) => test) },
    { name: "training", colour: 1, x, y: points.map(({ train: error }) => error), dashed: true },
  ];
  return html`<div class="live">
    <h3>At a small scale, here</h3>
    <p class="small">${`${SEEDS.length} MLPs of each of ${WIDTHS.length} widths, ${DATA.train.toLocaleString("en")} samples, ${100 * DATA.label_noise} % of their labels wrong,
      ${STEPS.toLocaleString("en")} steps of Adam at rate 0.005. Two runs are no record.`}</p>
    <div class="buttons">${running
      ? html`<${Button} label="Stop" onClick=${() => { stop(); setRunning(false); }} /><span class="small" role="status">${points.length} of ${WIDTHS.length} widths</span>`
      : html`<${Button} label=${points.length ? "Measure again" : "Measure"} onClick=${measure} />`}</div>
    ${problem && html`<p class="wrong" role="alert">${problem}</p>`}
    ${points.length > 1 && html`<${Chart} curves=${curves} x=${[WIDTHS[0], WIDTHS[WIDTHS.length - 1]]} y=${[0, 80]} log xLabel="hidden units per layer" yLabel="error (%)"
      label=${`Errors measured here: ${points.map(({ width, test }) => `${test.toFixed(0)} % at ${width} units`).join(", ")}`} />`}
  </div>`;
}

/** @param {number} width @param {Parts[]} found a result per seed @returns {Point} */
function pointOf(width, found) {
  const mean = (/** @type {string} */ part) => found.reduce((sum, each) => sum + 100 * (1 - each[part].accuracy), 0) / found.length;
  return { width, train: mean("train"), test: mean("test") };
}

/** A worker that trains one network after the other: its code is compiled once. */
export class Series {
  /** @type {(progress: import("../nets/protocol.js").Progress) => void} */
  #told = () => {};
  /** @type {(error: Error) => void} */
  #failed = () => {};
  #training = new Training((progress) => this.#told(progress), (message) => this.#failed(new Error(message)));

  /**
   * @param {import("../nets/protocol.js").Settings & { nSteps: number }} settings the last step is evaluated
   * @returns {Promise<Parts>} the parts of the data, after the last step
   */
  train(settings) {
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      this.#told = ({ steps, evaluations }) => {
        const last = evaluations.at(-1);
        if (steps >= settings.nSteps && last !== undefined) resolve(last.parts);
      };
      this.#training.start(settings).catch(reject);
    });
  }

  stop() {
    this.#training.stop();
  }
}
