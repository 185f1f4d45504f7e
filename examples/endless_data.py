"""How much does endless data help? Training on 4,000 samples, and on new ones in every batch."""

import jax
import optax

import mnist1d
from mnist1d import lab
from mnist1d.jax import draw_batch


def main(seeds=5, n_steps=6000):
    """Print and return by how much test accuracy is better with endless data."""
    dataset = mnist1d.load()
    keys = jax.random.split(jax.random.key(0), seeds)
    batches = {
        "4,000 samples": None,  # in their order, again and again
        "endless data": lambda _data, _step, key: tuple(draw_batch(key, dataset, 100)),
    }
    accuracy = {}
    for name, batch in batches.items():
        training = lab.supervised(n_steps, optax.adam(0.003), batch=batch)
        models = lab.initialise(lambda key: lab.MLP(key=key), keys)
        trained = lab.train_runs(training, models, lab.as_data(dataset), keys=keys)
        accuracy[name] = trained.history.metrics[:, 0]
        mean, low, high = lab.estimate(accuracy[name])[:3]
        print(f"{name}: {mean:.1%}, from {low:.1%} to {high:.1%}")
    return lab.paired_difference(accuracy["endless data"], accuracy["4,000 samples"])


if __name__ == "__main__":
    lab.use_all_cores()
    main()
