"""`--json`: one document on standard output, as the schema says; the rest on standard error."""

import copy
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("xarray", reason="the laboratory is not installed")

import xarray as xr

from mnist1d.cli.main import COMMANDS
from mnist1d.cli.output.outcome import SCHEMA, standard_output_kept
from mnist1d.experiments import EXPERIMENTS, double_descent
from mnist1d.harness import record
from mnist1d.harness.documents import as_text, describe
from mnist1d.measures.uncertainty import estimate

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "results" / "double-descent"

COIN = '''
from dataclasses import dataclass
import numpy as np
import xarray as xr

print("the file was run")
NAME = "coin"

@dataclass(frozen=True)
class Config:
    """A coin.

    Attributes:
        seeds: number of coins.
        n_throws: of each coin.
        worth: of a head.
    """
    seeds: int = 4
    n_throws: int = 100
    worth: float = 1.0

def run(config, *, progress):
    print("an experiment that talks")
    progress("throwing", 0, 2)
    progress("throwing", 2, 2)
    heads = np.random.default_rng(0).random((config.seeds, config.n_throws)) < 0.5
    share = config.worth * heads.mean(1)
    return xr.Dataset({"share": ("seed", share)}, {"seed": range(config.seeds)})
'''

CANDIDATES = """
import numpy as np

def majority(x, y, *, seed):
    print("a candidate that talks")
    most = np.bincount(y).argmax()
    return lambda signals: np.full(len(signals), most)

def guess(x, y, *, seed):
    return lambda signals: np.random.default_rng(seed).integers(0, 10, len(signals))

def broken(x, y, *, seed):
    raise ValueError("on [purpose]")

CANDIDATES = {"majority": majority, "guess [/b]": guess}
PROTOCOL = None
"""
SMALL = ("--seeds", "2", "--n-steps", "100", "--shuffled", "False", "--references", "False")


