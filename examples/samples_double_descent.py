"""Double descent over the number of samples: with more data the error rises, then falls again.

A fit without regularisation is worst with as many samples as features.
"""

import numpy as np

from mnist1d.lab import compare, interval


def random_features(x, y, *, seed, n_features=300):
    """Fit random relu features by least squares; of many solutions, the smallest."""
    weights = np.random.default_rng(seed).normal(size=(x.shape[1], n_features))

    def features(signals):
        return np.maximum(signals @ weights, 0)

    solution, *_ = np.linalg.lstsq(features(x), np.eye(10)[y])
    return lambda signals: features(signals) @ solution


def main(train_sizes=(100, 200, 300, 400, 600, 1000, 2000, 4000), **protocol):
    """Print and return test accuracy, shape (seeds, sizes)."""
    comparison = compare({"features": random_features}, train_sizes=train_sizes, **protocol)
    accuracy = comparison.result.size_accuracy.sel(candidate="features")
    for size, mean, low, high in zip(train_sizes, *interval(accuracy), strict=True):
        print(f"{size:5} samples: {mean:.1%}, from {low:.1%} to {high:.1%}")
    return accuracy


if __name__ == "__main__":
    main(references=False, shuffled=False)
