"""The explorer's test of people: answers are kept, exported and compared as they were given."""

import json

import numpy as np
import pytest

from mnist1d import load
from mnist1d.explore import STATIC
from mnist1d.explore.record import recorded_accuracies
from mnist1d.measures.uncertainty import estimate_proportion, in_percent, paired_difference

pytestmark = pytest.mark.slow


CUT_OFF = """() => [...document.querySelectorAll('.scroll')]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.innerText)"""


def answer(page, n, right, since=0):
    """Answer questions by keys, the first ones rightly, and read the labels after every ten."""
    labels = load().y_test
    block = page.evaluate("JSON.parse(localStorage['mnist1d-human']).current.block")
    for i in range(since, n):
        page.wait_for_selector(f"text=Sample {i + 1} of 100")
        page.keyboard.press(str((labels[100 * block + i] + (i >= right)) % 10))
        if i % 10 == 9:
            page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize(("data", "right"), [("plain", 93), ("shuffled", 31)])
def test_a_person_of_known_accuracy_is_found_as_such(visit, data, right, tmp_path, downloaded):
    pytest.importorskip("scipy", reason="the laboratory is not installed")
    from mnist1d.experiments.classification.answers import read_answers

    page = visit(f"#/test?test={data}&block=4")
    page.get_by_label("Your name or a code").fill("Ada")
    page.get_by_role("button", name="Start with").click()
    page.get_by_role("button", name="Ten more").click()
    page.get_by_role("button", name="Begin the test").click()
    answer(page, 42, right)
    page.reload()
    answer(page, 100, right, since=42)
    page.wait_for_selector(f"text={right} of 100 right")
    shown = page.inner_text("#result + p")
    assert page.evaluate("document.activeElement.id") == "result"
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(CUT_OFF) == []
    page.reload()
    assert page.inner_text("#result") == f"{right} of 100 right"
    files = []
    for name in ("JSON", "CSV"):
        files.append(tmp_path / f"answers.{name.lower()}")
        files[-1].write_bytes(downloaded(page, name).read_bytes())
    (test, *others), notes = read_answers(files)
    assert (others, notes) == ([], [])
    assert (test.person, test.data, test.block, test.learned) == ("Ada", data, 4, 20)
    assert int(test.is_correct.sum()) == right
    assert 1 <= np.isnan(test.seconds).sum() <= 3
    found = in_percent(estimate_proportion(test.is_correct))
    assert f"{found.low:.1f} to {found.high:.1f}" in shown
    # The models on the same samples, as the package's command says.
    table = page.locator("#result ~ .scroll table").first.inner_text()
    for model, accuracies in recorded_accuracies(data).items():
        expected = in_percent(paired_difference(test.is_correct * 1.0, accuracies[test.sample]))
        line = next(line for line in table.splitlines() if line.startswith(model))
        told = [float(each) for each in line.split("\t")[2].replace(" to ", ", ").split(", ")]
        # Means over 20 runs and 100 samples may lie between two tenths: both are rounded rightly.
        half = 0.05 + 1e-9
        assert told == pytest.approx([expected.mean, expected.low, expected.high], abs=half, rel=0)
    if data == "plain":
        shown = page.locator("h3:has-text('Errors per digit') + .scroll tbody tr").all()
        cells = [each.locator("td").all_inner_texts() for each in shown]
        labels = load().y_test[400:500]
        wrong = np.arange(100) >= right
        assert [int(row[0]) for row in cells] == np.bincount(labels, minlength=10).tolist()
        errors = [f"{100 * wrong[labels == digit].mean():.0f}" for digit in range(10)]
        assert [row[1] for row in cells] == errors
        human = json.loads((STATIC / "record" / "classification.json").read_text("utf-8"))["human"]
        for column, name in ((2, "errors_per_digit"), (3, "cnn_errors_per_digit")):
            assert [float(row[column]) for row in cells] == pytest.approx(human[name], abs=0.51)


def test_what_the_test_shows_is_the_published_set(visit):
    page = visit("#/test")
    data = load()
    sets = page.evaluate(
        "import('/app/samples.js').then(({ publishedSet }) => ['plain', 'shuffled'].map((data) => "
        "Object.values(publishedSet(data)).map(({ x, y }) => [x.map((row) => [...row]), [...y]])))"
    )
    orders = (np.arange(40), np.random.RandomState(42).permutation(40))
    for order, (train, test) in zip(orders, sets, strict=True):
        for (x, y), ours, labels in ((train, data.x, data.y), (test, data.x_test, data.y_test)):
            np.testing.assert_array_equal(y, labels)
            np.testing.assert_array_equal(np.float32(x), np.float32(ours[:, order]))


ANSWERS = [{"sample": 300 + i, "label": 1, "answer": 2, "seconds": None} for i in range(100)]
DONE = {
    "package": "0.1.0",
    "person": "Ada",
    "data": "plain",
    "feedback": True,
    "block": 3,
    "learned": 20,
    "started": "2026-11-29T10:00:00.000Z",
    "answers": ANSWERS,
}
BEGUN = {**DONE, "answers": ANSWERS[:5], "testing": True, "seen": 0}
KEEP = "(text) => localStorage.setItem('mnist1d-human', text)"


def test_damaged_storage_is_not_used(visit):
    page = visit("#/test")

    def loaded(text):
        page.evaluate(KEEP, text)
        return page.evaluate("import('/rooms/test/protocol.js').then(({ load }) => load())")

    whole = {"current": BEGUN, "done": [DONE]}
    assert loaded(json.dumps(whole)) == whole
    damaged = ["{", "null", '{"current": 1, "done": []}', '{"current": null, "done": {}}']
    for name, values in {
        "person": [None, {}],
        "data": ["MNIST"],
        "block": [10, 2, "3"],
        "learned": [None, "20", 4001],
        "started": [None, 5],
        "answers": [[], ANSWERS[:99], [None] * 100],
    }.items():
        tests = [{**DONE, name: value} for value in values]
        damaged += [json.dumps({"current": None, "done": [DONE, test]}) for test in tests]
    for name, value in (("answer", 10), ("label", "1"), ("seconds", "2"), ("sample", 0)):
        test = {**DONE, "answers": [{**ANSWERS[0], name: value}, *ANSWERS[1:]]}
        damaged.append(json.dumps({"current": None, "done": [test]}))
    damaged.append(json.dumps({"current": {**BEGUN, "seen": None}, "done": []}))
    for text in damaged:
        assert loaded(text) == {"current": None, "done": []}, text
    page.reload()
    page.get_by_role("button", name="Start with").wait_for()


def test_two_windows_do_not_overwrite_each_other(visit):
    page = visit("#/test")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Start with").wait_for()
    other.evaluate(KEEP, json.dumps({"current": BEGUN, "done": [DONE]}))
    page.wait_for_selector("text=Sample 6 of 100")
    page.keyboard.press("1")
    page.wait_for_selector("text=Sample 7 of 100")
    other.reload()
    other.wait_for_selector("text=Sample 7 of 100")
    stored = json.loads(page.evaluate("localStorage['mnist1d-human']"))
    assert stored["done"] == [DONE]
    assert len(stored["current"]["answers"]) == 6


def test_nobody_complained(heard):
    assert heard["complaints"] == []
