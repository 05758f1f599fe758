"""Tests of the console: its parts, its colours, its script."""
