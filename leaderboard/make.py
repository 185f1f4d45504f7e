"""Make the records that the leaderboards lack: `python leaderboard/make.py`.

The candidates are the models of the paper (`paper.py`, `small.py`) and examples of this repository.
A record that is there and of its track as it is now is left alone; a run that was interrupted
continues. With `--verify` all records are run again in place of that, each in a process of its own.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from mnist1d.execution.commit import CHANGED, commit_of_code
from mnist1d.harness.interface import InputError
from mnist1d.lab import TRACKS, read_record

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "leaderboard" / "records"
AUTHOR = "the contributors of mnist1d"
SMALL, PAPER = "leaderboard/small.py", "leaderboard/paper.py"
PLAN = {
    "small": (SMALL,),
    "few-samples": (PAPER, "examples/augmentation.py", "examples/sklearn_baseline.py"),
    "fast": (PAPER, "examples/optimizers.py"),
    "shuffled": (PAPER, "examples/sklearn_baseline.py"),
    "shifted": (PAPER, "examples/augmentation.py", "examples/pytorch_model.py"),
}
"""The files with candidates of every track."""


def place_of(track: str, file: str) -> Path:
    """Return where the record of a file is."""
    return RECORDS / track / f"{Path(file).stem}.nc"


def lacks(track: str, file: str) -> bool:
    """Return whether there is no record of a file, or one that is damaged or of another track."""
    try:
        return read_record(place_of(track, file)).track != TRACKS[track]
    except (FileNotFoundError, InputError):
        return True


def call(*words: str) -> int:
    """Run `mnist1d`; return its exit code."""
    command = [sys.executable, "-m", "mnist1d", *words]
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603


def make() -> int:
    """Make what is missing; return the exit code of the first command that failed, or 0."""
    if commit_of_code().endswith(CHANGED):
        raise SystemExit("commit first: a record names the code that it was made by")
    for track, files in PLAN.items():
        for file in filter(lambda file, track=track: lacks(track, file), files):
            options = ("--track", track, "--record", str(place_of(track, file)))
            options += ("--author", AUTHOR, "--out", "build/leaderboard")
            if code := call("compare", file, *options):
                return code
    return 0


def verify() -> int:
    """Verify all records; return the highest exit code."""
    options = ("--trust", "--out", "build/verifications")
    codes = [call("verify", str(path), *options) for path in sorted(RECORDS.glob("*/*.nc"))]
    return max(codes, default=0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verify", action="store_true", help="run all records again")
    sys.exit(verify() if parser.parse_args().verify else make())
