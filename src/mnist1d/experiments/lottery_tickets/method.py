"""The experiment: settings, runs, claims and figures."""

import zlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any, Literal, NamedTuple, Self

import equinox as eqx
import jax
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d.dataset import checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.units import Units
from mnist1d.execution.work import Doer, Result, Told, Work
from mnist1d.experiments.lottery_tickets.training import (
    Job,
    MaskedTrainer,
    masked_training,
    train_accuracy,
)
from mnist1d.figures import style
from mnist1d.harness.claims import Claim, Equals, Positive
from mnist1d.harness.interface import Progress, Row, silent
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data, with_data
from mnist1d.measures.adjacency import adjacency_probability, runs_per_unit
from mnist1d.measures.uncertainty import Estimate, estimate, interval, paired_difference
from mnist1d.models import MLP, masks as pruning
from mnist1d.models.masked_mlp import needed_units
from mnist1d.training import Training, as_data

NAME = "lottery-tickets"
TITLE = "Lottery tickets (Figure 4, Figure S2)"
VERSION = 2
PAPER_SEEDS = 2

SEARCHES = ("random", "lottery")
STUDIES = ("original", "flipped", "shuffled", "chunked", "re-initialised")
NETWORKS = ("dense", "random", "lottery")
CONTROLS = ("same degrees", "same runs")
POSITIONS = {"flipped": "flipped", "shuffled": "shuffled_lottery", "chunked": "chunked"}
POSITIONED = ("positions", "positions_seed", "shuffle_seq")
PUBLISHED_PRUNING_STEP = 1000
SEARCH_MULTIPLE, STUDY_MULTIPLE = 100, 50
"""Sizes are multiples of these; coarse ones in the search, where a round takes no longer than
compiling its program.
"""

Masks = Mapping[tuple[str, int], Any]
"""A mask for each search and seed."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the lottery-ticket experiment; the defaults are the paper's.

    Attributes:
        seeds: number of trials, at least 1; trial s draws from key s.
        protocol: "corrected", or "published": what the code did (differences 1 to 5).
        hidden_size: width of both hidden layers, 1 to 10,000.
        rounds: number of sparsities, equally spaced from 0 to 1, at least 2.
        learning_rate: of Adam, above 0.
        search_steps: updates per round, at least 1 (the paper's steps 0 to 1501).
        search_batch_size: samples per batch in the search; divides the number of training samples.
        ticket_sparsity: sparsity of the tickets that are studied, 0 to 1; the nearest one of the
            search is taken.
        study_steps: updates per network in the studies, at least 1 (steps 0 to 6000).
        study_batch_size: samples per batch in the studies; divides the number of training samples.
        study_seed: seed of the studies' data, 0 to 2**32 - 1; the search's data has 42.
        evaluate_every: steps between evaluations, at least 1.
        controls: whether to train the two controls.
        products: type of the factors of the matrix products that lead to activations, "float32" or
            "bfloat16"; sums, gradients of weights and updates are float32.
        data: what the samples are, but for the studies' seed and positions; claims belong to the
            published ones.
    """

    seeds: int = 3
    protocol: Literal["corrected", "published"] = "corrected"
    hidden_size: int = 500
    rounds: int = 100
    learning_rate: float = 0.02
    search_steps: int = 1502
    search_batch_size: int = 100
    ticket_sparsity: float = 0.92
    study_steps: int = 6001
    study_batch_size: int = 500
    study_seed: int = 43
    evaluate_every: int = 100
    controls: bool = True
    products: Literal["float32", "bfloat16"] = "float32"
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "search_steps", "study_steps", "evaluate_every"):
            checks.integer(field, getattr(self, field), 1, 10**9)
        checks.integer("hidden_size", self.hidden_size, 1, 10_000)
        checks.integer("rounds", self.rounds, 2, 10**6)
        checks.integer("study_seed", self.study_seed, 0, 2**32 - 1)
        checks.one_of("protocol", self.protocol, ("corrected", "published"))
        checks.one_of("products", self.products, ("float32", "bfloat16"))
        checks.truth("controls", self.controls)
        checks.positive("learning_rate", self.learning_rate)
        if not 0 <= checks.real("ticket_sparsity", self.ticket_sparsity) <= 1:
            raise ValueError(f"ticket_sparsity must be from 0 to 1, not {self.ticket_sparsity}")
        check_data(
            self.data, (*SHAPES, *POSITIONED), "studies have 40 points in orders of their own"
        )
        n_train = self.data.n_train
        for field in ("search_batch_size", "study_batch_size"):
            if n_train % checks.integer(field, getattr(self, field), 1, n_train):
                raise ValueError(f"{field} must divide {n_train}, not {getattr(self, field)}")
        if self.protocol == "published" and (
            self.search_steps <= PUBLISHED_PRUNING_STEP
            or PUBLISHED_PRUNING_STEP % self.evaluate_every
        ):
            raise ValueError(
                f"protocol 'published' prunes after step {PUBLISHED_PRUNING_STEP}, which must be "
                f"one of the evaluations: search_steps={self.search_steps} must be above it and "
                f"evaluate_every={self.evaluate_every} divide it"
            )

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(
            seeds=2, hidden_size=30, rounds=13, search_steps=61, study_steps=61, evaluate_every=20
        )

    @property
    def sparsities(self) -> np.ndarray:
        """Sparsity of every round, shape (rounds,)."""
        return np.linspace(0, 1, self.rounds)

    @property
    def ticket_round(self) -> int:
        """Index of the round whose masks are studied."""
        return int(np.abs(self.sparsities - self.ticket_sparsity).argmin())


