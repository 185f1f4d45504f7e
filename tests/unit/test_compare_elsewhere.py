"""Comparisons by other processes: the same numbers, each candidate made once, and errors named."""

import importlib
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray as xr

import mnist1d
from mnist1d.dataset.imports.installation import install_command
from mnist1d.execution import Store
from mnist1d.execution.cluster import ClusterError
from mnist1d.harness.interface import InputError
from mnist1d.lab.candidates.compiled import programs
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.candidates.fitted import FunctionCandidate
from mnist1d.lab.candidates.sending import packed
from mnist1d.lab.comparison import runs
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.data import DataSets
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.result import Comparison
from mnist1d.lab.comparison.workers import Workers
from mnist1d.models import MLP
from mnist1d.training import compile_runs

pytest.importorskip("cloudpickle", reason="dask is not installed")
pytestmark = pytest.mark.usefixtures("quick_compilation")

QUICK = Protocol(
    data=mnist1d.DatasetConfig(train=400, test=200),
    validation_samples=500,
    seeds=2,
    tuning_seeds=2,
    learning_rates=(0.01, 0.1),
    n_steps=20,
    evaluate_every=10,
    train_sizes=(100,),
    shifts=("noise",),
    references=False,
)


class Elsewhere(Executor):
    """Does in a thread what another process could do: it knows nothing of what was made here."""

    def __init__(self):
        self.n_asked = 0

    def submit(self, function, /, *arguments):
        self.n_asked += 1
        sent = pickle.dumps((function, arguments))
        runs._made_here.clear()
        function, arguments = pickle.loads(sent)  # noqa: S301 (our own)
        future = Future()
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(function, *arguments)
        if done.exception():
            future.set_exception(pickle.loads(pickle.dumps(done.exception())))  # noqa: S301
        else:
            future.set_result(pickle.loads(pickle.dumps(done.result())))  # noqa: S301
        return future


@pytest.fixture
def elsewhere():
    return Elsewhere()


def make_candidates():
    """Return candidates of which none can be imported."""
    width = 10

    class Network(eqx.Module):
        first: eqx.nn.Linear
        second: eqx.nn.Linear
        act: Callable = eqx.field(static=True)

        def __init__(self, size=width, act=jax.nn.relu, *, key):
            keys = jax.random.split(key)
            self.first = eqx.nn.Linear(40, size, key=keys[0])
            self.second = eqx.nn.Linear(size, 10, key=keys[1])
            self.act = act

        def __call__(self, x):
            return self.second(self.act(self.first(x)))

    def nearest_mean(x, y, *, power=2):
        means = np.array([x[y == label].mean(axis=0) for label in range(10)])
        return lambda new: -(np.abs(new[:, None] - means) ** power).sum(axis=2)

    return {
        "closure": lambda key: MLP(hidden_size=width, key=key),
        "class": EquinoxCandidate(
            Network,
            lambda learning_rate: optax.chain(optax.clip(1.0), optax.adam(learning_rate)),
            augment=lambda x, key: x + 0.1 * jax.random.normal(key, x.shape),
            search={"learning_rate": (0.01, 0.1), "size": (5,), "act": (jax.nn.tanh, lambda x: x)},
        ),
        "function": FunctionCandidate(nearest_mean, search={"power": [1, 2]}),
    }


def guess(x, y):  # noqa: ARG001
    return lambda new: np.zeros(len(new), int)


def same(one, other):
    times = ["seconds", "cpu_seconds", "compile_seconds"]
    times += ["seconds_interval", "cpu_seconds_interval"]
    xr.testing.assert_identical(
        one.result.drop_vars(times).drop_attrs(), other.result.drop_vars(times).drop_attrs()
    )
    return True


@pytest.mark.slow
def test_an_executor_finds_the_same_numbers_and_what_is_stored_serves_both(elsewhere, tmp_path):
    here = compare(make_candidates(), QUICK, folder=tmp_path / "here")
    there = compare(make_candidates(), QUICK, folder=tmp_path / "there", executor=elsewhere)
    assert same(here, there)
    # Of each candidate a setting with its seeds, then a final seed with all of its data.
    assert elsewhere.n_asked == 3 * (2 + 2)
    names = [
        {path.name for path in (tmp_path / each / "units").iterdir()} for each in ("here", "there")
    ]
    assert names[0] == names[1]
    again = compare(make_candidates(), QUICK, folder=tmp_path / "here", executor=Elsewhere())
    assert again.result.units_found == len(names[0])
    assert same(here, again)


@pytest.mark.slow
def test_a_run_that_is_lost_is_the_only_one_computed_again(elsewhere, tmp_path):
    first = compare(make_candidates(), QUICK, folder=tmp_path)
    lost, *kept = sorted((tmp_path / "units").iterdir())
    lost.unlink()
    again = compare(make_candidates(), QUICK, folder=tmp_path, executor=elsewhere)
    assert elsewhere.n_asked == 1
    assert again.result.units_found == len(kept)
    assert same(first, again)


