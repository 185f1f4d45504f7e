"""Models, gradients and training against PyTorch, from the same weights.

Both sides compute in float64, where rounding is 1e-16: agreement to 1e-12 leaves no room for
a wrong gate, tap or bias. Single precision is compared once more at its own rounding error.
"""

import runpy
from pathlib import Path
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.models import (
    CNN,
    GRU,
    LSTM,
    MLP,
    TCN,
    Logistic,
    Mixer,
    PoolingCNN,
    ResNet,
    StateSpace,
    Transformer,
    count_parameters,
    predict,
)
from mnist1d.models.layers import Convolution
from mnist1d.models.pooling_cnn import VARIANTS
from mnist1d.training import (
    Training,
    cross_entropy,
    sequential_batch,
    shuffled_order,
    train,
    train_runs,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
pytestmark = pytest.mark.usefixtures("quick_compilation")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
REFERENCE = SimpleNamespace(
    **runpy.run_path(str(BENCHMARKS / "torch_models.py"))
    | runpy.run_path(str(BENCHMARKS / "torch_architectures.py"))
)

PAIRS = {
    "logistic": (Logistic, REFERENCE.Logistic, 40, {}),
    "mlp": (MLP, REFERENCE.MLP, 40, {}),
    "mlp of double descent": (MLP, REFERENCE.MLP, 40, {"hidden_size": 7, "residual": False}),
    "cnn": (CNN, REFERENCE.CNN, 40, {}),
    "cnn of double descent": (CNN, REFERENCE.CNN, 40, {"channels": 4}),
    "cnn on images": (CNN, REFERENCE.CNN, 784, {"image_size": 28}),
    "gru": (GRU, REFERENCE.GRU, 40, {}),
    "gru on rows": (GRU, REFERENCE.GRU, 784, {"n_timesteps": 28, "features": 28}),
    "lstm": (LSTM, REFERENCE.LSTM, 40, {"hidden_size": 2}),
    "lstm on rows": (LSTM, REFERENCE.LSTM, 40, {"n_timesteps": 8, "features": 5}),
    "tcn": (TCN, REFERENCE.TCN, 40, {"channels": 3}),
    "resnet": (ResNet, REFERENCE.ResNet, 40, {"channels": 3, "depth": 2}),
    "mixer": (Mixer, REFERENCE.Mixer, 40, {"width": 6, "depth": 1}),
    "transformer": (Transformer, REFERENCE.Transformer, 40, {"width": 8, "depth": 2}),
    "transformer of points": (
        Transformer,
        REFERENCE.Transformer,
        40,
        {"width": 6, "depth": 1, "patch_size": 1, "n_heads": 2, "expansion": 3},
    ),
    "state space": (
        StateSpace,
        REFERENCE.StateSpace,
        40,
        {"width": 4, "depth": 1, "n_states": 3},
    ),
} | {variant: (PoolingCNN, REFERENCE.PoolingCNN, 40, {"variant": variant}) for variant in VARIANTS}
PUBLISHED = ["logistic", "mlp", "cnn", "gru", "l2_pool"]


def pair(name, dtype=np.float64):
    """Make our model and PyTorch's, with the same weights."""
    make, make_torch, length, options = PAIRS[name]
    rng = np.random.default_rng(3)
    model = jax.tree.map(
        # Converted by NumPy, as JAX compiles a program for every shape.
        lambda leaf: jnp.asarray(rng.uniform(-0.15, 0.15, leaf.shape).astype(dtype)),
        eqx.filter_eval_shape(lambda key: make(**options, key=key), jax.random.key(0)),
    )
    reference = make_torch(**options).to(getattr(torch, dtype.__name__))
    reference.load_state_dict(
        {key: torch.from_numpy(value) for key, value in in_torch_layout(model).items()}
    )
    return model, reference, length


RENAMED = {
    "attention_norm": "norm1",
    "attention.inputs.": "self_attn.in_proj_",
    "attention.output": "self_attn.out_proj",
    "feed_forward_norm": "norm2",
    "feed_forward.inner": "linear1",
    "feed_forward.outer": "linear2",
}
"""Names of a transformer's parts in PyTorch."""


def in_torch_layout(tree):
    """Name and lay out our weights, or their gradients, as PyTorch does."""
    arrays = {}
    for path, value in jax.tree_util.tree_leaves_with_path(jax.tree.map(np.asarray, tree)):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        side, _, kind = name.partition("_")
        if side in {"input", "hidden"} and isinstance(tree, GRU | LSTM):
            layer, letter = type(tree).__name__.lower(), side[0]
            for direction, suffix in enumerate(("", "_reverse")):
                part = value[:, direction]
                rows = part.reshape(-1, *part.shape[2:])
                arrays[f"{layer}.{kind}_{letter}h_l0{suffix}"] = rows
            continue
        for ours, theirs in RENAMED.items():
            name = name.replace(ours, theirs)
        # The last axis of our kernels is that of the input's channels, PyTorch's second.
        is_kernel = name.endswith("weight") and value.ndim > 2
        arrays[name] = np.moveaxis(value, -1, 1) if is_kernel else value
    return {name: np.array(value) for name, value in arrays.items()}


def examples(length, n, dtype=np.float64):
    rng = np.random.default_rng(5)
    return rng.normal(size=(n, length)).astype(dtype), rng.integers(0, 10, n)


def assert_same_weights(model, reference, tolerance):
    theirs = {name: value.numpy() for name, value in reference.state_dict().items()}
    ours = in_torch_layout(model)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_logits_and_gradients_equal_pytorch(name):
    with jax.enable_x64(True):
        model, reference, length = pair(name)
        x, y = examples(length, 12)
        inputs, labels = jnp.array(x), jnp.array(y)

        def loss_and_logits(model):
            logits = predict(model, inputs)
            return cross_entropy(logits, labels), logits

        (loss, logits), gradient = eqx.filter_jit(
            eqx.filter_value_and_grad(loss_and_logits, has_aux=True)
        )(model)
        expected_logits = reference(torch.from_numpy(x))
        expected_loss = torch.nn.functional.cross_entropy(expected_logits, torch.from_numpy(y))
        expected_loss.backward()
        assert logits.dtype == np.float64
        np.testing.assert_allclose(logits, expected_logits.detach(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(loss, expected_loss.item(), rtol=1e-12)
        gradient = in_torch_layout(gradient)
        expected = {name: tensor.grad for name, tensor in reference.named_parameters()}
        assert gradient.keys() == expected.keys()
        for parameter, value in gradient.items():
            np.testing.assert_allclose(
                value, expected[parameter], rtol=0, atol=1e-12, err_msg=parameter
            )


@pytest.mark.parametrize(
    "name",
    [
        "logistic",
        "mlp",
        "cnn",
        pytest.param("gru", marks=pytest.mark.slow),
        pytest.param("l2_pool", marks=pytest.mark.slow),
    ],
)
def test_single_precision_logits_equal_pytorch_in_double_precision(name):
    model, reference, length = pair(name, np.float32)
    x, _ = examples(length, 12, np.float32)
    logits = eqx.filter_jit(predict)(model, jnp.array(x))
    expected = reference.double()(torch.from_numpy(x).double()).detach().numpy()
    # Sums of up to 480 terms, each rounded to 6e-8 of its size.
    np.testing.assert_allclose(logits, expected, rtol=0, atol=5e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", PAIRS)
def test_number_of_parameters_equals_pytorch(name):
    model, reference, _ = pair(name, np.float32)
    assert count_parameters(model) == sum(tensor.numel() for tensor in reference.parameters())


GEOMETRIES = [(1, 1, 0, 1), (4, 3, 2, 1), (3, 2, 4, 1), (3, 2, 1, 4)]
CASES = [(dimensions, *each) for each in GEOMETRIES for dimensions in (1, 2)]
QUICK = [(1, 4, 3, 2, 1), (2, 3, 2, 1, 4)]


@pytest.mark.parametrize(
    ("dimensions", "kernel_size", "stride", "padding", "dilation"),
    [each if each in QUICK else pytest.param(*each, marks=pytest.mark.slow) for each in CASES],
)
def test_convolutions_of_any_geometry_equal_pytorch(
    dimensions, kernel_size, stride, padding, dilation
):
    theirs = [torch.nn.Conv1d, torch.nn.Conv2d][dimensions - 1]
    x, _ = examples(3 * 9**dimensions, 2, np.float32)
    x = x.reshape(2, 3, *(9,) * dimensions)
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    layer = Convolution(3, 5, kernel_size, n_axes=dimensions, **geometry, key=jax.random.key(0))
    reference = theirs(3, 5, kernel_size, **geometry)
    weight = np.moveaxis(np.array(layer.weight), -1, 1)
    reference.load_state_dict(
        {"weight": torch.from_numpy(weight), "bias": torch.from_numpy(np.array(layer.bias))}
    )
    expected = reference(torch.from_numpy(x)).detach().numpy()
    outputs = np.asarray(eqx.filter_jit(layer)(jnp.array(np.moveaxis(x, 0, -1))))
    outputs = np.moveaxis(outputs, -1, 0)
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)


def published_training(n_steps):
    return Training(
        batch=lambda data, step, _key: sequential_batch(data, step, 100),
        loss=lambda model, batch, _key: cross_entropy(predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(0.01),
        n_steps=n_steps,
        evaluate=lambda _model, _data: (),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_thirty_steps_of_adam_equal_pytorch(name):
    with jax.enable_x64(True):
        model, reference, length = pair(name)
        x, y = examples(length, 400)
        data = (jnp.array(x), jnp.array(y))
        model, history = eqx.filter_jit(train)(
            published_training(30), model, data, key=jax.random.key(0)
        )
        expected = REFERENCE.train(reference, torch.from_numpy(x), torch.from_numpy(y), 30)
        np.testing.assert_allclose(history.train_loss, expected, rtol=1e-9)
        assert_same_weights(model, reference, 1e-9)


@pytest.mark.slow
def test_ten_steps_of_adam_in_single_precision_stay_near_pytorch():
    jax.config.update("jax_disable_most_optimizations", False)  # as users train
    model, reference, length = pair("mlp", np.float32)
    x, y = examples(length, 400, np.float32)
    trained = train_runs(
        published_training(10),
        jax.tree.map(lambda leaf: leaf[None], model),
        (jnp.array(x), jnp.array(y, jnp.int32)),
        keys=jax.random.split(jax.random.key(0), 1),
    )
    expected = REFERENCE.train(reference, torch.from_numpy(x), torch.from_numpy(y), 10)
    np.testing.assert_allclose(trained.history.train_loss[0], expected, rtol=1e-5)


@pytest.mark.slow
def test_thirty_steps_of_reshuffled_momentum_equal_pytorch():
    with jax.enable_x64(True):
        model, reference, length = pair("mlp of double descent")
        x, y = examples(length, 60)
        order = shuffled_order(60, 20, 30, key=jax.random.key(8))
        training = Training(
            batch=lambda data, step, _key: (data[0][data[2][step]], data[1][data[2][step]]),
            loss=lambda model, batch, _key: cross_entropy(predict(model, batch[0]), batch[1]),
            optimizer=optax.sgd(0.01, momentum=0.9),
            n_steps=30,
            evaluate=lambda _model, _data: (),
        )
        model, history = eqx.filter_jit(train)(
            training, model, (jnp.array(x), jnp.array(y), order), key=jax.random.key(0)
        )
        inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
        optimizer = torch.optim.SGD(reference.parameters(), lr=0.01, momentum=0.9)
        losses = []
        for rows in torch.from_numpy(np.array(order)):
            loss = torch.nn.functional.cross_entropy(reference(inputs[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        np.testing.assert_allclose(history.train_loss, losses, rtol=1e-10)
        assert_same_weights(model, reference, 1e-12)
