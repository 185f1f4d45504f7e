"""Training in the explorer is training in the package."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mnist1d
from mnist1d.models import CNN, GRU, MLP, Logistic, predict
from mnist1d.training import as_data, initialise, shuffled_order, train_runs
from mnist1d.training.supervised import supervised

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_compilation")]

N_STEPS = 200
SEED = 3
RUNS = {
    # Where a unit's input is near zero, rounding decides whether it is on, and Adam makes a large
    # step of the smallest gradient: networks with relu then differ in a few steps, also two runs
    # of the package in different precision. Momentum has no such steps.
    "Logistic": (Logistic, "adam", 0.01, optax.adam(0.01)),
    "MLP": (MLP, "momentum", 0.01, optax.sgd(0.01, momentum=0.9)),
    "CNN": (CNN, "momentum", 0.01, optax.sgd(0.01, momentum=0.9)),
    "GRU": (GRU, "adam", 0.01, optax.adam(0.01)),
}

# With the kernel, and fewer steps in plain JavaScript, which takes ten times as long.
TRAIN = """async ({ Trainer }, { runs, nSteps }) => {
  const { loadKernel } = await import('/nets/operations.js');
  const { load } = await import('/data/published.js');
  const set = load();
  const part = ({ x, y }) => ({ x: Float32Array.from(x), y });
  const data = { train: part(set.train), test: part(set.test) };
  const kernel = await loadKernel();
  if (kernel === null) throw new Error('there is no kernel');
  return runs.map((run) => [kernel, null].map((loops) => {
    const trainer = new Trainer({ ...run, data }, loops);
    const weights = trainer.weights().map(({ name, shape, values }) => [name, shape, text(values)]);
    const length = loops === null ? nSteps / 4 : nSteps;
    const losses = Array.from({ length }, () => trainer.step());
    const { accuracy } = trainer.evaluate('test');
    const shown = data.test.x.subarray(0, 3 * 40);
    const [scores, slopes] = [trainer.logits(shown), trainer.saliency(shown, data.test.y)];
    return { weights, losses, accuracy, scores: text(scores), slopes: text(slopes) };
  }));
}"""


@pytest.fixture(scope="module")
def data():
    return as_data(mnist1d.load())


@pytest.fixture(scope="module")
def found(run):
    """Return what the explorer trained, by model, with the kernel and without."""
    runs = [
        {"model": name, "optimiser": optimiser, "learningRate": rate, "seed": SEED}
        for name, (_, optimiser, rate, _) in RUNS.items()
    ]
    trained = run("nets/trainer.js", TRAIN, {"runs": runs, "nSteps": N_STEPS})
    return dict(zip(RUNS, trained, strict=True))


def leaves_of(model):
    paths, _ = jax.tree_util.tree_flatten_with_path(eqx.filter(model, eqx.is_array))
    return {jax.tree_util.keystr(path).removeprefix("."): np.asarray(leaf) for path, leaf in paths}


@pytest.mark.parametrize("name", RUNS)
def test_the_same_key_gives_the_same_model_and_losses(name, data, found, numbers):
    make, _, _, optimizer = RUNS[name]
    keys = jax.vmap(jax.random.key)(np.array([SEED]))
    models = initialise(lambda key: make(key=key), keys)
    first = {path: leaf[0] for path, leaf in leaves_of(models).items()}
    trained = train_runs(supervised(N_STEPS, optimizer), models, data, keys=keys)
    losses = np.asarray(trained.history.train_loss)[0]
    last = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), eqx.filter(trained.models, eqx.is_array))
    last = eqx.combine(last, eqx.filter(models, eqx.is_array, inverse=True))
    x = jnp.asarray(data["test"][0][:3])
    labels = data["test"][1][:3]
    slopes = jax.jit(jax.vmap(jax.grad(lambda x, y: last(x)[y])))(x, jnp.asarray(labels))
    kernel, plain = found[name]
    for own in (kernel, plain):
        assert [array for array, _, _ in own["weights"]] == list(first)
        for array, shape, values in own["weights"]:
            assert tuple(shape) == first[array].shape
            drawn = numbers(values, np.float32).reshape(shape)
            # A fused multiplication and addition may round differently.
            assert drawn == pytest.approx(first[array], abs=1e-7)
        assert own["losses"] == pytest.approx(losses[: len(own["losses"])], rel=1e-3)
    assert len(plain["losses"]) < len(kernel["losses"]) == N_STEPS
    assert kernel["losses"][: len(plain["losses"])] == pytest.approx(plain["losses"], rel=1e-4)
    accuracy = np.asarray(trained.history.metrics)[0, -1]
    assert kernel["accuracy"] == pytest.approx(accuracy, abs=2e-3)
    scores = numbers(kernel["scores"], np.float32).reshape(3, 10)
    assert scores == pytest.approx(np.asarray(eqx.filter_jit(predict)(last, x)), abs=2e-3)
    assert numbers(kernel["slopes"], np.float32).reshape(3, 40) == pytest.approx(
        np.asarray(slopes), abs=5e-3
    )


OPTIMISERS = {
    "adam": (0.01, optax.adam(0.01)),
    "momentum": (0.1, optax.sgd(0.1, momentum=0.9)),
    "sgd": (0.1, optax.sgd(0.1)),
}


def test_optimisers_and_shuffled_batches_are_those_of_the_package(run, data):
    n_steps, batch_size = 180, 96  # in plain JavaScript, too, more than an epoch
    runs = [
        {
            "model": "Logistic",
            "optimiser": name,
            "learningRate": rate,
            "seed": SEED,
            "order": "shuffled",
            "batchSize": batch_size,
        }
        for name, (rate, _) in OPTIMISERS.items()
    ]
    found = run("nets/trainer.js", TRAIN, {"runs": runs, "nSteps": n_steps})
    x, labels = data["train"]
    order = np.asarray(shuffled_order(4000, batch_size, n_steps, key=jax.random.key(SEED)))

    def loss_of(model, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(x @ model.T, y).mean()

    for (_, optimizer), trained in zip(OPTIMISERS.values(), found, strict=True):
        start = Logistic(key=jax.random.key(SEED))
        model = jnp.concatenate([start.output.weight, start.output.bias[:, None]], axis=1)

        def step(carry, rows, optimizer=optimizer):
            model, state = carry
            batch = jnp.concatenate([jnp.asarray(x)[rows], jnp.ones((batch_size, 1))], axis=1)
            loss, gradient = jax.value_and_grad(loss_of)(model, batch, jnp.asarray(labels)[rows])
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(model, updates), state), loss

        _, losses = jax.lax.scan(step, (model, optimizer.init(model)), jnp.asarray(order))
        for own in trained:
            first = np.asarray(losses)[: len(own["losses"])]
            assert own["losses"] == pytest.approx(first, rel=1e-4)
