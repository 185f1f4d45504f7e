"""Arguments from argparse."""

import argparse

from mnist1d.data import get_dataset, get_dataset_args

parser = argparse.ArgumentParser()
for name, value in get_dataset_args(as_dict=True).items():
    if name == "padding":
        parser.add_argument("--padding", type=int, nargs=2, default=value)
    elif isinstance(value, bool):
        parser.add_argument(f"--{name}", action="store_true")
    else:
        parser.add_argument(f"--{name}", type=type(value), default=value)
parser.add_argument("--lr", type=float, default=0.01)
args = parser.parse_args(["--num_samples", "80", "--padding", "10", "30", "--lr", "0.1"])
data = get_dataset(args, "cli.pkl", download=False)
