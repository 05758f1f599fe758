"""The transparency log: its growth, and what signs it."""
