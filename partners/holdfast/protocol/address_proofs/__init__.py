"""Plain text that somebody signed with the key of an address, checked without a network."""
