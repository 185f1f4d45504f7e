"""Write the tables of README.md and docs/speed.md from the records: `python docs/fill_readme.py`.

Table 1 comes from `results/claims.json`, written by `mnist1d reproduce`, the speeds from the JSON
files in `benchmarks/results`, the comparison from `docs/new-activation`, the result of
`examples/new_activation.py`. A test checks that both documents are up to date.
"""

import json
from importlib import import_module
from pathlib import Path

from mnist1d.measures.text import interval_of, mean_of, with_interval
from mnist1d.measures.uncertainty import Estimate

ROOT = Path(__file__).resolve().parents[1]
DATA = {"mnist": "MNIST", "plain": "MNIST-1D", "shuffled": "MNIST-1D, shuffled"}
MODELS = ("Logistic", "MLP", "CNN", "GRU", "Human")
PAPER = {
    "mnist": ("94 ± 0.5", "> 99", "> 99", "> 99"),
    "plain": ("32 ± 1", "68 ± 2", "94 ± 2", "91 ± 2", "96 ± 1"),
    "shuffled": ("32 ± 1", "68 ± 2", "56 ± 2", "57 ± 2"),
}


def table_1() -> str:
    """Make Table 1, one row per data set and model."""
    records = json.loads((ROOT / "results" / "claims.json").read_text(encoding="utf-8"))
    by_claim = {record["claim"]: record for record in records}
    lines = ["| data | model | ours | paper | verdict |", "|---|---|---|---|---|"]
    for data, published in PAPER.items():
        for model, paper in zip(MODELS, published, strict=False):
            found = by_claim[f"test-accuracy-{data}-{model.lower()}"]
            n = found["n"]
            ours = with_interval(Estimate(found["ours"], found["ci_low"], found["ci_high"], n), n)
            if model == "Human":
                ours += f" ({n} answers)"
            lines.append(f"| {DATA[data]} | {model} | {ours} | {paper} | {found['verdict']} |")
    return "\n".join(lines)


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
    return (
        "The whole paper, `pip install '.[lab,tsne]'` and `mnist1d reproduce --mnist DIR`, takes\n"
        f"{found['seconds'] / 60:.0f} minutes on two cores ({found['processor']}, from a cold "
        "start; `python benchmarks/whole_paper.py`)."
    )


def comparison() -> str:
    """Print the example's result: the rows of its two candidates, and their difference."""
    # Needs the laboratory; the other tables do not.
    comparison = import_module("mnist1d.lab").Comparison.load(ROOT / "docs" / "new-activation")
    # The candidates' rows; those of the paper's models follow.
    table = str(comparison).strip("\n").split("\n CNN (paper)")[0].rstrip()
    (found,) = (
        each for each in comparison.differences() if {each.first, each.second} == {"relu", "snake"}
    )
    return (
        f"```text\n{table}\n\n{found.first} - {found.second}: {mean_of(found.estimate)} points, "
        f"95 % interval {interval_of(found.estimate)}, p = {found.p_value:.1g} after Holm's "
        "correction\n```"
    )


PARTS = {
    "README.md": {
        "table 1": table_1,
        "whole paper": whole_paper,
        "comparison": comparison,
    },
    "docs/speed.md": {"speed": speed, "whole paper": whole_paper},
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
