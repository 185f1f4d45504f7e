"""The report's page in a real browser, driven through Chromium's DevTools protocol."""

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mnist1d.report import read_report
from mnist1d.report.pictures import draw_pictures
from mnist1d.report.render import html_page

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
# Chromium reads commands from file descriptor 3 and answers on 4.
START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.slow,
]


class Browser:
    """A headless Chromium; `send` is a command of the protocol, `events` are its messages."""

    def __init__(self, folder):
        ours, theirs = (self._pipe(), self._pipe())
        self._out, self._in = ours[1], theirs[0]
        command = [sys.executable, "-c", START, str(ours[0]), str(theirs[1])]
        self._process = subprocess.Popen(
            [*command, CHROMIUM, *FLAGS, f"--user-data-dir={folder}"],
            pass_fds=(ours[0], theirs[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (ours[0], theirs[1]):
            os.close(end)
        self._numbers, self._buffer, self.events = itertools.count(1), b"", []

    @staticmethod
    def _pipe():
        ends = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
        for end in ends:
            os.close(end)
        return high

    def send(self, method, session=None, **parameters):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method, session):
        while not any(
            event.get("method") == method and event.get("sessionId") == session
            for event in self.events
        ):
            self.events.append(self._receive())

    def _receive(self):
        limit = time.monotonic() + 60
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0, limit - time.monotonic()))
            assert ready, "Chromium does not answer"
            data = os.read(self._in, 2**20)
            assert data, "Chromium has ended"
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def close(self):
        with contextlib.suppress(OSError, AssertionError):
            self.send("Browser.close")
        for end in (self._out, self._in):
            os.close(end)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Tab:
    """A page that is open."""

    def __init__(self, browser, url, *, width=1280, height=900, scripts=True):
        self.browser = browser
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        if not scripts:
            self.send("Emulation.setScriptExecutionDisabled", value=True)
        self.send("Page.navigate", url=url)
        browser.wait_for("Page.loadEventFired", self.session)

    def send(self, method, **parameters):
        return self.browser.send(method, self.session, **parameters)

    def value(self, expression):
        answer = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def events_of(self, method):
        return [
            event["params"]
            for event in self.browser.events
            if event.get("sessionId") == self.session and event.get("method") == method
        ]

    def point_at(self, x, y):
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def middle_of(self, selector):
        """Bring an element into view; its box, seen from the window."""
        self.send("Page.bringToFront")  # a tab behind others draws nothing
        return self.value(
            f"(async () => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame);"
            "const b = e.getBoundingClientRect();"
            "return [b.x, b.y, b.width, b.height]; })()"
        )


@pytest.fixture(scope="module")
def report():
    return read_report(ROOT / "results")


