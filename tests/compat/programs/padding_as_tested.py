"""As a test suite would: seeded, one signal and many."""

import numpy as np
from mnist1d.data import get_dataset, get_dataset_args
from mnist1d.transform import pad

args = get_dataset_args()
get_dataset(args, path="stored.pkl", download=False)
np.random.seed(13)
data = get_dataset(args, path="stored.pkl", download=False)
one = pad(data["x"][0], (36, 36 + 8))
many = pad(data["x"], (36, 36 + 8))
print(one.shape, many.shape)
