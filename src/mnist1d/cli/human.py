"""The command `mnist1d human`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import tyro

from mnist1d.cli.options.command import error_line
from mnist1d.cli.output.ending import complain, fail, say
from mnist1d.cli.output.outcome import Outcome

if TYPE_CHECKING:
    from mnist1d.experiments.classification.answers import Test
    from mnist1d.measures.uncertainty import Estimate

__all__ = ["human"]

_NAMES = {"plain": "MNIST-1D", "shuffled": "MNIST-1D, shuffled"}


def human(
    files: Annotated[
        tyro.conf.Positional[tuple[Path, ...]],
        tyro.conf.arg(metavar="FILE ...", help_behavior_hint="(required)"),
    ],
    /,
    *,
    json: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Check answers of the explorer's human test, merge them, and compare with the models.

    Every file is checked against the published test set. Accuracies have Wilson's interval, every
    answer a trial; the models are those of the package's record, on the samples that were answered,
    with the difference paired by answer.

    Args:
        files: what the explorer exported, as JSON or CSV.
        json: write one JSON document in place of tables.
        quiet: do not say which tests were left out.
    """
    from mnist1d.experiments.classification.answers import DATA, read_answers
    from mnist1d.harness.interface import InputError

    if not files:
        fail("mnist1d human needs one file of answers or more")
    try:
        tests, notes = read_answers(files)
    except InputError as error:
        fail(str(error))
    except OSError as error:
        fail(error_line(error))
    if not quiet:
        for note in notes:
            complain(note)
    pooled = [_pooled(data, chosen) for data in DATA if (chosen := _of(tests, data))]
    if json:
        described = [_described(test) for test in tests]
        return Outcome(
            {"command": "human", "tests": described, "pooled": pooled, "left_out": notes}
        )
    for each in pooled:
        _show(each, _of(tests, each["data"]))
    return Outcome()


def _of(tests: list["Test"], data: str) -> list["Test"]:
    return [test for test in tests if test.data == data]


def _described(test: "Test") -> dict[str, Any]:
    known = test.seconds[np.isfinite(test.seconds)]
    return {
        "person": test.person,
        "data": test.data,
        "feedback": test.feedback,
        "block": test.block,
        "learned": test.learned,
        "started": test.started,
        "accuracy": _accuracy([test]),
        "median_seconds": float(np.median(known)) if len(known) else None,
    }


def _accuracy(tests: list["Test"]) -> dict[str, Any]:
    from mnist1d.measures.uncertainty import estimate_proportion

    return _as_document(estimate_proportion(np.concatenate([test.is_correct for test in tests])))


def _pooled(data: str, tests: list["Test"]) -> dict[str, Any]:
    """Describe all tests of a kind together, beside the models on the same samples."""
    from mnist1d.explore.record import recorded_accuracies
    from mnist1d.measures.uncertainty import paired_difference

    samples = np.concatenate([test.sample for test in tests])
    right = np.concatenate([test.is_correct for test in tests]).astype(float)
    models = []
    for model, accuracies in recorded_accuracies(data).items():
        difference = paired_difference(right, accuracies[samples])
        models.append(
            {
                "model": model,
                "accuracy": float(accuracies[samples].mean()),
                "person_minus_model": _as_document(difference),
            }
        )
    people = {test.person or test.file for test in tests}
    return {"data": data, "people": len(people), "accuracy": _accuracy(tests), "models": models}


def _as_document(found: "Estimate") -> dict[str, Any]:
    from mnist1d.harness.documents import describe

    return describe(found)


def _show(pooled: dict[str, Any], tests: list["Test"]) -> None:
    lines = [f"{_NAMES[pooled['data']]}, accuracy in per cent with 95 % interval", ""]
    rows = [
        (
            test.person or "no name",
            _interval(_accuracy([test])),
            (
                f"{test.learned} labelled samples seen, "
                f"{'labels after every ten' if test.feedback else 'no labels'}, "
                f"samples {test.sample[0]} to {test.sample[-1]}"
            ),
        )
        for test in tests
    ]
    if len(tests) > 1:
        note = f"{pooled['accuracy']['n']} answers, {len(tests)} tests"
        rows.append(("together", _interval(pooled["accuracy"]), note))
    rows += [
        (
            each["model"],
            f"{100 * each['accuracy']:.1f}",
            f"same samples; person minus model {_interval(each['person_minus_model'])} points",
        )
        for each in pooled["models"]
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines += [f"  {row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}" for row in rows]
    say("\n".join([*lines, ""]))


def _interval(found: dict[str, Any]) -> str:
    mean, low, high = (100 * found[name] for name in ("mean", "ci_low", "ci_high"))
    return f"{mean:.1f}, {low:.1f} to {high:.1f}"
