// Intervals, as the package computes them.

/** The 97.5 % points of the normal distribution, and of Student's with 99 degrees of freedom. */
const NORMAL = 1.959963984540054;
const STUDENT_99 = 1.984216951586408;

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
 * @param {number[]} differences a hundred of them
 * @returns {[number, number, number]} mean and 95 % interval
 */
export function paired(differences) {
  const n = differences.length;
  const mean = differences.reduce((sum, each) => sum + each, 0) / n;
  const variance = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (n - 1);
  const half = STUDENT_99 * Math.sqrt(variance / n);
  return [mean, mean - half, mean + half];
}
