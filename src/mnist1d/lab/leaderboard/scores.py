"""The scores of a track, best first."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import xarray as xr
from rich.table import Table
from rich.text import Text

from mnist1d.lab.leaderboard.records import Record
from mnist1d.lab.statistics.tables import new_table
from mnist1d.lab.tracks import Track
from mnist1d.measures.text import mean_with_interval
from mnist1d.measures.uncertainty import Estimate, estimate, paired_difference


class Place(NamedTuple):
    """A candidate in the order of a track.

    Attributes:
        candidate: its name.
        record: that it is of.
        score: mean over its runs, in the unit of the track.
        to_first: mean of the first one's score minus its own, paired by seed, with an interval that
            is not corrected for their number; of no values for the first.
    """

    candidate: str
    record: Record
    score: Estimate
    to_first: Estimate


_NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


def places(records: Iterable[Record], track: Track) -> list[Place]:
    """Return the candidates of all records of a track, the best first.

    A candidate with fewer runs that have a score (that reach the target) comes after those with
    more.

    Args:
        records: of any track.
        track: whose candidates are wanted.

    >>> from mnist1d.lab.tracks import TRACKS
    >>> places([], TRACKS["small"])
    []
    """
    found = [
        Place(name, each, each.score(name), _NOTHING)
        for each in records
        if each.track == track
        for name in each.candidates
    ]
    found.sort(key=lambda place: _order(place.score, track))
    return [
        place._replace(
            to_first=paired_difference(found[0].score.values, place.score.values)
            if number and place.score.n
            else _NOTHING
        )
        for number, place in enumerate(found)
    ]


def score_table(result: xr.Dataset, track: Track) -> Table:
    """Make the table of the scores in a comparison by a track, to be printed by `rich`."""
    n = result.sizes["seed"]
    table = new_table(f"Track {track.name}: mean ± half the 95 % interval", "", track.score.shown)
    scores = {str(name): estimate(track.scores(result, name)) for name in result.candidate.values}
    for name in sorted(scores, key=lambda name: _order(scores[name], track)):
        table.add_row(Text(name), mean_with_interval(scores[name], n))
    return table


def _order(score: Estimate, track: Track) -> tuple[int, float]:
    mean = -score.mean if track.score.is_higher_better else score.mean
    return -score.n, mean if math.isfinite(mean) else math.inf
