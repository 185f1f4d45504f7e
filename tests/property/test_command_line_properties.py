"""Any arguments and any files: a result or one clear line, never a traceback."""

import contextlib
import io
import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mnist1d import shards

pytest.importorskip("tyro", reason="tyro is not installed")
pytest.importorskip("rich", reason="rich is not installed")

from mnist1d.cli import main

FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def no_size(value):
    """Leave out sizes that are allowed and fill the memory of any machine."""
    return not 1e5 < abs(value) < 1e13


numbers = st.one_of(
    st.integers(-3, 50).map(str),
    st.sampled_from(["0", "-1", "1e3", "nan", "inf", "-inf", "1e400", "", "None", "½", "1 2"]),
    st.integers(-(10**30), 10**30).filter(no_size).map(str),
    st.floats().filter(no_size).map(str),
    st.text(max_size=6),
)
DATASET = {
    "--seed": 1,
    "--padding": 2,
    "--scale-coeff": 1,
    "--max-translation": 1,
    "--corr-noise-scale": 1,
    "--iid-noise-scale": 1,
    "--shear-scale": 1,
    "--final-seq-length": 1,
    "--classes": 2,
    "--class-proportions": 2,
    "--label-noise": 1,
    "--label-noise-kind": 1,
    "--positions": 1,
    "--positions-seed": 1,
    "--templates": 1,
    "--preset": 1,
}
OF_SHOW = {"--rows": 1, "--first": 1, "--part": 1, "--num-samples": 1, "--dpi": 1, "--format": 1}
OF_GENERATE = {"--shard-size": 1, "--format": 1}


def options(known):
    """Draw up to three options with values of any kind."""
    one = st.sampled_from(sorted(known)).flatmap(
        lambda name: st.lists(numbers, min_size=known[name], max_size=known[name]).map(
            lambda values: [name, *values]
        )
    )
    return st.lists(one, max_size=3).map(
        lambda chosen: [word for words in chosen for word in words]
    )


def outcome(command, words):
    """Run a command in this process; returns its exit code and what it said.

    What is refused is refused in one line.
    """
    errors, results, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.redirect_stderr(errors),
        contextlib.redirect_stdout(results),
        mock.patch.object(sys, "argv", ["mnist1d", command, *words]),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    lines = [line for line in errors.getvalue().splitlines() if "MNIST is left out" not in line]
    if code:
        assert len(lines) == 1, lines
        assert lines[0].startswith("mnist1d: ")
        assert len(lines[0]) < 1000
    return code, errors.getvalue() + results.getvalue()


@pytest.mark.slow
@given(words=options(DATASET | OF_GENERATE), n=st.sampled_from(["7", "20", "0", "-1", "x", "1e3"]))
@FUZZ
def test_generate_ends_with_files_or_one_line(words, n):
    with tempfile.TemporaryDirectory() as folder:
        out = ["--num-samples", n, "--out", f"{folder}/out", "--format", "csv", "--workers", "1"]
        code, said = outcome("generate", [*out, *words])
        assert code in {0, 2}, said
        assert "Traceback" not in said
        assert said
        complete = Path(folder, "out", "manifest.json")
        assert (code == 0) <= complete.exists()


