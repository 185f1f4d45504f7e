"""Candidates in Equinox and Optax, which train many runs as one compiled program."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from mnist1d.dataset import checks
from mnist1d.execution.numerics import number_settings
from mnist1d.lab.candidates.checks import (
    are_equal,
    explained,
    has_state,
    varies_beyond_arrays,
)
from mnist1d.lab.candidates.contract import (
    CandidateError,
    OnEvaluation,
    Outcome,
    Run,
    RunSteps,
    Schedule,
    Sets,
)
from mnist1d.lab.candidates.evaluation import evaluated_by
from mnist1d.lab.candidates.fingerprint import settings_text, source_text
from mnist1d.lab.candidates.search_space import named_parameters, plain_values
from mnist1d.lab.candidates.stacking import CHUNK, predict_runs, predictor, stack_runs
from mnist1d.models import count_parameters, predict
from mnist1d.training import (
    History,
    RunProgram,
    Training,
    accuracy,
    compile_runs,
    cross_entropy,
)
from mnist1d.training.loop import update

PAPER_RATE = 0.01
"""Learning rate of a candidate whose search space has none: the paper's."""


_KEY_HINT = (
    "; a model whose call takes a key is given one while it trains: write "
    "`def __call__(self, x, key=None)`, and hand the key on to the layers that draw"
)


class _Group(NamedTuple):
    """Runs that share a compiled program: they differ in numbers alone.

    Attributes:
        name: identifies the program.
        runs: indices of the runs.
        fixed: settings that are the same for all.
        traced: names of the other settings.
        models: arrays and static part of the initial model, by seed.
        n_train: largest number of training samples.
    """

    name: str
    runs: Sequence[int]
    fixed: Mapping[str, Any]
    traced: tuple[str, ...]
    models: Mapping[int, tuple[Any, Any]]
    n_train: int


class _Program(NamedTuple):
    """The compiled functions of a group.

    Attributes:
        train: from initial models to trained ones.
        predict: from arrays of models and samples to classes.
    """

    train: RunProgram
    predict: Callable[[Any, ArrayLike], Array]


