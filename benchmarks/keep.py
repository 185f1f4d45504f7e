"""Write the record of a benchmark: one JSON file per benchmark in `benchmarks/results`."""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from mnist1d.execution.commit import commit_of_code

RESULTS = Path(__file__).parent / "results"


def processor():
    """Name the processor, and its matrix units: what Linux says, else what Python knows."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        text = information.read_text("utf-8")
        for line in text.splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                return f"{name} with AMX" if " amx_bf16" in text else name
    return platform.processor() or platform.machine()


def _without_place(argument):
    """Replace the path of a folder, which depends on the machine, by the help's word for it."""
    return "DIR" if Path(argument).is_dir() else argument


def keep(name, rows, packages, **facts):
    """Write rows (what, beside, ratio, and the numbers behind it) with the circumstances."""
    RESULTS.mkdir(exist_ok=True)
    record = {
        "command": " ".join(["python", Path(sys.argv[0]).name, *map(_without_place, sys.argv[1:])]),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit_of_code(),
        "processor": processor(),
        "logical_cores": os.cpu_count(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in packages},
        **facts,
        "rows": rows,
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"kept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
