"""Which candidates a comparison is planned to compare, and against which yardsticks it shows them.

Only planned pairs are tested, and only their number is corrected for: the more pairs, the larger a
difference has to be. The rows of the paper's models are yardsticks. They are the same in every
comparison, so that nothing is learned by testing them again, and are shown with intervals alone,
unless a plan names them.
"""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist1d.dataset import checks

if TYPE_CHECKING:
    import xarray as xr

MARGIN = 1.0
"""Percentage points below which a difference does not matter, unless a protocol says otherwise.

It is about the standard error that the choice of 1,000 test samples gives to the difference of two
models: 0.6 to 1.4 points between those of the README's comparison. Whoever draws other test samples
sees smaller differences change their sign.
"""

Pair = tuple[str, str]


class Plan(NamedTuple):
    """What a comparison sets out to test.

    Attributes:
        baseline: name of the candidate that all others are compared with; None for no such one.
        pairs: of names, if neither a baseline nor all pairs are wanted; empty otherwise.
        margin: difference in percentage points that is too small to matter.
    """

    baseline: str | None = None
    pairs: tuple[Pair, ...] = ()
    margin: float = MARGIN

    @classmethod
    def of(cls, result: "xr.Dataset") -> "Plan":
        """Return the plan of a result; older ones have none, which means all pairs."""
        config: Mapping[str, Any] = json.loads(result.attrs["config"])
        pairs = tuple((str(first), str(second)) for first, second in config.get("pairs", ()))
        return cls(config.get("baseline"), pairs, float(config.get("margin", MARGIN)))

    @property
    def named(self) -> frozenset[str]:
        """The candidates that the plan names."""
        baseline = () if self.baseline is None else (self.baseline,)
        return frozenset(baseline).union(*self.pairs)

    def planned(self, names: Sequence[str], own: Sequence[str]) -> list[Pair]:
        """Return the pairs that are tested.

        Args:
            names: of the candidates and of the paper's models.
            own: those of the candidates.

        >>> Plan("CNN").planned(["MLP", "CNN", "GRU (paper)"], ["MLP", "CNN"])
        [('MLP', 'CNN')]
        >>> Plan().planned(["a", "b", "c", "GRU (paper)"], ["a", "b", "c"])
        [('a', 'b'), ('a', 'c'), ('b', 'c')]
        """
        if self.pairs:
            return [pair for pair in self.pairs if set(pair) <= set(names)]
        if self.baseline is None:
            return list(itertools.combinations(own, 2))
        is_there = self.baseline in names
        return [(name, self.baseline) for name in own if is_there and name != self.baseline]

    def check(self, names: Iterable[str]) -> None:
        """Check that a plan names candidates.

        Args:
            names: of the candidates and of the paper's models.

        Raises: ValueError: naming the field, the value, and what is allowed.

        >>> Plan("rleu").check(["relu", "sine"])
        Traceback (most recent call last):
            ...
        ValueError: baseline must be the name of a candidate, not 'rleu'; did you mean 'relu'?
        """
        known = list(names)
        given = [("baseline", self.baseline)] if self.baseline is not None else []
        given += [(f"pairs[{i}]", name) for i, pair in enumerate(self.pairs) for name in pair]
        for field, name in given:
            if name not in known:
                near = checks.nearest(str(name), known) or f"there are: {', '.join(known)}"
                wanted = "the name of a candidate" if field == "baseline" else "names of candidates"
                raise ValueError(f"{field} must be {wanted}, not {checks.shown(name)}; {near}")

    def __str__(self) -> str:
        if self.pairs:
            return "; ".join(f"{first} with {second}" for first, second in self.pairs)
        return "every two candidates" if self.baseline is None else f"each with {self.baseline}"


def checked_pairs(field: str, given: Any) -> tuple[Pair, ...]:
    """Check pairs of names, and return them as tuples.

    Raises: ValueError: naming the field, the value, and what is allowed.

    >>> checked_pairs("pairs", [["a", "b"]])
    (('a', 'b'),)
    >>> checked_pairs("pairs", [["a", "a"]])
    Traceback (most recent call last):
        ...
    ValueError: pairs[0] must be two different names, not ['a', 'a']
    """
    found: list[Pair] = []
    for i, pair in enumerate(checks.sequence(field, given, "pairs of names")):
        is_pair = isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2
        if not is_pair or pair[0] == pair[1] or not all(isinstance(name, str) for name in pair):
            raise ValueError(f"{field}[{i}] must be two different names, not {checks.shown(pair)}")
        found.append((pair[0], pair[1]))
    if len({frozenset(pair) for pair in found}) < len(found):
        raise ValueError(f"{field} must be all different, not {checks.shown(given)}")
    return tuple(found)
