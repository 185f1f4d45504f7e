// The room of training: models in a race on the same data.

import { html, useEffect, useRef, useState } from "../../vendor/htm-preact.js";
import { Button, Order, Select, Slider } from "../../app/controls.js";
import { configOf, MODELS } from "../../app/fields.js";
import { download } from "../../app/files.js";
import { Chart } from "../../app/plots.js";
import { same } from "../../app/address.js";
import { SHAPING } from "../../data/constants.js";
import { makeSets } from "./data.js";
import { Inside } from "./inside.js";
import { interval } from "../statistics.js";
import { bestOf, curveOf, Race } from "./race.js";

const EVALUATE_EVERY = 100;
const PARTS = /** @type {const} */ (["train", "validation", "test"]);
const PART_NAMES = { train: "Training", validation: "Validation", test: "Test" };
const OPTIMISERS = /** @type {[string, string][]} */ ([["adam", "Adam"], ["momentum", "SGD, momentum 0.9"], ["sgd", "SGD"]]);
/** What a width is, by model. @type {Record<string, [string, number, number]>} */
export const WIDTHS = { MLP: ["MLP, hidden units", 100, 300], CNN: ["CNN, channels", 25, 64], GRU: ["GRU, units per direction", 6, 24] };

/** @param {{ session: import("../../app/address.js").Session, about: any, record: any }} props */
export function TrainRoom({ session, about, record }) {
  const { values } = session;
  const race = useRef(/** @type {Race | null} */ (null));
  const made = useRef("");
  const [, redraw] = useState({});
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const config = configOf(values);
  const settings = settingsOf(values);
  const wanted = JSON.stringify([config, settings]);
  const stale = race.current !== null && made.current !== wanted;

  useEffect(() => () => race.current?.stop(), []);

  /** @param {boolean} paused */
  const begin = async (paused) => {
    race.current?.stop();
    race.current = null;
    setProblem("");
    try {
      const sets = makeSets(config, values.samples);
      const { train, validation, test, length } = sets;
      const all = settings.map((each) => ({ ...each, data: { train, validation, test }, length }));
      race.current = new Race(all, () => redraw({}), setProblem);
      made.current = wanted;
      redraw({});
      await race.current.begin(paused);
    } catch (error) {
      race.current?.stop();
      race.current = null;
      // The controls call the length of a signal its points.
      setProblem(/** @type {Error} */ (error).message.replace(/^length/, "Points"));
    }
    redraw({});
  };

  const now = race.current;
  const finished = now !== null && !stale && now.runs.every(({ steps }) => steps >= values.steps);
  /** Actions come one after the other: the buttons wait. @param {(race: Race) => Promise<void>} action @param {boolean} isNew */
  const act = async (action, isNew = now === null || stale) => {
    setBusy(true);
    if (isNew) await begin(action === stepOnce);
    try {
      if (race.current && (!isNew || action === stepOnce)) await action(race.current);
    } catch (error) {
      setProblem(/** @type {Error} */ (error).message);
    }
    setBusy(false);
  };

  return html`<div class="room with-side">
    ${!values.hide.includes("controls") && html`<${Settings} session=${session} about=${about} />`}
    <div class="main">
      <h1>Train</h1>
      <p class="lead">Models of the paper, trained here, in this browser, on the same samples. Each run is a worker of its own; its
        initial weights are those that the package draws for the same seed.</p>
      <div class="buttons">
        ${now?.running && !stale
          ? html`<${Button} kind="main-action" label="Pause" disabled=${busy} onClick=${() => act((each) => each.pause())} />`
          : html`<${Button} kind="main-action" label=${!now || stale ? "Train" : "Go on"} disabled=${busy || finished} onClick=${() => act((each) => each.resume())} />`}
        <${Button} label="One step" disabled=${busy || finished} onClick=${() => act(stepOnce)} />
        <${Button} label="Start again" disabled=${busy || !now} onClick=${() => act((each) => each.resume(), true)} />
      </div>
      ${stale && html`<p class="notice" role="status">The settings have changed: what is below is of those before. “Train” begins anew.</p>`}
      ${problem && html`<p class="wrong" role="alert">${problem}</p>`}
      <p class="small" role="status">${now === null || stale ? "" : now.running ? "Training." : finished ? "All runs are at their end." : "Paused."}</p>
      <${DataLine} config=${config} about=${about} session=${session} samples=${values.samples} />
      ${now === null && html`<${Expected} values=${values} />`}
      ${now && now.runs.length > 0 && html`<${Outcome} race=${now} steps=${values.steps} record=${record} published=${stale ? null : recordedData(config, about, values)} />`}
      ${now && now.runs.some(({ steps }) => steps > 0) && html`<${Inside} key=${now} session=${session} race=${now} sets=${makeSets(...keyOf(made.current))} />`}
    </div>
  </div>`;
}

