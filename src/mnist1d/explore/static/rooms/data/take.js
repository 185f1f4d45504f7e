// What the reader takes along: the lines of Python and the command that make exactly the samples on the screen, and files.

import { html } from "../../vendor/htm-preact.js";
import { Button, Copy } from "../../app/controls.js";
import { csv, download, npz } from "../../app/files.js";

/** @typedef {import("../../app/address.js").Values} Values */

/**
 * @param {any} value
 * @returns {string} as Python writes it
 */
function python(value) {
  if (value === null) return "None";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `(${value.map(python).join(", ")}${value.length === 1 ? "," : ""})`;
  return String(value);
}

/**
 * @param {Values} config
 * @param {Values} defaults
 * @returns {[string, any][]} the parameters that differ from the published ones
 */
function differences(config, defaults) {
  return Object.entries(config).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name] ?? null),
  );
}

/**
 * @param {[string, any][]} parameters
 * @param {string} start of the call, for example `Stream(`
 */
function call(parameters, start) {
  const line = `${start}${parameters.map(([name, value]) => `${name}=${python(value)}`).join(", ")})`;
  if (line.length <= 88) return line;
  const rows = parameters.map(([name, value]) =>
    name === "templates"
      ? `    templates=[\n${value.map((/** @type {number[]} */ row) => `        ${python(row)},\n`).join("")}    ],\n`
      : `    ${name}=${python(value)},\n`,
  );
  return `${start}\n${rows.join("")})`;
}

/**
 * @param {{ config: Values, shift: Values, defaults: Values, first: number, count: number }} shown
 * @returns {string} x and y are the samples on the screen, z the same under the shift
 */
function pythonCode({ config, shift, defaults, first, count }) {
  const rows = `${first}:${first + count}`;
  const lines = [
    "from mnist1d.stream import Stream",
    "",
    call(differences(config, defaults), "stream = Stream("),
    `x, y = stream[${rows}]`,
  ];
  if (Object.keys(shift).length) {
    lines.push(
      "",
      call(Object.entries(shift), "shifted = Stream(stream.config.replace(").replace(/\)$/, "))"),
      `z, _ = shifted[${rows}]`,
      "# On the scale of the unshifted samples, as a model sees them.",
      "z = (z * shifted.std + (shifted.mean - stream.mean)) / stream.std",
    );
  }
  return lines.join("\n");
}

/**
 * @param {{ config: Values, defaults: Values, first: number, count: number }} shown
 * @returns {string} the samples on the screen are the last ones of the file
 */
function commandLine({ config, defaults, first, count }) {
  const options = differences(config, defaults).map(([name, value]) => {
    const option = `--${name.replaceAll("_", "-")}`;
    if (name === "templates") return `${option} templates.txt`;
    if (name === "positions") return `${option} ${value}`;
    return `${option} ${Array.isArray(value) ? value.join(" ") : value}`;
  });
  return ["mnist1d generate", `--num-samples ${first + count}`, ...options, "--format csv --out samples"].join(" ");
}

/**
 * @param {number[][]} templates
 * @returns {string} a file for the option `--templates`
 */
function templatesFile(templates) {
  return templates.map((row) => `${row.join(" ")}\n`).join("");
}

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
