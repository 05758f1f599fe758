"""Use cases.

One command dataclass and one handler each, run by `bus.execute` in one transaction.
"""
