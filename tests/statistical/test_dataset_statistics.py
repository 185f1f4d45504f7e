"""What the parameters claim about the data can be found in the data.

Tolerances are five standard errors of the estimate, from the number of values that it rests on.
"""

import numpy as np
import pytest

from mnist1d import DatasetConfig, digit_templates, draw_transforms, generate, synthesise

N = 20_000
CONFIG = DatasetConfig(num_samples=N)
NOTHING = {
    "scale_coeff": 0,
    "max_translation": 1,
    "corr_noise_scale": 0,
    "iid_noise_scale": 0,
    "shear_scale": 0,
}


@pytest.fixture(scope="module")
def draws():
    return draw_transforms(CONFIG, np.random.RandomState(0))


def raw_signals(**parameters):
    """Return the signals as they are before standardisation."""
    dataset = generate(**parameters)
    return np.concatenate([dataset.x, dataset.x_test]) * dataset.std + dataset.mean


@pytest.mark.parametrize(("name", "values"), [("padding", range(36, 61)), ("shift", range(48))])
def test_integers_are_uniform_on_their_whole_range(draws, name, values):
    drawn = getattr(draws, name)
    counts = np.array([(drawn == value).sum() for value in values])
    assert counts.sum() == N
    p = 1 / len(values)
    assert np.abs(counts - N * p).max() < 5 * np.sqrt(N * p * (1 - p))


@pytest.mark.parametrize(("name", "middle", "width"), [("scale", 1, 0.4), ("shear", 0, 0.75)])
def test_factors_are_uniform_around_their_middle(draws, name, middle, width):
    drawn = getattr(draws, name)
    assert drawn.min() >= middle - width / 2
    assert drawn.max() < middle + width / 2
    std = width / np.sqrt(12)
    assert drawn.mean() == pytest.approx(middle, abs=5 * std / np.sqrt(N))
    # The variance of a squared uniform deviation is 4/5 of its square.
    assert drawn.var() == pytest.approx(std**2, rel=5 * np.sqrt(0.8 / N))


@pytest.mark.parametrize("name", ["correlated_noise", "white_noise"])
def test_noise_is_standard_normal(draws, name):
    noise = getattr(draws, name)
    n = noise.size
    assert noise.mean() == pytest.approx(0, abs=5 / np.sqrt(n))
    assert noise.var() == pytest.approx(1, abs=5 * np.sqrt(2 / n))
    assert (noise**4).mean() == pytest.approx(3, abs=5 * np.sqrt(96 / n))
    neighbours = (noise[:, 1:] * noise[:, :-1]).mean()
    assert neighbours == pytest.approx(0, abs=5 / np.sqrt(n))


def test_white_noise_has_the_configured_strength():
    # The stream does not depend on the strength: the difference is the white noise alone.
    kept = {"num_samples": 2000, "final_seq_length": 72}
    noise = raw_signals(**kept, iid_noise_scale=0.02) - raw_signals(**kept, iid_noise_scale=0)
    assert noise.std() == pytest.approx(0.02, rel=5 / np.sqrt(2 * noise.size))
    assert (noise != 0).all()


def test_correlated_noise_fills_the_padding_and_spares_the_digit():
    config = DatasetConfig(**{**NOTHING, "corr_noise_scale": 0.25}, final_seq_length=72)
    draws = draw_transforms(config, np.random.RandomState(0))
    templates, labels = digit_templates().x, np.arange(5000) % 10
    signals = synthesise(templates, labels, draws, config)
    clean = synthesise(templates, labels, draws, DatasetConfig(**NOTHING, final_seq_length=72))
    noisy = clean == 0
    np.testing.assert_array_equal(signals[~noisy], clean[~noisy])
    # Position 40 is padding in every sample, and far from the ends.
    assert noisy[:, 30:65].all()
    kernel = np.exp(-(np.arange(-8, 9) ** 2) / 8)
    kernel /= kernel.sum()
    values = signals[:, 40]
    expected = 0.25 * np.sqrt((kernel**2).sum())
    assert values.std() == pytest.approx(expected, rel=5 / np.sqrt(2 * 5000))
    for lag in (1, 2, 4, 10):
        correlation = np.corrcoef(values, signals[:, 40 + lag])[0, 1]
        wanted = (kernel[lag:] * kernel[: max(0, 17 - lag)]).sum() / (kernel**2).sum()
        assert correlation == pytest.approx(wanted, abs=5 * (1 - wanted**2) / np.sqrt(5000))


def test_padding_makes_the_digit_narrower():
    def width(padding):
        config = DatasetConfig(**NOTHING, padding=(padding, 60), final_seq_length=72)
        draws = draw_transforms(config, np.random.RandomState(0), 10)
        draws = draws._replace(padding=np.full(10, padding))
        signals = synthesise(digit_templates().x, np.arange(10), draws, config)
        return (signals != 0).sum(axis=1)

    assert (width(60) == 12).all()
    assert (width(36) == 19).all()


def test_shift_moves_the_digit_to_the_right():
    config = DatasetConfig(**{**NOTHING, "max_translation": 48}, final_seq_length=72)
    draws = draw_transforms(config, np.random.RandomState(0), 500)
    labels = np.zeros(500, dtype=int)
    signals = synthesise(digit_templates().x, labels, draws, config)
    np.testing.assert_array_equal((signals != 0).argmax(axis=1), draws.shift)


def test_shear_is_the_slope_of_what_is_taken_off():
    config = DatasetConfig(**{**NOTHING, "shear_scale": 0.75})
    draws = draw_transforms(config, np.random.RandomState(0), 200)
    labels = np.arange(200) % 10
    signals = synthesise(digit_templates().x, labels, draws, config)
    unsheared = synthesise(
        digit_templates().x, labels, draws._replace(shear=0 * draws.shear), config
    )
    taken_off = unsheared - signals
    np.testing.assert_allclose(taken_off[:, -1] - taken_off[:, 0], draws.shear, atol=1e-15)
    np.testing.assert_allclose(np.diff(taken_off, n=2), 0, atol=1e-15)


def test_the_split_is_random_in_the_class():
    dataset = generate(num_samples=N)
    counts = np.bincount(dataset.y_test)
    # Hypergeometric: 4000 of 20000, 2000 of each class.
    std = np.sqrt(2000 * 0.2 * 0.8 * (N - 2000) / (N - 1))
    assert np.abs(counts - 400).max() < 5 * std
    assert counts.std() > 0


def test_shuffling_changes_the_order_of_the_columns_and_nothing_else():
    plain, shuffled = generate(num_samples=500), generate(num_samples=500, shuffle_seq=True)
    assert sorted(shuffled.column_order) == list(range(40))
    np.testing.assert_allclose(
        shuffled.x_test, plain.x_test[:, shuffled.column_order], rtol=0, atol=1e-13
    )
    # Neighbouring columns are alike in the plain set, and mostly strangers in the shuffled one.
    alike = [np.corrcoef(d.x.T).diagonal(1).mean() for d in (plain, shuffled)]
    assert alike[0] > 0.6
    assert alike[1] < 0.3
