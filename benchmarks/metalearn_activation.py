"""Time one meta-training of published size: `python benchmarks/metalearn_activation.py`.

Ours is 301 outer steps of 301 inner steps and the final comparison of nine functions, in a process
of its own with an empty cache of compiled programs: imports, data and compilation included. The
peer is the same as plain PyTorch loops with PyTorch's own threads: `--outer` outer steps of
`--inner` inner steps, whose time counts 301 * 301 / (outer * inner) times, as it is proportional to
the number of inner steps and 301 of them would need many gigabytes. The table of g is measured,
too: the time of an outer step with it and with the network evaluated everywhere, their difference,
and the second derivative of a cubic Hermite spline of the same cells.
"""

import argparse
import dataclasses
import tempfile
from functools import partial
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch_activation
from cold import cold_start
from keep import keep, processor
from programs import FOLDER

import mnist1d
from mnist1d.experiments.metalearn_activation.activation import grid_of
from mnist1d.experiments.metalearn_activation.config import Config
from mnist1d.experiments.metalearn_activation.inner_loop import make_data
from mnist1d.experiments.metalearn_activation.outer_loop import (
    draw_network,
    draw_rest,
    meta_gradient,
    outer_steps,
    state_of,
)
from mnist1d.models.scalar_network import Network, lookup, tabulate


def load():
    dataset = mnist1d.generate(num_samples=10_000)
    return dataset.x, dataset.y, dataset.x_test[:500], dataset.y_test[:500]


OUTER, INNER = 5, 51
"""Steps of PyTorch's meta-training."""
COUNTED = Config().objective_steps / Config().inner_steps
"""The share of inner steps whose losses are the objective."""


def torch_seconds(n_outer, n_inner):
    """Time the peer; returns the seconds that the whole would take, and those measured."""
    x, y, x_test, y_test = (torch.from_numpy(np.asarray(part)) for part in load())
    x, x_test = x.float(), x_test.float()
    torch.manual_seed(0)

    def linear(n_in, n_out):
        layer = torch.nn.Linear(n_in, n_out)
        return [layer.weight, layer.bias]

    network = linear(1, 100) + linear(100, 1)
    noises = [0.1 * (2 * torch.rand(n_inner + 1, units) - 1) for units in (128, 100)]
    times = []
    for _ in range(n_outer + 1):
        start = perf_counter()
        parameters = linear(40, 128) + linear(128, 10)
        _, gradient, trained = torch_activation.meta_gradient(
            network, parameters, noises, x, y, n_inner, max(1, round(n_inner * COUNTED))
        )
        with torch.no_grad():
            for parameter, change in zip(network, gradient, strict=True):
                parameter.sub_(0.3 * change.clamp(-0.1, 0.1))
            logits = torch_activation.classify(
                trained,
                lambda z: torch_activation.activation(z, network, noises[1][-1]),
                noises[0][-1],
                x_test,
            )
            (logits.argmax(1) == y_test).float().mean().item()
        del gradient, trained
        times.append(perf_counter() - start)
    # The first one warms up.
    measured = sum(times[1:])
    whole = measured * 301 * 301 / (n_outer * n_inner)
    f = torch.nn.functional
    for known in (f.relu, f.silu, f.elu, f.softplus, torch.tanh, torch.sigmoid):
        start = perf_counter()
        torch_activation.train(
            lambda _, known=known: known,
            linear(40, 128) + linear(128, 10),
            noises[0],
            x,
            y,
            n_inner,
            create_graph=False,
        )
        whole += (perf_counter() - start) * 301 / n_inner
    return whole, measured


def in_double(tree):
    return jax.tree.map(
        lambda leaf: leaf.astype(np.float64) if leaf.dtype == np.float32 else leaf, tree
    )


def flat(tree):
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(tree)])


def best_time(function, repetitions):
    jax.block_until_ready(function())
    times = []
    for _ in range(repetitions):
        start = perf_counter()
        jax.block_until_ready(function())
        times.append(perf_counter() - start)
    return min(times)


