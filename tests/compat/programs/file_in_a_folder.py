"""One file per seed, in a folder; read again later."""

import os

import numpy as np
from mnist1d.data import get_dataset, get_dataset_args

os.makedirs("data", exist_ok=True)
sums = []
for turn in range(2):
    for seed in (1, 2):
        args = get_dataset_args()
        args.num_samples = 100
        args.seed = seed
        path = os.path.join("data", f"mnist1d_seed{seed}.pkl")
        data = get_dataset(args, path=path, verbose=True, download=False)
        sums.append(data["x_test"].sum() + np.random.rand())
