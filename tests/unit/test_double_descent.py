"""What the double descent experiment computes from its measurements, and what it is made of."""

import math

import jax
import numpy as np
import pytest
import xarray as xr
from rich.console import Console

import mnist1d
from mnist1d.cli.output.tables import show_findings
from mnist1d.experiments import double_descent
from mnist1d.experiments.double_descent.config import (
    ADDED_WIDTHS,
    CHANNELS,
    PUBLISHED_DATA,
    PUBLISHED_WIDTHS,
    SERIES,
    Config,
)
from mnist1d.experiments.double_descent.measures import threshold
from mnist1d.experiments.double_descent.method import _training, measure_curves
from mnist1d.experiments.double_descent.training import ARCHITECTURES
from mnist1d.harness.claims import judge
from mnist1d.harness.findings import attempt_findings
from mnist1d.harness.settings import as_json

# Authors' notebook of section 5.2: training and test error in per cent of the published runs.
PUBLISHED_TEXT = {
    "mlp": (
        """67.15 63.88 54.78 57.23 48.03 41.28 38.40 28.80 19.95 12.05 1.35 0 0 0 0 0 0 0 0""",
        """68.53 66.83 58.27 61.37 54.20 49.33 50.08 44.55 42.63 41.02 41.66 41.01 41.24 39.59 38.61
        38.58 38.09 37.10 37.25""",
    ),
    "mlp-noise": (
        """71.68 68.65 62.75 57.95 54.45 47.45 46.47 39.70 38.08 29.55 19.02 5.47 0 0 0 0 0 0 0""",
        """69.59 67.50 62.55 57.45 54.80 48.97 50.28 47.24 50.84 50.69 52.80 54.05 54.02 52.08 50.23
        48.39 47.88 46.54 45.47""",
    ),
    "cnn-noise": (
        """63.90 40.40 29.15 24.90 19.55 19.82 17.98 12.70 10.88 6.15 5.50 0 0 0 0 0 0 0 0 0 0 0 0 0
        0 0 0 0 0""",
        """61.20 35.78 23.87 21.95 19.64 23.70 27.74 27.29 33.80 32.48 31.34 32.03 29.98 32.46 29.82
        30.17 30.48 30.23 28.67 28.17 30.04 28.11 28.83 29.44 28.07 28.12 28.84 27.38 27.66""",
    ),
}
PUBLISHED = {
    name: tuple([float(number) for number in text.split()] for text in texts)
    for name, texts in PUBLISHED_TEXT.items()
}


PUBLISHED_CONFIG = Config(widths=PUBLISHED_WIDTHS)


def result_of(curves, seeds=2, config=PUBLISHED_CONFIG):
    """Make a result whose seeds all have the same curves, the losses being a tenth of errors."""
    runs = ("series", "rank", "seed")
    shape = (len(curves), len(CHANNELS), seeds)
    names = [f"{part}_{measure}" for part in ("train", "test") for measure in ("error", "loss")]
    result = xr.Dataset(
        {name: (runs, np.full(shape, np.nan)) for name in names}
        | {"size": (runs[:2], np.zeros(shape[:2], int)), "diverged": (runs, np.zeros(shape, bool))},
        {"series": list(curves), "seed": range(seeds)},
    )
    for row, (name, (train, test)) in enumerate(curves.items()):
        n_sizes = len(train)
        result["size"][row, :n_sizes] = list(config.sizes(SERIES[name].architecture))
        for part, values in (("train", train), ("test", test)):
            result[f"{part}_error"][row, :n_sizes] = np.array(values)[:, None] / 100
            result[f"{part}_loss"][row, :n_sizes] = np.array(values)[:, None] / 10
    result = measure_curves(result)
    return result.assign(n_wrong_labels=577, n_redrawn_labels=639, n_labels=4000)


@pytest.fixture(scope="module")
def published():
    return result_of(PUBLISHED)


def test_sizes_are_the_published_ones():
    spaced = np.geomspace(2, 300, 20).round(9).astype(int)
    assert sorted({2, *spaced.tolist()}) == list(PUBLISHED_WIDTHS)
    assert len(PUBLISHED_WIDTHS) == 19
    assert len(CHANNELS) == 29
    assert (CHANNELS[0], CHANNELS[13:16], CHANNELS[-1]) == (2, (28, 30, 35), 100)


