"""Answers of people: files are checked, merged, and feed the claims."""

import csv
import io
import json

import numpy as np
import pytest

pytest.importorskip("xarray", reason="the laboratory is not installed")

import mnist1d
from mnist1d.cli.output.outcome import SCHEMA
from mnist1d.experiments.classification import people
from mnist1d.experiments.classification.answers import read_answers
from mnist1d.harness.claims import judge
from mnist1d.harness.interface import InputError
from mnist1d.measures.uncertainty import estimate_proportion

LABELS = mnist1d.load().y_test


def made(block=3, wrong=7, **changes):
    """Return a test in which the first answers are wrong."""
    rows = range(100 * block, 100 * block + 100)
    answers = [
        {
            "sample": row,
            "label": int(LABELS[row]),
            "answer": int(LABELS[row] + (i < wrong)) % 10,
            "seconds": None if i == 5 else 1.5,
        }
        for i, row in enumerate(rows)
    ]
    about = {"package": "0.1.0", "person": "Ada", "data": "plain", "feedback": True}
    about |= {"block": block, "learned": 20, "started": "2026-11-29T08:00:00.000Z"}
    return {**about, "answers": answers} | changes


def written(path, *tests, **changes):
    document = {"format": "mnist1d-human", "version": 1, "tests": tests} | changes
    path.write_text(json.dumps(document), "utf-8")
    return path


def as_csv(path, *tests):
    about = ("package", "person", "data", "feedback", "block", "learned", "started")
    names = ("sample", "label", "answer", "seconds")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["version", *about, *names])
    for test in tests:
        given = test | {"feedback": str(test["feedback"]).lower()}
        for answer in test["answers"]:
            rows.writerow([1, *(given[name] for name in about), *(answer[name] for name in names)])
    path.write_text(text.getvalue(), "utf-8")
    return path


def test_json_and_csv_say_the_same(tmp_path):
    tests = [made(), made(block=0, wrong=40, data="shuffled", feedback=False, person="Bo, B.")]
    from_json, _ = read_answers([written(tmp_path / "a.json", *tests)])
    from_csv, _ = read_answers([as_csv(tmp_path / "a.csv", *tests)])
    assert len(from_json) == len(from_csv) == 2
    for one, other in zip(from_json, from_csv, strict=True):
        for first, second in zip(one[:-1], other[:-1], strict=True):  # but for the file
            np.testing.assert_array_equal(first, second)
    assert [int(test.is_correct.sum()) for test in from_json] == [93, 60]
    assert np.isnan(from_json[0].seconds[5])
    assert from_json[0].sample[[0, -1]].tolist() == [300, 399]


def test_a_test_counts_once_and_only_the_first_one_on_the_same_samples(tmp_path):
    first, again = made(), made(wrong=0, started="2026-11-30T08:00:00.000Z")
    other = made(person="Bo", wrong=50)
    files = [written(tmp_path / "a.json", first, other), as_csv(tmp_path / "b.csv", first, again)]
    tests, notes = read_answers(files)
    assert [(test.person, int(test.is_correct.sum())) for test in tests] == [
        ("Ada", 93),
        ("Bo", 50),
    ]
    assert len(notes) == 1
    assert "b.csv, test 2: Ada answered these samples before" in notes[0]


def changed(i, **changes):
    test = made()
    test["answers"][i] |= changes
    return test


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (changed(3, label=(int(LABELS[303]) + 1) % 10), f"sample 303 has the label {LABELS[303]}"),
        (changed(3, sample=304), "answer 4 must be to sample 303, not 304"),
        (changed(3, answer=10), "the answer to sample 303 must be from 0 to 9, not 10"),
        (changed(3, answer="4"), "the answer to sample 303 must be an integer"),
        (changed(3, answer=True), "the answer to sample 303"),
        (changed(3, seconds=-1), "the seconds of sample 303 must be at least 0"),
        (changed(3, seconds=float("nan")), "the seconds of sample 303"),
        (made() | {"answers": made()["answers"][:99]}, "must have 100 answers, not 99"),
        (made() | {"answers": {}}, "must have 100 answers"),
        (made(data="rotated"), "data must be"),
        (made() | {"block": 10}, "block must be from 0 to 9, not 10"),
        (made(feedback="yes"), "feedback must be"),
        (made(learned=-1), "learned must be from 0 to 4000"),
        (made(person="a\x1b[31mb"), "person must be a line"),
        (made(person="a" * 201), "person must be a line"),
        ({name: value for name, value in made().items() if name != "block"}, "has no 'block'"),
        ([], "it must have names and values"),
        (None, "it must have names and values"),
    ],
)
def test_an_edited_test_is_refused_with_its_place(tmp_path, test, said):
    path = written(tmp_path / "a.json", made(block=1), test)
    with pytest.raises(InputError) as error:
        read_answers([path])
    assert str(error.value).startswith(f"{path}, test 2: ")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no file of answers"),
        ("{", "no file of answers"),
        ("[" * 100_000, "no file of answers"),
        ('{"format": "mnist1d-human", "version": 2, "tests": []}', "version 1, not 2"),
        ('{"format": "mnist1d-human", "version": 1, "tests": []}', "no finished test"),
        ('{"format": "mnist1d-human", "version": 1}', "no list of tests"),
        ('{"format": "other", "version": 1}', '"format": "mnist1d-human"'),
        ("[1, 2]", '"format": "mnist1d-human"'),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(tmp_path, text, said):
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said.replace('"', '"')):
        read_answers([path])


