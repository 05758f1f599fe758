"""Proving from raw bytes who did what, without believing the coordinator."""
