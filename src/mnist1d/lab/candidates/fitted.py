"""Candidates with a fit of their own: estimators of scikit-learn, and training functions."""

import copy
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import jax
import numpy as np

from mnist1d.dataset.imports import required
from mnist1d.lab.candidates.checks import as_predicted, describe_error, few_of
from mnist1d.lab.candidates.contract import CandidateError, Outcome, Run, RunSteps, Schedule, Sets
from mnist1d.lab.candidates.fingerprint import source_text
from mnist1d.lab.candidates.search_space import (
    LEARNING_RATE,
    check_search,
    default_rate,
    first_values,
    named,
    needs,
    plain_values,
)

Predict = Callable[[np.ndarray], Any]
"""From signals (n, length) to classes (n,) or logits (n, classes)."""

Fit = Callable[[Run, Sets, Schedule], Predict]


@dataclass(frozen=True)
class SklearnCandidate:
    """A classifier of scikit-learn, or anything with `fit` and `predict`.

    Every run fits a clone, or a copy of what cannot be cloned. Every `random_state`, also of steps
    of a pipeline, is set to the run's seed, and so are the global generators of Python, NumPy and
    PyTorch during the fit. `fit` gets signals (n, length), float32, and classes (n,), int64. An
    estimator has no steps: it trains until its own `fit` ends.

    Attributes:
        estimator: an estimator, or a function without arguments that makes one.
        search: values to try, by the name that `set_params` takes, such as `{"svc__C": [1, 10]}`.
            Nothing is tuned if omitted.

    Raises:
        TypeError: if `estimator` is neither.
        ValueError: if `search` has a setting that the estimator does not have, or no value of one.

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> candidate = SklearnCandidate(KNeighborsClassifier(), search={"n_neighbors": [1, 5, 25]})
    >>> x, y = np.eye(40, dtype=np.float32), np.arange(40) % 10
    >>> sets = {"published": Sets(x, y, {"train": x, "validation": x}, y)}
    >>> run = Run({"n_neighbors": 1}, seed=0, data="published")
    >>> ((_, outcome),) = candidate.train([run], sets, Schedule(), lambda done, total: None)
    >>> outcome.validation_accuracy
    array([1.])
    """

    estimator: Any
    _: KW_ONLY
    search: Mapping[str, Sequence[Any]] | None = None
    framework: ClassVar[str] = "scikit-learn"
    side_by_side: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "search", plain_values(self.search) or {})
        if self._is_made():
            if not callable(self.estimator):
                raise TypeError(
                    "estimator must have fit and predict, or be a function that makes one, "
                    f"got {self.estimator!r}"
                )
        elif not hasattr(self.estimator, "get_params"):
            if self.search:
                raise ValueError(
                    f"search needs an estimator with get_params and set_params, which "
                    f"{type(self.estimator).__name__} lacks"
                )
        elif unknown := set(self.search or {}) - set(self.estimator.get_params()):
            raise ValueError(
                f"search has {', '.join(sorted(unknown))}, which the estimator does not have; "
                f"it has {', '.join(sorted(self.estimator.get_params()))}"
            )
        check_search(self.search, {"estimator": lambda **_: None})

    def source(self) -> str:
        """Return the text of the estimator, with all of its parameters."""
        # As every run begins: without what it may have learned.
        estimator = self.estimator if self._is_made() else self._unfitted()
        return source_text({"estimator": estimator})

    def check(self, sets: Sets, schedule: Schedule) -> None:
        """Try the candidate on a few samples; see `mnist1d.lab.candidates.contract.Candidate`."""
        run = Run(first_values(self.search), seed=0, data="")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that few samples are few
            _check(self._fit, run, sets, schedule)

    def count(self, settings: Mapping[str, Any], sets: Sets) -> None:
        """Count nothing: what is learned need not be a number of parameters."""

    def train(
        self,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Callable[[int, int], None],
    ) -> Iterator[tuple[int, Outcome]]:
        """Train, one run after the other; see `mnist1d.lab.candidates.contract.Candidate`."""
        return _train(self._fit, runs, sets, schedule, report)

    def _fit(self, run: Run, sets: Sets, schedule: Schedule) -> Predict:  # noqa: ARG002
        with _seeded(run.seed):
            estimator = self._unfitted()
            if hasattr(estimator, "get_params"):
                estimator.set_params(**run.settings)
                # Settings first: one of them may be a whole step of a pipeline.
                names = [n for n in estimator.get_params() if n.split("__")[-1] == "random_state"]
                estimator.set_params(**dict.fromkeys(names, run.seed))
            elif hasattr(estimator, "random_state"):
                estimator.random_state = run.seed
            estimator.fit(sets.x.copy(), _labels(sets.y))
        return estimator.predict

    def _is_made(self) -> bool:
        """Tell whether the estimator is something that makes one."""
        return isinstance(self.estimator, type) or not fits_and_predicts(self.estimator)

    def _unfitted(self) -> Any:
        """Return an estimator of its own for a run."""
        if not self._is_made():
            try:
                return required("sklearn.base", extra="lab").clone(self.estimator)
            except (TypeError, RuntimeError):  # made outside scikit-learn, by other rules
                return copy.deepcopy(self.estimator)
        made = self.estimator()
        if not fits_and_predicts(made):
            missing = [name for name in _METHODS if not hasattr(made, name)]
            raise CandidateError(
                f"expected a classifier with fit and predict, got {type(made).__name__}, "
                f"which lacks {' and '.join(missing)}"
            )
        return made


