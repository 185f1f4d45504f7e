"""The files of the explorer: which there are, their types, and a copy as a static site."""

from pathlib import Path

from mnist1d.dataset.atomic import atomic_write

__all__ = ["MIME_TYPES", "POLICY", "STATIC", "find_files", "write_site"]

STATIC = Path(__file__).with_name("static")
"""The folder with the page."""

MIME_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}
"""Types of the files that are served; others in the folder are sources of these."""

_SOURCES = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "worker-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
POLICY = "; ".join(f"{name} {allowed}" for name, allowed in _SOURCES.items())
"""What the page may load and run: its own files; no inline script, no other origin."""


def find_files(folder: Path = STATIC) -> dict[str, Path]:
    """Return the files of the page by their path in addresses.

    Files of other types, hidden ones and links that lead out of the folder are left out.

    Args:
        folder: where they are.

    >>> find_files()["index.html"].name
    'index.html'
    """
    root = folder.resolve()
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.suffix not in MIME_TYPES or any(part.startswith(".") for part in parts):
            continue
        if path.is_file() and path.resolve().is_relative_to(root):
            found["/".join(parts)] = path
    return found


def write_site(out: Path) -> list[Path]:
    """Copy the page into a folder, for any web server.

    Args:
        out: the folder; made if needed. Other files in it stay.

    Returns: the files that were written.

    Raises:
        OSError: if a file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(write_site(Path(folder))) == len(find_files())
    True
    """
    written = []
    for name, path in find_files().items():
        target = out / name
        with atomic_write(target) as file:
            file.write(path.read_bytes())
        written.append(target)
    return written
