"""What can be wrong with a built site: links that lead nowhere, and files from elsewhere."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
"""What a browser loads with a page, by its tag: the attribute with the address."""
ADDRESS = re.compile(r"""(?:url\(|@import )\s*["']?([^"')\s]+)""")
"""What a browser loads with a style sheet."""


class Page(HTMLParser):
    """The links, the anchors and the loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag in."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and found.get("rel") in {"stylesheet", "icon", "preload", "preconnect"}:
            self.loaded.append(found["href"])
        if LOADED.get(tag) in found:
            self.loaded.append(found[LOADED[tag]])


def is_elsewhere(address: str) -> bool:
    """Return whether an address is one of another site."""
    return bool(urlsplit(address).netloc)


def wrong_with(site: Path) -> Iterator[str]:
    """Yield what is wrong with a site, each in a line.

    Args:
        site: its folder.
    """
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        for address in page.loaded:
            if is_elsewhere(address):
                yield f"{name} loads {address}"
        for address in [*page.links, *page.loaded]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{name} has a link to {address}, which is no file"
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{name} has a link to {address}, which has no such place"
    for path in sorted(site.rglob("*.css")):
        for address in ADDRESS.findall(path.read_text("utf-8")):
            if is_elsewhere(address):
                yield f"{path.relative_to(site).as_posix()} loads {address}"
