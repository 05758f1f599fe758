"""The wire contract, byte for byte, as both the coordinator and its partners use it.

Nothing in here knows a framework, a network or a database.
"""
