"""Loading of an experiment, by its name or from a Python file."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import check_regular
from mnist1d.execution.own_code import own_files
from mnist1d.harness.interface import MARKS, NAME, NAMES_ARE, Experiment, InputError

if TYPE_CHECKING:
    import xarray as xr


def find_experiment(what: checks.StrPath, experiments: Sequence[Experiment]) -> Experiment:
    """Return the experiment of a name, or load the one in a Python file.

    Args:
        what: a name, or the path of a file that ends in `.py`.
        experiments: those to find by name; one from a file must not have the name of another.

    Raises: InputError: if there is no such experiment or file, or a part is missing, naming it.
    """
    known = {experiment.NAME: experiment for experiment in experiments}
    name = str(what)
    if name in known:
        return known[name]
    if name and (path := checks.path("experiment", what)).suffix == ".py":
        return _load_file(path, tuple(known))
    also = "; or give the path of a Python file that ends in .py"
    raise InputError(checks.unknown("experiment", name, [*known], also))


def load_module(path: checks.StrPath) -> tuple[ModuleType, str]:
    """Run a Python file, and return its module and a digest of its text.

    The texts of files of one's own that it imports belong to it.

    Raises: InputError: if it cannot be read or run.
    """
    path = checks.path("path", path)
    try:
        check_regular(path)
        source = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    digest = hashlib.sha256(source).hexdigest()[:16]
    # The name depends on the text: two files, or a file before and after a change, must differ.
    spec = importlib.util.spec_from_file_location(f"mnist1d_file_{digest}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their module up
    # As when Python runs the file; for good, as its functions may import when they are called.
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 (the user's file)
    except (Exception, SystemExit) as error:  # a user's file can raise anything
        del sys.modules[spec.name]
        line = _line_of(error, path)
        raise InputError(f"{path} cannot be run{line}: {_described(error)}") from error
    texts = [file.read_bytes() for file in own_files(path)]
    if texts:
        digests = [digest, *(hashlib.sha256(text).hexdigest() for text in texts)]
        digest = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
    return module, digest


def _load_file(path: Path, taken: Sequence[str]) -> ModuleType:
    module, digest = load_module(path)
    _check(module, path, taken)
    _fill(module, path, digest)
    return module


def _check(module: ModuleType, path: Path, taken: Sequence[str]) -> None:
    """Refuse a file without the parts of an experiment, naming all that are missing."""
    wanted = {
        "NAME": "a text that names the experiment",
        "Config": "a dataclass of its settings",
        "run": "a function from a Config to an xarray.Dataset",
    }
    missing = [f"{part} ({what})" for part, what in wanted.items() if not hasattr(module, part)]
    if missing:
        raise InputError(f"{path} is no experiment: it lacks {', '.join(missing)}")
    name = module.NAME
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(
            f"NAME in {path} must be {NAMES_ARE}, as it names a folder, not {checks.shown(name)}"
        )
    if name in taken:
        raise InputError(f"NAME in {path} must not be {name}, which is an experiment of mnist1d")
    for mark in MARKS:
        if hasattr(module, mark):
            raise InputError(
                f"{mark} in {path} must have another name: it marks the experiments of mnist1d"
            )
    if not (isinstance(module.Config, type) and is_dataclass(module.Config)):
        raise InputError(f"Config in {path} must be a dataclass, not {module.Config!r}")
    makers: dict[str, Any] = {"Config()": module.Config}
    if hasattr(module.Config, "quick"):
        makers["Config.quick()"] = module.Config.quick
    for name, make in makers.items():
        try:
            make()
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{name} in {path} must work, with a default per field: {_described(error)}"
            ) from error
    parts = {"run": module.run} | {
        part: getattr(module, part) for part in ("summarise", "plot") if hasattr(module, part)
    }
    for part, function in parts.items():
        if not callable(function):
            raise InputError(f"{part} in {path} must be a function, not {function!r}")


def _line_of(error: BaseException, path: Path) -> str:
    """Name the last line of a file that was on the way to an error, if there is one."""
    steps = traceback.extract_tb(error.__traceback__)
    lines = [step.lineno for step in steps if step.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def _described(error: BaseException) -> str:
    """Say in one line what was raised."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _fill(module: ModuleType, path: Path, digest: str) -> None:
    optional: dict[str, Any] = {
        "TITLE": module.NAME,
        "VERSION": digest,
        "CLAIMS": (),
        "summarise": lambda _: [],
        "plot": lambda _: {},
    }
    for part, default in optional.items():
        if not hasattr(module, part):
            setattr(module, part, default)
    vars(module)["run"] = _tolerant(module.run, path)


def _tolerant(run: Callable[..., Any], path: Path) -> Callable[..., xr.Dataset]:
    """Call a function with the keywords that it takes, and check what it returns."""
    parameters = inspect.signature(run).parameters.values()
    takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters)
    names = {each.name for each in parameters}

    @wraps(run)
    def checked(config: Any, **extras: Any) -> xr.Dataset:
        if "compute" in extras:
            extras["units"] = extras["compute"].store
        result = run(config, **{k: v for k, v in extras.items() if takes_all or k in names})
        if not isinstance(result, importlib.import_module("xarray").Dataset):
            raise InputError(
                f"run in {path} must return an xarray.Dataset, not {type(result).__name__}"
            )
        return result

    return checked
