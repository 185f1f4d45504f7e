"""A leaderboard as a part of a document in Markdown."""

import json
import math
from collections.abc import Mapping, Sequence

from mnist1d.dataset import checks
from mnist1d.lab.leaderboard.records import Record, read_record
from mnist1d.lab.leaderboard.scores import Place, places
from mnist1d.lab.tracks import Track
from mnist1d.measures.text import mean_with_interval

NONE_YET = "No record yet."
_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\|`*_<>[]"})


def read_records(folder: checks.StrPath) -> dict[str, Record]:
    """Read all records below a folder, by path from it.

    Raises: InputError: if one of them cannot be used; see `read_record`.

    >>> read_records("no/such/folder")
    {}
    """
    root = checks.path("folder", folder)
    return {
        path.relative_to(root).as_posix(): read_record(path) for path in sorted(root.rglob("*.nc"))
    }


def board(track: Track, records: Mapping[str, Record], link: str = "") -> str:
    """Write a track: what every candidate goes through, and the candidates, best first.

    Args:
        track: the track.
        records: by path, of any track.
        link: what comes before a path to make it a link.

    >>> from mnist1d.lab.tracks import TRACKS
    >>> board(TRACKS["small"], {}).splitlines()[-1]
    'No record yet.'
    """
    protocol = track.protocol
    rules = protocol.lines()[:-1]  # without what is tested, as nothing is
    rates = ", ".join(f"{rate:g}" for rate in protocol.learning_rates)
    rules.append(f"Learning rates, of candidates without a search space: {rates}.")
    if protocol.max_parameters is not None:
        rules.append(f"At most {protocol.max_parameters:,} trained parameters, with every setting.")
    rules.append(f"Score: {track.score.shown}, mean over the runs.")
    lines = [f"- {rule}" for rule in rules]
    found = places(records.values(), track)
    paths = {id(record): path for path, record in records.items()}
    if not found:
        return "\n".join([*lines, "", NONE_YET])
    n = protocol.seeds
    heads = ["", "candidate", track.score.shown, "to the first", "parameters", "settings", "by"]
    rows = [heads, ["---"] * len(heads)]
    rows += [
        _row(number, place, n, f"{link}{paths[id(place.record)]}")
        for number, place in enumerate(found, 1)
    ]
    return "\n".join([*lines, "", *map(_line, rows)])


def _row(number: int, place: Place, n: int, link: str) -> list[str]:
    each = place.record.result.sel(candidate=place.candidate)
    n_parameters = float(each.n_parameters)
    settings = json.loads(str(each.settings.item()))
    made = f"{_plain(place.record.author)}, [{place.record.finished[:10]}]({link})"
    return [
        str(number),
        _plain(place.candidate),
        mean_with_interval(place.score, n) if place.score.n else "in no run",
        mean_with_interval(place.to_first, n) if place.to_first.n else "",
        f"{n_parameters:,.0f}" if math.isfinite(n_parameters) else "",
        ", ".join(f"{_plain(name)} {_plain(str(value))}" for name, value in settings.items()),
        made,
    ]


def _plain(text: str) -> str:
    """Return a text that Markdown shows as it is, on a line."""
    return " ".join(text.translate(_SPECIAL).split())


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("| --- ", "|---")
