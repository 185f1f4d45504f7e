"""Comparing two sets of samples: with SciPy, and with all distances."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import ks_2samp

from mnist1d.measures.two_samples import kolmogorov_distance, nearest_distances


@pytest.mark.parametrize("decimals", [8, 0])
def test_distances_of_distributions_are_those_of_scipy(decimals):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=70).round(decimals), rng.normal(0.5, 2, size=50).round(decimals)
    expected = ks_2samp(first, second).statistic
    assert kolmogorov_distance(first, second) == pytest.approx(expected)
    assert kolmogorov_distance(second, first) == pytest.approx(expected)
    assert kolmogorov_distance(first, first) == 0
    assert np.isnan(kolmogorov_distance(first, [1.0, np.nan]))


def test_nearest_neighbours_are_those_of_all_distances(monkeypatch):
    monkeypatch.setattr("mnist1d.measures.two_samples._CHUNK_VALUES", 100)  # several chunks
    rng = np.random.default_rng(1)
    points, others = 1000 + rng.normal(size=(20, 5)), 1000 + rng.normal(size=(30, 5))
    others[3] = points[7]
    expected = np.sort(cdist(points, others), axis=1)[:, :3]
    np.testing.assert_allclose(nearest_distances(points, others, 3), expected, atol=1e-9)
    assert nearest_distances(points, others, 1)[7] == 0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="both need a number, not 0 and 1"):
        kolmogorov_distance([], [1.0])
    with pytest.raises(ValueError, match="n must be from 1 to the number of others, 3, not 4"):
        nearest_distances(np.zeros((2, 5)), np.zeros((3, 5)), 4)
    with pytest.raises(ValueError, match="must be rows of one length"):
        nearest_distances(np.zeros((2, 5)), np.zeros((3, 4)))
