"""What the pages of a request say of who answered, who owes, and who was never reached."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from coordinator.dispatcher.timers import all_timers
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.requests.legs import MarkLegsDelivered
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol.vocabulary import Arrival
from tests.api.acts import approve, fresh_account, report_frozen, submit
from tests.conftest import World
from tests.console.test_draft_pages import policy
from tests.console.visiting import Visitor, signed_in
from tests.factories import ETHER, Cast, Exchange, Member, Signer
from tests.rulebook import RULEBOOK, command_context

_ADDRESSES = 3


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The words are the same on both databases."""
    return sqlite_world


def _act(
    signer: Signer, member: Member, request: dict[str, Any], name: str, **members: Any
) -> dict[str, Any]:
    body = {"content_sha256": request["content_sha256"], **members}
    answer = signer.post(member, f"/v1/freeze-requests/{request['id']}/{name}", body)
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def _nothing(signer: Signer, exchange: Exchange, request: dict[str, Any], code: str) -> None:
    line = {"kind": "nothing", "address_nos": list(range(_ADDRESSES)), "code": code}
    _act(signer, exchange.compliance, request, "freeze-reports", lines=[line])


@pytest.fixture
def asked(signer: Signer, cast: Cast) -> dict[str, Any]:
    """A request for three addresses to B, C and D, approved: nothing was delivered."""
    addresses = [
        {"account": fresh_account(), "asset": ETHER, "amount": str(10**18)}
        for _ in range(_ADDRESSES)
    ]
    request = submit(signer, cast, addresses=addresses)
    approve(signer, cast, request)
    return request


def _text(visitor: Visitor, request: dict[str, Any], tab: str = "") -> str:
    """Return a tab's main part as one reads it."""
    page = visitor.get(f"/console/requests/{request['id']}{tab}")
    assert page.status_code == 200, page.text
    return _words(page.text)


def _words(page: str) -> str:
    main = page[page.index("<main") :]
    plain = html.unescape(re.sub(r"<[^>]+>", " ", main)).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s+", " ", plain)


# ---- who owes an answer --------------------------------------------------------------------------


def test_whoever_froze_something_still_owes_the_rest(
    app: Flask, signer: Signer, cast: Cast, asked: dict[str, Any]
) -> None:
    report_frozen(signer, cast.b, asked)
    ours = signed_in(app, cast.a.lead)
    text = _text(ours, asked)
    assert "2 partners have not answered, 1 in part ." in text
    assert re.search(r"exchange-b.example .{0,60} Answers the rest within \d", text), text
    owed = _text(ours, asked, "/owed")
    assert "exchange-b.example : An answer for the rest of the addresses" in owed
    assert "to answer the rest" in owed
    theirs = signed_in(app, cast.b.lead)
    text = _text(theirs, asked)
    assert "They wait for the rest of your answer ." in text
    assert re.search(r"Answer the rest within \d", text), text
    owed = _text(theirs, asked, "/owed")
    assert "Nobody owes an answer" not in owed
    assert "An answer for the rest of the addresses" in owed


def test_whoever_found_something_has_answered_in_part(
    app: Flask, signer: Signer, cast: Cast, asked: dict[str, Any]
) -> None:
    found = {"kind": "found", "address_no": 0, "asset": ETHER, "amount": "700"}
    _act(signer, cast.b.compliance, asked, "freeze-reports", lines=[found])
    text = _text(signed_in(app, cast.a.lead), asked)
    assert "2 partners have not answered, 1 in part ." in text


def test_whoever_answered_for_every_address_owes_nothing(
    app: Flask, signer: Signer, cast: Cast, asked: dict[str, Any]
) -> None:
    report_frozen(signer, cast.b, asked)
    rest = {"kind": "nothing", "address_nos": [1, 2], "code": "no_match"}
    _act(signer, cast.b.compliance, asked, "freeze-reports", lines=[rest])
    for exchange in (cast.c, cast.d):
        _nothing(signer, exchange, asked, "no_match")
    for member in (cast.a.lead, cast.b.lead):
        assert "Nobody owes an answer here" in _text(signed_in(app, member), asked, "/owed")
    text = _text(signed_in(app, cast.a.lead), asked)
    assert "answered in part" not in text
    assert "the rest" not in text


def test_a_partner_that_no_notice_reached_is_not_blamed(
    app: Flask, cast: Cast, clock: SteppedClock, asked: dict[str, Any]
) -> None:
    clock.step(timedelta(hours=9))
    ours = signed_in(app, cast.a.lead)
    text = _text(ours, asked)
    assert text.count("Not reached yet, for 9 h") == len(asked["to"]), text
    assert "Not acknowledged" not in text
    owed = _text(ours, asked, "/owed")
    assert "exchange-b.example : Not reached yet, for 9 h" in owed
    assert "To acknowledge" not in owed
    _fire_due(app, clock)
    text = _text(ours, asked)
    assert "; 3 not reached ." in text
    assert "late" not in re.sub(r"Late|related", "", text)
    told = _text(ours, asked, "/timeline")
    assert "exchange-b.example was not reached in time" in told
    assert "did not acknowledge" not in told


def test_a_partner_that_had_the_notice_is_late(
    app: Flask, cast: Cast, clock: SteppedClock, asked: dict[str, Any]
) -> None:
    context = app.extensions["holdfast"]
    with context.database.engine.connect() as connection:
        legs = set(connection.scalars(select(LegRow.id).where(LegRow.partner == cast.b.handle)))
    _own(app, clock, MarkLegsDelivered(leg_ids=frozenset(legs), arrival=Arrival.FEED))
    clock.step(timedelta(hours=9))
    _fire_due(app, clock)
    ours = signed_in(app, cast.a.lead)
    assert "; 1 late, 2 not reached ." in _text(ours, asked)
    told = _text(ours, asked, "/timeline")
    assert "exchange-b.example did not acknowledge in time" in told
    assert "exchange-c.example was not reached in time" in told


