"""Runs of an experiment with the user's settings, at all points of a grid.

A folder stores what was computed: `units` the results of the experiment's tasks, `points` the
result at every finished point. The same call again, or one with a larger grid, uses them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.dataset import checks
from mnist1d.harness import record
from mnist1d.harness.grids import combine, coordinate
from mnist1d.harness.interface import Experiment, InputError, Progress, silent
from mnist1d.harness.settings import as_json, label, with_settings
from mnist1d.harness.stored.circumstances import AMOUNTS, CIRCUMSTANCES, environment
from mnist1d.harness.stored.commits import commits_together
from mnist1d.mnist import mnist_folder


def run_grid(
    experiment: Experiment,
    grid: Mapping[str, Iterable[Any]] | None = None,
    *,
    config: Any = None,
    folder: checks.StrPath | None = None,
    progress: Progress = silent,
    executor: Executor | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Run an experiment at every point of a grid of settings.

    Args:
        experiment: its module.
        grid: values per field of the configuration, one or more each; the fields of a configuration
            inside it have a dot in their name (`data.seed`). None or empty for one run without
            further dimensions.
        config: the settings that all points share; the experiment's defaults if omitted.
        folder: where finished work is stored and found; None to store none.
        progress: called with the experiment's progress, a remark per point, and a task "grid
            points".
        executor: computes the experiment's tasks; None for the devices of this process.
        **settings: fields of the configuration that replace those of `config`.

    Returns: the experiment's result, with a dimension in front for every field of the grid
        (`grids.combine`), and the attributes of `record.execute`; of a grid `config` has the fields
        that are the same at all points, `grid` (JSON) the values per field, `seconds` the sum, and
        `protocol` is "reduced".

    Raises: InputError: before anything runs, if there is no such experiment or field, a value is
        not allowed or occurs twice, or a field cannot be swept; later, if a result cannot be
        stored.
    """
    return plan_grid(experiment, grid, config=config, **settings).run(folder, progress, executor)


@dataclass(frozen=True)
class Plan:
    """A grid of settings that has been checked.

    Attributes:
        experiment: its module.
        axes: the values of every swept field.
        points: the values of swept fields at every point, the last field varying fastest.
        configs: the configuration at every point.
    """

    experiment: Experiment
    axes: Mapping[str, Sequence[Any]]
    points: Sequence[Mapping[str, Any]]
    configs: Sequence[Any]

    def run(
        self,
        folder: checks.StrPath | None = None,
        progress: Progress = silent,
        executor: Executor | None = None,
    ) -> xr.Dataset:
        """Run the experiment at every point, or read its stored result; as `run_grid`."""
        folder = None if folder is None else checks.path("folder", folder)
        results = []
        for number, (point, config) in enumerate(zip(self.points, self.configs, strict=True), 1):
            where = f"Grid point {number} of {len(self.points)}: {_written(point)}"
            if not self.axes:
                where = "Result"
            found = None if folder is None else _find(self.experiment, config, folder, progress)
            if found is not None:
                progress(f"{where}: found finished", 0, 0)
            elif self.axes:
                progress(where, 0, 0)
            if found is None:
                found = _run_point(self.experiment, config, folder, progress, executor)
            results.append(found)
            if self.axes:
                progress("grid points", number, len(self.points))
        if not self.axes:
            return results[0]
        return combine([each.drop_attrs(deep=False) for each in results], self.axes).assign_attrs(
            _common(results),
            **commits_together(results),
            config=as_json(_shared([json.loads(each.attrs["config"]) for each in results])),
            grid=as_json(self.axes),
            protocol="reduced",
            finished=max(result.attrs["finished"] for result in results),
        )


def plan_grid(
    experiment: Experiment,
    grid: Mapping[str, Iterable[Any]] | None = None,
    *,
    config: Any = None,
    **settings: Any,
) -> Plan:
    """Check a grid of settings before anything runs.

    Args:
        experiment: as for `run_grid`, like the other arguments.
        grid: values per field.
        config: the settings that all points share.
        **settings: fields that replace those of `config`.

    Raises: InputError: if there is no such experiment or field, a value is not allowed or occurs
        twice, or a field cannot be swept.
    """
    axes = {name: _values(name, values) for name, values in (grid or {}).items()}
    if "seeds" in axes:
        raise InputError(
            "seeds cannot be swept: the runs of fewer seeds are the first ones of more; give the "
            "largest number"
        )
    base = with_settings(experiment.Config() if config is None else config, settings)
    if isinstance(seeds := getattr(base, "seeds", None), int) and seeds < 1:
        raise InputError(f"seeds must be at least 1, not {seeds}")
    points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    return Plan(experiment, axes, points, [_config_at(base, point) for point in points])


