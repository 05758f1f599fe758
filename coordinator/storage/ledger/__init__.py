"""Rows of the freeze ledger and its sums."""
