"""Grid or random search: which settings are tried of a candidate's search space, and chosen."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mnist1d.lab.candidates.search_space import Grids


def count_combinations(space: Mapping[str, Sequence[Any]]) -> int:
    """Count the combinations of a search space; one if nothing is to be tuned.

    >>> count_combinations({"learning_rate": (0.1, 0.01), "width": (10, 20, 30)})
    6
    >>> count_combinations(Grids([{"kernel": ["linear"]}, {"gamma": [0.1, 1.0]}]))
    3
    """
    if isinstance(space, Grids):
        return sum(map(count_combinations, space.grids))
    return math.prod(len(values) for values in space.values())


def choose_tries(
    space: Mapping[str, Sequence[Any]], budget: int, *, seed: int
) -> list[dict[str, Any]]:
    """Return the settings to be tried: the whole grid, or a random part of it.

    Args:
        space: the values of every setting, none of them empty.
        budget: largest number of settings.
        seed: of the random part: different combinations, all equally likely.

    Returns: settings in the order of the grid, the last one varying fastest.

    >>> choose_tries({"learning_rate": (0.1, 0.01)}, 5, seed=0)
    [{'learning_rate': 0.1}, {'learning_rate': 0.01}]
    >>> len(choose_tries({"a": range(100), "b": range(100)}, 5, seed=0))
    5
    """
    n = count_combinations(space)
    chosen: Sequence[int] = range(n)
    if n > budget:
        # From a range, so that no space is too large; the stream of this class is frozen.
        chosen = sorted(random.Random(seed).sample(range(n), budget))  # noqa: S311
    return [_combination(space, index) for index in chosen]


def most_accurate(accuracy: np.ndarray) -> int:
    """Return the number of the setting with the highest mean accuracy, the first of several.

    Args:
        accuracy: on validation data after the last step, shape (settings, seeds).

    >>> most_accurate(np.array([[0.5, 0.6], [0.7, 0.6], [0.6, 0.7]]))
    1
    """
    return int(accuracy.mean(axis=1).argmax())


def fastest(steps: np.ndarray, accuracy: np.ndarray) -> int:
    """Return the number of the setting that reaches a target on most seeds, and in fewest steps.

    Args:
        steps: to the target, shape (settings, seeds); NaN where it is not reached.
        accuracy: on validation data after the last step, of the same shape; decides between
            settings that are equally fast, as those that never reach the target.

    >>> accuracy = np.array([[0.8, 0.8], [0.9, 0.9], [0.95, 0.95]])
    >>> fastest(np.array([[20.0, np.nan], [60.0, 80.0], [100.0, 100.0]]), accuracy)
    1
    >>> fastest(np.full((3, 2), np.nan), accuracy)
    2
    """
    reached = np.isfinite(steps).sum(axis=1)
    mean = np.nansum(steps, axis=1) / np.maximum(reached, 1)
    return int(np.lexsort((-accuracy.mean(axis=1), mean, -reached))[0])


def edges(
    space: Mapping[str, Sequence[Any]], settings: Mapping[str, Any]
) -> list[tuple[str, Any, str]]:
    """Name the settings that lie at an end of their values, so that others may be better.

    Args:
        space: the values of every setting.
        settings: the chosen settings.

    Returns: name, value and "lowest" or "highest", of numbers of which two or more were given.

    >>> edges({"learning_rate": (0.001, 0.01, 0.1)}, {"learning_rate": 0.1})
    [('learning_rate', 0.1, 'highest')]
    """
    found = []
    for name, values in space.items():
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if name not in settings:  # of another grid
            continue
        if len(numbers) == len(values) > 1:
            if settings[name] == min(numbers):
                found.append((name, settings[name], "lowest"))
            elif settings[name] == max(numbers):
                found.append((name, settings[name], "highest"))
    return found


def _combination(space: Mapping[str, Sequence[Any]], index: int) -> dict[str, Any]:
    if isinstance(space, Grids):
        for grid in space.grids:
            n = count_combinations(grid)
            if index < n:
                return _combination(grid, index)
            index -= n
    settings = {}
    for name, values in reversed(list(space.items())):
        index, place = divmod(index, len(values))
        settings[name] = values[place]
    return {name: settings[name] for name in space}
