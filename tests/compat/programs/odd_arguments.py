"""Arguments that are only just arguments."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

collected = []
for changes in (
    {"padding": (60, 36)},
    {"padding": np.array([10, 20]), "shuffle_seq": 1},
    {"train_split": 0},
    {"max_translation": [0, 10, 20]},
    {"template_len": 24},
    {"num_samples": np.int64(55), "seed": 0},
):
    args = get_dataset_args()
    args.num_samples = 30
    for name, value in changes.items():
        setattr(args, name, value)
    collected.append(make_dataset(args))
    collected.append(np.random.rand(2))
