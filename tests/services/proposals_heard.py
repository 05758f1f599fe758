"""Whoever heard of a proposed withdrawal hears how it ends: looked up in what everybody reads.

"Release nothing yet" must not be a partner's last word on an address. So every proposal that was
told is told to be over, to the same readers and to no others, and of every address that it named
they read that it was withdrawn or that it still stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.reads import read
from coordinator.storage.tables.events import EventAudienceRow, EventRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.life_cycle import WithdrawalProposalRow
from coordinator.storage.tail.events import FeedPage, page
from holdfast.protocol import strict_json
from holdfast.protocol.vocabulary import EventType
from tests.conftest import KEYS

_TYPES = frozenset(
    {
        EventType.REQUEST_WITHDRAWAL_PROPOSED.value,
        EventType.REQUEST_WITHDRAWAL_REFUSED.value,
        EventType.REQUEST_WITHDRAWN.value,
        EventType.LEG_DISPUTE_RESOLVED.value,
    }
)
#: An event: its type and data.
Told = tuple[str, Mapping[str, Any]]


def unheard_ends(connection: Connection) -> Iterator[str]:
    """Return, in words, whom the end of a proposal did not reach as it must; of all requests."""
    proposals = read(connection, select(WithdrawalProposalRow))
    if not proposals:
        return
    requests = read(connection, select(FreezeRequestRow))
    counts = {request.id: request.address_count for request in requests}
    about = (
        select(EventAudienceRow.partner)
        .join(EventRow, EventRow.seq == EventAudienceRow.seq)
        .where(EventRow.type.in_(_TYPES))
        .distinct()
    )
    for partner in sorted(connection.execute(about).scalars()):
        told = list(_read_by(connection, partner))
        for proposal in proposals:
            count = counts[proposal.request_id]
            for fault in _faults(proposal, count, told):
                yield f"{partner} of {proposal.id}, {proposal.status}: {fault}"


def _read_by(connection: Connection, partner: str) -> Iterator[Told]:
    after = 0
    while True:
        events, reached = page(
            connection, KEYS.vault, Viewer(partner, None), FeedPage(after, 1000, _TYPES)
        )
        for event in events:
            yield event.type, strict_json.loads(event.body)["data"]
        if reached == after:
            return
        after = reached


def _faults(proposal: WithdrawalProposalRow, count: int, told: Sequence[Told]) -> Iterator[str]:
    of_it = [each for each in told if _concerns(proposal, each)]
    types = [type_ for type_, _ in of_it]
    refused = [data for type_, data in of_it if type_ == EventType.REQUEST_WITHDRAWAL_REFUSED]
    if EventType.REQUEST_WITHDRAWAL_PROPOSED not in types:
        if refused:
            yield "hears of its end, and never heard of it"
        return
    if types.count(EventType.REQUEST_WITHDRAWAL_PROPOSED) > 1:
        yield "hears of it twice"
    at = types.index(EventType.REQUEST_WITHDRAWAL_PROPOSED)
    yield from _ended_otherwise(proposal, [data["why"] for data in refused], of_it[at + 1 :])
    if refused and proposal.dispute_id is None:
        yield from _misnamed(of_it[at][1], refused[0], count, told)


def _ended_otherwise(
    proposal: WithdrawalProposalRow, reasons: list[str], since: Sequence[Told]
) -> Iterator[str]:
    """Compare how a proposal ended with what was told since it was: for what reasons, by what."""
    carried_out = any(_carries_out(*each) for each in since)
    said_by_all = any(_says_all(*each) for each in since)
    expected = {
        "pending": not reasons,
        "approved": not reasons and carried_out,
        "rejected": reasons == ["rejected"],
        "void": reasons == ["void"],
        "moot": reasons == ["moot"] or (not reasons and said_by_all),
    }
    if not expected[proposal.status]:
        yield f"hears that it was refused: {reasons}; in all: {[type_ for type_, _ in since]}"


def _concerns(proposal: WithdrawalProposalRow, told: Told) -> bool:
    """Tell whether an event is about a proposal, or about that which it proposes."""
    data = told[1]
    if "withdrawal" in data:
        return bool(data["withdrawal"] == proposal.id)
    if proposal.dispute_id is not None:
        return bool(data.get("dispute") == proposal.dispute_id)
    return bool(data["request_id"] == proposal.request_id and "dispute" not in data)


def _carries_out(type_: str, data: Mapping[str, Any]) -> bool:
    if type_ == EventType.LEG_DISPUTE_RESOLVED:
        return bool(data["resolution"] == "upheld")
    return type_ == EventType.REQUEST_WITHDRAWN


def _says_all(type_: str, data: Mapping[str, Any]) -> bool:
    """Tell whether what an event tells of makes any proposal that it ended come true."""
    if type_ == EventType.REQUEST_WITHDRAWN:
        # The requester's own event of the whole request names no addresses.
        return bool(data.get("addresses", "all") == "all")
    return _carries_out(type_, data)


def _misnamed(
    proposed: Mapping[str, Any], refused: Mapping[str, Any], count: int, told: Sequence[Told]
) -> Iterator[str]:
    """Compare the addresses that are said to stand with those that are said to be withdrawn."""
    if proposed.get("addresses_cut") or refused.get("addresses_cut"):
        return
    withdrawn: set[int] = set()
    before: set[int] = set()
    is_over = False
    for type_, data in told:
        is_over = is_over or data is refused
        if type_ == EventType.REQUEST_WITHDRAWN and data["request_id"] == refused["request_id"]:
            named = data.get("addresses", "all")
            numbers = set(range(count)) if named == "all" else set(named)
            withdrawn |= numbers
            before |= set() if is_over else numbers
    standing = _numbers(refused, count)
    if wrong := standing & before:
        yield f"hears that {sorted(wrong)} still stand, and heard that they were withdrawn"
    if proposed["addresses"] == "all":
        return  # what the approval left out of all, nobody reads
    if lost := set(proposed["addresses"]) - standing - withdrawn:
        yield f"hears of {sorted(lost)} neither that they still stand nor that they are withdrawn"


def _numbers(data: Mapping[str, Any], count: int) -> set[int]:
    named = data["addresses"]
    return set(range(count)) if named == "all" else set(named)
