/**
 * The standard normal value of every 16-bit number, in whole multiples of 1 / 512.
 *
 * They are the quantiles in the middle of 65,536 equally probable parts, rounded. None comes near the middle between
 * two whole numbers, so that any good quantile function gives the same table: `mnist1d.stream.tables.normal_table`.
 */

/** Standard normal values are whole multiples of the reciprocal. */
export const NORMAL_UNIT = 512;
// Slightly more than the unit: 65,536 quantiles have a variance slightly below 1.
const SCALE = 512.0043;
const HALF = 32_768;
// Wichura's algorithm AS 241, PPND16, as in Python's `statistics.NormalDist`; highest power first.
const CENTRE = [
  [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
    13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
  [5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
    5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1],
];
const TAIL = [
  [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
  [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1],
];

/**
 * Round to the nearest whole number, ties to even.
 *
 * @param {number} value
 */
export function roundToEven(value) {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * Return the quantile of a probability from 1/2 to 1 - exp(-25).
 *
 * @param {number} p
 */
function upperQuantile(p) {
  const q = p - 0.5;
  if (q <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
  return ratio(TAIL, Math.sqrt(-Math.log(1 - p)) - 1.6);
}

/**
 * Return the quotient of two polynomials at a point.
 *
 * @param {number[][]} polynomials
 * @param {number} x
 */
function ratio(polynomials, x) {
  const [above, below] = polynomials.map((all) => all.reduce((sum, coefficient) => sum * x + coefficient));
  return above / below;
}

/** Int16Array of 65,536 whole numbers from -2214 to 2214. */
export const NORMAL_TABLE = new Int16Array(2 * HALF);
for (let u = HALF; u < 2 * HALF; u++) {
  NORMAL_TABLE[u] = roundToEven(SCALE * upperQuantile((u + 0.5) / (2 * HALF)));
  NORMAL_TABLE[2 * HALF - 1 - u] = -NORMAL_TABLE[u];
}

/** Variance of the table's values divided by 512. */
export const NORMAL_VARIANCE = NORMAL_TABLE.reduce((sum, value) => sum + value * value, 0) / 65_536 / NORMAL_UNIT ** 2;
