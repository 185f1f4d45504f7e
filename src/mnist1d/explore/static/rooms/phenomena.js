// The room of phenomena: what the paper found, as the package's record shows it.

import { html, useEffect, useMemo, useState } from "../vendor/htm-preact.js";
import { Button, Range } from "../app/controls.js";
import { Chart, pathOf } from "../app/plots.js";
import { LiveDescent } from "./descent.js";

/** Title, what to look for, a link into the room of training, and what a place on the axis is. @type {Record<string, { title: string, look: string, link?: (values: any) => [string, any], place?: (at: number) => string }>} */
const STORIES = {
  "double-descent": {
    title: "Deep double descent",
    look: "With noisy labels the test error falls, rises to a peak about where the training error reaches zero, and falls again as the network grows.",
  },
  shuffling: {
    title: "What shuffling costs",
    look: "One order of the points for all samples takes the neighbourhood away: CNN and GRU fall below the MLP, for which no order is special.",
    link: () => ["Train on shuffled signals", { positions: "shuffled_classification", models: ["MLP", "CNN"] }],
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
    link: (values) => {
      const samples = Math.max(100, Math.min(20_000, Math.round(values["at.pooling"])));
      return [`Train with ${samples.toLocaleString("en")} samples`, { samples, models: ["MLP", "CNN"] }];
    },
  },
  layers: {
    title: "Layers of SimCLR",
    look: "What a linear classifier can read is best after the first layers, and falls again towards the last, whose output the loss sees.",
    place: (at) => (at === 0 ? "the signal" : `${at}, of the ${at <= ENCODER ? "encoder" : "head"}`),
  },
};

const ENCODER = 3;

