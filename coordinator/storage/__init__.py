"""Rows in and rows out: queries and compare-and-set writes, the same on SQLite and PostgreSQL."""
