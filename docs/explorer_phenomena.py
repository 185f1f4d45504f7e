"""What the explorer shows of the record, per phenomenon; used by `fill_explorer.py`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.harness import record
from mnist1d.harness.claims import word_for
from mnist1d.measures.uncertainty import estimate, interval

RESULTS = Path(__file__).resolve().parents[1] / "results"
_FRAMES, _PLACES = 11, 34
_MODELS = ("Logistic", "MLP", "CNN", "GRU")


def curve(name: str, colour: int, x: Any, values: xr.DataArray, *, dashed: bool = False) -> Any:
    """Describe a mean over seeds with half its interval, in per cent; the other dimension is x."""
    along = next(str(dim) for dim in values.dims if dim != "seed")
    mean, _, high = interval(100 * values.transpose("seed", along).to_numpy())
    numbers = {"y": mean.round(1).tolist(), "half": (high - mean).round(1).tolist()}
    return {"name": name, "colour": colour, "dashed": dashed, "x": list(x)} | numbers


def double_descent(result: xr.Dataset) -> dict[str, Any]:
    """Describe the errors of the MLP over its width."""
    chosen = result.sel(series=["mlp", "mlp-noise"])
    one = chosen.sel(series="mlp-noise")
    ranks = (one["size"] > 0).to_numpy() & np.isfinite(one.test_error).all("seed").to_numpy()
    chosen = chosen.isel(rank=ranks)
    widths = chosen["size"].sel(series="mlp-noise").to_numpy()
    order = np.argsort(widths)
    chosen, widths = chosen.isel(rank=order), widths[order].tolist()
    noisy, clean = chosen.sel(series="mlp-noise"), chosen.sel(series="mlp")
    curves = [
        curve("test, noisy labels", 1, widths, noisy.test_error),
        curve("training, noisy labels", 1, widths, noisy.train_error, dashed=True),
        curve("test, clean labels", 2, widths, clean.test_error),
    ]
    axes = {"xLabel": "hidden units per layer", "yLabel": "error (%)", "log": True}
    return {"chart": axes | {"curves": curves, "y": [0, 80]}, "seeds": result.sizes["seed"]}


def shuffling(result: xr.Dataset) -> dict[str, Any]:
    """Describe the accuracies of the models before and after shuffling."""
    accuracy = 100 * result.early_stopped_accuracy
    rows = []
    for model in _MODELS:
        plain, shuffled = (accuracy.sel(model=model, data=data) for data in ("plain", "shuffled"))
        cells = (estimate(each.to_numpy()) for each in (plain, shuffled, plain - shuffled))
        rows.append([model, *(f"{e.mean:.1f} ± {(e.high - e.low) / 2:.1f}" for e in cells)])
    head = ["model", "as it is", "shuffled", "cost (points)"]
    return {"table": {"head": head, "rows": rows}, "seeds": result.sizes["seed"]}


def lottery(result: xr.Dataset) -> dict[str, Any]:
    """Describe the final test accuracy over sparsity: every fourth round, and all above 90 %."""
    rounds = np.arange(result.sizes["sparsity"])
    chosen = result.isel(sparsity=(rounds % 4 == 0) | (result.sparsity.to_numpy() > 0.9))
    accuracy = chosen.search_test_accuracy.isel(step=-1)
    sparsity = np.round(100 * chosen.sparsity.to_numpy(), 1)
    names = {"lottery": ("lottery ticket", 3), "random": ("random subnetwork", 1)}
    curves = [curve(*names[name], sparsity.tolist(), accuracy.sel(search=name)) for name in names]
    axes = {"xLabel": "weights removed (%)", "yLabel": "test accuracy (%)"}
    return {"chart": axes | {"curves": curves, "y": [0, 80]}, "seeds": result.sizes["seed"]}


def activation(result: xr.Dataset) -> dict[str, Any]:
    """Describe the learned function of the first seed at some outer steps."""
    steps = np.linspace(0, result.sizes["outer_step"] - 1, _FRAMES).round().astype(int)
    places = np.linspace(0, result.sizes["place"] - 1, _PLACES).round().astype(int)
    chosen = result.isel(seed=0, outer_step=steps, place=places)
    return {
        "frames": {
            "steps": chosen.outer_step.to_numpy().tolist(),
            "x": np.round(chosen.place.to_numpy(), 2).tolist(),
            "y": np.round(chosen.learned.to_numpy(), 2).tolist(),
        },
        "seeds": 1,
    }


def pooling(result: xr.Dataset) -> dict[str, Any]:
    """Describe the test accuracy with and without pooling over the number of samples."""
    names = {"no_pool": "no pooling", "stride_2": "striding", "max_pool": "max pooling"}
    names["avg_pool"] = "average pooling"
    accuracy = result.test_accuracy.isel(step=-1)
    sizes = result.n_samples.to_numpy().tolist()
    curves = [
        curve(text, colour, sizes, accuracy.sel(variant=name))
        for colour, (name, text) in enumerate(names.items())
    ]
    axes = {"xLabel": "samples", "yLabel": "test accuracy (%)", "log": True}
    return {"chart": axes | {"curves": curves, "y": [40, 100]}, "seeds": result.sizes["seed"]}


def layers(result: xr.Dataset) -> dict[str, Any]:
    """Describe the linear accuracy after every layer of the three networks."""
    curves = []
    for colour, variant in enumerate(result.variant.to_numpy().tolist(), start=1):
        values = result.linear_accuracy.sel(variant=variant)
        known = np.flatnonzero(result.n_features.sel(variant=variant).to_numpy())
        curves.append(curve(variant, colour, known.tolist(), values.isel(layer=known)))
    axes = {"xLabel": "layer (0: the signal)", "yLabel": "linear accuracy (%)"}
    return {"chart": axes | {"curves": curves, "y": [0, 100]}, "seeds": result.sizes["seed"]}


PHENOMENA: dict[str, tuple[str, Callable[[xr.Dataset], dict[str, Any]], tuple[str, ...]]] = {
    "double-descent": ("double-descent", double_descent, ("peak-mlp-noise", "descent-mlp-noise")),
    "shuffling": (
        "classification",
        shuffling,
        ("shuffling-costs-cnn", "shuffling-costs-gru", "shuffling-spares-mlp"),
    ),
    "lottery": ("lottery-tickets", lottery, ("tickets-beat-random", "sparse-beats-dense-96")),
    "activation": ("metalearn-activation", activation, ("beats-relu", "two-extrema")),
    "pooling": ("pooling", pooling, ("pooling-not-striding-1000", "gain-shrinks")),
    "layers": (
        "self-supervised",
        layers,
        ("head-costs-default", "second-layer-best-default"),
    ),
}
"""Per phenomenon: its experiment, what draws it, and the claims that it is about."""


_NUMBERS = {"published": "published", "ours": "ours", "low": "ci_low", "high": "ci_high"}


def _shown(number: float | None) -> float | None:
    """Return a number with the three digits that the page shows."""
    return None if number is None else float(f"{number:.3g}")


def phenomena() -> dict[str, Any]:
    """Describe every phenomenon, with the claims and verdicts of the record."""
    ledger = json.loads((RESULTS / "claims.json").read_text("utf-8"))
    known = {(each["experiment"], each["claim"]): each for each in ledger}
    described = {}
    for name, (experiment, draw, claims) in PHENOMENA.items():
        result = record.read(RESULTS / experiment / "result.nc")
        found = [known[experiment, claim] for claim in claims]
        described[name] = draw(result) | {
            "experiment": experiment,
            "claims": [
                {key: each[key] for key in ("statement", "source", "n")}
                | {"verdict": word_for(each["verdict"], each["kind"])}
                | {key: _shown(each[name]) for key, name in _NUMBERS.items()}
                for each in found
            ],
        }
    return described
