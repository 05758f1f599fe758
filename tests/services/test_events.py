"""Who hears of what: every event reaches exactly those it goes to."""

from collections import defaultdict
from collections.abc import Callable

from coordinator.services.requests.legs import MarkLegsDelivered, MarkLegUndeliverable
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import Arrival, EventType
from tests.factories import NOON
from tests.services.request_cast import (
    DAY,
    HOUR,
    Ask,
    Desk,
    commitment,
    committed_core,
    corrected,
    found,
    frozen,
    is_id,
    kept,
    nothing,
    released,
    returned,
    seized,
)

E = EventType
A, B, C, D = "a", "b", "c", "d"
LEG_OF_B, LEG_OF_C = A + B, A + C
#: Events of requests, legs and holds that other tests of this folder make happen.
ELSEWHERE = {
    *(E.REQUEST_PARTNERS_ADDED, E.LEG_INFO_REQUESTED, E.LEG_INFO_PROVIDED),
    *(E.REQUEST_PARTNERS_PROPOSED, E.REQUEST_PARTNERS_REFUSED, E.REQUEST_SUPPORT_RAISED),
    *(E.REQUEST_WITHDRAWAL_PROPOSED, E.REQUEST_WITHDRAWAL_REFUSED, E.TASK_TAKEN),
    *(E.LEG_DISPUTED, E.LEG_CONTESTED, E.LEG_DISPUTE_RESOLVED, E.LEG_LEGAL_ORDER),
    *(E.LEG_LEGAL_ORDER_CALLED_BACK, E.LEG_LEGAL_ORDER_REVIEW_DUE),
    *(E.LEG_LEGAL_ORDER_REVIEWED, E.LEG_LEGAL_ORDER_LIFTED, E.HOLD_ENCUMBERED),
    *(E.HOLD_ENCUMBRANCE_REVIEW_DUE, E.HOLD_ENCUMBRANCE_REVIEWED, E.HOLD_ENCUMBRANCE_LIFTED),
    E.REQUEST_FLAGS_RENEWED,
    *(E.LEG_INDEMNITY_GIVEN, E.REQUEST_SAME_FUNDS),
    *(E.REQUEST_ERASURE_PROPOSED, E.REQUEST_ERASED, E.TASK_PAGED),
}
Heard = dict[str, set[str]]


def _play(desk: Desk) -> Callable[[Callable[[], object]], Heard]:
    """Return what tells, after an act, which event types were heard by whom since the last."""
    mark = [desk.last_seq()]

    def heard(act: Callable[[], object]) -> Heard:
        act()
        by_type: dict[str, set[str]] = defaultdict(set)
        for letter, exchange in zip("abcd", desk.cast.all, strict=True):
            for event in desk.feed(exchange, after=mark[0]):
                by_type[event["type"]].add(letter)
        mark[0] = desk.last_seq()
        return dict(by_type)

    return heard


def _only(**types: str) -> Heard:
    return {EventType[name].value: set(who) for name, who in types.items()}


