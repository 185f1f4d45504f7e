"""Endless samples, computed from their index. NumPy only."""

from mnist1d.stream.stream import STREAM_VERSION, Stream

__all__ = ["STREAM_VERSION", "Stream"]
