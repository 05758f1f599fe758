"""The one chain table, and what is read by it: accounts (CAIP-10) and assets (CAIP-19)."""
