"""MNIST-1D in PyTorch: torchvision's conventions, and streams that neither lose nor repeat."""

import copy
import json
import pickle
import subprocess
import sys
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import mnist1d
from mnist1d import DatasetConfig, generate
from mnist1d.stream.stream import Stream

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from mnist1d import torch as adapters  # noqa: E402 (only where PyTorch is)
from mnist1d.torch import MNIST1D, MNIST1DStream  # noqa: E402


@pytest.mark.parametrize("train", [True, False])
def test_it_has_what_torchvision_has(train):
    dataset = MNIST1D(train=train)
    part = mnist1d.load().parts["train" if train else "test"]
    assert len(dataset) == len(part.y)
    assert (dataset.data.dtype, dataset.targets.dtype) == (torch.float32, torch.int64)
    np.testing.assert_array_equal(dataset.data.numpy(), part.x.astype(np.float32))
    np.testing.assert_array_equal(dataset.targets.numpy(), part.y)
    assert dataset.classes == [str(digit) for digit in range(10)]
    assert dataset.class_to_idx["7"] == 7
    signal, label = dataset[3]
    assert (type(label), label) == (int, part.y[3])
    assert signal.shape == (40,)
    assert f"Number of datapoints: {len(part.y)}\n    Part: {dataset.part}" in repr(dataset)


def test_transforms_are_applied_when_samples_are_taken():
    dataset = MNIST1D(False, lambda x: x.unsqueeze(0), lambda y: y + 100, num_samples=100)
    signal, label = dataset[0]
    assert signal.shape == (1, 40)
    assert label == dataset.targets[0] + 100
    assert dataset.data.shape == (20, 40)


def test_any_part_of_one_dataset_in_any_type():
    source = generate(
        num_samples=100, validation=10, shifted_tests={"still": {"max_translation": 1}}
    )
    for name, part in source.parts.items():
        dataset = MNIST1D(part=name, source=source, dtype="float64")
        np.testing.assert_array_equal(dataset.data.numpy(), part.x, strict=True)
    channels = MNIST1D(
        source=DatasetConfig(num_samples=100), channel_axis=True, dtype=torch.float16
    )
    assert (channels.data.shape, channels.data.dtype) == ((80, 1, 40), torch.float16)
    # What is changed in a tensor stays there.
    channels.data[:] = 0
    assert channels.dataset.x.any()


def test_a_loader_makes_batches_of_it():
    loader = torch.utils.data.DataLoader(MNIST1D(num_samples=100), batch_size=16, shuffle=True)
    signals, labels = next(iter(loader))
    assert (signals.shape, labels.shape) == ((16, 40), (16,))
    assert len(loader) == 5


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("data",), TypeError, "train .no root folder comes before it. must be True or False"),
        (((), {"part": "validation"}), ValueError, "part must be one of train, test"),
        (((), {"sead": 1}), TypeError, "did you mean 'seed'"),
        (((), {"dtype": "int32"}), TypeError, "a floating type of PyTorch"),
        (((), {"dtype": np.float32}), TypeError, "a floating type of PyTorch"),
        (((), {"source": mnist1d.load(), "seed": 1}), TypeError, "seed cannot change a dataset"),
    ],
)
def test_bad_arguments_of_the_dataset(arguments, error, message):
    positional, keywords = arguments if isinstance(arguments[0], tuple) else (arguments, {})
    with pytest.raises(error, match=message):
        MNIST1D(*positional, **keywords)


CONFIG = DatasetConfig(final_seq_length=3, padding=(0, 2))


def taken(n, *, world_size, n_workers, epoch=0, monkeypatch, **keywords):
    """Return what every worker of every rank gets, as rows of signals and labels."""
    shares = []
    for rank in range(world_size):
        stream = MNIST1DStream(n, rank=rank, world_size=world_size, config=CONFIG, **keywords)
        stream.set_epoch(epoch)
        shares.append([])
        for worker in range(n_workers):
            info = SimpleNamespace(id=worker, num_workers=n_workers)
            monkeypatch.setattr(adapters.torch_data, "get_worker_info", lambda info=info: info)
            rows = [(*signal.tolist(), label) for signal, label in stream]
            shares[-1].extend(rows)
        assert len(stream) == len(shares[-1])
    return shares


