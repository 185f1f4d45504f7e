"""The architectures and optimisers of the field are candidates as people write them.

Each network is written for one library, in the style of its documentation, with one optimiser.
"""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d import lab
from mnist1d.lab.candidates.averaging import EMA
from mnist1d.lab.candidates.coerce import as_candidate
from mnist1d.lab.candidates.contract import Run, Schedule, Sets
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.candidates.plain_jax import JaxCandidate

SCHEDULE = Schedule(n_steps=12, batch_size=50, evaluate_every=6)
RNG = np.random.default_rng(0)
Y = RNG.integers(0, 10, 200)
X = (RNG.normal(size=(10, 40))[Y] + 0.3 * RNG.normal(size=(200, 40))).astype(np.float32)
SETS = Sets(X, Y, {"train": X, "validation": X[:70]}, Y[:70])


class Transformer(eqx.Module):
    """A token per point, one block, dropout: Equinox, one example."""

    embed: eqx.nn.Linear
    position: jax.Array
    attention: eqx.nn.MultiheadAttention
    norms: list[eqx.nn.LayerNorm]
    mlp: eqx.nn.MLP
    dropout: eqx.nn.Dropout
    output: eqx.nn.Linear

    def __init__(self, width=8, *, key):
        a, b, c, d, e = jax.random.split(key, 5)
        self.embed = eqx.nn.Linear(1, width, key=a)
        self.position = 0.1 * jax.random.normal(b, (40, width))
        self.attention = eqx.nn.MultiheadAttention(2, width, key=c)
        self.norms = [eqx.nn.LayerNorm(width), eqx.nn.LayerNorm(width)]
        self.mlp = eqx.nn.MLP(width, width, 2 * width, 1, key=d)
        self.dropout = eqx.nn.Dropout(0.1)
        self.output = eqx.nn.Linear(width, 10, key=e)

    def __call__(self, x, key=None):
        h = jax.vmap(self.embed)(x[:, None]) + self.position
        normed = jax.vmap(self.norms[0])(h)
        h = h + self.dropout(self.attention(normed, normed, normed), key=key)
        h = h + jax.vmap(self.mlp)(jax.vmap(self.norms[1])(h))
        return self.output(h.mean(axis=0))


class Mixer(eqx.Module):
    """Five patches, mixed over places and over channels: Equinox, one example."""

    patches: eqx.nn.Conv1d
    over_places: eqx.nn.MLP
    over_channels: eqx.nn.MLP
    output: eqx.nn.Linear

    def __init__(self, key):
        a, b, c, d = jax.random.split(key, 4)
        self.patches = eqx.nn.Conv1d(1, 8, 8, stride=8, key=a)
        self.over_places = eqx.nn.MLP(5, 5, 16, 1, key=b)
        self.over_channels = eqx.nn.MLP(8, 8, 16, 1, key=c)
        self.output = eqx.nn.Linear(8, 10, key=d)

    def __call__(self, x):
        h = self.patches(x[None])
        h = h + jax.vmap(self.over_places)(h)
        h = h + jax.vmap(self.over_channels, in_axes=1, out_axes=1)(h)
        return self.output(h.mean(axis=1))


class ResNet(eqx.Module):
    """A residual block with batch normalisation: Equinox, one example and the state."""

    stem: eqx.nn.Conv1d
    convolutions: list[eqx.nn.Conv1d]
    norms: list[eqx.nn.BatchNorm]
    output: eqx.nn.Linear

    def __init__(self, channels=8, *, key):
        a, b, c, d = jax.random.split(key, 4)
        self.stem = eqx.nn.Conv1d(1, channels, 3, stride=2, padding=1, key=a)
        self.convolutions = [
            eqx.nn.Conv1d(channels, channels, 3, padding=1, key=each) for each in (b, c)
        ]
        self.norms = [eqx.nn.BatchNorm(channels, "batch", mode="batch") for _ in range(2)]
        self.output = eqx.nn.Linear(channels, 10, key=d)

    def __call__(self, x, state):
        x = h = self.stem(x[None])
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            h, state = norm(h, state)
            h = convolution(jax.nn.relu(h))
        return self.output((x + h).mean(axis=1)), state


def init_state_space(key, channels=8):
    """Parameters of a diagonal state space model in plain JAX."""
    a, b = jax.random.split(key)
    return {
        "decay": jnp.linspace(-2.0, 2.0, channels),
        "input": jax.random.normal(a, (channels,)),
        "output": jax.random.normal(b, (channels, 10)) / channels**0.5,
    }


