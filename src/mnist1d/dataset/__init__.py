"""The dataset: configuration, synthesis, storage and export. Its core needs NumPy alone."""

from mnist1d.dataset.dataset import Dataset, Samples
from mnist1d.dataset.generation import draw_transforms, fresh_samples, generate, load

__all__ = ["Dataset", "Samples", "draw_transforms", "fresh_samples", "generate", "load"]
