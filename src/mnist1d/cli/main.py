"""The command `mnist1d`: finds the subcommand, and says what to install if something is missing."""

import io
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module, util
from typing import Any

import mnist1d

# What runs without the laboratory: module and function, what it needs, and the extra that has it.
_LIGHT: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "generate": ("mnist1d.cli.generate", ("rich", "tyro"), "shards"),
    "show": ("mnist1d.cli.show", ("matplotlib", "tyro"), "lab"),
}
# What has options of its own for every experiment or file that stands after it.
_MADE: Mapping[str, tuple[str, str]] = {
    "run": ("mnist1d.cli.run", "run_command"),
    "compare": ("mnist1d.cli.compare", "compare_command"),
}
_LABORATORY = ("equinox", "jax", "matplotlib", "optax", "rich", "tyro", "xarray")


def main() -> None:
    """Run the subcommand that the arguments name."""
    try:
        _main()
    except KeyboardInterrupt:
        message = "interrupted; what was finished is kept: run the same command again to go on"
        print(f"\nmnist1d: {message}", file=sys.stderr, flush=True)  # noqa: T201
        sys.stdout.flush()
        # At once: threads that still compute can abort an interpreter that ends around them.
        os._exit(130)


def _main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # An old code page shows a question mark rather than ending the program.
            stream.reconfigure(errors="replace")
    if sys.argv[1:] == ["--version"]:
        print(f"mnist1d {mnist1d.__version__}")  # noqa: T201
        return
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in _LIGHT:
        module, packages, extra = _LIGHT[name]
        _check_installed(f"`mnist1d {name}`", packages, extra)
        _run({name: getattr(import_module(module), name)})
        return
    _check_installed("the laboratory", _LABORATORY, "lab")
    subject = sys.argv[2] if name in _MADE and len(sys.argv) > 2 else "-"
    if subject.startswith("-"):
        _run(import_module("mnist1d.cli.commands").COMMANDS)
        return
    module, make = _MADE[name]
    _run(getattr(import_module(module), make)(subject), f"{name} {subject}")


def _check_installed(what: str, packages: tuple[str, ...], extra: str) -> None:
    missing = [name for name in packages if util.find_spec(name) is None]
    if missing:
        sys.exit(
            f"mnist1d: {what} needs {', '.join(missing)}; "
            f"install it with: python -m pip install 'mnist1d[{extra}]'"
        )


def _run(commands: Mapping[str, Callable[..., Any]] | Callable[..., Any], name: str = "") -> None:
    """Run the one of several commands that the arguments name, or one whose name has two words."""
    tyro = import_module("tyro")
    config = (tyro.conf.FlagCreatePairsOff,)
    if isinstance(commands, Mapping):
        tyro.extras.subcommand_cli_from_dict(
            dict(commands),
            prog="mnist1d",
            description="MNIST-1D: the dataset, and the experiments of the paper.",
            config=config,
        )
    else:
        tyro.cli(commands, prog=f"mnist1d {name}", args=sys.argv[3:], config=config)
