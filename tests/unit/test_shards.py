"""Sets of shards: the same files from any number of workers, written atomically, and checked."""

import errno
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist1d import shards
from mnist1d.dataset.imports.installation import install_command
from mnist1d.shards import files as files_module, folders, generation, work
from mnist1d.shards.folders import open_folder
from mnist1d.stream.stream import STREAM_VERSION, Stream

pytestmark = pytest.mark.usefixtures("kept_tables")

FORMATS = ["npz", "npy", "csv", "parquet"]
formats = pytest.mark.parametrize("file_format", FORMATS)
NOISY = {"label_noise": 0.2, "seed": 3}


def made(out, **arguments):
    """Make a set of four shards, the last one smaller."""
    if arguments.get("file_format") == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    defaults = {"num_samples": 1000, "shard_size": 300, "file_format": "npz", "workers": 1}
    return shards.generate(**defaults | {"out": str(out)} | arguments)


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def read(folder, file_format):
    """Read a set as a user would, without this package."""
    names = sorted(path for path in Path(folder).iterdir() if path.suffix != ".json")
    if file_format == "npy":
        kinds = ("x", "y", "y_clean", "noise_mask")
        parts = [[np.load(n) for n in names if n.stem.endswith(f"-{kind}")] for kind in kinds]
        return {k: np.concatenate(part) for k, part in zip(kinds, parts, strict=True) if part}
    if file_format == "npz":
        parts = []
        for name in names:
            with np.load(name) as file:
                parts.append(dict(file))
        return {kind: np.concatenate([part[kind] for part in parts]) for kind in parts[0]}
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    reader = {"csv": pandas.read_csv, "parquet": pandas.read_parquet}[file_format]
    table = pandas.concat([reader(name) for name in names])
    columns = {"y": "label", "y_clean": "label_clean", "noise_mask": "label_noise"}
    points = [name for name in table if name.startswith("x")]
    assert points == [f"x{j}" for j in range(len(points))]
    return {"x": table[points].to_numpy(np.float32)} | {
        kind: table[column].to_numpy() for kind, column in columns.items() if column in table
    }


@formats
@pytest.mark.parametrize("parameters", [{}, NOISY], ids=["clean", "noisy"])
def test_the_files_hold_the_stream(tmp_path, file_format, parameters, monkeypatch):
    monkeypatch.setattr(files_module, "_PIECE", 64)
    summary = made(tmp_path, file_format=file_format, **parameters)
    stream = Stream(**parameters)
    x, y = stream[0:1000]
    found = read(tmp_path, file_format)
    np.testing.assert_array_equal(found.pop("x"), x, strict=True)
    np.testing.assert_array_equal(found.pop("y"), y)
    if parameters:
        clean, mask = stream.clean_labels(0, 1000)
        np.testing.assert_array_equal(found.pop("y_clean"), clean)
        np.testing.assert_array_equal(found.pop("noise_mask"), mask)
    assert not found
    assert summary[:4] == (1000, 4, 4, ())
    sizes = [len(data) for name, data in contents(tmp_path).items() if name != "manifest.json"]
    assert summary.n_bytes == sum(sizes)


@pytest.mark.parametrize("file_format", ["npz", "npy", "csv"])
def test_pieces_leave_no_trace(tmp_path, file_format, monkeypatch):
    made(tmp_path / "a", file_format=file_format)
    monkeypatch.setattr(files_module, "_PIECE", 7)
    made(tmp_path / "b", file_format=file_format)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.slow
@formats
def test_two_processes_make_the_same_files(tmp_path, file_format):
    made(tmp_path / "a", file_format=file_format, **NOISY)
    made(tmp_path / "b", file_format=file_format, workers=2, **NOISY)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_npy_files_can_be_mapped_and_keep_the_channel_axis(tmp_path):
    made(tmp_path, file_format="npy", channel_axis=True)
    x = np.load(tmp_path / "mnist1d-00003-x.npy", mmap_mode="r")
    assert x.shape == (100, 1, 40)
    np.testing.assert_array_equal(x[:, 0], Stream()[900:1000][0])


