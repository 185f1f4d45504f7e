"""The training loop: a run is a pure function of its model, data and key.

`Training` describes a run, and `train` executes one; `mnist1d.training.runs` compiles many runs as
one program.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from mnist1d.training.stateful import Stateful, state_of, trained_part, with_parts
from mnist1d.training.stopping import Best, first, judged, with_evaluation


@dataclass(frozen=True, kw_only=True)
class Training:
    """The description of a training run.

    All functions are pure and get the model, the data (any pytree) and the key of one run. Every
    inexact array of a model is trained; masks, being boolean arrays, are not, nor is the state of a
    `Stateful` model.

    Attributes:
        batch: `(data, step, key) -> batch`, any pytree; draws fresh data, views or rows.
        loss: `(model, batch, key) -> scalar`, minimised; `-> (scalar, new state)` if the model is a
            `Stateful`.
        optimizer: an Optax transformation, fresh in every run; or `data -> transformation`, for
            runs of one program whose rates differ. One that needs the loss of the step's batch, as
            `optax.lbfgs` does, is given it (`update`).
        n_steps: number of updates, at least 1.
        evaluate: `(model, data) -> pytree of arrays`, inside the compiled program.
        evaluate_optimizer: whether `evaluate` is given the optimiser's state as a third argument.
        evaluate_every: evaluate after the steps 0, k, 2k, ... with the already updated model
            (the published rule); 0 for once, after the last step.
        evaluate_first: step of the first evaluation, below `n_steps`; the others follow every k
            steps from there.
        evaluate_at: the steps after which to evaluate, rising and below `n_steps`, in place of
            every k; as for curves over the logarithm of steps (`schedules.even_in_log`).
        evaluation_model: `(model, optimizer state) -> model`, what is evaluated and returned, such
            as the model with averaged weights; None for the model that is trained. It gets and
            returns the trained part of a `Stateful` model.
        patience: number of evaluations in a row without a higher metric after which a run ends;
            `evaluate` must return a scalar. What is returned is the model of the best evaluation,
            metrics are `mnist1d.training.stopping.Judged`, and losses of steps that are not done
            are NaN. None to do all steps, and return the last model. Source: Prechelt (1998),
            Early Stopping - But When?
    """

    batch: Callable[[Any, Int[Array, ""], PRNGKeyArray], Any]
    loss: Callable[[Any, Any, PRNGKeyArray], Any]
    optimizer: optax.GradientTransformation | Callable[[Any], optax.GradientTransformation]
    n_steps: int
    evaluate: Callable[..., Any]
    evaluate_optimizer: bool = False
    evaluate_every: int = 0
    evaluate_first: int = 0
    evaluate_at: tuple[int, ...] = ()
    evaluation_model: Callable[[Any, Any], Any] | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            raise ValueError(f"n_steps must be at least 1, got {self.n_steps}")
        if self.evaluate_every < 0:
            raise ValueError(f"evaluate_every must be at least 0, got {self.evaluate_every}")
        if not 0 <= self.evaluate_first < self.n_steps:
            raise ValueError(
                f"evaluate_first must be from 0 to {self.n_steps - 1}, got {self.evaluate_first}"
            )
        if self.evaluate_at:
            self._check_evaluate_at()
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1, got {self.patience}")

    def _check_evaluate_at(self) -> None:
        if self.evaluate_every or self.evaluate_first:
            raise ValueError("evaluate_at goes without evaluate_every and evaluate_first")
        steps = self.evaluate_at
        if list(steps) != sorted(set(steps)) or not 0 <= steps[0] <= steps[-1] < self.n_steps:
            raise ValueError(
                f"evaluate_at must be rising steps from 0 to {self.n_steps - 1}, got {steps}"
            )

    @property
    def evaluation_steps(self) -> np.ndarray:
        """Index of the step after which each evaluation happens, shape (evaluations,)."""
        if self.evaluate_at:
            return np.array(self.evaluate_at)
        if self.evaluate_every == 0:
            return np.array([self.n_steps - 1])
        return np.arange(self.evaluate_first, self.n_steps, self.evaluate_every)


class History(NamedTuple):
    """The losses and metrics that a run recorded.

    Attributes:
        train_loss: loss of each step's batch before its update, shape (*runs, n_steps).
        metrics: what `evaluate` returned, leaves of shape (*runs, evaluations, ...).
    """

    train_loss: Array | np.ndarray
    metrics: Any


class State(NamedTuple):
    """The arrays of a run that change from step to step.

    Attributes:
        arrays: the array leaves of the model, as `equinox.partition` leaves them.
        optimizer_state: Optax's.
        best: the best model so far, with early stopping.
    """

    arrays: Any
    optimizer_state: Any
    best: Best | None = None


def train(training: Training, model: Any, data: Any, *, key: PRNGKeyArray) -> tuple[Any, History]:
    """Train one model: a pure function, to be jitted and mapped.

    Args:
        training: describes the run.
        model: the initial model.
        data: any pytree, passed to `training.batch` and `training.evaluate`.
        key: for random batches and losses.

    Returns: the model after the last step (`training.evaluation_model`), and the history.

    >>> from mnist1d.models import Logistic, predict
    >>> from mnist1d.training import cross_entropy
    >>> data = (jnp.eye(40), jnp.arange(40) % 10)
    >>> training = Training(
    ...     batch=lambda data, step, key: data,
    ...     loss=lambda model, batch, key: cross_entropy(predict(model, batch[0]), batch[1]),
    ...     evaluate=lambda model, data: cross_entropy(predict(model, data[0]), data[1]),
    ...     optimizer=optax.adam(0.1), n_steps=100,
    ... )
    >>> start = Logistic(key=jax.random.key(0))
    >>> model, history = train(training, start, data, key=jax.random.key(1))
    >>> bool(history.metrics[0] < 0.1 * history.train_loss[0])
    True
    """
    arrays, static = eqx.partition(model, eqx.is_array)
    starts, stops = segments(training)
    longest = int((stops - starts).max())
    state = begin(training, arrays, data)
    bounds = jnp.stack([jnp.asarray(starts), jnp.asarray(stops)], axis=1)
    state, losses, metrics = run_segments(training, static, longest, state, data, key, bounds)
    metrics = jax.tree.map(lambda leaf: leaf[: len(training.evaluation_steps)], metrics)
    losses = jnp.concatenate([losses[i, :n] for i, n in enumerate(stops - starts)])
    return eqx.combine(final_arrays(training, static, state), static), History(losses, metrics)


def segments(training: Training) -> tuple[np.ndarray, np.ndarray]:
    """Return the first, and one past the last, step of every segment that ends in an evaluation.

    Steps after the last evaluation are a segment of their own, whose evaluation is dropped. Both
    arrays are integers of shape (segments,).
    """
    stops = training.evaluation_steps + 1
    if stops[-1] != training.n_steps:
        stops = np.append(stops, training.n_steps)
    return np.append(0, stops[:-1]).astype(np.int32), stops.astype(np.int32)


def begin(training: Training, arrays: Any, data: Any) -> State:
    """Return the state of a run before its first step."""
    optimizer = _optimizer_of(training, data)
    optimizer_state = optimizer.init(eqx.filter(trained_part(arrays), eqx.is_inexact_array))
    return State(arrays, optimizer_state, None if training.patience is None else first(arrays))


def run_segments(
    training: Training,
    static: Any,
    longest: int,
    state: State,
    data: Any,
    key: PRNGKeyArray,
    bounds: Int[Array, "segments 2"],
) -> tuple[State, Float[Array, "segments longest"], Any]:
    """Run segments one after the other, each some steps and then an evaluation.

    The bounds are traced, so that segments of any length up to `longest` share one compiled
    program; they are the same for all runs, so each loop stays one loop under `jax.vmap`.

    Args:
        training: describes the run.
        static: the part of the model that holds no arrays.
        longest: size of the array of losses of a segment.
        state: the state before the first segment.
        data: passed to `training.batch` and `training.evaluate`.
        key: the run's key; step i draws from `fold_in(key, i)`, for any division into segments.
        bounds: index of the first step of each segment, and one past the last.

    Returns: the new state; the losses of the steps of every segment, the rest of each row being 0;
        the results of `training.evaluate` after each.
    """
    optimizer = _optimizer_of(training, data)
    is_stateful = isinstance(state.arrays, Stateful)

    def run_segment(state: State, bounds: Int[Array, "2"]) -> tuple[State, Any]:
        start, stop = bounds
        parameters, frozen = eqx.partition(trained_part(state.arrays), eqx.is_inexact_array)

        def arrays_of(parameters: Any, carried: Any) -> Any:
            return with_parts(state.arrays, eqx.combine(parameters, frozen), carried)

        def loss_of(
            parameters: Any, carried: Any, batch: Any, key: PRNGKeyArray
        ) -> tuple[Float[Array, ""], Any]:
            found = training.loss(eqx.combine(arrays_of(parameters, carried), static), batch, key)
            return found if is_stateful else (found, None)

        def take_step(step: Int[Array, ""], carry: tuple[Any, Any, Any, Array]) -> Any:
            parameters, carried, optimizer_state, losses = carry
            batch_key, loss_key = jax.random.split(jax.random.fold_in(key, step))
            batch = training.batch(data, step, batch_key)
            before = carried
            (loss, carried), gradient = jax.value_and_grad(loss_of, has_aux=True)(
                parameters, before, batch, loss_key
            )
            updates, optimizer_state = update(
                optimizer,
                (gradient, optimizer_state, parameters),
                loss,
                lambda parameters: loss_of(parameters, before, batch, loss_key)[0],
            )
            parameters = optax.apply_updates(parameters, updates)
            loss = loss.astype(losses.dtype)  # the model may be of another type
            losses = jax.lax.dynamic_update_index_in_dim(losses, loss, step - start, 0)
            return parameters, carried, optimizer_state, losses

        carry = (parameters, state_of(state.arrays), state.optimizer_state, jnp.zeros(longest))
        carry = jax.lax.fori_loop(start, stop, take_step, carry)
        parameters, carried, optimizer_state, losses = carry
        best, state = state.best, State(arrays_of(parameters, carried), optimizer_state)
        arrays = _evaluated_arrays(training, static, state)
        more = (optimizer_state,) if training.evaluate_optimizer else ()
        metrics = training.evaluate(eqx.combine(arrays, static), data, *more)
        if best is None:
            return state, (losses, metrics)
        best = with_evaluation(best, arrays, metrics, stop)
        return state._replace(best=best), (losses, judged(best))

    def run_or_rest(state: State, bounds: Int[Array, "2"]) -> tuple[State, Any]:
        best: Any = state.best
        nothing = jnp.full(longest, jnp.nan), judged(best)
        has_ended = best.since >= training.patience
        return jax.lax.cond(has_ended, lambda *_: (state, nothing), run_segment, state, bounds)

    segment = run_segment if training.patience is None else run_or_rest
    state, (losses, metrics) = jax.lax.scan(segment, state, bounds)
    return state, losses, metrics


def final_arrays(training: Training, static: Any, state: State) -> Any:
    """Return the arrays of the model that a run returns."""
    if state.best is not None:
        return state.best.arrays
    return _evaluated_arrays(training, static, state)


def _evaluated_arrays(training: Training, static: Any, state: State) -> Any:
    if training.evaluation_model is None:
        return state.arrays
    whole = eqx.combine(state.arrays, static)
    model = training.evaluation_model(trained_part(whole), state.optimizer_state)
    return eqx.filter(with_parts(whole, model, state_of(whole)), eqx.is_array)


def update(
    optimizer: optax.GradientTransformation,
    arguments: tuple[Any, Any, Any],
    value: Float[Array, ""],
    loss: Callable[[Any], Float[Array, ""]],
) -> tuple[Any, Any]:
    """Make a step of an optimiser, which may need more than a gradient: the loss, say.

    Args:
        optimizer: an Optax transformation.
        arguments: gradient, the optimiser's state and parameters.
        value: the loss of the batch.
        loss: `parameters -> loss` of the same batch, for those that search along a line.

    Returns: updates, and the new state.
    """
    more: dict[str, Any] = {
        "value": value,
        "grad": arguments[0],
        "value_fn": loss,
        "obj_fn": loss,
        "grad_fn": lambda parameters, _: jax.grad(loss)(parameters),
    }
    errors = []
    for names in _NEEDS:
        try:
            return optimizer.update(*arguments, **{name: more[name] for name in names})
        except (TypeError, ValueError) as error:  # which it raises for want of one
            errors.append(error)
    raise errors[0]


_NEEDS = ((), ("value",), ("value", "grad", "value_fn"), ("obj_fn",), ("grad_fn",))
"""What optimisers of Optax need beyond a gradient, by name."""


def _optimizer_of(training: Training, data: Any) -> optax.GradientTransformation:
    if isinstance(training.optimizer, optax.GradientTransformation):
        return training.optimizer
    return training.optimizer(data)
