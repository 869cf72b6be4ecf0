"""Benchmarks of speed and memory. Machines are noisy, so ratios are measured in one run (`make bench`)."""
