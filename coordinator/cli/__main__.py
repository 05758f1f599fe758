"""`python -m coordinator.cli`: how `serve` starts its processes."""

from coordinator.cli import main

main(prog_name="holdfast-coordinator")
