"""The explorer's room of training: its data, its runs, and what it shows of them."""

import json
from pathlib import Path

import numpy as np
import pytest

import mnist1d
from mnist1d.explore import STATIC

pytestmark = pytest.mark.slow

SMALL = "#/train?models=Logistic,CNN&width.CNN=4&runs=2&steps=120&samples=500&batch=50"
FINISHED = """(([...rows]) =>
  rows.length > 0 && rows.every(({ cells }) => cells[2].innerText === '120')
)(document.querySelectorAll('[aria-labelledby=curves] tbody tr'))"""


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


SHORT_RACE = """async ({ Race }) => {
  const part = { x: new Float32Array(400).map((_, i) => Math.sin(i)), y: new Int32Array(10) };
  const each = { model: 'Logistic', data: { train: part }, length: 40, batchSize: 10, nSteps: 3 };
  const race = new Race([{ ...each, seed: 0 }, { ...each, seed: 1 }], () => {}, () => {});
  const [first, second] = race.runs;
  const start = second.training.start.bind(second.training);
  second.training.start = async (...given) => {
    while (first.steps < 3 || first.running) await new Promise((resolve) => setTimeout(resolve, 5));
    return start(...given);
  };
  await race.begin(false);
  const ended = !first.running;
  while (second.steps < 3 || second.running) await new Promise((resolve) => setTimeout(resolve, 5));
  race.stop();
  return [ended, race.running];
}"""


def test_a_run_that_ends_before_the_last_one_begins_is_at_its_end(run):
    assert run("rooms/train/race.js", SHORT_RACE) == [True, False]


PUBLISHED_RACE = """async ({ Race, bestOf }) => {
  const about = await (await fetch('/record/parameters.json')).json();
  const { makeFields, configOf } = await import('/app/fields.js');
  const { initialValues } = await import('/app/address.js');
  const { makeSets } = await import('/rooms/train/data.js');
  const config = configOf(initialValues(makeFields(about)));
  const { length, train, validation, test } = makeSets(config, 4000);
  const data = { train, validation, test };
  const each = { data, length, nSteps: 6001, evaluateEvery: 100, seed: 0 };
  const models = ['Logistic', 'MLP', 'CNN', 'GRU'];
  const race = new Race(models.map((model) => ({ ...each, model })), () => {}, () => {});
  await race.begin(false);
  while (race.running) await new Promise((resolve) => setTimeout(resolve, 100));
  race.stop();
  return race.runs.map((run) => [run.model, 100 * bestOf(run).parts.test.accuracy]);
}"""


def test_training_reaches_the_accuracies_of_the_record(run):
    reason = "the laboratory is not installed"
    record = pytest.importorskip("mnist1d.harness.record", reason=reason)
    stats = pytest.importorskip("scipy.stats", reason=reason)
    path = Path(__file__).resolve().parents[2] / "results" / "classification" / "result.nc"
    if not path.is_file():
        pytest.skip("the record is not here")
    recorded = record.read(path).early_stopped_accuracy.sel(data="plain")
    for model, reached in run("rooms/train/race.js", PUBLISHED_RACE):
        runs = 100 * recorded.sel(model=model).to_numpy()
        # One more run lies in this interval of the record's with a probability of 99 %.
        half = stats.t.ppf(0.995, len(runs) - 1) * runs.std(ddof=1) * np.sqrt(1 + 1 / len(runs))
        assert abs(reached - runs.mean()) <= half, (model, reached, runs)


def test_before_training_there_are_axes_and_a_hint(visit):
    page = visit("#/train?models=Logistic,GRU&runs=3&steps=700")
    assert "accuracy of Logistic and GRU here: 6 runs of 700 steps" in page.inner_text("main")
    for chart in page.locator(".chart").all():
        assert {"0", "50", "100", "600"} <= {*chart.locator("text").all_text_contents()}
        assert chart.locator(".curve").count() == 0
    assert page.locator(".chart").count() == 3


