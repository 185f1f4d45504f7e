// Inside a run: what it confuses, what its first layer looks at, and its answer to a signal that the reader moves.

import { html, useEffect, useRef, useState } from "../../vendor/htm-preact.js";
import { Button, Select, Slider, useRoving } from "../../app/controls.js";
import { runName } from "../../app/fields.js";
import { download, npz } from "../../app/files.js";
import { pathOf, Signal } from "../../app/plots.js";
import { Confusion, DIGITS } from "../confusion.js";
import { signalOf } from "./data.js";

const MOST_SAMPLES = 12;
const MOST_FILTERS = 30;
const LEAST_FILTER = 3;

/** @param {{ session: import("../../app/address.js").Session, race: import("./race.js").Race, sets: import("./data.js").Sets }} props */
export function Inside({ session, race, sets }) {
  const { values, set } = session;
  const [found, setFound] = useState(/** @type {any} */ (null));
  const run = race.runs.find((each) => runName(each) === values.inside) ?? race.runs[0];

  const look = async () => {
    try {
      const [{ predictions }, weights] = await Promise.all([run.training.evaluate("test"), run.training.weights()]);
      setFound({ run, predictions, weights, step: run.steps });
    } catch {
      // The run was stopped.
    }
  };
  // While a run goes on, it is looked at when it pauses or ends.
  useEffect(() => {
    if (!run.running) look();
  }, [run, run.running, run.running ? 0 : run.steps]);

  const options = race.runs.map((each) => /** @type {[string, string]} */ ([runName(each), `${each.model}, seed ${each.seed}`]));
  const current = found?.run === run ? found : null;
  const diverged = current && !current.weights.every((/** @type {any} */ { values }) => values.every(Number.isFinite));
  return html`<section class="inside" aria-labelledby="inside">
    <div class="heading"><h2 id="inside">Inside a run</h2>
      <div class="buttons"><${Select} name="Run" value=${runName(run)} options=${options} onChange=${set("inside")} />
        ${run.running && html`<${Button} label="Look now" onClick=${look} />`}
        <${Button} label="Weights as NPZ" onClick=${() => saveWeights(run)} /></div></div>
    ${!current && html`<p class="small">It is looked at when it pauses.</p>`}
    ${diverged && html`<p class="wrong">It has diverged: its weights are no numbers any more. A smaller learning rate may help.</p>`}
    ${current && !diverged &&
    html`
      <p class="small">${`${run.model}, seed ${run.seed}, after ${current.step.toLocaleString("en")} steps.`}</p>
      <div class="two">
        <div><${Cells} labels=${sets.test.y} predictions=${current.predictions} chosen=${values.cell} onCell=${set("cell")} />
          ${values.cell && html`<${Samples} sets=${sets} predictions=${current.predictions} cell=${values.cell} sample=${values.sample} onSample=${set("sample")} />`}
        </div>
        <div><h3>What its first layer looks at</h3><${Filters} weights=${current.weights} /></div>
      </div>
      <${ByHand} run=${run} step=${current.step} sets=${sets} session=${session} />
    `}
  </section>`;
}

/** @param {any} props */
function Cells({ labels, predictions, chosen, onCell }) {
  const counts = DIGITS.map(() => DIGITS.map(() => 0));
  labels.forEach((/** @type {number} */ label, /** @type {number} */ i) => counts[label][predictions[i]]++);
  const cell = (/** @type {number} */ label, /** @type {number} */ answer) => {
    const n = counts[label][answer];
    return html`<td>${n > 0 && html`<button type="button" class="cell ${label === answer ? "right" : "off"}" aria-pressed=${chosen?.[0] === label && chosen?.[1] === answer}
      aria-label="${n} of class ${label} taken for ${answer}" onClick=${() => onCell([label, answer])}>${n}</button>`}</td>`;
  };
  return html`<${Confusion} title="What it takes for what, in the test set" columns="the answer. Choose a number to see its samples; arrow keys move." cell=${cell}
    more=${{ role: "grid", ...useRoving() }} />`;
}

/** @param {any} props the samples of a cell */
function Samples({ sets, predictions, cell, sample, onSample }) {
  const [label, answer] = cell;
  const rows = [...sets.test.y.keys()].filter((i) => sets.test.y[i] === label && predictions[i] === answer);
  return html`<p>${rows.length} of class ${label} taken for ${answer}${rows.length > MOST_SAMPLES ? `; the first ${MOST_SAMPLES}` : ""}:</p>
    <div class="cell-samples">${rows.slice(0, MOST_SAMPLES).map((i) => html`<button type="button" key=${i} class="sample ${i === sample ? "followed" : ""}" aria-pressed=${i === sample}
      onClick=${() => onSample(i)}><${Signal} heights=${signalOf(sets.test, i, sets.length)} label="Test sample ${i}" /></button>`)}</div>`;
}

/** @param {{ weights: import("../../nets/models/affine.js").NamedArray[] }} props */
function Filters({ weights }) {
  const first = weights.find(({ shape }) => shape.length > 1);
  if (!first) return null;
  const size = first.shape.slice(1).reduce((product, each) => product * each, 1);
  if (size < LEAST_FILTER) {
    return html`<p class="small">Its first layer sees one point at a time: there are no filters to draw.</p>`;
  }
  const most = Math.max(...first.values.map(Math.abs));
  const rows = Array.from({ length: Math.min(first.shape[0], MOST_FILTERS) }, (_, i) => first.values.slice(i * size, (i + 1) * size));
  return html`<div class="filters">${rows.map((row, i) => html`<${Signal} key=${i} heights=${row} range=${[-most, most]} width=${80} height=${40} label="Filter ${i}" />`)}</div>
    <p class="small">${first.name}, ${first.shape.join(" × ")}: the weights of ${rows.length < first.shape[0] ? `the first ${rows.length} of ${first.shape[0]}` : `all ${rows.length}`} units, over the
      points of the signal.</p>`;
}

