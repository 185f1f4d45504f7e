"""Finding the user's own code: modules that are not installed, and their names in code."""

import dis
import sys
import types
from collections.abc import Iterator
from functools import cache
from importlib import import_module, machinery, util
from pathlib import Path
from typing import Any


def is_installed(thing: Any) -> bool:
    """Tell whether something belongs to a package, whose version says what it is.

    >>> import json
    >>> is_installed(json), is_installed(type("Own", (), {"__module__": "my_module"}))
    (True, False)
    """
    name = thing.__name__ if isinstance(thing, types.ModuleType) else thing.__module__
    package = (name or "").partition(".")[0]
    file = getattr(sys.modules.get(package), "__file__", None)
    if package in {"mnist1d", "__main__"} or file is None:
        # What starts Python may be installed, what is written there is not.
        return package == "mnist1d" or package in sys.stdlib_module_names
    return _is_in_an_installation(file)


@cache
def _installations() -> tuple[str, ...]:
    get_path = import_module("sysconfig").get_path  # which reads how Python was built
    return tuple(str(Path(get_path(name)).resolve()) for name in ("stdlib", "purelib", "platlib"))


@cache
def _is_in_an_installation(file: str) -> bool:
    path = Path(file).resolve()
    if str(path).startswith(_installations()):
        return True
    # Other installations are known by their records: `pip install --target`, Linux's own packages.
    root = path.parent.parent if path.stem == "__init__" else path.parent
    return any(root.glob("*.dist-info"))


@cache
def package_version(package: str) -> str:
    """Return the version of an installed package by the name that it is imported by.

    Returns: the version; empty if it belongs to Python itself or to mnist1d, or has none.

    >>> from importlib import metadata
    >>> package_version("sklearn") == metadata.version("scikit-learn"), package_version("json")
    (True, '')
    """
    if package == "mnist1d" or package in sys.stdlib_module_names:
        return ""
    # Loaded when it is needed: lists and helps do without.
    metadata = import_module("importlib.metadata")
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        names = metadata.packages_distributions().get(package, ())
        return metadata.version(names[0]) if names else ""


def global_names(code: types.CodeType) -> set[str]:
    """Name the global variables that code reads; attributes have names of their own."""
    own = {
        each.argval
        for each in dis.get_instructions(code)
        if each.opname == "LOAD_NAME" or "GLOBAL" in each.opname
    }
    return own.union(*map(global_names, _inner(code)))


def names_in(code: types.CodeType) -> set[str]:
    """Return all names in code, those of attributes and short texts among them."""
    texts = {each for each in code.co_consts if isinstance(each, str)}
    return {*code.co_names, *texts}.union(*map(names_in, _inner(code)))


def own_imports(code: types.CodeType, package: str | None) -> list[types.ModuleType]:
    """Return the modules of the user's own that code imports when it runs.

    Those that were not imported yet are: they would be, when the code is called.

    Args:
        code: of a function or a module.
        package: that it belongs to, for relative imports.
    """
    found = []
    for name in dict.fromkeys(_imported_names(code, package)):
        module = _own_module(name)
        if module is not None:
            found.append(module)
    return found


def own_files(path: Path) -> list[Path]:
    """Return the files of the user's own that a Python file imports, directly or not.

    Nothing is run. They are looked for where Python would look at present.
    """
    return list(dict.fromkeys(own_modules(path).values()))


def own_modules(path: Path) -> dict[str, Path]:
    """Return the same files, by the names of the modules that they are."""
    found: dict[str, Path] = {}
    waiting: list[tuple[Path, str | None]] = [(path, None)]
    while waiting:
        file, package = waiting.pop(0)
        try:
            code = compile(file.read_bytes(), str(file), "exec")
        except (OSError, SyntaxError, ValueError):  # importing it will raise
            continue
        for name in _imported_names(code, package):
            for spec in _own_specs(name):
                if spec.name not in found:
                    found[spec.name] = Path(spec.origin)
                    waiting.append((Path(spec.origin), spec.parent))
    return {name: each for name, each in found.items() if each.resolve() != path.resolve()}


def is_shadowed(name: str) -> bool:
    """Return whether Python would take a file of one's own for a module of Python itself.

    >>> is_shadowed("fractions")
    False
    """
    spec = machinery.PathFinder.find_spec(name)
    return spec is not None and not _is_installed_spec(spec)


def _own_specs(name: str) -> Iterator[Any]:
    """Yield where a module and the packages around it are, if they are files of one's own."""
    parts = name.split(".")
    try:
        spec = None if parts[0] in sys.stdlib_module_names else util.find_spec(parts[0])
    except (ImportError, ValueError):
        return
    for number in range(1, len(parts) + 1):
        if spec is None or _is_installed_spec(spec) or parts[0] == "mnist1d":
            return
        if spec.has_location and spec.origin is not None:
            yield spec
        place = spec.submodule_search_locations
        if place is None or number == len(parts):
            return
        spec = machinery.PathFinder.find_spec(".".join(parts[: number + 1]), place)


def _inner(code: types.CodeType) -> list[types.CodeType]:
    return [each for each in code.co_consts if isinstance(each, types.CodeType)]


def _imported_names(code: types.CodeType, package: str | None) -> Iterator[str]:
    instructions = list(dis.get_instructions(code))
    for number, each in enumerate(instructions):
        if each.opname != "IMPORT_NAME":
            continue
        level, names = (instructions[number - back].argval for back in (2, 1))
        name = each.argval
        if level:
            try:
                name = util.resolve_name("." * level + name, package)
            except ImportError:  # no package
                continue
        yield name
        # What is taken from a package may be a module.
        yield from (f"{name}.{inner}" for inner in names or () if inner != "*")
    for inner_code in _inner(code):
        yield from _imported_names(inner_code, package)


def _own_module(name: str) -> types.ModuleType | None:
    """Return a module of the user's own by its name; None for installed ones and other things."""
    if name not in sys.modules:
        parent, _, last = name.rpartition(".")
        if parent and hasattr(sys.modules.get(parent), last):
            return None  # no module, but something in one
        try:
            top = util.find_spec(name.partition(".")[0])
            if top is None or _is_installed_spec(top) or util.find_spec(name) is None:
                return None
            import_module(name)
        except Exception:  # noqa: BLE001 (a user's module may raise anything; calling it will raise again)
            return None
    module = sys.modules.get(name)
    return None if module is None or is_installed(module) else module


def _is_installed_spec(spec: Any) -> bool:
    places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    return not places or any(map(_is_in_an_installation, places))
