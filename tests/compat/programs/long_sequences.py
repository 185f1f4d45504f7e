"""Longer signals in more padding."""

import numpy as np
from mnist1d.data import get_dataset, get_dataset_args

args = get_dataset_args()
args.num_samples = 200
args.final_seq_length = 256
args.padding = [100, 200]
args.max_translation = 212
data = get_dataset(args, path="long.pkl", download=False, regenerate=True, verbose=False)
spectrum = np.abs(np.fft.rfft(data["x"], axis=1)).mean(axis=0)
