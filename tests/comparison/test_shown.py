"""Tables, text and figure of a comparison."""

import io
import itertools
import json
from functools import partial
from typing import get_args

import jax
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb
from rich.console import Console

from mnist1d.cli.output.progress import Bars
from mnist1d.harness.interface import silent
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.presentation.figure import Plot
from mnist1d.lab.comparison.result import Comparison


def guess(answer, x, y):  # noqa: ARG001
    return lambda new: np.full(len(new), answer)


@pytest.mark.slow
def test_the_figure_names_and_colours_every_candidate_by_itself(oracle, quick):
    names = [f"a model with a long name, at $$ {i:02}" for i in range(12)]
    oracles = {n: oracle(lambda *_, i=i: 0.5 + i / 50, {}) for i, n in enumerate(names)}
    protocol = {"shifts": ("noise",), "train_sizes": (100, 400), "baseline": names[0], "seeds": 1}
    figure = compare(oracles, quick, **protocol).plot()
    accuracies, pairs, test_set, noise, sizes = figure.axes
    labels = [each.get_text() for each in accuracies.get_yticklabels()]
    assert len(set(labels)) == 12
    assert all(r"\$\$" in each and "..." in each for each in labels)
    # The best candidate comes first, and every other one is compared with the baseline.
    assert [each.get_text() for each in pairs.get_yticklabels()] == labels[:-1]
    assert pairs.get_title(loc="left") == f"b  Planned differences: each minus {labels[-1]}"
    for axes in (test_set, noise):
        assert len({tuple(line.get_color()) for line in axes.lines}) == 12
    assert {each.get_text() for each in sizes.texts} == set(labels)
    figure.draw_without_rendering()
    assert not noise.get_yticklabels()  # as next to it
    assert not overlapping(accuracies.get_yticklabels())
    assert not overlapping(pairs.get_yticklabels())
    assert not overlapping(sizes.texts)
    shown = [axes.title for axes in figure.axes] + [axes._left_title for axes in figure.axes]
    shown += [*accuracies.get_yticklabels(), *sizes.texts]
    for extent in (each.get_window_extent() for each in shown):
        assert figure.bbox.x0 <= extent.x0 <= extent.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= extent.y0 <= extent.y1 <= figure.bbox.y1


def overlapping(texts):
    """Return the texts that lie over the next one, from the lowest to the highest."""
    found = sorted((each.get_window_extent().y0, each.get_window_extent().y1) for each in texts)
    return [(low, high) for (_, low), (high, _) in itertools.pairwise(found) if low > high]


@pytest.fixture(scope="module")
def measured(oracle, quick):
    """Return a comparison of candidates that never, always and sometimes reach the target."""
    candidates = {
        "high": oracle(lambda *_: 0.9, {}, text="high"),
        "some": oracle(lambda _, seed: 0.4 + 0.1 * seed, {}, text="some"),
        "low": oracle(lambda *_: 0.2, {}, text="low"),
        "none": partial(guess, 3),
    }
    protocol = {"seeds": 3, "shifts": ("noise",), "train_sizes": (100, 400), "target_accuracy": 0.5}
    found = compare(candidates, quick, **protocol)
    seconds = xr.full_like(found.result.cpu_seconds, 4.0)
    return Comparison(found.result.assign(cpu_seconds=seconds))


def test_who_does_not_reach_the_target_is_counted(measured):
    document = {each["name"]: each for each in measured.document()["candidates"]}
    counted = {name: each["n_not_reached"] for name, each in document.items()}
    assert counted == {"high": 0, "some": 1, "low": 3, "none": None}
    for name in ("steps_to_target", "cpu_seconds_to_target"):
        assert (document["some"][name]["n"], document["some"][name]["n_diverged"]) == (2, 0)
    assert document["some"]["steps_to_target"]["values"] == pytest.approx(
        [np.nan, 20, 20], nan_ok=True
    )
    assert document["high"]["steps_to_target"]["n_diverged"] == 0
    assert document["low"]["steps_to_target"]["n"] == 0
    assert document["low"]["steps_to_target"]["n_diverged"] == 0
    assert document["high"]["cpu_seconds_to_target"]["values"] == (4, 4, 4)
    assert document["high"]["cpu_seconds_to_target"]["ci_low"] == 4
    text = " ".join(str(measured).split())
    assert "Until 50 % validation accuracy, evaluated every 10 steps: runs that reached it" in text
    assert "high 3 of 3 20 ± 0 4 ± 0" in text
    assert "some 2 of 3 20 ± 0 4 ± 0" in text
    assert "low 0 of 3" in text


