"""A few steps of training with a seed set by the package's helper. Needs: torch."""

import random

import numpy as np
import torch
from mnist1d.data import get_dataset, get_dataset_args
from mnist1d.utils import set_seed

torch.manual_seed(0)
set_seed(7)
args = get_dataset_args()
args.num_samples = 400
dataset = get_dataset(args, path="./mnist1d_data.pkl", download=False)
x_train, y_train = torch.Tensor(dataset["x"]), torch.LongTensor(dataset["y"])
model = torch.nn.Linear(40, 10)
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
losses = []
for step in range(20):
    ix = (step * 100) % len(x_train)
    batch = slice(ix, ix + 100)
    loss = torch.nn.functional.cross_entropy(model(x_train[batch]), y_train[batch])
    losses.append(loss.item())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
mix = np.random.beta(0.2, 0.2, size=4)
coin = random.random()
