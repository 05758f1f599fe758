"""Rows of freeze requests, their legs, addresses, questions and incidents."""
