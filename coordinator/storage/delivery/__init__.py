"""Rows of endpoints, deliveries and lanes."""
