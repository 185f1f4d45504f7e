"""Shuffled by the package and by hand."""

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset
from mnist1d.utils import set_seed

args = get_dataset_args()
args.num_samples = 300
plain = make_dataset(args)
args.shuffle_seq = True
shuffled = make_dataset(args)
set_seed(args.seed)
perm_ix = np.random.permutation(40)
by_hand = {**plain, "x": plain["x"][:, perm_ix], "x_test": plain["x_test"][:, perm_ix]}
