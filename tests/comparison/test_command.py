"""The command `mnist1d compare`."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mnist1d.cli import main
from mnist1d.harness import record
from mnist1d.lab import finished
from mnist1d.lab.comparison.compare import compare

FILE = """
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.models import Logistic

fixed = EquinoxCandidate(Logistic, search={"learning_rate": [0.1]})
CANDIDATES = {"bare": Logistic, "fixed": fixed}
PROTOCOL = Protocol(references=False, shuffled=False, n_steps=20, evaluate_every=10, tuning_seeds=1)
"""


OPTIONS = ("--seeds", "2", "--learning-rates", "0.01", "0.1", "--shifts", "noise", "shear")


@pytest.fixture
def command(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE, encoding="utf-8")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mnist1d", "compare", *arguments])
        main()

    return run


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_command_compares_stores_and_shows(command, capsys):
    command("mine.py", *OPTIONS, "--out", "out", "--data.train", "400", "--data.test", "200")
    shown = capsys.readouterr().out
    for text in ("bare", "fixed", "noise", "shear", "Holm", "Figure and result: out/mine"):
        assert text in shown
    folder = Path("out/mine")
    assert {"result.nc", "comparison.png", "comparison.pdf"} <= {p.name for p in folder.iterdir()}
    result = record.read(folder / "result.nc")
    assert (
        dict(result.sizes) | {"seed": 2, "candidate": 2, "test_set": 2, "step": 2} == result.sizes
    )
    config = json.loads(result.config)
    assert (config["seeds"], config["n_steps"], config["data"]["train"]) == (2, 20, 400)
    assert "CANDIDATES" not in result.source.values[0]
    (folder / "units" / finished.FILE).unlink(missing_ok=True)  # what a commit without changes has
    command("mine.py", *OPTIONS, "--out", "out", "--data.train", "400", "--data.test", "200")
    assert record.read(folder / "result.nc").units_found == 6


FINISHED = """
import sys
from mnist1d.cli import main
sys.argv = ["mnist1d", "compare", "mine.py", "--quiet"]
main()
print("loaded:", *{"matplotlib", "torch", "scipy.stats"} & set(sys.modules))
"""


@pytest.mark.slow
def test_a_finished_comparison_is_shown_without_what_it_was_computed_and_drawn_with(tmp_path):
    text = "import numpy as np\ndef fit(x, y):\n    return lambda s: np.zeros(len(s), int)\n"
    protocol = "dict(n_steps=100, references=False, shuffled=False, shifts=())"
    text += f"CANDIDATES = {{'a': fit, 'b': fit}}\nPROTOCOL = {protocol}\n"
    (tmp_path / "mine.py").write_text(text, "utf-8")
    said = [
        subprocess.run(
            [sys.executable, "-c", FINISHED],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        ).stdout
        for _ in range(2)
    ]
    assert "matplotlib" in said[0].splitlines()[-1]
    assert said[1].splitlines()[-1].strip() == "loaded:"
    assert "Figure and result: mnist1d-comparisons/mine" in said[1]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("", (), "mine.py must define CANDIDATES"),
        ("CANDIDATES = 3", (), "must define CANDIDATES, a mapping"),
        (
            "CANDIDATES = {}",
            ("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"),
            "--workers must be left out with --scheduler",
        ),
        ("CANDIDATES = {}", (), "candidates must not be empty"),
        (
            "CANDIDATES = {}\nPROTOCOL = 3",
            (),
            "PROTOCOL in mine.py: the protocol must be a mnist1d.lab.Protocol or a mapping",
        ),
        ("A = 1\n1 / 0", (), "mine.py cannot be run, line 2: ZeroDivisionError"),
        ("CANDIDATES = {}\nPROTOCOL = {'sedes': 3}", (), "no field 'sedes'; did you mean 'seeds'?"),
        ("CANDIDATES = {}\nPROTOCOL = {3: 3}", (), "PROTOCOL in mine.py: the protocol must be"),
        (FILE, ("--seeds", "0"), "seeds must be from 1 to 10000, not 0"),
        (FILE, ("--seeds", "1", "2"), "--seeds takes one value, not 2"),
    ],
)
def test_the_command_says_in_a_line_what_is_wrong(command, capsys, text, options, expected):
    Path("mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        command("mine.py", *options)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("mnist1d: ")
    assert expected in said
    assert len(said.splitlines()) == 1


def test_a_protocol_may_be_a_mapping(command, capsys, oracle, quick):
    Path("mine.py").write_text("CANDIDATES = {}\nPROTOCOL = dict(seeds=77)", encoding="utf-8")
    with pytest.raises(SystemExit):
        command("mine.py", "--help")
    assert "77" in capsys.readouterr().out
    found = compare(
        {"a": oracle(oracle.best_at(0.01))},
        dataclasses.asdict(quick) | {"data": quick.data},
        seeds=2,
    )
    assert found.result.sizes["seed"] == 2


def test_the_help_shows_the_fields_of_the_protocol(command, capsys):
    with pytest.raises(SystemExit) as ended:
        command("mine.py", "--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--tuning-seeds", "--learning-rates", "--budget", "--data.seed", "--out"):
        assert option in shown
