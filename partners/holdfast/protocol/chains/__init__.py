"""The one chain table, and what is read by it: accounts, assets and transactions."""
