"""Every model passes the same exam: a new model is one more row of `MODELS`."""

import itertools
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist1d import models as all_models
from mnist1d.models import (
    CNN,
    GRU,
    LSTM,
    MLP,
    TCN,
    Encoder,
    LeNet,
    Logistic,
    Mixer,
    PoolingCNN,
    RandomFeatures,
    ResNet,
    StateSpace,
    Transformer,
    count_parameters,
    predict,
)
from mnist1d.models.beyond.sizes import SETTINGS, of_size
from mnist1d.models.beyond.state_space import DiagonalRecurrence
from mnist1d.models.layers import affine
from mnist1d.training import cross_entropy, initialise

pytestmark = pytest.mark.usefixtures("quick_module")


class Row(NamedTuple):
    make: Any
    length: int
    n_parameters: int
    # Of each tensor, in the order of the leaves; None for one with a rule of its own.
    fan_ins: tuple[int | None, ...]
    n_outputs: int = 10


NORM = (None, None)
MODELS = {
    # Greydanus & Kobak (2024), section 4.
    "logistic": Row(Logistic, 40, 410, (40, 40)),
    "mlp": Row(MLP, 40, 15_210, (40, 40, 100, 100, 100, 100)),
    "cnn": Row(CNN, 40, 5_210, (5, 5, 75, 75, 75, 75, 125, 125)),
    # Deeper than in the paper.
    "mlp of four layers": Row(lambda key: MLP(depth=4, key=key), 40, 35_410, (40, 40, *(100,) * 8)),
    "cnn of four layers": Row(
        lambda key: CNN(depth=4, key=key), 40, 7_110, (5, 5, 75, 75, 75, 75, 125, 125, 75, 75)
    ),
    "gru": Row(GRU, 40, 5_134, (6, 6, 6, 6, 480, 480)),
    # Wide enough for one direction after the other.
    "wide gru": Row(
        lambda key: GRU(hidden_size=40, key=key), 40, 42_330, (40, 40, 40, 40, 3200, 3200)
    ),
    # Section 5.6.
    "cnn with pooling": Row(
        lambda key: PoolingCNN("l2_pool", key=key), 40, 3_310, (3, 3, 60, 60, 200, 200)
    ),
    # The same architectures fitted to MNIST.
    "cnn on images": Row(
        lambda key: CNN(image_size=28, key=key),
        784,
        15_960,
        (25, 25, 225, 225, 225, 225, 400, 400),
    ),
    "gru on rows": Row(
        lambda key: GRU(n_timesteps=28, features=28, key=key), 784, 4_666, (6, 6, 6, 6, 336, 336)
    ),
    "lenet": Row(LeNet, 784, 233_196, (25, 25, 500, 500, 800, 800, 256, 256)),
    # Section 5.5.
    "encoder": Row(Encoder, 40, 21_716, (5, 5, 75, 75, 75, 75, 125, 125, 125, 125), 16),
    "encoder without head": Row(
        lambda key: Encoder(projection=(), key=key), 40, 3_950, (5, 5, 75, 75, 75, 75), 125
    ),
    "encoder with deep head": Row(
        lambda key: Encoder(projection=(125, 125, 125, 16), key=key),
        40,
        53_216,
        (5, 5, 75, 75, 75, 75, *(125,) * 8),
        16,
    ),
    # Beyond the paper, as small as they can be with all their parts.
    "lstm": Row(lambda key: LSTM(hidden_size=2, key=key), 40, 1_690, (2, 2, 2, 2, 160, 160)),
    "tcn": Row(
        lambda key: TCN(channels=4, depth=2, key=key),
        40,
        230,
        (3, 3, 12, 12, 1, 1, 12, 12, 12, 12, 4, 4),
    ),
    "resnet": Row(
        lambda key: ResNet(channels=4, depth=1, key=key),
        40,
        194,
        (3, 3, *NORM, 12, 12, *NORM, 12, 12, *NORM, 4, 4),
    ),
    "mixer": Row(
        lambda key: Mixer(width=8, depth=1, key=key),
        40,
        888,
        (4, 4, *NORM, 10, 10, 20, 20, *NORM, 8, 8, 16, 16, *NORM, 8, 8),
    ),
    "transformer": Row(
        lambda key: Transformer(width=8, depth=1, key=key),
        40,
        826,
        (4, 4, None, *NORM, 8, 8, 8, 8, *NORM, 8, 8, 16, 16, *NORM, 8, 8),
    ),
    "state space": Row(
        lambda key: StateSpace(width=4, depth=1, n_states=3, key=key),
        40,
        170,
        (1, 1, *NORM, *(None,) * 5, 4, 4, *NORM, 4, 4),
    ),
    "random features": Row(
        lambda key: RandomFeatures(n_features=20, key=key), 40, 210, (None, None, 20, 20)
    ),
}
N_SEEDS = 40


