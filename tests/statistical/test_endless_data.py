"""Constants from formulae and data from JAX are those of the published generator's distribution.

Tolerances are five standard errors of the estimate, from the number of values that it rests on.
"""

import numpy as np
import pytest

from mnist1d import DatasetConfig, generate
from mnist1d.dataset.standardisation import standardisation

N = 10_000


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"padding": (0, 5), "max_translation": 1},
        {"max_translation": 100, "final_seq_length": 17},
        {"classes": (1, 2, 3), "class_proportions": (1, 5, 2), "scale_coeff": 1.5},
        {"templates": [[1, 2, 3], [3, 4, 0]], "padding": (0, 0), "final_seq_length": 3},
        {"shear_scale": -3, "corr_noise_scale": 0},
        {"scale_coeff": 0, "shear_scale": 0, "iid_noise_scale": 0, "corr_noise_scale": 2},
    ],
)
def test_constants_are_what_samples_tend_to(parameters):
    constants = standardisation(DatasetConfig(**parameters))
    dataset = generate(**parameters, num_samples=N, seed=7)
    raw = np.concatenate([dataset.x, dataset.x_test]) * dataset.std + dataset.mean
    # Values of one sample hang together, so samples are counted and not values.
    means, squares = raw.mean(axis=1), np.square(raw - constants.mean).mean(axis=1)
    assert means.mean() == pytest.approx(constants.mean, abs=5 * means.std() / np.sqrt(N))
    variance = constants.std**2
    assert squares.mean() == pytest.approx(variance, abs=5 * squares.std() / np.sqrt(N))


def test_constants_of_nothing_are_refused():
    strengths = ["scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale"]
    config = DatasetConfig(
        **dict.fromkeys(strengths, 0), padding=(0, 0), max_translation=1, final_seq_length=2
    )
    with pytest.raises(ValueError, match="cannot be standardised"):
        standardisation(config)


def test_constants_of_the_published_configuration():
    mean, std = standardisation(DatasetConfig())
    assert mean == pytest.approx(-0.0060506062, abs=1e-9)
    assert std == pytest.approx(0.1546941331, abs=1e-9)


@pytest.fixture(scope="module")
def published():
    mean, std = standardisation(DatasetConfig())
    dataset = generate(num_samples=N, seed=11)
    x = np.concatenate([dataset.x, dataset.x_test]) * dataset.std + dataset.mean
    return (x - mean) / std, np.concatenate([dataset.y, dataset.y_test])


@pytest.fixture(scope="module")
def drawn():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    from mnist1d.jax import draw_batch

    x, y = jax.jit(lambda key: draw_batch(key, DatasetConfig(), N))(jax.random.key(5))
    return np.asarray(x, dtype=np.float64), np.asarray(y)


@pytest.mark.slow
def test_classes_are_equally_frequent(drawn):
    counts = np.bincount(drawn[1], minlength=10)
    assert np.abs(counts - N / 10).max() < 5 * np.sqrt(N * 0.1 * 0.9)


@pytest.mark.slow
def test_means_and_covariances_of_every_class_agree(drawn, published):
    for label in range(10):
        ours, theirs = drawn[0][drawn[1] == label], published[0][published[1] == label]
        n = 1 / (1 / len(ours) + 1 / len(theirs))
        error = theirs.std(axis=0) / np.sqrt(n)
        assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 5 * error).all()
        products = [
            (x[:, :, None] - theirs.mean(axis=0)[:, None]) * (x[:, None, :] - theirs.mean(axis=0))
            for x in (ours, theirs)
        ]
        error = products[1].std(axis=0) / np.sqrt(n)
        assert (np.abs(products[0].mean(axis=0) - products[1].mean(axis=0)) < 5 * error).all()


@pytest.mark.slow
def test_every_point_has_the_same_distribution(drawn, published):
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    smallest = min(stats.ks_2samp(drawn[0][:, i], published[0][:, i]).pvalue for i in range(40))
    # Forty tests: by chance one in 2500 sets of them goes below.
    assert smallest > 1e-5


@pytest.mark.slow
def test_a_classifier_cannot_tell_them_apart(drawn, published):
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    half = N // 2
    forest = ensemble.RandomForestClassifier(60, random_state=0, n_jobs=1)
    forest.fit(published[0][:half], published[1][:half])
    for label in range(10):
        right = []
        for x, y in (drawn, published):
            chosen = np.flatnonzero(y == label)
            chosen = chosen[chosen >= half]
            right.append(forest.predict(x[chosen]) == label)
        p = np.concatenate(right).mean()
        error = np.sqrt(p * (1 - p) * sum(1 / len(r) for r in right))
        assert abs(right[0].mean() - right[1].mean()) < 5 * error