def valid(document):
    """Check a document against the schema of its command; returns it."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads(SCHEMA.read_text("utf-8"))
    chosen = {"$ref": f"#/$defs/{document['command']}", "$defs": schema["$defs"]}
    jsonschema.Draft202012Validator(chosen).validate(document)
    return document


@pytest.fixture
def command(outcome, monkeypatch, tmp_path):
    """Run a command with `--json`; return exit code, document and standard error."""
    monkeypatch.chdir(tmp_path)
    Path("coin.py").write_text(COIN, "utf-8")
    Path("mine.py").write_text(CANDIDATES, "utf-8")

    def run(*arguments):
        code, out, err = outcome(*arguments, "--json")
        return code, json.loads(out) if out else None, err

    return run


def test_every_command_has_a_schema():
    pytest.importorskip("jsonschema", reason="jsonschema is not installed").Draft202012Validator(
        {}
    ).check_schema(schema := json.loads(SCHEMA.read_text("utf-8")))
    named = {each["$ref"].rpartition("/")[2] for each in schema["oneOf"]}
    assert named == set(COMMANDS)
    assert named <= set(schema["$defs"])


def test_a_schema_refuses_what_it_does_not_name(command):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    document = command("list")[1]
    other = copy.deepcopy(document)
    other["experiments"][0]["colour"] = "red"
    del document["experiments"][0]["title"]
    for wrong in (document, other):
        with pytest.raises(jsonschema.ValidationError):
            valid(wrong)


def test_list_names_experiments_with_settings_and_claims(command):
    _, document, said = command("list")
    assert not said
    described = {each["name"]: each for each in valid(document)["experiments"]}
    assert list(described) == [each.NAME for each in EXPERIMENTS]
    pooling = described["pooling"]
    assert pooling["config"]["data.corr_noise_scale"] == 0.25
    assert {"claim", "statement", "source", "rule", "published"} == set(pooling["claims"][0])


def test_a_run_is_one_document_whatever_its_file_prints(command):
    code, document, said = command("run", "coin.py", "--n-throws", "5", "7")
    assert code == 0
    result = valid(document)["result"]
    assert result["grid"] == {"n_throws": [5, 7]}
    assert [each["point"] for each in result["numbers"]] == [{"n_throws": 5}, {"n_throws": 7}]
    stored = xr.load_dataset("mnist1d-runs/coin/result.nc", engine="h5netcdf")
    assert result["numbers"][1]["values"] == stored.share.sel(n_throws=7).values.tolist()
    assert result["numbers"][1]["mean"] == pytest.approx(stored.share.sel(n_throws=7).mean())
    assert result["files"] == ["mnist1d-runs/coin/result.nc"]
    for line in ("the file was run", "an experiment that talks", "throwing: 2 of 2, 0 s"):
        assert line in said.splitlines()


def test_a_stored_result_is_shown_as_it_was_run(command):
    _, ran, _ = command("run", "coin.py")
    _, shown, said = command("show-result", "mnist1d-runs/coin")
    assert not said
    assert valid(shown)["result"]["numbers"] == ran["result"]["numbers"]
    assert shown["result"]["config"] == {"seeds": 4, "n_throws": 100, "worth": 1.0}


def test_a_table_that_was_written_is_described(command):
    pytest.importorskip("pandas", reason="pandas is not installed")
    command("run", "coin.py")
    _, document, _ = command("show-result", "mnist1d-runs/coin", "--table", "coin.csv")
    assert valid(document)["columns"] == ["seed", "variable", "value"]
    assert document["n_rows"] == 4


def test_runs_that_all_diverged_are_null_and_not_0(command):
    code, document, said = command("run", "coin.py", "--worth", "nan")
    assert code == 3
    assert document["failed"] == "coin has no finite number: all runs diverged"
    assert f"mnist1d: {document['failed']}" in said.splitlines()
    number = valid(document)["result"]["numbers"][0]
    assert (number["mean"], number["n"], number["n_diverged"]) == (None, 0, 4)


@pytest.mark.slow
def test_a_comparison_has_candidates_and_differences(command):
    code, document, said = command("compare", "mine.py", *SMALL)
    assert code == 0
    found = valid(document)["comparison"]
    assert document["failed"] is None
    assert [each["name"] for each in found["candidates"]] == ["majority", "guess [/b]"]
    assert found["candidates"][0]["test_accuracy"]["n"] == 2
    assert {found["differences"][0][k] for k in ("first", "second")} == {"majority", "guess [/b]"}
    assert "a candidate that talks" in said
    _, shown, _ = command("show-result", "mnist1d-comparisons/mine")
    # Where the files are is known to the command that wrote them.
    assert valid(shown)["comparison"] == found | {"files": []}


@pytest.mark.slow
def test_a_comparison_that_its_budget_stops_is_continued(command):
    def run():
        # Less than any run takes: a call computes one.
        code, document, said = command("compare", "mine.py", *SMALL, "--budget-seconds", "1e-9")
        candidates = valid(document)["comparison"]["candidates"]
        n_finished = sum(each["test_accuracy"]["n"] for each in candidates)
        return code, document["comparison"]["stopped_after"], n_finished, said

    for n in (1, 2, 3):
        code, stopped_after, n_finished, said = run()
        assert (code, stopped_after, n_finished) == (4, 1e-9, n)
        last = "mnist1d: stopped after its budget of 1e-09 s; finished work is kept: run the same"
        assert said.splitlines()[-1].startswith(last)
    assert run()[:3] == (0, None, 4)


@pytest.mark.slow
def test_a_failed_candidate_is_named_and_not_0(command):
    text = CANDIDATES.replace('"guess [/b]": guess', '"broken [/b]": broken')
    Path("mine.py").write_text(text, "utf-8")
    code, document, said = command("compare", "mine.py", *SMALL)
    assert code == 3
    failed = {each["name"]: each["failure"] for each in valid(document)["comparison"]["candidates"]}
    assert failed["majority"] is None
    assert "on [purpose]" in failed["broken [/b]"]
    last = said.splitlines()[-1]
    assert last.startswith("mnist1d: 1 of 2 candidates failed: broken [/b]: ")


@pytest.fixture
def recorded(monkeypatch):
    """Have the record of an experiment found in place of running it; no figures are drawn."""
    result = record.load(double_descent, RECORD)
    monkeypatch.setattr(record, "execute", lambda *_, **__: result)
    monkeypatch.setattr(record, "save", lambda *_: None)
    return result


@pytest.mark.slow
def test_a_reproduction_has_tables_and_claims(command, recorded):
    code, document, _ = command("reproduce", "double-descent", "--out", "out")
    assert code == 0
    (result,) = valid(document)["results"]
    claims = json.loads((ROOT / "results" / "claims.json").read_text("utf-8"))
    own = [each for each in claims if each["experiment"] == "double-descent"]
    assert [{k: v for k, v in each.items() if k != "rule"} for each in result["claims"]] == own
    assert sum(document["verdicts"].values()) == len(own)
    assert result["dimensions"] == dict(recorded.sizes)
    assert result["rows"]
    assert Path(document["claims_file"]).is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("recorded")
def test_a_reproduction_names_other_results_that_are_damaged(command):
    Path("out/pooling").mkdir(parents=True)
    Path("out/pooling/result.nc").write_bytes(b"nothing")
    code, document, said = command("reproduce", "double-descent", "--out", "out", "--quiet")
    assert code == 3
    path = Path("out/pooling/result.nc")
    assert valid(document)["failed"].startswith(f"left out of claims.json: {path} is damaged")
    assert said == f"mnist1d: {document['failed']}\n"


@pytest.mark.slow
def test_a_reproduction_without_a_finite_run_is_not_0(command, recorded):
    recorded["diverged"] = np.True_ | recorded.diverged
    code, document, _ = command("reproduce", "double-descent", "--out", "out")
    assert code == 3
    assert document["failed"] == "all runs of double-descent diverged"


def test_generated_samples_are_counted(command):
    arguments = ("generate", "--num-samples", "250", "--shard-size", "1e2", "--format", "npz")
    code, document, said = command(*arguments, "--workers", "1", "--out", "set")
    assert code == 0
    assert [valid(document)[k] for k in ("n_samples", "n_shards", "n_made")] == [250, 3, 3]
    assert "samples: 250 of 250, 0 s" in said.splitlines()
    files = {each.pop("path"): each for each in document["files"]}
    assert set(files) == {path.as_posix() for path in Path("set").iterdir()}
    for path, about in files.items():
        content = Path(path).read_bytes()
        assert about == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert not command(*arguments, "--workers", "1", "--out", "set", "--quiet")[2]


def test_exported_files_are_described(command):
    code, document, said = command("export", "files", "out", "--num-samples", "100", "--seed", "7")
    assert (code, said) == (0, "")
    assert (valid(document)["kind"], document["out"]) == ("files", "out")
    files = {each.pop("path"): each for each in document["files"]}
    assert set(files) == {each.as_posix() for each in Path("out").rglob("*") if each.is_file()}
    for path, about in files.items():
        content = Path(path).read_bytes()
        assert about == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    code, document, said = command("export", "files", "out", "--num-samples", "50")
    assert code == 0
    Path("out/README.md").write_text("mine", "utf-8")
    code, document, said = command("export", "files", "out", "--num-samples", "100")
    assert (code, document) == (2, None)
    assert said.startswith("mnist1d: out has files that are of something else or were changed: REA")


def test_pictures_are_named(command):
    code, document, _ = command("show", "templates", "--out", "pictures", "--format", "png")
    assert code == 0
    assert valid(document)["files"] == ["pictures/templates.png"]
    assert Path("pictures/templates.png").is_file()


@pytest.mark.slow
def test_a_report_names_its_files(command):
    folder = Path("results")
    (folder / "double-descent").mkdir(parents=True)
    (folder / "double-descent" / "result.nc").write_bytes((RECORD / "result.nc").read_bytes())
    code, document, _ = command("report", folder)
    assert code == 0
    assert "results/report.html" in valid(document)["files"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "no-such-experiment"),
        ("run", "coin.py", "--n-throws", "many"),
        ("compare", "none.py"),
        ("verify", "none.nc"),
        ("reproduce", "tsen"),
        ("show-result", "nowhere"),
        ("generate", "--num-samples", "-5", "--out", "set"),
        ("report", "nowhere"),
        ("show", "--dpi", "1"),
        ("list", "all"),
    ],
)
def test_an_error_is_one_line_and_no_document(command, arguments):
    code, document, said = command(*arguments)
    assert code == 2
    assert document is None
    lines = [line for line in said.splitlines() if line != "the file was run"]
    assert len(lines) == 1
    assert lines[0].startswith("mnist1d: ")


def test_what_does_not_exist_is_null_in_any_depth():
    numbers = {"a": [np.float64("nan"), (np.int64(3), {"b": float("inf")})], "c": Path("x")}
    assert json.loads(as_text(numbers)) == {"a": [None, [3, {"b": None}]], "c": "x"}


def test_lists_are_written_on_a_line_and_texts_as_they_are():
    document = {"values": [1, 2.5, None], "texts": ["a  [b]\n  c", "[\n 1\n]"], "none": []}
    text = as_text(document)
    assert '"values": [ 1, 2.5, null ]' in text
    assert json.loads(text) == document


def test_what_is_written_past_python_stays_out_of_the_document():
    program = (
        "import os, subprocess, sys\n"
        f"from {standard_output_kept.__module__} import standard_output_kept\n"
        "with standard_output_kept():\n"
        "    print('python'); os.write(1, b'system\\n')\n"
        "    subprocess.run([sys.executable, '-c', 'print(\"child\")'])\n"
        "print('document')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "document\n"
    assert set(done.stderr.split()) == {"python", "system", "child"}


def test_the_document_shows_an_estimate_as_it_is_written(code_blocks):
    document = ROOT / "docs" / "commands.md"
    text = document.read_text("utf-8")
    (block,) = code_blocks(document, "json")
    shown = json.loads(block)
    found = json.loads(as_text(describe(estimate(shown["values"]))))
    assert list(found) == list(shown)
    assert all(found[name] == pytest.approx(shown[name], abs=0.005) for name in found)
    for name in json.loads(SCHEMA.read_text("utf-8"))["$defs"]["run"]["properties"]:
        assert f"`{name}`" in text or name in {"command", "seconds"}