def test_parquet_describes_itself(tmp_path):
    made(tmp_path, file_format="parquet", seed=5)
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    metadata = parquet.read_schema(tmp_path / "mnist1d-00000.parquet").metadata
    assert json.loads(metadata[b"mnist1d"]) == Stream(seed=5).record()


def test_the_manifest_lists_the_files(tmp_path):
    made(tmp_path, seed=5, padding=(10, 20))
    manifest = shards.manifest_of(str(tmp_path))
    assert manifest.complete
    assert manifest.about == {
        "stream": Stream(seed=5, padding=(10, 20)).record(),
        "num_samples": 1000,
        "shard_size": 300,
        "file_format": "npz",
    }
    assert list(manifest.files) == [f"mnist1d-{i:05d}.npz" for i in range(4)]
    with pytest.raises(FileNotFoundError, match=r"there is no manifest\.json"):
        shards.manifest_of(str(tmp_path / "none"))


def test_a_finished_set_is_checked_and_not_touched(tmp_path):
    made(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    seen = []
    assert made(tmp_path, report=seen.append)[:4] == (1000, 4, 0, ())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert [(shard.number, shard.n_samples, shard.made) for shard in seen] == [
        (0, 300, False), (1, 300, False), (2, 300, False), (3, 100, False),
    ]  # fmt: skip


def test_damaged_missing_and_foreign_files_are_named_and_made_again(tmp_path):
    made(tmp_path)
    good = contents(tmp_path)
    names = sorted(name for name in good if name != "manifest.json")
    (tmp_path / names[0]).write_bytes(good[names[0]][:-1])
    (tmp_path / names[1]).write_bytes(good[names[2]])
    (tmp_path / names[2]).unlink()
    (tmp_path / "mnist1d-00004.npz").write_bytes(b"")
    (tmp_path / "mnist1d-notes.txt").write_bytes(b"")
    summary = made(tmp_path)
    assert summary.n_made == 3
    assert sorted(summary.notes) == [
        f"{names[0]} was damaged and was made again",
        f"{names[1]} was damaged and was made again",
        f"{names[2]} was missing and was made again",
        "mnist1d-00004.npz does not belong to the set and was left alone",
    ]
    (tmp_path / "mnist1d-00004.npz").unlink()
    (tmp_path / "mnist1d-notes.txt").unlink()
    assert contents(tmp_path) == good


def test_a_file_that_the_manifest_does_not_know_is_kept_if_it_is_right(tmp_path):
    """As after a kill between a shard and the manifest; or it is replaced, and named."""
    made(tmp_path)
    good = contents(tmp_path)
    manifest = json.loads(good["manifest.json"])
    manifest["complete"] = False
    for name in ("mnist1d-00001.npz", "mnist1d-00002.npz"):
        del manifest["files"][name]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "mnist1d-00002.npz").write_bytes(b"foreign")
    summary = made(tmp_path)
    assert summary.notes == ("mnist1d-00002.npz was of other content and was made again",)
    assert summary.n_made == 1
    assert contents(tmp_path) == good


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 43}, "seed is 42 there and 43 here"),
        ({"num_samples": 900}, "num_samples is 1000 there and 900 here"),
        ({"shard_size": 100}, "shard_size is 300 there and 100 here"),
        ({"file_format": "csv"}, "file_format is 'npz' there and 'csv' here"),
        ({"scale_coeff": 0.5}, "scale_coeff is 0.4 there and 0.5 here"),
    ],
)
def test_a_folder_with_another_set_is_refused(tmp_path, change, message):
    made(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="holds another set") as refusal:
        made(tmp_path, **change)
    assert message in str(refusal.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("place", ["local", "memory"])
def test_of_two_sets_begun_in_the_same_moment_one_is_refused(tmp_path, monkeypatch, place):
    """The other one writes its manifest after this one has seen that there is none."""
    if place == "memory":
        pytest.importorskip("fsspec", reason="fsspec is not installed")
    out = str(tmp_path / "out") if place == "local" else "memory://race/set"
    adopted = generation._adopted

    def late(plan, results):
        found = adopted(plan, results)
        monkeypatch.setattr(generation, "_adopted", adopted)
        made(out, seed=8)
        return found

    monkeypatch.setattr(generation, "_adopted", late)
    with pytest.raises(ValueError, match="holds another set: seed is 8 there and 9 here"):
        made(out, seed=9)
    again = made(out, seed=8)
    assert again.n_made == 0
    assert again.notes == ()


def test_two_runs_of_one_set_begun_in_the_same_moment_agree(tmp_path, monkeypatch):
    adopted = generation._adopted

    def late(plan, results):
        found = adopted(plan, results)
        monkeypatch.setattr(generation, "_adopted", adopted)
        made(tmp_path / "out")
        return found

    monkeypatch.setattr(generation, "_adopted", late)
    made(tmp_path / "out")
    made(tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_another_version_of_the_stream_is_another_set(tmp_path):
    made(tmp_path)
    text = (tmp_path / "manifest.json").read_text()
    later = text.replace('"stream_version": 1', '"stream_version": 2')
    (tmp_path / "manifest.json").write_text(later)
    with pytest.raises(ValueError, match="stream_version is 2 there and 1 here"):
        made(tmp_path)


def test_without_its_manifest_a_set_is_compared_and_kept(tmp_path):
    made(tmp_path)
    good = contents(tmp_path)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "mnist1d-00001.npz").unlink()
    assert made(tmp_path).n_made == 1
    assert contents(tmp_path) == good


@pytest.mark.parametrize("change", [{"seed": 43}, {"file_format": "csv"}, {"num_samples": 200}])
def test_without_a_manifest_nothing_of_others_is_written_over(tmp_path, change):
    made(tmp_path)
    (tmp_path / "manifest.json").unlink()
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r"no manifest.* choose another folder, or remove"):
        made(tmp_path, **change)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", ["", "{", "null", '{"format": "mnist1d shards"}', "\ud800"])
def test_a_damaged_manifest_is_an_error_that_says_what_to_do(tmp_path, text):
    made(tmp_path)
    good = contents(tmp_path)
    (tmp_path / "manifest.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"manifest\.json is damaged: .*; remove it and run"):
        made(tmp_path)
    (tmp_path / "manifest.json").unlink()
    assert made(tmp_path).n_made == 0
    assert contents(tmp_path) == good


def test_what_killed_runs_leave_is_removed(tmp_path):
    made(tmp_path)
    (tmp_path / ".0123456789abcdef.part").write_bytes(b"half")
    os.utime(tmp_path / ".0123456789abcdef.part", (0, 0))
    (tmp_path / ".hidden").write_bytes(b"somebody's")
    made(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == [
        ".hidden"
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_samples": 0}, ValueError, "num_samples must be at least 1"),
        ({"num_samples": -5}, ValueError, "num_samples must be at least 1"),
        ({"num_samples": 1.5}, TypeError, "num_samples must be an integer"),
        ({"num_samples": 2**62 + 1}, ValueError, "num_samples must be at most"),
        ({"num_samples": 2**62}, ValueError, "choose a larger shard_size"),
        ({"num_samples": 2**50, "shard_size": 2**50}, OSError, "has room for .*B and needs about"),
        ({"shard_size": 0}, ValueError, "shard_size must be at least 1"),
        ({"shard_size": True}, TypeError, "shard_size must be an integer"),
        ({"file_format": "hdf5"}, ValueError, "file_format must be one of 'parquet', 'npz'"),
        ({"file_format": "parkett"}, ValueError, "did you mean 'parquet'"),
        ({"file_format": None}, TypeError, "file_format must be one of"),
        ({"workers": 0}, ValueError, "workers must be from 1 to"),
        ({"workers": 2, "scheduler": "tcp://x"}, ValueError, "one of the two, not both"),
        ({"sead": 5}, TypeError, "did you mean 'seed'"),
        ({"train_split": 0.5}, TypeError, "a stream has no train_split"),
        ({"out": "nonsense://x"}, ValueError, "Protocol not known: nonsense"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, arguments, error, message):
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    with pytest.raises(error, match=message):
        made(**{"out": tmp_path / "out"} | arguments)
    assert not list(tmp_path.glob("out/*"))


def test_a_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="file is a file; the shards need a folder"):
        made(tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        made(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("pyarrow", {"file_format": "parquet"}, "shards"),
        ("fsspec", {"out": "memory://x"}, "shards"),
        ("distributed", {"workers": None, "scheduler": "tcp://localhost:1"}, "cluster"),
    ],
)
def test_a_missing_package_is_named_with_its_install_line(
    tmp_path, package, arguments, extra, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    defaults = {"num_samples": 10, "out": str(tmp_path / "out"), "file_format": "npz", "workers": 1}
    with pytest.raises(ModuleNotFoundError, match=re.escape(install_command(extra))):
        shards.generate(**defaults | arguments)
    assert not (tmp_path / "out").exists()


def full_after(n_bytes, monkeypatch):
    """Let the disk be full after a number of bytes; writing fails half-way, as it does then."""
    written = [0]
    write = files_module.Sink.write

    def limited(self, data):
        written[0] += memoryview(data).nbytes
        if written[0] > n_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    monkeypatch.setattr(files_module.Sink, "write", limited)


@formats
def test_a_full_disk_loses_nothing_that_was_finished(tmp_path, file_format, monkeypatch):
    made(tmp_path / "whole", file_format=file_format)
    finished = contents(tmp_path / "whole")
    n_bytes = sum(len(data) for name, data in finished.items() if name != "manifest.json")
    with monkeypatch.context() as patch:
        full_after(n_bytes * 0.7, patch)
        message = "No space left on device; the 2 finished of 4 shards are kept"
        with pytest.raises(OSError, match=message):
            made(tmp_path / "out", file_format=file_format)
    there = contents(tmp_path / "out")
    manifest = json.loads(there.pop("manifest.json"))
    assert not manifest["complete"]
    assert there.items() <= finished.items()
    assert len(manifest["files"]) == (4 if file_format == "npy" else 2)
    assert made(tmp_path / "out", file_format=file_format).n_made == 2
    assert contents(tmp_path / "out") == finished


def test_a_disk_too_full_for_the_manifest_is_an_error_too(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(generation.Ledger, "store", full)
    with pytest.raises(OSError, match="No space left on device; the 0 finished of 4"):
        made(tmp_path)


def test_a_folder_in_a_shards_place_is_named(tmp_path):
    made(tmp_path / "out")
    place = tmp_path / "out" / "mnist1d-00002.npz"
    place.unlink()
    place.mkdir()
    with pytest.raises(
        OSError, match=r"cannot write to .*out: mnist1d-00002\.npz: .*the 2 finished"
    ):
        made(tmp_path / "out")
    place.rmdir()
    assert made(tmp_path / "out").n_made == 1


def test_a_folder_that_may_not_be_written_is_reported(tmp_path, monkeypatch):
    def forbidden(_, name):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)

    monkeypatch.setattr(folders._LocalFolder, "write", forbidden)
    with pytest.raises(PermissionError, match=r"cannot write to .*: Permission denied"):
        made(tmp_path)


def test_an_interruption_keeps_what_is_finished(tmp_path):
    made(tmp_path / "whole")

    def interrupt(shard):
        if shard.number == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "out", report=interrupt)
    assert len(shards.manifest_of(str(tmp_path / "out")).files) == 2
    assert made(tmp_path / "out").n_made == 2
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_memory_of_one_process_is_a_folder_too():
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    assert made("memory://bucket/set", workers=None).n_made == 4
    assert made("memory://bucket/set").n_made == 0
    files = fsspec.filesystem("memory")
    with files.open("/bucket/set/mnist1d-00001.npz") as file, np.load(file) as arrays:
        np.testing.assert_array_equal(arrays["x"], Stream()[300:600][0])
    names = sorted(Path(name).name for name in files.ls("/bucket/set", detail=False))
    assert names == ["manifest.json", *(f"mnist1d-{i:05d}.npz" for i in range(4))]
    files.pipe_file("/bucket/set/mnist1d-00002.npz", b"damage")
    assert made("memory://bucket/set").notes == (
        "mnist1d-00002.npz was damaged and was made again",
    )
    with pytest.raises(ValueError, match="exists in one process only and needs workers=1"):
        made("memory://bucket/other", workers=2)
    files.pipe_file("/bucket/file", b"a file")
    with pytest.raises(NotADirectoryError, match="is a file; the shards need a folder"):
        made("memory://bucket/file")


def test_a_store_without_folders_starts_with_nothing_there(monkeypatch):
    """Amazon's makes none: what has no objects yet cannot be listed."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    files = fsspec.filesystem("memory")
    monkeypatch.setattr(type(files), "makedirs", lambda *_, **__: None)
    with pytest.raises(FileNotFoundError):
        files.ls("/nothing/yet")
    assert made("memory://nothing/yet").n_made == 4


def test_an_object_store_gets_every_object_in_one_step(monkeypatch):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    monkeypatch.setattr(folders, "_OBJECT_STORES", {"memory"})
    files = fsspec.filesystem("memory")
    puts = []
    put = type(files).put_file
    monkeypatch.setattr(
        type(files), "put_file", lambda self, a, b, **k: (puts.append(b), put(self, a, b, **k))
    )
    made("memory://store/set")
    names = [Path(name).name for name in puts]
    assert names[-1] == "manifest.json"
    objects = [name for name in names if name != "manifest.json"]
    assert objects == [f"mnist1d-{i:05d}.npz" for i in range(4)]


@pytest.mark.slow
def test_addresses_of_local_files_are_paths(tmp_path):
    made(f"file://{tmp_path}/with%20space", workers=2)
    made(tmp_path / "plain")
    assert contents(tmp_path / "with space") == contents(tmp_path / "plain")


def test_a_remote_write_that_fails_leaves_nothing(monkeypatch):
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    folder = open_folder("memory://failing")
    folder.make()

    def write():
        with folder.write("x") as file:
            file.write(b"half")
            raise OSError(errno.EIO, "broken")

    with pytest.raises(OSError, match="broken"):
        write()
    assert folder.names() == []
    with folder.write("x") as file:
        file.write(b"first")

    def fail(*_, **__):
        raise OSError(errno.EIO, "no network")

    monkeypatch.setattr(type(folder._files), "mv", fail)
    with pytest.raises(OSError, match="no network"), folder.write("x") as file:
        file.write(b"second")
    assert folder.names() == ["x"]
    with folder.read("x") as file:
        assert file.read() == b"first"


def test_workers_of_another_version_are_refused(tmp_path):
    plan = work.Plan(
        config=Stream().config,
        num_samples=10,
        shard_size=10,
        file_format="npz",
        folder=open_folder(str(tmp_path)),
    )
    known = dict.fromkeys(plan.names(0))
    with pytest.raises(RuntimeError, match="install the same mnist1d everywhere"):
        work.work(work.Task(plan, 0, known, stream_version=STREAM_VERSION + 1))


def test_a_run_that_loses_unfinished_files_to_others_tries_again(monkeypatch):
    """In a store without locks a run that begins takes what others are writing for left over."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    files = fsspec.filesystem("memory")
    made("memory://kept")
    move, lost = type(files).mv, []

    def tidied_away(self, part, target):
        if len(lost) < 10:
            lost.append(part)
            self.rm(part)
        return move(self, part, target)

    monkeypatch.setattr(type(files), "mv", tidied_away)
    made("memory://lost")
    assert len(lost) == 10
    kept, found = (
        {Path(name).name: files.cat_file(name) for name in files.ls(f"/{set_}", detail=False)}
        for set_ in ("kept", "lost")
    )
    assert found == kept
    monkeypatch.setattr(type(files), "mv", lambda self, part, _: self.rm(part) or self.cat(part))
    with pytest.raises(OSError, match="cannot write to"):
        made("memory://gone")


def test_sizes_are_readable():
    assert [generation._size(n) for n in (0, 999, 1000, 168_000_000_000, 10**30)] == [
        "0 bytes", "999 bytes", "1 kB", "168 GB", "1e+06 YB",
    ]  # fmt: skip
