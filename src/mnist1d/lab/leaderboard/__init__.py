"""Records of the leaderboards: making, reading and verifying them."""
