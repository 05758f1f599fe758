"""The request that `holdfast draft` prints, and what in it somebody still has to say.

What stands in it before somebody filled it in is of the right form and of no use: sent as it is, it
would ask strangers about nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.drafting.draft import new_nonce
from holdfast.drafting.json_lines import lines_by_pointer
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError

_TITLE = "What happened, in a few words"
_OCCURRED_AT = "2009-01-03T00:00:00Z"
_SUMMARY = "What the partners need to know. Nothing about customers."
_PARTNER = "exchange-to-ask.example"
_ACCOUNT = "eip155:1:0x0000000000000000000000000000000000000001"

#: What nobody filled in, by JSON pointer, and what to say there instead.
_UNTOUCHED: Mapping[str, tuple[object, str]] = {
    "/incident/title": (_TITLE, "say what happened, in a few words"),
    "/incident/occurred_at": (_OCCURRED_AT, "say when it happened"),
    "/summary": (_SUMMARY, "say what the partners need to know"),
    "/to/0": (_PARTNER, "say whom you ask: `holdfast partners` lists the members"),
    "/addresses/0/account": (_ACCOUNT, "name the account, as CAIP-10"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known already.

    Attributes:
        title: Of the incident.
        occurred_at: When it happened.
        summary: For the partners asked.
        to: Their handles.
        accounts: CAIP-10.
        drill: Whether it is one.
    """

    title: str | None = None
    occurred_at: str | None = None
    summary: str | None = None
    to: Sequence[str] = ()
    accounts: Sequence[str] = ()
    drill: bool = False


def request_template(known: Known, *, with_addresses: bool = True) -> str:
    """Return a request to fill in, as JSON with a nonce of its own.

    The nonce makes two sendings of one file one request. Without addresses it is what goes beside
    a list of them.
    """
    document: dict[str, Any] = {
        "nonce": new_nonce(),
        "incident": {
            "title": known.title or _TITLE,
            "kind": "hack",
            "occurred_at": known.occurred_at or _OCCURRED_AT,
            "reference": None,
        },
        **({"drill": True} if known.drill else {}),
        "urgency": "urgent",
        "tlp": "AMBER+STRICT",
        "summary": known.summary or _SUMMARY,
        "to": list(known.to) or [_PARTNER],
        "hold": {"hours": 72},
        "support": "none",
        "legal": {"police_report": None, "agency": None, "order": None},
        "why_you": [],
        "interest": None,
    }
    if with_addresses:
        document["addresses"] = [
            {"account": account, "asset": None, "amount": None, "role": "receiver", "tx": None}
            for account in known.accounts or [_ACCOUNT]
        ]
    return draft_text(document)


def draft_text(document: Mapping[str, Any]) -> str:
    """Return a draft for people to read and edit; what is signed is made of it later."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"  # noqa: TID251 - not signed


def untouched_faults(raw: bytes) -> list[str]:
    """Return what nobody filled in, each with its line; none of what is no JSON object at all."""
    try:
        document = strict_json.loads(raw)
    except ProtocolError:
        return []  # whoever reads the draft says what is wrong
    lines = lines_by_pointer(raw.decode())
    return [
        f"line {lines.get(pointer, 1)}: {pointer} is as `holdfast draft` wrote it: {what}"
        for pointer, (placeholder, what) in _UNTOUCHED.items()
        if _at(document, pointer) == placeholder
    ]


def _at(document: object, pointer: str) -> object:
    for part in pointer.split("/")[1:]:
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document.get(part)
        else:
            return None
    return document
