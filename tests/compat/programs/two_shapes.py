"""Templates of one's own, as the second positional argument."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

t = np.linspace(-1, 1, 16)
template = {
    "x": np.stack([np.exp(-8 * t**2), np.clip(1 - 2 * np.abs(t), 0, None)]),
    "t": t,
    "y": np.array([0, 1]),
}
args = get_dataset_args()
args.num_samples = 101
args.template_len = 16
data = make_dataset(args, template)
print(data["x"].shape, np.unique(data["y"]), data["templates"]["x"].shape)
