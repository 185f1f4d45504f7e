"""The class `Dataset`: its parts, printing, saving and loading."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from typing import Any, NamedTuple, Self

import numpy as np

from mnist1d.dataset import archive, checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.templates import Templates

__all__ = ["Dataset", "Samples"]


class Samples(NamedTuple):
    """One part of a dataset.

    Attributes:
        x: signals, shape (n_samples, length) or (n_samples, 1, length).
        y: labels, int64, shape (n_samples,).
    """

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Dataset:
    """A training and a test set, with all that is needed to draw more samples like theirs.

    Two datasets are equal if their configurations, constants and all arrays are equal.

    Attributes:
        x: training signals, standardised, float64 (or `config.dtype`), shape (n_train, length), or
            (n_train, 1, length) with `config.channel_axis`; so are all signals.
        y: training labels 0 ... 9, int64, shape (n_train,), with their noise if there is any.
        x_validation: validation signals, shape (n_validation, length); no rows if not asked for.
        y_validation: validation labels, clean, int64, shape (n_validation,).
        x_test: test signals, shape (n_test, length).
        y_test: test labels, clean, int64, shape (n_test,).
        y_clean: training labels before noise, int64, shape (n_train,).
        noise_mask: which training labels were redrawn, bool, shape (n_train,). Some may have
            drawn their old value: those that are wrong are `y != y_clean`.
        shifted_tests: further test sets by name, of as many samples as the test set.
        t: time axis of the signals, shape (length,), divided by `std` like them.
        templates: the clean signals that the samples were made from.
        config: the parameters.
        mean: mean of all values of training, validation and test part before standardisation.
        std: their population standard deviation.
        column_order: with `shuffle_seq` or `positions`, the position that each column came from,
            int64, shape (length,); otherwise None.
    """

    x: np.ndarray
    y: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    y_clean: np.ndarray
    noise_mask: np.ndarray
    shifted_tests: dict[str, Samples]
    t: np.ndarray
    templates: Templates
    config: DatasetConfig
    mean: float
    std: float
    column_order: np.ndarray | None

    @property
    def parts(self) -> dict[str, Samples]:
        """All parts by name: train, validation if there is one, test, and the shifted test sets.

        The arrays are those of the dataset, not copies.

        >>> from mnist1d import generate
        >>> {name: len(part.y) for name, part in generate(validation=500).parts.items()}
        {'train': 3500, 'validation': 500, 'test': 1000}
        """
        parts = {"train": Samples(self.x, self.y)}
        if self.config.validation:
            parts["validation"] = Samples(self.x_validation, self.y_validation)
        return {**parts, "test": Samples(self.x_test, self.y_test), **self.shifted_tests}

    def as_dict(self) -> dict[str, Any]:
        """Return copies of the arrays in the published package's form.

        Returns:
            Dictionary with the keys x, x_test, y, y_test, t, templates in this order; templates is
            a dictionary with the keys x, t, y.

        >>> from mnist1d import load
        >>> list(load().as_dict())
        ['x', 'x_test', 'y', 'y_test', 't', 'templates']
        """
        arrays = {name: getattr(self, name).copy() for name in ("x", "x_test", "y", "y_test", "t")}
        templates = {name: values.copy() for name, values in self.templates._asdict().items()}
        return {**arrays, "templates": templates}

    def save(self, path: str | PathLike[str]) -> None:
        """Write the dataset to one file, whole or not at all.

        The file is an ordinary .npz archive without pickled objects: `numpy.load` reads the arrays
        under the names that they have here, and `str(file["about"])` is JSON with the
        configuration. Equal datasets give equal bytes. A missing folder is made; an existing file
        is replaced only when the new one is complete.

        Args:
            path: the file, by custom with the ending .npz; nothing is appended.

        Raises:
            IsADirectoryError: if it is a folder.
            OSError: if it cannot be written, for instance because the disk is full.

        >>> import tempfile
        >>> from mnist1d import generate
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     generate(num_samples=100).save(f"{folder}/small.npz")
        ...     Dataset.load(f"{folder}/small.npz")
        Dataset(80 train, 20 test, 40 points; num_samples=100)
        """
        about = {"config": self.config.to_dict(), "mean": self.mean, "std": self.std}
        archive.write(checks.path("path", path), about, self._arrays())

    @classmethod
    def load(cls, path: str | PathLike[str], expected: DatasetConfig | None = None) -> Self:
        """Read a dataset from a file that `save` wrote.

        Nothing in the file is executed. Every array must have the type and shape that the
        configuration requires, and the checksum of the file must be right. (Files of earlier
        versions have only those of zip archives.)

        Args:
            path: the file.
            expected: what the configuration must be; any if omitted.

        Raises:
            FileNotFoundError: if there is no file.
            IsADirectoryError: if it is a folder.
            OSError: if it is no regular file or cannot be read.
            ValueError: if the file is damaged, cut short, of another version or no dataset, or made
                with other parameters than expected. The message says what to do.
        """
        path = checks.path("path", path)
        with archive.opened(path) as file:
            about = file.about
            config, mean, std = _described(about, file.damaged)
            if expected is not None and config != expected:
                found, wanted = (
                    checks.shortened(", ".join(one.differences(other)))
                    for one, other in ((config, expected), (expected, config))
                )
                raise ValueError(
                    f"{path} was made with other parameters: it has {found}; expected was "
                    f"{wanted}; load it without `expected`, or generate the dataset again"
                )
            arrays = file.arrays(_manifest(config))
        for name, values in arrays.items():
            if name.startswith("y") and not np.isin(values, config.labels).all():
                raise file.damaged(f"{name} holds labels that its configuration does not have")
        templates = Templates(*(arrays[f"templates_{name}"] for name in Templates._fields))
        if not np.array_equal(templates.x, config.class_templates().x):
            raise file.damaged("its templates are not those of its configuration")
        shifted = {
            shift.name: Samples(*(arrays[f"{array}_test_{shift.name}"] for array in ("x", "y")))
            for shift in config.shifted_tests
        }
        own = {name: arrays[name] for name in _OWN_ARRAYS}
        return cls(
            **own,
            shifted_tests=shifted,
            templates=templates,
            config=config,
            mean=mean,
            std=std,
            column_order=arrays.get("column_order"),
        )

    def _arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays under the names that they have in a file."""
        arrays = {name: getattr(self, name) for name in _OWN_ARRAYS}
        arrays |= {f"templates_{name}": a for name, a in self.templates._asdict().items()}
        if self.column_order is not None:
            arrays["column_order"] = self.column_order
        for name, samples in self.shifted_tests.items():
            arrays |= {f"x_test_{name}": samples.x, f"y_test_{name}": samples.y}
        return arrays

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        if (self.config, self.mean, self.std) != (other.config, other.mean, other.std):
            return False
        ours, theirs = self._arrays(), other._arrays()
        return ours.keys() == theirs.keys() and all(
            values.dtype == theirs[name].dtype and np.array_equal(values, theirs[name])
            for name, values in ours.items()
        )

    # Arrays are mutable, so that a dataset is not hashable.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(part.y)} {name}" for name, part in self.parts.items())
        changed = ", ".join(self.config.differences()) or "published configuration"
        return f"Dataset({sizes}, {self.x.shape[-1]} points; {changed})"

    def __str__(self) -> str:
        lines = (f"{name:>12}: {text}" for name, text in self._facts())
        return "\n".join([self._title(), *lines])

    def _repr_html_(self) -> str:
        escape = import_module("html").escape  # a table of all of HTML's names, for notebooks
        rows = (
            f"<tr><th>{escape(name)}</th><td style='text-align: left'>{escape(text)}</td></tr>"
            for name, text in self._facts()
        )
        return f"<table><caption>{escape(self._title())}</caption>{''.join(rows)}</table>"

    def _title(self) -> str:
        return "MNIST-1D, " + (", ".join(self.config.differences()) or "the published dataset")

    def _facts(self) -> Iterator[tuple[str, str]]:
        config = self.config
        for name, part in self.parts.items():
            shape = " x ".join(map(str, part.x.shape))
            counts = np.bincount(part.y, minlength=config.n_classes)[list(config.labels)]
            yield name, f"{shape} {part.x.dtype}, per class {' '.join(map(str, counts))}"
        yield "classes", " ".join(config.label_names[label] for label in config.labels)
        if config.label_noise:
            drawn, wrong = int(self.noise_mask.sum()), int((self.y != self.y_clean).sum())
            share = f"{wrong / len(self.y):.1%}"
            text = f"{drawn} training labels redrawn, {wrong} wrong ({share})"
            yield "label noise", f"{config.label_noise_kind}, {text}"
        yield "raw values", f"mean {self.mean:.4g}, standard deviation {self.std:.4g}"


