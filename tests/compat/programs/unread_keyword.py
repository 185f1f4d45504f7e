"""A keyword that nothing reads, on a file that is there."""

from mnist1d.data import get_dataset, get_dataset_args

args = get_dataset_args()
args.num_samples = 100
get_dataset(args, path="kept.pkl", download=False)
data = get_dataset(args, path="kept.pkl", force_download=True)
again = get_dataset(args, path="kept.pkl", download=False, num_workers=4)
print(data["x"].shape, again["y"].sum())
