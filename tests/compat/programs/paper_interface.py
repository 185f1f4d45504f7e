"""The interface as the paper describes it: get_dataset with its default file."""

from mnist1d.data import get_dataset, get_dataset_args

args = get_dataset_args()
data = get_dataset(args, path="./mnist1d_data.pkl", download=False, regenerate=True)
again = get_dataset(args, path="./mnist1d_data.pkl", download=False)
print(data.keys())
print((data["x"] == again["x"]).all())
