"""The reference exchange answers recovery requests: by its own book, back to whoever sent it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast.client.client import Client
from holdfast.errors import UnavailableError
from holdfast.protocol import strict_json
from holdfast.webhooks.receiver import Event
from reference_exchange.deposit_book import DepositBook, Stray
from reference_exchange.inbox import Inbox, Recovery
from reference_exchange.misplaced import Misplaced, invented_payment
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.test_reference_exchange import ETH, NOW, THIEF
from tests.partners.views import AT, SHA256

RCV = "rcv_00000000000000000000000001"
PATH = f"/v1/recovery-requests/{RCV}"
OURS = "eip155:1:0x83c7678492D623fb98834F0fbcb2E7b7f5Af8950"
SENDER, TX = THIEF, "0x" + "ab" * 32


def deposit(**members: Any) -> dict[str, Any]:
    return {
        "no": 0,
        "status": "open",
        "account": OURS,
        "asset": ETH,
        "amount": "10",
        "tx": TX,
        "sent_from": SENDER,
        "return_to": SENDER,
        "mistake": "wrong_exchange",
        "fee_accepted": "2",
        **members,
    }


@dataclass(slots=True)
class Desk:
    """What is asked of us, and what we paid."""

    stub: StubCoordinator
    client: Client
    book: DepositBook
    paid: list[tuple[str, int, str]] = field(default_factory=list)

    def shows(self, *deposits: dict[str, Any], drill: bool = False) -> None:
        """Script a recovery request: what is open, then what is found."""
        self.stub.forget_all()
        view = {
            "id": RCV,
            "requester": "exchange-b.example",
            "partner": self.client.profile.handle,
            "status": "open",
            "drill": drill,
            "content_sha256": SHA256,
            "submitted_at": AT,
            "deposit_count": len(deposits),
            "deposits": {},
            "awaits_partner": len(deposits),
            "awaits_requester": 0,
        }
        found = [each for each in deposits if each["status"] == "found"]
        self.stub.answers("GET", PATH, view)
        self.stub.answers("GET", f"{PATH}/deposits", {"items": list(deposits)})
        self.stub.answers("GET", f"{PATH}/deposits?status=found", {"items": found})
        result = {name: view[name] for name in ("id", "status", "drill", "deposits")}
        counts = {"act_id": "act_1", "awaits_partner": 0, "awaits_requester": 0}
        self.stub.answers("POST", f"{PATH}/answers", result | counts, status=201)

    def settle(self, fee: int = 1) -> None:
        """Let the exchange do what it does by itself."""

        def pay(payment: str, asset: str, amount: int, to: str) -> str:
            self.paid.append((payment, amount, to))
            return invented_payment(payment, asset, amount, to)

        Misplaced(self.book, self.client, {ETH: fee}, pay).settle(RCV)

    def said(self) -> list[dict[str, Any]]:
        """Return the lines that we sent, all of them."""
        posts = [seen for seen in self.stub.seen if seen.method == "POST"]
        return [dict(line) for seen in posts for line in strict_json.loads(seen.body)["lines"]]


@pytest.fixture
def desk(stub: StubCoordinator, client: Client, tmp_path: Path) -> Iterator[Desk]:
    book = DepositBook(tmp_path / "book.sqlite3")
    yield Desk(stub, client, book)
    book.close()


def test_what_came_by_mistake_is_found_and_goes_back_to_its_sender(desk: Desk) -> None:
    desk.book.record_stray(Stray(ETH, 10, SENDER, is_credited=False), OURS, TX)
    desk.shows(deposit())
    desk.settle()
    [found] = desk.said()
    assert (found["kind"], found["amount"], found["fee"]) == ("found", "10", "1")
    assert found["sent_from"] == SENDER
    desk.shows(deposit(status="found", found_amount="10", fee="1"))
    desk.settle()
    _, returned = desk.said()
    assert (returned["kind"], returned["amount"], returned["fee"]) == ("returned", "9", "1")
    assert desk.paid == [(f"{RCV}.0", 9, SENDER)]


def test_a_crash_repeats_the_same_act_under_the_same_key_and_payment(desk: Desk) -> None:
    desk.shows(deposit(status="found", found_amount="10", fee="1"))
    desk.stub.forget("POST", f"{PATH}/answers")
    desk.stub.answers("POST", f"{PATH}/answers", problem(503, "unavailable"), status=503)
    with pytest.raises(UnavailableError):
        desk.settle()
    desk.shows(deposit(status="found", found_amount="10", fee="1"))
    desk.settle()
    posts = [seen for seen in desk.stub.seen if seen.method == "POST"]
    assert len({(seen.headers["Idempotency-Key"], seen.body) for seen in posts}) == 1
    assert len(set(desk.paid)) == 1


@pytest.mark.parametrize(
    ("stray", "asked", "fee", "says"),
    [
        (None, {}, 1, ("not_found", None)),
        (Stray("eip155:1/slip44:61", 10, SENDER, is_credited=False), {}, 1, ("not_found", None)),
        (Stray(ETH, 10, SENDER, is_credited=True), {}, 1, ("declined", "credited_and_spent")),
        (Stray(ETH, 10, SENDER, is_credited=False), {}, 10, ("declined", "uneconomic")),
        (Stray(ETH, 10, SENDER, is_credited=False), {}, 3, ("needs", None)),
        (Stray(ETH, 10, OURS, is_credited=False), {}, 1, None),
        (Stray(ETH, 10, SENDER, is_credited=False), {"return_to": OURS}, 1, None),
    ],
)
def test_what_does_not_go_back_is_told_by_its_code_or_left_to_a_person(
    desk: Desk,
    stray: Stray | None,
    asked: dict[str, Any],
    fee: int,
    says: tuple[str, str | None] | None,
) -> None:
    if stray is not None:
        desk.book.record_stray(stray, OURS, TX)
    desk.shows(deposit(**asked))
    desk.settle(fee)
    said = [(line["kind"], line.get("code")) for line in desk.said()]
    assert said == ([] if says is None else [says])
    assert desk.paid == []


def test_what_two_ask_for_is_given_to_the_first_and_a_drill_moves_nothing(desk: Desk) -> None:
    desk.book.record_stray(Stray(ETH, 10, SENDER, is_credited=False), OURS, TX)
    desk.shows(deposit(), deposit(no=1, status="found", found_amount="10", fee="0"), drill=True)
    desk.settle()
    assert [line["kind"] for line in desk.said()] == ["found"]
    assert desk.book.give_stray(OURS, TX, "another")
    desk.shows(deposit())
    desk.settle()
    assert (desk.said()[-1]["code"], desk.paid) == ("cannot_say", [])


def test_it_waits_in_the_inbox_until_it_is_dealt_with(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    inbox.put(Event("evt_1", "recovery.received", NOW, {"recovery_id": RCV}, b""), None)
    due = inbox.next_task(0)
    assert due == Recovery("evt_1", RCV, 0)
    assert not inbox.is_idle()
    inbox.postpone(due)
    assert inbox.next_task(0) is None
    inbox.finish(due)
    assert inbox.is_idle()
    inbox.close()
