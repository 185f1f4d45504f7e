"""People in the explorer's test, beside the paper's human expert: their answers in a result.

The files come to `mnist1d reproduce classification --human FILE...`, which adds the answers to the
result; the claims about them are judged where there are any. Every answer is a trial of its own in
the intervals, also where several people answered the same sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.classification.answers import DATA, Test
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.margins import PERSON_ACCURACY
from mnist1d.harness.verdicts.rules import Equals, Positive
from mnist1d.measures.expressions import EMPTY
from mnist1d.measures.uncertainty import (
    Estimate,
    estimate_proportion,
    in_percent,
    paired_difference,
)

if TYPE_CHECKING:
    import xarray as xr

PREFIX = "people_"
"""Start of the names of the variables with answers."""


def with_people(result: xr.Dataset, tests: Sequence[Test]) -> xr.Dataset:
    """Add the answers of people to a result.

    Args:
        result: of the experiment, on the published data.
        tests: what `answers.read_answers` read.

    Returns: a copy with, for each of "plain" and "shuffled" that was answered, `people_DATA` (the
        answer of every trial), `people_DATA_sample` (its row of the test set) and
        `people_DATA_person` (a number per person), over a dimension `people_DATA_trial`.
    """
    people = {name: number for number, name in enumerate(dict.fromkeys(t.person for t in tests))}
    added = {}
    for data in DATA:
        chosen = [test for test in tests if test.data == data]
        if chosen:
            name, dim = f"{PREFIX}{data}", f"{PREFIX}{data}_trial"
            persons = [np.full(len(test.answer), people[test.person]) for test in chosen]
            added[name] = (dim, np.concatenate([test.answer for test in chosen]))
            samples = np.concatenate([test.sample for test in chosen])
            added[f"{name}_sample"] = (dim, samples.astype(np.int16))
            added[f"{name}_person"] = (dim, np.concatenate(persons).astype(np.int16))
    return result.assign(added)


def _is_correct(result: xr.Dataset, data: str) -> tuple[np.ndarray, np.ndarray]:
    """Return which answers are right, and the rows of the test set that they are to."""
    samples = result[f"{PREFIX}{data}_sample"].to_numpy().astype(np.int64)
    labels = result.test_label.to_numpy()[samples]
    return result[f"{PREFIX}{data}"].to_numpy() == labels, samples


def accuracy(result: xr.Dataset, data: str) -> Estimate:
    """Accuracy of people in per cent, with Wilson's interval over answers."""
    return in_percent(estimate_proportion(_is_correct(result, data)[0]))


def minus_cnn(result: xr.Dataset) -> Estimate:
    """Difference of people's accuracy and the CNNs' on the same samples, in percentage points."""
    cnn = result.sel(data="plain", model="CNN")
    n_diverged = int(cnn.diverged.sum())
    finite = cnn.isel(seed=~cnn.diverged.to_numpy())
    if not finite.sizes["seed"]:
        return EMPTY._replace(n_diverged=n_diverged)
    predictions = finite.test_prediction.sel(step=finite.early_stopped_step)
    right = (predictions == result.test_label).mean("seed").to_numpy()
    correct, samples = _is_correct(result, "plain")
    difference = paired_difference(100.0 * correct, 100.0 * right[samples])
    return difference._replace(n_diverged=n_diverged)


CLAIMS = (
    *(
        Claim(
            f"test-accuracy-{data}-people",
            f"People on MNIST-1D, {data}, from files of answers: test accuracy (%), every answer a "
            "trial",
            "Table 1",
            rule,
            partial(accuracy, data=data),
            needs=f"{PREFIX}{data}",
        )
        for data, rule in (
            ("plain", Equals(96, PERSON_ACCURACY, sd=1, n=5)),
            ("shuffled", Equals(30, PERSON_ACCURACY, sd=10)),
        )
    ),
    Claim(
        "people-beat-cnn",
        "People are better than the CNN on the samples that they answered, paired by answer "
        "(percentage points)",
        "Sections 2 and 4",
        Positive(2),
        minus_cnn,
        needs=f"{PREFIX}plain",
    ),
)
"""Claims about people, judged where a result has their answers."""


def rows(result: xr.Dataset, data: str, group: str, column: str) -> list[Row]:
    """Return the row of the table with people's accuracy, where there are answers."""
    if f"{PREFIX}{data}" not in result:
        return []
    return [Row(group, "People", {column: accuracy(result, data)}, f"test-accuracy-{data}-people")]
