"""Training of velocity networks, generation of signals, and what the signals are compared with."""

from functools import lru_cache
from threading import Lock
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.generation.config import FALLING, Config
from mnist1d.experiments.beyond.generation.network import VelocityNetwork, initial_network
from mnist1d.measures.posterior import Inferred, Posterior
from mnist1d.measures.two_samples import nearest_distances
from mnist1d.models import CNN, predict
from mnist1d.models.layers import draw_layers
from mnist1d.stream import Stream
from mnist1d.training import Programs, Training, accuracy, cross_entropy
from mnist1d.training.flow_matching import integrate, on_path, velocity_target
from mnist1d.training.schedules import falling_at_end

FIRST_SEED = 42
"""Seed of the stream of trial 0, that of the published set."""

STARTS = {"train": 0, "twin": 2**30, "true": 2**40, "reference": 2**41}
"""Where in the stream samples begin: no part meets another."""

REPLICA = 1 / 3
"""A signal is a replica if its nearest training sample is nearer than this share of the distance of
the second nearest. Source: Yoon et al. (2023); Gu et al. (2023), arXiv:2310.02664."""

LONGEST = 1.0
"""Bound on the length of a gradient."""

CLASSIFIER_RATE, CLASSIFIER_BATCH = 0.005, 100

N_SHOWN = 2
"""Signals per class that figures show."""

SETS_HELD = 8

_lock = Lock()


