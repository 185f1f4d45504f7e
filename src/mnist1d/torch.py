"""MNIST-1D for PyTorch: a map-style dataset, and an endless one for any number of workers."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from mnist1d.dataset import Dataset, checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.imports import required
from mnist1d.dataset.variants import SHUFFLED_BLOCKS, derived_stream
from mnist1d.stream.stream import Stream

torch = required("torch", extra="torch")
torch_data = required("torch.utils.data", extra="torch")

__all__ = ["MNIST1D", "MNIST1DStream"]

# A type checker must not need PyTorch.
Tensor: TypeAlias = Any
Transform: TypeAlias = Callable[[Any], Any] | None

# Samples that are made, and shuffled among themselves, at one time.
_BLOCK = 4096
# Samples of an endless stream's epoch: more than any training takes.
_STRIDE = 2**40


class MNIST1D(torch_data.Dataset):  # type: ignore[misc, name-defined]
    """MNIST-1D with the conventions of `torchvision.datasets.MNIST`.

    The data is generated, so there is neither a root folder nor a download.

    Args:
        train: the training part, or else the test part.
        transform: applied to a signal when it is taken out.
        target_transform: applied to a label when it is taken out.
        part: any part by name, in place of `train`: "validation", or a shifted test set.
        dtype: of the signals, a `torch.dtype` or a text; PyTorch's default type if omitted.
        source: a dataset, or a configuration to generate one of; the published one if omitted.
            Give train and test set the same dataset to generate it once.
        **parameters: fields of `DatasetConfig` to set or to replace.

    Attributes:
        data: the signals, shape (n, length), or (n, 1, length) with `channel_axis=True`.
        targets: the labels, int64, shape (n,).
        classes: names of the classes, by label.
        class_to_idx: labels by name.
        dataset: all parts, with configuration and constants.

    Raises:
        TypeError: if an argument is of the wrong type, or no parameter.
        ValueError: if there is no such part, or a parameter is out of range.

    >>> test_set = MNIST1D(train=False, channel_axis=True)
    >>> signal, label = test_set[0]
    >>> len(test_set), signal.shape, signal.dtype, label
    (1000, torch.Size([1, 40]), torch.float32, 2)
    """

    def __init__(
        self,
        train: bool = True,
        transform: Transform = None,
        target_transform: Transform = None,
        *,
        part: str | None = None,
        dtype: Any = None,
        source: Dataset | DatasetConfig | None = None,
        **parameters: Any,
    ) -> None:
        self.train = checks.truth("train (no root folder comes before it)", train)
        dtype = torch.get_default_dtype() if dtype is None else _dtype(dtype)
        if isinstance(source, Dataset):
            if parameters:
                raise TypeError(f"{', '.join(parameters)} cannot change a dataset that is there")
            self.dataset = source
        else:
            self.dataset = generate(source, **parameters)
        self.part = part or ("train" if self.train else "test")
        if self.part not in self.dataset.parts:
            raise ValueError(
                f"part must be one of {', '.join(self.dataset.parts)}, not {checks.shown(part)}"
            )
        x, y = self.dataset.parts[self.part]
        self.data = torch.tensor(x, dtype=dtype)
        self.targets = torch.tensor(y)
        self.transform, self.target_transform = transform, target_transform
        self.classes = list(self.dataset.config.label_names)
        self.class_to_idx = {name: label for label, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return _transformed(self, self.data[index], int(self.targets[index]))

    def __repr__(self) -> str:
        changed = ", ".join(self.dataset.config.differences()) or "published"
        return "\n    ".join(
            [
                f"Dataset {type(self).__name__}",
                f"Number of datapoints: {len(self)}",
                f"Part: {self.part}",
                f"Configuration: {changed}",
            ]
        )


class MNIST1DStream(torch_data.IterableDataset):  # type: ignore[misc, name-defined]
    """Samples of the native stream, divided among the workers of all ranks.

    Every epoch gives each sample to exactly one worker of one rank, for any numbers of workers and
    ranks: none comes twice, none is lost. Ranks get equally many, up to one. Sample i is that of
    `mnist1d.stream.Stream`, computed when it is needed, so that memory does not grow with
    `n_samples`.

    Args:
        n_samples: samples of an epoch, over all ranks; endless if omitted.
        start: index in the stream of the first of them; another range is another set, so that a
            test set can have `start=10**9`, for example.
        shuffle: whether an epoch of finitely many samples comes in an order of its own: blocks of
            4096 are shuffled, and the samples in them. See `set_epoch`.
        transform: applied to every signal.
        target_transform: applied to every label.
        rank: which of the processes of a distributed training this is; `torch.distributed` is asked
            if omitted, and without it there is one.
        world_size: number of these processes, likewise.
        config: a configuration; the published one if omitted. It may not ask for what only exists
            in the published stream (`shuffle_seq`, label noise of the kind "published").
        **parameters: fields of `DatasetConfig` to set or to replace, those of a stream: `seed` and
            all that is about single samples.

    Raises:
        TypeError: if an argument is of the wrong type, or no parameter of a stream.
        ValueError: if an argument is out of range.

    >>> stream = MNIST1DStream(1000, seed=7)
    >>> loader = torch_data.DataLoader(stream, batch_size=100)
    >>> signals, labels = next(iter(loader))
    >>> signals.shape, labels.shape, len(loader)
    (torch.Size([100, 40]), torch.Size([100]), 10)
    """

    def __init__(
        self,
        n_samples: int | None = None,
        *,
        start: int = 0,
        shuffle: bool = True,
        transform: Transform = None,
        target_transform: Transform = None,
        rank: int | None = None,
        world_size: int | None = None,
        config: DatasetConfig | None = None,
        **parameters: Any,
    ) -> None:
        if n_samples is not None:
            n_samples = checks.integer("n_samples", n_samples, 1, _STRIDE)
        self.n_samples = n_samples
        self.start = checks.integer("start", start, 0, 2**61)
        self.shuffle = checks.truth("shuffle", shuffle)
        self.transform, self.target_transform = transform, target_transform
        self._rank, self._world_size = _placed(rank, world_size)
        self.stream = Stream(config, **parameters)
        # In shared memory, so that persistent workers see a change of it.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next epoch, or the next part of an endless stream.

        Call it on all ranks with the same number before each epoch, as with PyTorch's
        `DistributedSampler`. Without it, every epoch is the same.

        Args:
            epoch: its number, from 0 to 2**20 - 1.
        """
        self._epoch.fill_(checks.integer("epoch", epoch, 0, 2**20 - 1))

    def __len__(self) -> int:
        if self.n_samples is None:
            raise TypeError("an endless stream has no length")
        rank, world_size = self._place()
        first, stop = _share(0, self.n_samples, rank, world_size)
        return stop - first

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for x, y in self._blocks():
            for signal, label in zip(torch.from_numpy(x), y.tolist(), strict=True):
                yield _transformed(self, signal, label)

    def _blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rank, world_size = self._place()
        info = torch_data.get_worker_info()
        worker, n_workers = (0, 1) if info is None else (info.id, info.num_workers)
        epoch = int(self._epoch)
        if self.n_samples is None:
            begin = self.start + epoch * _STRIDE
            consumer, n_consumers = rank * n_workers + worker, world_size * n_workers
            for block in range(consumer, _STRIDE // _BLOCK, n_consumers):
                first = begin + block * _BLOCK
                yield self.stream.samples(first, first + _BLOCK)
            return
        first, stop = _share(0, self.n_samples, rank, world_size)
        first, stop = _share(first, stop, worker, n_workers)
        order = _Order(self.n_samples, self.stream.config.seed, epoch if self.shuffle else None)
        for begin, rows in order.pieces(first, stop):
            x, y = self.stream.samples(self.start + begin, self.start + begin + order.size(begin))
            yield x[rows], y[rows]

    def _place(self) -> tuple[int, int]:
        if self._rank is not None and self._world_size is not None:
            return self._rank, self._world_size
        distributed = torch.distributed
        if distributed.is_available() and distributed.is_initialized():
            return distributed.get_rank(), distributed.get_world_size()
        return 0, 1


class _Order:
    """The order of the samples of an epoch: blocks, and the samples in them, shuffled or not."""

    def __init__(self, n: int, seed: int, epoch: int | None) -> None:
        self._n, self._seed, self._epoch = n, seed, epoch
        n_blocks = -(-n // _BLOCK)
        self._blocks = np.arange(n_blocks) if epoch is None else self._rng(0).permutation(n_blocks)
        # The position of the one block that may be shorter.
        self._short = int(np.flatnonzero(self._blocks == n_blocks - 1)[0])

    def size(self, begin: int) -> int:
        """Return how many samples the block that begins at an index has."""
        return min(_BLOCK, self._n - begin)

    def pieces(self, first: int, stop: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield where blocks begin and which of their rows to take, for a range of the epoch."""
        place = first
        while place < stop:
            number, offset = self._find(place)
            block = int(self._blocks[number])
            size = self.size(block * _BLOCK)
            rows = (
                np.arange(size) if self._epoch is None else self._rng(1 + block).permutation(size)
            )
            rows = rows[offset : offset + stop - place]
            yield block * _BLOCK, rows
            place += len(rows)

    def _find(self, place: int) -> tuple[int, int]:
        """Return which block in order holds a place, and where in it."""
        missing = -self._n % _BLOCK
        if place // _BLOCK < self._short or place < (self._short + 1) * _BLOCK - missing:
            return divmod(place, _BLOCK)
        return divmod(place + missing, _BLOCK)

    def _rng(self, purpose: int) -> np.random.RandomState:
        return derived_stream(self._seed, SHUFFLED_BLOCKS, self._epoch or 0, purpose)


def _share(first: int, stop: int, number: int, n_sharers: int) -> tuple[int, int]:
    """Return one of several nearly equal parts of a range; their sizes differ by one at most.

    >>> [_share(0, 10, i, 3) for i in range(3)]
    [(0, 3), (3, 6), (6, 10)]
    """
    n = stop - first
    return first + n * number // n_sharers, first + n * (number + 1) // n_sharers


def _placed(rank: int | None, world_size: int | None) -> tuple[int | None, int | None]:
    if (rank is None) != (world_size is None):
        raise ValueError("rank and world_size must be given together")
    if rank is None:
        return None, None
    world_size = checks.integer("world_size", world_size, 1, 2**31 - 1)
    return checks.integer("rank", rank, 0, world_size - 1), world_size


def _transformed(dataset: Any, signal: Tensor, label: int) -> tuple[Any, Any]:
    if dataset.transform is not None:
        signal = dataset.transform(signal)
    if dataset.target_transform is not None:
        return signal, dataset.target_transform(label)
    return signal, label


def _dtype(value: Any) -> Any:
    dtype = getattr(torch, value, None) if isinstance(value, str) else value
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating type of PyTorch, not {checks.typed(value)}")
    return dtype
