"""Rows of what comes back to those it was taken from."""