def test_a_race_trains_pauses_and_tells_what_it_found(visit, downloaded, until):
    page = visit(SMALL)
    page.get_by_role("button", name="One step").click()
    until(page, "document.querySelectorAll('tbody tr').length >= 2")
    page.get_by_role("button", name="Go on").click()
    until(page, FINISHED)
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
    with np.load(downloaded(page, "Weights as NPZ")) as weights:
        assert sorted(array.shape for array in weights.values()) == [(10,), (10, 40)]
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


def test_training_and_looking_inside_work_by_keyboard_alone(visit, until):
    page = visit("#/train?models=Logistic&steps=1&samples=200")
    about = """(({ tagName, ariaLabel, innerText }) =>
        `${tagName}: ${ariaLabel || innerText}`)(document.activeElement)"""

    def reach(wanted):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(about) == wanted:
                return
        raise AssertionError(wanted)

    reach("BUTTON: Train")
    page.keyboard.press("Enter")
    page.wait_for_selector(".scores")
    # The table of confusions is one stop; arrows move between its numbers.
    assert page.get_by_role("grid", name="What it takes for what, in the test set").count() == 1
    reach("BUTTON: Weights as NPZ")
    page.keyboard.press("Tab")
    first = page.evaluate(about)
    assert " taken for " in first
    seen = {first}
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
        now = page.evaluate(about)
        assert " taken for " in now
        seen.add(now)
    assert len(seen) > 2
    row, column = now.split(" class ")[1].split(" taken for ")
    page.keyboard.press("Enter")
    until(page, f"location.hash.includes('cell={row},{column}')")
    page.wait_for_selector(".cell-samples")
    assert page.evaluate(about) == now
    page.keyboard.press("Tab")
    sample = page.evaluate("document.activeElement.querySelector('svg').ariaLabel")
    assert sample.startswith("Test sample ")
    page.keyboard.press("Enter")
    reach("INPUT: Shift")
    before = page.inner_text(".scores")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    until(page, "location.hash.includes('hand.shift=4')")
    until(page, f"document.querySelector('.scores').innerText != {json.dumps(before)}")


HELD = "&inside=CNN.1&cell=3,3&sample=17&hand.shift=43&hand.shear=1.5&hand.height=-0.5"


def test_a_link_holds_what_one_looks_at_and_holds_in_ones_hands(visit, until):
    page = visit(SMALL + HELD)

    def look():
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_selector(".scores")
        until(page, FINISHED)

    def held():
        sliders = ("Test sample", "Shift", "Shear", "Height")
        ranges = [page.locator(f"input[type=range][aria-label='{name}']") for name in sliders]
        run = page.get_by_label("Run", exact=True)
        return [each.input_value() for each in (run, *ranges)]

    def scores():
        page.wait_for_timeout(500)
        return page.inner_text(".scores")

    look()
    # Signals have 40 points, and go round.
    assert held() == ["CNN.1", "17", "3", "1.5", "-0.5"]
    chosen = page.locator(".cell[aria-pressed=true]")
    assert chosen.get_attribute("aria-label").endswith(" of class 3 taken for 3")
    assert "of class 3 taken for 3" in page.inner_text("main")
    first = scores()

    # A drag is one step, as one of the history.
    stage = page.locator(".stage.held")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - box["width"] * 5 / 39, y, steps=6)
    page.mouse.up()
    until(page, "location.hash.includes('hand.shift=38&')")
    assert page.evaluate("history.state.step") == 1
    page.get_by_label("Run", exact=True).select_option("Logistic.0")
    page.locator(".cell-samples .sample").first.click()
    until(page, "!location.hash.includes('sample=17')")
    dragged, hash_ = held(), page.evaluate("location.hash")
    assert dragged[0] == "Logistic.0"
    assert dragged[2] == "38"
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
    until(page, "location.hash.includes('hand.shift=43&')")
    assert held() == ["CNN.1", "17", "3", "1.5", "-0.5"]
    assert scores() == first
    # Elsewhere the same link shows the same, once its runs are trained.
    page.evaluate(f"location.hash = {json.dumps(hash_)}")
    page.reload()
    look()
    assert held() == dragged


