"""Giving money back: encumbrances, and what they keep from being agreed to."""