def run(config: Config, *, progress: Progress = silent, units: Units | None = None) -> xr.Dataset:
    """Search for tickets, then study them.

    Args:
        config: the settings.
        progress: told what is going on.
        units: keeps finished rounds of the search and networks of the studies.

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

    Raises: OSError: if a finished unit cannot be stored.
    """
    units = units or Units()
    searched, tickets, pictured = _search(config, progress, units)
    studied = _study(config, tickets, progress, units)

    def first_layers(masks: Masks) -> Any:
        kept = [
            [masks[search, s].hidden.weight for s in range(config.seeds)] for search in SEARCHES
        ]
        return ("search", "seed", "unit", "input"), np.array(kept)

    return xr.merge([searched, studied]).assign(
        ticket_mask=first_layers(tickets),
        pictured_mask=first_layers(pictured),
        ticket_sparsity=config.sparsities[config.ticket_round],
        as_published=config.protocol == "published",
    )


def initial_network(config: Config, seed: int, purpose: str = "trial") -> MLP:
    """Draw initial weights.

    Args:
        config: the width.
        seed: the trial.
        purpose: "trial" for those that a trial's searches and studies share; any other text for
            weights that only this purpose has.
    """
    key = jax.random.key(seed)
    if purpose != "trial":
        key = jax.random.fold_in(key, zlib.crc32(purpose.encode()))
    return MLP(hidden_size=config.hidden_size, key=key)


class _Round(NamedTuple):
    """A network of the search.

    Attributes:
        search: "random" or "lottery".
        seed: the trial.
        number: of the round.
        mask: its bits, as `pruning.pack` has them.
    """

    search: str
    seed: int
    number: int
    mask: np.ndarray