@pytest.mark.slow
def test_a_worker_makes_and_compiles_a_candidate_once(elsewhere, monkeypatch):
    made, compiled = [], []

    def compiling(*arguments, **more):
        compiled.append(arguments)
        return compile_runs(*arguments, **more)

    monkeypatch.setattr(runs, "check_versions", lambda *_: made.append(_))
    monkeypatch.setattr(programs, "compile_runs", compiling)
    compare({"a": lambda key: MLP(hidden_size=9, key=key)}, QUICK, executor=elsewhere)
    assert elsewhere.n_asked == 4
    assert len(made) == 1
    # A program has as many runs as devices at most: of two that tune, of a final seed's three.
    assert len(compiled) == len({min(jax.device_count(), n) for n in (2, 3)})
    compare({"a": lambda key: MLP(hidden_size=8, key=key)}, QUICK, executor=elsewhere)
    assert len(made) == 2


@pytest.mark.slow
def test_threads_of_this_process_get_the_candidate_itself():
    seen = []

    def learn(x, y):  # noqa: ARG001
        seen.append(threading.get_ident())
        return lambda new: np.zeros(len(new), int)

    with ThreadPoolExecutor(2) as executor:
        compare({"a": learn}, QUICK, executor=executor)
    assert len(seen) == 2 + 3 * 2  # it was tried, and trained
    assert threading.get_ident() not in seen[2:]


def test_here_a_candidate_trains_in_the_callers_thread_and_may_compare_itself():
    seen = []

    def outer(x, y):
        seen.append((threading.current_thread(), jax.config.jax_default_matmul_precision))
        compare({"inner": guess}, QUICK, train_sizes=(), shuffled=False)
        return guess(x, y)

    with jax.default_matmul_precision("highest"):
        found = compare({"outer": outer}, QUICK, train_sizes=(), shuffled=False)
    assert not found.failures
    assert set(seen) == {(threading.current_thread(), "highest")}


# What goes wrong


@pytest.mark.slow
def test_a_candidate_that_cannot_be_sent_is_named_before_anything_runs(elsewhere):
    lock = threading.Lock()

    def locked(x, y):  # noqa: ARG001
        with lock:
            return lambda new: np.zeros(len(new), int)

    said = []
    candidates = {"locked": locked, "sound": guess}
    found = compare(
        candidates,
        QUICK,
        executor=elsewhere,
        progress=lambda task, _done, total: total or said.append((task, elsewhere.n_asked)),
    )
    (line, n_asked), _ = said
    assert line.startswith("locked will be left out: expected what can be sent to other processes")
    assert "cannot pickle '_thread.lock' object" in line
    assert n_asked == 0
    assert list(found.failures) == ["locked"]
    assert np.isfinite(found.result.test_accuracy.sel(candidate="sound")).all()
    assert not compare({"locked": locked}, QUICK).failures  # here it can stay as it is
    with pytest.raises(InputError, match=r"no candidate works\. locked: expected what can be"):
        compare({"locked": locked}, QUICK, executor=elsewhere)


def test_what_a_candidate_raises_elsewhere_is_its_failure_alone(elsewhere):
    def broken(x, y, *, seed):  # noqa: ARG001
        if seed == 1:
            raise OSError("no disk")
        return lambda new: np.zeros(len(new), int)

    candidates = {"broken": broken, "sound": guess}
    found = compare(candidates, QUICK, executor=elsewhere)
    assert found.failures == {
        "broken": "it failed with seed 1 and no settings: OSError: no disk",
    }
    assert np.isfinite(found.result.test_accuracy.sel(candidate="sound")).all()


class Fragile:
    """Can be sent, and not be made again."""

    def __reduce__(self):
        return int, ("no number",)


@pytest.mark.slow
def test_a_candidate_that_cannot_be_made_again_is_named(elsewhere):
    fragile = Fragile()

    def learn(x, y):  # noqa: ARG001
        return lambda new: np.zeros(len(new), int) if fragile else None

    found = compare({"a": learn, "b": lambda key: MLP(key=key)}, QUICK, executor=elsewhere)
    assert found.failures["a"].startswith("expected what can be made again in another process, and")
    assert "ValueError: invalid literal for int" in found.failures["a"]


def test_a_worker_of_another_version_refuses():
    candidate = EquinoxCandidate(MLP)
    setup = runs.Setup.of("a", candidate, [{}], DataSets(QUICK), Workers(), is_sent=False)
    runs.Trainer(setup)
    setup.packages = {**setup.packages, "equinox": "0.0.1"}
    with pytest.raises(ClusterError, match=r"this worker has equinox .* and should have 0\.0\.1"):
        runs.Trainer(setup)


@pytest.mark.slow
@pytest.mark.parametrize("executor", [None, Elsewhere()])
def test_a_full_disk_is_not_the_candidates_fault(monkeypatch, tmp_path, executor):
    def save(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "save", save)
    with pytest.raises(OSError, match="No space left"):
        compare(make_candidates(), QUICK, folder=tmp_path, executor=executor)