/** @param {any} props a test sample that is shifted, tilted and stretched by hand, and the model's answer */
function ByHand({ run, step, sets, session: { values, change, set } }) {
  const { sample, "hand.shear": shear, "hand.height": height } = values;
  const [answer, setAnswer] = useState(/** @type {any} */ (null));
  const { length, test } = sets;
  const shift = values["hand.shift"] % length;
  const original = signalOf(test, sample, length);
  const moved = Float32Array.from(original, (_, i) => {
    const from = (i - shift + length) % length;
    return height * original[from] - shear * (i / (length - 1) - 0.5);
  });

  useEffect(() => {
    let wanted = true;
    (async () => {
      try {
        const [scores, slopes] = [await run.training.predict(moved), await run.training.saliency(moved, [test.y[sample]])];
        if (wanted) setAnswer({ probabilities: softmax([...scores]), slopes });
      } catch {
        // The run was stopped.
      }
    })();
    return () => {
      wanted = false;
    };
  }, [run, step, sample, shift, shear, height]);

  /** Where the pointer took hold of the signal. */
  const held = useRef(/** @type {{ x: number, y: number, shift: number, shear: number } | null} */ (null));
  /** Along the signal it shifts; across it tilts. @param {any} event */
  const drag = (event) => {
    if (held.current === null) return;
    const { width, height: tall } = event.currentTarget.getBoundingClientRect();
    const points = Math.round(((event.clientX - held.current.x) / width) * (length - 1));
    const slope = held.current.shear + ((event.clientY - held.current.y) / tall) * (frame.high - frame.low);
    change({
      "hand.shift": (((held.current.shift + points) % length) + length) % length,
      "hand.shear": Math.round(10 * Math.min(5, Math.max(-5, slope))) / 10 || 0,
    }, false);
  };
  const released = () => {
    if (held.current) change({});
    held.current = null;
  };

  const frame = { width: 480, height: 200, low: -5, high: 5 };
  const strongest = answer ? Math.max(...answer.slopes.map(Math.abs), 1e-12) : 1;
  const best = answer ? answer.probabilities.indexOf(Math.max(...answer.probabilities)) : -1;
  return html`<h3>A signal in your hands</h3>
    <div class="two">
      <div>
        <svg class="stage held" viewBox="0 0 ${frame.width} ${frame.height}"
          onPointerDown=${(event) => { event.currentTarget.setPointerCapture(event.pointerId); held.current = { x: event.clientX, y: event.clientY, shift, shear }; }}
          onPointerMove=${drag} onPointerUp=${released} onPointerCancel=${released}
          role="img" aria-label="Test sample ${sample} as you moved it; bars show what matters for the score of its class">
          ${answer && [...answer.slopes].map((slope, i) => html`<rect class="salient" x=${((i - 0.5) * frame.width) / (length - 1)} width=${frame.width / (length - 1)} y="0" height=${frame.height}
            opacity=${(0.45 * Math.abs(slope)) / strongest} />`)}
          <path class="before" d=${pathOf(original, frame)} /><path d=${pathOf(moved, frame)} />
        </svg>
        <p class="small">Drag it: along to shift, up and down to shear. Shaded: the points that the score of its true class, ${test.y[sample]}, depends on most (absolute gradient).</p>
      </div>
      <div>
        <${Slider} name="Test sample" value=${sample} slider=${[0, 999, 1]} lowest=${0} highest=${999} whole initial=${0} onChange=${set("sample")} />
        <${Slider} name="Shift" value=${shift} slider=${[0, length - 1, 1]} lowest=${0} highest=${length - 1} whole initial=${0} onChange=${set("hand.shift")} />
        <${Slider} name="Shear" value=${shear} slider=${[-5, 5, 0.1]} lowest=${-20} highest=${20} initial=${0} onChange=${set("hand.shear")} />
        <${Slider} name="Height" value=${height} slider=${[-2, 2, 0.05]} lowest=${-10} highest=${10} initial=${1} onChange=${set("hand.height")} />
        <p aria-live="polite">${answer && `It answers ${best}: ${(100 * answer.probabilities[best]).toFixed(0)} %.`}</p>
        ${answer && html`<ul class="scores" aria-label="Probabilities">${DIGITS.map((digit) => html`<li class=${digit === best ? "best" : ""}><span>${digit}</span>
          <progress max="1" value=${answer.probabilities[digit]} aria-label="Digit ${digit}"></progress><span>${(100 * answer.probabilities[digit]).toFixed(0)} %</span></li>`)}</ul>`}
      </div>
    </div>`;
}

/** @param {number[]} scores */
function softmax(scores) {
  const most = Math.max(...scores);
  const parts = scores.map((score) => Math.exp(score - most));
  const sum = parts.reduce((total, each) => total + each, 0);
  return parts.map((each) => each / sum);
}

/** @param {import("./race.js").Run} run */
async function saveWeights({ training, model, seed }) {
  const weights = await training.weights();
  const arrays = Object.fromEntries(weights.map(({ name, shape, values }) => [name, { data: values, shape }]));
  download(`mnist1d-${model.toLowerCase()}-${seed}.npz`, npz(arrays), "application/octet-stream");
}
