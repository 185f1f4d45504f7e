"""A dataset for any language: CSV, NPY and raw arrays, and values to check a stream with."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.dataset import Dataset
from mnist1d.dataset.export import DESCRIPTION_FILE, columns_of, csv_of, description_of
from mnist1d.shards.exports.folder import write_folder
from mnist1d.shards.exports.reference import reference_of
from mnist1d.shards.exports.texts import layout
from mnist1d.stream.stream import Stream

__all__ = ["write_files"]

_N_OF_STREAM = 1000
_ENDINGS = {"<f4": "f32", "<f8": "f64", "<i4": "i32"}


def write_files(dataset: Dataset, folder: checks.StrPath) -> list[Path]:
    """Write a dataset into a folder that programs in any language can read.

    The folder `csv` has a table per part, `npy` and `raw` have signals and labels of every part as
    arrays (`raw`: nothing but the numbers, lowest byte first, a sample after the other), `stream`
    has the first 1000 samples of the stream of the same configuration, and values of the steps to
    them. README.md describes the layout, `dataset.json` has the configuration, and `SHA256SUMS` the
    checksums.

    With signals of the type float32, files depend on the configuration alone: all but
    `dataset.json`, whose constants may differ in the last digit between processors.

    Args:
        dataset: the dataset.
        folder: where to; made if needed. It may hold an earlier export, which is replaced, and
            nothing else.

    Returns: the paths of the files.

    Raises:
        FileExistsError: if there is anything else in the folder.
        ValueError: if there is no stream of the dataset's configuration (`shuffle_seq`, label noise
            of the kind "published").
        OSError: if a file cannot be written.

    >>> import tempfile
    >>> from mnist1d import generate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_files(generate(num_samples=100, dtype="float32"), folder)
    ...     x = np.fromfile(Path(folder, "raw", "train-x.f32"), "<f4").reshape(-1, 40)
    >>> x.shape, paths[-1].name
    ((80, 40), 'SHA256SUMS')
    """
    stream = Stream(dataset.config)
    contents = {}
    for name, part in dataset.parts.items():
        contents[f"csv/{name}.csv"] = csv_of(columns_of(dataset, name))
        for axis, values in (("x", part.x), ("y", part.y)):
            array = _portable(values)
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            contents[f"npy/{name}-{axis}.npy"] = buffer.getvalue()
            contents[f"raw/{name}-{axis}.{_ENDINGS[array.dtype.str]}"] = array.tobytes()
    x, y = map(_portable, stream[:_N_OF_STREAM])
    contents["stream/x.f32"], contents["stream/y.i32"] = x.tobytes(), y.tobytes()
    contents["stream/reference.json"] = _json(reference_of(stream))
    contents["README.md"] = layout(dataset, _N_OF_STREAM).encode()
    contents[DESCRIPTION_FILE] = _json(description_of(dataset))
    return write_folder(checks.path("folder", folder), contents)


def _portable(values: np.ndarray) -> np.ndarray:
    """Return an array with the lowest byte first, integers in four bytes, row after row."""
    kind = "<i4" if values.dtype.kind == "i" else values.dtype.newbyteorder("<")
    return np.ascontiguousarray(values, kind)


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()
