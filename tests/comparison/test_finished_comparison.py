"""A comparison that is finished is shown again without its file, and only if nothing changed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mnist1d.cli import compare as command, main
from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness import record
from mnist1d.lab import finished
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.result import Comparison

MINE = """
import numpy as np

from guesses import WORD, one

def zero(x, y):
    return lambda signals: np.zeros(len(signals), int)

CANDIDATES = {"zero": zero, "one": one}
PROTOCOL = dict(n_steps=100, references=False, shuffled=False, shifts=(), seeds=2)
"""
GUESSES = """
import numpy as np

WORD = "one"

def one(x, y):
    return lambda signals: np.ones(len(signals), int)
"""
WORDS = ("mine.py", "--data.train", "400", "--data.test", "200")
FOLDER = Path("mnist1d-comparisons", "mine")
MARK = FOLDER / "units" / finished.FILE
COMMIT = "a" * 40
DRAW = Comparison.save_figure


def write_files(folder, mine=MINE):
    folder.joinpath("mine.py").write_text(mine, "utf-8")
    folder.joinpath("guesses.py").write_text(GUESSES, "utf-8")


def run_in(monkeypatch, folder, *words):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(finished, "commit_of_code", lambda: COMMIT)
    monkeypatch.setattr(sys, "argv", ["mnist1d", "compare", *words])
    # Another test's file of the same name is another module.
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "guesses", raising=False)
    main()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with a comparison that is finished."""
    folder = tmp_path_factory.mktemp("made")
    write_files(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Comparison, "save_figure", lambda *_: None)
        run_in(patch, folder, *WORDS, "--quiet")
    assert (folder / MARK).is_file()
    return folder


@pytest.fixture
def place(made, monkeypatch, tmp_path):
    """Return a copy of that folder, as the current one; nothing is drawn in it."""
    monkeypatch.setattr(Comparison, "save_figure", lambda *_: None)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch):
    """Return a function that calls the command, and returns whether it has run the file."""
    read, calls = command._read, []

    def counted(file):
        calls.append(file)
        return read(file)

    def call(*words):
        calls.clear()
        run_in(monkeypatch, Path.cwd(), *words)
        return bool(calls)

    monkeypatch.setattr(command, "_read", counted)
    return call


class RunsError(Exception):
    """The file is run."""


@pytest.fixture
def is_found(monkeypatch):
    """Return a function that says whether the command finds its result finished."""

    def refuse(_):
        raise RunsError

    def call(*words):
        monkeypatch.setattr(command, "_read", refuse)
        try:
            run_in(monkeypatch, Path.cwd(), *words, "--quiet")
        except RunsError:
            return False
        return True

    return call


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def without_time(shown):
    return [
        line for line in shown.splitlines() if not line.endswith(f"Figure and result: {FOLDER}")
    ]


def test_the_same_command_shows_the_same_and_writes_nothing(place, run, capsys):
    MARK.unlink()
    assert run(*WORDS)
    first, before = capsys.readouterr(), times(place)
    assert not run(*WORDS)
    second = capsys.readouterr()
    assert without_time(second.out) == without_time(first.out)
    assert second.err == first.err
    assert "zero, final: " in second.err
    assert times(place) == before


def test_documents_and_tables_are_of_one_comparison(place, run, capsys):
    capsys.readouterr()
    assert not run(*WORDS, "--json")
    found = json.loads(capsys.readouterr().out)
    (place / MARK).unlink()
    assert run(*WORDS, "--json", "--quiet")
    computed = json.loads(capsys.readouterr().out)
    for document in (found, computed):  # the times of a call
        del document["comparison"]["seconds"], document["comparison"]["finished"]
    assert found == computed
    assert found["command"] == "compare"
    assert [each["name"] for each in found["comparison"]["candidates"]] == ["zero", "one"]


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def a_run(place):
    return min((place / FOLDER / "units").glob("*.npz"))