@dataclass(frozen=True)
class _SearchWork(Work[_Round]):
    """Training the networks of the search; of a lottery the mask of the next round comes with it.

    Attributes:
        config: the settings.
    """

    config: Config

    @property
    def training(self) -> Training:
        """What happens to every network."""
        config = self.config
        return masked_training(
            config.search_steps,
            config.search_batch_size,
            config.learning_rate,
            config.evaluate_every,
            keep_weights=config.protocol == "published",
        )

    def start(self) -> Doer[_Round]:
        """Generate the data."""
        config, training = self.config, self.training
        trainer = MaskedTrainer(training, config.products, multiple=SEARCH_MULTIPLE)
        data = as_data(generate(config.data))

        @cache
        def network(search: str, seed: int) -> MLP:
            own = config.protocol == "published"
            return initial_network(config, seed, search if own else "trial")

        def work(
            tasks: Sequence[_Round], device: jax.Device, told: Told
        ) -> Iterator[tuple[_Round, Result]]:
            starts = [network(task.search, task.seed) for task in tasks]
            jobs = [
                Job(start, pruning.unpack(task.mask, start), data)
                for start, task in zip(starts, tasks, strict=True)
            ]
            for task, job, done in zip(tasks, jobs, trainer.train(jobs, device, told), strict=True):
                weights, arrays = done.network, done.curves
                if done.weights is not None:
                    at = training.evaluation_steps.tolist().index(PUBLISHED_PRUNING_STEP)
                    weights = jax.tree.map(lambda leaf, at=at: leaf[at], done.weights)
                if task.search == "lottery" and task.number + 1 < config.rounds:
                    with jax.default_device(device):
                        trained = pruning.masked(weights, job.mask)
                    sparser = pruning.magnitude_mask(trained, config.sparsities[task.number + 1])
                    arrays |= {"next": pruning.pack(sparser)}
                yield task, [arrays]

        return work

    def keys(self, task: _Round) -> Sequence[Mapping[str, Any]]:
        """Return what determines a network."""
        own = {"search": task.search, "seed": task.seed, "round": task.number}
        return [_unit_key(self.config, "search") | own]

    @property
    def steps(self) -> int:
        """Updates of a network."""
        return self.config.search_steps

    def cost(self, task: _Round) -> float:
        """Return the size of the matrix that is left."""
        return _size_left(self.config, task.mask, SEARCH_MULTIPLE)

    def together(self, task: _Round) -> Hashable | None:
        """Let a GPU train a round at once."""
        return None if jax.default_backend() == "cpu" else task.number


class _Study(NamedTuple):
    """A network of the studies.

    Attributes:
        study: one of `STUDIES`.
        network: one of `NETWORKS` or `CONTROLS`.
        seed: the trial.
        mask: its bits, as `pruning.pack` has them.
    """

    study: str
    network: str
    seed: int
    mask: np.ndarray


@dataclass(frozen=True)
class _StudyWork(Work[_Study]):
    """Training the networks of the studies.

    Attributes:
        config: the settings.
    """

    config: Config

    @property
    def training(self) -> Training:
        """What happens to every network."""
        config = self.config
        return masked_training(
            config.study_steps, config.study_batch_size, config.learning_rate, config.evaluate_every
        )

    def start(self) -> Doer[_Study]:
        """Generate the data."""
        config = self.config
        trainer = MaskedTrainer(self.training, config.products, multiple=STUDY_MULTIPLE)
        data = {
            study: as_data(
                generate(
                    config.data,
                    seed=config.study_seed,
                    positions=POSITIONS.get(study, "original"),
                )
            )
            for study in STUDIES
        }

        def job(task: _Study) -> Job:
            own_weights = task.study != "re-initialised" and config.protocol == "corrected"
            start = initial_network(config, task.seed, "trial" if own_weights else task.study)
            return Job(start, pruning.unpack(task.mask, start), data[task.study])

        def work(
            tasks: Sequence[_Study], device: jax.Device, told: Told
        ) -> Iterator[tuple[_Study, Result]]:
            jobs = [job(task) for task in tasks]
            for task, one, done in zip(tasks, jobs, trainer.train(jobs, device, told), strict=True):
                with jax.default_device(device):
                    trained = pruning.masked(done.network, one.mask)
                    fitted = train_accuracy(trained, *one.data["train"])
                yield task, [done.curves | {"train_accuracy": np.asarray(fitted)}]

        return work

    def keys(self, task: _Study) -> Sequence[Mapping[str, Any]]:
        """Return what determines a network."""
        own = {"study": task.study, "network": task.network, "seed": task.seed}
        return [_unit_key(self.config, "study") | own]

    @property
    def steps(self) -> int:
        """Updates of a network."""
        return self.config.study_steps

    def cost(self, task: _Study) -> float:
        """Return the size of the matrix that is left."""
        return _size_left(self.config, task.mask, STUDY_MULTIPLE)

    def together(self, task: _Study) -> Hashable | None:  # noqa: ARG002
        """Let a GPU train all at once."""
        return None if jax.default_backend() == "cpu" else "all"


def _size_left(config: Config, mask: np.ndarray, multiple: int) -> float:
    needed = needed_units(pruning.unpack(mask, _example(config.hidden_size)), multiple)
    return float(needed.units.size * needed.n_second)


