"""A comparison as tables, figures, and documents for other programs."""
