"""The command `mnist1d list`, which needs NumPy alone."""

import shutil
import sys
import textwrap
from typing import Any

from mnist1d.cli.output.ending import say
from mnist1d.cli.output.outcome import Outcome
from mnist1d.experiments import BEYOND, EXPERIMENTS, PAPER
from mnist1d.harness.interface import BeyondExperiment, PaperExperiment, origin_of
from mnist1d.harness.settings import values_by_name

_NOTE = "paper, run: number of runs in the paper, and by default of `mnist1d run`."
_PARTS = {"Experiments of the paper": PAPER, "Experiments beyond the paper": BEYOND}
_LEAST_WIDTH = 80
_NUMBERS = "  {:>6}  {:>5}  {:>3}"


def list(  # noqa: A001 (the command's name)
    *,
    json: bool = False,
    quiet: bool = False,  # noqa: ARG001 (the option of all commands)
) -> Outcome:
    """List the experiments that can be reproduced.

    Args:
        json: write one JSON document in place of a table, with claims and settings.
        quiet: no effect here, where no progress is shown.
    """
    if json:
        described = [_described(each) for each in EXPERIMENTS]
        return Outcome({"command": "list", "experiments": described})
    names, titles = (
        max(map(len, texts))
        for texts in zip(*((each.NAME, each.TITLE) for each in EXPERIMENTS), strict=True)
    )
    if sys.stdout.isatty():
        room = max(shutil.get_terminal_size().columns, _LEAST_WIDTH)
        room -= names + len("  ") + len(_NUMBERS.format("", "", ""))
        titles = min(room, titles)
    lines = []
    for heading, part in _PARTS.items():
        if not part:
            continue
        rows = [
            (
                each.NAME,
                each.TITLE,
                len(each.CLAIMS),
                getattr(each, "PAPER_SEEDS", ""),
                each.Config().seeds,
            )
            for each in part
        ]
        lines += [heading, ""]
        for name, title, *counts in [("name", "what", "claims", "paper", "run"), *rows]:
            first, *more = textwrap.wrap(title, titles)
            lines.append(f"{name:{names}}  {first:{titles}}{_NUMBERS.format(*counts)}")
            lines += [f"{'':{names}}  {line}" for line in more]
        lines.append("")
    say("\n".join([*lines, _NOTE]))
    return Outcome()


def _described(experiment: PaperExperiment | BeyondExperiment) -> dict[str, Any]:
    return {
        "name": experiment.NAME,
        "title": experiment.TITLE,
        "kind": origin_of(experiment),
        "paper_seeds": getattr(experiment, "PAPER_SEEDS", None),
        "literature": [*getattr(experiment, "LITERATURE", ())],
        "config": values_by_name(experiment.Config()),
        "quick_config": values_by_name(experiment.Config.quick()),
        "claims": [
            {
                "claim": claim.name,
                "statement": claim.statement,
                "source": claim.source,
                "rule": str(claim.rule),
                "published": claim.rule.published,
            }
            for claim in experiment.CLAIMS
        ],
    }
