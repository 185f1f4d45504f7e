"""Write the tables of the documents from the records: `python docs/fill_documents.py`.

The records are `results/claims.json`, the JSON files in `benchmarks/results`, those of
`leaderboard/records`, and `docs/new-activation`; what is said of every experiment comes from its
folder. A test checks that the documents are up to date.
"""

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import xarray as xr

import mnist1d
from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness.stored.plan import plan_of
from mnist1d.lab.tracks import TRACKS
from mnist1d.measures.text import with_interval
from mnist1d.measures.uncertainty import estimate, in_percent

ROOT = Path(__file__).resolve().parents[1]
END = "<!-- end -->"


def record_of(name: str) -> dict[str, Any]:
    """Read what a benchmark measured."""
    record = ROOT / "benchmarks" / "results" / f"{name}.json"
    return json.loads(record.read_text("utf-8"))


def table(headers: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Write a table in Markdown."""
    lines = [headers, ("---",) * len(headers), *rows]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---")


def rounded(value: float) -> str:
    """Write a number with three digits."""
    three_digits = float(f"{value:.3g}")
    return f"{three_digits:,.0f}" if value >= 100 else f"{three_digits:g}"


def accuracies(row: dict[str, Any], models: tuple[str, ...]) -> list[str]:
    """Write means over seeds, with half their 95 % intervals."""
    found = [estimate(row[model]) for model in models]
    return [with_interval(in_percent(one), one.n) for one in found]


def presets() -> str:
    """Make a row per preset."""
    models = ("Logistic", "MLP", "CNN", "GRU")
    rows = [
        (f"`{row['what']}`", mnist1d.PRESETS[row["what"]].meaning, *accuracies(row, models))
        for row in record_of("presets")["rows"]
    ]
    return table(("preset", "meaning", *models), rows)


def variants() -> str:
    """Make a row per variant and shifted test set."""
    models = ("MLP", "CNN")
    rows = [(row["what"], *accuracies(row, models)) for row in record_of("variants")["rows"]]
    return table(("variant", *models), rows)


def endless() -> str:
    """Make a row per measured time."""
    rows = record_of("endless")["rows"]
    return table(
        ("what", "microseconds"), [(row["what"], rounded(row["microseconds"])) for row in rows]
    )


def speed() -> str:
    """Make a row per way to generate samples."""
    rows = record_of("streams")["rows"]
    return table(
        ("what", "nanoseconds", "times faster"),
        [(row["what"], rounded(row["nanoseconds"]), rounded(row["ratio"])) for row in rows],
    )


def threads() -> str:
    """Make a row per task of two threads."""
    rows = record_of("streams")["threads"]
    return table(
        ("what", "nanoseconds", "times one thread"),
        [(row["what"], rounded(row["nanoseconds"]), f"{row['ratio']:.2f}") for row in rows],
    )


def floor() -> str:
    """Make a row per step that the definition prescribes, and their sum."""
    steps = record_of("streams")["floor"]
    rows = [(row["what"], row["nanoseconds"], row["ratio"]) for row in steps]
    rows.append(("together", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    return table(
        ("step", "nanoseconds", "share of a sample"),
        [(what, f"{nanoseconds:.0f}", f"{share:.0%}") for what, nanoseconds, share in rows],
    )


def files() -> str:
    """Make a row per format and number of workers."""
    rows = record_of("streams")["files"]
    return table(
        ("format", "workers", "samples per second", "bytes per sample"),
        [
            (
                row["format"],
                str(row["workers"]),
                rounded(row["samples_per_second"]),
                f"{row['bytes_per_sample']:.1f}",
            )
            for row in rows
        ],
    )


def memory() -> str:
    """Make a row per format and size of a shard."""
    rows = record_of("streams")["memory"]
    return table(
        ("format", "samples in the shard", "MB"),
        [(row["format"], f"{row['samples']:,}", f"{row['bytes'] / 1e6:.0f}") for row in rows],
    )


def sample_bytes() -> str:
    """Write how much memory a sample takes."""
    return str(record_of("streams")["bytes_per_sample"])


def set_size() -> str:
    """Write how many samples the sets of files had."""
    return f"{record_of('streams')['samples_in_files']:,} samples"


def whole_paper() -> str:
    """Make a row per experiment of the run of the whole paper."""
    record = record_of("whole_paper")
    found, shown = record["experiments"], record["seconds_to_tables"]

    def least(name: str) -> str:
        parts = found[name]["floor_seconds"]
        return f"{max(parts.values()):.0f}" if parts else ""

    return table(
        ("experiment", "runs", "seconds", "floor (s)", "compiling (s)", "tables after (s)"),
        [
            (
                f"`{name}`",
                str(found[name]["seeds"]),
                f"{found[name]['seconds']:.0f}",
                least(name),
                f"{found[name]['compile_seconds']:.0f}",
                f"{shown[name]:.0f}",
            )
            for name in sorted(shown, key=shown.__getitem__)
        ],
    )


def limits() -> str:
    """Make a row per experiment beside plain PyTorch loops and its floor."""

    def of_floor(row: dict[str, Any]) -> tuple[str, ...]:
        if "floor" not in row:
            return ("",) * 4
        least, cold = row["floor_seconds"][row["floor"]], row.get("bare_cold_seconds")
        most = f"{row['peer_seconds'] / least:.1f}"
        if cold is None:
            return f"{least:.1f}, {row['floor']}", "", most, ""
        most_cold = f"{row['peer_seconds'] / cold:.1f}"
        return f"{least:.1f}, {row['floor']}", f"{cold:.1f}", most, most_cold

    def cells(row: dict[str, Any]) -> tuple[str, ...]:
        floor, cold, *most = of_floor(row)
        what = f"`{row['name']}`: {row['what'].rpartition(':')[0].removesuffix(', cold')}"
        times = (f"{row['peer_seconds']:.0f}", f"{row['our_seconds']:.0f}")
        return what, *times, floor, cold, f"{row['ratio']:.1f}", *most

    times = ("peer (s)", "ours, cold (s)", "floor (s)", "bare, cold (s)")
    ratios = ("times faster", "at most", "at most, cold")
    return table(("work", *times, *ratios), [cells(row) for row in record_of("limits")["rows"]])


def cold_starts() -> str:
    """Make a row per experiment of its quick run, with and without compiled programs."""
    heads = ("quick run of", "cold (s)", "importing (s)", "compiling (s)", "programs", "again (s)")
    return table(
        heads,
        [
            (
                f"`{row['name']}`",
                f"{row['seconds']:.1f}",
                f"{row['import_seconds']:.1f}",
                f"{row['compile_seconds']:.1f}",
                f"{row['n_programs']}",
                f"{row['seconds_again']:.1f}",
            )
            for row in record_of("cold_start")["rows"]
        ],
    )


def left_over() -> str:
    """Make a line per experiment: what is in our time beyond the floor."""
    lines = [f"- `{row['name']}`: {row['left']}." for row in record_of("limits")["rows"]]
    return "\n" + "\n".join(lines)


def growth() -> str:
    """Make a row per sweep: how time grows between its last two values."""
    return table(
        ("what grows", "seconds", "MiB", "exponent", "expected"),
        [
            (
                row["what"],
                f"{rounded(row['seconds'][0])} to {rounded(row['seconds'][-1])}",
                f"{row['mebibytes'][0]:.0f} to {row['mebibytes'][-1]:.0f}",
                f"{row['exponent']:.2f}",
                f"{row['expected']}",
            )
            for row in record_of("growth")["rows"]
        ],
    )


def tsne() -> str:
    """Make a row per dataset of the time that embedding takes, ours and openTSNE's."""
    return table(
        ("what", "seconds", "openTSNE, the same number of seeds", "times faster"),
        [
            (
                row["what"],
                f"{row['our_seconds']:.0f}",
                f"{row['peer_seconds']:.0f}",
                f"{row['ratio']:.1f}",
            )
            for row in record_of("tsne")["rows"]
        ],
    )


def by_products() -> dict[str, dict[str, Any]]:
    """Return the rows of lottery tickets by the type of their products."""
    return {
        name: row
        for row in record_of("lottery_tickets")["rows"]
        for name in ("float32", "bfloat16")
        if f"products in {name}:" in row["what"]
    }


def products_times() -> str:
    """Write how long the published amount of work took with either type of products."""
    rows = by_products()
    ours = ", ".join(f"{rows[name]['our_seconds']:.0f} s in {name}" for name in reversed(rows))
    peer = rows["float32"]["ratio"] * rows["float32"]["our_seconds"]
    return f"{ours}, and {peer:,.0f} s as plain PyTorch loops in float32"


def products_verdicts() -> str:
    """Write how many verdicts and numbers on lottery tickets differ between types of products."""
    record = record_of("lottery_products")
    claims, rows = record["claims"], record["rows"]
    same = sum(row["float32"]["verdict"] == row["bfloat16"]["verdict"] for row in claims)
    differing = [
        sum(row["difference"]["low"] > 0 or row["difference"]["high"] < 0 for row in each)
        for each in (claims, rows)
    ]
    return (
        f"{same} of {len(claims)} verdicts are the same; the difference between the two, paired "
        f"over {record['seeds']} seeds, has an interval without zero for {differing[0]} of "
        f"{len(claims)} claims and {differing[1]} of {len(rows)} accuracies"
    )


def deep_activation() -> str:
    """Make a row per trial of the activation function with two hidden layers."""
    return table(
        ("seed", "table of g", "inputs beyond it", "stopped at outer step", "objective (nats)"),
        [
            (
                str(trial["seed"]),
                f"± {trial['grid_bound']:g}, {trial['grid_cells']:,} cells",
                str(trial["inputs_off_the_table"]),
                str(trial["stopped_at_outer_step"]),
                ", ".join(f"{value:.3f} at {step}" for step, value in trial["objective"].items()),
            )
            for trial in record_of("deep_activation")["trials"]
        ],
    )


def tags() -> str:
    """Make a row per experiment of the record's plan: its tag, runs, and digest of rules."""
    plan = plan_of(ROOT / "results")
    if plan is None:
        return "\nNo record has been made by a plan yet."
    return table(
        ("tag", "commit", "experiment", "runs", "digest of its rules"),
        [
            (
                f"`{tag}`",
                f"`{commit[:12]}`",
                f"`{name}`",
                str(each.seeds),
                f"`{each.rules}`",
            )
            for name, each in plan.experiments.items()
            for tag, commit in [plan.version_of(name)]
        ],
    )


def table_1_accuracy(cell: str) -> str:
    """Write the record's mean accuracy in a cell of Table 1, such as "plain-mlp"."""
    claims = json.loads((ROOT / "results" / "claims.json").read_text("utf-8"))
    (found,) = (each["ours"] for each in claims if each["claim"] == f"test-accuracy-{cell}")
    return f"{found:.0f} %"


def sample_errors() -> str:
    """Write the standard errors that the choice of test samples gives to differences of models.

    Of the comparison in `docs/new-activation`: the least and the largest of all pairs, in points.
    """
    with xr.open_dataset(
        ROOT / "docs" / "new-activation" / "result.nc", engine="h5netcdf"
    ) as found:
        is_right = 100.0 * (found.test_prediction == found.test_label).mean("seed")
        rows = is_right.transpose("candidate", "sample").to_numpy()
    errors = [(a - b).std(ddof=1) / len(a) ** 0.5 for a, b in combinations(rows, 2)]
    return f"{min(errors):.1f} to {max(errors):.1f}"


def tasks() -> str:
    """Make a row per experiment, and one of comparisons: what a worker computes at a time."""
    rows = [(f"`{each.NAME}`", each.TASKS) for each in EXPERIMENTS]
    rows.append(
        (
            "`mnist1d compare`",
            "a setting of a candidate, its tuning seeds; then a final seed, all of its data",
        )
    )
    return table(("experiment", "tasks"), rows)


def leaderboard(name: str) -> str:
    """Write a track of the leaderboards, from the records in `leaderboard/records`."""
    page = import_module("mnist1d.lab.leaderboard.page")
    folder = ROOT / "leaderboard" / "records"
    records = page.read_records(folder)
    return f"\n{page.board(TRACKS[name], records, link='../leaderboard/records/')}"


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "experiments.md": {
        "whole paper": whole_paper,
        "tsne": tsne,
        "products times": products_times,
        "products verdicts": products_verdicts,
        "deep activation": deep_activation,
    },
    "datasheet.md": {
        f"plain-{model}": partial(table_1_accuracy, f"plain-{model}")
        for model in ("logistic", "mlp", "cnn", "human")
    },
    "laboratory.md": {"test samples": sample_errors},
    "dataset.md": {"presets": presets, "variants": variants, "endless": endless},
    "streams.md": {
        "speed": speed,
        "threads": threads,
        "floor": floor,
        "bytes": sample_bytes,
        "memory": memory,
        "set size": set_size,
        "files": files,
    },
    "running.md": {"tasks": tasks},
    "speed.md": {
        "limits": limits,
        "left over": left_over,
        "cold starts": cold_starts,
        "growth": growth,
    },
    "rules.md": {"tags": tags},
    "leaderboard.md": {name: partial(leaderboard, name) for name in TRACKS},
}
"""Functions that write the parts of every document, by their markers."""


def filled(name: str, document: str) -> str:
    """Replace the parts between the markers of a document by those of the records."""
    for marker, part in PARTS[name].items():
        start = f"<!-- {marker} -->"
        before, rest = document.split(start)
        text = part()
        end = f"\n{END}" if text.startswith("\n") else END
        document = f"{before}{start}{text}{end}{rest.split(END, 1)[1]}"
    return document


if __name__ == "__main__":
    for name in PARTS:
        path = ROOT / "docs" / name
        path.write_text(filled(name, path.read_text("utf-8")), encoding="utf-8")