def _tell_everything(desk: Desk) -> Heard:  # noqa: PLR0915 - one line per act of the table
    """Go through the life of several requests of A to B and C; D is never asked."""
    a, b, c, _ = desk.cast.all
    heard = _play(desk)
    told: Heard = defaultdict(set)
    asks: list[Ask] = []

    def expect(act: Callable[[], object], **types: str) -> None:
        got = heard(act)
        assert got == _only(**types)
        for name, who in got.items():
            told[name] |= who

    def submit(**changes: object) -> None:
        asks.append(desk.submit(**({"to": [b.handle, c.handle]} | changes)))  # type: ignore[arg-type]

    def booked(*lines: dict[str, object]) -> Callable[[], object]:
        return lambda: desk.report(b, asks[-1], *lines)

    expect(submit, REQUEST_SUBMITTED=A)
    expect(lambda: desk.decide(asks[-1], decision="reject"), REQUEST_REJECTED=A)
    expect(submit, REQUEST_SUBMITTED=A)
    expect(lambda: desk.withdraw(asks[-1]), REQUEST_WITHDRAWN=A)
    expect(submit, REQUEST_SUBMITTED=A)
    expect(lambda: desk.step(DAY), REQUEST_EXPIRED=A)
    expect(submit, REQUEST_SUBMITTED=A)
    expect(lambda: desk.decide(asks[-1]), REQUEST_APPROVED=A, REQUEST_RECEIVED=B + C)
    legs = [desk.leg(x, asks[-1]).id for x in (b, c)]
    expect(
        lambda: desk.own(MarkLegsDelivered(leg_ids=frozenset({legs[0]}), arrival=Arrival.FEED)),
        LEG_DELIVERED=LEG_OF_B,
    )
    expect(lambda: desk.own(MarkLegUndeliverable(leg_id=legs[1])), LEG_UNDELIVERABLE=LEG_OF_C)
    expect(lambda: desk.act(b.analyst, asks[-1], "acknowledgement"), LEG_ACKNOWLEDGED=LEG_OF_B)
    expect(lambda: desk.act(b.analyst, asks[-1], "review"), LEG_UNDER_REVIEW=LEG_OF_B)
    expect(lambda: desk.step(2 * HOUR), LEG_OVERDUE=LEG_OF_C)
    expect(
        lambda: desk.report(c, asks[-1], nothing()), FREEZE_NOTHING=LEG_OF_C, LEG_NO_MATCH=LEG_OF_C
    )
    silent, refused = {"code": "cannot_say"}, {"code": "policy_refusal"}
    expect(lambda: desk.act(c.lead, asks[-1], "decline", **silent), LEG_CANNOT_SAY=LEG_OF_C)
    expect(lambda: desk.act(c.lead, asks[-1], "decline", **refused), LEG_DECLINED=LEG_OF_C)
    expect(booked(found(0, 100)), FREEZE_FOUND=LEG_OF_B)
    expect(booked(frozen(0, 90)), FREEZE_FROZEN=LEG_OF_B)
    hold = desk.sql("SELECT max(id) FROM hold")
    line = desk.sql("SELECT max(id) FROM ledger_line")
    expect(booked(corrected(line, 80)), FREEZE_CORRECTED=LEG_OF_B)
    expect(booked(released(hold, 10)), FREEZE_RELEASED=LEG_OF_B)
    expect(booked(returned(hold, 10)), FREEZE_RETURNED=LEG_OF_B)
    expect(booked(seized(hold, 10)), FREEZE_SEIZED=LEG_OF_B)
    # Of address 1 B said nothing.
    expect(lambda: desk.step(DAY), LEG_UNANSWERED=LEG_OF_B)
    expect(booked(frozen(1, None, account_level=True)), FREEZE_FROZEN=LEG_OF_B)
    whole = desk.sql("SELECT max(id) FROM hold")
    expect(lambda: desk.step(DAY), HOLD_REVIEW_DUE=LEG_OF_B)
    expect(booked(released(whole, None)), FREEZE_RELEASED=LEG_OF_B)
    expect(lambda: desk.step(NOON + 7 * DAY - desk.clock.now()), HOLD_EXPIRING=LEG_OF_B)
    later = {"hold": hold, "hold_expires_at": format_time(NOON + 20 * DAY), "reason": "order due"}
    wish = lambda: desk.act(a.lead, asks[-1], "extension-requests", **later)  # noqa: E731
    expect(wish, HOLD_EXTENSION_REQUESTED=LEG_OF_B)
    expect(lambda: desk.extend(b, asks[-1], hold, NOON + 11 * DAY), HOLD_EXTENDED=LEG_OF_B)
    expect(
        lambda: desk.step(NOON + 11 * DAY - desk.clock.now()),
        HOLD_LAPSED=LEG_OF_B,
        ANSWER_OWED=LEG_OF_B,
    )
    keep = kept(hold, hold_expires_at=format_time(NOON + 40 * DAY))
    expect(booked(keep), FREEZE_KEPT=LEG_OF_B)
    expect(lambda: desk.withdraw(asks[-1], [1]), REQUEST_WITHDRAWN=A + B + C)
    expect(
        lambda: desk.withdraw(asks[-1]),
        REQUEST_WITHDRAWN=A + B + C,
        ANSWER_OWED=LEG_OF_B,
    )
    expect(submit, REQUEST_SUBMITTED=A)
    expect(lambda: desk.decide(asks[-1]), REQUEST_APPROVED=A, REQUEST_RECEIVED=B + C)
    expect(lambda: desk.close(asks[-1]), REQUEST_CLOSED=A + B + C, LEG_WITHDRAWN=A + B + C)
    desk.policy(a, may_flash=[a.analyst.subject])
    heard(lambda: None)
    expect(lambda: submit(urgency="flash"), REQUEST_SUBMITTED=A, REQUEST_RECEIVED=B + C)
    expect(lambda: desk.decide(asks[-1]), REQUEST_RATIFIED=A)
    expect(lambda: submit(urgency="flash"), REQUEST_SUBMITTED=A, REQUEST_RECEIVED=B + C)
    overdue = {"LEG_OVERDUE": A + B + C}
    expect(lambda: desk.step(HOUR), REQUEST_UNRATIFIED=A + B + C, **overdue)
    expect(lambda: desk.decide(asks[-1]), REQUEST_RATIFIED=A + B + C)
    return told


