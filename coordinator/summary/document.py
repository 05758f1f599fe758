"""Documents for people, set as PDF/A-2a by Typst: tagged, with their fonts inside.

The facts are handed over as data. The page reads them as strings, and a string is never markup, so
nothing that anybody wrote can change what the page does.
"""

import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from coordinator.summary.characters import settable
from coordinator.summary.facts import Facts
from coordinator.summary.readiness import ReadinessFacts
from holdfast.protocol import canonical_json

_TYPESETTING = Path(__file__).with_name("typesetting.py")
#: The longest takes a second.
_SECONDS = 20


class TypesettingError(Exception):
    """A document could not be set; the message is for the operator."""


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
    told = {
        **_plain(asdict(facts)),
        "made_at": f"{made_at.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC".lstrip("0"),
        "certificate_sha256": certificate_sha256,
    }
    at = str(int(made_at.timestamp()))
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            (sys.executable, "-I", str(_TYPESETTING), page, at),
            input=canonical_json.dumps(told),
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise TypesettingError(f"not set within {_SECONDS} seconds") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TypesettingError("; ".join(said[-3:])) from None
    return done.stdout


def _plain(value: Any) -> Any:
    """Return a value as the page takes it: texts of characters that it can set, no dates."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str):
        return settable(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, datetime) else value
