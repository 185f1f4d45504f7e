"""The report's page in a real browser."""

import io
from pathlib import Path

import pytest
from matplotlib.image import imread

from mnist1d.report.render import html_page

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(report, pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html_page(report, pictures), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def heard():
    """Return what `page` said and asked for."""
    return {"complaints": [], "requests": []}


@pytest.fixture(scope="module")
def page(browser, url, heard):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("console", lambda message: heard["complaints"].append(message.text))
    page.on("pageerror", lambda error: heard["complaints"].append(str(error)))
    page.on("request", lambda request: heard["requests"].append(request.url))
    page.goto(url)
    return page


def opened(browser, url, width=1280, **options):
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    page.goto(url)
    return page


SHOWN = "[...document.querySelectorAll('.ledger tbody tr')].filter(r => !r.hidden)"


def test_it_opens_without_a_complaint(page, heard):
    assert page.title() == "MNIST-1D: results"
    assert heard["complaints"] == []


@pytest.mark.usefixtures("page")
def test_it_asks_for_nothing_but_itself(heard, url):
    assert [asked for asked in heard["requests"] if not asked.startswith("data:")] == [url]


def test_every_figure_is_drawn(page, pictures):
    sizes = page.evaluate(
        "Promise.all([...document.images].map(i => i.decode().then("
        "() => [i.naturalWidth, i.naturalHeight, i.width, i.height])))"
    )
    # Those of the experiments, and that of the dataset.
    assert len(sizes) == sum(map(len, pictures.values())) + 1
    for natural_width, natural_height, width, height in sizes:
        assert natural_width > 100
        assert width > 300
        assert width / height == pytest.approx(natural_width / natural_height, rel=0.02)


def test_every_drawing_of_a_claim_lies_inside_its_frame(page):
    outside = page.evaluate(
        "[...document.querySelectorAll('.strip')].filter(svg => {"
        "const b = svg.getBBox(); return b.x < -1 || b.x + b.width > svg.width.baseVal.value + 1 ||"
        "b.width < 20; }).map(svg => svg.getAttribute('aria-label'))"
    )
    assert outside == []


def test_the_ledger_filters(browser, url, report):
    page = opened(browser, url)
    everything = sum(len(section.claims) for section in report.sections)
    differing = sum(
        judged.verdict == "differs" for section in report.sections for judged in section.claims
    )
    assert page.evaluate(f"{SHOWN}.length") == everything
    assert page.text_content(".filters output") == f"{everything} of {everything} claims"

    page.uncheck(".filters [value=differs]")
    assert page.evaluate(f"{SHOWN}.length") == everything - differing
    page.check(".filters [value=differs]")

    section = next(each for each in report.sections if each.name == "double-descent")
    page.select_option("select", section.name)
    assert page.evaluate(f"{SHOWN}.length") == len(section.claims)

    page.fill("input[type=search]", "label noise PEAK")
    texts = page.evaluate(f"{SHOWN}.map(r => r.cells[0].textContent.toLowerCase())")
    assert 0 < len(texts) < len(section.claims)
    assert all("noise" in text and "peak" in text for text in texts)


def test_the_ledger_sorts_both_ways_with_missing_numbers_last(browser, url):
    page = opened(browser, url)
    column = f"{SHOWN}.map(r => r.cells[2].dataset.value)"
    heading = page.locator(".ledger thead th").nth(2)
    for direction, turn in (("ascending", 1), ("descending", -1)):
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == direction
        values = page.evaluate(column)
        known = [turn * float(value) for value in values if value != "nan"]
        assert known == sorted(known)
        assert len(known) < len(values)
        assert values[len(known) :] == ["nan"] * (len(values) - len(known))


def test_pointing_at_a_number_shows_the_value_of_every_seed(page, report):
    page.hover(".measurements .seeds >> nth=0")
    lines = page.inner_text(".tip").split("\n")
    section = report.sections[0]
    values = next(
        values
        for row in section.rows
        for column in section.columns
        if column in row.cells and (values := section.per_seed(row.cells[column]))
    )
    assert lines == [f"seed {n}: {value:.2f}" for n, value in enumerate(values)]
    page.mouse.move(1, 1)
    assert page.is_hidden(".tip")


def test_pointing_at_a_curve_shows_its_name_and_value(page, report, pictures):
    section = next(section for section in report.sections if section.name == "classification")
    picture = next(each for each in pictures[section.name] if each.name == "figure")
    panel = picture.panels[1]
    series = next(one for one in panel["series"] if one["label"] == "CNN, After shuffling")
    step, accuracy = series["points"][-1]
    expected = 100 * section.result.test_accuracy.sel(model="CNN", data="shuffled", step=step)
    assert accuracy == pytest.approx(float(expected.mean("seed")), abs=0.01)
    plot = page.locator("#classification-figure .plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    left, top, wide, high = panel["box"]
    (x0, x1), (y0, y1) = panel["x"]["limits"], panel["y"]["limits"]
    page.mouse.move(
        box["x"] + box["width"] * (left + wide * (step - x0) / (x1 - x0)),
        box["y"] + box["height"] * (top + high * (1 - (accuracy - y0) / (y1 - y0))),
    )
    lines = page.inner_text(".tip").split("\n")
    assert lines[:2] == ["CNN, After shuffling", "Training step 6,000"]
    assert float(lines[2].removeprefix("Test accuracy: ")) == pytest.approx(accuracy, abs=0.01)


def test_without_scripts_all_claims_and_figures_are_there(browser, url, report):
    page = opened(browser, url, java_script_enabled=False)
    assert page.is_hidden(".filters")
    assert page.evaluate(f"{SHOWN}.filter(r => r.offsetHeight > 10).length") == sum(
        len(section.claims) for section in report.sections
    )
    assert page.get_attribute(".seeds >> nth=0", "title").startswith("seed 0: ")
    assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")


@pytest.mark.parametrize("width", [390, 800, 1400])
def test_every_verdict_in_the_ledger_is_seen_whole(browser, url, width):
    page = opened(browser, url, width)
    cut = page.evaluate(
        "[...document.querySelectorAll('.ledger .verdict')].filter(e => {"
        "const box = e.getBoundingClientRect();"
        "const frame = e.closest('.scroll').getBoundingClientRect();"
        "return !box.width || box.right > frame.right + 1; }).length"
    )
    assert cut == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_as_dark_as_the_page(browser, url, scheme):
    page = opened(browser, url, color_scheme=scheme)
    picture = page.locator("#classification .plot").first.screenshot()
    brightness = imread(io.BytesIO(picture))[..., :3].mean()
    assert (brightness < 0.3) if scheme == "dark" else (brightness > 0.7)


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_nothing_but_tables_and_figures_is_wider_than_the_window(browser, url, width):
    page = opened(browser, url, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_whole(browser, url):
    page = opened(browser, url, width=688)
    page.emulate_media(media="print")
    # On paper nothing scrolls: all must fit.
    assert (
        page.evaluate(
            "[...document.querySelectorAll('table, .plot')].filter("
            "e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)"
        )
        == []
    )
    assert page.is_hidden("nav")
    assert page.locator(".settings").first.bounding_box()["height"] > 100
    pdf = page.pdf(print_background=True, prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") > 3
