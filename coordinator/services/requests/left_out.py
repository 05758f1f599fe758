"""Addresses that the approval leaves out: they never go out, and nobody asked later hears of them.

What partners are handed then is the remainder of the document (`holdfast.protocol.remainder`), for
which the approvals vouch. Of a flash request that went out before, the partners asked know the
whole document: from them the addresses are withdrawn, by the same act.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from coordinator.domain.errors import FieldFault, InvalidInputError, UnavailableError
from coordinator.domain.left_out import require_may_leave_out, require_may_let_go, require_same
from coordinator.services.core.acts import RequestContext
from coordinator.services.core.unit_of_work import unpack_evidence
from coordinator.storage.ending import disputes
from coordinator.storage.engine.documents import Vault, load, load_one
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow, LegRow
from holdfast.protocol import payloads, strict_json
from holdfast.protocol.remainder import remainder_of, remainder_sha256
from holdfast.protocol.vocabulary import Decision

#: The sealed document of a request that its remainder is.
REMAINDER = "remainder"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What an approval leaves out, checked; `remainder` is empty where that is nothing."""

    numbers: tuple[int, ...] = ()
    remainder: bytes = b""


def is_hidden_from(row: FreezeRequestRow, leg: LegRow | None) -> bool:
    """Tell whether the reader with that leg (None: the requester) hears of no address left out."""
    return row.left_out_count > 0 and leg is not None and not leg.knows_left_out


def address_counts(row: FreezeRequestRow, leg: LegRow | None) -> tuple[int, int]:
    """Return how many addresses a reader is asked about, and how many of them were withdrawn."""
    if not is_hidden_from(row, leg):
        return row.address_count, row.withdrawn_count
    # Left out of a request that had gone out before, they were withdrawn as well.
    withdrawn = row.left_out_count if row.ratify_by is not None else 0
    return row.address_count - row.left_out_count, row.withdrawn_count - withdrawn


def asked_remainder(
    connection: Connection, vault: Vault, row: FreezeRequestRow, leg: LegRow | None
) -> bytes | None:
    """Return what stands for the document to a reader; None where it may read the document itself.

    Empty if it was erased.
    """
    if not is_hidden_from(row, leg):
        return None
    return load_one(connection, vault, row.id, REMAINDER) or b"{}"


def check_left_out(
    on: RequestContext, body: payloads.Approval, earlier: Sequence[ActRow]
) -> LeftOut:
    """Return what an approval leaves out.

    Args:
        on: The request, locked.
        body: The approval.
        earlier: The decisions before it.

    Raises:
        ConflictError: If an earlier approval leaves out others, an address was withdrawn before, or
            nothing would be left.
        InvalidInputError: If there is no such address, or the remainder's hash is not its.
    """
    row, numbers = on.request, tuple(sorted(body.left_out))
    first = next((act for act in earlier if act.decision == Decision.APPROVE), None)
    if first is not None and first.remainder_sha256 != body.remainder_sha256:
        require_same(_first_left_out(on, first), numbers, current_status=row.status)
    if not numbers:
        return LeftOut()
    require_may_leave_out(
        body.left_out,
        address_count=row.address_count,
        withdrawn=store.withdrawn_addresses(on.uow.connection, row.id),
        current_status=row.status,
    )
    remainder = remainder_of(_document(on), frozenset(numbers))
    if remainder_sha256(remainder) != body.remainder_sha256:
        detail = (
            "is not the SHA-256 of what would go out: the submitted document without its nonce and"
            " with null in the place of each of these addresses, as canonical JSON (RFC 8785)"
        )
        raise InvalidInputError(
            f"remainder_sha256 {detail}",
            code="other_remainder",
            errors=[FieldFault("/remainder_sha256", detail, "other_remainder")],
        )
    return LeftOut(numbers, remainder)


def require_leads_to_let_go(on: RequestContext, left_out: LeftOut, approvals: int) -> None:
    """Refuse that a ratification lets go what takes more leads to let go.

    Raises:
        ConflictError: If something is held on what is left out, and the requester's policy asks for
            more leads to withdraw that than have approved.
    """
    if not left_out.numbers:
        return
    connection, row = on.uow.connection, on.request
    requester = partner_store.partner(connection, row.requester)
    places = disputes.held_places(connection, row.id)
    require_may_let_go(
        {place.address_no for place in places}.intersection(left_out.numbers),
        approvals=approvals,
        quorum=1 if requester is None else requester.withdrawal_quorum,
        current_status=row.status,
    )


def store_left_out(on: RequestContext, left_out: LeftOut) -> None:
    """Keep addresses from going out; legs that there are know the whole document."""
    if not left_out.numbers:
        return
    uow, row = on.uow, on.request
    store.leave_out(uow.connection, row.id, left_out.numbers)
    uow.seal(on.key, row.id, REMAINDER, left_out.remainder)


def _first_left_out(on: RequestContext, first: ActRow) -> list[int]:
    packed = load(on.uow.connection, on.uow.vault, [first.id], "evidence").get(first.id)
    said = {} if packed is None else strict_json.loads(unpack_evidence(packed)[1])
    numbers: list[int] = said.get("except", [])
    return numbers


def _document(on: RequestContext) -> dict[str, object]:
    uow, row = on.uow, on.request
    act_id = store.submit_act(uow.connection, row.id)
    packed = None if act_id is None else load_one(uow.connection, uow.vault, act_id, "evidence")
    if packed is None:
        raise UnavailableError("the document of this request was erased")
    document: dict[str, object] = strict_json.loads(unpack_evidence(packed)[1])
    return document
