"""What we do when a hold ends or is taken back: our own rule, and where it leaves off.

- Taken back, and proven so by the requester's leads: let go what nothing else holds. Kept, with the
  ground said: what another request asks for, too, and what compliance decided to keep by own
  policy. What nobody proves is left to a person.
- About to end: extended by own policy where compliance decided to keep it; otherwise nothing.
- Lapsed: a person decides; no program lets go of, or holds on to, somebody's money by itself.

Everything can be repeated after a crash: the coordinator says what is still owed, and every act
goes out under an idempotency key made from the hold and the occasion.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from holdfast import Client, Document
from holdfast.protocol.payloads import KeptLine, ReleasedLine
from holdfast.protocol.views import HoldView
from holdfast.protocol.vocabulary import (
    EventType,
    HoldBasis,
    KeptBasis,
    LineKind,
    ReleaseReason,
)
from reference_exchange.deposit_book import DepositBook
from reference_exchange.inbox import Matter
from reference_exchange.untold import report_tellable

_log = logging.getLogger(__name__)
#: A hold is extended only on the last warnings: compliance may still change its mind before.
EXTEND_WITHIN = timedelta(hours=24)


#: Tells of a request and one of its addresses whether its requester provably took it back.
IsTakenBack = Callable[[Document, int], bool]


def settle(
    matter: Matter, book: DepositBook, client: Client, now: datetime, is_taken_back: IsTakenBack
) -> None:
    """Answer a reminder about one of our holds, or a withdrawal.

    Raises:
        ApiError: The coordinator refused; likewise TransportError. Try again later.
    """
    for hold in client.holds(matter.document.id):
        try:
            if hold.owed_since is not None and not hold.lapsed:
                if _keep(matter.document, hold, hold.owed_since, book, client):
                    continue
                if is_taken_back(matter.document, hold.address_no):
                    _let_go(matter.document, hold, hold.owed_since, book, client)
                else:
                    _log.error("%s is to go, and nobody proves why: a person decides", hold.id)
            elif hold.owed_since is not None:
                _log.warning("%s has lapsed: compliance must say what became of it", hold.id)
            elif matter.type == EventType.HOLD_EXPIRING:
                _extend(matter.document, hold, book, client, now)
        except ValueError as error:
            _log.error("%s is not in our books as it should be: %s", hold.id, error)


def _keep(
    request: Document, hold: HoldView, owed_since: datetime, book: DepositBook, client: Client
) -> bool:
    """Say that a hold stays where another request or our policy holds it; tell whether it does."""
    freeze = book.freeze_of(hold.id)
    others = [other for other in book.requests_of(hold.id) if other != request.id]
    days = book.days_to_keep(freeze.customer, freeze.asset)
    if not others and not days:
        return False
    line = KeptLine.model_validate(
        {
            "kind": LineKind.KEPT,
            "hold": hold.id,
            **(
                {"basis": KeptBasis.OTHER_REQUEST, "other_request": others[0]}
                if others
                else {
                    "basis": KeptBasis.OWN_POLICY,
                    # From the withdrawal on, so that a repeat says the same.
                    "hold_expires_at": owed_since + timedelta(days=days or 0),
                }
            ),
        }
    )
    client.report(request, [line], idempotency_key=f"{_occasion(hold, owed_since)}.kept")
    return True


def _let_go(
    request: Document, hold: HoldView, owed_since: datetime, book: DepositBook, client: Client
) -> None:
    freeze = book.freeze_of(hold.id)
    if not hold.withheld and freeze.held not in {0, int(hold.held)}:
        raise ValueError(f"we hold {freeze.held} and said {hold.held}")
    # 0: we let go and crashed before saying so.
    book.release(hold.id)
    released = ReleasedLine(
        kind=LineKind.RELEASED,
        hold=hold.id,
        amount=None if hold.withheld else hold.held,
        reason=ReleaseReason.WITHDRAWN,
    )
    key = f"{_occasion(hold, owed_since)}.released"
    report_tellable(client, request, [released], key, freeze_of=book.freeze_of)


def _occasion(hold: HoldView, owed_since: datetime) -> str:
    return f"{hold.id}.{owed_since.astimezone(UTC):%Y%m%dT%H%M%S}"


def _extend(
    request: Document, hold: HoldView, book: DepositBook, client: Client, now: datetime
) -> None:
    end = hold.hold_expires_at
    if hold.held == "0" or not now < end <= now + EXTEND_WITHIN:
        return
    freeze = book.freeze_of(hold.id)
    days = book.days_to_keep(freeze.customer, freeze.asset)
    if days:
        client.extend(
            request,
            hold.id,
            end + timedelta(days=days),
            HoldBasis.OWN_POLICY,
            idempotency_key=f"{hold.id}.extend.{end.astimezone(UTC):%Y%m%dT%H%M%S}",
        )
