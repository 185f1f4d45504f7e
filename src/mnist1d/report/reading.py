"""Reading a record into a report: judging claims, parsing docstrings, comparing settings."""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.experiments import EXPERIMENTS, PAPER
from mnist1d.harness.claims import Judgement
from mnist1d.harness.findings import Findings
from mnist1d.harness.interface import Experiment, is_own
from mnist1d.harness.results import MOST_CASES, n_cases, numbers_shown, rows_of_numbers
from mnist1d.harness.settings import as_json, label
from mnist1d.harness.stored.attributes import parsed
from mnist1d.harness.stored.circumstances import PROTOCOL_IS_FREE_IN
from mnist1d.harness.stored.findings import RESULT, load_findings, needs_of
from mnist1d.harness.stored.plan import plan_of
from mnist1d.harness.verdicts.reasons import reason
from mnist1d.report.contents import Judged, Report, Section, Setting, TableRow
from mnist1d.report.own import read_own

NOT_EXPLAINED = "No explanation is on record yet."

_IS_HEADING = re.compile("(Differences from the paper( and its code)?|Limits):").fullmatch
_PUBLISHED = DatasetConfig().to_dict()
_ATTRIBUTES = ("config", "device", "finished", "processor", "seconds", "versions")
# Fields on where data are found, which are no part of the protocol.
_NOT_SHOWN = set(PROTOCOL_IS_FREE_IN) - {"seeds"}


