"""Candidates of JAX, of every library: many runs train as one compiled program."""