CHANGES = {
    "the file": lambda place, _: edit(place / "mine.py", "np.zeros", "2 + np.zeros"),
    "a comment": lambda place, _: edit(place / "mine.py", "CANDIDATES", "# New.\nCANDIDATES"),
    "its protocol": lambda place, _: edit(place / "mine.py", "seeds=2", "seeds=3"),
    "a module that it imports": lambda place, _: edit(
        place / "guesses.py", "np.ones", "3 * np.ones"
    ),
    "a file in the place of Python's": lambda place, _: (place / "fractions.py").touch(),
    "a module is gone": lambda place, _: (place / "guesses.py").unlink(),
    "a package": lambda _, patch: patch.setattr(finished, "_version", lambda name: f"{name} 2"),
    "the commit": lambda _, patch: patch.setattr(sys.modules[__name__], "COMMIT", "b" * 40),
    "changed code": lambda _, patch: patch.setattr(
        sys.modules[__name__], "COMMIT", "a" * 40 + "-dirty"
    ),
    "a setting": lambda _, patch: patch.setattr(finished, "changed_settings", lambda: {"jax": "1"}),
    "the environment": lambda _, patch: patch.setenv("JAX_SOMETHING", "1"),
    "the processor": lambda _, patch: patch.setattr(finished, "processor_name", lambda: "another"),
    "Python": lambda _, patch: patch.setattr(sys, "version", "4.0"),
    "a damaged result": lambda place, _: damage(place / FOLDER / "result.nc"),
    "no result": lambda place, _: (place / FOLDER / "result.nc").unlink(),
    "a damaged run": lambda place, _: damage(a_run(place)),
    "a missing run": lambda place, _: a_run(place).unlink(),
    "an empty run": lambda place, _: a_run(place).write_bytes(b""),
    "no mark": lambda place, _: (place / MARK).unlink(),
    "an empty mark": lambda place, _: (place / MARK).write_bytes(b""),
    "a mark of text": lambda place, _: (place / MARK).write_bytes(b"finished"),
    "a mark of a list": lambda place, _: (place / MARK).write_text("[1]"),
    "a mark without content": lambda place, _: (place / MARK).write_text("{}"),
    "a mark with nothing": lambda place, _: (place / MARK).write_text(
        '{"about": null, "lines": []}'
    ),
    "a mark without end": lambda place, _: edit(
        place / MARK, '"lines": [', '"lines": [["a", 1e999],'
    ),
    "a mark of depth": lambda place, _: (place / MARK).write_text("[" * 10**5),
    "a cut mark": lambda place, _: (place / MARK).write_bytes((place / MARK).read_bytes()[:-9]),
}


MANY = ("an empty", "a mark of", "a mark with")
"""Beginnings of what is one of many of its kind."""


@pytest.mark.parametrize(
    "what",
    [pytest.param(w, marks=pytest.mark.slow) if w.startswith(MANY) else w for w in CHANGES],
)
def test_a_change_has_the_file_run_again(what, place, monkeypatch, is_found):
    assert is_found(*WORDS)
    CHANGES[what](place, monkeypatch)
    assert not is_found(*WORDS)


OTHER_WORDS = {
    "another number of seeds": (*WORDS, "--seeds", "3"),
    "other data": ("mine.py", "--data.train", "400", "--data.test", "200", "--data.seed", "7"),
    "fewer words": WORDS[:3],
    "another order": ("mine.py", *WORDS[3:], *WORDS[1:3]),
    "a track": (*WORDS, "--track", "small"),
    "another folder": (*WORDS, "--out", "elsewhere"),
    "a budget of time": (*WORDS, "--budget-seconds", "100"),
    "a record": (*WORDS, "--record", "mine.nc"),
    "its help": (*WORDS, "--help"),
    "shown otherwise": (*WORDS, "--no-quiet"),
}


@pytest.mark.parametrize("what", OTHER_WORDS)
def test_other_words_have_the_file_run(what, place, is_found):
    assert not is_found(*OTHER_WORDS[what])
    assert is_found(*WORDS)
    assert place.is_dir()


@pytest.mark.slow
def test_a_changed_candidate_has_a_new_result(place, run):
    before = record.read(place / FOLDER / "result.nc").test_prediction
    edit(place / "mine.py", "np.zeros(len(signals), int)", "4 + np.zeros(len(signals), int)")
    assert run(*WORDS, "--quiet")
    after = record.read(place / FOLDER / "result.nc").test_prediction
    assert (before.sel(candidate="zero") == 0).all()
    assert (after.sel(candidate="zero") == 4).all()
    assert not run(*WORDS, "--quiet")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["a damaged run", "a missing run", "a damaged result"])
