"""What the command line can do; every command is a function, its arguments the options."""

from collections.abc import Callable, Mapping

from rich.table import Column, Table

from mnist1d.cli.compare import compare
from mnist1d.cli.generate import generate
from mnist1d.cli.report import report
from mnist1d.cli.reproduce import reproduce
from mnist1d.cli.run import run
from mnist1d.cli.show import show
from mnist1d.cli.show_result import show_result
from mnist1d.cli.terminal import make_console
from mnist1d.experiments import EXPERIMENTS


def list_experiments() -> None:
    """List the experiments that can be reproduced."""
    table = Table(
        Column("name", no_wrap=True), "what", "claims", "runs in the paper", "by default of `run`"
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


COMMANDS: Mapping[str, Callable[..., None]] = {
    "reproduce": reproduce,
    "report": report,
    "run": run,
    "compare": compare,
    "show-result": show_result,
    "generate": generate,
    "show": show,
    "list": list_experiments,
}
"""The subcommands of `mnist1d`, by name."""
