"""Measures of the scaling laws: fits, best sizes, and samples until a loss is reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.scaling_laws.config import TRANSIENT
from mnist1d.measures.expressions import Measure
from mnist1d.measures.power_laws import PowerLaw, best_size, fit_power_law, power_of

if TYPE_CHECKING:
    import xarray as xr

N_BUDGETS = 25
"""Budgets of work at which the best size is read."""

FLOPS = 6
"""Floating-point operations per parameter and sample: two forwards, four backwards."""

Law = Callable[["xr.Dataset", int], PowerLaw]
"""Fits a law to a trial, which is given by its place."""


def fitted_places(result: xr.Dataset) -> np.ndarray:
    """Return the evaluations that laws are fitted to, two in every doubling of the samples seen.

    The first ones, up to a sixteenth of the training, are left out.
    """
    n = result.sizes["seen"]
    steps = np.unique(np.rint(n / 2 ** (np.arange(9) / 2)).astype(int))
    return np.asarray(steps[steps >= n / TRANSIENT] - 1)


def losses_of(result: xr.Dataset, seed: int) -> np.ndarray:
    """Return the test losses of a trial on endless data, shape (widths, evaluations)."""
    return np.asarray(result.test_loss.transpose("seed", "width", "seen").to_numpy()[seed])


def samples_law(result: xr.Dataset, seed: int) -> PowerLaw:
    """Fit the loss of the widest MLP over the samples that it has seen."""
    places = fitted_places(result)
    return fit_power_law(losses_of(result, seed)[-1, places], result.seen.to_numpy()[places])


def parameters_law(result: xr.Dataset, seed: int) -> PowerLaw:
    """Fit the last losses of all MLPs over their parameters."""
    return fit_power_law(losses_of(result, seed)[:, -1], result.n_parameters.to_numpy())


def joint_law(result: xr.Dataset, seed: int) -> PowerLaw:
    """Fit the losses of all MLPs over parameters and samples that they have seen."""
    places = fitted_places(result)
    n, seen = np.meshgrid(
        result.n_parameters.to_numpy(), result.seen.to_numpy()[places], indexing="ij"
    )
    return fit_power_law(losses_of(result, seed)[:, places].ravel(), n.ravel(), seen.ravel())


def fixed_law(model: str) -> Law:
    """Return the fit of a network's loss over a fixed number of samples."""

    def fit(result: xr.Dataset, seed: int) -> PowerLaw:
        losses = result.fixed_loss.sel(model=model).transpose("seed", "n_samples").to_numpy()
        return fit_power_law(losses[seed], result.n_samples.to_numpy())

    return fit


def of_law(law: Law, number: Callable[[PowerLaw], float]) -> Measure:
    """Measure a number of a law in every trial; NaN where there is none."""
    return Measure(
        lambda result: np.array(
            [number(law(result, seed)) for seed in range(result.sizes["seed"])], float
        )
    )


def constant(law: Law) -> Measure:
    """Measure the constant of a law: the loss at infinite sizes."""
    return of_law(law, lambda found: found.constant)


def exponent(law: Law, number: int = 0) -> Measure:
    """Measure an exponent of a law."""
    return of_law(law, lambda found: found.exponents[number])


def residual(law: Law) -> Measure:
    """Measure how far losses are from a law, root mean square, in per cent."""
    return of_law(law, lambda found: 100 * found.residual)


def budgets_of(result: xr.Dataset) -> np.ndarray:
    """Return the budgets of work in floating-point operations, evenly in their logarithm.

    They reach from the first evaluation of the smallest MLP to the last of the widest.
    """
    seen = result.seen.to_numpy()
    n = result.n_parameters.to_numpy()
    return np.geomspace(FLOPS * n[0] * seen[0], FLOPS * n[-1] * seen[-1], N_BUDGETS)


