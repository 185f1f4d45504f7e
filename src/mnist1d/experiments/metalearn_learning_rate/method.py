"""The experiment: settings, runs, claims and figures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d.dataset import checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.units import Units
from mnist1d.experiments.metalearn_learning_rate.inner_loop import (
    Batches,
    Network,
    cut_into_batches,
    differentiate,
    draw_network,
    inner_losses,
    over_runs,
)
from mnist1d.figures import style
from mnist1d.harness.claims import Claim, Equals, Positive
from mnist1d.harness.interface import Progress, Row, silent
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data, with_data
from mnist1d.measures.uncertainty import Estimate, estimate, interval
from mnist1d.models.pytorch_stream import PyTorchStream

NAME = "metalearn-learning-rate"
TITLE = "Metalearning a learning rate (Figure 6)"
VERSION = 1
PAPER_SEEDS = 1
TAKES_SECONDS = True

STEPS_PER_UNIT = 10
"""Outer steps that are stored together: what an interrupted run repeats at most."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the learning rate experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of draws of initial weights of our own, at least 1, beside the published one.
        initial_rates: learning rate at the start of each trial; two or more, different, above 0.
        outer_steps: updates of the learning rate, at least 1.
        outer_rate: step size of these updates, above 0.
        inner_steps: updates of the network, at least 1.
        batch_size: samples per inner step, in stored order; divides the number of training
            samples.
        hidden_size: hidden units of the network, from 1 to 10,000.
        sweep_range: lowest and highest learning rate of the sweep, above 0.
        sweep_points: learning rates per pass of the sweep, at least 3.
        data: the dataset; claims belong to the published one.
    """

    seeds: int = 20
    initial_rates: tuple[float, ...] = (1.5, 0.15)
    outer_steps: int = 50
    outer_rate: float = 0.3
    inner_steps: int = 200
    batch_size: int = 50
    hidden_size: int = 50
    sweep_range: tuple[float, float] = (0.05, 2.0)
    sweep_points: int = 33
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "outer_steps", "inner_steps"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        checks.integer("hidden_size", self.hidden_size, 1, 10_000)
        checks.integer("sweep_points", self.sweep_points, 3, 10**6)
        check_data(self.data, SHAPES, "the network is made for ten digits of 40 points")
        n_train = self.data.n_train
        if n_train % checks.integer("batch_size", self.batch_size, 1, n_train):
            raise ValueError(f"batch_size must divide {n_train}, not {self.batch_size}")
        checks.positive("outer_rate", self.outer_rate)
        for field in ("initial_rates", "sweep_range"):
            values = getattr(self, field)
            for i, value in enumerate(checks.sequence(field, values, "a sequence of numbers")):
                checks.positive(f"{field}[{i}]", value)
        if not 2 <= len(set(self.initial_rates)) == len(self.initial_rates):
            raise ValueError(
                "initial_rates must be two or more different numbers, not "
                f"{checks.shown(self.initial_rates)}"
            )
        if len(self.sweep_range) != 2 or self.sweep_range[0] >= self.sweep_range[1]:
            raise ValueError(
                "sweep_range must be two numbers, the lower first, not "
                f"{checks.shown(self.sweep_range)}"
            )

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(seeds=2, outer_steps=12, inner_steps=40, sweep_points=9)


def run(config: Config, *, progress: Progress = silent, units: Units | None = None) -> xr.Dataset:
    """Learn the learning rate from every start and initial weights; sweep the objective.

    Args:
        config: the settings.
        progress: told what is going on, in outer steps and passes of the sweep.
        units: where finished outer steps are kept; a run goes on after the last one found there.

    Returns: variables over `initial_rate`, `seed`, `outer_step` (from 0), `sweep_rate` and
        `point`. Those that begin with `published_` are of the published initial weights and have
        no `seed`; there is one for each of the following:

        - `rate` after the update, `objective` (mean inner loss) and `meta_gradient` before it,
          `last_loss` of the inner loop, all (initial_rate, seed, outer_step), losses in nats; NaN
          from where a trial stopped;
        - `stopped_outer_step`, `stopped_inner_step` (initial_rate, seed): where something was not
          finite; -1 if it was not so;
        - `sweep_objective` (seed, sweep_rate); `near_rate` and `near_objective` (seed, point), the
          second pass, around the lowest of the first; `sweep_optimum` (seed), the learning rate of
          the minimum, and `sweep_lowest`, the objective there; NaN if the lowest is at an end.

    Raises: OSError: if finished outer steps cannot be stored.
    """
    units = units or Units()
    batches = cut_into_batches(generate(config.data), config.batch_size)
    # The published weights are number 0.
    drawn = [draw_network(config.hidden_size, PyTorchStream(0))] + [
        draw_network(config.hidden_size, np.random.default_rng(s)) for s in range(config.seeds)
    ]
    networks = jax.tree.map(lambda *leaves: np.stack(leaves), *drawn)
    found = _learn(config, networks, batches, progress, units)
    found |= _sweep(config, networks, batches, progress, units)
    coordinates = {
        "initial_rate": np.array(config.initial_rates),
        "seed": np.arange(config.seeds),
        "outer_step": np.arange(config.outer_steps),
        "sweep_rate": _coarse_rates(config),
    }
    variables: dict[str, Any] = {}
    for name, values in found.items():
        if "sweep" in name or "near" in name:
            axes = ("draw", {"sweep_objective": "sweep_rate"}.get(name, "point"))[: values.ndim]
        else:
            axes = ("initial_rate", "draw", "outer_step")[: values.ndim]
        every = xr.DataArray(values, dims=axes)
        variables[f"published_{name}"] = every.isel(draw=0)
        variables[name] = every.isel(draw=slice(1, None)).rename(draw="seed")
    return xr.Dataset(variables, coordinates)


def _learn(
    config: Config, networks: Network, batches: Batches, progress: Progress, units: Units
) -> dict[str, np.ndarray]:
    """Run all trials, a number of outer steps at a time; arrays (initial_rate, draw, ...)."""
    n_starts, n_draws = len(config.initial_rates), config.seeds + 1
    settings = asdict(config)
    # What was computed for fewer outer steps is the beginning of more.
    key = {name: settings[name] for name in settings if "sweep" not in name}
    for name in ("outer_steps", "data"):
        key.pop(name)
    key = with_data(key, config.data)
    every = jax.tree.map(lambda leaf: np.concatenate([leaf] * n_starts), networks)
    total = config.outer_steps
    # The last piece may be longer than needed: a shorter program would have to be compiled.
    take = over_runs(
        partial(
            take_steps,
            n_steps=min(STEPS_PER_UNIT, total),
            outer_rate=config.outer_rate,
            inner_steps=config.inner_steps,
        ),
        every,
        batches,
    )
    rates = np.repeat(np.array(config.initial_rates, np.float32), n_draws)
    pieces: list[dict[str, np.ndarray]] = []
    progress("outer steps", 0, total)
    for start in range(0, total, STEPS_PER_UNIT):
        stop = min(start + STEPS_PER_UNIT, total)
        piece, going = units.load(part="trials", start=start, stop=stop, **key), ~np.isnan(rates)
        if piece is None:
            piece = {name: values[:, : stop - start] for name, values in take(rates).items()}
            units.save(piece, part="trials", start=start, stop=stop, **key)
        progress("outer steps", stop, total)
        rates = piece["rate"][:, -1]
        pieces.append(piece)
        _tell_stops(config, piece, going, start, progress)
    arrays = {
        name: np.concatenate([piece[name] for piece in pieces], axis=1).reshape(
            n_starts, n_draws, total
        )
        for name in pieces[0]
    }
    odd = arrays.pop("first_odd_step")
    stopped = np.isnan(arrays["rate"])
    first = stopped.argmax(axis=-1)
    inner = np.take_along_axis(odd, first[..., None], axis=-1)[..., 0]
    ended = stopped.any(axis=-1)
    return arrays | {
        "stopped_outer_step": np.where(ended, first, -1),
        "stopped_inner_step": np.where(ended, inner, -1),
    }


def take_steps(
    rate: Any,
    network: Network,
    batches: Batches,
    *,
    n_steps: int,
    outer_rate: float,
    inner_steps: int,
) -> dict[str, Any]:
    """Take some outer steps; from where a trial has to stop, all it records is NaN."""

    def step(rate: Any, _: None) -> tuple[Any, dict[str, Any]]:
        found = differentiate(rate, network, batches, inner_steps)
        following = rate - outer_rate * found.slope
        goes_on = jnp.isfinite(found.objective) & jnp.isfinite(following)
        measured = {
            "rate": following,
            "objective": found.objective,
            "meta_gradient": found.slope,
            "last_loss": found.last_loss,
        }
        measured = {name: jnp.where(goes_on, value, jnp.nan) for name, value in measured.items()}
        # A learning rate that is NaN makes everything NaN from the first inner step on.
        return measured["rate"], measured | {"first_odd_step": found.first_odd_step}

    return jax.lax.scan(step, rate, None, n_steps)[1]


def _tell_stops(
    config: Config,
    piece: Mapping[str, np.ndarray],
    going: np.ndarray,
    start: int,
    progress: Progress,
) -> None:
    """Say which of the trials that were going stopped during some outer steps from `start` on."""
    for run, rates in enumerate(piece["rate"]):
        if not (going[run] and np.isnan(rates).any()):
            continue
        step = int(np.isnan(rates).argmax())
        trial, draw = divmod(run, config.seeds + 1)
        weights = "published initial weights" if draw == 0 else f"seed {draw - 1}"
        inner = int(piece["first_odd_step"][run, step])
        where = (
            f"outer step {start + step}, inner step {inner}"
            if inner >= 0
            else f"outer step {start + step}, though every inner step is: the sum overflows"
        )
        progress(
            f"Trial from learning rate {config.initial_rates[trial]:g}, {weights}: stopped, as "
            f"the meta-gradient is not finite at {where}. Other trials go on.",
            0,
            0,
        )


def _coarse_rates(config: Config) -> np.ndarray:
    return np.geomspace(*config.sweep_range, config.sweep_points)


def _sweep(
    config: Config, networks: Network, batches: Batches, progress: Progress, units: Units
) -> dict[str, np.ndarray]:
    """Evaluate the objective at many learning rates, then at more around the lowest of them."""
    settings = asdict(config)
    names = ("seeds", "inner_steps", "batch_size", "hidden_size", "sweep_range", "sweep_points")
    key = with_data({name: settings[name] for name in names}, config.data)
    progress("sweep", 0, 2)
    found = units.load(part="sweep", **key)
    if found is None:
        n_draws = config.seeds + 1
        evaluate = over_runs(partial(_objectives, n_steps=config.inner_steps), networks, batches)
        coarse = _coarse_rates(config)
        objective = evaluate(np.tile(coarse.astype(np.float32), (n_draws, 1)))
        progress("sweep", 1, 2)
        # NaN, where training diverged, is never the lowest.
        lowest = np.where(np.isfinite(objective), objective, np.inf).argmin(axis=1)
        inside = np.clip(lowest, 1, len(coarse) - 2)
        near = np.linspace(coarse[inside - 1], coarse[inside + 1], len(coarse), axis=1)
        near = near.astype(np.float32)
        near_objective = evaluate(near)
        optimum = [vertex(*pair) for pair in zip(near, near_objective, strict=True)]
        at_end = (lowest != inside)[:, None]
        rate, height = np.where(at_end, np.nan, optimum).T
        found = {
            "sweep_objective": objective,
            "near_rate": near,
            "near_objective": near_objective,
            "sweep_optimum": rate,
            "sweep_lowest": height,
        }
        units.save(found, part="sweep", **key)
    progress("sweep", 2, 2)
    return found


def _objectives(rates: Any, network: Network, batches: Batches, *, n_steps: int) -> Any:
    """Return the objective at some learning rates."""
    losses = jax.vmap(lambda rate: inner_losses(rate, network, batches, n_steps))(rates)
    return losses.mean(axis=1)


def vertex(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Find the minimum of a curve: of the parabola through its lowest point and the neighbours.

    Args:
        x: rising, shape (points,), three or more.
        y: shape (points,); what is not finite is never the lowest.

    Returns: place and height of the minimum; NaN if the lowest point is the first or the last one,
        or a neighbour is not finite.

    >>> x = np.linspace(0, 4, 9)
    >>> [round(value, 6) for value in vertex(x, 3 + (x - 1.3) ** 2)]
    [1.3, 3.0]
    """
    at = int(np.where(np.isfinite(y), y, np.inf).argmin())
    if not 0 < at < len(x) - 1 or not np.isfinite(y[at - 1 : at + 2]).all():
        return np.nan, np.nan
    # Centred, as float32 squares of nearly equal numbers would lose the difference.
    x0, y0 = float(x[at]), float(y[at])
    bend, slope, _ = np.polyfit(
        x[at - 1 : at + 2].astype(float) - x0, y[at - 1 : at + 2].astype(float) - y0, 2
    )
    if bend <= 0:
        return x0, y0
    return float(x0 - slope / (2 * bend)), float(y0 - slope**2 / (4 * bend))


