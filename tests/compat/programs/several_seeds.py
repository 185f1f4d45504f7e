"""Independent copies with other seeds; nothing may be shared between them."""

import copy

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

args = get_dataset_args()
args.num_samples = 100
originals, flipped = [], []
for seed in range(3):
    args.seed = seed
    data = make_dataset(args)
    originals.append(copy.deepcopy(data))
    data["x"] *= -1
    data["y"][:] = 0
    data["templates"]["x"][:] = 0
    flipped.append(data)
    again = make_dataset(args)
    print(np.array_equal(again["x"], originals[-1]["x"]))
copied = {name: values.copy() for name, values in originals[0].items()}
