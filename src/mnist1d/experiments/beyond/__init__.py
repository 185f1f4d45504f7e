"""Experiments beyond the paper: a folder each, in the shape of those of the paper."""
