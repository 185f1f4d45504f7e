"""The table of the transfer of learning rates, remarks on it, and why claims differ."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.learning_rate_transfer.claims import (
    COST_MARGIN,
    EXPONENT_MARGIN,
)
from mnist1d.experiments.beyond.learning_rate_transfer.config import (
    ADAM,
    LAYERS,
    MAXIMAL_UPDATE,
    PARAMETRISATIONS,
    SGD,
    STANDARD,
)
from mnist1d.experiments.beyond.learning_rate_transfer.measures import (
    advantage,
    at_ends,
    best_rate,
    change_exponent,
    cost_at,
    losses_at,
    lowest_loss,
    n_guessing,
    rate_exponent,
    stable_rate,
    transfer_cost,
    tuned_losses,
    tuned_rate,
    wider_better,
    widths_of,
)
from mnist1d.harness.interface import Row
from mnist1d.measures.expressions import Measure, value
from mnist1d.measures.uncertainty import Estimate, estimate

if TYPE_CHECKING:
    import xarray as xr

NAMES = dict(zip(LAYERS, ("first hidden layer", "second hidden layer", "logits"), strict=True))


def summarise(result: xr.Dataset) -> list[Row]:
    """Make tables of best rates and losses by width, and of powers of the width."""
    rows = []
    places = [
        (optimizer, parametrisation)
        for optimizer in result.optimizer.to_numpy().tolist()
        for parametrisation in PARAMETRISATIONS
    ]
    for optimizer, parametrisation in places:
        tuned = tuned_rate(result, optimizer, parametrisation)
        for width in widths_of(result, optimizer):
            place = {"optimizer": optimizer, "parametrisation": parametrisation, "width": width}
            columns = {
                "best rate": best_rate(optimizer, parametrisation, width),
                "lowest loss (nats)": lowest_loss(optimizer, parametrisation, width),
                f"loss at {tuned:g}": value("train_loss", digits=None, rate=tuned, **place),
                f"test accuracy at {tuned:g} (%)": value(
                    "test_accuracy", scale=100, limits=(0, 100), rate=tuned, **place
                ),
            }
            estimates = {name: measure(result) for name, measure in columns.items()}
            rows.append(Row(f"{optimizer}, {parametrisation}", f"width {width}", estimates))
    for optimizer, parametrisation in places:
        powers = {"best rate": rate_exponent(optimizer, parametrisation)(result)}
        for layer, name in NAMES.items():
            powers[f"change, {name}"] = change_exponent(optimizer, parametrisation, layer)(result)
        name = f"{optimizer}, {parametrisation}"
        rows.append(Row("Powers of the width", name, powers))
    for optimizer, parametrisation in places:
        costs = {
            "transfer costs (%)": _share(transfer_cost(optimizer, parametrisation))(result),
            "wider is better (%)": _share(wider_better(optimizer, parametrisation))(result),
        }
        name = f"{optimizer}, {parametrisation}"
        rows.append(Row("At the rate tuned at the first width", name, costs))
    return rows


def _share(measure: Measure) -> Measure:
    """Return a measure of per cent, whose interval is from 0 to 100."""
    return dataclasses.replace(measure, limits=(0, 100))


def remarks(result: xr.Dataset) -> list[str]:
    """Say what the tuned rates are, how sure that is, and which best rates are at an end."""
    tuned = [
        f"{tuned_rate(result, optimizer):g} of {optimizer}"
        for optimizer in result.optimizer.to_numpy().tolist()
    ]
    first = result.width.to_numpy()[0]
    lines = [f"The rates tuned at width {first} are {' and '.join(tuned)}."]
    if n := at_ends(result):
        lines.append(
            f"{n} best rates are the smallest or the largest that was tried; powers of the width "
            "are without them."
        )
    return [*lines, *_near_tie(result), *_small_widths(result), *_beside_divergence(result)]


def _near_tie(result: xr.Dataset) -> list[str]:
    """Say what Adam's second best rate at the first width would cost, if it is nearly as good."""
    first, *_, last = widths_of(result, ADAM)
    rates, losses = losses_at(result, ADAM, STANDARD, first)
    best, second = np.log(losses).mean(axis=0).argsort()[:2]
    rate, other = rates[best], rates[second]
    if other not in losses_at(result, ADAM, MAXIMAL_UPDATE, last)[0]:
        return []
    above = 100 * (np.exp(np.log(losses[:, second] / losses[:, best]).mean()) - 1)
    if above > COST_MARGIN:
        return []
    n_prefer = int((losses[:, second] < losses[:, best]).sum())
    costs = [cost_at(ADAM, MAXIMAL_UPDATE, last, each)(result) for each in (rate, other)]
    text = (
        f"All trials share Adam's tuned rate, {rate:g}, and intervals do not cover this choice. At "
        f"{other:g} the mean loss at width {first} is {above:.1f} % higher, that of {n_prefer} of "
        f"{len(losses)} trials lower; from there, the transfer to width {last:,} in maximal update "
        f"would cost {_with_interval(costs[1], 2, ' %')}, from {rate:g} {costs[0].mean:.1f} %."
    )
    return [text]


