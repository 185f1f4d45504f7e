"""Noise switched off, to look at the latent factors; the draws stay the same."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset

np.random.seed(13)
clean_config = get_dataset_args()
clean_config.num_samples = 200
clean_config.iid_noise_scale = 0
clean_config.corr_noise_scale = 0
clean_config.seed = 40
clean = make_dataset(clean_config)
noisy_config = get_dataset_args()
noisy_config.num_samples = 200
noisy_config.iid_noise_scale = 0.05
noisy_config.corr_noise_scale = 0
noisy_config.seed = 40
noisy = make_dataset(noisy_config)
assert np.array_equal(clean["y"], noisy["y"])
correlation = np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(clean["x"], noisy["x"])])
translation_only = get_dataset_args()
translation_only.num_samples = 200
translation_only.shear_scale = 0
translation_only.scale_coeff = 0
translation_only.padding = (60, 60)
still = make_dataset(translation_only)
