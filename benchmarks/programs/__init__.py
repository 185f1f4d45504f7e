"""Programs that benchmarks time from a cold start, each of which imports what it needs alone."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
