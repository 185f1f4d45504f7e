"""The JSON documents of `--json`, made of results; their schemas are in `schema.json`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from mnist1d.harness.documents import describe, finite, parsed
from mnist1d.harness.findings import Findings
from mnist1d.harness.results import cases, grid_of, scalars_per_seed, short_per_seed
from mnist1d.harness.stored.commits import commits_of
from mnist1d.harness.verdicts.rules import VERDICTS
from mnist1d.measures.uncertainty import estimate

if TYPE_CHECKING:
    from mnist1d.lab.comparison.result import Comparison


def of_result(
    result: xr.Dataset, findings: Findings | None, folder: Path | None = None
) -> dict[str, Any]:
    """Return what a result of an experiment says, but for its curves.

    Args:
        result: of any experiment.
        findings: what was found in it, if that is known.
        folder: that holds the result and its figures; None where nothing was written.
    """
    attributes = result.attrs
    return {
        "experiment": str(attributes["experiment"]),
        "title": None if findings is None else str(findings.experiment.TITLE),
        "protocol": str(attributes.get("protocol", "")),
        "other_data": attributes.get("data"),
        "config": parsed(attributes.get("config")),
        "grid": parsed(attributes.get("grid")),
        "seconds": finite(attributes.get("seconds")),
        "finished": attributes.get("finished"),
        "device": attributes.get("device"),
        "processor": attributes.get("processor"),
        "versions": parsed(attributes.get("versions")),
        "commits": list(commits_of(result)),
        "dimensions": {str(name): size for name, size in result.sizes.items()},
        "variables": {
            str(name): {"dimensions": [str(dim) for dim in each.dims], "type": str(each.dtype)}
            for name, each in result.data_vars.items()
        },
        "rows": [] if findings is None else _rows(findings),
        "claims": []
        if findings is None
        else [
            record | {"rule": str(each.claim.rule)}
            for each, record in zip(findings.judgements, findings.records(), strict=True)
        ],
        "numbers": _numbers(result),
        "note": "; ".join(findings.failed if findings else ()) or None,
        "files": [] if folder is None else [folder / "result.nc", *_figures(folder)],
    }


def of_reproduction(
    found: Mapping[str, Findings], out: Path, seconds: float, failed: str
) -> dict[str, Any]:
    """Return what `mnist1d reproduce` found in the experiments that it ran."""
    judgements = [judgement for each in found.values() for judgement in each.judgements]
    counts = Counter[str](judgement.verdict for judgement in judgements)
    return {
        "command": "reproduce",
        "results": [of_result(each.result, each, out / name) for name, each in found.items()],
        "verdicts": {verdict: counts[verdict] for verdict in VERDICTS},
        "claims_file": out / "claims.json",
        "seconds": seconds,
        "failed": failed or None,
    }


def of_comparison(found: "Comparison", folder: Path | None = None) -> dict[str, Any]:
    """Return what a comparison found: every candidate, and the differences between them."""
    files = [] if folder is None else [folder / "result.nc", *_figures(folder)]
    return found.document() | {"files": files}


def failures_of_comparison(found: "Comparison") -> str:
    """Say in one line which candidates failed or have no run that did not diverge."""
    failed = dict(found.failures)
    for name in map(str, found.result.candidate.values):
        if name not in failed and bool(found.result.diverged.sel(candidate=name).all()):
            failed[name] = "all runs diverged"
    if not failed:
        return ""
    reasons = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
    return f"{len(failed)} of {found.result.sizes['candidate']} candidates failed: {reasons}"


def failures_of_result(result: xr.Dataset) -> str:
    """Say in one line that all runs of a result diverged, if they did."""
    if "diverged" in result and result.diverged.size and bool(result.diverged.all()):
        return f"all runs of {result.attrs['experiment']} diverged"
    numbers = [result[name] for name in scalars_per_seed(result) if result[name].dtype.kind == "f"]
    if numbers and not any(np.isfinite(each).any() for each in numbers):
        return f"{result.attrs['experiment']} has no finite number: all runs diverged"
    return ""


def _rows(findings: Findings) -> list[dict[str, Any]]:
    return [
        {
            "group": row.group,
            "condition": row.condition,
            "claim": row.claim,
            "columns": {name: describe(each) for name, each in row.estimates.items()},
        }
        for row in findings.rows
    ]


def _numbers(result: xr.Dataset) -> list[dict[str, Any]]:
    """Return the mean of every number per seed, for every point of a grid and every case."""
    grid = grid_of(result)
    found = []
    for name in [*scalars_per_seed(result), *short_per_seed(result)]:
        dims = [str(dim) for dim in result[name].dims if dim != "seed"]
        for coordinates, values in cases(result[name]):
            case = dict(zip(dims, coordinates, strict=True))
            point = {dim: case.pop(dim) for dim in dims if dim in grid}
            number = {"variable": name, "point": point, "case": case}
            found.append(number | describe(estimate(values)))
    return found


def _figures(folder: Path) -> Sequence[Path]:
    return sorted([*folder.glob("*.png"), *folder.glob("*.pdf")])
