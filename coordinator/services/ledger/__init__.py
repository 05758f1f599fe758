"""Freeze reports, holds, and the answers that are owed about holds."""
