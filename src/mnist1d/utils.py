"""The published interface: seeds, pickles, argument objects and the row of ten signals."""

# ruff: noqa: NPY002 (the global random state is the one that programs seed here)

import os
import pickle
import random
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write, check_regular
from mnist1d.published import reexports
from mnist1d.published.object_view import ObjectView
from mnist1d.published.pickles import PROTOCOL
from mnist1d.transform import transform

__all__ = [
    "ObjectView",
    "from_pickle",
    "np",
    "pickle",
    "plot_signals",
    "random",
    "set_seed",
    "to_pickle",
    "transform",
]

_N_PANELS = 10

_FOREIGN = {"plt": "matplotlib.pyplot"}
# What is installed is known only now.
__all__ += reexports.installed(_FOREIGN)  # noqa: PLE0605
if not TYPE_CHECKING:
    __getattr__ = reexports.loader(__name__, _FOREIGN)


def set_seed(seed: int | None) -> None:
    """Seed Python's `random` and NumPy's global random state, and nothing else.

    PyTorch, JAX and NumPy's own generators (`np.random.default_rng`) are not touched.

    Args:
        seed: 0 to 2**32 - 1, also as one of NumPy's integers; None for a seed from the operating
            system.

    Raises:
        TypeError: if the seed is no integer.
        ValueError: if it is out of range. Python's generator has then been seeded.

    Source:
        reference `set_seed`.

    >>> set_seed(42)
    >>> random.random(), float(np.random.rand())
    (0.6394267984578837, 0.3745401188473625)
    """
    # Python's own refuses NumPy's integers.
    seed = int(seed) if isinstance(seed, np.integer) else seed
    random.seed(seed)
    np.random.seed(seed)


def to_pickle(thing: Any, path: str | os.PathLike[str]) -> None:
    """Write anything that can be pickled into a file, whole or not at all, in protocol 3.

    Args:
        thing: what to write.
        path: the file; missing folders are made, an existing file is replaced.

    Raises:
        OSError: if the file cannot be written.
        pickle.PicklingError, TypeError, AttributeError: if the thing cannot be pickled. An existing
            file is then still there.

    Source:
        reference `to_pickle`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_pickle({"x": [1, 2, 3]}, f"{folder}/thing.pkl")
    ...     from_pickle(f"{folder}/thing.pkl")
    {'x': [1, 2, 3]}
    """
    with atomic_write(checks.path("path", path)) as file:
        pickle.dump(thing, file, protocol=PROTOCOL)


def from_pickle(path: str | os.PathLike[str]) -> Any:
    """Read a pickle of one's own. WARNING: reading a pickle executes what is in it.

    This is Python's plain `pickle.load`, as published, for files whose author you know: they may
    hold models and anything else. A file from elsewhere can do to your computer anything that you
    can do. `mnist1d.data.get_dataset` reads datasets safely: it admits nothing but arrays.

    Args:
        path: the file.

    Returns:
        What was written.

    Raises:
        OSError: if the file cannot be read, or is no regular file.
        Exception: of any kind, if it is damaged.

    Source:
        reference `from_pickle`.
    """
    file_path = checks.path("path", path)
    check_regular(file_path)
    with file_path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 (this is what it is for, and the docstring warns)


def plot_signals(
    xs: Any,
    t: ArrayLike,
    labels: Sequence[Any] | np.ndarray | None = None,
    args: Any = None,
    ratio: float = 2.6,
    do_transform: bool = False,
    dark_mode: bool = False,
    zoom: float = 1,
) -> Any:
    """Draw the first ten signals in a row, upright: heights to the right, time downwards.

    Works through `matplotlib.pyplot`, which is loaded by the first call, and shows the figure.
    Without `do_transform` nothing is drawn from any random state.

    Args:
        xs: signals, shape (n_signals, length) or a list of them; the first ten are drawn.
        t: their time axis, shape (length,).
        labels: for each signal what the title says, or None for no titles.
        args: with `do_transform`, the parameters, as `mnist1d.data.get_dataset_args` gives them.
        ratio: height of a panel, in widths of a panel.
        do_transform: whether to draw a random sample made from each signal, by
            `mnist1d.transform.transform`, in place of the signal.
        dark_mode: white dots on black, in place of a black line on white.
        zoom: heights and times run from -zoom to zoom.

    Returns:
        The figure, of ten panels (fewer if there are fewer signals), 15 by 1.5 * ratio inches.

    Raises:
        ImportError: if matplotlib is not installed.
        AssertionError: if signals are to be transformed without `args`, as published.

    Source:
        reference `plot_signals`.

    >>> from mnist1d.data import get_templates
    >>> templates = get_templates()
    >>> figure = plot_signals(templates["x"], templates["t"], ratio=1.33)  # doctest: +SKIP
    """
    try:
        plt = import_module("matplotlib.pyplot")
    except ImportError as error:
        raise ImportError(
            "plot_signals draws with matplotlib; install it with: pip install matplotlib"
        ) from error
    if do_transform and args is None:
        raise AssertionError("do_transform=True needs args, the parameters of the transformation")
    figure = plt.figure(figsize=(1.5 * _N_PANELS, 1.5 * ratio), dpi=60)
    for i in range(min(_N_PANELS, len(xs))):
        panel = plt.subplot(1, _N_PANELS, i + 1)
        x, y = transform(xs[i], t, args) if do_transform else (xs[i], t)
        if dark_mode:
            panel.plot(x, y, "wo", linewidth=6)
            panel.set_facecolor("k")
        else:
            panel.plot(x, y, "k-", linewidth=2)
        if labels is not None:
            panel.set_title(f"label={labels[i]}", fontsize=22)
        panel.set_xlim(-zoom, zoom)
        panel.set_ylim(zoom, -zoom)
        panel.set_xticks([])
        panel.set_yticks([])
    plt.subplots_adjust(wspace=0, hspace=0)
    plt.tight_layout()
    plt.show()
    return figure
