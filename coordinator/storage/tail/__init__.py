"""What the end of every command writes: the answer, events, deliveries, leaves."""
