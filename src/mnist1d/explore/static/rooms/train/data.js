// The data of the training room: sets as `mnist1d.generate` and `mnist1d.fresh_samples` make them.

import { generateSet } from "../../data/published.js";

export const TEST_SAMPLES = 1000;

/** @typedef {{ x: Float32Array, y: Int32Array }} Part */
/** @typedef {{ train: Part, validation: Part, test: Part, length: number, order: Int32Array | null, wrong: number }} Sets */

/** The last set that was made, as a click on a button makes the same again. @type {{ key: string, sets: Sets } | null} */
let last = null;

/**
 * The parameters of the page's Data room, with sizes. Validation samples are fresh ones: of another
 * seed, on the scale of the set, as in the package's record.
 * @param {any} config
 * @param {number} samples for training
 * @returns {Sets}
 */
export function makeSets(config, samples) {
  const key = JSON.stringify([config, samples]);
  if (last?.key === key) return last.sets;
  const set = generateSet({ ...config, train: samples, test: TEST_SAMPLES });
  const seed = config.seed === 1 ? 2 : 1;
  const fresh = generateSet({
    ...config, seed, positions_seed: config.positions_seed ?? config.seed, label_noise: 0, num_samples: TEST_SAMPLES, train_split: 0.5,
  });
  const rescaled = (/** @type {number} */ value) => (value * fresh.std + fresh.mean - set.mean) / set.std;
  const x = [...fresh.train.x, ...fresh.test.x].map(rescaled);
  const y = Int32Array.from([...fresh.train.y, ...fresh.test.y]);
  const sets = {
    train: { x: Float32Array.from(set.train.x), y: set.train.y },
    validation: { x: Float32Array.from(x), y },
    test: { x: Float32Array.from(set.test.x), y: set.test.y },
    length: config.final_seq_length,
    order: set.columnOrder,
    wrong: set.train.y.reduce((sum, label, i) => sum + Number(label !== set.clean[i]), 0),
  };
  last = { key, sets };
  return sets;
}

/**
 * @param {Part} part
 * @param {number} i
 * @param {number} length
 */
export function signalOf(part, i, length) {
  return part.x.subarray(i * length, (i + 1) * length);
}
