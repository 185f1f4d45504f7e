"""Exported folders: the same numbers in every format, and no file of another is touched."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mnist1d import DatasetConfig, generate
from mnist1d.dataset import atomic
from mnist1d.shards.exports import CHECKSUMS, write_files, write_huggingface
from mnist1d.shards.exports.croissant import croissant
from mnist1d.shards.exports.folder import write_folder
from mnist1d.shards.exports.reference import reference_of
from mnist1d.stream.stream import Stream

GOLDEN = Path(__file__).parents[1] / "golden" / "exported_files.sha256"
ROOT = Path(__file__).parents[2]
RICH = {"train": 30, "validation": 10, "test": 20, "label_noise": 0.5, "final_seq_length": 6}
RICH |= {"shifted_tests": {"noisy": {"iid_noise_scale": 0.5}}, "channel_axis": True}
PARTS = ["train", "validation", "test", "noisy"]


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# Files for any language


@pytest.fixture(scope="module")
def rich():
    return generate(**RICH, dtype="float32")


@pytest.fixture(scope="module")
def files(rich, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "new" / "files"
    paths = write_files(rich, folder)
    assert sorted(path.relative_to(folder).as_posix() for path in paths) == sorted(content(folder))
    return folder


@pytest.mark.parametrize("part", PARTS)
def test_every_format_has_the_same_numbers(rich, files, part):
    x, y = rich.parts[part]
    signals = x.reshape(-1, 6)
    assert np.load(files / "npy" / f"{part}-x.npy").shape == (len(y), 1, 6)
    np.testing.assert_array_equal(np.load(files / "npy" / f"{part}-x.npy"), x, strict=True)
    np.testing.assert_array_equal(np.load(files / "npy" / f"{part}-y.npy"), y)
    raw = np.fromfile(files / "raw" / f"{part}-x.f32", "<f4").reshape(-1, 6)
    np.testing.assert_array_equal(raw, signals)
    np.testing.assert_array_equal(np.fromfile(files / "raw" / f"{part}-y.i32", "<i4"), y)
    header, *lines = (files / "csv" / f"{part}.csv").read_text("utf-8").splitlines()
    assert header == "label,label_clean,label_noise,x0,x1,x2,x3,x4,x5"
    cells = [line.split(",") for line in lines]
    np.testing.assert_array_equal(np.array([row[3:] for row in cells], np.float32), signals)
    assert [int(row[0]) for row in cells] == y.tolist()


def test_longer_floats_have_another_ending(tmp_path):
    write_files(generate(num_samples=20), tmp_path)
    raw = np.fromfile(tmp_path / "raw" / "train-x.f64", "<f8").reshape(-1, 40)
    np.testing.assert_array_equal(raw, generate(num_samples=20).x, strict=True)


def test_the_description_names_every_file(rich, files):
    text = (files / "README.md").read_text("utf-8")
    assert "label_noise=0.5" in text
    assert "dtype" not in text
    assert "| noisy | 20 |" in text
    for name in content(files):
        part = next((each for each in PARTS if f"/{each}" in name), "PART")
        assert name == "README.md" or f"`{name.replace(part, 'PART')}`" in text
    described = json.loads((files / "dataset.json").read_text("utf-8"))
    assert DatasetConfig.from_dict(described["config"]) == rich.config


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum is not installed")
def test_other_programs_check_the_checksums(files):
    command = ["sha256sum", "--check", "--quiet", "--strict", CHECKSUMS]
    assert subprocess.run(command, cwd=files, check=False).returncode == 0


def test_the_stream_is_that_of_the_configuration(rich, files):
    x, y = Stream(rich.config)[:1000]
    raw = np.fromfile(files / "stream" / "x.f32", "<f4").reshape(-1, 1, 6)
    np.testing.assert_array_equal(raw, x, strict=True)
    np.testing.assert_array_equal(np.fromfile(files / "stream" / "y.i32", "<i4"), y)
    assert json.loads((files / "stream" / "reference.json").read_bytes()) == reference_of(
        Stream(rich.config)
    )


def test_a_dataset_without_a_stream_is_refused(tmp_path):
    with pytest.raises(ValueError, match="shuffle_seq must be False"):
        write_files(generate(num_samples=20, shuffle_seq=True), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_published_files_are_frozen(tmp_path):
    """The README may be worded anew; constants may differ in the last digit between processors."""
    write_files(generate(dtype="float32"), tmp_path)
    lines = (tmp_path / CHECKSUMS).read_text("utf-8").splitlines()
    left_out = ("  README.md", "  dataset.json")
    found = [line for line in lines if not line.endswith(left_out)]
    assert found == GOLDEN.read_text("utf-8").splitlines()


def test_frozen_signals_are_the_published_ones():
    """Those of the authors' arrays, rounded to float32 (`test_published_arrays.py`)."""
    sums = dict(line.split("  ")[::-1] for line in GOLDEN.read_text("utf-8").splitlines())
    published = (ROOT / "tests" / "golden" / "test_published_arrays.py").read_text("utf-8")
    for part in ("train", "test"):
        assert sums[f"raw/{part}-x.f32"] in published


