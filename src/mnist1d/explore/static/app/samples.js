// Samples of the native stream, as the rooms show them.

import { TEMPLATES } from "../data/constants.js";
import { generateSet } from "../data/published.js";
import { steps } from "../data/steps.js";
import { range, Stream } from "../data/stream.js";

/**
 * @typedef {Object} Shown
 * @property {Float32Array[]} x a signal per sample
 * @property {number[]} y labels, with their noise
 * @property {number[]} clean labels without it
 */
/**
 * @typedef {Object} Step
 * @property {string} name
 * @property {number[]} heights in units of the templates
 * @property {boolean[]} digit which points belong to the digit
 * @property {string} drawn what was drawn at random for it, if it was one number
 */
/**
 * @typedef {Object} Samples
 * @property {number} mean
 * @property {number} std
 * @property {number[]} labels that occur, rising
 * @property {(first: number, count: number) => Shown} take
 * @property {(index: number) => Step[]} steps
 */

const KEPT = 4;
/** Random draws, which outlive a change of strengths. @type {Map<string, any>} */
const draws = new Map();

/** @param {Stream} stream @param {number[]} indices */
function drawsOf(stream, indices) {
  const key = `${stream.config.seed} ${stream.grid.length} ${indices[0]} ${indices.length}`;
  const found = draws.get(key) ?? stream.draws(indices);
  draws.delete(key);
  draws.set(key, found);
  if (draws.size > KEPT) draws.delete(/** @type {string} */ (draws.keys().next().value));
  return found;
}

/**
 * @param {any} config parameters of the dataset
 * @returns {Samples}
 * @throws {Error} if a parameter is wrong, or the samples would all be the same
 */
export function makeSamples(config) {
  const stream = new Stream(config);
  const length = stream.config.final_seq_length;
  return {
    mean: stream.mean,
    std: stream.std,
    labels: [...stream.config.labels].sort((a, b) => a - b),
    take(first, count) {
      const { x, y, clean } = stream.synthesise(drawsOf(stream, range(first, first + count)));
      const rows = range(0, count).map((i) => x.subarray(i * length, (i + 1) * length));
      return { x: rows, y: [...y], clean: [...clean] };
    },
    steps(index) {
      const making = steps(config, index);
      const drawn = {
        pad: `${making.padding} zeros`,
        scale: `factor ${making.scale.toFixed(3)}`,
        shift: `by ${making.shift} points`,
        shear: `by ${making.shear.toFixed(3)} over the whole length`,
      };
      return making.steps.map(({ name, values, digit }) => ({
        name,
        heights: [...values],
        digit: [...digit].map(Boolean),
        drawn: Object.hasOwn(drawn, name) ? drawn[/** @type {"pad"} */ (name)] : "",
      }));
    },
  };
}

/**
 * The same samples under other parameters, on the scale of the first ones.
 * @param {Samples} shifted
 * @param {Samples} samples
 * @param {number} first
 * @param {number} count
 * @returns {Float32Array[]}
 */
export function rescaled(shifted, samples, first, count) {
  const factor = shifted.std / samples.std;
  const offset = (shifted.mean - samples.mean) / samples.std;
  return shifted.take(first, count).x.map((row) => row.map((value) => value * factor + offset));
}

/** @returns {number[][]} the published templates */
export function digitTemplates() {
  return TEMPLATES.map((row) => [...row]);
}

/**
 * The published dataset, with the points in the order of Table 1's shuffled rows where wanted.
 * @typedef {{ x: Float64Array[], y: number[] }} Part
 * @param {string} data "plain" or "shuffled"
 * @returns {{ train: Part, test: Part }}
 */
export function publishedSet(data) {
  const found = sets.get(data) ?? orderedSet(data === "shuffled" ? "shuffled_classification" : "original");
  sets.set(data, found);
  return found;
}

/** @type {Map<string, { train: Part, test: Part }>} */
const sets = new Map();

/** @param {string} positions */
function orderedSet(positions) {
  const { train, test } = generateSet({ positions });
  const length = 40;
  const rows = (/** @type {Float64Array} */ x, /** @type {Int32Array} */ y) => ({
    x: range(0, y.length).map((i) => x.subarray(i * length, (i + 1) * length)),
    y: [...y],
  });
  return { train: rows(train.x, train.y), test: rows(test.x, test.y) };
}