def last_rate(result: xr.Dataset, which: str = "") -> xr.DataArray:
    """Learning rate after the last outer step, of our draws, or with "published_" of that one."""
    return result[f"{which}rate"].isel(outer_step=-1)


def _per_seed(values: xr.DataArray) -> Estimate:
    return estimate(values.to_numpy().astype(float))


def _range(values: xr.DataArray) -> Estimate:
    """Estimate from the published trials: their mean; the interval is their whole range."""
    numbers = values.to_numpy().astype(float).ravel()
    finite = numbers[np.isfinite(numbers)]
    n_diverged = numbers.size - finite.size
    if not finite.size:
        return Estimate(np.nan, np.nan, np.nan, 0, n_diverged)
    return Estimate(
        float(finite.mean()), float(finite.min()), float(finite.max()), finite.size, n_diverged
    )


def _outermost(result: xr.Dataset, from_above: bool) -> int:
    """Index of the trial with the highest or the lowest start."""
    starts = result.initial_rate.to_numpy()
    return int(starts.argmax() if from_above else starts.argmin())


def _travelled(result: xr.Dataset, *, from_above: bool) -> Estimate:
    """Distance that the learning rate went towards the other start."""
    at = _outermost(result, from_above)
    distance = (result.initial_rate - last_rate(result)).isel(initial_rate=at)
    return _per_seed(distance if from_above else -distance)


