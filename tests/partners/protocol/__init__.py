"""The wire contract's primitives."""
