"""A study's own configuration class in place of the argument object."""

from dataclasses import dataclass, field

import numpy as np
from mnist1d.data import make_dataset


@dataclass
class DataConfig:
    num_samples: int = 200
    train_split: float = 0.75
    template_len: int = 12
    padding: tuple = field(default=(20, 40))
    scale_coeff: float = 0.3
    max_translation: int = 30
    corr_noise_scale: float = 0.2
    iid_noise_scale: float = 0.05
    shear_scale: float = 0.5
    shuffle_seq: bool = False
    final_seq_length: int = 64
    seed: int = 3
    batch_size: int = 32


data = make_dataset(DataConfig())
order = np.random.permutation(len(data["x"]))
batches = [data["x"][order[i : i + 32]].mean() for i in range(0, len(order), 32)]
