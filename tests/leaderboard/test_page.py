"""The page of leaderboards: its tables, and the records and candidates of this repository."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

import mnist1d
from mnist1d.execution.commit import CHANGED
from mnist1d.harness import record
from mnist1d.harness.interface import InputError
from mnist1d.lab import TRACKS, read_record
from mnist1d.lab.leaderboard.page import board, read_records
from mnist1d.lab.leaderboard.records import digest_of

ROOT = Path(mnist1d.__file__).parents[2]
here = pytest.mark.skipif(
    not (ROOT / "leaderboard").is_dir(), reason="the records are not in the package's folder"
)


def test_a_board_has_the_protocol_and_the_candidates_with_their_record(place):
    records = {"shuffled/mine.nc": read_record(place)}
    rules, _, table = board(TRACKS["shuffled"], records, link="records/").partition("\n\n")
    assert "- Final: 5 other seeds" in rules
    assert "- Score: test accuracy (%), mean over the runs." in rules
    lines = table.splitlines()
    assert len(lines) == 4
    first, second = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:])
    assert (first[:2], second[:2]) == (["1", "means"], ["2", "guess"])
    assert (first[3], second[3][0] in "123") == ("", True)  # how far the first is ahead
    assert "](records/shuffled/mine.nc)" in first[6]
    assert board(TRACKS["small"], records).endswith("\n\nNo record yet.")


def test_names_are_shown_and_not_read_as_markdown(place):
    result = record.read(place).assign_coords(candidate=["a|b](x)", "guess"])
    result.attrs["author"] = "<b>A*"
    result.attrs["record_digest"] = digest_of(result)
    record.write(result, place)
    text = board(TRACKS["shuffled"], {"mine.nc": read_record(place)})
    assert "| a\\|b\\](x) |" in text
    assert "\\<b\\>A\\*" in text


def test_runs_that_do_not_reach_the_target_come_last(place):
    found = read_record(place)
    track = TRACKS["shuffled"]
    reached = found.result.test_accuracy.copy()
    reached[0, 3:] = np.nan
    partial = type(found)(track, "B.", found.result.assign(test_accuracy=reached), found.files)
    rows = board(track, {"partial.nc": partial}).splitlines()[-2:]
    assert "| guess |" in rows[0]
    assert "n = 3" in rows[1]


def test_a_folder_without_records_has_none_and_a_bad_one_is_named(place):
    assert read_records(place.parent / "none") == {}
    assert list(read_records(place.parent)) == ["mine.nc"]
    place.write_bytes(b"")
    with pytest.raises(InputError, match=r"mine\.nc is damaged"):
        read_records(place.parent)


@pytest.mark.slow
@here
def test_the_records_of_this_repository_are_of_committed_code_and_where_they_belong():
    for path, each in read_records(ROOT / "leaderboard" / "records").items():
        assert path.partition("/")[0] == each.track.name
        assert not each.result.attrs["commit"].endswith(CHANGED), path
        assert json.loads(each.result.attrs["versions"])["mnist1d"]


@here
def test_every_track_has_candidates_of_the_paper_and_the_files_are_there():
    plan = runpy.run_path(str(ROOT / "leaderboard" / "make.py"))["PLAN"]
    assert set(plan) == set(TRACKS)
    for files in plan.values():
        assert files[0].startswith("leaderboard/")
        for file in files:
            assert "\nCANDIDATES = {" in (ROOT / file).read_text("utf-8")
