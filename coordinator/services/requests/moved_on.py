"""Where funds moved on to, according to partners' signed declines and reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from sqlalchemy import Connection

from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import incidents as store
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import DeclineCode


class Following(TypedDict, total=False):
    """Where funds went on to, as far as the partner says."""

    service: str
    account: str
    tx: str


_NAMES: tuple[Literal["service", "account", "tx"], ...] = ("service", "account", "tx")


@dataclass(frozen=True, slots=True)
class Onward:
    """What one leg said of one address, or of all (`address_no` None).

    Attributes:
        following: As `next` says it.
    """

    request_id: str
    leg_id: str
    partner: str
    address_no: int | None
    following: Following


def onward(
    connection: Connection,
    vault: Vault,
    legs: Sequence[LegRow],
    *,
    first: int = 0,
    last: int | None = None,
) -> list[Onward]:
    """Return where, by the newest word of each leg, funds of addresses `first` to `last` went."""
    by_id = {leg.id: leg for leg in legs}
    answered = store.moved_on(connection, list(by_id), first=first, last=last)
    said = _said(connection, vault, sorted({row.leg_id for row in answered}))
    found = []
    for row in answered:
        following = _latest(said.get(row.leg_id, ()), row.address_no)
        if following:
            leg = by_id[row.leg_id]
            found.append(Onward(leg.request_id, leg.id, leg.partner, row.address_no, following))
    if first == 0:
        found += _declined(connection, vault, legs)
    return found


def _said(
    connection: Connection, vault: Vault, leg_ids: Sequence[str]
) -> dict[str, list[JsonObject]]:
    """Return each leg's `moved_on` lines as sent, oldest first."""
    if not leg_ids:
        return {}
    rows = store.moved_on_lines(connection, leg_ids)
    reports = evidence_bodies(connection, vault, [row.report_id for row in rows])
    said: dict[str, list[JsonObject]] = {}
    for row in rows:
        lines = reports.get(row.report_id, {}).get("lines", [])
        if row.line_no < len(lines):
            said.setdefault(row.leg_id, []).append(lines[row.line_no])
    return said


def _latest(lines: Sequence[JsonObject], address_no: int) -> Following:
    """Return `next` of the newest line that names an address, else of the newest about the rest."""
    named = [n for n in lines if n["address_nos"] != "rest" and address_no in n["address_nos"]]
    meant = named or [line for line in lines if line["address_nos"] == "rest"]
    return _given(meant[-1]) if meant else {}


def _declined(connection: Connection, vault: Vault, legs: Sequence[LegRow]) -> list[Onward]:
    moved = [leg for leg in legs if leg.decline_code == DeclineCode.MOVED_ON]
    acts = [leg.decline_act_id for leg in moved if leg.decline_act_id is not None]
    bodies = evidence_bodies(connection, vault, acts)
    return [
        Onward(leg.request_id, leg.id, leg.partner, None, following)
        for leg in moved
        if (following := _given(bodies.get(leg.decline_act_id or "", {})))
    ]


def _given(sent: JsonObject) -> Following:
    said, given = sent.get("next") or {}, Following()
    for name in _NAMES:
        if said.get(name):
            given[name] = said[name]
    return given
