"""The four models of the paper, the three larger ones made narrower: at most 5,000 parameters."""

from functools import partial

from mnist1d.lab import CNN, GRU, MLP, Logistic

CANDIDATES = {
    "Logistic": Logistic,
    "MLP, 48 units": partial(MLP, hidden_size=48),
    "CNN, 24 channels": partial(CNN, channels=24),
    "GRU, 5 units": partial(GRU, hidden_size=5),
}
