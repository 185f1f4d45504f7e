"""A record keeps to the plan that was fixed before its runs, or is refused."""

import dataclasses
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mnist1d.cli import main
from mnist1d.experiments import EXPERIMENTS, pooling
from mnist1d.harness import record
from mnist1d.harness.findings import findings_of
from mnist1d.harness.interface import InputError
from mnist1d.harness.stored.circumstances import follows_protocol
from mnist1d.harness.stored.plan import Plan, Planned, plan_of, read_plan, rules_digest, write_plan
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


def test_the_plan_is_of_all_experiments_and_can_be_begun():
    plan = read_plan(ROOT / "record" / "plan.json")
    assert set(plan.experiments) == {experiment.NAME for experiment in EXPERIMENTS}
    for tag in {plan.version_of(name)[0] for name in plan.experiments}:
        begun = plan.begun(tag, TAGGED, EXPERIMENTS)
        assert {name for name, each in begun.experiments.items() if each.rules} == {
            *plan.of_tag(tag)
        }
    for experiment in EXPERIMENTS:
        config = plan.experiments[experiment.NAME].config(experiment)
        assert follows_protocol(config)
        assert config.seeds >= 5


@pytest.mark.usefixtures("commit")
def test_a_result_by_the_plan_keeps_to_it(experiment, plan):
    result = record.execute(experiment, experiment.Config(seeds=3))
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
@pytest.mark.usefixtures("commit")
def test_what_does_not_keep_to_the_plan_is_refused(experiment, plan, attributes, message):
    result = record.execute(experiment, experiment.Config(seeds=3)).assign_attrs(attributes)
    with pytest.raises(InputError, match=r"does not keep to its plan\.json") as refused:
        plan.check([findings_of(experiment, result)])
    assert message in str(refused.value)


@pytest.mark.usefixtures("commit")
def test_another_number_of_runs_and_another_experiment_are_refused(experiment, plan, changed):
    result = record.execute(experiment, experiment.Config(seeds=2))
    assert "has 2 runs, and 3 are planned" in plan.broken_by(experiment, result)
    assert "other is not in the plan" in plan.broken_by(changed(NAME="other"), result)
    del result.attrs["commit"]
    assert "holds no commit" in plan.broken_by(experiment, result)


@pytest.mark.usefixtures("commit")
def test_rules_that_changed_since_the_tag_are_refused(experiment, plan, changed):
    result = record.execute(experiment, experiment.Config(seeds=3))
    first, second = experiment.CLAIMS
    for claim in (
        dataclasses.replace(first, rule=Equals(2.0, 0.6)),
        dataclasses.replace(first, rule=Positive(2.0)),
        dataclasses.replace(first, source="Figure 1"),
        dataclasses.replace(first, name="another"),
    ):
        other = changed(CLAIMS=(claim, second))
        assert "the rules of tiny are not those of record-1" in plan.broken_by(other, result)
    mended = dataclasses.replace(first, statement="The loss, in nats")
    assert plan.broken_by(changed(CLAIMS=(mended, second)), result) == ""


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
            "has a field 'seed'; allowed are commit, measured",
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
        Plan("record-1", planned).begun("record-1", TAGGED, [experiment])
    assert message in str(refused.value)


@pytest.mark.usefixtures("commit")
def test_a_claim_that_measures_something_else_is_refused(experiment, plan, changed):
    result = record.execute(experiment, experiment.Config(seeds=3))
    finished = plan.finished([findings_of(experiment, result)])
    finished.check([findings_of(experiment, result)])
    first, second = experiment.CLAIMS
    other = dataclasses.replace(first, measure=value("loss", scale=1.001))
    with pytest.raises(InputError, match="the claim loss of tiny measured"):
        finished.check([findings_of(changed(CLAIMS=(other, second)), result)])


@pytest.mark.slow
def test_the_report_refuses_a_record_that_does_not_keep_to_its_plan(monkeypatch, capsys, tmp_path):
    shutil.copytree(ROOT / "results" / "pooling", tmp_path / "pooling")
    result = record.load(pooling, tmp_path / "pooling")
    n = result.sizes["seed"]
    fitting = Plan("record-1", {"pooling": Planned(n)}).begun("record-1", TAGGED, [pooling])
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


def test_the_digest_is_of_rules_and_not_of_words(experiment, changed):
    first, second = experiment.CLAIMS
    reworded = dataclasses.replace(second, statement="Other words")
    assert rules_digest(changed(CLAIMS=(first, reworded))) == rules_digest(experiment)