def _small_widths(result: xr.Dataset) -> list[str]:
    """Say how Adam's best rate changes in maximal update from the third width on."""
    widths = widths_of(result, ADAM)
    if len(widths) < 5:
        return []
    late = rate_exponent(ADAM, MAXIMAL_UPDATE, least=widths[2])(result)
    every = rate_exponent(ADAM, MAXIMAL_UPDATE)(result)
    text = (
        f"In maximal update the power of Adam's best rate is {_with_interval(every, 3)} over all "
        f"widths, and {_with_interval(late, 3)} from width {widths[2]} on (chosen afterwards)."
    )
    return [text]


def _beside_divergence(result: xr.Dataset) -> list[str]:
    """Say at which rates SGD diverges, and what that does to best rates."""
    last = widths_of(result, SGD)[-1]
    found = best_rate(SGD, STANDARD, last)(result)
    losses = losses_at(result, SGD, STANDARD, last)[1].mean(axis=0)
    # Of the lowest loss and the one of the next larger rate.
    if not n_guessing(result, SGD, STANDARD, last)[losses.argmin() :][:2].any() or not found.n:
        return []
    text = (
        f"SGD's best rates lie beside rates at which trainings diverge. {_counted(result)} A loss "
        "of ln 10 beside the lowest draws the vertex of the parabola to one place, so that the "
        f"intervals of such best rates are too narrow, as {_with_interval(found, 3)} at width "
        f"{last}."
    )
    return [text]


def _counted(result: xr.Dataset) -> str:
    """Count, by width, the trials of SGD that guess at the first large rate at which some do."""
    widths = widths_of(result, SGD)
    rates = losses_at(result, SGD, STANDARD, widths[0])[0]
    counts = np.array([n_guessing(result, SGD, STANDARD, width) for width in widths])
    counts[:, rates < tuned_rate(result, SGD)] = 0  # too slow to learn
    if not counts.any():
        return ""
    place = int(counts.any(axis=0).argmax())
    listed = ", ".join(f"{n}" for n in counts[:, place])
    n_trials = result.sizes["seed"]
    text = (
        f"In the standard parametrisation, of widths {widths[0]} to {widths[-1]}, {listed} of "
        f"{n_trials} trials count as guessing at a rate of {rates[place]:g}"
    )
    always = rates[(counts == n_trials).all(axis=0)]
    return f"{text}, and all at {always[0]:g}." if len(always) else f"{text}."


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    return {
        "standard-rate-inverse": _explain_power(result),
        "sgd-standard-rate-falls": _explain_sgd(result),
        "standard-wider-worse": _explain_wider(result),
        "mup-better-tuned": _explain_tuned(result),
    }