def losses_at(result: xr.Dataset, seed: int, budgets: np.ndarray) -> np.ndarray:
    """Return the losses of all MLPs at budgets of work, shape (widths, budgets).

    They are interpolated between evaluations, in logarithms; NaN where an MLP was not trained as
    shortly, or as long.
    """
    seen = np.log(result.seen.to_numpy())
    rows = []
    for n, losses in zip(result.n_parameters.to_numpy(), losses_of(result, seed), strict=True):
        wanted = np.log(budgets / (FLOPS * n))
        inside = (wanted >= seen[0] - 1e-9) & (wanted <= seen[-1] + 1e-9)
        found = np.exp(np.interp(wanted, seen, np.log(losses)))
        rows.append(np.where(inside, found, np.nan))
    return np.array(rows)


def best_sizes(result: xr.Dataset, seed: int) -> np.ndarray:
    """Return the best number of parameters at every budget, NaN where it is none of those inside.

    Source: Hoffmann et al. (2022), arXiv:2203.15556, section 3.2.
    """
    n = result.n_parameters.to_numpy()
    losses = losses_at(result, seed, budgets_of(result))
    return np.array([best_size(n, each) for each in losses.T])


def best_growth() -> Measure:
    """Measure the power p with which the best number of parameters grows, N ~ work**p."""
    return Measure(
        lambda result: np.array(
            [
                power_of(budgets_of(result), best_sizes(result, seed))
                for seed in range(result.sizes["seed"])
            ]
        )
    )


def joint_growth() -> Measure:
    """Measure the same power by the law of parameters and samples."""
    return of_law(joint_law, lambda found: found.best_share)


def head_start(width: int, wider: int) -> Measure:
    """Measure how many times as many samples an MLP needs as a wider one, in powers of two.

    The loss is the higher of their last ones, and where the other reaches it is interpolated; so it
    is below 0 if the wider needs more.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        widths, seen = result.width.to_numpy().tolist(), np.log2(result.seen.to_numpy())
        places = [widths.index(width), widths.index(wider)]
        found = []
        for seed in range(result.sizes["seed"]):
            curves = losses_of(result, seed)[places]
            if not np.isfinite(curves).all():
                found.append(np.nan)
                continue
            target = curves[:, -1].max()
            # Where a curve falls to the loss for the first time; the curve that ends there, too.
            reached = [np.interp(-target, -np.minimum.accumulate(each), seen) for each in curves]
            found.append(reached[0] - reached[1])
        return np.array(found)

    return Measure(_known(per_seed))


def gain_of_stopping(width: int, wider: int) -> Measure:
    """Measure how much lower, in per cent, the loss of a wider MLP is for the same work.

    The work is that of the whole training of the narrower one.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        widths = result.width.to_numpy().tolist()
        narrow, wide = widths.index(width), widths.index(wider)
        work = FLOPS * result.n_parameters.to_numpy()[narrow] * result.seen.to_numpy()[-1]
        found = []
        for seed in range(result.sizes["seed"]):
            losses = losses_at(result, seed, np.array([float(work)]))[:, 0]
            found.append(100 * (1 - losses[wide] / losses[narrow]))
        return np.array(found)

    return Measure(_known(per_seed))


def extra_loss(model: str, n_samples: int) -> Measure:
    """Measure the loss on a fixed number of samples above that on new ones alone, in per cent."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        losses = result.fixed_loss.sel(model=model)
        ratio = losses.sel(n_samples=n_samples) / losses.isel(n_samples=-1)
        return np.asarray(100 * (ratio.to_numpy() - 1))

    return Measure(per_seed)


def _known(per_seed: Callable[[xr.Dataset], np.ndarray]) -> Callable[[xr.Dataset], np.ndarray]:
    """Make a width that was not trained a condition that a result lacks."""

    def checked(result: xr.Dataset) -> np.ndarray:
        try:
            return per_seed(result)
        except ValueError as error:
            raise KeyError(str(error)) from None

    return checked
