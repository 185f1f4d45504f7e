"""The file opens where the package is not installed."""

import pickle
import subprocess
import sys

from mnist1d.data import get_dataset, get_dataset_args

args = get_dataset_args()
args.num_samples = 50
get_dataset(args, download=False)
program = """
import sys, pickle
sys.modules["mnist1d"] = None
with open("./mnist1d_data.pkl", "rb") as handle:
    data = pickle.load(handle)
    rest = handle.read()
print(list(data), type(data).__name__, data["x"].shape, data["templates"]["x"].shape, len(rest))
"""
print(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout)
with open("./mnist1d_data.pkl", "rb") as handle:
    start = handle.read(2)
with open("./mnist1d_data.pkl", "rb") as handle:
    data = pickle.load(handle)
