"""The explorer's page in a real browser: its address, its keyboard, and the numbers on it."""

import csv
import json

import numpy as np
import pytest

from mnist1d import normalise_templates
from mnist1d.cli import main
from mnist1d.explore import STATIC
from mnist1d.stream import Stream

pytestmark = pytest.mark.slow

RICH = (
    "#/data?padding=20,48&corr_noise_scale=0.4&seed=7&classes=1,3,8&label_noise=0.3&"
    "label_noise_kind=other&positions=chunked&shift.iid_noise_scale=0.1&shift.max_translation=1&"
    "rows=2&first=30&follow=31&stage=4&edit=3&only=seed,padding&hide=copy&note=Look%20at%208"
)
IN_HANDS = (
    "models=Logistic,GRU&runs=3&steps=70&rate=0.02&optimiser=sgd&batch=20&samples=300&width.GRU=4&"
    "inside=GRU.2&cell=3,8&sample=999&hand.shift=511&hand.shear=-1.5&hand.height=-0.25"
)
READINGS = (
    "test=shuffled&feedback=no&block=3&round=4&frame=2&at.double-descent=12&at.lottery=50.5&"
    "at.pooling=20000&at.layers=0&without=pooling.1,layers.0"
)
ROUND_TRIP = """(fields, hashes) => import('/app/address.js').then(async (address) => {
  const all = fields.makeFields(await (await fetch('/record/parameters.json')).json());
  return [Object.keys(all), hashes.map((hash) => {
    const { room, values, refused } = address.readAddress(hash, ['data', 'train', 'test'], all);
    return [address.writeAddress(room, values, all), refused];
  })];
})"""


def hash_of(page):
    return page.evaluate("location.hash")


@pytest.fixture
def shown_by(downloaded):
    """Return a function that reads the samples on a page, from its JSON file."""
    return lambda page: json.loads(downloaded(page, "JSON").read_text("utf-8"))


def signals(document):
    x = np.array([each["x"] for each in document["samples"]], dtype=np.float32)
    return x, np.array([each["label"] for each in document["samples"]])


def test_an_address_is_the_state_and_the_state_an_address(visit, until):
    page = visit(RICH)
    assert page.get_by_label("Padding, least", exact=True).input_value() == "20"
    assert page.locator(".class h3").all_inner_texts() == ["1", "3", "8"]
    assert page.locator(".sample").count() == 6
    assert page.locator(".sample.followed").get_attribute("title").startswith("Sample 31,")
    assert page.get_by_label("Step of the making").input_value() == "4"
    assert page.inner_text(".note") == "Look at 8"
    assert page.locator("#take").count() == 0
    assert page.get_by_label("Seed", exact=True).count() == 1
    assert page.get_by_label("Shear", exact=True).count() == 0
    # Every part of it is written again by the next change, and read again by a reload.
    page.get_by_label("Seed", exact=True).fill("8")
    page.keyboard.press("Enter")
    until(page, "location.hash.includes('seed=8')")
    written = hash_of(page)

    def parts(text):
        return set(text.replace("%20", "+").split("?")[1].split("&"))

    assert {each.replace("+", "%20") for each in parts(written)} == (
        {each.replace("+", "%20") for each in parts(RICH)} - {"seed=7"} | {"seed=8"}
    )
    page.reload()
    page.wait_for_selector("h1")
    assert hash_of(page) == written
    assert page.get_by_label("Seed", exact=True).input_value() == "8"


def test_every_field_of_the_state_is_written_as_it_was_read(run):
    places = "positions=1,0&positions_seed=3&class_proportions=1,2&scale_coeff=1&shear_scale=-1"
    templates = "_".join([",".join(["0.5"] * 12)] * 10)
    more = f"#/data?{places}&final_seq_length=2&iid_noise_scale=0.1&max_translation=7"
    more += "".join(f"&shift.{name}=1" for name in ("scale_coeff", "corr_noise_scale"))
    more += f"&shift.padding=1,2&shift.shear_scale=0&width.MLP=7&width.CNN=8&templates={templates}"
    hashes = [RICH, f"#/train?{IN_HANDS}", f"#/test?{READINGS}", more]
    names, written = run("app/fields.js", ROUND_TRIP, hashes)

    def parts(text):
        return {*text.partition("?")[2].split("&")}

    for hash_, (again, refused) in zip(hashes, written, strict=True):
        assert refused == []
        assert parts(again) == parts(hash_)
    assert {*names} == {each.partition("=")[0] for hash_ in hashes for each in parts(hash_)}


