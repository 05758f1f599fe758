"""Documents for people as PDF/A, set by Typst in a process of its own (ADR 0065, ADR 0087)."""
