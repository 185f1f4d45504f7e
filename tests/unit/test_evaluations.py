"""Evaluations are heard of while runs train: all of them, once, and without another number."""

from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray as xr

import mnist1d
from mnist1d.lab import LivePlot, NotebookProgress, Protocol, compare
from mnist1d.lab.candidates.contract import Outcome, Schedule, Sets
from mnist1d.lab.comparison.data import Variant
from mnist1d.lab.comparison.evaluations import Evaluation, Listener
from mnist1d.models import Logistic
from mnist1d.training import History, Training, initialise, train_runs

QUICK = Protocol(
    data=mnist1d.DatasetConfig(train=400, test=200),
    validation_samples=500,
    seeds=2,
    tuning_seeds=2,
    learning_rates=(0.001, 0.1),
    n_steps=20,
    evaluate_every=5,
    shuffled=True,
    shifts=(),
    train_sizes=(100,),
    references=False,
)
STEPS = [5, 10, 15, 20]


def nearest_mean(x, y):
    means = np.array([x[y == label].mean(axis=0) for label in range(10)])
    return lambda new: -((new[:, None] - means) ** 2).sum(axis=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_steps", "every"), [(20, 1), (23, 5), (7, 0)], ids=["each step", "and more", "the last"]
)
def test_training_runs_tell_what_they_recorded(n_steps, every):
    training = Training(
        batch=lambda data, _step, _key: data,
        loss=lambda model, batch, _key: (model(batch) ** 2).sum(),
        evaluate=lambda model, data: {"output": model(data), "sum": model(data).sum()},
        optimizer=optax.sgd(0.01),
        n_steps=n_steps,
        evaluate_every=every,
    )
    keys = jax.random.split(jax.random.key(0), 3)
    models = initialise(lambda key: Logistic(key=key), keys)
    heard = []
    with_it, without = (
        train_runs(training, models, jnp.ones(40), keys=keys, on_evaluation=hook).history
        for hook in (lambda *each: heard.append(each), None)
    )
    jax.tree.map(np.testing.assert_array_equal, with_it, without)
    assert [step for step, _ in heard] == training.evaluation_steps.tolist()
    for name, values in without.metrics.items():
        told = np.stack([recorded.metrics[name] for _, recorded in heard], axis=1)
        np.testing.assert_array_equal(told, values)
    losses = np.concatenate([recorded.train_loss for _, recorded in heard], axis=1)
    np.testing.assert_array_equal(losses, without.train_loss[:, : losses.shape[1]])
    assert losses.shape == (3, training.evaluation_steps[-1] + 1)


def by_run(heard):
    """Return steps and values by run."""
    found = {}
    for step, each in heard:
        run = (each.candidate, each.stage, each.seed, str(each.settings))
        values = (each.validation_accuracy, each.train_loss)
        found.setdefault(run, {})[step] = values
    assert sum(map(len, found.values())) == len(heard)  # none twice
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_a_comparison_tells_every_evaluation_once_also_of_what_it_finds(tmp_path):
    candidates = {"Logistic": Logistic, "means": nearest_mean}
    plain = compare(candidates, QUICK).result
    heard, again = [], []
    found = compare(
        candidates, QUICK, folder=tmp_path, on_evaluation=lambda *each: heard.append(each)
    ).result
    numbers = [name for name in plain if "seconds" not in name]
    xr.testing.assert_equal(found[numbers], plain[numbers])

    runs = by_run(heard)
    stages = {("tuning", seed) for seed in (10_000, 10_001)}
    stages |= {(stage, seed) for stage in ("final", "shuffled", "100 samples") for seed in (0, 1)}
    assert {run[1:3] for run in runs if run[0] == "Logistic"} == stages
    assert len([run for run in runs if run[:2] == ("Logistic", "tuning")]) == 4
    for (name, stage, seed, _), values in runs.items():
        assert list(values) == (STEPS if name == "Logistic" else STEPS[-1:])
        if stage == "final":
            one = found.sel(candidate=name, seed=seed, step=list(values))
            accuracy, loss = np.transpose(list(values.values()))
            np.testing.assert_array_equal(accuracy, one.validation_accuracy)
            np.testing.assert_allclose(loss, one.train_loss, rtol=1e-6)

    compare(candidates, QUICK, folder=tmp_path, on_evaluation=lambda *each: again.append(each))
    stored = by_run(again)
    assert stored.keys() == runs.keys()
    for run, values in runs.items():
        np.testing.assert_allclose(
            np.array([*stored[run].values()]), np.array([*values.values()]), rtol=1e-6
        )


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize(
    ("losses", "step", "heard_at"),
    [
        ([1.0, 0.9, np.nan, np.nan], 5, [5, 10]),  # stopped early
        ([1.0, 0.9, 0.8, 0.7], 20, [5, 10, 15, 20]),
        ([np.nan] * 4, None, [5, 10, 15, 20]),  # without losses
    ],
)
def test_a_run_that_stopped_early_says_nothing_after_its_end(losses, step, heard_at):
    heard = []
    schedule = Schedule(n_steps=20, evaluate_every=5)
    listener = Listener(lambda at, _: heard.append(at), "A", [{}], schedule)
    outcome = Outcome(np.full(4, 0.5), {}, np.array(losses), 1.0, step=step)
    listener.finish((0, 0, Variant().name), outcome)
    assert heard == heard_at


