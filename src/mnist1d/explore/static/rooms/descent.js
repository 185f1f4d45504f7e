// Double descent, measured here: MLPs of rising width on noisy labels.

import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { generateSet } from "../data/published.js";
import { Training } from "../nets/protocol.js";
import { Button } from "../app/controls.js";
import { Chart } from "../app/plots.js";

const WIDTHS = [3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 96, 128];
const SEEDS = [0, 1];
const STEPS = 6000;
const DATA = { train: 4000, test: 1000, label_noise: 0.15, label_noise_kind: "other" };

/** @typedef {{ width: number, train: number, test: number }} Point mean errors over the seeds, in per cent */

export function LiveDescent() {
  const [points, setPoints] = useState(/** @type {Point[]} */ ([]));
  const [running, setRunning] = useState(false);
  const [problem, setProblem] = useState("");
  /** Runs that are not finished, and whether they are still wanted. */
  const work = useRef(/** @type {{ wanted: boolean, runs: Set<Training> }} */ ({ wanted: false, runs: new Set() }));

  const stop = () => {
    work.current.wanted = false;
    for (const run of work.current.runs) run.stop();
    work.current.runs.clear();
  };
  useEffect(() => stop, []);

  const measure = async () => {
    stop();
    const mine = { wanted: true, runs: /** @type {Set<Training>} */ (new Set()) };
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
      for (const width of WIDTHS) {
        const found = await Promise.all(SEEDS.map((seed) => train({ width, seed, data }, mine.runs)));
        if (!mine.wanted) return;
        const mean = (/** @type {"train" | "test"} */ part) =>
          found.reduce((sum, each) => sum + 100 * (1 - each[part].accuracy), 0) / found.length;
        setPoints((before) => [...before, { width, train: mean("train"), test: mean("test") }]);
      }
    } catch (error) {
      if (mine.wanted) setProblem(/** @type {Error} */ (error).message);
    }
    if (mine.wanted) setRunning(false);
  };

  const x = points.map(({ width }) => width);
  const curves = [
    { name: "test", colour: 1, x, y: points.map(({ test }) => test) },
    { name: "training", colour: 1, x, y: points.map(({ train: error }) => error), dashed: true },
  ];
  return html`<div class="live">
    <h3>At a small scale, here</h3>
    <p class="small">${`${SEEDS.length} MLPs of each of ${WIDTHS.length} widths, ${DATA.train.toLocaleString("en")} samples, ${100 * DATA.label_noise} % of their labels wrong,
      ${STEPS.toLocaleString("en")} steps of Adam at rate 0.005. Two runs are no record: the peak is smaller and less certain than above.`}</p>
    <div class="buttons">${running
      ? html`<${Button} label="Stop" onClick=${() => { stop(); setRunning(false); }} /><span class="small" role="status">${points.length} of ${WIDTHS.length} widths</span>`
      : html`<${Button} label=${points.length ? "Measure again" : "Measure"} onClick=${measure} />`}</div>
    ${problem && html`<p class="wrong" role="alert">${problem}</p>`}
    ${points.length > 1 && html`<${Chart} curves=${curves} x=${[WIDTHS[0], WIDTHS[WIDTHS.length - 1]]} y=${[0, 80]} log xLabel="hidden units per layer" yLabel="error (%)"
      label=${`Errors measured here: ${points.map(({ width, test }) => `${test.toFixed(0)} % at ${width} units`).join(", ")}`} />`}
  </div>`;
}

/**
 * @param {{ width: number, seed: number, data: any }} settings
 * @param {Set<Training>} runs to which it belongs while it goes on
 * @returns {Promise<Record<string, { accuracy: number }>>} the parts, after the last step
 */
function train({ width, seed, data }, runs) {
  return new Promise((resolve, reject) => {
    const run = new Training(({ steps, evaluations }) => {
      const last = evaluations.at(-1);
      if (steps < STEPS || last === undefined) return;
      runs.delete(run);
      run.stop();
      resolve(last.parts);
    }, (message) => reject(new Error(message)));
    runs.add(run);
    const settings = { model: "MLP", residual: false, width, seed, data, learningRate: 0.005, nSteps: STEPS, evaluateEvery: STEPS - 1 };
    run.start(settings).catch(reject);
  });
}