@lru_cache(SETS_HELD)
def _samples(data: DatasetConfig, trial: int, start: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = Stream(data, seed=FIRST_SEED + trial)[start : start + n]
    return x, y.astype(np.int32)


def samples_of(config: Config, trial: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of a trial: signals, shape (n, length), and labels, shape (n,).

    Args:
        config: the settings.
        trial: its number.
        part: "train", of which smaller sets are the first samples; "twin", as many for the second
            network; "true" and "reference", which no network sees.

    >>> samples_of(Config.quick(), 0, "true")[0].shape
    (100, 40)
    """
    n = config.n_samples[-1] if part in {"train", "twin"} else config.n_generated
    with _lock:  # so that two threads do not compute the same
        return _samples(config.data, trial, STARTS[part], n)


def noise_of(config: Config, n: int, trial: int, purpose: int) -> np.ndarray:
    """Draw standard normal noise, the same for all networks; float32, shape (length, n)."""
    rng = np.random.default_rng((trial, n, 4 + purpose))
    return rng.normal(size=(config.data.final_seq_length, n)).astype(np.float32)


def generated(
    network: VelocityNetwork,
    noise: Float[Array, "length n"],
    labels: Array,
    n_steps: Any,
    method: str = "heun",
) -> Float[Array, "length n"]:
    """Follow a network's velocity from noise to signals of the classes asked for.

    Args:
        network: the network.
        noise: where to start.
        labels: classes, shape (n,).
        n_steps: number of steps.
        method: "heun" or "euler".
    """

    def velocity(x: Array, time: Array) -> Array:
        return network(x, jnp.broadcast_to(time, labels.shape), labels)

    return integrate(velocity, noise, n_steps, method=method)


_sampler = eqx.filter_jit(generated)


def training_of(config: Config) -> Training:
    """Return the training of a velocity network on the samples that its data name."""

    def batch(data: Any, _: Any, key: Array) -> Any:
        which, noise, times = jax.random.split(key, 3)
        rows = jax.random.randint(which, (config.batch_size,), 0, data["n"])
        x, labels = (leaf[rows] for leaf in data["train"])
        drawn = jax.random.normal(noise, x.T.shape)
        return x.T, labels, drawn, jax.random.uniform(times, (config.batch_size,))

    def loss(network: VelocityNetwork, batch: Any, _: Any) -> Float[Array, ""]:
        x, labels, noise, time = batch
        found = network(on_path(noise, x, time[None]), time, labels)
        return jnp.square(found - velocity_target(noise, x)).mean()

    def evaluate(network: VelocityNetwork, data: Any) -> Float[Array, "length n"]:
        noise, labels = data["watched"]
        return generated(network, noise, labels, config.sampling_steps // 2)

    schedule = falling_at_end(jnp.float32(config.learning_rate), config.n_steps, FALLING)
    return Training(
        batch=batch,
        loss=loss,
        # At twice the rate a pilot of trial 1000 diverged without a bound on the gradient.
        optimizer=optax.chain(optax.clip_by_global_norm(LONGEST), optax.adam(schedule)),
        n_steps=config.n_steps,
        evaluate=evaluate,
        evaluate_every=config.evaluate_every,
        evaluate_first=config.evaluate_every - 1,
    )


def classifier_training(config: Config) -> Training:
    """Return the training of a classifier on the first samples that its data name."""

    def batch(data: Any, _: Any, key: Array) -> Any:
        rows = jax.random.randint(key, (CLASSIFIER_BATCH,), 0, data["n"])
        return tuple(leaf[rows] for leaf in data["train"])

    def loss(network: CNN, batch: Any, _: Any) -> Float[Array, ""]:
        return cross_entropy(predict(network, batch[0]), batch[1])

    def evaluate(network: CNN, data: Any) -> dict[str, Array]:
        # Together, so that the network is in the program once.
        names = ("true", "generated")
        logits = predict(network, jnp.concatenate([data[name][0] for name in names]))
        parts = jnp.split(logits, [len(data["true"][0])])
        return {
            name: accuracy(part, data[name][1]) for name, part in zip(names, parts, strict=True)
        }

    return Training(
        batch=batch,
        loss=loss,
        optimizer=optax.adam(CLASSIFIER_RATE),
        n_steps=config.classifier_steps,
        evaluate=evaluate,
    )


class Generator(OneByOne):
    """Trains networks on a number of samples of a trial, and judges what they generate.

    The arrays of a task: `replicas` (evaluations,), a share; of the signals at the end `shift`,
    `scale`, `log_density`, `nearest` and `second` (distances to training samples), of fresh true
    signals `true_nearest` and `true_second`, all of shape (signals,); `asked`, the share of signals
    of the class asked for; `euler_error` and `heun_error`, root mean square differences to small
    steps; `own_on_true`, `own_on_generated` and `generated_on_true`, accuracies of classifiers;
    `signals` (shown, length); and with a second network `twin_distance` and `unrelated_distance`
    (signals,), between signals of both networks from the same noise and from other noise.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._programs = config, Programs()
        self._posterior = Posterior(config.data)

    def _arrays(self, task: Task, device: Any) -> Arrays:
        config, n, trial = self._config, task.key["n_samples"], task.key["trial"]
        train = samples_of(config, trial, "train")
        own = train[0][:n]
        network, watched = self._trained(task, "train", device)
        replicas = [is_replica(nearest_distances(each.T, own)).mean() for each in watched]
        noise = noise_of(config, config.n_generated, trial, 1)
        labels = config.asked(config.n_generated)

        def follow(network: Any, noise: np.ndarray, n_steps: int, method: str) -> np.ndarray:
            start, asked, number = jax.device_put((noise, labels, np.int32(n_steps)), device)
            return np.asarray(_sampler(network, start, asked, number, method)).T

        steps, coarse = config.sampling_steps, config.coarse_steps
        x = follow(network, noise, steps, "heun")
        errors = {
            "euler_error": follow(network, noise, 2 * coarse, "euler") - x,
            "heun_error": follow(network, noise, coarse, "heun") - x,
        }
        more = [
            follow(network, noise_of(config, config.n_generated, trial, 1 + each), steps, "heun")
            for each in range(1, config.n_classified // config.n_generated)
        ]
        found = {
            "replicas": np.array(replicas),
            **{name: np.sqrt(np.square(each).mean()) for name, each in errors.items()},
            **described(self._posterior.infer(x), labels),
            **self._classify(np.concatenate([x, *more]), n, trial, device),
            "signals": x[: N_SHOWN * len(config.data.labels)],
        }
        for name, points in (("", x), ("true_", samples_of(config, trial, "true")[0])):
            nearest, second = nearest_distances(points, own).T
            found |= {f"{name}nearest": nearest, f"{name}second": second}
        if task.key["has_twin"]:
            twin, _ = self._trained(task, "twin", device)
            other = follow(twin, noise, steps, "heun")
            found["twin_distance"] = np.linalg.norm(x - other, axis=1)
            # The next signal of the same class.
            unrelated = np.roll(other, len(config.data.labels), axis=0)
            found["unrelated_distance"] = np.linalg.norm(x - unrelated, axis=1)
        return {name: np.asarray(each, np.float32) for name, each in found.items()}

    def _trained(self, task: Task, part: str, device: Any) -> tuple[VelocityNetwork, np.ndarray]:
        """Return a trained network and the watched signals of every evaluation."""
        config, n, trial = self._config, task.key["n_samples"], task.key["trial"]
        twin = int(part == "twin")
        watched = noise_of(config, config.n_watched, trial, 0), config.asked(config.n_watched)
        data = {"train": samples_of(config, trial, part), "n": np.int32(n), "watched": watched}
        network = initial_network(
            config.data.final_seq_length,
            config.data.n_classes,
            config.channels,
            trial=trial,
            twin=twin,
        )
        networks = jax.tree.map(lambda leaf: leaf[None], network)
        keys = jax.random.split(jax.random.key(2 * trial + twin), 1)
        program = self._programs.get(
            ("velocity", device), training_of(config), networks, data, keys=keys, devices=[device]
        )
        trained = program(networks, data, keys=keys)
        arrays, static = eqx.partition(trained.models, eqx.is_array)
        arrays = jax.device_put(jax.tree.map(lambda leaf: np.asarray(leaf)[0], arrays), device)
        return eqx.combine(arrays, static), np.asarray(trained.history.metrics[0])

    def _classify(self, x: np.ndarray, n: int, trial: int, device: Any) -> dict[str, np.ndarray]:
        """Train a classifier on generated signals, and one on the network's training samples."""
        config = self._config
        own, own_labels = (
            each[: config.n_classified] for each in samples_of(config, trial, "train")
        )
        n_own = min(n, config.n_classified)
        rows = np.arange(config.n_classified) % n_own  # all arrays of one size
        sets = {
            "generated": (x, config.asked(len(x)), config.n_classified),
            "own": (own[rows], own_labels[rows], n_own),
        }
        shapes = eqx.filter_eval_shape(
            CNN,
            config.data.final_seq_length,
            n_classes=config.data.n_classes,
            key=jax.random.key(0),
        )
        network = draw_layers(shapes, np.random.default_rng((trial, 5)))
        networks = jax.tree.map(lambda leaf: leaf[None], network)
        keys = jax.random.split(jax.random.key(trial), 1)
        shown = {
            "true": samples_of(config, trial, "true"),
            "generated": (x[: config.n_generated], config.asked(config.n_generated)),
        }
        accuracies: dict[str, np.ndarray] = {}
        for name, (signals, labels, n_first) in sets.items():
            data = {"train": (signals, labels), "n": np.int32(n_first), **shown}
            program = self._programs.get(
                ("classifier", device),
                classifier_training(config),
                networks,
                data,
                keys=keys,
                devices=[device],
            )
            metrics = program(networks, data, keys=keys).history.metrics
            accuracies |= {f"{name}_on_{on}": each[0, -1] for on, each in metrics.items()}
        return accuracies


class Truth(OneByOne):
    """Describes true signals of trials as generated ones are; each task is a part of a trial.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._posterior = config, Posterior(config.data)

    def _arrays(self, task: Task, device: Any) -> Arrays:
        del device
        x, labels = samples_of(self._config, task.key["trial"], task.key["part"])
        found = described(self._posterior.infer(x), labels)
        shown = [
            row
            for label in self._config.data.labels
            for row in np.flatnonzero(labels == label)[:N_SHOWN]
        ]
        # Class by class in turn, as generated ones are.
        signals = np.full((N_SHOWN * len(self._config.data.labels), x.shape[1]), np.nan)
        if len(shown) == len(signals):
            signals[:] = x[np.reshape(shown, (-1, N_SHOWN)).T.reshape(-1)]
        return {
            f"true_{name}": np.asarray(each, np.float32)
            for name, each in (*found.items(), ("signals", signals))
        }


def described(found: Inferred, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return what the generator says of signals, and the share that are of their classes."""
    return {
        "shift": found.shift,
        "scale": found.scale,
        "log_density": found.log_density,
        "asked": np.array((found.label == labels).mean()),
    }


def is_replica(distances: np.ndarray) -> np.ndarray:
    """Return which signals are replicas of training samples.

    Args:
        distances: to the nearest and second nearest, shape (n, 2).

    >>> is_replica(np.array([[0.1, 1.0], [0.5, 1.0]])).tolist()
    [True, False]
    """
    found: np.ndarray = distances[:, 0] < REPLICA * distances[:, 1]
    return found
