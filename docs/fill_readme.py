"""Write the tables of README.md and other documents from the records: `python docs/fill_readme.py`.

Table 1 comes from `results/claims.json`, written by `mnist1d reproduce`, the speeds from the JSON
files in `benchmarks/results`, the comparison from `docs/new-activation`, the result of
`examples/new_activation.py`, whose figure is drawn again. A test checks that they are up to date.
"""

import json
from importlib import import_module
from math import nan
from pathlib import Path

from mnist1d.harness.claims import word_for
from mnist1d.measures.text import interval_of, mean_of, with_interval
from mnist1d.measures.uncertainty import Estimate

ROOT = Path(__file__).resolve().parents[1]
COMPARISON = ROOT / "docs" / "new-activation"
DATA = {"mnist": "MNIST", "plain": "MNIST-1D", "shuffled": "MNIST-1D, shuffled"}
ROWS = (
    ("mnist", "Logistic", "test-accuracy-mnist-logistic", "94 ± 0.5"),
    ("mnist", "Logistic, training accuracy", "mnist-94-is-training-accuracy", "94 ± 0.5"),
    ("mnist", "MLP", "test-accuracy-mnist-mlp", "> 99"),
    ("mnist", "CNN", "test-accuracy-mnist-cnn", "> 99"),
    ("mnist", "GRU", "test-accuracy-mnist-gru", "> 99"),
    ("plain", "Logistic", "test-accuracy-plain-logistic", "32 ± 1"),
    ("plain", "MLP", "test-accuracy-plain-mlp", "68 ± 2"),
    ("plain", "MLP of width 256", "mlp-of-width-256-plain", "68 ± 2"),
    ("plain", "CNN", "test-accuracy-plain-cnn", "94 ± 2"),
    ("plain", "GRU", "test-accuracy-plain-gru", "91 ± 2"),
    ("plain", "Human", "test-accuracy-plain-human", "96 ± 1"),
    ("shuffled", "Logistic", "test-accuracy-shuffled-logistic", "32 ± 1"),
    ("shuffled", "MLP", "test-accuracy-shuffled-mlp", "68 ± 2"),
    ("shuffled", "MLP of width 256", "mlp-of-width-256-shuffled", "68 ± 2"),
    ("shuffled", "CNN", "test-accuracy-shuffled-cnn", "56 ± 2"),
    ("shuffled", "GRU", "test-accuracy-shuffled-gru", "57 ± 2"),
)
"""Data set, model, claim and the paper's number of every row of Table 1."""
OF_SAMPLES = {
    ("mnist", "Logistic"): "test images",
    ("mnist", "Logistic, training accuracy"): "",
    ("plain", "Human"): "answers",
}
"""Rows whose number of values is none of runs, and what their values are."""


def table_1() -> str:
    """Make Table 1, one row per data set and model that the record has."""
    records = json.loads((ROOT / "results" / "claims.json").read_text(encoding="utf-8"))
    by_claim = {record["claim"]: record for record in records}
    lines = ["| data | model | ours | paper | verdict |", "|---|---|---|---|---|"]
    runs: dict[str, list[int]] = {}
    for data, model, claim, paper in ROWS:
        found = by_claim.get(claim)
        if found is None or not found["n"]:
            continue
        of = OF_SAMPLES.get((data, model))
        if of is None:
            runs.setdefault(DATA[data], []).append(found["n"])
        low, high = (nan if found[end] is None else found[end] for end in ("ci_low", "ci_high"))
        ours = with_interval(Estimate(found["ours"], low, high, found["n"]), found["n"])
        if of:
            ours += f" ({found['n']:,} {of})"
        verdict = word_for(found["verdict"], found["kind"])
        lines.append(f"| {DATA[data]} | {model} | {ours} | {paper} | {verdict} |")
    numbers = "; ".join(
        f"{' to '.join(str(n) for n in sorted({min(each), max(each)}))} on {data}"
        for data, each in runs.items()
    )
    return "\n".join([*lines, "", f"Runs of each model: {numbers}."])


def speed() -> str:
    """Make the table of speeds, from the rows of benchmarks."""
    lines = ["| what | compared with | times faster |", "|---|---|---|"]
    for name in ("generate", "training", "table_1"):
        path = ROOT / "benchmarks" / "results" / f"{name}.json"
        lines += [
            f"| {row['what']} | {row['beside']} | {row['ratio']:.1f} |"
            for row in json.loads(path.read_text(encoding="utf-8"))["rows"]
        ]
    return "\n".join(lines)


def whole_paper() -> str:
    """Write how long the whole paper takes."""
    path = ROOT / "benchmarks" / "results" / "whole_paper.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    parts = found["experiments"]
    return (
        "The whole paper, `pip install '.[lab,tsne]'` and `mnist1d reproduce --mnist DIR`, takes\n"
        f"{found['seconds'] / 60:.0f} minutes on two cores ({found['processor']}, from a cold "
        "start; `python benchmarks/whole_paper.py`),\n"
        f"{parts['classification']['seconds'] / 60:.0f} of them for classification with the usual "
        f"models on MNIST, {parts['lottery-tickets']['seconds'] / 60:.0f} for lottery tickets,\n"
        f"and at most {found['memory_gib']:.1f} GiB of memory."
    )


def comparison() -> str:
    """Print the example's result: the rows of its two candidates, and their difference."""
    # Needs the laboratory; the other tables do not.
    comparison = import_module("mnist1d.lab").Comparison.load(COMPARISON)
    # The candidates' rows; those of the paper's models follow.
    table = str(comparison).strip("\n").split("\n CNN (paper)")[0].rstrip()
    (found,) = comparison.differences()
    return (
        f"```text\n{table}\n\n{found.first} - {found.second}: {mean_of(found.estimate)} points, "
        f"95 % interval {interval_of(found.estimate)}, p = {found.p_value:.1g} (the one planned "
        "pair)\n```"
    )


PARTS = {
    "README.md": {
        "table 1": table_1,
        "whole paper": whole_paper,
        "comparison": comparison,
    },
    "docs/speed.md": {"speed": speed, "whole paper": whole_paper},
    "docs/tutorials/02-table-1.md": {"table 1": table_1},
}
"""Functions that write the parts of every document, by their markers."""


def filled(name: str, text: str) -> str:
    """Put the tables of a document between their markers."""
    for marker, make in PARTS[name].items():
        before, rest = text.split(f"<!-- {marker} -->")
        after = rest.split("<!-- end -->", 1)[1]
        text = f"{before}<!-- {marker} -->\n{make()}\n<!-- end -->{after}"
    return text


if __name__ == "__main__":
    for name in PARTS:
        path = ROOT / name
        path.write_text(filled(name, path.read_text(encoding="utf-8")), encoding="utf-8")
    figure = import_module("mnist1d.lab").Comparison.load(COMPARISON).plot()
    figure.savefig(COMPARISON / "comparison.png")
