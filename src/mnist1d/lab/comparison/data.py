"""The data sets of a comparison, and which of them each run uses."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, Self

import numpy as np

from mnist1d.dataset import Dataset, fresh_samples, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.variants import fixed_order
from mnist1d.harness.settings import SHIFTS
from mnist1d.lab.candidates.contract import Sets
from mnist1d.lab.comparison.protocol import Protocol

SHUFFLED = "shuffled_classification"
"""The order of positions in the shuffled data of the paper's Table 1."""


class Variant(NamedTuple):
    """The samples of a run.

    Attributes:
        draw: the seed of the dataset if every seed has its own; None for one dataset of all seeds.
        final: whether test sets are predicted; they are not in tuning.
        shuffled: whether positions are permuted.
        size: number of training samples; None for all.
    """

    draw: int | None = None
    final: bool = False
    shuffled: bool = False
    size: int | None = None

    @property
    def name(self) -> str:
        """The variant as a text."""
        return json.dumps(self)

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the variant of a name.

        >>> Variant.named(Variant(draw=3, final=True).name)
        Variant(draw=3, final=True, shuffled=False, size=None)
        """
        return cls(*json.loads(name))


class DataSets:
    """The samples of a protocol, generated when they are needed, and cached.

    Args:
        protocol: the protocol of the comparison.

    >>> sets = DataSets(Protocol(shuffled=False, shifts=())).sets(Variant(final=True))
    >>> sets.x.shape, sorted(sets.evaluated)
    ((4000, 40), ['test', 'train', 'validation'])
    """

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.sets = cache(self._make)
        self._datasets = cache(self._generate)
        self._seeded = cache(self._with_seeds)

    def tuning_variant(self, seed: int) -> Variant:
        """Return the variant of a seed of the tuning: its own data, or those of all seeds."""
        return Variant(seed if self.protocol.vary_data else None)

    def final_variant(self, seed: int, kind: str | int) -> Variant:
        """Return the variant of a final seed.

        Args:
            seed: of the run.
            kind: "full", "shuffled", or a number of training samples.
        """
        full = self.tuning_variant(seed)._replace(final=True)
        if isinstance(kind, int):
            return full._replace(size=kind)
        return full._replace(shuffled=kind == "shuffled")

    def _make(self, variant: Variant) -> Sets:
        protocol = self.protocol
        dataset, x_validation, y_validation = self._datasets(variant.draw)
        x, y = dataset.x[: variant.size], dataset.y[: variant.size]
        evaluated = {"validation": x_validation, "train": x}
        if variant.final:
            evaluated["test"] = dataset.x_test
            if not variant.shuffled and variant.size is None:
                evaluated |= {name: dataset.shifted_tests[name].x for name in protocol.shift_names}
        order: Any = slice(None)
        if variant.shuffled:
            order = fixed_order(protocol.data.replace(positions=SHUFFLED))

        def form(signals: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(signals[:, order], np.float32)

        return Sets(
            x=form(x),
            y=y.astype(np.int64),
            evaluated={name: form(signals) for name, signals in evaluated.items()},
            y_validation=y_validation.astype(np.int64),
            n_classes=protocol.data.n_classes,
        )

    def labels(self, variant: Variant) -> dict[str, np.ndarray]:
        """Return the labels of all sets that a run of a variant predicts."""
        dataset, _, y_validation = self._datasets(variant.draw)
        labels = {name: samples.y for name, samples in dataset.shifted_tests.items()}
        labels |= {
            "validation": y_validation,
            "train": dataset.y[: variant.size],
            "test": dataset.y_test,
        }
        return {name: labels[name] for name in self.sets(variant).evaluated}

    def key(self, variant: Variant) -> dict[str, Any]:
        """Return the key that determines the samples of a variant, in the types of JSON."""
        config, validation_seed = self._seeded(variant.draw)
        if not set(self.protocol.shift_names) & set(self.sets(variant).evaluated):
            config = config.replace(shifted_tests={})
        return {
            "config": config.to_dict(),
            "validation": [self.protocol.validation_samples, validation_seed],
            **variant._asdict(),
        }

    def _generate(self, draw: int | None) -> tuple[Dataset, np.ndarray, np.ndarray]:
        config, validation_seed = self._seeded(draw)
        dataset = generate(config)
        n = self.protocol.validation_samples
        return (dataset, *fresh_samples(dataset, n, seed=validation_seed))

    def _with_seeds(self, draw: int | None) -> tuple[DatasetConfig, int]:
        """Return the configuration and the seed of validation samples of a seed's own data."""
        protocol = self.protocol
        config = protocol.data
        shifts: dict[str, Mapping[str, Any]] = {name: SHIFTS[name] for name in protocol.shifts}
        shifts |= {shift.name: shift.changes for shift in config.shifted_tests}
        config = config.replace(shifted_tests=shifts)
        if draw is None:
            return config, protocol.validation_seed
        seeds = np.random.SeedSequence([config.seed, protocol.validation_seed, draw])
        seed, validation_seed = (int(each) for each in seeds.generate_state(2))
        return config.replace(seed=seed), validation_seed
