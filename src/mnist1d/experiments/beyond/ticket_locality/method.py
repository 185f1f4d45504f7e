"""Method of the locality of lottery tickets: find tickets, train them, count neighbours."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import jax
import numpy as np
import xarray as xr

from mnist1d.execution import Compute, Task
from mnist1d.experiments.beyond.ticket_locality.config import LENGTHS, ORDERS, PRUNINGS, Config
from mnist1d.experiments.beyond.ticket_locality.training import TicketTrainer, initial_network
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, silent
from mnist1d.harness.settings import with_data
from mnist1d.models.masks import full_mask, pack

Place = tuple[int, int, int]
"""Width, training samples and seed of a network."""

SHARED = ("rounds", "sparsity", "n_steps", "batch_size", "learning_rate", "evaluate_every")
PLACE = ("width", "n_samples", "seed")


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Find tickets in networks of every width, from sets of every size, and count neighbours.

    Args:
        config: the settings.
        progress: called with the progress, in networks.
        compute: trains the networks, or reads stored results.

    Returns: variables over `pruning` (in rounds, at once), `width`, `n_samples` (of the training
        set), `seed`, `order` of the inputs (as they are, shuffled) and `length` of a run (2, 3, 4):

        - `runs` (pruning, width, n_samples, seed, order, length): runs of neighbouring weights in
          the first layer of a ticket; `expected_runs` and `spread_of_runs`: mean and standard
          deviation of random masks with the ticket's number of weights per unit and per input;
        - `n_weights` (pruning, width, n_samples, seed): weights of the first layer of a ticket;
        - `ticket_accuracy` (pruning, width, n_samples, seed) and `dense_accuracy` (width,
          n_samples, seed): fractions, of test samples, means of the last evaluations.
    """
    compute = compute or Compute()
    places = list(product(config.widths, config.sizes, range(config.seeds)))
    dense = {width: pack(full_mask(initial_network(width, 0))) for width in config.widths}
    present = {place: dense[place[0]] for place in places}
    at_once, dense_found, done = {}, [], 0
    total = len(places) * (config.rounds + len(PRUNINGS))
    progress("networks", 0, total)
    for number in range(config.rounds):
        # Each network starts again from its initial weights, with its present mask.
        tasks = [
            _network(config, "search", place, {"round": number}, mask)
            for place, mask in present.items()
        ]
        for task, arrays in compute(tasks, TicketTrainer, config):
            place = tuple(task.labels[name] for name in PLACE)
            present[place] = arrays["next"]
            if number == 0:
                at_once[place] = arrays["at_once"]
                dense_found.append((task, {"dense_accuracy": arrays["accuracy"]}))
            done += 1
            progress("networks", done, total)
    tasks = [
        _network(config, "ticket", place, {"pruning": pruning}, masks[place])
        for pruning, masks in zip(PRUNINGS, (present, at_once), strict=True)
        for place in places
    ]
    found = []
    for task, arrays in compute(tasks, TicketTrainer, config):
        found.append((task, {**arrays, "ticket_accuracy": arrays["accuracy"]}))
        done += 1
        progress("networks", done, total)
    counted = ("pruning", *PLACE, "order", "length")
    return assemble(
        [*dense_found, *found],
        coords={
            "pruning": list(PRUNINGS),
            "width": list(config.widths),
            "n_samples": list(config.sizes),
            "seed": np.arange(config.seeds),
            "order": list(ORDERS),
            "length": list(LENGTHS),
        },
        dims={
            "runs": counted,
            "expected_runs": counted,
            "spread_of_runs": counted,
            "n_weights": ("pruning", *PLACE),
            "ticket_accuracy": ("pruning", *PLACE),
            "dense_accuracy": PLACE,
        },
    )


def _network(
    config: Config, part: str, place: Place, more: Mapping[str, Any], mask: np.ndarray
) -> Task:
    """Return the task of a network; a GPU trains those of a width together."""
    labels = {**dict(zip(PLACE, place, strict=True)), **more}
    settings = SHARED if part == "search" else (*SHARED, "n_masks")
    key = {"part": part, **labels, **{name: getattr(config, name) for name in settings}}
    width = labels["width"]
    return Task(
        labels=labels,
        key=with_data(key, config.data),
        cost=float(width**2),
        group=None if jax.default_backend() == "cpu" else (part, width),
        inputs={"mask": mask},
    )