# Values of the stream's steps


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="plain_stream.py is not here")
def test_plain_python_has_the_same_values():
    import importlib.util

    spec = importlib.util.spec_from_file_location("plain", ROOT / "docs" / "plain_stream.py")
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    reference = reference_of(Stream())
    kinds = {"labels": plain.LABELS, "factors": plain.FACTORS}
    kinds |= {"smooth noise": plain.CORRELATED, "white noise": plain.WHITE}
    for name, kind in kinds.items():
        words = plain.words(42, kind, 0, 8)
        assert [f"{word:016x}" for word in words] == reference["words"][name]
    for place, value in reference["normal_values"]["at"].items():
        assert plain.quantile(int(place)) == value
    assert reference["labels"] == [plain.label_of(42, i) for i in range(100)]
    for sample in reference["samples"][:4]:
        signal, label = plain.sample(42, sample["index"])
        assert (signal, label) == (sample["signal"], sample["label"])
        bits = np.array(signal, np.float32).view(np.uint32)
        assert sample["bits"] == [f"{value:08x}" for value in bits.tolist()]
        i = sample["index"]
        assert sample["smooth_noise"] == plain.normals(42, plain.CORRELATED, i, 72)[:8]
        assert sample["white_noise"] == plain.normals(42, plain.WHITE, i, 72)[:8]
        first, second = plain.words(42, plain.FACTORS, 2 * i, 2)
        assert sample["padding"] == 36 + (first % 2**32 * 25 >> 32)
        assert sample["shift"] == second % 2**32 * 48 >> 32
        assert sample["factor"] == plain.float32(1 + 0.4 * plain.centred(first >> 32))
        assert sample["slope"] == plain.float32(plain.centred(second >> 32))


# Hugging Face


@pytest.fixture(scope="module")
def hub(rich, tmp_path_factory):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    folder = tmp_path_factory.mktemp("hub")
    write_huggingface(rich, folder)
    return folder


