"""Write the masks of a lottery ticket that the explorer shows: `python docs/explorer_tickets.py`.

The record keeps masks of one sparsity, and the page shows one of every round. This makes the search
of the record's first trial again, with the experiment's functions and settings, which takes three
minutes of one core. What it finds must be what the record has: the accuracies of all rounds, and
the ticket, weight by weight.

The file, `static/record/tickets.json`, has `masks`, one text per unit of the first layer with a
character per point of the signal: its place in `alphabet` is the last round in which the weight is
kept. Masks are nested, so that this tells them all.
"""

from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import xarray as xr
from fill_explorer import ROOT, as_text

from mnist1d.execution import Task
from mnist1d.execution.commit import commit_of_code
from mnist1d.experiments.lottery_tickets.config import Config
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


def search(config: Config) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the first layer's mask in every round, and the final test accuracy with it."""
    network, trainer = initial_network(config, SEED, "lottery"), SearchTrainer(config)
    mask = pack(full_mask(network))
    for number in range(config.rounds):
        labels = {"search": "lottery", "seed": SEED, "round": number}
        task = Task(labels, labels, inputs={"mask": mask})
        ((_, arrays),) = trainer([task], jax.devices("cpu")[0], lambda _: None)
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


def main(path: Path = PATH) -> None:
    """Search, check, and write the file."""
    commit = commit_of_code()
    result = record.read(ROOT / "results" / "lottery-tickets" / "result.nc")
    found = [*search(Config())]
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
    main()