/** @param {Race} race */
const stepOnce = (race) => race.step();

/** The configuration and number of samples that a race was made with. @param {string} key @returns {[any, number]} */
function keyOf(key) {
  const [config, [{ samples }]] = JSON.parse(key);
  return [config, samples];
}

/** @param {any} values @returns {any[]} a run per model and seed */
function settingsOf(values) {
  return values.models.flatMap((/** @type {string} */ model) =>
    Array.from({ length: values.runs }, (_, seed) => ({
      model,
      seed,
      width: values[`width.${model}`] ?? undefined,
      learningRate: values.rate,
      optimiser: values.optimiser,
      batchSize: Math.min(values.batch, values.samples),
      samples: values.samples,
      nSteps: values.steps,
      evaluateEvery: EVALUATE_EVERY,
    })),
  );
}

/**
 * The data of the record that a race can be compared with, if it follows the protocol of Table 1.
 * @param {any} config
 * @param {any} about
 * @param {any} values
 * @returns {"plain" | "shuffled" | null}
 */
function recordedData(config, about, values) {
  const follows =
    SHAPING.every((name) => same(config[name], about.parameters[name].default) ||
      (name === "positions" && config[name] === "shuffled_classification")) &&
    values.samples === 4000 && values.rate === 0.01 && values.batch === 100 && values.optimiser === "adam" && values.steps === 6001 &&
    Object.keys(WIDTHS).every((model) => values[`width.${model}`] === null);
  if (!follows) return null;
  return config.positions === "original" ? "plain" : "shuffled";
}

/** @param {{ session: import("../../app/address.js").Session, about: any }} props */
function Settings({ session, about }) {
  const { values, change, set } = session;
  /** @param {string} model */
  const toggled = (model) => {
    const models = MODELS.filter((each) => (each === model ? !values.models.includes(each) : values.models.includes(each)));
    if (models.length) change({ models });
  };
  /** @param {string} name @param {string} field @param {[number, number, number]} slider @param {number} highest @param {number} initial */
  const whole = (name, field, slider, highest, initial) =>
    html`<${Slider} key=${field} name=${name} value=${values[field] ?? initial} slider=${slider} lowest=${slider[0]} highest=${highest} initial=${initial} whole
      onChange=${(value, finished) => change({ [field]: value === initial && field.startsWith("width") ? null : value }, finished)} />`;
  const noise = about.parameters.label_noise;
  return html`<aside class="side" aria-label="Settings of the training">
    <fieldset class="classes"><legend>Models</legend>
      ${MODELS.map((model, i) => html`<label><input type="checkbox" checked=${values.models.includes(model)} onChange=${() => toggled(model)} />
        <span class="model colour-${i + 1}">${model}</span></label>`)}
    </fieldset>
    <fieldset><legend>Runs</legend>
      ${whole("Seeds", "runs", [1, 5, 1], 5, 1)}
      ${whole("Steps", "steps", [100, 6001, 1], 20_000, 6001)}
    </fieldset>
    <fieldset><legend>Optimiser</legend>
      <${Select} name="Method" value=${values.optimiser} options=${OPTIMISERS} onChange=${set("optimiser")} />
      <${Slider} name="Learning rate" value=${values.rate} slider=${[0.001, 0.1, 0.001]} lowest=${1e-6} highest=${10} initial=${0.01} onChange=${set("rate")} />
      ${whole("Batch size", "batch", [10, 500, 10], 1000, 100)}
    </fieldset>
    <fieldset><legend>Data</legend>
      ${whole("Training samples", "samples", [100, 10_000, 100], 20_000, 4000)}
      <${Slider} name="Label noise" value=${values.label_noise} slider=${noise.slider} lowest=${noise.lowest} highest=${noise.highest}
        initial=${noise.default} help=${noise.help} onChange=${set("label_noise")} />
      <${Order} session=${session} about=${about} />
    </fieldset>
    <fieldset><legend>Width</legend>
      ${values.models.filter((/** @type {string} */ model) => model in WIDTHS).map((/** @type {string} */ model) => {
        const [name, initial, highest] = WIDTHS[model];
        return whole(name, `width.${model}`, [1, highest, 1], highest, initial);
      })}
    </fieldset>
  </aside>`;
}

/** @param {any} props */
function DataLine({ config, about, session, samples }) {
  const changed = SHAPING.filter((name) => !same(config[name], about.parameters[name].default));
  /** @param {string} name */
  const said = (name) => {
    if (name === "templates") return "your own templates";
    if (Array.isArray(config[name]) && name === "positions") return "your own order of the points";
    return `${name}=${JSON.stringify(config[name])}`;
  };
  const what = changed.length === 0 ? "the published dataset" : `the dataset with ${changed.map(said).join(", ")}`;
  return html`<p class="small">Data: ${what}, ${samples.toLocaleString("en")} training samples, 1,000 fresh ones for validation, 1,000 for the test; <a href=${session.link({}, "data")}>change it</a>.
    Batches in stored order, as published; the model is evaluated every ${EVALUATE_EVERY} steps.</p>`;
}

