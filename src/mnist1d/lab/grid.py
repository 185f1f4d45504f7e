"""Running an experiment, by name or from a file, at every point of a grid of settings."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from types import ModuleType
from typing import Any

import xarray as xr

from mnist1d.dataset.checks import StrPath
from mnist1d.experiments import find_experiment
from mnist1d.harness import grid as grids
from mnist1d.harness.interface import Progress, silent
from mnist1d.lab.notebook import default_progress


def run_grid(
    experiment: ModuleType | StrPath,
    grid: Mapping[str, Iterable[Any]] | None = None,
    *,
    config: Any = None,
    folder: StrPath | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Run an experiment at every point of a grid of settings.

    Args:
        experiment: its module, its name, or the path of a Python file (`find_experiment`).
        grid: values per field of the configuration, one or more each; the fields of a configuration
            inside it have a dot in their name (`data.seed`). None, or nothing in it, for one run
            without further dimensions.
        config: the configuration of all points; the experiment's defaults if omitted.
        folder: where finished work is stored and found again; None to store none.
        progress: called with the progress: a remark per point, the task "grid points", and the
            experiment's own tasks; None for bars in a notebook, nothing elsewhere.
        executor: computes the experiment's tasks; None for the devices of this process.
        **settings: fields of the configuration that replace those of `config`.

    Returns: the experiment's result, with a dimension in front for every field of the grid, and the
        attributes of every result; of a grid `config` has the fields that all points share, `grid`
        (JSON) the values per field, `seconds` the sum, and `protocol` is "reduced".

    Raises: InputError: before anything runs, if there is no such experiment or field, a value is
        not allowed or occurs twice, or a field cannot be swept; later, if a result cannot be
        stored.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "dice.py")
    ...     _ = file.write_text('''
    ... from dataclasses import dataclass
    ... import numpy as np, xarray as xr
    ... NAME = "dice"
    ... @dataclass(frozen=True)
    ... class Config:
    ...     sides: int = 6
    ...     seeds: int = 3
    ... def run(config):
    ...     throws = [np.random.default_rng(s).integers(config.sides) for s in range(config.seeds)]
    ...     return xr.Dataset({"throw": ("seed", throws)}, {"seed": range(config.seeds)})
    ... ''')
    ...     result = run_grid(file, {"sides": [6, 20]}, seeds=4)
    >>> result.throw.sizes
    Frozen({'sides': 2, 'seed': 4})
    """
    module = experiment if isinstance(experiment, ModuleType) else find_experiment(experiment)
    plan = grids.plan_grid(module, grid, config=config, **settings)
    return plan.run(folder, progress or default_progress(lambda: silent), executor)
