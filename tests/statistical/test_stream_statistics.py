"""The stream is distributed as the published generator is, for every use that anybody has for it.

Tolerances are five standard errors of the estimate, or a chance of 1e-5, of the numbers they rest
on. Seeds are fixed.
"""

import numpy as np
import pytest

from mnist1d import generate
from mnist1d.stream.stream import Stream

N = 40_000


@pytest.fixture(scope="module")
def published():
    """Signals as they were before standardisation, and labels."""
    dataset = generate(num_samples=N, seed=1)
    x = np.concatenate([dataset.x, dataset.x_test]) * dataset.std + dataset.mean
    return x, np.concatenate([dataset.y, dataset.y_test])


@pytest.fixture(scope="module")
def native():
    stream = Stream(seed=2)
    x, y = stream.samples(0, 4 * N)
    return x.astype(np.float64) * stream.std + stream.mean, y


def kolmogorov_smirnov(a, b):
    """Return the largest difference of two empirical distributions, in its own standard units."""
    both = np.concatenate([a, b])
    steps = [
        np.searchsorted(np.sort(values), both, side="right") / len(values) for values in (a, b)
    ]
    return np.abs(steps[0] - steps[1]).max() * np.sqrt(len(a) * len(b) / (len(a) + len(b)))


def standard_errors(a, b):
    """Return by how many standard errors the means of two groups of rows differ."""
    difference = a.mean(axis=0) - b.mean(axis=0)
    return difference / np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))


@pytest.mark.slow
def test_constants_are_those_of_a_large_published_set(published):
    x, _ = published
    stream = Stream()
    means, squares = x.mean(axis=1), ((x - stream.mean) ** 2).mean(axis=1)
    assert means.mean() == pytest.approx(stream.mean, abs=5 * means.std() / np.sqrt(N))
    assert squares.mean() == pytest.approx(stream.std**2, abs=5 * squares.std() / np.sqrt(N))


@pytest.mark.slow
def test_a_million_samples_are_standardised():
    sums = np.zeros(2)
    squares = []
    for x, _ in Stream(seed=3).batches(50_000, stop=1_000_000):
        sums += [x.mean(dtype=np.float64), np.square(x, dtype=np.float64).mean()]
        squares.append(np.square(x, dtype=np.float64).mean(axis=1))
    mean, square = sums / 20
    spread = np.concatenate(squares).std() / 1000
    assert mean == pytest.approx(0, abs=5 / 1000)
    assert square == pytest.approx(1, abs=5 * spread)


@pytest.mark.slow
def test_every_point_has_the_same_distribution(published, native):
    # 1.36 would be exceeded once in twenty, 2.5 once in 10**5.
    statistics = [
        kolmogorov_smirnov(published[0][:, j], native[0][:, j]) for j in (0, *range(1, 40, 3), 39)
    ]
    assert max(statistics) < 2.5


@pytest.mark.slow
def test_random_projections_and_steps_have_the_same_distribution(published, native):
    directions = np.random.RandomState(0).standard_normal((40, 10))
    a, b = published[0] @ directions, native[0] @ directions
    assert max(kolmogorov_smirnov(a[:, j], b[:, j]) for j in range(10)) < 2.5
    a, b = (np.diff(x, axis=1)[:, ::4] for x, _ in (published, native))
    assert max(kolmogorov_smirnov(a[:, j], b[:, j]) for j in range(a.shape[1])) < 2.5


@pytest.mark.slow
@pytest.mark.parametrize("label", range(10))
def test_moments_of_every_class_agree(published, native, label):
    a, b = (x[y == label] for x, y in (published, native))
    # 40 and 820 estimates at a time: a standard normal exceeds 5 once in 10**6.
    assert np.abs(standard_errors(a, b)).max() < 5
    pairs = np.triu_indices(40)
    products = [(x - native[0].mean(axis=0))[:, pairs[0]] * x[:, pairs[1]] for x in (a, b)]
    assert np.abs(standard_errors(*products)).max() < 5.5


def test_skewness_and_kurtosis_of_the_smooth_noise():
    # Nothing but smooth noise and four of its neighbours' worth of digit.
    stream = Stream(
        templates=[[0, 0]], padding=(70, 70), scale_coeff=0, shear_scale=0, iid_noise_scale=0,
        max_translation=1, seed=5,
    )  # fmt: skip
    x, _ = stream.samples(0, 200_000)
    middle = x[:, 20].astype(np.float64)
    middle /= middle.std()
    assert (middle**3).mean() == pytest.approx(0, abs=5 * np.sqrt(15 / 200_000))
    assert (middle**4).mean() == pytest.approx(3, abs=5 * np.sqrt(96 / 200_000))


