"""What only readers need: statistics, and what waits for a decision."""
