"""The reference exchange answers once, whatever breaks; the accounts notice a lie."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from holdfast.client.client import Client, Document
from holdfast.errors import ConflictError, UnavailableError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import Notice, prove_notice
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import FreezeRequest
from holdfast.protocol.remainder import read_asked, remainder_of
from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import ReleaseReason, Role
from holdfast.webhooks.receiver import Event
from reference_exchange.answering import UnratifiedError, answer, release, return_funds
from reference_exchange.deposit_book import DepositBook
from reference_exchange.inbox import Inbox, Task
from reference_exchange.scenarios.accounts import book_sums, stated_sums
from reference_exchange.scenarios.cast import Player
from reference_exchange.scenarios.script import Member, load_script
from tests.partners.signed_world import (
    ORIGIN,
    REQUESTS,
    World,
    context_hash_of,
    evidence_of,
    request_body,
    sign,
)
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import AT, SHA256, act_view, leg_view, request_view

ETH = "eip155:1/slip44:60"
THIEF = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
FRQ = "frq_00000000000000000000000001"
PATH = f"/v1/freeze-requests/{FRQ}"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[DepositBook]:
    book = DepositBook(tmp_path / "book.sqlite3")
    yield book
    book.close()


def task(*accounts: str, **members: Any) -> Task:
    flagged = [{"account": account} for account in accounts or (THIEF,)]
    body = request_body(addresses=flagged, **members)
    request = FreezeRequest.model_validate(strict_json.loads(body))
    return Task(Document(FRQ, SHA256), request, 0)


def report_view(*holds: str) -> dict[str, Any]:
    line = {
        "report_id": "rep_1",
        "leg_id": "leg_1",
        "partner": "exchange-a.example",
        "kind": "frozen",
        "reported_at": AT,
    }
    lines = [{**line, "id": f"lin_{hold}", "hold": hold} for hold in holds]
    return {"id": "rep_1", "request_id": FRQ, "leg": leg_view(), "lines": lines}


def answer_acts(stub: StubCoordinator) -> None:
    stub.answers("GET", PATH, request_view(id=FRQ))
    for name in ("acknowledgement", "review", "decline"):
        stub.answers("POST", f"{PATH}/{name}", act_view(), status=201)


def acts(stub: StubCoordinator) -> list[str]:
    return [seen.target.rpartition("/")[2] for seen in stub.seen if seen.method == "POST"]


def test_of_a_drill_it_says_what_it_would_have_found_and_freezes_nothing(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.record_deposit("c2", ETH, 5, THIEF, "t2")
    answer_acts(stub)
    stub.answers("POST", f"{PATH}/freeze-reports", report_view(), status=201)
    answer(task(THIEF, "eip155:1:0x1", drill=True), book, client, NOW)
    assert acts(stub) == ["acknowledgement", "review", "freeze-reports"]
    reported = strict_json.loads(stub.seen[-1].body)["lines"]
    assert reported == [
        {"kind": "found", "address_no": 0, "asset": ETH, "amount": "15"},
        {"kind": "nothing", "address_nos": "rest"},
    ]
    assert book.freezes() == []
    assert book.totals() == {}
    (match, _) = book.match(task(THIEF).request.numbered())
    assert match.freezable == 10


def test_a_match_is_frozen_first_then_reported_and_its_hold_remembered(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.lock("c1", ETH, 4)
    answer_acts(stub)
    stub.answers("POST", f"{PATH}/freeze-reports", report_view("hld_1"), status=201)
    answer(task(THIEF, "eip155:1:0x1"), book, client, NOW)
    assert acts(stub) == ["acknowledgement", "review", "freeze-reports"]
    found, frozen, nothing = strict_json.loads(stub.seen[-1].body)["lines"]
    assert (found["amount"], frozen["amount"], nothing["address_nos"]) == ("10", "6", "rest")
    assert book.freezes(FRQ)[0].hold == "hld_1"
    assert "c1" not in stub.seen[-1].body.decode()


def test_amounts_that_may_not_be_told_are_withheld_and_the_freeze_is_reported(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.record_deposit("c2", ETH, 5, THIEF, "t2")
    answer_acts(stub)
    fault = {"pointer": "/lines/0/amount", "detail": "must be null", "code": "no_shared_gateway"}
    refusal = problem(409, "ledger_breach", errors=[fault])
    stub.answers("POST", f"{PATH}/freeze-reports", refusal, status=409)
    stub.answers("POST", f"{PATH}/freeze-reports", report_view("hld_1", "hld_2"), status=201)
    answer(task(THIEF), book, client, NOW)
    told, untold = [each for each in stub.seen if each.target.endswith("/freeze-reports")]
    assert told.headers["Idempotency-Key"] != untold.headers["Idempotency-Key"]
    lines = strict_json.loads(untold.body)["lines"]
    assert [line["kind"] for line in lines] == ["found", "frozen", "frozen"]
    assert {line["amount"] for line in lines} == {None}
    assert [freeze.hold for freeze in book.freezes(FRQ)] == ["hld_1", "hld_2"]
    assert sum(freeze.amount for freeze in book.freezes(FRQ)) == 15


def test_another_refusal_of_a_report_is_told(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    answer_acts(stub)
    stub.answers("POST", f"{PATH}/freeze-reports", problem(409, "ledger_breach"), status=409)
    with pytest.raises(ConflictError):
        answer(task(THIEF), book, client, NOW)
    assert acts(stub).count("freeze-reports") == 1


def test_no_match_and_funds_gone_are_told_apart(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    answer_acts(stub)
    stub.answers("POST", f"{PATH}/freeze-reports", report_view(), status=201)
    answer(task(), book, client, NOW)
    assert acts(stub)[-1] == "freeze-reports"
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.withdraw("c1", ETH, 10)
    answer(task(), book, client, NOW)
    assert acts(stub)[-1] == "decline"
    assert strict_json.loads(stub.seen[-1].body)["code"] == "funds_gone"


def test_what_the_approval_left_out_is_neither_frozen_nor_answered(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    asked = task("eip155:1:0x1", THIEF, "eip155:1:0x2")
    document = asked.request.model_dump(mode="json", exclude_unset=True)
    cut = strict_json.loads(remainder_of(document, [0]))
    answer_acts(stub)
    stub.answers("POST", f"{PATH}/freeze-reports", report_view("hld_1"), status=201)
    answer(replace(asked, request=read_asked(cut)), book, client, NOW)
    found, _, nothing = strict_json.loads(stub.seen[-1].body)["lines"]
    assert (found["address_no"], nothing["address_nos"]) == (1, "rest")
    cut["addresses"][2] = None
    answer(replace(asked, request=read_asked(cut)), book, client, NOW)
    assert [line["kind"] for line in strict_json.loads(stub.seen[-1].body)["lines"]] == [
        "found",
        "frozen",
    ]


def test_a_request_that_nobody_ratified_waits_and_is_frozen_once_it_is_ratified(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    answer_acts(stub)
    stub.forget("GET", PATH)
    stub.answers("GET", PATH, request_view(id=FRQ, unratified=True, unratified_until=AT))
    with pytest.raises(UnratifiedError):
        answer(task(), book, client, NOW)
    assert (acts(stub), list(book.freezes(FRQ))) == ([], [])
    stub.forget("GET", PATH)
    stub.answers("GET", PATH, request_view(id=FRQ))
    stub.answers("POST", f"{PATH}/freeze-reports", report_view("hld_1"), status=201)
    answer(task(), book, client, NOW)
    assert [freeze.hold for freeze in book.freezes(FRQ)] == ["hld_1"]


def _address(number: int, account: str, **members: Any) -> dict[str, Any]:
    return {"address_no": number, "account": account, "canonical": account, **members}


@pytest.mark.parametrize("left", [0, 1])
def test_addresses_that_were_withdrawn_before_are_neither_frozen_nor_answered(
    book: DepositBook, client: Client, stub: StubCoordinator, left: int
) -> None:
    accounts = [THIEF, "eip155:1:0x83c7678492D623fb98834F0fbcb2E7b7f5Af8950"]
    book.record_deposit("c1", ETH, 10, accounts[0], "t1")
    book.record_deposit("c1", ETH, 5, accounts[1], "t2")
    book.withdraw("c1", ETH, 5)
    answer_acts(stub)
    stub.forget("GET", PATH)
    stub.answers("GET", PATH, request_view(id=FRQ, withdrawn_count=2))
    shown = [
        _address(n, accounts[n % 2], withdrawn_at=None if n in {left, 3} else AT) for n in range(4)
    ]
    stub.answers("GET", f"{PATH}/addresses", {"items": shown, "next_cursor": None})
    stub.answers("POST", f"{PATH}/freeze-reports", report_view("hld_1"), status=201)
    answer(task(*accounts, "eip155:1:0x1", "eip155:1:0x2"), book, client, NOW)
    amount = ("10", "5")[left]
    [frozen] = book.freezes(FRQ)
    assert (frozen.address_no, str(frozen.amount)) == (left, amount)
    lines = strict_json.loads(stub.seen[-1].body)["lines"]
    assert [line.get("address_no", line.get("address_nos")) for line in lines] == [left, left, [3]]


def test_what_is_asked_is_frozen_though_nobody_can_say_what_was_withdrawn(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    answer_acts(stub)
    stub.forget("GET", PATH)
    stub.answers("GET", PATH, problem(503, "unavailable"), status=503)
    stub.answers("POST", f"{PATH}/freeze-reports", report_view("hld_1"), status=201)
    answer(task(), book, client, NOW)
    assert book.totals()[ETH].held == 10


def test_an_answer_repeated_after_a_crash_is_the_same_answer(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    answer_acts(stub)
    stub.answers("POST", f"{PATH}/freeze-reports", problem(500, "internal"), status=500)
    stub.answers("POST", f"{PATH}/freeze-reports", report_view("hld_1"), status=201)
    with pytest.raises(UnavailableError):
        answer(task(), book, client, NOW)
    later = datetime(2026, 1, 3, tzinfo=UTC)
    answer(task(), book, client, later)
    first, second = (seen for seen in stub.seen if seen.target.endswith("freeze-reports"))
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert book.totals()[ETH].held == 10


def test_what_an_officer_ends_is_booked_and_reported(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    (freeze,) = book.freeze(FRQ, book.match(task().request.numbered()), NOW)
    book.note_hold(freeze, "hld_00000000000000000000000001")
    stub.answers("GET", PATH, request_view(id=FRQ))
    stub.answers("POST", f"{PATH}/freeze-reports", report_view(), status=201)
    release(book, client, "hld_00000000000000000000000001", ReleaseReason.FALSE_POSITIVE)
    (line,) = strict_json.loads(stub.seen[-1].body)["lines"]
    assert (line["kind"], line["amount"], line["reason"]) == ("released", "10", "false_positive")
    with pytest.raises(ValueError, match="no hold"):
        return_funds(book, client, "hld_2", "0xabc")


def proven_notice() -> Notice:
    world = World()
    analyst, lead = world.person(Role.ANALYST), world.person(Role.SECURITY_LEAD)
    submitted = sign(analyst, REQUESTS, request_body())
    content = sha256(submitted.body).hexdigest()
    context = context_hash_of(FRQ, submitted.body)
    approval = f'{{"content_sha256":"{content}","context_sha256":"{context}","decision":"approve"}}'
    approved = sign(lead, f"{REQUESTS}/{FRQ}/approvals", approval.encode())
    data = {
        "request_id": FRQ,
        "requester": world.handle,
        "content_sha256": content,
        "evidence": evidence_of("submit", submitted, analyst),
        "approvals": [evidence_of("approve", approved, lead)],
    }
    directory = KeyDirectory(world, ORIGIN)
    return prove_notice(data, directory=directory, handle="exchange-b.example", fetch=lambda _: [])


def test_the_inbox_keeps_a_task_over_a_restart_until_it_is_finished(tmp_path: Path) -> None:
    event = Event("evt_1", "freeze_request.received", NOW, {"request_id": FRQ}, b"")
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    inbox.put(event, proven_notice())
    inbox.put(event, proven_notice())  # a repeat makes no second task
    inbox.close()
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    waiting = inbox.next_task(wait=0)
    assert isinstance(waiting, Task)
    assert waiting.document.id == FRQ
    inbox.postpone(waiting)
    assert inbox.next_task(wait=0) is None  # not yet due again
    inbox.finish(waiting)
    assert inbox.received_at("freeze_request.received", FRQ) is not None
    assert inbox.received_at("freeze_request.received", "frq_2") is None
    inbox.close()


def test_the_accounts_notice_when_totals_and_books_differ(
    book: DepositBook, tmp_path: Path
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.freeze(FRQ, book.match(task().request.numbered()), NOW)
    player = Player(Member(handle="exchange-b.example", name="B"), tmp_path)

    def view(held: str) -> FreezeRequestView:
        totals = {ETH: {"found": "10", "frozen": "10", "held": held}}
        return FreezeRequestView.model_validate(request_view(totals=totals))

    assert stated_sums([view("10")]) == book_sums([player])
    assert stated_sums([view("9")]) != book_sums([player])


def test_the_script_holds_51_addresses_and_names_what_is_invented() -> None:
    script = load_script()
    assert len(set(script.addresses.list)) == 51
    document = strict_json.loads(script.document(script.request, script.incident))
    assert FreezeRequest.model_validate(document).to == script.request.to
    text = (Path(load_script.__code__.co_filename).parent / "bybit.toml").read_text()
    assert text.count("INVENTED") == 1 + sum(len(m.deposits) for m in script.exchanges)
