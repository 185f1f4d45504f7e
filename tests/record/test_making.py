"""The script that makes the record: it begins, continues, finishes and keeps it."""

import dataclasses
import json
import runpy
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mnist1d.experiments import self_supervised
from mnist1d.experiments.self_supervised.config import VARIANTS
from mnist1d.experiments.self_supervised.method import weights_name
from mnist1d.harness import record
from mnist1d.harness.findings import findings_of
from mnist1d.harness.interface import InputError
from mnist1d.harness.stored.plan import Plan, Planned, plan_of
from mnist1d.harness.verdicts.reference import recorded
from mnist1d.harness.verdicts.runtime import minutes
from mnist1d.report.wording import provenance_of

ROOT = Path(__file__).resolve().parents[2]
GIT = shutil.which("git")
TAGGED, OTHER = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def make():
    return SimpleNamespace(**runpy.run_path(str(ROOT / "record" / "make.py")))


def silent(*_):
    pass


def test_a_record_is_made_in_several_sittings_and_ships_its_numbers(
    make, experiment, plan, commit, tmp_path
):
    out, results = tmp_path / "record", tmp_path / "results"
    make.begin(plan, "record-1", out)
    make.begin(plan, "record-1", out)
    # What is left of an interrupted run.
    record.execute(experiment, experiment.Config(seeds=2), folder=out / "tiny" / "units")
    make.run(plan, "record-1", [experiment], out, {"mnist": None}, silent)
    result = record.load(experiment, out / "tiny")
    assert (result.sizes["seed"], result.attrs["units_found"]) == (3, 2)
    commit(OTHER)
    said = []
    make.run(plan, "record-1", [experiment], out, {}, lambda line, *_: said.append(line))
    assert said == ["tiny is finished"]
    make.finish(plan, [experiment], out)
    make.keep(plan, [experiment], out, results)
    losses = result.loss.to_numpy()
    found = recorded(experiment)["loss"]
    assert found[:3] == pytest.approx((losses.mean(), losses.std(ddof=1), 3), abs=1e-6)
    claims = json.loads((results / "claims.json").read_text())
    assert [claim["within_record"] for claim in claims] == [True, True]
    finished = plan_of(results)
    assert finished.unfinished() == plan
    assert finished.experiments["tiny"].measured["loss"] == pytest.approx(losses.mean())
    finished.check([findings_of(experiment, result)])
    make.begin(plan, "record-1", out)
    assert not (results / "tiny" / "units").exists()
    stored = json.loads((tmp_path / "package" / "record.json").read_text())
    assert stored["commit"] == TAGGED


@pytest.mark.usefixtures("commit")
def test_a_kept_record_is_without_what_nothing_reads(make, experiment, plan, tmp_path, changed):
    out, results = tmp_path / "record", tmp_path / "results"
    weights = ("seed", "weight"), np.zeros((3, 10))
    heavy = changed(run=lambda *a, **k: experiment.run(*a, **k).assign(weights=weights))
    make.begin(plan, "record-1", out)
    make.run(plan, "record-1", [heavy], out, {}, silent)
    make.finish(plan, [heavy], out)
    make.LEFT_OUT["tiny"] = ("weights",)
    make.keep(plan, [heavy], out, results)
    whole, kept = (record.load(heavy, folder / "tiny") for folder in (out, results))
    assert set(whole) - set(kept) == {"weights"}
    assert kept.attrs == whole.attrs
    finished = plan_of(results)
    finished.check([findings_of(heavy, kept)])


def test_an_experiment_that_came_later_has_a_tag_of_its_own(
    make, experiment, commit, tmp_path, changed
):
    place = str(tmp_path / "later" / "__init__.py")
    (tmp_path / "later").mkdir()
    later = changed(NAME="later", __file__=place)
    out, modules = tmp_path / "record", [experiment, later]
    first = Plan("record-1", {"tiny": Planned(3)}).begun("record-1", TAGGED, modules)
    make.run(make.begin(first, "record-1", out), "record-1", modules, out, {}, silent)
    make.finish(plan_of(out), modules, out)

    assert make.lacking(plan_of(out), modules, out) == []

    commit(OTHER)
    longer = Plan("record-1", {"tiny": Planned(3), "later": Planned(2, tag="record-2")})
    second = longer.begun("record-2", OTHER, modules)
    joined = make.begin(second, "record-2", out)
    assert make.lacking(joined, modules, out) == ["later"]
    make.run(joined, "record-2", modules, out, {}, silent)
    make.finish(joined, modules, out)
    finished = plan_of(out)
    assert finished.version_of("tiny") == ("record-1", TAGGED)
    assert finished.version_of("later") == ("record-2", OTHER)
    found = [findings_of(each, record.load(each, out / each.NAME)) for each in modules]
    finished.check(found)
    assert json.loads((out / "later" / "record.json").read_text())["commit"] == OTHER
    sections = [SimpleNamespace(name=each.NAME) for each in modules]
    assert provenance_of(SimpleNamespace(plan=finished, sections=sections)) == (
        "Seeds, settings and rules were fixed before the runs, by the tags record-1 (commit "
        "aaaaaaaaaaaa) and record-2 (commit bbbbbbbbbbbb); every result's page names its commit."
    )
    again = longer.begun("record-2", TAGGED, modules)
    with pytest.raises(InputError, match="another plan"):
        make.begin(again, "record-2", out)


