"""A class of a library, with a root folder and a train flag."""

from pathlib import Path

from mnist1d.data import get_dataset, get_dataset_args


class MNIST1D:
    def __init__(self, root, train=True, **changes):
        args = get_dataset_args()
        for name, value in changes.items():
            setattr(args, name, value)
        root = Path(root)
        root.mkdir(parents=True, exist_ok=True)
        data = get_dataset(args=args, path=root / "mnist1d.pkl", download=False, verbose=False)
        part = "" if train else "_test"
        self.x, self.y = data["x" + part], data["y" + part]

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], int(self.y[i])


train = MNIST1D("root/a", num_samples=120)
test = MNIST1D("root/a", train=False, num_samples=120)
items = [train[i] for i in range(5)] + [test[i] for i in range(5)]
print(len(train), len(test))
