"""Pickles of one's own things."""

import os
import pickle
from collections import OrderedDict

import numpy as np
from mnist1d.data import get_dataset_args
from mnist1d.utils import from_pickle, to_pickle

results = OrderedDict(acc=[1.0, 2.5], best=np.float64(0.93), weights={"w": np.eye(3)})
to_pickle(results, "results.pkl")
back = from_pickle("results.pkl")
to_pickle(get_dataset_args(), "args.pkl")
args = vars(from_pickle("args.pkl"))
with open("other.pkl", "wb") as handle:
    pickle.dump(back, handle, protocol=4)
other = from_pickle("other.pkl")
print(sorted(os.listdir(".")), type(back).__name__)
