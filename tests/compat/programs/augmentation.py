"""The published noise as augmentation of a training set."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset
from mnist1d.transform import corr_noise_like, iid_noise_like, shear, translate

args = get_dataset_args()
args.num_samples = 100
data = make_dataset(args)
views = []
for x in data["x"]:
    view = translate(x, 10)
    view = view + corr_noise_like(view, 0.1) + iid_noise_like(view, 0.05)
    views.append(shear(view, 0.75))
views = np.stack(views)
whole = iid_noise_like(data["x"], 0.1)
smooth = corr_noise_like(data["x"], 0.1)
