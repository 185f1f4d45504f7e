"""A small protocol, and a candidate that takes no time."""

import functools

import numpy as np
import pytest

pytest.importorskip("xarray", reason="the laboratory is not installed")

import mnist1d
from mnist1d.lab.candidates.contract import Outcome
from mnist1d.lab.comparison.protocol import Protocol

SMALL = mnist1d.DatasetConfig(train=400, test=200)
QUICK = Protocol(
    data=SMALL,
    validation_samples=500,
    seeds=2,
    tuning_seeds=2,
    learning_rates=(0.001, 0.01, 0.1),
    n_steps=20,
    evaluate_every=10,
    shuffled=False,
    shifts=(),
    references=False,
)


@functools.cache
def labels_by_signal():
    """Return the label of every signal of the protocol, shifted and shuffled ones included."""
    known = {}
    dataset = mnist1d.generate(SMALL.replace(shifted_tests={"noise": {"iid_noise_scale": 0.1}}))
    validation = mnist1d.fresh_samples(dataset, 500, seed=1)
    parts = dataset.parts | {"validation": validation}
    for samples, labels in parts.values():
        known |= {x.astype(np.float32).tobytes(): y for x, y in zip(samples, labels, strict=True)}
        shuffled = samples[:, np.random.RandomState(42).permutation(40)].astype(np.float32)
        known |= {x.tobytes(): y for x, y in zip(shuffled, labels, strict=True)}
    return known


class Oracle:
    """Knows all labels, and is right as often as its learning rate and seed say.

    Args:
        right: `(learning rate, seed) -> fraction`, of the samples at the front that are right.
    """

    framework = "function"

    def __init__(self, right, search=None, text="an oracle", fail_at=None):
        self.right, self.search, self.text, self.fail_at = right, search, text, fail_at
        self.done = []

    def source(self):
        return self.text

    def check(self, sets, schedule):  # noqa: ARG002
        return 7

    def train(self, runs, sets, schedule, report):  # noqa: ARG002
        known = labels_by_signal()
        for i, run in enumerate(runs):
            if self.fail_at is not None and run.seed == self.fail_at:
                raise RuntimeError("out of luck")
            self.done.append((dict(run.settings), run.seed, set(sets[run.data].evaluated)))
            rate = self.right(run.settings.get("learning_rate"), run.seed)
            predictions = {}
            for name, x in sets[run.data].evaluated.items():
                classes = np.array([known[row.tobytes()] for row in x])
                wrong = np.arange(len(x)) >= round(rate * len(x))
                predictions[name] = np.where(wrong, (classes + 1) % 10, classes)
            curve = np.linspace(0, rate, schedule.n_evaluations + 1)[1:]
            yield i, Outcome(curve, predictions, np.ones(schedule.n_evaluations), 0.5)

    @property
    def tuned(self):
        return [each for each in self.done if each[1] >= 10_000]

    @property
    def final(self):
        return [each for each in self.done if each[1] < 10_000]

    @staticmethod
    def best_at(best):
        """Return accuracies that fall off around the best rate, on a log scale."""
        return lambda rate, seed: 0.9 - 0.1 * abs(np.log10(rate / best)) + 0.01 * (seed % 10)


@pytest.fixture(scope="session")
def oracle():
    """Return the type of a candidate that knows all labels."""
    return Oracle


@pytest.fixture(scope="session")
def quick():
    """Return a small protocol."""
    return QUICK
