"""The reference exchange answers return requests: proven, by its book, once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from holdfast.client.client import Client, Document
from holdfast.errors import UnavailableError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.return_payloads import ReturnAsk, ReturnDecision, ReturnDestination
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Role
from holdfast.webhooks.receiver import Event
from reference_exchange.deposit_book import DepositBook
from reference_exchange.giving_back import GivingBack, ProvenReturns, invented_payment
from reference_exchange.inbox import Inbox
from tests.partners.signed_world import ORIGIN, REQUESTS, World, evidence_view, sign
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.test_reference_exchange import (
    ETH,
    FRQ,
    NOW,
    PATH,
    proven_notice,
    report_view,
)
from tests.partners.test_reference_exchange_life_cycle import HOLD, frozen, hold_view
from tests.partners.views import AT

CONTENT = "ef" * 32
ACCOUNT = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


@dataclass(slots=True)
class Desk:
    """A request on which we hold 10, and what A's people sign to have it back."""

    stub: StubCoordinator
    client: Client
    book: DepositBook
    inbox: Inbox
    world: World = field(default_factory=World)
    evidence: list[EvidenceView] = field(default_factory=list)
    paid: list[tuple[str, int]] = field(default_factory=list)
    officer: Profile = field(init=False)
    lead: Profile = field(init=False)
    ask_id: str = field(default_factory=lambda: new_id("ret"))
    view: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.officer = self.world.person(Role.COMPLIANCE)
        self.lead = self.world.person(Role.SECURITY_LEAD)
        frozen(self.book)
        notice = replace(
            proven_notice(), id=FRQ, requester=self.world.handle, content_sha256=CONTENT
        )
        self.inbox.put(
            Event("evt_1", "freeze_request.received", NOW, {"request_id": FRQ}, b""), notice
        )

    def asked(
        self, amount: str = "all", *, by: Profile | None = None, decision: str = "approve"
    ) -> None:
        """Have A's officer ask for it, and A's lead (or `by`) decide."""
        ask = ReturnAsk.model_validate(
            {
                "content_sha256": CONTENT,
                "to": "exchange-b.example",
                "holds": "all",
                "asset": ETH,
                "amount": amount,
                "destination": {"id": new_id("dst"), "account": ACCOUNT},
                "basis": {"kind": "own_error", "reason": "A digit was wrong."},
            }
        )
        path = f"{REQUESTS}/{FRQ}/return-requests"
        asked = sign(self.officer, path, ask)
        digest = sha256(asked.body).hexdigest()
        said = ReturnDecision.model_validate(
            {"content_sha256": CONTENT, "act_sha256": digest, "decision": decision}
        )
        who = by or self.lead
        decided = sign(who, f"{path}/{self.ask_id}/approvals", said)
        self.evidence[:] = [
            evidence_view("ask_return", asked, self.officer),
            evidence_view("approve_return", decided, who),
        ]
        self.view = {
            "id": self.ask_id,
            "request_id": FRQ,
            "leg_id": "leg_1",
            "requester": self.world.handle,
            "partner": "exchange-b.example",
            "return_status": "open",
            "act_id": self.evidence[0].act_id,
            "act_sha256": digest,
            "holds": "all",
            "asset": ETH,
            "amount": amount,
            "destination": None,
            "basis": None,
            "asked_by": self.officer.subject,
            "asked_at": AT,
            "decide_by": AT,
            **dict.fromkeys(
                (
                    *("decided_by", "decided_at", "answer_by", "answered_at", "answer_act_id"),
                    *("code", "suspended_at", "suspended_because", "receipt_act_id", "ended_at"),
                )
            ),
            "decided_act_id": self.evidence[1].act_id,
            "parts": [],
            "accepted": "0",
            "sent": "0",
            "drill": False,
        }

    def shows(self, *claims: dict[str, Any], **hold: Any) -> None:
        """Script what the coordinator shows and takes."""
        self.stub.forget_all()
        self.stub.answers("GET", f"{PATH}/return-requests", {"items": [self.view]})
        self.stub.answers("GET", f"{PATH}/holds", {"items": [hold_view(**hold)]})
        self.stub.answers("GET", f"{PATH}/encumbrances", {"items": list(claims)})
        answered = self.view | {"return_status": "accepted"}
        answer = f"{PATH}/return-requests/{self.ask_id}/answer"
        self.stub.answers("POST", answer, answered, status=201)
        self.stub.answers("POST", f"{PATH}/freeze-reports", report_view(), status=201)

    def settle(self) -> None:
        """Let the exchange do what it does by itself."""

        def pay(payment: str, asset: str, amount: int, to: ReturnDestination) -> str:
            assert (asset, to.account) == (ETH, ACCOUNT)
            self.paid.append((payment, amount))
            return invented_payment(payment, asset, amount, to)

        directory = KeyDirectory(self.world, ORIGIN)
        proven = ProvenReturns(self.inbox, directory, lambda _: self.evidence)
        GivingBack(self.book, self.client, proven, pay).settle(Document(FRQ, CONTENT))

    def sent(self, name: str) -> list[dict[str, Any]]:
        """Return the bodies of the acts of a name."""
        return [
            dict(strict_json.loads(seen.body))
            for seen in self.stub.seen
            if seen.method == "POST" and seen.target.endswith(name)
        ]