def test_an_interrupted_experiment_has_the_time_of_a_whole_run_of_the_same_code(
    make, experiment, plan, commit, tmp_path
):
    def run(seeds, folder):
        units = folder / "tiny" / "units"
        result = record.execute(experiment, experiment.Config(seeds=seeds), folder=units)
        record.save(experiment, result, folder / "tiny")
        return result

    out = tmp_path / "record"
    run(2, out)
    assert run(3, out).attrs["units_found"] == 2

    def take(folder):
        times = make.times_of(plan, "record-1", [experiment], folder)
        make.take_times(times, [experiment], out)
        return record.load(experiment, out / "tiny")

    with pytest.raises(
        InputError, match=r"must have NAME/result\.nc of one of tiny: there is none"
    ):
        take(tmp_path / "nothing")
    whole = run(1, tmp_path / "whole")
    taken = take(tmp_path / "whole")
    assert json.loads(taken.attrs["time_apart"]) == {"seconds": whole.attrs["seconds"], "seeds": 1}
    assert minutes(6)(taken).mean == pytest.approx(whole.attrs["seconds"] / 10)
    assert plan.broken_by(experiment, taken) == ""
    run(1, tmp_path / "whole")
    with pytest.raises(InputError, match="tiny was interrupted, too"):
        take(tmp_path / "whole")
    commit(OTHER)
    run(1, tmp_path / "changed")
    with pytest.raises(InputError, match="changed: the result of tiny is of commit b"):
        take(tmp_path / "changed")


@pytest.mark.slow
def test_weights_of_encoders_are_left_out_and_read_by_no_claim_table_or_figure(make):
    left_out = make.LEFT_OUT["self-supervised"]
    assert left_out == tuple(map(weights_name, VARIANTS))
    whole = record.load(self_supervised, ROOT / "results" / "self-supervised")
    small = whole.drop_vars(left_out, errors="ignore")
    whole, small = (findings_of(self_supervised, result) for result in (whole, small))
    assert small.records() == whole.records()
    assert small.rows == whole.rows
    assert self_supervised.plot(small.result)


def test_a_record_begun_with_code_of_another_commit_is_not_finished(
    make, experiment, plan, commit, tmp_path
):
    commit(OTHER)
    record.execute(experiment, experiment.Config(seeds=2), folder=tmp_path / "tiny" / "units")
    commit(TAGGED)
    with pytest.raises(InputError, match="of 2 commits"):
        make.run(plan, "record-1", [experiment], tmp_path, {}, silent)
    assert not (tmp_path / "tiny" / "result.nc").exists()


def test_a_record_has_a_folder_of_its_own(make, plan, tmp_path):
    (tmp_path / "notes").touch()
    with pytest.raises(InputError, match="must be a new folder"):
        make.begin(plan, "record-1", tmp_path)
    make.begin(plan, "record-1", tmp_path / "record")
    with pytest.raises(InputError, match="is another plan"):
        make.begin(dataclasses.replace(plan, commit=OTHER), "record-1", tmp_path / "record")


@pytest.mark.skipif(GIT is None, reason="git is not installed")
def test_a_record_is_made_at_its_tag_with_nothing_changed(make, tmp_path):
    def git(*arguments):
        person = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        subprocess.run([GIT, "-C", tmp_path, *person, *arguments], check=True)

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    with pytest.raises(InputError, match="there is no tag record-1: git tag record-1"):
        make.commit_at_tag(tmp_path, "record-1")
    git("tag", "record-1")
    assert len(make.commit_at_tag(tmp_path, "record-1")) == 40
    (tmp_path / "file").write_text("two")
    with pytest.raises(InputError, match="must have no changes, and has M file"):
        make.commit_at_tag(tmp_path, "record-1")
    git("commit", "-q", "-a", "-m", "two")
    with pytest.raises(InputError, match="must be the tag record-1"):
        make.commit_at_tag(tmp_path, "record-1")
