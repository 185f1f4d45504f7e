"""The command `mnist1d`."""

from mnist1d.cli.main import main

__all__ = ["main"]
