"""What exported folders say of themselves: the layout of files, the card of Hugging Face."""

from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.dataset import Dataset

__all__ = ["CITATION", "PAPER", "TITLE", "card", "layout", "summary"]

TITLE = "MNIST-1D"
PAPER = "https://arxiv.org/abs/2011.14439"
CITATION = """\
@inproceedings{greydanus2024scaling,
  title = {Scaling Down Deep Learning with {MNIST-1D}},
  author = {Greydanus, Sam and Kobak, Dmitry},
  booktitle = {Proceedings of the 41st International Conference on Machine Learning},
  year = {2024}
}"""
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def summary(dataset: Dataset) -> str:
    """Return in a sentence or two which dataset it is.

    >>> from mnist1d import generate
    >>> print(summary(generate(seed=7, dtype="float32")))
    Generated signals of 40 points in 10 classes. It differs from the published dataset in: seed=7.
    """
    config = dataset.config
    n_classes = len(config.labels)
    text = f"Generated signals of {config.final_seq_length} points in {n_classes} classes. "
    differences = config.replace(dtype=DatasetConfig().dtype).differences()
    if differences:
        return f"{text}It differs from the published dataset in: {', '.join(differences)}."
    return f"{text}It is the published dataset."


def card(dataset: Dataset) -> str:
    """Return the card of a dataset on Hugging Face: metadata in YAML, then Markdown."""
    n = sum(len(part.y) for part in dataset.parts.values())
    noise = "- `label_clean`, `label_noise`: the class before label noise, whether it was redrawn\n"
    return _filled(
        "card.md",
        dataset,
        size=next((name for limit, name in _SIZES if n < limit), "n>1M"),
        files="".join(
            f"  - split: {name}\n    path: data/{name}.parquet\n" for name in dataset.parts
        ),
        classes=", ".join(dataset.config.label_names),
        noise=noise if dataset.config.label_noise else "",
        citation=CITATION,
    )


def layout(dataset: Dataset, n_of_stream: int) -> str:
    """Return the description of a folder with files for any language."""
    config = dataset.config
    length = config.final_seq_length
    noise = "`label_clean`, `label_noise` (the class before label noise, whether it was redrawn), "
    return _filled(
        "layout.md",
        dataset,
        noise=noise if config.label_noise else "",
        last=length - 1,
        shape=f"(1, {length})" if config.channel_axis else f"({length},)",
        ending="f64" if config.dtype == "float64" else "f32",
        last_of_stream=n_of_stream - 1,
    )


def _filled(template: str, dataset: Dataset, **values: Any) -> str:
    text = Path(__file__).with_name(template).read_text(encoding="utf-8")
    return Template(text).substitute(
        title=TITLE,
        paper=PAPER,
        summary=summary(dataset),
        table=_table(dataset),
        length=dataset.config.final_seq_length,
        dtype=dataset.config.dtype,
        **values,
    )


def _table(dataset: Dataset) -> str:
    config = dataset.config
    names = [config.label_names[label] for label in config.labels]
    lines = [f"| part | samples | {' | '.join(names)} |", f"|---|---|{'---|' * len(names)}"]
    for name, part in dataset.parts.items():
        counts = np.bincount(part.y, minlength=config.n_classes)[list(config.labels)]
        lines.append(f"| {name} | {len(part.y)} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)
