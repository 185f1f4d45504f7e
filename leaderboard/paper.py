"""The four models of the paper, at its sizes."""

from mnist1d.lab import CNN, GRU, MLP, Logistic

CANDIDATES = {"Logistic": Logistic, "MLP": MLP, "CNN": CNN, "GRU": GRU}