@cache
def _example(hidden_size: int) -> MLP:
    """Return a network of the shapes that all have."""
    return MLP(hidden_size=hidden_size, key=jax.random.key(0))


def _search(config: Config, progress: Progress, units: Units) -> tuple[xr.Dataset, Masks, Masks]:
    """Prune in rounds; returns the curves, the tickets, and the masks of Figure S2."""
    published = config.protocol == "published"
    work, example = _SearchWork(config), _example(config.hidden_size)
    chains = [(search, seed) for seed in range(config.seeds) for search in SEARCHES]
    following = {chain: pruning.full_mask(example) for chain in chains}
    masks: list[Masks] = []
    curves: dict[tuple[str, int, int], Mapping[str, np.ndarray]] = {}
    progress("search", 0, len(chains) * config.rounds)
    for number, sparsity in enumerate(config.sparsities):
        for search, seed in chains:
            if search == "random":
                rng = np.random.default_rng([seed, number])
                following[search, seed] = pruning.random_mask(example, sparsity, rng)
        masks.append(dict(following))
        rounds = [_Round(*chain, number, pruning.pack(masks[-1][chain])) for chain in chains]
        for each, (arrays,) in units.compute(rounds, work):
            curves[each.search, each.seed, number] = arrays
            if "next" in arrays:
                following[each.search, each.seed] = pruning.unpack(arrays["next"], example)
        progress("search", (number + 1) * len(chains), len(chains) * config.rounds)

    def stacked(name: str) -> Any:
        values = [
            [
                [curves[search, s, i][name] for i in range(config.rounds)]
                for s in range(config.seeds)
            ]
            for search in SEARCHES
        ]
        return ("search", "seed", "sparsity", "step"), np.array(values)

    result = xr.Dataset(
        {f"search_{name}": stacked(name) for name in ("test_accuracy", "test_loss")},
        {
            "search": list(SEARCHES),
            "seed": np.arange(config.seeds),
            "sparsity": config.sparsities,
            "step": work.training.evaluation_steps,
        },
    )
    tickets = pictured = masks[config.ticket_round]
    if published:
        earlier = masks[max(config.ticket_round - 1, 0)]
        pictured = {
            chain: (tickets if chain[0] == "random" else earlier)[chain] for chain in chains
        }
    return result, tickets, pictured


def _study(config: Config, tickets: Masks, progress: Progress, units: Units) -> xr.Dataset:
    """Train dense network, ticket and random ticket for long, on several data; and controls."""
    conditions = [(study, network) for study in STUDIES for network in NETWORKS]
    n_paper = len(conditions)
    conditions += [("re-initialised", control) for control in CONTROLS if config.controls]
    masks = {}
    for seed in range(config.seeds):
        for study, network in conditions:
            if network == "dense":
                mask = pruning.full_mask(_example(config.hidden_size))
            elif network in CONTROLS:
                mask = _control(tickets["lottery", seed], network, seed)
            else:
                mask = tickets[network, seed]
            masks[study, network, seed] = mask
    work, found = _StudyWork(config), {}
    total = len(masks) * config.study_steps

    def report(_: Sequence[_Study], __: int, steps: int) -> None:
        progress("studies", steps, total)

    progress("studies", 0, total)
    tasks = [_Study(*name, pruning.pack(mask)) for name, mask in masks.items()]
    for task, (arrays,) in units.compute(tasks, work, report):
        found[task.study, task.network, task.seed] = arrays
    progress("studies", total, total)

    def stacked(name: str, chosen: Sequence[tuple[str, str]]) -> np.ndarray:
        return np.array([[found[*pair, s][name] for s in range(config.seeds)] for pair in chosen])

    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {
        "study": list(STUDIES),
        "network": list(NETWORKS),
        "seed": np.arange(config.seeds),
        "study_step": work.training.evaluation_steps,
    }
    for name in ("test_accuracy", "test_loss", "train_accuracy"):
        axes = ("seed",) if name == "train_accuracy" else ("seed", "study_step")
        values = stacked(name, conditions[:n_paper])
        values = values.reshape(len(STUDIES), len(NETWORKS), *values.shape[1:])
        variables[f"study_{name}"] = ("study", "network", *axes), values
        if config.controls:
            variables[f"control_{name}"] = (
                ("control", *axes),
                stacked(name, conditions[n_paper:]),
            )
    if config.controls:
        coordinates["control"] = list(CONTROLS)
        kept = [
            [masks["re-initialised", name, s].hidden.weight for s in range(config.seeds)]
            for name in CONTROLS
        ]
        variables["control_mask"] = ("control", "seed", "unit", "input"), np.array(kept)
    return xr.Dataset(variables, coordinates)