def test_undo_redo_and_the_back_button(visit, until):
    page = visit("#/data")
    undo, redo = (page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    assert undo.is_disabled()
    assert redo.is_disabled()
    slider = page.locator("input[type=range][aria-label='Smooth noise']")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "0.27"
    page.get_by_role("button", name="Another seed").click()
    undo.click()
    until(page, "!location.hash.includes('seed')")
    page.go_back()
    until(page, "location.hash.endsWith('corr_noise_scale=0.26')")
    assert slider.input_value() == "0.26"
    redo.click()
    until(page, "location.hash.endsWith('corr_noise_scale=0.27')")
    page.locator("h1").click()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    until(page, "!location.hash.includes('corr')")
    assert undo.is_disabled()


def test_undo_by_keys_that_come_fast_does_not_leave_the_page(visit, until):
    page = visit("#/data?rows=1")
    for seed in ("3", "4"):
        page.get_by_label("Seed", exact=True).fill(seed)
        page.keyboard.press("Enter")
        until(page, f"location.hash.includes('seed={seed}')")
    # As many at once as a key that is held gives.
    press = """(shiftKey) => { for (let i = 0; i < 9; i++) {
        dispatchEvent(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, shiftKey })); } }"""
    for _ in range(3):
        page.evaluate(press, False)
        page.wait_for_timeout(300)
    until(page, "location.hash === '#/data?rows=1' && history.state.step === 0")
    for _ in range(3):
        page.evaluate(press, True)
        page.wait_for_timeout(300)
    until(page, "location.hash.includes('seed=4') && history.state.step === 2")
    assert page.inner_text("h1") == "10 classes, 40 points"


@pytest.mark.parametrize("control", ["input[type=range][aria-label='Smooth noise']", ".editor"])
def test_a_key_that_is_held_is_one_step_of_the_history(visit, until, control):
    page = visit("#/data?edit=3&rows=1")
    page.locator(control).focus()
    steps = "history.state.step"
    before = page.evaluate("history.length")
    for _ in range(20):
        page.keyboard.down("ArrowUp")
    assert page.evaluate(steps) == 1
    page.keyboard.up("ArrowUp")
    until(page, f"{steps} === 2")
    assert page.evaluate("history.length") == before + 2
    changed = hash_of(page)
    page.reload()
    page.wait_for_selector("h1")
    assert hash_of(page) == changed
    for _ in range(2):
        page.get_by_role("button", name="Undo").click()
    until(page, f"{steps} === 0")
    assert hash_of(page) == "#/data?edit=3&rows=1"


def test_a_browser_that_refuses_history_keeps_the_state(visit, until):
    page = visit("#/data?rows=1")
    page.evaluate("""() => {
        globalThis.push_ = history.pushState;
        history.pushState = () => { throw new DOMException("too often", "SecurityError"); };
    }""")
    page.get_by_label("Seed", exact=True).fill("7")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#python-code').innerText.includes('seed=7')")
    page.evaluate("() => { history.pushState = globalThis.push_; }")
    page.get_by_label("Shear", exact=True).first.fill("1")
    page.keyboard.press("Enter")
    until(page, "location.hash.includes('seed=7') && location.hash.includes('shear_scale=1')")


@pytest.mark.parametrize(
    "hash_",
    [
        "#/data",
        "#/data?seed=4294967295&padding=0,90&scale_coeff=2.5&max_translation=500&first=1000",
        "#/data?corr_noise_scale=0.333&iid_noise_scale=1e-7&shear_scale=-1&final_seq_length=13",
        "#/data?classes=8,9&class_proportions=1,0.25&label_noise=0.4&positions=shuffled_lottery",
        "#/data?positions=shuffled&positions_seed=3&label_noise=1&label_noise_kind=other&rows=10",
        "#/data?final_seq_length=8&positions=6,7,4,5,2,3,0,1&corr_noise_scale=0.1",
    ],
)
def test_copied_python_and_command_make_what_is_on_the_screen(
    visit, hash_, monkeypatch, tmp_path, shown_by
):
    page = visit(hash_)
    document = shown_by(page)
    x, y = signals(document)
    made = {}
    exec(page.inner_text("#python-code"), made)  # noqa: S102 (what a reader would do)
    np.testing.assert_array_equal(made["x"], x)
    np.testing.assert_array_equal(made["y"], y)
    assert (made["stream"].mean, made["stream"].std) == (document["mean"], document["std"])

    pytest.importorskip("tyro", reason="the laboratory is not installed")
    monkeypatch.chdir(tmp_path)
    command = page.inner_text("#command-line").split()
    monkeypatch.setattr("sys.argv", [*command, "--quiet", "--workers", "1"])
    main()
    with next(tmp_path.glob("samples/*.csv")).open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)][-len(y) :]
    written = [[float(row[f"x{i}"]) for i in range(x.shape[1])] for row in rows]
    np.testing.assert_array_equal(np.array(written, dtype=np.float32), x)
    np.testing.assert_array_equal([int(row["label"]) for row in rows], y)


