"""The models of the paper, one architecture per file.

A model maps one example `(length,)` to logits `(classes,)`. Models that set `batch_last = True`
also accept trailing batch axes, `(length, n) -> (classes, n)`, and are several times faster that
way; `predict` uses whichever a model offers, so any Equinox module for one example works.
"""

from mnist1d.models.cnn import CNN
from mnist1d.models.encoder import Encoder
from mnist1d.models.gru import GRU
from mnist1d.models.linear import Logistic
from mnist1d.models.masked_mlp import MaskedMLP
from mnist1d.models.mlp import MLP
from mnist1d.models.pooling_cnn import PoolingCNN
from mnist1d.models.prediction import count_parameters, predict

__all__ = [
    "CNN",
    "GRU",
    "MLP",
    "Encoder",
    "Logistic",
    "MaskedMLP",
    "PoolingCNN",
    "count_parameters",
    "predict",
]