def count_numbers(shapes):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


@pytest.mark.parametrize("size", [2, 47, 300])
def test_an_mlp_has_the_published_number_of_parameters(size):
    model = jax.eval_shape(lambda: ARCHITECTURES["MLP"](size, key=jax.random.key(0)))
    assert count_numbers(model) == {2: 118, 47: 4663, 300: 105610}[size]
    assert not model.residual


@pytest.mark.parametrize("size", [2, 24, 100])
def test_a_cnn_has_the_published_number_of_parameters(size):
    model = jax.eval_shape(lambda: ARCHITECTURES["CNN"](size, key=jax.random.key(0)))
    assert count_numbers(model) == {2: 150, 24: 4858, 100: 65810}[size]


def test_labels_have_the_published_noise():
    dataset = mnist1d.generate(PUBLISHED_DATA)
    assert (len(dataset.x), len(dataset.x_test)) == (4000, 12000)
    assert dataset.noise_mask.sum() == 639
    changed = np.flatnonzero(dataset.y != dataset.y_clean)
    assert len(changed) == 577
    # Authors' notebook of section 5.2.
    first = [13, 15, 33, 52, 60, 61, 69, 82, 111, 125, 140, 150, 174, 183, 187]
    assert changed[:15].tolist() == first
    assert dataset.y_clean[:12].tolist() == [5, 6, 2, 6, 8, 3, 2, 0, 6, 9, 3, 4]


def test_the_published_curves_have_the_published_thresholds_and_peaks(published):
    assert published.threshold[:, 0].values.tolist() == [47, 61, 24]
    assert published.threshold_below[:, 0].values.tolist() == [36, 47, 22]
    np.testing.assert_allclose(published.error_peak[1:, 0], [0.5405, 0.3380])
    np.testing.assert_allclose(published.error_valley[1:, 0], [0.4724, 0.1964])
    assert published.error_valley_size[1:, 0].values.tolist() == [16, 10]
    assert 47 < published.error_peak_size[1, 0] < 61
    assert 16 < published.error_peak_size[2, 0] < 20


def test_the_published_curves_reproduce_their_own_claims(published):
    verdicts = {
        judgement.claim.name: (judgement.verdict, judgement.estimate)
        for judgement in judge(double_descent.CLAIMS, published, full=True)
    }
    for name in ("peak-size-mlp-noise", "peak-at-threshold-mlp-noise"):
        assert verdicts.pop(name)[0] == "not checkable"  # with the published widths alone
    # Here losses are not those of the paper.
    assert verdicts.pop("loss-peak-mlp")
    assert verdicts.pop("runtime")[0] == "not checkable"  # these runs have no time
    assert {name for name, (verdict, _) in verdicts.items() if verdict != "reproduced"} == set()
    for claim in double_descent.CLAIMS:
        shown = ("peak-mlp", "descent", "second", "rise", "fall")
        if claim.name in verdicts and claim.name.startswith(shown):
            assert verdicts[claim.name][1].mean == pytest.approx(claim.rule.published, abs=0.006)


def interpolated(curves):
    """Give the added widths the errors of a line between their published neighbours."""

    def at_all(errors):
        errors = np.interp(np.log(Config().widths), np.log(PUBLISHED_WIDTHS), errors)
        return errors.round(2)

    return {
        name: both if name == "cnn-noise" else tuple(map(at_all, both))
        for name, both in curves.items()
    }


@pytest.fixture(scope="module")
def with_added_widths():
    return result_of(interpolated(PUBLISHED), config=Config())


def test_added_widths_leave_errors_and_heights_of_peaks_as_they_are(published, with_added_widths):
    for name in published.data_vars:
        if name.startswith(("error", "loss")):
            xr.testing.assert_identical(with_added_widths[name], published[name])
    assert with_added_widths.threshold[:, 0].values.tolist() == [47, 61, 24]
    assert with_added_widths.threshold_below[:, 0].values.tolist() == [45, 58, 22]


