"""The plan of a record: what was fixed before its runs, and whether its results keep to it.

`plan.json` in a folder of results names a tag of the code, and for every experiment the number of
runs and the settings that are not the default ones. An experiment that came later has a tag of its
own. When the record of a tag is begun (`record/make.py`), the tag's commit and a digest of the
rules of its experiments are added; when it is finished, the number that every claim measured.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write
from mnist1d.execution.commit import CHANGED, UNKNOWN
from mnist1d.harness.findings import Findings
from mnist1d.harness.interface import Experiment, InputError, is_full
from mnist1d.harness.settings import as_json, with_settings
from mnist1d.harness.stored.commits import commits_of

FILE = "plan.json"
_ROUNDING = 1e-5
"""How far the same mean may be another, relative to it: processors round in other ways."""


@dataclasses.dataclass(frozen=True)
class Planned:
    """What is fixed for one experiment.

    Attributes:
        seeds: number of runs.
        settings: further fields of its configuration.
        tag: of the code, by its name in git, if it is not that of the plan.
        commit: of that tag; empty before the record is begun, or without a tag of its own.
        rules: digest of its claims' rules (`rules_digest`); empty before the record is begun.
        measured: the mean of every claim that has one; empty before the record is finished.
    """

    seeds: int
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tag: str = ""
    commit: str = ""
    rules: str = ""
    measured: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def config(self, experiment: Experiment, **places: Any) -> Any:
        """Make the experiment's configuration.

        Args:
            experiment: its module.
            **places: fields on where data are found, which no plan has.

        Raises: InputError: if there is no such field, or a value is not allowed.
        """
        known = {field.name for field in dataclasses.fields(experiment.Config)}
        found = {name: value for name, value in places.items() if name in known}
        given = {"seeds": self.seeds} | {name: _tuples(v) for name, v in self.settings.items()}
        return with_settings(experiment.Config(), given | found)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is fixed for a record.

    Attributes:
        tag: of the code, by its name in git.
        experiments: by name.
        commit: of the tag; empty before the record is begun.
    """

    tag: str
    experiments: Mapping[str, Planned]
    commit: str = ""

    def version_of(self, name: str) -> tuple[str, str]:
        """Return the tag and the commit that an experiment's result must be of."""
        planned = self.experiments[name]
        return (planned.tag, planned.commit) if planned.tag else (self.tag, self.commit)

    def of_tag(self, tag: str) -> tuple[str, ...]:
        """Return the names of the experiments that are of a tag."""
        return tuple(name for name in self.experiments if self.version_of(name)[0] == tag)

    def begun(self, tag: str, commit: str, experiments: Sequence[Experiment]) -> "Plan":
        """Return the plan of a record that is begun, with the commit and rules of one tag.

        Args:
            tag: that of the plan, or of some of its experiments.
            commit: of the tag.
            experiments: all that there are.

        Raises: InputError: if one of the plan is not among them, or has settings it does not take.
        """
        modules = {experiment.NAME: experiment for experiment in experiments}
        for name, planned in self.experiments.items():
            if name not in modules:
                raise InputError(checks.unknown("experiment", name, [*modules]))
            planned.config(modules[name])
        begun = dict(self.experiments)
        for name in self.of_tag(tag):
            own = commit if begun[name].tag else ""
            rules = rules_digest(modules[name])
            begun[name] = dataclasses.replace(begun[name], commit=own, rules=rules)
        return dataclasses.replace(
            self, commit=commit if tag == self.tag else self.commit, experiments=begun
        )

    def joined_to(self, found: "Plan", tag: str) -> "Plan":
        """Return the plan of a folder with the experiments of a tag, begun or added there.

        Args:
            found: the folder's plan.
            tag: whose experiments are to be made in it.

        Raises: InputError: if the folder has another plan for them.
        """
        own = {name: self.experiments[name] for name in self.of_tag(tag)}
        there = {name: each for name, each in found.unfinished().experiments.items() if each.rules}
        is_other = found.tag != self.tag or (self.commit and found.commit not in ("", self.commit))
        if is_other or any(there.get(name, each) != each for name, each in own.items()):
            raise InputError(f"{FILE} of the folder is another plan: give a new folder")
        begun = {name: each for name, each in own.items() if name not in there}
        return dataclasses.replace(
            found, commit=self.commit or found.commit, experiments={**found.experiments, **begun}
        )

    def finished(self, found: Sequence[Findings]) -> "Plan":
        """Return the plan of a record that is finished, with the means of all claims.

        Args:
            found: of the experiments of the plan.
        """
        experiments = dict(self.experiments)
        for each in found:
            name = each.experiment.NAME
            experiments[name] = dataclasses.replace(experiments[name], measured=_means(each))
        return dataclasses.replace(self, experiments=experiments)

    def unfinished(self) -> "Plan":
        """Return the plan as it was before the record was finished."""
        experiments = {
            name: dataclasses.replace(planned, measured={})
            for name, planned in self.experiments.items()
        }
        return dataclasses.replace(self, experiments=experiments)

    def broken_by(self, experiment: Experiment, result: xr.Dataset) -> str:
        """Say how a result does not keep to the plan; empty if it does.

        Args:
            experiment: its module, with the rules of today.
            result: what it returned.
        """
        return next(self._problems(experiment, result), "")

    def _problems(self, experiment: Experiment, result: xr.Dataset) -> Iterator[str]:
        name, commits = experiment.NAME, list(commits_of(result))
        if name not in self.experiments:
            yield f"{name} is not in the plan"
            return
        planned = self.experiments[name]
        if UNKNOWN in commits:
            yield f"the result of {name} holds no commit of the code that made it, or of its tasks"
        if changed := [commit for commit in commits if commit.endswith(CHANGED)]:
            yield f"the result of {name} was made with changed files ({changed[0]})"
        if len(commits) > 1:
            yield f"the result of {name} is of {len(commits)} commits: {', '.join(commits)}"
        tag, commit = self.version_of(name)
        if commits != [commit]:
            yield (
                f"the result of {name} is of commit {commits[0]}, and not of {tag}, which is "
                f"{commit}"
            )
        n = result.sizes.get("seed", 0)
        if n != planned.seeds:
            yield f"{name} has {n} runs, and {planned.seeds} are planned"
        config = planned.config(experiment)
        used = json.loads(str(result.attrs.get("config", "{}")))
        for field in ("seeds", *planned.settings):
            wanted = json.loads(as_json({field: getattr(config, field)}))[field]
            if used.get(field) != wanted:
                yield f"{name} has {field} = {used.get(field)}, and {wanted} is planned"
        if not is_full(result):
            yield f"{name} did not follow the full protocol"
        if planned.rules != rules_digest(experiment):
            yield (
                f"the rules of {name} are not those of {tag}: changed rules need a new tag "
                "and a new record"
            )

    def check(self, found: Sequence[Findings]) -> None:
        """Refuse results that do not keep to the plan.

        Args:
            found: of the experiments that are there.

        Raises: InputError: naming the first thing that is wrong.
        """
        if not self.commit:
            raise InputError(
                f"{FILE} names no commit: record/make.py begins a record and writes it"
            )
        for each in found:
            if wrong := self.broken_by(each.experiment, each.result) or self._other_mean(each):
                raise InputError(f"this record does not keep to its {FILE}: {wrong}")

    def _other_mean(self, found: Findings) -> str:
        """Say which claim measures something else than when the record was finished."""
        name, now = found.experiment.NAME, _means(found)
        for claim, then in self.experiments[name].measured.items():
            mean = now.get(claim, math.nan)
            if not math.isclose(mean, then, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
                return (
                    f"the claim {claim} of {name} measured {then:g} and measures {mean:g} now: a "
                    "changed measure needs a new tag and a new record"
                )
        return ""


def _means(found: Findings) -> dict[str, float]:
    means = {each.claim.name: float(each.estimate.mean) for each in found.judgements}
    return {name: mean for name, mean in means.items() if math.isfinite(mean)}


def rules_digest(experiment: Experiment) -> str:
    """Return a digest of what decides the verdicts: names, kinds, rules and margins of all claims.

    Statements are no part of it, so that a word can be mended; numbers and margins of rules are.

    >>> from mnist1d.experiments import classification, pooling
    >>> rules_digest(pooling) == rules_digest(pooling) != rules_digest(classification)
    True
    """
    decided = [
        [claim.name, claim.kind, claim.needs, type(claim.rule).__name__, vars(claim.rule)]
        for claim in experiment.CLAIMS
    ]
    return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:16]