@dataclass(frozen=True)
class EquinoxCandidate:
    """A model in Equinox, with the optimiser, loss and augmentation that it trains with.

    Settings of the search space other than `learning_rate` are passed to the optimiser or the model
    that has an argument of that name: with `optimizer=optax.adamw`, `search={"learning_rate":
    (0.001, 0.01), "weight_decay": (0.0, 0.1)}`. Runs that differ in numbers of the optimiser, seed
    and data train as one compiled program, as do all learning rates.

    Args:
        make: `key -> model`, such as the class of the model. The model maps one example `(length,)`
            to logits `(classes,)`; with `batch_last = True`, also `(length, n)` to `(classes, n)`.
            A model whose call takes a `key` (for dropout) gets one while it trains, and predicts in
            `equinox.nn.inference_mode`.
        optimizer: `learning_rate -> optax transformation`, or a transformation, in which nothing is
            tuned.
        loss: `(logits, labels) -> scalar`, of shapes (n, classes) and (n,).
        augment: `(x, key) -> x`, of shape (batch, length), for every training batch.
        evaluation_model: `(model, optimizer state) -> model`, what is evaluated, such as the model
            with averaged weights; None for the model that is trained, or, with the optimisers
            `schedule_free` and `sam` of `optax.contrib`, for the one that they say.
        search: the values to try, by setting; None for the learning rates of the comparison. The
            learning rate of a search space without one is the paper's, 0.01.

    >>> from mnist1d.models import MLP
    >>> EquinoxCandidate(MLP, optax.sgd, search={"learning_rate": (0.1, 1.0)}).framework
    'Equinox'
    """

    make: Callable[..., Any]
    optimizer: Callable[..., optax.GradientTransformation] | optax.GradientTransformation = (
        optax.adam
    )
    loss: Callable[[Array, Array], Array] = cross_entropy
    augment: Callable[[Array, PRNGKeyArray], Array] | None = None
    evaluation_model: Callable[[Any, Any], Any] | None = None
    search: Mapping[str, Sequence[Any]] | None = None
    _programs: dict[str, _Program] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    framework: ClassVar[str] = "Equinox"

    def __getstate__(self) -> dict[str, Any]:
        """Leave out compiled programs, which other processes cannot run."""
        return {**self.__dict__, "_programs": {}}

    def __post_init__(self) -> None:
        object.__setattr__(self, "search", plain_values(self.search))
        optional = ("augment", "evaluation_model")
        for name in ("make", "loss", *optional):
            value = getattr(self, name)
            if not callable(value) and not (value is None and name in optional):
                raise TypeError(f"{name} must be a function, not {checks.typed(value)}")
        is_fixed = isinstance(self.optimizer, optax.GradientTransformation)
        if not is_fixed and not callable(self.optimizer):
            raise TypeError(
                "optimizer must be a function of the learning rate or an Optax transformation, not "
                f"{checks.typed(self.optimizer)}"
            )
        if is_fixed and self.search is None:
            object.__setattr__(self, "search", {})
        for name in self.search or {}:
            if name in named_parameters(self.make) and name != "key":
                continue
            if is_fixed or (
                name != "learning_rate" and name not in named_parameters(self.optimizer)
            ):
                raise ValueError(
                    f"search must have names of arguments of make or of optimizer, not {name!r}"
                )

    @property
    def untuned_rate(self) -> str:
        """The learning rate if the search space has none, as a text; empty if unknown."""
        return "" if isinstance(self.optimizer, optax.GradientTransformation) else f"{PAPER_RATE}"

    def source(self) -> str:
        """Return the source of model, optimiser, loss and augmentation, with their values."""
        names = ("make", "optimizer", "loss", "augment", "evaluation_model")
        parts = {name: getattr(self, name) for name in names}
        return "\n".join(f"{name}: {source_text(part)}" for name, part in parts.items())

    def check(self, sets: Sets, schedule: Schedule) -> int | None:
        """Make the model twice and trace a step; see `Candidate`."""
        settings = {name: values[0] for name, values in (self.search or {}).items()}
        length, n_classes = sets.x.shape[-1], sets.n_classes
        key = jax.random.key(0)
        with explained("to be made from a key"):
            model, again = (self._made(settings)(key) for _ in range(2))
            other = self._made(settings)(jax.random.key(1))
        if has_state(model):
            raise CandidateError(
                "the model was expected to be a function of its weights, and has layers with a "
                "state, such as eqx.nn.BatchNorm: these are not supported; eqx.nn.GroupNorm and "
                "LayerNorm are"
            )
        first, second = (jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (model, again))
        if len(first) != len(second) or not are_equal(first, second):
            raise CandidateError(
                "the model was expected to be the same twice with the same key, and was not: all "
                "its random numbers must come from the key"
            )
        if varies_beyond_arrays(model, again, other):
            raise CandidateError(
                "the model was expected to have the same shapes, numbers and settings with every "
                "key, and had others with another key: what is drawn must be in arrays, such as "
                "jnp.asarray(number)"
            )
        with explained(f"to map an example of shape ({length},) to logits ({n_classes},)"):
            shape = eqx.filter_eval_shape(
                lambda model, x: predict(eqx.nn.inference_mode(model), x), model, sets.x[:3]
            )
        got = getattr(shape, "shape", None)
        if got != (3, n_classes):
            text = f"shape {got[1:]}" if got and got[:1] == (3,) else f"{shape}"
            raise CandidateError(
                f"the model was expected to map an example of shape ({length},) to logits of shape "
                f"({n_classes},), and gave {text}"
            )
        with explained("to predict"):
            logits = [np.asarray(_predict_all(model, jnp.asarray(sets.x[:20]))) for _ in range(2)]
        if not np.isfinite(logits[0]).all():
            raise CandidateError(
                "the untrained model was expected to give finite logits, and gave "
                f"{logits[0][~np.isfinite(logits[0]).all(axis=1)][0]}"
            )
        if not np.array_equal(logits[0], logits[1]):
            raise CandidateError(
                "the model was expected to give the same logits twice for the same examples, and "
                "gave others"
            )
        hint = "" if _takes_key(model) else _KEY_HINT
        with jax.disable_jit(disable=False), explained("to take a training step", hint):
            self._evaluated_by({"learning_rate": PAPER_RATE, **settings}, model)
            one, other = (self._step(model, settings, sets, schedule) for _ in range(2))
            # Numbers that are drawn while a step is traced are part of its program. Programs may
            # also differ in names alone, so results are compared; most need not be compiled.
            if one.as_text() != other.as_text() and not are_equal(
                *(each.compile()(eqx.filter(model, eqx.is_inexact_array)) for each in (one, other))
            ):
                raise CandidateError(
                    "the training step was expected to be the same twice with the same key, and "
                    "was not: all random numbers of model, loss, augment and optimizer must come "
                    "from a key"
                )
        return count_parameters(model)

    def count(self, settings: Mapping[str, Any], sets: Sets) -> int | None:  # noqa: ARG002
        """Count the parameters that the model has with some settings."""
        make, key = self._made(settings), jax.random.key(0)
        try:
            return count_parameters(eqx.filter_eval_shape(make, key))
        except Exception:  # noqa: BLE001 (a model may ask for numbers that a trace does not have)
            return count_parameters(make(key))

    def train(
        self,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Callable[[int, int], None],
        on_evaluation: OnEvaluation | None = None,
    ) -> Iterator[tuple[int, Outcome]]:
        """Train runs, as many as possible in one program; see `Candidate`."""
        n_finished, steps = 0, RunSteps(len(runs), schedule, report)
        for group in self._groups(runs, sets):
            # On a CPU one run per core at a time: at least as fast as larger programs, and a run's
            # numbers do not depend on the other runs in its program.
            is_cpu = jax.default_backend() == "cpu"
            n_together = min(jax.device_count(), len(group.runs)) if is_cpu else len(group.runs)
            for start in range(0, len(group.runs), n_together):
                numbers = group.runs[start : start + n_together]
                some = [runs[i] for i in numbers]
                on_step = steps.after(n_finished, len(some))

                def pass_on(_: int, recorded: History, numbers: Sequence[int] = numbers) -> None:
                    if on_evaluation is None:
                        return
                    for i, number in enumerate(numbers):
                        loss = np.mean(recorded.train_loss[i])
                        on_evaluation(number, float(recorded.metrics[i]), float(loss))

                outcomes = self._train_together(
                    some, n_together, group, sets, schedule, on_step, pass_on
                )
                n_finished += len(some)
                yield from zip(numbers, outcomes, strict=True)

    def _groups(self, runs: Sequence[Run], sets: Mapping[str, Sets]) -> list[_Group]:
        """Divide runs into groups that differ in numbers alone."""
        divided: defaultdict[Any, list[int]] = defaultdict(list)
        known: dict[str, tuple[str, ...]] = {}
        source = self.source()
        for i, run in enumerate(runs):
            text = settings_text(run.settings)
            known[text] = traced = known[text] if text in known else self._traced(run.settings)
            fixed = {name: value for name, value in run.settings.items() if name not in traced}
            of_validation = sets[run.data].evaluated["validation"].shape
            divided[settings_text(fixed), traced, of_validation].append(i)
        groups = []
        for (text, traced, of_validation), numbers in divided.items():
            settings = {"learning_rate": PAPER_RATE, **runs[numbers[0]].settings}
            fixed = {name: value for name, value in settings.items() if name not in traced}
            make = self._made(fixed)
            models = {
                seed: eqx.partition(make(jax.random.key(seed)), eqx.is_array)
                for seed in dict.fromkeys(runs[i].seed for i in numbers)
            }
            n_train = max(len(sets[runs[i].data].x) for i in numbers)
            name = f"{source} {text} {traced} {of_validation} {n_train}"
            groups.append(_Group(name, numbers, fixed, traced, models, n_train))
        return groups

    def _traced(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Name the settings that the compiled program can take as numbers, those of the optimiser.

        Some schedules branch on the value of a rate, and so need a program per value.
        """
        of_model = named_parameters(self.make)
        numbers = {
            name: float(value)
            for name, value in {"learning_rate": PAPER_RATE, **settings}.items()
            if isinstance(value, float | np.floating) and name not in of_model
        }
        fixed = {name: value for name, value in settings.items() if name not in numbers}

        def start(numbers: Mapping[str, Array], key: PRNGKeyArray) -> Any:
            transformation = self._transformation({**fixed, **numbers})
            weights = eqx.filter(self._made(fixed)(key), eqx.is_inexact_array)
            state = transformation.init(weights)
            nothing = jnp.zeros(())
            return update(transformation, (weights, state, weights), nothing, lambda _: nothing)

        try:
            traced = {name: jnp.float32(value) for name, value in numbers.items()}
            jax.eval_shape(start, traced, jax.random.key(0))
        except Exception:  # noqa: BLE001 (it branches on the rate; training raises all other errors)
            return ()
        return tuple(sorted(numbers))

    def _train_together(
        self,
        runs: Sequence[Run],
        n_together: int,
        group: _Group,
        sets: Mapping[str, Sets],
        schedule: Schedule,
        on_step: Callable[[int], None],
        pass_on: Callable[[int, History], None],
    ) -> Iterator[Outcome]:
        # The last runs may be fewer than the program trains.
        padded = [*runs, *[runs[-1]] * (n_together - len(runs))]
        parts = [group.models[run.seed] for run in padded]
        # Everything that is no array is the same for all: `check` made sure of it.
        models = eqx.combine(_stacked([arrays for arrays, _ in parts]), parts[0][1])
        numbers = {
            name: np.array(
                [{"learning_rate": PAPER_RATE, **run.settings}[name] for run in padded], np.float32
            )
            for name in group.traced
        }
        data = stack_runs(padded, sets, schedule, numbers, group.n_train)
        # Other keys than those of weights and batches.
        keys = jax.vmap(lambda seed: jax.random.fold_in(jax.random.key(seed), 1))(
            jnp.asarray([run.seed for run in padded], jnp.uint32)
        )
        program, compile_seconds = self._program(group, models, data, keys, schedule)
        cpu_start = time.process_time()
        trained = program.train(
            models,
            data,
            keys=keys,
            report=lambda done, _: on_step(done),
            on_evaluation=pass_on,
        )
        cpu_seconds = time.process_time() - cpu_start
        arrays, _ = eqx.partition(trained.models, eqx.is_array)
        predictions = predict_runs(program.predict, arrays, [sets[run.data] for run in padded])
        losses = np.asarray(trained.history.train_loss).reshape(
            len(padded), schedule.n_evaluations, -1
        )
        for i in range(len(runs)):
            yield Outcome(
                validation_accuracy=np.asarray(trained.history.metrics[i]),
                predictions=predictions[i],
                train_loss=losses[i].mean(axis=-1),
                seconds=trained.run_seconds / len(padded),
                compile_seconds=compile_seconds / len(runs),
                cpu_seconds=cpu_seconds / len(padded),
            )

    def _program(
        self, group: _Group, models: Any, data: Any, keys: Any, schedule: Schedule
    ) -> tuple[_Program, float]:
        """Return the program of a group, and the time of compilation, 0 if it is in the cache.

        Tuning and the final runs share programs.
        """
        name = f"{group.name} {len(keys)} {schedule} {number_settings()}"
        if name in self._programs:
            return self._programs[name], 0.0
        train = compile_runs(
            self._training(group, schedule),
            models,
            data,
            keys=keys,
            data_axes=0,
            batched=jax.default_backend() != "cpu",
        )
        _, static = eqx.partition(models, eqx.is_array)
        self._programs[name] = _Program(train, predictor(static))
        return self._programs[name], train.compile_seconds

    def _training(self, group: _Group, schedule: Schedule) -> Training:
        fixed = group.fixed
        traced = dict.fromkeys(group.traced, PAPER_RATE)
        arrays, static = next(iter(group.models.values()))

        def batch(data: Any, step: Array, key: PRNGKeyArray) -> tuple[Array, Array]:
            rows = data["rows"][step]
            x, y = data["x"][rows], data["y"][rows]
            return (x if self.augment is None else self.augment(x, key)), y

        def loss(model: Any, batch: tuple[Array, Array], key: PRNGKeyArray) -> Array:
            x, y = batch
            return self.loss(_logits_in_training(model, x, key), y)

        def evaluate(model: Any, data: Any) -> Array:
            logits = predict(eqx.nn.inference_mode(model), data["validation"], chunk_size=CHUNK)
            return accuracy(logits, data["y_validation"])

        return Training(
            batch=batch,
            loss=loss,
            optimizer=lambda data: self._transformation({**fixed, **data["numbers"]}),
            n_steps=schedule.n_steps,
            evaluate=evaluate,
            evaluate_every=schedule.evaluate_every,
            evaluate_first=schedule.evaluate_every - 1,
            evaluation_model=self._evaluated_by({**fixed, **traced}, eqx.combine(arrays, static)),
        )

    def _evaluated_by(
        self, settings: Mapping[str, Any], model: Any
    ) -> Callable[[Any, Any], Any] | None:
        if self.evaluation_model is not None:
            return self.evaluation_model
        return evaluated_by(self._transformation(settings), model)

    def _step(
        self, model: Any, settings: Mapping[str, Any], sets: Sets, schedule: Schedule
    ) -> jax.stages.Lowered:
        """Trace a training step: parameters to their updates."""
        x = jnp.asarray(sets.x[: schedule.batch_size])
        y, key = jnp.asarray(sets.y[: schedule.batch_size], jnp.int32), jax.random.key(0)
        if self.augment is not None:
            shape = jax.eval_shape(self.augment, x, key)
            if getattr(shape, "shape", None) != x.shape:
                raise CandidateError(
                    f"augment was expected to give the shape {x.shape} that it was given, and gave "
                    f"{getattr(shape, 'shape', shape)}"
                )
        parameters, rest = eqx.partition(model, eqx.is_inexact_array)
        transformation = self._transformation({"learning_rate": PAPER_RATE, **settings})

        def step(parameters: Any) -> Any:
            batch = x if self.augment is None else self.augment(x, key)

            def loss(parameters: Any) -> Array:
                model = eqx.combine(parameters, rest)
                return self.loss(_logits_in_training(model, batch, key), y)

            value, gradient = jax.value_and_grad(loss)(parameters)
            state = transformation.init(parameters)
            return update(transformation, (gradient, state, parameters), value, loss)

        return jax.jit(step).lower(parameters)

    def _made(self, settings: Mapping[str, Any]) -> Callable[[PRNGKeyArray], Any]:
        """Return `key -> model` with those settings that are arguments of the model."""
        named = named_parameters(self.make)
        own = {name: value for name, value in settings.items() if name in named and name != "key"}
        if "key" in named:
            return lambda key: self.make(key=key, **own)
        return lambda key: self.make(key, **own)

    def _transformation(self, settings: Mapping[str, Any]) -> optax.GradientTransformation:
        if isinstance(self.optimizer, optax.GradientTransformation):
            return self.optimizer
        of_model = named_parameters(self.make)
        own = {name: value for name, value in settings.items() if name not in of_model}
        return self.optimizer(own.pop("learning_rate"), **own)


def _stacked(models: Sequence[Any]) -> Any:
    """Stack the arrays of models along a leading run axis; the rest is that of the first model.

    On the host, as a device would compile a program per shape.
    """

    def stack(*leaves: Array) -> Any:
        is_key = jnp.issubdtype(leaves[0].dtype, jax.dtypes.prng_key)
        return jnp.stack(leaves) if is_key else np.stack([np.asarray(leaf) for leaf in leaves])

    stacked = map(stack, *map(jax.tree.leaves, models))
    return jax.tree.unflatten(jax.tree.structure(models[0]), stacked)


@eqx.filter_jit
def _predict_all(model: Any, x: Array) -> Array:
    return predict(eqx.nn.inference_mode(model), x)


def _takes_key(model: Any) -> bool:
    return "key" in named_parameters(type(model).__call__)


def _logits_in_training(model: Any, x: Array, key: PRNGKeyArray) -> Array:
    if not _takes_key(model):
        return predict(model, x)
    if getattr(model, "batch_last", False):
        return model(x.T, key=key).T
    return jax.vmap(lambda x, key: model(x, key=key))(x, jax.random.split(key, len(x)))
