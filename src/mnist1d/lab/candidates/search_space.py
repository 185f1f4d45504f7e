"""Search spaces of candidates: their checks, and which function takes which setting."""

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

LEARNING_RATE = "learning_rate"
_QUANTILES = 1000
"""Values that stand for a distribution: more than are ever tried."""


_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        found = inspect.signature(function).parameters
        if isinstance(function, type) and _takes_anything(found):
            # As classes of Flax, whose metaclass hides what they take.
            own = inspect.signature(inspect.getattr_static(function, "__init__")).parameters
            return dict(list(own.items())[1:])
    except (TypeError, ValueError):  # some built-in functions have no signature
        return {}
    return found


def _takes_anything(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return tuple(each.kind for each in parameters.values()) == _ANY


def named_parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Name the arguments of a function or class that can be given by name.

    >>> named_parameters(lambda x, /, width=3, *, key, **others: x)
    ('width', 'key')
    """
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(name for name, each in _parameters(function).items() if each.kind in kinds)


def named(function: Callable[..., Any], name: str) -> bool:
    """Return whether a function takes an argument of this name.

    >>> named(lambda x, width=3: x, "width"), named(lambda x, **others: x, "width")
    (True, True)
    >>> named(lambda x, /: x, "x")
    False
    """
    takes_any = inspect.Parameter.VAR_KEYWORD
    return name in named_parameters(function) or any(
        each.kind is takes_any for each in _parameters(function).values()
    )


def takes_by_name(function: Callable[..., Any], name: str) -> bool:
    """Return whether an argument is to be given by name, and not by its position.

    >>> takes_by_name(lambda key: key, "key"), takes_by_name(lambda k, **more: k, "key")
    (True, False)
    >>> takes_by_name(lambda *arguments, **named: named, "key")  # as `eqx.nn.make_with_state` makes
    True
    """
    return _takes_anything(_parameters(function)) or name in named_parameters(function)


def needs(function: Callable[..., Any], name: str) -> bool:
    """Return whether a function has an argument of this name without a default.

    >>> needs(lambda x, width: x, "width"), needs(lambda x, width=3: x, "width")
    (True, False)
    """
    parameters = _parameters(function)
    return name in parameters and parameters[name].default is inspect.Parameter.empty


def own_settings(function: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a function takes.

    >>> own_settings(lambda width: None, {"width": 100, "momentum": 0.9})
    {'width': 100}
    """
    return {name: value for name, value in settings.items() if named(function, name)}


def default_rate(function: Callable[..., Any], place: int | None = None) -> Any:
    """Return the default learning rate of a function; None if it has none.

    Args:
        function: of a candidate.
        place: index of the argument that is the learning rate; that of this name if omitted.

    >>> default_rate(lambda x, learning_rate=0.1: x), default_rate(lambda x, lr=0.1: x, 1)
    (0.1, 0.1)
    >>> default_rate(lambda x, learning_rate: x) is None
    True
    """
    parameters = list(_parameters(function).values())
    found = [each for each in parameters if each.name == LEARNING_RATE]
    if place is not None:
        found = parameters[place : place + 1]
    return next((each.default for each in found if each.default is not each.empty), None)


class Grids(dict[str, Sequence[Any]]):
    """Several grids of settings as one search space: all their settings, with all values of each.

    Attributes:
        grids: the settings of each, by name.

    >>> space = Grids([{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": [0.1, 1.0]}])
    >>> space
    {'kernel': ['linear', 'rbf'], 'gamma': [0.1, 1.0]}
    """

    def __init__(self, grids: Sequence[Mapping[str, Sequence[Any]]]) -> None:
        self.grids = tuple(grids)
        together: dict[str, dict[Hashable, Any]] = {}
        for grid in self.grids:
            for name, values in grid.items():
                known = together.setdefault(name, {})
                for value in values:
                    known.setdefault(value if isinstance(value, Hashable) else id(value), value)
        super().__init__({name: list(known.values()) for name, known in together.items()})


def plain_values(search: Any) -> Mapping[str, Sequence[Any]] | None:
    """Return a search space with Python's own numbers in place of NumPy's.

    A distribution becomes 1,000 of its quantiles, of which the search draws; a list of spaces, all
    of them (`Grids`).

    >>> plain_values({"width": np.array([50, 100]), "learning_rate": [np.float32(0.5)]})
    {'width': [50, 100], 'learning_rate': [0.5]}
    >>> import scipy.stats
    >>> len(plain_values({"C": scipy.stats.loguniform(0.1, 10)})["C"])
    1000
    """
    if search is None:
        return None
    if isinstance(search, list | tuple):
        if not search or not all(isinstance(grid, Mapping) for grid in search):
            raise ValueError("search must be a mapping, or a list of one or more mappings")
        return Grids([plain_values(grid) or {} for grid in search])
    plain: dict[str, Any] = {}
    for name, values in search.items():
        if (quantile := getattr(values, "ppf", getattr(values, "icdf", None))) is not None:
            quantiles = quantile((np.arange(_QUANTILES) + 0.5) / _QUANTILES).tolist()
            is_discrete = hasattr(getattr(values, "dist", values), "pmf")
            plain[name] = list(dict.fromkeys(map(int, quantiles) if is_discrete else quantiles))
        elif isinstance(values, np.ndarray):
            plain[name] = values.tolist()
        elif isinstance(values, tuple | list):
            plain[name] = type(values)(
                [each.item() if isinstance(each, np.generic) else each for each in values]
            )
        else:
            plain[name] = values
    return plain


def check_search(
    search: Mapping[str, Sequence[Any]] | None, parts: Mapping[str, Callable[..., Any] | None]
) -> None:
    """Refuse a search space that has no value for a setting, or a setting that nothing takes.

    Args:
        search: of a candidate.
        parts: its functions, by name; a learning rate is always taken.

    Raises: ValueError: naming the setting and the parts.

    >>> check_search({"widht": [50, 100]}, {"make": lambda width: None})
    Traceback (most recent call last):
        ...
    ValueError: search has widht, which make does not take
    """
    for name, values in (search or {}).items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not len(values):
            raise ValueError(f"search must have one or more values of {name}, not {values!r}")
        takers = [part for part in parts.values() if part is not None]
        if name != LEARNING_RATE and not any(named(part, name) for part in takers):
            names = " or ".join(key for key, part in parts.items() if part is not None)
            raise ValueError(f"search has {name}, which {names} does not take")


def first_values(search: Mapping[str, Sequence[Any]] | None) -> dict[str, Any]:
    """Return the settings to try a candidate with.

    >>> first_values({"C": [0.1, 1.0]}), first_values(None)
    ({'C': 0.1}, {'learning_rate': 0.01})
    """
    if search is None:
        return {LEARNING_RATE: 0.01}
    if isinstance(search, Grids):
        return first_values(search.grids[0])
    return {name: values[0] for name, values in search.items()}
