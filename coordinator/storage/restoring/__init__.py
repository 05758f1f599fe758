"""Rows of what is given back."""