@pytest.mark.slow
@given(words=options(DATASET | OF_SHOW))
@FUZZ
def test_show_ends_with_a_picture_or_one_line(words):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.png")
        small = ["--num-samples", "100", "--dpi", "20", "--out", str(path)]
        code, said = outcome("show", [*small, *words])
        assert code in {0, 2}, said
        assert "Traceback" not in said
        assert (code == 0) == path.exists(), said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--num-samples 0 --out {}/o", "num_samples must be at least 1"),
        ("--num-samples -1 --out {}/o", "num_samples must be at least 1"),
        (f"--num-samples {10**30} --out {{}}/o", "num_samples must be at most"),
        ("--num-samples 5 --shard-size 0 --out {}/o", "shard_size must be at least 1"),
        ("--num-samples 5 --workers 0 --out {}/o", "workers must be from 1"),
        ("--num-samples 5 --out {}/file", "is a file; the shards need a folder"),
        ("--num-samples 5 --out {}/file/o", "Not a directory"),
        ("--num-samples 5 --out no-such-store://o", "no-such-store"),
        ("--num-samples 5 --templates {}/none --out {}/o", "none: No such file"),
        ("--num-samples 5 --preset few --out {}/o", "which a stream does not have"),
        (f"--num-samples {10**17} --shard-size {10**14} --out {{}}/o", "has room for"),
    ],
)
def test_what_cannot_be_generated_is_a_one_line_error(words, message, tmp_path):
    (tmp_path / "file").touch()
    code, said = outcome("generate", words.replace("{}", str(tmp_path)).split())
    assert code == 2
    lines = [line for line in said.splitlines() if line.startswith("mnist1d: ")]
    assert len(lines) == 1
    assert message in lines[0]


EXPERIMENTS = ("run pooling", "run double-descent", "run self-supervised", "reproduce")
WORDS = st.one_of(
    numbers,
    st.sampled_from(["--seeds", "--seed", "--quick", "--out", "--data.classes", "--sizes", "--"]),
    st.sampled_from(["--data.templates", "--widths", "--learning-rate", "--json", "--data.seed"]),
    st.sampled_from(["--controls", "--mnist", "True", "a" * 300, "[/b]", "--x=y", "pooling", "-h"]),
)


@pytest.mark.slow
@given(command=st.sampled_from(EXPERIMENTS), words=st.lists(WORDS, max_size=6))
@FUZZ
def test_experiments_are_run_or_refused_in_one_line(command, words, monkeypatch, tmp_path):
    pytest.importorskip("jax", reason="the laboratory is not installed")
    from mnist1d.harness import grid, record
    from mnist1d.harness.interface import InputError

    def stop(*_, **__):
        raise InputError("far enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(grid.Plan, "run", stop)
    monkeypatch.setattr(record, "execute", stop)
    name, *more = command.split()
    if "-h" in words:
        words = ["-h"]
    code, said = outcome(name, [*more, *words, "--quiet"])
    assert code == (0 if "-h" in words else 2), said


ARGUMENTS = {"num_samples": 60, "shard_size": 20, "file_format": "npz", "workers": 1}


@cache
def expected():
    with tempfile.TemporaryDirectory() as folder:
        shards.generate(**ARGUMENTS, out=folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.mark.slow
@given(
    name=st.sampled_from(["manifest.json", "mnist1d-00000.npz", "mnist1d-00002.npz"]),
    how=st.sampled_from(["flip", "cut", "append", "replace"]),
    place=st.integers(0, 2**16),
    bit=st.integers(0, 7),
    more=st.binary(min_size=1, max_size=50),
)
@FUZZ
def test_damaged_sets_are_mended_to_the_same_bytes_or_the_damage_is_named(
    name, how, place, bit, more
):
    content = bytearray(expected()[name])
    if how == "flip":
        content[place % len(content)] ^= 1 << bit
    elif how == "cut":
        del content[place % len(content) :]
    elif how == "append":
        content += more
    else:
        content = bytearray(more)
    with tempfile.TemporaryDirectory() as folder:
        for other, whole in expected().items():
            Path(folder, other).write_bytes(whole)
        Path(folder, name).write_bytes(content)
        try:
            shards.generate(**ARGUMENTS, out=folder)
        except ValueError as error:
            refused = str(error)
        else:
            refused = ""
        if refused:
            assert name == "manifest.json"
            assert folder in refused
            return
        result = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        manifest = json.loads(result.pop("manifest.json"))
        whole = dict(expected())
        assert manifest == json.loads(whole.pop("manifest.json"))
        assert result == whole
