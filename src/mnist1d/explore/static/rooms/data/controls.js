// The controls of the dataset, presets and seed.

import { html } from "../../vendor/htm-preact.js";
import { same } from "../../app/address.js";
import { Button, Help, Order, Select, Slider, Typed, Whole } from "../../app/controls.js";
import { makeFields } from "../../app/fields.js";
import { SHAPING, SHIFTABLE } from "../../data/constants.js";

/** @typedef {import("../../app/address.js").Session} Session */
/** @typedef {import("../../app/fields.js").About} About */

/** Names of the parameters on the page. @type {Record<string, string>} */
export const NAMES = {
  padding: "Padding",
  scale_coeff: "Scale",
  max_translation: "Translation",
  corr_noise_scale: "Smooth noise",
  iid_noise_scale: "White noise",
  shear_scale: "Shear",
  final_seq_length: "Points",
  seed: "Seed",
  label_noise: "Label noise",
  label_noise_kind: "Wrong labels are",
  classes: "Classes",
  class_proportions: "Shares of the classes",
};

const KINDS = /** @type {[string, string][]} */ ([
  ["symmetric", "of any class"],
  ["other", "of another class"],
]);

/** @param {{ session: Session, about: About }} props */
export function Controls({ session, about }) {
  const { values, change, set } = session;
  const only = values.only;
  const wanted = (/** @type {string} */ name) => only.length === 0 || only.includes(name);
  const differs = SHAPING.some((name) => !same(values[name], initial(about, name)));

  /** @param {string} name @param {string} [field] */
  const slider = (name, field = name) => {
    if (field === name && !wanted(name)) return null;
    const { slider: ends, lowest, highest, help, default: published } = about.parameters[name];
    return html`<${Slider} key=${field} name=${field === name ? NAMES[name] : `Shifted ${NAMES[name].toLowerCase()}`} value=${values[field] ?? values[name]}
      slider=${ends} lowest=${lowest} highest=${highest} whole=${Number.isInteger(ends?.[2])}
      initial=${field === name ? published : values[name]} help=${field === name ? help : ""}
      onChange=${set(field)} />`;
  };

  return html`<aside class="side" aria-label="Parameters">
    ${only.length === 0 &&
    html`<${Select} name="Preset" value=${presetOf(values, about)} options=${presetOptions(about)}
      onChange=${(name) => name && change({ ...cleared(about), ...about.presets[name].parameters })} />
      <p class="small">${about.presets[presetOf(values, about)]?.meaning}</p>`}
    <fieldset><legend>The digit</legend>
      <${Padding} session=${session} about=${about} />
      ${["scale_coeff", "max_translation", "shear_scale"].map((name) => slider(name))}
    </fieldset>
    <fieldset><legend>Noise</legend>
      ${["corr_noise_scale", "iid_noise_scale"].map((name) => slider(name))}
    </fieldset>
    <fieldset><legend>Signal and labels</legend>
      ${["final_seq_length", "label_noise"].map((name) => slider(name))}
      ${values.label_noise > 0 &&
      wanted("label_noise_kind") &&
      html`<${Select} name=${NAMES.label_noise_kind} value=${values.label_noise_kind} options=${KINDS}
        help=${about.parameters.label_noise_kind.help}
        onChange=${set("label_noise_kind")} />`}
      ${(wanted("positions") || wanted("positions_seed")) && html`<${Order} session=${session} about=${about} />`}
      ${wanted("classes") && html`<${Classes} session=${session} about=${about} />`}
      ${wanted("class_proportions") && html`<${Shares} session=${session} about=${about} />`}
    </fieldset>
    <fieldset><legend>Random draws</legend>
      ${wanted("seed") &&
      html`<${Whole} name=${NAMES.seed} value=${values.seed} lowest=${0} highest=${2 ** 32 - 1}
        help=${about.parameters.seed.help}
        onChange=${set("seed")} />`}
      <div class="buttons">
        <${Button} label="Another seed" onClick=${() => change({ seed: crypto.getRandomValues(new Uint32Array(1))[0] % 10_000 })} />
        <${Button} label="All as published" disabled=${!differs} onClick=${() => change(cleared(about))} />
      </div>
    </fieldset>
    ${!values.hide.includes("shift") &&
    html`<details class="shift" open=${SHIFTABLE.some((name) => values[`shift.${name}`] !== null)}>
      <summary>Compare with a shifted test set</summary>
      <p class="small">The same samples under other parameters, on the scale of the training set: what a trained model
        would meet. Drawn in the second colour.</p>
      <${Padding} session=${session} about=${about} shifted />
      ${SHIFTABLE.slice(1).map((name) => slider(name, `shift.${name}`))}
      <${Button} label="No shift" onClick=${() => change(Object.fromEntries(SHIFTABLE.map((name) => [`shift.${name}`, null])))} />
    </details>`}
  </aside>`;
}

