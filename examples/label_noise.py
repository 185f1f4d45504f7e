"""Does smoothing of labels help where labels are wrong? With growing shares of wrong ones."""

import jax
import optax

from mnist1d import DatasetConfig
from mnist1d.lab import MLP, EquinoxCandidate, compare, paired_difference


def smoothed(logits, labels):
    """Cross-entropy with labels of which a tenth is spread over all classes."""
    targets = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[1]), 0.1)
    return optax.softmax_cross_entropy(logits, targets).mean()


def main(shares=(0.0, 0.2, 0.4), **protocol):
    """Print and return the gain in test accuracy for every share of wrong labels."""
    candidates = {"plain": EquinoxCandidate(MLP), "smoothed": EquinoxCandidate(MLP, loss=smoothed)}
    gains = {}
    for share in shares:
        data = DatasetConfig(label_noise=share, label_noise_kind="other")
        accuracy = compare(candidates, data=data, **protocol).result.test_accuracy
        gains[share] = paired_difference(
            accuracy.sel(candidate="smoothed"), accuracy.sel(candidate="plain")
        )
        mean, low, high = gains[share][:3]
        print(f"{share:.0%} of labels wrong: {mean:+.1%}, from {low:+.1%} to {high:+.1%}")
    return gains


if __name__ == "__main__":
    main(references=False, shuffled=False)
