"""MNIST-1D: the dataset, and a laboratory for deep learning at small scale."""

__version__ = "0.1.0"