def test_a_run_that_a_link_names_and_there_is_not_is_the_first(visit):
    page = visit("#/train?models=Logistic&steps=1&samples=100&inside=GRU.4&cell=0,1")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector(".scores")
    assert page.get_by_label("Run", exact=True).input_value() == "Logistic.0"


def test_a_signal_that_is_too_short_is_refused_in_the_words_of_the_page(visit):
    page = visit("#/train?final_seq_length=5&models=MLP")
    page.get_by_role("button", name="Train", exact=True).click()
    refused = page.get_by_role("alert")
    refused.wait_for()
    assert refused.inner_text() == "Points must be from 9 to 4096, not 5"


def test_a_run_that_diverges_says_so(visit):
    page = visit("#/train?models=CNN&rate=10&optimiser=sgd&steps=101&samples=100")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector("text=It has diverged")
    cells = page.locator("[aria-labelledby=curves] tbody td").all_inner_texts()
    assert cells[1:5] == ["101", "diverged", "diverged", "diverged"]
    assert "NaN" not in page.inner_text("main")


# A browser gives a hidden page no frames. Runs are counted that have said that they are finished.
HIDE = """() => {
  globalThis.frames_ = { waiting: [], real: requestAnimationFrame, finished: 0 };
  globalThis.requestAnimationFrame = (draw) => frames_.waiting.push(draw);
  const Real = Worker;
  globalThis.Worker = class extends Real {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => {
        if (data.type === 'progress' && data.steps === 120 && !data.running) frames_.finished++;
      });
    }
  };
}"""
SHOW = """() => {
  globalThis.requestAnimationFrame = frames_.real;
  for (const draw of frames_.waiting) draw(performance.now());
}"""


def test_a_race_goes_on_in_a_hidden_tab_and_asks_for_one_frame(visit, downloaded, until):
    page = visit(SMALL)
    page.evaluate(HIDE)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector("table >> nth=0")
    until(page, "frames_.finished === 4")
    # Of the runs' many reports one frame waits, and one of the page's own for what follows a click.
    assert page.evaluate("frames_.waiting.length") <= 2
    page.evaluate(SHOW)
    until(page, FINISHED)
    runs = json.loads(downloaded(page, "History as JSON").read_text("utf-8"))["runs"]
    assert [len(run["losses"]) for run in runs] == [120] * 4


def test_a_tab_that_the_browser_freezes_loses_nothing(visit, downloaded, until):
    page = visit(SMALL)
    page.get_by_role("button", name="Train", exact=True).click()
    browser = page.context.new_cdp_session(page)
    for state in ("frozen", "active"):
        browser.send("Page.setWebLifecycleState", {"state": state})
        page.wait_for_timeout(300)
    until(page, FINISHED)
    runs = json.loads(downloaded(page, "History as JSON").read_text("utf-8"))["runs"]
    assert [len(run["losses"]) for run in runs] == [120] * 4
    assert [[each["step"] for each in run["evaluations"]] for run in runs] == [[0, 100]] * 4


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


