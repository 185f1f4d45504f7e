// The room of phenomena: what the paper found, as the package's record shows it.

import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { Button, Range } from "../app/controls.js";
import { Chart, pathOf } from "../app/plots.js";
import { LiveDescent } from "./descent.js";
import { Ticket } from "./ticket.js";

/** Title, what to look for, and a link into another room. @type {Record<string, { title: string, look: string, link?: [string, string, any] }>} */
const STORIES = {
  "double-descent": {
    title: "Deep double descent",
    look: "With noisy labels the test error falls, rises to a peak about where the training error reaches zero, and falls again as the network grows.",
  },
  shuffling: {
    title: "What shuffling costs",
    look: "One order of the points for all samples takes the neighbourhood away: CNN and GRU fall below the MLP, for which no order is special.",
    link: ["Train on shuffled signals", "train", { positions: "shuffled_classification", models: ["MLP", "CNN"] }],
  },
  lottery: {
    title: "Lottery tickets",
    look: "Networks of the weights that training made large stay good, or become better, where networks of random weights get worse.",
  },
  activation: {
    title: "A learned activation function",
    look: "Over the outer steps a function with two local extrema appears, with which networks reach a higher accuracy than with ReLU.",
  },
  pooling: {
    title: "Pooling and the number of samples",
    look: "With few samples pooling helps much, with many hardly. Striding, which also halves the length, does not help.",
    link: ["Train with 1,000 samples", "train", { samples: 1000, models: ["MLP", "CNN"] }],
  },
  layers: {
    title: "Layers of SimCLR",
    look: "What a linear classifier can read is best after the first layers, and falls again towards the head, whose output the loss sees.",
  },
};

/** @param {{ session: import("../app/history.js").Session, phenomena: any, search: import("./ticket.js").Search }} props */
export function PhenomenaRoom({ session, phenomena, search }) {
  return html`<div class="room">
    <h1>Phenomena</h1>
    <p class="lead">What the paper found at small scale, in the package's record: means over seeds with their 95 % intervals, and
      the verdict on what the paper says.</p>
    ${Object.entries(STORIES).map(([name, story]) => html`<${Phenomenon} key=${name} name=${name} story=${story} found=${phenomena[name]} session=${session} search=${search} />`)}
  </div>`;
}

/** @param {any} props */
function Phenomenon({ name, story, found, session, search }) {
  const { chart, table, frames, seeds, claims } = found;
  return html`<section class="phenomenon" aria-labelledby=${name}>
    <div>
      <h2 id=${name}>${story.title}</h2>
      <p>${story.look}</p>
      ${claims.map((/** @type {any} */ claim) => html`<div class="claim"><p>${claim.statement}</p>
        <p class="small">${verdictOf(claim)} ${`Paper: ${claim.source}.`}</p></div>`)}
      ${story.link && html`<p><a href=${session.link(story.link[2], story.link[1])}>${story.link[0]}</a></p>`}
    </div>
    <div>
      ${chart && html`<${Curves} chart=${chart} title=${story.title} />`}
      ${table && html`<${Table} table=${table} />`}
      ${frames && html`<${Frames} frames=${frames} session=${session} />`}
      <p class="small">${seeds === 1 ? "One run." : `${seeds} runs; bands and ± are 95 % intervals of the mean.`}${" "}
        <code>mnist1d reproduce ${found.experiment}</code></p>
      ${name === "double-descent" && html`<${LiveDescent} />`}
      ${name === "lottery" && html`<${Ticket} search=${search} session=${session} />`}
    </div>
  </section>`;
}

/** @param {any} claim */
function verdictOf({ verdict, published, ours, low, high, n }) {
  const number = (/** @type {number} */ value) => Number(value.toPrecision(3)).toLocaleString("en");
  const paper = published === null ? "" : ` (paper: ${number(published)})`;
  const range = low === null ? "" : `, ${number(low)} to ${number(high)}`;
  const measured = ours === null ? "" : ` Measured: ${number(ours)}${range}, n = ${n}${paper}.`;
  return html`<strong class="verdict ${verdict.replaceAll(" ", "-")}">${verdict}</strong>.${measured}`;
}

/** @param {any} props */
function Curves({ chart, title }) {
  const all = chart.curves.flatMap((/** @type {any} */ each) => each.x);
  const curves = chart.curves.map((/** @type {any} */ { half, ...each }) => ({
    ...each,
    low: each.y.map((/** @type {number} */ mean, /** @type {number} */ i) => Math.max(0, mean - half[i])),
    high: each.y.map((/** @type {number} */ mean, /** @type {number} */ i) => Math.min(100, mean + half[i])),
  }));
  return html`<${Chart} curves=${curves} x=${[Math.min(...all), Math.max(...all)]} y=${chart.y} log=${chart.log ?? false}
      xLabel=${chart.xLabel} yLabel=${chart.yLabel} label="${title}: ${chart.yLabel} by ${chart.xLabel}" />
    <ul class="legend">${chart.curves.map((/** @type {any} */ each) => html`<li class="model colour-${each.colour} ${each.dashed ? "dashed" : ""}">${each.name}</li>`)}</ul>`;
}

/** @param {any} props */
function Table({ table }) {
  return html`<div class="scroll" tabindex="0"><table><thead><tr>${table.head.map((/** @type {string} */ each) => html`<th>${each}</th>`)}</tr></thead>
    <tbody>${table.rows.map((/** @type {string[]} */ row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>
    <p class="small">Test accuracy in per cent, at the step that validation chooses.</p>`;
}

/** @param {{ frames: { steps: number[], x: number[], y: number[][] }, session: import("../app/history.js").Session }} props a function, scrubbed over the outer steps */
function Frames({ frames, session }) {
  const { steps, x, y } = frames;
  const last = steps.length - 1;
  const at = Math.min(session.values.frame ?? last, last);
  const setAt = (/** @type {number} */ frame, finished = false) => session.change({ frame: frame === last ? null : frame }, finished);
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    const timer = setTimeout(() => {
      setAt(Math.min(at + 1, last), at + 1 >= last);
      if (at + 1 >= last) setPlaying(false);
    }, 300);
    return () => clearTimeout(timer);
  }, [playing, at]);
  const end = Math.max(...y.flat().map(Math.abs)) * 1.05;
  const frame = { width: 560, height: 240, low: -end, high: end };
  return html`<svg class="stage" viewBox="0 0 560 240" role="img" aria-label="The learned function from ${x[0]} to ${x[x.length - 1]} after outer step ${steps[at]}; heights from ${-end.toFixed(1)} to ${end.toFixed(1)}">
      <line class="zero" x1="0" x2="560" y1="120" y2="120" /><line class="zero" x1="280" x2="280" y1="0" y2="240" />
      <path class="before" d=${pathOf(y[0], frame)} /><path d=${pathOf(y[at], frame)} />
    </svg>
    <div class="row"><${Button} label=${playing ? "Pause" : "Play"} onClick=${() => { if (!playing && at === last) setAt(0); setPlaying(!playing); }} />
      <${Range} kind="scrub" name="Outer step" value=${at} ends=${[0, last, 1]} text="outer step ${steps[at]}"
        onChange=${(/** @type {number} */ frame, /** @type {boolean} */ finished) => { setPlaying(false); setAt(frame, finished); }} />
      <span class="small">outer step ${steps[at]}, from ${x[0]} to ${x[x.length - 1]}; grey: before learning</span></div>`;
}