def _explain_power(result: xr.Dataset) -> str:
    first, second, _ = (change_exponent(ADAM, STANDARD, each)(result).mean for each in LAYERS)
    return (
        "One rate serves layers that need different ones. At the tuned rate outputs of the first "
        f"layer move as width^{first:.2f}, those of the second as width^{second:.2f}: what "
        "falls as 1 / width suits the second layer and leaves the first behind, so that the best "
        "rate lies between. Logits, too, may grow on the cross-entropy without harm (Haas et al.)."
    )


def _explain_sgd(result: xr.Dataset) -> str:
    narrow, *_, wide = widths_of(result, SGD)
    stable = [stable_rate(result, SGD, STANDARD, width) for width in (narrow, wide)]
    fall = (wide / narrow) ** EXPONENT_MARGIN
    return (
        f"The best rates lie next to divergence. {_counted(result)} The largest rate at which most "
        f"trials train is {stable[0]:g} at width {narrow} and {stable[1]:g} at width {wide}, by "
        f"rates that are a factor of two apart. The claim is that the best rate falls by "
        f"{fall:.2g} or more between these widths: this is excluded, not that it falls by less."
    )


def _explain_wider(result: xr.Dataset) -> str:
    widths, losses = widths_of(result, ADAM), tuned_losses(result, ADAM, STANDARD)
    means = losses.mean(axis=1)
    least = int(means.argmin())
    worse = estimate(100 * (1 - losses[least] / losses[-1]))
    return (
        f"From width {widths[least]} on wider is worse. At {tuned_rate(result, ADAM):g} the loss "
        f"falls from {means[0]:.3f} at width {widths[0]} to {means[least]:.3f} at {widths[least]}, "
        f"and is {means[-1]:.3f} at {widths[-1]}, so that width {widths[least]} is better by "
        f"{_with_interval(worse, 1, ' %')}, in the trials by which this width was chosen. Before, "
        "more units are worth more than a rate that is too large for them costs."
    )


def _explain_tuned(result: xr.Dataset) -> str:
    first, *_, last = widths_of(result, ADAM)
    lowest = [lowest_loss(ADAM, each, last)(result).mean for each in PARAMETRISATIONS]
    rates, moved = [], []
    for each in PARAMETRISATIONS:
        tried, losses = losses_at(result, ADAM, each, last)
        rate = tried[losses.mean(axis=0).argmin()]
        place = {"optimizer": ADAM, "parametrisation": each, "width": last, "rate": rate}
        rates.append(rate)
        moved.append(result.change.sel(place).mean("seed").sel(layer=list(LAYERS[:2])).to_numpy())
    behind = rates[0] / (rates[1] * first / last)
    return (
        f"Maximal update keeps the ratios of the layers' rates of width {first}, which are not "
        f"tuned. The lowest losses at width {last} are {lowest[0]:.3f} (standard) and "
        f"{lowest[1]:.3f} nats, the disadvantage {-advantage(ADAM)(result).mean:.0f} %. At the "
        f"best of the tried rates, {rates[0]:g} and {rates[1]:g}, weights behind a hidden layer "
        f"have {behind:.2g} times the rate in the standard parametrisation; outputs of the first "
        f"layer move by {moved[0][0]:.2f} and {moved[1][0]:.2f} in the first updates, of the "
        f"second by {moved[0][1]:.2f} and {moved[1][1]:.2f}. Here, in a short training of which "
        "the training loss counts, a second layer that learns fast is probably worth more than a "
        "first that does; with tuned ratios or in longer trainings it may be otherwise."
    )


def _with_interval(found: Estimate, digits: int, unit: str = "") -> str:
    mean = f"{found.mean:.{digits}f}{unit}"
    if not np.isfinite(found.low):  # of one trial
        return mean
    return f"{mean} ({found.low:.{digits}f} to {found.high:.{digits}f})"
