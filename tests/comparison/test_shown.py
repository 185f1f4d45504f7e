"""Tables, text and figure of a comparison."""

import io
import json
from functools import partial

import jax
import numpy as np
import pytest
from rich.console import Console

from mnist1d.cli.output.progress import Bars
from mnist1d.harness.interface import silent
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.result import Comparison


def guess(answer, x, y):  # noqa: ARG001
    return lambda new: np.full(len(new), answer)


@pytest.mark.slow
def test_the_figure_names_and_colours_every_candidate_by_itself(oracle, quick):
    names = [f"a model with a long name, at $$ {i:02}" for i in range(12)]
    oracles = {n: oracle(lambda *_, i=i: 0.5 + i / 50, {}) for i, n in enumerate(names)}
    figure = compare(oracles, quick, shifts=("noise",), seeds=1).plot()
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


def test_a_function_among_the_settings_is_shown_by_its_name(oracle, quick):
    found = compare({"a": oracle(lambda *_: 0.5, {"activation": (jax.nn.relu, np.tanh)})}, quick)
    assert json.loads(found.result.settings.item()) == {"activation": "relu"}
    assert "activation = relu" in str(found)


def test_one_of_something_is_singular(oracle, quick):
    text = " ".join(str(compare({"a": oracle(oracle.best_at(0.01), {})}, quick, seeds=1)).split())
    assert "n = 1 seed unless" in text
    assert "Final: 1 other seed, the same" in text


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
    labels = {text.get_text().strip() for text in figure.axes[-1].get_legend().get_texts()}
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
