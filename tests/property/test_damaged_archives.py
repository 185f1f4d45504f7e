"""Damaged and forged archives: tasks are computed again, datasets are refused, in one line."""

import copy
import io
import json
import time
import zipfile

import numpy as np
import pytest

from mnist1d import Dataset, generate
from mnist1d.execution import Store

ARRAYS = {"mask": np.arange(12).reshape(3, 4) % 2 == 0, "loss": np.array([0.5, np.nan], "float32")}
ABOUT = {"experiment": "example", "version": 1}


@pytest.fixture
def stored(tmp_path):
    Store(tmp_path, ABOUT).save(ARRAYS, seed=0)
    (path,) = tmp_path.iterdir()
    return path


@pytest.fixture(scope="module")
def dataset():
    return generate(num_samples=30, final_seq_length=4, templates=[[0, 1], [1, 0]])


@pytest.fixture
def saved(dataset, tmp_path):
    dataset.save(tmp_path / "data.npz")
    return tmp_path / "data.npz"


def without_checksum(content):
    """Return an archive as it was written before there were checksums."""
    return content[:-66] + b"\0\0"


def load(path):
    """Return what the store makes of a file: arrays, or None and one line."""
    said = []
    start = time.process_time()
    found = Store(path.parent, ABOUT, warn=said.append).load(seed=0)
    assert time.process_time() - start < 5
    assert (found is None) == (len(said) == 1)
    for line in said:
        assert line.startswith(str(path))
        assert line.endswith("computed again")
        assert len(line) < len(str(path)) + 300
        assert "\n" not in line
    return found


def refusal(path):
    """Return the line with which a dataset is refused, or nothing if it is read."""
    start = time.process_time()
    try:
        Dataset.load(path)
    except ValueError as error:
        line = str(error)
    else:
        return ""
    finally:
        assert time.process_time() - start < 5
    assert line.startswith(str(path))
    assert len(line) < len(str(path)) + 500
    assert "\n" not in line
    return line


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(contents, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in contents:
            archive.writestr(name, data)
    return buffer.getvalue()


def header(text):
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode("latin1")


def array(values):
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()


WRONG = [
    b"",
    b"a text",
    b"\x93NUMPY",
    b"\x93NUMPY\1\0\xff\xff{}",
    b"\x93NUMPY\3\0" + bytes(40),
    *map(
        header,
        (
            "", "[1, 2]", "3", "'descr'", "{}", "{'descr': '<f8'", "(" * 60_000, "-" * 60_000 + "1",
            "{'descr': None, 'fortran_order': False, 'shape': ()}\n",
            "{'descr': {}, 'fortran_order': False, 'shape': (3,)}\n",
            "{'descr': ('<f8',), 'fortran_order': False, 'shape': (3,)}\n",
            "{'descr': [(1, 2)], 'fortran_order': False, 'shape': (3,)}\n",
            "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}\n" + "x" * 24,
            "{'descr': '<U0', 'fortran_order': False, 'shape': (3,)}\n",
            "{'descr': '|V0', 'fortran_order': False, 'shape': (1152921504606846976,)}\n",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,)}\n",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}\n",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}\n" + "x" * 8,
            "{'descr': '<f8', 'fortran_order': True, 'shape': (1,)}\n" + "x" * 8,
            "{'descr': '<f8', 'fortran_order': False, 'shape': 3}\n",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1L,)}\n" + "x" * 8,
            "{'descr': '<U2147483647', 'fortran_order': False, 'shape': (0,)}\n",
        ),
    ),
]  # fmt: skip


def test_a_wrong_bit_anywhere_is_noticed(stored):
    whole = stored.read_bytes()
    for place in range(0, len(whole), 4):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place // 4 % 8
        stored.write_bytes(damaged)
        assert load(stored) is None
    stored.write_bytes(whole)
    np.testing.assert_equal(load(stored), ARRAYS)


def test_damaged_tasks_are_computed_again(stored, cases, damage):
    whole = stored.read_bytes()
    for rng in cases(150):
        damaged = damage(whole, rng)
        stored.write_bytes(damaged)
        assert load(stored) is None or damaged == whole


def test_damaged_datasets_are_refused(saved, cases, damage):
    whole = saved.read_bytes()
    for rng in cases(150):
        damaged = damage(whole, rng)
        saved.write_bytes(damaged)
        assert refusal(saved) or damaged == whole


