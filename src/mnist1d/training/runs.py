"""Many runs as one compiled program, spread over the devices."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Key, PRNGKeyArray

from mnist1d.training.loop import History, State, Training, begin, run_stretch, stretches

Report = Callable[[int, int], None]
"""Told of progress: steps done, steps in all."""

BY_RUN, SHARED = PartitionSpec("run"), PartitionSpec()


def silent(done: int, total: int) -> None:
    """Report nothing."""


class Trained(NamedTuple):
    """Many runs, finished.

    Attributes:
        models: the models after the last step, array leaves with a leading run axis.
        history: what they recorded, leaves with a leading run axis.
        compile_seconds: time spent tracing and compiling (little with a warm cache).
        run_seconds: time spent training and evaluating.
    """

    models: Any
    history: History
    compile_seconds: float
    run_seconds: float


def initialise(make: Callable[[PRNGKeyArray], Any], keys: Key[Array, " runs"]) -> Any:
    """Construct one model per key, stacked: every array leaf gains a leading run axis.

    Args:
        make: `key -> model`.
        keys: shape (runs,).

    >>> from mnist1d.models import Logistic
    >>> models = initialise(lambda key: Logistic(key=key), jax.random.split(jax.random.key(0), 3))
    >>> models.output.weight.shape
    (3, 10, 40)
    """
    _, static = eqx.partition(eqx.filter_eval_shape(make, keys[0]), _is_array_like)
    # Compiled once and run once: on a CPU most of the time went into optimising random bits.
    options = (
        {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
        if jax.default_backend() == "cpu"
        else None
    )
    arrays = jax.jit(
        jax.vmap(lambda key: eqx.filter(make(key), eqx.is_array)), compiler_options=options
    )(keys)
    return eqx.combine(arrays, static)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _is_array_like(leaf: Any) -> bool:
    return isinstance(leaf, jax.ShapeDtypeStruct)


def train_runs(
    training: Training,
    models: Any,
    data: Any,
    *,
    keys: Key[Array, " runs"],
    data_axes: Any = None,
    report: Report = silent,
) -> Trained:
    """Train many models of one architecture at once; each run equals `train`'s.

    Args:
        training: what every run does.
        models: initial models, stacked: every array leaf has a leading run axis (what
            `equinox.filter_vmap` of a constructor returns).
        data: any pytree.
        keys: one per run, shape (runs,).
        data_axes: which leaves of `data` differ between runs, as `in_axes` of `jax.vmap`: 0 for
            a leading run axis, None for shared, or a pytree of these.
        report: called after every stretch between two evaluations.

    Returns: the trained models, their history, and the time that compiling and running took.
    Raises: ValueError: if there is no key, or an array of each run has another number of runs.

    The runs are spread over all devices of JAX's default backend (CPU cores if
    `mnist1d.training.use_all_cores` ran first), the run axis padded to a multiple of their
    number. Between evaluations control returns to Python, so that progress shows.
    """
    clock = time.perf_counter()
    n_runs = len(keys)
    if n_runs == 0:
        raise ValueError("train_runs needs at least one key, one per run")
    devices = np.array(jax.devices()[:n_runs])
    mesh = Mesh(devices, ("run",))
    n_rows = -(-n_runs // len(devices)) * len(devices)

    def place(tree: Any, spec: PartitionSpec) -> Any:
        if spec == BY_RUN:
            for leaf in jax.tree.leaves(tree):
                if leaf.shape[:1] != (n_runs,):
                    raise ValueError(
                        f"arrays of each run need a leading axis of {n_runs} runs, as many as "
                        f"keys, got shape {leaf.shape}"
                    )
        # From the host, as slicing on a device would compile a program per shape.
        tree = jax.tree.map(lambda leaf: leaf if _is_key(leaf) else np.asarray(leaf), tree)
        if spec == BY_RUN and n_rows != n_runs:
            rows = np.arange(n_rows) % n_runs
            tree = jax.tree.map(lambda leaf: leaf[rows], tree)
        return jax.device_put(tree, NamedSharding(mesh, spec))

    def spread(function: Any, in_axes: tuple[Any, ...], in_specs: tuple[Any, ...]) -> Any:
        return jax.jit(
            jax.shard_map(
                jax.vmap(function, in_axes=in_axes),
                mesh=mesh,
                in_specs=in_specs,
                out_specs=BY_RUN,
                check_vma=False,
            )
        )

    data_specs = jax.tree.map(
        lambda axis: SHARED if axis is None else BY_RUN, data_axes, is_leaf=lambda x: x is None
    )
    data = jax.tree.map(
        lambda spec, subtree: place(subtree, spec),
        data_specs,
        data,
        is_leaf=lambda leaf: isinstance(leaf, PartitionSpec),
    )
    arrays, static = eqx.partition(models, eqx.is_array)
    arrays, keys = place(arrays, BY_RUN), place(keys, BY_RUN)
    starts, stops = stretches(training)
    longest = int((stops - starts).max())

    def advance(state: State, data: Any, key: PRNGKeyArray, start: Any, stop: Any) -> Any:
        return run_stretch(training, static, longest, state, data, key, start, stop)

    state = spread(lambda arrays: begin(training, arrays), (0,), (BY_RUN,))(arrays)
    program = spread(
        advance, (0, data_axes, 0, None, None), (BY_RUN, data_specs, BY_RUN, SHARED, SHARED)
    )
    bounds = [place(pair, SHARED) for pair in zip(starts, stops, strict=True)]
    program = program.lower(state, data, keys, *bounds[0]).compile()
    compile_seconds = time.perf_counter() - clock

    clock = time.perf_counter()
    losses, metrics = [], []
    report(0, training.n_steps)
    for start, stop, bound in zip(starts, stops, bounds, strict=True):
        state, loss, metric = program(state, data, keys, *bound)
        losses.append(np.asarray(loss)[:n_runs, : stop - start])
        metrics.append(jax.tree.map(lambda leaf: np.asarray(leaf)[:n_runs], metric))
        report(int(stop), training.n_steps)
    metrics = metrics[: len(training.evaluation_steps)]
    history = History(
        np.concatenate(losses, axis=1),
        jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *metrics),
    )
    arrays = jax.tree.map(lambda leaf: leaf[:n_runs], state.arrays)
    return Trained(
        eqx.combine(arrays, static), history, compile_seconds, time.perf_counter() - clock
    )