@pytest.fixture(scope="module")
def url(report, tmp_path_factory):
    pictures = {section.name: draw_pictures(section) for section in report.sections}
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html_page(report, pictures), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    running = Browser(tmp_path_factory.mktemp("chromium"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def tab(browser, url):
    return Tab(browser, url)


SHOWN = "[...document.querySelectorAll('.ledger tbody tr')].filter(r => !r.hidden)"


def test_it_opens_without_a_complaint(tab):
    assert tab.value("document.title") == "MNIST-1D: results"
    assert tab.events_of("Runtime.exceptionThrown") == []
    assert tab.events_of("Log.entryAdded") == []
    assert tab.events_of("Runtime.consoleAPICalled") == []


def test_it_asks_for_nothing_but_itself(tab, url):
    asked = [event["request"]["url"] for event in tab.events_of("Network.requestWillBeSent")]
    assert url in asked
    assert [address for address in asked if not address.startswith("data:")] == [url]


def test_every_figure_is_drawn(tab, report):
    sizes = tab.value(
        "Promise.all([...document.images].map(i => i.decode().then("
        "() => [i.naturalWidth, i.naturalHeight, i.width, i.height])))"
    )
    figures = 1 + sum(  # of the dataset, and those of the experiments
        len(section.experiment.plot(section.result)) for section in report.sections
    )
    assert len(sizes) == figures
    for natural_width, natural_height, width, height in sizes:
        assert natural_width > 100
        assert width > 300
        assert width / height == pytest.approx(natural_width / natural_height, rel=0.02)


def test_every_drawing_of_a_claim_lies_inside_its_frame(tab):
    outside = tab.value(
        "[...document.querySelectorAll('.strip')].filter(svg => {"
        "const b = svg.getBBox(); return b.x < -1 || b.x + b.width > svg.width.baseVal.value + 1 ||"
        "b.width < 20; }).map(svg => svg.getAttribute('aria-label'))"
    )
    assert outside == []


def test_the_ledger_filters(browser, url, report):
    tab = Tab(browser, url)
    everything = sum(report.counts.values())
    output = "document.querySelector('.filters output').textContent"
    assert tab.value(f"{SHOWN}.length") == everything
    assert tab.value(output) == f"{everything} of {everything} claims"

    tab.value("document.querySelector('.filters [value=differs]').click()")
    assert tab.value(f"{SHOWN}.length") == everything - report.counts["differs"]
    tab.value("document.querySelector('.filters [value=differs]').click()")

    section = next(each for each in report.sections if each.name == "double-descent")
    tab.value(
        f"(() => {{ const s = document.querySelector('select'); s.value = {section.name!r};"
        "s.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert tab.value(f"{SHOWN}.length") == len(section.claims)

    tab.value("document.querySelector('input[type=search]').focus()")
    tab.send("Input.insertText", text="label noise PEAK")
    texts = tab.value(f"{SHOWN}.map(r => r.cells[0].textContent.toLowerCase())")
    assert 0 < len(texts) < len(section.claims)
    assert all("noise" in text and "peak" in text for text in texts)


def test_the_ledger_sorts_both_ways_with_missing_numbers_last(browser, url):
    tab = Tab(browser, url)
    column = f"{SHOWN}.map(r => r.cells[2].dataset.value)"
    heading = "document.querySelectorAll('.ledger thead th')[2]"
    for direction, turn in (("ascending", 1), ("descending", -1)):
        tab.value(f"{heading}.querySelector('button').click()")
        assert tab.value(f"{heading}.getAttribute('aria-sort')") == direction
        values = tab.value(column)
        known = [turn * float(value) for value in values if value != "nan"]
        assert known == sorted(known)
        assert len(known) < len(values)
        assert values[len(known) :] == ["nan"] * (len(values) - len(known))


def test_pointing_at_a_number_shows_the_value_of_every_seed(tab, report):
    x, y, width, height = tab.middle_of(".measurements .seeds")
    tab.point_at(x + width / 2, y + height / 2)
    lines = tab.value("document.querySelector('.tip').innerText").split("\n")
    section = report.sections[0]
    values = next(
        values
        for row in section.rows
        for estimate in row.cells.values()
        if (values := section.per_seed(estimate))
    )
    assert lines == [f"seed {n}: {value:.2f}" for n, value in enumerate(values)]
    tab.point_at(1, 1)
    assert tab.value("document.querySelector('.tip').hidden")


def test_pointing_at_a_curve_shows_its_name_and_value(tab, report):
    section = next(section for section in report.sections if section.name == "classification")
    picture = next(each for each in draw_pictures(section) if each.name == "figure")
    panel = picture.panels[1]
    series = next(one for one in panel["series"] if one["label"] == "CNN, After shuffling")
    step, accuracy = series["points"][-1]
    expected = 100 * section.result.test_accuracy.sel(model="CNN", data="shuffled", step=step)
    assert accuracy == pytest.approx(float(expected.mean("seed")), abs=0.01)
    x, y, width, height = tab.middle_of("#classification-figure .plot")
    left, top, wide, high = panel["box"]
    (x0, x1), (y0, y1) = panel["x"]["limits"], panel["y"]["limits"]
    tab.point_at(
        x + width * (left + wide * (step - x0) / (x1 - x0)),
        y + height * (top + high * (1 - (accuracy - y0) / (y1 - y0))),
    )
    shown = tab.value("document.querySelector('.tip').innerText").split("\n")
    assert shown[:2] == ["CNN, After shuffling", "Training step 6,000"]
    assert float(shown[2].removeprefix("Test accuracy: ")) == pytest.approx(accuracy, abs=0.01)


def test_without_scripts_all_claims_and_figures_are_there(browser, url, report):
    tab = Tab(browser, url, scripts=False)
    assert tab.value("document.querySelector('.filters').offsetHeight") == 0
    assert tab.value(f"{SHOWN}.filter(r => r.offsetHeight > 10).length") == sum(
        report.counts.values()
    )
    assert tab.value("document.querySelector('.seeds').title").startswith("seed 0: ")
    assert tab.value("[...document.images].every(i => i.naturalWidth > 0)")


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_nothing_but_tables_and_figures_is_wider_than_the_window(browser, url, width):
    tab = Tab(browser, url, width=width)
    assert tab.value("document.documentElement.scrollWidth") <= width


def test_it_prints_whole(browser, url):
    tab = Tab(browser, url, width=688)
    tab.send("Emulation.setEmulatedMedia", media="print")
    # On paper nothing scrolls: all must fit.
    assert (
        tab.value(
            "[...document.querySelectorAll('table, .plot')].filter("
            "e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)"
        )
        == []
    )
    assert tab.value("document.querySelector('nav').offsetHeight") == 0
    assert tab.value("document.querySelector('.settings').offsetHeight") > 100
    printed = tab.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") > 3
