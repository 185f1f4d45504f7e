"""Comparisons are fair: budgets, seeds, data, what tuning may see; and nothing is done twice."""

import dataclasses
import importlib
import io
import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import optax
import pytest
import scipy.stats
import xarray as xr
from rich.console import Console

import mnist1d
from mnist1d.cli import main
from mnist1d.cli.output.progress import Bars
from mnist1d.harness import record
from mnist1d.harness.interface import InputError, silent
from mnist1d.lab.candidates.coerce import as_candidate
from mnist1d.lab.candidates.contract import CandidateError, Outcome, batch_order
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.candidates.fingerprint import source_text
from mnist1d.lab.candidates.fitted import FunctionCandidate
from mnist1d.lab.candidates.search_space import plain_values
from mnist1d.lab.comparison import compare as comparison, data, runs
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.result import Comparison
from mnist1d.lab.comparison.search import choose_tries, edges
from mnist1d.models import CNN, MLP, Logistic

SMALL = mnist1d.DatasetConfig(train=400, test=200)
QUICK = Protocol(
    data=SMALL,
    validation_samples=500,
    seeds=2,
    tuning_seeds=2,
    learning_rates=(0.001, 0.01, 0.1),
    n_steps=20,
    evaluate_every=10,
    shuffled=False,
    shifts=(),
    references=False,
)
NARROW = partial(MLP, hidden_size=10)


class Oracle:
    """Knows all labels, and is right as often as its learning rate and seed say.

    Args:
        right: `(learning rate, seed) -> fraction`, of the samples at the front that are right.
    """

    framework = "function"

    def __init__(self, right, search=None, text="an oracle", fail_at=None):
        self.right, self.search, self.text, self.fail_at = right, search, text, fail_at
        self.done = []

    def source(self):
        return self.text

    def check(self, sets, schedule):  # noqa: ARG002
        return 7

    def train(self, runs, sets, schedule, report):  # noqa: ARG002
        known = {}
        dataset = mnist1d.generate(SMALL.replace(shifted_tests={"noise": {"iid_noise_scale": 0.1}}))
        validation = mnist1d.fresh_samples(dataset, 500, seed=1)
        parts = dataset.parts | {"validation": validation}
        for samples, labels in parts.values():
            known |= {
                x.astype(np.float32).tobytes(): y for x, y in zip(samples, labels, strict=True)
            }
            shuffled = samples[:, np.random.RandomState(42).permutation(40)].astype(np.float32)
            known |= {x.tobytes(): y for x, y in zip(shuffled, labels, strict=True)}
        for i, run in enumerate(runs):
            if self.fail_at is not None and run.seed == self.fail_at:
                raise RuntimeError("out of luck")
            self.done.append((dict(run.settings), run.seed, set(sets[run.data].evaluated)))
            rate = self.right(run.settings.get("learning_rate"), run.seed)
            predictions = {}
            for name, x in sets[run.data].evaluated.items():
                classes = np.array([known[row.tobytes()] for row in x])
                wrong = np.arange(len(x)) >= round(rate * len(x))
                predictions[name] = np.where(wrong, (classes + 1) % 10, classes)
            curve = np.linspace(0, rate, schedule.n_evaluations + 1)[1:]
            yield i, Outcome(curve, predictions, np.ones(schedule.n_evaluations), 0.5)

    @property
    def tuned(self):
        return [each for each in self.done if each[1] >= 10_000]

    @property
    def final(self):
        return [each for each in self.done if each[1] < 10_000]


def best_at(best):
    """Return accuracies that fall off around the best rate, on a log scale."""
    return lambda rate, seed: 0.9 - 0.1 * abs(np.log10(rate / best)) + 0.01 * (seed % 10)


# Choice, measurement and significance


def test_the_setting_with_the_best_validation_accuracy_trains_on_other_seeds():
    oracle = Oracle(best_at(0.01))
    found = compare({"oracle": oracle}, QUICK).result.isel(candidate=0)
    assert json.loads(found.settings.item()) == {"learning_rate": 0.01}
    assert {seed for _, seed, _ in oracle.tuned} == {10_000, 10_001}
    assert [seed for _, seed, _ in oracle.final] == [0, 1]
    assert all(settings == {"learning_rate": 0.01} for settings, _, _ in oracle.final)
    np.testing.assert_allclose(found.test_accuracy, [0.9, 0.91])
    np.testing.assert_allclose(found.train_accuracy, [0.9, 0.91], atol=0.002)
    np.testing.assert_allclose(found.tuning_accuracy.mean("tuning_seed"), [0.805, 0.905, 0.805])
    assert found.n_parameters == 7


def test_tuning_is_given_no_test_data():
    oracle = Oracle(best_at(0.01))
    compare({"oracle": oracle}, QUICK, shuffled=True, shifts=("noise",))
    assert all(parts == {"train", "validation"} for _, _, parts in oracle.tuned)
    assert {"test", "noise"} < oracle.final[0][2]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_other_test_labels_change_no_choice(monkeypatch):
    candidates = {"Logistic": Logistic}
    before = compare(candidates, QUICK).result
    generate = mnist1d.generate

    def permuted(config):
        dataset = generate(config)
        dataset.y_test[:] = (dataset.y_test + 1) % 10
        return dataset

    monkeypatch.setattr(data, "generate", permuted)
    after = compare(candidates, QUICK).result
    xr.testing.assert_equal(before.tuning_accuracy, after.tuning_accuracy)
    xr.testing.assert_equal(before.settings, after.settings)
    assert (before.test_accuracy != after.test_accuracy).all()


