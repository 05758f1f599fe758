"""Giving money back: what is returned to victims, and what stands in its way."""
