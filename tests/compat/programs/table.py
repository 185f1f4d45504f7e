"""A table of the data, written as text. Needs: pandas."""

import pandas as pd
from mnist1d.data import get_dataset_args, make_dataset

args = get_dataset_args()
args.num_samples = 40
data = make_dataset(args)
frame = pd.DataFrame(data["x"], columns=[f"t{i}" for i in range(40)])
frame["label"] = data["y"]
frame.round(6).to_csv("train.csv", index=False)
means = frame.groupby("label").mean().to_numpy()
chosen = frame.sample(5).to_numpy()