def test_every_part_has_a_figure(measured):
    labels = ["high", "some", "low", "none"]
    curves, losses = measured.plot("curves").axes
    assert [each.get_text() for each in curves.texts] == ["none", "low", "some", "high"]
    assert curves.lines[0].get_ydata() == pytest.approx([45, 90])
    assert {each.get_text() for each in losses.texts} == {"high", "some", "low"}
    (pairs,) = measured.plot("pairs").axes
    assert len(pairs.get_yticklabels()) == 6
    (samples,) = measured.plot("samples").axes
    assert {each.get_text() for each in samples.texts} == set(labels)
    shifts = measured.plot("shifts").axes
    assert [axes.get_title() for axes in shifts] == ["test set", "noise"]
    first, *_, steps = measured.plot("time").axes
    assert [each.get_text() for each in first.get_yticklabels()] == labels
    assert steps.get_title() == "Steps to 50 %"
    missed = [each.get_text() for each in steps.texts]
    assert missed == ["", "missed by 1 of 3", "missed by 3 of 3", "no steps"]


def test_losses_have_intervals_that_a_logarithmic_axis_can_show(measured):
    result = measured.result.copy(deep=True)
    result["train_loss"][...] = 1.0
    result["train_loss"].loc[{"candidate": "high", "step": 20}] = [1e-4, 1e-2, 0]
    result["train_loss"].loc[{"candidate": "none"}] = np.nan
    _, losses = Comparison(result).plot("curves").axes
    assert losses.get_yscale() == "log"
    # 0 counts as the smallest one, 1e-4.
    assert losses.lines[0].get_ydata() == pytest.approx([1, 10 ** (-10 / 3)])
    low, high = losses.get_ylim()
    assert 1e-5 < low < 1e-4
    assert 1 < high < 10
    (band, *_) = losses.collections
    assert (band.get_paths()[0].vertices[:, 1] > 0).all()


def luminance(colour):
    return np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("what", get_args(Plot))
def test_a_dark_style_of_the_user_hides_nothing(measured, what):
    with plt.style.context("dark_background"):
        figure = measured.plot(what)
    assert luminance(figure.get_facecolor()) == 1
    for axes in figure.axes:
        assert luminance(axes.get_facecolor()) == 1
        texts = [*axes.texts, *axes.get_yticklabels(), axes.title, axes.xaxis.label]
        inks = [*(line.get_color() for line in axes.lines), *(each.get_color() for each in texts)]
        assert max(luminance(ink) for ink in inks) < 0.8


def test_what_a_comparison_has_not_measured_is_not_drawn(oracle, quick):
    found = compare({"a": oracle(oracle.best_at(0.01), {})}, quick)
    for what, needed in (
        ("samples", "train_sizes in its protocol"),
        ("shifts", "shifts in its protocol"),
        ("pairs", "a planned pair"),
    ):
        with pytest.raises(ValueError, match=rf"plot\('{what}'\) needs .*{needed}"):
            found.plot(what)
    with pytest.raises(ValueError, match="what must be one of 'overview', 'pairs', 'curves'"):
        found.plot("everything")


def test_a_function_among_the_settings_is_shown_by_its_name(oracle, quick):
    found = compare({"a": oracle(lambda *_: 0.5, {"activation": (jax.nn.relu, np.tanh)})}, quick)
    assert json.loads(found.result.settings.item()) == {"activation": "relu"}
    assert "activation = relu" in str(found)


def test_one_of_something_is_singular(oracle, quick):
    text = " ".join(str(compare({"a": oracle(oracle.best_at(0.01), {})}, quick, seeds=1)).split())
    assert "n = 1 seed unless" in text
    assert "Final: 1 other seed, the same" in text


@pytest.mark.slow
def test_a_figure_is_drawn_again_only_if_its_numbers_have_changed(
    tmp_path, monkeypatch, oracle, quick
):
    def found(rate):
        return compare({"oracle": oracle(lambda *_: rate, {})}, quick)

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


@pytest.mark.slow
def test_names_are_text_and_no_markup(quick):
    names = ["MLP [/relu]", "MLP [relu]", "[bold]a[/bold]", ":fire:", "b\\", "$x$", "_c"]
    candidates = {name: partial(guess, answer) for answer, name in enumerate(names)}
    screen = io.StringIO()
    console = Console(file=screen, width=100)
    with Bars(console) as progress:
        found = compare(candidates, quick, shuffled=True, shifts=("noise",), progress=progress)
        progress(f"{names[0]} failed", 0, 0)
    assert not found.failures
    for name in names:
        assert f"{name}, final" in screen.getvalue()
        assert str(found).count(name) >= 4
    assert "[/relu] failed" in screen.getvalue()
    figure = found.plot()
    figure.canvas.draw()
    labels = {text.get_text() for text in figure.axes[0].get_yticklabels()}
    assert {"_c", "MLP [/relu]"} <= labels


def test_text_and_table_of_a_notebook_are_those_of_everywhere(monkeypatch, capsys, oracle, quick):
    found = compare({"<b>[red]x": oracle(oracle.best_at(0.01))}, quick, progress=silent)
    text = str(found)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert str(found) == repr(found) == text
    table = found._repr_html_()
    assert "&lt;b&gt;[red]x" in table
    assert "<b>" not in table
    assert "seeds unless stated" in table
    assert capsys.readouterr() == ("", "")