def test_a_choice_at_the_edge_of_the_grid_is_reported():
    text = str(compare({"oracle": Oracle(best_at(0.1))}, QUICK))
    assert "oracle: chose learning_rate = 0.1, the highest of its values: better ones" in " ".join(
        text.split()
    )
    assert "lie beyond" not in str(compare({"oracle": Oracle(best_at(0.01))}, QUICK))


def test_drops_shifts_and_steps_come_from_predictions():
    found = compare(
        {"oracle": Oracle(lambda _, seed: 0.8 + 0.1 * seed, search={})},
        QUICK,
        shuffled=True,
        shifts=("noise",),
        target_accuracy=0.43,
        train_sizes=(100, 400),
    )
    result = found.result.isel(candidate=0)
    for name in ("test_accuracy", "shuffled_accuracy"):
        np.testing.assert_allclose(result[name], [0.8, 0.9])
    np.testing.assert_allclose(result.shift_accuracy.sel(test_set="noise"), [0.8, 0.9])
    np.testing.assert_allclose(result.size_accuracy, [[0.8, 0.8], [0.9, 0.9]])
    assert result.steps_to_target.values.tolist() == [20, 10]
    right = (result.test_prediction == result.test_label).mean("sample")
    np.testing.assert_allclose(right, result.test_accuracy)


def test_differences_are_paired_and_corrected_for_their_number():
    def with_offset(*offsets):
        return Oracle(lambda _, seed: 0.5 + offsets[seed] + [0, 0.2, 0.1][seed], {})

    a, b, c = with_offset(0, 0, 0), with_offset(0.1, 0.095, 0.105), with_offset(0.1, 0.095, 0.105)
    found = compare({"a": a, "b": b, "c": c}, QUICK, seeds=3)
    by_pair = {(each.first, each.second): each for each in found.differences()}
    # Seeds vary by 20 points, the pairs by one.
    assert by_pair["b", "a"].told_apart
    assert abs(by_pair["b", "a"].estimate.mean - 10) < 1e-6
    assert by_pair["b", "c"].p_value == 1
    assert not by_pair["b", "c"].told_apart
    assert "Holm's correction for all 3 pairs" in " ".join(str(found).split())


def test_a_difference_that_is_the_same_for_all_seeds_is_not_tested():
    rates = {"a": 0.5, "b": 0.6, "c": 0.6}
    found = compare({n: Oracle(lambda *_, r=r: r, {}) for n, r in rates.items()}, QUICK, seeds=3)
    by_pair = {(each.first, each.second): each for each in found.differences()}
    assert np.isnan(by_pair["b", "a"].p_value)
    assert by_pair["b", "a"].same_for_all_seeds
    assert not by_pair["b", "a"].told_apart
    assert by_pair["b", "c"].p_value == 1
    text = " ".join(str(found).split())
    assert "same for all seeds" in text
    assert "or vary_data=True if the candidates draw nothing" in text
    found.plot()


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_papers_models_are_found_in_a_folder_that_has_them(monkeypatch, tmp_path):
    monkeypatch.setattr(comparison, "MODELS", {"Logistic": Logistic})
    protocol = dataclasses.replace(QUICK, references=True)
    first, second = (
        compare({name: Oracle(lambda *_: 0.5, {}, text=name)}, protocol, folder=tmp_path).result
        for name in ("one", "another")
    )
    paper = "Logistic (paper)"
    xr.testing.assert_equal(
        first.test_accuracy.sel(candidate=paper), second.test_accuracy.sel(candidate=paper)
    )
    n_final = QUICK.seeds * (1 + QUICK.shuffled)
    assert first.attrs["units_found"] == 0
    assert second.attrs["units_found"] == n_final


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_papers_cnn_under_another_name_ties_exactly(monkeypatch):
    monkeypatch.setattr(comparison, "MODELS", {"CNN": CNN})
    mine = EquinoxCandidate(CNN, search={"learning_rate": (0.01,)})
    found = compare({"mine": mine}, QUICK, references=True, shuffled=True, shifts=("shear",))
    mine, paper = (found.result.sel(candidate=name) for name in ("mine", "CNN (paper)"))
    for name in ("test_prediction", "validation_accuracy", "train_loss", "shuffled_accuracy"):
        np.testing.assert_array_equal(mine[name], paper[name])
    np.testing.assert_array_equal(mine.shift_accuracy, paper.shift_accuracy)
    (difference,) = found.differences()
    assert (difference.estimate.mean, difference.p_value) == (0, 1)
    assert bool(paper.is_reference)
    assert mine.n_parameters == paper.n_parameters == 5210


def test_parameters_are_those_of_the_chosen_setting():
    class Counted(Oracle):
        def count(self, settings, sets):
            assert sets.x.shape == (400, 40)
            return round(1000 * settings["learning_rate"])

    found = compare({"a": Counted(best_at(0.1)), "b": Counted(best_at(0.01))}, QUICK)
    assert found.result.n_parameters.values.tolist() == [100, 10]


