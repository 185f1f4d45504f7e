"""What determines a number is in the text of what computes it, wherever it is kept."""

import collections
import functools
import importlib
import io
import sys
import threading
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.execution.own_code import is_installed
from mnist1d.lab.candidates.fingerprint import source_text, unknown_parts
from mnist1d.lab.candidates.fitted import SklearnCandidate
from mnist1d.lab.comparison.compare import compare

SMALL = {
    "seeds": 1,
    "tuning_seeds": 1,
    "n_steps": 10,
    "evaluate_every": 10,
    "learning_rates": (0.01,),
}
SMALL |= {"references": False, "shuffled": False, "shifts": ()}


def closure(value):
    return lambda x: (x, value)


def long_array(value):
    """Make an array whose `repr` leaves out the only number that differs."""
    array = np.zeros(4000)
    array[2000] = value
    return array


def straight_through(slope):
    @jax.custom_vjp
    def function(x):
        return x

    function.defvjp(lambda x: (x, None), lambda _, gradient: (slope * gradient,))
    return function


class Scaled:
    """Wraps a function, and has a number of its own."""

    def __init__(self, function, scale):
        functools.update_wrapper(self, function)
        self.scale = scale

    def __call__(self, x):
        return self.scale * self.__wrapped__(x)


class Named(dict):
    """A mapping with attributes."""


def named(value):
    mapping = Named(a=1)
    mapping.value = value
    return mapping


def marked(value):
    def function(x):
        return x

    function.value = value
    return function


def frame(value):
    return pytest.importorskip("pandas").DataFrame({"w": long_array(value)})


def dataset(value):
    xarray = pytest.importorskip("xarray")
    return xarray.Dataset({"a": ("i", np.zeros(4000))}, {"b": ("i", long_array(value))})


def sparse(value):
    matrix = np.diag(long_array(value)[1980:2020])
    return pytest.importorskip("scipy.sparse").csr_array(matrix)


def fitted(value):
    x = np.random.default_rng(0).normal(size=(50, 5))
    return pytest.importorskip("sklearn.decomposition").PCA(2).fit(x[: 40 + value])


def torch_weights(value):
    torch = pytest.importorskip("torch")
    return torch.tensor([1.0, value], dtype=torch.bfloat16)


CONTENTS = {
    "array": long_array,
    "text in memory": lambda value: io.StringIO(f"{value}"),
    "array of objects": lambda value: np.array([{"a": value}], dtype=object),
    "masked array": lambda value: np.ma.array([1, 2], mask=[0, value > 0]),
    "array of texts": lambda value: np.array(["a" * 50, f"{value}" * 50], np.dtypes.StringDType()),
    "frame": frame,
    "series": lambda value: frame(value)["w"],
    "dataset": dataset,
    "labelled array": lambda value: dataset(value)["b"],
    "namespace": lambda value: SimpleNamespace(w=long_array(value)),
    "sparse matrix": sparse,
    "fitted estimator": fitted,
    "tensor": torch_weights,
    "list": lambda value: long_array(value).tolist(),
    "deque": lambda value: collections.deque(long_array(value).tolist()),
    "keys of a mapping": lambda value: {1 if value else "1": 0},
    "attribute of a mapping": named,
    "attribute of a function": marked,
    "attribute of a wrapper": lambda value: Scaled(abs, value),
    "generator": np.random.default_rng,
    "rule of a derivative": straight_through,
    "axes of a mapped function": lambda value: eqx.filter_vmap(abs, in_axes=value),
    "transformation": lambda value: optax.sgd(1.0 + value),
    "set": lambda value: {"a", str(value)},
}


@pytest.mark.parametrize("make", CONTENTS.values(), ids=CONTENTS)
def test_other_content_is_another_text(make):
    first, same, other = (source_text(closure(make(value))) for value in (0, 0, 1))
    assert first == same != other
    assert unknown_parts(first) == []


def test_what_is_computed_and_kept_changes_nothing():
    class Data:
        def __init__(self, values):
            self.values = values

        @functools.cached_property
        def total(self):
            return sum(self.values)

    data, matrix = Data([1, 2]), sparse(3)
    before = source_text(closure((data, matrix)))
    assert data.total == 3
    assert matrix.has_canonical_format
    assert source_text(closure((data, matrix))) == before


def test_what_has_no_content_that_could_be_compared_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file:
        text = source_text({"rows": (row for row in ()), "file": file})
    assert unknown_parts(text) == ["rows (generator)", "file (TextIOWrapper)"]
    harmless = {"lock": threading.Lock(), "out": sys.__stdout__, "device": jax.devices()[0]}
    assert unknown_parts(source_text(harmless)) == []


