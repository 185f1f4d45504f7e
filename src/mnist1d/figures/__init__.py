"""Figures: the house style, and pictures of the signals."""
