"""Answering a freeze request: stop the money, then talk.

Everything here can be repeated after a crash: the book freezes a request once, and every act goes
out under an idempotency key made from the request's id, so the coordinator takes it once.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from holdfast import Client, HoldfastError, TransportError, UnavailableError
from holdfast.protocol.payloads import (
    FoundLine,
    FrozenLine,
    Next,
    NothingLine,
    ReportLine,
    RequestDocument,
    ReturnedLine,
)
from holdfast.protocol.payloads import ReleasedLine as Released
from holdfast.protocol.views import FreezeReportView
from holdfast.protocol.vocabulary import DeclineCode, HoldBasis, LineKind, ReleaseReason
from reference_exchange.deposit_book import DepositBook, Freeze, Match, Payout
from reference_exchange.inbox import Task
from reference_exchange.untold import DEFAULT_HOURS, report_tellable

_log = logging.getLogger(__name__)


class UnratifiedError(HoldfastError):
    """No lead ratified the flash request in time: nothing new is frozen on it, for now."""


def answer(task: Task, book: DepositBook, client: Client, now: datetime) -> None:
    """Match, freeze and answer one request.

    Raises:
        ApiError: The coordinator refused an answer; likewise TransportError. Try again later.
        UnratifiedError: Nothing was frozen. Try again later: it may be ratified still.
    """
    request_id = task.document.id
    withdrawn = _withdrawn(request_id, client)
    flagged = task.request.numbered()
    matches = book.match(flagged, withdrawn=withdrawn)
    if task.request.drill:
        _answer_drill(task, matches, withdrawn, book, client)
        return
    freezes = book.freeze(request_id, [match for match in matches if match.found], now)
    shares = book.share(request_id, [match for match in matches if not match.found])
    client.acknowledge(task.document, idempotency_key=f"{request_id}.acknowledge")
    client.review(task.document, idempotency_key=f"{request_id}.review")
    here = {freeze.address_no for freeze in freezes} | {share.address_no for share in shares}
    gone = [match for match in matches if match.address_no not in here]
    payouts = [book.payout(match.customer, match.asset) for match in gone]
    if gone and not here and not any(payouts):
        client.decline(
            task.document, DeclineCode.FUNDS_GONE, idempotency_key=f"{request_id}.decline"
        )
        return
    lines = [line for freeze in freezes for line in _lines(freeze, task.request)]
    lines += [
        FrozenLine(kind=LineKind.FROZEN, address_no=share.address_no, hold=share.hold)
        for share in shares
    ]
    lines += [_gone(match, payout) for match, payout in zip(gone, payouts, strict=True)]
    said = here | {match.address_no for match in gone}
    lines += _rest(flagged, said, withdrawn)
    if not lines:
        return
    report = report_tellable(
        client, task.document, lines, f"{request_id}.report", freeze_of=book.freeze_of
    )
    _note_holds(book, freezes, report)


def _answer_drill(
    task: Task,
    matches: list[Match],
    withdrawn: frozenset[int],
    book: DepositBook,
    client: Client,
) -> None:
    """Say what would have been found, and leave the books alone: nobody's funds are touched."""
    request_id, flagged = task.document.id, task.request.numbered()
    client.acknowledge(task.document, idempotency_key=f"{request_id}.acknowledge")
    client.review(task.document, idempotency_key=f"{request_id}.review")
    found: dict[tuple[int, str], int] = {}
    for match in matches:
        if match.found:
            place = (match.address_no, match.asset)
            found[place] = found.get(place, 0) + match.found
    lines: list[ReportLine] = [
        FoundLine(kind=LineKind.FOUND, address_no=number, asset=asset, amount=str(amount))
        for (number, asset), amount in found.items()
    ]
    lines += _rest(flagged, {number for number, _ in found}, withdrawn)
    if lines:
        report_tellable(
            client, task.document, lines, f"{request_id}.report", freeze_of=book.freeze_of
        )


