/** The loops of kernel.wat in plain JavaScript, with the same results up to rounding. */

/** @type {import('./operations.js').Loops} */
export const plainLoops = {
  multiply(c, a, b, m, k, n, keep = false) {
    if (!keep) c.fill(0, 0, m * n);
    // Four rows at once: each row of b is read a quarter as often. Rows beyond the last add nothing to the first of
    // four.
    for (let i = 0; i < m; i += 4) {
      const [two, three, four] = [i + 1 < m, i + 2 < m, i + 3 < m];
      const c0 = i * n;
      const c1 = two ? c0 + n : c0;
      const c2 = three ? c0 + 2 * n : c0;
      const c3 = four ? c0 + 3 * n : c0;
      for (let l = 0; l < k; l++) {
        const a0 = a[i * k + l];
        const a1 = two ? a[(i + 1) * k + l] : 0;
        const a2 = three ? a[(i + 2) * k + l] : 0;
        const a3 = four ? a[(i + 3) * k + l] : 0;
        for (let j = 0, p = l * n; j < n; j++, p++) {
          const value = b[p];
          c[c0 + j] += a0 * value;
          c[c1 + j] += a1 * value;
          c[c2 + j] += a2 * value;
          c[c3 + j] += a3 * value;
        }
      }
    }
  },

  multiplyTransposed(c, a, b, m, k, n, keep = false) {
    for (let i = 0; i < m; i += 2) {
      const second = Math.min(i + 1, m - 1);
      for (let l = 0; l < k; l += 2) {
        const right = Math.min(l + 1, k - 1);
        let [s00, s01, s10, s11] = [0, 0, 0, 0];
        for (let j = 0; j < n; j++) {
          const a0 = a[i * n + j];
          const a1 = a[second * n + j];
          const b0 = b[l * n + j];
          const b1 = b[right * n + j];
          s00 += a0 * b0;
          s01 += a0 * b1;
          s10 += a1 * b0;
          s11 += a1 * b1;
        }
        // All before the first is written, as rows may be there twice.
        const places = [i * k + l, i * k + right, second * k + l, second * k + right];
        const sums = [s00, s01, s10, s11].map((sum, q) => (keep ? c[places[q]] + sum : sum));
        sums.forEach((sum, q) => (c[places[q]] = sum));
      }
    }
  },

  relu(x) {
    for (let i = 0; i < x.length; i++) if (x[i] < 0) x[i] = 0;
  },

  reluGradient(g, y) {
    for (let i = 0; i < g.length; i++) if (!(y[i] > 0)) g[i] = 0;
  },

  add(y, x) {
    for (let i = 0; i < y.length; i++) y[i] += x[i];
  },

  adam(w, g, m, v, rate, mScale, vScale) {
    for (let i = 0; i < w.length; i++) {
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
      w[i] -= (rate * (m[i] / mScale)) / (Math.sqrt(v[i] / vScale) + 1e-8);
    }
  },

  gruForward(gates, h, next, out) {
    const size = h.length;
    for (let i = 0; i < size; i++) {
      const r = sigmoid(gates[i]);
      const z = sigmoid(gates[size + i]);
      const n = 2 * sigmoid(2 * (gates[3 * size + i] + r * gates[2 * size + i])) - 1;
      gates[i] = r;
      gates[size + i] = z;
      gates[3 * size + i] = n;
      next[i] = out[i] = n + z * (h[i] - n);
    }
  },

  gruBackward(gates, h, dh, dout) {
    const size = h.length;
    for (let i = 0; i < size; i++) {
      const r = gates[i];
      const z = gates[size + i];
      const n = gates[3 * size + i];
      const g = dh[i] + dout[i];
      const dn = g * (1 - z) * (1 - n * n);
      gates[i] = dn * gates[2 * size + i] * r * (1 - r);
      gates[size + i] = g * (h[i] - n) * z * (1 - z);
      gates[2 * size + i] = dn * r;
      gates[3 * size + i] = dn;
      dh[i] = g * z;
    }
  },
};

/** @param {number} x */
function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}
