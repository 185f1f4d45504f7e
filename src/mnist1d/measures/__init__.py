"""What is measured: estimates over seeds, probes, representations."""
