"""The console that commands write their tables to."""

from rich.console import Console


def make_console() -> Console:
    """Return a console for tables."""
    # Narrower than this, tables would lose cells; a line that the terminal wraps loses nothing.
    return Console(width=max(Console().width, 80))