def test_every_event_goes_to_exactly_those_whom_the_table_names(desk: Desk) -> None:
    told = _tell_everything(desk)
    about_requests = {
        e.value
        for e in E
        if e.value.split(".")[0] in {"freeze_request", "leg", "freeze", "hold", "task"}
    } | {E.ANSWER_OWED.value}
    assert about_requests - set(told) == {e.value for e in ELSEWHERE}


def test_every_event_is_a_leaf_whose_commitment_its_reader_can_make_again(desk: Desk) -> None:
    _tell_everything(desk)
    bodies = {seq: body for x in desk.cast.all for seq, body in desk.raw_feed(x)}
    for seq, body in bodies.items():
        event = strict_json.loads(body)
        entry = event["data"]["log"]
        leaf = desk.leaf(entry["leaf_index"])
        assert commitment(body) == entry["commitment"] == leaf.commitment.hex()
        assert (leaf.type, leaf.leaf_id.hex()) == (event["type"], entry["leaf_id"])
        assert format_time(leaf.at) == entry["at"] == event["timestamp"]
        assert entry["seq"] == seq
        assert is_id("evt", event["data"]["event_id"])
        assert b'"log"' not in committed_core(body)
    # Without the salt nobody could find out what a leaf commits to, and no two have the same.
    assert len({strict_json.loads(b)["data"]["log"]["salt"] for b in bodies.values()}) == len(
        bodies
    )


def test_leaves_events_and_the_numbers_that_each_side_of_a_leg_sees_have_no_gap(desk: Desk) -> None:
    leaves = desk.sql("SELECT leaf_count FROM log_head")
    _tell_everything(desk)
    counts = desk.row_counts()
    assert desk.sql("SELECT leaf_count FROM log_head") == counts["log_leaf"] > leaves
    assert desk.last_seq() == counts["event"]
    assert desk.sql('SELECT max("index") FROM log_leaf') == counts["log_leaf"] - 1
    for exchange in (desk.cast.b, desk.cast.c):
        by_request: dict[str, list[int]] = defaultdict(list)
        for event in desk.feed(exchange):
            if "leg_id" in event["data"]:
                by_request[event["data"]["request_id"]].append(event["data"]["sequence"])
        assert len(by_request) == 4
        for numbers in by_request.values():
            assert numbers == list(range(1, len(numbers) + 1))
    of_leg: dict[str, list[int]] = defaultdict(list)
    own: dict[str, list[int]] = defaultdict(list)
    for event in desk.feed(desk.cast.a):
        if "leg_id" in event["data"]:
            of_leg[event["data"]["leg_id"]].append(event["data"]["requester_sequence"])
        if "request_id" in event["data"] and "leg_id" not in event["data"]:
            own[event["data"]["request_id"]].append(event["data"]["sequence"])
    assert of_leg
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in of_leg.values())
    assert len(own) == 7
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in own.values())
