// The lines of Python, and the command, that make exactly the samples on the screen.

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
export function differences(config, defaults) {
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
export function pythonCode({ config, shift, defaults, first, count }) {
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
export function commandLine({ config, defaults, first, count }) {
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
export function templatesFile(templates) {
  return templates.map((row) => `${row.join(" ")}\n`).join("");
}
