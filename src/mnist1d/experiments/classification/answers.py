"""Answers of people in the explorer's test: files of it, read, checked and merged.

A test is a hundred test samples, one answer each, after labelled training samples. A file has any
number of tests, as JSON or as CSV, as the explorer exports them. Everything in it is checked
against the published test set: a file that is damaged, edited or of another program is an error.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist1d.dataset import checks, load
from mnist1d.dataset.atomic import check_regular
from mnist1d.harness.interface import InputError

__all__ = ["DATA", "QUESTIONS", "Test", "read_answers"]

DATA = ("plain", "shuffled")
"""What can be tested: the signals, or the signals in the shuffled order of Table 1."""
QUESTIONS = 100
"""Answers of a test."""
_FORMAT, _VERSION = "mnist1d-human", 1
_LARGEST_FILE = 2**26
_ABOUT = ("package", "person", "data", "feedback", "block", "learned", "started")
_ANSWER = ("sample", "label", "answer", "seconds")
_LONGEST_TEXT = 200


class Test(NamedTuple):
    """A finished test of one person.

    Attributes:
        person: name or code; may be empty.
        data: "plain" or "shuffled".
        feedback: whether the labels were shown after every ten answers.
        block: which hundred of the thousand test samples: rows 100 * block to 100 * block + 99.
        learned: number of labelled training samples that the person saw before.
        started: when, as the browser wrote it.
        answer: digits, uint8, shape (100,).
        label: true digits, uint8, shape (100,).
        seconds: time per answer, shape (100,); NaN where it was not measured.
        file: where it was read, which tells people without a name apart.
    """

    person: str
    data: str
    feedback: bool
    block: int
    learned: int
    started: str
    answer: NDArray[np.uint8]
    label: NDArray[np.uint8]
    seconds: NDArray[np.float64]
    file: str = ""

    @property
    def sample(self) -> NDArray[np.int64]:
        """Rows of the published test set, in the order of the answers."""
        return np.arange(QUESTIONS * self.block, QUESTIONS * (self.block + 1))

    @property
    def is_correct(self) -> NDArray[np.bool_]:
        """Which answers are right, shape (100,)."""
        return self.answer == self.label


def read_answers(paths: Iterable[checks.StrPath]) -> tuple[list[Test], list[str]]:
    """Read the tests in files, each once, and check them against the test set.

    Of several tests of one person on the same samples the first counts: in the others the samples
    were known. A name that is empty is a person of its own in every file.

    Args:
        paths: files that the explorer exported, `.json` or `.csv`.

    Returns: the tests, in the order of files and of tests in them, and a line on each that was left
        out.

    Raises:
        InputError: if a file is no such file, is damaged, or does not fit the test set; the message
            names file, test and what is wrong.
        OSError: if a file cannot be read.
    """
    labels = load().y_test
    tests: dict[tuple[str, str, int], Test] = {}
    notes = []
    for path in map(Path, paths):
        for number, values in enumerate(_read(path), start=1):
            try:
                test = _checked(values, labels)._replace(file=str(path))
            except (KeyError, TypeError, ValueError) as error:
                what = f"has no {error}" if isinstance(error, KeyError) else str(error)
                raise InputError(f"{path}, test {number}: {what}") from error
            key = (test.person or test.file, test.data, test.block)
            if key not in tests:
                tests[key] = test
            elif not _same(tests[key], test):
                person = test.person or "the person without a name"
                notes.append(
                    f"{path}, test {number}: {person} answered these samples before; the first "
                    "test counts"
                )
    return [*tests.values()], notes


def _same(first: Test, second: Test) -> bool:
    return first.started == second.started and bool((first.answer == second.answer).all())


def _read(path: Path) -> Sequence[Mapping[str, Any]]:
    """Return the tests in a file, not yet checked."""
    check_regular(path)
    if path.stat().st_size > _LARGEST_FILE:
        raise InputError(f"{path} is no file of answers: it is larger than {_LARGEST_FILE} bytes")
    try:
        text = path.read_text(encoding="utf-8-sig")
        tests = _from_csv(text) if path.suffix.lower() == ".csv" else _from_json(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is no file of answers that the explorer exported: "
            f"{checks.shortened(str(error))}"
        ) from error
    if not tests:
        raise InputError(f"{path} has no finished test")
    return tests


def _from_json(text: str) -> list[Any]:
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError(f'it does not say "format": "{_FORMAT}"')
    _check_version(document.get("version"))
    tests = document.get("tests")
    if not isinstance(tests, list):
        raise ValueError("it has no list of tests")  # noqa: TRY004 (of the file, not the call)
    return tests


def _from_csv(text: str) -> list[Any]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    wanted = ["version", *_ABOUT, *_ANSWER]
    try:
        if rows.fieldnames != wanted:
            raise ValueError(f"its columns must be {', '.join(wanted)}")
        tests: dict[tuple[str, ...], dict[str, Any]] = {}
        for row in rows:
            if None in row.values() or None in row:
                raise ValueError(f"line {rows.line_num} has another number of columns")
            _check_version(_number(row["version"]))
            key = tuple(row[name] for name in _ABOUT)
            about = {name: row[name] for name in _ABOUT}
            about |= {name: _number(row[name]) for name in ("block", "learned")}
            about["feedback"] = {"true": True, "false": False}.get(row["feedback"], row["feedback"])
            answer = {name: _number(row[name]) for name in _ANSWER}
            tests.setdefault(key, {**about, "answers": []})["answers"].append(answer)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return [*tests.values()]


def _number(text: str) -> Any:
    """Return a number written as text, None for an empty one; what is no number stays text."""
    for kind in (int, float):
        try:
            return kind(text) if text else None
        except ValueError:
            continue
    return text


def _check_version(version: Any) -> None:
    if version != _VERSION:
        raise ValueError(f"it must have the version {_VERSION}, not {checks.shown(version)}")


def _checked(values: Any, labels: NDArray[np.int64]) -> Test:
    if not isinstance(values, Mapping):
        raise TypeError(f"it must have names and values, not {checks.shown(values)}")
    data = checks.one_of("data", values["data"], DATA)
    blocks = len(labels) // QUESTIONS
    block = checks.integer("block", values["block"], 0, blocks - 1)
    answers = values["answers"]
    if not isinstance(answers, list) or len(answers) != QUESTIONS:
        n = len(answers) if isinstance(answers, list) else "no"
        raise ValueError(f"it must have {QUESTIONS} answers, not {n}: only finished tests count")
    given, seconds = [], []
    for i, answer in enumerate(answers):
        if not isinstance(answer, Mapping):
            raise TypeError(f"answer {i + 1} must have names and values")
        row = checks.integer(f"the sample of answer {i + 1}", answer["sample"], 0, len(labels) - 1)
        if row != QUESTIONS * block + i:
            raise ValueError(
                f"answer {i + 1} must be to sample {QUESTIONS * block + i}, not {row}: tests have "
                "all samples of their block in order"
            )
        label = checks.integer(f"the label of sample {row}", answer["label"], 0, 9)
        if label != labels[row]:
            raise ValueError(f"sample {row} has the label {labels[row]}, not {label}")
        given.append(checks.integer(f"the answer to sample {row}", answer["answer"], 0, 9))
        seconds.append(_seconds(row, answer["seconds"]))
    return Test(
        person=_text("person", values["person"]),
        data=data,
        feedback=checks.truth("feedback", values["feedback"]),
        block=block,
        learned=checks.integer("learned", values["learned"], 0, 4000),
        started=_text("started", values["started"]),
        answer=np.array(given, dtype=np.uint8),
        label=labels[QUESTIONS * block : QUESTIONS * (block + 1)].astype(np.uint8),
        seconds=np.array(seconds),
    )


def _seconds(row: int, value: Any) -> float:
    if value is None:
        return math.nan
    seconds = checks.real(f"the seconds of sample {row}", value)
    if seconds < 0:
        raise ValueError(f"the seconds of sample {row} must be at least 0, not {seconds}")
    return seconds


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        wanted = f"a line of up to {_LONGEST_TEXT} characters"
        raise ValueError(f"{name} must be {wanted}, not {checks.shown(value)}")
    return value
