"""Method of the lottery-ticket experiment: find tickets by pruning in rounds, then study them."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr

from mnist1d.execution import Compute, Task
from mnist1d.experiments.lottery_tickets.config import (
    CONTROLS,
    NETWORKS,
    SEARCHES,
    STUDIES,
    Config,
)
from mnist1d.experiments.lottery_tickets.training import (
    SearchTrainer,
    StudyTrainer,
    initial_network,
    search_training,
    study_training,
)
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, silent
from mnist1d.harness.settings import with_data
from mnist1d.models import MLP
from mnist1d.models.masks import (
    full_mask,
    pack,
    random_mask,
    unpack,
    with_same_degrees,
    with_same_runs,
)

Masks = dict[tuple[str, int], np.ndarray]
"""The packed mask of a network, by its name and seed."""

_SHARED = ("protocol", "hidden_size", "learning_rate", "evaluate_every", "products")
_SEARCHED = (*_SHARED, "rounds", "search_steps", "search_batch_size")
_STUDIED = (*_SEARCHED, "ticket_round", "study_steps", "study_batch_size", "study_seed")
SETTINGS = {"search": _SEARCHED, "study": _STUDIED}
"""The settings that determine a network of either part."""

COSTS = {"dense": 3.0, "random": 2.0, "lottery": 1.0, **dict.fromkeys(CONTROLS, 1.0)}
"""Approximate size of the network that a mask leaves: the largest are begun first."""

FILL = dict.fromkeys(("test_accuracy", "test_loss", "train_accuracy"), np.float32(np.nan))
"""Measurements in single precision stay in it."""


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Search for tickets, then study them.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: trains the networks, or reads stored results.

    Returns: variables over `search` (random, lottery), `seed`, `sparsity` of the round, `step`
        (index of the step after which an evaluation took place), `study`, `network` (dense, random,
        lottery) and `control`; accuracies are fractions, losses in nats:

        - `search_test_accuracy`, `search_test_loss` (search, seed, sparsity, step);
        - `study_test_accuracy`, `study_test_loss` (study, network, seed, study_step), and
          `study_train_accuracy` (study, network, seed) after the last step;
        - with controls `control_test_accuracy`, `control_test_loss` (control, seed, study_step),
          `control_train_accuracy` (control, seed) and `control_mask` (control, seed, unit, input);
        - `ticket_mask` (search, seed, unit, input): kept weights of the first layer of the tickets,
          and `pictured_mask`, those of Figure S2; `ticket_sparsity` of all their layers;
        - `as_published`: whether the protocol was the published one.

    Raises: OSError: if results cannot be stored.
    """
    compute = compute or Compute()
    searched, masks = _search(config, compute, progress)
    tickets = pictured = masks[config.ticket_round]
    if config.protocol == "published":
        earlier = masks[max(config.ticket_round - 1, 0)]
        pictured = tickets | {name: earlier[name] for name in tickets if name[0] == "lottery"}
    studied = _study(config, tickets, compute, progress)
    return xr.merge([searched, studied]).assign(
        ticket_mask=_first_layers("search", SEARCHES, tickets, config),
        pictured_mask=_first_layers("search", SEARCHES, pictured, config),
        ticket_sparsity=config.sparsities[config.ticket_round],
        as_published=config.protocol == "published",
    )


def _search(
    config: Config, compute: Compute, progress: Progress
) -> tuple[xr.Dataset, Sequence[Masks]]:
    """Prune in rounds; return the measurements, and the masks of every round."""
    shapes = _shapes(config)
    names = [(search, seed) for seed in range(config.seeds) for search in SEARCHES]
    present = dict.fromkeys(names, pack(full_mask(shapes)))
    masks, found = [], []
    progress("search", 0, len(names) * config.rounds)
    for number, sparsity in enumerate(config.sparsities):
        for seed in range(config.seeds):
            rng = np.random.default_rng([seed, number])
            present["random", seed] = pack(random_mask(shapes, sparsity, rng))
        masks.append(dict(present))
        # Each network starts again from its initial weights, with its present mask.
        tasks = [
            network_task(config, "search", {"search": search, "seed": seed, "round": number}, mask)
            for (search, seed), mask in present.items()
        ]
        for task, arrays in compute(tasks, SearchTrainer, config):
            found.append((task, arrays))
            if "next" in arrays:  # the lottery's mask without the smallest trained weights
                present["lottery", task.labels["seed"]] = arrays["next"]
        progress("search", len(found), len(names) * config.rounds)
    axes = ("search", "seed", "round", "step")
    result = assemble(
        found,
        coords={
            "search": list(SEARCHES),
            "seed": np.arange(config.seeds),
            "round": np.arange(config.rounds),
            "step": search_training(config).evaluation_steps,
        },
        dims={"test_accuracy": axes, "test_loss": axes},
        fill=FILL,
    )
    result = result.rename(round="sparsity").assign_coords(sparsity=config.sparsities)
    return _prefixed("search", result), masks


