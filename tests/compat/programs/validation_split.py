"""Everything in the training part, split and standardised by hand."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

args = get_dataset_args()
args.num_samples = 300
args.train_split = 1.0
data = make_dataset(args)
print(data["x"].shape, data["x_test"].shape)
order = np.random.permutation(len(data["x"]))
train, validation, test = np.split(order, [180, 240])
mean, std = data["x"][train].mean(axis=0), data["x"][train].std(axis=0)
x_train, x_validation, x_test = (
    (data["x"][part] - mean) / std for part in (train, validation, test)
)
y_train = data["y"][train]
