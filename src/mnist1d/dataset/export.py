"""Export of datasets to pandas, Parquet, CSV and Hugging Face, with their configuration."""

import csv
import errno
import io
import json
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.archive import explained
from mnist1d.dataset.atomic import atomic_write
from mnist1d.dataset.dataset import Dataset
from mnist1d.dataset.imports import required

__all__ = ["feature_names", "to_csv", "to_huggingface", "to_pandas", "to_parquet"]

DESCRIPTION_FILE = "dataset.json"
"""Name of the file with the configuration that accompanies exported parts."""


def feature_names(n_points: int) -> list[str]:
    """Return the names of the columns that hold the points of a signal.

    >>> feature_names(3)
    ['x0', 'x1', 'x2']
    """
    return [f"x{i}" for i in range(n_points)]


def to_pandas(dataset: Dataset) -> Any:
    """Return all parts as one DataFrame, a row per sample.

    Args:
        dataset: the dataset.

    Returns:
        DataFrame with the columns `part` (categorical: train, validation, test, shifted tests),
        `label`, with label noise also `label_clean` and `label_noise` (redrawn), and the points
        `x0`, `x1` and so on. Its `attrs["mnist1d"]` is what `to_parquet` writes to `dataset.json`.

    Raises:
        ModuleNotFoundError: if pandas is not installed.

    >>> from mnist1d import generate
    >>> frame = to_pandas(generate(num_samples=100))
    >>> frame.shape, list(frame.columns[:3]), frame.attrs["mnist1d"]["config"]["num_samples"]
    ((100, 42), ['part', 'label', 'x0'], 100)
    """
    pandas = required("pandas", extra="export")
    tables = [(name, _columns(dataset, name)) for name in dataset.parts]
    frame = pandas.concat([pandas.DataFrame(columns) for _, columns in tables], ignore_index=True)
    names = [name for name, columns in tables for _ in columns["label"]]
    frame.insert(0, "part", pandas.Categorical(names, categories=list(dataset.parts)))
    frame.attrs["mnist1d"] = _description(dataset)
    return frame


def to_parquet(dataset: Dataset, folder: str | PathLike[str]) -> list[Path]:
    """Write one Parquet file per part, and `dataset.json`, into a folder.

    The files are `train.parquet`, `test.parquet` and so on, with the columns of `to_pandas` but
    `part`; their schema also has the description, under the key "mnist1d". Every file is written
    atomically, the description last.

    Args:
        dataset: the dataset.
        folder: where to; made if needed.

    Returns:
        Paths of the files, the description last.

    Raises:
        ModuleNotFoundError: if pyarrow is not installed.
        OSError: if a file cannot be written.

    >>> import tempfile
    >>> from mnist1d import generate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in to_parquet(generate(num_samples=100), folder)]
    ['train.parquet', 'test.parquet', 'dataset.json']
    """
    arrow = required("pyarrow", extra="export")
    parquet = required("pyarrow.parquet", extra="export")
    described = json.dumps(_description(dataset))

    def content(name: str) -> bytes:
        table = arrow.table(_columns(dataset, name))
        buffer = io.BytesIO()
        parquet.write_table(table.replace_schema_metadata({"mnist1d": described}), buffer)
        return buffer.getvalue()

    return _written(dataset, checks.path("folder", folder), "parquet", content)


def to_csv(dataset: Dataset, folder: str | PathLike[str]) -> list[Path]:
    """Write one CSV file per part, and `dataset.json`, into a folder.

    The files are `train.csv`, `test.csv` and so on: a header, then the columns of `to_pandas` but
    `part`. Numbers have as many digits as it takes to read back the same floats. Every file is
    written atomically, the description last.

    Args:
        dataset: the dataset.
        folder: where to; made if needed.

    Returns:
        Paths of the files, the description last.

    Raises:
        OSError: if a file cannot be written.
    """

    def content(name: str) -> bytes:
        columns = _columns(dataset, name)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        # As text, because a float32 that became a Python float would show digits it does not have.
        writer.writerows(zip(*(map(str, _plain(v)) for v in columns.values()), strict=True))
        return text.getvalue().encode()

    return _written(dataset, checks.path("folder", folder), "csv", content)


