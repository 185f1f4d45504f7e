"""The published interface: generate the dataset as a dictionary, or read it from its file.

It is for programs written for the published package: same arguments, same arrays, same random state
afterwards. New programs use `mnist1d.generate`. docs/compatibility.md lists what is the same and
what differs.
"""

import copy
import operator
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import check_regular
from mnist1d.dataset.config import SIGNAL_PARAMETERS, DatasetConfig
from mnist1d.dataset.generation import draw_transforms
from mnist1d.dataset.synthesis import synthesise
from mnist1d.dataset.templates import digit_templates
from mnist1d.published import provenance, reexports
from mnist1d.published.arguments import NAMES, Arguments, differences, given, nearest, unread
from mnist1d.published.pickles import read_arrays, write_arrays
from mnist1d.transform import interpolate, transform
from mnist1d.utils import ObjectView, from_pickle, set_seed, to_pickle

__all__ = [
    "ObjectView",
    "from_pickle",
    "get_dataset",
    "get_dataset_args",
    "get_templates",
    "make_dataset",
    "np",
    "os",
    "set_seed",
    "to_pickle",
    "transform",
]

_FOREIGN = {"mnist1d": "mnist1d", "requests": "requests"}
# What is installed is known only now.
__all__ += reexports.installed(_FOREIGN)  # noqa: PLE0605
if not TYPE_CHECKING:
    __getattr__ = reexports.loader(__name__, _FOREIGN)

Data: TypeAlias = dict[str, Any]

_DEFAULT_PATH = "./mnist1d_data.pkl"
_DEFAULT_SHUFFLED_PATH = "./mnist1d_data_shuffled.pkl"
_URL = "https://github.com/greydanus/mnist1d/raw/master/mnist1d_data.pkl"
# Values of one kind of noise that are drawn before they are used and dropped.
_PIECE_VALUES = 2**20


def get_dataset_args(as_dict: bool = False) -> Any:
    """Return the parameters of the published dataset, which the caller may change.

    They mean what the fields of `mnist1d.DatasetConfig` of the same names mean. There is one more,
    `url`, the address of the published file, which nothing reads.

    Args:
        as_dict: whether to return a dictionary.

    Returns:
        An object with the parameters as attributes, or a dictionary; a new one at every call.

    Source:
        reference `get_dataset_args`.

    >>> args = get_dataset_args()
    >>> args.num_samples = 10_000
    >>> args.padding
    [36, 60]
    >>> get_dataset_args(as_dict=True)["seed"]
    42
    """
    arguments = {**given(None), "url": _URL}
    return arguments if as_dict else ObjectView(arguments)


def get_templates() -> dict[str, np.ndarray]:
    """Return the ten digit templates as a dictionary.

    Returns:
        x: heights, float64, shape (10, 12); t: time axis, float64, shape (12,); y: labels, int64,
        shape (10,). New arrays at every call.

    Source:
        reference `get_templates`.

    >>> {name: values.shape for name, values in get_templates().items()}
    {'x': (10, 12), 't': (12,), 'y': (10,)}
    """
    return digit_templates()._asdict()


def make_dataset(args: Any = None, template: Mapping[str, Any] | None = None) -> Data:
    """Generate a dataset.

    Seeds Python's and NumPy's global random state with `args.seed` and leaves them where the
    published package does, so that a program draws the same numbers afterwards.

    Args:
        args: any object with the parameters as attributes, as from `get_dataset_args`; all of them
            but `url` are needed. None for the published ones. Beyond what `DatasetConfig` takes,
            everything that works in the published package works here: a reversed padding, a
            `train_split` that leaves one side empty, a truthy `shuffle_seq`, a list of shifts as
            `max_translation`, and a `template_len` that is not the templates' length (it changes
            the stretched length alone). An attribute that nothing reads causes a warning.
        template: templates in place of the digits, a mapping with the keys x (signals, one per
            class), t (their time axis) and y (labels, of any type).

    Returns:
        Dictionary with the keys, in this order, x (float64, shape (n_train, final_seq_length)),
        x_test, y (int64 or the type of the templates' labels, shape (n_train,)), y_test, t
        (float64, shape (final_seq_length,)) and templates (a dictionary with x, t, y). All arrays
        are new and writeable.

    Raises:
        AttributeError: if a parameter is missing.
        ValueError: if there is no sample, or a value is out of range.
        TypeError: if a value is of the wrong type.

    Source:
        reference `make_dataset`.

    >>> args = get_dataset_args()
    >>> args.num_samples = 1000
    >>> data = make_dataset(args)
    >>> list(data), data["x"].shape
    (['x', 'x_test', 'y', 'y_test', 't', 'templates'], (800, 40))
    """
    _warn_of_unread(args)
    return _made(given(args), template)


