"""The learning rate experiment: its derivative, weights, failures, resumption and measures."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import mnist1d
from mnist1d.execution import Compute, Store
from mnist1d.experiments import metalearn_learning_rate
from mnist1d.experiments.metalearn_learning_rate import method, sweep
from mnist1d.experiments.metalearn_learning_rate.claims import CLAIMS
from mnist1d.experiments.metalearn_learning_rate.config import Config
from mnist1d.experiments.metalearn_learning_rate.inner_loop import (
    Batches,
    cut_into_batches,
    differentiate,
    draw_network,
    inner_losses,
)
from mnist1d.experiments.metalearn_learning_rate.method import run
from mnist1d.experiments.metalearn_learning_rate.sweep import vertex
from mnist1d.harness.claims import judge
from mnist1d.models import count_parameters
from mnist1d.models.pytorch_stream import PyTorchStream

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_module")]

TINY = Config(
    seeds=2, outer_steps=23, inner_steps=3, hidden_size=4, sweep_points=5, sweep_range=(0.01, 30.0)
)


@pytest.fixture(scope="module")
def batches():
    return cut_into_batches(mnist1d.load(), 50)


@pytest.fixture(scope="module")
def whole(quick_module):  # noqa: ARG001 (it compiles)
    return run(TINY)


def test_the_network_of_the_paper_has_2560_parameters():
    assert count_parameters(draw_network(50, PyTorchStream(0))) == 2560


def test_the_published_initial_weights_are_those_of_pytorch_bit_for_bit():
    torch = pytest.importorskip("torch")
    for seed, hidden_size in ((0, 50), (0, 7), (3, 200)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            theirs = [torch.nn.Linear(40, hidden_size), torch.nn.Linear(hidden_size, 10)]
        ours = draw_network(hidden_size, PyTorchStream(seed))
        for layer, name in zip(theirs, ("hidden", "output"), strict=True):
            for part in ("weight", "bias"):
                np.testing.assert_array_equal(
                    getattr(getattr(ours, name), part), getattr(layer, part).detach().numpy()
                )


def test_batches_are_the_rows_of_the_training_set_in_stored_order(batches):
    dataset = mnist1d.load()
    assert batches.x.shape == (80, 40, 50)
    np.testing.assert_array_equal(batches.x[3, :, 7], dataset.x[157].astype(np.float32))
    assert batches.y[3, 7] == dataset.y[157]


def test_the_meta_gradient_is_the_finite_difference_in_float64(batches):
    with jax.enable_x64(True):
        network = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, jnp.float64), draw_network(50, PyTorchStream(0))
        )
        data = Batches(jnp.asarray(batches.x, jnp.float64), jnp.asarray(batches.y))
        objective = jax.jit(lambda rate: inner_losses(rate, network, data, 200).mean())
        step = jax.jit(partial(differentiate, network=network, batches=data, n_steps=200))
        for rate in (0.15, 0.62, 1.5):
            # At 1.5 the objective bends so strongly that larger steps miss its slope.
            difference = (objective(rate + 1e-6) - objective(rate - 1e-6)) / 2e-6
            found = step(jnp.asarray(rate))
            assert found.meta_gradient.dtype == jnp.float64
            np.testing.assert_allclose(found.meta_gradient, difference, rtol=1e-5, atol=1e-8)
            np.testing.assert_allclose(found.objective, objective(rate), rtol=1e-14)


def test_the_meta_gradient_in_float32_is_that_of_float64(batches):
    found = {}
    for wide in (False, True):
        with jax.enable_x64(wide):
            kind = jnp.float64 if wide else jnp.float32
            network = jax.tree.map(
                lambda leaf, kind=kind: jnp.asarray(leaf, kind), draw_network(50, PyTorchStream(0))
            )
            data = Batches(jnp.asarray(batches.x, kind), jnp.asarray(batches.y))
            step = differentiate(jnp.asarray(0.62, kind), network, data, 200)
            found[wide] = float(step.meta_gradient)
    assert found[False] == pytest.approx(found[True], abs=2e-6)


def torch_losses(torch, rate, layers, x, y, n_steps):
    parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
    losses = []
    for i in range(n_steps):
        rows = slice(50 * i % len(x), 50 * i % len(x) + 50)
        hidden = torch.tanh(torch.nn.functional.linear(x[rows], *parameters[:2]))
        logits = torch.nn.functional.linear(hidden, *parameters[2:])
        losses.append(torch.nn.functional.cross_entropy(logits, y[rows]))
        gradient = torch.autograd.grad(losses[-1], parameters, create_graph=True)
        parameters = [p - rate * g for p, g in zip(parameters, gradient, strict=True)]
    return torch.stack(losses)


def test_the_meta_gradient_is_that_of_pytorch_through_the_stored_graph(batches):
    torch = pytest.importorskip("torch")
    dataset = mnist1d.load()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [torch.nn.Linear(40, 50), torch.nn.Linear(50, 10)]
    x, y = torch.from_numpy(dataset.x.astype(np.float32)), torch.from_numpy(dataset.y)
    rate = torch.tensor(0.4, requires_grad=True)
    losses = torch_losses(torch, rate, layers, x, y, 90)
    (theirs,) = torch.autograd.grad(losses.mean(), rate)
    network = draw_network(50, PyTorchStream(0))
    network = jax.tree.map(jnp.asarray, network)
    data = jax.tree.map(jnp.asarray, batches)
    ours = differentiate(jnp.float32(0.4), network, data, 90)
    np.testing.assert_allclose(
        inner_losses(jnp.float32(0.4), network, data, 90), losses.detach(), atol=1e-5
    )
    np.testing.assert_allclose(ours.meta_gradient, theirs, rtol=1e-4)
    np.testing.assert_allclose(ours.last_loss, losses[-1].item(), atol=1e-5)


def test_a_run_on_all_devices_is_a_loop_of_outer_steps(whole, batches):
    network = draw_network(TINY.hidden_size, np.random.default_rng(1))
    network, data = jax.tree.map(jnp.asarray, (network, batches))
    step = jax.jit(partial(differentiate, n_steps=TINY.inner_steps))
    rate, rates, objectives = np.float32(1.5), [], []
    for _ in range(TINY.outer_steps):
        found = step(jnp.asarray(rate), network, data)
        rate = rate - np.float32(0.3) * np.asarray(found.meta_gradient)
        rates.append(rate)
        objectives.append(found.objective)
    ours = whole.sel(initial_rate=1.5, seed=1)
    np.testing.assert_allclose(ours.rate, np.array(rates), rtol=1e-5)
    np.testing.assert_allclose(ours.objective, np.array(objectives), rtol=1e-5)


def test_the_sweep_passes_through_the_objectives_of_the_trials():
    config = dataclasses.replace(
        TINY, seeds=1, outer_steps=1, sweep_range=(0.15, 1.5), sweep_points=4
    )
    result = run(config)
    for start, point in ((0.15, 0), (1.5, -1)):
        np.testing.assert_allclose(
            result.sweep_objective[0, point],
            result.objective.sel(initial_rate=start)[0, 0],
            rtol=1e-6,
        )


def test_an_interrupted_run_goes_on_after_the_last_outer_step_saved(whole, tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def stop_at_10(task, done, _total):
        if task == "outer steps" and done == 10:
            raise StopError

    with pytest.raises(StopError):
        run(TINY, progress=stop_at_10, compute=Compute(Store(tmp_path)))
    store = Store(tmp_path)
    xr.testing.assert_identical(run(TINY, compute=Compute(store)), whole)
    assert store.n_found == 1
    for module in (method, sweep):
        monkeypatch.setattr(module, "over_runs", lambda *_: lambda _: pytest.fail("computed again"))
    xr.testing.assert_identical(run(TINY, compute=Compute(Store(tmp_path))), whole)


def test_a_longer_run_goes_on_from_a_shorter_one(whole, tmp_path):
    run(dataclasses.replace(TINY, outer_steps=20), compute=Compute(Store(tmp_path)))
    store = Store(tmp_path)
    xr.testing.assert_identical(run(TINY, compute=Compute(store)), whole)
    assert store.n_found == 3


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """One trial begins where float32 ends; run twice, the second time from stored steps."""
    config = dataclasses.replace(TINY, initial_rates=(1e38, 0.15))
    folder = tmp_path_factory.mktemp("units")
    reported = []
    for _ in range(2):
        remarks = []
        reported.append(remarks)
        result = run(
            config,
            progress=lambda task, _, total, remarks=remarks: total or remarks.append(task),
            compute=Compute(Store(folder)),
        )
    return result, reported


def test_a_meta_gradient_that_is_not_finite_stops_its_trial_and_says_where(stopped):
    result, (first, again) = stopped
    above = result.sel(initial_rate=1e38)
    assert (above.stopped_outer_step == 0).all()
    assert (above.stopped_inner_step >= 1).all()
    assert len(first) == 3
    inner = int(above.published_stopped_inner_step)
    assert first[0] == (
        "Trial from learning rate 1e+38, published initial weights: stopped, as the meta-gradient "
        f"is not finite at outer step 0, inner step {inner}. Other trials continue."
    )
    assert "seed 1:" in first[2]
    assert again == first


def test_other_trials_of_a_stopped_one_are_as_without_it(stopped, whole):
    result, _ = stopped
    assert result.rate.sel(initial_rate=1e38).isnull().all()
    assert (result.stopped_outer_step.sel(initial_rate=0.15) == -1).all()
    np.testing.assert_allclose(
        result.rate.sel(initial_rate=0.15), whole.rate.sel(initial_rate=0.15), rtol=1e-6
    )


def test_a_stopped_trial_counts_against_shares_and_can_be_shown(stopped):
    result, _ = stopped
    verdicts = {j.claim.name: j for j in judge(CLAIMS, result, full=True)}
    for name, share in (("from-above", 0), ("same-rate", 0), ("from-below", 100)):
        assert (verdicts[name].estimate.mean, verdicts[name].estimate.n) == (share, 2)
    assert verdicts["objective-falls-from-above"].estimate.mean == 0
    assert verdicts["rate-own-weights"].verdict == "not checkable"
    assert verdicts["rate-own-weights"].estimate.n_diverged == 2
    assert verdicts["rate-published-weights"].estimate.n_diverged == 1
    assert len(metalearn_learning_rate.summarise(result)) == 10
    assert set(metalearn_learning_rate.plot(result)) == {"figure", "figure-sweep"}


def test_a_trial_that_stops_later_keeps_its_record(whole, monkeypatch):
    first = draw_network(TINY.hidden_size, np.random.default_rng(0)).hidden.weight[0, 0]
    above = whole.rate.sel(initial_rate=1.5, seed=0).to_numpy()
    window = (above[10] + above[11]) / 2, (above[11] + above[12]) / 2

    def breaks_at_12(rate, network, batches, n_steps):
        found = differentiate(rate, network, batches, n_steps)
        inside = (rate > min(window)) & (rate < max(window))
        breaks = inside & (network.hidden.weight[0, 0] == first)
        return found._replace(
            meta_gradient=jnp.where(breaks, jnp.inf, found.meta_gradient),
            first_nonfinite_step=jnp.where(breaks, 2, found.first_nonfinite_step),
        )

    monkeypatch.setattr(method, "differentiate", breaks_at_12)
    remarks = []
    result = run(TINY, progress=lambda task, _, total: total or remarks.append(task))
    trial = result.sel(initial_rate=1.5, seed=0)
    assert int(trial.stopped_outer_step) == 12
    assert int(trial.stopped_inner_step) == 2
    np.testing.assert_allclose(trial.rate[:12], above[:12], rtol=1e-5)
    assert trial.rate[12:].isnull().all()
    assert trial.objective[12:].isnull().all()
    assert np.isfinite(result.rate.sel(initial_rate=0.15)).all()
    assert len(remarks) == 1
    assert "seed 0: stopped" in remarks[0]
    assert "outer step 12, inner step 2" in remarks[0]


def test_the_minimum_of_a_parabola_is_found_between_the_points():
    x = np.linspace(0.5, 0.7, 33, dtype=np.float32)
    y = (1.7 + 0.2 * (x.astype(float) - 0.6234) ** 2).astype(np.float32)
    place, height = vertex(x, y)
    assert place == pytest.approx(0.6234, abs=1e-3)
    assert height == pytest.approx(1.7, abs=1e-6)


@pytest.mark.parametrize("y", [[1, 2, 3], [3, 2, 1], [np.nan, 1, 2], [np.nan] * 3])
def test_a_lowest_point_without_two_neighbours_is_no_minimum(y):
    assert np.isnan(vertex(np.arange(3.0), np.array(y, dtype=float))).all()


def test_a_sweep_that_only_falls_has_no_minimum():
    result = run(dataclasses.replace(TINY, outer_steps=1, sweep_range=(0.001, 0.01)))
    assert result.sweep_optimum.isnull().all()
    assert result.published_sweep_optimum.isnull()


def made_up(last, optimum):
    """Make a result whose trials end at `last` (initial_rate, seed), the sweep at `optimum`."""
    last = np.array(last)
    both = ("initial_rate", "seed", "outer_step")
    start = np.broadcast_to([[1.4], [0.2]], last.shape)
    steps = np.stack([start, last], axis=-1)
    return xr.Dataset(
        {
            "rate": (both, steps),
            "objective": (both, np.stack([1.8 + 0 * last, 1.7 + 0 * last], axis=-1)),
            "sweep_optimum": ("seed", optimum),
            "published_rate": (("initial_rate", "outer_step"), steps[:, 0]),
            "published_objective": (("initial_rate", "outer_step"), [[1.8455, 1.7163]] * 2),
        },
        {"initial_rate": [1.5, 0.15]},
    )


def verdicts_of(result):
    return {j.claim.name: j.verdict for j in judge(CLAIMS, result, full=True)}


def test_the_published_outcome_reproduces_every_claim():
    # The published ends, and draws that scatter about them.
    draws = np.linspace(-0.002, 0.002, 40)
    above, below = 0.62397 + draws, 0.62035 + draws
    verdicts = verdicts_of(made_up([above, below], 0.622 + draws))
    assert verdicts.pop("runtime") == "not checkable"  # these runs have no time
    assert set(verdicts.values()) == {"reproduced", "verified"}


def test_ends_apart_and_away_from_the_minimum_differ():
    result = made_up([[0.7001] * 5, [0.5001] * 5], [0.6] * 5)
    verdicts = verdicts_of(result)
    assert verdicts["same-rate"] == "differs"
    # Both trials miss the minimum, though their mean does not.
    assert verdicts["gradient-finds-minimum"] == "differs"


def test_one_stray_draw_moves_neither_the_share_nor_the_median():
    above = 0.6215 + np.linspace(-0.004, 0.004, 40)
    below = above - 0.001
    above[3] = 0.95
    found = {j.claim.name: j for j in judge(CLAIMS, made_up([above, below], above), full=True)}
    assert found["same-rate"].estimate.mean == pytest.approx(97.5)
    assert found["same-rate"].verdict == "imprecise"  # Wilson's interval begins at 87 %
    assert found["rate-own-weights"].estimate.mean == pytest.approx(0.621, abs=0.001)
    assert found["rate-own-weights"].verdict == "reproduced"


def test_the_remark_on_draws_apart_counts_those_that_converge():
    remarks = metalearn_learning_rate.remarks
    assert remarks(made_up([[0.62, 0.63], [0.62, 0.63]], [0.62, 0.63])) == []
    (remark,) = remarks(made_up([[0.95, 0.63], [0.62, 0.629]], [0.62, 0.63]))
    assert remark.startswith(
        "In 1 of 2 draws both trials converge to the same value: they end 0.0010"
    )
    # A trial that stopped early has no end.
    (remark,) = remarks(made_up([[0.95, np.nan], [0.62, 0.62]], [0.62, 0.63]))
    assert remark.startswith(
        "In 0 of 2 draws both trials come to the same value: seed 0 (from 1.5 "
    )
    assert "nan" not in remark


def test_another_rate_than_0_62_differs():
    same = np.tile([0.651, 0.65], 20)
    verdicts = verdicts_of(made_up([same, same], np.full(40, 0.65)))
    assert verdicts["rate-own-weights"] == verdicts["rate-published-weights"] == "differs"
    assert verdicts["gradient-finds-minimum"] == "reproduced"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seeds", 0),
        ("initial_rates", (1.5,)),
        ("initial_rates", (0.5, 0.5)),
        ("initial_rates", (0.5, 0.0)),
        ("initial_rates", (0.5, float("inf"))),
        ("outer_steps", 0),
        ("outer_rate", 0),
        ("inner_steps", 0),
        ("batch_size", 4001),
        ("hidden_size", 0),
        ("sweep_range", (1.0, 0.5)),
        ("sweep_range", (0.1, 0.5, 1.0)),
        ("sweep_range", (0.0, 0.5)),
        ("sweep_points", 2),
    ],
)
def test_a_bad_setting_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=rf"{field}.* must"):
        Config(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("seeds", 3.0), ("initial_rates", 4), ("sweep_range", ("a", "b"))]
)
def test_a_setting_of_the_wrong_type_is_refused_by_name(field, value):
    with pytest.raises(TypeError, match=rf"{field}.* must be"):
        Config(**{field: value})
