"""The built site in a browser: it loads nothing from elsewhere, finds words, and has both colours.

The environment variable `MNIST1D_SITE` names its folder; `.ci/run` builds it.
"""

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SITE = os.environ.get("MNIST1D_SITE", "")
pytestmark = pytest.mark.slow
if not SITE:
    pytest.skip("MNIST1D_SITE names no built site", allow_module_level=True)


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def url():
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture
def page(browser, url):
    """Return a page that notes what is wrong: other addresses, errors of scripts."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.wrong = []
    own = (url, "data:", "blob:")
    page.on("request", lambda asked: asked.url.startswith(own) or page.wrong.append(asked.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on(
        "response", lambda got: got.status < 400 or page.wrong.append(f"{got.status}: {got.url}")
    )
    yield page
    page.close()


def test_pages_load_nothing_from_elsewhere_and_fit_a_phone(page, url):
    folders = sorted(path.relative_to(SITE) for path in Path(SITE).glob("*/*.html"))
    chosen = {path.parts[0]: path for path in folders if path.parts[0] != "explorer"}
    assert {"experiments", "guides", "project", "start", "tutorials"} <= set(chosen)
    for path in ("index.html", "gallery.html", "reference/api/lab.html", *chosen.values()):
        page.goto(f"{url}{path}", wait_until="networkidle")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, path
    page.goto(f"{url}explorer/index.html", wait_until="networkidle")
    assert page.wrong == []


def test_words_are_found(page, url):
    page.goto(f"{url}search.html?q=pooling")
    page.wait_for_selector("#search-results li a")
    assert "experiments/pooling.html" in page.inner_html("#search-results")
    assert page.wrong == []


def test_figures_are_dark_on_dark_pages(page, url):
    for scheme, turned in (("light", "none"), ("dark", "invert(0.9) hue-rotate(180deg)")):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{url}experiments/pooling.html")
        image = "document.querySelector('.content img')"
        assert page.evaluate(f"getComputedStyle({image}).filter") == turned
    assert page.wrong == []


def test_paper_gets_figures_as_they_are_and_all_of_the_code(page, url):
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 718, "height": 1050})  # of A4 within usual margins
    for path in ("tutorials/05-double-descent.html", "experiments/pooling.html"):
        page.goto(f"{url}{path}")
        filters = (
            "[...document.querySelectorAll('.content img')].map(e => getComputedStyle(e).filter)"
        )
        assert set(page.evaluate(filters)) <= {"none"}
        cut = "e => e.scrollWidth > e.clientWidth + 2 || e.getBoundingClientRect().right > 718"
        wide = "[...document.querySelectorAll('article pre, article table')]"
        assert page.evaluate(f"{wide}.filter({cut}).map(e => e.textContent)") == [], path
    assert page.wrong == []
