"""Stories with real processes."""
