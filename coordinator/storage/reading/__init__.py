"""Queries that only readers need."""