def test_the_place_of_the_peak_is_judged_with_the_added_widths(with_added_widths):
    found = {
        judgement.claim.name: judgement
        for judgement in judge(double_descent.CLAIMS, with_added_widths, full=True)
    }
    assert found["peak-size-mlp-noise"].verdict == "reproduced"
    assert 50 < found["peak-size-mlp-noise"].estimate.mean < 57
    assert found["peak-at-threshold-mlp-noise"].verdict == "reproduced"
    assert found["no-peak-mlp"].verdict == "reproduced"
    late = with_added_widths.assign(test_error=with_added_widths["size"] / 400.0)
    late = late.assign(test_error=late.test_error.expand_dims(seed=late.seed))
    found = {each.claim.name: each for each in judge(double_descent.CLAIMS, late, full=True)}
    assert found["peak-size-mlp-noise"].estimate.mean == pytest.approx(80)
    assert found["peak-size-mlp-noise"].verdict == "differs"


def test_a_network_keeps_the_name_of_its_unit_whatever_widths_there_are():
    more, few = Config(), PUBLISHED_CONFIG
    assert set(more.widths) == {*PUBLISHED_WIDTHS, *ADDED_WIDTHS}
    for rank, width in enumerate(few.widths):
        one = _training(few, "mlp-noise", rank, 0)
        other = _training(more, "mlp-noise", more.widths.index(width), 0)
        assert one.key == other.key


def test_a_curve_that_only_falls_differs_from_the_paper():
    falling = {
        name: (train, np.linspace(70, 30, len(test))) for name, (train, test) in PUBLISHED.items()
    }
    verdicts = {
        judgement.claim.name: judgement.verdict
        for judgement in judge(
            double_descent.CLAIMS, result_of(interpolated(falling), config=Config()), full=True
        )
    }
    assert verdicts["peak-mlp-noise"] == "differs"
    assert verdicts["peak-size-mlp-noise"] == "differs"
    assert verdicts["last-error-mlp-noise"] == "differs"


def test_where_no_network_fits_its_labels_it_is_said_that_no_peak_can_show(published, capsys):
    assert double_descent.remarks(published) == []
    small = {name: (train[:5], test[:5]) for name, (train, test) in PUBLISHED.items()}
    config = Config(widths=PUBLISHED_WIDTHS[:5], channels=CHANNELS[:5])
    found = result_of(small, config=config)
    (remark,) = double_descent.remarks(found)
    assert "48 % (MLP, no label noise), 54 % (MLP, label noise), 20 % (CNN, label noise)" in remark
    about = {"protocol": "reduced", "config": as_json(config), "experiment": "double-descent"}
    found = found.assign_attrs(about)
    show_findings(attempt_findings(double_descent, found), found, Console(width=4000))
    assert remark in capsys.readouterr().out


def test_the_interval_of_the_threshold_reaches_down_to_the_size_before(published):
    found = threshold("mlp-noise")(published)
    assert (found.mean, found.low, found.high, found.n) == pytest.approx((61, 47, 61, 2))


def test_a_seed_without_threshold_leaves_the_interval_unknown(published):
    partly = published.copy(deep=True)
    partly["threshold"][1, 1] = partly["threshold_below"][1, 1] = np.nan
    found = threshold("mlp-noise")(partly)
    assert found.mean == pytest.approx(61)
    assert (found.n, found.n_diverged) == (1, 0)
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.slow
def test_a_diverged_run_is_reported_and_decides_nothing():
    config = Config(seeds=2, widths=(2,), channels=(2,), n_epochs=1, learning_rate=1e30)
    result = double_descent.run(config)
    assert result.diverged.all()
    assert result.test_error.isnull().all()
    for judgement in judge(double_descent.CLAIMS, result, full=True):
        if judgement.claim.name not in {"label-noise", "runtime"}:
            assert judgement.verdict == "not checkable"
            assert judgement.estimate.n_diverged == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seeds", 0),
        ("n_epochs", 0),
        ("batch_size", 0),
        ("batch_size", 4001),
        ("widths", ()),
        ("widths", (4, 2)),
        ("widths", (2, 2)),
        ("channels", (0, 2)),
        ("channels", (2, 10_001)),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("momentum", -0.1),
    ],
)
def test_a_bad_setting_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=rf"{field}"):
        Config(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("seeds", 3.0), ("widths", 4), ("channels", ("2",)), ("momentum", "0.9")],
)
def test_a_setting_of_the_wrong_type_is_refused_by_name(field, value):
    with pytest.raises(TypeError, match=rf"{field}.* must be"):
        Config(**{field: value})
