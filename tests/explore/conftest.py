"""The explorer's modules in a real browser, from a server of this machine."""

import base64
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import mnist1d.explore
from mnist1d.explore import Explorer

STATIC = Path(mnist1d.explore.__file__).parent / "static"


class _Files(SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012 (of the class that it extends)
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        "": "text/html",
    }

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="session")
def static_url():
    """Return the address of the folder `static`, with an empty page at `blank`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=STATIC)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


ARRAY_TEXT = """() => {
  globalThis.text = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  };
}"""
"""Defines `text`, which makes a text of a typed array; the fixture `numbers` reads it."""


@pytest.fixture
def numbers():
    """Return a function from what `text` made, and a type, to an array of one dimension."""
    return lambda text, dtype: np.frombuffer(base64.b64decode(text), dtype)


@pytest.fixture(scope="module")
def run(browser, static_url):
    """Return a function that calls JavaScript with the modules of a file, and one argument.

    `run("data/stream.js", "(stream, argument) => ...", argument)`; its page is `run.page`.
    """
    page = browser.new_page()
    page.route(f"{static_url}/blank", lambda route: route.fulfill(body="<!doctype html>"))
    page.goto(f"{static_url}/blank")
    page.evaluate(ARRAY_TEXT)

    def call(module, function, argument=None):
        return page.evaluate(
            f"async (argument) => ({function})(await import('/{module}'), argument)", argument
        )

    call.page = page
    yield call
    page.close()


@pytest.fixture(scope="session")
def page_url():
    with Explorer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.url
        server.shutdown()


@pytest.fixture(scope="module")
def heard():
    """Return what all pages of this module said and asked for."""
    return {"complaints": [], "requests": []}


@pytest.fixture
def visit(browser, page_url, heard):
    """Return a function that opens an address in a new window."""
    contexts = []

    def opened(hash_="", **options):
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "accept_downloads": True} | options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard["complaints"].append(message.text))
        page.on("pageerror", lambda error: heard["complaints"].append(str(error)))
        page.on("request", lambda request: heard["requests"].append(request.url))
        page.goto(page_url + hash_)
        page.wait_for_selector("h1")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def downloaded():
    """Return a function that presses a button of a page and returns the file that comes."""

    def file(page, label):
        with page.expect_download() as download:
            page.get_by_role("button", name=label, exact=True).click()
        return download.value.path()

    return file


@pytest.fixture
def workers_of():
    """Return a function that counts a page's workers, once there are as many as expected."""

    def count(page, expected):
        # The browser says a while later that a worker has ended.
        for _ in range(100):
            if len(page.workers) == expected:
                break
            page.wait_for_timeout(100)
        return len(page.workers)

    return count


@pytest.fixture(scope="session")
def until():
    """Return a function that waits until an expression is true in a page.

    Playwright's own polls inside the page, where the page's policy forbids what it evaluates.
    """

    def wait(page, expression, seconds=30):
        for _ in range(20 * seconds):
            if page.evaluate(expression):
                return
            page.wait_for_timeout(50)
        raise AssertionError(f"never true: {expression}")

    return wait
