// Drawings: signals, axes and intervals as SVG.

import { html } from "../vendor/htm-preact.js";

/**
 * @param {ArrayLike<number>} heights
 * @param {{ width: number, height: number, low: number, high: number }} frame
 * @returns {string} the path of a signal, for the attribute `d`
 */
export function pathOf(heights, { width, height, low, high }) {
  const dx = width / Math.max(1, heights.length - 1);
  const dy = height / (high - low);
  let path = "";
  for (let i = 0; i < heights.length; i++) {
    path += `${i ? "L" : "M"}${(i * dx).toFixed(1)} ${((high - heights[i]) * dy).toFixed(1)}`;
  }
  return path;
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} [wanted] about how many
 * @returns {number[]} round numbers between two
 */
export function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i++) {
    found.push(Number((i * step).toPrecision(12)));
  }
  return found;
}

/**
 * A signal without axes; without a label, where what it stands in has a name.
 * @param {{ heights: ArrayLike<number>, width?: number, height?: number, range?: [number, number], label?: string, kind?: string, other?: ArrayLike<number> | null }} props
 */
export function Signal({ heights, width = 120, height = 56, range = [-4.5, 4.5], label, kind = "", other = null }) {
  const frame = { width, height, low: range[0], high: range[1] };
  return html`<svg class="signal ${kind}" viewBox="0 0 ${width} ${height}" role="img" aria-label=${label} aria-hidden=${!label} preserveAspectRatio="none">
    <path d=${pathOf(heights, frame)} />
    ${other && html`<path class="other" d=${pathOf(other, frame)} />`}
  </svg>`;
}

/**
 * Curves with axes.
 * @typedef {{ name: string, colour: number, x: number[], y: number[], low?: number[], high?: number[], dashed?: boolean }} Curve
 * @param {{ curves: Curve[], x: [number, number], y: [number, number], xLabel: string, yLabel: string, label: string, height?: number, log?: boolean, at?: number, onAt?: (x: number | null, finished: boolean) => void }} props where it is read, and what a pointer is told
 */
export function Chart({ curves, x, y, xLabel, yLabel, label, height = 260, log = false, at, onAt }) {
  const width = 560;
  const edge = { left: 48, right: 24, top: 24, bottom: 52 };
  const across = width - edge.left - edge.right;
  const down = height - edge.top - edge.bottom;
  const along = (/** @type {number} */ v) => (log ? Math.log10(v) : v);
  const px = (/** @type {number} */ v) =>
    edge.left + (across * (along(v) - along(x[0]))) / (along(x[1]) - along(x[0]) || 1);
  const py = (/** @type {number} */ v) => edge.top + (down * (y[1] - v)) / (y[1] - y[0] || 1);
  /** @param {any} event @param {boolean} finished */
  const read = ({ currentTarget, clientX }, finished) => {
    const { left, width: wide } = currentTarget.getBoundingClientRect();
    const place = along(x[0]) + (((clientX - left) * width / wide - edge.left) * (along(x[1]) - along(x[0]))) / across;
    onAt?.(log ? 10 ** place : place, finished);
  };
  const line = (/** @type {number[]} */ xs, /** @type {number[]} */ ys) =>
    xs
      .map((v, i) => [px(v), py(ys[i])])
      .filter(([, v]) => Number.isFinite(v))
      .map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`)
      .join("");
  const band = (/** @type {Curve} */ { x: xs, low = [], high = [] }) =>
    low.length ? `${line(xs, high)}L${line([...xs].reverse(), [...low].reverse()).slice(1)}Z` : "";
  const marks = log
    ? [0, 1, 2, 3, 4, 5].flatMap((power) => (x[1] < 1000 ? [1, 2, 5] : [1]).map((factor) => factor * 10 ** power)).filter((v) => v >= x[0] && v <= x[1])
    : ticks(...x);
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label=${label}
      onPointerMove=${(event) => read(event, false)} onPointerLeave=${() => onAt?.(null, false)} onClick=${(event) => read(event, true)}>
    ${ticks(...y, 4).map(
      (v) => html`<g class="tick"><line x1=${edge.left} x2=${width - edge.right} y1=${py(v)} y2=${py(v)} />
        <text x=${edge.left - 8} y=${py(v) + 4} text-anchor="end">${v}</text></g>`,
    )}
    ${marks.map((v) => html`<text class="tick" x=${px(v)} y=${height - edge.bottom + 22} text-anchor="middle">${v.toLocaleString("en")}</text>`)}
    <text class="axis" x=${edge.left} y="12">${yLabel}</text>
    <text class="axis" x=${width - edge.right} y=${height - 4} text-anchor="end">${xLabel}</text>
    ${curves.map((each) => html`<path class="band colour-${each.colour}" d=${band(each)} />`)}
    ${curves.map((each) => html`<path class="curve colour-${each.colour} ${each.dashed ? "dashed" : ""}" d=${line(each.x, each.y)} />`)}
    ${at !== undefined && html`<line class="reading" x1=${px(at)} x2=${px(at)} y1=${edge.top} y2=${height - edge.bottom} />
      ${curves.map((each) => each.x.includes(at) && html`<circle class="colour-${each.colour}" r="4" cx=${px(at)} cy=${py(each.y[each.x.indexOf(at)])} />`)}`}
  </svg>`;
}
