"""Stored results that are damaged, foreign or hostile are refused in one line, before they harm."""

import json
import math
import os
import subprocess
import sys
import zlib

import h5py
import numpy as np
import pytest
import xarray as xr

from mnist1d.harness import record
from mnist1d.harness.interface import InputError
from mnist1d.harness.stored.attributes import check_attributes, parsed
from mnist1d.harness.stored.netcdf import read_netcdf
from mnist1d.harness.stored.texts import one_line, without_controls

PLAIN = xr.Dataset(
    {"loss": (("model", "seed"), [[0.5, 0.25], [1.0, 2.0]]), "wrong": ("seed", [True, False])},
    {"model": ["a", "b"], "seed": [0, 1]},
    {"experiment": "e", "config": "{}", "seconds": 1.5, "units_found": 3},
)


@pytest.fixture
def path(tmp_path):
    record.write(PLAIN, tmp_path / "result.nc")
    return tmp_path / "result.nc"


def changed(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def refusal(path):
    with pytest.raises(ValueError, match="is damaged or no result") as refused:
        record.read(path)
    text = str(refused.value)
    assert text.startswith(str(path))
    assert len(text.splitlines()) == 1
    return text


def test_what_is_written_is_read_again(path):
    xr.testing.assert_identical(record.read(path), PLAIN)


def test_times_come_back_as_times_and_seconds_as_numbers(tmp_path):
    result = PLAIN.assign(took=("seed", [1.0, 2.0], {"units": "seconds"}))
    result = result.assign(when=("seed", np.array(["2024-01-01", "2025-01-01"], "datetime64[ns]")))
    record.write(result, tmp_path / "result.nc")
    found = record.read(tmp_path / "result.nc")
    assert found.took.dtype == float
    xr.testing.assert_identical(found, result)


def lies(file):
    made = file.create_dataset("b", (2**14,), "i1", chunks=(2**14,), compression="gzip")
    made.id.write_direct_chunk((0,), zlib.compress(bytes(2**26), 9))


def long_texts(file):
    file.create_dataset("b", (2**12,), h5py.string_dtype())[:] = "x" * 2**16


def outside(file):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_external(b"/etc/hostname", 0, 8)
    space = h5py.h5s.create_simple((8,))
    h5py.h5d.create(file.id, b"b", h5py.h5t.STD_I8LE, space, plan)


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("b", layout)


def many(file):
    for number in range(2001):
        file.create_dataset(f"v{number}", (), "i1")


def typed(kind, shape=(2,)):
    return lambda file: file.create_dataset("b", shape, kind)


HOSTILE = {
    "is a link": lambda file: file.__setitem__("b", h5py.SoftLink("/loss")),
    "is a link ": lambda file: file.__setitem__("b", h5py.SoftLink("/b")),
    "is a link to": lambda file: file.__setitem__("b", h5py.ExternalLink("/etc/passwd", "/x")),
    "is a group": lambda file: file.create_group("b").__setitem__("c", file["/"]),
    "or a type": lambda file: file.__setitem__("b", np.dtype("f8")),
    "neither numbers nor texts": typed([("x", "i4"), ("y", "f8")]),
    "nor texts": typed(h5py.vlen_dtype("f8")),
    "has neither numbers": typed(h5py.ref_dtype),
    "neither numbers": typed("V7"),
    "numbers of 16 bytes": typed(np.longdouble),
    "has no shape": lambda file: file.create_dataset("b", data=h5py.Empty("f8")),
    "too many for its size": typed("f8", (2**20, 2**20)),
    "declares": typed("f4", (2**50,)),
    "chunks, more than": lambda file: file.create_dataset("b", (2**26,), "i1", chunks=(1,)),
    "has chunks of": lambda file: file.create_dataset(
        "b", (4,), "f8", chunks=(2**28,), maxshape=(None,)
    ),
    "unfolds to more": lies,
    "bytes of text": long_texts,
    "texts, more than": typed(h5py.string_dtype(), (2**20,)),
    "kept in other files": outside,
    "in other files": virtual,
    "compressed in a way": lambda file: file.create_dataset("b", (9,), "i1", compression="lzf"),
    "2,005 variables": many,
    "neither a number nor a text": lambda file: file.attrs.create(
        "a", np.zeros(1, [("x", "i4"), ("y", "f8")])
    ),
    "attribute a of variable loss": lambda file: file["loss"].attrs.create("a", file.ref),
    "variable named": lambda file: file.move("loss", "lo\x1b[31mss"),
}


LARGE = ("bytes of text",)


@pytest.mark.parametrize(
    "what", [pytest.param(w, marks=pytest.mark.slow) if w in LARGE else w for w in HOSTILE]
)
def test_what_a_result_never_has_is_refused(path, what):
    assert what.strip() in refusal(changed(path, HOSTILE[what]))


@pytest.mark.slow
def test_nothing_large_is_read_of_a_small_file(path):
    """With little memory to be had, hostile files are still refused in one line."""
    program = (
        "import resource, sys; from mnist1d.harness import record; from pathlib import Path\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))\n"
        "for name in sys.argv[1:]:\n"
        "    try: record.read(Path(name))\n"
        "    except ValueError as error: print('refused', error)\n"
    )
    names = []
    for number, change in enumerate(HOSTILE.values()):
        names.append(path.with_name(f"{number}.nc"))
        names[-1].write_bytes(path.read_bytes())
        changed(names[-1], change)
    done = subprocess.run(
        [sys.executable, "-c", program, *names], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("refused") == len(names)
    assert "allocate" not in done.stdout


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no result at"):
        record.read(tmp_path / "none.nc")
    assert "not a regular file" in refusal(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.nc")
        assert "not a regular file" in refusal(tmp_path / "pipe.nc")
    (tmp_path / "other.nc").write_bytes(b"CDF\x01")
    assert "no file of HDF5" in refusal(tmp_path / "other.nc")


@pytest.mark.parametrize(("share", "what"), [(0, "it is empty"), (0.9, "it is cut short")])
def test_a_file_without_its_end_is_said_to_be_so(path, share, what):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert f"({what})" in refusal(path)


def test_large_results_that_hardly_compress_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("mnist1d.harness.stored.netcdf.MOST_BYTES", 2**16)
    result = xr.Dataset({"x": ("i", np.zeros(2**15))}, attrs={"experiment": "e"})
    record.write(result, tmp_path / "result.nc")
    xr.testing.assert_identical(record.read(tmp_path / "result.nc"), result)
    assert (tmp_path / "result.nc").stat().st_size > result.nbytes


@pytest.mark.slow
def test_what_could_not_be_read_again_is_not_written(tmp_path):
    result = xr.Dataset({f"v{number}": 0 for number in range(2001)})
    with pytest.raises(InputError, match="cannot be stored as netCDF: it has 2,001 variables"):
        record.write(result, tmp_path / "result.nc")
    assert not (tmp_path / "result.nc").exists()


WRONG = [
    ("experiment", 3, "a text"),
    ("experiment", np.array(["a", "b"], object), "a text"),
    ("processor", 1.5, "a text"),
    ("device", np.arange(2), "a text"),
    ("seconds", "5", "a number from 0"),
    ("seconds", math.nan, "a number from 0"),
    ("seconds", math.inf, "a number from 0"),
    ("seconds", -1.0, "a number from 0"),
    ("compile_seconds", np.arange(3.0), "a number from 0"),
    ("units_found", 1.5, "a whole number"),
    ("units_found", True, "a whole number"),
    ("units_found", -1, "a whole number"),
    ("commit", 3, "a text"),
    ("unit_commits", "[]", "an object in JSON"),
    ("time_apart", '{"seconds": 5}', "an object in JSON with seconds, from 0 to 1e"),
    ("time_apart", '{"seconds": 5, "seeds": 0}', "an object in JSON with seconds, from 0"),
    ("time_apart", '{"seconds": 5, "seeds": 1' + 400 * "0" + "}", "seeds, from 1 to 1,000,000,000"),
    ("time_apart", '{"seconds": 1' + 400 * "0" + ', "seeds": 1}', "seconds, from 0 to 1e"),
    ("unit_commits", '{"abc": 1.5}', "an object of whole numbers in JSON"),
    ("config", 3, "a text of at most"),
    ("config", "{", "JSON"),
    ("config", "[1]", "an object"),
    ("config", "null", "an object"),
    ("config", "[" * 100_000, "JSON"),
    ("config", '{"a": ' + "[" * 99 + "]" * 99 + "}", "nested"),
    ("config", '{"a": "\\u001b[2J"}', "control characters"),
    ("config", '{"\\ud800": 1}', "control characters"),
    ("config", "9" * 5000, "JSON"),
    ("versions", '{"jax": 3}', "an object of texts"),
    ("versions", '["jax"]', "an object"),
    ("grid", '{"a": 1}', "an object of lists"),
    ("figures", '{"a": 1}', "a list of texts"),
    ("figures", "[1]", "a list of texts"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), WRONG)
def test_attributes_have_the_types_that_they_are_written_with(name, value, wanted):
    with pytest.raises(ValueError, match=f"attribute {name} must be .*{wanted}") as refused:
        check_attributes({name: value})
    assert len(str(refused.value)) < 200


def test_attributes_of_ones_own_may_be_anything():
    check_attributes({"input_size": 40, "layers": ["a"], "data": 3, "version": None, "a": math.nan})
    config = {"path": "C:\\users", "text": "a\n\tb", "most": math.inf}
    assert parsed({"config": json.dumps(config)}, "config", {}) == config


def test_control_characters_in_texts_are_replaced(path):
    def change(file):
        file.attrs["processor"] = "AMD\x1b[2J\nEPYC\u202e"
        file["model"][0] = "a\x07\n"

    found = record.read(changed(path, change))
    assert found.attrs["processor"] == "AMD\ufffd[2J\nEPYC\ufffd"
    assert found.model.values.tolist() == ["a\ufffd\n", "b"]


def test_texts_are_made_fit_to_be_shown():
    assert without_controls("ä \t\n€") == "ä \t\n€"
    assert without_controls("\x00\x9b\ud800\u2028\u2066") == "\ufffd" * 5
    assert one_line(" a \n\n b ") == "a b"
    assert len(one_line("x" * 1000)) <= 300


def test_warnings_of_what_is_odd_are_not_shown(path, recwarn):
    changed(path, lambda file: file["loss"].attrs.create("_FillValue", np.array([1.0, 2.0])))
    try:
        read_netcdf(path)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    assert not recwarn
