// Samples of every class.

import { html } from "../../vendor/htm-preact.js";
import { Signal } from "../../app/plots.js";
import { Button, Slider, useRoving } from "../../app/controls.js";
import { LARGEST_FIRST } from "../../app/fields.js";

/**
 * @param {{ session: import("../../app/address.js").Session, samples: import("../../app/samples.js").Samples, shown: import("../../app/samples.js").Shown, other: Float32Array[] | null, first: number, follow: number }} props
 */
export function Grid({ session, samples, shown, other, first, follow }) {
  const { values, change, set } = session;
  const count = shown.x.length;
  const range = rangeOf(other ? [...shown.x, ...other] : shown.x);
  return html`<section aria-labelledby="samples">
    <div class="heading"><h2 id="samples">Samples</h2>
      <div class="buttons">
        <${Button} label="←" name="The samples before these" disabled=${first === 0} onClick=${() => change({ first: Math.max(0, first - count), follow: null })} />
        <span class="small" aria-live="polite">${first.toLocaleString("en")} to ${(first + count - 1).toLocaleString("en")}</span>
        <${Button} label="→" name="The samples after these" disabled=${first + count > LARGEST_FIRST} onClick=${() => change({ first: first + count, follow: null })} />
      </div>
    </div>
    <div class="classes-grid" ...${useRoving()}>
      ${samples.labels.map(
        (label) => html`<div class="class" role="group" aria-label="Class ${label}">
          <h3>${label}</h3>
          ${shown.clean.map((clean, i) => clean === label && html`<${Sample} key=${i} heights=${shown.x[i]} other=${other?.[i] ?? null} label=${shown.y[i]}
            clean=${clean} range=${range} index=${first + i} followed=${first + i === follow} onFollow=${() => change({ follow: first + i })} />`)}
        </div>`,
      )}
    </div>
    <div class="row">
      <${Slider} name="Samples per class" value=${values.rows} slider=${[1, 10, 1]} lowest=${1} highest=${10} whole initial=${3} onChange=${set("rows")} />
      <p class="small">Sample i is the same wherever it is computed: this page, <code>mnist1d.stream.Stream</code>,
        and <code>mnist1d generate</code> agree to the last bit.${values.hide.includes("steps") ? "" : " Choose one to follow its making below; arrow keys move."}</p>
    </div>
  </section>`;
}

/** @param {any} props */
function Sample({ heights, other, label, clean, range, index, followed, onFollow }) {
  const wrong = label !== clean;
  const text = `Sample ${index}, class ${clean}${wrong ? `, labelled ${label}` : ""}`;
  return html`<button type="button" class="sample ${followed ? "followed" : ""}" aria-pressed=${followed} title=${text} onClick=${onFollow}>
    <${Signal} heights=${heights} other=${other} range=${range} />
    ${wrong && html`<span class="mislabelled" aria-hidden="true">${label}</span>`}
  </button>`;
}

/** Ends that hold all signals and do not follow every small change. @param {Float32Array[]} signals */
function rangeOf(signals) {
  let most = 3.5;
  for (const signal of signals) for (const value of signal) most = Math.max(most, Math.abs(value));
  const end = Math.ceil(most * 2) / 2;
  return [-end, end];
}