def table_row():
    """Compare an outer step with table and with direct evaluation, on one device."""
    table = Config()
    direct = dataclasses.replace(table, evaluation="direct")
    data, network, draws = make_data(table), draw_network(table, 0), draw_rest(table, 0)
    state = state_of(table, 0, {})
    seconds = {
        name: best_time(partial(outer_steps, one, n, state, draws, data), repetitions) / n
        for name, one, n, repetitions in (("table", table, 5, 5), ("direct", direct, 2, 2))
    }
    gradient = jax.jit(meta_gradient, static_argnums=0)
    with jax.enable_x64(True):
        network, draws, data = (in_double(tree) for tree in (network, draws, data))
        exact, ours = (flat(gradient(one, network, draws, data)[0]) for one in (direct, table))
    difference = float(np.linalg.norm(ours - exact) / np.linalg.norm(exact))
    return {
        "what": f"an outer step with g from a table: {1e3 * seconds['table']:.0f} ms",
        "beside": f"g evaluated everywhere: {1e3 * seconds['direct']:.0f} ms",
        "ratio": seconds["direct"] / seconds["table"],
        "seconds": seconds,
        "relative_difference_of_the_meta_gradient_float64": difference,
    }


def spline_row():
    """Compare second derivatives of table and cubic Hermite spline, both in float32."""
    grid = grid_of(Config())
    network = Network((100,), key=jax.random.key(0))
    x = jnp.asarray(np.random.default_rng(0).uniform(-3, 3, 10_000), jnp.float32)
    edges = jnp.linspace(-grid.bound, grid.bound, grid.n_cells + 1)
    value, slope = network.derivatives(edges, (), 1)
    h = grid.width
    cell = ((x + grid.bound) / h).astype(jnp.int32)
    t = (x - edges[cell]) / h
    second = (
        (12 * t - 6) * (value[cell] - value[cell + 1]) / h
        + (6 * t - 4) * slope[cell]
        + (6 * t - 2) * slope[cell + 1]
    ) / h
    terms = tabulate(network, (jnp.zeros((1, 100)),), 1.0, grid).terms[0]
    with jax.enable_x64(True):
        exact = np.asarray(in_double(network).derivatives(x.astype(np.float64), (), 2)[2])

    def error(found):
        found = np.asarray(found, np.float64)
        return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))

    ours, theirs = error(lookup(terms, grid, x).second), error(second)
    return {
        "what": f"relative error of g'' from the table, float32: {ours:.1e}",
        "beside": f"from a cubic Hermite spline of the same cells: {theirs:.1e}",
        "ratio": theirs / ours,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--outer", type=int, default=OUTER, help="outer steps of PyTorch's")
    parser.add_argument("--inner", type=int, default=INNER, help="inner steps of PyTorch's")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/metalearn_activation.json"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours = cold_start(FOLDER / "metalearn_activation.py", folder=folder)
    seconds, memory = ours.seconds, ours.memory_gib
    objective, accuracy = map(float, ours.printed.split())
    print(f"ours, cold start: {seconds:.1f} s, {memory:.2f} GiB at most", flush=True)
    print(f"objective {objective:.4f}, test accuracy {accuracy:.1f} %", flush=True)
    peer, measured = torch_seconds(options.outer, options.inner)
    print(f"{processor()}: ours {seconds:.1f} s, PyTorch {peer:.0f} s", flush=True)
    print(f"ratio {peer / seconds:.0f}")
    rows = [table_row(), spline_row()]
    for row in rows:
        print(f"{row['what']}; {row['beside']}; ratio {row['ratio']:.1f}")
    if options.keep:
        row = {
            "what": "metalearned activation function from a cold start, 1 seed, 301 x 301 steps "
            f"and the comparison: {seconds:.1f} s with compilation, {memory:.2f} GiB",
            "beside": f"plain PyTorch loops: {peer:.0f} s, extrapolated from {options.outer} outer "
            f"steps of {options.inner} inner steps ({measured:.1f} s)",
            "ratio": peer / seconds,
            "our_seconds": seconds,
            "our_memory_gib": memory,
            "our_objective": objective,
            "our_test_accuracy": accuracy,
            "peer_seconds": peer,
            "peer_threads": torch.get_num_threads(),
        }
        keep("metalearn_activation", [row, *rows], ("mnist1d", "jax", "torch"))


if __name__ == "__main__":
    main()