def read_plan(path: checks.StrPath) -> Plan:
    """Read a plan from its file.

    Raises:
        FileNotFoundError: if there is none.
        InputError: if it is damaged, naming the field, the value and what is allowed.
    """
    path = checks.path("path", path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON: {error}") from None
    try:
        return _plan(found)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _plan(found: Any) -> Plan:
    fields = _object("the plan", found, {"tag", "experiments", "commit"})
    experiments = _object("experiments", fields.get("experiments"))
    if not experiments:
        raise InputError("experiments must name one or more experiments")
    tag = _text("tag", fields.get("tag"))
    if not tag:
        raise _refuse("tag", tag, "the name of a tag")
    return Plan(
        tag,
        {name: _planned(name, each) for name, each in experiments.items()},
        _text("commit", fields.get("commit", "")),
    )


def _planned(name: str, found: Any) -> Planned:
    where = f"experiments.{name}"
    fields = _object(where, found, {each.name for each in dataclasses.fields(Planned)})
    seeds = fields.get("seeds")
    if not checks.is_integer(seeds) or seeds is None or seeds < 1:
        raise _refuse(f"{where}.seeds", seeds, "a whole number from 1 on")
    settings = _object(f"{where}.settings", fields.get("settings", {}))
    measured = _object(f"{where}.measured", fields.get("measured", {}))
    for claim, mean in measured.items():
        if not isinstance(mean, int | float) or isinstance(mean, bool):
            raise _refuse(f"{where}.measured.{claim}", mean, "a number")
    tag, commit, rules = (
        _text(f"{where}.{each}", fields.get(each, "")) for each in ("tag", "commit", "rules")
    )
    return Planned(seeds, settings, tag, commit, rules, measured)


def _object(what: str, value: Any, known: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refuse(what, value, "an object in JSON")
    if known is not None and (others := value.keys() - known):
        allowed = ", ".join(sorted(known))
        raise InputError(f"{what} has a field {checks.shown(min(others))}; allowed are {allowed}")
    return dict(value)


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(what, value, "a text")
    return value


def _refuse(what: str, value: Any, wanted: str) -> InputError:
    return InputError(f"{what} must be {wanted}, not {checks.shown(value)}")


def write_plan(plan: Plan, path: checks.StrPath) -> None:
    """Write a plan as `read_plan` reads it.

    Raises: OSError: if the file cannot be written.
    """
    text = json.dumps(dataclasses.asdict(plan), indent=2) + "\n"
    with atomic_write(checks.path("path", path)) as file:
        file.write(text.encode())


def plan_of(folder: checks.StrPath) -> Plan | None:
    """Return the plan in a folder of results, or None where there is none.

    Raises: InputError: if it is damaged.
    """
    path = Path(checks.path("folder", folder)) / FILE
    return read_plan(path) if path.is_file() else None


def _tuples(value: Any) -> Any:
    """Turn JSON's lists into tuples, as configurations have."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
