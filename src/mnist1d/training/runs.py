"""Many runs as one compiled program, spread over the devices."""

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Key, PRNGKeyArray

from mnist1d.training.loop import (
    History,
    State,
    Training,
    begin,
    final_arrays,
    run_segments,
    segments,
)

Report = Callable[[int, int], None]
"""Called with progress: steps done, steps in all."""

OnEvaluation = Callable[[int, History], None]
"""Called with the step of an evaluation, and what all runs recorded since the one before.

The step is that of `Training.evaluation_steps`. Leaves of `History.metrics` have the shape
(runs, ...), `History.train_loss` the shape (runs, steps since the last evaluation).
"""

BY_RUN, SHARED = PartitionSpec("run"), PartitionSpec()

_REPORTS = 10
"""Largest number of returns to Python per program: the devices wait each time."""

_MOST_TOGETHER = 32
"""Largest number of runs of which a CPU core takes a step at once: more do not fit its cache.

Measured with the MLP of width 100: a step of 128 runs took 1.3 to 1.5 times as long as four of 32.
"""


def silent(done: int, total: int) -> None:
    """Report nothing."""


class Trained(NamedTuple):
    """The results of many runs.

    Attributes:
        models: the models after the last step (`Training.evaluation_model`), array leaves with a
            leading run axis.
        history: losses and metrics, leaves with a leading run axis.
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
    # Compiled once and run once: optimising would take most of the time on a CPU.
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
    on_evaluation: OnEvaluation | None = None,
    batched: bool = True,
) -> Trained:
    """Train many models of one architecture at once; each run equals `train`'s.

    Args:
        training: describes every run.
        models: initial models, stacked: every array leaf has a leading run axis (as
            `equinox.filter_vmap` of a constructor returns them).
        data: any pytree.
        keys: one per run, shape (runs,).
        data_axes: which leaves of `data` differ between runs, as `in_axes` of `jax.vmap`: 0 for
            a leading run axis, None for shared, or a pytree of these.
        report: called at the beginning and then at most ten times, after evaluations.
        on_evaluation: called with every evaluation, its step and what was recorded since the one
            before, during training; several come together if there are more than ten. Numbers are
            the same with it and without.
        batched: as for `compile_runs`.

    Returns: the trained models, their history, and the time that compiling and running took.
    Raises: ValueError: if there is no key, or an array of each run has another number of runs.

    The runs are spread over all devices of JAX's default backend (CPU cores if
    `use_all_cores` ran first), the run axis padded to a multiple of their number, and of the groups
    of runs that a core takes together. After some of the evaluations control returns to Python, to
    report progress.

    >>> import jax.numpy as jnp, optax
    >>> from mnist1d.models import Logistic
    >>> training = Training(
    ...     batch=lambda data, step, key: data, loss=lambda model, batch, key: model(batch).sum(),
    ...     evaluate=lambda model, data: model(data).sum(), optimizer=optax.sgd(0.1), n_steps=2,
    ... )
    >>> keys = jax.random.split(jax.random.key(0), 3)
    >>> models = initialise(lambda key: Logistic(key=key), keys)
    >>> train_runs(training, models, jnp.ones(40), keys=keys).history.train_loss.shape
    (3, 2)
    """
    program = compile_runs(training, models, data, keys=keys, data_axes=data_axes, batched=batched)
    return program(models, data, keys=keys, report=report, on_evaluation=on_evaluation)


def compile_runs(
    training: Training,
    models: Any,
    data: Any,
    *,
    keys: Key[Array, " runs"],
    data_axes: Any = None,
    devices: Sequence[jax.Device] | None = None,
    batched: bool = True,
    one_core: bool = False,
) -> "RunProgram":
    """Compile the program of `train_runs`, for repeated use on arrays of the same shapes.

    Args:
        training: describes every run.
        models: models, data and keys of the shapes to use, as for `train_runs`.
        data: see `models`.
        keys: see `models`.
        data_axes: which leaves of `data` differ between runs.
        devices: the devices to use; all devices of JAX's default backend if omitted. Several
            threads may call programs at a time, the same one, too.
        batched: whether a device takes each step of its runs together (a CPU core those of up to
            32, in equal groups), or trains one run after the other. The former is faster for small
            models, the latter for large ones, whose matrix products alone make full use of a core.
        one_core: whether a CPU device computes in the calling thread alone. By default all devices
            share one pool of threads and divide their products among it, which costs more than it
            gains if every core has a thread of its own.

    Raises: ValueError: if there is no key, or an array of each run has another number of runs.

    >>> import jax.numpy as jnp, optax
    >>> from mnist1d.models import Logistic
    >>> training = Training(
    ...     batch=lambda data, step, key: data, loss=lambda model, batch, key: model(batch).sum(),
    ...     evaluate=lambda model, data: model(data).sum(), optimizer=optax.sgd(0.1), n_steps=2,
    ... )
    >>> keys = jax.random.split(jax.random.key(0), 3)
    >>> models = initialise(lambda key: Logistic(key=key), keys)
    >>> program = compile_runs(training, models, jnp.ones(40), keys=keys)
    >>> program(models, jnp.ones(40), keys=keys).history.train_loss.shape
    (3, 2)
    """
    return RunProgram(training, models, data, keys, data_axes, devices, batched, one_core)


class RunProgram:
    """Compiled training of many runs; made by `compile_runs`.

    It is compiled under `JAX_DISABLE_JIT`, too: there is nothing else to run.

    Attributes:
        compile_seconds: time that tracing and compiling took.
    """

    @jax.disable_jit(disable=False)
    def __init__(
        self,
        training: Training,
        models: Any,
        data: Any,
        keys: Key[Array, " runs"],
        data_axes: Any,
        devices: Sequence[jax.Device] | None,
        batched: bool,
        one_core: bool,
    ) -> None:
        clock = time.perf_counter()
        self._training, self._data_axes = training, data_axes
        self._n_runs = n_runs = len(keys)
        if n_runs == 0:
            raise ValueError("train_runs needs at least one key, one per run")
        self._mesh = Mesh(np.array((devices or jax.devices())[:n_runs]), ("run",))
        self._data_specs = jax.tree.map(
            lambda axis: SHARED if axis is None else BY_RUN, data_axes, is_leaf=lambda x: x is None
        )
        is_cpu = self._mesh.devices.flat[0].platform == "cpu"
        by_device = -(-n_runs // self._mesh.size)
        self._n_groups = -(-by_device // _MOST_TOGETHER) if batched and is_cpu else 1
        together = -(-by_device // self._n_groups) if batched else 0
        arrays, self._static = eqx.partition(models, eqx.is_array)
        arrays, data, keys = self._place_all(arrays, data, keys)
        starts, stops = segments(training)
        longest = int((stops - starts).max())
        self._bounds = _grouped(np.stack([starts, stops], axis=1), -(-len(stops) // _REPORTS))
        static = self._static

        def advance(state: State, data: Any, key: PRNGKeyArray, bounds: Any) -> Any:
            return run_segments(training, static, longest, state, data, key, bounds)

        def spread(function: Any, in_axes: tuple[Any, ...], in_specs: tuple[Any, ...]) -> Any:
            return jax.jit(
                jax.shard_map(
                    _mapped(function, in_axes, together),
                    mesh=self._mesh,
                    in_specs=in_specs,
                    out_specs=BY_RUN,
                    check_vma=False,
                )
            )

        self._begin = spread(
            lambda arrays, data: begin(training, arrays, data),
            (0, data_axes),
            (BY_RUN, self._data_specs),
        )
        # Where it is the trained model itself, there is nothing to compute.
        self._final = (
            (lambda state: state.arrays)
            if training.evaluation_model is None and training.patience is None
            else spread(lambda state: final_arrays(training, static, state), (0,), (BY_RUN,))
        )
        state = self._begin(arrays, data)
        program = spread(
            advance,
            (0, data_axes, 0, None),
            (BY_RUN, self._data_specs, BY_RUN, SHARED),
        )
        options = {"xla_cpu_multi_thread_eigen": False} if one_core and is_cpu else None
        lowered = program.lower(state, data, keys, self._place(self._bounds[0], SHARED))
        self._advance = lowered.compile(compiler_options=options)
        self.compile_seconds = time.perf_counter() - clock

    @jax.disable_jit(disable=False)
    def __call__(
        self,
        models: Any,
        data: Any,
        *,
        keys: Key[Array, " runs"],
        report: Report = silent,
        on_evaluation: OnEvaluation | None = None,
    ) -> Trained:
        """Train the runs; arguments as for `train_runs`, of the shapes of compilation."""
        clock = time.perf_counter()
        n_runs, training = self._n_runs, self._training
        arrays, _ = eqx.partition(models, eqx.is_array)
        arrays, data, keys = self._place_all(arrays, data, keys)
        state = self._begin(arrays, data)
        losses, metrics = [], []
        report(0, training.n_steps)
        for bounds in self._bounds:
            state, loss, metric = self._advance(state, data, keys, self._place(bounds, SHARED))
            loss = np.asarray(loss)[:n_runs]
            losses += [loss[:, i, : stop - start] for i, (start, stop) in enumerate(bounds)]
            metrics.append(jax.tree.map(lambda leaf: np.asarray(leaf)[:n_runs], metric))
            if on_evaluation is not None:
                self._pass_on(on_evaluation, bounds, loss, metrics[-1])
            report(int(bounds[-1, 1]), training.n_steps)
        n_evaluations = len(training.evaluation_steps)
        history = History(
            np.concatenate(losses, axis=1),
            jax.tree.map(
                lambda *leaves: np.concatenate(leaves, axis=1)[:, :n_evaluations], *metrics
            ),
        )
        arrays = jax.tree.map(
            # What is whole is left as it is: slicing would compile a program per shape.
            lambda leaf: leaf if len(leaf) == n_runs else leaf[:n_runs],
            self._final(state),
        )
        return Trained(
            eqx.combine(arrays, self._static),
            history,
            self.compile_seconds,
            time.perf_counter() - clock,
        )

    def _pass_on(
        self, on_evaluation: OnEvaluation, bounds: np.ndarray, loss: np.ndarray, metrics: Any
    ) -> None:
        evaluated = self._training.evaluation_steps
        for i, (start, stop) in enumerate(bounds):
            if stop > start and stop - 1 in evaluated:
                recorded = jax.tree.map(lambda leaf, i=i: leaf[:, i], metrics)
                on_evaluation(int(stop) - 1, History(loss[:, i, : stop - start], recorded))

    def _place_all(self, arrays: Any, data: Any, keys: Any) -> tuple[Any, Any, Any]:
        data = jax.tree.map(
            lambda spec, subtree: self._place(subtree, spec),
            self._data_specs,
            data,
            is_leaf=lambda leaf: isinstance(leaf, PartitionSpec),
        )
        return self._place(arrays, BY_RUN), data, self._place(keys, BY_RUN)

    def _place(self, tree: Any, spec: PartitionSpec) -> Any:
        n_runs, n_devices = self._n_runs, self._mesh.size
        if spec == BY_RUN:
            for leaf in jax.tree.leaves(tree):
                if leaf.shape[:1] != (n_runs,):
                    raise ValueError(
                        f"arrays of each run need a leading axis of {n_runs} runs, as many as "
                        f"keys, got shape {leaf.shape}"
                    )
        # On the host, as slicing on a device would compile a program per shape.
        tree = jax.tree.map(lambda leaf: leaf if _is_key(leaf) else np.asarray(leaf), tree)
        multiple = n_devices * self._n_groups
        if spec == BY_RUN and n_runs % multiple:
            rows = np.arange(-(-n_runs // multiple) * multiple) % n_runs
            tree = jax.tree.map(lambda leaf: leaf[rows], tree)
        return jax.device_put(tree, NamedSharding(self._mesh, spec))


class Programs:
    """A cache of compiled programs, each for a purpose and a device; for any number of threads.

    >>> programs = Programs()
    >>> programs.n_compiled
    0
    """

    def __init__(self) -> None:
        self._programs: dict[Hashable, RunProgram] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    @property
    def n_compiled(self) -> int:
        """Number of programs."""
        return len(self._programs)

    def get(self, purpose: Hashable, *arguments: Any, **options: Any) -> RunProgram:
        """Return the program of a purpose; compiled if there is none.

        Where several threads want the same one, the first compiles it and the others wait.

        Args:
            purpose: identifies the program, including the device.
            *arguments: as for `compile_runs`.
            **options: as for `compile_runs`.
        """
        with self._lock:
            own = self._locks.setdefault(purpose, threading.Lock())
        with own:
            if purpose not in self._programs:
                self._programs[purpose] = compile_runs(*arguments, **options)
            return self._programs[purpose]


def _grouped(bounds: np.ndarray, size: int) -> list[np.ndarray]:
    """Divide segments, shape (segments, 2), into groups of a size, the last one padded."""
    n_missing = -len(bounds) % size
    empty = np.full((n_missing, 2), bounds[-1, 1], bounds.dtype)
    return np.split(np.concatenate([bounds, empty]), (len(bounds) + n_missing) // size)


def _mapped(
    function: Callable[..., Any], in_axes: tuple[Any, ...], together: int
) -> Callable[..., Any]:
    """Do what `jax.vmap` does, over leading axes, with `together` elements after as many others.

    With 0 every element is mapped as it is, without an axis.
    """
    varies = jax.tree.map(lambda axis: axis is not None, in_axes, is_leaf=lambda x: x is None)

    def mapped(*arguments: Any) -> Any:
        leaves, structure = jax.tree.flatten(arguments)
        flags = jax.tree.leaves(jax.tree.broadcast(varies, arguments))
        varying = [leaf for leaf, flag in zip(leaves, flags, strict=True) if flag]

        def one(row: list[Any]) -> Any:
            own = iter(row)
            every = [next(own) if flag else leaf for leaf, flag in zip(leaves, flags, strict=True)]
            return function(*jax.tree.unflatten(structure, every))

        if together:
            if len(varying[0]) == together:
                return jax.vmap(one)(varying)
            return jax.lax.map(one, varying, batch_size=together)
        if len(varying[0]) == 1:  # without a loop in the program
            return jax.tree.map(lambda leaf: leaf[None], one([leaf[0] for leaf in varying]))
        return jax.lax.map(one, varying)

    return mapped
