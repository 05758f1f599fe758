"""Partners, their people and systems, keys and grants."""
