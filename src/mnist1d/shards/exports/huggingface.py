"""A dataset as a folder for Hugging Face: Parquet, a card, and its description as Croissant."""

import io
import json
from pathlib import Path
from typing import Any

from mnist1d.dataset import checks
from mnist1d.dataset.dataset import Dataset
from mnist1d.dataset.export import DESCRIPTION_FILE, description_of, label_columns
from mnist1d.dataset.imports import required
from mnist1d.shards.exports.croissant import croissant
from mnist1d.shards.exports.folder import write_folder
from mnist1d.shards.exports.texts import card

__all__ = ["write_huggingface"]


def write_huggingface(dataset: Dataset, folder: checks.StrPath) -> list[Path]:
    """Write a dataset into a folder that can be uploaded to Hugging Face as it is.

    Each part is a split: `data/train.parquet` and so on, with the columns `signal`, `label` and,
    with label noise, `label_clean` and `label_noise`; the files say which labels are classes.
    README.md is the card, `croissant.json` the description in the format Croissant 1.1,
    `dataset.json` the configuration, `SHA256SUMS` the checksums. `datasets.load_dataset(FOLDER)`
    reads it. Nothing is sent anywhere.

    Args:
        dataset: the dataset. A channel axis is left out.
        folder: where to; made if needed. It may hold an earlier export, which is replaced, and
            nothing else but hidden files, such as those of a clone.

    Returns: the paths of the files.

    Raises:
        ModuleNotFoundError: if pyarrow is not installed.
        FileExistsError: if there is anything else in the folder.
        OSError: if a file cannot be written.

    >>> import tempfile
    >>> from mnist1d import generate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_huggingface(generate(num_samples=100), folder)
    ...     [path.relative_to(folder).as_posix() for path in paths[:4]]
    ['data/train.parquet', 'data/test.parquet', 'croissant.json', 'README.md']
    """
    contents = {f"data/{name}.parquet": _parquet(dataset, name) for name in dataset.parts}
    described = croissant(dataset, contents)
    contents["croissant.json"] = _json(described)
    contents["README.md"] = card(dataset).encode()
    contents[DESCRIPTION_FILE] = _json(description_of(dataset))
    return write_folder(checks.path("folder", folder), contents)


def _parquet(dataset: Dataset, name: str) -> bytes:
    arrow = required("pyarrow", extra="shards")
    parquet = required("pyarrow.parquet", extra="shards")
    config = dataset.config
    x = dataset.parts[name].x.reshape(-1, config.final_seq_length)
    signals = arrow.FixedSizeListArray.from_arrays(x.reshape(-1), config.final_seq_length)
    labels = label_columns(dataset, name)
    classes = {"names": list(config.label_names), "_type": "ClassLabel"}
    # The word of all versions of `datasets` for a list of known length.
    signal = {
        "feature": {"dtype": config.dtype, "_type": "Value"},
        "length": config.final_seq_length,
        "_type": "Sequence",
    }
    kinds = {"signal": signal, "label": classes, "label_clean": classes}
    kinds["label_noise"] = {"dtype": "bool", "_type": "Value"}
    table = arrow.table({"signal": signals, **labels})
    features = {column: kinds[column] for column in table.column_names}
    described = {
        "huggingface": json.dumps({"info": {"features": features}}),
        "mnist1d": json.dumps(description_of(dataset)),
    }
    buffer = io.BytesIO()
    # Noise does not compress, and the output of a codec depends on its version.
    parquet.write_table(
        table.replace_schema_metadata(described),
        buffer,
        compression="none",
        use_dictionary=False,
    )
    return buffer.getvalue()


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