def _fall(result: xr.Dataset, *, from_above: bool) -> Estimate:
    """Objective of the first outer step minus that of the last one, in nats."""
    objective = result.objective.isel(initial_rate=_outermost(result, from_above))
    return _per_seed(objective.isel(outer_step=0) - objective.isel(outer_step=-1))


def _spread(result: xr.Dataset) -> Estimate:
    """Distance between the last learning rates of a draw's trials."""
    last = last_rate(result)
    highest = last.max("initial_rate", skipna=False)
    return _per_seed(highest - last.min("initial_rate", skipna=False))


def _distance(result: xr.Dataset) -> Estimate:
    """Distance between the last learning rates and the sweep's minimum, mean over a draw's trials.

    The distance and not the difference: that of two draws must not cancel.
    """
    distance = abs(last_rate(result) - result.sweep_optimum)
    return _per_seed(distance.mean("initial_rate", skipna=False))


CLAIMS = (
    Claim(
        "same-rate",
        "From above and from below the learning rate converges to the same value: distance of the "
        "last ones, mean over our initial weights",
        "Section 5.3, Figure 6",
        Equals(0, 0.01),
        _spread,
    ),
    Claim(
        "from-above",
        "Started at 1.5, the learning rate falls: first minus last",
        "Section 5.3, Figure 6",
        Positive(0.8760),
        partial(_travelled, from_above=True),
    ),
    Claim(
        "from-below",
        "Started at 0.15, the learning rate rises: last minus first",
        "Section 5.3, Figure 6",
        Positive(0.4704),
        partial(_travelled, from_above=False),
    ),
    Claim(
        "rate-published-weights",
        "The metalearned learning rate is 0.62 to two digits: both trials from the published "
        "initial weights",
        "Section 5.3, Figure 6",
        Equals(0.62, 0.005),
        lambda result: _range(last_rate(result, "published_")),
    ),
    Claim(
        "rate-own-weights",
        "The metalearned learning rate is 0.62: mean over our initial weights",
        "Section 5.3, Figure 6",
        Equals(0.62, 0.01),
        lambda result: _per_seed(last_rate(result).mean("initial_rate", skipna=False)),
    ),
    Claim(
        "objective-falls-from-above",
        "The objective falls, started at 1.5: first minus last outer step (nats)",
        "Figure 6",
        Positive(0.1292),
        partial(_fall, from_above=True),
    ),
    Claim(
        "objective-falls-from-below",
        "The objective falls, started at 0.15: first minus last outer step (nats)",
        "Figure 6",
        Positive(0.0990),
        partial(_fall, from_above=False),
    ),
    Claim(
        "objective-published-weights",
        "Objective of the last outer step (nats): both trials from the published initial weights",
        "Runs of Figure 6, printed",
        Equals(1.7163, 0.0005),
        lambda result: _range(result.published_objective.isel(outer_step=-1)),
    ),
    Claim(
        "gradient-finds-minimum",
        "The gradient ends where a sweep over the learning rate has its minimum: distance, mean "
        "over trials and our initial weights",
        "Beyond the paper",
        Equals(0, 0.01),
        _distance,
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of the last outer step of every trial and of the minimum of the sweep."""
    rows = []
    for which, group in (("published_", "Published initial weights"), ("", "Our initial weights")):
        of = _range if which else _per_seed
        for at, start in enumerate(result.initial_rate.to_numpy()):
            last = {
                column: of(result[f"{which}{name}"].isel(initial_rate=at, outer_step=-1))
                for column, name in (
                    ("rate", "rate"),
                    ("objective (nats)", "objective"),
                )
            }
            rows.append(Row(group, f"trial {at + 1}, from {start:g}", last))
        mean = last_rate(result, which).mean("initial_rate", skipna=False)
        rows += [
            Row(
                group,
                "mean of the trials",
                {"rate": _range(last_rate(result, which)) if which else of(mean)},
                "rate-published-weights" if which else "rate-own-weights",
            ),
            Row(
                group,
                "minimum of the sweep",
                {
                    "rate": of(result[f"{which}sweep_optimum"]),
                    "objective (nats)": of(result[f"{which}sweep_lowest"]),
                },
            ),
            Row(
                group,
                "trials minus minimum",
                {"rate": of(mean - result[f"{which}sweep_optimum"])},
            ),
        ]
    return rows


COLOURS = ("tab:red", "tab:blue", "tab:green", "tab:purple", "tab:orange")


APART = 0.05
"""How far apart two trials of a draw end that did not converge to the same value."""

CAPTIONS = {
    "figure": "Figure 6: both trials from the published initial weights (lines) and from weights "
    "of our own (bands: 95 % intervals of the mean).",
    "figure-sweep": "Beyond the paper: the objective at all learning rates, and where gradient "
    "descent ends.",
}


def remarks(result: xr.Dataset) -> list[str]:
    """Tell of draws whose trials do not meet, in numbers of the result itself."""
    last = result["rate"].isel(outer_step=-1)
    apart = last.max("initial_rate") - last.min("initial_rate")
    odd = apart.seed.values[(apart > APART).to_numpy()]
    if not odd.size:
        return []
    said = []
    for seed in odd:
        rates = result["rate"].sel(seed=seed).isel(outer_step=slice(-10, None))
        spans = [
            f"from {float(one.initial_rate):g} between {float(one.min()):.3f} and "
            f"{float(one.max()):.3f}"
            for one in rates
        ]
        said.append(f"seed {seed} ({' and '.join(spans)} in the last ten steps)")
    others = apart.drop_sel(seed=odd)
    remark = (
        f"In {others.size} of {apart.size} draws both trials meet: they end "
        f"{float(others.mean()):.4f} apart on average. In the rest one is caught in a dip of the "
        f"objective that the sweep is too coarse to show: {'; '.join(said)}. That is why claims "
        "about all draws are undecided."
    )
    return [remark]


def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 6 ("figure") and the sweep with what the gradient found ("figure-sweep")."""
    return {"figure": _plot_trials(result), "figure-sweep": _plot_sweep(result)}


def _plot_trials(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(9, 2.5))
    panels = figure.subplots(1, 3)
    for axes, (name, label), letter in zip(
        panels,
        (
            ("objective", "Outer objective (mean inner loss, nats)"),
            ("last_loss", "Final MLP training loss (nats)"),
            ("rate", "Metalearned learning rate"),
        ),
        "abc",
        strict=True,
    ):
        for at, start in enumerate(result.initial_rate.to_numpy()):
            colour = COLOURS[at % len(COLOURS)]
            mean, low, high = interval(
                result[name].isel(initial_rate=at).transpose("seed", "outer_step").to_numpy()
            )
            style.line_with_interval(
                axes,
                result.outer_step,
                mean,
                low,
                high,
                color=colour,
                linestyle="--",
                label=f"Mean of {result.sizes['seed']} draws" if at == 0 else None,
                alpha=0.6,
                zorder=2,
            )
            axes.plot(
                result.outer_step,
                result[f"published_{name}"].isel(initial_rate=at),
                color=colour,
                marker="." if name == "rate" else None,
                label=f"Trial {at + 1}: init_lr={start:g}",
                zorder=3,
            )
        axes.set(xlabel="Outer training step", ylabel=label)
        style.panel_letter(axes, letter)
    highest = float(result.published_objective.isel(outer_step=0).max())
    if np.isfinite(highest) and highest > 1.75 > float(result.published_objective.min()):
        panels[0].set_ylim(None, 1.75)
    panels[1].legend(loc="upper right")
    return figure


def _plot_sweep(result: xr.Dataset) -> Figure:
    """Draw the objective over the learning rate; and what the gradient found beside its minimum."""
    figure = Figure(figsize=(5, 2.2))
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
    _plot_curves(left, result)
    _plot_minima(right, result)
    for axes, letter in ((left, "a"), (right, "b")):
        style.panel_letter(axes, letter)
    return figure


def _plot_curves(axes: Axes, result: xr.Dataset) -> None:
    curves = result.sweep_objective.transpose("sweep_rate", "seed").to_numpy()
    lines = axes.plot(result.sweep_rate, curves, color="#bbbbbb", linewidth=0.4)
    lines[0].set_label("Sweep, our draws")
    axes.plot(
        result.sweep_rate,
        result.published_sweep_objective,
        color="black",
        label="Sweep, published weights",
    )
    for at, start in enumerate(result.initial_rate.to_numpy()):
        trial = result.isel(initial_rate=at)
        axes.plot(
            np.append(start, trial.published_rate[:-1]),
            trial.published_objective,
            linestyle="none",
            marker=".",
            markersize=3,
            color=COLOURS[at % len(COLOURS)],
            label=f"Trial {at + 1}: init_lr={start:g}",
        )
    axes.set(xscale="log", xlabel="Learning rate", ylabel="Outer objective (nats)")
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.5, 1, 2) if _inside(tick, result.sweep_rate)]
    if ticks:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    axes.legend(loc="upper center")