/** @param {{ session: Session, about: About, shifted?: boolean }} props the two ends of the range of padding */
function Padding({ session, about, shifted = false }) {
  const { values, change } = session;
  if (!shifted && values.only.length && !values.only.includes("padding")) return null;
  const { slider, lowest = 0, highest = 0, help, default: published } = about.parameters.padding;
  const field = shifted ? "shift.padding" : "padding";
  const name = shifted ? "Shifted padding" : "Padding";
  const [low, high] = values[field] ?? values.padding;
  const initial = shifted ? values.padding : published;
  return html`
    <${Slider} name="${name}, least" value=${low} slider=${slider} lowest=${lowest} highest=${highest} whole
      initial=${initial[0]} help=${shifted ? "" : help}
      onChange=${(value, finished) =>
        change({ [field]: [value, Math.max(value, high)] }, finished)} />
    <${Slider} name="${name}, most" value=${high} slider=${slider} lowest=${lowest} highest=${highest} whole
      initial=${initial[1]}
      onChange=${(value, finished) =>
        change({ [field]: [Math.min(low, value), value] }, finished)} />`;
}

/** @param {{ session: Session, about: About }} props the relative sizes of the classes */
function Shares({ session, about }) {
  const { values, change } = session;
  const n = values.classes?.length ?? 10;
  const { read, write } = makeFields(about).class_proportions;
  const good = (/** @type {string} */ text) => text === "" || read(text)?.length === n;
  return html`<${Typed} name=${NAMES.class_proportions} value=${values.class_proportions === null ? "" : write(values.class_proportions)}
    good=${good} allowed="${n} numbers above 0, separated by commas" empty="equal" help=${about.parameters.class_proportions.help}
    onChange=${(text) => change({ class_proportions: text === "" ? null : read(text) })} />`;
}

/** @param {{ session: Session, about: About }} props */
function Classes({ session, about }) {
  const { values, change } = session;
  const chosen = values.classes ?? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  /** @param {number} label */
  const toggled = (label) => {
    const now = chosen.includes(label)
      ? chosen.filter((/** @type {number} */ each) => each !== label)
      : [...chosen, label].sort((a, b) => a - b);
    if (now.length) change({ classes: now.length === 10 ? null : now, class_proportions: null });
  };
  return html`<fieldset class="classes"><legend><${Help} text=${about.parameters.classes.help}>${NAMES.classes}<//></legend>
    ${[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(
      (label) => html`<label><input type="checkbox" checked=${chosen.includes(label)}
        disabled=${chosen.length === 1 && chosen.includes(label)} onChange=${() => toggled(label)} />${label}</label>`,
    )}
  </fieldset>`;
}

/** @param {About} about @param {string} name */
export function initial(about, name) {
  return about.parameters[name].default;
}

/** @param {About} about @returns {Record<string, any>} the published parameters */
export function cleared(about) {
  return Object.fromEntries(SHAPING.map((name) => [name, initial(about, name)]));
}

/** @param {Record<string, any>} values @param {About} about */
function presetOf(values, about) {
  const found = Object.entries(about.presets).find(([, { parameters }]) =>
    SHAPING.every((name) => name === "seed" || same(values[name], parameters[name] ?? initial(about, name))),
  );
  return found ? found[0] : "";
}

/** @param {About} about @returns {[string, string][]} */
function presetOptions(about) {
  return [["", "own"], ...Object.keys(about.presets).map((name) => /** @type {[string, string]} */ ([name, name]))];
}
