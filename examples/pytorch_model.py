"""A PyTorch model and the models of the paper: same data, batches, budget and seeds."""

import torch
from torch import nn

from mnist1d.lab import TorchCandidate, compare


class Attention(nn.Module):
    """Self-attention over patches of five points."""

    def __init__(self, width=32):
        super().__init__()
        self.patches = nn.Conv1d(1, width, 5, stride=5)
        self.places = nn.Parameter(0.1 * torch.randn(8, width))
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.output = nn.Linear(8 * width, 10)

    def forward(self, x):
        """Map signals (batch, 40) to logits (batch, 10)."""
        tokens = self.patches(x[:, None, :]).transpose(1, 2) + self.places
        mixed = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        return self.output(mixed.relu().flatten(1))


CANDIDATES = {"attention": TorchCandidate(Attention, optimizer=torch.optim.AdamW)}


def main(**protocol):
    """Compare, print and return the comparison; `protocol` are fields of `mnist1d.lab.Protocol`."""
    comparison = compare(CANDIDATES, **protocol)
    print(comparison)
    return comparison


if __name__ == "__main__":
    main()
