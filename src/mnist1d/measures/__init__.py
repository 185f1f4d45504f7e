"""What is measured: values per seed, estimates over seeds, probes, representations."""