def read_report(folder: checks.StrPath) -> Report:
    """Read what `mnist1d reproduce`, `run` and `compare` wrote with `--out FOLDER`.

    Args:
        folder: with a folder per result, each with its `result.nc`.

    A result that is damaged, of another experiment, or does not hold what this version of its
    experiment needs is named in `damaged`, and the others are read. What others lack is named in
    their `failed`.

    Raises:
        FileNotFoundError: if there is no such folder, or no result in it.
        InputError: if there is a plan (`plan.json`), and it is damaged or a result does not keep to
            it: another commit or none, another number of runs, or rules changed since the tag.
        ValueError: if no result can be read.
    """
    folder = checks.path("folder", folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder")
    there = [each for each in EXPERIMENTS if (folder / each.NAME / "result.nc").exists()]
    own, damaged = read_own(folder, {each.NAME for each in EXPERIMENTS}, describe)
    if not there and not own and not damaged:
        hint = nearby(folder) or f"`mnist1d reproduce --out {folder}` makes them"
        raise FileNotFoundError(f"no results in {folder}; {hint}")
    sections: list[Section] = []
    grids: list[Section] = []
    for each in there:
        try:
            section = _read_section(each, folder / each.NAME)
        except ValueError as error:
            damaged[each.NAME] = str(error)
        else:
            (grids if section.kind == "grid" else sections).append(section)
    read = {section.name for section in sections} | damaged.keys()
    missing = tuple(each for each in PAPER if each.NAME not in read)
    if len(missing) == len(PAPER):
        missing = ()  # the folder is not about the paper
    plan = plan_of(folder)
    if plan is not None:
        plan.check([each.findings for each in sections])
    return readable(Report(tuple(sections), missing, damaged, (*grids, *own), plan))


def nearby(folder: Path) -> str:
    """Say in which folders above or inside a folder results are; empty if in none."""
    if (folder / RESULT).is_file():
        return f"it holds one result: name the folder that it is in, {folder.parent}"
    inside = sorted({str(path.parents[1]) for path in folder.glob(f"*/*/{RESULT}")})
    return f"there are results in {', '.join(inside)}" if inside else ""


def readable(report: Report) -> Report:
    """Return a report that has something to say.

    Raises: ValueError: if all results are damaged.
    """
    if not report.sections and not report.own:
        raise ValueError("; ".join(report.damaged.values()))
    return report


def _read_section(experiment: Experiment, folder: Path) -> Section:
    findings = load_findings(experiment, folder)
    with needs_of(experiment.NAME, folder / RESULT):
        return describe(findings)


def describe(findings: Findings) -> Section:
    """Collect the contents of one experiment's page."""
    experiment, result = findings.experiment, findings.result
    claims = _explained(findings)
    by_name = {judged.claim.name: judged for judged in claims}
    parts = docstring_parts(inspect.getdoc(experiment) or "")
    attributes, versions = result.attrs, parsed(result.attrs, "versions", {})
    lacking = [name for name in _ATTRIBUTES if name not in attributes]
    lacking += [] if "mnist1d" in versions else ["the version of mnist1d"]
    lacking += [] if "seed" in result.sizes or is_own(experiment) else ["the dimension seed"]
    if lacking:
        raise ValueError(f"it lacks {', '.join(lacking)}")
    return Section(
        findings,
        *parts,
        tuple(
            TableRow(
                row.group,
                row.condition,
                {name.replace("\n", " "): found for name, found in row.estimates.items()},
                by_name.get(row.claim) if row.claim else None,
            )
            for row in findings.rows or rows_of_numbers(result)
        ),
        claims,
        _settings(experiment, result),
        versions,
        f"{attributes['processor']}, {attributes['device']}",
        float(attributes["seconds"]),
        float(attributes["compile_seconds"]) if "compile_seconds" in attributes else None,
        int(attributes.get("units_found", 0)),
        str(attributes["finished"]),
        getattr(experiment, "CAPTIONS", {}),
        (*findings.remarks, *([] if findings.rows else _left_out(result))),
        findings.failed,
    )


def _left_out(result: xr.Dataset) -> list[str]:
    """Name the variables that are in no table, as nobody could read it."""
    return [
        f"{name} has {n:,} cases, which `mnist1d show-result --table` writes."
        for name in numbers_shown(result)
        if (n := n_cases(result[name])) > MOST_CASES
    ]


def _explained(findings: Findings) -> tuple[Judged, ...]:
    """Add the reason to every claim that is not reproduced: by numbers, and the experiment's."""
    if is_own(findings.experiment):
        return tuple(Judged(each, None) for each in findings.judgements)
    reasons = {each.claim.name: reason(each) for each in findings.judgements}
    explain: Callable[[xr.Dataset], Mapping[str, str]] | None
    explain = getattr(findings.experiment, "explain", None)
    causes = explain(findings.result) if explain and any(reasons.values()) else {}

    def why(judgement: Judgement) -> str | None:
        by_numbers = reasons[judgement.claim.name]
        cause = causes.get(judgement.claim.name, "")
        if judgement.verdict.startswith("differs"):
            return cause or NOT_EXPLAINED
        return " ".join(filter(None, (by_numbers, cause))) if by_numbers else None

    return tuple(Judged(each, why(each)) for each in findings.judgements)


class Parts(NamedTuple):
    """The parts of an experiment's docstring, each paragraph in one line.

    Attributes:
        question: what it asks.
        introduction: paragraphs.
        sentence: before the list of differences or limits; empty if it says no more than the
            heading of the list.
        items: of that list.
    """

    question: str
    introduction: tuple[str, ...]
    sentence: str
    items: tuple[str, ...]


def docstring_parts(text: str) -> Parts:
    r"""Divide an experiment's docstring, as `inspect.getdoc` returns it.

    >>> docstring_parts("Why?\n\nAs it is.\n\nLimits:\n\n1. One.\n2. Two\n   lines.")
    Parts(question='Why?', introduction=('As it is.',), sentence='', items=('One.', 'Two lines.'))
    """
    before, _, after = text.partition("\n1. ")
    question, *paragraphs = [" ".join(part.split()) for part in before.split("\n\n")]
    leads = [part for part in paragraphs if part.startswith("Source:") or _IS_HEADING(part)]
    introduction = [part for part in paragraphs if part and part not in leads]
    sentence = re.sub(r"^Source: .*?[.](?= |$) ?", "", " ".join(leads)).removesuffix(":").strip()
    if _IS_HEADING(f"{sentence}:"):
        sentence = ""
    items = re.split(r"\n\d+[.] ", after) if after else []
    return Parts(
        question,
        tuple(introduction),
        sentence,
        tuple(" ".join(item.split("\n\n")[0].split()) for item in items),
    )


def _settings(experiment: Experiment, result: xr.Dataset) -> tuple[Setting, ...]:
    config = experiment.Config()
    settings, defaults = parsed(result.attrs, "config", {}), json.loads(as_json(config))
    for field, values in parsed(result.attrs, "grid", {}).items():
        settings[field] = values
        defaults[field] = reduce(_inside, field.split("."), defaults)
    for name in settings.keys() & defaults.keys():
        data = getattr(config, name, None)
        if isinstance(data, DatasetConfig):
            defaults[name] = _data_in_words(data)
            settings[name] = _data_in_words(data, str(result.attrs.get("data", "")))
        elif _is_data(defaults[name]):
            # Of an experiment of one's own only what is stored is known.
            defaults[name], settings[name] = map(_as_data, (defaults[name], settings[name]))
    meanings = _meanings(inspect.getdoc(experiment.Config) or "")
    return tuple(
        Setting(name, value, defaults.get(name), meanings.get(name, ""))
        for name, value in settings.items()
        if name not in _NOT_SHOWN
    )


def _inside(settings: Any, name: str) -> Any:
    return settings.get(name) if isinstance(settings, dict) else None


def _is_data(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _PUBLISHED.keys()


def _as_data(value: Any) -> Any:
    """Write a dataset by the parameters that are not those of MNIST-1D; of a grid those shared."""
    if not isinstance(value, dict):
        return value
    own = [f"{name}={label(v)}" for name, v in value.items() if v != _PUBLISHED.get(name)]
    return f"published ({', '.join(own)})" if own else "published"


def _data_in_words(published: DatasetConfig, differences: str = "") -> str:
    """Write an experiment's dataset, by the parameters that are not those of MNIST-1D."""
    own = ", ".join(published.differences())
    words = f"published ({own})" if own else "published"
    return f"{words}, but {differences}" if differences else words


def _meanings(text: str) -> dict[str, str]:
    """Read the fields' meanings from a docstring's list of attributes."""
    listed = text.partition("Attributes:\n")[2]
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", listed, flags=re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in found}
