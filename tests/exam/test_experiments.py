"""One exam that every experiment passes, run once on its quick settings."""

import dataclasses
import json
import pickle
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import jax
import matplotlib.image
import numpy as np
import pytest
import xarray as xr

from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness import record
from mnist1d.harness.findings import findings_of, judged
from mnist1d.harness.interface import origin_of
from mnist1d.harness.verdicts.rules import VERDICTS
from mnist1d.measures.uncertainty import Estimate
from mnist1d.report import Report
from mnist1d.report.pictures import draw_pictures
from mnist1d.report.reading import describe
from mnist1d.report.render import experiment_markdown, html_page, overview_markdown

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_device")]

STORED = json.loads(
    Path(__file__).parent.with_name("golden").joinpath("stored_tasks.json").read_text()
)
"""Names of the files that quick runs left before the code was reorganised.

The quick settings of "classification" and "metalearn-activation" are shorter now: their names are
of the first code with these settings, which gave the old names at the old settings. The task of
"self-supervised" on the signals themselves was not stored then.
"""


RUN_LONGER_THAN_THEY_COMPILE = (
    "classification",
    "pooling",
    "metalearn-activation",
    "double-descent",
    "self-supervised",
    "activation-transfer",
)
"""Experiments whose quick runs take their time running, not compiling."""


@pytest.fixture(scope="module", params=EXPERIMENTS, ids=lambda experiment: experiment.NAME)
def finished(request, tmp_path_factory, one_device):  # noqa: ARG001 (it runs on one)
    experiment = request.param
    quickly = experiment.NAME not in RUN_LONGER_THAN_THEY_COMPILE
    jax.config.update("jax_disable_most_optimizations", quickly)
    reports = []
    config = experiment.Config.quick()
    folder = tmp_path_factory.mktemp(experiment.NAME)
    result = record.execute(
        experiment, config, progress=lambda *what: reports.append(what), folder=folder / "units"
    )
    record.save(experiment, result, folder)
    yield experiment, config, result, folder, reports
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def pictures(finished):
    experiment, _, result, *_ = finished
    return draw_pictures(describe(findings_of(experiment, result)))


def test_configuration_is_frozen_and_documented(finished):
    experiment, config, *_ = finished
    assert experiment.Config().seeds >= 1
    assert experiment.VERSION >= 1
    if origin_of(experiment) == "paper":
        assert 1 <= experiment.PAPER_SEEDS <= experiment.Config().seeds
    else:
        assert experiment.Config().seeds >= 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seeds = 2
    for field in dataclasses.fields(config):
        assert f"{field.name}:" in experiment.Config.__doc__


def test_docstring_numbers_the_differences_from_the_paper_or_its_limits(finished):
    experiment, *_ = finished
    is_of_paper = origin_of(experiment) == "paper"
    assert ("Differences from the paper" if is_of_paper else "Limits:") in experiment.__doc__
    assert "\n1. " in experiment.__doc__


def test_an_experiment_beyond_the_paper_names_its_literature_and_claims_as_such(finished):
    experiment, *_ = finished
    if origin_of(experiment) == "paper":
        pytest.skip("is of the paper")
    assert experiment.LITERATURE
    assert all(len(each) > 20 and any(map(str.isdigit, each)) for each in experiment.LITERATURE)
    assert {claim.kind for claim in experiment.CLAIMS} == {"beyond"}


def test_every_run_has_its_place_on_the_seed_dimension(finished):
    _, config, result, *_ = finished
    np.testing.assert_array_equal(result.seed, np.arange(config.seeds))


def test_result_describes_its_run(finished):
    experiment, config, result, *_ = finished
    assert result.attrs["experiment"] == experiment.NAME
    assert result.attrs["protocol"] == "reduced"
    assert json.loads(result.attrs["config"])["seeds"] == config.seeds
    assert json.loads(result.attrs["versions"]).keys() >= {"mnist1d", "numpy", "jax", "python"}
    assert result.attrs["seconds"] > 0
    assert result.attrs["compile_seconds"] >= 0
    assert result.attrs["units_found"] == 0
    assert result.attrs["commit"]
    assert "unit_commits" not in result.attrs


def test_result_survives_saving_and_loading(finished):
    experiment, _, result, folder, _ = finished
    loaded = record.load(experiment, folder)
    xr.testing.assert_equal(loaded, result)
    assert loaded.attrs.keys() == result.attrs.keys()


def test_progress_reaches_the_end_of_every_task(finished):
    *_, reports = finished
    last = {task: (done, total) for task, done, total in reports if total}
    assert last
    assert all(done == total for done, total in last.values())


def test_stored_results_have_the_names_that_they_have_had(finished):
    experiment, _, _, folder, _ = finished
    if experiment.NAME not in STORED:
        pytest.skip("is newer than the record of names")
    names = sorted(path.stem for path in (folder / "units").glob("*.npz"))
    assert names == STORED[experiment.NAME]