@pytest.fixture(scope="module", params=MODELS)
def seeded(request, quick_module):  # noqa: ARG001 (it compiles)
    """Hold a row and its models of many seeds, as NumPy arrays."""
    row = MODELS[request.param]
    keys = jax.random.split(jax.random.key(0), N_SEEDS)
    models = initialise(lambda key: row.make(key=key), keys)
    return row, jax.tree.map(np.asarray, models)


def examples(row):
    return jnp.array(np.random.default_rng(1).normal(size=(7, row.length)), jnp.float32)


def take(models, seed):
    return jax.tree.map(lambda leaf: leaf[seed], models)


def leaf_pairs(first, second):
    return zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)


@pytest.mark.parametrize("row", MODELS.values(), ids=MODELS)
def test_number_of_parameters_is_as_published(row):
    assert count(lambda key: row.make(key=key)) == row.n_parameters


@pytest.mark.parametrize("width", [2, 47, 300])
def test_parameters_of_double_descent_are_as_published(width):
    # Section 5.2.
    mlp = count(lambda key: MLP(hidden_size=width, residual=False, key=key))
    cnn = count(lambda key: CNN(channels=width, key=key))
    assert mlp == width**2 + 52 * width + 10
    assert cnn == 6 * width**2 + 58 * width + 10


def test_parameters_of_the_lottery_network_are_as_published():
    # Section 5.1.
    assert count(lambda key: MLP(hidden_size=500, key=key)) == 276_010


def count(make):
    shapes = eqx.filter_eval_shape(make, jax.random.key(0))
    return sum(
        math.prod(leaf.shape)
        for leaf in jax.tree.leaves(shapes)
        if isinstance(leaf, jax.ShapeDtypeStruct) and leaf.dtype == jnp.float32
    )


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("size", [5_000, 15_000])
def test_models_of_one_size_have_about_as_many_parameters(name, size):
    assert count(lambda key: of_size(name, size)(key=key)) == pytest.approx(size, rel=0.05)


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - {"MLP", "CNN", "GRU"}))
def test_models_beyond_the_paper_have_by_default_the_parameters_that_they_name(name):
    kind = getattr(all_models, name)
    n_parameters = count(lambda key: kind(key=key))
    assert n_parameters == pytest.approx(5_000, rel=0.05)
    assert f"{n_parameters:,} " in kind.__doc__


