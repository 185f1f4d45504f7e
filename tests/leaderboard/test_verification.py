"""Verifying: nothing runs without leave, the same numbers are found, and others are named."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist1d.cli.output.outcome import SCHEMA
from mnist1d.harness import record
from mnist1d.harness.interface import InputError
from mnist1d.lab import TRACKS, silent, verify
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.leaderboard import verification
from mnist1d.lab.leaderboard.records import digest_of
from mnist1d.lab.leaderboard.verification import tolerance_of


@pytest.fixture
def command(place, outcome, monkeypatch):
    """Run the command on a record; return exit code, standard output and error."""

    def run(*options):
        monkeypatch.setattr(sys, "path", list(sys.path))
        return outcome("verify", place.name, *options)

    return run


def valid(text):
    document = json.loads(text)
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator({"$ref": "#/$defs/verify", "$defs": schema["$defs"]}).validate(
        document
    )
    return document


def change(path, edit):
    """Edit a record as somebody who writes a fitting digest, too."""
    result = record.read(path)
    edit(result)
    result.attrs["record_digest"] = digest_of(result)
    record.write(result, path)


@pytest.mark.slow
def test_nothing_in_a_record_runs_without_leave(place, command):
    code, out, said = command()
    assert (code, out) == (2, "")
    assert said.startswith("mnist1d: mine.nc has code of A. Person (mine.py, parts_of_mine.py)")
    assert said.rstrip().endswith("read it with --code, and add --trust to run it")
    with pytest.raises(InputError, match="allow it with trust=True"):
        verify(place)
    code, out, _ = command("--code")
    assert code == 0
    assert "def means(x, y):" in out
    assert list(valid(command("--code", "--json")[1])["files"]) == ["mine.py", "parts_of_mine.py"]
    assert not Path("was-run").exists()
    assert command("--code", "--trust")[0] == 2


def test_a_record_is_found_again_bit_for_bit(command):
    code, out, said = command("--trust", "--json", "--quiet")
    assert code == 0, said
    document = valid(out)
    assert Path("was-run").exists()
    assert document["verified"]
    assert document["identical"]
    assert not document["differences"]
    assert [each["name"] for each in document["candidates"]] == ["means", "guess"]
    for each in document["candidates"]:
        assert each["recorded"] == each["found"]
    assert "parts_of_mine" not in sys.modules


@pytest.mark.slow
def test_an_interrupted_verification_resumes_and_a_finished_one_runs_all_again(
    place, tmp_path, monkeypatch
):
    kept, n_found = tmp_path / "kept", []

    def counting(*arguments, **settings):
        found = compare(*arguments, **settings)
        n_found.append(found.result.attrs["units_found"])
        return found

    def interrupt(task, *_):
        if task.startswith("guess, final"):
            raise KeyboardInterrupt

    monkeypatch.setattr(verification, "compare", counting)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(KeyboardInterrupt):
        verify(place, trust=True, folder=kept, progress=interrupt)
    (own,) = kept.iterdir()
    n_units = len([*(own / "units").iterdir()])
    assert n_units >= 5  # all of the first candidate
    assert verify(place, trust=True, folder=kept, progress=silent).verified
    assert n_found == [n_units]
    assert not kept.exists()
    kept.mkdir()
    (kept / "another").touch()
    assert verify(place, trust=True, folder=kept, progress=silent).verified
    assert n_found == [n_units, 0]
    assert [each.name for each in kept.iterdir()] == ["another"]


def _better(result):
    result.test_accuracy[0] += 0.05


def test_a_score_beyond_the_tolerance_is_refuted_with_both_numbers(place, command):
    change(place, _better)
    code, out, said = command("--trust", "--quiet")
    assert code == 3
    last = said.splitlines()[-1]
    assert last.startswith("mnist1d: Not verified. means: test accuracy (%) ")
    assert "a difference of -5.00, beyond ± 0.5" in last
    row = next(line for line in out.splitlines() if line.lstrip().startswith("means"))
    recorded, *others = (float(number) for number in re.findall(r"\d+\.\d+", row))
    assert any(recorded == pytest.approx(other + 5, abs=0.11) for other in others)
    assert row.rstrip().endswith("differs")
    assert "guess" in out


def _other_code(result):
    result.file_text[1] = str(result.file_text[1].item()).replace("argmin", "argmax")


def _other_source(result):
    result.source[1] = "def guess(x, y, *, seed): return the_best_of_all"


def _more_parameters(result):
    result.n_parameters[1] = 7.0


def _other_name(result):
    result.coords["candidate"] = ["nearest means", "guess"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (_other_code, "means: the recorded source of the candidate is not that of the code"),
        (_other_source, "guess: the recorded source of the candidate is not that of the code"),
        (_more_parameters, "guess: nan parameters, recorded 7"),
        (_other_name, "nearest means: the code has no candidate of this name"),
    ],
)
def test_what_the_code_does_not_give_is_refuted(place, command, edit, expected):
    change(place, edit)
    code, out, said = command("--trust", "--json", "--quiet")
    assert code == 3
    document = valid(out)
    assert not document["verified"]
    assert expected in document["failed"]
    assert expected in said


@pytest.mark.slow
def test_other_versions_are_named_and_may_round_otherwise(place, command):
    def older(result):
        versions = json.loads(result.attrs["versions"]) | {"numpy": "1.0"}
        result.attrs["versions"] = json.dumps(versions)
        result.test_accuracy[0] += 0.003

    change(place, older)
    code, out, said = command("--trust", "--quiet")
    assert code == 0, said
    assert "numpy: " in out
    assert "recorded 1.0" in out
    assert "Verified: the same scores within the tolerance." in out


def test_code_that_cannot_run_is_one_line(place, command):
    def broken(result):
        result.file_text[0] = "1 / 0"

    change(place, broken)
    code, out, said = command("--trust")
    assert (code, out) == (2, "")
    assert "ZeroDivisionError" in said.splitlines()[-1]


def test_the_tolerance_holds_for_99_of_100_repetitions_with_other_seeds():
    rng, score = np.random.default_rng(0), TRACKS["small"].score
    n = 3000
    runs = 80 + 3 * rng.standard_normal((2, n, 5))
    beyond = [
        abs(one.mean() - other.mean()) > tolerance_of(one, other, score)
        for one, other in zip(*runs, strict=True)
    ]
    assert 0.006 < np.mean(beyond) < 0.014  # its standard error is 0.0018


@pytest.mark.parametrize(
    ("n_before", "n_now", "is_refuted"),
    [(5, 0, True), (0, 5, True), (4, 0, False), (1, 0, False), (0, 0, False), (5, 3, False)],
)
def test_as_many_runs_reach_a_target_as_chance_allows(n_before, n_now, is_refuted):
    def runs(n):
        return np.where(np.arange(5) < n, 100.0, np.nan)

    score = TRACKS["fast"].score
    problem = verification._problem_of_scores(runs(n_before), runs(n_now), 20.0, score)
    assert bool(problem) == is_refuted
    if is_refuted:
        assert problem == f"{n_now} of 5 runs have a score, recorded {n_before} of 5"


def test_the_tolerance_is_never_below_what_rounding_may_change():
    same = np.full(5, 80.0)
    assert tolerance_of(same, same, TRACKS["small"].score) == 0.5
    assert tolerance_of(same, same, TRACKS["fast"].score) == 20
    assert tolerance_of(np.array([40.0, np.nan]), same, TRACKS["fast"].score) == 20