def _control(ticket: Any, control: str, seed: int) -> Any:
    """Put a random mask of a kind in place of a ticket's mask of the first layer's weights."""
    make = {"same degrees": pruning.with_same_degrees, "same runs": pruning.with_same_runs}[control]
    kept = make(ticket.hidden.weight, np.random.default_rng([seed, CONTROLS.index(control)]))
    return eqx.tree_at(lambda mask: mask.hidden.weight, ticket, kept)


def _unit_key(config: Config, part: str) -> dict[str, Any]:
    """Return what determines a unit beside trial, round and condition."""
    settings = asdict(config)
    for name in ("seeds", "controls", "ticket_sparsity", "data"):
        settings.pop(name)
    if part == "search":
        settings = {k: v for k, v in settings.items() if not k.startswith("study")}
    else:
        settings["ticket_round"] = config.ticket_round
    return with_data({"part": part, **settings}, config.data)


def searched_accuracy(result: xr.Dataset, search: str) -> np.ndarray:
    """Test accuracy in per cent at the last evaluation of every round, shape (seeds, rounds)."""
    last = result.search_test_accuracy.sel(search=search).isel(step=-1)
    return 100 * last.transpose("seed", "sparsity").to_numpy().astype(float)


def studied_accuracy(result: xr.Dataset, study: str, network: str) -> np.ndarray:
    """Test accuracy in per cent after a study's last step, shape (seeds,)."""
    if network in CONTROLS:
        found = result.control_test_accuracy.sel(control=network)
    else:
        found = result.study_test_accuracy.sel(study=study, network=network)
    return 100 * found.isel(study_step=-1).to_numpy().astype(float)


def adjacency(result: xr.Dataset, search: str, length: int) -> np.ndarray:
    """Probability that `length` neighbouring weights are kept, shape (seeds,)."""
    kept = result.ticket_mask.sel(search=search).to_numpy()
    if result.as_published:
        # What the code did: the number of inputs in place of that of positions, and for the
        # lottery ticket's four the fourth factor from the random mask.
        if length == 4 and search == "lottery":
            last = result.ticket_mask.sel(search="random").to_numpy()[..., 3:]
            runs = (kept[..., :-3] & kept[..., 1:-2] & kept[..., 2:-1] & last).sum(axis=-1)
        else:
            runs = runs_per_unit(kept, length)
        return (runs / kept.shape[-1]).mean(axis=-1)
    return adjacency_probability(kept, length)


def _search_difference(result: xr.Dataset, least: float, most: float) -> Estimate:
    """Lottery minus random, mean over the rounds between two sparsities, paired by trial."""
    rounds = (result.sparsity.to_numpy() >= least) & (result.sparsity.to_numpy() <= most)
    lottery, random = (
        searched_accuracy(result, search)[:, rounds].mean(axis=1)
        for search in ("lottery", "random")
    )
    return paired_difference(lottery, random)


def _beyond_dense(result: xr.Dataset, sparsity: float) -> Estimate:
    """Lottery at a sparsity minus the dense network of the same search, paired by trial."""
    accuracy = searched_accuracy(result, "lottery")
    nearest = int(np.abs(result.sparsity.to_numpy() - sparsity).argmin())
    return paired_difference(accuracy[:, nearest], accuracy[:, 0])


def _ticket_accuracy(result: xr.Dataset) -> Estimate:
    distances = np.abs(result.sparsity - result.ticket_sparsity).to_numpy()
    nearest = int(distances.argmin())
    return estimate(searched_accuracy(result, "lottery")[:, nearest])


def _study_mean(result: xr.Dataset, study: str, network: str) -> Estimate:
    return estimate(studied_accuracy(result, study, network))


