"""Nearest neighbours on a random subset."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

data = make_dataset(get_dataset_args())
subset = np.random.choice(len(data["x"]), 500, replace=False)
x, y = data["x"][subset], data["y"][subset]
queries = data["x_test"][:100]
distances = ((queries[:, None, :] - x[None, :, :]) ** 2).sum(axis=-1)
predicted = y[distances.argmin(axis=1)]
accuracy = float((predicted == data["y_test"][:100]).mean())
print(f"{100 * accuracy:.1f}")
