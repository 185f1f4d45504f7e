"""MNIST-1D: the dataset, and a laboratory for deep learning at small scale."""

from typing import TYPE_CHECKING

from mnist1d import data, utils
from mnist1d.data import get_dataset, get_dataset_args, get_templates, make_dataset
from mnist1d.dataset import imports
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.dataset import Dataset, Samples
from mnist1d.dataset.generation import draw_transforms, fresh_samples, generate, load
from mnist1d.dataset.imports import beside
from mnist1d.dataset.presets import PRESETS, preset
from mnist1d.dataset.shift import Shift
from mnist1d.dataset.standardisation import standardisation
from mnist1d.dataset.synthesis import TransformDraws, synthesise
from mnist1d.dataset.templates import Templates, digit_templates, normalise_templates
from mnist1d.transform import transform
from mnist1d.utils import ObjectView, from_pickle, plot_signals, set_seed, to_pickle

if TYPE_CHECKING:
    from mnist1d.dataset import export as export
    from mnist1d.figures import signals as pictures  # noqa: F401 (offered by `attach`)

__getattr__, _ = imports.attach(__name__, __file__)

__all__ = [
    "PRESETS",
    "Dataset",
    "DatasetConfig",
    "ObjectView",
    "Samples",
    "Shift",
    "Templates",
    "TransformDraws",
    "__version__",
    "data",
    "digit_templates",
    "draw_transforms",
    "fresh_samples",
    "from_pickle",
    "generate",
    "get_dataset",
    "get_dataset_args",
    "get_templates",
    "load",
    "make_dataset",
    "normalise_templates",
    "plot_signals",
    "preset",
    "set_seed",
    "standardisation",
    "synthesise",
    "to_pickle",
    "transform",
    "utils",
]

__version__ = "0.1.0"

beside.warn(__version__)