def test_an_own_order_begins_as_that_on_the_screen_and_is_edited(visit, until, shown_by):
    page = visit("#/data?positions=shuffled&positions_seed=3&rows=1")
    choice = page.get_by_label("Order of the points", exact=True)
    choice.select_option("own")
    until(page, "/positions=\\d/.test(location.hash)")
    shuffled = np.random.RandomState(3).permutation(40)
    places = page.get_by_label("Original place of every point", exact=True)
    assert places.input_value() == ",".join(map(str, shuffled))
    places.fill("1, 0, " + ", ".join(map(str, range(2, 39))))
    assert page.get_by_role("alert").inner_text().startswith("The numbers 0 to 39 in any order")
    order = [1, 0, *range(2, 40)]
    places.fill(", ".join(map(str, order)))
    page.keyboard.press("Enter")
    until(page, "location.hash.includes('positions=1,0,2,3')")
    plain, _ = Stream()[0:10]
    np.testing.assert_array_equal(signals(shown_by(page))[0], plain[:, order])
    # It is the order of 40 points: with fewer it rests, and the page says so.
    page.get_by_label("Points", exact=True).first.fill("12")
    page.keyboard.press("Enter")
    until(page, "location.hash.includes('final_seq_length=12')")
    assert choice.input_value() == "original"
    assert "Not in use" in page.inner_text(".notice")
    assert "for another number of points" in page.inner_text(".notice")
    page.get_by_role("button", name="Undo").click()
    until(page, "!location.hash.includes('final_seq_length')")
    assert choice.input_value() == "own"
    assert page.locator(".notice").count() == 0


def test_files_hold_the_samples_on_the_screen(visit, downloaded, shown_by):
    page = visit("#/data?seed=3&rows=2")
    x, y = Stream(seed=3)[0:20]
    in_json = signals(shown_by(page))
    with np.load(downloaded(page, "NPZ")) as file:
        stored = dict(file)
    rows = np.loadtxt(downloaded(page, "CSV"), delimiter=",", skiprows=1)
    for given in (
        in_json,
        (stored["x"], stored["y"]),
        (rows[:, 2:].astype(np.float32), rows[:, 1]),
    ):
        np.testing.assert_array_equal(given[0], x)
        np.testing.assert_array_equal(given[1], y)
    assert (stored["x"].dtype, stored["y"].dtype) == (np.float32, np.int64)
    assert rows[:, 0].tolist() == list(range(20))


def test_a_shifted_set_is_the_same_samples_on_the_scale_of_the_first(visit):
    page = visit("#/data?shift.iid_noise_scale=0.2&shift.padding=20,30&rows=1")
    made = {}
    exec(page.inner_text("#python-code"), made)  # noqa: S102 (what a reader would do)
    paths = page.eval_on_selector_all(
        ".sample", "all => all.map(e => [e.title, e.querySelector('path.other').getAttribute('d')])"
    )
    assert len(paths) == 10
    heights = {}
    for title, path in paths:
        index = int(title.split()[1].strip(","))
        heights[index] = [float(point.split(" ")[1]) for point in path[1:].split("L")]
    drawn = np.array([heights[i] for i in range(10)])
    # A straight line takes what is drawn back to what was computed, to the tenth of a pixel.
    slope, height = np.polyfit(drawn.ravel(), made["z"].ravel(), 1)
    np.testing.assert_allclose(slope * drawn + height, made["z"], atol=0.02)
    assert slope < 0


