"""Drawing: house style, and pictures of the signals."""
