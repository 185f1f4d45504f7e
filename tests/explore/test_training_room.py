"""The explorer's room of training: its data, its runs, and what it shows of them."""

import json

import numpy as np
import pytest

import mnist1d
from mnist1d.explore import STATIC

pytestmark = pytest.mark.slow

SMALL = "#/train?models=Logistic,CNN&width.CNN=4&runs=2&steps=120&samples=500&batch=50"


def test_its_data_are_the_packages(visit):
    page = visit("#/train")
    parameters = {"seed": 5, "label_noise": 0.2, "positions": "flipped", "iid_noise_scale": 0.1}
    sets = page.evaluate(
        """async (parameters) => {
            const about = await (await fetch('/record/parameters.json')).json();
            const { makeFields, configOf } = await import('/app/fields.js');
            const { initialValues } = await import('/app/address.js');
            const { makeSets } = await import('/rooms/train/data.js');
            const values = { ...initialValues(makeFields(about)), ...parameters };
            const sets = makeSets(configOf(values), 300);
            const parts = [sets.train, sets.validation, sets.test];
            return parts.map(({ x, y }) => [[...x], [...y]]);
        }""",
        parameters,
    )
    data = mnist1d.generate(train=300, test=1000, **parameters)
    fresh = mnist1d.fresh_samples(data, 1000, seed=1)
    expected = ((data.x, data.y), fresh, (data.x_test, data.y_test))
    for (x, y), (ours, labels) in zip(sets, expected, strict=True):
        np.testing.assert_array_equal(y, labels)
        np.testing.assert_allclose(np.reshape(x, (-1, 40)), ours, atol=2e-6)


def test_a_race_trains_pauses_and_tells_what_it_found(visit, downloaded, until):
    page = visit(SMALL)
    page.get_by_role("button", name="One step").click()
    until(page, "document.querySelectorAll('tbody tr').length >= 2")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_selector("button:disabled:has-text('Go on')")
    history = json.loads(downloaded(page, "History as JSON").read_text("utf-8"))["runs"]
    assert [(run["model"], run["seed"]) for run in history] == [
        ("Logistic", 0),
        ("Logistic", 1),
        ("CNN", 0),
        ("CNN", 1),
    ]
    for run in history:
        assert len(run["losses"]) == 120
        assert [each["step"] for each in run["evaluations"]] == [0, 100]
        assert np.mean(run["losses"][-20:]) < np.mean(run["losses"][:20])
        assert set(run["evaluations"][0]["parts"]) == {"train", "validation", "test"}
    assert history[0]["losses"] != history[1]["losses"]
    assert "410" in page.inner_text("table >> nth=0")

    # Inside: every test sample has its place, and the samples of a place are shown.
    counts = page.locator(".inside .confusion td").all_inner_texts()
    assert sum(int(each or 0) for each in counts) == 1000
    page.locator(".inside .confusion .off").first.click()
    page.locator(".cell-samples .sample").first.click()
    weights = np.load(downloaded(page, "Weights as NPZ"))
    assert sorted(weights[name].shape for name in weights.files) == [(10,), (10, 40)]
    scores = page.locator(".scores li span:last-child").all_inner_texts()
    assert 95 <= sum(int(each.removesuffix(" %")) for each in scores) <= 105
    before = page.inner_text(".scores")
    page.get_by_label("Height", exact=True).first.fill("-2")
    until(page, f"document.querySelector('.scores').innerText != {json.dumps(before)}")

    # A signal that is dragged is shifted and sheared.
    stage = page.locator(".stage.held")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + box["width"] * 10 / 39, middle[1] + box["height"] / 5, steps=3)
    page.mouse.up()
    assert page.locator("input[type=range][aria-label=Shift]").input_value() == "10"
    assert page.locator("input[type=range][aria-label=Shear]").input_value() == "2"

    # Other settings are another race.
    for name, value in (("Batch size", "100"), ("Steps", "20000")):
        page.get_by_label(name, exact=True).first.fill(value)
        page.keyboard.press("Enter")
    page.wait_for_selector("text=The settings have changed")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector("button:has-text('Pause')")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector("button:has-text('Go on')")


def test_workers_end_with_the_room_and_with_every_new_race(visit, workers_of):
    page = visit(SMALL)
    for _ in range(10):
        page.get_by_role("button", name="Start again" if _ else "One step").click()
        page.wait_for_selector(".inside")
    assert workers_of(page, 4) == 4
    page.get_by_role("link", name="About").click()
    page.wait_for_selector("text=This page")
    assert workers_of(page, 0) == 0


def test_the_phenomena_say_what_the_record_says(visit):
    page = visit("#/phenomena")
    found = json.loads((STATIC / "record" / "phenomena.json").read_text("utf-8"))
    assert page.locator(".phenomenon").count() == len(found)
    claims = [claim for each in found.values() for claim in each["claims"]]
    assert page.locator(".claim > p:first-child").all_inner_texts() == [
        claim["statement"] for claim in claims
    ]
    assert page.locator(".verdict").all_inner_texts() == [claim["verdict"] for claim in claims]
    page.get_by_label("Outer step", exact=True).fill("0")
    assert "outer step 0," in page.inner_text("main")


def test_a_live_measurement_can_be_stopped(visit, workers_of):
    page = visit("#/phenomena")
    page.get_by_role("button", name="Measure", exact=True).click()
    page.wait_for_selector("text=0 of 12 widths")
    assert workers_of(page, 2) == 2
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Measure", exact=True).wait_for()
    assert workers_of(page, 0) == 0


def test_nobody_complained_and_nothing_foreign_was_asked_for(heard, page_url):
    assert heard["complaints"] == []
    assert all(each.startswith((page_url, "blob:")) for each in heard["requests"])