def _study_difference(
    result: xr.Dataset, first: tuple[str, str], second: tuple[str, str]
) -> Estimate:
    return paired_difference(studied_accuracy(result, *first), studied_accuracy(result, *second))


def _adjacency_difference(result: xr.Dataset, length: int) -> Estimate:
    lottery, random = (100 * adjacency(result, search, length) for search in ("lottery", "random"))
    return paired_difference(lottery, random)


def _difference_claim(
    name: str,
    statement: str,
    source: str,
    first: tuple[str, str],
    second: tuple[str, str],
    published: float | None,
    needs: str | None = None,
) -> Claim:
    measure = partial(_study_difference, first=first, second=second)
    text = f"{statement}: difference of the test accuracies (percentage points)"
    return Claim(name, text, source, Positive(published), measure, needs)


LENGTHS = ("two", "three", "four")
CLAIMS = (
    Claim(
        "tickets-beat-random",
        "Lottery tickets beat random subnetworks of the same sparsity: test accuracy, mean over "
        "the sparsities from 0.80 to 0.95 (percentage points)",
        "Section 5.1, Figure 4 b (run of 2024)",
        Positive(8.74),
        partial(_search_difference, least=0.80, most=0.955),
    ),
    Claim(
        "ticket-accuracy",
        "The ticket of 92 % sparsity, when found: test accuracy (%)",
        "Figure 4 b (run of 2024: 75.0)",
        Equals(75, 2),
        _ticket_accuracy,
    ),
    *(
        Claim(
            f"sparse-beats-dense-{round(100 * sparsity)}",
            f"A ticket of {round(100 * sparsity)} % sparsity beats the dense network: difference "
            "of the test accuracies (percentage points)",
            "Section 5.1, Figure 4 b (run of 2024)",
            Positive(published),
            partial(_beyond_dense, sparsity=sparsity),
        )
        for sparsity, published in ((0.96, 4.8), (0.97, 2.1), (0.98, -2.2))
    ),
    *(
        Claim(
            f"asymptote-{study}",
            f"A ticket trained for long on {study} signals: test accuracy (%)",
            f"Section 5.1, Figure 4 {panel}",
            Equals(70, 2),
            partial(_study_mean, study=study, network="lottery"),
        )
        for study, panel in (("original", "c"), ("flipped", "d"))
    ),
    _difference_claim(
        "ticket-beats-dense",
        "Trained for long, the ticket beats the dense network",
        "Section 5.1, Figure 4 c (run of 2020)",
        ("original", "lottery"),
        ("original", "dense"),
        7.0,
    ),
    _difference_claim(
        "transfers-to-flipped",
        "On flipped signals the ticket beats the dense network",
        "Section 5.1, Figure 4 d (run of 2020)",
        ("flipped", "lottery"),
        ("flipped", "dense"),
        4.1,
    ),
    _difference_claim(
        "shuffling-hurts-tickets",
        "On shuffled signals the dense network beats the ticket",
        "Section 5.1, Figure 4 e (run of 2020)",
        ("shuffled", "dense"),
        ("shuffled", "lottery"),
        1.8,
    ),
    _difference_claim(
        "reinitialised-beats-dense",
        "With other initial weights the ticket still beats the dense network",
        "Section 5.1, Figure 4 f (run of 2020)",
        ("re-initialised", "lottery"),
        ("re-initialised", "dense"),
        3.3,
    ),
    _difference_claim(
        "own-weights-matter",
        "The ticket is better with its own initial weights than with others",
        "Section 5.1, Figure 4 c and f (run of 2020)",
        ("original", "lottery"),
        ("re-initialised", "lottery"),
        3.35,
    ),
    *(
        Claim(
            f"adjacency-{word}",
            f"{word.capitalize()} neighbouring weights of a unit are kept more often in tickets "
            "than in random masks: difference of the probabilities (percentage points)",
            "Section 5.1, Figure 4 g (run of 2024)",
            Positive(published),
            partial(_adjacency_difference, length=length),
        )
        for length, (word, published) in enumerate(
            zip(LENGTHS, (0.37, 0.22, None), strict=True), start=2
        )
    ),
    _difference_claim(
        "locality-is-what-helps",
        "Random first layers with the ticket's runs of neighbouring weights beat those with its "
        "numbers of weights per unit and input alone",
        "beyond the paper: a causal control of Figure 4 g",
        ("re-initialised", "same runs"),
        ("re-initialised", "same degrees"),
        None,
        needs="control_test_accuracy",
    ),
    _difference_claim(
        "ticket-is-more-than-degrees",
        "The re-initialised ticket beats random first layers with its numbers of weights per unit "
        "and input",
        "beyond the paper: a causal control of Figure 4 g",
        ("re-initialised", "lottery"),
        ("re-initialised", "same degrees"),
        None,
        needs="control_test_accuracy",
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of the studies, and of chosen rounds of the search; accuracies in per cent."""
    rows = []
    sparsities = result.sparsity.to_numpy()
    for wanted in (0, 0.5, 0.8, 0.92, 0.96, 0.97, 0.98, 0.99):
        nearest = int(np.abs(sparsities - wanted).argmin())
        estimates = {
            search: estimate(searched_accuracy(result, search)[:, nearest])
            for search in ("lottery", "random")
        }
        claim = "ticket-accuracy" if wanted == 0.92 else None
        rows.append(Row("Search, by sparsity", f"{sparsities[nearest]:.3f}", estimates, claim))
    claims = {"original": "asymptote-original", "flipped": "asymptote-flipped"}
    for study in STUDIES:
        estimates = {network: _study_mean(result, study, network) for network in reversed(NETWORKS)}
        rows.append(Row("Studies, last step", study, estimates, claims.get(study)))
    if "control_test_accuracy" in result:
        rows += [
            Row(
                "Controls, last step",
                control,
                {"lottery": _study_mean(result, "re-initialised", control)},
            )
            for control in CONTROLS
        ]
    return rows


COLOURS = {
    "dense": "black",
    "random": "tab:red",
    "lottery": "tab:blue",
    "same degrees": "tab:orange",
    "same runs": "tab:green",
}
PANELS = {"c": "original", "d": "flipped", "e": "shuffled", "f": "re-initialised"}


CAPTIONS = {
    "figure": "Figure 4, a to g: the search for tickets over sparsities, tickets trained for long "
    "on several data, and neighbouring weights that are kept; bands are 95 % intervals over "
    "trials, the dashed line is the dense network's mean.",
    "figure-s2": "Figure S2: weights of the first layer that are kept (black), of random and of "
    "lottery tickets. The share is that of these weights alone, not of all parameters.",
    "beyond": "Beyond the paper: tickets on chunked signals, and what of a ticket's first layer "
    "helps.",
}


def explain(result: xr.Dataset) -> dict[str, str]:
    """Say why claims differ, claim by claim, in numbers of the result itself."""
    gains = {sparsity: _beyond_dense(result, sparsity / 100).mean for sparsity in (96, 97, 98)}
    return {
        "sparse-beats-dense-98": (
            "Somewhere a ticket is too sparse, and here is where: its lead over the dense network "
            f"is {gains[96]:+.1f} points at 96 %, {gains[97]:+.1f} at 97 % and {gains[98]:+.1f} at "
            "98 %. The paper's own run crosses at the same place (+2.1 at 97 %, -2.2 at 98 %); its "
            "sentence, that tickets of more than 95 % beat the dense network, holds up to there."
        )
    }


def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 4 ("figure"), Figure S2 ("figure-s2") and what is not in the paper ("beyond")."""
    return {
        "figure": _plot_panels(result),
        "figure-s2": _plot_masks(result),
        "beyond": _plot_beyond(result),
    }


def _plot_panels(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(7, 3.4))
    panels = dict(zip("abcdefg", figure.subplots(2, 4).ravel()[:7], strict=True))
    figure.axes[-1].remove()
    for letter, axes in panels.items():
        style.panel_letter(axes, letter)
    for search in SEARCHES:
        found = result.sel(search=search).isel(step=-1)
        look = {"color": COLOURS[search], "label": search}
        for letter, values in (
            ("a", found.search_test_loss),
            ("b", 100 * found.search_test_accuracy),
        ):
            curves = values.transpose("seed", "sparsity")
            style.line_with_interval(panels[letter], result.sparsity, *interval(curves), **look)
    dense = result.sel(search="lottery").isel(step=-1, sparsity=0)
    line = {"color": "black", "linestyle": "--", "label": "dense"}
    panels["a"].axhline(float(dense.search_test_loss.mean()), **line)
    panels["b"].axhline(100 * float(dense.search_test_accuracy.mean()), **line)
    highest = max(5.0, float(result.search_test_loss.isel(step=-1).max()))
    panels["a"].set(title="Final test loss", xlabel="Sparsity", yscale="log", ylim=(None, highest))
    panels["a"].set_ylabel("Nats")
    panels["b"].set(title="Final test accuracy", xlabel="Sparsity", ylim=(55, 80))
    panels["b"].set_ylabel("Accuracy (%)")
    panels["b"].legend(loc="upper left", ncols=2, columnspacing=0.8, handlelength=1)
    for letter, study in PANELS.items():
        _plot_study(panels[letter], result, study, NETWORKS)
        title = "Re-initialised ticket" if letter == "f" else f"Ticket on {study} signals"
        panels[letter].set_title(title)
    for letter in ("c", "e"):
        panels[letter].set_ylabel("Test accuracy (%)")
    # The curves' order from top to bottom, where it is plain.
    handles, labels = panels["c"].get_legend_handles_labels()
    order = [labels.index(network) for network in ("lottery", "dense", "random")]
    panels["e"].legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="lower right",
        handlelength=1,
        labelspacing=0.2,
    )
    _plot_adjacency(panels["g"], result, SEARCHES)
    return figure


def _plot_study(axes: Axes, result: xr.Dataset, study: str, networks: Sequence[str]) -> None:
    for network in networks:
        if network in CONTROLS:
            curves = result.control_test_accuracy.sel(control=network)
        else:
            curves = result.study_test_accuracy.sel(study=study, network=network)
        bands = interval(100 * curves.transpose("seed", "study_step"))
        look = {"color": COLOURS[network], "label": network}
        style.line_with_interval(axes, result.study_step, *bands, **look)
    axes.set(xlabel="Training step", ylim=(50, 76))


def _plot_adjacency(axes: Axes, result: xr.Dataset, searches: Sequence[str]) -> None:
    for place, search in enumerate(searches):
        bands = [interval(100 * adjacency(result, search, length)) for length in (2, 3, 4)]
        mean, low, high = np.array(bands).T
        x = np.arange(3) + 0.4 * place - 0.2
        look = {"width": 0.4, "color": COLOURS[search], "label": search, "alpha": 0.5}
        style.bars_with_interval(axes, x, mean, np.maximum(low, 0), high, **look)
    axes.set(title="Kept neighbours", ylabel="Probability (%)", xticks=range(3))
    axes.set_xticklabels(LENGTHS)
    axes.legend(loc="upper right")


def _plot_masks(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(7, 4.2))
    trials = range(min(2, result.sizes["seed"]))
    shown = [(search, trial) for search in SEARCHES for trial in trials]
    panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, (search, trial) in zip(panels, shown, strict=True):
        kept = result.pictured_mask.sel(search=search).isel(seed=trial).to_numpy()
        order = np.argsort(-(runs_per_unit(kept, 2) + 0.001 * kept.sum(axis=1)))
        axes.imshow(kept[order].T, cmap="gray_r", aspect="auto", interpolation="nearest")
        title = (
            f"{search.capitalize()} ticket #{trial + 1} ({100 * (1 - kept.mean()):.0f} % sparse)"
        )
        axes.set_title(title, loc="left")
        axes.set(ylabel="Input axis", xticks=[], yticks=[])
    axes.set_xlabel("Hidden layer axis")
    return figure


def _plot_beyond(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(5, 1.9))
    left, right = figure.subplots(1, 2)
    _plot_study(left, result, "chunked", NETWORKS)
    left.set(title="Ticket on chunked signals", ylabel="Test accuracy (%)")
    left.legend(loc="lower right")
    controls = CONTROLS if "control_test_accuracy" in result else ()
    _plot_study(right, result, "re-initialised", (*NETWORKS, *controls))
    right.set_title("What of a re-initialised ticket helps")
    right.legend(loc="lower right", ncols=2)
    return figure
