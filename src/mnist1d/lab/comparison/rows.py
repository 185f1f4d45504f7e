"""The rows of a comparison: the candidates, checked, and the models of the paper."""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from mnist1d.dataset import checks
from mnist1d.experiments.classification.method import MODELS
from mnist1d.harness.interface import InputError
from mnist1d.lab.candidates.coerce import as_candidate
from mnist1d.lab.candidates.contract import Candidate
from mnist1d.lab.candidates.equinox import PAPER_RATE, EquinoxCandidate
from mnist1d.lab.candidates.search_space import LEARNING_RATE
from mnist1d.lab.comparison.entries import Entry
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.search import choose_tries, count_combinations
from mnist1d.lab.statistics.yardsticks import TUNED


def references(protocol: Protocol) -> dict[str, Candidate]:
    """Return the models of the paper, fitted to the protocol's data.

    They have the published recipe, or with `references="tuned"` the protocol's learning rates.

    >>> list(references(Protocol()))
    ['Logistic (paper)', 'MLP (paper)', 'CNN (paper)', 'GRU (paper)']
    """
    data, is_tuned = protocol.data, protocol.references == TUNED
    return {
        f"{name} (paper)": EquinoxCandidate(
            partial(make, data.final_seq_length, n_classes=data.n_classes),
            search=None if is_tuned else {"learning_rate": (PAPER_RATE,)},
        )
        for name, make in MODELS.items()
    }


def rows_of(candidates: Mapping[str, Any], protocol: Protocol) -> list[Entry]:
    """Make the rows of a comparison, with the paper's models last; candidates are not called.

    Args:
        candidates: by name.
        protocol: the protocol.

    Raises: InputError: if there is no candidate, one is none, or a name, a search space or the plan
        is not allowed.
    """
    if not isinstance(candidates, Mapping):
        raise InputError(f"candidates must be a mapping by name, not {checks.typed(candidates)}")
    if not candidates:
        raise InputError("candidates must not be empty: there is nothing to compare")
    paper = references(protocol) if protocol.references else {}
    entries = []
    for name, given in candidates.items():
        if not isinstance(name, str) or not name.strip() or not _is_line(name):
            raise InputError(
                "candidates must have names of one line of printable text, not "
                f"{checks.shown(name)}"
            )
        if name in paper:
            raise InputError(
                f"candidates must have other names than the paper's models, not {name!r}; or leave "
                "those out with references=False"
            )
        try:
            entries.append(_entry(name, as_candidate(name, given), protocol))
        except (TypeError, ValueError) as error:
            raise InputError(f"candidate {name}: {error}") from error
    for name, candidate in paper.items():
        entries.append(_entry(name, candidate, protocol))
        entries[-1].is_reference = True
    try:
        protocol.plan.check(entry.name for entry in entries)
    except ValueError as error:
        raise InputError(str(error)) from error
    return entries


def _is_line(name: str) -> bool:
    """Return whether a text has no control characters, surrogates or line breaks."""
    return not {unicodedata.category(each) for each in name} & {"Cc", "Cs", "Zl", "Zp"}


def _entry(name: str, candidate: Candidate, protocol: Protocol) -> Entry:
    space = candidate.search
    if space is None:
        space = {"learning_rate": protocol.learning_rates}
    for setting, values in space.items():
        wanted = "one or more values to try"
        if not len(checks.sequence(f"search[{setting!r}]", values, wanted)):
            raise ValueError(f"search[{setting!r}] must have {wanted}, and is empty")
    _check_rates(candidate, space)
    n = count_combinations(space)
    tries = choose_tries(space, protocol.n_tries, seed=protocol.search_seed)
    entry = Entry(name, candidate, space, tries)
    if n > len(tries):
        entry.remarks.append(
            f"{len(tries)} of {n:,} settings tried, the common budget, drawn with seed "
            f"{protocol.search_seed}"
        )
    rate = getattr(candidate, "untuned_rate", "")
    if rate and LEARNING_RATE not in space:
        entry.remarks.append(f"learning_rate not tuned: it is {rate}")
    return entry


def _check_rates(candidate: Candidate, space: Mapping[str, Sequence[Any]]) -> None:
    # Estimators may have another setting of this name, with values such as "adaptive".
    if LEARNING_RATE not in space or candidate.framework == "scikit-learn":
        return
    name = f"search[{LEARNING_RATE!r}]"
    rates = [checks.positive(f"{name}[{i}]", rate) for i, rate in enumerate(space[LEARNING_RATE])]
    if len(set(rates)) < len(rates):
        raise ValueError(
            f"{name} must be numbers above 0, all different, not {checks.shown(rates)}"
        )
