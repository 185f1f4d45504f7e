"""MNIST-1D with the conventions of scikit-learn's dataset loaders."""

from typing import Any

import numpy as np

from mnist1d.dataset import Dataset, checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.export import feature_names
from mnist1d.dataset.imports import required

__all__ = ["Bunch", "load_mnist1d"]


class Bunch(dict[str, Any]):
    """A dictionary whose keys are attributes as well, as in scikit-learn.

    >>> Bunch(target=3).target
    3
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]


def load_mnist1d(
    *,
    subset: str = "train",
    return_X_y: bool = False,
    as_frame: bool = False,
    source: Dataset | DatasetConfig | None = None,
    **parameters: Any,
) -> Any:
    """Generate MNIST-1D and return one part of it as `sklearn.datasets` would.

    Neither scikit-learn nor a download is needed; pandas only for frames.

    Args:
        subset: "train", "test", "all" for all training, validation and test samples, or any other
            part by name.
        return_X_y: whether to return signals and labels alone.
        as_frame: whether signals are a DataFrame and labels a Series of pandas.
        source: a dataset, or a configuration to generate one of; the published one if omitted.
        **parameters: fields of `DatasetConfig` to set or to replace.

    Returns:
        With `return_X_y`, signals of shape (n_samples, length) and labels of shape (n_samples,).
        Otherwise a dictionary with attributes: `data`, `target`, `feature_names`, `target_names`,
        `frame` (both together, or None without `as_frame`), `DESCR`, and `dataset`, which has all
        parts.

    Raises:
        ModuleNotFoundError: if a frame is asked for and pandas is not installed.
        TypeError: if an argument is of the wrong type, or no parameter.
        ValueError: if there is no such part, or a parameter is out of range.

    >>> X, y = load_mnist1d(return_X_y=True)
    >>> X.shape, y.shape
    ((4000, 40), (4000,))
    >>> load_mnist1d(subset="test", classes=(3, 8)).target_names
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
    """
    if isinstance(source, Dataset):
        if parameters:
            raise TypeError(f"{', '.join(parameters)} cannot change a dataset that is there")
        dataset = source
    else:
        dataset = generate(source, **parameters)
    parts = dataset.parts
    if subset != "all" and subset not in parts:
        raise ValueError(
            f"subset must be all or one of {', '.join(parts)}, not {checks.shown(subset)}"
        )
    # Shifted test sets are another distribution, and no part of "all".
    own = [name for name in parts if name not in dataset.shifted_tests]
    chosen = [parts[name] for name in (own if subset == "all" else [subset])]
    n_points = dataset.config.final_seq_length
    data: Any = np.concatenate([part.x.reshape(-1, n_points) for part in chosen])
    target: Any = np.concatenate([part.y for part in chosen])
    names, frame = feature_names(n_points), None
    if as_frame:
        pandas = required("pandas", extra="export")
        data = pandas.DataFrame(data, columns=names)
        target = pandas.Series(target, name="target")
        frame = pandas.concat([data, target], axis=1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=names,
        target_names=list(dataset.config.label_names),
        DESCR=f"{dataset}\n\nGreydanus and Kobak, Scaling Down Deep Learning with MNIST-1D, 2024",
        dataset=dataset,
    )
