"""Make the rows of the paper's tuned models: `python record/tuned_references.py`.

They come with the package, as `mnist1d/lab/comparison/tuned_references.json`. The four models are
tuned and measured by the default protocol, as `references="tuned"` does. To be run in a clone with
nothing changed, as the file names the commit, and again after a change of the protocol, of the
models or of what determines their numbers; rows of another protocol or source are not used. Runs
are kept in `build/tuned-references`, so that the same command continues after an interruption.
"""

import json
from pathlib import Path

import numpy as np

from mnist1d.cli.options.command import prepare_devices
from mnist1d.dataset.atomic import atomic_write
from mnist1d.execution.commit import CHANGED, commit_of_code
from mnist1d.lab.comparison import shipped
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.protocol import Protocol

ROOT = Path(__file__).resolve().parents[1]
PROTOCOL = Protocol(references="tuned")


def nothing(x, y):  # noqa: ARG001
    """Predict one class: a comparison needs a candidate."""
    return lambda signals: np.zeros(len(signals), int)


if __name__ == "__main__":
    if commit_of_code().endswith(CHANGED):
        raise SystemExit("commit first: the file names the code that it was made by")
    prepare_devices()
    place = shipped.FILE
    shipped.FILE = place.with_name("none.json")  # rows that are there would not be computed
    found = compare({"nothing": nothing}, PROTOCOL, folder=ROOT / "build" / "tuned-references")
    rows = shipped.rows_of(found.result, PROTOCOL)
    with atomic_write(place) as file:
        file.write((json.dumps(rows, allow_nan=False) + "\n").encode())
