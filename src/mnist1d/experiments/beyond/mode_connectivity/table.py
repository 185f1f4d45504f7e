"""Tables of lines between networks and of averages, remarks on them, and why claims differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist1d.experiments.beyond.mode_connectivity.claims import (
    AT_START,
    DEFAULT,
    EARLY,
    STABLE,
    WIDE,
)
from mnist1d.experiments.beyond.mode_connectivity.config import (
    AVERAGES,
    BY_ACTIVATIONS,
    BY_WEIGHTS,
    LATE,
    MATCHINGS,
    MEASURES,
    ONE,
    ORIGINS,
    SOUP,
    SWA,
    UNMATCHED,
)
from mnist1d.experiments.beyond.mode_connectivity.measures import (
    average_of,
    children_barrier,
    independent_barrier,
    share_left,
    width_factor,
)
from mnist1d.harness.interface import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr


def summarise(result: xr.Dataset) -> list[Row]:
    """Make tables of barriers between children and independent networks, and of averages."""
    rows = []
    claimed = {AT_START: "unstable-at-start", EARLY: "stable-early"}
    for model in result.model.to_numpy().tolist():
        for split in result.split.to_numpy().tolist():
            columns = {
                _title(name): children_barrier(model, split, name)(result) for name in MEASURES
            }
            claim = f"{claimed[split]}-{model.lower()}" if split in claimed else None
            group = f"Barrier between children, {model} (nats and points)"
            rows.append(Row(group, f"split at step {split}", columns, claim))
    for width in result.width.to_numpy().tolist():
        for matching in MATCHINGS:
            columns = {
                _title(name): independent_barrier(width, matching, name)(result)
                for name in MEASURES
            }
            claim = "matching-leaves-none" if (width, matching) == (WIDE, BY_WEIGHTS) else None
            group = "Barrier between independent MLPs (nats and points)"
            rows.append(Row(group, f"width {width}, {matching}", columns, claim))
    for model in result.model.to_numpy().tolist():
        for origin in ORIGINS:
            for averaged in AVERAGES:
                columns = {
                    _title(name): average_of(model, origin, averaged, name)(result)
                    for name in MEASURES
                }
                rows.append(Row(f"{model}, {origin} (nats and %)", averaged, columns))
    return rows


def _title(measure: str) -> str:
    part, what = measure.split("_")
    return f"{'training' if part == 'train' else part} {what}"


def remarks(result: xr.Dataset) -> list[str]:
    """Say what a barrier is, from which split on there is none, how it changes with width."""
    meant = (
        "A barrier is the largest rise above the straight line between the values at both ends, at "
        f"{result.sizes['place']} places; below {STABLE:g} points of error it counts as none."
    )
    lines = [meant]
    for model in result.model.to_numpy().tolist():
        splits = result.split.to_numpy().tolist()
        means = [children_barrier(model, split, "test_error")(result).mean for split in splits]
        # From the end: the first split after which all later ones are stable, too.
        n_stable = next(
            (n for n, mean in enumerate(reversed(means)) if not mean < STABLE), len(means)
        )
        since = f"from step {splits[-n_stable]} on" if n_stable else "at none of the splits"
        lines.append(f"By the mean of trials, the {model} is stable {since}.")
    return [*lines, *_by_width(result), *_noise(result)]


def _by_width(result: xr.Dataset) -> list[str]:
    """List barriers by width, and the step of the width at which they change the other way."""
    widths = result.width.to_numpy().tolist()
    if len(widths) < 2 or not {UNMATCHED, BY_WEIGHTS} <= {*result.matching.to_numpy().tolist()}:
        return []
    losses, errors = (
        [independent_barrier(width, UNMATCHED, measure)(result).mean for width in widths]
        for measure in ("train_loss", "test_error")
    )
    first = width_factor(widths[1], widths[0])(result)
    interval = f" ({first.low:.2f} to {first.high:.2f})" if first.n > 1 else ""
    left = [share_left(width, BY_WEIGHTS)(result).mean for width in widths]
    return [
        (
            f"Not matched, by widths {_listed(widths, '')}, the barrier of the training loss is "
            f"{_listed(losses, '.2f')} nats, that of the test error {_listed(errors, '.0f')} "
            f"points. From {widths[0]} to {widths[1]} that of the training loss changes by "
            f"{first.mean:+.2f}{interval} powers of two."
        ),
        (
            "Matching by weights leaves, by the same widths, "
            f"{_listed(left, '.2f')} of the barrier of the training loss."
        ),
    ]


def _listed(numbers: Sequence[float], digits: str) -> str:
    *first, last = (format(each, digits) for each in numbers)
    return f"{', '.join(first)} and {last}"


def _noise(result: xr.Dataset) -> list[str]:
    """Say what averages of the MLP do to training loss and test error."""
    one, swa, soup = _train_losses(result)
    if not max(swa, soup) < one:
        return []
    text = (
        f"SWA and the soup of children fit better than one MLP: {_fits(result)}. Last weights are "
        "those of a constant rate, and averages most probably remove their noise. Part of what "
        "SWA and soups gain in test error a rate that falls would probably gain, too."
    )
    return [text]


def _train_losses(result: xr.Dataset) -> list[float]:
    """Return the training losses of one MLP, of SWA and of the soup of children, in nats."""
    return [average_of("MLP", LATE, each, "train_loss")(result).mean for each in (ONE, SWA, SOUP)]


def _fits(result: xr.Dataset) -> str:
    one, swa, soup = _train_losses(result)
    return f"{swa:.3f} nats (SWA) and {soup:.3f} (soup) beside {one:.3f}"


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    found = {}
    if WIDE in result.width:
        found["matching-leaves-none"] = _explain_matching(result)
    if "MLP" in result.model:
        found["swa-fits-less"] = (
            "Last weights have the noise of a constant rate, which averages most probably remove. "
            f"Adam's rate is {DEFAULT.learning_rate:g} to the end; SWA and the soup of children "
            f"fit better than one MLP: {_fits(result)}. The networks with which Izmailov et al. "
            "compare end at a rate that has fallen, and have little such noise. The gain in test "
            "error is most probably larger here for the same reason."
        )
    return found


def _explain_matching(result: xr.Dataset) -> str:
    weights, activations = (
        independent_barrier(WIDE, matching, "test_error")(result).mean
        for matching in (BY_WEIGHTS, BY_ACTIVATIONS)
    )
    if activations < weights:
        text = "An order with a lower barrier exists, which matching by weights does not find."
    else:
        text = "No lower barrier was found by activations, either."
    widths = result.width.to_numpy().tolist()
    errors = [independent_barrier(width, BY_WEIGHTS, "test_error")(result).mean for width in widths]
    by_width = (
        f"; at widths {_listed(widths, '')} weights leave {_listed(errors, '.1f')}"
        if len(widths) > 1
        else ""
    )
    return (
        f"{text} By activations the barrier of the test error is {activations:.1f} points, by "
        f"weights {weights:.1f}{by_width}. The assignment is quadratic here, and a local optimum "
        "of it is found. Both layers share one order, which leaves less to choose. Networks "
        f"wider than {WIDE} may have none left; Ainsworth et al., too, find that it takes width."
    )
