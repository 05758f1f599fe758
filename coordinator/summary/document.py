"""A summary set as PDF/A-2a by Typst: tagged, with its fonts inside.

The facts are handed over as data. The page reads them as strings, and a string is never markup, so
nothing that anybody wrote can change what the page does.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import typst

from coordinator.summary.characters import settable
from coordinator.summary.facts import Facts
from holdfast.protocol import canonical_json

_PAGE = Path(__file__).with_name("summary.typ")
#: One at a time in a process: it takes a core, and others want theirs for what is short.
_setting = Lock()


def set_summary(facts: Facts, *, certificate_sha256: str) -> bytes:
    """Return the unsigned document; the same bytes for the same facts.

    Args:
        facts: What it says.
        certificate_sha256: Of the certificate whose key is about to sign it, 64 hex digits.
    """
    told = {
        **_plain(asdict(facts)),
        "made_at": f"{facts.made_at.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC".lstrip("0"),
        "certificate_sha256": certificate_sha256,
    }
    with _setting:
        compiler = typst.Compiler(
            _PAGE,
            root=_PAGE.parent,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"facts": canonical_json.dumps(told).decode()},
        )
        pdf = compiler.compile(
            format="pdf", pdf_standards="a-2a", timestamp=int(facts.made_at.timestamp())
        )
    if not isinstance(pdf, bytes):
        raise TypeError("one document is one PDF")
    return pdf


@cache
def _fonts() -> typst.Fonts:
    """Return the fonts that come with Typst, and none of the machine's: pages look the same."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)


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
