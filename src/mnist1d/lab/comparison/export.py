"""The results of a comparison for other programs: JSON, pandas, LaTeX."""

import math
from typing import Any

import xarray as xr

from mnist1d.harness.documents import describe, finite, parsed
from mnist1d.harness.stored.commits import commits_of
from mnist1d.lab.statistics.differences import Difference, Statistics
from mnist1d.lab.statistics.stored import estimate_in
from mnist1d.lab.statistics.yardsticks import notes_of

_ESTIMATES = ("test_accuracy", "train_accuracy", "shuffled_accuracy", "steps_to_target")
_BY_CASE = {"shift_accuracy": "test_set", "size_accuracy": "train_size"}
_TIMES = {"seconds_per_run": "seconds", "cpu_seconds_per_run": "cpu_seconds"}


def document(result: xr.Dataset, statistics: Statistics) -> dict[str, Any]:
    """Return what a comparison found, by names, but for its curves and predictions.

    Args:
        result: the labelled result, with its statistics.
        statistics: the differences between its candidates.
    """
    notes = notes_of(result)
    names = [str(name) for name in result.candidate.values]
    return {
        "config": parsed(result.attrs.get("config")),
        "protocol": str(result.attrs.get("protocol", "")).splitlines(),
        "seconds": finite(result.attrs.get("seconds")),
        "finished": result.attrs.get("finished"),
        "device": result.attrs.get("device"),
        "processor": result.attrs.get("processor"),
        "versions": parsed(result.attrs.get("versions")),
        "commits": list(commits_of(result)),
        "candidates": [_candidate(result.sel(candidate=name), notes.get(name)) for name in names],
        "differences": [_planned(each) for each in statistics.differences],
        "yardsticks": [_pair(each) for each in statistics.yardsticks],
    }


def _candidate(each: xr.Dataset, note: str | None) -> dict[str, Any]:
    n_parameters = finite(each.n_parameters.item())
    about: dict[str, Any] = {
        "name": str(each.candidate.item()),
        "is_reference": bool(each.is_reference),
        "note": note,
        "framework": str(each.framework.item()),
        "failure": str(each.failure.item()) or None,
        "n_diverged": int(each.diverged.sum()),
        "n_parameters": None if n_parameters is None else int(n_parameters),
        "n_tries": int(each.n_tries),
        "settings": parsed(str(each.settings.item())),
        "remarks": str(each.remarks.item()) or None,
    }
    # Older results lack some.
    known = {name: name for name in _ESTIMATES} | _TIMES
    about |= {
        name: describe(estimate_in(each, measure))
        for name, measure in known.items()
        if measure in each
    }
    for name, dim in _BY_CASE.items():
        if name in each:
            about[name] = {
                str(label): describe(estimate_in(each.sel({dim: label}), name))
                for label in each[dim].values
            }
    return about


def _planned(each: Difference) -> dict[str, Any]:
    n = each.seeds_needed
    return _pair(each) | {
        "p_value": each.p_value,
        "p_uncorrected": each.p_uncorrected,
        "significant": each.told_apart,
        "margin": each.margin,
        "p_equivalence": each.p_equivalence,
        "equivalent": each.equivalent,
        "smallest_visible": each.smallest_visible,
        "seeds_needed": None if math.isnan(n) else int(n),
    }


def _pair(each: Difference) -> dict[str, Any]:
    points, note = describe(each.estimate), each.note or None
    return {"first": each.first, "second": each.second, "points": points, "note": note}