def _inside(tick: float, rates: xr.DataArray) -> bool:
    return bool(rates[0] * 0.999 <= tick <= rates[-1] * 1.001)


def _plot_minima(axes: Axes, result: xr.Dataset) -> None:
    found = [result.sweep_optimum.to_numpy(), last_rate(result).to_numpy().ravel()]
    numbers = np.concatenate(found)
    if np.isfinite(numbers).any():
        ends = [np.nanmin(numbers), np.nanmax(numbers)]
        axes.plot(ends, ends, color="#bbbbbb", linewidth=0.5, zorder=1)
    for at, start in enumerate(result.initial_rate.to_numpy()):
        colour = COLOURS[at % len(COLOURS)]
        axes.plot(
            result.sweep_optimum,
            last_rate(result).isel(initial_rate=at),
            linestyle="none",
            marker="." if at == 0 else "+",
            color=colour,
            label=f"Trial {at + 1}: init_lr={start:g}",
        )
    axes.plot(
        [float(result.published_sweep_optimum)] * result.sizes["initial_rate"],
        last_rate(result, "published_"),
        linestyle="none",
        marker="s",
        markersize=3.5,
        markerfacecolor="none",
        color="black",
        label="Published weights",
    )
    axes.set(xlabel="Learning rate at the sweep's minimum", ylabel="Metalearned learning rate")
    axes.legend(loc="lower right")
