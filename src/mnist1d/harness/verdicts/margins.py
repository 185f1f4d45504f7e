"""Margins of claims: how large a difference does not matter, one per kind of quantity.

None is a published standard deviation. They have to be fixed before the runs that they judge, as
those of `results/` were, by the tags of its plan.
"""

ACCURACY = 2.0
"""Accuracies and errors of networks, percentage points: the rows of Table 1 that the paper sets
apart are three points or more from each other."""

SMALL_TEST_ACCURACY = 4.0
"""Accuracies on 500 test samples, percentage points: about two binomial standard errors."""

PROBE_ACCURACY = 3.0
"""Accuracies of classifiers on learned representations, percentage points: about two binomial
standard errors of its 1,000 test samples."""

PERSON_ACCURACY = 5.0
"""Accuracies of people, percentage points: a standard error of a hundred answers where 30 % to 50 %
are right."""

LOSS = 0.05
"""Cross entropies in nats: a tenth of what a projection head changes in the paper's run of SimCLR
(2.88 with it, 3.39 without)."""

LEARNING_RATE = 0.01
"""Learning rates near 0.62, which the paper gives to two digits."""

DIVERGENCE = 1.0
"""Kullback-Leibler divergences of embeddings, per cent of the published one: a choice of ours, as
the paper compares none."""