def test_curves_are_read_by_keyboard_and_pointer_and_kept_by_the_address(visit, until):
    page = visit("#/phenomena?at.layers=6.2")
    found = json.loads((STATIC / "record" / "phenomena.json").read_text("utf-8"))

    def said(name, x):
        curves = found[name]["chart"]["curves"]
        places = [each["x"].index(x) if x in each["x"] else None for each in curves]
        read = [
            "" if i is None else f"{each['y'][i]:.1f} ± {each['half'][i]:.1f}"
            for each, i in zip(curves, places, strict=True)
        ]
        return [f"{each['name']} {text}".strip() for each, text in zip(curves, read, strict=True)]

    def shown(name):
        texts = page.locator(f"[aria-labelledby={name}] .legend li").all_inner_texts()
        return [" ".join(each.split()) for each in texts]

    for name, x in (("double-descent", 47), ("lottery", 90.9), ("pooling", 1000), ("layers", 6)):
        assert shown(name) == said(name, x)
    assert shown("layers")[:2] == ["default", "no projector"]

    samples = page.get_by_label("samples", exact=True)
    samples.focus()
    page.keyboard.press("ArrowRight")
    until(page, "location.hash.includes('at.pooling=2000')")
    assert shown("pooling") == said("pooling", 2000)
    assert samples.get_attribute("aria-valuetext") == f"2,000: {', '.join(said('pooling', 2000))}"
    assert "samples=2000&" in page.get_by_role("link", name="Train with 2,000").get_attribute(
        "href"
    )

    # A pointer reads, a click keeps.
    chart = page.locator("[aria-labelledby=pooling] .chart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    middle = (box["x"] + box["width"] * 0.999, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    last = found["pooling"]["chart"]["curves"][0]["x"][-1]
    assert shown("pooling") == said("pooling", last)
    page.mouse.move(5, 5)
    assert shown("pooling") == said("pooling", 2000)
    page.mouse.click(*middle)
    page.mouse.move(5, 5)
    until(page, f"location.hash.includes('at.pooling={last}')")
    assert shown("pooling") == said("pooling", last)

    # A kind that is not wanted is not drawn and not read.
    page.get_by_label("striding", exact=True).uncheck()
    until(page, "location.hash.includes('without=pooling.1')")
    assert page.locator("[aria-labelledby=pooling] .curve").count() == 3
    assert shown("pooling")[1] == "striding"
    assert "striding" not in samples.get_attribute("aria-valuetext")
    page.reload()
    page.wait_for_selector("h1")
    assert not page.get_by_label("striding", exact=True).is_checked()
    assert page.locator("[aria-labelledby=pooling] .reading").count() == 1


def test_what_models_reach_is_said_with_the_records_numbers(visit):
    table = json.loads((STATIC / "record" / "phenomena.json").read_text("utf-8"))["shuffling"]
    accuracy = {row[0]: row[1] for row in table["table"]["rows"]}
    said = visit("#/about").inner_text("main")
    assert f"regression reaches {accuracy['Logistic']} % on its test set" in said
    assert f"network {accuracy['CNN']} % (means of {table['seeds']} runs)" in said


def test_a_tickets_mask_is_shown_at_every_sparsity_and_kept_by_the_address(visit):
    page = visit("#/phenomena?round=98&frame=0")
    search = json.loads((STATIC / "record" / "tickets.json").read_text("utf-8"))
    last = np.array([[*map(search["alphabet"].index, row)] for row in search["masks"]])
    assert "outer step 0," in page.inner_text("main")
    removed = page.get_by_label("Weights removed", exact=True)
    for number in (98, 91, 50, 0, 99):
        removed.fill(str(number))
        cells = page.get_attribute(".mask path", "d").split("h1v1h-1z")[:-1]
        drawn = {tuple(map(int, cell[1:].split())) for cell in cells}
        assert drawn == {*map(tuple, np.argwhere(last >= number))}
        assert f"reaches {search['accuracy'][number]:.1f} %" in page.inner_text("main")
        assert f"round={number}&" in page.evaluate("`${location.hash}&`") or number == 91


def test_a_live_measurement_can_be_stopped(visit, workers_of):
    page = visit("#/phenomena")
    page.get_by_role("button", name="Measure", exact=True).click()
    page.wait_for_selector("text=0 of 10 widths")
    assert workers_of(page, 2) == 2
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Measure", exact=True).wait_for()
    assert workers_of(page, 0) == 0


def test_nobody_complained_and_nothing_foreign_was_asked_for(heard, page_url):
    assert heard["complaints"] == []
    assert all(each.startswith((page_url, "blob:")) for each in heard["requests"])
