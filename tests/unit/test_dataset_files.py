"""Files of datasets: all of it comes back, nothing else is accepted, nothing is lost."""

import errno
import io
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import mnist1d
from mnist1d import Dataset, DatasetConfig, generate
from mnist1d.dataset import atomic

RICH = {
    "train": 40,
    "validation": 7,
    "test": 12,
    "classes": (1, 0),
    "class_proportions": (2, 1),
    "label_noise": 0.3,
    "label_noise_kind": "other",
    "positions": "shuffled",
    "templates": {"up": [0, 1, 0.5, 0], "down": [0, -1, -0.5, 0], "é": [0, 1, -1, 0]},
    "shifted_tests": {"still": {"max_translation": 1}, "noisy": {"iid_noise_scale": 0.3}},
    "dtype": "float32",
    "channel_axis": True,
    "final_seq_length": 9,
}


@pytest.fixture
def rich():
    return generate(**RICH)


@pytest.fixture
def path(rich, tmp_path):
    rich.save(tmp_path / "rich.npz")
    return tmp_path / "rich.npz"


def rewritten(path, changes):
    """Write the members of an archive again, some of them changed or left out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= changes
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)


def as_npy(values):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(values))
    return buffer.getvalue()


def with_about(path, **changes):
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
    about |= changes
    rewritten(path, {"about.npy": as_npy(json.dumps(about))})


@pytest.mark.parametrize("parameters", [{}, {"shuffle_seq": True, "num_samples": 100}, RICH])
def test_everything_comes_back(parameters, tmp_path):
    dataset = generate(**parameters)
    dataset.save(tmp_path / "data.npz")
    loaded = Dataset.load(tmp_path / "data.npz")
    assert loaded == dataset
    assert loaded.config == dataset.config
    assert list(loaded.shifted_tests) == list(dataset.shifted_tests)
    for part in loaded.parts.values():
        assert part.x.flags.writeable
        assert part.x.flags.c_contiguous
    assert Dataset.load(str(tmp_path / "data.npz"), expected=dataset.config) == dataset


def test_numpy_alone_reads_the_file(path, rich):
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["x"], rich.x)
        np.testing.assert_array_equal(file["x_test_noisy"], rich.shifted_tests["noisy"].x)
        about = json.loads(str(file["about"]))
        assert {name for name in file.files if name.startswith("y")} == {
            "y", "y_validation", "y_test", "y_clean", "y_test_still", "y_test_noisy",
        }  # fmt: skip
    assert DatasetConfig.from_dict(about["config"]) == rich.config
    assert (about["format"], about["version"]) == ("mnist1d dataset", 1)


def test_equal_datasets_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        generate(**RICH).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]


def test_missing_folders_are_made(rich, tmp_path):
    rich.save(tmp_path / "a" / "b" / "c.npz")
    assert Dataset.load(tmp_path / "a" / "b" / "c.npz") == rich


def test_other_parameters_than_expected_are_named(path):
    expected = generate(**RICH).config.replace(seed=7, iid_noise_scale=0.1)
    with pytest.raises(ValueError, match="made with other parameters") as refusal:
        Dataset.load(path, expected)
    message = str(refusal.value)
    assert "it has iid_noise_scale=0.02, seed=42" in message
    assert "expected was iid_noise_scale=0.1, seed=7" in message
    assert "generate the dataset again" in message


def test_no_file_and_a_folder(rich, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no dataset at .*nothing; make one with"):
        Dataset.load(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file"):
        Dataset.load(tmp_path)
    with pytest.raises(IsADirectoryError, match=f"cannot write {tmp_path}"):
        rich.save(tmp_path)


def test_another_version_is_named(path):
    with_about(path, version=2)
    with pytest.raises(ValueError, match=r"has version 2 .* reads version 1; install the newest"):
        Dataset.load(path)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"format": "something"}, "it describes something else"),
        ({"config": {"sead": 1}}, "unknown parameter 'sead'; did you mean 'seed'"),
        ({"config": {"seed": -1}}, "its description is wrong: seed must be"),
        ({"config": []}, "a configuration must be a mapping"),
        ({"config": {}}, "its arrays are not those of its configuration"),
        ({"mean": "much"}, "its description is wrong"),
        ({"std": 0}, "its constants"),
        ({"mean": float("nan")}, "its description is wrong: mean must be finite"),
    ],
)
def test_a_wrong_description_is_refused(path, about, message):
    with_about(path, **about)
    with pytest.raises(ValueError, match=message) as refusal:
        Dataset.load(path)
    assert str(path) in str(refusal.value)
    assert "generate the dataset again" in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("about", None, "it has no about"),
        ("about", as_npy("[1"), "its description is no JSON"),
        ("about", as_npy(3), "its description is no text"),
        ("about", as_npy("[" * 100_000), "its description is no JSON"),
        ("y", None, r"its arrays are not those of its configuration \(y\)"),
        ("extra", as_npy(3), r"its arrays are not those of its configuration \(extra\)"),
        ("y", as_npy(np.zeros(40, np.int32)), "y is <i4 of shape .* must be <i8 of"),
        ("y", as_npy(np.zeros(41, np.int64)), r"y is <i8 of shape \(41,\) and must be"),
        ("y", as_npy(np.full(40, 2)), "y holds labels that its configuration does not have"),
        ("y", as_npy(np.zeros(40, np.int64))[:-8], "y has 312 bytes in place of 320"),
        ("y", b"", "y does not start like an array"),
        ("y", b"\x93NUMPY\x07\x00" + b"\x00" * 100, "y does not start like an array"),
        ("x", as_npy(np.zeros((40, 1, 9), np.float32, order="F")), "x has a header that"),
        ("templates_x", as_npy(np.zeros((3, 4))), "its templates are not those of"),
    ],
)
def test_wrong_members_are_refused(path, name, data, message):
    rewritten(path, {f"{name}.npy": data})
    with pytest.raises(ValueError, match=message):
        Dataset.load(path)


def test_what_would_execute_code_is_not_touched(path, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Bomb()], dtype=object), allow_pickle=True)
    rewritten(path, {"y.npy": buffer.getvalue()})
    with pytest.raises(ValueError, match=r"y has a header that|y is .O"):
        Dataset.load(path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match=r"is a pickle and no file of Dataset.save"):
        Dataset.load(path)
    assert not (tmp_path / "exploded").exists()


def test_a_compressed_member_is_refused(path):
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **arrays)
    with pytest.raises(ValueError, match="is compressed or encrypted"):
        Dataset.load(path)


def test_a_member_that_claims_to_be_huge_takes_no_memory(path):
    header = {"descr": "<i8", "fortran_order": False, "shape": (2**60,)}
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    rewritten(path, {"y.npy": buffer.getvalue()})
    with pytest.raises(ValueError, match="must be <i8"):
        Dataset.load(path)
    with_about(path, config={**DatasetConfig(num_samples=2**31 - 1).to_dict()})
    with pytest.raises(ValueError, match="its arrays are not those"):
        Dataset.load(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="is no dataset of mnist1d, or damaged"):
        Dataset.load(tmp_path / "file")


def test_a_full_disk_leaves_the_old_file(path, rich, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    before = path.read_bytes()
    with pytest.raises(OSError, match=r"cannot write .*No space left.*was there is untouched") as e:
        generate(num_samples=10).save(path)
    assert e.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["rich.npz"]
    with pytest.raises(OSError, match=r"No space left on device$"):
        rich.save(path.with_name("new.npz"))


def test_a_file_limit_during_writing_leaves_the_old_file(path):
    program = (
        "import resource, signal, sys, mnist1d\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n    mnist1d.load().save(sys.argv[1])\n"
        "except OSError as error:\n    print(error)\n"
    )
    before = path.read_bytes()
    said = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert "cannot write" in said
    assert "the file that was there is untouched" in said
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["rich.npz"]


def test_saving_needs_no_more_than_numpy_and_loads_elsewhere(path):
    program = (
        "import sys, numpy as np; f = np.load(sys.argv[1], allow_pickle=False);"
        "print(f['x'].shape, 'mnist1d' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert said == "(40, 1, 9) False\n"
    assert mnist1d.Dataset is Dataset
