"""What partners read of a freeze request: rows and sealed words as views."""

from typing import Any

from sqlalchemy import Connection, Row

from coordinator.storage.documents import Vault, load_one
from partners.protocol import strict_json
from partners.protocol.payloads import format_time


def incident_words(connection: Connection, vault: Vault, row: Row[Any]) -> dict[str, Any]:
    """Return an incident as its first request told it: title, kind, occurred_at, reference."""
    return _words(row, load_one(connection, vault, row.id, "words"))


def _words(row: Row[Any], sealed: bytes | None) -> dict[str, Any]:
    words = {} if sealed is None else strict_json.loads(sealed)
    return {
        "title": words.get("title", ""),
        "kind": row.kind,
        "occurred_at": format_time(row.occurred_at),
        "reference": words.get("reference"),
    }
