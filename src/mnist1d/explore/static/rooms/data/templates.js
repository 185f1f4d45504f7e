// The ten templates, drawn by hand or point by point.

import { html, useRef, useState } from "../../vendor/htm-preact.js";
import { Button } from "../../app/controls.js";
import { pathOf } from "../../app/plots.js";
import { digitTemplates } from "../../app/samples.js";

const WIDTH = 480;
const HEIGHT = 240;
const END = 0.6;
const FINE = 0.01;

/** @param {{ values: any, change: (changes: any, finished?: boolean) => void }} props */
export function Templates({ values, change }) {
  const digits = digitTemplates();
  /** @type {number[][]} */
  const templates = values.templates ?? digits;
  const edited = values.edit;
  const small = { width: 96, height: 48, low: -END, high: END };

  /** @param {number[]} row @param {boolean} finished */
  const put = (row, finished) =>
    change({ templates: templates.map((each, i) => (i === edited ? row : each)).map((each) => each.map(rounded)) }, finished);

  return html`<section aria-labelledby="templates">
    <div class="heading"><h2 id="templates">Templates</h2>
      <${Button} label="The ten digits" disabled=${values.templates === null} onClick=${() => change({ templates: null })} />
    </div>
    <p>Choose one and draw it anew; all samples follow.</p>
    <div class="template-list">
      ${templates.map(
        (row, i) => html`<button type="button" class="template ${i === edited ? "now" : ""}" aria-pressed=${i === edited} aria-label="Template ${i}"
            onClick=${() => change({ edit: i === edited ? null : i })}>
          <span>${i}</span>
          <svg viewBox="0 0 ${small.width} ${small.height}" aria-hidden="true"><path d=${pathOf(row, small)} /></svg>
        </button>`,
      )}
    </div>
    ${edited !== null &&
    html`<${Editor} key=${edited} label=${edited} heights=${templates[edited]} onPut=${put} />
      <div class="buttons">
        <${Button} label="Mirror" onClick=${() => put(templates[edited].map((height) => -height || 0), true)} />
        <${Button} label="Reverse" onClick=${() => put([...templates[edited]].reverse(), true)} />
        <${Button} label="As published" onClick=${() => put(digits[edited], true)} />
        <${Button} label="Done" onClick=${() => change({ edit: null })} />
      </div>`}
  </section>`;
}

/** @param {{ label: number, heights: number[], onPut: (row: number[], finished: boolean) => void }} props */
function Editor({ label, heights, onPut }) {
  const svg = useRef(/** @type {SVGSVGElement | null} */ (null));
  const [at, setAt] = useState(0);
  const last = useRef(/** @type {[number, number] | null} */ (null));
  const dx = WIDTH / (heights.length + 1);
  const y = (/** @type {number} */ height) => (HEIGHT / 2) * (1 - height / END);

  /** @param {PointerEvent} event @returns {[number, number]} point and height under the pointer */
  function under(event) {
    const box = /** @type {SVGSVGElement} */ (svg.current).getBoundingClientRect();
    const point = Math.round(((event.clientX - box.left) / box.width) * (heights.length + 1)) - 1;
    const height = END * (1 - (2 * (event.clientY - box.top)) / box.height);
    return [clamped(point, 0, heights.length - 1), clamped(height, -END, END)];
  }

  /** Points between two places of the pointer follow its line. @param {PointerEvent} event */
  function draw(event) {
    const [point, height] = under(event);
    const [start, from] = last.current ?? [point, height];
    const row = [...heights];
    const span = Math.abs(point - start);
    for (let i = 0; i <= span; i++) {
      const here = start + (span && ((point - start) / span) * i);
      row[here] = span ? from + ((height - from) * i) / span : height;
    }
    last.current = [point, height];
    setAt(point);
    onPut(row, false);
  }

  /** @param {KeyboardEvent} event */
  function typed(event) {
    const step = event.shiftKey ? 10 * FINE : FINE;
    const moves = { ArrowLeft: -1, ArrowRight: 1 };
    const raises = { ArrowUp: step, ArrowDown: -step };
    if (event.key in moves) {
      setAt(clamped(at + moves[/** @type {"ArrowLeft"} */ (event.key)], 0, heights.length - 1));
    } else if (event.key in raises) {
      const row = [...heights];
      row[at] = clamped(row[at] + raises[/** @type {"ArrowUp"} */ (event.key)], -END, END);
      onPut(row, !event.repeat);
    } else return;
    event.preventDefault();
  }

  return html`<svg ref=${svg} class="editor" viewBox="0 0 ${WIDTH} ${HEIGHT}" tabindex="0" role="slider"
      aria-label="Template ${label}: left and right choose a point, up and down move it"
      aria-valuemin=${-END} aria-valuemax=${END} aria-valuenow=${rounded(heights[at])}
      aria-valuetext="point ${at + 1} of ${heights.length}, height ${rounded(heights[at])}"
      onKeyDown=${typed} onKeyUp=${({ key }) => /Up|Down/.test(key) && onPut(heights, true)}
      onPointerDown=${(event) => { event.currentTarget.setPointerCapture(event.pointerId); last.current = null; draw(event); }}
      onPointerMove=${(event) => last.current && draw(event)}
      onPointerUp=${() => { last.current = null; onPut(heights, true); }}>
    <line class="zero" x1="0" x2=${WIDTH} y1=${HEIGHT / 2} y2=${HEIGHT / 2} />
    <path d=${`M${heights.map((height, i) => `${(i + 1) * dx} ${y(height)}`).join("L")}`} />
    ${heights.map((height, i) => html`<circle class=${i === at ? "now" : ""} r=${i === at ? 7 : 5} cx=${(i + 1) * dx} cy=${y(height)} />`)}
  </svg>`;
}

/** @param {number} value @param {number} low @param {number} high */
function clamped(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** @param {number} height three decimals, as the address keeps them */
function rounded(height) {
  return Math.round(height * 1000) / 1000 || 0;
}
