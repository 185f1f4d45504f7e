"""The command `mnist1d`: runs a subcommand, or says which packages it needs.

Without any extra, help shows the commands, and `list` the experiments; the options of a command are
read by packages of the extras.
"""

import io
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import mnist1d
from mnist1d.dataset.imports import absent, missing

_LABORATORY = ("equinox", "jax", "matplotlib", "optax", "rich", "tyro", "xarray")
_HELP = ("rich", "tyro")
_HELP_OPTIONS = frozenset({"-h", "--help"})


class Command(NamedTuple):
    """A subcommand.

    Attributes:
        summary: one line for the help.
        packages: packages that it needs for its work; its help needs fewer.
        extra: the extra of mnist1d that installs them.
        has_subject: whether its options depend on the word that follows it: an experiment, a file.
    """

    summary: str
    packages: tuple[str, ...] = _LABORATORY
    extra: str = "lab"
    has_subject: bool = False


COMMANDS = {
    "reproduce": Command(
        "Reproduce the paper: train, compare every claim with the published value, draw figures."
    ),
    "report": Command(
        "Make RESULTS.md and a page, report.html, of what `mnist1d reproduce` found."
    ),
    "run": Command(
        "Run an experiment with settings of your own; several values of one make a grid.",
        has_subject=True,
    ),
    "compare": Command(
        "Compare candidates of your own: tuned alike, paired by seed, with the paper's models.",
        has_subject=True,
    ),
    "show-result": Command(
        "Show what a stored result holds: experiment, settings, variables, summary and claims."
    ),
    "generate": Command(
        "Write any number of samples into files, or finish or check what is there already.",
        ("rich", "tyro"),
        "shards",
    ),
    "show": Command(
        "Draw the dataset: samples, templates, how a sample is built, or all of it in one "
        "overview.",
        ("matplotlib", "tyro"),
    ),
    "list": Command("List the experiments that can be reproduced.", ()),
}
"""The subcommands by name; each is a function of that name in a module of that name."""


def main() -> None:
    """Run the subcommand that the arguments name."""
    try:
        _main(sys.argv[1:])
    except KeyboardInterrupt:
        message = "interrupted; finished work is kept: run the same command again to continue"
        print(f"\nmnist1d: {message}", file=sys.stderr, flush=True)  # noqa: T201
        sys.stdout.flush()
        # At once, as threads that still compute can crash an interpreter that is shutting down.
        os._exit(130)


def _main(arguments: list[str]) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # An old code page then shows a question mark instead of raising an error.
            stream.reconfigure(errors="replace")
    if not hasattr(mnist1d, "__version__"):
        # The published package has overwritten files of this one.
        sys.exit("\n".join(f"mnist1d: {line}" for line in _installation().other_packages()))
    if arguments == ["--version"]:
        print(f"mnist1d {mnist1d.__version__} from {Path(__file__).parents[1]}")  # noqa: T201
        for line in _installation().other_packages():
            print(f"mnist1d: {line}", file=sys.stderr)  # noqa: T201
        return
    if arguments and arguments[0] in _HELP_OPTIONS:
        print(_help())  # noqa: T201
        return
    name, *rest = arguments or [""]
    if name not in COMMANDS:
        wrong = f"no command {name!r}; there are" if name else "a command is needed"
        print(f"{_usage()}\nmnist1d: {wrong}: {', '.join(COMMANDS)}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2)
    about = COMMANDS[name]
    wants_help = not _HELP_OPTIONS.isdisjoint(rest)
    packages = _HELP if wants_help else about.packages
    if lacking := absent(packages):
        what = "the list of options" if wants_help else f"`mnist1d {name}`"
        line = _installation().needs(lacking, extra=about.extra, what=what)
        if not wants_help:
            sys.exit(f"mnist1d: {line}")
        lines = [_usage(name), "", about.summary, *(["", line] if about.packages else [])]
        print("\n".join(lines))  # noqa: T201
        return
    try:
        _run(name, about, rest)
    except ModuleNotFoundError as error:
        line = str(missing(error, about.extra, f"`mnist1d {name}`"))
        if line == str(error) and line.startswith("No module"):
            raise  # a package that lacks one of its own
        sys.exit(f"mnist1d: {line}")


def _run(name: str, about: Command, rest: list[str]) -> None:
    module = import_module(f"mnist1d.cli.{name.replace('-', '_')}")
    words = f"mnist1d {name}"
    if about.has_subject and rest and not rest[0].startswith("-"):
        subject, *rest = rest
        _call(module.command_for(subject), f"{words} {subject}", rest)
    else:
        _call(getattr(module, module.__name__.rpartition(".")[2]), words, rest)


def _call(function: Callable[..., Any], prog: str, arguments: list[str]) -> None:
    if not arguments and not function.__annotations__.keys() - {"return"}:
        function()  # there are no options
        return
    tyro = import_module("tyro")
    tyro.cli(function, prog=prog, args=arguments, config=(tyro.conf.FlagCreatePairsOff,))


def _installation() -> Any:
    return import_module("mnist1d.dataset.imports.installation")


def _usage(name: str = "COMMAND") -> str:
    return f"usage: mnist1d {name} [OPTION ...]"


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {about.summary}" for name, about in COMMANDS.items()]
    return "\n".join(
        [
            _usage(),
            "",
            "MNIST-1D: the dataset, and the experiments of the paper.",
            "",
            "commands (`mnist1d COMMAND --help` shows the options of one):",
            *lines,
            "",
            "`mnist1d --version` shows the version.",
        ]
    )
