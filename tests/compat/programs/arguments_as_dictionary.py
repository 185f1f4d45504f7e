"""The arguments as a dictionary, printed, changed and stored."""

import json

from mnist1d.data import get_dataset_args, make_dataset
from mnist1d.utils import ObjectView

settings = get_dataset_args(as_dict=True)
print(json.dumps(settings))
settings["num_samples"] = 30
settings["padding"][0] = 50
settings.pop("url")
data = make_dataset(args=ObjectView(settings))
fresh = get_dataset_args(as_dict=True)
print(fresh["padding"], settings["padding"])
with open("settings.json", "w") as handle:
    json.dump(settings, handle)
