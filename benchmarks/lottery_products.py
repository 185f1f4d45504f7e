"""Compare lottery tickets in bfloat16 and float32: `python benchmarks/lottery_products.py DIR`.

`mnist1d run lottery-tickets --products bfloat16 --seeds 5 --out DIR` makes what is compared with
the record in `results/`, claim by claim and, run by run of the same seeds, in test accuracy.
"""

import argparse
from pathlib import Path

import numpy as np
from keep import keep

from mnist1d.experiments import lottery_tickets, record
from mnist1d.experiments.claims import judge
from mnist1d.experiments.lottery_tickets import (
    NETWORKS,
    SEARCHES,
    STUDIES,
    searched_accuracy,
    studied_accuracy,
)
from mnist1d.uncertainty import paired_difference

ROOT = Path(__file__).resolve().parents[1]
RANGES = ((0.0, 0.2), (0.2, 0.8), (0.8, 0.95), (0.95, 1.0))
"""Sparsities over whose rounds test accuracies are averaged, the upper bound excluded."""


def numbers(estimate):
    """Return an estimate in the types of JSON."""
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high, "n": estimate.n}


def accuracies(result):
    """Return test accuracies in per cent by what they are of, each of shape (seeds,)."""
    sparsity, found = result.sparsity.to_numpy(), {}
    for search in SEARCHES:
        values = searched_accuracy(result, search)
        for low, high in RANGES:
            some = (sparsity >= low) & (sparsity < high)
            name = f"search, {search} masks, sparsity {low:g} to {high:g}"
            found[name] = values[:, some].mean(axis=1)
    for study in STUDIES:
        for network in NETWORKS:
            found[f"study, {study}, {network}"] = studied_accuracy(result, study, network)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the result in bfloat16 is")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/lottery_products.json"
    )
    options = parser.parse_args()
    results = {
        "float32": record.load(lottery_tickets, ROOT / "results" / lottery_tickets.NAME),
        "bfloat16": record.load(lottery_tickets, options.folder),
    }
    if '"products": "bfloat16"' not in results["bfloat16"].attrs["config"]:
        raise SystemExit(f"{options.folder} holds no result in bfloat16")
    n = min(result.sizes["seed"] for result in results.values())
    results = {name: result.isel(seed=slice(n)) for name, result in results.items()}
    judged = {
        name: judge(lottery_tickets.CLAIMS, result, full=True) for name, result in results.items()
    }
    claims = [
        {
            "claim": of_float32.claim.name,
            "statement": of_float32.claim.statement,
            **{
                name: numbers(each.estimate) | {"verdict": each.verdict}
                for name, each in (("float32", of_float32), ("bfloat16", of_bfloat16))
            },
        }
        for of_float32, of_bfloat16 in zip(*judged.values(), strict=True)
    ]
    for row in claims:
        print(f"{row['statement']}")
        for name in results:
            print("  {}: {mean:.2f}, {low:.2f} to {high:.2f}, {verdict}".format(name, **row[name]))
    by_kind = {name: accuracies(result) for name, result in results.items()}
    differences = []
    for what, values in by_kind["float32"].items():
        found = numbers(paired_difference(by_kind["bfloat16"][what], values))
        row = {"what": what, "float32": float(np.mean(values)), "difference": found}
        differences.append(row)
        print("{}: {:+.2f} points, {low:.2f} to {high:.2f}".format(what, found["mean"], **found))
    if options.keep:
        facts = {"claims": claims, "differences": differences}
        keep("lottery_products", [], ("mnist1d", "jax", "optax"), **facts)


if __name__ == "__main__":
    main()
