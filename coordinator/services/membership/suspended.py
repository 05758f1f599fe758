"""What a suspended partner may still do: settle what it holds, and read what it needs for that.

It may also revoke keys, without limit: a revocation gives nobody anything.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import AuthenticationError, FieldFault, PermissionDeniedError
from coordinator.domain.freeze_ledger import LegLedger
from coordinator.storage.ledger import ledger_pages
from coordinator.storage.requests import legs as leg_store
from holdfast.protocol.payloads import ReportLine


def require_holding(connection: Connection, actor: Actor, request_id: str | None) -> None:
    """Refuse a suspended partner's read of anything but a request on which it has a hold.

    Raises:
        AuthenticationError: As everywhere else while it is suspended.
    """
    if not actor.is_suspended:
        return
    if request_id is not None:
        # One that is limited to others is as unknown as any.
        leg = leg_store.seen_by(connection, request_id, actor.viewer)
        if leg is not None and ledger_pages.holds(
            connection, request_id, leg_id=leg.id, after="", limit=1
        ):
            return
    raise AuthenticationError("the partner is not active", code="partner_not_active")


def require_settling(actor: Actor, lines: Sequence[ReportLine], ledger: LegLedger) -> None:
    """Refuse a suspended partner's report of anything new.

    Sharing a hold of another request is new here, too.

    Raises:
        PermissionDeniedError: Naming each line that is about no hold or line of this leg.
    """
    if not actor.is_suspended:
        return
    linked = ledger.holds.keys() | ledger.shared.keys()
    new = [
        number
        for number, line in enumerate(lines)
        if getattr(line, "hold", None) not in linked and getattr(line, "corrects", None) is None
    ]
    if new:
        detail = "a suspended partner reports on holds that exist on this request only"
        raise PermissionDeniedError(
            f"{detail}: leave {len(new)} line(s) out",
            code="partner_suspended",
            errors=[FieldFault(f"/lines/{number}", detail, "partner_suspended") for number in new],
        )
