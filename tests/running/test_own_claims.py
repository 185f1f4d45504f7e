"""Claims of experiments of one's own, and reports of all that a folder holds."""

import json
import shutil
from html import escape
from pathlib import Path

import pytest

import mnist1d
from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness import record, results
from mnist1d.harness.grids import combine
from mnist1d.harness.stored.findings import save_claims
from mnist1d.lab.comparison.result import Comparison
from mnist1d.measures.text import mean_with_interval
from mnist1d.measures.uncertainty import estimate

DOCUMENT = Path(mnist1d.__file__).parents[2] / "docs" / "running.md"


def test_an_experiment_of_ones_own_is_reported_with_its_claims(command, coin, capsys):
    Path("coin.py").write_text(coin.text + coin.more + coin.claims, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    shown = capsys.readouterr().out
    assert "predicted" in shown
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
    assert claims[0]["predicted"] == 0.5
    assert not any(name.startswith("published") for claim in claims for name in claim)


def test_claims_of_ones_own_have_the_same_words_everywhere(command, coin, capsys):
    Path("coin.py").write_text(coin.text + coin.claims, encoding="utf-8")

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


def test_claims_of_a_result_that_was_replaced_are_no_more(command, coin):
    Path("coin.py").write_text(coin.text + coin.claims, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    assert len(json.loads(Path("R/claims.json").read_text("utf-8"))) == 3
    command("run", "coin.py", "--n-throws", 5, 7, "--out", "R")
    assert json.loads(Path("R/claims.json").read_text("utf-8")) == []


def test_claims_about_other_data_are_judged_if_it_is_their_default(command, coin):
    text = (
        coin.text.replace("NAME =", "from mnist1d import DatasetConfig\nNAME =")
        .replace(
            "    @classmethod",
            "    data: DatasetConfig = field(\n        "
            "default_factory=lambda: DatasetConfig(label_noise=0.5)\n    )\n\n    @classmethod",
        )
        .replace("import dataclass", "import dataclass, field")
    )
    Path("coin.py").write_text(text + coin.claims, encoding="utf-8")
    for options, verdict in ((), "confirmed"), (("--data.label-noise", "0.2"), "not checkable"):
        command("run", "coin.py", "--out", "R", *options)
        assert json.loads(Path("R/claims.json").read_text("utf-8"))[0]["verdict"] == verdict


def test_a_rule_that_cannot_be_stored_is_named(command, coin, capsys):
    rule = "\nclass Mine(Positive):\n    pass\nCLAIMS = (Claim('c', 'd', 'e', Mine(), share),)\n"
    Path("coin.py").write_text(coin.text + coin.claims + rule, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        command("run", "coin.py")
    assert ended.value.code == 3
    said = capsys.readouterr()
    assert "1 confirmed" in said.out
    assert "claims with rules of their own are in no report: c" in said.err.splitlines()[-1]


def test_another_damaged_result_in_the_folder_is_named(command, coin, capsys):
    Path("coin.py").write_text(coin.text + coin.claims, encoding="utf-8")
    Path("R/other").mkdir(parents=True)
    Path("R/other/result.nc").write_bytes(b"nothing")
    with pytest.raises(SystemExit) as ended:
        command("run", "coin.py", "--out", "R", "--quiet")
    assert ended.value.code == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"left out of claims.json: {Path('R/other/result.nc')} is damaged" in last


@pytest.mark.slow
def test_whatever_a_folder_holds_is_in_its_report(command, coin, capsys):
    """Grids, comparisons, copies, and experiments whose claims or figures are broken."""
    Path("coin.py").write_text(coin.text + coin.more + coin.claims, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    shutil.copytree("R/coin", "R/coin-before")
    text = (coin.text + coin.more).replace('"coin"', '"swept"')
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


@pytest.mark.slow
def test_what_is_missing_from_a_report_is_named_with_exit_code_3(command, coin, capsys):
    Path("coin.py").write_text(coin.text + coin.more + coin.claims, encoding="utf-8")
    command("run", "coin.py", "--out", "R")
    shutil.copytree("R/coin", "R/my coin")
    text = coin.text + coin.more + coin.claims.replace('value("share"', 'value("shear"')
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


@pytest.mark.slow
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


def test_a_report_without_a_folder_is_of_what_reproduce_writes(command, failure, coin, capsys):
    message = failure("report")
    assert (
        "no folder mnist1d-results, so that one must be given; `mnist1d reproduce` makes" in message
    )
    Path("coin.py").write_text(coin.text, encoding="utf-8")
    command("run", "coin.py")
    message = failure("report")
    assert "there are results in mnist1d-runs" in message
    message = failure("report", "mnist1d-runs/coin")
    assert "it holds one result: name the folder that it is in, mnist1d-runs" in message
    Path("mnist1d-runs").rename("mnist1d-results")
    command("report")
    assert "coin: no claims." in capsys.readouterr().out


def test_other_settings_decide_no_claim_of_ones_own(command, coin, capsys):
    Path("coin.py").write_text(coin.text + coin.more + coin.claims, encoding="utf-8")
    command("run", "coin.py", "--quick", "--out", "R")
    command("report", "R")
    assert "confirmed" not in capsys.readouterr().out


@pytest.mark.slow
def test_damaged_findings_of_ones_own_are_named(command, failure, coin):
    Path("coin.py").write_text(coin.text + coin.more + coin.claims, encoding="utf-8")
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
        message = failure("report", "R")
        assert len(message.splitlines()) == 1
        assert str(path) in message
