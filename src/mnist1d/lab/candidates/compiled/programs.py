"""Groups of runs that differ in numbers alone, and the compiled programs that train them."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PRNGKeyArray

from mnist1d.execution.numerics import number_settings
from mnist1d.lab.candidates.compiled.recipe import PAPER_RATE, Recipe
from mnist1d.lab.candidates.compiled.stacking import CHUNK, predict_runs, predictor, stack_runs
from mnist1d.lab.candidates.contract import Outcome, Run, Schedule, Sets
from mnist1d.lab.candidates.fingerprint import settings_text
from mnist1d.models import predict
from mnist1d.training import History, RunProgram, Training, accuracy, compile_runs
from mnist1d.training.stopping import Judged


class Group(NamedTuple):
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


class Program(NamedTuple):
    """The compiled functions of a group.

    Attributes:
        train: from initial models to trained ones.
        predict: from arrays of models and samples to classes.
    """

    train: RunProgram
    predict: Callable[[Any, ArrayLike], Array]


def groups_of(
    recipe: Recipe, source: str, runs: Sequence[Run], sets: Mapping[str, Sets]
) -> list[Group]:
    """Divide runs into groups that differ in numbers alone.

    Args:
        recipe: of the candidate.
        source: its source, which tells its programs from those of others.
        runs: the runs.
        sets: the samples of every name in `runs`.
    """
    divided: defaultdict[Any, list[int]] = defaultdict(list)
    known: dict[str, tuple[str, ...]] = {}
    for i, run in enumerate(runs):
        text = settings_text(run.settings)
        known[text] = traced = known[text] if text in known else recipe.traced(run.settings)
        fixed = {name: value for name, value in run.settings.items() if name not in traced}
        of_validation = sets[run.data].evaluated["validation"].shape
        divided[settings_text(fixed), traced, of_validation].append(i)
    groups = []
    for (text, traced, of_validation), numbers in divided.items():
        settings = {"learning_rate": PAPER_RATE, **runs[numbers[0]].settings}
        fixed = {name: value for name, value in settings.items() if name not in traced}
        make = recipe.made(fixed)
        models = {
            seed: eqx.partition(make(jax.random.key(seed)), eqx.is_array)
            for seed in dict.fromkeys(runs[i].seed for i in numbers)
        }
        n_train = max(len(sets[runs[i].data].x) for i in numbers)
        name = f"{source} {text} {traced} {of_validation} {n_train}"
        groups.append(Group(name, numbers, fixed, traced, models, n_train))
    return groups


def train_together(
    recipe: Recipe,
    programs: dict[str, Program],
    runs: Sequence[Run],
    n_together: int,
    group: Group,
    sets: Mapping[str, Sets],
    schedule: Schedule,
    on_step: Callable[[int], None],
    pass_on: Callable[[int, History], None],
) -> Iterator[Outcome]:
    """Train the runs of a group, or a part of them, as one program; yield their outcomes.

    Args:
        recipe: of the candidate.
        programs: compiled programs by name, to which a new one is added.
        runs: the runs, `n_together` or fewer.
        n_together: for how many runs the program is.
        group: what they share.
        sets: the samples of every name in `runs`.
        schedule: how long every run trains.
        on_step: called with the number of finished steps.
        pass_on: called with the step and what was recorded since the last call.
    """
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
    program, compile_seconds = _program(recipe, programs, group, models, data, keys, schedule)
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
    losses = np.asarray(trained.history.train_loss).reshape(len(padded), schedule.n_evaluations, -1)
    accuracies, steps = accuracies_and_steps(trained.history.metrics)
    for i in range(len(runs)):
        yield Outcome(
            validation_accuracy=np.asarray(accuracies[i]),
            predictions=predictions[i],
            train_loss=losses[i].mean(axis=-1),
            seconds=trained.run_seconds / len(padded),
            compile_seconds=compile_seconds / len(runs),
            cpu_seconds=cpu_seconds / len(padded),
            step=None if steps is None else int(steps[i, -1]),
        )


def accuracies_and_steps(metrics: Any) -> tuple[Any, Any]:
    """Return the accuracies that were recorded, and after how many steps, if not after the last.

    Both have a leading run axis.
    """
    return (metrics.metric, metrics.step) if isinstance(metrics, Judged) else (metrics, None)


def _program(
    recipe: Recipe,
    programs: dict[str, Program],
    group: Group,
    models: Any,
    data: Any,
    keys: Any,
    schedule: Schedule,
) -> tuple[Program, float]:
    """Return the program of a group, and the time of compilation, 0 if it is in the cache.

    Tuning and the final runs share programs.
    """
    name = f"{group.name} {len(keys)} {schedule} {number_settings()}"
    if name in programs:
        return programs[name], 0.0
    train = compile_runs(
        _training(recipe, group, schedule),
        models,
        data,
        keys=keys,
        data_axes=0,
        batched=jax.default_backend() != "cpu",
    )
    _, static = eqx.partition(models, eqx.is_array)
    programs[name] = Program(train, predictor(static))
    return programs[name], train.compile_seconds


def _training(recipe: Recipe, group: Group, schedule: Schedule) -> Training:
    fixed = group.fixed
    traced = dict.fromkeys(group.traced, PAPER_RATE)
    arrays, static = next(iter(group.models.values()))

    def batch(data: Any, step: Array, key: PRNGKeyArray) -> tuple[Array, Array]:
        rows = data["rows"][step]
        return recipe.augmented(data["x"][rows], key), data["y"][rows]

    def evaluate(model: Any, data: Any) -> Array:
        logits = predict(eqx.nn.inference_mode(model), data["validation"], chunk_size=CHUNK)
        return accuracy(logits, data["y_validation"])

    return Training(
        batch=batch,
        loss=recipe.batch_loss,
        optimizer=lambda data: recipe.optimizer_of_run(
            {**fixed, **data["numbers"]}, schedule.n_steps
        ),
        n_steps=schedule.n_steps,
        evaluate=evaluate,
        evaluate_every=schedule.evaluate_every,
        evaluate_first=schedule.evaluate_every - 1,
        evaluation_model=recipe.evaluated_by({**fixed, **traced}, eqx.combine(arrays, static)),
        patience=recipe.patience,
    )


def _stacked(models: Sequence[Any]) -> Any:
    """Stack the arrays of models along a leading run axis; the rest is that of the first model.

    On the host, as a device would compile a program per shape.
    """

    def stack(*leaves: Array) -> Any:
        is_key = jnp.issubdtype(leaves[0].dtype, jax.dtypes.prng_key)
        return jnp.stack(leaves) if is_key else np.stack([np.asarray(leaf) for leaf in leaves])

    stacked = map(stack, *map(jax.tree.leaves, models))
    return jax.tree.unflatten(jax.tree.structure(models[0]), stacked)
