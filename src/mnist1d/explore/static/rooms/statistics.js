// Intervals, as the package computes them.

/** The 97.5 % points of the normal distribution, and of Student's by degrees of freedom: of two to five runs, and of a test's hundred answers. */
const NORMAL = 1.959963984540054;
/** @type {Record<number, number>} */
const STUDENT = { 1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 99: 1.984216951586408 };

/**
 * @param {number} right
 * @param {number} n
 * @returns {[number, number]} Wilson's 95 % interval of a proportion
 */
export function wilson(right, n) {
  const z2 = NORMAL ** 2;
  const p = right / n;
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (NORMAL / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/**
 * @param {number[]} values one per seed, or a hundred differences
 * @returns {[number, number, number]} mean and Student's 95 % interval; no interval of one value
 */
export function interval(values) {
  const n = values.length;
  const mean = values.reduce((sum, each) => sum + each, 0) / n;
  const variance = values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (n - 1);
  const half = STUDENT[n - 1] * Math.sqrt(variance / n);
  return [mean, mean - half, mean + half];
}
