"""How requests and holds end, and what stands against it: withdrawals, ends, disputes, orders."""
