"""The tracks of the leaderboards: questions, each with a protocol that nobody changes.

A record of one person can be compared with that of another if both kept to one protocol. A track is
such a protocol, with a name and a score. Its values stand here one by one, so that a new default of
`Protocol` changes none of them, and its digest is stored in every record.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness.interface import InputError
from mnist1d.harness.settings import SHIFTS, as_json, values_by_name

if TYPE_CHECKING:
    import xarray as xr

    from mnist1d.lab.comparison.protocol import Protocol


class Score(NamedTuple):
    """What candidates are ordered by: the mean of a measure over all runs.

    Attributes:
        variable: of a comparison's result, per candidate and seed; averaged over other dimensions.
        shown: its name and unit, as a heading.
        scale: of the values that are shown to those of the variable.
        is_higher_better: whether a higher one is better.
        step: a difference of means, in the unit that is shown, that rounding may cause where all
            runs of a candidate agree.
    """

    variable: str
    shown: str
    scale: float = 100.0
    is_higher_better: bool = True
    step: float = 0.5


@dataclass(frozen=True)
class Track:
    """A question of the leaderboards, with the protocol by which it is answered.

    Attributes:
        name: as it is given to `compare` and `mnist1d compare --track`.
        question: in a sentence.
        settings: fields of `Protocol`, all that determine a run among them.
        score: what candidates are ordered by.

    >>> TRACKS["small"].protocol.max_parameters
    5000
    >>> TRACKS["small"].digest == TRACKS["fast"].digest
    False
    """

    name: str
    question: str
    settings: Mapping[str, Any]
    score: Score

    @property
    def protocol(self) -> "Protocol":
        """The protocol."""
        protocol: Protocol = import_module("mnist1d.lab.comparison.protocol").Protocol(
            **self.settings
        )
        return protocol

    @property
    def digest(self) -> str:
        """A digest of the protocol and of what is its score: 16 hexadecimal digits."""
        values = {**self.settings, "data": self.settings["data"].differences()}
        values["shifts"] = {name: SHIFTS[name] for name in self.settings["shifts"]}
        values |= {"score": self.score.variable, "higher": self.score.is_higher_better}
        text = as_json(dict(sorted(values.items())))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def scores(self, result: "xr.Dataset", candidate: str) -> np.ndarray:
        """Return a candidate's score in every run, shape (seeds,).

        Args:
            result: of a comparison by this track.
            candidate: its name.

        Returns: in the unit that is shown; NaN for runs that diverged or have no such number.
        """
        values = result[self.score.variable].sel(candidate=candidate)
        others = [dim for dim in values.dims if dim != "seed"]
        scores = self.score.scale * values.mean(others, skipna=False)
        # A run may diverge after it has reached the target.
        return np.asarray(scores.where(~result.diverged.sel(candidate=candidate).astype(bool)))

    def refuse(
        self, names: Iterable[str], written: Callable[[str], str] = str, track: str = "a track"
    ) -> None:
        """Refuse settings beside the track.

        Args:
            names: fields of the protocol that were given; those inside `data` have a dot.
            written: how a name is written.
            track: how the track is written.

        Raises: InputError: naming the first of them, and the track's value of it.
        """
        values = values_by_name(self.protocol)
        for name in names:
            value = f", whose value is {values[name]}" if name in values else ""
            raise InputError(f"{written(name)} must be left out with {track}{value}")


_COMMON: Mapping[str, Any] = {
    "data": DatasetConfig(),
    "validation_samples": 1000,
    "validation_seed": 1,
    "seeds": 5,
    "tuning_seeds": 2,
    "learning_rates": (0.001, 0.003, 0.01, 0.03, 0.1),
    "budget": 5,
    "search_seed": 0,
    "n_steps": 3000,
    "batch_size": 100,
    "evaluate_every": 100,
    "target_accuracy": 0.9,
    "vary_data": False,
    "train_sizes": (),
    "shuffled": False,
    "shifts": (),
    "references": False,
}
_ACCURACY = Score("test_accuracy", "test accuracy (%)")


def _track(name: str, question: str, score: Score = _ACCURACY, **settings: Any) -> Track:
    return Track(name, question, MappingProxyType({**_COMMON, **settings}), score)


class Tracks(Mapping[str, Track]):
    """The tracks by name, in the order of the leaderboards.

    >>> list(TRACKS)
    ['small', 'few-samples', 'fast', 'shuffled', 'shifted']
    >>> TRACKS["small"].question
    'Which model with at most 5,000 trained parameters is the most accurate?'
    """

    def __init__(self, *tracks: Track) -> None:
        self._tracks = {each.name: each for each in tracks}

    def __getitem__(self, name: str) -> Track:
        return self._tracks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tracks)

    def __len__(self) -> int:
        return len(self._tracks)


TRACKS = Tracks(
    _track(
        "small",
        "Which model with at most 5,000 trained parameters is the most accurate?",
        max_parameters=5000,
    ),
    _track(
        "few-samples",
        "Which learns most from 1,000 training samples, new ones for every seed?",
        data=DatasetConfig(train=1000, test=1000),
        vary_data=True,
    ),
    _track(
        "fast",
        "Which needs the fewest steps to 90 % validation accuracy?",
        Score("steps_to_target", "steps to 90 % validation accuracy", 1.0, False, 20.0),
        chosen_by="steps",
        n_steps=2000,
        evaluate_every=20,
    ),
    _track(
        "shuffled",
        "Which is the most accurate where the order of the points says nothing?",
        data=DatasetConfig(positions="shuffled_classification"),
    ),
    _track(
        "shifted",
        "Which is the most accurate on the mean of four test sets unlike its training set?",
        Score("shift_accuracy", "mean accuracy on shifted test sets (%)"),
        shifts=("noise", "shear", "scale", "translation"),
    ),
)
"""The tracks by name."""


def find_track(name: Any) -> Track:
    """Return the track of a name.

    Raises: InputError: if there is none; the nearest name is in the message.

    >>> find_track("small").question
    'Which model with at most 5,000 trained parameters is the most accurate?'
    """
    if isinstance(name, Track):
        return name
    if not isinstance(name, str) or name not in TRACKS:
        raise InputError(checks.unknown("track", str(name), [*TRACKS]))
    return TRACKS[name]