def test_a_size_without_settings_is_refused():
    with pytest.raises(ValueError, match=r"n_parameters must be 5000 or 15000, not 500"):
        of_size("TCN", 500)
    with pytest.raises(ValueError, match=r"name must be one of .* not 'tcn'"):
        of_size("tcn", 5_000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda key: Transformer(width=10, key=key), "size must be a multiple of n_heads = 4"),
        (lambda key: Transformer(patch_size=3, key=key), "patch_size must divide input_size = 40"),
        (lambda key: Mixer(30, key=key), "patch_size must divide input_size = 30, not be 4"),
        (lambda key: ResNet(7, key=key), "input_size must be at least 2 .. depth = 8, not 7"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        count(make)


def test_a_causal_network_is_as_deep_as_its_last_point_needs():
    depths = {1: 0, 5: 1, 6: 2, 40: 4, 61: 4, 62: 5}
    for length, depth in depths.items():
        shapes = eqx.filter_eval_shape(lambda key, n=length: TCN(n, key=key), jax.random.key(0))
        assert len(shapes.blocks) == depth


def test_parameters_are_counted_without_masks_and_settings():
    class Masked(eqx.Module):
        weight: jax.Array
        mask: jax.Array
        steps: int

    assert count_parameters(Masked(jnp.ones((3, 4)), jnp.ones((3, 4), bool), 5)) == 12


@pytest.mark.slow
def test_one_example_alone_equals_it_in_a_batch_and_in_chunks(seeded):
    row, models = seeded
    model, x = take(models, 0), examples(row)

    @eqx.filter_jit
    def every_way(model, x):
        return predict(model, x), predict(model, x, chunk_size=3), jnp.stack([model(x[0])])

    batch, chunked, alone = every_way(model, x)
    assert batch.shape == (7, row.n_outputs)
    assert batch.dtype == jnp.float32
    # Sums of up to 784 terms in another order, each rounded to 6e-8.
    np.testing.assert_allclose(chunked, batch, rtol=0, atol=1e-5)
    np.testing.assert_allclose(alone, batch[:1], rtol=0, atol=1e-5)
    others = every_way(model, x[::-1])[0][::-1]
    np.testing.assert_allclose(others, batch, rtol=0, atol=1e-5)


def test_models_of_many_seeds_equal_those_made_one_by_one():
    keys = jax.random.split(jax.random.key(0), 3)
    models = initialise(lambda key: Logistic(key=key), keys)
    models, make = jax.tree.map(np.asarray, models), eqx.filter_jit(lambda key: Logistic(key=key))
    for seed, key in enumerate(keys):
        for together, alone in leaf_pairs(take(models, seed), make(key)):
            # One rounding of u * 2b - b may be fused away.
            np.testing.assert_allclose(together, alone, rtol=0, atol=1e-7)


@pytest.mark.slow
def test_mapping_over_seeds_equals_a_loop_and_gradients_are_finite(seeded):
    row, models = seeded
    x, labels = examples(row), jnp.arange(7)

    def loss_and_logits(model):
        logits = predict(model, x)
        return cross_entropy(logits, labels), logits

    gradient = eqx.filter_value_and_grad(loss_and_logits, has_aux=True)
    mapped = eqx.filter_jit(eqx.filter_vmap(gradient))(jax.tree.map(jnp.asarray, models))
    mapped = jax.tree.map(np.asarray, mapped)
    alone = eqx.filter_jit(gradient)
    for seed in (0, 1, N_SEEDS - 1):
        model = jax.tree.map(jnp.asarray, take(models, seed))
        for together, one in leaf_pairs(take(mapped, seed), alone(model)):
            np.testing.assert_allclose(together, one, rtol=0, atol=1e-5)
    for leaf in jax.tree.leaves(mapped):
        assert leaf.dtype == np.float32
        assert np.isfinite(leaf).all()
        assert np.abs(leaf).max() > 0


@pytest.mark.slow
def test_initial_weights_fill_the_bounds_of_pytorch(seeded):
    # PyTorch's default initialisation: every tensor U[-b, b], b = 1 / sqrt(fan in).
    row, models = seeded
    for tensor, fan_in in zip(jax.tree.leaves(models), row.fan_ins, strict=True):
        if fan_in is None:
            continue
        values = tensor.ravel().astype(float) * math.sqrt(fan_in)
        n = values.size
        assert np.abs(values).max() <= 1 + 1e-6
        # Of n uniform values none lies beyond 1 - 20 / n with probability exp(-20).
        assert values.max() > 1 - 40 / n
        assert values.min() < -1 + 40 / n
        # Variance 1/3 of values, 4/45 of squares; five standard errors.
        assert abs(values.mean()) < 5 * math.sqrt(1 / 3 / n)
        assert abs((values**2).mean() - 1 / 3) < 5 * math.sqrt(4 / 45 / n)


@pytest.mark.slow
def test_no_two_tensors_and_no_two_seeds_share_their_draws(seeded):
    row, models = seeded
    tensors = [
        tensor.ravel() * math.sqrt(fan_in)
        for seed in (0, 1)
        for tensor, fan_in in zip(jax.tree.leaves(take(models, seed)), row.fan_ins, strict=True)
        if fan_in is not None
    ]
    for one, other in itertools.combinations(tensors, 2):
        n = min(one.size, other.size)
        # Independent draws agree to 1e-3 with probability 1e-3 each.
        assert np.mean(np.abs(one[:n] - other[:n]) < 1e-3) < 0.5


@pytest.mark.parametrize(
    "chunk_size", [None, 2, 100, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 7))]
)
def test_a_model_of_one_example_is_mapped_over_the_batch(chunk_size):
    class Ordinary(eqx.Module):
        def __call__(self, x):
            assert x.shape == (40,)
            return jnp.cumsum(x)[:10]

    x = np.arange(280, dtype=np.float32).reshape(7, 40)
    found = eqx.filter_jit(predict)(Ordinary(), x, chunk_size=chunk_size)
    np.testing.assert_array_equal(found, np.cumsum(x, axis=1)[:, :10])