# The same budget for all


def test_a_larger_search_space_is_cut_down_to_the_common_budget():
    small, large = (
        Oracle(best_at(0.01)),
        Oracle(best_at(0.01), search={"learning_rate": (0.001, 0.01, 0.1), "depth": range(100)}),
    )
    fixed = Oracle(best_at(0.01), search={"learning_rate": (0.01,)})
    found = compare({"small": small, "large": large, "fixed": fixed}, QUICK)
    assert (len(small.tuned), len(large.tuned), len(fixed.tuned)) == (6, 6, 0)
    tried = {json.dumps(settings) for settings, _, _ in large.tuned}
    assert len(tried) == 3
    text = " ".join(str(found).split())
    assert "3 of 300 settings tried" in text
    assert "fixed function nothing learning_rate = 0.01" in text


def test_distributions_are_drawn_from_and_the_draw_is_that_of_its_seed():
    space = plain_values({"C": scipy.stats.loguniform(0.1, 10), "k": scipy.stats.randint(1, 4)})
    tries = choose_tries(space, 50, seed=0)
    assert tries == choose_tries(space, 50, seed=0) != choose_tries(space, 50, seed=1)
    c = [each["C"] for each in tries]
    assert 0.1 <= min(c) < 0.3
    assert 3 < max(c) <= 10
    assert {each["k"] for each in tries} == {1, 2, 3}
    json.dumps(tries)