def test_what_is_left_of_an_interrupted_run_is_used_and_the_rest_made_again(finished, tmp_path):
    experiment, config, result, folder, _ = finished
    kept = sorted((folder / "units").glob("*.npz"))
    assert kept
    for place, path in enumerate(kept):
        if place % 5 != 1:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    damaged = tmp_path / kept[0].name
    damaged.write_bytes(damaged.read_bytes()[:-100])
    remarks = []
    again = record.execute(
        experiment,
        config,
        progress=lambda task, _, total: None if total else remarks.append(task),
        folder=tmp_path,
    )
    assert any(damaged.name in remark and "damaged" in remark for remark in remarks)
    measured = [name for name in result.data_vars if not str(name).endswith("_seconds")]
    xr.testing.assert_identical(
        again[measured].drop_attrs(deep=False), result[measured].drop_attrs(deep=False)
    )
    assert {path.name for path in tmp_path.glob("*.npz")} >= {path.name for path in kept}


class Elsewhere(Executor):
    """Does in a thread what another process could do: all that passes is pickled."""

    def __init__(self):
        self.n_asked = 0

    def submit(self, function, /, *arguments):
        self.n_asked += 1
        function, arguments = pickle.loads(pickle.dumps((function, arguments)))  # noqa: S301
        future = Future()
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(function, *arguments).result()
        future.set_result(pickle.loads(pickle.dumps(done)))  # noqa: S301
        return future


def test_units_that_workers_compute_are_those_computed_here(finished, tmp_path):
    experiment, config, result, folder, _ = finished
    for place, path in enumerate(sorted((folder / "units").glob("*.npz"))):
        if place % 6:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    executor = Elsewhere()
    again = record.execute(experiment, config, folder=tmp_path, executor=executor)
    assert executor.n_asked
    measured = [name for name in result.data_vars if not str(name).endswith("_seconds")]
    xr.testing.assert_identical(
        again[measured].drop_attrs(deep=False), result[measured].drop_attrs(deep=False)
    )


def test_claims_have_unique_names_a_source_and_a_statement(finished):
    experiment, *_ = finished
    names = [claim.name for claim in experiment.CLAIMS]
    assert len(set(names)) == len(names)
    assert all(claim.source and claim.statement for claim in experiment.CLAIMS)
    assert set(getattr(experiment, "HEADLINES", ())) <= set(names)


def test_a_reduced_run_decides_nothing(finished):
    experiment, _, result, *_ = finished
    judgements = judged(experiment, result)
    assert judgements
    assert {judgement.verdict for judgement in judgements} == {"not checkable"}


def test_the_same_numbers_under_the_full_protocol_are_judged(finished):
    experiment, _, result, *_ = finished
    judgements = judged(experiment, result.assign_attrs(protocol="full"))
    assert {judgement.verdict for judgement in judgements} <= set(VERDICTS)
    assert any(judgement.verdict != "not checkable" for judgement in judgements)


def test_rows_name_claims_that_exist(finished):
    experiment, _, result, *_ = finished
    names = {claim.name for claim in experiment.CLAIMS}
    rows = experiment.summarise(result)
    assert rows
    for row in rows:
        assert row.claim is None or row.claim in names
        assert all(isinstance(estimate, Estimate) for estimate in row.estimates.values())


def test_figures_are_written_as_pictures_and_as_pdf(finished):
    experiment, _, result, folder, _ = finished
    names = set(experiment.plot(result))
    assert "figure" in names
    for name in names:
        image = matplotlib.image.imread(folder / f"{name}.png")
        assert image.std() > 0.01
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert {path.name for path in folder.iterdir()} == {"result.nc", "units"} | {
        f"{name}.{suffix}" for name in names for suffix in ("png", "pdf")
    }


@pytest.mark.parametrize("protocol", ["full", "reduced"])
def test_its_report_shows_every_claim_row_and_figure(finished, pictures, protocol):
    experiment, _, result, folder, _ = finished
    section = describe(findings_of(experiment, result.assign_attrs(protocol=protocol)))
    assert section.question.endswith((".", "?"))
    assert section.introduction
    assert section.differences
    assert all(setting.meaning for setting in section.settings)
    assert any(row.cells for row in section.rows)
    # Claims may all be shares of runs; then the table has the values of single runs.
    estimates = [judged.estimate for judged in section.claims]
    estimates += [cell for row in section.rows for cell in row.cells.values()]
    assert any(section.per_seed(estimate) for estimate in estimates)
    figures = {path.stem for path in folder.glob("*.png")}  # which are those that it plots
    assert {picture.name for picture in pictures} == figures
    report = Report((section,), ())
    page = html_page(report, {experiment.NAME: pictures})
    assert len(page.encode()) < 5_000_000
    assert page.count("<img ") == 1 + len(pictures)  # and the dataset's
    assert page.count("<tr data-experiment=") == len(section.claims)
    overview = overview_markdown(report, folder=".", command="mnist1d report .")
    assert f"./{experiment.NAME}/README.md" in overview
    text = experiment_markdown(section, pictures)
    assert all(row.condition.replace("<", "&lt;") in text for row in section.rows)
