"""Representations are what the layers give, of any model, at any step; measures of them."""

# ruff: noqa: ARG005 (functions have the arguments that they are called with)

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.measures.representations import (
    effective_rank,
    layer_names,
    linear_cka,
    representations,
    within_class_variability,
)
from mnist1d.models import CNN, GRU, MLP, Encoder, MaskedMLP, PoolingCNN, predict
from mnist1d.models.masks import full_mask
from mnist1d.training import Training, cross_entropy, initialise, train_runs

pytestmark = pytest.mark.usefixtures("quick_compilation")

X = jnp.asarray(np.random.default_rng(7).normal(size=(6, 40)), jnp.float32)
KEY = jax.random.key(0)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_layers_of_the_papers_models_give_what_their_parts_give():
    model = MLP(key=KEY)
    outputs = representations(model, X)
    assert list(outputs) == ["hidden", "second", "output"]
    close(outputs["hidden"], X @ model.hidden.weight.T + model.hidden.bias[None])
    first = jax.nn.relu(outputs["hidden"])
    close(outputs["second"], first @ model.second.weight.T + model.second.bias[None])
    close(outputs["output"], predict(model, X))
    cnn = CNN(key=KEY)
    outputs = representations(cnn, X)
    close(
        outputs["convolutions.2"][3], cnn.convolutions[2](jax.nn.relu(outputs["convolutions.1"][3]))
    )
    close(outputs["output"], predict(cnn, X))


@pytest.mark.slow
@pytest.mark.parametrize("make", [GRU, functools.partial(PoolingCNN, "max_pool"), Encoder])
def test_the_last_layer_gives_what_the_model_gives(make):
    model = make(key=KEY)
    outputs = representations(model, X)
    close(list(outputs.values())[-1], predict(model, X))


@pytest.mark.slow
def test_layers_of_equinox_work_too():
    mlp = eqx.nn.MLP(40, 10, 20, depth=2, key=KEY)
    outputs = representations(mlp, X)
    assert list(outputs) == ["layers.0", "layers.1", "layers.2"]
    close(outputs["layers.2"], jax.vmap(mlp)(X))
    keys = jax.random.split(KEY, 2)
    sequence = eqx.nn.Sequential(
        [
            eqx.nn.Linear(40, 8, key=keys[0]),
            eqx.nn.Lambda(jax.nn.tanh),
            eqx.nn.LayerNorm(8),
            eqx.nn.Linear(8, 10, key=keys[1]),
        ]
    )
    outputs = representations(sequence, X)
    assert list(outputs) == [f"layers.{i}" for i in range(4)]
    close(outputs["layers.1"], jnp.tanh(outputs["layers.0"]))
    close(outputs["layers.3"], jax.vmap(sequence)(X))


class Block(eqx.Module):
    linear: eqx.nn.Linear
    scale: float

    def __call__(self, x):
        return x + self.scale * jnp.tanh(self.linear(x))


class Tokens(eqx.Module):
    """Maps over patches, uses a layer twice, reads a layer's weight, keeps one in a loop."""

    patch: eqx.nn.Linear
    blocks: dict
    cell: eqx.nn.GRUCell
    output: eqx.nn.Linear
    pair: tuple

    def __init__(self, key):
        keys = jax.random.split(key, 4)
        self.patch = eqx.nn.Linear(8, 4, key=keys[0])
        self.blocks = {"only": Block(eqx.nn.Linear(4, 4, key=keys[1]), 0.5)}
        self.cell = eqx.nn.GRUCell(4, 4, key=keys[2])
        self.output = eqx.nn.Linear(4, 10, key=keys[3])
        self.pair = (1, "text")

    def __call__(self, x):
        tokens = jax.vmap(self.patch)(x.reshape(5, 8))
        for _ in range(2):
            tokens = jax.vmap(self.blocks["only"])(tokens)
        scale = self.patch.weight.sum()
        assert isinstance(self.cell, eqx.nn.GRUCell)
        last, _ = jax.lax.scan(lambda h, token: (self.cell(token, h), None), jnp.zeros(4), tokens)
        return self.output(last) * scale


@pytest.mark.slow
def test_anyones_model_is_recorded_and_stays_as_it_is():
    model = Tokens(KEY)
    before = jax.tree.map(np.asarray, eqx.filter(model, eqx.is_array))
    outputs = representations(model, X)
    assert layer_names(model) == ["patch", "blocks.only.linear", "blocks.only", "cell", "output"]
    shapes = {name: output.shape for name, output in outputs.items()}
    assert shapes == {
        "patch": (6, 5, 4),
        "blocks.only.linear": (6, 5, 4),
        "blocks.only": (6, 5, 4),
        "blocks.only.linear (2)": (6, 5, 4),
        "blocks.only (2)": (6, 5, 4),
        "output": (6, 10),
    }
    patches = jax.vmap(jax.vmap(model.patch))(X.reshape(6, 5, 8))
    close(outputs["patch"], patches)
    block = jax.vmap(jax.vmap(model.blocks["only"]))
    close(outputs["blocks.only (2)"], block(block(patches)))
    assert eqx.tree_equal(before, jax.tree.map(np.asarray, eqx.filter(model, eqx.is_array)))
    assert type(model.patch) is eqx.nn.Linear


