"""`mnist1d run` and `mnist1d show-result`, in this process on experiments of no work."""

import json
import re
import shutil
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tyro
import xarray as xr

import mnist1d
from mnist1d.cli import main
from mnist1d.cli.options import config as config_options
from mnist1d.dataset.config import DatasetConfig
from mnist1d.experiments import EXPERIMENTS, classification, find_experiment
from mnist1d.experiments.classification import method
from mnist1d.harness import record, results
from mnist1d.harness.findings import judged
from mnist1d.harness.grid import plan_grid
from mnist1d.harness.grids import combine
from mnist1d.harness.interface import InputError
from mnist1d.harness.settings import values_by_name
from mnist1d.harness.stored.findings import save_claims
from mnist1d.lab.comparison.result import Comparison
from mnist1d.measures.text import mean_with_interval
from mnist1d.measures.uncertainty import estimate

DOCUMENT = Path(mnist1d.__file__).parents[2] / "docs" / "running.md"

COIN = '''
from dataclasses import dataclass
from typing import Literal
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from mnist1d.measures.uncertainty import estimate
from mnist1d.harness.interface import Row

NAME = "coin"

@dataclass(frozen=True)
class Config:
    """A coin.

    Attributes:
        seeds: number of coins.
        n_throws: of each coin,
            one or more.
        side: that counts.
    """
    seeds: int = 4
    n_throws: int = 100
    side: Literal["head", "tail"] = "head"

    @classmethod
    def quick(cls):
        return cls(seeds=2, n_throws=5)

def run(config):
    heads = np.random.default_rng(0).random((config.seeds, config.n_throws)) < 0.5
    share = heads.mean(1) if config.side == "head" else 1 - heads.mean(1)
    return xr.Dataset({"share": ("seed", share)}, {"seed": range(config.seeds)})
'''

MORE = """
def summarise(result):
    return [Row("coins", "share of the side", {"mean": estimate(result.share)})]

def plot(result):
    figure = Figure()
    figure.subplots().plot(result.share)
    return {"coins": figure}
"""


