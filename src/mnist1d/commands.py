"""What the command line can do; every command is a function, its arguments the options."""

from collections.abc import Callable, Mapping

from rich.table import Column, Table

from mnist1d.compare_command import compare
from mnist1d.experiments import EXPERIMENTS
from mnist1d.report.command import report
from mnist1d.reproduce_command import reproduce
from mnist1d.run_command import run
from mnist1d.shards.command import generate
from mnist1d.show import show
from mnist1d.show_result import show_result
from mnist1d.terminal import make_console


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
