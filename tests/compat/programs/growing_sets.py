"""Data sets of growing size, as for a study of sample size."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

sizes = [50, 100, 200, 1000]
args = get_dataset_args()
class_counts, draws = [], []
for n in sizes:
    args.num_samples = n
    args.train_split = 0.6
    data = make_dataset(args)
    class_counts.append(np.bincount(data["y"], minlength=10))
    draws.append(np.random.randn(5))
    print(n, data["x"].shape, data["x_test"].shape)
