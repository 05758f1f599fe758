"""Rows of partners, people, keys and grants."""
