"""MNIST-1D: the dataset, and a laboratory for deep learning at small scale."""

from mnist1d.config import DatasetConfig
from mnist1d.dataset import Dataset, draw_transforms, fresh_samples, generate, load
from mnist1d.templates import Templates, digit_templates
from mnist1d.transforms import TransformDraws, synthesise

__all__ = [
    "Dataset",
    "DatasetConfig",
    "Templates",
    "TransformDraws",
    "__version__",
    "digit_templates",
    "draw_transforms",
    "fresh_samples",
    "generate",
    "load",
    "synthesise",
]

__version__ = "0.1.0"
