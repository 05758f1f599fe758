"""Giving recovered funds back: a restitution, its pool, claims, allocations and payouts."""
