"""Record the trials of the paper's 1-100-100-1: `python benchmarks/deep_activation.py DIR ...`.

Each folder holds a result of `mnist1d run metalearn-activation --network 100 100`, with any number
of seeds and any table of g.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from keep import keep

from mnist1d.experiments import metalearn_activation
from mnist1d.harness import record

EVERY = 50
"""Outer steps between two objectives that are kept."""


def trials(result):
    """Return a row per trial: where it stopped, its objective until then, inputs off the table."""
    config = json.loads(result.attrs["config"])
    if config["network"] != [100, 100]:
        raise SystemExit(f"a result of the network {config['network']}, not of 100 100")
    rows = []
    for seed in result.seed.values:
        trial = result.sel(seed=seed)
        objective = trial.objective.values
        stopped = float(trial.stopped_outer)
        ended = not np.isfinite(stopped) or stopped < 0
        rows.append(
            {
                "seed": int(seed),
                "grid_bound": config["grid_bound"],
                "grid_cells": config["grid_cells"],
                "stopped_at_outer_step": None if ended else int(stopped),
                "stopped_at_inner_step": None if ended else int(trial.stopped_inner),
                "inputs_off_the_table": int(trial.n_outside.sum()),
                "objective": {
                    str(step): float(objective[step])
                    for step in range(0, len(objective), EVERY)
                    if np.isfinite(objective[step])
                },
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", help="of results")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/deep_activation.json"
    )
    options = parser.parse_args()
    found = [
        row
        for folder in options.folders
        for row in trials(record.load(metalearn_activation, folder))
    ]
    for row in found:
        print(row)
    if options.keep:
        keep("deep_activation", [], ("mnist1d", "jax", "optax"), trials=found)


if __name__ == "__main__":
    main()
