"""The page of the command line: the help of every command, as it is printed."""

import contextlib
import io
import os
import sys
from pathlib import Path
from unittest import mock

from website import sources

from mnist1d.cli.main import COMMANDS, main

START = """# Command line

What `--help` prints, of the version of these pages. Exit codes, JSON documents and schemas are
described in [The commands in programs](../guides/commands.md); the options of an experiment,
`mnist1d run EXPERIMENT --help`, are the settings on [its page](../experiments/index.md).
"""


def write_page(out: Path) -> None:
    """Write the page into a folder for Sphinx."""
    parts = [START, f"```text\n{help_of()}\n```\n"]
    parts += [f"## mnist1d {name}\n\n```text\n{help_of(name)}\n```\n" for name in COMMANDS]
    sources.write(out / "reference" / "command-line.md", "\n".join(parts))


def help_of(*command: str) -> str:
    """Return what a command prints as its help, in lines of 80 characters."""
    printed = io.StringIO()
    with (
        mock.patch.dict(os.environ, {"COLUMNS": "80", "NO_COLOR": "1"}),
        mock.patch.object(sys, "argv", ["mnist1d", *command, "--help"]),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main()
    return "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())
