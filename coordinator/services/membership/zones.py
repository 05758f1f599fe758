"""Time zones that a partner names."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coordinator.domain.errors import FieldFault, InvalidInputError


def require_zone(zone: str, pointer: str) -> None:
    """Refuse a time zone that nobody can compute with here.

    Raises:
        InvalidInputError: At `pointer`, a JSON pointer to where it was named.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        detail = "is no time zone that is known here: write it as in Europe/Berlin, or UTC"
        raise InvalidInputError(
            f"{zone} {detail}", errors=[FieldFault(pointer, detail, "zone")]
        ) from None
