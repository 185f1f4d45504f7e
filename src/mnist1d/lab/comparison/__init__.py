"""Comparison of candidates: the protocol, the runs, the result."""
