"""Reading any damaged result ends with a one-line error that names it.

`python tests/property/test_damaged_results.py FIRST LAST` tries the seeds from FIRST to LAST.
"""

import contextlib
import io
import json
import random
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from mnist1d.cli import main

ROOT = Path(__file__).resolve().parents[2]
RESULTS = [
    *sorted((ROOT / "results").glob("*/result.nc")),
    ROOT / "docs" / "new-activation" / "result.nc",  # a comparison
]
STRANGE = (
    "<img src=x onerror=alert(1)>",
    "`<img src=x>``",
    "[red]\x1b[2J[/nonsense]",
    "",
    "null",
    "[]",
    "{}",
    "NaN",
    '{"mnist1d": 1}',
    '{"seeds": 1e400, "widths": NaN}',
    '{"seeds": ' + "[" * 400 + "]" * 400 + "}",
    "[" * 100_000,
    '{"a": "\\ud800\\u001b"}',
    "9" * 5000,
    b"\xff\xfe",
    0,
    -1,
    2**62,
    np.nan,
    np.inf,
    1e300,
    True,
    np.arange(3),
    np.array(["a", "b"], dtype=object),
    np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]),
    h5py.Empty("f8"),
)
"""Values that an attribute may have."""
LIMIT_SECONDS = 60


def variables(file):
    return sorted(name for name in file if isinstance(file.get(name), h5py.Dataset))