def get_dataset(
    args: Any,
    path: str | os.PathLike[str] | None = None,
    verbose: bool = True,
    download: bool = True,
    regenerate: bool = False,
    **kwargs: Any,
) -> Data:
    """Read a dataset from its file, or make it and write the file.

    A file that this function wrote records the arguments it was made for. It is returned for these
    and replaced for others, so that the result is always what the arguments describe. A file of
    other origin has no such record: it is returned as it is, with a warning if the arguments
    contradict it. Reading executes nothing in a file; writing is atomic.

    Args:
        args: the parameters, as for `make_dataset`. Those needed to make a dataset may be missing
            while there is a file to read; None means the published ones.
        path: the file; by default ./mnist1d_data.pkl, or ./mnist1d_data_shuffled.pkl if
            `args.shuffle_seq` is set. Missing folders are made.
        verbose: whether to print what happens.
        download: accepted, and without effect: the dataset is always made locally. (The published
            package fetches the published file, even if the arguments describe another.) If the
            arguments differ from the published ones, a warning says that they were followed.
        regenerate: whether to make the dataset again and replace the file. Excludes `download`.
        **kwargs: `template`, as for `make_dataset`; or single parameters, before those of `args`.
            Others change nothing, and a warning names them.

    Returns:
        As from `make_dataset`. If a file is read, nothing is drawn or seeded; if the dataset is
        made, the random state afterwards is that after `make_dataset`.

    Raises:
        AssertionError: if both `download` and `regenerate` are set, as published.
        AttributeError, TypeError, ValueError: as from `make_dataset`.
        pickle.UnpicklingError: if the file is damaged, or holds anything but arrays in plain
            containers. It is then left as it is. (An empty file counts as none.)
        OSError: if the file cannot be read or written.

    Source:
        reference `get_dataset`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/data.pkl"
    ...     first = get_dataset(get_dataset_args(), path, download=False)
    ...     second = get_dataset(get_dataset_args(), path, download=False)
    Did or could not load data from ...data.pkl. Rebuilding dataset...
    Successfully loaded data from ...data.pkl
    """
    if download and regenerate:
        raise AssertionError(
            "download=True and regenerate=True contradict each other; to make the dataset again, "
            "pass download=False"
        )
    template = kwargs.pop("template", None)
    _warn_of_unread(args)
    _warn_of("keywords of get_dataset", [name for name in kwargs if name not in (*NAMES, "url")])
    arguments = given(args) | {name: kwargs[name] for name in NAMES if name in kwargs}
    wanted = provenance.note(arguments, template)
    if path is None:
        path = _DEFAULT_SHUFFLED_PATH if arguments.get("shuffle_seq") else _DEFAULT_PATH
    expanded, text = checks.path("path", path), os.fsdecode(path)
    # A path object drops the dot of "./data.pkl", which programs expect in what is printed.
    path = str(expanded) if text.startswith("~") else text
    say = print if verbose else _keep_silent
    if not regenerate and _holds_something(expanded):
        if download:
            say("File already exists. Skipping download.")
        data, of_file = read_arrays(path)
        if of_file is None:
            _warn_of_contradictions(provenance.contradictions(data, arguments, template), path)
        if of_file is None or provenance.agrees(of_file, wanted):
            say(f"Successfully loaded data from {path}")
            return data
    say(f"Did or could not load data from {path}. Rebuilding dataset...")
    data = _made(arguments, template)
    if download:
        _warn_of_not_downloading(arguments, template)
    write_arrays(data, path, wanted)
    return data