def test_a_template_drawn_by_hand_or_keys_is_that_of_the_samples(
    visit, downloaded, shown_by, until
):
    page = visit("#/data?edit=4&rows=1")
    editor = page.locator(".editor")
    editor.scroll_into_view_if_needed()
    box = editor.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.9)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.1, steps=4)
    page.mouse.up()
    until(page, "location.hash.includes('templates=')")
    editor.focus()
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    made = {}
    exec(page.inner_text("#python-code"), made)  # noqa: S102 (what a reader would do)
    x, _ = signals(shown_by(page))
    np.testing.assert_array_equal(made["x"], x)
    drawn = np.array(made["stream"].config.templates)
    assert np.corrcoef(drawn[4][1:-2], np.arange(9))[0, 1] > 0.9
    published = normalise_templates(Stream().config.class_templates().x)
    np.testing.assert_allclose(np.delete(drawn, 4, 0), np.delete(published, 4, 0), atol=6e-4)
    lines = downloaded(page, "templates.txt").read_text("utf-8").splitlines()
    np.testing.assert_array_equal([[float(v) for v in line.split()] for line in lines], drawn)


def test_the_data_room_works_by_keyboard_alone(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = []
    for _ in range(120):
        page.keyboard.press("Tab")
        about = page.evaluate(
            "(e => [e.tagName, e.type || '', (e.getAttribute('aria-label') || e.title || "
            "e.innerText || e.labels?.[0]?.innerText || '').trim(), "
            "getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        reached.append(about)
        if about[2].startswith("Sample 0,"):
            page.keyboard.press("Enter")
        if about[2] == "Shear" and about[1] == "range":
            page.keyboard.press("End")
        if about[2] == "Step of the making":
            page.keyboard.press("Home")
        if about[2] == "JSON":
            break
    names = {name for _, _, name, _ in reached}
    assert {"Preset", "Padding, least", "Smooth noise", "Seed", "1 pad", "Play", "CSV"} <= names
    assert all(name for _, _, name, _ in reached)
    assert [each for each in reached if each[3] == "none"] == []
    assert "follow=0" in hash_of(page)
    assert "shear_scale=3" in hash_of(page)
    assert "stage=0" in hash_of(page)


def test_samples_are_one_stop_between_which_arrows_move(visit, until):
    page = visit("#/data?classes=1,3,8&rows=2&follow=4")
    focused = "document.activeElement.title"

    def moved(*keys):
        for key in keys:
            page.keyboard.press(key)
        return page.evaluate(focused)

    page.get_by_role("button", name="The samples after these").focus()
    followed = moved("Tab")
    assert followed.startswith("Sample 4,")
    # Rows hold a sample of every class; there is nothing beyond their ends.
    rows = [
        [each.get_attribute("title") for each in group.locator(".sample").all()]
        for group in page.locator(".class").all()
    ]
    place = next(i for i, row in enumerate(rows) if followed in row)
    row = rows[place].index(followed)
    assert moved(*["ArrowLeft"] * 3) == rows[0][row]
    assert moved("ArrowRight", "ArrowRight", "ArrowRight") == rows[2][row]
    assert moved("ArrowUp", "ArrowUp") == rows[2][0]
    assert moved("ArrowDown") == rows[2][1]
    assert page.evaluate("document.activeElement.ariaLabel") is None
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Samples per class, value"
    assert moved("Shift+Tab") == rows[2][1]
    page.keyboard.press("Enter")
    until(page, f"location.hash.includes('follow={rows[2][1].split()[1].strip(',')}')")


def test_a_lesson_leaves_out_what_it_does_not_need(visit):
    parts = {
        "controls": ".side",
        "steps": "#making",
        "templates": "#templates",
        "shift": ".shift",
        "copy": "#take",
        "rooms": "nav",
    }
    whole = visit("#/data?note=Look")
    assert [whole.locator(place).count() for place in parts.values()] == [1] * len(parts)
    for part in parts:
        page = visit(f"#/data?hide={part}")
        gone = {part} | ({"shift"} if part == "controls" else set())
        assert {each for each, place in parts.items() if not page.locator(place).count()} == gone
    page = visit("#/train?hide=controls,rooms&note=Why%3F")
    assert [page.locator(place).count() for place in (".side", "nav", ".note")] == [0, 0, 1]


def test_rooms_are_changed_and_a_test_is_taken_by_keyboard_alone(visit, until):
    page = visit("#/about")

    def reach(name):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.innerText?.trim()") == name:
                page.keyboard.press("Enter")
                return
        raise AssertionError(name)

    for room in ("Data", "Train", "Phenomena", "Test yourself"):
        page.locator("body").focus()
        reach(room)
        until(page, f"document.title.startsWith('{room}')")
    reach("Start with labelled samples")
    page.wait_for_selector("text=Seen: 10")
    reach("Begin the test: 100 samples")
    for i in range(10):
        page.wait_for_selector(f"text=Sample {i + 1} of 100")
        page.keyboard.press(str(i))
    # What the answers were is what the keyboard is at, and the next key is to go on.
    page.wait_for_selector("text=of the last ten are right")
    reach("Continue")
    page.wait_for_selector("text=Sample 11 of 100")


@pytest.mark.parametrize(
    "hash_",
    [
        "#/nowhere",
        "#/data?seed=-1&seed=1e99&padding=60,36&padding=1&final_seq_length=1&rows=0",
        "#/data?__proto__=1&constructor=2&toString=3&hasOwnProperty=4",
        "#/data?corr_noise_scale=Infinity&iid_noise_scale=NaN&scale_coeff=0x10&shear_scale=",
        "#/data?templates=1,2,3&classes=1,1&class_proportions=0&classes=10",
        "#/%3Cimg%20src=x%20onerror=alert(1)%3E?%3Cscript%3E=%3Cscript%3E",
        "#/data?seed=%E0%A4%A&note=%",
        "#/data?" + "a=" + "b" * 30_000,
        "#/data?first=999999999999&follow=-3&stage=9&block=10",
        "#/data?positions=javascript:alert(1)&label_noise=2&label_noise_kind=published",
        "#/data?positions=0,1,1&positions=1,2&positions=0,&positions=-1,0&positions=0",
        "#/data?cell=3&cell=3,10&cell=1,2,3&sample=1000&inside=CNN&inside=CNN.5&inside=__proto__.1",
        "#/data?hand.shift=1.5&hand.shift=-1&hand.shear=21&hand.height=NaN&at.pooling=-1",
        "#/data?at.layers=Infinity&at.constructor=1&without=pooling.4&without=nothing.0&without=,",
    ],
)
def test_a_hostile_address_is_named_and_left_out(visit, hash_, shown_by):
    page = visit(hash_)
    assert page.locator(".notice").count() == 1
    assert page.locator(".notice *").count() == 0
    assert len(page.inner_text(".notice")) < 700
    assert page.locator(".sample").count() == 30
    x, _ = signals(shown_by(page))
    np.testing.assert_array_equal(x, Stream()[0:30][0])


@pytest.mark.parametrize("room", ["data", "train"])
def test_what_does_not_fit_the_other_settings_is_named(visit, room):
    page = visit(
        f"#/{room}?positions=1,0,2&class_proportions=1,2&label_noise=0.5&label_noise_kind=other"
    )
    said = page.inner_text(".notice")
    assert "an order for another number of points; shares of another number of classes." in said
    assert "one class" not in said


def test_a_page_that_is_opened_as_a_file_says_what_it_needs(browser):
    page = browser.new_page()
    page.goto((STATIC / "index.html").as_uri())
    page.get_by_text("needs JavaScript and a web server").wait_for()
    page.close()


def test_parameters_without_samples_say_so(visit):
    page = visit(
        "#/data?corr_noise_scale=0&iid_noise_scale=0&shear_scale=0&templates="
        + "_".join([",".join(["0"] * 12)] * 10)
    )
    assert page.get_by_role("alert").count() == 1
    page.get_by_role("button", name="All as published").click()
    page.wait_for_selector(".sample")


@pytest.mark.parametrize("room", ["data", "train", "phenomena", "test", "about"])
def test_nothing_is_wider_than_the_window(visit, room):
    page = visit(f"#/{room}?edit=3&shift.shear_scale=1")
    for width in (360, 390, 800, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_without_controls_dark_on_light(visit):
    page = visit(color_scheme="dark")
    ink = "getComputedStyle(document.querySelector('.signal path')).stroke"
    on_screen = page.evaluate(ink)
    page.emulate_media(media="print")
    assert (on_screen, page.evaluate(ink)) == ("rgb(124, 192, 234)", "rgb(11, 90, 138)")
    assert page.is_hidden("header")
    assert page.is_hidden(".side")
    assert page.is_visible(".sample")
    # What is longer than a page is not kept together: its heading would be alone on the first one.
    page = visit("#/phenomena")
    page.emulate_media(media="print")
    kept = "selector => getComputedStyle(document.querySelector(selector)).breakInside"
    assert [page.evaluate(kept, each) for each in ("section", "table", ".chart", ".claim")] == [
        "auto",
        "avoid",
        "avoid",
        "avoid",
    ]
    assert page.get_by_role("button").count() == 0


def test_nobody_complained_and_nothing_foreign_was_asked_for(heard, page_url):
    assert heard["complaints"] == []
    assert heard["requests"]
    foreign = [
        each for each in heard["requests"] if not each.startswith((page_url, "blob:", "data:"))
    ]
    assert foreign == []
