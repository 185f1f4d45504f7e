"""The command `mnist1d list`."""

from mnist1d.cli.console import make_console
from mnist1d.experiments import EXPERIMENTS


def list() -> None:  # noqa: A001 (the command's name)
    """List the experiments that can be reproduced."""
    from rich import box
    from rich.table import Column, Table

    table = Table(
        Column("name", no_wrap=True),
        Column("what", overflow="fold"),
        Column("claims", justify="right"),
        Column("runs in\nthe paper", justify="right", no_wrap=True),
        Column("by default\nof `run`", justify="right", no_wrap=True),
        box=box.SIMPLE,
    )
    for experiment in EXPERIMENTS:
        table.add_row(
            experiment.NAME,
            experiment.TITLE,
            str(len(experiment.CLAIMS)),
            str(experiment.PAPER_SEEDS),
            str(experiment.Config().seeds),
        )
    make_console().print(table)
