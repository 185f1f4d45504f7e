"""Pipes, sockets and devices in the place of files: one line at once, and nobody waits."""

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist1d import Dataset, export, generate, shards, utils
from mnist1d.cli import main
from mnist1d.data import get_dataset, get_dataset_args
from mnist1d.execution import Store
from mnist1d.mnist import load_mnist

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="no pipes and devices here"),
    pytest.mark.usefixtures("kept_tables"),
]

REFUSED = "is not a regular file"
SMALL = generate(num_samples=10)


def pipe(path):
    os.mkfifo(path)


def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)


def zero(path):
    path.symlink_to("/dev/zero")


def full(path):
    path.symlink_to("/dev/full")


@pytest.fixture(params=[pipe, listening, zero, full], ids=lambda make: make.__name__)
def special(request, tmp_path, monkeypatch):
    """Return a function that puts something special in the place of a file."""

    def put(name):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            path.unlink()
        with monkeypatch.context() as here:
            here.chdir(path.parent)  # addresses of sockets are short
            request.param(path)
        return path

    return put


@pytest.fixture(autouse=True)
def _nobody_waits():
    def give_up(*_):
        pytest.fail("it waits for what has no end")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


READ_OR_WRITTEN = {
    "a dataset read": Dataset.load,
    "a dataset written": SMALL.save,
    "a published file read": lambda path: get_dataset(get_dataset_args(), path, download=False),
    "a published file written": lambda path: get_dataset(
        get_dataset_args(), path, download=False, regenerate=True
    ),
    "a pickle read": utils.from_pickle,
    "a pickle written": lambda path: utils.to_pickle({}, path),
}


@pytest.mark.parametrize("name", READ_OR_WRITTEN)
def test_of_the_dataset(special, name):
    path = special("file")
    with pytest.raises(OSError, match=REFUSED) as refusal:
        READ_OR_WRITTEN[name](path)
    assert str(path) in str(refusal.value)
    assert not path.is_file()


@pytest.mark.parametrize("write", [export.to_csv, export.to_parquet])
def test_exports(special, write):
    if write is export.to_parquet:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = special("dataset.json")
    with pytest.raises(OSError, match=REFUSED) as refusal:
        write(SMALL, path.parent)
    assert str(path) in str(refusal.value)


def test_finished_tasks(special, tmp_path):
    store = Store(tmp_path)
    store.save({"a": np.arange(3)}, seed=0)
    (path,) = tmp_path.iterdir()
    special(path.name)
    for use in (lambda: store.load(seed=0), lambda: store.save({"a": np.arange(3)}, seed=0)):
        with pytest.raises(OSError, match=REFUSED) as refusal:
            use()
        assert str(path) in str(refusal.value)


@pytest.mark.parametrize("name", ["manifest.json", "mnist1d-00001.csv"])
@pytest.mark.parametrize("scheme", ["", "local://"])
def test_shards(special, tmp_path, name, scheme):
    def make():
        return shards.generate(
            num_samples=30,
            shard_size=10,
            out=f"{scheme}{tmp_path / 'set'}",
            file_format="csv",
            workers=1,
        )

    make()
    path = special(f"set/{name}")
    with pytest.raises(OSError, match=REFUSED) as refusal:
        make()
    assert name in str(refusal.value)
    path.unlink()
    make()
    shutil.rmtree(tmp_path / "set")
    special(f"set/{name}")
    with pytest.raises(OSError, match=REFUSED):
        make()


def test_files_of_mnist(special):
    path = special("train-images-idx3-ubyte.gz")
    for download in (False, True):
        with pytest.raises(OSError, match=REFUSED) as refusal:
            load_mnist(path.parent, download=download)
        assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    "command",
    [
        "generate --num-samples 10 --out SET --format csv --templates FILE",
        "show samples --templates FILE --out SET",
        "show samples --out FILE.png",
        "run FILE.py",
        "compare FILE.py",
        "show-result FILE.nc",
    ],
)
def test_files_given_to_commands(special, tmp_path, monkeypatch, capsys, command):
    for module in ("jax", "matplotlib", "xarray"):
        pytest.importorskip(module, reason="the laboratory is not installed")
    words = command.replace("SET", str(tmp_path / "set")).split()
    (name,) = (word for word in words if word.startswith("FILE"))
    path = special(name)
    words = [str(path) if word == name else word for word in words]
    monkeypatch.setattr(sys, "argv", ["mnist1d", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    said = capsys.readouterr().err.strip()
    assert REFUSED in said
    assert str(path) in said
    assert len(said.splitlines()) == 1
    assert not Path(path).is_file()
