"""The shortest use there is."""

from mnist1d.data import get_dataset_args, make_dataset

defaults = get_dataset_args()
data = make_dataset(defaults)
x, y, t = data["x"], data["y"], data["t"]
print(x.shape, y.shape, t.shape)