_METHODS = ("fit", "predict")


def fits_and_predicts(given: Any) -> bool:
    """Tell whether an object, or a class, has `fit` and `predict`.

    >>> from sklearn.ensemble import StackingClassifier
    >>> fits_and_predicts(StackingClassifier([])), fits_and_predicts(np)
    (True, False)
    """
    # Some of scikit-learn's have `predict` only when they are fitted; their class always has it.
    return all(hasattr(given, name) or hasattr(type(given), name) for name in _METHODS)


_GENERATORS = threading.RLock()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global generators, and put them back afterwards; other threads wait."""
    torch = sys.modules.get("torch")  # a function that draws from it has imported it
    with _GENERATORS, ExitStack() as stack:
        stack.callback(random.setstate, random.getstate())
        stack.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002
        if torch is not None:
            n_devices = torch.cuda.device_count() if torch.cuda.is_initialized() else 0
            stack.enter_context(torch.random.fork_rng(devices=range(n_devices)))
            torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        yield


def _labels(y: np.ndarray) -> np.ndarray:
    """Return a copy of labels in the type that PyTorch expects, which is also `load().y`'s."""
    return y.astype(np.int64)


_OFFERED = ("seed", "x_validation", "y_validation", "schedule")
"""Arguments that a training function gets by name, if it has them."""


@dataclass(frozen=True)
class FunctionCandidate:
    """A training function of your own, which learns from samples and then predicts.

    Attributes:
        function: `(x, y, *, seed, x_validation, y_validation, **settings) -> predict`, where
            `predict` maps signals (n, length) to classes (n,) or logits (n, classes). `x` is of
            shape (n, length), float32, `y` of shape (n,), int64. Of the arguments by name it gets
            those that it has; also `schedule`, the number of steps of other candidates.
        search: values to try, by setting. If omitted, a function with a parameter `learning_rate`
            gets the comparison's learning rates, any other is not tuned.

    Raises:
        TypeError: if `function` is none.
        ValueError: if `search` has a setting that the function does not take or gets anyway, or no
            value of one.

    >>> def nearest_mean(x, y):
    ...     means = np.array([x[y == label].mean(axis=0) for label in range(10)])
    ...     return lambda new: -((new[:, None] - means) ** 2).sum(axis=2)
    >>> x, y = np.eye(40, dtype=np.float32), np.arange(40) % 10
    >>> sets = {"published": Sets(x, y, {"train": x, "validation": x}, y)}
    >>> runs = [Run({}, seed=0, data="published")]
    >>> candidate = FunctionCandidate(nearest_mean)
    >>> ((_, outcome),) = candidate.train(runs, sets, Schedule(), lambda done, total: None)
    >>> outcome.validation_accuracy
    array([1.])
    """

    function: Callable[..., Predict]
    _: KW_ONLY
    search: Mapping[str, Sequence[Any]] | None = None
    framework: ClassVar[str] = "function"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function must be a function, got {self.function!r}")
        object.__setattr__(self, "search", plain_values(self.search))
        if self.search is None and not named(self.function, LEARNING_RATE):
            object.__setattr__(self, "search", {})
        check_search(self.search, {"function": self.function})
        for name in self.search or {}:
            if name in _OFFERED:
                raise ValueError(f"search has {name}, which the comparison gives to the function")

    @property
    def side_by_side(self) -> bool:
        """Whether runs may train next to each other: not if there is a GPU, which they may use."""
        torch = sys.modules.get("torch")
        return jax.default_backend() == "cpu" and not (torch and torch.cuda.is_available())

    @property
    def untuned_rate(self) -> str:
        """The learning rate if the search space has none, as a text; empty if there is none."""
        rate = default_rate(self.function)
        return "" if rate is None else f"{rate}"

    def source(self) -> str:
        """Return the text of the function."""
        return source_text({"function": self.function})

    def check(self, sets: Sets, schedule: Schedule) -> None:
        """Try the candidate on a few samples; see `mnist1d.lab.candidates.contract.Candidate`."""
        needs_rate = needs(self.function, LEARNING_RATE)
        if needs_rate and self.search is not None and LEARNING_RATE not in self.search:
            raise CandidateError(
                f"function needs {LEARNING_RATE}, expected it in search, got a search of "
                f"{', '.join(self.search) or 'nothing'}; a default of the argument would do, too"
            )
        _check(self._fit, Run(first_values(self.search), seed=0, data=""), sets, schedule)

    def count(self, settings: Mapping[str, Any], sets: Sets) -> None:
        """Count nothing: what is learned need not be a number of parameters."""

    def train(
        self,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Callable[[int, int], None],
    ) -> Iterator[tuple[int, Outcome]]:
        """Train, one run after the other; see `mnist1d.lab.candidates.contract.Candidate`."""
        return _train(self._fit, runs, sets, schedule, report)

    def _fit(self, run: Run, sets: Sets, schedule: Schedule) -> Predict:
        x_validation, y_validation = sets.evaluated["validation"].copy(), _labels(sets.y_validation)
        values = (run.seed, x_validation, y_validation, schedule)
        offered = dict(zip(_OFFERED, values, strict=True))
        taken = {name: value for name, value in offered.items() if named(self.function, name)}
        # Copies, as a function may standardise its samples in place.
        predict = self.function(sets.x.copy(), _labels(sets.y), **taken, **run.settings)
        if not callable(predict):
            raise CandidateError(
                "expected a function that predicts, (n, length) to classes (n,) or logits "
                f"(n, classes), got {type(predict).__name__}"
                f"{'; return its method predict' if hasattr(predict, 'predict') else ''}"
            )
        return predict