/** @param {{ curves: (part: string) => import("../../app/plots.js").Curve[], steps: number, hint: string }} props a chart per part of the data */
function Charts({ curves, steps, hint }) {
  return html`<div class="charts">
    ${PARTS.map((part) => html`<figure><figcaption>${PART_NAMES[part]}</figcaption>
      <${Chart} curves=${curves(part)} x=${[0, steps]} y=${[0, 100]} xLabel="step" yLabel="%" label="${PART_NAMES[part]} accuracy by step; ${hint}" /></figure>`)}
  </div>`;
}

/** @param {{ values: any }} props where the curves will be */
function Expected({ values }) {
  const models = new Intl.ListFormat("en").format(values.models);
  const runs = values.models.length * values.runs;
  return html`<section aria-labelledby="curves"><h2 id="curves">Accuracy</h2>
    <p>${`“Train” draws the accuracy of ${models} here: ${runs === 1 ? "one run" : `${runs} runs`} of ${values.steps.toLocaleString("en")} steps. Below come a table, and what
      a run confuses, what its first layer looks at, and its answer to a signal that you move.`}</p>
    <${Charts} curves=${() => []} steps=${values.steps} hint="empty until training begins" /></section>`;
}

/** @param {{ race: Race, steps: number, record: any, published: "plain" | "shuffled" | null }} props curves and table */
function Outcome({ race, steps, record, published }) {
  const colour = (/** @type {string} */ model) => MODELS.indexOf(model) + 1;
  const curves = (/** @type {string} */ part) => race.models.map((model) => ({ name: model, colour: colour(model), ...curveOf(race.of(model), part) }));
  return html`<section aria-labelledby="curves">
    <h2 id="curves">Accuracy</h2>
    <${Charts} curves=${curves} steps=${steps} hint="the numbers are in the table below" />
    <div class="scroll" tabindex="0"><table>
      <thead><tr><th>model</th><th>parameters</th><th>step</th><th>training (%)</th><th>validation (%)</th><th>test (%)</th><th>test, where validation is best (%)</th>
        ${published && html`<th>the record, the same</th>`}</tr></thead>
      <tbody aria-live="off">
        ${race.models.map((model) => {
          const runs = race.of(model).filter(({ evaluations }) => evaluations.length);
          const all = race.of(model);
          const latest = (/** @type {string} */ part) => text(runs.map(({ evaluations }) => 100 * /** @type {any} */ (evaluations.at(-1)).parts[part].accuracy));
          return html`<tr><th scope="row" class="model colour-${colour(model)}">${model}</th><td>${all[0].nParameters.toLocaleString("en")}</td>
            <td>${Math.min(...all.map((run) => run.steps)).toLocaleString("en")}</td>
            ${PARTS.map((part) => html`<td>${runs.length ? latest(part) : ""}</td>`)}
            <td>${runs.length ? text(runs.map((run) => 100 * bestOf(run).parts.test.accuracy)) : ""}</td>
            ${published && html`<td>${recorded(record, model, published)}</td>`}</tr>`;
        })}
      </tbody>
    </table></div>
    <p class="small">Accuracies when they were last evaluated: mean of the seeds, with half of Student's 95 % interval where there are two or more.</p>
    <div class="buttons"><${Button} label="History as JSON" onClick=${() => saveHistory(race)} /></div>
  </section>`;
}

/** @param {number[]} values */
function text(values) {
  const [mean, low, high] = interval(values);
  if (Number.isNaN(mean)) return "diverged";
  return Number.isNaN(low) ? mean.toFixed(1) : `${mean.toFixed(1)} ± ${((high - low) / 2).toFixed(1)}`;
}

/** @param {any} record @param {string} model @param {string} data */
function recorded(record, model, data) {
  /** @type {string} */
  const errors = record.errors[data][model];
  const wrong = [...errors].reduce((sum, each) => sum + parseInt(each, 36), 0);
  return `${(100 * (1 - wrong / (record.seeds * errors.length))).toFixed(1)}, n = ${record.seeds}`;
}

/** @param {Race} race */
function saveHistory(race) {
  const runs = race.runs.map(({ model, seed, nParameters, losses, evaluations }, i) => {
    const { data: _, ...settings } = race.settings[i];
    return { model, seed, nParameters, settings, losses, evaluations };
  });
  download("mnist1d-history.json", `${JSON.stringify({ runs })}\n`, "application/json");
}
