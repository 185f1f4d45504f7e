"""The console that commands write their tables to."""

from rich.console import Console


def make_console() -> Console:
    """Return a console for tables."""
    # Narrower tables would lose cells, while lines that the terminal wraps lose nothing.
    return Console(width=max(Console().width, 80))