def _own(app: Flask, clock: SteppedClock, command: object) -> None:
    """Carry out one of the coordinator's own commands."""
    context = app.extensions["holdfast"]
    with transaction(command_context(context.database, context.vault, clock)) as uow:
        uow.finish(execute(command, COORDINATOR, uow))


def _fire_due(app: Flask, clock: SteppedClock) -> None:
    for timer in all_timers(RULEBOOK.policies):
        with app.extensions["holdfast"].database.engine.connect() as connection:
            due = timer.find(connection, clock.now(), 1000)
        for item in due:
            _own(app, clock, timer.command(item))


# ---- who did what --------------------------------------------------------------------------------


def test_the_requester_asks_and_a_decline_says_why(
    app: Flask, signer: Signer, cast: Cast, asked: dict[str, Any]
) -> None:
    _nothing(signer, cast.b, asked, "unsupported_asset")
    theirs = signed_in(app, cast.b.lead)
    for page in (_text(theirs, asked, "/timeline"), _words(theirs.get("/console").text)):
        assert "exchange-b.example asked you to freeze" not in page
        assert "exchange-b.example declined: does not support the asset" in page
    assert "exchange-a.example asked you to freeze" in _text(theirs, asked, "/timeline")


# ---- the sum, and the acts -----------------------------------------------------------------------


def test_what_nobody_found_is_not_lost_while_answers_are_still_to_come(
    app: Flask, signer: Signer, cast: Cast, asked: dict[str, Any]
) -> None:
    report_frozen(signer, cast.b, asked)
    ours = signed_in(app, cast.a.lead)
    text = _text(ours, asked)
    assert "No answer yet" in text
    assert "3 partners still to answer" in text
    assert "Not found" not in text
    rest = {"kind": "nothing", "address_nos": [1, 2], "code": "no_match"}
    _act(signer, cast.b.compliance, asked, "freeze-reports", lines=[rest])
    for exchange in (cast.c, cast.d):
        _nothing(signer, exchange, asked, "no_match")
    text = _text(ours, asked)
    assert "Not found" in text
    assert "No answer yet" not in text


def test_whoever_may_ratify_reads_so_first_and_finds_the_rest_behind_more(
    app: Flask, signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    policy(app, cast, may_flash=[cast.a.analyst.subject])
    request = submit(signer, cast, urgency="flash", addresses=[{"account": fresh_account()}])
    assert request["provisional"]
    clock.step(timedelta(minutes=20))
    page = signed_in(app, cast.a.lead).get(f"/console/requests/{request['id']}").text
    head = page[page.index('<header class="head"') :]
    head = head[: head.index("</header>")]
    shown, _, folded = head.partition("<details")
    assert re.search(r"Ratify or reject, [0-9]+ min", _words("<main" + shown))
    assert shown.count("<a ") == 1
    assert "More" in folded
    assert "Withdraw" in folded


def test_where_no_act_is_first_all_stand_side_by_side(
    app: Flask, cast: Cast, asked: dict[str, Any]
) -> None:
    page = signed_in(app, cast.a.lead).get(f"/console/requests/{asked['id']}").text
    head = page[page.index('<header class="head"') : page.index("</header>", page.index("<h1"))]
    assert "Withdraw" in head
    assert "<details" not in head


# ---- the money -----------------------------------------------------------------------------------


def test_what_can_still_leave_is_said_where_only_a_part_is_held(
    app: Flask, signer: Signer, cast: Cast, asked: dict[str, Any]
) -> None:
    found = {"kind": "found", "address_no": 0, "asset": ETHER, "amount": str(10**18)}
    frozen = {
        **found,
        "kind": "frozen",
        "amount": str(655 * 10**15),
        "frozen_at": "2026-03-02T12:00:00Z",
        "hold_expires_at": "2026-03-05T12:00:00Z",
        "basis": "voluntary",
    }
    _act(signer, cast.b.compliance, asked, "freeze-reports", lines=[found, frozen])
    page = signed_in(app, cast.a.lead).get(f"/console/requests/{asked['id']}/money").text
    assert "Partly held; 0.345 ETH can still leave" in _words(page)
    key = page[page.index('<ul class="key">') :]
    key = key[: key.index("</ul>")]
    assert "Found, not frozen" in key
    assert "Moved on" not in key
    assert "Went back" not in key


@pytest.mark.parametrize("tab", ["/addresses", "/money"])
def test_one_refusal_of_every_address_is_said_once(
    app: Flask, signer: Signer, cast: Cast, asked: dict[str, Any], tab: str
) -> None:
    _nothing(signer, cast.b, asked, "unsupported_asset")
    report_frozen(signer, cast.c, asked)
    text = _text(signed_in(app, cast.a.lead), asked, tab)
    assert "exchange-b.example : all 3, does not support the asset" in text
    assert text.count("oes not support the asset") == 1
    assert "exchange-c.example" in text


@pytest.mark.parametrize("tab", ["/addresses", "/money"])
def test_what_is_said_of_some_addresses_stands_beside_each(
    app: Flask, signer: Signer, cast: Cast, asked: dict[str, Any], tab: str
) -> None:
    line = {"kind": "nothing", "address_nos": [0, 1], "code": "unsupported_asset"}
    _act(signer, cast.b.compliance, asked, "freeze-reports", lines=[line])
    text = _text(signed_in(app, cast.a.lead), asked, tab)
    assert text.count("Does not support the asset") == 2
    assert "all 3" not in text