_OWN_ARRAYS = (
    "x",
    "y",
    "x_validation",
    "y_validation",
    "x_test",
    "y_test",
    "y_clean",
    "noise_mask",
    "t",
)


def _manifest(config: DatasetConfig) -> dict[str, archive.Form]:
    """Return type and shape of every array in the file of a dataset."""
    length = config.final_seq_length
    signal = (1, length) if config.channel_axis else (length,)
    forms: dict[str, archive.Form] = {}

    def add(suffix: str, n: int) -> None:
        forms[f"x{suffix}"] = (config.dtype, (n, *signal))
        forms[f"y{suffix}"] = ("int64", (n,))

    add("", config.n_train)
    add("_validation", config.n_validation)
    add("_test", config.n_test)
    forms["y_clean"] = ("int64", (config.n_train,))
    forms["noise_mask"] = ("bool", (config.n_train,))
    forms["t"] = (config.dtype, (length,))
    forms["templates_x"] = ("float64", (config.n_classes, config.template_len))
    forms["templates_t"] = ("float64", (config.template_len,))
    forms["templates_y"] = ("int64", (config.n_classes,))
    if config.shuffle_seq or config.positions != "original":
        forms["column_order"] = ("int64", (length,))
    for shift in config.shifted_tests:
        add(f"_test_{shift.name}", config.n_test)
    return forms


def _described(
    about: Mapping[str, Any], damaged: archive.Damaged
) -> tuple[DatasetConfig, float, float]:
    """Return configuration and constants from the description in a file."""
    try:
        config = DatasetConfig.from_dict(about["config"])
        mean, std = (checks.real(name, about[name]) for name in ("mean", "std"))
    except KeyError as error:
        raise damaged(f"it does not say its {error.args[0]}") from None
    except (TypeError, ValueError) as error:
        raise damaged(f"its description is wrong: {error}") from None
    if std <= 0:
        raise damaged(f"its constants {mean}, {std} are wrong")
    return config, mean, std
