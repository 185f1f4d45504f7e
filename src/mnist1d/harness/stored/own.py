"""What an experiment of one's own found, as data in its result.

A report needs no more than the result then: it runs nobody's code, and nothing is lost if the
experiment's file is moved or changed.
"""

import dataclasses
import inspect
import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, cast

import numpy as np
import xarray as xr

from mnist1d.harness.claims import Claim
from mnist1d.harness.findings import Findings, judged
from mnist1d.harness.interface import Experiment, Row
from mnist1d.harness.settings import as_json
from mnist1d.harness.stored.attributes import parsed
from mnist1d.harness.stored.texts import one_line
from mnist1d.harness.verdicts import rules
from mnist1d.measures.uncertainty import Estimate

ATTRIBUTE = "findings"
"""The attribute that has them."""


def findings_as_json(findings: Findings) -> str:
    """Write down all that a report says of an experiment, but for what is in its result.

    Args:
        findings: of an experiment of one's own; claims that are `without_form` are left out.

    Raises: TypeError: if a part of it is no text, number or list of these.
    """
    experiment = findings.experiment
    data = {
        "title": experiment.TITLE,
        "text": inspect.getdoc(experiment) or "",
        "settings": inspect.getdoc(experiment.Config) or "",
        "defaults": json.loads(as_json(experiment.Config())),
        "captions": dict(getattr(experiment, "CAPTIONS", {})),
        "remarks": list(findings.remarks),
        "failed": list(findings.failed),
        "claims": [
            {
                "name": each.claim.name,
                "statement": each.claim.statement,
                "source": each.claim.source,
                "rule": type(each.claim.rule).__name__,
                "settings": _fields(each.claim.rule),
                "estimate": list(each.estimate),
            }
            for each in findings.judgements
            if _is_known(each.claim.rule)
        ],
        "rows": [
            {
                "group": row.group,
                "condition": row.condition,
                "estimates": {name: list(each) for name, each in row.estimates.items()},
                "claim": row.claim,
            }
            for row in findings.rows
        ],
    }
    text = json.dumps(data, default=_plain)
    _check(json.loads(text), _FORM, ATTRIBUTE)
    return text


def without_form(findings: Findings) -> tuple[str, ...]:
    """Name the claims that cannot be stored, as their rules are not of this package, in a line."""
    claims = [each.claim for each in findings.judgements]
    names = ", ".join(claim.name for claim in claims if not _is_known(claim.rule))
    return (f"claims with rules of their own are in no report: {names}",) if names else ()


def stored_findings(result: xr.Dataset, name: str = "") -> Findings:
    """Read what `findings_as_json` wrote into a result; the claims are judged again.

    Args:
        result: of any experiment. If nothing is stored in it, there are neither claims nor a table.
        name: what the experiment is called; its own name if omitted.

    Returns: the findings, with the verdicts in `OWN_WORDS`, of a module that stands for the
        experiment.
    Raises: ValueError: if they are damaged.
    """
    name = name or str(result.attrs["experiment"])
    defaults = parsed(result.attrs, "config", {})
    nothing = {"title": name, "defaults": defaults, "text": "", "settings": "", "captions": {}}
    nothing |= {"remarks": [], "failed": [], "claims": [], "rows": []}
    data = parsed(result.attrs, ATTRIBUTE, nothing)
    try:
        # Older versions stored no failures.
        data = {"failed": []} | data
        _check(data, _FORM, ATTRIBUTE)
        experiment = _stand_in(name, data)
        judgements = tuple(judged(experiment, result))
        rows = tuple(map(_row, data["rows"]))
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"attribute {ATTRIBUTE} is damaged: {one_line(str(error))}") from None
    remarks, failed = (tuple(data[each]) for each in ("remarks", "failed"))
    return Findings(experiment, result, judgements, rows, remarks, failed)


def _stand_in(name: str, data: Mapping[str, Any]) -> Experiment:
    """Make a module that says of an experiment what is stored of it."""

    def defaults() -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", data["defaults"])

    defaults.__doc__ = data["settings"]
    experiment = ModuleType(name, data["text"])
    vars(experiment).update(
        NAME=name,
        TITLE=data["title"],
        CLAIMS=tuple(map(_claim, data["claims"])),
        CAPTIONS=data["captions"],
        Config=defaults,
    )
    return cast("Experiment", experiment)


def _is_known(rule: rules.Rule) -> bool:
    return _rules().get(type(rule).__name__) is type(rule)


def _rules() -> Mapping[str, type]:
    """Return the package's rules by name."""
    return {
        name: each
        for name, each in vars(rules).items()
        if dataclasses.is_dataclass(each) and isinstance(each, type) and hasattr(each, "accepted")
    }


def _fields(rule: rules.Rule) -> dict[str, Any]:
    return {each.name: getattr(rule, each.name) for each in dataclasses.fields(cast("Any", rule))}


def _claim(data: Mapping[str, Any]) -> Claim:
    found = _estimate(data["estimate"])
    if data["rule"] not in _rules():
        raise ValueError(f"there is no rule {data['rule']}")
    rule: rules.Rule = _rules()[data["rule"]](**data["settings"])
    return Claim(data["name"], data["statement"], data["source"], rule, lambda _: found)


def _row(data: Mapping[str, Any]) -> Row:
    estimates = {name: _estimate(each) for name, each in data["estimates"].items()}
    return Row(data["group"], data["condition"], estimates, data["claim"])


def _estimate(data: Sequence[Any]) -> Estimate:
    mean, low, high, n, n_diverged, values = data
    each = tuple(map(float, values))
    return Estimate(float(mean), float(low), float(high), int(n), int(n_diverged), each)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} is no value of JSON")


_FORM: Any = {
    "title": str,
    "text": str,
    "settings": str,
    "defaults": dict,
    "captions": {...: str},
    "remarks": [str],
    "failed": [str],
    "claims": [
        {
            "name": str,
            "statement": str,
            "source": str,
            "rule": str,
            "settings": {...: (int, float, type(None))},
            "estimate": list,
        }
    ],
    "rows": [
        {"group": str, "condition": str, "estimates": {...: list}, "claim": (str, type(None))}
    ],
}
"""What the data has to be: a type, a list of one form, a mapping of any names or of given ones."""


def _check(data: Any, form: Any, what: str) -> None:
    """Compare data with a form.

    Raises: TypeError: naming what is wrong.
    """
    kind = type(form) if isinstance(form, list | dict) else form
    if not isinstance(data, kind):
        raise TypeError(f"{what} is of the wrong type")
    if isinstance(form, list) and isinstance(data, list):
        for number, each in enumerate(data):
            _check(each, form[0], f"{what}[{number}]")
    elif isinstance(form, dict) and isinstance(data, dict):
        for name in data if ... in form else form:
            _check(data.get(name), form.get(..., form.get(name)), f"{what}.{name}")
