// What the reader takes along: Python, a command, files, a link.

import { html } from "../../vendor/htm-preact.js";
import { Button, Copy } from "../../app/controls.js";
import { csv, download, npz } from "../../app/files.js";
import { commandLine, pythonCode, templatesFile } from "./code.js";

/**
 * @param {{ about: import("../../app/fields.js").About, config: any, shift: any, first: number, count: number, made: any }} props
 */
export function Take({ about, config, shift, first, count, made }) {
  const { samples, shown } = made;
  const defaults = Object.fromEntries(Object.entries(about.parameters).map(([name, each]) => [name, each.default]));
  const code = pythonCode({ config, shift, defaults, first, count });
  const command = commandLine({ config, defaults, first, count });
  const length = shown.x[0].length;

  function asCsv() {
    const names = ["index", "label", ...Array.from({ length }, (_, i) => `x${i}`)];
    const rows = shown.x.map((/** @type {Float32Array} */ x, /** @type {number} */ i) => [first + i, shown.y[i], ...x]);
    return csv([names, ...rows]);
  }

  function asNpz() {
    const x = new Float32Array(count * length);
    shown.x.forEach((/** @type {Float32Array} */ row, /** @type {number} */ i) => x.set(row, i * length));
    const y = BigInt64Array.from(shown.y, (/** @type {number} */ label) => BigInt(label));
    return npz({ x: { data: x, shape: [count, length] }, y: { data: y, shape: [count] } });
  }

  function asJson() {
    const { mean, std } = samples;
    const rows = shown.x.map((/** @type {Float32Array} */ x, /** @type {number} */ i) => ({ index: first + i, label: shown.y[i], x: [...x] }));
    return `${JSON.stringify({ version: about.version, parameters: config, mean, std, samples: rows })}\n`;
  }

  return html`<section aria-labelledby="take">
    <h2 id="take">Take it along</h2>
    <div class="codes">
      <div class="code"><pre tabindex="0" id="python-code"><code>${code}</code></pre><${Copy} label="Copy as Python" text=${code} /></div>
      <div class="code"><pre tabindex="0" id="command-line"><code>${command}</code></pre><${Copy} label="Copy as command" text=${command} /></div>
    </div>
    ${first > 0 && html`<p class="small">The command writes all samples up to these; they are the last ${count}.</p>`}
    <div class="buttons">
      <${Button} label="CSV" onClick=${() => download("mnist1d.csv", asCsv(), "text/csv")} />
      <${Button} label="NPZ" onClick=${() => download("mnist1d.npz", asNpz(), "application/octet-stream")} />
      <${Button} label="JSON" onClick=${() => download("mnist1d.json", asJson(), "application/json")} />
      ${config.templates && html`<${Button} label="templates.txt" onClick=${() => download("templates.txt", templatesFile(config.templates), "text/plain")} />`}
    </div>
    <p class="small">The files hold the ${count} samples on the screen. <code>mnist1d.generate(...)</code> draws other samples of the
      same distribution, in the published order.</p>
  </section>`;
}
