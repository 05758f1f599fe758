"""Alembic's scripts: numbered, forward only; the old code must run on the new schema."""
