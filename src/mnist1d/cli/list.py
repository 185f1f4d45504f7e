"""The command `mnist1d list`, which needs NumPy alone."""

import shutil
import textwrap

from mnist1d.experiments import EXPERIMENTS

_NOTE = "paper, run: number of runs in the paper, and by default of `mnist1d run`."
_LEAST_WIDTH = 80
_NUMBERS = "  {:>6}  {:>5}  {:>3}"


def list() -> None:  # noqa: A001 (the command's name)
    """List the experiments that can be reproduced."""
    rows = [
        (each.NAME, each.TITLE, len(each.CLAIMS), each.PAPER_SEEDS, each.Config().seeds)
        for each in EXPERIMENTS
    ]
    names = max(len(row[0]) for row in rows)
    room = max(shutil.get_terminal_size().columns, _LEAST_WIDTH)
    room -= names + len("  ") + len(_NUMBERS.format("", "", ""))
    titles = min(room, max(len(row[1]) for row in rows))
    lines = []
    for name, title, *counts in [("name", "what", "claims", "paper", "run"), *rows]:
        first, *more = textwrap.wrap(title, titles)
        lines.append(f"{name:{names}}  {first:{titles}}{_NUMBERS.format(*counts)}")
        lines += [f"{'':{names}}  {line}" for line in more]
    print("\n".join([*lines, "", _NOTE]))  # noqa: T201
