"""Running, judging and storing experiments; it does not know which there are."""
