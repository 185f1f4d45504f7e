"""Margins of claims: how large a difference does not matter, one per kind of quantity.

They were fixed before the runs that they judge, and none is a published standard deviation.
"""

ACCURACY = 2.0
"""Accuracies and errors of networks, percentage points: the rows of Table 1 that the paper sets
apart are three points or more from each other."""

MNIST_ACCURACY = 1.0
"""Accuracies on MNIST, percentage points: its usual networks lie within one or two points of each
other."""

SMALL_TEST_ACCURACY = 4.0
"""Accuracies on 500 test samples, percentage points: two binomial standard errors."""

PROBE_ACCURACY = 3.0
"""Accuracies of classifiers on learned representations, percentage points: the paper compares
layers that are three points or more from each other."""

LOSS = 0.05
"""Cross entropies in nats: at the accuracies compared here this is about a point of accuracy."""

LEARNING_RATE = 0.01
"""Learning rates near 0.62, which the paper gives to two digits."""

DIVERGENCE = 1.0
"""Kullback-Leibler divergences of embeddings, per cent of the published one: what openTSNE's own
approximations of the gradient differ by."""
