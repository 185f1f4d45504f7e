"""`mnist1d run`: one result or a grid, what fails is named and nothing else is lost."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mnist1d
from mnist1d.harness import results

DOCUMENT = Path(mnist1d.__file__).parents[2] / "docs" / "running.md"


def test_help_shows_every_field_with_its_meaning_and_both_defaults(command, capsys):
    with pytest.raises(SystemExit):
        command("run", "coin.py", "--help")
    text = " ".join(re.sub("[│]", " ", capsys.readouterr().out).split())
    assert "--n-throws INTEGER ... of each coin, one or more. (default: 100; quick: 5)" in text
    assert "--side head|tail ... that counts. (default: head)" in text


def test_the_usage_names_the_experiment(command, failure, capsys):
    with pytest.raises(SystemExit) as stop:
        command("run", "coin.py", "--help")
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("usage: mnist1d run coin.py [-h] [OPTIONS]\n")
    assert "--sides" in failure("run", "coin.py", "--sides", "head")


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


def test_figures_are_those_of_the_result(command, coin, capsys):
    Path("coin.py").write_text(coin.text + coin.more, encoding="utf-8")
    command("run", "coin.py")
    folder = Path("mnist1d-runs/coin")
    assert {path.name for path in folder.glob("coins.*")} == {"coins.png", "coins.pdf"}
    assert "share of the side" in capsys.readouterr().out
    mine = folder / "mine.png"
    mine.touch()
    command("run", "coin.py", "--n-throws", 3, 4)
    assert not list(folder.glob("coins.*"))
    assert mine.exists()


def test_a_summary_that_fails_loses_no_result(command, coin, capsys):
    broken = coin.more.replace("result.share", "result.no_such_variable")
    Path("coin.py").write_text(coin.text + broken, encoding="utf-8")
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
def test_a_part_that_fails_is_named_and_the_rest_is_kept(command, coin, capsys, part, why):
    Path("coin.py").write_text(f"{coin.text}\n{part}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        command("run", "coin.py", "--out", "out")
    assert ended.value.code == 3
    assert why in capsys.readouterr().err.splitlines()[-1]
    assert "share" in results.load_result("out/coin")
    assert not [path for path in Path().rglob("*") if path.suffix in {".png", ".pdf"}]


def test_claims_table_and_figures_are_made_once(command, coin, capsys):
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
    Path("coin.py").write_text(coin.text + coin.more + coin.claims + counted, encoding="utf-8")
    command("run", "coin.py", "--json")
    asked = [line for line in capsys.readouterr().err.splitlines() if line.startswith("asked")]
    assert sorted(asked) == ["asked for measure", "asked for plot", "asked for summarise"]


def test_a_run_that_ends_the_program_is_no_success(coin, failure):
    text = coin.text.replace("def run(config):", "def run(config):\n    raise SystemExit(0)")
    assert text != coin.text
    Path("coin.py").write_text(text, encoding="utf-8")
    message = failure("run", "coin.py")
    assert "run() of coin ended the program (SystemExit: 0)" in message


def test_numbers_over_a_named_dimension_are_in_the_document(command, coin, capsys):
    returned = coin.text.splitlines()[-1]
    halves = '    return xr.Dataset({"share": (("seed", "half"), np.stack([share, share], 1))}, '
    halves += '{"seed": range(config.seeds), "half": [1, 2]})'
    Path("coin.py").write_text(coin.text.replace(returned, halves), encoding="utf-8")
    command("run", "coin.py", "--json")
    numbers = json.loads(capsys.readouterr().out)["result"]["numbers"]
    assert [(each["variable"], each["case"]) for each in numbers] == [
        ("share", {"half": 1}),
        ("share", {"half": 2}),
    ]


def test_wrong_input_is_one_line(failure):
    assert "did you mean 'classification'" in failure("run", "clasification")
    assert "--n-throws needs a value" in failure("run", "coin.py", "--n-throws")
    assert "twice" in failure("run", "coin.py", "--n-throws", 3, 3)
    message = failure("run", "classification", "--batch-size", 0)
    assert "batch_size must be at least 1, not 0" in message
    assert "did you mean --n-throws?" in failure("run", "coin.py", "--n-trows", 3)
    assert not Path("mnist1d-runs").exists()


def test_the_record_of_the_paper_is_not_overwritten(failure):
    shutil.copytree(DOCUMENT.parents[1] / "results" / "double-descent", "kept/double-descent")
    Path("kept", "claims.json").touch()
    message = failure("run", "double-descent", "--quick", "--out", "kept")
    assert "kept holds results of `mnist1d reproduce`; choose another --out" in message


def test_a_place_that_cannot_be_written_is_named_before_anything_runs(coin, failure):
    Path("coin.py").write_text(
        coin.text + "\ndef run(config): raise AssertionError", encoding="utf-8"
    )
    Path("out/coin/result.nc").mkdir(parents=True)
    message = failure("run", "coin.py", "--out", "out")
    assert str(Path("out/coin/result.nc")) in message
    assert "a folder is in its place" in message
    assert "coin.py" in failure("run", "coin.py", "--out", "coin.py")


def test_a_file_that_an_experiment_misses_is_named(coin, failure):
    lost = "\ndef run(config): open('lost.csv')"
    Path("coin.py").write_text(coin.text + lost, encoding="utf-8")
    message = failure("run", "coin.py")
    assert "lost.csv: No such file" in message
    assert "cannot write" not in message


def test_a_mistake_in_an_experiment_shows_where_it_is(command, coin):
    Path("coin.py").write_text(coin.text + "\ndef run(config): return 1 + 'a'", encoding="utf-8")
    with pytest.raises(TypeError, match="unsupported operand"):
        command("run", "coin.py")


def test_fields_may_have_the_names_of_arguments_of_the_python_call(command, coin):
    Path("coin.py").write_text(
        coin.text.replace("n_throws", "folder").replace("side", "experiment"), encoding="utf-8"
    )
    command("run", "coin.py", "--folder", 3, "--experiment", "head", "tail")
    assert results.load_result("mnist1d-runs/coin").sizes["experiment"] == 2


def test_a_field_named_like_an_option_of_the_command_is_refused(coin, failure):
    Path("coin.py").write_text(coin.text.replace("side:", "out:"), encoding="utf-8")
    assert "must not have a field out" in failure("run", "coin.py")
