"""Setting one document: what it says goes in as data, the PDF comes out.

A page reads what varies as strings, and a string is never markup, so nothing that anybody wrote can
change what the page does.
"""

import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from holdfast.protocol import canonical_json
from holdfast.protocol.errors import MissingLibraryError
from holdfast.typesetting.characters import settable

_PROCESS = Path(__file__).with_name("process.py")
#: The longest takes a second.
_SECONDS = 20


class TypesettingError(Exception):
    """A document could not be set; the message is for whoever runs this program."""


def set_pdf(page: Path, said: Mapping[str, Any], made_at: datetime) -> bytes:
    """Return PDF/A-2a, tagged, with its fonts inside; the same bytes for the same content.

    Args:
        page: The Typst file; it may read nothing outside its folder.
        said: What the page says, without its dates: those the page is not told.
        made_at: The time that the document gives as that of its making.

    Raises:
        TypesettingError: If it cannot be set, or takes too long.
        MissingLibraryError: If Typst is not installed.
    """
    if find_spec("typst") is None:
        raise MissingLibraryError(
            "to write PDFs the kit needs its extra `paper` (holdfast-kit[paper]); text needs none"
        )
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            (sys.executable, "-I", str(_PROCESS), str(page), str(int(made_at.timestamp()))),
            input=canonical_json.dumps(_plain(dict(said))),
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise TypesettingError(f"not set within {_SECONDS} seconds") from None
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TypesettingError("; ".join(words[-3:])) from None
    return done.stdout


def _plain(value: Any) -> Any:
    """Return a value as a page takes it: texts of characters that it can set, no dates."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str):
        return settable(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, datetime) else value
