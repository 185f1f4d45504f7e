"""`mnist1d compare --track --record`: what does not go together is refused before anything runs."""

import sys
from pathlib import Path

import pytest

from mnist1d.cli import main

FILE = "CANDIDATES = {'a': lambda x, y: None}\n"
FULL = ("--track", "small", "--record", "a.nc", "--author", "A. Person")


@pytest.fixture
def refused(monkeypatch, tmp_path, capsys):
    """Run `mnist1d compare mine.py`, which is refused; returns the line that says why."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE, "utf-8")

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["mnist1d", "compare", "mine.py", *options])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return run


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--track", "smal"), "no track 'smal'; did you mean 'small'?"),
        (
            ("--track", "small", "--n-steps", "5"),
            "--n-steps must be left out with --track small, whose value is 3000",
        ),
        (
            ("--track", "few-samples", "--data.train", "5"),
            "--data.train must be left out with --track few-samples, whose value is 1000",
        ),
        (("--record", "a.nc", "--author", "A."), "--record needs --track, one of small, few-"),
        (("--track", "small", "--record", "a.nc"), "--record needs --author NAME"),
        (("--author", "A."), "--author must be left out without --record FILE"),
        ((*FULL[:3], "a.txt", *FULL[4:]), "the path of a record must end in .nc, not 'a.txt'"),
        ((*FULL[:-1], " "), "author must be a name"),
        ((*FULL[:-1], "x" * 200), "author must have at most 100 characters"),
    ],
)
def test_options_that_do_not_go_together_are_refused(refused, options, expected):
    assert expected in refused(*options)


def test_a_place_that_cannot_be_written_is_reported_before_training(refused):
    Path("taken").touch()
    assert "a file is in a folder's place" in refused(*FULL[:3], "taken/a.nc", *FULL[4:])


def test_a_file_that_cannot_be_part_of_a_record_is_refused_before_training(refused):
    Path("mine.py").write_text(f"# \x07\n{FILE}", "utf-8")
    assert "must have no control characters" in refused(*FULL)
