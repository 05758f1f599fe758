"""What follows a freeze: withdrawals, ends, disputes, legal orders."""
