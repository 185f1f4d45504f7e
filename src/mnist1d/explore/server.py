"""The explorer's web server: files of one folder, on this machine, for this machine alone."""

import os
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mnist1d.explore.site import MIME_TYPES, POLICY, STATIC, find_files

__all__ = ["ADDRESS", "Explorer"]

ADDRESS = "127.0.0.1"
"""The only address that the server listens on."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A newer package may serve other files at the same address.
    "Cache-Control": "no-cache",
}
_SECONDS = 30


class Explorer(ThreadingHTTPServer):
    """A server of the explorer's page on 127.0.0.1.

    It answers GET and HEAD for the files that were in the folder when it started, and nothing else.
    Requests whose Host header is not this server's are refused, so that no foreign page can read
    from it under a name of its own that leads here (DNS rebinding).

    Args:
        port: the port to listen on; 0 for any free one.
        folder: the folder with the page.

    Attributes:
        url: address of the page.

    Raises:
        OSError: if the port is in use, or may not be used.

    >>> with Explorer() as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    daemon_threads = True
    # On Windows, two servers could share a port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, port: int = 0, folder: Path = STATIC) -> None:
        self.files = find_files(folder)
        super().__init__((ADDRESS, port), _Handler)
        port = self.server_address[1]
        self.url = f"http://{ADDRESS}:{port}/"
        self.hosts = {f"{ADDRESS}:{port}", f"localhost:{port}"}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: Explorer
    server_version = "mnist1d"
    sys_version = ""
    timeout = _SECONDS

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, with_body=with_body)
            return
        path = self.server.files.get(_name(self.path))
        try:
            content = None if path is None else path.read_bytes()
        except OSError:
            content = None
        if path is None or content is None:
            self._refuse(HTTPStatus.NOT_FOUND, with_body=with_body)
            return
        self._send(HTTPStatus.OK, MIME_TYPES[path.suffix], content, with_body=with_body)

    def _refuse(self, status: HTTPStatus, *, with_body: bool) -> None:
        text = f"{status.value} {status.phrase}\n".encode()
        self._send(status, "text/plain; charset=utf-8", text, with_body=with_body)

    def _send(self, status: HTTPStatus, kind: str, content: bytes, *, with_body: bool) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content)), **_HEADERS}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no GET and no HEAD, or no HTTP, without showing what was asked for."""
        del message, explain
        self.close_connection = True
        self._refuse(HTTPStatus(code), with_body=self.command != "HEAD")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Keep no log."""


def _name(target: str) -> str:
    """Return the path of a file that a request asks for; names are looked up, never opened."""
    try:
        path = unquote(urlsplit(target).path, errors="strict")
    except ValueError:
        return ""
    if not path.startswith("/"):
        return ""
    return path[1:] or "index.html"