def to_huggingface(dataset: Dataset) -> Any:
    """Return all parts as a `DatasetDict` of Hugging Face's `datasets`.

    Args:
        dataset: the dataset.

    Returns:
        `DatasetDict` with a split per part and the features `signal` (a list of `length` floats, or
        an array of shape (1, length) with `channel_axis`), `label` (a `ClassLabel`) and, with label
        noise, `label_clean` and `label_noise`. The last line of `info.description` is JSON with the
        configuration; it is kept by `save_to_disk` and `push_to_hub`.

    Raises:
        ModuleNotFoundError: if `datasets` is not installed.
    """
    hf = required("datasets", extra="huggingface")
    config = dataset.config
    if config.channel_axis:
        signal = hf.Array2D(shape=(1, config.final_seq_length), dtype=config.dtype)
    else:
        signal = hf.Sequence(hf.Value(config.dtype), length=config.final_seq_length)
    classes = hf.ClassLabel(names=list(config.label_names))
    kinds = {"signal": signal, "label": classes, "label_clean": classes}
    kinds["label_noise"] = hf.Value("bool")
    description = f"MNIST-1D. Configuration:\n{json.dumps(_description(dataset))}"

    def split(name: str) -> Any:
        columns = {"signal": dataset.parts[name].x, **_labels(dataset, name)}
        features = hf.Features({column: kinds[column] for column in columns})
        info = hf.DatasetInfo(description=description, features=features, license="Apache-2.0")
        return hf.Dataset.from_dict(columns, features=features, info=info, split=name)

    return hf.DatasetDict({name: split(name) for name in dataset.parts})


def _description(dataset: Dataset) -> dict[str, Any]:
    """Return the configuration and constants of a dataset, in the types of JSON."""
    return {
        "format": "mnist1d export",
        "version": 1,
        "config": dataset.config.to_dict(),
        "mean": dataset.mean,
        "std": dataset.std,
        "samples": {name: len(part.y) for name, part in dataset.parts.items()},
        "class_names": list(dataset.config.label_names),
        "t": dataset.t.tolist(),
    }


def _labels(dataset: Dataset, name: str) -> dict[str, np.ndarray]:
    labels = dataset.parts[name].y
    if not dataset.config.label_noise:
        return {"label": labels}
    # The other parts are clean, but their tables have the same columns.
    clean = dataset.y_clean if name == "train" else labels
    mask = dataset.noise_mask if name == "train" else np.zeros(len(labels), dtype=np.bool_)
    return {"label": labels, "label_clean": clean, "label_noise": mask}


def _columns(dataset: Dataset, name: str) -> dict[str, np.ndarray]:
    n_points = dataset.config.final_seq_length
    signals = dataset.parts[name].x.reshape(-1, n_points)
    return _labels(dataset, name) | dict(zip(feature_names(n_points), signals.T, strict=True))


def _plain(values: np.ndarray) -> Any:
    return values if values.dtype == np.float32 else values.tolist()


def _written(
    dataset: Dataset, folder: Path, suffix: str, content: Callable[[str], bytes]
) -> list[Path]:
    """Write a file per part, then the description."""

    def write(name: str, data: bytes) -> Path:
        path = folder / name
        with explained(path), atomic_write(path) as file:
            file.write(data)
        return path

    names = [f"{name}.{suffix}" for name in dataset.parts]
    others = sorted({path.name for path in folder.glob(f"*.{suffix}")} - set(names))
    if others:
        raise FileExistsError(
            errno.EEXIST,
            f"{folder} has files that would be taken for parts of this dataset: "
            f"{', '.join(others[:5])}; choose another folder, or remove them",
        )
    paths = [write(name, content(part)) for name, part in zip(names, dataset.parts, strict=True)]
    description = json.dumps(_description(dataset), indent=1) + "\n"
    return [*paths, write(DESCRIPTION_FILE, description.encode())]