@pytest.mark.slow
def test_what_an_executor_trains_is_heard_of_when_it_is_finished():
    pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    heard = []
    with ThreadPoolExecutor(1) as executor:
        compare(
            {"Logistic": Logistic},
            QUICK,
            executor=executor,
            on_evaluation=lambda *each: heard.append(each),
        )
    assert all(list(values) == STEPS for values in by_run(heard).values())


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize("candidate", [Logistic, nearest_mean], ids=["on the way", "finished"])
def test_what_the_function_raises_ends_the_comparison(candidate):
    def stop(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        compare({"a": candidate}, QUICK, on_evaluation=stop)


@pytest.mark.slow
def test_a_pytorch_model_tells_while_it_trains():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from mnist1d.lab import TorchCandidate
    from mnist1d.lab.candidates.contract import Run

    x, y = np.eye(40, dtype=np.float32), np.arange(40, dtype=np.int32) % 10
    sets = {"own": Sets(x, y, {"train": x, "validation": x}, y)}
    heard = []
    training = TorchCandidate(lambda: torch.nn.Linear(40, 10)).train(
        [Run({"learning_rate": 0.1}, 0, "own")],
        sets,
        Schedule(20, 10, 5),
        lambda *_: None,
        lambda *each: heard.append(each),
    )
    _, outcome = next(training)
    np.testing.assert_array_equal([each[1] for each in heard], outcome.validation_accuracy)
    np.testing.assert_array_equal([each[2] for each in heard], outcome.train_loss)
    assert {each[0] for each in heard} == {0}


# What shows them.


def test_a_live_plot_has_a_colour_per_candidate_and_pale_lines_for_tuning():
    plot = LivePlot()
    for name in ("<CNN>", "MLP"):
        for stage, seed in (("tuning", 10_000), ("final", 0), ("final", 1)):
            for step in STEPS:
                plot(step, Evaluation(name, stage, {}, seed, step / 100 + seed / 1e5, 1.0))
    (axes,) = plot.draw().axes
    drawn = [line for line in axes.lines if len(line.get_xdata())]
    assert [line.get_xdata().tolist() for line in drawn] == [STEPS] * 6
    assert len({line.get_color() for line in drawn}) == 2
    assert [line.get_alpha() < 0.5 for line in drawn] == [True, False, False] * 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["<CNN>", "MLP"]
    assert plot._repr_png_()[1:4] == b"PNG"


def test_a_live_plot_has_a_panel_per_number_of_training_runs():
    plot = LivePlot()
    for step in (0, 10):
        metrics = {"accuracy": np.array([0.1, 0.2]) + step / 100, "hidden": np.ones((2, 5))}
        plot(step, History(np.full((2, 10), 3.0 - step / 10), metrics))
    panels = plot.draw().axes
    assert [axes.get_title() for axes in panels] == ["Training loss", "accuracy"]
    lines = [[list(line.get_ydata()) for line in axes.lines[2:]] for axes in panels]
    np.testing.assert_allclose(lines, [[[3, 2], [3, 2]], [[0.1, 0.2], [0.2, 0.3]]])


def test_progress_is_escaped_in_a_notebook_and_nothing_is_shown_elsewhere(capsys):
    progress = NotebookProgress()
    progress("<b>, tuning", 0, 100)
    progress("<b>, tuning", 40, 100)
    progress("a remark & more", 0, 0)
    shown = progress._repr_html_()
    assert "<progress value='40' max='100'></progress> &lt;b&gt;, tuning: 40 of 100" in shown
    assert "a remark &amp; more" in shown
    assert str(progress) == "<b>, tuning: 40 of 100\na remark & more"
    assert capsys.readouterr() == ("", "")
