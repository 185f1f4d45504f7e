"""The protocol of a comparison: data, tuning, final runs and measures, the same for all."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from mnist1d.dataset import Dataset, checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Float, Integer, OneOf, Seed, constrained
from mnist1d.dataset.presets import checked_config
from mnist1d.harness.interface import InputError
from mnist1d.harness.settings import SHIFTS, with_settings
from mnist1d.lab.candidates.contract import Schedule
from mnist1d.lab.statistics.plan import MARGIN, Plan, checked_pairs
from mnist1d.lab.statistics.yardsticks import TUNED

PUBLISHED = DatasetConfig()
"""The dataset of the paper."""

FIRST_TUNING_SEED = 10_000
"""The first of the seeds for tuning; final seeds are below."""

FEWEST_VALIDATION_SAMPLES = 500
"""With fewer, the standard error of an accuracy is two points or more, like many differences."""


_SeedCount = Annotated[int, Integer(1, FIRST_TUNING_SEED)]
_Rates = Annotated[tuple[float, ...], Each(Float(above=0), least=1, different=True)]
_ShiftNames = Annotated[tuple[str, ...], Each(OneOf(*SHIFTS), different=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Protocol:
    """The protocol of a comparison, the same for all candidates.

    Each candidate tries settings (learning rates, or its own search space) on `tuning_seeds` seeds.
    Those with the highest mean validation accuracy after the last step are chosen, or those that
    are the fastest (`chosen_by`). It then trains with them on `seeds` other seeds, and only these
    runs are evaluated on the test set.

    Attributes:
        data: the dataset, by its configuration (of a `Dataset` that was generated it is taken); the
            published one by default. Its `shifted_tests` are measured as well.
        validation_samples: size of the validation set, at least 500; generated like the dataset,
            and standardised with its constants.
        validation_seed: seed of the validation set, other than the data's.
        seeds: number of final runs; run s of every candidate has the same order of batches and the
            same data.
        tuning_seeds: number of runs per setting that is tried.
        learning_rates: the values to try of candidates without a search space.
        budget: largest number of settings that a candidate may try; None for the number of learning
            rates. From a larger search space this number is drawn.
        search_seed: seed of that draw.
        n_steps: updates per run.
        batch_size: samples per batch. Every epoch is shuffled, and its remainder, which is smaller
            than a batch, is left out.
        evaluate_every: steps between evaluations on the validation set; divides `n_steps`.
        target_accuracy: accuracy on the validation set, to which training steps are counted.
        chosen_by: what the tried settings are ranked by, on the validation set: "accuracy", the
            mean after the last step; or "steps", the number of tuning seeds that reach
            `target_accuracy`, then the mean number of steps to it, and where none does, accuracy.
        max_parameters: largest number of trained parameters, with any setting that is tried; other
            candidates fail, those without such a number among them. None for no limit.
        vary_data: whether every seed has its own training, validation and test sets.
        train_sizes: numbers of training samples at which the accuracy is measured, each at least
            `batch_size`; the first samples of the training set are used.
        shuffled: whether to train also on data with permuted positions, as in the paper's Table 1.
        shifts: names of shifted test sets.
        references: whether the four models of the paper are further rows: True for the published
            recipe (Adam at 0.01, nothing tuned), "tuned" for learning rates chosen as for every
            candidate.
        baseline: name of the candidate that every other one is compared with; without it, and
            without `pairs`, all candidates are compared with each other.
        pairs: pairs of names that are compared, in place of a baseline.
        margin: difference of test accuracies, in percentage points, that is too small to matter:
            candidates within it are called equivalent if the runs show it, and the table says how
            many seeds would find a difference as large.

    >>> Protocol(seeds=0)
    Traceback (most recent call last):
        ...
    ValueError: seeds must be from 1 to 10000, not 0
    """

    data: DatasetConfig = PUBLISHED
    validation_samples: int = 1000
    validation_seed: Seed = 1
    seeds: _SeedCount = 5
    tuning_seeds: _SeedCount = 3
    learning_rates: _Rates = (0.001, 0.003, 0.01, 0.03, 0.1)
    budget: Annotated[int, Integer(1, 10**6)] | None = None
    search_seed: Seed = 0
    n_steps: Count = 6000
    batch_size: Count = 100
    evaluate_every: Count = 100
    target_accuracy: Annotated[float, Float(above=0, most=1, noun="a fraction")] = 0.6
    chosen_by: Literal["accuracy", "steps"] = "accuracy"
    max_parameters: Annotated[int, Integer(1, 10**9)] | None = None
    vary_data: bool = False
    train_sizes: tuple[int, ...] = ()
    shuffled: bool = True
    shifts: _ShiftNames = tuple(SHIFTS)
    references: bool | Literal["tuned"] = True
    baseline: str | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    margin: Annotated[float, Float(above=0, most=100)] = MARGIN

    def __post_init__(self) -> None:
        self._check_data()
        if self.n_steps % self.evaluate_every:
            raise ValueError(
                f"evaluate_every must divide the {self.n_steps} steps, not {self.evaluate_every}; "
                f"evaluate_every={self.n_steps} evaluates once, after the last"
            )
        self._check_sizes()
        self._check_plan()
        own = {shift.name for shift in self.data.shifted_tests}
        if not own.isdisjoint(self.shifts):
            raise ValueError(
                "shifts must have none of the names of the data's shifted_tests, not "
                f"{checks.shown(self.shifts)}"
            )

    def _check_data(self) -> None:
        given: Any = self.data
        if isinstance(given, Dataset):
            self._set("data", _config_of(given))
        if checked_config("data", self.data).channel_axis:
            raise ValueError("data must have rows of points: channel_axis must be False")
        n = checks.integer("validation_samples", self.validation_samples, 1, 10**9)
        if n < FEWEST_VALIDATION_SAMPLES:
            error = 100 * math.sqrt(0.7 * 0.3 / n)
            raise ValueError(
                f"validation_samples must be at least {FEWEST_VALIDATION_SAMPLES}, not {n}: the "
                f"standard error of an accuracy of 70 % would be {error:.1f} points, too much to "
                "rank candidates by"
            )
        self._set("validation_samples", n)
        if self.validation_seed == self.data.seed:
            raise ValueError(
                f"validation_seed must differ from the data's seed, not {self.validation_seed}"
            )
        checks.integer("batch_size", self.batch_size, 1, self.data.n_train)

    def _check_sizes(self) -> None:
        wanted = f"different numbers from batch_size={self.batch_size} to {self.data.n_train}"
        sizes = checks.sequence("train_sizes", self.train_sizes, wanted)
        checked = tuple(
            checks.integer(f"train_sizes[{i}]", size, self.batch_size, self.data.n_train)
            for i, size in enumerate(sizes)
        )
        if len(set(checked)) < len(checked):
            raise ValueError(f"train_sizes must be {wanted}, not {checks.shown(checked)}")
        self._set("train_sizes", tuple(sorted(checked)))

    def _check_plan(self) -> None:
        if isinstance(self.references, str) and self.references != TUNED:
            given = checks.shown(self.references)
            raise ValueError(f'references must be True, False or "{TUNED}", not {given}')
        if self.references != TUNED:
            self._set("references", checks.truth("references", self.references))
        self._set("pairs", checked_pairs("pairs", self.pairs))
        if self.baseline is not None and not isinstance(self.baseline, str):
            raise ValueError(f"baseline must be a name, not {checks.shown(self.baseline)}")
        if self.baseline is not None and self.pairs:
            raise ValueError("pairs must be left out with a baseline, which gives the pairs")

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def schedule(self) -> Schedule:
        """How long every run trains."""
        return Schedule(self.n_steps, self.batch_size, self.evaluate_every)

    @property
    def n_tries(self) -> int:
        """The most settings that a candidate may try."""
        return len(self.learning_rates) if self.budget is None else self.budget

    @property
    def final_seeds(self) -> tuple[int, ...]:
        """Seeds of the runs that are evaluated on the test set."""
        return tuple(range(self.seeds))

    @property
    def seeds_of_tuning(self) -> tuple[int, ...]:
        """Seeds of the runs that choose settings; none of them is a final one."""
        return tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + self.tuning_seeds))

    @property
    def kinds(self) -> tuple[str | int, ...]:
        """What a final seed trains on: "full", "shuffled", or a number of training samples."""
        smaller = [size for size in self.train_sizes if size < self.data.n_train]
        return ("full", *(["shuffled"] if self.shuffled else []), *smaller)

    @property
    def plan(self) -> Plan:
        """Which candidates are compared."""
        return Plan(self.baseline, self.pairs, self.margin)

    @property
    def shift_names(self) -> tuple[str, ...]:
        """Names of all shifted test sets, those of the dataset last."""
        return (*self.shifts, *(shift.name for shift in self.data.shifted_tests))

    @property
    def _choice(self) -> str:
        if self.chosen_by == "accuracy":
            return "validation accuracy"
        return f"steps to {100 * self.target_accuracy:g} % validation accuracy"

    def lines(self, evaluated: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        """Return a description of the protocol in a few lines.

        Args:
            evaluated: what is evaluated of candidates that are not judged by their state after the
                last step, by name.

        >>> Protocol(seeds=3, shuffled=False, shifts=()).lines()[1]
        'Tuning: at most 5 settings each, on 3 seeds of their own, by validation accuracy.'
        """
        data = ", ".join(self.data.differences()) or "the published dataset"
        varied = "new for every seed" if self.vary_data else "the same for every seed"
        samples = (
            f"{self.data.n_train:,} training, {self.validation_samples:,} validation (generated) "
            f"and {self.data.n_test:,} test samples"
        )
        tuning = (
            f"at most {_many(self.n_tries, 'setting')} each, on "
            f"{_many(self.tuning_seeds, 'seed')} of their own, by {self._choice}"
        )
        final = (
            f"{_many(self.seeds, 'other seed')}, the same for every candidate; "
            f"{_many(self.n_steps, 'step')} of {_many(self.batch_size, 'sample')}, the state after "
            f"the last step{', unless it says otherwise below' if evaluated else ''}"
        )
        planned = f"{self.plan}; a difference below {_points(self.margin)} does not matter"
        return [
            f"Data: {data}, {varied}; {samples}.",
            f"Tuning: {tuning}.",
            f"Final: {final}.",
            f"Planned comparisons: {planned}.",
            *(f"{name} is evaluated by {text}." for name, text in evaluated.items()),
        ]


def as_protocol(given: Any) -> Protocol:
    """Return a protocol: what was given, or the default one with the values of a mapping.

    Args:
        given: a protocol, a mapping from its fields to values, or None.

    Raises: InputError: if it is neither, a mapping has a field that there is not (the nearest one
        is named), or a value that is not allowed.

    >>> as_protocol({"seeds": 3}).seeds
    3
    """
    if isinstance(given, Protocol):
        return given
    if given is None or (
        isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
    ):
        return with_settings(Protocol(), given or {})
    raise InputError(
        "the protocol must be a mnist1d.lab.Protocol or a mapping from its fields to values, such "
        f"as dict(seeds=3), not {checks.typed(given)}"
    )


def _config_of(data: Dataset) -> DatasetConfig:
    if generate(data.config) != data:
        raise ValueError(
            "data must be a DatasetConfig, or a Dataset with the samples that its configuration "
            "generates; this one has others"
        )
    return data.config


def _points(n: float) -> str:
    return f"{n:g} point" if n == 1 else f"{n:g} points"


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
