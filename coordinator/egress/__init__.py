"""Calls to hosts that somebody else named and runs: guarded addresses, bounded exchanges."""
