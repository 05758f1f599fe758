"""What we do when a hold ends or is taken back: our own rule, and where it leaves off.

- Taken back: let go what nothing else holds. Kept, with the ground said: what another request asks
  for, too, and what compliance decided to keep by own policy.
- About to end: extended by own policy where compliance decided to keep it; otherwise nothing.
- Lapsed: a person decides; no program lets go of, or holds on to, somebody's money by itself.

Everything can be repeated after a crash: the coordinator says what is still owed, and every act
goes out under an idempotency key made from the hold and the occasion.
"""

import logging
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

_log = logging.getLogger(__name__)
#: A hold is extended only on the last warnings: compliance may still change its mind before.
EXTEND_WITHIN = timedelta(hours=24)


def settle(matter: Matter, book: DepositBook, client: Client, now: datetime) -> None:
    """Answer a reminder about one of our holds, or a withdrawal.

    Raises:
        ApiError: The coordinator refused; likewise TransportError. Try again later.
    """
    for hold in client.holds(matter.document.id):
        try:
            if hold.owed_since is not None and not hold.lapsed:
                _answer_withdrawal(matter.document, hold, hold.owed_since, book, client)
            elif hold.owed_since is not None:
                _log.warning("%s has lapsed: compliance must say what became of it", hold.id)
            elif matter.type == EventType.HOLD_EXPIRING:
                _extend(matter.document, hold, book, client, now)
        except ValueError as error:
            _log.error("%s is not in our books as it should be: %s", hold.id, error)


def _answer_withdrawal(
    request: Document, hold: HoldView, owed_since: datetime, book: DepositBook, client: Client
) -> None:
    freeze = book.freeze_of(hold.id)
    occasion = f"{hold.id}.{owed_since.astimezone(UTC):%Y%m%dT%H%M%S}"
    others = [other for other in book.requests_of(hold.id) if other != request.id]
    days = book.days_to_keep(freeze.customer, freeze.asset)
    if others or days:
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
        client.report(request, [line], idempotency_key=f"{occasion}.kept")
        return
    if freeze.held not in {0, int(hold.held)}:
        raise ValueError(f"we hold {freeze.held} and said {hold.held}")
    # 0: we let go and crashed before saying so.
    book.release(hold.id)
    released = ReleasedLine(
        kind=LineKind.RELEASED, hold=hold.id, amount=hold.held, reason=ReleaseReason.WITHDRAWN
    )
    client.report(request, [released], idempotency_key=f"{occasion}.released")


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
