"""Endpoints, and what became of what they were owed."""
