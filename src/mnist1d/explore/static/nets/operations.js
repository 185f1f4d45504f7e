/**
 * The inner loops of training: in WebAssembly with vectors of four numbers, or in plain JavaScript where a browser has
 * none.
 *
 * Matrices are row-major in one array. Their last axis, the columns of a batch, is a multiple of `COLUMNS`.
 */

import { plainLoops } from './plain.js';

/** Numbers of columns are multiples of it. */
export const COLUMNS = 8;

const PAGE = 65_536;
const ALIGNMENT = 16;

/** @typedef {Float32Array} Floats */
/** @typedef {(c: Floats, a: Floats, b: Floats, m: number, k: number, n: number, keep?: boolean) => void} Product */
/** @typedef {(gates: Floats, h: Floats, to: Floats, out: Floats) => void} TimeStep */
/**
 * @typedef {(w: Floats, g: Floats, m: Floats, v: Floats, rate: number, mScale: number, vScale: number) => void} Update
 */

/**
 * @typedef {object} Loops
 * @property {Product} multiply c (m, n) = a (m, k) b (k, n), added to what is in c if `keep`
 * @property {Product} multiplyTransposed c (m, k) = a (m, n) times the transpose of b (k, n), added to what is in c if
 *   `keep`
 * @property {(x: Floats) => void} relu x = max(x, 0)
 * @property {(g: Floats, y: Floats) => void} reluGradient g = g where y > 0, else 0
 * @property {(y: Floats, x: Floats) => void} add y = y + x
 * @property {Update} adam a step: the running means m and v follow gradient g and squared gradient, and w moves by the
 *   rate times (m / mScale) / (sqrt(v / vScale) + 1e-8)
 * @property {TimeStep} gruForward a step of a GRU from state h; the new state goes to two places (see kernel.wat)
 * @property {TimeStep} gruBackward the same step backwards, with the gradients of the new state and of the output
 */

/** @typedef {Loops & {allocate: (n: number) => Float32Array}} Operations loops, and the arrays that they work on */

/**
 * Fetch and compile the kernel.
 *
 * @returns {Promise<WebAssembly.Module | null>} null where WebAssembly, its vectors or the file cannot be had
 */
export async function loadKernel() {
  try {
    const response = await fetch(new URL('kernel.wasm', import.meta.url));
    return response.ok ? await WebAssembly.compile(await response.arrayBuffer()) : null;
  } catch {
    return null;
  }
}

/**
 * Build something on arrays of the kernel's memory, which must be large enough from the start.
 *
 * @template T
 * @param {WebAssembly.Module | null} kernel plain JavaScript without one
 * @param {(operations: Operations) => T} build called twice with a kernel, at first to count what it allocates
 * @returns {T}
 */
export function withOperations(kernel, build) {
  let size = 0;
  const counting = {
    ...plainLoops,
    /** @param {number} n */
    allocate(n) {
      size += aligned(4 * n);
      return new Float32Array(n);
    },
  };
  const built = build(counting);
  return kernel === null ? built : build(kernelOperations(kernel, size));
}

/**
 * @param {WebAssembly.Module} kernel
 * @param {number} size of all arrays, in bytes
 * @returns {Operations}
 */
function kernelOperations(kernel, size) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(size / PAGE) + 1 });
  const { exports } = new WebAssembly.Instance(kernel, { env: { memory } });
  const loops = /** @type {Record<string, (...numbers: number[]) => void>} */ (/** @type {unknown} */ (exports));
  let used = 0;
  /** @param {Float32Array} array */
  const bytes = (array) => aligned(array.byteLength);
  return {
    allocate(n) {
      const array = new Float32Array(memory.buffer, used, n);
      used += aligned(4 * n);
      return array;
    },
    multiply(c, a, b, m, k, n, keep = false) {
      loops.multiply(c.byteOffset, a.byteOffset, b.byteOffset, m, k, n, keep ? -1 : 0);
    },
    multiplyTransposed(c, a, b, m, k, n, keep = false) {
      loops.multiplyTransposed(c.byteOffset, a.byteOffset, b.byteOffset, m, k, n, keep ? 1 : 0);
    },
    relu: (x) => loops.relu(x.byteOffset, bytes(x)),
    reluGradient: (g, y) => loops.reluGradient(g.byteOffset, y.byteOffset, bytes(g)),
    add: (y, x) => loops.add(y.byteOffset, x.byteOffset, bytes(y)),
    adam(w, g, m, v, rate, mScale, vScale) {
      loops.adam(w.byteOffset, g.byteOffset, m.byteOffset, v.byteOffset, bytes(w), rate, mScale, vScale);
    },
    gruForward(gates, h, next, out) {
      loops.gruForward(gates.byteOffset, h.byteOffset, next.byteOffset, out.byteOffset, bytes(h));
    },
    gruBackward(gates, h, dh, dout) {
      loops.gruBackward(gates.byteOffset, h.byteOffset, dh.byteOffset, dout.byteOffset, bytes(h));
    },
  };
}

/** @param {number} size */
function aligned(size) {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}
