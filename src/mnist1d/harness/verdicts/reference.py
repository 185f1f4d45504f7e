"""The record that comes with the package: mean, spread and number of runs of every claim.

With it a single run can be judged: whether it, and the paper's number, lie where runs of the record
do. It is in the file `record.json` in the folder of the experiment.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d.harness.claims import Judgement
from mnist1d.harness.interface import Experiment, origin_of
from mnist1d.measures.replication import Spread, spread_of

FILE = "record.json"


def recorded(experiment: Experiment) -> Mapping[str, Spread]:
    """Return what the package's record has measured of the claims of an experiment.

    Args:
        experiment: its module.

    Returns: claim -> spread of its runs; empty for an experiment without a record, and if the
        record is of another version of it.
    """
    # A file next to a user's own experiment does not belong to it.
    module = None if origin_of(experiment) == "own" else getattr(experiment, "__file__", None)
    path = Path(module).parent / FILE if module else None
    if path is None or not path.is_file():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored["version"] != experiment.VERSION:
        return {}
    return {
        name: Spread(found["mean"], found["sd"], found["n"], found["n"] - 1)
        for name, found in stored["claims"].items()
    }


def as_record(experiment: Experiment, judgements: Sequence[Judgement], *, commit: str) -> str:
    """Write the record of an experiment as `recorded` reads it.

    Args:
        experiment: its module.
        judgements: of a run of the full protocol; those of one value per run are kept.
        commit: that the run was made with.
    """
    claims: dict[str, Any] = {}
    for each in judgements:
        found = spread_of(each.estimate)
        if np.isfinite(found.sd) and found.df == found.n - 1 and not each.estimate.n_diverged:
            claims[each.claim.name] = {
                "mean": round(found.mean, 6),
                "sd": round(found.sd, 6),
                "n": found.n,
            }
    stored = {"version": experiment.VERSION, "commit": commit, "claims": claims}
    return json.dumps(stored, indent=1) + "\n"