def test_a_list_of_grids_tries_each_of_them():
    grids = [{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": np.array([0.1, 1.0])}]
    space = plain_values(grids)
    assert choose_tries(space, 5, seed=0) == [
        {"kernel": "linear"},
        {"kernel": "rbf", "gamma": 0.1},
        {"kernel": "rbf", "gamma": 1.0},
    ]
    assert edges(space, {"kernel": "linear"}) == []
    assert edges(space, {"kernel": "rbf", "gamma": 1.0}) == [("gamma", 1.0, "highest")]
    oracle = Oracle(lambda *_: 0.9, search=space)
    assert compare({"a": oracle}, QUICK).result.n_tries.item() == 3
    with pytest.raises(ValueError, match="a list of one or more mappings"):
        plain_values([1, 2])


def test_data_may_be_a_dataset_with_the_samples_of_its_configuration():
    dataset = mnist1d.generate(SMALL)
    assert dataclasses.replace(QUICK, data=dataset) == QUICK
    changed = dataclasses.replace(dataset, x=dataset.x + 1)
    with pytest.raises(ValueError, match="this one has others"):
        dataclasses.replace(QUICK, data=changed)


def test_a_random_search_is_that_of_its_seed():
    space = {"a": range(10**9), "b": range(10**9)}
    first, again, other = (choose_tries(space, 20, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len({tuple(each.items()) for each in first}) == 20
    whole = choose_tries({"a": (1, 2), "b": (3, 4, 5)}, 6, seed=0)
    assert [tuple(each.values()) for each in whole] == [(a, b) for a in (1, 2) for b in (3, 4, 5)]


def test_all_candidates_have_the_same_seeds_data_and_batches():
    one, two = Oracle(best_at(0.01), text="one"), Oracle(best_at(0.01), text="two")
    compare({"one": one, "two": two}, QUICK, shuffled=True)
    assert one.done == two.done


def test_with_data_that_varies_every_seed_has_its_own():
    sets = data.DataSets(Protocol(data=SMALL, validation_samples=500, vary_data=True))
    variants = [data.Variant(draw, final=True) for draw in (0, 1, None)]
    firsts = [sets.sets(variant).x[0].tobytes() for variant in variants]
    assert len(set(firsts)) == 3
    means = [float(sets.sets(variant).x.mean()) for variant in variants]
    assert max(map(abs, means)) < 0.1  # each standardised with its own constants
    assert sets.key(variants[0]) != sets.key(variants[1])


# Nothing is done twice


def test_a_candidate_whose_runs_are_all_stored_is_not_tried_again(tmp_path, monkeypatch):
    candidates = {"guess": partial(guess, 3)}
    settings = {"learning_rates": (0.1,), "folder": tmp_path}
    first = compare(candidates, QUICK, **settings)
    monkeypatch.setattr(FunctionCandidate, "check", lambda *_: 1 / 0)
    again = compare(candidates, QUICK, **settings)
    assert again.result.units_found == QUICK.seeds
    xr.testing.assert_identical(first.result.drop_attrs(), again.result.drop_attrs())
    with pytest.raises(InputError, match=r"no candidate works\. guess: .*ZeroDivisionError"):
        compare(candidates, QUICK, **settings, seeds=3)


def test_the_end_of_a_task_is_reported_once(tmp_path):
    news = []

    def progress(*each):
        news.append(each)

    for n in (1, 2):  # trained, then found
        compare({"guess": partial(guess, 3)}, QUICK, folder=tmp_path, progress=progress)
        assert news.count(("guess, final", 40, 40)) == n
        assert news[-1] == ("guess, final", 40, 40)


def test_runs_that_were_stored_without_processor_time_are_found(tmp_path):
    candidates = {"guess": partial(guess, 3)}
    first = compare(candidates, QUICK, folder=tmp_path)
    assert np.isfinite(first.result.cpu_seconds).all()
    assert re.search(r"\d \(\d", str(first))
    for path in (tmp_path / "units").iterdir():
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files if name != "cpu_seconds"}
        np.savez(path, **{name: value for name, value in arrays.items() if name != "sha256"})
    older = compare(candidates, QUICK, folder=tmp_path)
    assert older.result.units_found == QUICK.seeds
    assert np.isnan(older.result.cpu_seconds).all()
    text = str(Comparison(older.result.drop_vars("cpu_seconds")))
    assert re.search(r" \(\d", text)


def test_the_same_call_computes_nothing_and_more_seeds_only_the_new(tmp_path):
    def run(**settings):
        oracles = {name: Oracle(best_at(0.01), text=name) for name in settings.pop("names", "ab")}
        found = compare(oracles, QUICK, folder=tmp_path, **settings)
        return found.result, [len(oracle.done) for oracle in oracles.values()]

    first, done = run()
    assert done == [8, 8]
    again, done = run()
    assert done == [0, 0]
    assert again.units_found == 16
    xr.testing.assert_equal(first, again)
    _, done = run(seeds=4)
    assert done == [2, 2]
    _, done = run(names="abc")
    assert done == [0, 0, 8]
    _, done = run(learning_rates=(0.001, 0.01, 0.1, 0.3))
    assert done == [2, 2]
    _, done = run(shifts=("noise",))  # which tuning does not see
    assert done == [2, 2]
    xr.testing.assert_equal(Comparison.load(tmp_path).result.seed, first.seed)


def test_another_text_is_another_candidate(tmp_path):
    for text in ("one", "two"):
        oracle = Oracle(best_at(0.01), text=text)
        compare({"a": oracle}, QUICK, folder=tmp_path)
        assert len(oracle.done) == 8


def test_a_stored_comparison_comes_back(tmp_path):
    found = compare({"a": Oracle(best_at(0.01), text="the text")}, QUICK, folder=tmp_path)
    loaded = Comparison.load(tmp_path)
    xr.testing.assert_equal(found.result, loaded.result)
    assert str(loaded) == str(found)
    assert loaded.result.source.item() == "the text"
    assert json.loads(loaded.result.config)["seeds"] == 2
    assert "jax" in json.loads(loaded.result.versions)


size = None
"""Of no interest to a function that has an attribute of this name."""


def test_source_text_leaves_out_variables_that_are_called_like_an_attribute(monkeypatch):
    def sized(x):
        return x.size * SMALL.n_train

    before = source_text(sized)
    monkeypatch.setitem(globals(), "size", 3)
    assert source_text(sized) == before
    monkeypatch.setitem(globals(), "SMALL", SMALL.replace(train=500))
    assert source_text(sized) != before


@pytest.mark.slow
def test_from_python_all_cores_are_used():
    program = (
        "import jax, mnist1d.lab\n"
        "try: mnist1d.lab.compare({})\n"
        "except Exception as error: print(error)\n"
        "print(jax.device_count(), jax.default_backend())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "JAX_PLATFORMS": "cpu"},
    )
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert done.stdout.splitlines()[-1] == f"{n_cores} cpu"


def test_source_text_has_all_that_a_function_remembers():
    def made(width):
        return lambda key: MLP(hidden_size=width, key=key)

    assert source_text(made(3)) == source_text(made(3)) != source_text(made(4))
    assert source_text(partial(MLP, hidden_size=3)) != source_text(partial(MLP, hidden_size=4))
    array = source_text(np.arange(3))
    assert array == source_text(np.arange(3)) != source_text(np.arange(3) + 1)
    assert " at 0x" not in source_text([made(3), object(), print])


def test_two_functions_on_one_line_are_two_sources():
    narrow, wide = [lambda x: x + 5, lambda x: x + 80]
    one, other = [lambda x, a: x * a, lambda a, x: x * a]
    assert source_text(narrow) == source_text(narrow) != source_text(wide)
    assert source_text(one) != source_text(other)


HELPER = """
import other_layers
SIZE = {size}
class Width:
    size = SIZE
    def __init__(self, value):
        self.value = value
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes the module `helper_layers` and imports what it wrote."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget():
        for name in ("helper_layers", "other_layers"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()

    def write(size=5, other="x = 1"):
        (tmp_path / "helper_layers.py").write_text(HELPER.format(size=size), encoding="utf-8")
        (tmp_path / "other_layers.py").write_text(other, encoding="utf-8")
        forget()
        return importlib.import_module("helper_layers")

    yield write
    forget()  # otherwise another test's modules of these names would be ours


def test_the_source_of_a_function_is_also_that_of_the_modules_it_uses(written):
    def used(*arguments):
        namespace = {"helper": written(*arguments)}
        exec("def make(key): return helper.Width(key)", namespace)  # noqa: S102
        return source_text(namespace["make"])

    assert used(5) == used(5)
    assert len({used(5), used(80), used(5, "x = 2")}) == 3


def test_the_source_of_an_object_is_that_of_its_class_with_its_values(written):
    objects = [written(5).Width(3), written(5).Width(4), written(6).Width(3)]
    assert len({source_text(each) for each in objects}) == 3
    assert source_text(objects[0]) == source_text(written(5).Width(3))
    first, second = objects[:2]
    pair = (first, second)
    assert source_text([pair, first]) != source_text([pair, second])


@pytest.mark.slow
def test_a_source_is_the_same_in_every_process(tmp_path):
    file = tmp_path / "report.py"
    file.write_text(
        "import equinox as eqx\n"
        "from mnist1d.lab.candidates.fingerprint import source_text\n"
        "WORDS = {'a', 'bc', 'def'}\n"
        "class Model(eqx.Module):\n"
        "    width: int = 3\n"
        "    def __call__(self, x): return x if x in {'p', 'qr', 'stu'} else WORDS\n"
        "print(source_text([Model, Model(4), lambda: WORDS]))\n",
        encoding="utf-8",
    )
    texts = {
        subprocess.run(
            [sys.executable, str(file)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in "12"
    }
    assert len(texts) == 1


@pytest.mark.slow
def test_another_version_of_a_framework_computes_again(tmp_path, monkeypatch):
    def done():
        oracle = Oracle(best_at(0.01))
        oracle.framework = "Equinox"
        compare({"a": oracle}, QUICK, folder=tmp_path)
        return len(oracle.done)

    assert (done(), done()) == (8, 0)
    version = runs.metadata.version
    monkeypatch.setattr(
        runs.metadata,
        "version",
        lambda name: "0.0" if name == "equinox" else version(name),
    )
    assert done() == 8


# What goes wrong is named, and the others' results are kept

COUNTER = iter(range(1000))
BROKEN = {
    "shape": (
        lambda key: MLP(n_classes=9, key=key),
        r"logits of shape \(10,\), and gave shape \(9,\)",
    ),
    "layout": (
        lambda key: eqx.nn.Conv1d(1, 10, 40, key=key),
        r"to map an example of shape \(40,\) to logits \(10,\), and raised \w+Error: ",
    ),
    "NaN": (lambda key: lambda x: Logistic(key=key)(x) * np.nan, "finite logits, and gave"),
    "key": (lambda _key: Logistic(key=jax_key(next(COUNTER))), "the same twice with the same key"),
    "raises": (lambda _key: 1 / 0, "raised ZeroDivisionError: division by zero"),
    "loss": (
        EquinoxCandidate(Logistic, loss=lambda logits, _labels: logits),
        "to take a training step, and raised TypeError: .*scalar",
    ),
    "augment": (
        EquinoxCandidate(Logistic, augment=lambda x, _key: x[:, 1:]),
        r"augment was expected to give the shape \(100, 40\).* gave \(100, 39\)",
    ),
}


def jax_key(seed):
    return jax.random.key(seed)


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_a_candidate_that_cannot_work_is_named_before_anything_runs(what):
    broken, expected = BROKEN[what]
    sets = data.DataSets(QUICK).sets(data.Variant())
    with pytest.raises(CandidateError, match=expected):
        as_candidate(what, broken).check(sets, QUICK.schedule)
    said = []
    found = compare(
        {what: broken, "sound": Oracle(best_at(0.01))},
        QUICK,
        progress=lambda task, _done, _total: said.append(task),
    )
    assert said[0].startswith(f"{what} will be left out: ")
    assert list(found.failures) == [what]
    assert np.isnan(found.result.test_accuracy.sel(candidate=what)).all()
    assert np.isfinite(found.result.test_accuracy.sel(candidate="sound")).all()
    assert f"{what} failed: " in str(found)
    found.plot()


def test_a_candidate_that_raises_in_the_middle_keeps_what_it_has():
    candidates = {"weak": Oracle(best_at(0.01), fail_at=1), "sound": Oracle(best_at(0.01))}
    found = compare(candidates, QUICK)
    assert "RuntimeError: out of luck" in found.failures["weak"]
    weak, sound = (found.result.test_accuracy.sel(candidate=name) for name in candidates)
    assert np.isfinite(weak).values.tolist() == [True, False]
    assert np.isfinite(sound).all()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda p: p[:-1], "expected 200 integers as predictions for test, got int64 of shape"),
        (lambda p: p / 2, "got float64"),
        (lambda p: p + 1, "expected classes from 0 to 9 as predictions for test, got 1 to 10"),
    ],
)
def test_predictions_that_are_none_are_named(change, expected):
    class Wrong(Oracle):
        def train(self, *arguments):
            for i, outcome in super().train(*arguments):
                test = {n: change(p) if n == "test" else p for n, p in outcome.predictions.items()}
                yield i, outcome._replace(predictions=test)

    found = compare({"wrong": Wrong(best_at(0.01)), "sound": Oracle(best_at(0.01))}, QUICK)
    assert expected in found.failures["wrong"]
    assert set(found.failures) == {"wrong"}


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_diverged_runs_are_counted_and_never_chosen():
    wild = EquinoxCandidate(Logistic, optax.sgd, search={"learning_rate": (3e38, 0.1)})
    lost = EquinoxCandidate(Logistic, optax.sgd, search={"learning_rate": (3e38,)})
    found = compare({"wild": wild, "lost": lost}, QUICK)
    assert json.loads(found.result.settings.sel(candidate="wild").item()) == {"learning_rate": 0.1}
    assert found.result.diverged.sum("seed").values.tolist() == [0, 2]
    assert np.isnan(found.result.test_accuracy.sel(candidate="lost")).all()
    assert "lost: 2 of 2 runs diverged" in str(found)
    found.plot()


@pytest.mark.parametrize(
    ("candidates", "settings", "expected"),
    [
        ({}, {}, "candidates must not be empty"),
        ([MLP], {}, "candidates must be a mapping"),
        ({"": MLP}, {}, "candidates must have names"),
        ({"a\0b": MLP}, {}, r"names of one line of printable text, not 'a\\x00b'"),
        ({"a\ud800": MLP}, {}, r"names of one line of printable text, not 'a\\ud800'"),
        ({"MLP (paper)": MLP}, {"references": True}, "other names than the paper's"),
        ({"a": 3}, {}, "candidate a: a must be .*, not 3 of type int"),
        ({"a": MLP}, {"seeds": 0}, "seeds must be from 1 to 10000, not 0"),
        ({"a": MLP}, {"tuning_seeds": 0}, "tuning_seeds must be from 1"),
        ({"a": MLP}, {"learning_rates": ()}, "learning_rates must not be empty"),
        ({"a": MLP}, {"learning_rates": (0.1, 0.1)}, "learning_rates must be .* all different"),
        ({"a": MLP}, {"learning_rates": (0.1, -1)}, r"learning_rates\[1\] must be above 0, not -1"),
        ({"a": MLP}, {"budget": 0}, "budget must be at least 1"),
        ({"a": MLP}, {"validation_samples": 100}, "at least 500, not 100: .* 4.6 points"),
        ({"a": MLP}, {"evaluate_every": 7}, "evaluate_every must divide the 20 steps, not 7"),
        ({"a": MLP}, {"batch_size": 401}, "batch_size must be from 1 to 400, not 401"),
        ({"a": MLP}, {"train_sizes": (99,)}, r"train_sizes\[0\] must be from 100 to 400, not 99"),
        ({"a": MLP}, {"train_sizes": (150, 150)}, "train_sizes must be different numbers from"),
        ({"a": MLP}, {"shifts": ("nose",)}, "did you mean 'noise'"),
        ({"a": MLP}, {"sedes": 3}, "no field 'sedes'; did you mean 'seeds'"),
        ({"a": MLP}, {"target_accuracy": 60}, "target_accuracy must be a fraction"),
        ({"a": lambda _key: 1 / 0}, {}, "no candidate works. a: .*ZeroDivisionError"),
    ],
)
def test_what_cannot_be_compared_is_an_error_before_anything_runs(candidates, settings, expected):
    oracle = Oracle(best_at(0.01))
    more = (
        {"oracle": oracle} if candidates and "a" in candidates and "works" not in expected else {}
    )
    given = candidates | more if isinstance(candidates, dict) else candidates
    with pytest.raises(InputError, match=expected):
        compare(given, QUICK, **settings)
    assert oracle.done == []


def test_an_empty_search_space_is_refused():
    with pytest.raises(InputError, match=r"candidate a: search\['learning_rate'\] must have one"):
        compare({"a": EquinoxCandidate(MLP, search={"learning_rate": ()})}, QUICK)
    with pytest.raises(ValueError, match="names of arguments of make or of optimizer, not 'widht'"):
        EquinoxCandidate(MLP, search={"widht": (1, 2)})


@pytest.mark.parametrize("rates", [(0.1, 0.1), (0.1, -1), (0.1, float("nan")), (0.1, np.inf)])
def test_a_search_has_learning_rates_above_0_all_different(rates):
    with pytest.raises(InputError, match=r"candidate a: search\['learning_rate'\]"):
        compare({"a": Oracle(best_at(0.01), search={"learning_rate": rates})}, QUICK)


def test_a_learning_rate_that_is_not_tuned_is_reported():
    class Untuned(Oracle):
        untuned_rate = "0.07"

    found = compare({"a": Untuned(lambda *_: 0.5, {"width": (1, 2)})}, QUICK)
    assert "a: learning_rate not tuned: it is 0.07" in str(found)
    assert "not tuned" not in str(compare({"a": Untuned(best_at(0.01))}, QUICK))
    assert EquinoxCandidate(MLP, search={"hidden_size": (5,)}).untuned_rate == "0.01"
    assert not EquinoxCandidate(MLP, optax.adam(0.1)).untuned_rate


def test_candidates_without_steps_have_no_steps_to_a_target():
    class Stepless(Oracle):
        def train(self, *arguments):
            for i, outcome in super().train(*arguments):
                yield (
                    i,
                    outcome._replace(
                        validation_accuracy=outcome.validation_accuracy[-1:],
                        train_loss=np.array([np.nan]),
                    ),
                )

    for evaluate_every in (10, 20):
        found = compare({"a": Stepless(lambda *_: 0.9, {})}, QUICK, evaluate_every=evaluate_every)
        assert np.isnan(found.result.steps_to_target).all()
        assert "not reached" not in str(found)
    assert "not reached" in str(compare({"a": Oracle(lambda *_: 0.5, {})}, QUICK))


@pytest.mark.slow
def test_the_figure_names_and_colours_every_candidate_by_itself():
    names = [f"a model with a long name, at $$ {i:02}" for i in range(12)]
    oracles = {n: Oracle(lambda *_, i=i: 0.5 + i / 50, {}) for i, n in enumerate(names)}
    figure = compare(oracles, QUICK, shifts=("noise",), seeds=1).plot()
    accuracies, _, shifts = figure.axes
    labels = [each.get_text() for each in accuracies.get_yticklabels()]
    assert len(set(labels)) == 12
    assert all(r"\$\$" in each and "..." in each for each in labels)
    colours = {tuple(line.get_color()) for line in shifts.lines}
    assert len(colours) == 12
    figure.draw_without_rendering()
    assert all(each.get_rotation() > 0 for each in shifts.get_xticklabels())
    titles = [axes.title for axes in figure.axes] + [axes._left_title for axes in figure.axes]
    assert all(title.get_window_extent().x1 <= figure.bbox.x1 for title in titles)


def test_a_function_among_the_settings_is_shown_by_its_name():
    found = compare({"a": Oracle(lambda *_: 0.5, {"activation": (jax.nn.relu, np.tanh)})}, QUICK)
    assert json.loads(found.result.settings.item()) == {"activation": "relu"}
    assert "activation = relu" in str(found)


def test_one_of_something_is_singular():
    text = " ".join(str(compare({"a": Oracle(best_at(0.01), {})}, QUICK, seeds=1)).split())
    assert "n = 1 seed unless" in text
    assert "Final: 1 other seed, the same" in text


# Candidates are recognised by their type


@pytest.mark.slow
def test_candidates_are_recognised_by_their_type():
    oracle = Oracle(best_at(0.01))
    assert as_candidate("a", oracle) is oracle
    assert as_candidate("a", MLP).framework == "Equinox"
    assert as_candidate("a", lambda _: None).framework == "Equinox"
    assert as_candidate("a", NARROW).framework == "Equinox"
    with pytest.raises(TypeError, match="not a finished model"):
        as_candidate("a", MLP(key=jax_key(0)))
    with pytest.raises(TypeError, match="called without arguments it made"):
        as_candidate("a", lambda: 3)


def test_scikit_learn_and_training_functions_are_recognised_by_their_type():
    pytest.importorskip("mnist1d.lab.candidates.fitted")
    from sklearn.linear_model import RidgeClassifier

    for given in (RidgeClassifier(), RidgeClassifier):
        assert as_candidate("a", given).framework == "scikit-learn"
    assert as_candidate("a", lambda: RidgeClassifier(alpha=2)).framework == "scikit-learn"
    assert as_candidate("a", lambda _x, _y, seed: lambda x: x + seed).framework == "function"


def test_pytorch_models_are_recognised_by_their_type():
    torch = pytest.importorskip("torch")
    pytest.importorskip("mnist1d.lab.candidates.torch")

    class Affine(torch.nn.Linear):
        def __init__(self):
            super().__init__(40, 10)

    for given in (Affine, lambda: torch.nn.Linear(40, 10)):
        assert as_candidate("a", given).framework == "PyTorch"


# The command

FILE = """
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.models import Logistic

fixed = EquinoxCandidate(Logistic, search={"learning_rate": [0.1]})
CANDIDATES = {"bare": Logistic, "fixed": fixed}
PROTOCOL = Protocol(references=False, shuffled=False, n_steps=20, evaluate_every=10, tuning_seeds=1)
"""
OPTIONS = ("--seeds", "2", "--learning-rates", "0.01", "0.1", "--shifts", "noise", "shear")


@pytest.fixture
def command(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE, encoding="utf-8")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mnist1d", "compare", *arguments])
        main()

    return run


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_command_compares_stores_and_shows(command, capsys):
    command("mine.py", *OPTIONS, "--out", "out", "--data.train", "400", "--data.test", "200")
    shown = capsys.readouterr().out
    for text in ("bare", "fixed", "noise", "shear", "Holm", "Figure and result: out/mine"):
        assert text in shown
    folder = Path("out/mine")
    assert {"result.nc", "comparison.png", "comparison.pdf"} <= {p.name for p in folder.iterdir()}
    result = record.read(folder / "result.nc")
    assert (
        dict(result.sizes) | {"seed": 2, "candidate": 2, "test_set": 2, "step": 2} == result.sizes
    )
    config = json.loads(result.config)
    assert (config["seeds"], config["n_steps"], config["data"]["train"]) == (2, 20, 400)
    assert "CANDIDATES" not in result.source.values[0]
    command("mine.py", *OPTIONS, "--out", "out", "--data.train", "400", "--data.test", "200")
    assert record.read(folder / "result.nc").units_found == 6


def test_a_figure_is_drawn_again_only_if_its_numbers_have_changed(tmp_path, monkeypatch):
    def found(rate):
        return compare({"oracle": Oracle(lambda *_: rate, {})}, QUICK)

    found(0.5).save(tmp_path)
    written = [(path.name, path.stat().st_ino) for path in tmp_path.glob("comparison.*")]
    assert len(written) == 2
    monkeypatch.setattr(Comparison, "plot", lambda _: pytest.fail("drawn again"))
    found(0.5).save(tmp_path)
    Comparison.load(tmp_path).save_figure(tmp_path)
    assert written == [(path.name, path.stat().st_ino) for path in tmp_path.glob("comparison.*")]
    monkeypatch.undo()
    (tmp_path / "comparison.pdf").unlink()
    found(0.5).save(tmp_path)
    assert (tmp_path / "comparison.pdf").is_file()
    before = (tmp_path / "comparison.png").read_bytes()
    found(0.6).save(tmp_path)
    assert (tmp_path / "comparison.png").read_bytes() != before


FINISHED = """
import sys
from mnist1d.cli import main
sys.argv = ["mnist1d", "compare", "mine.py", "--quiet"]
main()
print("loaded:", *{"matplotlib", "torch"} & set(sys.modules))
"""


@pytest.mark.slow
def test_a_finished_comparison_is_shown_without_what_it_was_computed_and_drawn_with(tmp_path):
    text = "import numpy as np\ndef fit(x, y):\n    return lambda s: np.zeros(len(s), int)\n"
    protocol = "dict(n_steps=100, references=False, shuffled=False, shifts=())"
    text += f"CANDIDATES = {{'a': fit, 'b': fit}}\nPROTOCOL = {protocol}\n"
    (tmp_path / "mine.py").write_text(text, "utf-8")
    said = [
        subprocess.run(
            [sys.executable, "-c", FINISHED],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        ).stdout
        for _ in range(2)
    ]
    assert "matplotlib" in said[0].splitlines()[-1]
    assert said[1].splitlines()[-1].strip() == "loaded:"
    assert "Figure and result: mnist1d-comparisons/mine" in said[1]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("", (), "mine.py must define CANDIDATES"),
        ("CANDIDATES = 3", (), "must define CANDIDATES, a mapping"),
        (
            "CANDIDATES = {}",
            ("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"),
            "--workers must be left out with --scheduler",
        ),
        ("CANDIDATES = {}", (), "candidates must not be empty"),
        (
            "CANDIDATES = {}\nPROTOCOL = 3",
            (),
            "PROTOCOL in mine.py: the protocol must be a mnist1d.lab.Protocol or a mapping",
        ),
        ("1 / 0", (), "mine.py cannot be run: ZeroDivisionError"),
        ("CANDIDATES = {}\nPROTOCOL = {'sedes': 3}", (), "no field 'sedes'; did you mean 'seeds'?"),
        ("CANDIDATES = {}\nPROTOCOL = {3: 3}", (), "PROTOCOL in mine.py: the protocol must be"),
        (FILE, ("--seeds", "0"), "seeds must be from 1 to 10000, not 0"),
        (FILE, ("--seeds", "1", "2"), "--seeds takes one value, not 2"),
    ],
)
def test_the_command_says_in_a_line_what_is_wrong(command, capsys, text, options, expected):
    Path("mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        command("mine.py", *options)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("mnist1d: ")
    assert expected in said
    assert len(said.splitlines()) == 1


def test_a_protocol_may_be_a_mapping(command, capsys):
    Path("mine.py").write_text("CANDIDATES = {}\nPROTOCOL = dict(seeds=77)", encoding="utf-8")
    with pytest.raises(SystemExit):
        command("mine.py", "--help")
    assert "77" in capsys.readouterr().out
    found = compare(
        {"a": Oracle(best_at(0.01))}, dataclasses.asdict(QUICK) | {"data": SMALL}, seeds=2
    )
    assert found.result.sizes["seed"] == 2


def guess(answer, x, y):  # noqa: ARG001
    return lambda new: np.full(len(new), answer)


def test_names_are_text_and_no_markup():
    names = ["MLP [/relu]", "MLP [relu]", "[bold]a[/bold]", ":fire:", "b\\", "$x$", "_c"]
    candidates = {name: partial(guess, answer) for answer, name in enumerate(names)}
    screen = io.StringIO()
    console = Console(file=screen, width=100)
    with Bars(console) as progress:
        found = compare(candidates, QUICK, shuffled=True, shifts=("noise",), progress=progress)
        progress(f"{names[0]} failed", 0, 0)
    assert not found.failures
    for name in names:
        assert f"{name}, final" in screen.getvalue()
        assert str(found).count(name) >= 4
    assert "[/relu] failed" in screen.getvalue()
    figure = found.plot()
    figure.canvas.draw()
    labels = {text.get_text().strip() for text in figure.axes[-1].get_legend().get_texts()}
    assert {"_c", "MLP [/relu]"} <= labels


def test_the_help_shows_the_fields_of_the_protocol(command, capsys):
    with pytest.raises(SystemExit) as ended:
        command("mine.py", "--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--tuning-seeds", "--learning-rates", "--budget", "--data.seed", "--out"):
        assert option in shown


def test_batches_are_those_of_the_contract():
    order = batch_order(400, QUICK.schedule, seed=3)
    assert sorted(order[:4].ravel()) == list(range(400))


def test_text_and_table_of_a_notebook_are_those_of_everywhere(monkeypatch, capsys):
    found = compare({"<b>[red]x": Oracle(best_at(0.01))}, QUICK, progress=silent)
    text = str(found)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert str(found) == repr(found) == text
    table = found._repr_html_()
    assert "&lt;b&gt;[red]x" in table
    assert "<b>" not in table
    assert "seeds unless stated" in table
    assert capsys.readouterr() == ("", "")
