"""Candidates of a comparison: in Equinox, PyTorch, scikit-learn, or as functions."""
