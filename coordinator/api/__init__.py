"""REST for partners: bytes to command, row to JSON."""
