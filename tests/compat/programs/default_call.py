"""get_dataset with nothing but arguments, between draws from a seeded state."""

import numpy as np
import mnist1d

np.random.seed(0)
before = np.random.rand(3)
args = mnist1d.get_dataset_args()
data = mnist1d.get_dataset(args, verbose=False)
noise_indices = np.random.choice(4000, 600, replace=False)
data["y"][noise_indices] = np.random.randint(0, 10, 600)
data["x"] = data["x"].astype(np.float32)
after = np.random.rand(3)
second = mnist1d.get_dataset(args, verbose=False)
at_last = np.random.rand(3)
