"""Compare a training step with its matrix products alone, on one core."""

import os
import subprocess
import sys
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np


def seconds_of_product(m, k, n, dtype="float32", repetitions=300):
    """Time one product, summed in float32, within a compiled loop on one device."""
    rng = np.random.default_rng(0)
    a, b = (jnp.asarray(rng.normal(size=shape), dtype) for shape in ((m, k), (k, n)))

    @jax.jit
    def loop(a, b):
        def body(_, carry):
            a, total = carry
            corner = jnp.matmul(a, b, preferred_element_type=jnp.float32)[0, 0]
            return a.at[0, 0].add((1e-30 * corner).astype(dtype)), total + corner

        return jax.lax.fori_loop(0, repetitions, body, (a, jnp.float32(0)))[1]

    loop(a, b).block_until_ready()
    times = []
    for _ in range(5):
        start = perf_counter()
        loop(a, b).block_until_ready()
        times.append(perf_counter() - start)
    return min(times) / repetitions


def backward_too(forward):
    """Shapes of all products of a step, from those of its forward pass, (out, in, examples)."""
    weights = [(m, n, k) for m, k, n in forward]
    inputs = [(k, m, n) for m, k, n in forward[1:]]
    return forward + weights + inputs


def operations(products):
    """Floating-point operations of products of shapes (m, k, n)."""
    return sum(2 * m * k * n for m, k, n in products)


def run_alone(script):
    """Run a script with `--one-core` in a process that has one core; returns its lines, split."""
    core = {min(os.sched_getaffinity(0))}
    done = subprocess.run(  # noqa: S603
        [sys.executable, script, "--one-core"],
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    return [line.split() for line in done.stdout.splitlines()]


def row(what, ours, plain):
    """Return a row for the record; rates in GFLOP/s."""
    return {
        "what": f"{what}, one core",
        "beside": "its matrix products alone",
        "our_gflops": float(ours),
        "product_gflops": float(plain),
        "ratio": float(ours) / float(plain),
    }
