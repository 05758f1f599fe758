"""Numbers in sentences."""


def counted(count: int, noun: str) -> str:
    """Return "1 fault", "2 faults", "2 addresses"."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count} {noun}{ending}"
