"""PyTorch data sets and loaders. Needs: torch."""

import numpy as np
import torch
from mnist1d.data import get_dataset_args, make_dataset
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
args = get_dataset_args()
args.num_samples = 500
data = make_dataset(args)
after = torch.rand(3)
train = TensorDataset(
    torch.from_numpy(data["x"]).float().unsqueeze(1), torch.from_numpy(data["y"]).long()
)
loader = DataLoader(train, batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(0))
sums = [float(x.sum()) for x, _ in loader]
tensor = torch.tensor(data["x_test"], dtype=torch.float32)
data["x"][0] = 0  # shares memory with nothing but the tensor above
loss = torch.nn.functional.cross_entropy(torch.zeros(100, 10), torch.LongTensor(data["y_test"]))
draws = np.random.rand(2)