def _study(config: Config, tickets: Masks, compute: Compute, progress: Progress) -> xr.Dataset:
    """Train dense network, ticket, random ticket and controls for long, on several data sets."""
    seeds, dense = range(config.seeds), pack(full_mask(_shapes(config)))
    masks = tickets | {("dense", seed): dense for seed in seeds}
    conditions = list(product(STUDIES, NETWORKS))
    if config.controls:
        conditions += [("re-initialised", control) for control in CONTROLS]
        for control, seed in product(CONTROLS, seeds):
            masks[control, seed] = _control(config, tickets["lottery", seed], control, seed)
    tasks = [
        network_task(
            config,
            "study",
            {"study": study, "network": network, "seed": seed},
            masks[network, seed],
        )
        for seed in seeds
        for study, network in conditions
    ]
    total = len(tasks) * config.study_steps

    def report(_: Sequence[Task], __: int, steps: int) -> None:
        progress("studies", steps, total)

    progress("studies", 0, total)
    found = compute(tasks, StudyTrainer, config, on_progress=report, steps=config.study_steps)
    axes = ("study", "network", "seed")
    whole = assemble(
        found,
        coords={
            "study": list(STUDIES),
            "network": [*NETWORKS, *CONTROLS],
            "seed": np.arange(config.seeds),
            "study_step": study_training(config).evaluation_steps,
        },
        dims={
            "test_accuracy": (*axes, "study_step"),
            "test_loss": (*axes, "study_step"),
            "train_accuracy": axes,
        },
        fill=FILL,
    )
    progress("studies", total, total)
    result = _prefixed("study", whole.sel(network=list(NETWORKS)))
    if not config.controls:
        return result
    controls = whole.sel(study="re-initialised", network=list(CONTROLS)).drop_vars("study")
    controls = _prefixed("control", controls.rename(network="control"))
    kept = _first_layers("control", CONTROLS, masks, config)
    return xr.merge([result, controls.assign(control_mask=kept)])


def network_task(config: Config, part: str, place: Mapping[str, Any], mask: np.ndarray) -> Task:
    """Return the task of a network; a GPU trains those of a round, or of all studies, together."""
    key = {"part": part, **place, **{name: getattr(config, name) for name in SETTINGS[part]}}
    return Task(
        labels=place,
        key=with_data(key, config.data),
        cost=COSTS[place["search" if part == "search" else "network"]],
        group=None if jax.default_backend() == "cpu" else part,
        inputs={"mask": mask},
    )


def _control(config: Config, ticket: np.ndarray, control: str, seed: int) -> np.ndarray:
    """Replace a ticket's mask of the first layer's weights by a random one of a kind."""
    mask = unpack(ticket, _shapes(config))
    make = {"same degrees": with_same_degrees, "same runs": with_same_runs}[control]
    kept = make(mask.hidden.weight, np.random.default_rng([seed, CONTROLS.index(control)]))
    return pack(eqx.tree_at(lambda tree: tree.hidden.weight, mask, kept))


def _first_layers(
    dimension: str, names: Sequence[str], masks: Masks, config: Config
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the masks of the first layer's weights."""
    shapes = _shapes(config)
    kept = [
        [unpack(masks[name, seed], shapes).hidden.weight for seed in range(config.seeds)]
        for name in names
    ]
    return (dimension, "seed", "unit", "input"), np.array(kept)


def _shapes(config: Config) -> MLP:
    """Return a network, whose shapes are those of all masks."""
    return initial_network(config, 0, "lottery")


def _prefixed(prefix: str, result: xr.Dataset) -> xr.Dataset:
    return result.rename({name: f"{prefix}_{name}" for name in result.data_vars})