@pytest.mark.slow
def test_hugging_face_loads_the_folder_as_it_is(rich, hub, tmp_path, monkeypatch):
    hf = pytest.importorskip("datasets", reason="datasets is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hf.disable_progress_bars()
    loaded = hf.load_dataset(str(hub), cache_dir=str(tmp_path))
    assert list(loaded) == PARTS
    for name, split in loaded.items():
        assert str(split.features["signal"]) == "List(Value('float32'), length=6)"
        assert split.features["label"].names == split.features["label_clean"].names
        signals = np.array(split[:]["signal"], np.float32)
        np.testing.assert_array_equal(signals, rich.parts[name].x.reshape(-1, 6), strict=True)
        assert split[:]["label"] == rich.parts[name].y.tolist()
    assert loaded["train"][:]["label_noise"] == rich.noise_mask.tolist()


def test_the_card_names_splits_and_sizes(hub):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    _, front, text = (hub / "README.md").read_text("utf-8").split("---\n", 2)
    about = yaml.safe_load(front)
    (config,) = about["configs"]
    assert [each["split"] for each in config["data_files"]] == PARTS
    assert all((hub / each["path"]).is_file() for each in config["data_files"])
    assert (about["license"], about["size_categories"]) == ("apache-2.0", ["n<1K"])
    assert "`label_clean`" in text
    assert "$" not in text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of its dependencies
def test_croissant_is_valid_and_reads_the_samples(rich, hub):
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    described = mlcroissant.Dataset(str(hub / "croissant.json"))
    issues = described.metadata.ctx.issues
    assert (set(issues.errors), set(issues.warnings)) == (set(), set())
    records = list(described.records("noisy"))
    signals = np.array([record["noisy/signal"] for record in records], np.float32)
    np.testing.assert_array_equal(signals, rich.parts["noisy"].x.reshape(-1, 6), strict=True)
    assert [record["noisy/label"] for record in records] == rich.parts["noisy"].y.tolist()
    changed = json.loads((hub / "croissant.json").read_text("utf-8"))
    del changed["name"], changed["distribution"][0]["sha256"]
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(changed)


def test_croissant_has_no_field_that_the_files_lack(rich):
    clean = generate(num_samples=20)
    fields = [
        {field["name"] for each in croissant(data, {})["recordSet"] for field in each["field"]}
        for data in (clean, rich)
    ]
    assert fields == [{"signal", "label"}, {"signal", "label", "label_clean", "label_noise"}]


# Folders


FILES = {"raw/x": b"1", "README.md": b"one"}


def test_an_earlier_export_is_replaced(tmp_path):
    write_folder(tmp_path, FILES)
    write_folder(tmp_path, FILES | {"raw/x": b"2", "more": b"3"})
    found = content(tmp_path)
    assert (found["raw/x"], found["more"]) == (b"2", b"3")
    assert found[CHECKSUMS].count(b"\n") == 3


@pytest.mark.parametrize("name", ["README.md", "notes.txt", "raw/other/deep.txt", CHECKSUMS])
def test_other_files_are_refused_and_kept(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    text = f"{'0' * 64}  a picture\n" if name == CHECKSUMS else "mine"
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(FileExistsError, match=f"of something else or were changed: {name}; choose"):
        write_folder(tmp_path, FILES)
    assert content(tmp_path) == {name: text.encode()}


def test_a_file_that_was_changed_is_kept(tmp_path):
    write_folder(tmp_path, FILES)
    (tmp_path / "README.md").write_text("better", "utf-8")
    with pytest.raises(FileExistsError, match=r"README\.md; choose"):
        write_folder(tmp_path, FILES | {"raw/x": b"2"})
    assert content(tmp_path)["raw/x"] == b"1"


def test_files_that_would_be_left_over_are_refused(tmp_path):
    write_folder(tmp_path, FILES)
    with pytest.raises(FileExistsError, match="SHA256SUMS, raw/x; choose"):
        write_folder(tmp_path, {"README.md": b"two"})


def test_hidden_files_such_as_those_of_a_clone_do_not_count(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").touch()
    (tmp_path / ".gitattributes").touch()
    write_folder(tmp_path, FILES)
    assert len(content(tmp_path)) == 5


def test_an_export_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    calls = []

    def fsync(_):
        calls.append(1)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", fsync)
    with pytest.raises(OSError, match=r"cannot write .*README\.md: No space left on device"):
        write_folder(tmp_path, FILES)
    assert content(tmp_path) == {"raw/x": b"1"}
    write_folder(tmp_path, FILES)
    assert len(content(tmp_path)) == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among files")
def test_a_pipe_in_the_place_of_a_file_is_no_trap(tmp_path):
    os.mkfifo(tmp_path / "README.md")
    with pytest.raises(OSError, match="not a regular file"):
        write_folder(tmp_path, FILES)