def _claim(**changes: Any) -> dict[str, Any]:
    return {
        "id": "enc_1",
        "request_id": FRQ,
        "partner": "exchange-b.example",
        "act_id": "act_1",
        "kind": "injunction",
        "hold": HOLD,
        "blocks": ["return"],
        "order_sha256": "ab" * 32,
        "attached_at": AT,
        "encumbrance_status": "standing",
        **changes,
    }


@pytest.fixture
def desk(stub: StubCoordinator, client: Client, tmp_path: Path) -> Iterator[Desk]:
    book, inbox = DepositBook(tmp_path / "book.sqlite3"), Inbox(tmp_path / "inbox.sqlite3")
    yield Desk(stub, client, book, inbox)
    book.close()
    inbox.close()


@pytest.mark.parametrize(("amount", "sent"), [("all", "10"), ("4", "4"), ("11", "10")])
def test_what_is_held_is_promised_paid_and_reported(desk: Desk, amount: str, sent: str) -> None:
    desk.asked(amount)
    desk.shows()
    desk.settle()
    [answer] = desk.sent("/answer")
    assert answer["act_sha256"] == desk.view["act_sha256"]
    assert (answer["decision"], answer["parts"]) == ("accept", [{"hold": HOLD, "amount": sent}])
    [report] = desk.sent("/freeze-reports")
    [line] = report["lines"]
    assert (line["kind"], line["amount"], line["return_request"]) == ("returned", sent, desk.ask_id)
    assert desk.paid == [(f"{desk.ask_id}.0", int(sent))]
    assert desk.book.totals()[ETH].held == 10 - int(sent)


def test_after_a_crash_it_goes_on_and_nothing_is_paid_or_booked_twice(desk: Desk) -> None:
    desk.asked()
    desk.shows()
    broken = f"{PATH}/freeze-reports"
    desk.stub.forget("POST", broken)
    desk.stub.answers("POST", broken, problem(503, "unavailable"), status=503)
    with pytest.raises(UnavailableError):
        desk.settle()
    desk.view["return_status"] = "accepted"
    desk.shows()
    desk.settle()
    first, *others = [s for s in desk.stub.seen if s.target == broken]
    assert {s.headers["Idempotency-Key"] for s in others} == {first.headers["Idempotency-Key"]}
    assert {s.body for s in others} == {first.body}
    assert (len(desk.paid), desk.book.totals()[ETH].returned) == (1, 10)
    # Once it shows there is nothing to do any more.
    desk.view["parts"] = [{"hold": HOLD, "accepted": "10", "sent": "10"}]
    desk.shows()
    before = len(desk.stub.seen)
    desk.settle()
    assert [seen.method for seen in desk.stub.seen[before:]] == ["GET"]


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ([_claim()], "encumbered"),
        ([_claim(amount="10")], "encumbered"),
        ([_claim(amount="7")], "3"),
        ([_claim(encumbrance_status="lifted")], "10"),
        ([_claim(blocks=["release"])], "10"),
    ],
)
def test_what_somebody_else_claims_stays(
    desk: Desk, claims: list[dict[str, Any]], says: str
) -> None:
    desk.asked()
    desk.shows(*claims)
    desk.settle()
    [answer] = desk.sent("/answer")
    assert says in {answer.get("code"), *(part["amount"] for part in answer.get("parts") or ())}
    assert sum(amount for _, amount in desk.paid) == (0 if says == "encumbered" else int(says))


def test_what_went_elsewhere_is_no_balance_and_a_promise_is_made_once(desk: Desk) -> None:
    assert [each.amount for each in desk.book.promise("ret_other", {HOLD: 10})] == [10]
    desk.asked()
    desk.shows()
    desk.settle()
    [answer] = desk.sent("/answer")
    assert (answer["decision"], answer["code"], desk.paid) == ("refuse", "no_balance", [])
    # What is revoked elsewhere is free again.
    desk.book.drop_promise("ret_other")
    assert desk.book.unpromised(HOLD) == 10


def test_what_nobody_proves_is_left_to_a_person(desk: Desk) -> None:
    desk.asked(by=desk.officer)
    desk.shows()
    desk.settle()
    desk.asked(decision="reject")
    desk.shows()
    desk.settle()
    desk.asked()
    desk.evidence.pop()
    desk.shows()
    desk.settle()
    # Somebody else's people: not who asked us to freeze.
    desk.asked()
    desk.evidence[:] = [
        each.model_copy(update={"partner": "exchange-x.example"}) for each in desk.evidence
    ]
    desk.shows()
    desk.settle()
    assert (desk.sent("/answer"), desk.paid, desk.book.totals()[ETH].held) == ([], [], 10)
