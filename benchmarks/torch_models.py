"""The models of the paper in plain PyTorch, for benchmarks and tests."""

import torch
from torch import nn
from torch.nn import functional


class Logistic(nn.Module):
    """One affine map."""

    def __init__(self, input_size=40):
        super().__init__()
        self.output = nn.Linear(input_size, 10)

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        return self.output(x)


class MLP(nn.Module):
    """Two hidden layers, the second residual by default."""

    def __init__(self, input_size=40, hidden_size=100, residual=True):
        super().__init__()
        self.hidden = nn.Linear(input_size, hidden_size)
        self.second = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, 10)
        self.residual = residual

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        first = functional.relu(self.hidden(x))
        second = functional.relu(self.second(first))
        return self.output(first + second if self.residual else second)


class CNN(nn.Module):
    """Three strided convolutions; on signals of length 40 or flattened square images."""

    def __init__(self, channels=25, image_size=None):
        super().__init__()
        layer = nn.Conv1d if image_size is None else nn.Conv2d
        self.sides = (40,) if image_size is None else (image_size, image_size)
        self.convolutions = nn.ModuleList(
            layer(1 if i == 0 else channels, channels, kernel_size, stride=2, padding=1)
            for i, kernel_size in enumerate((5, 3, 3))
        )
        side = 5 if image_size is None else (image_size + 4) // 8
        self.output = nn.Linear(channels * side ** len(self.sides), 10)

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        hidden = x.view(-1, 1, *self.sides)
        for convolution in self.convolutions:
            hidden = functional.relu(convolution(hidden))
        return self.output(hidden.flatten(1))


class PoolingCNN(nn.Module):
    """Two convolutions, each with relu and pooling if the variant has any."""

    def __init__(self, variant, channels=20):
        super().__init__()
        pools = {
            "max_pool": nn.MaxPool1d(2),
            "avg_pool": nn.AvgPool1d(2),
            "l2_pool": nn.LPPool1d(2, 2),
        }
        self.pool = pools.get(variant, nn.Identity())
        stride = 2 if variant == "stride_2" else 1
        self.convolutions = nn.ModuleList(
            nn.Conv1d(n, channels, 3, stride=stride, padding=1) for n in (1, channels)
        )
        self.output = nn.Linear(channels * (40 if variant == "no_pool" else 10), 10)

    def forward(self, x):
        """Map signals (n, 40) to logits (n, 10)."""
        hidden = x[:, None]
        for convolution in self.convolutions:
            hidden = self.pool(functional.relu(convolution(hidden)))
        return self.output(hidden.flatten(1))


class GRU(nn.Module):
    """One bidirectional layer, all its outputs flattened, one affine map."""

    def __init__(self, n_timesteps=40, features=1, hidden_size=6):
        super().__init__()
        self.features = features
        self.gru = nn.GRU(features, hidden_size, batch_first=True, bidirectional=True)
        self.output = nn.Linear(n_timesteps * 2 * hidden_size, 10)

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        outputs, _ = self.gru(x.view(len(x), -1, self.features))
        return self.output(outputs.flatten(1))


class Encoder(nn.Module):
    """The convolutions of the CNN and a projection head, for self-supervised learning."""

    def __init__(self, projection=(125, 16)):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv1d(1, 25, 5, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(25, 25, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(25, 25, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        layers = []
        for in_size, out_size in zip((125, *projection), projection, strict=False):
            layers += [nn.Linear(in_size, out_size), nn.ReLU()]
        self.head = nn.Sequential(*layers[:-1])

    def backbone(self, x):
        """Map signals (n, length) to the features before the head (n, 125)."""
        return self.convolutions(x[:, None]).flatten(1)

    def forward(self, x):
        """Map signals (n, length) to outputs (n, features)."""
        return self.head(self.backbone(x))


def train(
    model,
    x,
    y,
    n_steps,
    batch_size=100,
    learning_rate=0.01,
    evaluate=None,
    evaluate_every=1,
    optimizer=None,
    shuffle=False,
):
    """Train as the authors' notebooks do: Adam, batches in stored order; return the losses.

    Double descent (section 5.2 of the paper) has another optimizer and shuffles every epoch.
    """
    if optimizer is None:
        optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for step in range(n_steps):
        start = step * batch_size % len(x)
        if shuffle:
            if start == 0:
                order = torch.randperm(len(x))
            rows = order[start : start + batch_size]
        else:
            rows = slice(start, start + batch_size)
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if evaluate is not None and step % evaluate_every == 0:
            evaluate()
    return torch.stack(losses)