def _values(name: str, values: Any) -> list[Any]:
    """Return the values of a swept field as plain Python ones."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise InputError(f"the grid needs a list of values for {name}, not {values!r}")
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    try:
        coordinate(name, plain)
    except ValueError as error:
        raise InputError(str(error)) from None
    return plain


def _config_at(base: Any, point: Mapping[str, Any]) -> Any:
    try:
        return with_settings(base, point)
    except InputError as error:
        if len(point) < 2:
            raise
        raise InputError(f"{error} (at {_written(point)})") from None


def _written(point: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {label(value)}" for name, value in point.items())


def _find(
    experiment: Experiment, config: Any, folder: Path, progress: Progress
) -> xr.Dataset | None:
    """Read the result at a point from the folder, if it is there."""
    key, path = _place(experiment, config, folder)
    try:
        found = record.read(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        progress(f"{str(error).partition(';')[0]}: computed again", 0, 0)
        return None
    if found.attrs.pop("point", None) != key:
        progress(f"{path} holds something else: computed again", 0, 0)
        return None
    return found


def _run_point(
    experiment: Experiment,
    config: Any,
    folder: Path | None,
    progress: Progress,
    executor: Executor | None,
) -> xr.Dataset:
    if folder is None:
        return record.execute(experiment, config, progress=progress, executor=executor)
    result = record.execute(
        experiment, config, progress=progress, folder=folder / "units", executor=executor
    )
    key, path = _place(experiment, config, folder)
    record.write(result.assign_attrs(point=key), path)
    # Exactly as the next call will read it.
    return record.read(path).drop_attrs(deep=False).assign_attrs(result.attrs)


def _place(experiment: Experiment, config: Any, folder: Path) -> tuple[str, Path]:
    key = _key(experiment, config)
    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    return key, folder / "points" / f"{name}.nc"


def _key(experiment: Experiment, config: Any) -> str:
    """Return everything that determines a result, as JSON."""
    known = {
        "experiment": experiment.NAME,
        "version": experiment.VERSION,
        **environment(),
        "config": json.loads(as_json(config)),
    }
    if hasattr(config, "mnist"):
        # None there means the folder that the environment names.
        known["mnist"] = str(mnist_folder(config.mnist))
    return json.dumps(known, sort_keys=True)


def _shared(configs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the fields that all configurations have in common, those of inner ones, too."""
    shared: dict[str, Any] = {}
    for name, value in configs[0].items():
        values = [config[name] for config in configs if name in config]
        if len(values) == len(configs) and all(isinstance(each, dict) for each in values):
            shared[name] = _shared(values)
        elif values == [value] * len(configs):
            shared[name] = value
    return shared


def _common(results: Sequence[xr.Dataset]) -> dict[str, Any]:
    """Return the attributes of all results: the sums of times, and all different texts of a record.

    The experiment's own attributes are kept if they are the same in all results.
    """
    attributes: dict[str, Any] = {}
    for name, value in results[0].attrs.items():
        if name in ("commit", "unit_commits", "data"):
            # Of commits all are named; datasets' parameters are in `config` and `grid`.
            continue
        if name in AMOUNTS:
            attributes[name] = sum(result.attrs[name] for result in results)
            continue
        if name not in CIRCUMSTANCES:
            own = [xr.Dataset(attrs={name: result.attrs.get(name)}) for result in results]
            if all(each.identical(own[0]) for each in own):
                attributes[name] = value
            continue
        values = list(dict.fromkeys(str(result.attrs.get(name)) for result in results))
        if name == "versions":
            each = [json.loads(text) for text in values]
            attributes[name] = json.dumps(
                {key: ", ".join(dict.fromkeys(one[key] for one in each)) for key in each[0]}
            )
        else:
            attributes[name] = value if len(values) == 1 else ", ".join(values)
    return attributes
