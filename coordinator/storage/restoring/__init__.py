"""Rows of what gives money back, and of what stands in its way."""
