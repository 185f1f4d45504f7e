"""Measures: values per seed, estimates over seeds, probes of representations."""
