"""Endless batches in JAX: pure, mapped, inside a training loop, and with the variants asked for."""

import numpy as np
import pytest

import mnist1d
from mnist1d import DatasetConfig, generate
from mnist1d.dataset.standardisation import standardisation

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy

from mnist1d import jax as endless  # noqa: E402 (only where JAX is)

pytestmark = pytest.mark.usefixtures("quick_compilation")
KEY = jax.random.key(0)


@pytest.mark.slow
def test_a_batch_is_a_pure_function_of_its_key():
    x, y = endless.draw_batch(KEY, batch_size=5)
    again, _ = endless.draw_batch(KEY, DatasetConfig(seed=3), 5)
    other, _ = endless.draw_batch(jax.random.key(1), batch_size=5)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((5, 40), jnp.float32, (5,), jnp.int32)
    np.testing.assert_array_equal(x, again)
    assert (x != other).all()


@pytest.mark.slow
def test_compiled_and_mapped_it_is_the_same():
    config = DatasetConfig(
        positions="flipped",
        label_noise=0.5,
        label_noise_kind="other",
        class_proportions=range(1, 11),
    )
    keys = jax.random.split(KEY, 3)

    def draw(key):
        return endless.draw_batch(key, config, 5)

    x, y = jax.jit(jax.vmap(draw))(keys)
    for i, key in enumerate(keys):
        plain = draw(key)
        # Compiled arithmetic may be contracted: rounding differs.
        np.testing.assert_allclose(x[i], plain.x, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(y[i], plain.y)
    assert len(np.unique(np.asarray(x).reshape(15, -1), axis=0)) == 15


@pytest.mark.slow
def test_it_is_the_batch_of_a_training():
    optax = pytest.importorskip("optax", reason="the lab extra is not installed")
    from mnist1d.models import Logistic, predict
    from mnist1d.training import Training, accuracy, cross_entropy, initialise, train_runs

    config = DatasetConfig(classes=(0, 6), max_translation=1)
    test_x, test_y = generate(config, num_samples=400, dtype="float32").parts["test"]
    data = (jnp.asarray(test_x), jnp.asarray(test_y, dtype=jnp.int32))
    training = Training(
        batch=lambda _, step, key: endless.draw_batch(key, config, 50),  # noqa: ARG005
        loss=lambda model, batch, key: cross_entropy(predict(model, batch.x), batch.y),  # noqa: ARG005
        optimizer=optax.adam(0.02),
        n_steps=150,
        evaluate=lambda model, data: accuracy(predict(model, data[0]), data[1]),
    )
    keys = jax.random.split(KEY, 2)
    models = initialise(lambda key: Logistic(key=key), keys)
    trained = train_runs(training, models, data, keys=keys)
    assert trained.history.metrics.min() > 0.95


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {"channel_axis": True, "positions": "shuffled_lottery"},
        {"templates": np.random.RandomState(0).normal(size=(3, 30)), "max_translation": 10**6},
        {"padding": (0, 0), "final_seq_length": 12, "max_translation": 1, "classes": (4,)},
    ],
)
def test_variants(parameters):
    config = DatasetConfig(**parameters)
    x, y = endless.draw_batch(KEY, config, 200)
    length = (1,) * config.channel_axis + (config.final_seq_length,)
    assert x.shape == (200, *length)
    assert set(y.tolist()) == set(config.labels)
    assert bool(jnp.isfinite(x).all())


@pytest.mark.slow
def test_the_order_of_points_is_applied():
    plain, _ = endless.draw_batch(KEY, batch_size=5)
    flipped, _ = endless.draw_batch(KEY, DatasetConfig(positions="flipped"), 5)
    np.testing.assert_array_equal(flipped, plain[:, ::-1])


@pytest.mark.slow
def test_constants_do_not_depend_on_the_batch():
    mean, std = standardisation(DatasetConfig())
    raw, _ = endless.draw_batch(KEY, batch_size=5, constants=(0.0, 1.0))
    x, _ = endless.draw_batch(KEY, batch_size=5)
    np.testing.assert_allclose(x, (raw - mean) / std, rtol=0, atol=1e-5)
    assert abs(float(x.mean())) > 1e-3


@pytest.mark.slow
def test_batches_of_a_dataset_go_with_it():
    dataset = generate(shuffle_seq=True)
    raw, _ = endless.draw_batch(KEY, batch_size=5, constants=(0.0, 1.0))
    x, _ = endless.draw_batch(KEY, dataset, 5)
    expected = (raw[:, dataset.column_order] - dataset.mean) / dataset.std
    np.testing.assert_allclose(x, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "wrong"), [("symmetric", 0.27), ("other", 0.3)])
def test_label_noise_has_its_share(kind, wrong):
    clean = jnp.arange(20_000) % 10
    noisy = endless._add_noise(KEY, clean, DatasetConfig(label_noise=0.3, label_noise_kind=kind))
    share = float((noisy != clean).mean(dtype=jnp.float32))
    assert share == pytest.approx(wrong, abs=5 * np.sqrt(wrong * (1 - wrong) / 20_000))


@pytest.mark.slow
def test_label_noise_is_seen_in_labels_alone():
    clean = endless.draw_batch(KEY, batch_size=5)
    noisy = endless.draw_batch(KEY, DatasetConfig(label_noise=1, label_noise_kind="other"), 5)
    np.testing.assert_array_equal(noisy.x, clean.x)
    assert (noisy.y != clean.y).all()


@pytest.mark.slow
def test_float64_where_jax_has_it():
    with jax.enable_x64(True):
        x, y = endless.draw_batch(KEY, DatasetConfig(), 5)
        assert (x.dtype, y.dtype) == (jnp.float64, jnp.int32)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((DatasetConfig(), 0), ValueError, "batch_size must be at least 1, not 0"),
        ((DatasetConfig(shuffle_seq=True),), ValueError, "give the dataset in place"),
        (
            (DatasetConfig(label_noise=0.1, label_noise_kind="published"),),
            ValueError,
            "comes from the published stream; use 'symmetric'",
        ),
        ((42,), TypeError, "config must be a DatasetConfig or a Dataset, not int"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        endless.draw_batch(KEY, *arguments)


def test_the_core_does_not_know_jax():
    assert "jax" not in vars(mnist1d.dataset)
