"""Training of a network at several learning rates, and how far its activations move at first."""

from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from mnist1d.dataset import generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.learning_rate_transfer.config import ADAM, LAYERS, Config
from mnist1d.measures.representations import representations
from mnist1d.models import MLP, predict
from mnist1d.models.layers import draw_layers
from mnist1d.training import Data, Programs, Training, accuracy, as_data, cross_entropy
from mnist1d.training.parametrisation import MAXIMAL_UPDATE, STANDARD, Parametrisation, scale_by

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

N_TEST = 1000
N_CHECKED = 100
"""Test samples whose activations are compared."""

BATCHED_UP_TO = 128
"""Width up to which all rates take their steps together; wider networks make full use of a core."""

BY_NAME = {each.name: each for each in (STANDARD, MAXIMAL_UPDATE)}


@lru_cache(16)
def samples_of(data: DatasetConfig, n_samples: int, trial: int) -> Data:
    """Generate the training set of a trial, and test samples."""
    return as_data(generate(data, train=n_samples, test=N_TEST, seed=FIRST_SEED + trial))


def rows_of(config: Config, trial: int) -> np.ndarray:
    """Return the samples of every batch: all, in an order of its own in every epoch.

    Args:
        config: the settings.
        trial: determines the orders, which are the same for all networks.

    Returns: int32, shape (n_steps, batch_size).
    """
    # Weights and other experiments have other seeds.
    rng = np.random.default_rng((trial, 3))
    used = config.epoch_steps * config.batch_size
    orders = [rng.permutation(config.n_samples)[:used] for _ in range(config.n_epochs)]
    return np.concatenate(orders).reshape(-1, config.batch_size).astype(np.int32)


def shapes_of(width: int) -> MLP:
    """Return the shapes of the network of a width."""
    shapes: MLP = eqx.filter_eval_shape(MLP, hidden_size=width, key=jax.random.key(0))
    return shapes


def initial_network(parametrisation: Parametrisation, width: int, base: int, trial: int) -> MLP:
    """Draw the initial weights of a trial: the same numbers in both parametrisations, but scaled.

    Args:
        parametrisation: determines their size.
        width: of the network.
        base: width at which the parametrisations are the same.
        trial: number of the trial.
    """
    network = draw_layers(shapes_of(width), np.random.default_rng((trial, width)))
    found: MLP = parametrisation.initialised(network, shapes_of(base))
    return found


def training_of(optimizer: str, config: Config) -> Training:
    """Return the training with an optimiser, at the rates that its data name.

    Args:
        optimizer: "Adam" or "SGD".
        config: the settings.
    """

    def batch(data: Any, step: Array, _: Any) -> Any:
        rows = data["rows"][step]
        return jax.tree.map(lambda leaf: leaf[rows], data["train"])

    def loss(network: Any, batch: tuple[Array, Array], _: Any) -> Float[Array, ""]:
        return cross_entropy(predict(network, batch[0]), batch[1])

    def optimiser_of(data: Any) -> optax.GradientTransformation:
        made = optax.adam(data["rate"]) if optimizer == ADAM else optax.sgd(data["rate"])
        return optax.chain(made, scale_by(data["multipliers"]))

    def evaluate(network: MLP, data: Any) -> dict[str, Array]:
        x, labels = data["test"]
        before, after = (
            representations(each, x[:N_CHECKED], of=LAYERS) for each in (data["initial"], network)
        )
        moved = [jnp.sqrt(jnp.mean((after[name] - before[name]) ** 2)) for name in LAYERS]
        return {"test_accuracy": accuracy(predict(network, x), labels), "change": jnp.stack(moved)}

    return Training(
        batch=batch,
        loss=loss,
        optimizer=optimiser_of,
        n_steps=config.n_steps,
        evaluate=evaluate,
        # After the first steps, and at the end.
        evaluate_first=config.check_steps - 1,
        evaluate_every=config.n_steps - config.check_steps,
    )


class Trainer(OneByOne):
    """Trains a network at all its rates; compiles every width once.

    The arrays of a task are `train_loss`, in nats, the mean over the batches of the last epoch,
    each before its update, infinite where a training diverged; `test_accuracy`, a fraction, after
    the last update, NaN where it diverged; both of shape (rates,); and `change`, shape (layers,
    rates), the root mean square change of the outputs of the three layers after the first steps.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._programs = config, Programs()

    def _arrays(self, task: Task, device: Any) -> Arrays:
        config, key = self._config, task.key
        optimizer, width, trial = (key[name] for name in ("optimizer", "width", "trial"))
        parametrisation, base = BY_NAME[key["parametrisation"]], shapes_of(key["base_width"])
        network = initial_network(parametrisation, width, key["base_width"], trial)
        data: dict[str, Any] = {
            **samples_of(config.data, config.n_samples, trial),
            "rows": rows_of(config, trial),
            "initial": network,
            "multipliers": parametrisation.multipliers(network, base, optimizer),
        }
        rates = np.array(key["rates"], np.float32)
        parts = [rates] if width <= BATCHED_UP_TO else np.split(rates, len(rates))
        found = [self._train_at(part, network, data, (optimizer, width, device)) for part in parts]
        return {name: np.concatenate([each[name] for each in found], axis=-1) for name in found[0]}

    def _train_at(self, rates: np.ndarray, network: MLP, data: Any, purpose: Any) -> Arrays:
        config, (optimizer, _, device) = self._config, purpose
        n_runs = len(rates)
        networks = jax.tree.map(lambda leaf: np.repeat(leaf[None], n_runs, axis=0), network)
        keys = jax.random.split(jax.random.key(0), n_runs)  # not used for random numbers
        data = {**data, "rate": rates}
        program = self._programs.get(
            (*purpose, n_runs),
            training_of(optimizer, config),
            networks,
            data,
            keys=keys,
            data_axes={**dict.fromkeys(data), "rate": 0},
            devices=[device],
            one_core=True,
        )
        history = program(networks, data, keys=keys).history
        with np.errstate(over="ignore", invalid="ignore"):  # of trainings that diverge
            losses = np.asarray(history.train_loss)[:, -config.epoch_steps :].mean(axis=1)
        return {
            "train_loss": np.where(np.isfinite(losses), losses, np.inf),
            "test_accuracy": np.asarray(history.metrics["test_accuracy"][:, -1]),
            "change": np.asarray(history.metrics["change"][:, 0]).T,
        }
