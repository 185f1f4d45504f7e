"""The quickstart: build, save, load, show."""

from mnist1d.data import get_dataset, get_dataset_args, get_templates
from mnist1d.utils import from_pickle, plot_signals, set_seed, to_pickle

set_seed(42)
templates = get_templates()
args = get_dataset_args()
for name in ("scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale"):
    setattr(args, name, 0)
fig = plot_signals(
    templates["x"], templates["t"], labels=None, args=args, ratio=2.2, do_transform=True
)
args = get_dataset_args()
data = get_dataset(args, path="./mnist1d_data.pkl", download=False, regenerate=True)
to_pickle(data, "copy.pkl")
loaded = from_pickle("copy.pkl")
fig = plot_signals(loaded["x_test"], loaded["t"], labels=loaded["y_test"], ratio=2.7, zoom=6)
fig.savefig("quiz.png")
print("Examples in training set: {}".format(len(data["y"])))
print("Examples in test set: {}".format(len(data["y_test"])))
print("Length of each input: {}".format(data["x"].shape[-1]))
print("Number of classes: {}".format(len(data["templates"]["y"])))