@pytest.mark.slow
@given(
    n=st.integers(1, 40),
    start=st.integers(0, 50),
    world_size=st.integers(1, 4),
    n_workers=st.integers(1, 4),
    epoch=st.integers(0, 5),
    block=st.integers(1, 12),
    shuffle=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_no_sample_comes_twice_and_none_is_lost(
    n, start, world_size, n_workers, epoch, block, shuffle
):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(adapters, "_BLOCK", block)
        shares = taken(
            n,
            world_size=world_size,
            n_workers=n_workers,
            epoch=epoch,
            monkeypatch=monkeypatch,
            start=start,
            shuffle=shuffle,
        )
    x, y = Stream(CONFIG)[start : start + n]
    known = [(*signal, label) for signal, label in zip(x.tolist(), y.tolist(), strict=True)]
    got = [row for share in shares for row in share]
    assert sorted(got) == sorted(known)
    assert shuffle or got == known
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_epochs_have_orders_of_their_own(monkeypatch):
    monkeypatch.setattr(adapters, "_BLOCK", 16)

    def order(epoch, seed=CONFIG.seed):
        stream = MNIST1DStream(100, config=CONFIG, seed=seed)
        stream.set_epoch(epoch)
        return [tuple(signal.tolist()) for signal, _ in stream]

    orders = [order(epoch) for epoch in range(4)]
    assert order(2) == orders[2]
    assert len({tuple(one) for one in orders}) == 4
    assert len({tuple(sorted(one)) for one in orders}) == 1
    # Most samples change their place, and their neighbour.
    same = np.mean([a == b for a, b in zip(orders[0], orders[1], strict=True)])
    assert same < 0.1


def test_an_order_is_what_it_was():
    stream = MNIST1DStream(10_000, config=CONFIG)
    stream.set_epoch(3)
    x, _ = Stream(CONFIG)[0:10_000]
    place = {row.tobytes(): i for i, row in enumerate(x)}
    first = [place[signal.numpy().tobytes()] for signal, _ in islice(stream, 6)]
    assert first == [8720, 8618, 9569, 8602, 9849, 9305]


def test_an_endless_stream_goes_on_and_its_epochs_do_not_meet():
    def first(epoch, rank=0, n=5000):
        stream = MNIST1DStream(config=CONFIG, rank=rank, world_size=2)
        stream.set_epoch(epoch)
        return {tuple(signal.tolist()) for signal, _ in islice(stream, n)}

    a, b, c = first(0), first(1), first(0, rank=1)
    assert len(a) == len(b) == len(c) == 5000
    assert not a & b
    assert not a & c
    with pytest.raises(TypeError, match="an endless stream has no length"):
        len(MNIST1DStream())


def test_samples_are_those_of_the_native_stream():
    x, y = Stream(seed=7, channel_axis=True)[100:110]
    stream = MNIST1DStream(10, start=100, shuffle=False, seed=7, channel_axis=True)
    signals, labels = next(iter(torch.utils.data.DataLoader(stream, batch_size=10)))
    np.testing.assert_array_equal(signals.numpy(), x, strict=True)
    np.testing.assert_array_equal(labels.numpy(), y, strict=True)


def test_transforms_of_a_stream():
    stream = MNIST1DStream(5, transform=lambda x: x * 0, target_transform=lambda y: -1)  # noqa: ARG005
    assert all(not signal.any() and label == -1 for signal, label in stream)


def test_the_ranks_of_a_distributed_training_are_asked(monkeypatch):
    distributed = torch.distributed
    monkeypatch.setattr(distributed, "is_available", lambda: True)
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 3)
    got = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "get_rank", lambda rank=rank: rank)
        stream = MNIST1DStream(10, config=CONFIG)
        assert len(stream) == len(list(stream))
        got += [tuple(signal.tolist()) for signal, _ in stream]
    assert len(set(got)) == len(got) == 10


def test_both_survive_pickling():
    dataset = MNIST1D(num_samples=100)
    again = pickle.loads(pickle.dumps(dataset))  # noqa: S301
    assert torch.equal(again.data, dataset.data)
    stream = MNIST1DStream(10, config=CONFIG)
    stream.set_epoch(2)
    copied = copy.deepcopy(stream)
    assert [label for _, label in copied] == [label for _, label in stream]


WORKERS = """
import json, torch
from mnist1d.torch import MNIST1DStream
if __name__ == "__main__":
    found = {}
    for n_workers in (0, 1, 3):
        stream = MNIST1DStream(50, final_seq_length=3, padding=(0, 2))
        persistent = {"persistent_workers": True} if n_workers else {}
        loader = torch.utils.data.DataLoader(
            stream, batch_size=7, num_workers=n_workers, **persistent
        )
        epochs = []
        for epoch in range(2):
            stream.set_epoch(epoch)
            epochs.append([x for signals, _ in loader for x in signals[:, 0].tolist()])
        found[n_workers] = epochs
    print(json.dumps(found))
"""


@pytest.mark.slow
def test_real_workers_divide_an_epoch_and_see_the_next_one():
    said = subprocess.run(
        [sys.executable, "-c", WORKERS], capture_output=True, text=True, check=True
    ).stdout
    found = json.loads(said)
    known = sorted(Stream(CONFIG)[0:50][0][:, 0].tolist())
    for epochs in found.values():
        assert [sorted(epoch) for epoch in epochs] == [known, known]
        assert epochs[0] != epochs[1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1"),
        ({"n_samples": 1.5}, TypeError, "n_samples must be an integer"),
        ({"start": -1}, ValueError, "start must be at least 0"),
        ({"rank": 0}, ValueError, "rank and world_size must be given together"),
        ({"rank": 2, "world_size": 2}, ValueError, "rank must be from 0 to 1, not 2"),
        ({"shuffle": 1}, TypeError, "shuffle must be True or False"),
        ({"num_samples": 5}, TypeError, "a stream has no num_samples"),
        ({"sead": 5}, TypeError, "did you mean 'seed'"),
    ],
)
def test_bad_arguments_of_the_stream(arguments, error, message):
    with pytest.raises(error, match=message):
        MNIST1DStream(**arguments)
    with pytest.raises(ValueError, match="epoch must be at least 0"):
        MNIST1DStream(5).set_epoch(-1)
