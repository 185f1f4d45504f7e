"""A comparison of three small MLPs; prints its seconds and accuracies."""

from time import perf_counter

from mnist1d.lab.comparison.compare import compare
from mnist1d.models import MLP
from mnist1d.training import use_all_cores

OURS = {
    "MLP": MLP,
    "plain MLP": lambda key: MLP(residual=False, key=key),
    "narrow MLP": lambda key: MLP(hidden_size=80, key=key),
}


SEEDS, TUNING_SEEDS, STEPS = 5, 4, 6000
"""Of the comparison; there are five learning rates."""


def compare_ours(seeds, tuning_seeds, n_steps):
    """Run the whole protocol; returns seconds and the mean test accuracy of every candidate."""
    start = perf_counter()
    found = compare(
        OURS,
        seeds=seeds,
        tuning_seeds=tuning_seeds,
        n_steps=n_steps,
        references=False,
        shuffled=False,
        shifts=(),
    )
    seconds = perf_counter() - start
    accuracy = found.result.test_accuracy.mean("seed")
    return seconds, dict(zip(accuracy.candidate.values.tolist(), accuracy.values, strict=True))


if __name__ == "__main__":
    use_all_cores()
    print(compare_ours(SEEDS, TUNING_SEEDS, STEPS))
