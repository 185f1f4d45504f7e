"""The description of exported files as Croissant 1.1, the format of MLCommons (JSON-LD)."""

import hashlib
from collections.abc import Mapping
from typing import Any

from mnist1d.dataset.dataset import Dataset
from mnist1d.dataset.export import label_columns
from mnist1d.shards.exports.texts import CITATION, PAPER, TITLE, summary

__all__ = ["croissant"]

_VERSION = "1.0.0"  # of the data, not of the program: a seed keeps its samples
_CROISSANT = "http://mlcommons.org/croissant/"
_OWN_WORDS = (
    "arrayShape citeAs column conformsTo containedIn equivalentProperty extract field "
    "fileProperty fileObject fileSet format includes isArray isLiveDataset jsonPath key md5 "
    "parentField path recordSet references regex repeated replace samplingRate separator source "
    "subField transform"
)
# What `mlcroissant` takes for the context of version 1.1.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": _CROISSANT,
    "rai": f"{_CROISSANT}RAI/",
    "dct": "http://purl.org/dc/terms/",
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{word: f"cr:{word}" for word in _OWN_WORDS.split()},
    "conformsTo": "dct:conformsTo",
}
_MEANINGS = {
    "signal": "The points of the signal, standardised.",
    "label": "The class.",
    "label_clean": "The class before label noise.",
    "label_noise": "Whether label noise redrew the class.",
}
_TYPES = {"label_noise": "sc:Boolean", "float32": "cr:Float32", "float64": "cr:Float64"}


def croissant(dataset: Dataset, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the description of a dataset whose parts are Parquet files.

    Args:
        dataset: the dataset.
        files: contents of the files `data/PART.parquet`, by their paths.

    Returns: the types of JSON.

    >>> from mnist1d import generate
    >>> described = croissant(generate(num_samples=100), {"data/train.parquet": b"..."})
    >>> described["conformsTo"], [each["@id"] for each in described["recordSet"]]
    ('http://mlcommons.org/croissant/1.1', ['train', 'test'])
    """
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": f"{_CROISSANT}1.1",
        "name": TITLE,
        "description": summary(dataset),
        "version": _VERSION,
        "license": "https://spdx.org/licenses/Apache-2.0.html",
        "url": PAPER,
        "citeAs": CITATION,
        "creator": [
            {"@type": "sc:Person", "name": name} for name in ("Sam Greydanus", "Dmitry Kobak")
        ],
        "datePublished": "2020-11-29",
        "keywords": ["synthetic", "time series", "classification", "benchmark"],
        "isLiveDataset": False,
        "rai:dataCollection": "Drawn by a program from a random seed; nothing was measured.",
        "rai:dataLimitations": "The signals resemble no measured ones: what helps here need not "
        "help elsewhere.",
        "rai:dataUseCases": "Research and teaching on learning from small data, on one machine.",
        "rai:personalSensitiveInformation": "None.",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path.rpartition("/")[2],
                "contentUrl": path,
                "contentSize": f"{len(content)} B",
                "encodingFormat": "application/x-parquet",
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for path, content in files.items()
        ],
        "recordSet": [_record_set(dataset, name) for name in dataset.parts],
    }


def _record_set(dataset: Dataset, part: str) -> dict[str, Any]:
    n = len(dataset.parts[part].y)
    columns = ["signal", *label_columns(dataset, part)]
    return {
        "@type": "cr:RecordSet",
        "@id": part,
        "name": part,
        "description": f"The part {part}: {n} samples.",
        "field": [_field(dataset, part, column) for column in columns],
    }


def _field(dataset: Dataset, part: str, column: str) -> dict[str, Any]:
    config = dataset.config
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{part}/{column}",
        "name": column,
        "description": _MEANINGS[column],
        "dataType": _TYPES.get(column, "sc:Integer"),
        "source": {
            "fileObject": {"@id": f"data/{part}.parquet"},
            "extract": {"column": column},
        },
    }
    if column == "signal":
        shape = {"isArray": True, "arrayShape": str(config.final_seq_length)}
        field |= {"dataType": _TYPES[config.dtype]} | shape
    return field
