"""Documents of the coordinator's for people outside, set as PDF/A-2a from plain facts."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from coordinator.summary.facts import Facts
from coordinator.summary.readiness import ReadinessFacts
from holdfast.typesetting.pdf import set_pdf

_PAGES = Path(__file__).parent


def set_summary(facts: Facts, *, certificate_sha256: str) -> bytes:
    """Return the unsigned summary of a request; the same bytes for the same facts.

    Args:
        facts: What it says.
        certificate_sha256: Of the certificate whose key is about to sign it, 64 hex digits.

    Raises:
        TypesettingError: If it cannot be set, or takes too long.
    """
    return _set("summary", facts, facts.made_at, certificate_sha256)


def set_readiness(facts: ReadinessFacts, *, certificate_sha256: str) -> bytes:
    """Return the unsigned readiness report of a drill, as `set_summary` does.

    Raises:
        TypesettingError: If it cannot be set, or takes too long.
    """
    return _set("readiness", facts, facts.made_at, certificate_sha256)


def _set(
    page: str, facts: Facts | ReadinessFacts, made_at: datetime, certificate_sha256: str
) -> bytes:
    said = {
        **asdict(facts),
        "made_at": f"{made_at.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC".lstrip("0"),
        "certificate_sha256": certificate_sha256,
    }
    return set_pdf(_PAGES / f"{page}.typ", said, made_at)
