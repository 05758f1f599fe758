"""Each figure beside its floor, in one run: `python -m tests.benchmarks`."""
