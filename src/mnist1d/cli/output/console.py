"""The console that commands write their tables to."""

import sys
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from mnist1d.cli.output.ending import end_unread

_LEAST_WIDTH = 80
# No table is as wide: what is written to a file or a program is not cut at all.
_UNLIMITED = 4000


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        end_unread()


def make_console() -> Console:
    """Return a console for results, on standard output."""
    if not sys.stdout.isatty():
        # As text inside a notebook, too, whose own display Rich would use.
        return _Console(width=_UNLIMITED, emoji=False, force_jupyter=False)
    # Narrower, tables would lose cells; a line that the terminal wraps loses nothing.
    return _Console(width=max(Console().width, _LEAST_WIDTH), emoji=False)


def show_title(console: Console, title: str) -> None:
    """Begin what is said of something with its title."""
    # Not by `is_terminal`, which notebooks set for the commands that they start (FORCE_COLOR).
    if console.width < _UNLIMITED:
        console.rule(Text(title))
    else:
        console.print(Text(title))
