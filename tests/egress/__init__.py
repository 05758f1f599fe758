"""Calls to other hosts: what may be called, and what an answer may be."""