def test_a_csv_file_that_is_cut_or_of_other_columns_is_refused(tmp_path):
    path = as_csv(tmp_path / "a.csv", made())
    text = path.read_text("utf-8")
    for damaged, said in (
        (text[: len(text) // 2], "columns|100 answers"),
        (text.replace("sample", "row", 1), "its columns must be"),
        ("\x00" + text, "no file of answers"),
        (text.replace("\n1,", "\n2,", 1), "version 1, not 2"),
    ):
        path.write_text(damaged, "utf-8")
        with pytest.raises(InputError, match=said):
            read_answers([path])
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no file of answers"):
        read_answers([path])
    with pytest.raises(OSError, match="missing"):
        read_answers([tmp_path / "missing.json"])


def test_the_command_pools_people_beside_the_models(outcome, tmp_path):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    path = written(
        tmp_path / "a.json", made(), made(person="", block=5, wrong=0), made(data="shuffled")
    )
    code, out, said = outcome("human", path, "--json")
    assert (code, said) == (0, "")
    document = json.loads(out)
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.validate(document, {"$ref": "#/$defs/human", "$defs": schema["$defs"]})
    plain, shuffled = document["pooled"]
    expected = estimate_proportion([False] * 7 + [True] * 193)
    assert plain["accuracy"]["mean"] == pytest.approx(0.965)
    assert plain["accuracy"]["ci_low"] == pytest.approx(expected.low)
    assert plain["people"] == 2
    assert shuffled["accuracy"]["n"] == 100
    by_model = {each["model"]: each for each in plain["models"]}
    assert by_model["CNN"]["accuracy"] > 0.85
    assert by_model["Logistic"]["accuracy"] < 0.5
    for each in plain["models"]:
        difference = each["person_minus_model"]["mean"]
        assert difference == pytest.approx(plain["accuracy"]["mean"] - each["accuracy"])

    # Without names, every file is of another person.
    files = [written(tmp_path / f"{i}.json", made(person="", block=i)) for i in range(2)]
    _, out, _ = outcome("human", *files, "--json")
    assert json.loads(out)["pooled"][0]["people"] == 2

    code, out, _ = outcome("human", path)
    assert code == 0
    assert "93.0, 86.3 to 96.6" in out
    assert "no name" in out


def test_the_command_ends_with_a_line_where_a_file_is_wrong(outcome, tmp_path):
    wrong = written(tmp_path / "a.json", made(data="rotated"))
    for arguments, said in (
        (["human", wrong], "a.json, test 1: data must be"),
        (["human", tmp_path / "none.json"], "none.json"),
        (["reproduce", "pooling", "--human", wrong, "--out", tmp_path / "out"], "classification"),
        (["reproduce", "classification", "--human", wrong, "--out", tmp_path / "out"], "data must"),
    ):
        code, out, error = outcome(*arguments)
        assert code == 2
        assert out == ""
        assert said in error
        assert len(error.splitlines()) == 1


@pytest.mark.slow
def test_claims_about_people_are_judged_where_there_are_answers(tmp_path):
    from pathlib import Path

    from mnist1d.experiments import classification
    from mnist1d.harness import record

    folder = Path(__file__).resolve().parents[2] / "results" / "classification"
    result = record.read(folder / "result.nc")
    names = {claim.name for claim in people.CLAIMS}

    def judged(result):
        found = judge(classification.CLAIMS, result, full=True)
        return {each.claim.name: each for each in found if each.claim.name in names}

    assert judged(result) == {}
    tests, _ = read_answers(
        [written(tmp_path / "a.json", made(wrong=4), made(block=0, data="shuffled", wrong=99))]
    )
    with_people = classification.with_people(result, tests)
    path = tmp_path / "result.nc"
    record.write(with_people, path)
    found = judged(record.read(path))
    assert set(found) == names
    plain, shuffled = (found[f"test-accuracy-{data}-people"] for data in ("plain", "shuffled"))
    assert plain.estimate.mean == pytest.approx(96)
    assert plain.verdict in {"reproduced", "consistent"}
    assert shuffled.estimate.mean == pytest.approx(1)
    assert shuffled.estimate.n == 100
    rows = [row for row in classification.summarise(with_people) if row.condition == "People"]
    assert [row.group for row in rows] == ["MNIST-1D", "MNIST-1D, shuffled"]
