"""The pooling experiment: what its variants share, how it is resumed, what it claims."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jax.experimental.compilation_cache import compilation_cache

import mnist1d
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Compute, Store
from mnist1d.experiments import pooling
from mnist1d.experiments.pooling import training
from mnist1d.experiments.pooling.claims import AT_END, PUBLISHED, gain
from mnist1d.experiments.pooling.config import POOLED, VARIANTS, Config
from mnist1d.experiments.pooling.method import _network, run
from mnist1d.experiments.pooling.training import (
    Trainer,
    initial_model,
    make_sets,
    published_training,
)
from mnist1d.harness import record
from mnist1d.harness.claims import judge
from mnist1d.harness.findings import judged
from mnist1d.harness.verdicts.rules import NoGain, Positive, Similar
from mnist1d.models import PoolingCNN, count_parameters, pooling_cnn, predict
from mnist1d.models.pooling_cnn import POOLS
from mnist1d.stream.stream import Stream
from mnist1d.training import Training, accuracy, cross_entropy, sequential_batch, train

pytestmark = [
    pytest.mark.usefixtures("quick_compilation", "one_device", "compiled_once"),
    pytest.mark.slow,
]

TINY = Config(
    seeds=2, sizes=(100, 300), stream_sizes=(500,), n_steps=7, batch_size=50, evaluate_every=3
)
TIMES = ["run_seconds", "compile_seconds"]


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    """Keep compiled programs from test to test, and no longer."""
    changes = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("compiled")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
    }
    before = {name: jax.config.values[name] for name in changes}
    for name, value in changes.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return the folder of what `whole` finishes."""
    return tmp_path_factory.mktemp("stored")


@pytest.fixture(scope="module")
def whole(one_device, compiled_once, stored):  # noqa: ARG001 (it compiles, on one)
    jax.config.update("jax_disable_most_optimizations", True)
    return run(TINY, compute=Compute(Store(stored))).drop_vars(TIMES)


@pytest.mark.parametrize(
    ("variant", "n_parameters", "lengths"),
    [
        ("no_pool", 9310, (40, 40)),
        ("stride_2", 3310, (20, 10)),
        ("max_pool", 3310, (20, 10)),
        ("avg_pool", 3310, (20, 10)),
        ("l2_pool", 3310, (20, 10)),
    ],
)
def test_lengths_and_numbers_of_parameters_are_those_of_the_paper(variant, n_parameters, lengths):
    model = jax.tree.map(jnp.asarray, initial_model(variant, trial=0))
    assert count_parameters(model) == n_parameters
    hidden, found = jnp.ones((1, 40, 2)), []
    for convolution in model.convolutions:
        hidden = convolution(hidden)
        if variant in POOLS:
            hidden = POOLS[variant](hidden[:, ::2], hidden[:, 1::2])
        found.append(hidden.shape[1])
    assert tuple(found) == lengths
    assert model.output.weight.shape == (10, 20 * lengths[1])


def test_pools_are_maximum_mean_and_root_of_the_sum_of_squares():
    pairs = (jnp.array([3.0, 0.0]), jnp.array([4.0, 0.0]))
    found = {name: pool(*pairs).tolist() for name, pool in POOLS.items()}
    assert found == {"max_pool": [4, 0], "avg_pool": [3.5, 0], "l2_pool": [5, 0]}


def test_pooling_takes_neighbouring_points_and_drops_an_odd_last_one():
    model = PoolingCNN("max_pool", input_size=7, channels=1, key=jax.random.key(0))
    layers = [np.asarray(layer.weight).ravel() for layer in model.convolutions]
    x = np.random.default_rng(0).normal(size=7).astype(np.float32)
    for weight, layer in zip(layers, model.convolutions, strict=True):
        padded = np.pad(x, 1)
        x = [weight @ padded[i : i + 3] + float(layer.bias[0]) for i in range(len(x))]
        x = [max(x[i], x[i + 1], 0) for i in range(0, len(x) - 1, 2)]
    expected = np.asarray(model.output.weight) @ x + np.asarray(model.output.bias)
    start = np.random.default_rng(0).normal(size=7).astype(np.float32)
    np.testing.assert_allclose(model(jnp.array(start)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0])
def test_the_gradient_of_l2_pooling_is_finite_and_at_zero_zero(scale):
    pair = scale * jnp.array([[0.0, 3.0], [0.0, 4.0]])
    gradient = jax.grad(lambda pair: POOLS["l2_pool"](pair[0], pair[1]).sum())(pair)
    # Squares below 1e-45 are 0 in float32.
    expected = [[0, 0.6], [0, 0.8]] if scale == 1 else np.zeros((2, 2))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


