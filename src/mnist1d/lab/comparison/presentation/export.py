"""The results of a comparison for other programs: JSON, pandas, LaTeX."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from mnist1d.dataset import checks
from mnist1d.dataset.imports import required
from mnist1d.harness.documents import describe, finite, parsed
from mnist1d.harness.stored.commits import commits_of
from mnist1d.lab.statistics.differences import Difference, Statistics
from mnist1d.lab.statistics.stored import TO_TARGET, count_not_reached, estimate_in
from mnist1d.lab.statistics.unfinished import STOPPED, finished_runs, tuning_runs, was_stopped
from mnist1d.lab.statistics.yardsticks import notes_of, shown
from mnist1d.measures.uncertainty import Estimate, in_percent

What = Literal["candidates", "differences"]
"""The table that is wanted."""
WHAT: tuple[What, ...] = ("candidates", "differences")

_ESTIMATES = ("test_accuracy", "train_accuracy", "shuffled_accuracy", *TO_TARGET)
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
        "track": result.attrs.get("track"),
        "protocol": str(result.attrs.get("protocol", "")).splitlines(),
        "seconds": finite(result.attrs.get("seconds")),
        "finished": result.attrs.get("finished"),
        "device": result.attrs.get("device"),
        "processor": result.attrs.get("processor"),
        "versions": parsed(result.attrs.get("versions")),
        "commits": list(commits_of(result)),
        "stopped_after": finite(result.attrs.get(STOPPED)),
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
        if f"{measure}_interval" in each
    }
    about["n_not_reached"] = count_not_reached(each)
    if was_stopped(each):
        about["finished_runs"] = {"tuning": tuning_runs(each)[0], **finished_runs(each)}
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


def frame(result: xr.Dataset, statistics: Statistics, what: What) -> Any:
    """Make a table of pandas.

    Args:
        result: the labelled result, with its statistics.
        statistics: the differences between its candidates.
        what: "candidates", a row each: settings, means as fractions, and the ends of their 95 %
            intervals with the endings `_low` and `_high`; or "differences", a row per pair, in
            percentage points, yardsticks last (`planned` is false).

    Raises: ValueError: if `what` is another text.
    """
    pandas = required("pandas", extra="export")
    checks.one_of("what", what, WHAT)
    found = document(result, statistics)
    if what == "candidates":
        return pandas.DataFrame([dict(_flat(each)) for each in found["candidates"]])
    pairs = [(each, True) for each in found["differences"]]
    pairs += [(each, False) for each in found["yardsticks"]]
    return pandas.DataFrame([{**dict(_flat(each)), "planned": planned} for each, planned in pairs])


def _flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a record, the parts of its estimates one by one."""
    for name, value in record.items():
        if name == "settings":
            yield name, json.dumps(value)
        elif isinstance(value, Mapping) and "ci_low" not in value:
            yield from _flat(value, f"{name} ")
        elif isinstance(value, Mapping):
            parts = {"": "mean", "_low": "ci_low", "_high": "ci_high"}
            yield from ((f"{before}{name}{end}", value[part]) for end, part in parts.items())
            if name in {"points", "test_accuracy"}:
                yield "n", value["n"]
        else:
            yield f"{before}{name}", value


def latex(result: xr.Dataset, statistics: Statistics, what: What) -> str:
    """Write a table in LaTeX, with the rules of the package booktabs.

    Args:
        result: the labelled result, with its statistics.
        statistics: the differences between its candidates.
        what: "candidates", a row each, with means and half their 95 % intervals; or "differences",
            a row per planned pair.

    Raises: ValueError: if `what` is another text.
    """
    checks.one_of("what", what, WHAT)
    notes, n = notes_of(result), result.sizes["seed"]
    if what == "differences":
        heads = ["", "difference (points)", r"95\,\% interval", "$p$ (Holm)"]
        rows = [_latex_pair(each, notes) for each in statistics.differences]
        pairs = "1 pair" if len(rows) == 1 else f"{len(rows)} pairs"
        note = f"Paired by seed, {n} seeds; Student's t test, Holm's correction for {pairs}."
        return _tabular(heads, rows, note)
    columns = {"test_accuracy": r"test (\%)", "train_accuracy": r"training (\%)"}
    columns |= {"shuffled_accuracy": r"shuffled (\%)"}
    measures = [name for name in columns if name in result]
    rows = []
    for name in map(str, result.candidate.values):
        each = result.sel(candidate=name)
        cells = [_plus_minus(in_percent(estimate_in(each, measure))) for measure in measures]
        size = float(each.n_parameters)
        size_text = f"{size:,.0f}".replace(",", r"\,") if math.isfinite(size) else ""
        rows.append([escaped(shown(name, notes)), size_text, *cells])
    heads = ["", "parameters", *(columns[name] for name in measures)]
    return _tabular(heads, rows, f"Mean and half the 95 % interval, {n} seeds.")


def _latex_pair(each: Difference, notes: Mapping[str, str]) -> list[str]:
    found, p = each.estimate, each.p_value
    names = " $-$ ".join(escaped(shown(name, notes)) for name in (each.first, each.second))
    known = math.isfinite(found.low)
    return [
        names,
        f"${found.mean:.1f}$",
        f"${found.low:.1f}$ to ${found.high:.1f}$" if known else "",
        ("$<0.001$" if p < 0.001 else f"${p:.3f}$") if math.isfinite(p) else "",
    ]


def _plus_minus(found: Estimate) -> str:
    if not found.n:
        return "none"
    half = found.high - found.mean
    return rf"${found.mean:.1f} \pm {half:.1f}$" if np.isfinite(half) else f"${found.mean:.1f}$"


def _tabular(heads: Sequence[str], rows: Iterable[Sequence[str]], note: str) -> str:
    lines = [" & ".join(line) + r" \\" for line in (heads, *rows)]
    return "\n".join(
        [
            f"% {note}",
            rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


_SPECIAL = {character: rf"\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after the end of a row, which takes what is in brackets
    "*": "{*}",
}


def escaped(text: str) -> str:
    r"""Return a text in which LaTeX finds no command.

    >>> escaped("50 % of x_1"), escaped("[relu]")
    ('50 \\% of x\\_1', '{[}relu]')
    """
    return re.sub(r"[&%$#_{}\\~^<>|*\[]", lambda found: _SPECIAL[found[0]], text)
