"""Evidence bundles: read without trusting the ZIP, and examined offline (ADR 0061)."""
