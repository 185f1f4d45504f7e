"""Label noise written into the returned arrays, drawn from Python's generator."""

import random

import mnist1d

random.seed(0)
args = mnist1d.data.get_dataset_args()
args.num_samples = 8000
args.train_split = 0.5
args.corr_noise_scale = 0.25
args.iid_noise_scale = 2e-2
data = mnist1d.data.get_dataset(args, path="./mnist1d_data.pkl", download=False, regenerate=True)
for c_y in range(len(data["y"])):
    random_number = random.random()
    if random_number < 0.15:
        random_int = int(random.random() * 10)
        data["y"][c_y] = random_int
print("Examples in training set: {}".format(len(data["y"])))
print("Dimensionality of each example: {}".format(data["x"].shape[-1]))