def test_the_gradient_of_l2_pooling_at_zero_is_that_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    pair = torch.zeros(1, 1, 2, requires_grad=True)
    torch.nn.LPPool1d(2, 2)(pair).sum().backward()
    assert pair.grad.tolist() == [[[0, 0]]]


def test_an_unknown_variant_is_refused_by_name():
    with pytest.raises(ValueError, match=r"variant must be one of .*did you mean 'max_pool'"):
        PoolingCNN("maxpool", key=jax.random.key(0))


def same(first, second):
    return all(
        np.array_equal(one, other)
        for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    )


def test_variants_of_a_trial_start_from_the_same_convolutions_and_the_same_affine_map():
    models = {variant: initial_model(variant, trial=3) for variant in VARIANTS}
    for variant in VARIANTS[1:]:
        assert all(
            same(one, other)
            for one, other in zip(
                models[variant].convolutions, models["no_pool"].convolutions, strict=True
            )
        )
        assert same(models[variant].output, models["stride_2"].output)
    assert not same(initial_model("max_pool", trial=4), models["max_pool"])


def test_the_sets_of_the_first_trial_are_the_published_ones():
    sets = make_sets((4000, 8000), (), trial=0)
    # With the split of 4000 to 1000 it is the published set.
    frozen = mnist1d.load()
    np.testing.assert_array_equal(sets.x[:4000], frozen.x.astype(np.float32))
    np.testing.assert_array_equal(sets.y_test[0], frozen.y_test)
    generated = mnist1d.generate(num_samples=9000, train_split=1 - 1000 / 9000, seed=42)
    rank, first = sets.places[8000]
    assert (rank, first, len(sets.x)) == (1, 4000, 12_000)
    np.testing.assert_array_equal(sets.x[first:], generated.x.astype(np.float32))
    np.testing.assert_array_equal(sets.y[first:], generated.y)
    np.testing.assert_array_equal(sets.x_test[1], generated.x_test.astype(np.float32))


def test_streamed_sets_begin_alike_and_are_tested_on_samples_beyond_them_all():
    sets = make_sets((100,), (200, 400), trial=2)
    stream = Stream(seed=44)
    assert sets.places == {100: (0, 0), 200: (1, 100), 400: (2, 100)}
    np.testing.assert_array_equal(sets.x[100:], stream[0:400][0])
    np.testing.assert_array_equal(sets.y[100:], stream[0:400][1])
    for rank in (1, 2):
        np.testing.assert_array_equal(sets.x_test[rank], stream[400:1400][0])
        np.testing.assert_array_equal(sets.y_test[rank], stream[400:1400][1])


@pytest.mark.parametrize(("variant", "size"), [("no_pool", 300), ("l2_pool", 500)])
def test_a_run_equals_the_published_loop_on_its_own_set_alone(whole, variant, size):
    sets = make_sets(TINY.sizes, TINY.stream_sizes, trial=1)
    rank, first = sets.places[size]
    data = {
        "train": (jnp.array(sets.x[first : first + size]), jnp.array(sets.y[first : first + size])),
        "test": (jnp.array(sets.x_test[rank]), jnp.array(sets.y_test[rank])),
    }

    def evaluate(model, data):
        return {
            part: (accuracy(logits, data[part][1]), cross_entropy(logits, data[part][1]))
            for part in data
            for logits in [predict(model, data[part][0])]
        }

    training = Training(
        batch=lambda data, step, _: sequential_batch(data["train"], step, TINY.batch_size),
        loss=lambda model, batch, _: cross_entropy(predict(model, batch[0]), batch[1]),
        optimizer=published_training(TINY).optimizer,
        n_steps=TINY.n_steps,
        evaluate=evaluate,
        evaluate_every=TINY.evaluate_every,
    )
    start = jax.tree.map(jnp.asarray, initial_model(variant, trial=1))
    _, history = eqx.filter_jit(train)(training, start, data, key=jax.random.key(0))
    found = whole.sel(variant=variant, n_samples=size, seed=1)
    assert found.step.values.tolist() == [0, 3, 6]
    # Sums in another order; one sample of 1,000 may fall to the other side.
    np.testing.assert_allclose(found.test_loss, history.metrics["test"][1], rtol=1e-4)
    np.testing.assert_allclose(found.test_accuracy, history.metrics["test"][0], atol=2.1e-3)
    np.testing.assert_allclose(found.train_accuracy, history.metrics["train"][0][-1], atol=2.1e-3)


