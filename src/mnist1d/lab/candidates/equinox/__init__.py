"""Candidates in Equinox and Optax, which train many runs as one compiled program."""

from mnist1d.lab.candidates.compiled.recipe import PAPER_RATE
from mnist1d.lab.candidates.equinox.candidate import EquinoxCandidate

__all__ = ["PAPER_RATE", "EquinoxCandidate"]
