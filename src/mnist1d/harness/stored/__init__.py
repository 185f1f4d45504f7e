"""Stored results, which may be damaged, foreign or hostile: what is read of them is checked."""
