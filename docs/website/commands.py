"""The page of the command line: the help of every command, as it is printed."""

import contextlib
import io
import os
import sys
from pathlib import Path
from textwrap import wrap
from unittest import mock

from website import sources

from mnist1d.cli.main import COMMANDS, main

START = """# Command line

What `--help` prints, of the version of these pages. Exit codes, JSON documents and schemas are
described in [The commands in programs](../guides/commands.md); the options of an experiment,
`mnist1d run EXPERIMENT --help`, are the settings on [its page](../experiments/index.md).
"""

WIDTH = 80
"""Characters in a line; a terminal wraps the longer ones of descriptions by itself."""


def write_page(out: Path) -> None:
    """Write the page into a folder for Sphinx."""
    parts = [START, f"```text\n{help_of()}\n```\n"]
    parts += [f"## mnist1d {name}\n\n```text\n{help_of(name)}\n```\n" for name in COMMANDS]
    sources.write(out / "reference" / "command-line.md", "\n".join(parts))


def help_of(*command: str) -> str:
    """Return what a command prints as its help, in lines of `WIDTH` characters."""
    printed = io.StringIO()
    with (
        mock.patch.dict(os.environ, {"COLUMNS": str(WIDTH), "NO_COLOR": "1"}),
        mock.patch.object(sys, "argv", ["mnist1d", *command, "--help"]),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main()
    lines = printed.getvalue().strip().splitlines()
    return "\n".join("\n".join(wrap(line, WIDTH)) if line[:1] != " " else line for line in lines)
