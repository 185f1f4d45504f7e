"""Measure the test accuracy of an MLP and a CNN on every variant of the dataset.

    python benchmarks/variants.py

All are trained alike: Adam at rate 0.01, batches of 100 in stored order, 3001 steps, the accuracy
after the last one, on each variant's own test set. Shifted test sets, and the balanced one of the
unequal classes, are those of one training. The record holds the accuracy of every seed.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
import optax
from keep import keep

import mnist1d
from mnist1d import models
from mnist1d.measures.uncertainty import estimate
from mnist1d.training import (
    Training,
    accuracy,
    cross_entropy,
    initialise,
    sequential_batch,
    train_runs,
    use_all_cores,
)

SHIFTS = {
    "as in training": {},
    "no white noise": {"iid_noise_scale": 0},
    "white noise x 5": {"iid_noise_scale": 0.1},
    "smooth noise x 2": {"corr_noise_scale": 0.5},
    "no shear": {"shear_scale": 0},
    "shear x 2": {"shear_scale": 1.5},
    "scale x 3": {"scale_coeff": 1.2},
    "no translation": {"max_translation": 1},
    "translation anywhere": {"max_translation": 72},
    "widest digits": {"padding": (36, 36)},
    "more padding": {"padding": (60, 90)},
}
VARIANTS = {
    "the published dataset": {},
    "train=1000, test=1000": {"train": 1000, "test": 1000},
    "train=20_000, test=1000": {"train": 20_000, "test": 1000},
    "classes=(3, 8)": {"classes": (3, 8)},
    "classes=(8, 9)": {"classes": (8, 9)},
    "class_proportions, 10 to 1": {"class_proportions": np.geomspace(10, 1, 10)},
    'label_noise=0.15, "published"': {"label_noise": 0.15, "label_noise_kind": "published"},
    'label_noise=0.4, "symmetric"': {"label_noise": 0.4},
    'label_noise=0.4, "other"': {"label_noise": 0.4, "label_noise_kind": "other"},
    'positions="flipped"': {"positions": "flipped"},
    'positions="chunked"': {"positions": "chunked"},
    'positions="shuffled"': {"positions": "shuffled"},
}


def measure(make, parts, seeds, n_steps, evaluate_every=0):
    """Train one model per seed.

    Returns accuracies of all parts but "train", shape (seeds, evaluations) each.
    """
    parts = {
        name: (jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.int32))
        for name, (x, y) in parts.items()
    }
    training = Training(
        batch=lambda data, step, _: sequential_batch(data["train"], step, 100),
        loss=lambda model, batch, _: cross_entropy(models.predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(0.01),
        n_steps=n_steps,
        evaluate=lambda model, data: {
            name: accuracy(models.predict(model, x), y)
            for name, (x, y) in data.items()
            if name != "train"
        },
        evaluate_every=evaluate_every,
    )
    keys = jax.random.split(jax.random.key(0), seeds)
    start = initialise(lambda key: make(key=key), keys)
    metrics = train_runs(training, start, parts, keys=keys).history.metrics
    return {name: values.astype(float) for name, values in metrics.items()}


def rows_of(seeds, n_steps):
    """Yield a row per variant and per shifted test set."""
    named = {f"shift_{i}": shift for i, shift in enumerate(SHIFTS.values())}
    for what, parameters in VARIANTS.items():
        tests = {"test": what}
        if not parameters:
            parameters = {"shifted_tests": named}  # noqa: PLW2901 (the first one has them all)
            tests |= dict(
                zip(named, (f"published, tested: {name}" for name in SHIFTS), strict=True)
            )
        if "class_proportions" in parameters:
            balanced = {"balanced": {"class_proportions": (1,) * 10}}
            parameters = {**parameters, "shifted_tests": balanced}  # noqa: PLW2901 (as above)
            tests["balanced"] = "the same, tested on equal classes"
        dataset = mnist1d.generate(**parameters)
        found = {
            name: measure(getattr(models, name), dataset.parts, seeds, n_steps)
            for name in ("MLP", "CNN")
        }
        for part, label in tests.items():
            row = {"what": label} | {
                name: values[part][:, -1].tolist() for name, values in found.items()
            }
            print(label, *(estimate(np.array(row[name])).mean for name in found), flush=True)
            yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3001)
    arguments = parser.parse_args()
    use_all_cores()
    rows = list(rows_of(arguments.seeds, arguments.steps))
    keep("variants", rows, ["mnist1d", "jax", "optax", "numpy"], **vars(arguments))


if __name__ == "__main__":
    main()
