"""What every use case stands on: the bus, the unit of work, acts, access."""
