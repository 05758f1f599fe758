"""Evidence bundles: a request with everything that proves it, in one ZIP (ADR 0061)."""
