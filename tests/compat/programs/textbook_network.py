"""A course notebook: load, transpose, draw initial weights."""

import random

import mnist1d
import numpy as np

args = mnist1d.data.get_dataset_args()
data = mnist1d.data.get_dataset(args, path="./mnist1d_data.pkl", download=False, regenerate=False)
print("Examples in training set: {}".format(len(data["y"])))
print("Examples in test set: {}".format(len(data["y_test"])))
print("Length of each example: {}".format(data["x"].shape[-1]))

train_data_x = data["x"].transpose()
train_data_y = data["y"]
val_data_x = data["x_test"].transpose()
val_data_y = data["y_test"]

weights = np.random.normal(size=(10, 40)) * np.sqrt(2 / 40)
logits = weights @ val_data_x
accuracy = 100 * np.mean(logits.argmax(axis=0) == val_data_y)
coin = random.random()
print("Train data: %d examples (columns), each of which has %d dimensions" % (4000, 40))
