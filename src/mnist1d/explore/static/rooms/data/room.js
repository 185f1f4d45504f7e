// The room of the dataset: parameters, samples of every class, the making of one of them.

import { html, useMemo } from "../../vendor/htm-preact.js";
import { configOf, shiftOf } from "../../app/fields.js";
import { makeSamples, rescaled } from "../../app/samples.js";
import { Controls } from "./controls.js";
import { Grid } from "./grid.js";
import { Making } from "./making.js";
import { Take } from "./take.js";
import { Templates } from "./templates.js";

/** @typedef {import("../../app/address.js").Session} Session */
/** @typedef {import("../../app/fields.js").About} About */

/** @param {{ session: Session, about: About }} props */
export function DataRoom({ session, about }) {
  const { values, change } = session;
  const config = configOf(values);
  const shift = shiftOf(values);
  const n = config.classes?.length ?? 10;
  const count = values.rows * n;
  const first = Math.floor(values.first / n) * n;
  const shifted = Object.keys(shift).length > 0;
  const made = useMemo(() => {
    try {
      const samples = makeSamples(config);
      const shown = samples.take(first, count);
      const other = shifted ? rescaled(makeSamples({ ...config, ...shift }), samples, first, count) : null;
      return { samples, shown, other, wrong: "" };
    } catch (error) {
      return { samples: null, shown: null, other: null, wrong: String(/** @type {Error} */ (error).message) };
    }
  }, [JSON.stringify([config, shift, first, count])]);
  const hidden = (/** @type {string} */ part) => values.hide.includes(part);
  const follow = values.follow ?? first;

  return html`<div class="room with-side">
    ${!hidden("controls") && html`<${Controls} session=${session} about=${about} />`}
    <div class="main">
      <h1>${n} ${n > 1 ? "classes" : "class"}, ${config.final_seq_length} points</h1>
      <p class="lead">
        Every signal is a template, moved, stretched, tilted and buried in noise. Move a control: the
        random draws stay, so that only what it changes, changes, and the scale, as signals are standardised.
      </p>
      ${made.wrong && html`<p class="wrong" role="alert">There are no such samples: ${made.wrong}</p>`}
      ${made.samples &&
      made.shown &&
      html`
        <${Grid} session=${session} samples=${made.samples} shown=${made.shown} other=${made.other} first=${first} follow=${follow} />
        ${!hidden("steps") && html`<${Making} session=${session} samples=${made.samples} follow=${follow} />`}
        ${!hidden("templates") && html`<${Templates} values=${values} change=${change} />`}
        ${!hidden("copy") && html`<${Take} about=${about} config=${config} shift=${shift} first=${first} count=${count} made=${made} />`}
      `}
    </div>
  </div>`;
}
