"""The clocks of legs to their answers, in rows: how they stand, and what stops them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from coordinator.domain.answer_clock import AnswerClock
from coordinator.domain.leg import LegFlag
from coordinator.services.core.acts import LegContext, RequestContext
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import legs as store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import Support, Urgency


class ClockColumns(NamedTuple):
    """What an act can change of a leg's clock."""

    answer_by: datetime | None
    clock_paused_at: datetime | None
    answered_at: datetime | None


def clock_of(leg: LegRow) -> AnswerClock:
    """Return how a leg's clock to its answer stands."""
    return AnswerClock(leg.answer_by, leg.clock_paused_at, leg.answered_at, leg.unanswered_at)


def is_on_order(request: FreezeRequestRow) -> bool:
    """Tell whether a request names a legal order, or rests on one."""
    return request.on_order or request.support == Support.ORDER


def clock_columns(on: LegContext, *, is_answered: bool, asks: bool) -> ClockColumns:
    """Return what becomes of a leg's clock.

    Args:
        on: The leg as it was read, and its request as it is now.
        is_answered: Whether every address has its answer.
        asks: Whether a question of the partner's is open.
    """
    is_unratified = on.request.unratified_until is not None
    clock = clock_of(on.leg).after(on.uow.now, is_answered=is_answered, waits=asks or is_unratified)
    return ClockColumns(clock.answer_by, clock.paused_at, clock.answered_at)


def turn_clocks(on: RequestContext, legs: Iterable[LegRow]) -> None:
    """Stop the clocks of legs, or let them go on, as the request stands now.

    Call it where a request becomes unratified, and where it is ratified after all: meanwhile no
    partner can do what it is asked for.
    """
    for leg in legs:
        if leg.ended or leg.answered_at is not None:
            continue
        asks = LegFlag.INFO_REQUESTED in leg.flags
        columns = clock_columns(on.on_leg(leg), is_answered=False, asks=asks)
        if columns != (leg.answer_by, leg.clock_paused_at, leg.answered_at):
            store.change(on.uow.connection, leg, **columns._asdict())


def give_time_for_order(on: RequestContext, legs: Sequence[LegRow]) -> dict[str, datetime]:
    """Let legs that have not answered yet do so by their desks' clocks for legal orders.

    Call it where the first order is attached to them, for only who has the paper can read it, or
    where the whole request comes to rest on one.

    Returns:
        Until when they answer now, of the legs whose time it moved, by leg.
    """
    if is_on_order(on.request):
        return {}
    uow, urgency = on.uow, Urgency(on.request.urgency)
    running = [leg for leg in legs if not leg.ended and leg.answered_at is None]
    desks = partner_store.statuses(uow.connection, [leg.partner for leg in running])
    moved: dict[str, datetime] = {}
    for leg in running:
        desk = desks[leg.partner]
        clocks = uow.policies.desk_clocks(desk.clocks, desk.jurisdiction)
        answer_by = clocks.on_order(urgency, known_at=uow.now)
        before = clock_of(leg)
        clock = before if answer_by is None else before.on_order(uow.now, answer_by)
        if clock.answer_by is not None and clock != before:
            times = {"answer_by": clock.answer_by, "clock_paused_at": clock.paused_at}
            store.change(uow.connection, leg, **times)
            moved[leg.id] = clock.answer_by
    return moved


def new_answer_by(moved: Mapping[str, datetime], leg: LegRow) -> dict[str, str]:
    """Return what a leg's partner is told of its new time; nothing where it was not moved."""
    return {"answer_by": format_time(moved[leg.id])} if leg.id in moved else {}
