"""Write the masks of a lottery ticket that the explorer shows: `python docs/explorer_tickets.py`.

The record keeps masks of one sparsity, and the page shows one of every round. This makes the search
of the record's first trial again, with the experiment's functions and settings, which takes three
minutes of one core; with `--units DIR` it reads the tasks that are stored in that folder, which is
`units` of the experiment where the record was made. What it finds must be what the record has: the
accuracies of all rounds, and the ticket, weight by weight.

The file, `static/record/tickets.json`, has `masks`, one text per unit of the first layer with a
character per point of the signal: its place in `alphabet` is the last round in which the weight is
kept. Masks are nested, so that this tells them all.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from fill_explorer import ROOT, as_text

from mnist1d.execution import Compute, Store
from mnist1d.execution.commit import commit_of_code
from mnist1d.experiments import lottery_tickets
from mnist1d.experiments.lottery_tickets.config import Config
from mnist1d.experiments.lottery_tickets.method import network_task
from mnist1d.experiments.lottery_tickets.training import SearchTrainer, initial_network
from mnist1d.explore import STATIC
from mnist1d.harness import record
from mnist1d.models.masks import full_mask, pack, unpack

PATH = STATIC / "record" / "tickets.json"
SEED = 0
UNITS = 56
"""Shown units, the first of 500: all of them would be an eighth of the whole page."""

# One character for each of 99 rounds, none of which JSON or HTML would have to escape.
ALPHABET = "".join(
    chr(code) for code in (*range(35, 127), *range(192, 203)) if chr(code) not in "&<>\\"
)


def search(config: Config, compute: Compute) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the first layer's mask in every round, and the final test accuracy with it."""
    network = initial_network(config, SEED, "lottery")
    mask = pack(full_mask(network))
    for number in range(config.rounds):
        place = {"search": "lottery", "seed": SEED, "round": number}
        task = network_task(config, "search", place, mask)
        ((_, arrays),) = compute([task], SearchTrainer, config)
        yield unpack(mask, network).hidden.weight, float(arrays["test_accuracy"][-1])
        mask = arrays.get("next", mask)


def check(result: xr.Dataset, masks: np.ndarray, accuracy: np.ndarray) -> None:
    """Refuse what is not the record's trial.

    Raises: ValueError: if an accuracy or a weight of the ticket is another one.
    """
    recorded = result.sel(search="lottery", seed=SEED)
    if not np.array_equal(accuracy, recorded.search_test_accuracy.isel(step=-1)):
        raise ValueError("the search has not found the record's accuracies")
    (number,) = np.flatnonzero(result.sparsity == result.ticket_sparsity)
    if not np.array_equal(masks[number], recorded.ticket_mask):
        raise ValueError("the search has not found the record's ticket")


def main(path: Path = PATH, units: Path | None = None) -> None:
    """Search, or read what is stored in a folder, check, and write the file."""
    compute = Compute(Store(units, record.shared_key(lottery_tickets)))
    commit = commit_of_code()
    result = record.read(ROOT / "results" / "lottery-tickets" / "result.nc")
    found = [*search(Config(), compute)]
    masks = np.array([mask for mask, _ in found])
    accuracy = np.array([each for _, each in found], dtype=np.float32)
    check(result, masks, accuracy)
    last = masks.sum(axis=0) - 1
    document = {
        "command": "python docs/explorer_tickets.py",
        "commit": commit,
        "seed": SEED,
        "units": masks.shape[1],
        "accuracy": [round(100 * float(each), 1) for each in accuracy],
        "alphabet": ALPHABET,
        "masks": ["".join(ALPHABET[number] for number in row) for row in last[:UNITS]],
    }
    path.write_text(as_text(document), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--units", type=Path, metavar="DIR", help="folder of the record's tasks")
    main(units=parser.parse_args().units)
