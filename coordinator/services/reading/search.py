"""One search over ids, addresses, partners, and the words of incidents that one may read.

Every look starts from what the reader may read, so that neither the answer nor the time it takes
tells of anything else.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NotRequired, TypedDict

from coordinator.domain.errors import ErasedError, NotFoundError
from coordinator.services.core.access import readable_request
from coordinator.services.core.read_context import ReadContext
from coordinator.services.requests.freeze_request_views import incident_views
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.reading import search as store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import incidents as incident_store
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.vocabulary import Tlp

#: So many of the newest incidents are looked through by their words, and of the newest requests
#: that one was asked in by an account.
MOST_INCIDENTS, MOST_RECEIVED = 500, 2_000
_MOST_FOUND = 50
_ID = re.compile(r"([a-z]{3})_[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
FoundKind = Literal["request", "incident", "address", "partner", "part"]


class FoundView(TypedDict):
    """Something that a search found (`life_cycle_views.FoundView`)."""

    kind: FoundKind
    id: str
    request_id: NotRequired[str]
    incident_id: NotRequired[str]
    drill: NotRequired[bool]
    title: NotRequired[str]
    status: NotRequired[str]
    requester: NotRequired[str]
    tlp: NotRequired[Tlp]
    address_no: NotRequired[int]


class SearchView(TypedDict):
    """What a search found (`life_cycle_views.SearchView`)."""

    items: list[FoundView]
    is_cut: bool
    looked_through: int


def search(read: ReadContext, text: str) -> SearchView:
    """Return what a person means by a few characters: an id, an address, a partner, or words."""
    wanted = text.strip()
    if _ID.fullmatch(wanted):
        return {"items": _by_id(read, wanted), "is_cut": False, "looked_through": 0}
    found: list[FoundView] = []
    is_cut = False
    indexes = _indexes(read, wanted)
    if indexes:
        found, is_cut = _by_account(read, indexes)
    found += _by_handle(read, wanted.casefold())
    by_words, has_more = _by_words(read, wanted.casefold().split())
    return {
        "items": [*found, *by_words][:_MOST_FOUND],
        "is_cut": is_cut or has_more or len(found) + len(by_words) > _MOST_FOUND,
        "looked_through": MOST_INCIDENTS if has_more else 0,
    }


def _by_id(read: ReadContext, identifier: str) -> list[FoundView]:
    prefix = identifier[:3]
    if prefix == "frq":
        return _requests(read, [identifier] if _may_read(read, identifier) else [])
    if prefix == "inc":
        ids = request_store.of_incident(read.connection, identifier, read.actor.viewer, limit=20)
        return _requests(read, ids)
    owners = store.owners(read.connection, identifier, read.actor.viewer)
    shown = {each["id"]: each for each in _requests(read, [o.request_id for o in owners])}
    return [
        {**shown[owner.request_id], "kind": "part", "id": identifier}
        for owner in owners
        if owner.request_id in shown
    ]


def _requests(read: ReadContext, ids: Sequence[str]) -> list[FoundView]:
    """Return requests that were found among what the reader may see, newest first."""
    connection, viewer = read.connection, read.actor.viewer
    if not ids:
        return []
    rows = awaited_decisions.rows(connection, list(dict.fromkeys(ids)), viewer)
    incidents = incident_views(
        connection, read.vault, sorted({row.incident_id for row in rows}), viewer
    )
    return [
        {
            "kind": "request",
            "id": row.id,
            "request_id": row.id,
            "incident_id": row.incident_id,
            "drill": row.drill,
            "title": incidents[row.incident_id]["title"],
            "status": row.status,
            "requester": row.requester,
            "tlp": Tlp(row.tlp),
        }
        for row in rows
    ]


def _may_read(read: ReadContext, request_id: str) -> bool:
    try:
        readable_request(read.connection, read.actor.viewer, request_id)
    except NotFoundError:
        return False
    except ErasedError:
        pass  # that it was, and when, its readers may know
    return True


def _indexes(read: ReadContext, text: str) -> list[bytes]:
    """Return the blind indexes of every account that a text may be, on any chain."""
    keys = set(_accounts(read.chains, text))
    return [read.vault.blind_index(key) for key in sorted(keys)]


def _accounts(chains: Chains, text: str) -> Iterable[str]:
    if not text or any(letter.isspace() for letter in text):
        return
    spellings = [text] if text.count(":") > 1 else [f"{c.caip2}:{text}" for c in chains]
    for spelling in spellings:
        try:
            yield parse_account(chains, spelling).key
        except AccountError:
            continue


def _by_account(read: ReadContext, indexes: Sequence[bytes]) -> tuple[list[FoundView], bool]:
    places, is_cut = store.places(read.connection, read.actor.viewer, indexes, most=MOST_RECEIVED)
    shown = {each["id"]: each for each in _requests(read, [p.request_id for p in places][:200])}
    # Of an address that was left out nobody hears who was asked after that.
    hidden = store.hidden_places(read.connection, read.actor.partner, list(shown))
    found: list[FoundView] = [
        {
            **shown[place.request_id],
            "kind": "address",
            "id": f"{place.request_id}/{place.address_no}",
            "address_no": place.address_no,
        }
        for place in places
        if place.request_id in shown and place not in hidden
    ]
    return found, is_cut or len(places) > 200  # noqa: PLR2004


def _by_handle(read: ReadContext, text: str) -> list[FoundView]:
    if not text:
        return []
    statuses = partner_store.statuses(read.connection, [text, f"{text}.example"])
    return [
        {"kind": "partner", "id": handle, "title": handle, "status": str(row.status)}
        for handle, row in statuses.items()
    ]


def _by_words(read: ReadContext, words: Sequence[str]) -> tuple[list[FoundView], bool]:
    if not words:
        return [], False
    viewer = read.actor.viewer
    rows = incident_store.visible_incidents(
        read.connection, viewer, before=None, limit=MOST_INCIDENTS + 1
    )
    newest = dict(rows[:MOST_INCIDENTS])
    views = incident_views(read.connection, read.vault, list(newest), viewer)
    fitting = [
        newest[id_]
        for id_ in newest
        if all(
            word in f"{views[id_]['title']} {views[id_]['reference'] or ''}".casefold()
            for word in words
        )
    ]
    found: list[FoundView] = [
        {**each, "kind": "incident"} for each in _requests(read, fitting[:_MOST_FOUND])
    ]
    return found, len(rows) > MOST_INCIDENTS