def _withdrawn(request_id: str, client: Client) -> frozenset[int]:
    """Return the addresses that were taken back before we came to them.

    The coordinator may be out of reach just now; money first, then.

    Raises:
        UnratifiedError: Nobody ratified the request in time.
    """
    try:
        request = client.freeze_request(request_id)
        if request.unratified:
            raise UnratifiedError(f"it may be ratified until {request.unratified_until}")
        if not request.withdrawn_count:
            return frozenset()
        addresses = client.addresses(request_id)
        return frozenset(a.address_no for a in addresses if a.withdrawn_at is not None)
    except (TransportError, UnavailableError) as error:
        _log.warning("%s: what was withdrawn of it could not be asked: %s", request_id, error)
        return frozenset()


def _rest(
    flagged: Collection[int], said: Collection[int], withdrawn: Collection[int]
) -> list[ReportLine]:
    """Return the answer for addresses that lead to nobody; none is awaited about withdrawn ones."""
    rest = [number for number in flagged if number not in said and number not in withdrawn]
    if not rest:
        return []
    return [NothingLine(kind=LineKind.NOTHING, address_nos=rest if withdrawn else "rest")]


def _gone(match: Match, payout: Payout | None) -> NothingLine:
    """Return the answer for funds that were here and left, with where they went if we know."""
    if payout is None:
        code, following = DeclineCode.FUNDS_GONE, None
    else:
        code = DeclineCode.MOVED_ON
        following = Next(service=payout.service, account=payout.account, tx=payout.tx)
    return NothingLine(
        kind=LineKind.NOTHING, address_nos=[match.address_no], code=code, next=following
    )


def _lines(freeze: Freeze, request: RequestDocument) -> list[ReportLine]:
    """Return what to report of one freeze: never a word about who the customer is."""
    lines: list[ReportLine] = [
        FoundLine(
            kind=LineKind.FOUND,
            address_no=freeze.address_no,
            asset=freeze.asset,
            amount=str(freeze.found),
        )
    ]
    if freeze.amount:
        hours = request.hold.hours if request.hold else DEFAULT_HOURS
        lines.append(
            FrozenLine(
                kind=LineKind.FROZEN,
                address_no=freeze.address_no,
                asset=freeze.asset,
                amount=str(freeze.amount),
                frozen_at=freeze.frozen_at,
                hold_expires_at=freeze.frozen_at + timedelta(hours=hours),
                basis=HoldBasis.VOLUNTARY,
            )
        )
    return lines


def _note_holds(book: DepositBook, freezes: list[Freeze], report: FreezeReportView) -> None:
    """Remember which hold each freeze became; lines come back in the order they were sent."""
    holds = [line.hold for line in report.lines if line.kind is LineKind.FROZEN]
    # Lines that share another request's hold come behind those that opened one.
    for freeze, hold in zip([f for f in freezes if f.amount], holds, strict=False):
        if hold is not None:
            book.note_hold(freeze, hold)


def release(book: DepositBook, client: Client, hold: str, reason: ReleaseReason) -> None:
    """Give held funds back to the customer, then say so.

    Raises:
        ValueError: We have no such hold.
        ApiError: The coordinator refused; likewise TransportError.
    """
    freeze = book.release(hold)
    line = Released(kind=LineKind.RELEASED, hold=hold, amount=str(freeze.held), reason=reason)
    _report_end(book, client, freeze, line)


def return_funds(book: DepositBook, client: Client, hold: str, tx: str) -> None:
    """Pay held funds out to the victim, then say so, with the transaction.

    Raises:
        ValueError: We have no such hold.
        ApiError: The coordinator refused; likewise TransportError.
    """
    freeze = book.return_funds(hold)
    line = ReturnedLine(kind=LineKind.RETURNED, hold=hold, amount=str(freeze.held), tx=tx)
    _report_end(book, client, freeze, line)


def _report_end(book: DepositBook, client: Client, freeze: Freeze, line: ReportLine) -> None:
    request = client.freeze_request(freeze.request_id)
    key = f"{freeze.hold}.{line.kind}"
    report_tellable(client, request, [line], key, freeze_of=book.freeze_of)