def _check(fit: Fit, run: Run, sets: Sets, schedule: Schedule) -> None:
    """Check that predictions are valid, and the same if fitted twice."""
    few, short = few_of(sets, schedule)
    x = few.evaluated["validation"]
    try:
        first, second = (_predicted(fit, run, few, short, x) for _ in range(2))
    except CandidateError:
        # A few samples or steps may be too few for a candidate that works.
        first, second = (_predicted(fit, run, sets, schedule, x) for _ in range(2))
    n_different = int((first != second).sum())
    if n_different:
        raise CandidateError(
            f"it is not the same twice with the same seed: {n_different} of {len(x)} predictions "
            "differ; all draws must come from the seed that it is given"
        )


def _predicted(fit: Fit, run: Run, sets: Sets, schedule: Schedule, x: np.ndarray) -> np.ndarray:
    """Fit, and return the classes predicted for some signals."""
    try:
        output = fit(run, sets, schedule)(x.copy())
    except CandidateError:
        raise
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise CandidateError(
            f"it raised with {len(sets.x)} samples of shape {sets.x.shape[1:]}: "
            f"{describe_error(error)}"
        ) from error
    predicted = as_predicted(output, len(x), sets.n_classes)
    if not predicted.finite:
        raise CandidateError("expected finite logits, got values that are not")
    return predicted.classes


def _train(
    fit: Fit,
    runs: Sequence[Run],
    sets: Mapping[str, Sets],
    schedule: Schedule,
    report: Callable[[int, int], None],
) -> Iterator[tuple[int, Outcome]]:
    steps = RunSteps(len(runs), schedule, report)
    for number, run in enumerate(runs):
        own = sets[run.data]
        start, cpu_start, finite = time.perf_counter(), time.process_time(), True
        predictions = {}
        try:
            predict = fit(run, own, schedule)
            for name, x in own.evaluated.items():
                predicted = as_predicted(predict(x.copy()), len(x), own.n_classes)
                predictions[name], finite = predicted.classes, finite and predicted.finite
        except (Exception, SystemExit) as error:  # a user's function may raise anything
            settings = ", ".join(f"{name} {value}" for name, value in run.settings.items())
            text = str(error) if isinstance(error, CandidateError) else describe_error(error)
            raise CandidateError(
                f"it failed with seed {run.seed} and {settings or 'no settings'}: {text}"
            ) from error
        correct = (predictions["validation"] == own.y_validation).mean()
        yield (
            number,
            Outcome(
                np.array([correct if finite else np.nan]),
                predictions,
                np.array([np.nan]),
                time.perf_counter() - start,
                cpu_seconds=time.process_time() - cpu_start,
            ),
        )
        steps.after(number)(schedule.n_steps)
