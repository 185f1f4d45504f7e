"""Judge claims with products in bfloat16: `python benchmarks/lottery_products.py DIR`.

Lottery tickets at full size with products in bfloat16, on the first seeds of the record in float32
(`results/lottery-tickets`), five by default, and every claim by its own rule on both. As seeds are
the same, the difference between the two is paired. An interrupted run can be continued; nothing is
timed.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from keep import keep
from published_lottery import SPANS
from rich.console import Console

from mnist1d.cli.output.progress import Bars
from mnist1d.experiments import lottery_tickets
from mnist1d.experiments.lottery_tickets.claims import searched_accuracy, studied
from mnist1d.harness import record
from mnist1d.harness.claims import judge
from mnist1d.harness.settings import as_json
from mnist1d.measures.uncertainty import estimate, paired_difference
from mnist1d.training import use_all_cores

FLOAT32 = Path(__file__).parents[1] / "results" / "lottery-tickets"


def per_seed(measure, result):
    """Return the value of a measure for every run."""
    return [measure(result.isel(seed=[i])).mean for i in range(result.sizes["seed"])]


def compared(float32, bfloat16):
    """Estimate means of numbers per seed, and of their difference, bfloat16 minus float32."""
    return {
        "float32": estimate(float32)._asdict(),
        "bfloat16": estimate(bfloat16)._asdict(),
        "difference": paired_difference(bfloat16, float32)._asdict(),
    }


def claims(float32, bfloat16):
    """Judge every claim on both results, and compare what it measures."""
    rows = []
    for first, second in zip(
        *(judge(lottery_tickets.CLAIMS, result, full=True) for result in (float32, bfloat16)),
        strict=True,
    ):
        if first.claim.name == "runtime":
            continue
        measured = [per_seed(first.claim.measure, result) for result in (float32, bfloat16)]
        # Else the claim's own estimate is something other than a mean over seeds.
        np.testing.assert_allclose(
            [first.estimate.mean, second.estimate.mean], np.mean(measured, 1)
        )
        row = {
            "claim": first.claim.name,
            "statement": first.claim.statement,
            "rule": str(first.claim.rule),
            **compared(*measured),
        }
        row["float32"]["verdict"], row["bfloat16"]["verdict"] = first.verdict, second.verdict
        rows.append(row)
    return rows


def accuracies(float32, bfloat16):
    """Compare test accuracies of search and studies, in per cent."""
    measures = {
        f"search: {search}, rounds {span}": lambda result, s=search, a=first, b=last: (
            searched_accuracy(result, s)[:, a : b + 1].mean(axis=1)
        )
        for search in ("lottery", "random")
        for span, (first, last) in SPANS.items()
    } | {
        f"study: {study}, {network}": studied(study, network).per_seed
        for study in float32.study.values.tolist()
        for network in float32.network.values.tolist()
    }
    return [
        {"what": what, **compared(measure(float32), measure(bfloat16))}
        for what, measure in measures.items()
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the run in bfloat16 is kept")
    parser.add_argument("--seeds", type=int, default=5, help="how many of the record's runs")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/lottery_products.json"
    )
    options = parser.parse_args()
    use_all_cores()
    float32 = record.load(lottery_tickets, FLOAT32)
    n = float32.sizes["seed"]
    config = lottery_tickets.Config(seeds=n)
    if json.loads(float32.attrs["config"]) != json.loads(as_json(config)):
        raise SystemExit("the record in float32 has other settings than the experiment's own")
    if not 2 <= options.seeds <= n:
        raise SystemExit(
            f"--seeds must be from 2 to {n}, the runs of the record, not {options.seeds}"
        )
    float32 = float32.isel(seed=slice(options.seeds))
    with Bars(Console()) as bars:
        bfloat16 = record.execute(
            lottery_tickets,
            replace(config, seeds=options.seeds, products="bfloat16"),
            progress=bars,
            folder=options.folder / lottery_tickets.NAME / "units",
        )
    # Claims are judged as of the full protocol, as no other field than the products is changed.
    facts = {"seeds": len(float32.seed), "claims": claims(float32, bfloat16)}
    rows = accuracies(float32, bfloat16)
    for row in [*facts["claims"], *rows]:
        name = row.get("claim") or row["what"]
        numbers = (f"{row[each]['mean']:8.3f}" for each in ("float32", "bfloat16"))
        verdicts = (row[each].get("verdict", "") for each in ("float32", "bfloat16"))
        low, high = row["difference"]["low"], row["difference"]["high"]
        print(f"{name:40} {' '.join(numbers)}  {low:+.3f} to {high:+.3f}  {' '.join(verdicts)}")
    if options.keep:
        keep("lottery_products", rows, ("mnist1d", "jax", "optax"), **facts)


if __name__ == "__main__":
    main()