def test_an_executor_needs_what_sends_code(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(install_command("lab"))):
        compare(make_candidates(), QUICK, executor=Elsewhere())


# Code that is sent

FILE = """
import abc
from typing import Any, ClassVar

import equinox as eqx
import helper_layers
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from mnist1d.models import MLP


@jax.custom_vjp
def straight_through(x):
    return jnp.sign(x)


straight_through.defvjp(lambda x: (jnp.sign(x), None), lambda _, gradient: (gradient,))


class Base(eqx.Module):
    def doubled(self, x):
        return 2 * x

    @abc.abstractmethod
    def __call__(self, x):
        pass


class Network(Base):
    kind: ClassVar[str] = "mine"
    layer: eqx.nn.Linear
    scale: helper_layers.Scale
    bias: Float[Array, "10"]
    activation: Any = eqx.field(static=True)
    factor: float = eqx.field(converter=float, default=1.0)

    def __init__(self, *, key: jax.Array):
        self.layer = eqx.nn.Linear(40, 10, key=key)
        self.scale = helper_layers.Scale(3.0)
        self.bias = jnp.zeros(10)
        self.activation = jax.nn.relu

    def __call__(self, x: Float[Array, "40"]) -> jax.Array:
        x = helper_layers.shifted(self.scale(self.layer(x)))
        return self.factor * self.doubled(x) + self.bias


class Deeper(Network):
    more: eqx.nn.Linear

    def __init__(self, *, key):
        super().__init__(key=key)
        self.more = eqx.nn.Linear(10, 10, key=key)

    def __call__(self, x):
        return self.more(self.activation(straight_through(super().__call__(x))))


class Narrow(MLP):
    def __init__(self, *, key):
        super().__init__(hidden_size=7, key=key)
"""
HELPER = """
import equinox as eqx


class Scale(eqx.Module):
    factor: float = 2.0

    def __call__(self, x):
        return x * self.factor


def shifted(x):
    return x + 1
"""


def gradient(make):
    """Return what training needs of a model; another process does the same."""

    @eqx.filter_jit
    def found(key):
        model = make(key=key)
        return eqx.filter_grad(lambda model: jax.vmap(model)(jnp.ones((2, 40))).sum())(model)

    return [leaf.tolist() for leaf in jax.tree.leaves(found(jax.random.key(0)))]


WORKER = f"""
import json, pickle, sys
import equinox as eqx, jax, jax.numpy as jnp

{inspect.getsource(gradient)}

for data in pickle.load(sys.stdin.buffer):
    print(json.dumps(gradient(pickle.loads(data))))
assert not {{"mine", "helper_layers"}} & set(sys.modules)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Return the module of a user's file, which uses another one in its folder."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in (("mine", FILE), ("helper_layers", HELPER)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    yield importlib.import_module("mine")
    for name in ("mine", "helper_layers"):
        del sys.modules[name]


@pytest.mark.slow
def test_classes_of_a_users_files_train_where_these_files_are_not(mine):
    classes = [mine.Network, mine.Deeper, mine.Narrow]
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=pickle.dumps([packed(each) for each in classes]),
        env={**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr.decode()
    for each, line in zip(classes, done.stdout.decode().splitlines(), strict=True):
        for own, theirs in zip(gradient(each), json.loads(line), strict=True):
            np.testing.assert_allclose(own, theirs, rtol=1e-5)


CLUSTER = """
import sys
from distributed import LocalCluster
from mnist1d.cli import main

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        sys.argv = [*sys.argv[1:], "--scheduler", cluster.scheduler_address]
        main()
"""
CANDIDATES = """
from mnist1d.lab import Protocol

CANDIDATES = {"network": Network, "deeper": lambda key: Deeper(key=key)}
PROTOCOL = Protocol(
    seeds=2, tuning_seeds=1, learning_rates=(0.01, 0.1), n_steps=20, evaluate_every=10,
    references=False, shuffled=False, shifts=(),
)
"""


@pytest.mark.slow
def test_the_command_finds_the_same_on_a_cluster(tmp_path):
    pytest.importorskip("distributed", reason="dask is not installed")
    (tmp_path / "mine.py").write_text(FILE + CANDIDATES, encoding="utf-8")
    (tmp_path / "helper_layers.py").write_text(HELPER, encoding="utf-8")
    (tmp_path / "cluster.py").write_text(CLUSTER, encoding="utf-8")
    command = ["mnist1d", "compare", "mine.py"]
    environment = {
        **os.environ,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "1",
    }
    for before, folder in (
        ([str(tmp_path / "cluster.py"), *command], "there"),
        (["-m", *command], "here"),
    ):
        done = subprocess.run(
            [sys.executable, *before, "--out", folder],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    here, there = (Comparison.load(tmp_path / folder / "mine") for folder in ("here", "there"))
    assert here.result.units_found == there.result.units_found == 0
    assert not here.failures
    assert same(here, there)
