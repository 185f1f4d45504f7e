"""Running an experiment and keeping what it found.

An experiment's folder holds `result.nc` (all measurements per seed, with the configuration, the
versions and the machine as attributes), its figures, and in `units` what an interrupted run had
finished; the folder above holds `claims.json`.
Every file is written whole or not at all.
"""

import dataclasses
import json
import platform
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import xarray as xr
from matplotlib.figure import Figure

from mnist1d.dataset.atomic import atomic_write, check_regular
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Compute, Store
from mnist1d.execution.machine import processor_name
from mnist1d.figures import style
from mnist1d.harness.findings import Findings
from mnist1d.harness.interface import Experiment, InputError, Progress, silent
from mnist1d.harness.settings import as_json

PROTOCOL_IS_FREE_IN = ("seeds", "mnist_seeds", "mnist", "download_mnist")
"""Fields of a configuration that may change without leaving the paper's protocol."""
COMPILATION = (
    "/jax/core/compile/jaxpr_trace_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)
"""What JAX calls the parts of compilation; a program found in the cache takes its share, too."""


def follows_protocol(config: Any) -> bool:
    """Tell whether a configuration is the paper's, whatever the number of seeds.

    >>> from mnist1d.experiments.classification import Config
    >>> follows_protocol(Config(seeds=9)), follows_protocol(Config.quick())
    (True, False)
    """
    free = {
        field.name: field.default
        for field in dataclasses.fields(config)
        if field.name in PROTOCOL_IS_FREE_IN
    }
    # As what is stored: an array, in a configuration of one's own, equals nothing else.
    given, published = (
        json.loads(as_json(each)) for each in (dataclasses.replace(config, **free), type(config)())
    )
    return bool(given == published)


def execute(
    experiment: Experiment,
    config: Any,
    *,
    progress: Progress = silent,
    folder: Path | None = None,
    executor: Executor | None = None,
) -> xr.Dataset:
    """Run an experiment and note how it came about.

    Args:
        experiment: its module.
        config: its configuration.
        progress: told what is going on.
        folder: where finished units of the work are kept, and found by the next run; None to keep
            none.
        executor: what computes the units; None for the devices of this process. Of an experiment,
            or a part of one, that has no units it computes nothing.

    Returns: what the experiment returned, with the attributes `experiment`, `protocol` ("full" or
        "reduced"), `config` (JSON; of folders the name), `versions` (JSON), `device`, `processor`,
        `seconds` (wall time), `compile_seconds` (of all threads of this process together),
        `units_found` (that were finished before) and `finished` (UTC); where the configuration has
        another dataset than the published one, `data` says in what it differs.
    """
    clock, compilation = time.perf_counter(), [0.0]

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event in COMPILATION:
            compilation[0] += duration_secs

    about = {
        "experiment": experiment.NAME,
        "version": experiment.VERSION,
        "mnist1d": package_version(),
    }

    def warn(line: str) -> None:
        progress(line, 0, 0)

    compute = Compute(Store(folder, about, warn), executor)
    # Of one that compiles nothing, what is heard comes from others at the same time.
    compiles = getattr(experiment, "USES_JAX", True)
    if compiles:
        jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        result = experiment.run(config, progress=progress, compute=compute)
    finally:
        if compiles:
            jax.monitoring.unregister_event_duration_listener(listen)
    other = _other_data(config)
    return result.assign_attrs(
        **({"data": other} if other else {}),
        experiment=experiment.NAME,
        protocol="full" if follows_protocol(config) else "reduced",
        config=as_json(_without_places(config)),
        **circumstances(),
        seconds=time.perf_counter() - clock,
        compile_seconds=compilation[0],
        units_found=compute.store.n_found,
    )


def circumstances(*packages: str) -> dict[str, str]:
    """Return what every result says about how it came about: versions, machine, date.

    Args:
        *packages: those whose versions count beside the usual ones.
    """
    names = ("mnist1d", "numpy", "jax", "optax", *packages)
    versions = {name: metadata.version(name) for name in names}
    return {
        "versions": json.dumps({"python": platform.python_version()} | versions),
        "device": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        "processor": processor_name(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def is_full(result: xr.Dataset) -> bool:
    """Tell whether a result came from the full protocol."""
    return result.attrs.get("protocol") == "full"


def note(experiment: Experiment, result: xr.Dataset) -> str:
    """Say in what a result is not the paper's, if it is not; nothing of experiments of no paper."""
    if is_full(result) or not hasattr(experiment, "PAPER_SEEDS"):
        return ""
    quick = json.loads(as_json(experiment.Config.quick()))
    config = json.loads(result.attrs["config"])
    same = quick.keys() == config.keys() and all(
        config[name] == quick[name] for name in quick if name not in PROTOCOL_IS_FREE_IN
    )
    return "quick run, not the full protocol" if same else "not the paper's settings"


def save(experiment: Experiment, result: xr.Dataset, folder: Path) -> None:
    """Write `result.nc` and every figure as PNG and PDF into an experiment's folder."""
    write(result, folder / "result.nc")
    save_figures(experiment, result, folder)


def save_figures(experiment: Experiment, result: xr.Dataset, folder: Path) -> list[str]:
    """Write every figure of a result as PNG and PDF, and return their names."""
    about = note(experiment, result)
    with style.house_style():
        figures = experiment.plot(result)
        for name, figure in figures.items():
            if about:
                style.mark_as_quick(figure, about.capitalize())
            save_figure(figure, folder / name)
    return list(figures)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG and PDF, which endings are added to the path."""
    for suffix, metadata_ in (("png", {}), ("pdf", {"CreationDate": None})):
        with atomic_write(path.with_name(f"{path.name}.{suffix}")) as file:
            figure.savefig(file, format=suffix, metadata=metadata_)


def write(result: xr.Dataset, path: Path) -> None:
    """Write a result as netCDF.

    Raises:
        InputError: if it holds what netCDF cannot, which only an experiment of one's own would.
        OSError: if the file cannot be written.
    """
    encoding = {
        name: {"zlib": True, "complevel": 4}
        for name, variable in result.variables.items()
        if variable.ndim and variable.dtype.kind in "biuf"
    }
    try:
        content = result.to_netcdf(engine="h5netcdf", encoding=encoding)
    except (TypeError, ValueError) as error:
        raise InputError(f"the result cannot be stored as netCDF: {error}") from error
    with atomic_write(path) as file:
        file.write(content)


def load(experiment: Experiment, folder: Path) -> xr.Dataset:
    """Read the result of an experiment back.

    Raises:
        FileNotFoundError: if there is none in the folder.
        ValueError: if the file is damaged, of another experiment, or of a grid of settings.
    """
    path = folder / "result.nc"
    try:
        result = read(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"no result of {experiment.NAME} at {path}") from None
    if result.attrs.get("experiment") != experiment.NAME:
        raise ValueError(f"{path} holds no result of {experiment.NAME}; remove it and run again")
    if "grid" in result.attrs:
        raise ValueError(f"{path} holds a grid of settings, not one result of {experiment.NAME}")
    return result


def read(path: Path) -> xr.Dataset:
    """Read a result of any experiment.

    Raises:
        FileNotFoundError: if there is no such file.
        OSError: if it is no regular file.
        ValueError: if the file is damaged.
    """
    if not path.is_dir():
        check_regular(path)
    if not path.is_file():
        raise FileNotFoundError(f"no result at {path}")
    try:
        return xr.load_dataset(path, engine="h5netcdf").drop_encoding()
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged or no result ({error}); if it is one, remove it and run again"
        ) from error


def package_version() -> str:
    """Return the version of mnist1d."""
    return metadata.version("mnist1d")


def save_claims(found: Sequence[Findings], folder: Path) -> None:
    """Write `claims.json`: every claim of several experiments with what was measured."""
    records = [
        judgement.record(each.experiment.NAME, full=each.is_full)
        for each in found
        for judgement in each.judgements
    ]
    text = json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_write(folder / "claims.json") as file:
        file.write(text.encode())


def _without_places(config: Any) -> dict[str, Any]:
    """Return the fields of a configuration, of folders the name alone: a record goes to others."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for field in dataclasses.fields(config):
        if "Path" in str(field.type) and values[field.name] is not None:
            values[field.name] = Path(values[field.name]).name
    return values


def _other_data(config: Any) -> str:
    """Say in what the dataset of a configuration is not the published one."""
    given = [(getattr(config, each.name), each.default) for each in dataclasses.fields(config)]
    return ", ".join(
        difference
        for data, published in given
        if isinstance(data, DatasetConfig)
        for difference in data.differences(
            published if isinstance(published, DatasetConfig) else None
        )
    )
