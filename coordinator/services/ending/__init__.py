"""How requests and holds end, or do not: withdrawals, closings, disputes, legal orders."""