def test_what_is_damaged_is_computed_again_and_then_found(what, place, monkeypatch, run, capsys):
    before = record.read(place / FOLDER / "result.nc")
    CHANGES[what](place, monkeypatch)
    capsys.readouterr()
    assert run(*WORDS)
    assert ("is damaged" in capsys.readouterr().err) == (what == "a damaged run")
    after = record.read(place / FOLDER / "result.nc")
    assert after.test_prediction.equals(before.test_prediction)
    assert not run(*WORDS)


@pytest.mark.slow
def test_a_missing_figure_is_drawn(place, run, monkeypatch):
    monkeypatch.setattr(Comparison, "save_figure", DRAW)
    assert not run(*WORDS, "--quiet")
    figure, drawn = place / FOLDER / "comparison.png", times(place)
    content = figure.read_bytes()
    assert not run(*WORDS, "--quiet")
    assert times(place) == drawn
    figure.unlink()
    assert not run(*WORDS, "--quiet")
    assert figure.read_bytes() == content


def test_a_result_of_python_is_none_of_the_command(place, is_found):
    def two(x, y):  # noqa: ARG001
        return lambda signals: [2] * len(signals)

    few = DatasetConfig(train=400, test=200)
    compare(
        {"two": two},
        {"references": False, "shuffled": False, "shifts": (), "seeds": 2},
        n_steps=100,
        data=few,
        folder=place / FOLDER,
    )
    assert not is_found(*WORDS)


@pytest.mark.slow
def test_a_candidate_that_fails_is_tried_every_time(tmp_path, monkeypatch, run, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Comparison, "save_figure", lambda *_: None)
    failing = "def zero(x, y):\n    raise ValueError('no')\n"
    write_files(tmp_path, MINE.replace("def zero(x, y):", failing + "def unused(x, y):"))
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            run(*WORDS, "--quiet")
        assert ended.value.code == 3
        assert "1 of 2 candidates failed: zero: " in capsys.readouterr().err
        assert not MARK.exists()


@pytest.mark.slow
def test_a_stopped_comparison_is_continued(tmp_path, monkeypatch, run, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Comparison, "save_figure", lambda *_: None)
    write_files(tmp_path)
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            run(*WORDS, "--quiet", "--budget-seconds", "1e-9")
        assert ended.value.code == 4
        assert "stopped after its budget of 1e-09 s" in capsys.readouterr().err
        assert not MARK.exists()
        if a_run(tmp_path):
            break
    assert run(*WORDS, "--quiet")
    assert not run(*WORDS, "--quiet")


READING = {
    "the environment": "import os\nWIDTH = os.environ.get('WIDTH')\n",
    "a file": "with open('guesses.py') as file:\n    WIDTH = file.read()\n",
    "a random number": "WIDTH = float(np.random.rand())\n",
    "a line": "print('This file has begun.')\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", READING)
def test_a_file_that_may_give_something_else_is_run(what, tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Comparison, "save_figure", lambda *_: None)
    write_files(tmp_path, MINE.replace("def zero", f"{READING[what]}\ndef zero"))
    for _ in range(2):
        assert run(*WORDS, "--quiet")
        assert not MARK.exists()


@pytest.mark.slow
def test_a_candidate_of_unknown_content_is_run_again(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Comparison, "save_figure", lambda *_: None)
    write_files(tmp_path, MINE.replace("zero(x, y)", "zero(x, y, rows=(i for i in (1, 2)))"))
    for _ in range(2):
        assert run(*WORDS, "--quiet")
        assert not MARK.exists()


PROGRAM = """
import sys
from mnist1d.cli import main
from mnist1d.lab import finished

finished.commit_of_code = lambda: "a" * 40
sys.argv = ["mnist1d", "compare", *sys.argv[1:], "--quiet"]
main()
print("loaded:", *sorted(sys.modules))
"""


@pytest.mark.slow
def test_a_finished_comparison_is_shown_without_what_it_was_computed_with(tmp_path):
    write_files(tmp_path)
    loaded = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *WORDS],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        *_, line, last = done.stdout.splitlines()
        assert line.endswith(f"Figure and result: {FOLDER}")
        loaded.append(set(last.split()[1:]))
    computing = {"jax", "equinox", "optax", "matplotlib", "guesses"}
    assert computing <= loaded[0]
    assert not loaded[1] & {*computing, "torch", "sklearn", "scipy.stats"}