def test_archives_from_before_there_were_checksums_are_read(stored, saved, dataset):
    for path in (stored, saved):
        path.write_bytes(without_checksum(path.read_bytes()))
        assert zipfile.ZipFile(path).comment == b""
    np.testing.assert_equal(load(stored), ARRAYS)
    assert Dataset.load(saved) == dataset


def test_their_damage_is_noticed_or_in_what_nobody_reads(stored, saved, dataset, cases, damage):
    tasks, datasets = (without_checksum(path.read_bytes()) for path in (stored, saved))
    for rng in cases(100):
        stored.write_bytes(damage(tasks, rng))
        if (found := load(stored)) is not None:
            np.testing.assert_equal(found, ARRAYS)
        saved.write_bytes(damage(datasets, rng))
        assert refusal(saved) or Dataset.load(saved) == dataset


@pytest.mark.parametrize("name", ["mask", "about"])
def test_members_that_are_no_arrays_are_damage(stored, name):
    whole = members(stored.read_bytes())
    for content in WRONG:
        stored.write_bytes(zipped((whole | {f"{name}.npy": content}).items()))
        assert load(stored) is None


@pytest.mark.parametrize("name", ["x", "about"])
def test_so_they_are_in_datasets(saved, name):
    whole = members(saved.read_bytes())
    for content in WRONG:
        saved.write_bytes(zipped((whole | {f"{name}.npy": content}).items()))
        assert refusal(saved)


def refused(path, part):
    """Tell whether a file is refused; if it is a dataset, with a part in the message."""
    return part in refusal(path) if path.name == "data.npz" else load(path) is None


def test_compressed_members_are_refused_however_much_they_hold(stored, saved):
    for path in (stored, saved):
        contents = members(path.read_bytes())
        contents["mask.npy"] = header("{'descr': '|u1', ...") + bytes(2 * 10**7)
        path.write_bytes(zipped(contents.items(), zipfile.ZIP_DEFLATED))
        assert path.stat().st_size < 10**5
        assert refused(path, "is compressed or encrypted")


def test_names_of_arrays_are_shown_in_one_line(stored, saved):
    for path in (stored, saved):
        contents = members(path.read_bytes())
        contents["a\nname\n" + "x" * 5000 + ".npy"] = b"no array"
        path.write_bytes(zipped(contents.items()))
        assert refused(path, "a name xxx")


def test_members_that_are_twice_there_are_refused(stored, saved):
    for path in (stored, saved):
        contents = list(members(path.read_bytes()).items())
        with pytest.warns(UserWarning, match="Duplicate name"):
            path.write_bytes(zipped([*contents, contents[-1]]))
        assert refused(path, "its list of arrays is wrong")


def test_members_that_share_their_bytes_are_refused(stored, saved):
    for path in (stored, saved):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", bytes(10**6))
            for number in range(1000):
                again = copy.copy(archive.filelist[0])
                again.filename = f"{number}.npy"
                archive.filelist.append(again)
        assert path.stat().st_size < 2 * 10**6
        assert refused(path, "its arrays claim to be larger than the file")


def test_edited_configurations_are_checked_like_any_other(saved):
    contents = members(saved.read_bytes())
    about = json.loads(str(np.load(io.BytesIO(contents["about.npy"]))))

    def with_about(**changes):
        text = array(np.array(json.dumps(about | changes)))
        saved.write_bytes(zipped((contents | {"about.npy": text}).items()))
        return refusal(saved)

    assert with_about() == ""
    assert "padding[1], the highest, must be at most" in with_about(
        config=about["config"] | {"padding": [0, 2**31]}
    )
    assert "mean must be a number, not '0.5' of type str" in with_about(mean="0.5")
    assert "std must be finite" in with_about(std=float("inf"))
    assert "std must be a number, not True" in with_about(std=True)
    assert "its constants" in with_about(std=-1)
    for value in (["x" * 10_000], {"x" * 10_000: 1}, 10**4000, "x" * 10_000, [[]] * 5000):
        for field in about["config"]:
            with_about(config=about["config"] | {field: value})
        with_about(version=value)
        with_about(mean=value)
        with_about(config=value)


def test_a_long_list_of_other_parameters_is_cut(saved, dataset):
    expected = dataset.config.replace(class_names=["a" * 5000, "b"])
    with pytest.raises(ValueError, match="made with other parameters") as refusal:
        Dataset.load(saved, expected)
    assert len(str(refusal.value)) < len(str(saved)) + 600
