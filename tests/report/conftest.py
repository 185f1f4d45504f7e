"""The report of the project's record, and commands on a copy of one of its experiments."""

import os
import pickle
import shutil
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("xarray", reason="the laboratory is not installed")

from mnist1d.experiments import double_descent
from mnist1d.harness import record
from mnist1d.harness.findings import findings_of
from mnist1d.harness.settings import as_json
from mnist1d.harness.stored.lock import locked
from mnist1d.report import read_report, reading
from mnist1d.report.pictures import draw_pictures

RESULTS = Path(__file__).resolve().parents[2] / "results"


@pytest.fixture(scope="session")
def report():
    return read_report(RESULTS)


@pytest.fixture(scope="session")
def pictures(report, tmp_path_factory):
    """Return the figures of all experiments, drawn in one of the processes that run tests."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all processes of this session
    place = folder / "pictures.pickle"
    with locked(folder / ".pictures"):
        if not place.exists():
            drawn = {section.name: draw_pictures(section) for section in report.sections}
            place.write_bytes(pickle.dumps(drawn))
        return pickle.loads(place.read_bytes())  # noqa: S301 (our own)


@pytest.fixture(scope="session")
def described():
    """Return a function that describes a result of double descent."""
    return lambda result: reading.describe(findings_of(double_descent, result))


@pytest.fixture(scope="session")
def section(described):
    """Return what the report says of double descent in the record."""
    return described(record.load(double_descent, RESULTS / "double-descent"))


@pytest.fixture(scope="session")
def quick():
    """Return the attributes of a quick run of double descent."""
    return {"protocol": "reduced", "config": as_json(double_descent.Config.quick())}


@pytest.fixture
def small_record():
    """Return a function that makes a record of double descent alone, with other attributes."""

    def make(folder, **attributes):
        place = folder / "double-descent"
        ignored = shutil.ignore_patterns("README.md")
        shutil.copytree(RESULTS / "double-descent", place, ignore=ignored)
        path = place / "result.nc"
        record.write(record.read(path).assign_attrs(**attributes), path)
        return folder

    return make


@pytest.fixture
def run(command_line):
    """Return a function that runs `mnist1d report` in this process."""
    return partial(command_line, "report")


@pytest.fixture
def fails(refusal):
    """Return a function that runs `mnist1d report`, which must fail, and returns what it says."""
    return partial(refusal, "report")
