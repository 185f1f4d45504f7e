"""The command `mnist1d`: runs a subcommand, or says which packages it needs.

Without any extra, help shows the commands, and `list` the experiments; the options of a command are
read by packages of the extras.
"""

import io
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import mnist1d
from mnist1d.cli.output.ending import (
    BROKEN,
    EXIT_CODES,
    INCOMPLETE,
    INTERRUPTED,
    STOPPED,
    complain,
    cut,
    end_unread,
    fail,
    interrupted_by_termination,
    say,
)
from mnist1d.cli.output.outcome import standard_output_kept
from mnist1d.cli.output.streams import open_closed_streams
from mnist1d.dataset import checks
from mnist1d.dataset.imports import absent, missing
from mnist1d.harness.documents import as_text

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
        "Reproduce the paper: train, compare its claims with your numbers, draw figures."
    ),
    "report": Command("Make RESULTS.md and a page, report.html, of the results in a folder."),
    "run": Command(
        "Run an experiment with settings of your own; several values of one make a grid.",
        has_subject=True,
    ),
    "compare": Command(
        "Compare candidates of your own: tuned alike, paired by seed, with the paper's models.",
        has_subject=True,
    ),
    "verify": Command(
        "Run a record of a leaderboard again, from the code in it, and compare the scores."
    ),
    "show-result": Command(
        "Show what a stored result holds: experiment, settings, variables, summary and claims."
    ),
    "generate": Command(
        "Write any number of samples into files, or finish or check what is there already.",
        ("rich", "tyro"),
        "shards",
    ),
    "export": Command(
        "Write the dataset into a folder for Hugging Face, or as files for any language.",
        ("rich", "tyro"),
        "shards",
    ),
    "show": Command(
        "Draw the dataset: samples, templates, how a sample is built, or all of it in one "
        "overview.",
        ("matplotlib", "tyro"),
    ),
    "explore": Command(
        "Open the explorer in a browser: the dataset, training, and a test of yourself.", ()
    ),
    "human": Command(
        "Check and merge answers of the explorer's test of people, beside the models."
    ),
    "list": Command("List the experiments that can be reproduced.", ()),
}
"""The subcommands by name; each is a function of that name in a module of that name."""


def main() -> None:
    """Run the subcommand that the arguments name."""
    open_closed_streams()
    try:
        with interrupted_by_termination():
            try:
                _main(sys.argv[1:])
            finally:
                sys.stdout.flush()
    except KeyboardInterrupt:
        complain("interrupted; finished work is kept: run the same command again to continue")
        sys.stderr.flush()
        # At once, as threads that still compute can crash an interpreter that is shutting down.
        os._exit(INTERRUPTED)
    except BrokenPipeError:
        end_unread()
    except OSError as error:
        from mnist1d.cli.options.command import error_line

        fail(error_line(error))


def _main(arguments: list[str]) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # An old code page then shows a question mark instead of raising an error.
            stream.reconfigure(errors="replace")
    if not hasattr(mnist1d, "__version__"):
        # The published package has overwritten files of this one.
        fail("; ".join(_installation().other_packages()), BROKEN)
    if arguments == ["--version"]:
        say(f"mnist1d {mnist1d.__version__} from {Path(__file__).parents[1]}")
        for line in _installation().other_packages():
            complain(line)
        return
    if arguments and arguments[0] in _HELP_OPTIONS:
        say(_help())
        return
    name, *rest = arguments or [""]
    if name not in COMMANDS:
        _refuse(name)
    about = COMMANDS[name]
    wants_help = not _HELP_OPTIONS.isdisjoint(rest)
    packages = _HELP if wants_help else about.packages
    if lacking := absent(packages):
        what = "the list of options" if wants_help else f"`mnist1d {name}`"
        line = _installation().needs(lacking, extra=about.extra, what=what)
        if not wants_help:
            fail(line, BROKEN)
        lines = [_usage(name), "", about.summary, *(["", line] if about.packages else [])]
        say("\n".join(lines))
        return
    try:
        _run(name, about, rest)
    except ModuleNotFoundError as error:
        line = str(missing(error, about.extra, f"`mnist1d {name}`"))
        if line == str(error) and line.startswith("No module"):
            raise  # a package that lacks one of its own
        fail(line, BROKEN)


def _run(name: str, about: Command, rest: list[str]) -> None:
    module = import_module(f"mnist1d.cli.{name.replace('-', '_')}")
    words = f"mnist1d {name}"
    if about.has_subject and rest and not rest[0].startswith("-"):
        subject, *rest = rest
        # A user's file, which is run to find its options, may print.
        with _kept_for_document("--json" in rest):
            function, rest = module.command_for(subject, rest)
        _call(function, f"{words} {cut(subject)}", rest)
    else:
        _call(getattr(module, module.__name__.rpartition(".")[2]), words, rest)


def _refuse(name: str) -> NoReturn:
    """End the program because there is no command of a name."""
    if not name:
        fail(f"a command is needed; there are: {', '.join(COMMANDS)}")
    fail(checks.unknown("command", name, [*COMMANDS]))


def _call(function: Callable[..., Any], prog: str, words: list[str]) -> None:
    """Run a command; write its document where one is asked for, and say what failed in it."""
    arguments: tuple[Any, ...] = ()
    named: dict[str, Any] = {word[2:]: True for word in words}
    parameters = signature(function).parameters.values()
    needed = any(each.default is Parameter.empty for each in parameters)
    # What all commands understand can be read without the package that reads the rest.
    if needed or not set(words) <= {"--json", "--quiet"}:
        reader = "plain" if absent(["tyro"]) else "arguments"
        arguments, named = import_module(f"mnist1d.cli.options.{reader}").parse(
            function, prog, words
        )
    is_json = named.get("json", False)
    with _kept_for_document(is_json):
        outcome = function(*arguments, **named)
    if is_json:
        say(as_text(outcome.document))
    if outcome.stopped:
        fail(outcome.stopped, STOPPED)
    if outcome.failed:
        fail(outcome.failed, INCOMPLETE)


def _kept_for_document(is_json: bool) -> AbstractContextManager[None]:
    return standard_output_kept() if is_json else nullcontext()


def _installation() -> Any:
    return import_module("mnist1d.dataset.imports.installation")


def _usage(name: str = "COMMAND") -> str:
    return f"usage: mnist1d {name} [OPTION ...]"


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {about.summary}" for name, about in COMMANDS.items()]
    codes = [f"  {str(code).ljust(width)}  {meaning}" for code, meaning in EXIT_CODES.items()]
    return "\n".join(
        [
            _usage(),
            "",
            "MNIST-1D: the dataset, and the experiments of the paper.",
            "",
            "commands (`mnist1d COMMAND --help` shows the options of one):",
            *lines,
            "",
            "`--json` after a command writes one JSON document in place of tables, `--quiet` shows",
            "no progress. Progress and errors go to standard error.",
            "",
            "exit codes:",
            *codes,
            "",
            "`mnist1d --version` shows the version.",
        ]
    )