def test_what_is_finished_is_read_without_making_a_set_or_a_model(whole, stored, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError

    monkeypatch.setattr(training, "initial_model", refuse)
    monkeypatch.setattr(training, "make_sets", refuse)
    store = Store(stored)
    again = run(TINY, compute=Compute(store))
    xr.testing.assert_identical(again.drop_vars(TIMES), whole)
    assert store.n_found == 5 * 3 * 2


def test_a_trial_does_not_depend_on_how_many_there_are_and_is_reported_to_its_end(whole):
    reports = []
    config = dataclasses.replace(TINY, seeds=1)
    alone = run(config, progress=lambda *what: reports.append(what)).drop_vars(TIMES)
    xr.testing.assert_identical(alone.isel(seed=0), whole.isel(seed=0))
    for variant in VARIANTS:
        counts = [(done, total) for task, done, total in reports if task.startswith(variant)]
        assert counts == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_diverged_run_is_reported_and_decides_nothing():
    config = dataclasses.replace(TINY, sizes=(1000,), stream_sizes=(), learning_rate=1e30)
    result = run(config)
    assert result.diverged.all()
    for measure in ("test_accuracy", "test_loss", "train_accuracy"):
        assert result[measure].isnull().all()
    about_1000 = 0
    for judgement in judge(pooling.CLAIMS, result, full=True):
        assert judgement.verdict == "not checkable"
        about_1000 += judgement.estimate.n_diverged == 2
    assert about_1000 == 6 + 5


def result_of(accuracies, seeds=2):
    """Make a result whose trials all have the same accuracies, in per cent, at every step."""
    sizes, steps = list(accuracies), published_training(Config()).evaluation_steps
    values = np.array([[accuracies[size][variant] for size in sizes] for variant in VARIANTS])
    shape = (*values.shape, seeds, len(steps))
    return xr.Dataset(
        {
            "test_accuracy": (
                ("variant", "n_samples", "seed", "step"),
                np.broadcast_to(values[:, :, None, None] / 100, shape).copy(),
            ),
            "streamed": ("n_samples", np.zeros(len(sizes), bool)),
        },
        {"variant": list(VARIANTS), "n_samples": sizes, "seed": range(seeds), "step": steps},
    )


def test_claims_name_the_variants_that_the_models_have():
    assert pooling_cnn.VARIANTS == VARIANTS
    assert tuple(POOLS) == POOLED


def test_the_published_numbers_reproduce_every_claim_but_the_captions():
    judgements = judge(pooling.CLAIMS, result_of(PUBLISHED), full=True)
    verdicts = {judgement.claim.name: judgement.verdict for judgement in judgements}
    assert len(verdicts) == 9 + 30 + 2
    assert verdicts.pop("hindered-50000") == "differs"
    # These runs have no time, and no samples beyond the paper's.
    assert verdicts.pop("runtime") == verdicts.pop("gain-ends") == "not checkable"
    assert set(verdicts.values()) == {"reproduced"}
    for judgement in judgements:
        rule = judgement.claim.rule
        if isinstance(rule, NoGain | Positive | Similar) and rule.published is not None:
            assert judgement.estimate.mean == pytest.approx(rule.published, abs=0.01)


def test_if_pooling_changed_nothing_its_claims_would_differ():
    flat = {size: dict.fromkeys(VARIANTS, values["no_pool"]) for size, values in PUBLISHED.items()}
    for values in flat.values():
        values["stride_2"] += 1
    verdicts = {
        judgement.claim.name: judgement.verdict
        for judgement in judge(pooling.CLAIMS, result_of(flat), full=True)
    }
    assert verdicts["gain-1000"] == "differs"
    assert verdicts["striding-1000"] == "reproduced"
    assert verdicts["pooling-not-striding-1000"] == "differs"
    assert verdicts["accuracy-1000-l2_pool"] == "differs"
    assert verdicts["little-difference-50000"] == "reproduced"


def test_gains_are_paired_by_trial():
    result = result_of(PUBLISHED, seeds=3)
    # Trials that differ by 10 points each, in all variants alike, leave the gain as certain.
    result["test_accuracy"] = result.test_accuracy + 0.1 * result.seed
    found = gain("max_pool", 1000)(result)
    assert (found.mean, found.low, found.high) == pytest.approx((19.0, 19.0, 19.0))


def test_late_gains_are_means_over_the_last_thousand_steps():
    result = result_of(PUBLISHED)
    last = {"variant": "max_pool", "n_samples": 1000, "step": 6000}
    result["test_accuracy"].loc[last] += 0.11
    before = {"variant": "max_pool", "n_samples": 1000, "step": slice(0, 4900)}
    result["test_accuracy"].loc[before] = 0
    assert gain("max_pool", 1000)(result).mean == pytest.approx(30.0)
    assert gain("max_pool", 1000, AT_END)(result).mean == pytest.approx(19.0 + 11 / 11)


def test_sizes_that_were_left_out_are_nothing_and_not_diverged():
    result = result_of(PUBLISHED).sel(n_samples=[2000])
    for judgement in judge(pooling.CLAIMS, result, full=True):
        if "2000" not in judgement.claim.name:
            assert math.isnan(judgement.estimate.mean) or "20000" in judgement.claim.name
            assert judgement.estimate.n_diverged == 0
    assert set(pooling.plot(result)) == {"figure", "figure-gain"}


def test_the_published_configuration_is_the_default():
    config = Config()
    assert config.sizes == tuple(PUBLISHED)
    steps = published_training(config).evaluation_steps
    assert len(steps) == 61
    assert steps[-1] == 6000
    # No sample of the largest set is seen twice.
    assert config.stream_sizes[-1] == config.n_steps * config.batch_size


def test_batches_of_a_size_that_divides_no_set_go_around_the_own_set():
    config = Config(sizes=(10, 25), stream_sizes=(), batch_size=4, n_steps=30)
    batch = published_training(config).batch
    data = {"x": jnp.arange(100), "y": -jnp.arange(100), "first": jnp.int32(20), "n": jnp.int32(25)}
    for step in range(30):
        x, y = batch(data, step, None)
        own = sequential_batch(jnp.arange(20, 45), jnp.asarray(step), 4)
        assert x.tolist() == (-y).tolist() == own.tolist()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seeds", 0),
        ("n_steps", 0),
        ("batch_size", 0),
        ("evaluate_every", 0),
        ("sizes", ()),
        ("sizes", (2000, 1000)),
        ("sizes", (1000, 1000)),
        ("sizes", (99,)),
        ("sizes", (0,)),
        ("stream_sizes", (50_000,)),
        ("learning_rate", 0.0),
        ("learning_rate", float("inf")),
    ],
)
def test_a_bad_setting_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=rf"{field}"):
        Config(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("seeds", 5.0), ("sizes", 1000), ("stream_sizes", ("100000",))]
)
def test_a_setting_of_the_wrong_type_is_refused_by_name(field, value):
    with pytest.raises(TypeError, match=rf"{field}.* must be"):
        Config(**{field: value})