def test_samples_are_independent_of_their_neighbours():
    draws = Stream(seed=6).draws(0, 50_000)
    for values in (draws.padding, draws.scale, draws.shift, draws.shear, draws.white_noise[:, 0]):
        centred = values - values.mean()
        for lag in (1, 2, 4, 16):
            correlation = (centred[lag:] * centred[:-lag]).mean() / centred.var()
            assert abs(correlation) < 5 / np.sqrt(50_000)
    together = np.corrcoef(
        [draws.padding, draws.scale, draws.shift, draws.shear, draws.correlated_noise[:, 0]]
    )
    assert np.abs(together - np.eye(5)).max() < 5 / np.sqrt(50_000)


def test_seeds_are_independent():
    a, b = (Stream(seed=seed).draws(0, 20_000) for seed in (0, 1))
    for name in ("scale", "shear"):
        assert abs(np.corrcoef(getattr(a, name), getattr(b, name))[0, 1]) < 5 / np.sqrt(20_000)
    same = (Stream(seed=0).labels(0, 20_000) == Stream(seed=1).labels(0, 20_000)).mean()
    assert same == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / 20_000))


def test_every_class_comes_equally_often_in_every_place():
    labels = Stream(seed=8).labels(0, 200_000).reshape(-1, 10)
    for place in range(10):
        counts = np.bincount(labels[:, place], minlength=10)
        assert np.abs(counts - 2000).max() < 5 * np.sqrt(20_000 * 0.09)


def test_proportions_and_noise_are_those_of_the_configuration():
    stream = Stream(class_proportions=tuple(range(1, 11)), label_noise=0.25, seed=9)
    clean, mask = stream.clean_labels(0, N)
    share = np.arange(1, 11) / 55
    assert np.abs(np.bincount(clean) - N * share).max() < 5 * np.sqrt(N * 0.18 * 0.82)
    assert mask.mean() == pytest.approx(0.25, abs=5 * np.sqrt(0.1875 / N))
    drawn = stream.labels(0, N)[mask]
    assert np.abs(np.bincount(drawn) - len(drawn) / 10).max() < 5 * np.sqrt(0.09 * len(drawn))


class Classifier:
    """Least squares on random features: fast, deterministic, and better than a linear model."""

    def __init__(self, x, targets):
        rng = np.random.RandomState(0)
        self.weights, self.offsets = rng.standard_normal((40, 400)) / 4, rng.uniform(-2, 2, 400)
        features = self.features(x)
        gram = features.T @ features + 1e-2 * len(x) * np.eye(features.shape[1])
        self.solution = np.linalg.solve(gram, features.T @ targets)

    def features(self, x):
        hidden = np.maximum(x @ self.weights + self.offsets, 0)
        return np.concatenate([hidden, x, np.ones((len(x), 1))], axis=1)

    def __call__(self, x):
        return (self.features(x) @ self.solution).argmax(axis=1)


@pytest.mark.slow
def test_a_classifier_cannot_tell_on_which_of_the_two_it_is_tested(published, native):
    scale = native[0].std()
    (x_a, y_a), (x_b, y_b) = ((x / scale, y) for x, y in (published, native))
    half = N // 2
    tests = {"published": (x_a[half:], y_a[half:]), "native": (x_b[N:], y_b[N:])}
    accuracies = {}
    for name, (x, y) in {"published": (x_a, y_a), "native": (x_b, y_b)}.items():
        classifier = Classifier(x[:half], np.eye(10)[y[:half]])
        for test, (x_test, y_test) in tests.items():
            accuracies[name, test] = (classifier(x_test) == y_test).mean()
    spread = np.sqrt(0.25 / half + 0.25 / (3 * N))
    for name in tests:
        assert accuracies[name, "published"] > 0.45
        assert abs(accuracies[name, "published"] - accuracies[name, "native"]) < 4 * spread
    # Trained on other samples, too, so that the differences of both add up.
    assert abs(accuracies["published", "native"] - accuracies["native", "native"]) < 0.02


@pytest.mark.slow
def test_a_classifier_cannot_tell_which_of_the_two_a_sample_is_from(published, native):
    scale = native[0].std()
    half = N // 2
    x = np.concatenate([published[0], native[0][:N]]) / scale
    origin = np.repeat([0, 1], N)
    order = np.random.RandomState(0).permutation(2 * N)
    x, origin = x[order], origin[order]
    classifier = Classifier(x[:N], np.eye(2)[origin[:N]])
    found = (classifier(x[N:]) == origin[N:]).mean()
    assert found == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / (2 * half)))
