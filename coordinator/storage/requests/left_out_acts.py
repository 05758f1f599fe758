"""Acts that speak of addresses that a ratification left out, before it did or after.

Whoever was asked after it hears of no such address, so it reads none of these. A proposal that
names such an address was made before the ratification and cannot be carried out after it.
"""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, exists, select, union_all

from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.life_cycle import (
    ClearanceRow,
    LeftOutAddressRow,
    WithdrawalProposalRow,
)
from coordinator.storage.tables.restoring import ReturnRequestRow


class Heard(NamedTuple):
    """What of a request's acts its reader hears.

    Attributes:
        leg_id: The reader's leg; None: those of all.
        of_left_out: Whether what speaks of addresses left out, too.
    """

    leg_id: str | None = None
    of_left_out: bool = True


def is_from_before() -> ColumnElement[bool]:
    """Tell of a proposed withdrawal whether it dates from before its request was decided on.

    One that was approved is none: its acts prove to everybody what was withdrawn.
    """
    decided = exists().where(
        FreezeRequestRow.id == WithdrawalProposalRow.request_id,
        FreezeRequestRow.decided_at >= WithdrawalProposalRow.proposed_at,
    )
    return decided & (WithdrawalProposalRow.status != "approved")


def unheard_acts(request_id: str) -> Select[str]:
    """Return the acts on a request of which nobody hears who was asked after it was cut."""
    before = (WithdrawalProposalRow.request_id == request_id) & is_from_before()
    ended = WithdrawalProposalRow.decided_act_id
    revoked = ClearanceRow.revoked_act_id
    left_out = select(LeftOutAddressRow.address_no).where(
        LeftOutAddressRow.request_id == request_id
    )
    found = union_all(
        select(WithdrawalProposalRow.act_id.label("act_id")).where(before),
        # What ended the request itself is for all to hear.
        select(ended.label("act_id")).where(
            before, ended.is_not(None), WithdrawalProposalRow.status != "moot"
        ),
        select(revoked.label("act_id")).where(
            ClearanceRow.request_id == request_id,
            revoked.is_not(None),
            ClearanceRow.address_no.in_(left_out),
        ),
    ).subquery()
    return select(found.c.act_id)


def unheard_returns(request_id: str) -> Select[str]:
    """Return the acts of return requests that no partner hears of: they are not approved."""
    of_request = (ReturnRequestRow.request_id == request_id) & ReturnRequestRow.opened_at.is_(None)
    found = union_all(
        select(ReturnRequestRow.act_id.label("act_id")).where(of_request),
        select(ReturnRequestRow.decided_act_id.label("act_id")).where(
            of_request, ReturnRequestRow.decided_act_id.is_not(None)
        ),
    ).subquery()
    return select(found.c.act_id)