def put(file, name, values, like=None, **options):
    """Replace a variable by other values, with the dimensions of the one it was if they fit."""
    old = file[like or name]
    scales = [list(dim.values()) for dim in old.dims]
    attributes = {
        key: old.attrs[key]
        for key in old.attrs
        if key not in {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_FillValue"}
    }
    if like is None:
        del file[name]
    new = file.create_dataset(name, data=values, **options)
    for key, value in attributes.items():
        with contextlib.suppress(Exception):
            new.attrs[key] = value
    for axis, each in enumerate(scales[: new.ndim]):
        with contextlib.suppress(Exception):
            new.dims[axis].attach_scale(each[0])


def attribute(file, rng):
    thing = file if rng.random() < 0.7 else file[rng.choice(variables(file))]
    names = [name for name in thing.attrs if not name.startswith("_Netcdf4")]
    name = rng.choice([*names, "coordinates", "units", "scale_factor", "grid", "figures", "dtype"])
    with contextlib.suppress(Exception):
        del thing.attrs[name]
    with contextlib.suppress(Exception):
        thing.attrs[name] = rng.choice(STRANGE)


def no_attribute(file, rng):
    thing = file if rng.random() < 0.7 else file[rng.choice(variables(file))]
    if len(thing.attrs):
        del thing.attrs[rng.choice(sorted(thing.attrs))]


def changed_setting(file, rng):
    config = json.loads(file.attrs["config"])
    name = rng.choice(sorted(config))
    config[name] = rng.choice(["x" * 300, None, [], {}, -1, [[1]], {"a": [1]}, "<b>", 1e400])
    file.attrs["config"] = json.dumps(config)


def no_variable(file, rng):
    del file[rng.choice(variables(file))]


def renamed(file, rng):
    name = rng.choice(variables(file))
    file.move(name, rng.choice(["other", name + "_", "seed\n", "<b>", "x" * 500, "\x1b[31m"]))


def swapped(file, rng):
    first, second = rng.sample(variables(file), 2)
    file.move(first, "temporary")
    file.move(second, first)
    file.move("temporary", second)


def other_type(file, rng):
    name = rng.choice(variables(file))
    values = file[name][()]
    kind = rng.choice(["text", "float16", "complex64", "compound", "vlen", "bool", "S3", "opaque"])
    if kind == "text":
        values = np.full(values.shape, "text", dtype=object)
    elif kind == "compound":
        values = np.zeros(values.shape, dtype=[("x", "i4"), ("y", "f8")])
    elif kind == "vlen":
        put(file, name, np.zeros((0,)), dtype=h5py.vlen_dtype("f8"))
        return
    elif kind == "opaque":
        values = np.zeros(values.shape, dtype="V7")
    else:
        values = np.zeros(values.shape).astype(kind)
    put(file, name, values)


def other_shape(file, rng):
    name = rng.choice(variables(file))
    values = np.asarray(file[name][()])
    if values.dtype.kind == "O":
        values = np.zeros(values.shape)
    kind = rng.choice(["scalar", "flat", "longer", "empty", "transposed", "more"])
    shapes = {
        "scalar": lambda: values.ravel()[:1].reshape(()) if values.size else values,
        "flat": values.ravel,
        "longer": lambda: np.concatenate([values.ravel(), values.ravel()]),
        "empty": lambda: values.ravel()[:0],
        "transposed": lambda: values.T,
        "more": lambda: values[None, ..., None],
    }
    put(file, name, shapes[kind]())


def other_values(file, rng):
    name = rng.choice(variables(file))
    values = np.array(file[name][()])
    if values.dtype.kind == "O":
        texts = ["<script>", "same", "[/red]", "\x1b[2J", "CNN", "x" * 3000, "a|b`c"]
        values = np.array([rng.choice(texts) for _ in range(values.size)], dtype=object)
        put(file, name, values.reshape(file[name].shape))
        return
    odd = [0, 1, -1, 255, 2**31] if values.dtype.kind in "iu" else [np.nan, np.inf, 1e300, 0, -1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        some = np.array([rng.choice(odd) for _ in range(values.size)]).reshape(values.shape)
        values = (
            some.astype(values.dtype)
            if rng.random() < 0.5
            else np.full_like(values, some.flat[0] if values.size else 0)
        )
    put(file, name, values)


def link(file, rng):
    name = rng.choice(variables(file))
    kind = rng.choice(["self", "soft", "external", "group", "hard", "dangling"])
    del file[name]
    if kind == "self":
        file[name] = h5py.SoftLink(f"/{name}")
    elif kind == "soft":
        file[name] = h5py.SoftLink(f"/{rng.choice(variables(file))}")
    elif kind == "external":
        file[name] = h5py.ExternalLink(str(RESULTS[0]), "/seed")
    elif kind == "group":
        file.create_group(name)["inside"] = file["/"]
    elif kind == "hard":
        file[name] = file[rng.choice(variables(file))]
    else:
        file[name] = h5py.SoftLink("/nowhere")


def bomb(file, rng):
    name = rng.choice(variables(file))
    kind = rng.choice(["declared", "contiguous", "chunks", "texts", "lies", "large chunk", "cells"])
    del file[name]
    if kind == "declared":
        file.create_dataset(name, (2**20, 2**20), "f8", chunks=(2**9, 2**9), compression="gzip")
    elif kind == "contiguous":
        file.create_dataset(name, (2**50,), "f4")
    elif kind == "chunks":
        file.create_dataset(name, (2**26,), "i1", chunks=(1,))
    elif kind == "large chunk":
        file.create_dataset(name, (4,), "f8", chunks=(2**28,), maxshape=(None,))
    elif kind == "cells":
        file.create_dataset(name, (3000, 3000), "f8", chunks=(300, 300), compression="gzip")
    elif kind == "texts":
        texts = file.create_dataset(name, (2**12,), h5py.string_dtype())
        texts[:] = "x" * 2**16
    else:
        import zlib

        made = file.create_dataset(name, (2**14,), "i1", chunks=(2**14,), compression="gzip")
        made.id.write_direct_chunk((0,), zlib.compress(bytes(2**28), 9))


STRUCTURED = (
    attribute,
    no_attribute,
    changed_setting,
    no_variable,
    renamed,
    swapped,
    other_type,
    other_shape,
    other_values,
    link,
    bomb,
)


def damaged_bytes(path, rng):
    data = bytearray(path.read_bytes())
    kind = rng.choice(["cut", "flip", "flip", "flip head", "flip head", "zero", "append"])
    if kind == "cut":
        del data[rng.randrange(len(data)) :]
    elif kind == "append":
        data += rng.randbytes(1000)
    elif kind == "zero":
        start = rng.randrange(len(data))
        data[start : start + 512] = bytes(len(data[start : start + 512]))
    else:
        end = len(data) if kind == "flip" else min(len(data), 20_000)
        for _ in range(rng.choice([1, 1, 4, 30])):
            data[rng.randrange(end)] = rng.randrange(256)
    path.write_bytes(data)


def damage(path, seed):
    """Change a result as the seed says, and return in what way."""
    rng = random.Random(seed)  # noqa: S311
    if rng.random() < 0.3:
        damaged_bytes(path, rng)
        return "bytes"
    done = []
    with h5py.File(path, "r+") as file:
        for _ in range(rng.choice([1, 1, 1, 2])):
            change = rng.choice(STRUCTURED)
            done.append(change.__name__)
            change(file, rng)
    return " ".join(done)


def outcome(*arguments):
    """Run a command in this process, and return its status and what it said."""
    sys.argv, out, errors = ["mnist1d", *map(str, arguments)], io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as stop:
            status = stop.code
    return status, out.getvalue(), errors.getvalue()


def attempt(folder, seed):
    """Damage a result, and see what the commands make of it; returns what is wrong with that."""
    source = RESULTS[seed % len(RESULTS)]
    name = source.parent.name
    path = folder / name / "result.nc"
    path.parent.mkdir()
    shutil.copy(source, path)
    for figure in source.parent.glob("comparison.png"):
        shutil.copy(figure, folder / name)
    (folder / name / "figure.png").touch()
    how = damage(path, seed)
    found = []
    commands = [
        ("report", folder),
        ("show-result", folder / name),
        ("show-result", folder / name, "--table", folder / "table.csv"),
    ]
    for command in commands:
        start = time.monotonic()
        try:
            status, out, errors = outcome(*command)
        except BaseException as error:  # noqa: BLE001 (what the test is about)
            found.append(f"seed {seed}, {how}: {command[0]} raised {error!r:.300}")
            continue
        lines = errors.strip().splitlines()
        seconds = time.monotonic() - start
        if status not in {0, 1, 2, 3} or (status and len(lines) != 1):
            found.append(f"seed {seed}, {how}: {command[0]} ended with {status}, {lines}")
        named = name if status == 3 else str(path)  # what is left is in the report
        if status and command[0] == "report" and named not in errors:
            found.append(f"seed {seed}, {how}: {command[0]} does not name the file: {lines}")
        if "\x1b" in out + errors or "Traceback" in out + errors:
            found.append(f"seed {seed}, {how}: {command[0]} wrote {out + errors}")
        if seconds > LIMIT_SECONDS:
            found.append(f"seed {seed}, {how}: {command[0]} took {seconds:.0f} s")
    for written in (folder / "RESULTS.md", folder / "report.html", folder / name / "README.md"):
        if written.exists():
            text = written.read_text(encoding="utf-8")
            if (
                "<img src=x" in text
                or "\x1b" in text
                or "<script>" in text.replace("<script>\n", "")
            ):
                found.append(f"seed {seed}, {how}: {written.name} has what is not escaped")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_result_ends_in_one_line_or_in_none(tmp_path, seed):
    assert attempt(tmp_path, seed) == []


if __name__ == "__main__":
    first, last = map(int, sys.argv[1:])
    warnings.simplefilter("ignore")
    for number in range(first, last + 1):
        with tempfile.TemporaryDirectory() as place:
            for line in attempt(Path(place), number):
                print(line, flush=True)  # noqa: T201
