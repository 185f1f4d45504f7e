"""Experiments beyond the paper stand apart from its own: lists, commands, reports."""

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from mnist1d.cli import list as list_module, reproduce as reproduce_module
from mnist1d.experiments import PAPER, double_descent
from mnist1d.harness import record
from mnist1d.harness.findings import findings_of
from mnist1d.harness.interface import InputError, is_own, origin_of
from mnist1d.harness.loading import find_experiment
from mnist1d.report import contents, reading
from mnist1d.report.render import experiment_markdown, html_page, overview_markdown
from mnist1d.report.wording import summary_of

ROOT = Path(__file__).resolve().parents[2]


def beyond_experiment():
    """Make an experiment beyond the paper of one of the paper's."""
    text = double_descent.__doc__.replace("Differences from the paper and its\ncode:", "Limits:")
    made = ModuleType("beyond", text)
    for name in ("VERSION", "Config", "CLAIMS", "run", "summarise", "plot", "CAPTIONS"):
        setattr(made, name, getattr(double_descent, name))
    made.NAME, made.TITLE = "descent-beyond", "Descent beyond"
    made.LITERATURE = ("Belkin et al. (2019), Reconciling modern machine learning",)
    return made


@pytest.fixture
def beyond(monkeypatch):
    made = beyond_experiment()
    for module in (list_module, reproduce_module):
        monkeypatch.setattr(module, "BEYOND", (made,))
        monkeypatch.setattr(module, "EXPERIMENTS", (*PAPER, made))
    parts = zip(list_module._PARTS, (PAPER, (made,)), strict=True)
    monkeypatch.setattr(list_module, "_PARTS", dict(parts))
    return made


def chosen_by(monkeypatch, command_line, tmp_path, *arguments):
    """Return names and numbers of runs of the experiments that a command would run."""
    found = []

    def schedule(chosen, configs, *_):
        found.extend((each.NAME, configs[each.NAME].seeds) for each in chosen)
        raise InputError("far enough")

    from mnist1d.harness import schedule as schedules

    monkeypatch.setattr(schedules, "finished", schedule)
    with pytest.raises(SystemExit):
        command_line("reproduce", *arguments, "--out", tmp_path)
    return found


def test_list_has_the_paper_and_what_is_beyond_it_apart(command_line, capsys, beyond):
    command_line("list")
    paper, _, rest = capsys.readouterr().out.partition("Experiments beyond the paper")
    assert all(each.NAME in paper and each.NAME not in rest for each in PAPER)
    assert beyond.NAME in rest
    assert beyond.NAME not in paper


def test_list_says_in_json_what_is_beyond_the_paper(command_line, capsys, beyond):
    command_line("list", "--json")
    *of_paper, last = json.loads(capsys.readouterr().out)["experiments"]
    assert {each["kind"] for each in of_paper} == {"paper"}
    assert (last["name"], last["kind"], last["paper_seeds"]) == (beyond.NAME, "beyond", None)
    assert last["literature"] == list(beyond.LITERATURE)


def test_reproduce_without_names_is_the_paper(monkeypatch, command_line, tmp_path, beyond):
    names = [name for name, _ in chosen_by(monkeypatch, command_line, tmp_path)]
    assert names == [each.NAME for each in PAPER]
    assert beyond.NAME not in names


@pytest.mark.parametrize("arguments", [["--beyond"], ["descent-beyond"]])
def test_reproduce_beyond_has_the_default_number_of_runs(
    monkeypatch, command_line, tmp_path, beyond, arguments
):
    found = chosen_by(monkeypatch, command_line, tmp_path, *arguments)
    assert found == [(beyond.NAME, beyond.Config().seeds)]


def test_names_and_beyond_exclude_each_other(command_line, capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        command_line("reproduce", "pooling", "--beyond", "--out", tmp_path)
    assert stop.value.code == 2
    assert "names of experiments or --beyond, not both" in capsys.readouterr().err


@pytest.mark.parametrize("mark", ["PAPER_SEEDS = 3", "LITERATURE = ()"])
def test_a_file_of_ones_own_cannot_pass_for_an_experiment_of_the_package(tmp_path, mark):
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import dataclass\nNAME = 'mine'\n@dataclass\nclass Config:\n"
        f"    seeds: int = 1\n{mark}\ndef run(config): pass\n"
    )
    with pytest.raises(InputError, match=f"{mark.split()[0]} in .*mine.py must have another name"):
        find_experiment(path, PAPER)


def test_where_an_experiment_comes_from():
    beyond = beyond_experiment()
    assert (origin_of(double_descent), origin_of(beyond)) == ("paper", "beyond")
    assert not is_own(beyond)
    assert is_own(ModuleType("mine"))


@pytest.fixture(scope="module")
def section():
    """Describe the result of double descent as one of an experiment beyond the paper."""
    result = record.load(double_descent, ROOT / "results" / "double-descent")
    experiment = beyond_experiment()
    found = result.assign_attrs(experiment=experiment.NAME)
    return reading.describe(findings_of(experiment, found))


def test_headline_numbers_are_those_of_the_paper(section):
    report = contents.Report((section,), ())
    assert report.beyond == report.sections
    assert not report.paper
    assert sum(report.counts.values()) == 0
    assert not report.differing
    assert "0 of 8 experiments of the paper and in 1 beyond it" in summary_of(report)


def test_its_page_and_the_overview_say_what_it_is(section):
    pictures = {section.name: ()}
    page = experiment_markdown(section, ())
    assert "## Limits" in page
    assert "## Literature\n\n- Belkin et al. (2019)" in page
    assert "| claim | source | expected |" in page
    assert "the paper's" not in page.partition("## Limits")[0].partition("## Our numbers")[2][:20]
    report = contents.Report((section,), ())
    overview = overview_markdown(report, folder=".", command="mnist1d report .")
    listed = overview.partition("## Beyond the paper\n")[2].partition("\n## ")[0]
    link = f"[{section.short_title}](./{section.name}/README.md)"
    assert f"from {section.n_seeds} runs each" in listed
    assert f"{link}: " in listed
    assert "## The experiments\n" not in overview
    fewer = replace(
        section, findings=replace(section.findings, result=section.result[{"seed": [0, 1]}])
    )
    both = overview_markdown(contents.Report((section, fewer), ()), folder=".", command="")
    for each in (section, fewer):
        assert f"{link}, {each.n_seeds} runs: " in both
    html = html_page(report, pictures)
    assert "Beyond the paper</th>" in html
    assert "Literature</summary>" in html
