"""Talking to the coordinator: one class with a method per endpoint, drafts, joining, rotation."""
