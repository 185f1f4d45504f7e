"""Measures of generated signals: by the generator, by nearness, by another network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist1d.measures.expressions import Measure, value
from mnist1d.measures.two_samples import kolmogorov_distance

if TYPE_CHECKING:
    import xarray as xr


def distribution(name: str, n: int) -> Measure:
    """Measure how far a distribution is from the true one, beyond the distance of two true sets.

    Args:
        name: "shift" or "scale", as recovered by the generator.
        n: number of training samples.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        made = result[name].sel(n_samples=n).transpose("seed", "signal").to_numpy()
        true = result[f"true_{name}"].transpose("part", "seed", "signal")
        fresh, reference = (true.sel(part=part).to_numpy() for part in ("true", "reference"))
        # What the generator could not have made is at no place: beyond all.
        made = np.where(np.isnan(made), np.inf, made)
        return np.array(
            [
                kolmogorov_distance(a, c) - kolmogorov_distance(b, c)
                for a, b, c in zip(made, fresh, reference, strict=True)
            ]
        )

    return Measure(per_seed)


def density_lack(n: int) -> Measure:
    """Measure how much less probable generated signals are than true ones, in nats per point.

    It is a difference of medians, as a single signal that the generator could hardly make would
    decide a mean.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        made = result.log_density.sel(n_samples=n).transpose("seed", "signal").to_numpy()
        true = result.true_log_density.sel(part="true").transpose("seed", "signal").to_numpy()
        made = np.where(np.isnan(made), -np.inf, made)
        return (np.median(true, axis=1) - np.median(made, axis=1)) / result.sizes["point"]

    return Measure(per_seed)


def replicas_at_end(n: int, *, true: bool = False) -> Measure:
    """Measure how many of the signals at the end, or of fresh true ones, are replicas (%)."""
    before = "true_" if true else ""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        nearest, second = (
            result[before + name].sel(n_samples=n).transpose("seed", "signal").to_numpy()
            for name in ("nearest", "second")
        )
        return 100 * (nearest < second / 3).mean(axis=1)

    return Measure(per_seed, (0, 100))


def memorised_after(n: int) -> Measure:
    """Measure after how many updates half of the signals are replicas.

    Between evaluations the share is taken as linear. Where it never is half, it is the end of the
    training, which is too early.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        shares = result.replicas.sel(n_samples=n).transpose("seed", "step").to_numpy()
        steps = np.append(0, result.step.to_numpy()).astype(float)
        return np.array([_first_half(np.append(0, row), steps) for row in shares])

    return Measure(per_seed)


def _first_half(shares: np.ndarray, steps: np.ndarray) -> float:
    reached = shares >= 0.5
    if not reached.any():
        return float(steps[-1])
    place = int(reached.argmax())
    low, high = shares[place - 1], shares[place]
    return float(steps[place - 1] + (0.5 - low) / (high - low) * np.diff(steps)[place - 1])


def time_exponent(first: int, second: int) -> Measure:
    """Measure p of `steps until half are replicas ~ samples^p` between two numbers of samples."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        times = [memorised_after(n).per_seed(result) for n in (first, second)]
        return np.log(times[1] / times[0]) / np.log(second / first)

    return Measure(per_seed)


def agreement(n: int) -> Measure:
    """Measure how much of the variation of signals their noise decides for both networks (%)."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        squares = (
            np.square(result[name].sel(n_samples=n).transpose("seed", "signal").to_numpy())
            for name in ("twin_distance", "unrelated_distance")
        )
        same, other = (each.mean(axis=1) for each in squares)
        return 100 * (1 - same / other)

    return Measure(per_seed)


def mean_distance(name: str, n: int) -> Measure:
    """Measure the mean distance of generated signals to training samples, or to the twin's."""
    return value(name, digits=None, n_samples=n, signal=lambda array, dim: array.mean(dim))


def of_network(name: str, n: int) -> Measure:
    """Measure a share of the networks of a number of samples, in per cent."""
    return value(name, scale=100, limits=(0, 100), n_samples=n)


def heun_gain(n: int) -> Measure:
    """Measure by which factor Heun's error is below Euler's at equal cost, in powers of two."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        errors = [
            value(name, digits=None, n_samples=n).per_seed(result)
            for name in ("euler_error", "heun_error")
        ]
        return np.log2(errors[0] / errors[1])

    return Measure(per_seed)
