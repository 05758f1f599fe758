"""What the reference exchange does by its own rule, and what it leaves to a person."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.client.client import Client, Document
from holdfast.errors import UnavailableError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import FreezeRequest
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role
from holdfast.webhooks.receiver import Event
from reference_exchange.answering import answer
from reference_exchange.deposit_book import DepositBook, Payout
from reference_exchange.inbox import Inbox, Matter, Task
from reference_exchange.settling import settle
from reference_exchange.withdrawals import ProvenWithdrawals
from tests.partners.signed_world import ORIGIN, World, evidence_of, request_body
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.test_reference_exchange import (
    ETH,
    FRQ,
    NOW,
    PATH,
    THIEF,
    answer_acts,
    proven_notice,
    report_view,
)
from tests.partners.test_withdrawal_evidence import CONTENT, Case
from tests.partners.views import AT, SHA256, request_view

HOLD = "hld_00000000000000000000000001"
OTHER = "frq_00000000000000000000000002"
OTHER_ADDRESS = "eip155:1:0x83c7678492D623fb98834F0fbcb2E7b7f5Af8950"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[DepositBook]:
    book = DepositBook(tmp_path / "book.sqlite3")
    yield book
    book.close()


def task(account: str, request_id: str = FRQ) -> Task:
    body = request_body(addresses=[{"account": account}])
    request = FreezeRequest.model_validate(strict_json.loads(body))
    return Task(Document(request_id, SHA256), request, 0)


def frozen(book: DepositBook) -> None:
    """Have 10 of a customer's frozen for the request."""
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    (freeze,) = book.freeze(FRQ, book.match(task(THIEF).request.numbered()), NOW)
    book.note_hold(freeze, HOLD)


def hold_view(**members: Any) -> dict[str, Any]:
    return {
        "id": HOLD,
        "leg_id": "leg_1",
        "partner": "exchange-a.example",
        "address_no": 0,
        "asset": ETH,
        **dict.fromkeys(("released", "returned", "seized"), "0"),
        "frozen": "10",
        "held": "10",
        "basis": "voluntary",
        "frozen_at": AT,
        "hold_expires_at": "2026-01-05T00:00:00Z",
        **members,
    }


def shows(stub: StubCoordinator, **members: Any) -> None:
    stub.answers("GET", f"{PATH}/holds", {"items": [hold_view(**members)]})
    stub.answers("POST", f"{PATH}/freeze-reports", report_view(), status=201)


def told(kind: str) -> Matter:
    return Matter("evt_1", kind, Document(FRQ, SHA256), 0)


def sent_line(stub: StubCoordinator) -> dict[str, Any]:
    (line,) = strict_json.loads(stub.seen[-1].body)["lines"]
    return dict(line)


def posts(stub: StubCoordinator) -> list[str]:
    return [seen.target for seen in stub.seen if seen.method == "POST"]


def proven(request: Document, address_no: int) -> bool:
    """Say that the request's leads signed its withdrawal."""
    return (request.id, address_no) == (FRQ, 0)


def unproven(request: Document, address_no: int) -> bool:
    """Say that nothing proves that an address was taken back."""
    del request, address_no
    return False


# --- withdrawals -------------------------------------------------------------------------------


