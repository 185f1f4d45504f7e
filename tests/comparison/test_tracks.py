"""Tracks: protocols that nobody changes, by accident or by an option."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mnist1d.harness.interface import InputError
from mnist1d.lab import Protocol, compare
from mnist1d.lab.tracks import TRACKS, find_track

# Of the tracks of all records that are in circulation: a change of a track needs a new name.
DIGESTS = {
    "small": "cba48b5d8b449f02",
    "few-samples": "ad9429174b94fe21",
    "fast": "7c09c335d8ca9f2e",
    "shuffled": "6b65f598ceff328a",
    "shifted": "5fdcf762bda0edb2",
}
# Fields that say what is tested, and not what is trained; and those that most tracks lack.
FREE = {"baseline", "pairs", "margin", "max_parameters", "chosen_by"}


def test_the_protocols_are_those_of_all_records():
    assert {name: track.digest for name, track in TRACKS.items()} == DIGESTS


@pytest.mark.parametrize("track", TRACKS.values(), ids=list(TRACKS))
def test_a_track_names_every_value_that_determines_a_run(track):
    fields = {field.name for field in dataclasses.fields(Protocol)}
    assert fields - FREE <= set(track.settings) <= fields
    assert track.protocol.final_seeds == (0, 1, 2, 3, 4)
    assert track.score.variable.split("_")[0] in {"test", "shift", "steps"}
    with pytest.raises(TypeError):
        track.settings["seeds"] = 1


def test_tracks_differ_in_what_they_ask():
    assert TRACKS["small"].protocol.max_parameters == 5000
    assert TRACKS["few-samples"].protocol.data.n_train == 1000
    assert TRACKS["fast"].protocol.target_accuracy == 0.9
    assert {name for name, each in TRACKS.items() if each.protocol.chosen_by == "steps"} == {"fast"}
    assert TRACKS["shuffled"].protocol.data.positions != "original"
    assert len(TRACKS["shifted"].protocol.shift_names) == 4


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"track": "small", "n_steps": 10}, "n_steps must be left out with the track small, whose"),
        ({"track": "small", "n_steps": 10}, "whose value is 3000"),
        ({"track": "small", "protocol": {"seeds": 2}}, "protocol must be left out with the track"),
        ({"track": "smal"}, "no track 'smal'; did you mean 'small'?"),
        ({"track": "fast", "wrong": 1}, "wrong must be left out with the track fast"),
    ],
)
def test_nothing_is_changed_beside_a_track(arguments, expected):
    with pytest.raises(InputError, match=expected.replace("?", r"\?")):
        compare({"a": lambda x, y: None}, **arguments)  # noqa: ARG005


def test_a_track_may_be_given_itself():
    assert find_track(TRACKS["fast"]) is TRACKS["fast"]


def result(**variables):
    """Return a result of two candidates and three runs, the last of which diverged."""
    diverged = ("candidate", "seed"), [[False, False, False], [False, False, True]]
    coords = {"candidate": ["a", "b"], "seed": [0, 1, 2]}
    return xr.Dataset({**variables, "diverged": diverged}, coords)


def test_scores_are_in_the_unit_that_is_shown():
    runs = ("candidate", "seed"), [[0.5, 0.6, 0.7], [0.5, 0.6, np.nan]]
    found = TRACKS["small"].scores(result(test_accuracy=runs), "a")
    assert found.round(9).tolist() == [50, 60, 70]
    steps = ("candidate", "seed"), [[100.0, np.nan, 40.0], [20.0, 40.0, 60.0]]
    found = TRACKS["fast"].scores(result(steps_to_target=steps), "b")
    assert found[:2].tolist() == [20, 40]
    assert np.isnan(found[2])  # it diverged later


def test_the_mean_over_test_sets_needs_all_of_them():
    values = np.full((2, 3, 2), 0.5)
    values[:, :, 1] = 0.7
    values[0, 0, 1] = np.nan
    shifted = ("candidate", "seed", "test_set"), values
    found = TRACKS["shifted"].scores(result(shift_accuracy=shifted), "a")
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(60)


def test_a_candidate_with_too_many_parameters_fails_before_it_trains(oracle, quick):
    small, large = oracle(oracle.best_at(0.01)), oracle(oracle.best_at(0.01))
    large.count = lambda settings, _: 7 if settings["learning_rate"] < 0.1 else 1234
    unknown = oracle(oracle.best_at(0.01))
    unknown.count = lambda *_: None
    found = compare(
        {"small": small, "large": large, "unknown": unknown}, quick, max_parameters=1000
    )
    assert found.failures == {
        "large": "expected at most 1,000 trained parameters, got 1,234",
        "unknown": "expected at most 1,000 trained parameters, got no such number",
    }
    assert small.done
    assert not large.done
    assert not compare({"large": large}, quick).failures