@pytest.fixture
def command(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("coin.py").write_text(COIN, encoding="utf-8")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mnist1d", *map(str, arguments)])
        main()

    return run


def failure(command, capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        command(*arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_help_shows_every_field_with_its_meaning_and_both_defaults(command, capsys):
    with pytest.raises(SystemExit):
        command("run", "coin.py", "--help")
    text = " ".join(re.sub("[│]", " ", capsys.readouterr().out).split())
    assert "--n-throws INTEGER ... of each coin, one or more. (default: 100; quick: 5)" in text
    assert "--side head|tail ... that counts. (default: head)" in text


def test_the_usage_names_the_experiment(command, capsys):
    with pytest.raises(SystemExit) as stop:
        command("run", "coin.py", "--help")
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("usage: mnist1d run coin.py [-h] [OPTIONS]\n")
    assert "--sides" in failure(command, capsys, "run", "coin.py", "--sides", "head")


def test_one_value_per_field_is_one_result(command, capsys):
    command("run", "coin.py", "--n-throws", 7, "--side", "tail")
    result = results.load_result("mnist1d-runs/coin")
    assert dict(result.sizes) == {"seed": 4}
    assert "grid" not in result.attrs
    assert "share" in capsys.readouterr().out


def test_several_values_are_a_grid(command, capsys):
    command("run", "coin.py", "--n-throws", 5, 7, "--side", "head", "tail", "--out", "out")
    result = xr.load_dataset("out/coin/result.nc", engine="h5netcdf")
    assert result.share.dims == ("n_throws", "side", "seed")
    np.testing.assert_allclose(result.share.sel(side="head") + result.share.sel(side="tail"), 1)
    shown = " ".join((said := capsys.readouterr()).out.split())
    assert "n = 4 unless stated" in shown
    assert "Grid point 4 of 4: n_throws = 7, side = tail" in said.err


def test_quick_settings_are_where_it_starts(command):
    command("run", "coin.py", "--quick", "--side", "tail")
    assert results.load_result("mnist1d-runs/coin").sizes["seed"] == 2


def test_figures_are_those_of_the_result(command, capsys):
    Path("coin.py").write_text(COIN + MORE, encoding="utf-8")
    command("run", "coin.py")
    folder = Path("mnist1d-runs/coin")
    assert {path.name for path in folder.glob("coins.*")} == {"coins.png", "coins.pdf"}
    assert "share of the side" in capsys.readouterr().out
    mine = folder / "mine.png"
    mine.touch()
    command("run", "coin.py", "--n-throws", 3, 4)
    assert not list(folder.glob("coins.*"))
    assert mine.exists()


def test_a_summary_that_fails_loses_no_result(command, capsys):
    broken = MORE.replace("result.share", "result.no_such_variable")
    Path("coin.py").write_text(COIN + broken, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        command("run", "coin.py")
    assert ended.value.code == 3
    said = capsys.readouterr()
    last = said.err.splitlines()[-1]
    assert last.startswith("mnist1d: no table (AttributeError: ")
    assert "; no figures (AttributeError: " in last
    assert "With these settings: no table (AttributeError" in said.out
    assert "With these settings: no figures (AttributeError" in said.err
    assert "share" in results.load_result("mnist1d-runs/coin")


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("def plot(result):\n    raise SystemExit(0)", "no figures (SystemExit: 0)"),
        ("def plot(result):\n    open('lost.csv')", "no figures (FileNotFoundError: "),
        ("def plot(result):\n    return Figure()", 'such as {"figure": figure}, not Figure'),
        (
            "def plot(result):\n    return {'../x': Figure()}",
            "letters, digits, - and _, not '../x'",
        ),
        ("def plot(result):\n    return {'x': 3}", "with figures of Matplotlib, not int"),
        ("def summarise(result):\n    return [('a', 'b', {})]", "must return rows, not tuple"),
        ("def summarise(result):\n    return [Row('a', 'b', {'c': 1.0})]", "must be an estimate"),
        ("def remarks(result):\n    return 1 / 0", "no remarks (ZeroDivisionError"),
        ("CAPTIONS = {'x': 3}", "no report (TypeError: findings.captions.x is of the wrong type)"),
        ("CLAIMS = 3", "no claims (TypeError: "),
    ],
)
def test_a_part_that_fails_is_named_and_the_rest_is_kept(command, capsys, part, why):
    Path("coin.py").write_text(f"{COIN}\n{part}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        command("run", "coin.py", "--out", "out")
    assert ended.value.code == 3
    assert why in capsys.readouterr().err.splitlines()[-1]
    assert "share" in results.load_result("out/coin")
    assert not [path for path in Path().rglob("*") if path.suffix in {".png", ".pdf"}]


def test_claims_table_and_figures_are_made_once(command, capsys):
    counted = """
def counted(function):
    def call(result):
        print("asked for", function.__name__)
        return function(result)
    return call

def measure(result):
    return share(result)

summarise, plot = counted(summarise), counted(plot)
CLAIMS = (Claim("fair", "Half are heads", "textbook", Equals(0.5, 0.1), counted(measure)),)
"""
    Path("coin.py").write_text(COIN + MORE + CLAIMS + counted, encoding="utf-8")
    command("run", "coin.py", "--json")
    asked = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asked")]
    assert sorted(asked) == ["asked for measure", "asked for plot", "asked for summarise"]


def test_a_run_that_ends_the_program_is_no_success(command, capsys):
    text = COIN.replace("def run(config):", "def run(config):\n    raise SystemExit(0)")
    assert text != COIN
    Path("coin.py").write_text(text, encoding="utf-8")
    message = failure(command, capsys, "run", "coin.py")
    assert "run() of coin ended the program (SystemExit: 0)" in message


def test_numbers_over_a_named_dimension_are_in_the_document(command, capsys):
    returned = COIN.splitlines()[-1]
    halves = '    return xr.Dataset({"share": (("seed", "half"), np.stack([share, share], 1))}, '
    halves += '{"seed": range(config.seeds), "half": [1, 2]})'
    Path("coin.py").write_text(COIN.replace(returned, halves), encoding="utf-8")
    command("run", "coin.py", "--json")
    numbers = json.loads(capsys.readouterr().out)["result"]["numbers"]
    assert [(each["variable"], each["case"]) for each in numbers] == [
        ("share", {"half": 1}),
        ("share", {"half": 2}),
    ]


def test_wrong_input_is_one_line(command, capsys):
    assert "did you mean 'classification'" in failure(command, capsys, "run", "clasification")
    assert "--n-throws needs a value" in failure(command, capsys, "run", "coin.py", "--n-throws")
    assert "twice" in failure(command, capsys, "run", "coin.py", "--n-throws", 3, 3)
    message = failure(command, capsys, "run", "classification", "--batch-size", 0)
    assert "batch_size must be at least 1, not 0" in message
    assert "did you mean --n-throws?" in failure(command, capsys, "run", "coin.py", "--n-trows", 3)
    assert not Path("mnist1d-runs").exists()


def test_the_record_of_the_paper_is_not_overwritten(command, capsys):
    shutil.copytree(DOCUMENT.parents[1] / "results" / "double-descent", "kept/double-descent")
    Path("kept", "claims.json").touch()
    message = failure(command, capsys, "run", "double-descent", "--quick", "--out", "kept")
    assert "kept holds results of `mnist1d reproduce`; choose another --out" in message


CLAIMS = """
from mnist1d.lab import AtLeast, Claim, Equals, Positive, value

share = value("share", limits=(0, 1))
CLAIMS = (
    Claim("fair", "Half of the throws are heads", "textbook", Equals(0.5, 0.1), share),
    Claim("some", "Some throws are heads", "textbook", Positive(), share),
    Claim("all", "All throws are heads <b>|", "a bet", AtLeast(1), share),
)
"""


def test_an_experiment_of_ones_own_is_reported_with_its_claims(command, capsys):
    Path("coin.py").write_text(COIN + MORE + CLAIMS, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    shown = capsys.readouterr().out
    assert "expected" in shown
    assert "published" not in shown
    Path("coin.py").unlink()  # a report runs nobody's code
    command("report", "R")
    assert "coin: 2 confirmed, 1 refuted." in capsys.readouterr().out
    page = Path("R/coin/README.md").read_text("utf-8")
    assert "| Half of the throws are heads | textbook | 0.5 |" in page
    assert "| All throws are heads &lt;b>\\| | a bet | ≥ 1 |" in page
    assert "| refuted |" in page
    assert "![coin: coins.](coins.png)" in page
    assert "of each coin, one or more." in page
    overview = Path("R/RESULTS.md").read_text("utf-8")
    assert "| [coin](./coin/README.md) | 2 confirmed, 1 refuted | 4 |" in overview
    assert "claims of the paper" not in overview
    html = Path("R/report.html").read_text("utf-8")
    assert "All throws are heads &lt;b&gt;|" in html
    assert "data:image/png;base64," in html
    claims = json.loads(Path("R/claims.json").read_text("utf-8"))
    assert [claim["verdict"] for claim in claims] == ["confirmed", "confirmed", "refuted"]
    assert {(claim["experiment"], claim["kind"]) for claim in claims} == {("coin", "own")}


def test_claims_of_ones_own_have_the_same_words_everywhere(command, capsys):
    Path("coin.py").write_text(COIN + CLAIMS, encoding="utf-8")

    def document(*arguments):
        capsys.readouterr()
        command(*arguments, "--json")
        found = json.loads(capsys.readouterr().out)["result"]
        return [{k: v for k, v in each.items() if k != "rule"} for each in found["claims"]]

    for options in ((), ("--quick",)):
        ran = document("run", "coin.py", "--out", "R", *options)
        assert ran == json.loads(Path("R/claims.json").read_text("utf-8"))
        assert ran == document("show-result", "R/coin")
        assert ran == document("show-result", "R/coin", "--experiment", "coin.py")
    assert {(each["verdict"], each["reason"]) for each in ran} == {
        ("not checkable", "not the default settings")
    }
    assert ran[0]["statement"] == "Half of the throws are heads"


def test_claims_of_a_result_that_was_replaced_are_no_more(command):
    Path("coin.py").write_text(COIN + CLAIMS, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    assert len(json.loads(Path("R/claims.json").read_text("utf-8"))) == 3
    command("run", "coin.py", "--n-throws", 5, 7, "--out", "R")
    assert json.loads(Path("R/claims.json").read_text("utf-8")) == []


def test_claims_about_other_data_are_judged_if_it_is_their_default(command):
    text = (
        COIN.replace("NAME =", "from mnist1d import DatasetConfig\nNAME =")
        .replace(
            "    @classmethod",
            "    data: DatasetConfig = field(\n        "
            "default_factory=lambda: DatasetConfig(label_noise=0.5)\n    )\n\n    @classmethod",
        )
        .replace("import dataclass", "import dataclass, field")
    )
    Path("coin.py").write_text(text + CLAIMS, encoding="utf-8")
    for options, verdict in ((), "confirmed"), (("--data.label-noise", "0.2"), "not checkable"):
        command("run", "coin.py", "--out", "R", *options)
        assert json.loads(Path("R/claims.json").read_text("utf-8"))[0]["verdict"] == verdict


def test_a_rule_that_cannot_be_stored_is_named(command, capsys):
    rule = "\nclass Mine(Positive):\n    pass\nCLAIMS = (Claim('c', 'd', 'e', Mine(), share),)\n"
    Path("coin.py").write_text(COIN + CLAIMS + rule, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        command("run", "coin.py")
    assert ended.value.code == 3
    said = capsys.readouterr()
    assert "1 confirmed" in said.out
    assert "claims with rules of their own are in no report: c" in said.err.splitlines()[-1]


def test_another_damaged_result_in_the_folder_is_named(command, capsys):
    Path("coin.py").write_text(COIN + CLAIMS, encoding="utf-8")
    Path("R/other").mkdir(parents=True)
    Path("R/other/result.nc").write_bytes(b"nothing")
    with pytest.raises(SystemExit) as ended:
        command("run", "coin.py", "--out", "R", "--quiet")
    assert ended.value.code == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"left out of claims.json: {Path('R/other/result.nc')} is damaged" in last


def test_whatever_a_folder_holds_is_in_its_report(command, capsys):
    """Grids, comparisons, copies, and experiments whose claims or figures are broken."""
    Path("coin.py").write_text(COIN + MORE + CLAIMS, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    shutil.copytree("R/coin", "R/coin-before")
    text = (COIN + MORE).replace('"coin"', '"swept"')
    Path("swept.py").write_text(text, encoding="utf-8")
    command("run", "swept.py", "--n-throws", 5, 7, "--side", "head", "tail", "--out", "R")
    shutil.copytree(DOCUMENT.parent / "new-activation", "R/new-activation")
    capsys.readouterr()
    command("report", "R", "--json")
    document = json.loads(capsys.readouterr().out)
    assert document["own_verdicts"]["confirmed"] == 4
    assert document["own_verdicts"]["refuted"] == 2
    assert sum(document["verdicts"].values()) == 0
    assert {each["name"]: each["kind"] for each in document["own"]} == {
        "coin": "experiment",
        "coin-before": "experiment",
        "new-activation": "comparison",
        "swept": "grid",
    }
    overview = Path("R/RESULTS.md").read_text("utf-8")
    html = Path("R/report.html").read_text("utf-8")
    for each in document["own"]:
        assert f"](./{each['name']}/README.md)" in overview
        assert f'<section id="own-{each["name"]}">' in html
        assert Path("R", each["name"], "README.md").is_file()
    assert "grid of 4 points" in overview
    stored = results.load_result("R/swept").share.sel(n_throws=7, side="tail")
    page = Path("R/swept/README.md").read_text("utf-8")
    assert f"| n_throws = 7, side = tail | {mean_with_interval(estimate(stored), 4)} |" in page
    assert "| `n_throws` | 5, 7 | 100 | of each coin, one or more. |" in page
    page = Path("R/new-activation/README.md").read_text("utf-8")
    comparison = str(Comparison.load("R/new-activation"))
    assert comparison in page
    assert escape(comparison, quote=False) in html.replace("&#39;", "'").replace("&#34;", '"')
    assert "![new-activation: comparison.](comparison.png)" in page


def test_what_is_missing_from_a_report_is_named_with_exit_code_3(command, capsys):
    Path("coin.py").write_text(COIN + MORE + CLAIMS, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    shutil.copytree("R/coin", "R/my coin")
    text = COIN + MORE + CLAIMS.replace('value("share"', 'value("shear"')
    Path("broken.py").write_text(text.replace('"coin"', '"broken"'), encoding="utf-8")
    with pytest.raises(SystemExit):
        command("run", "broken.py", "--out", "R")
    Path("R/coin/coins.png").unlink()
    with pytest.raises(SystemExit) as ended:
        command("report", "R")
    assert ended.value.code == 3
    last = capsys.readouterr().err.splitlines()[-1]
    for line in (
        f"{Path('R/my coin/result.nc')} is in a folder whose name is not up to 100 letters",
        "broken: no claims (ValueError: it has no variable shear)",
        "coin: the figure coins.png is gone",
    ):
        assert line in last
    for file, what in ("broken/README.md", "No claims"), ("coin/README.md", "The figure coins.png"):
        assert f"**{what}" in Path("R", file).read_text("utf-8")
    assert "share of the side" in Path("R/broken/README.md").read_text("utf-8")


def test_a_grid_of_a_papers_experiment_is_reported_as_one(command, capsys):
    path = DOCUMENT.parents[1] / "results" / "metalearn-learning-rate" / "result.nc"
    one = record.read(path).drop_attrs(deep=False)
    grid = combine([one, one], {"inner_steps": [5, 6]}).assign_attrs(
        record.read(path).attrs, grid='{"inner_steps": [5, 6]}', protocol="reduced"
    )
    record.write(grid, Path("R/metalearn-learning-rate/result.nc"))
    command("report", "R")
    said = capsys.readouterr().out
    assert "metalearn-learning-rate: grid of 2 points." in said
    assert "Claims checked" not in said
    assert save_claims(EXPERIMENTS, "R") == {}


def test_a_report_without_a_folder_is_of_what_reproduce_writes(command, capsys):
    message = failure(command, capsys, "report")
    assert (
        "no folder mnist1d-results, so that one must be given; `mnist1d reproduce` makes" in message
    )
    Path("coin.py").write_text(COIN, encoding="utf-8")
    command("run", "coin.py")
    message = failure(command, capsys, "report")
    assert "there are results in mnist1d-runs" in message
    message = failure(command, capsys, "report", "mnist1d-runs/coin")
    assert "it holds one result: name the folder that it is in, mnist1d-runs" in message
    Path("mnist1d-runs").rename("mnist1d-results")
    command("report")
    assert "coin: no claims." in capsys.readouterr().out


def test_other_settings_decide_no_claim_of_ones_own(command, capsys):
    Path("coin.py").write_text(COIN + MORE + CLAIMS, encoding="utf-8")
    command("run", "coin.py", "--quick", "--out", "R")
    command("report", "R")
    assert "confirmed" not in capsys.readouterr().out


def test_damaged_findings_of_ones_own_are_named(command, capsys):
    Path("coin.py").write_text(COIN + MORE + CLAIMS, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    path = Path("R/coin/result.nc")
    whole = record.read(path)
    data = json.loads(whole.attrs["findings"])
    for odd in (
        [],
        {},
        data | {"claims": [data["claims"][0] | {"rule": "Path"}]},
        data | {"claims": [data["claims"][0] | {"settings": {"nonsense": 1}}]},
        data | {"claims": [data["claims"][0] | {"estimate": ["a"] * 6}]},
        data | {"rows": [data["rows"][0] | {"estimates": {"mean": [1]}}]},
        data | {"title": 3},
    ):
        record.write(whole.assign_attrs(findings=json.dumps(odd)), path)
        message = failure(command, capsys, "report", "R")
        assert len(message.splitlines()) == 1
        assert str(path) in message


def test_a_place_that_cannot_be_written_is_named_before_anything_runs(command, capsys):
    Path("coin.py").write_text(COIN + "\ndef run(config): raise AssertionError", encoding="utf-8")
    Path("out/coin/result.nc").mkdir(parents=True)
    message = failure(command, capsys, "run", "coin.py", "--out", "out")
    assert str(Path("out/coin/result.nc")) in message
    assert "a folder is in its place" in message
    assert "coin.py" in failure(command, capsys, "run", "coin.py", "--out", "coin.py")


def test_a_file_that_an_experiment_misses_is_named(command, capsys):
    lost = "\ndef run(config): open('lost.csv')"
    Path("coin.py").write_text(COIN + lost, encoding="utf-8")
    message = failure(command, capsys, "run", "coin.py")
    assert "lost.csv: No such file" in message
    assert "cannot write" not in message


def test_a_mistake_in_an_experiment_shows_where_it_is(command):
    Path("coin.py").write_text(COIN + "\ndef run(config): return 1 + 'a'", encoding="utf-8")
    with pytest.raises(TypeError, match="unsupported operand"):
        command("run", "coin.py")


def test_fields_may_have_the_names_of_arguments_of_the_python_call(command):
    Path("coin.py").write_text(
        COIN.replace("n_throws", "folder").replace("side", "experiment"), encoding="utf-8"
    )
    command("run", "coin.py", "--folder", 3, "--experiment", "head", "tail")
    assert results.load_result("mnist1d-runs/coin").sizes["experiment"] == 2


def test_a_field_named_like_an_option_of_the_command_is_refused(command, capsys):
    Path("coin.py").write_text(COIN.replace("side:", "out:"), encoding="utf-8")
    assert "must not have a field out" in failure(command, capsys, "run", "coin.py")


def test_stored_results_are_shown(command, capsys):
    command("run", "coin.py", "--n-throws", 5, 7, "--side", "tail")
    capsys.readouterr()
    command("show-result", "mnist1d-runs/coin")
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "experiment coin",
        "n_throws 5, 7",
        "side tail",
        "seed 4 0, 1, 2, 3",
        "n_throws = 7",
    ):
        assert part in text


def test_a_variable_with_a_few_numbers_per_seed_is_shown(command, capsys):
    text = COIN.partition("def run")[0] + (
        "def run(config):\n"
        "    few = (('width', 'seed'), [[0.25, 0.75], [7.0, 7.0]])\n"
        "    many = (('step', 'seed'), np.ones((50, 2)))\n"
        "    coords = {'seed': [0, 1], 'width': [8, 16], 'step': range(50)}\n"
        "    return xr.Dataset({'few': few, 'many': many}, coords)\n"
    )
    Path("coin.py").write_text(text, encoding="utf-8")
    command("run", "coin.py")
    shown = " ".join(capsys.readouterr().out.split())
    assert "few, mean" in shown
    assert "8 0.5" in shown
    assert "16 7" in shown
    assert "many" not in shown


def test_claims_are_shown_with_the_experiments_file_or_without(command, capsys):
    Path("coin.py").write_text(COIN + MORE + CLAIMS, encoding="utf-8")
    command("run", "coin.py")
    assert "2 confirmed, 1 refuted" in capsys.readouterr().out
    command("show-result", "mnist1d-runs/coin")
    shown = capsys.readouterr().out
    assert "share of the side" in shown
    assert "2 confirmed, 1 refuted" in shown
    command("show-result", "mnist1d-runs/coin", "--experiment", "coin.py")
    assert "share of the side" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_has_a_row_per_seed_and_value(command, suffix):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    if suffix == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    command("run", "coin.py", "--n-throws", 5, 7)
    command("show-result", "mnist1d-runs/coin", "--table", f"table.{suffix}")
    # Read as text and turned into a number by Python: not every pandas reads all digits.
    options = {"dtype": {"value": str}} if suffix == "csv" else {}
    table = getattr(pandas, f"read_{suffix}")(f"table.{suffix}", **options)
    assert table.columns.tolist() == ["n_throws", "seed", "variable", "value"]
    result = results.load_result("mnist1d-runs/coin")
    assert len(table) == 2 * 4
    for row in table.itertuples():
        assert float(row.value) == result.share.sel(n_throws=row.n_throws, seed=row.seed)


def test_tables_of_nothing_are_refused(command, capsys):
    command("run", "coin.py")
    folder = "mnist1d-runs/coin"
    message = failure(
        command, capsys, "show-result", folder, "--table", "a.csv", "--variables", "b"
    )
    assert "no variable of numbers named b; there are: share" in message
    message = failure(command, capsys, "show-result", folder, "--table", "a.txt")
    assert "must end in .csv or .parquet, not a.txt" in message
    message = failure(command, capsys, "show-result", "mnist1d-runs")
    assert "there are: mnist1d-runs/coin/result.nc" in message
    Path("other.nc").write_bytes(b"something")
    assert "other.nc is damaged" in failure(command, capsys, "show-result", "other.nc")


def test_whole_numbers_stay_whole_where_a_variable_lacks_a_dimension():
    result = xr.Dataset(
        {"a": ("seed", [0.5, 0.25]), "b": 3.0, "c": ("x", ["text"])}, {"seed": [0, 1]}
    )
    table = results.tidy_table(result, ["a", "b"])
    assert str(table["seed"].dtype) == "Int64"
    assert table["value"].tolist() == [0.5, 0.25, 3.0]
    with pytest.raises(ValueError, match="no variable of numbers named c"):
        results.tidy_table(result, ["c"])


PUBLISHED = DatasetConfig()


@dataclass(frozen=True)
class Everything:
    """All kinds.

    Attributes:
        whole: a number.
    """

    whole: int = 1
    maybe: int | None = None
    kind: Literal["a", "b"] = "a"
    truth: bool = False
    path: str | Path | None = None
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, int] = (3, 4)
    classes: tuple[int, ...] | None = None
    order: str | tuple[int, ...] = "original"
    function: object = None
    data: DatasetConfig = PUBLISHED


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ("", {}),
        ("--whole -3", {"whole": [-3]}),
        ("--maybe None 5", {"maybe": [None, 5]}),
        ("--kind a b", {"kind": ["a", "b"]}),
        ("--truth", {"truth": [True]}),
        ("--truth True False", {"truth": [True, False]}),
        ("--path None here", {"path": [None, "here"]}),
        ("--sizes 1 2 --sizes 3", {"sizes": [(1, 2), (3,)]}),
        ("--sizes", {"sizes": [()]}),
        ("--pair 5 6 --pair 7 8", {"pair": [(5, 6), (7, 8)]}),
        ("--classes 3 8 --classes None", {"classes": [(3, 8), None]}),
        ("--order 1 0 --order flipped", {"order": [(1, 0), "flipped"]}),
        ("--data.padding 10 20", {"data.padding": [(10, 20)]}),
        ("--data.seed 1 2", {"data.seed": [1, 2]}),
    ],
)
def test_every_kind_of_field_is_an_option(arguments, values):
    make = config_options.options_of(Everything())
    found = config_options.given(tyro.cli(make, args=arguments.split()))
    assert found.keys() == values.keys()
    for name, each in values.items():
        assert [str(value) for value in found[name]] == [str(value) for value in each]


def test_only_fields_that_no_text_can_stand_for_are_set_from_python_alone(capsys):
    make = config_options.options_of(Everything())
    assert values_by_name(make()).keys() == values_by_name(Everything()).keys()
    with pytest.raises(SystemExit):
        tyro.cli(make, args=["--help"])
    options = re.split(r"^[^-\w]*--", capsys.readouterr().out, flags=re.MULTILINE)[1:]
    # The help of an option goes on over lines, within a frame.
    words = [re.sub(r"[\W_]+", " ", option) for option in options]
    marked = {
        option.split()[0]
        for option, text in zip(options, words, strict=True)
        if "set from Python alone" in text
    }
    assert marked == {"function", "data.templates", "data.shifted-tests"}


@pytest.mark.parametrize("text", ["--sizes 1 x", "--pair 1", "--kind c", "--truth perhaps"])
def test_a_value_of_the_wrong_kind_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        tyro.cli(config_options.options_of(Everything()), args=text.split())
    assert text.split()[0] in capsys.readouterr().err


def test_an_option_without_a_value_is_named():
    make = config_options.options_of(Everything())
    with pytest.raises(InputError, match="--whole needs a value"):
        config_options.given(tyro.cli(make, args=["--whole"]))


@pytest.mark.slow
def test_claims_say_nothing_about_other_data(monkeypatch):
    monkeypatch.setattr(method, "MODELS", {"CNN": method.MODELS["CNN"]})
    monkeypatch.delenv("MNIST1D_MNIST", raising=False)
    data = DatasetConfig(train=60, test=20, final_seq_length=30, label_noise=0.1)
    config = classification.Config(
        seeds=2, n_steps=3, evaluate_every=1, batch_size=20, data=data, validation_samples=10
    )
    result = record.execute(classification, config)
    assert result.sizes["sample"] == 20
    assert result.attrs["data"] == ", ".join(data.differences())
    assert judged(classification, result) == []


def commands_of_the_document():
    text = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    return [line.split()[1:] for line in re.findall(r"^mnist1d .+", text, re.MULTILINE)]


def test_the_options_in_the_document_exist(command):
    if not DOCUMENT.exists():
        pytest.skip("the documents are not in the package's folder")
    text = DOCUMENT.read_text("utf-8")
    block = re.search(r"```python\n(# neighbours\.py\n.*?)```", text, re.DOTALL)
    Path("neighbours.py").write_text(block[1], "utf-8")
    runs = [line for line in commands_of_the_document() if line[0] == "run"]
    more = re.findall(r"```py\n# at the end of neighbours\.py\n(.*?)```", text, re.DOTALL)
    whole = "".join([block[1], *more])
    Path("claimed.py").write_text(whole.replace('"neighbours"', '"claimed"'), "utf-8")
    command("run", "claimed.py", "--seeds", "2", "--out", "claimed")
    command("report", "claimed")
    page = Path("claimed/claimed/README.md").read_text("utf-8")
    assert "They get half" in page
    assert "| MNIST-1D | nearest neighbours |" in page
    assert "![Test accuracy (%) of every seed.](by-seed.png)" in page
    assert "![claimed: histogram.](histogram.png)" in page
    assert len(runs) >= 5
    for _, name, *arguments in runs:
        if "--help" in arguments:
            continue
        if name == "neighbours.py":
            if arguments:
                command("run", name, *arguments, "--data.num-samples", "200")
                result = results.load_result("mnist1d-runs/neighbours")
                assert result.test_accuracy.shape == (3, 2, 3)
            continue
        config = find_experiment(name).Config()
        fields = [each for each in arguments if each != "--quick"]
        values = config_options.given(tyro.cli(config_options.options_of(config), args=fields))
        plan_grid(
            find_experiment(name),
            {field: each for field, each in values.items() if len(each) > 1},
            **{field: each[0] for field, each in values.items() if len(each) == 1},
        )
