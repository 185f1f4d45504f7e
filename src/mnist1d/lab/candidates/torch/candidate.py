"""A candidate in PyTorch: the model, and what it trains with."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, ClassVar, TypeAlias

import numpy as np

from mnist1d.dataset.imports import required
from mnist1d.lab.candidates.averaging import EMA, SWA, check_patience, evaluated_text
from mnist1d.lab.candidates.checks import describe_error, few_of
from mnist1d.lab.candidates.contract import (
    CandidateError,
    OnEvaluation,
    Outcome,
    Run,
    RunSteps,
    Schedule,
    Sets,
    batch_order,
)
from mnist1d.lab.candidates.fingerprint import source_text
from mnist1d.lab.candidates.search_space import (
    LEARNING_RATE,
    check_search,
    default_rate,
    first_values,
    named_parameters,
    needs,
    own_settings,
    plain_values,
)
from mnist1d.lab.candidates.torch.best import BestModel, averaged_by
from mnist1d.lab.candidates.torch.check import check_output, check_same
from mnist1d.lab.candidates.torch.prediction import (
    Data,
    accuracy_of,
    checked_device,
    logits_of,
    seeded,
)
from mnist1d.lab.candidates.torch.updates import Update, evaluation_weights, training_weights

torch = required("torch", extra="torch")

# A type checker must not need PyTorch.
Tensor: TypeAlias = Any
Module: TypeAlias = Any

_OPTIONAL = ("augment", "schedule", "average")


@dataclass(frozen=True)
class TorchCandidate:
    """A PyTorch model, trained by PyTorch on the same batches as every other candidate.

    The initial weights of seed s are those of `make()` after `torch.manual_seed(s)`. The global
    random state is restored afterwards. Everything runs on the GPU if there is one.

    Settings of the search space are passed to the functions that have an argument of that name,
    such as `hidden_size` to `make`; the learning rate is the second argument of `optimizer`.

    Attributes:
        make: a subclass of `nn.Module` or a function without arguments; returns a new model at
            every call, which maps signals (batch, length), float32, to logits (batch, classes).
        optimizer: `(parameters, learning_rate) -> torch.optim.Optimizer`, or a class of
            `torch.optim`. One whose step needs a closure (LBFGS, SAM) gets one that evaluates the
            loss of the batch again.
        loss: `(logits, labels) -> scalar`.
        augment: `x -> x`, applied to every training batch (batch, length); may draw from PyTorch's
            generator.
        schedule: `(optimizer, n_steps) -> scheduler` of the learning rate, stepped after every
            update, such as `torch.optim.lr_scheduler.CosineAnnealingLR`; `ReduceLROnPlateau` is
            stepped after every evaluation, with the loss on the validation set.
        average: `EMA(decay)` or `SWA(start)`, or `model -> model`, with the averaged weights of the
            one that is trained, such as `torch.optim.swa_utils.AveragedModel`; its
            `update_parameters(model)` is called after every update, and it is evaluated in place of
            the model. Optimizers with methods `eval` and `train`, as those of schedulefree, are
            switched without it.
        search: values to try, by setting; None for the comparison's learning rates.
        device: name of PyTorch's device, "cpu" or "cuda" (of one GPU "cuda:1"); None for the GPU if
            there is one.
        patience: number of evaluations in a row without a higher validation accuracy after which a
            run ends; what is tested is then the model with the highest one. None to train all
            steps, and test the last model.

    Raises:
        TypeError: if `make` or another function is not callable.
        ValueError: if `search` has a setting that no function takes, or no value of one.

    >>> from torch import nn
    >>> candidate = TorchCandidate(lambda: nn.Linear(40, 10), optimizer=torch.optim.SGD)
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(400, 40)).astype(np.float32), np.arange(400) % 10
    >>> sets = Sets(x, y, {"train": x, "validation": x}, y)
    >>> candidate.check(sets, Schedule())
    410
    """

    make: Callable[..., Module]
    optimizer: Callable[..., Any] = torch.optim.Adam
    _: KW_ONLY
    loss: Callable[..., Tensor] = torch.nn.functional.cross_entropy
    augment: Callable[..., Tensor] | None = None
    schedule: Callable[[Any, int], Any] | None = None
    average: Callable[..., Module] | EMA | SWA | None = None
    search: Mapping[str, Sequence[Any]] | None = None
    device: str | None = None
    patience: int | None = None
    framework: ClassVar[str] = "PyTorch"

    def __post_init__(self) -> None:
        object.__setattr__(self, "search", plain_values(self.search))
        if isinstance(self.make, torch.nn.Module):
            raise TypeError(
                "make must give a new model for every run, got one model: "
                f"write TorchCandidate(lambda: {type(self.make).__name__}(...))"
            )
        object.__setattr__(self, "device", checked_device(self.device))
        check_patience(self.patience)
        parts = self._functions()
        for name, part in parts.items():
            if not callable(part) and not (part is None and name in _OPTIONAL):
                raise TypeError(f"{name} must be a function, got {part!r}")
        check_search(self.search, {name: parts[name] for name in parts if name != "schedule"})

    @property
    def side_by_side(self) -> bool:
        """Whether runs may train next to each other: on cores, and not on a GPU that all share."""
        return self._device() == "cpu"

    @property
    def evaluated(self) -> str:
        """What of a run is evaluated; empty if it is the model after the last step."""
        return evaluated_text(self.average, self.patience)

    @property
    def untuned_rate(self) -> str:
        """The learning rate if the search space has none, as a text; empty if it is tuned."""
        # By the name that the optimizer has for it, such as `lr`.
        if set(named_parameters(self.optimizer)[1:2]) & set(self.search or {}):
            return ""
        rate = default_rate(self.optimizer, 1)
        return "the optimizer's own" if rate is None else f"{rate}"

    def source(self) -> str:
        """Return the text of all functions."""
        # Later fields have no line without a value, so that stored runs are still found.
        more = {} if self.patience is None else {"patience": self.patience}
        return source_text(self._parts() | more)

    def check(self, sets: Sets, schedule: Schedule) -> int:
        """Try the candidate on a few samples; see `mnist1d.lab.candidates.contract.Candidate`."""
        few, short = few_of(sets, schedule)
        run = Run(first_values(self.search), seed=0, data="")
        data = self._as_tensors(few)
        with seeded(0, self._device()):
            model = self._model(run, data.x)
            check_output(model, self._bound(self.loss, run), data, sets.n_classes)
            if model is self.make(**own_settings(self.make, self._others(run))):
                raise CandidateError(
                    "make must give a new model for every run, but gave the same one twice"
                )
        order = self._order(len(few.x), short, seed=0)
        first, second = (
            self._run(run, data, order, short, lambda *_: None, of_steps=schedule.n_steps)
            for _ in range(2)
        )
        check_same(first, second, self._device())
        return _count(model)

    def count(self, settings: Mapping[str, Any], sets: Sets) -> int:
        """Count the parameters that the model has with some settings."""
        few, _ = few_of(sets, Schedule())
        with seeded(0, self._device()):
            return _count(self._model(Run(settings, 0, ""), self._as_tensors(few).x))

    def train(
        self,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Callable[[int, int], None],
        on_evaluation: OnEvaluation | None = None,
    ) -> Iterator[tuple[int, Outcome]]:
        """Train, one run after the other; see `mnist1d.lab.candidates.contract.Candidate`."""
        steps = RunSteps(len(runs), schedule, report)
        data = {name: self._as_tensors(sets[name]) for name in {run.data for run in runs}}
        orders: dict[tuple[int, int], Tensor] = {}  # all settings share the order of a seed
        for number, run in enumerate(runs):
            n = len(data[run.data].x)
            if (n, run.seed) not in orders:
                orders[n, run.seed] = self._order(n, schedule, run.seed)

            def on_evaluated(
                done: int,
                accuracy: Tensor,
                loss: Tensor,
                number: int = number,
            ) -> None:
                steps.after(number)(done)
                if on_evaluation is not None:
                    on_evaluation(number, accuracy.item(), loss.item())

            order = orders[n, run.seed]
            yield number, self._run(run, data[run.data], order, schedule, on_evaluated)

    def _run(
        self,
        run: Run,
        data: Data,
        order: Tensor,
        schedule: Schedule,
        on_evaluated: Callable[[int, Tensor, Tensor], None],
        of_steps: int | None = None,
    ) -> Outcome:
        """Train one model, for a whole schedule or the first steps of one of `of_steps`."""
        start, cpu_start = time.perf_counter(), time.process_time()
        done = 0
        losses: list[Tensor] = []
        accuracies: list[Tensor] = []
        parts = self._functions(of_steps or schedule.n_steps)
        names = ("loss", "augment", "average")
        loss_of, augment, average = (self._bound(parts[name], run) for name in names)
        with seeded(run.seed, self._device()):
            try:
                model = self._model(run, data.x)
                optimizer = self._optimizer(model, run)
                n_steps = of_steps or schedule.n_steps
                scheduler = self.schedule(optimizer, n_steps) if self.schedule else None
                # As that of ReduceLROnPlateau.
                by_loss = scheduler is not None and needs(scheduler.step, "metrics")
                update = Update(optimizer)
                averaged = None if average is None else average(model)
                evaluated = model if averaged is None else averaged
                model.train()
                training_weights(optimizer)
                best = BestModel(self.patience)
                for first in range(0, schedule.n_steps, schedule.evaluate_every):
                    recent = []
                    for rows in order[first : first + schedule.evaluate_every]:
                        x, y = data.x[rows], data.y[rows]
                        x = x if augment is None else augment(x)
                        recent.append(update(partial(_loss, loss_of, model, x, y)))
                        if averaged is not None:
                            averaged.update_parameters(model)
                        if scheduler is not None and not by_loss:
                            scheduler.step()
                        done += 1
                    losses.append(torch.stack(recent).mean())
                    with evaluation_weights(optimizer):
                        logits = logits_of(evaluated, data.evaluated["validation"])
                    accuracies.append(accuracy_of(logits, data.y_validation))
                    if scheduler is not None and by_loss:
                        scheduler.step(loss_of(logits, data.y_validation).item())
                    accuracies[-1] = best.after(evaluated, accuracies[-1], done, optimizer)
                    on_evaluated(done, accuracies[-1], losses[-1])
                    if best.has_ended:
                        break
                with evaluation_weights(optimizer):
                    best.restore(evaluated)
                    predictions = {
                        name: logits_of(evaluated, x).argmax(dim=1).cpu().numpy()
                        for name, x in data.evaluated.items()
                    }
                return Outcome(
                    _curve(accuracies, schedule, accuracies[-1].item()),
                    predictions,
                    _curve(losses, schedule, np.nan),
                    time.perf_counter() - start,
                    cpu_seconds=time.process_time() - cpu_start,
                    step=best.step,
                )
            except (Exception, SystemExit) as error:  # a user's model may raise anything
                raise CandidateError(
                    f"it raised, after {done} of {schedule.n_steps} steps with seed {run.seed} and "
                    f"{_shown(run.settings)}: {describe_error(error)}"
                ) from error

    def _model(self, run: Run, x: Tensor) -> Module:
        model = self.make(**own_settings(self.make, self._others(run)))
        if not isinstance(model, torch.nn.Module):
            raise CandidateError(f"make must give a torch.nn.Module, got {type(model).__name__}")
        model = model.to(self._device())
        lazy = torch.nn.parameter.UninitializedParameter
        if any(isinstance(each, lazy) for each in model.parameters()):
            with torch.no_grad():
                model(x[:2])  # initialises its lazy layers
        return model

    def _optimizer(self, model: Module, run: Run) -> Any:
        rate = [run.settings[LEARNING_RATE]] if LEARNING_RATE in run.settings else []
        settings = own_settings(self.optimizer, self._others(run))
        return self.optimizer(model.parameters(), *rate, **settings)

    def _bound(self, function: Callable[..., Any] | None, run: Run) -> Any:
        """Bind a function's settings; without any, return the function itself, which is faster."""
        if function is None or not (settings := own_settings(function, self._others(run))):
            return function
        return lambda *arguments: function(*arguments, **settings)

    def _others(self, run: Run) -> dict[str, Any]:
        return {name: value for name, value in run.settings.items() if name != LEARNING_RATE}

    def _parts(self) -> dict[str, Any]:
        names = ("make", "optimizer", "loss", *_OPTIONAL)
        return {name: getattr(self, name) for name in names}

    def _functions(self, n_steps: int = 1) -> dict[str, Any]:
        """Return the parts, with an average over so many steps as a function."""
        parts = self._parts()
        if isinstance(self.average, EMA | SWA):
            parts["average"] = averaged_by(self.average.shares(n_steps))
        return parts

    def _device(self) -> str:
        return self.device or ("cuda" if torch.cuda.is_available() else "cpu")

    def _order(self, n: int, schedule: Schedule, seed: int) -> Tensor:
        order = batch_order(n, schedule, seed).astype(np.int64)
        return torch.from_numpy(order).to(self._device())

    def _as_tensors(self, sets: Sets) -> Data:
        def tensor(array: np.ndarray, dtype: Any) -> Tensor:
            return torch.tensor(array, dtype=dtype, device=self._device())

        return Data(
            tensor(sets.x, torch.float32),
            tensor(sets.y, torch.int64),
            {name: tensor(x, torch.float32) for name, x in sets.evaluated.items()},
            tensor(sets.y_validation, torch.int64),
        )


def _curve(values: Sequence[Tensor], schedule: Schedule, rest: float) -> np.ndarray:
    """Return the values of all evaluations, those after the end of a run being `rest`."""
    known = torch.stack(list(values)).cpu().numpy().astype(np.float64)
    return np.append(known, np.full(schedule.n_evaluations - len(known), rest))


def _loss(loss_of: Callable[..., Tensor], model: Module, x: Tensor, y: Tensor) -> Tensor:
    return loss_of(model(x), y)


def _count(model: Module) -> int:
    return sum(each.numel() for each in model.parameters() if each.requires_grad)


def _shown(settings: Mapping[str, Any]) -> str:
    shown = [f"{name} {value}" for name, value in settings.items()]
    return ", ".join(shown) or "no settings"
