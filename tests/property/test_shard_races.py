"""Several processes that start one set in one empty folder at once: all end well."""

import subprocess
import sys

import pytest

from mnist1d import shards

PROGRAM = """
import sys
from mnist1d.shards import generate
print(flush=True)
sys.stdin.readline()
generate(
    num_samples=4000, shard_size=int(sys.argv[2]), out=sys.argv[1], file_format=sys.argv[3],
    workers=1, seed=int(sys.argv[4]),
)
"""


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def race(folder, seeds, shard_size=100, file_format="npy"):
    """Let a process for every seed begin in the same moment; return what each says in the end."""
    arguments = [str(folder), str(shard_size), file_format]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments, str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in seeds
    ]
    for run in runs:
        run.stdout.readline()
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()
    said = [run.communicate(timeout=120)[1].strip().splitlines()[-1:] for run in runs]
    return [(run.returncode, *lines) for run, lines in zip(runs, said, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(("shard_size", "file_format"), [(100, "npy"), (1000, "csv")])
def test_six_that_begin_one_set_at_once_all_end_well(tmp_path, shard_size, file_format, cases):
    shards.generate(
        num_samples=4000,
        shard_size=shard_size,
        out=str(tmp_path / "one"),
        file_format=file_format,
        workers=1,
        seed=1,
    )
    expected = contents(tmp_path / "one")
    for number, _ in enumerate(cases(2)):
        folder = tmp_path / f"six {number}"
        assert race(folder, [1] * 6, shard_size, file_format) == [(0,)] * 6
        assert contents(folder) == expected


@pytest.mark.slow
def test_of_two_sets_that_begin_at_once_one_is_made_and_the_other_refused(tmp_path, cases):
    for number, _ in enumerate(cases(2)):
        folder = tmp_path / str(number)
        ends = race(folder, [1, 2, 1, 2, 1, 2])
        refused = {seed for seed, (code, *_) in zip([1, 2] * 3, ends, strict=True) if code}
        assert len(refused) == 1
        for seed, (code, *lines) in zip([1, 2] * 3, ends, strict=True):
            assert (code != 0) == (seed in refused)
            assert not lines or lines[0].startswith("ValueError: ")
        assert shards.manifest_of(str(folder)).complete
        (made,) = {1, 2} - refused
        shards.generate(
            num_samples=4000, shard_size=100, out=str(folder), file_format="npy", seed=made
        )