def _made(arguments: Arguments, template: Mapping[str, Any] | None) -> Data:
    missing = [name for name in NAMES if name not in arguments]
    if missing:
        raise AttributeError(
            f"args has no attribute {missing[0]!r}, and to make a dataset needs "
            f"{', '.join(missing)}. get_dataset_args() returns an object with all parameters; "
            "ObjectView(d) makes one of a dictionary d"
        )
    set_seed(arguments["seed"])
    templates = get_templates() if template is None else copy.deepcopy(template)
    labels = np.asarray(templates["y"])
    n_each = operator.index(arguments["num_samples"] // len(labels))
    if n_each < 1:
        raise ValueError(
            f"num_samples={arguments['num_samples']} leaves no sample for each of the "
            f"{len(labels)} templates; it must be at least {len(labels)}"
        )
    config = _batch_configuration(arguments, templates)
    if config is None:
        x, t = _one_by_one(arguments, templates, n_each)
    else:
        x, t = _in_batches(config, templates, n_each)
    order = np.random.permutation(len(x))  # noqa: NPY002 (the stream is the published one)
    x, y = x[order], np.repeat(labels, n_each, axis=0)[order]
    if arguments["shuffle_seq"]:
        columns = np.random.permutation(arguments["final_seq_length"])  # noqa: NPY002 (as above)
        x = x.take(columns, axis=-1)
    mean, std = x.mean(), x.std()
    x -= mean
    x /= std
    t = t / std
    n_train = int(len(x) * arguments["train_split"])
    return {
        "x": x[:n_train],
        "x_test": x[n_train:],
        "y": y[:n_train],
        "y_test": y[n_train:],
        "t": t,
        "templates": templates,
    }


def _one_by_one(
    arguments: Arguments, templates: Mapping[str, Any], n_each: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return signals and time axis for arguments that the batched synthesis does not support."""
    args = ObjectView(arguments)
    samples = [
        transform(templates["x"][i], templates["t"], args)
        for i in range(len(templates["y"]))
        for _ in range(n_each)
    ]
    return np.stack([x for x, _ in samples]), samples[-1][1]


def _in_batches(
    config: DatasetConfig, templates: Mapping[str, Any], n_each: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return signals and time axis, generated in batches: many times faster."""
    heights = np.asarray(templates["x"], dtype=np.float64)
    n_samples = n_each * len(templates["y"])
    x = np.empty((n_samples, config.final_seq_length))
    rng = np.random.RandomState(0)
    rng.set_state(np.random.get_state())  # noqa: NPY002 (the stream is the published one)
    size = max(1, _PIECE_VALUES // config.stretched_length)
    for start in range(0, n_samples, size):
        source = np.arange(start, min(start + size, n_samples)) // n_each
        draws = draw_transforms(config, rng, len(source))
        x[start : start + size] = synthesise(heights, source, draws, config)
    np.random.set_state(rng.get_state())  # noqa: NPY002 (as above)
    t = interpolate(templates["t"], config.stretched_length)
    return x, interpolate(t, config.final_seq_length)


def _batch_configuration(
    arguments: Arguments, templates: Mapping[str, Any]
) -> DatasetConfig | None:
    """Return the configuration for the batched synthesis, or None if it lacks these arguments."""
    heights = templates["x"]
    if (
        not isinstance(heights, np.ndarray)
        or not (heights.dtype == np.float64 or heights.dtype.kind in "iu")
        or heights.ndim != 2
        or len(heights) < len(templates["y"])
        or heights.shape[1] < 2
        or not np.isfinite(heights).all()
    ):
        return None
    values = {name: arguments[name] for name in SIGNAL_PARAMETERS}
    # With a float32 the published steps continue in that precision.
    if any(isinstance(v, np.floating) and not isinstance(v, float) for v in values.values()):
        return None
    try:
        # Only their length matters here, which may differ from that of the templates in use.
        lengths = ((0.0,) * operator.index(arguments["template_len"]),)
        return DatasetConfig(templates=lengths, **values)
    except (TypeError, ValueError):
        return None


def _holds_something(file: Path) -> bool:
    check_regular(file)
    return file.exists() and file.stat().st_size > 0


def _warn_of_unread(args: Any) -> None:
    _warn_of("attributes of args", [] if args is None else unread(args), stacklevel=4)


def _warn_of(what: str, names: Sequence[str], stacklevel: int = 3) -> None:
    """Warn of names that nothing reads."""
    hints = {name: nearest(name, "template").replace("'", "") for name in names}
    found = ", ".join(f"{name} ({hint})" if hint else name for name, hint in hints.items())
    if found:
        warnings.warn(f"nothing reads these {what}: {found}", stacklevel=stacklevel)


def _warn_of_contradictions(found: list[str], path: str | os.PathLike[str]) -> None:
    if found:
        warnings.warn(
            f"{path} does not say what arguments it was made for, and it holds {'; '.join(found)}. "
            "It is returned as it is; regenerate=True with download=False replaces it by what the "
            "arguments describe",
            stacklevel=3,
        )


def _warn_of_not_downloading(arguments: Arguments, template: Mapping[str, Any] | None) -> None:
    different = [f"{name}={arguments[name]!r}" for name in differences(arguments)]
    if template is not None:
        different.append("templates of its own")
    if different:
        warnings.warn(
            f"this dataset was made as the arguments say ({', '.join(different)}); it is not the "
            "published one, which download=True stands for. If that is meant, pass download=False",
            stacklevel=3,
        )


def _keep_silent(_message: str) -> None:
    """Print nothing."""
