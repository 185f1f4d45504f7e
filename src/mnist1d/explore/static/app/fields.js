// The fields of the page's state: the parameters of the dataset, and what each room adds.

import { choice, integer, list, number, optional, same, truth } from "./address.js";
import { SHAPING, SHIFTABLE } from "../data/constants.js";

/** @typedef {import("./address.js").Field<any>} Field */
/** @typedef {import("./address.js").Values} Values */

/**
 * What `record/parameters.json` says of a parameter.
 * @typedef {Object} Parameter
 * @property {any} default
 * @property {string} help
 * @property {number} [lowest] least value that is allowed on the page
 * @property {number} [highest]
 * @property {[number, number, number]} [slider] ends and step
 * @property {string[]} [options]
 */
/** @typedef {{ version: string, parameters: Record<string, Parameter>, presets: Record<string, { meaning: string, parameters: Values }> }} About */

export const MODELS = ["Logistic", "MLP", "CNN", "GRU"];

export const LARGEST_FIRST = 1e9;

/** The charts of the record, and where they are read at first. */
const READ = { "double-descent": 47, lottery: 91, pooling: 1000, layers: 2 };

/**
 * @param {About} about
 * @returns {Record<string, Field>}
 */
export function makeFields(about) {
  const { parameters } = about;
  /** @type {Record<string, Field>} */
  const fields = { padding: paddingField(parameters.padding) };
  for (const name of SHAPING.slice(1)) fields[name] = ofParameter(name, parameters[name]);
  const shifts = Object.fromEntries(
    SHIFTABLE.map((name) => [`shift.${name}`, optional(fields[name])]),
  );
  const label = integer(0, 0, 9);
  return {
    ...fields,
    ...shifts,
    rows: integer(3, 1, 10),
    first: integer(0, 0, LARGEST_FIRST),
    follow: optional(integer(0, 0, LARGEST_FIRST + 100)),
    stage: integer(8, 0, 8),
    hide: list([], choice("", ["controls", "steps", "templates", "shift", "copy", "rooms"])),
    only: list([], choice("", SHAPING)),
    note: { initial: "", read: (text) => (text.length <= 300 ? text : undefined), write: String },
    edit: optional(label),
    models: list(["MLP", "CNN"], choice("", MODELS), (all) => all.length > 0 && new Set(all).size === all.length),
    runs: integer(1, 1, 5),
    steps: integer(6001, 1, 20_000),
    rate: number(0.01, 1e-6, 10),
    optimiser: choice("adam", ["adam", "momentum", "sgd"]),
    batch: integer(100, 1, 1000),
    samples: integer(4000, 100, 20_000),
    "width.MLP": optional(integer(100, 1, 300)),
    "width.CNN": optional(integer(25, 1, 64)),
    "width.GRU": optional(integer(6, 1, 24)),
    test: choice("plain", ["plain", "shuffled"]),
    feedback: truth(true),
    block: optional(label),
    inside: optional(choice("", MODELS.flatMap((model) => [0, 1, 2, 3, 4].map((seed) => runName({ model, seed }))))),
    cell: optional(list([], label, (all) => all.length === 2)),
    sample: integer(0, 0, 999),
    "hand.shift": integer(0, 0, 511),
    "hand.shear": number(0, -20, 20),
    "hand.height": number(1, -10, 10),
    round: integer(91, 0, 99),
    frame: optional(integer(0, 0, 99)),
    ...Object.fromEntries(Object.entries(READ).map(([name, at]) => [`at.${name}`, number(at, 0, 1e7)])),
    without: list([], choice("", Object.keys(READ).flatMap((name) => [0, 1, 2, 3].map((curve) => `${name}.${curve}`)))),
  };
}

/** @param {{ model: string, seed: number }} run @returns {string} what it is called in the address */
export function runName({ model, seed }) {
  return `${model}.${seed}`;
}

/** @param {string} name @param {Parameter} about @returns {Field} */
function ofParameter(name, about) {
  const { lowest = 0, highest = 1 } = about;
  switch (name) {
    case "max_translation":
    case "final_seq_length":
    case "seed":
      return integer(about.default, lowest, highest);
    case "positions_seed":
      return optional(integer(0, lowest, highest));
    case "classes":
      return optional(list([], integer(0, 0, 9), (all) => all.length > 0 && new Set(all).size === all.length));
    case "class_proportions":
      return optional(list([], number(1, 1e-6, 1e6), (all) => all.length > 0 && all.length <= 10));
    case "label_noise_kind":
      return choice(about.default, about.options ?? []);
    case "positions":
      return orderField(about.default, about.options ?? []);
    case "templates":
      return optional(templatesField());
    default:
      return number(about.default, lowest, highest);
  }
}

/** @param {Parameter} about @returns {Field} */
function paddingField({ default: initial, highest = 0 }) {
  return list(initial, integer(0, 0, highest), ([low, high, more]) => low <= high && more === undefined);
}

/** The name of an order of the points, or the original place of every point. @param {string} initial @param {string[]} names @returns {Field} */
function orderField(initial, names) {
  const name = choice(initial, names);
  const places = list([], integer(0, 0, 511), (all) => all.length > 1 && new Set(all).size === all.length && Math.max(...all) < all.length);
  return {
    initial,
    read: (text) => name.read(text) ?? places.read(text),
    write: (order) => (Array.isArray(order) ? places.write(order) : order),
  };
}

const POINTS = 12;
const TALLEST = 9;

/** Heights with three decimals, classes separated by underscores. @returns {Field} */
function templatesField() {
  const heights = list([], number(0, -TALLEST, TALLEST), (all) => all.length === POINTS);
  return {
    initial: null,
    read(text) {
      const rows = text.split("_").map(heights.read);
      return rows.length === 10 && rows.every((row) => row !== undefined) ? rows : undefined;
    },
    write: (rows) => rows.map(heights.write).join("_"),
  };
}

/**
 * What the state leaves to be consistent: one share per class, sizes that the order of points needs.
 * @param {Values} values
 * @returns {Values} the parameters of the samples
 */
export function configOf(values) {
  const config = Object.fromEntries(SHAPING.map((name) => [name, values[name]]));
  const n = config.classes?.length ?? 10;
  if (config.class_proportions && config.class_proportions.length !== n) {
    config.class_proportions = null;
  }
  const { positions, final_seq_length: length } = config;
  if ((positions === "chunked" && length % 4) || (Array.isArray(positions) && positions.length !== length)) config.positions = "original";
  if (config.label_noise_kind === "other" && n < 2) config.label_noise_kind = "symmetric";
  return config;
}

const RESTING = {
  positions: "an order for another number of points",
  class_proportions: "shares of another number of classes",
  label_noise_kind: "labels of another class, as there is one class alone",
};

/**
 * @param {Values} values
 * @returns {string[]} what the state holds and the samples do not follow
 */
export function restingOf(values) {
  const config = configOf(values);
  return Object.entries(RESTING).flatMap(([name, what]) => (same(values[name], config[name]) ? [] : [what]));
}

/**
 * @param {Values} values
 * @returns {Values} what the shifted set changes
 */
export function shiftOf(values) {
  return Object.fromEntries(
    SHIFTABLE.map((name) => [name, values[`shift.${name}`]]).filter(([, value]) => value !== null),
  );
}
