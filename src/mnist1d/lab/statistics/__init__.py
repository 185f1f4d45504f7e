"""What the runs of a comparison show: planned differences, equivalence, power, intervals."""