def apply_state_space(parameters, x):
    """Compute the states by a scan over the points, (batch, length) to (batch, classes)."""
    decay = jax.nn.sigmoid(parameters["decay"])

    def step(state, point):
        state = decay * state + point[:, None] * parameters["input"]
        return state, jax.nn.gelu(state)

    _, states = jax.lax.scan(step, jnp.zeros((len(x), len(decay))), x.T)
    return states.mean(axis=0) @ parameters["output"]


def flax_tcn():
    """Return a class of causal, dilated convolutions of Flax NNX, of a batch."""
    nnx = pytest.importorskip("flax.nnx", reason="Flax is not installed")

    class TCN(nnx.Module):
        def __init__(self, channels=8, *, rngs):
            sizes = [1, *[channels] * 3]
            self.layers = nnx.List(
                nnx.Conv(n, m, 3, kernel_dilation=2**i, padding="CAUSAL", rngs=rngs)
                for i, (n, m) in enumerate(itertools.pairwise(sizes))
            )
            self.dropout = nnx.Dropout(0.1, rngs=rngs)
            self.output = nnx.Linear(channels, 10, rngs=rngs)

        def __call__(self, x):
            x = x[..., None]
            for layer in self.layers:
                x = self.dropout(nnx.relu(layer(x)))
            return self.output(x[:, -1])

    return TCN


def torch_resnet():
    """Return a class of PyTorch, of a batch."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    nn = torch.nn

    class ResNet(nn.Module):
        def __init__(self, channels=8):
            super().__init__()
            self.stem = nn.Conv1d(1, channels, 3, stride=2, padding=1)
            parts = [(nn.BatchNorm1d(channels), nn.ReLU()) for _ in range(2)]
            convolutions = [nn.Conv1d(channels, channels, 3, padding=1) for _ in parts]
            self.block = nn.Sequential(
                *(each for part, c in zip(parts, convolutions, strict=True) for each in (*part, c))
            )
            self.output = nn.Linear(channels, 10)

        def forward(self, x):
            x = self.stem(x[:, None])
            return self.output((x + self.block(x)).mean(dim=2))

    return ResNet


def sharpness_aware(rate):
    """Return SAM with two gradients in a step."""
    disturbance = optax.chain(optax.contrib.normalize(), optax.sgd(0.05))
    return optax.contrib.sam(optax.sgd(rate), disturbance, opaque_mode=True)


ZOO = {
    "Transformer, schedule-free": (
        lambda: EquinoxCandidate(Transformer, optax.contrib.schedule_free_adamw),
        16 + 320 + 4 * 64 + 32 + (8 * 16 + 16 + 16 * 8 + 8) + 90,
    ),
    "Mixer, Muon": (
        lambda: EquinoxCandidate(Mixer, optax.contrib.muon),
        72 + (5 * 16 + 16 + 16 * 5 + 5) + (8 * 16 + 16 + 16 * 8 + 8) + 90,
    ),
    "ResNet, SAM": (
        lambda: EquinoxCandidate(ResNet, sharpness_aware),
        32 + 2 * (8 * 8 * 3 + 8) + 2 * 16 + 90,
    ),
    "state space, Lion": (
        lambda: JaxCandidate((init_state_space, apply_state_space), optax.lion),
        8 + 8 + 80,
    ),
    "TCN, averaged, stops early": (
        lambda: lab.FlaxCandidate(flax_tcn(), average=EMA(0.5), patience=2),
        32 + 2 * (8 * 8 * 3 + 8) + 90,
    ),
    "ResNet of PyTorch": (
        lambda: as_candidate("ResNet", torch_resnet()),
        32 + 2 * (8 * 8 * 3 + 8) + 2 * 16 + 90,
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation", "mixed_types")
@pytest.mark.parametrize("name", ZOO)
def test_a_network_of_the_field_is_a_candidate_and_learns(name):
    make, n_parameters = ZOO[name]
    candidate = make()
    assert candidate.check(SETS, SCHEDULE) == n_parameters
    rate = 0.003 if "Lion" in name else 0.03
    run = Run({"learning_rate": rate}, 0, "a")
    ((_, outcome),) = candidate.train([run], {"a": SETS}, SCHEDULE, lambda *_: None)
    assert outcome.train_loss[-1] < outcome.train_loss[0]
    assert outcome.validation_accuracy.shape == (2,)
