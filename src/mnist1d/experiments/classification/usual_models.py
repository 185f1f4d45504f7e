"""Usual models on MNIST: what is commonly trained on it, the paper's own models being unknown.

Logistic regression is fitted until it has converged. Networks are trained with Adam on batches of
100 images, in another order in every epoch, at a rate that falls to zero along a cosine. All 60,000
training images are used, and the last model is tested: nothing is chosen.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import xarray as xr
from jaxtyping import Array, Float, Num

from mnist1d.execution import Arrays, OnStep, Task
from mnist1d.execution.blas import one_thread
from mnist1d.experiments.classification.config import Config
from mnist1d.harness.assembly import assemble
from mnist1d.measures.probes import fit_linear
from mnist1d.mnist import MNIST
from mnist1d.models import GRU, MLP, LeNet, count_parameters, predict
from mnist1d.training import (
    Programs,
    Training,
    accuracy,
    cross_entropy,
    initialise,
    shuffled_order,
)
from mnist1d.training.supervised import DIVERGED

PIXEL_MEAN, PIXEL_SD = 0.1307, 0.3081
"""Mean and standard deviation of the pixels of the training images, scaled to [0, 1]."""

BATCH_SIZE, LEARNING_RATE = 100, 1e-3
LOGISTIC = "Logistic"

# Larger pieces do not fit a core's cache.
_EVALUATED_TOGETHER = 200


class Network(NamedTuple):
    """A network that is commonly trained on MNIST.

    Attributes:
        make: `key -> network` of flattened images.
        cost: milliseconds of a step on a core: the longest are begun first.
        dropout: share of hidden values that are set to zero in training.
    """

    make: Callable[..., Any]
    cost: float
    dropout: float = 0.0


NETWORKS: Mapping[str, Network] = {
    "MLP 2 x 512": Network(partial(MLP, 784, 512, residual=False), cost=3, dropout=0.2),
    "MLP 256": Network(partial(MLP, 784, 256), cost=1),
    "LeNet": Network(LeNet, cost=14),
    "GRU 128": Network(partial(GRU, 28, 28, 128), cost=36),
}


class OfPixels(eqx.Module):
    """A network of images as they are stored: it standardises their pixels.

    Args:
        network: of flattened images, standardised, the batch as the last axis.

    >>> from mnist1d.models import Logistic
    >>> model = OfPixels(Logistic(784, key=jax.random.key(0)))
    >>> model(jnp.zeros((784, 3), jnp.uint8)).shape
    (10, 3)
    """

    network: Any
    batch_last: ClassVar[bool] = True

    def __call__(
        self, pixels: Num[Array, "pixels *batch"], *arguments: Any
    ) -> Float[Array, "classes *batch"]:
        """Map pixels from 0 to 255, `(pixels, *batch)`, to logits `(classes, *batch)`."""
        return self.network((pixels / 255 - PIXEL_MEAN) / PIXEL_SD, *arguments)


def usual_tasks(config: Config) -> list[Task]:
    """Return the tasks: a fit of logistic regression, and a training per network and seed."""
    fit = Task({"usual_model": LOGISTIC}, {"data": "MNIST", "usual_model": LOGISTIC})
    trainings = [
        Task(
            labels={"usual_model": name, "usual_seed": seed},
            key={
                "data": "MNIST",
                "usual_model": name,
                "seed": seed,
                "dropout": network.dropout,
                "n_steps": config.usual_steps,
                "batch_size": BATCH_SIZE,
                "learning_rate": LEARNING_RATE,
            },
            cost=network.cost,
        )
        for name, network in NETWORKS.items()
        for seed in range(config.n_usual_seeds)
    ]
    return [fit, *trainings]


class UsualRunner:
    """Runs the tasks of `usual_tasks`; compiles each network once, for all seeds.

    The arrays of a network are `train_accuracy` and `test_accuracy` after the last step, `diverged`
    (a training loss was not finite or above `DIVERGED`), `n_parameters`, `compile_seconds` of its
    program and `run_seconds`. Those of logistic regression are `logistic_train_accuracy` and
    `logistic_is_correct`, shape (test images,).

    Args:
        files: MNIST.
        config: the settings.
    """

    def __init__(self, files: MNIST, config: Config) -> None:
        self._files, self._programs = files, Programs()
        self._training = usual_training(config.usual_steps)

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Run tasks on a device, one after the other."""
        n_steps = self._training.n_steps
        for number, task in enumerate(tasks):

            def report(step: int, _: int, before: int = number * n_steps) -> None:
                on_step(before + step)

            if task.labels["usual_model"] == LOGISTIC:
                yield task, _fit_logistic(self._files)
            else:
                with jax.default_device(device):
                    arrays = self._train(device, report, **task.labels)
                yield task, arrays

    def _train(
        self, device: Any, report: Callable[[int, int], None], usual_model: str, usual_seed: int
    ) -> dict[str, np.ndarray]:
        network, training = NETWORKS[usual_model], self._training
        if network.dropout:
            training = dataclasses.replace(training, loss=loss_with_dropout(network.dropout))
        first, second, third = jax.random.split(jax.random.key(usual_seed), 3)
        models = initialise(lambda key: OfPixels(network.make(key=key)), first[None])
        order = shuffled_order(len(self._files.y), BATCH_SIZE, training.n_steps, key=second)
        data = as_stored(self._files) | {"order": np.asarray(order)[None]}
        axes = dict.fromkeys(data) | {"order": 0}
        program = self._programs.get(
            (usual_model, device),
            training,
            models,
            data,
            keys=third[None],
            data_axes=axes,
            devices=[device],
            batched=False,
            one_core=True,
        )
        trained = program(models, data, keys=third[None], report=report)
        losses, metrics = trained.history
        diverged = not (losses < DIVERGED).all()
        last = {name: values[0, -1] for name, values in metrics.items()}
        return {name: np.array(np.nan if diverged else value) for name, value in last.items()} | {
            "diverged": np.array(diverged),
            "n_parameters": np.array(count_parameters(jax.tree.map(lambda x: x[0], models))),
            "compile_seconds": np.array(trained.compile_seconds),
            "run_seconds": np.array(trained.run_seconds),
        }


