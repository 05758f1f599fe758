"""Rows of disputes and legal orders."""
