"""Parsing of arguments by the standard library, for commands that need NumPy alone.

Where `tyro` is installed it reads the options of every command (`arguments`); this reads those of
`mnist1d list` and `mnist1d explore` where it is not.
"""

import argparse
from collections.abc import Callable, Sequence
from inspect import signature
from types import NoneType
from typing import Any, NoReturn, get_args

from mnist1d.cli.output.ending import fail


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Refuse in one line, as all commands do."""
        fail(message)


def parse(
    function: Callable[..., Any], prog: str, words: Sequence[str]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read the options of a command whose parameters are flags, numbers, texts and paths.

    Args:
        function: whose parameters are the options.
        prog: the words that come before.
        words: what was typed.

    Returns: no arguments by position, and the options that were given by name.

    >>> from mnist1d.cli.explore import explore
    >>> parse(explore, "mnist1d explore", ["--port", "8000", "--no-browser"])
    ((), {'port': 8000, 'no_browser': True})
    """
    parser = _Parser(prog=prog, add_help=False, allow_abbrev=False)
    for name, parameter in signature(function).parameters.items():
        option = f"--{name.replace('_', '-')}"
        if parameter.annotation is bool:
            parser.add_argument(option, action="store_true", default=argparse.SUPPRESS)
        else:
            kinds = [kind for kind in get_args(parameter.annotation) if kind is not NoneType]
            kind = kinds[0] if kinds else parameter.annotation
            parser.add_argument(option, type=kind, default=argparse.SUPPRESS)
    return (), vars(parser.parse_args(words))