def as_stored(files: MNIST) -> dict[str, np.ndarray]:
    """Return images as rows of pixels, uint8, and labels, int32, of both parts."""
    return {
        "x": files.x.reshape(len(files.x), -1),
        "y": files.y.astype(np.int32),
        "x_test": files.x_test.reshape(len(files.x_test), -1),
        "y_test": files.y_test.astype(np.int32),
    }


def usual_training(n_steps: int) -> Training:
    """Return the training of a network `OfPixels`, without dropout.

    Its data are those of `as_stored`, and `order`: the rows of every step, shape (steps, batch).
    """

    def batch(data: Any, step: Any, _: Any) -> tuple[Array, Array]:
        rows = data["order"][step]
        return data["x"][rows], data["y"][rows]

    def rate(step: Array) -> Array:
        return LEARNING_RATE * (1 + jnp.cos(np.pi / n_steps * step.astype(np.float32))) / 2

    def evaluate(model: Any, data: Any) -> dict[str, Array]:
        def share(x: Array, labels: Array) -> Array:
            return accuracy(predict(model, x, chunk_size=_EVALUATED_TOGETHER), labels)

        return {
            "train_accuracy": share(data["x"], data["y"]),
            "test_accuracy": share(data["x_test"], data["y_test"]),
        }

    # To report progress, and rarely, as it takes a third of an epoch. The last step is one of them.
    every = max(1000, -(-n_steps // 3))
    return Training(
        batch=batch,
        loss=lambda model, batch, _: cross_entropy(predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(rate),
        n_steps=n_steps,
        evaluate=evaluate,
        evaluate_every=every,
        evaluate_first=(n_steps - 1) % every,
    )


def loss_with_dropout(share: float) -> Callable[[Any, Any, Any], Any]:
    """Return the loss of an MLP whose hidden values are set to zero at random.

    Args:
        share: of values that are; the others are divided by what is left, as in PyTorch.
    """

    def loss(model: Any, batch: tuple[Array, Array], key: Any) -> Any:
        keys = iter(jax.random.split(key))

        def activation(x: Array) -> Array:  # called once per hidden layer
            kept = jax.random.bernoulli(next(keys), 1 - share, x.shape)
            return jnp.where(kept, jax.nn.relu(x) / (1 - share), 0)

        return cross_entropy(model(batch[0].T, activation).T, batch[1])

    return loss


def _fit_logistic(files: MNIST) -> dict[str, np.ndarray]:
    stored = as_stored(files)

    def standardised(images: np.ndarray) -> np.ndarray:
        return (images / np.float32(255) - PIXEL_MEAN) / PIXEL_SD

    # The cores have their threads already.
    with one_thread():
        x = standardised(stored["x"])
        weights, intercepts = fit_linear(x, stored["y"])
        is_correct = (x @ weights + intercepts).argmax(axis=1) == stored["y"]
        scores = standardised(stored["x_test"]) @ weights + intercepts
    return {
        "logistic_train_accuracy": np.array(is_correct.mean()),
        "logistic_is_correct": scores.argmax(axis=1) == stored["y_test"],
    }


def assemble_usual(found: Iterable[tuple[Task, Arrays]], config: Config) -> xr.Dataset:
    """Assemble the arrays of all tasks; those of networks get the prefix `usual_`."""
    found = list(found)
    run = ("usual_model", "usual_seed")
    dims = {
        **dict.fromkeys(("train_accuracy", "test_accuracy", "diverged"), run),
        **dict.fromkeys(("compile_seconds", "run_seconds"), run),
        "n_parameters": ("usual_model",),
    }
    coords: dict[str, Any] = {
        "usual_model": list(NETWORKS),
        "usual_seed": np.arange(config.n_usual_seeds),
    }
    networks = [each for each in found if each[0].labels["usual_model"] != LOGISTIC]
    result = assemble(networks, coords, dims, {"diverged": False, "n_parameters": 0})
    (fit,) = (arrays for task, arrays in found if task.labels["usual_model"] == LOGISTIC)
    return result.assign(
        logistic_train_accuracy=fit["logistic_train_accuracy"],
        logistic_is_correct=("usual_image", fit["logistic_is_correct"]),
    ).rename({name: f"usual_{name}" for name in dims})
