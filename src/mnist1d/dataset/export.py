"""Export of datasets to pandas, Parquet, CSV and Hugging Face, with their configuration."""

import csv
import errno
import io
import json
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.archive import explained
from mnist1d.dataset.atomic import atomic_write
from mnist1d.dataset.dataset import Dataset
from mnist1d.dataset.imports import required

__all__ = [
    "columns_of",
    "csv_of",
    "description_of",
    "feature_names",
    "label_columns",
    "to_csv",
    "to_huggingface",
    "to_pandas",
    "to_parquet",
]

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
    tables = [(name, columns_of(dataset, name)) for name in dataset.parts]
    frame = pandas.concat([pandas.DataFrame(columns) for _, columns in tables], ignore_index=True)
    names = [name for name, columns in tables for _ in columns["label"]]
    frame.insert(0, "part", pandas.Categorical(names, categories=list(dataset.parts)))
    frame.attrs["mnist1d"] = description_of(dataset)
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
    described = json.dumps(description_of(dataset))

    def content(name: str) -> bytes:
        table = arrow.table(columns_of(dataset, name))
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
    return _written(
        dataset,
        checks.path("folder", folder),
        "csv",
        lambda name: csv_of(columns_of(dataset, name)),
    )


def csv_of(columns: Mapping[str, np.ndarray]) -> bytes:
    r"""Return a table as the content of a CSV file: a header, then a line per row.

    >>> csv_of({"label": np.array([3, 8]), "x0": np.array([0.1, 0.2], dtype=np.float32)})
    b'label,x0\n3,0.1\n8,0.2\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    # As text, because a float32 that became a Python float would show digits it does not have.
    writer.writerows(zip(*(map(str, _plain(v)) for v in columns.values()), strict=True))
    return text.getvalue().encode()


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
    description = f"MNIST-1D. Configuration:\n{json.dumps(description_of(dataset))}"

    def split(name: str) -> Any:
        columns = {"signal": dataset.parts[name].x, **label_columns(dataset, name)}
        features = hf.Features({column: kinds[column] for column in columns})
        info = hf.DatasetInfo(description=description, features=features, license="Apache-2.0")
        return hf.Dataset.from_dict(columns, features=features, info=info, split=name)

    return hf.DatasetDict({name: split(name) for name in dataset.parts})


def description_of(dataset: Dataset) -> dict[str, Any]:
    """Return the configuration and constants of a dataset, in the types of JSON.

    >>> from mnist1d import generate
    >>> description_of(generate(num_samples=100))["samples"]
    {'train': 80, 'test': 20}
    """
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


def label_columns(dataset: Dataset, name: str) -> dict[str, np.ndarray]:
    """Return the labels of a part; with label noise also those before it, and which it redrew.

    >>> from mnist1d import generate
    >>> list(label_columns(generate(num_samples=100, label_noise=0.5), "train"))
    ['label', 'label_clean', 'label_noise']
    """
    labels = dataset.parts[name].y
    if not dataset.config.label_noise:
        return {"label": labels}
    # The other parts are clean, but their tables have the same columns.
    clean = dataset.y_clean if name == "train" else labels
    mask = dataset.noise_mask if name == "train" else np.zeros(len(labels), dtype=np.bool_)
    return {"label": labels, "label_clean": clean, "label_noise": mask}


def columns_of(dataset: Dataset, name: str) -> dict[str, np.ndarray]:
    """Return a part as a table: its labels, then a column per point."""
    n_points = dataset.config.final_seq_length
    signals = dataset.parts[name].x.reshape(-1, n_points)
    return label_columns(dataset, name) | dict(zip(feature_names(n_points), signals.T, strict=True))


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
    description = json.dumps(description_of(dataset), indent=1) + "\n"
    return [*paths, write(DESCRIPTION_FILE, description.encode())]