def test_what_is_taken_back_is_let_go_in_the_book_and_reported(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    frozen(book)
    shows(stub, owed_since=AT)
    settle(told("answer.owed"), book, client, NOW, proven)
    line = sent_line(stub)
    assert (line["kind"], line["amount"], line["reason"]) == ("released", "10", "withdrawn")
    assert book.totals()[ETH].held == 0


def test_what_nobody_provably_took_back_is_left_to_a_person(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    frozen(book)
    shows(stub, owed_since=AT)
    settle(told("answer.owed"), book, client, NOW, unproven)
    assert posts(stub) == []
    assert book.totals()[ETH].held == 10
    # What stays needs no proof.
    book.decide_to_keep("c1", ETH, 30)
    settle(told("answer.owed"), book, client, NOW, unproven)
    assert sent_line(stub)["kind"] == "kept"


@dataclass(slots=True)
class Asked:
    """A request that was proven to us, and what we are told of its withdrawal."""

    tmp_path: Path
    case: Case = field(default_factory=Case)
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.tmp_path / "inbox.sqlite3")
        event = Event("evt_1", "freeze_request.received", NOW, {"request_id": FRQ}, b"")
        notice = replace(
            proven_notice(),
            id=self.case.request_id,
            requester=self.case.world.handle,
            content_sha256=CONTENT,
        )
        self.inbox.put(event, notice)

    def told(
        self,
        evidence: list[dict[str, Any]],
        *,
        kind: str = "freeze_request.withdrawn",
        **changes: Any,
    ) -> None:
        data = {
            "request_id": self.case.request_id,
            "requester": self.case.world.handle,
            "content_sha256": CONTENT,
            "evidence": evidence,
            **changes,
        }
        event = Event(new_id("evt"), kind, NOW, data, b"")
        self.inbox.put(event, None)

    def covered(self) -> list[int]:
        """Return which of six addresses were provably taken back."""
        directory = KeyDirectory(self.case.world, ORIGIN)
        withdrawals = ProvenWithdrawals(self.inbox, directory, lambda _: self.case.stored)
        document = Document(self.case.request_id, CONTENT)
        return [number for number in range(6) if withdrawals.covers(document, number)]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    asked = Asked(tmp_path)
    yield asked
    asked.inbox.close()


def test_a_withdrawal_is_proven_address_by_address_and_adds_up(asked: Asked) -> None:
    case = asked.case
    assert asked.covered() == []
    asked.told([evidence_of("withdraw", case.withdrawal(case.lead), case.lead)])
    assert asked.covered() == [3, 5]
    asked.told([case.ratification(case.lead, (1,))])
    assert asked.covered() == [1, 3, 5]
    whole = case.withdrawal(case.lead, addresses="all")
    asked.told([evidence_of("withdraw", whole, case.lead)])
    assert asked.covered() == [0, 1, 2, 3, 4, 5]


def test_where_the_policy_says_two_nothing_is_let_go_without_the_second_lead(asked: Asked) -> None:
    asked.case.world.policy(withdrawal_quorum=2)
    case = asked.case
    asked.told([evidence_of("withdraw", case.withdrawal(case.lead), case.lead)])
    proposed, approved = case.by_two()
    asked.told([proposed])
    assert asked.covered() == []
    asked.told([proposed], kind="freeze_request.withdrawal_proposed")
    asked.told([proposed, approved], kind="freeze_request.withdrawal_refused", addresses=[3, 5])
    assert asked.covered() == []
    asked.told([proposed, approved])
    assert asked.covered() == [3, 5]


def test_nothing_is_let_go_on_what_nobody_signed_or_somebody_else(asked: Asked) -> None:
    case = asked.case
    good = [evidence_of("withdraw", case.withdrawal(case.lead), case.lead)]
    asked.told([])
    asked.told([good[0] | {"body": good[0]["body"].replace("[3,5]", "[0,5]")}])
    asked.told(good, content_sha256="cd" * 32)
    # Another member's lead, whose signature is as good as anybody's, about our request.
    other = World(handle="exchange-x.example")
    asked.told(good, requester=other.handle)
    asked.case.world, right = other, case.world
    lead = other.person(Role.SECURITY_LEAD)
    asked.told([evidence_of("withdraw", case.withdrawal(lead), lead)], requester=other.handle)
    assert asked.covered() == []
    asked.case.world = right
    asked.told(good)
    assert asked.covered() == [3, 5]


def test_a_release_that_could_not_be_reported_is_reported_the_next_time_with_its_amount(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    frozen(book)
    stub.answers("POST", f"{PATH}/freeze-reports", problem(500, "internal"), status=500)
    shows(stub, owed_since=AT)
    with pytest.raises(UnavailableError):
        settle(told("answer.owed"), book, client, NOW, proven)
    settle(told("answer.owed"), book, client, NOW, proven)
    first, second = (seen for seen in stub.seen if seen.method == "POST")
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert book.totals()[ETH].released == 10


def test_what_compliance_decided_to_keep_is_kept_by_own_policy(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    frozen(book)
    book.decide_to_keep("c1", ETH, 30)
    shows(stub, owed_since=AT)
    settle(told("answer.owed"), book, client, NOW, proven)
    line = sent_line(stub)
    assert (line["kind"], line["basis"]) == ("kept", "own_policy")
    assert line["hold_expires_at"] == "2026-02-01T03:04:05Z"
    assert book.totals()[ETH].held == 10


def test_what_another_request_asks_for_too_is_kept_for_that_one(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    frozen(book)
    book.record_deposit("c1", ETH, 1, OTHER_ADDRESS, "t2")
    book.withdraw("c1", ETH, 1)
    (match,) = book.match(task(OTHER_ADDRESS).request.numbered())
    assert [share.hold for share in book.share(OTHER, [match])] == [HOLD]
    shows(stub, owed_since=AT)
    settle(told("answer.owed"), book, client, NOW, proven)
    line = sent_line(stub)
    assert (line["basis"], line["other_request"]) == ("other_request", OTHER)


def test_nothing_is_let_go_where_book_and_coordinator_disagree(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    frozen(book)
    shows(stub, owed_since=AT, held="9")
    settle(told("answer.owed"), book, client, NOW, proven)
    assert posts(stub) == []
    assert book.totals()[ETH].held == 10


# --- ends of holds -----------------------------------------------------------------------------


def test_a_lapsed_hold_is_left_to_a_person(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    frozen(book)
    book.decide_to_keep("c1", ETH, 30)
    shows(stub, owed_since=AT, lapsed=True)
    settle(told("answer.owed"), book, client, NOW, proven)
    assert posts(stub) == []
    assert book.totals()[ETH].held == 10


@pytest.mark.parametrize(
    ("hours", "days", "is_extended"), [(23, 30, True), (71, 30, False), (23, 0, False)]
)
def test_a_hold_is_extended_on_its_last_day_and_only_where_compliance_decided_so(  # noqa: PLR0913 - fixtures and cases
    book: DepositBook,
    client: Client,
    stub: StubCoordinator,
    hours: int,
    days: int,
    *,
    is_extended: bool,
) -> None:
    frozen(book)
    if days:
        book.decide_to_keep("c1", ETH, days)
    shows(stub)
    extended = {
        "id": "act_1",
        "request_id": FRQ,
        "hold": HOLD,
        "hold_expires_at": AT,
        "basis": "own_policy",
        "status": "frozen",
    }
    stub.answers("POST", f"{PATH}/hold-extensions", extended, status=201)
    end = datetime(2026, 1, 5, tzinfo=UTC)
    settle(told("hold.expiring"), book, client, end - timedelta(hours=hours), unproven)
    assert posts(stub) == ([f"{PATH}/hold-extensions"] if is_extended else [])
    if is_extended:
        body = strict_json.loads(stub.seen[-1].body)
        assert (body["hold_expires_at"], body["basis"]) == ("2026-02-04T00:00:00Z", "own_policy")


# --- answering ---------------------------------------------------------------------------------


def test_funds_frozen_for_another_request_answer_this_one_too_and_count_once(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    frozen(book)
    book.record_deposit("c1", ETH, 1, OTHER_ADDRESS, "t2")
    book.withdraw("c1", ETH, 1)
    answer_path = f"/v1/freeze-requests/{OTHER}"
    stub.answers("GET", answer_path, request_view(id=OTHER))
    for name in ("acknowledgement", "review"):
        stub.answers(
            "POST", f"{answer_path}/{name}", {"id": "a", "request_id": OTHER, "status": "x"}
        )
    stub.answers("POST", f"{answer_path}/freeze-reports", report_view(HOLD), status=201)
    answer(task(OTHER_ADDRESS, OTHER), book, client, NOW)
    assert sent_line(stub) == {"kind": "frozen", "address_no": 0, "hold": HOLD}
    assert (book.totals()[ETH].frozen, book.totals()[ETH].held) == (10, 10)
    assert book.requests_of(HOLD) == [FRQ, OTHER]


def test_funds_that_left_for_a_known_place_moved_on(
    book: DepositBook, client: Client, stub: StubCoordinator
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    payout = Payout("exchange-c.example", OTHER_ADDRESS, "0xabc")
    book.withdraw("c1", ETH, 10, payout)
    answer_acts(stub)
    stub.answers("POST", f"{PATH}/freeze-reports", report_view(), status=201)
    answer(task(THIEF), book, client, NOW)
    line = sent_line(stub)
    assert (line["code"], line["next"]["service"]) == ("moved_on", "exchange-c.example")
    assert (line["next"]["account"], line["next"]["tx"]) == (OTHER_ADDRESS, "0xabc")


# --- the queue ---------------------------------------------------------------------------------


def test_a_matter_waits_for_its_request_and_is_dealt_with_once(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    notice = proven_notice()
    owed = Event("evt_2", "answer.owed", NOW, {"request_id": notice.id}, b"")
    inbox.put(owed, None)
    assert inbox.next_task(wait=0) is None  # nobody proved that request to us
    assert inbox.is_idle()
    inbox.put(
        Event("evt_1", "freeze_request.received", NOW, {"request_id": notice.id}, b""), notice
    )
    request = inbox.next_task(wait=0)
    assert isinstance(request, Task)
    inbox.finish(request)
    inbox.put(owed, None)  # a repeat makes no second matter
    matter = inbox.next_task(wait=0)
    assert isinstance(matter, Matter)
    assert (matter.type, matter.document.content_sha256) == ("answer.owed", notice.content_sha256)
    assert not inbox.is_idle()
    inbox.finish(matter)
    assert inbox.next_task(wait=0) is None
    assert inbox.is_idle()
    inbox.close()
