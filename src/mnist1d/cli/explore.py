"""The command `mnist1d explore`, which needs NumPy alone."""

import webbrowser
from contextlib import suppress
from pathlib import Path

from mnist1d.cli.output.ending import complain, fail, say
from mnist1d.cli.output.outcome import Outcome

_LARGEST_PORT = 65_535


def explore(
    *,
    port: int = 0,
    no_browser: bool = False,
    out: Path | None = None,
    json: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Open the explorer in a browser: the dataset, training, and a test of yourself.

    Serves a page to this machine alone until Ctrl-C, and prints its address. Nothing leaves the
    machine.

    Args:
        port: of the server, to 65535; 0 for any free one.
        no_browser: print the address and open no browser.
        out: write the page into this folder, for any web server, and serve nothing.
        json: write one JSON document at the end; the address goes to standard error.
        quiet: do not say how to stop the server.
    """
    from mnist1d.explore import Explorer, write_site

    if not 0 <= port <= _LARGEST_PORT:
        fail(f"--port must be from 0 to {_LARGEST_PORT}, not {port}")
    if out is not None:
        if port or no_browser:
            fail("--out writes files and serves nothing: leave --port and --no-browser out")
        try:
            files = write_site(out)
        except OSError as error:
            fail(f"cannot write {error.filename or out}: {error.strerror or error}")
        if not json:
            say(f"{len(files)} files in {out}, for any web server; its page is index.html")
        return Outcome({"command": "explore", "address": None, "files": files})
    try:
        server = Explorer(port)
    except OSError as error:
        fail(f"cannot listen on port {port}: {error.strerror or error}")
    with server:
        say(server.url)
        if not quiet:
            complain("the explorer runs until Ctrl-C")
        if not no_browser:
            webbrowser.open(server.url)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    return Outcome({"command": "explore", "address": server.url, "files": []})
