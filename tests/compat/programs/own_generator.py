"""A generator of one's own from the published pieces."""

import numpy as np
from mnist1d.data import get_dataset_args, get_templates
from mnist1d.transform import (
    corr_noise_like,
    iid_noise_like,
    interpolate,
    pad,
    shear,
    transform,
    translate,
)
from mnist1d.utils import set_seed

args = get_dataset_args()
templates = get_templates()
set_seed(args.seed)
xs, ys = [], []
for label in range(10):
    for _ in range(5):
        x, t = transform(templates["x"][label], templates["t"], args)
        xs.append(x)
        ys.append(label)
xs, ys = np.stack(xs), np.asarray(ys)
shuffle = np.random.permutation(len(ys))
xs, ys = xs[shuffle], ys[shuffle]

steps = []
signal = pad(templates["x"][3] + 1e-8, (36, 60))
signal = interpolate(signal, 72)
steps.append(signal)
signal = translate(signal, 48)
steps.append(signal)
mask = signal != 0
signal = mask * signal + (1 - mask) * corr_noise_like(signal, 0.25)
signal = signal + iid_noise_like(signal, 0.02)
steps.append(shear(signal, 0.75))
steps.append(interpolate(steps[-1], 40))
