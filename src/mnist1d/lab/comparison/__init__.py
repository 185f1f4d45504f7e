"""Comparing candidates: the protocol, the runs, the result."""