def test_what_contains_itself_has_a_text():
    values = [1]
    values.append(values)
    assert "itself" in source_text(values)
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert unknown_parts(source_text(deep)) == ["what is nested too deeply"]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A module of one's own, `my_settings`."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_settings.py").write_text("WIDTH = 10\nSTART = object()\n", encoding="utf-8")
    yield importlib.import_module("my_settings")
    sys.modules.pop("my_settings", None)


def test_values_of_own_modules_that_code_reads_belong_to_it(settings):
    def read(x):
        return x * settings.WIDTH

    def lazy(x):
        from my_settings import WIDTH

        return x * WIDTH

    def by_text(x, name="WIDTH"):
        return x * getattr(settings, name)

    before = [source_text(each) for each in (read, lazy, by_text)]
    assert [source_text(each) for each in (read, lazy, by_text)] == before
    settings.WIDTH = 50
    after = [source_text(each) for each in (read, lazy, by_text)]
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_values_of_own_modules_that_nothing_reads_do_not(settings):
    def read(x):
        return x * settings.WIDTH

    before = source_text(read)
    settings.STARTED = 12.5
    assert source_text(read) == before


def test_installed_packages_are_there_with_their_version():
    assert f"with numpy {np.__version__}" in source_text(np.sum).splitlines()


def test_an_estimator_that_is_given_is_cloned_and_has_learnt_nothing():
    linear_model = pytest.importorskip("sklearn.linear_model")
    estimator = linear_model.LogisticRegression(C=2.0)
    before = SklearnCandidate(estimator).source()
    estimator.fit(np.eye(3), [0, 1, 2])
    assert SklearnCandidate(estimator).source() == before
    assert SklearnCandidate(linear_model.LogisticRegression(C=3.0)).source() != before


def nearest(threshold):
    """Make a training function with a value that its source text does not have."""

    def fit(x, y):
        means = np.array([x[y == label].mean(axis=0) for label in range(10)])
        return lambda new: -((new[:, None] - means) ** 2).sum(axis=2) * next(threshold, 1)

    return fit


def test_runs_that_cannot_be_told_from_others_are_not_kept(tmp_path):
    said = []

    def found():
        def progress(line, _, total):
            if not total:
                said.append(line)

        candidate = nearest(value for value in ())
        return compare({"c": candidate}, folder=tmp_path, progress=progress, **SMALL)

    assert found().result.units_found == found().result.units_found == 0
    assert not list((tmp_path / "units").glob("*")) if (tmp_path / "units").exists() else True
    assert any("its runs are not kept: it uses" in line and "generator" in line for line in said)


@pytest.mark.parametrize("setting", ["jax_default_prng_impl", "jax_enable_x64"])
@pytest.mark.slow
def test_global_settings_that_change_numbers_are_part_of_what_a_run_is_found_by(tmp_path, setting):
    def found():
        def fit(x, y, seed):  # noqa: ARG001
            weights = jax.random.normal(jax.random.key(seed), (40, 10))
            return lambda new: np.asarray(jnp.asarray(new) @ weights.astype(jnp.float32))

        return compare({"c": fit}, folder=tmp_path, **SMALL).result

    first, again = found(), found()
    assert first.units_found == 0
    assert again.units_found == 1
    value = {"jax_default_prng_impl": "rbg", "jax_enable_x64": True}[setting]
    before = getattr(jax.config, setting)
    jax.config.update(setting, value)
    try:
        other = found()
    finally:
        jax.config.update(setting, before)
    assert other.units_found == 0
    assert "settings" in other.attrs
    assert "settings" not in again.attrs
    assert found().units_found == 1


def test_a_package_in_a_folder_of_installed_ones_is_installed(tmp_path, monkeypatch):
    for folder, name in (("installed", "package_of_others"), ("own", "package_of_mine")):
        package = tmp_path / folder / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("x = 1", encoding="utf-8")
        monkeypatch.syspath_prepend(package.parent)
    (tmp_path / "installed" / "package_of_others-1.0.dist-info").mkdir()
    (tmp_path / "own" / "package_of_mine.egg-info").mkdir()  # an editable installation has it
    try:
        assert is_installed(importlib.import_module("package_of_others"))
        assert not is_installed(importlib.import_module("package_of_mine"))
    finally:
        for name in ("package_of_others", "package_of_mine"):
            sys.modules.pop(name, None)
