"""Candidates in Equinox and Optax, which train many runs as one compiled program."""

from mnist1d.lab.candidates.equinox.candidate import EquinoxCandidate
from mnist1d.lab.candidates.equinox.recipe import PAPER_RATE

__all__ = ["PAPER_RATE", "EquinoxCandidate"]
