"""What comes back: where to, on whose word, and what stands in its way."""
