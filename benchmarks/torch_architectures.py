"""The models beyond the paper in plain PyTorch, for benchmarks and tests.

Their layers are PyTorch's own where it has them; names of parameters are those of `mnist1d.models`.
"""

import torch
from torch import nn
from torch.nn import functional


class LSTM(nn.Module):
    """One bidirectional layer, all its outputs flattened, one affine map."""

    def __init__(self, n_timesteps=40, features=1, hidden_size=6):
        super().__init__()
        self.features = features
        self.lstm = nn.LSTM(features, hidden_size, batch_first=True, bidirectional=True)
        self.output = nn.Linear(n_timesteps * 2 * hidden_size, 10)

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        outputs, _ = self.lstm(x.view(len(x), -1, self.features))
        return self.output(outputs.flatten(1))


class TemporalBlock(nn.Module):
    """Two dilated convolutions whose last outputs, which see later points, are cut off."""

    def __init__(self, in_channels, channels, dilation):
        super().__init__()
        self.cut = 2 * dilation
        geometry = {"dilation": dilation, "padding": self.cut}
        self.first = nn.Conv1d(in_channels, channels, 3, **geometry)
        self.second = nn.Conv1d(channels, channels, 3, **geometry)
        self.shortcut = None if in_channels == channels else nn.Conv1d(in_channels, channels, 1)

    def forward(self, x):
        """Map (n, in_channels, length) to (n, channels, length)."""
        hidden = functional.relu(self.first(x)[..., : -self.cut])
        hidden = functional.relu(self.second(hidden)[..., : -self.cut])
        return functional.relu(hidden + (x if self.shortcut is None else self.shortcut(x)))


class TCN(nn.Module):
    """Causal convolutions with dilations 1, 2, 4 and 8; the last point is classified."""

    def __init__(self, channels=15, depth=4):
        super().__init__()
        self.blocks = nn.Sequential(
            *(TemporalBlock(1 if i == 0 else channels, channels, 2**i) for i in range(depth))
        )
        self.output = nn.Linear(channels, 10)

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        return self.output(self.blocks(x[:, None])[..., -1])


class ResidualBlock(nn.Module):
    """Two convolutions with group normalisation, around which every second point is passed."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv1d(channels, channels, 3, stride=2, padding=1)
        self.first_norm = nn.GroupNorm(1, channels)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)
        self.second_norm = nn.GroupNorm(1, channels)

    def forward(self, x):
        """Map (n, channels, length) to half the length."""
        hidden = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(x[..., ::2] + self.second_norm(self.second(hidden)))


class ResNet(nn.Module):
    """A convolution, residual blocks and the mean over points."""

    def __init__(self, channels=16, depth=3):
        super().__init__()
        self.stem = nn.Conv1d(1, channels, 3, padding=1)
        self.stem_norm = nn.GroupNorm(1, channels)
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(depth)))
        self.output = nn.Linear(channels, 10)

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        hidden = functional.relu(self.stem_norm(self.stem(x[:, None])))
        return self.output(self.blocks(hidden).mean(-1))


class FeedForward(nn.Module):
    """Two affine maps with gelu between them."""

    def __init__(self, size, hidden_size):
        super().__init__()
        self.inner = nn.Linear(size, hidden_size)
        self.outer = nn.Linear(hidden_size, size)

    def forward(self, x):
        """Map the last axis."""
        return self.outer(functional.gelu(self.inner(x)))


class MixerBlock(nn.Module):
    """A map along the positions, then one along the features."""

    def __init__(self, n_positions, size, expansion):
        super().__init__()
        self.positions_norm = nn.LayerNorm(size)
        self.positions = FeedForward(n_positions, expansion * n_positions)
        self.features_norm = nn.LayerNorm(size)
        self.features = FeedForward(size, expansion * size)

    def forward(self, x):
        """Map (n, positions, size) to the same shape."""
        x = x + self.positions(self.positions_norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.features(self.features_norm(x))


class Mixer(nn.Module):
    """Mixer blocks over patches and the mean over them."""

    def __init__(self, width=16, depth=3, patch_size=4, expansion=2):
        super().__init__()
        self.patch_size = patch_size
        self.embedding = nn.Linear(patch_size, width)
        self.blocks = nn.Sequential(
            *(MixerBlock(40 // patch_size, width, expansion) for _ in range(depth))
        )
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 10)

    def forward(self, x):
        """Map signals (n, 40) to logits (n, 10)."""
        hidden = self.embedding(x.view(len(x), -1, self.patch_size))
        return self.output(self.norm(self.blocks(hidden)).mean(1))


class Transformer(nn.Module):
    """PyTorch's encoder layers over patches, and the mean over them."""

    def __init__(self, width=16, depth=2, patch_size=4, n_heads=4, expansion=2):
        super().__init__()
        self.patch_size = patch_size
        self.embedding = nn.Linear(patch_size, width)
        self.positions = nn.Parameter(0.02 * torch.randn(width, 40 // patch_size))
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    width,
                    n_heads,
                    expansion * width,
                    dropout=0,
                    activation="gelu",
                    batch_first=True,
                    norm_first=True,
                )
                for _ in range(depth)
            )
        )
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 10)

    def forward(self, x):
        """Map signals (n, 40) to logits (n, 10)."""
        hidden = self.embedding(x.view(len(x), -1, self.patch_size)) + self.positions.T
        return self.output(self.norm(self.blocks(hidden)).mean(1))


class DiagonalRecurrence(nn.Module):
    """Linear recurrences of every channel as a convolution by Fourier transforms, as in S4D."""

    def __init__(self, channels, n_states):
        super().__init__()
        shape = (channels, n_states)
        self.log_step = nn.Parameter(torch.empty(channels).uniform_(-4.6, -2.3))
        self.log_decay = nn.Parameter(torch.full(shape, -0.7))
        self.frequency = nn.Parameter(torch.pi * torch.arange(n_states).repeat(channels, 1))
        self.readout = nn.Parameter(torch.randn(2, *shape))
        self.skip = nn.Parameter(torch.randn(channels))

    def forward(self, x):
        """Map (n, channels, length) to the same shape."""
        length = x.shape[-1]
        pole = torch.complex(-torch.exp(self.log_decay), self.frequency)
        scaled = pole * torch.exp(self.log_step)[:, None]
        amplitude = torch.complex(*self.readout) * (torch.exp(scaled) - 1) / pole
        powers = torch.exp(scaled[..., None] * torch.arange(length))
        kernel = 2 * torch.einsum("cn,cnt->ct", amplitude, powers).real
        spectrum = torch.fft.rfft(x, n=2 * length) * torch.fft.rfft(kernel, n=2 * length)
        answer = torch.fft.irfft(spectrum, n=2 * length)[..., :length]
        return answer + self.skip[:, None] * x


class StateSpaceBlock(nn.Module):
    """A recurrence, gelu and a gated affine map, added to the input."""

    def __init__(self, width, n_states):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.recurrence = DiagonalRecurrence(width, n_states)
        self.gated = nn.Linear(width, 2 * width)

    def forward(self, x):
        """Map (n, length, width) to the same shape."""
        hidden = self.recurrence(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + functional.glu(self.gated(functional.gelu(hidden)))


class StateSpace(nn.Module):
    """Blocks of recurrences over points, and the mean over them."""

    def __init__(self, width=20, depth=3, n_states=8):
        super().__init__()
        self.embedding = nn.Linear(1, width)
        self.blocks = nn.Sequential(*(StateSpaceBlock(width, n_states) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 10)

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        hidden = self.blocks(self.embedding(x[..., None]))
        return self.output(self.norm(hidden).mean(1))
