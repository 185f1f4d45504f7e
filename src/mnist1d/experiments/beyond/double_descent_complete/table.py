"""The table of the complete double descent, its remarks, and why claims differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.double_descent_complete.claims import (
    DEFAULT,
    FIXED,
    FOLLOWED_DECAY,
    NARROW,
    WIDE,
)
from mnist1d.experiments.beyond.double_descent_complete.config import FEATURES, PART_DIMS
from mnist1d.experiments.beyond.double_descent_complete.measures import (
    FITTED,
    N_LATE,
    at,
    best_decay,
    ends,
)
from mnist1d.harness.interface import Row
from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import xarray as xr

TITLES = {
    "width": "MLP, by width",
    "samples": f"MLP of width {DEFAULT.width}, by samples",
    "epochs": "CNN after all epochs, by channels",
    "collapse": f"MLP, {DEFAULT.collapse_samples:,} samples, by width",
    "features": "Random features, by features",
    "feature_samples": "Random features, by samples",
}


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all sizes: errors without weight decay and with the best, and collapse."""
    rows = []
    for part, title in TITLES.items():
        for size in result[PART_DIMS[part]].to_numpy().tolist():
            columns = {
                "training error (%)": at(part, "train_error", size, scale=100),
                "test error (%)": at(part, "test_error", size, scale=100),
                "test loss": at(part, "test_loss", size),
                "test error (%),\nbest decay": at(part, "test_error", size, best=True, scale=100),
                "test loss,\nbest decay": at(part, "test_loss", size, best=True),
            }
            if part in ("width", "collapse"):
                columns |= {
                    "NC1": at(part, "variability", size),
                    "NC2": at(part, "angles", size),
                    "NC3": at(part, "duality", size),
                    "NC4": at(part, "disagreement", size),
                }
            estimates: dict[str, Estimate] = {
                name: measure(result) for name, measure in columns.items()
            }
            rows.append(Row(title, f"{size:,}", estimates))
    return rows


def remarks(result: xr.Dataset) -> list[str]:
    """Say which sizes fit their labels, and which of the tried decays are at an end."""
    fits = ends(result, "width", "train_error").mean(axis=1) < FITTED
    widths = result["width"].to_numpy()[fits]
    text = f"from {widths[0]} units on" if len(widths) else "at none of the widths"
    lines = [f"Less than 1 % training errors, without weight decay, mean of trials: {text}."]
    most = {part: best_decay(result, part) for part in PART_DIMS}
    ends_of = {
        part: len(result["ridge"]) - 1 if part in FEATURES else _largest(result, part)
        for part in PART_DIMS
    }
    at_end = sum(int((most[part] == ends_of[part]).sum()) for part in PART_DIMS)
    if at_end:
        n = sum(each.size for each in most.values())
        lines.append(
            f"In {at_end} of {n} cases the best weight decay or ridge is the largest tried."
        )
    return lines


def _largest(result: xr.Dataset, part: str) -> int:
    """Return the place of the largest decay that a part tries."""
    tried = result[f"{part}_test_error"].notnull().any([PART_DIMS[part], "step", "seed"])
    return int(np.flatnonzero(tried.to_numpy())[-1])


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    found = _explain_features(result)
    sizes = {*result["width"].to_numpy().tolist()}
    if FOLLOWED_DECAY in result["decay"] and sizes.issuperset((*NARROW, *WIDE)):
        fields = {"nc2": "angles", "nc3": "duality", "nc4": "disagreement"}
        for name, field in fields.items():
            found[f"{name}-through-threshold"] = _explain_collapse(result, field)
    return found


def _explain_features(result: xr.Dataset) -> dict[str, str]:
    sizes = result["n_features"].to_numpy()
    means = 100 * ends(result, "features", "test_error").mean(axis=1)
    before, beyond = np.flatnonzero(sizes < FIXED), np.flatnonzero(sizes > FIXED)
    if not len(before) or not len(beyond):
        return {}
    first, second = (where[means[where].argmin()] for where in (before, beyond))
    return {
        "features-modern-beats-classical": (
            f"The lowest mean error before the threshold is {means[first]:.1f} %, at "
            f"{sizes[first]:,} features, and beyond it {means[second]:.1f} %, at "
            f"{sizes[second]:,}. Without a ridge all noise is fitted; whether the second descent "
            "ends below the first depends on how strong the signal is beside the noise, by theory "
            "(Hastie et al. 2022) as well."
        )
    }


def _explain_collapse(result: xr.Dataset, field: str) -> str:
    narrow, wide = (at("width", field, sizes)(result).mean for sizes in (NARROW, WIDE))
    own = result[f"collapse_{field}"].isel(collapse_width=0, step=slice(-N_LATE, None))
    plain, decayed = (float(own.sel(decay=decay).mean()) for decay in (0, FOLLOWED_DECAY))
    return (
        f"It is {narrow:.2f} before and {wide:.2f} beyond. To fit labels is not to collapse: wrong "
        "labels keep examples of a class apart (Nguyen et al. 2023), and without weight decay "
        f"nothing makes up for it. Of the network with {DEFAULT.collapse_samples:,} samples it is "
        f"{plain:.2f} without and {decayed:.2f} with a decay of {FOLLOWED_DECAY:g}."
    )
