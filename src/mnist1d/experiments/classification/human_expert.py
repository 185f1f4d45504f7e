"""The human expert: the published answers of one person to test samples.

One author labelled samples of the published test set, a hundred per quiz, seeing the true labels
after every ten. Five quizzes are stored; the file of quiz 2 is byte-identical with that of quiz 1,
so 100 answers are counted twice in every published number. Here every sample counts once; the
published counting is shown as well.

Source: the stored quizzes in the reference repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnist1d.measures.expressions import EMPTY
from mnist1d.measures.uncertainty import (
    Estimate,
    estimate_proportion,
    in_percent,
    paired_difference,
)

if TYPE_CHECKING:
    import xarray as xr

PUBLISHED_QUIZ_ACCURACY = (0.96, 0.96, 0.96, 0.97, 0.94)
"""Quizzes 1 to 5 as stored, the second repeating the first."""

TEST_INDEX: NDArray[np.int64] = np.concatenate([np.arange(100), np.arange(200, 500)])
"""Rows of the published test set that were answered: 400 different ones."""

# fmt: off
ERRORS: dict[int, int] = {
    29: 1, 48: 1, 60: 4, 98: 2, 223: 4, 225: 4, 235: 9, 282: 2, 305: 9, 337: 8, 342: 9,
    446: 9, 448: 1, 453: 1, 468: 1, 473: 4, 496: 2,
}
# fmt: on
"""Wrong answers: row of the test set -> the digit answered. All other answers are right."""

FIGURE_STEP, FIGURE_SAMPLES = 3000, 500
"""Of Figure S1: the step after which the CNN is tested, and the rows of the test set."""


N_DRAWS = 4000
"""Draws of a bootstrap."""


def is_correct() -> NDArray[np.bool_]:
    """Return which of the 400 answers are right, in the order of `TEST_INDEX`.

    >>> int(is_correct().sum())
    383
    """
    return ~np.isin(TEST_INDEX, list(ERRORS))


def accuracy(_: xr.Dataset) -> Estimate:
    """Accuracy of the person in per cent; the trials are the 400 answered samples."""
    return in_percent(estimate_proportion(is_correct()))


def minus_cnn(result: xr.Dataset) -> Estimate:
    """Difference of the accuracies on the 400 samples, paired by sample, in percentage points."""
    wrong, n_diverged = _errors_of_cnns(result)
    if not len(wrong):
        return EMPTY._replace(n_diverged=n_diverged)
    difference = paired_difference(100.0 * is_correct(), 100.0 * (1 - wrong.mean(axis=0)))
    return difference._replace(n_diverged=n_diverged)


def same_hard_samples(result: xr.Dataset) -> Estimate:
    """Correlation over the 400 samples of the person's errors and the share of CNNs that err.

    The interval holds 95 % of the correlations (percentiles of a bootstrap) in which samples and
    seeds are drawn anew with replacement. Fisher's, for normal variables, would be half as wide:
    the person errs on few samples.
    """
    wrong, n_diverged = _errors_of_cnns(result)
    person = ~is_correct()
    n_seeds, n_samples = wrong.shape
    if not n_seeds or not wrong.mean(axis=0).std():
        return EMPTY._replace(n_diverged=n_diverged)

    def correlation(samples: NDArray[Any], seeds: NDArray[Any]) -> NDArray[np.float64]:
        """Correlate, given the share of each sample (draws, samples) and of each seed."""
        cnns, humans = seeds @ wrong, np.broadcast_to(person, samples.shape)
        cnns = cnns - (samples * cnns).sum(axis=1, keepdims=True)
        humans = humans - (samples * humans).sum(axis=1, keepdims=True)
        squares = (samples * humans**2).sum(axis=1) * (samples * cnns**2).sum(axis=1)
        with np.errstate(invalid="ignore"):
            return np.asarray((samples * humans * cnns).sum(axis=1) / np.sqrt(squares))

    every = [np.full(n, 1 / n) for n in (n_samples, n_seeds)]
    rng = np.random.default_rng(0)
    drawn = [rng.multinomial(len(each), each, N_DRAWS) / len(each) for each in every]
    found = float(correlation(*(each[None] for each in every))[0])
    low, high = np.nanpercentile(correlation(*drawn), [2.5, 97.5])
    return Estimate(found, float(low), float(high), n_samples, n_diverged)


def _errors_of_cnns(result: xr.Dataset) -> tuple[NDArray[np.float64], int]:
    """Return which of the 400 samples each CNN errs on, (seeds, 400), and how many diverged."""
    cnn = result.sel(data="plain", model="CNN")
    n_diverged = int(cnn.diverged.sum())
    finite = cnn.isel(seed=~cnn.diverged.to_numpy())
    if not finite.sizes["seed"]:
        return np.zeros((0, len(TEST_INDEX))), n_diverged
    predictions = finite.test_prediction.sel(step=finite.early_stopped_step)
    wrong = (predictions != result.test_label).transpose("seed", "sample").to_numpy()
    return wrong[:, TEST_INDEX].astype(float), n_diverged


def cnn_errors_per_digit(result: xr.Dataset) -> np.ndarray:
    """CNN errors in per cent per digit as in Figure S1, shape (seeds, 10); NaN where diverged.

    After step 3000 (or the evaluation nearest to it), on test rows 0 to 499.
    """
    cnn = result.sel(data="plain", model="CNN").sel(step=FIGURE_STEP, method="nearest")
    labels = result.test_label[:FIGURE_SAMPLES]
    wrong = (100.0 * (cnn.test_prediction[:, :FIGURE_SAMPLES] != labels)).where(~cnn.diverged)
    return np.stack(
        [wrong[:, labels == digit].mean("sample", skipna=False) for digit in range(10)], axis=1
    )


def errors_per_digit(result: xr.Dataset) -> list[Estimate]:
    """Errors of the person in per cent per digit, over the samples of that digit."""
    correct = is_correct()
    labels = result.test_label.to_numpy()[TEST_INDEX]
    return [in_percent(estimate_proportion(~correct[labels == digit])) for digit in range(10)]


def same_hard_digits(result: xr.Dataset) -> Estimate:
    """Correlation over the digits of the person's and the CNN's rates of errors (Figure S1).

    The interval holds 95 % of the correlations (percentiles of a bootstrap) in which the samples of
    the figure, with the person's answers to them, and the seeds are drawn anew with replacement.
    """
    cnn = result.sel(data="plain", model="CNN").sel(step=FIGURE_STEP, method="nearest")
    finite = cnn.isel(seed=~cnn.diverged.to_numpy())
    n_diverged, n_seeds = int(cnn.diverged.sum()), finite.sizes["seed"]
    if not n_seeds:
        return EMPTY._replace(n_diverged=n_diverged)
    labels = result.test_label.to_numpy()[:FIGURE_SAMPLES]
    wrong = (finite.test_prediction.to_numpy()[:, :FIGURE_SAMPLES] != labels).astype(float)
    of_digit = (labels[:, None] == np.arange(10)).astype(float)
    answered = np.isin(np.arange(FIGURE_SAMPLES), TEST_INDEX)
    person = np.isin(np.arange(FIGURE_SAMPLES), list(ERRORS))

    def correlation(samples: NDArray[Any], seeds: NDArray[Any]) -> NDArray[np.float64]:
        """Correlate, given how often each sample (draws, samples) and each seed is drawn."""
        with np.errstate(divide="ignore", invalid="ignore"):
            humans = (samples * person) @ of_digit / ((samples * answered) @ of_digit)
            cnns = (samples * (seeds @ wrong / n_seeds)) @ of_digit / (samples @ of_digit)
            humans -= humans.mean(axis=1, keepdims=True)
            cnns -= cnns.mean(axis=1, keepdims=True)
            products = np.square(humans).sum(axis=1) * np.square(cnns).sum(axis=1)
            return (humans * cnns).sum(axis=1) / np.sqrt(products)

    rng = np.random.default_rng(0)
    samples = rng.multinomial(FIGURE_SAMPLES, np.full(FIGURE_SAMPLES, 1 / FIGURE_SAMPLES), N_DRAWS)
    seeds = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), N_DRAWS)
    found = correlation(np.ones((1, FIGURE_SAMPLES)), np.ones((1, n_seeds)))[0]
    if not np.isfinite(found):
        return EMPTY._replace(n_diverged=n_diverged)
    low, high = np.nanpercentile(correlation(samples, seeds), [2.5, 97.5])
    return Estimate(float(found), float(low), float(high), FIGURE_SAMPLES, n_diverged)
