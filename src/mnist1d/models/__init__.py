"""The models of the paper, one architecture per file, and in `beyond` others.

A model maps one example `(length,)` to logits `(classes,)`. Models that set `batch_last = True`
also accept trailing batch axes, `(length, n) -> (classes, n)`, and are several times faster that
way; `predict` uses whichever a model offers, so any Equinox module for one example works.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.models.beyond.lstm import LSTM as LSTM
    from mnist1d.models.beyond.mixer import Mixer as Mixer
    from mnist1d.models.beyond.random_features import RandomFeatures as RandomFeatures
    from mnist1d.models.beyond.resnet import ResNet as ResNet
    from mnist1d.models.beyond.sizes import of_size as of_size
    from mnist1d.models.beyond.state_space import StateSpace as StateSpace
    from mnist1d.models.beyond.tcn import TCN as TCN
    from mnist1d.models.beyond.transformer import Transformer as Transformer
    from mnist1d.models.cnn import CNN as CNN
    from mnist1d.models.encoder import Encoder as Encoder
    from mnist1d.models.gru import GRU as GRU
    from mnist1d.models.lenet import LeNet as LeNet
    from mnist1d.models.linear import Logistic as Logistic
    from mnist1d.models.masked_mlp import MaskedMLP as MaskedMLP
    from mnist1d.models.mlp import MLP as MLP
    from mnist1d.models.pooling_cnn import PoolingCNN as PoolingCNN
    from mnist1d.models.prediction import count_parameters as count_parameters, predict as predict

__getattr__, __dir__ = imports.attach(__name__, __file__)
