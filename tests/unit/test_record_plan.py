"""A record keeps to the plan that was fixed before its runs, or is refused."""

import dataclasses
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from mnist1d.cli import main
from mnist1d.execution.task import Task
from mnist1d.experiments import EXPERIMENTS, pooling, self_supervised
from mnist1d.experiments.self_supervised.config import VARIANTS
from mnist1d.experiments.self_supervised.method import weights_name
from mnist1d.figures.style import Figure
from mnist1d.harness import record
from mnist1d.harness.claims import Claim
from mnist1d.harness.findings import findings_of
from mnist1d.harness.interface import InputError
from mnist1d.harness.stored import commits
from mnist1d.harness.stored.plan import Plan, Planned, plan_of, read_plan, rules_digest, write_plan
from mnist1d.harness.verdicts.reference import recorded
from mnist1d.harness.verdicts.rules import Equals, Positive
from mnist1d.measures.expressions import value
from mnist1d.report.wording import provenance_of

ROOT = Path(__file__).resolve().parents[2]
GIT = shutil.which("git")
OLDER = (
    "2 of 2 results are older than the rules that judge them, which are of 2026-11-29: they did "
    "not wait for them. No result says which commit of the code made it."
)
TAGGED, OTHER = "a" * 40, "b" * 40


@dataclasses.dataclass(frozen=True)
class Config:
    seeds: int = 5
    rate: float = 0.1


def run(config, *, progress, compute):  # noqa: ARG001
    def make(_config):
        def runner(tasks, _device, _on_step):
            for task in tasks:
                seed = task.key["seed"]
                loss = np.random.default_rng(seed).normal(2.0, 0.1)
                yield task, {"loss": np.array(loss)}

        return runner

    tasks = [Task({"seed": seed}, {"seed": seed}) for seed in range(config.seeds)]
    found = {
        task.labels["seed"]: arrays["loss"].item()
        for task, arrays in compute(tasks, make, None, devices="none")
    }
    losses = [found[seed] for seed in range(config.seeds)]
    return xr.Dataset({"loss": ("seed", losses)}, {"seed": range(config.seeds)})


def figures(_):
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    return {"figure": figure}


@pytest.fixture
def experiment(tmp_path):
    """Return an experiment of the paper that takes no time."""
    (tmp_path / "package").mkdir()
    loss = value("loss")
    return SimpleNamespace(
        NAME="tiny",
        TITLE="Tiny (Figure 0)",
        VERSION=1,
        PAPER_SEEDS=1,
        Config=Config,
        run=run,
        plot=figures,
        summarise=lambda _: [],
        CLAIMS=(
            Claim("loss", "The loss (nats)", "Table 1", Equals(2.0, 0.5), loss),
            Claim("positive", "There is a loss (nats)", "Section 1", Positive(), loss),
        ),
        USES_JAX=False,
        __file__=str(tmp_path / "package" / "__init__.py"),
    )


@pytest.fixture(scope="module")
def make():
    return SimpleNamespace(**runpy.run_path(str(ROOT / "record" / "make.py")))


@pytest.fixture
def commit(monkeypatch):
    """Return a function that sets the commit of the code."""

    def set_to(name):
        for module in (record, commits):
            monkeypatch.setattr(module, "commit_of_code", lambda: name)

    set_to(TAGGED)
    return set_to


@pytest.fixture
def plan(experiment):
    return Plan("record-1", {"tiny": Planned(3)}).begun(TAGGED, [experiment])


def changed(experiment, **names):
    return SimpleNamespace(**{**vars(experiment), **names})


NEWER = {"architectures"}
"""Experiments that are newer than the tag of the plan, and belong to the next one."""


def test_the_plan_of_the_next_record_is_of_all_experiments_and_can_be_begun():
    plan = read_plan(ROOT / "record" / "plan.json")
    assert set(plan.experiments) == {experiment.NAME for experiment in EXPERIMENTS} - NEWER
    begun = plan.begun(TAGGED, EXPERIMENTS)
    assert all(each.rules for each in begun.experiments.values())
    for experiment in (each for each in EXPERIMENTS if each.NAME not in NEWER):
        config = plan.experiments[experiment.NAME].config(experiment)
        assert record.follows_protocol(config)
        assert config.seeds >= 5


