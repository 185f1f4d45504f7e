"""A first experiment of one's own: mnist1d run own_experiment.py --hidden-size 10 30 100."""

from dataclasses import dataclass

import jax
import optax
import xarray as xr

import mnist1d
from mnist1d import lab

NAME = "width"


@dataclass(frozen=True)
class Config:
    """How many hidden units does it take?

    Attributes:
        seeds: number of runs, which differ in their initial weights.
        hidden_size: units of both hidden layers.
        n_steps: updates per run.
        data: what the samples are.
    """

    seeds: int = 5
    hidden_size: int = 100
    n_steps: int = 6000
    data: mnist1d.DatasetConfig = mnist1d.DatasetConfig()


def run(config):
    """Train one network per seed; return the test accuracies."""
    keys = jax.random.split(jax.random.key(0), config.seeds)
    models = lab.initialise(lambda key: lab.MLP(hidden_size=config.hidden_size, key=key), keys)
    training = lab.supervised(config.n_steps, optax.adam(0.003))
    data = lab.as_data(mnist1d.generate(config.data))
    accuracy = lab.train_runs(training, models, data, keys=keys).history.metrics[:, 0]
    return xr.Dataset({"test_accuracy": ("seed", accuracy)}, {"seed": range(config.seeds)})
