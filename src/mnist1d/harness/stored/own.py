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

from mnist1d.harness.claims import Claim, Judgement, judge
from mnist1d.harness.findings import Findings
from mnist1d.harness.interface import Experiment, Row, is_full, origin_of
from mnist1d.harness.settings import as_json
from mnist1d.harness.stored.attributes import parsed
from mnist1d.harness.stored.texts import one_line
from mnist1d.harness.verdicts import rules
from mnist1d.measures.uncertainty import Estimate

ATTRIBUTE = "findings"
"""The attribute that has them."""
WORDS = {"reproduced": "confirmed", "differs": "refuted", "differs slightly": "slightly off"}
"""What the verdicts of a paper's claims are called where the claims are one's own."""


def is_own(experiment: Experiment) -> bool:
    """Tell whether an experiment is none of this package."""
    return origin_of(experiment) == "own"


def in_own_words(judgement: Judgement) -> Judgement:
    """Return a judgement with its verdict in `WORDS`."""
    verdict = WORDS.get(judgement.verdict, judgement.verdict)
    return dataclasses.replace(judgement, verdict=cast("Any", verdict))


def findings_as_json(findings: Findings) -> str:
    """Write down all that a report says of an experiment, but for what is in its result.

    A claim with a rule that is not one of this package is left out.

    Args:
        findings: of an experiment of one's own.
    """
    experiment, result = findings.experiment, findings.result
    remarks = getattr(experiment, "remarks", None)
    return json.dumps(
        {
            "title": experiment.TITLE,
            "text": inspect.getdoc(experiment) or "",
            "settings": inspect.getdoc(experiment.Config) or "",
            "defaults": json.loads(as_json(experiment.Config())),
            "captions": dict(getattr(experiment, "CAPTIONS", {})),
            "remarks": list(remarks(result)) if remarks else [],
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
                if type(each.claim.rule).__name__ in _rules()
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
        },
        default=_plain,
    )


def stored_findings(result: xr.Dataset) -> Findings:
    """Read what `findings_as_json` wrote into a result; the claims are judged again.

    Args:
        result: with the attribute.

    Returns: the findings, with the verdicts in `WORDS`, of a module that stands for the experiment.
    Raises: ValueError: if they are damaged.
    """
    data = parsed(result.attrs, ATTRIBUTE, {})
    try:
        _check(data, _FORM, ATTRIBUTE)
        claims = tuple(map(_claim, data["claims"]))
        rows = tuple(map(_row, data["rows"]))
        judgements = tuple(map(in_own_words, judge(claims, result, full=is_full(result))))
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"attribute {ATTRIBUTE} is damaged: {one_line(str(error))}") from None
    experiment = ModuleType(str(result.attrs["experiment"]), data["text"])

    def defaults() -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", data["defaults"])

    defaults.__doc__ = data["settings"]
    vars(experiment).update(
        NAME=experiment.__name__,
        TITLE=data["title"],
        CLAIMS=claims,
        CAPTIONS=data["captions"],
        Config=defaults,
        remarks=lambda _: data["remarks"],
    )
    return Findings(cast("Experiment", experiment), result, judgements, rows)


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
