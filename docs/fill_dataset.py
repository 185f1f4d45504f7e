"""Write the tables of docs/dataset.md from the record: `python docs/fill_dataset.py`.

The records are `benchmarks/results/variants.json` and `endless.json`. A test checks that the
document is what this makes of them.
"""

import json
from pathlib import Path
from typing import Any

from mnist1d.uncertainty import estimate

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "dataset.md"
END = "<!-- end -->"


def rows_of(name: str) -> list[dict[str, Any]]:
    """Read what a benchmark measured."""
    record = ROOT / "benchmarks" / "results" / f"{name}.json"
    return json.loads(record.read_text("utf-8"))["rows"]


def variants() -> str:
    """Make a row per variant and shifted test set."""
    lines = ["| variant | MLP | CNN |", "|---|---|---|"]
    for row in rows_of("variants"):
        cells = []
        for model in ("MLP", "CNN"):
            found = estimate(row[model])
            cells.append(f"{100 * found.mean:.1f} ± {50 * (found.high - found.low):.1f}")
        lines.append(f"| {row['what']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def endless() -> str:
    """Make a row per measured time."""
    lines = ["| what | microseconds |", "|---|---|"]
    for row in rows_of("endless"):
        rounded = float(f"{row['microseconds']:.3g}")
        lines.append(f"| {row['what']} | {rounded:,g} |")
    return "\n".join(lines)


def filled(document: str) -> str:
    """Put the tables between their markers."""
    for marker, table in (("<!-- variants -->", variants()), ("<!-- endless -->", endless())):
        before, rest = document.split(marker)
        document = f"{before}{marker}\n{table}\n{END}{rest.split(END, 1)[1]}"
    return document


if __name__ == "__main__":
    DOCUMENT.write_text(filled(DOCUMENT.read_text("utf-8")), encoding="utf-8")