def test_a_trainer_compiles_a_variant_once_for_all_sizes_and_trials():
    train = Trainer(TINY)
    device = jax.devices()[0]
    for trial in (0, 1):
        tasks = [_network(TINY, "avg_pool", size, trial) for size in TINY.all_sizes]
        assert [task for task, _ in train(tasks, device, lambda _: None)] == tasks
    assert train._programs.n_compiled == 1


def test_other_data_changes_samples_and_keys_and_nothing_of_the_published():
    noisy = DatasetConfig(corr_noise_scale=0.5, final_seq_length=30)
    published, other = (make_sets((1000,), (), 0, data) for data in (DatasetConfig(), noisy))
    assert published.x.shape == (1000, 40)
    assert other.x.shape == (1000, 30)
    np.testing.assert_array_equal(published.x, make_sets((1000,), (), 0).x)
    keys = [
        _network(dataclasses.replace(TINY, data=data), "no_pool", 100, 0).key
        for data in (DatasetConfig(), noisy)
    ]
    assert "dataset" not in keys[0]
    assert keys[1]["dataset"]["corr_noise_scale"] == 0.5


@pytest.mark.parametrize("field", ["seed", "validation", "num_samples"])
def test_what_sizes_and_trials_decide_is_refused_in_the_data(field):
    with pytest.raises(ValueError, match=f"data must leave {field} as it is"):
        Config(data=DatasetConfig(**{field: 500}))


def test_pooling_on_other_data_has_gains_and_no_claims():
    config = Config(
        seeds=2,
        sizes=(100,),
        stream_sizes=(),
        n_steps=2,
        evaluate_every=1,
        data=DatasetConfig(final_seq_length=20),
    )
    result = record.execute(pooling, config)
    assert result.attrs["data"] == "final_seq_length=20"
    assert judged(pooling, result) == []
    assert "gain" in pooling.summarise(result)[1].estimates
    assert set(pooling.plot(result)) == {"figure", "figure-gain"}
