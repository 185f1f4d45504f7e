"""Arguments from a dictionary, with a field of the user's own."""

import copy

from mnist1d.data import get_dataset_args, make_dataset
from mnist1d.utils import ObjectView

arg_dict = get_dataset_args(as_dict=True)
arg_dict.update(num_samples=60, shear_scale=0.1, experiment="small")
args = ObjectView(arg_dict)
args.note = "added later"
data = make_dataset(args)
other = copy.deepcopy(args)
other.seed = 7
data_other = make_dataset(other)
print(args.experiment, arg_dict["note"], args.seed, other.seed, hasattr(args, "missing"))
