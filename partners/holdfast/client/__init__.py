"""Talking to the coordinator: one class with a method per endpoint, joining, rotation."""
