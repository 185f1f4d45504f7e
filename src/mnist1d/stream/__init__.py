"""The native stream: endless samples, each computed from its index. It needs NumPy alone."""

from mnist1d.stream.stream import STREAM_VERSION, Stream

__all__ = ["STREAM_VERSION", "Stream"]