@pytest.mark.slow
def test_layers_may_be_chosen_and_wrong_ones_are_named():
    model = Tokens(KEY)
    assert list(representations(model, X, of=["output"])) == ["output"]
    with pytest.raises(ValueError, match=r"no layer outptu; its layers are patch, .* output"):
        representations(model, X, of=["outptu"])
    with pytest.raises(
        ValueError, match="no output of cell could be recorded: never called, or only"
    ):
        representations(model, X, of=["cell"])
    masked = MaskedMLP(MLP(key=KEY), full_mask(MLP(key=KEY)))  # reads weights, calls no layer
    assert representations(masked, X) == {}


class Stacked(eqx.Module):
    """Passes its layers through transformations that take them apart and put them together."""

    layers: eqx.nn.Linear
    last: eqx.nn.Linear

    def __init__(self, key):
        self.layers = eqx.filter_vmap(lambda key: eqx.nn.Linear(40, 40, key=key))(
            jax.random.split(key, 3)
        )
        self.last = eqx.nn.Linear(40, 10, key=key)

    def __call__(self, x):
        hidden = eqx.filter_vmap(lambda layer, x: layer(x), in_axes=(eqx.if_array(0), None))(
            self.layers, x
        )
        arrays, static = eqx.partition(self.last, eqx.is_array)
        return eqx.combine(arrays, static)(hidden.sum(axis=0))


@pytest.mark.slow
def test_layers_that_are_taken_apart_are_recorded():
    model = Stacked(KEY)
    outputs = representations(model, X)
    assert {name: output.shape for name, output in outputs.items()} == {
        "layers": (6, 3, 40),
        "last": (6, 10),
    }
    close(outputs["last"], jax.vmap(model)(X))
    weights, biases = model.layers.weight, model.layers.bias
    close(outputs["layers"], jnp.einsum("koi,ni->nko", weights, X) + biases[None])


def test_a_model_may_be_called_otherwise():
    model = eqx.nn.Sequential(
        [eqx.nn.Linear(40, 8, key=KEY), eqx.nn.Dropout(0.5), eqx.nn.Linear(8, 10, key=KEY)]
    )
    outputs = representations(model, X, call=lambda model, x: model(x, key=jax.random.key(1)))
    dropped = outputs["layers.1"] == 0
    assert dropped.any()
    close(jnp.where(dropped, 0, 2 * outputs["layers.0"]), outputs["layers.1"])


@pytest.mark.slow
def test_training_can_record_representations_at_any_step():
    data = (X, jnp.arange(6))
    training = Training(
        batch=lambda data, step, key: data,
        loss=lambda model, batch, key: cross_entropy(predict(model, batch[0]), batch[1]),
        evaluate=lambda model, data: representations(model, data[0], of=["hidden"])["hidden"],
        evaluate_every=2,
        optimizer=optax.sgd(0.1),
        n_steps=5,
    )
    keys = jax.random.split(KEY, 3)
    models = initialise(lambda key: MLP(hidden_size=9, key=key), keys)
    trained = train_runs(training, models, data, keys=keys)
    assert trained.history.metrics.shape == (3, 3, 6, 9)  # runs, evaluations, examples, units
    last = jax.tree.map(lambda leaf: leaf[1], trained.models)
    close(trained.history.metrics[1, -1], representations(last, X)["hidden"])
    assert abs(trained.history.metrics[:, 0] - trained.history.metrics[:, -1]).max() > 1e-3


@pytest.mark.slow
def test_similarity_is_the_same_by_either_product():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 2, 10)), rng.normal(size=(30, 50))
    b[:, :5] += 3 * a[:, 0, :5]
    rows = a.reshape(30, -1) - a.reshape(30, -1).mean(0)
    others = b - b.mean(0)
    expected = np.linalg.norm(rows.T @ others) ** 2
    expected /= np.linalg.norm(rows.T @ rows) * np.linalg.norm(others.T @ others)
    close(linear_cka(jnp.asarray(a), jnp.asarray(b)), expected)
    close(
        linear_cka(jnp.asarray(a[:, 0, :3]), jnp.asarray(b[:, :4])),
        np.linalg.norm(rows[:, :3].T @ others[:, :4]) ** 2
        / np.linalg.norm(rows[:, :3].T @ rows[:, :3])
        / np.linalg.norm(others[:, :4].T @ others[:, :4]),
    )


@pytest.mark.slow
def test_effective_rank_counts_directions():
    rng = np.random.default_rng(0)
    line = np.outer(rng.normal(size=50), rng.normal(size=20)) + rng.normal(size=20)
    close(effective_rank(jnp.asarray(line, jnp.float32)), 1.0)
    turned = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    cross = np.concatenate([np.eye(20)[:4], -np.eye(20)[:4]]) @ turned + 3
    close(effective_rank(jnp.asarray(cross, jnp.float32)), 4.0)


@pytest.mark.slow
def test_collapse_is_nothing_within_classes():
    y = jnp.arange(30) % 10
    means = jax.random.normal(KEY, (10, 3, 2))
    close(within_class_variability(means[y], y), 0.0)
    spread = means[y] + jnp.where(jnp.arange(30) < 10, 1.0, -0.5)[:, None, None]
    rows = np.asarray(spread).reshape(30, -1)
    centres = np.asarray(means).reshape(10, -1)
    within = ((rows - centres[np.asarray(y)]) ** 2).sum(1).mean()
    between = ((centres - centres.mean(0)) ** 2).sum(1).mean()
    np.testing.assert_allclose(within_class_variability(spread, y), within / between, rtol=1e-4)
