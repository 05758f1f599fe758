"""Rules of the trade: no framework, no input or output."""