def test_a_result_by_the_plan_keeps_to_it(experiment, plan, commit):  # noqa: ARG001
    result = record.execute(experiment, Config(seeds=3))
    assert plan.broken_by(experiment, result) == ""
    plan.check([findings_of(experiment, result)])


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"commit": OTHER}, f"of commit {OTHER}, and not of record-1, which is {TAGGED}"),
        ({"commit": f"{TAGGED}-dirty"}, "was made with changed files"),
        ({"commit": "unknown"}, "holds no commit"),
        ({"unit_commits": json.dumps({OTHER: 2})}, "is of 2 commits"),
        ({"unit_commits": json.dumps({"unknown": 2})}, "holds no commit"),
        ({"config": '{"seeds": 4, "rate": 0.1}'}, "seeds = 4, and 3 is planned"),
        ({"protocol": "reduced"}, "did not follow the full protocol"),
    ],
)
def test_what_does_not_keep_to_the_plan_is_refused(experiment, plan, commit, attributes, message):  # noqa: ARG001
    result = record.execute(experiment, Config(seeds=3)).assign_attrs(attributes)
    with pytest.raises(InputError, match=r"does not keep to its plan\.json") as refused:
        plan.check([findings_of(experiment, result)])
    assert message in str(refused.value)


def test_another_number_of_runs_and_another_experiment_are_refused(experiment, plan, commit):  # noqa: ARG001
    result = record.execute(experiment, Config(seeds=2))
    assert "has 2 runs, and 3 are planned" in plan.broken_by(experiment, result)
    assert "other is not in the plan" in plan.broken_by(changed(experiment, NAME="other"), result)
    del result.attrs["commit"]
    assert "holds no commit" in plan.broken_by(experiment, result)


def test_rules_that_changed_since_the_tag_are_refused(experiment, plan, commit):  # noqa: ARG001
    result = record.execute(experiment, Config(seeds=3))
    first, second = experiment.CLAIMS
    for claim in (
        dataclasses.replace(first, rule=Equals(2.0, 0.6)),
        dataclasses.replace(first, rule=Positive(2.0)),
        dataclasses.replace(first, source="Figure 1"),
        dataclasses.replace(first, name="another"),
    ):
        other = changed(experiment, CLAIMS=(claim, second))
        assert "the rules of tiny are not those of record-1" in plan.broken_by(other, result)
    mended = dataclasses.replace(first, statement="The loss, in nats")
    assert plan.broken_by(changed(experiment, CLAIMS=(mended, second)), result) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "the plan must be an object in JSON, not []"),
        ('{"tag": 3, "experiments": {"a": {"seeds": 1}}}', "tag must be a text, not 3"),
        ('{"tag": "", "experiments": {"a": {"seeds": 1}}}', "tag must be the name of a tag"),
        ('{"tag": "t", "experiments": {}}', "experiments must name one or more"),
        ('{"tag": "t", "experiments": {"a": {"seeds": 0}}}', "experiments.a.seeds must be a whole"),
        ('{"tag": "t", "experiments": {"a": {"seeds": true}}}', "experiments.a.seeds must be"),
        (
            '{"tag": "t", "experiments": {"a": {"seed": 1}}}',
            "has a field 'seed'; allowed are measured, rules",
        ),
        ('{"tag": "t", "experiments": {"a": {"seeds": 1, "settings": []}}}', "settings must be"),
        ('{"tag": "t", "experiments": {"a": {"seeds": 1, "measured": {"b": "c"}}}}', "a number"),
    ],
)
def test_a_damaged_plan_is_an_error_in_one_line(tmp_path, text, message):
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        read_plan(path)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(path))
    assert len(str(refused.value).splitlines()) == 1


def test_a_plan_comes_back_as_it_was(tmp_path, plan):
    write_plan(plan, tmp_path / "plan.json")
    assert plan_of(tmp_path) == plan
    assert plan_of(tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    ("planned", "message"),
    [
        ({"tinny": Planned(3)}, "there is no experiment 'tinny'; did you mean 'tiny'?"),
        ({"tiny": Planned(3, {"rates": 1.0})}, "no field 'rates'; did you mean 'rate'?"),
    ],
)
def test_a_plan_of_something_else_cannot_be_begun(experiment, planned, message):
    with pytest.raises(InputError) as refused:
        Plan("record-1", planned).begun(TAGGED, [experiment])
    assert message in str(refused.value)


def silent(*_):
    pass


def test_a_record_is_made_in_several_sittings_and_ships_its_numbers(
    make, experiment, plan, commit, tmp_path
):
    out, results = tmp_path / "record", tmp_path / "results"
    make.begin(plan, out)
    make.begin(plan, out)
    # What is left of an interrupted run.
    record.execute(experiment, Config(seeds=2), folder=out / "tiny" / "units")
    make.run(plan, [experiment], out, {"mnist": None}, silent)
    result = record.load(experiment, out / "tiny")
    assert (result.sizes["seed"], result.attrs["units_found"]) == (3, 2)
    commit(OTHER)
    said = []
    make.run(plan, [experiment], out, {}, lambda line, *_: said.append(line))
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
    make.begin(plan, out)
    assert not (results / "tiny" / "units").exists()
    stored = json.loads((tmp_path / "package" / "record.json").read_text())
    assert stored["commit"] == TAGGED


