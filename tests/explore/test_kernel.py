"""The kernel of the explorer's training: its binary is that of its text, and it computes right."""

import numpy as np
import pytest

from mnist1d.explore.kernel import BINARY, compiled

wasmtime = pytest.importorskip("wasmtime", reason="wasmtime is not installed")

PLACES = 65_536
"""Bytes of memory for each array, more than any needs."""


@pytest.fixture(scope="module")
def kernel():
    """Return a function that runs a loop on copies of arrays and returns them as they are after."""
    store = wasmtime.Store()
    module = wasmtime.Module(store.engine, BINARY.read_bytes())
    memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(12, None)))
    exports = wasmtime.Instance(store, module, [memory]).exports(store)

    def call(name, *arguments):
        arrays = [each for each in arguments if isinstance(each, np.ndarray)]
        starts = [PLACES * i for i in range(len(arrays))]
        for start, array in zip(starts, arrays, strict=True):
            memory.write(store, array.astype(np.float32).tobytes(), start)
        others = [each for each in arguments if not isinstance(each, np.ndarray)]
        exports[name](store, *starts, *others)
        return [
            np.frombuffer(memory.read(store, start, start + 4 * array.size), np.float32).reshape(
                array.shape
            )
            for start, array in zip(starts, arrays, strict=True)
        ]

    return call


def drawn(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def test_the_binary_is_that_of_the_text():
    assert BINARY.read_bytes() == compiled()
    assert len(compiled()) < 4000


SIZES = [(1, 1, 8), (3, 2, 16), (5, 7, 8), (6, 18, 104), (10, 41, 24), (25, 16, 40), (24, 8, 104)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keep", [False, True])
def test_products(kernel, size, keep):
    m, k, n = size
    a, b, c = drawn(m, k), drawn(k, n), drawn(m, n)
    found, _, _ = kernel("multiply", c, a, b, m, k, n, -1 if keep else 0)
    assert found == pytest.approx(a @ b + keep * c, abs=1e-5)

    a, b, c = drawn(m, n), drawn(k, n, seed=1), drawn(m, k)
    found, _, _ = kernel("multiplyTransposed", c, a, b, m, k, n, 1.0 if keep else 0.0)
    assert found == pytest.approx(a @ b.T + keep * c, abs=1e-4)


def test_a_product_without_keep_forgets_what_is_no_number(kernel):
    c = np.full((2, 8), np.nan)
    found, _, _ = kernel("multiply", c, drawn(2, 3), drawn(3, 8), 2, 3, 8, 0)
    assert np.isfinite(found).all()


def test_elementwise_loops(kernel):
    x, y = drawn(40), drawn(40, seed=1)
    x[3] = np.nan
    assert np.array_equal(kernel("relu", x, 160)[0], np.where(x < 0, 0, x), equal_nan=True)
    assert np.array_equal(kernel("reluGradient", y, x, 160)[0], np.where(x > 0, y, 0))
    assert np.array_equal(kernel("add", y, x, 160)[0], x + y, equal_nan=True)


def test_adam(kernel):
    w, g, m, v = drawn(40), drawn(40, seed=1), drawn(40, seed=2), drawn(40, seed=3) ** 2
    new_w, _, new_m, new_v = kernel("adam", w, g, m, v, 160, 0.1, 0.5, 0.25)
    mean, square = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    assert new_m == pytest.approx(mean, abs=1e-6)
    assert new_v == pytest.approx(square, abs=1e-6)
    assert new_w == pytest.approx(
        w - 0.1 * (mean / 0.5) / (np.sqrt(square / 0.25) + 1e-8), abs=1e-5
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def test_gates_of_a_recurrent_unit(kernel):
    # From far beyond what saturates, through what hardly differs from a line.
    gates = np.concatenate([np.linspace(-100, 100, 80), np.linspace(-0.01, 0.01, 80)])
    gates = gates.astype(np.float32).reshape(4, 40)
    gates[2:] = gates[2:][:, ::-1]
    h, dh, dout = drawn(40), drawn(40, seed=1), drawn(40, seed=2)
    r, z, n = sigmoid(gates[0]), sigmoid(gates[1]), None
    n = np.tanh(gates[3].astype(np.float64) + r * gates[2])
    made, _, after, out = kernel("gruForward", gates, h, h, h, 160)
    assert made == pytest.approx(np.stack([r, z, gates[2], n]), abs=3e-7)
    assert after == pytest.approx(n + z * (h - n), abs=1e-6)
    assert np.array_equal(after, out)

    back, _, before, _ = kernel("gruBackward", made, h, dh, dout, 160)
    g = dh.astype(np.float64) + dout
    dn = g * (1 - z) * (1 - n**2)
    dr, dz = dn * gates[2] * r * (1 - r), g * (h - n) * z * (1 - z)
    assert back == pytest.approx(np.stack([dr, dz, dn * r, dn]), abs=2e-6)
    assert before == pytest.approx(g * z, abs=1e-6)
