"""Runs that are quick, on other data, with other settings or in part diverged are called so."""

import json

import numpy as np
import pytest

from mnist1d.experiments import double_descent
from mnist1d.experiments.double_descent.method import measure_curves
from mnist1d.harness import record
from mnist1d.harness.settings import as_json
from mnist1d.measures.text import mean_of
from mnist1d.report import contents
from mnist1d.report.render import (
    experiment_markdown,
    html_page,
)

pytestmark = pytest.mark.slow


def test_compilation_and_finished_tasks_are_shown_if_recorded(section, described):
    attributes = {"seconds": 100.0, "compile_seconds": 70.0, "units_found": 3}
    shown = described(section.result.assign_attrs(attributes))
    odd = contents.Report((shown,), ())
    pictures = {"double-descent": ()}
    for text in (html_page(odd, pictures), experiment_markdown(shown, ())):
        assert "1 min 40 s; 1 min 10 s of compilation, all threads together; 3 units" in text
    unknown = contents.Report((section,), ())
    for text in (html_page(unknown, pictures), experiment_markdown(section, ())):
        assert ("compile_seconds" in section.result.attrs) == ("compilation" in text)


def test_a_diverged_seed_is_shown_as_one(section, described):
    result, n = section.result.copy(deep=True), section.result.sizes["seed"]
    result.diverged[0, 0, 0] = True
    result["test_error"][0, 0, 0] = np.nan
    shown = described(measure_curves(result))
    judged = next(judged for judged in shown.claims if judged.claim.name == "last-error-mlp")
    assert judged.verdict == "not checkable"
    assert mean_of(judged.estimate).startswith(f"diverged (1 of {n}")
    written = html_page(contents.Report((shown,), ()), {"double-descent": ()})
    assert f"diverged (1 of {n} runs)" in written


def test_a_quick_run_is_called_one_everywhere(capsys, tmp_path, small_record, run, quick):
    small_record(tmp_path, **quick)
    run(tmp_path)
    assert "Quick run, not the full protocol" in capsys.readouterr().out
    for name, least in (("RESULTS.md", 2), ("double-descent/README.md", 2), ("report.html", 4)):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.count("uick run, not the full protocol") >= least
        assert ">reproduced</td>" not in text
        assert "| reproduced |\n" not in text
        assert "--quick" in text or name == "RESULTS.md"


def test_a_result_on_other_data_says_which(section, described):
    data = double_descent.Config().data.replace(label_noise=0.1, seed=7)
    config = json.loads(as_json(double_descent.Config())) | {"data": data.to_dict()}
    about = {"protocol": "reduced", "data": "seed=7, label_noise=0.1", "config": as_json(config)}
    section = described(section.result.assign_attrs(about))
    assert section.note == "other data than the paper's (seed=7, label_noise=0.1)"
    (setting,) = (each for each in section.settings if each.name == "data")
    assert setting.default.startswith("published (num_samples=16000, train_split=0.25,")
    assert setting.value == f"{setting.default}, but seed=7, label_noise=0.1"
    page = experiment_markdown(section, [])
    assert page.count(section.note[1:]) == 2  # below the title and under "How it was run"
    for text in (page, html_page(contents.Report((section,), ()), {section.name: []})):
        assert "No claim is judged" in text
        assert "positions_seed" not in text
    table = page.partition("unless stated.\n\n")[2].partition("\n\n")[0]
    assert "verdict" not in table
    assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, "not the paper's settings"),
        ({"data": "seed=7"}, "not the paper's settings, on other data than the paper's (seed=7)"),
    ],
)
def test_a_result_with_other_settings_says_so(section, changes, note):
    config = json.loads(section.result.attrs["config"]) | {"batch_size": 200}
    about = {"protocol": "reduced", "config": as_json(config)} | changes
    assert record.note(double_descent, section.result.assign_attrs(about)) == note


def test_a_quick_run_on_other_data_says_both(section, quick):
    result = section.result.assign_attrs(quick, data="seed=7")
    note = "quick run, not the full protocol, on other data than the paper's (seed=7)"
    assert record.note(double_descent, result) == note
