"""Exported to NumPy's own files."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

args = get_dataset_args()
args.num_samples = 50
args.seed = 99
data = make_dataset(args)
templates = data.pop("templates")
np.savez("mnist1d.npz", **data)
np.save("templates.npy", templates["x"])
print(sorted(np.load("mnist1d.npz").files))
