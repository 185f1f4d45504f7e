// The protocol of the human test, and its state, which is stored in the browser at every step.
//
// First labelled training samples, as many as the person likes; then a hundred test samples, one
// answer each, without a way back. Answers are stored at once and survive a reload.

export const FORMAT = "mnist1d-human";
export const VERSION = 1;
export const QUESTIONS = 100;
export const BLOCKS = 10;
export const LESSON = 10;
export const LESSONS = 4000;
const KEY = "mnist1d-human";

/** @typedef {{ sample: number, label: number, answer: number, seconds: number | null }} Answer */
/**
 * @typedef {Object} Test
 * @property {string} package version of the package
 * @property {string} person
 * @property {"plain" | "shuffled"} data
 * @property {boolean} feedback whether the labels were shown after every ten
 * @property {number} block which hundred of the thousand test samples
 * @property {number} learned labelled training samples that were shown
 * @property {string} started
 * @property {Answer[]} answers
 */
/** @typedef {{ current: (Test & { testing: boolean, seen: number }) | null, done: Test[] }} Stored */

/** @returns {Stored} what the browser has kept; what is damaged is left alone and not used */
export function load() {
  try {
    const { current, done } = JSON.parse(localStorage.getItem(KEY) ?? "");
    if (Array.isArray(done) && done.every((test) => isTest(test, true)) && (current === null || isTest(current, false))) {
      return { current, done };
    }
  } catch {
    // Nothing stored yet, or storage is not allowed.
  }
  return { current: null, done: [] };
}

/** @param {Stored} stored @returns {boolean} whether the browser could keep it */
export function save(stored) {
  try {
    localStorage.setItem(KEY, JSON.stringify(stored));
    return true;
  } catch {
    return false;
  }
}

/** @param {any} test @param {boolean} finished */
function isTest(test, finished) {
  const whole = (/** @type {any} */ value, /** @type {number} */ most) => Number.isInteger(value) && value >= 0 && value <= most;
  return (
    ["plain", "shuffled"].includes(test?.data) &&
    typeof test.person === "string" && typeof test.started === "string" &&
    whole(test.block, BLOCKS - 1) && whole(test.learned, LESSONS) && (finished || whole(test.seen, QUESTIONS)) &&
    Array.isArray(test.answers) && (finished ? test.answers.length === QUESTIONS : test.answers.length <= QUESTIONS) &&
    test.answers.every((/** @type {any} */ { sample, label, answer, seconds }, /** @type {number} */ i) =>
      sample === test.block * QUESTIONS + i && whole(label, 9) && whole(answer, 9) && (seconds === null || Number.isFinite(seconds)))
  );
}

/**
 * @param {Stored} stored
 * @param {string} data
 * @param {number | null} wanted
 * @returns {number} a block of test samples that was not answered here yet, if there is one
 */
export function chooseBlock(stored, data, wanted) {
  if (wanted !== null) return wanted;
  const used = stored.done.filter((test) => test.data === data).map(({ block }) => block);
  const all = Array.from({ length: BLOCKS }, (_, i) => i);
  const free = all.filter((block) => !used.includes(block));
  const choices = free.length ? free : all;
  return choices[crypto.getRandomValues(new Uint32Array(1))[0] % choices.length];
}

/** @param {Test[]} tests @returns {string} the file for `mnist1d human` */
export function asJson(tests) {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, tests }, null, 1)}\n`;
}

const COLUMNS = /** @type {const} */ (["package", "person", "data", "feedback", "block", "learned", "started"]);

/** @param {Test[]} tests @returns {(string | number | null)[][]} the same as rows of CSV */
export function asRows(tests) {
  const rows = tests.flatMap((test) =>
    test.answers.map(({ sample, label, answer, seconds }) => [
      VERSION, ...COLUMNS.map((name) => (typeof test[name] === "boolean" ? String(test[name]) : test[name])),
      sample, label, answer, seconds,
    ]),
  );
  return /** @type {any} */ ([["version", ...COLUMNS, "sample", "label", "answer", "seconds"], ...rows]);
}
