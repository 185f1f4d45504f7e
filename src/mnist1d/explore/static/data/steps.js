/** How one sample is made: its signal after each of the eight steps from template to finished signal. */

import { NORMAL_UNIT } from './normal.js';
import { SMOOTHING_UNIT } from './standardisation.js';
import { Stream } from './stream.js';

/** Names of the template and of the eight steps, in order. */
export const STEP_NAMES = /** @type {const} */ ([
  'template', 'pad', 'stretch', 'scale', 'shift', 'smooth noise', 'white noise', 'shear', 'resample',
]);

/**
 * @typedef {object} Step
 * @property {typeof STEP_NAMES[number]} name
 * @property {Float64Array} values heights in the units of the templates, of as many points as the signal then has
 * @property {Uint8Array} digit 1 where a point belongs to the digit, 0 where to the padding
 */

/**
 * @typedef {object} Making
 * @property {Step[]} steps the template, then the signal after each of the eight steps
 * @property {Float32Array} x the sample: the last step, standardised, its points in the order of `positions`
 * @property {number} y its label, with noise
 * @property {number} clean its label without it
 * @property {number} padding zeros appended to the template
 * @property {number} scale factor on its height
 * @property {number} shift circular shift to the right, in points of the stretched signal
 * @property {number} shear height over the whole length of the line that is subtracted
 */

/**
 * Return how a sample of the stream is made.
 *
 * @param {import('./config.js').Parameters} parameters
 * @param {number} index of the sample
 * @returns {Making}
 * @throws {import('./config.js').InputError} if a parameter or the index is wrong
 */
export function steps(parameters, index) {
  const stream = new Stream(parameters);
  const { config, grid } = stream;
  const { length, final, left, rightShare, templateLength } = grid;
  const draws = stream.draws([index]);
  const sample = stream.synthesise(draws);
  const { padding, scale, shift, slope } = stream.factors(draws, 0);
  const clean = sample.clean[0];
  const place = config.labels.indexOf(clean);
  const shear = slope * config.shear_scale;

  const template = Float64Array.from(config.heights[clean]);
  const padded = new Float64Array(templateLength + padding);
  padded.set(template);
  const ofPadded = Uint8Array.from(padded, (_, p) => Number(p < templateLength));
  const heightUnit = grid.heightUnit / (length - 1);
  const stretched = filled(length, (p) => grid.stretchedHeight(place, padding, p) * heightUnit);
  const ofStretched = Uint8Array.from(stretched, (_, p) => Number(grid.isOfDigit(padding, p)));
  const scaled = stretched.map((height) => height * scale);
  const shifted = filled(length, (p) => scaled[(p - shift + length) % length]);
  const digit = Uint8Array.from(shifted, (_, p) => ofStretched[(p - shift + length) % length]);
  const smoothUnit = config.corr_noise_scale / (NORMAL_UNIT * SMOOTHING_UNIT);
  const surrounded = shifted.map((height, p) => (digit[p] ? height : draws.smooth[p] * smoothUnit));
  const covered = surrounded.map((height, p) => height + (draws.white[p] / NORMAL_UNIT) * config.iid_noise_scale);
  const sheared = covered.map((height, p) => height - shear * (p / (length - 1) - 0.5));
  const resampled = filled(final, (j) => {
    const right = rightShare[j] / (final - 1);
    return (1 - right) * sheared[left[j]] + right * sheared[left[j] + 1];
  });
  const ofResampled = Uint8Array.from(left, (l, j) => digit[2 * rightShare[j] < final - 1 ? l : l + 1]);

  const stages = [
    { values: template, digit: new Uint8Array(templateLength).fill(1) },
    { values: padded, digit: ofPadded },
    { values: stretched, digit: ofStretched },
    { values: scaled, digit: ofStretched },
    { values: shifted, digit },
    { values: surrounded, digit },
    { values: covered, digit },
    { values: sheared, digit },
    { values: resampled, digit: ofResampled },
  ];
  return {
    steps: stages.map((stage, i) => ({ name: STEP_NAMES[i], ...stage })),
    x: sample.x,
    y: sample.y[0],
    clean,
    padding,
    scale,
    shift,
    shear,
  };
}

/**
 * @param {number} length
 * @param {(p: number) => number} value
 */
function filled(length, value) {
  return Float64Array.from({ length }, (_, p) => value(p));
}
