"""The harness: runs, judges and stores any experiment; it imports none of them."""
