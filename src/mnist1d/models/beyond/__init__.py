"""Models that the paper does not have, one architecture per file, and what they share."""