def test_affine_maps_act_on_the_leading_axis_alone():
    rng = np.random.default_rng(2)
    weight, bias, x = (
        jnp.array(rng.normal(size=shape), jnp.float32) for shape in ((2, 3), (2,), (3, 4, 5))
    )
    expected = np.einsum("oi,i...->o...", weight, x) + np.asarray(bias)[:, None, None]
    np.testing.assert_allclose(affine(weight, bias, x), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_gru_equals_its_equations_step_by_step(size):
    # PyTorch's default initialisation.
    rng = np.random.default_rng(3)
    shapes = eqx.filter_eval_shape(
        lambda key: GRU(n_timesteps=5, features=3, hidden_size=size, key=key), jax.random.key(0)
    )
    model = jax.tree.map(
        lambda leaf: rng.normal(scale=2 / size, size=leaf.shape).astype(np.float32), shapes
    )
    x = rng.normal(size=15).astype(np.float32)

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    outputs = np.zeros((5, 2, size))
    for direction, order in enumerate((range(5), reversed(range(5)))):
        W, U, b, c = (
            np.asarray(tensor[:, direction], float)
            for tensor in (
                model.input_weight,
                model.hidden_weight,
                model.input_bias,
                model.hidden_bias,
            )
        )
        h = np.zeros(size)
        for t in order:
            from_input = W @ x.reshape(5, 3)[t] + b
            from_hidden = U @ h + c
            r, z = sigmoid(from_input[:2] + from_hidden[:2])
            n = np.tanh(from_input[2] + r * from_hidden[2])
            h = (1 - z) * n + z * h
            outputs[t, direction] = h
    expected = np.asarray(model.output.weight) @ outputs.ravel() + np.asarray(model.output.bias)
    np.testing.assert_allclose(eqx.filter_jit(model)(jnp.array(x)), expected, rtol=0, atol=1e-5)


def test_a_diagonal_recurrence_equals_its_states_step_by_step():
    key = jax.random.key(0)
    shapes = eqx.filter_eval_shape(lambda key: DiagonalRecurrence(3, 2, (0.1, 1.0), key=key), key)
    rng = np.random.default_rng(4)
    model = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)
    x = rng.normal(size=(3, 7, 2)).astype(np.float32)
    expected = np.zeros((3, 7, 2))
    exact = jax.tree.map(lambda leaf: np.asarray(leaf, float), model)
    for channel in range(3):
        step = np.exp(exact.log_step[channel])
        poles = -np.exp(exact.log_decay[channel]) + 1j * exact.frequency[channel]
        readout = exact.readout[0, channel] + 1j * exact.readout[1, channel]
        h = np.zeros((2, 2), complex)
        for t in range(7):
            # The exact solution over a step in which the input is constant.
            h = np.exp(step * poles)[:, None] * h
            h += ((np.exp(step * poles) - 1) / poles)[:, None] * x[channel, t]
            answer = 2 * (readout[:, None] * h).sum(0).real
            expected[channel, t] = answer + exact.skip[channel] * x[channel, t]
    np.testing.assert_allclose(eqx.filter_jit(model)(jnp.array(x)), expected, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_recurrences_start_as_their_source_says():
    # S4D-Lin: poles -1/2 + i pi n.
    model = eqx.filter_jit(lambda key: DiagonalRecurrence(500, 3, (0.01, 0.1), key=key))(
        jax.random.key(0)
    )
    np.testing.assert_allclose(np.exp(model.log_decay), 0.5, rtol=1e-6)
    np.testing.assert_allclose(model.frequency[7], [0, np.pi, 2 * np.pi], rtol=1e-6)
    logs = np.log10(np.exp(np.asarray(model.log_step)))
    assert logs.min() == pytest.approx(-2, abs=0.05)
    assert logs.max() == pytest.approx(-1, abs=0.05)
    # Five standard errors of a uniform mean, and of a variance of normal numbers.
    assert logs.mean() == pytest.approx(-1.5, abs=5 / np.sqrt(12 * 500))
    assert np.square(model.readout).mean() == pytest.approx(0.5, abs=5 * 0.5 * np.sqrt(2 / 3000))


def test_random_projections_are_no_parameters():
    shapes = eqx.filter_eval_shape(
        lambda key: RandomFeatures(n_features=3, key=key), jax.random.key(0)
    )
    leaves = jax.tree.leaves(shapes)
    assert [leaf.shape for leaf in leaves if leaf.dtype == jnp.float32] == [(10, 3), (10,)]
    assert [leaf.shape for leaf in leaves if leaf.dtype == jnp.int32] == [(3, 40), (3,)]
