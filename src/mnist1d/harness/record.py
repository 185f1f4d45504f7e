"""The record of an experiment: running it, and storing its result, figures and claims.

An experiment's folder holds `result.nc` (all measurements per seed, with the configuration, the
versions and the machine as attributes), its figures, and in `units` the results of finished tasks;
the folder above holds `claims.json`. Every file is written atomically.
"""

import io
import json
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write, remove_unfinished
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.commit import commit_of_code
from mnist1d.harness.interface import (
    NAME,
    NAMES_ARE,
    Experiment,
    InputError,
    Progress,
    is_full,
    is_other_data,
    origin_of,
    silent,
)
from mnist1d.harness.settings import as_json
from mnist1d.harness.stored.attributes import check_attributes
from mnist1d.harness.stored.circumstances import (
    PROTOCOL_IS_FREE_IN,
    circumstances,
    differences_of_data,
    environment,
    follows_protocol,
    identity,
)
from mnist1d.harness.stored.commits import commit_attributes
from mnist1d.harness.stored.netcdf import check_netcdf, fits, read_netcdf

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUICK_RUN = "quick run, not the full protocol"
"""The note on a result of the settings that take seconds."""
COMPILATION = (
    "/jax/core/compile/jaxpr_trace_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)
"""JAX's events of compilation, which also occur, but are shorter, if a program is in the cache."""
_MOST_SEEDS, _MOST_LABELS = 10_000, 2000
_CODED = 4
"""How many times its own size an array may take while it is read."""


def shared_key(experiment: Experiment) -> dict[str, Any]:
    """Return the part of the key that all stored tasks of an experiment share."""
    return {"experiment": experiment.NAME, "version": experiment.VERSION, **environment()}


def execute(
    experiment: Experiment,
    config: Any,
    *,
    progress: Progress = silent,
    folder: checks.StrPath | None = None,
    executor: Executor | None = None,
) -> xr.Dataset:
    """Run an experiment and record its circumstances.

    Args:
        experiment: its module.
        config: its configuration.
        progress: called with the experiment's progress.
        folder: where the results of finished tasks are stored, and found by the next run; None to
            store none.
        executor: computes the tasks; None for the devices of this process. It does not run parts of
            an experiment that are no tasks.

    Returns: the experiment's result, with the attributes `experiment`, `protocol` ("full" or
        "reduced"), `config` (JSON; of folders the name), `versions` (JSON), `device`, `processor`,
        `seconds` (wall time), `compile_seconds` (of all threads of this process together),
        `units_found` (tasks that were finished before), `commit` (of this code), `unit_commits`
        (JSON: how many of the tasks each other commit had made; only if there are such), `mnist`
        ("read" or "left out"; only where it is used) and `finished` (UTC); if the configuration has
        another dataset than the published one, `data` has the differences.
    """
    clock, compilation = time.perf_counter(), [0.0]
    # Not on top, as results are also read where nothing is computed.
    execution, monitoring = (
        import_module(name) for name in ("mnist1d.execution", "jax.monitoring")
    )

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event in COMPILATION:
            compilation[0] += duration_secs

    def warn(line: str) -> None:
        progress(line, 0, 0)

    store = execution.Store(folder, shared_key(experiment), warn, commit_of_code())
    compute = execution.Compute(store, executor)
    # Events during an experiment that compiles nothing come from others at the same time.
    compiles = getattr(experiment, "USES_JAX", True)
    if compiles:
        monitoring.register_event_duration_secs_listener(listen)
    try:
        result = experiment.run(config, progress=progress, compute=compute)
    finally:
        if compiles:
            monitoring.unregister_event_duration_listener(listen)
    other = differences_of_data(config)
    known = {name: value for name, value in identity(config).items() if value is not None}
    return result.assign_attrs(
        ({"data": other} if other else {}) | circumstances() | known | commit_attributes(store),
        experiment=experiment.NAME,
        protocol="full" if follows_protocol(config) else "reduced",
        seconds=time.perf_counter() - clock,
        compile_seconds=compilation[0],
        units_found=store.n_found,
    )


def note(experiment: Experiment, result: xr.Dataset) -> str:
    """Return a note that a result is not of the full protocol; empty if it is, or of a user's own.

    Of a result on other data the note has the parameters that differ.
    """
    origin = origin_of(experiment)
    if is_full(result) or origin == "own":
        return ""
    changed = "not the paper's settings" if origin == "paper" else "not the default settings"
    given = json.loads(result.attrs["config"])
    settings = ""
    if not _same_but_data(given, experiment.Config()):
        quick = _same_but_data(given, experiment.Config.quick())
        settings = QUICK_RUN if quick else changed
    if not is_other_data(result):
        return settings or changed
    data = f"other data than the paper's ({result.attrs['data']})"
    return f"{settings}, on {data}" if settings else data


def save(experiment: Experiment, result: xr.Dataset, folder: checks.StrPath) -> None:
    """Write `result.nc` and every figure as PNG and PDF into an experiment's folder."""
    folder = checks.path("folder", folder)
    write(result, folder / "result.nc")
    save_figures(experiment, result, folder)


def save_figures(
    experiment: Experiment, result: xr.Dataset, folder: checks.StrPath, mark: str = ""
) -> list[str]:
    """Write every figure of a result as PNG and PDF, and return their names.

    Args:
        experiment: its module.
        result: what it returned.
        folder: where the files go.
        mark: what tells from what the figures were made, for `has_figure`; to it is added how many
            they are, as "MARK of 3".

    Raises: TypeError, ValueError: before anything is written, if what the experiment draws is no
        mapping from names to figures.
    """
    folder = checks.path("folder", folder)
    about = note(experiment, result)
    style = import_module("mnist1d.figures.style")
    with style.house_style():
        figures = _checked_figures(experiment.plot(result))
        for name, figure in figures.items():
            if about:
                style.mark_as_quick(figure, about[:1].upper() + about[1:])
            save_figure(figure, folder / name, mark and f"{mark} of {len(figures)}")
    return list(figures)


def _checked_figures(figures: Any) -> Mapping[str, "Figure"]:
    wanted = 'plot must return a mapping such as {"figure": figure}'
    if not isinstance(figures, Mapping):
        raise TypeError(f"{wanted}, not {type(figures).__name__}")
    for name, figure in figures.items():
        # A name is one of a file in the folder, and must not lead out of it.
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(f"{wanted}, with names of {NAMES_ARE}, not {checks.shown(name)}")
        if not isinstance(figure, import_module("matplotlib.figure").Figure):
            raise TypeError(f"{wanted}, with figures of Matplotlib, not {type(figure).__name__}")
    return figures


def save_figure(figure: "Figure", path: checks.StrPath, mark: str = "") -> None:
    """Write a figure as PNG and PDF; the endings are added to the path.

    Args:
        figure: the figure.
        path: of the files, without their endings.
        mark: what tells from what the figure was made, for `has_figure`; ASCII.
    """
    about: dict[str, dict[str, str | None]] = {"png": {}, "pdf": {"CreationDate": None}}
    if mark:
        about["png"]["Comment"] = about["pdf"]["Keywords"] = mark
    style = import_module("mnist1d.figures.style")  # which loads Matplotlib
    with ExitStack() as stack:
        for file_format, place in _figure_files(path).items():
            with atomic_write(place) as file:
                figure.savefig(file, format=file_format, metadata=about[file_format])
            stack.enter_context(style.layout_kept(figure))


def has_figure(path: checks.StrPath, mark: str) -> bool:
    """Return whether the files of a figure are there, saved with a mark."""
    places = _figure_files(path).values()
    return all(place.is_file() and mark.encode() in place.read_bytes() for place in places)


def _figure_files(path: checks.StrPath) -> dict[str, Path]:
    path = checks.path("path", path)
    return {suffix: path.with_name(f"{path.name}.{suffix}") for suffix in ("png", "pdf")}


def write(result: xr.Dataset, path: checks.StrPath) -> None:
    """Write a result as netCDF.

    Raises:
        InputError: if netCDF cannot store it, as may happen with a user's experiment.
        OSError: if the file cannot be written.
    """
    encoding = {
        name: {"zlib": True, "complevel": 4}
        for name, variable in result.variables.items()
        if variable.ndim and variable.dtype.kind in "biuf"
    }
    try:
        plain = _with_plain_attributes(result)
        content = plain.to_netcdf(engine="h5netcdf", encoding=encoding)
        if not fits(_CODED * result.nbytes, len(content)):
            # Nothing that unfolds to so much more than its size is read again.
            content = plain.to_netcdf(engine="h5netcdf")
        check_netcdf(io.BytesIO(content), len(content))
    except (TypeError, ValueError, OverflowError, _incompatible()) as error:
        raise InputError(f"the result cannot be stored as netCDF: {error}") from error
    path = checks.path("path", path)
    with atomic_write(path) as file:
        file.write(content)
    for folder in (path.parent, path.parent / "units", path.parent / "points"):
        remove_unfinished(folder)


def _incompatible() -> type[Exception]:
    return cast("type[Exception]", import_module("h5netcdf.core").CompatibilityError)


def _with_plain_attributes(result: xr.Dataset) -> xr.Dataset:
    """Return a result whose attributes have 0 and 1 for truth values, which netCDF has not."""

    def plain(value: Any) -> Any:
        values = np.asarray(value) if isinstance(value, bool | np.bool_ | list | tuple) else None
        return value if values is None or values.dtype != bool else values.astype(np.int8)

    changed = result.copy()
    owners: list[Any] = [changed, *changed.variables.values()]
    for each in owners:
        each.attrs = {name: plain(value) for name, value in each.attrs.items()}
    return changed


def load(experiment: Experiment, folder: checks.StrPath, *, grids: bool = False) -> xr.Dataset:
    """Read the result of an experiment.

    Args:
        experiment: its module.
        folder: where the result is.
        grids: whether it may be of a grid of settings.

    Raises:
        FileNotFoundError: if there is none in the folder.
        ValueError: if the file is damaged, of another experiment, or of a grid of settings.
    """
    path = checks.path("folder", folder) / "result.nc"
    try:
        result = read(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"no result of {experiment.NAME} at {path}") from None
    if result.attrs.get("experiment") != experiment.NAME:
        raise ValueError(f"{path} holds no result of {experiment.NAME}; remove it and run again")
    if "grid" in result.attrs and not grids:
        raise ValueError(f"{path} holds a grid of settings, not one result of {experiment.NAME}")
    for dim, size in result.sizes.items():
        # Every label is a curve or a row: nobody could read so many, or wait for them.
        most = _MOST_SEEDS if dim == "seed" else _MOST_LABELS
        if dim in result.indexes and size > most:
            raise ValueError(f"{path} has {size:,} labels of {dim}, more than {most:,}")
    return result


def read(path: checks.StrPath) -> xr.Dataset:
    """Read a result of any experiment.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged, too large for what is in it, or not what `write` writes.
    """
    path = checks.path("path", path)
    try:
        result = read_netcdf(path)
        check_attributes(result.attrs)
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged or no result ({error}); if it is one, remove it and run again"
        ) from error
    return result


def _same_but_data(given: dict[str, Any], config: Any) -> bool:
    """Return whether settings are those of a configuration, but for its datasets and seeds."""
    known = json.loads(as_json(config))
    return given.keys() == known.keys() and all(
        given[name] == value
        for name, value in known.items()
        if name not in PROTOCOL_IS_FREE_IN and not isinstance(getattr(config, name), DatasetConfig)
    )