def test_a_kept_record_is_without_what_nothing_reads(make, experiment, plan, commit, tmp_path):  # noqa: ARG001
    out, results = tmp_path / "record", tmp_path / "results"
    weights = ("seed", "weight"), np.zeros((3, 10))
    heavy = changed(experiment, run=lambda *a, **k: run(*a, **k).assign(weights=weights))
    make.begin(plan, out)
    make.run(plan, [heavy], out, {}, silent)
    make.finish(plan, [heavy], out)
    make.LEFT_OUT["tiny"] = ("weights",)
    make.keep(plan, [heavy], out, results)
    whole, kept = (record.load(heavy, folder / "tiny") for folder in (out, results))
    assert set(whole) - set(kept) == {"weights"}
    assert kept.attrs == whole.attrs
    finished = plan_of(results)
    finished.check([findings_of(heavy, kept)])


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


def test_a_claim_that_measures_something_else_is_refused(experiment, plan, commit):  # noqa: ARG001
    result = record.execute(experiment, Config(seeds=3))
    finished = plan.finished([findings_of(experiment, result)])
    finished.check([findings_of(experiment, result)])
    first, second = experiment.CLAIMS
    other = dataclasses.replace(first, measure=value("loss", scale=1.001))
    with pytest.raises(InputError, match="the claim loss of tiny measured"):
        finished.check([findings_of(changed(experiment, CLAIMS=(other, second)), result)])


def test_a_record_begun_with_code_of_another_commit_is_not_finished(
    make, experiment, plan, commit, tmp_path
):
    commit(OTHER)
    record.execute(experiment, Config(seeds=2), folder=tmp_path / "tiny" / "units")
    commit(TAGGED)
    with pytest.raises(InputError, match="of 2 commits"):
        make.run(plan, [experiment], tmp_path, {}, silent)
    assert not (tmp_path / "tiny" / "result.nc").exists()


def test_a_record_has_a_folder_of_its_own(make, plan, tmp_path):
    (tmp_path / "notes").touch()
    with pytest.raises(InputError, match="must be a new folder"):
        make.begin(plan, tmp_path)
    make.begin(plan, tmp_path / "record")
    with pytest.raises(InputError, match="is another plan"):
        make.begin(dataclasses.replace(plan, commit=OTHER), tmp_path / "record")


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


@pytest.mark.slow
def test_the_report_refuses_a_record_that_does_not_keep_to_its_plan(monkeypatch, capsys, tmp_path):
    shutil.copytree(ROOT / "results" / "pooling", tmp_path / "pooling")
    result = record.load(pooling, tmp_path / "pooling")
    n = result.sizes["seed"]
    fitting = Plan("record-1", {"pooling": Planned(n)}).begun(TAGGED, [pooling])
    write_plan(fitting, tmp_path / "plan.json")

    def report():
        monkeypatch.setattr(sys, "argv", ["mnist1d", "report", str(tmp_path)])
        main()
        return (tmp_path / "RESULTS.md").read_text(encoding="utf-8")

    with pytest.raises(SystemExit) as stop:
        report()
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("mnist1d: this record does not keep to its plan.json: ")
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "RESULTS.md").exists()
    about = {"commit": TAGGED, "finished": "2027-01-01T00:00:00+00:00"}
    record.write(
        result.drop_attrs(deep=False).assign_attrs(result.attrs | about),
        tmp_path / "pooling/result.nc",
    )
    fixed = "fixed before the runs, by the tag record-1 (commit aaaaaaaaaaaa)"
    assert fixed in report()
    (tmp_path / "plan.json").unlink()
    assert fixed not in report()


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([("a", TAGGED, "2027-01-01", {})], ""),
        ([("a", TAGGED, "2027-01-01", {}), ("b", TAGGED, "2027-01-02", {})], ""),
        (
            [("a", TAGGED, "2027-01-01", {}), ("b", OTHER, "2027-01-02", {})],
            "The results are of several commits of the code: aaaaaaaaaaaa (a); bbbbbbbbbbbb (b).",
        ),
        (
            [("a", TAGGED, "2027-01-01", {OTHER: 3})],
            "The results are of several commits of the code: aaaaaaaaaaaa (a); bbbbbbbbbbbb (a).",
        ),
        (
            [("a", "unknown", "2026-11-01", {}), ("b", "unknown", "2026-11-02", {})],
            OLDER,
        ),
    ],
)
def test_a_folder_without_plan_says_what_its_results_are_of(results, said):
    sections = [
        SimpleNamespace(name=name, finished=day, commits={commit: 0} | others)
        for name, commit, day, others in results
    ]
    assert provenance_of(SimpleNamespace(plan=None, sections=sections)) == said


def test_the_digest_is_of_rules_and_not_of_words(experiment):
    first, second = experiment.CLAIMS
    reworded = dataclasses.replace(second, statement="Other words")
    assert rules_digest(changed(experiment, CLAIMS=(first, reworded))) == rules_digest(experiment)