/** @param {{ session: import("../app/address.js").Session, phenomena: any, search: Search }} props */
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
  const [text, values] = story.link?.(session.values) ?? [];
  return html`<section class="phenomenon" aria-labelledby=${name}>
    <div>
      <h2 id=${name}>${story.title}</h2>
      <p>${story.look}</p>
      ${claims.map((/** @type {any} */ claim) => html`<div class="claim"><p>${claim.statement}</p>
        <p class="small">${verdictOf(claim)} ${`Paper: ${claim.source}.`}</p></div>`)}
      ${text && html`<p><a href=${session.link(values, "train")}>${text}</a></p>`}
    </div>
    <div>
      ${chart && html`<${Curves} chart=${chart} name=${name} story=${story} session=${session} />`}
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
  const measured = ours === null ? "" : ` Measured: ${number(ours)}${range}, n\u00a0=\u00a0${n}${paper}.`;
  return html`<strong class="verdict ${verdict.replaceAll(" ", "-")}">${verdict}</strong>.${measured}`;
}

/**
 * Curves of the record, and their values at the place that a pointer or the control chooses.
 * @param {{ chart: { curves: (import("../app/plots.js").Curve & { half: number[] })[], [part: string]: any }, name: string, story: any, session: any }} props
 */
function Curves({ chart, name, story: { title, place = (/** @type {number} */ at) => at.toLocaleString("en") }, session: { values, set } }) {
  const { xLabel, yLabel, y, log = false } = chart;
  const axis = xLabel.replace(/ \(0.*/, "");
  const field = `at.${name}`;
  const [over, setOver] = useState(/** @type {number | null} */ (null));
  const places = [...new Set(chart.curves.flatMap((each) => each.x))].sort((a, b) => a - b);
  const nearest = (/** @type {number} */ to) => {
    const far = (/** @type {number} */ each) => Math.abs(log ? Math.log(each / to) : each - to);
    return places.reduce((best, each) => (far(each) < far(best) ? each : best));
  };
  const { without } = values;
  const at = over ?? nearest(values[field]);
  const curves = chart.curves.map(({ half, ...each }, i) => {
    const [key, here] = [`${name}.${i}`, each.x.indexOf(at)];
    return {
      ...each,
      key,
      shown: !without.includes(key),
      read: here < 0 ? "" : `${each.y[here].toFixed(1)} ± ${half[here].toFixed(1)}`,
      low: each.y.map((mean, i) => Math.max(0, mean - half[i])),
      high: each.y.map((mean, i) => Math.min(100, mean + half[i])),
    };
  });
  const shown = curves.filter((each) => each.shown);
  const said = shown.map((each) => `${each.name} ${each.read || "none"}`).join(", ");
  return html`<${Chart} curves=${shown} x=${[places[0], places[places.length - 1]]} y=${y} log=${log} at=${at}
      xLabel=${xLabel} yLabel=${yLabel} label="${title}: ${yLabel} by ${xLabel}"
      onAt=${(to, finished) => { setOver(to === null ? null : nearest(to)); if (finished) set(field)(nearest(to)); }} />
    <ul class="legend">${curves.map((each) => html`<li class="model colour-${each.colour} ${each.dashed ? "dashed" : ""}">
      <label><input type="checkbox" checked=${each.shown} onChange=${() =>
        set("without")(each.shown ? [...without, each.key] : without.filter((/** @type {string} */ key) => key !== each.key))} /> ${each.name}</label> ${each.shown && each.read}</li>`)}</ul>
    <div class="row"><${Range} kind="scrub" name=${axis} value=${places.indexOf(at)} ends=${[0, places.length - 1, 1]} text="${place(at)}: ${said}"
        onChange=${(i, finished) => { setOver(null); set(field)(places[i], finished); }} />
      <span class="small">${axis}: ${place(at)}</span></div>`;
}

/** @param {any} props */
function Table({ table }) {
  return html`<div class="scroll" tabindex="0"><table><thead><tr>${table.head.map((/** @type {string} */ each) => html`<th>${each}</th>`)}</tr></thead>
    <tbody>${table.rows.map((/** @type {string[]} */ [first, ...row]) => html`<tr><th scope="row">${first}</th>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>
    <p class="small">Test accuracy in per cent, at the step that validation chooses.</p>`;
}

/** @param {{ frames: { steps: number[], x: number[], y: number[][] }, session: import("../app/address.js").Session }} props a function, scrubbed over the outer steps */
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
        onChange=${(frame, finished) => { setPlaying(false); setAt(frame, finished); }} />
      <span class="small">outer step ${steps[at]}, inputs ${x[0]} to ${x[x.length - 1]}, outputs ${-end.toFixed(1)} to ${end.toFixed(1)}; grey: before learning</span></div>`;
}

/**
 * What `record/tickets.json` has: a text per unit, with a character per point of the signal, whose place in the
 * alphabet is the last round in which the weight is kept; and the test accuracy in per cent, by round.
 * @typedef {{ seed: number, units: number, accuracy: number[], alphabet: string, masks: string[] }} Search
 */

/** @param {{ search: Search, session: import("../app/address.js").Session }} props */
function Ticket({ search, session }) {
  const { seed, units, accuracy } = search;
  const lastRounds = useMemo(() => search.masks.map((row) => [...row].map((mark) => search.alphabet.indexOf(mark))), [search]);
  const [height, width] = [lastRounds[0].length, lastRounds.length];
  const last = accuracy.length - 1;
  const round = Math.min(session.values.round, last);
  const removed = `${((100 * round) / last).toFixed(0)} %`;
  const kept = lastRounds.flatMap((row, unit) => row.flatMap((until, point) => (until < round ? [] : [`M${unit} ${point}h1v1h-1z`])));
  return html`<h3>A ticket's first layer</h3>
    <svg class="mask" viewBox="0 0 ${width} ${height}" role="img" aria-label="Weights of ${width} units that are kept where ${removed} are removed: ${kept.length} of ${width * height}">
      <path d=${kept.join("")} /></svg>
    <div class="row"><${Range} kind="scrub" name="Weights removed" value=${round} ends=${[0, last, 1]} text=${removed} onChange=${session.set("round")} />
      <span class="small">${removed} of the weights removed</span></div>
    <p class="small">${`A column per unit, the first ${width} of ${units}, and a row per point of the signal: the ${kept.length.toLocaleString("en")} weights of ${(width * height).toLocaleString("en")}
      that are left in round ${round} of ${last}. Trained with this mask from its initial weights, the network reaches ${accuracy[round].toFixed(1)} % in the test, and ${accuracy[0].toFixed(1)} % with all.
      The trial of seed ${seed}.`}</p>`;
}
