"""Use cases.

One command dataclass and one handler each, run by `commands.execute` in one transaction.
"""
