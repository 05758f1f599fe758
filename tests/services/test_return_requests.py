"""Money is asked back: by two persons, promised by hold, sent by lines that name it, confirmed."""

from collections.abc import Mapping
from copy import copy
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import ACCOUNT, ETHER, Cast, Exchange, Member, Signer
from tests.services.every_event import register_destination
from tests.services.member_reader import MemberReader, Shown
from tests.services.through_api import World, pointers, problem, released_line

PATH = "return-requests"
TX = f"0x{'7a' * 32}"
ERROR = {"kind": "own_error", "reason": "A digit was wrong."}
ORDER = {
    "kind": "court_order",
    "court": "Harju County Court",
    "reference": "1-23-456",
    "document_sha256": "ab" * 32,
}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


class Case:
    """A request of A on which B holds 700, and a destination of A's that may be used."""

    def __init__(self, w: World, amount: str = "700") -> None:
        self.w, self.a, self.b = w, w.cast.a, w.cast.b
        self.destination = register_destination(w.signer, self.a)["id"]
        w.clock.step(timedelta(hours=24))
        self.request = w.live()
        self.hold = w.freeze(self.b, self.request, amount)

    def again(self, amount: str) -> "Case":
        """Return the same on another request."""
        case = copy(self)
        case.request = self.w.live()
        case.hold = self.w.freeze(self.b, case.request, amount)
        return case

    def body(self, **changes: Any) -> dict[str, Any]:
        return {
            "to": self.b.handle,
            "holds": "all",
            "asset": ETHER,
            "amount": "all",
            "destination": {"id": self.destination, "account": ACCOUNT},
            "basis": ERROR,
        } | changes

    def ask(self, **changes: Any) -> dict[str, Any]:
        return self.w.act(self.a.compliance, self.request, PATH, **self.body(**changes))

    def try_to(self, by: Member, made: Mapping[str, Any], act: str, **body: Any) -> Any:
        return self.w.try_act(by, self.request, f"{PATH}/{made['id']}/{act}", **body)

    def do(self, by: Member, made: Mapping[str, Any], act: str, **body: Any) -> dict[str, Any]:
        answer = self.try_to(by, made, act, **body)
        assert answer.status_code == 201, answer.data
        view: dict[str, Any] = answer.get_json()
        return view

    def decide(self, made: Mapping[str, Any], decision: str = "approve") -> dict[str, Any]:
        digest = made["act_sha256"]
        return self.do(self.a.lead, made, "approvals", act_sha256=digest, decision=decision)

    def open(self, **changes: Any) -> dict[str, Any]:
        return self.decide(self.ask(**changes))

    def try_answer(self, made: Mapping[str, Any], *parts: tuple[str, str | None]) -> Any:
        said = [{"hold": hold, "amount": amount} for hold, amount in parts]
        body = {"act_sha256": made["act_sha256"], "decision": "accept", "parts": said}
        return self.try_to(self.b.compliance, made, "answer", **body)

    def accept(self, made: Mapping[str, Any], amount: str = "700") -> dict[str, Any]:
        answer = self.try_answer(made, (self.hold, amount))
        assert answer.status_code == 201, answer.data
        view: dict[str, Any] = answer.get_json()
        return view

    def refuse(self, made: Mapping[str, Any], code: str = "no_balance") -> dict[str, Any]:
        body = {"act_sha256": made["act_sha256"], "decision": "refuse", "code": code}
        return self.do(self.b.compliance, made, "answer", **body)

    def line(self, amount: str | None, made: Mapping[str, Any] | None) -> dict[str, Any]:
        line = {"kind": "returned", "hold": self.hold, "amount": amount, "tx": TX}
        return line if made is None else line | {"return_request": made["id"]}

    def send(self, amount: str | None, made: Mapping[str, Any] | None) -> dict[str, Any]:
        return self.w.report(self.b, self.request, [self.line(amount, made)])

    def try_send(self, amount: str, made: Mapping[str, Any]) -> Any:
        lines = [self.line(amount, made)]
        return self.w.try_act(self.b.compliance, self.request, "freeze-reports", lines=lines)

    def receive(self, made: Mapping[str, Any], amount: str) -> dict[str, Any]:
        return self.do(self.a.compliance, made, "receipt", received=True, amount=amount)

    def read(self, by: Exchange | None = None) -> list[dict[str, Any]]:
        return self.w.items((by or self.a).auditor, self.request, PATH)

    def status(self) -> str:
        [shown] = self.read()
        return str(shown["return_status"])


def test_money_goes_the_whole_way_back(w: World) -> None:
    case = Case(w)
    made = case.ask(basis=ORDER)
    assert (made["return_status"], made["amount"]) == ("submitted", "all")
    opened = case.decide(made)
    assert (opened["return_status"], opened["answer_by"] is not None) == ("open", True)
    accepted = case.accept(made)
    assert (accepted["return_status"], accepted["accepted"]) == ("accepted", "700")
    case.send("300", made)
    case.send("400", made)
    [shown] = case.read()
    assert shown["parts"] == [{"hold": case.hold, "accepted": "700", "sent": "700"}]
    settled = case.receive(made, "700")
    assert settled["return_status"] == "settled"
    assert case.read() == case.read(case.b) == [{k: v for k, v in settled.items() if k != "log"}]
    ledger = w.items(case.a.auditor, case.request, "ledger")
    assert [each["return_request"] for each in ledger if each["kind"] == "returned"] == [
        made["id"],
        made["id"],
    ]
    assert w.leg(case.request, case.b)["status"] == "returned"


def test_a_partner_hears_nothing_of_what_is_not_approved(w: World) -> None:
    case = Case(w)
    before, made = w.events(case.b), {"id": "", "act_sha256": ""}
    for end in ("reject", "withdraw", "expire"):
        made = case.ask()
        assert made["act_id"] in {
            e["act_id"] for e in w.items(case.a.lead, case.request, "evidence")
        }
        if end == "reject":
            case.decide(made, "reject")
        elif end == "withdraw":
            case.do(case.a.compliance, made, "withdrawal", reason="Not now.")
        else:
            w.clock.step(timedelta(hours=72))
            assert w.run_timer("approve_return_by") == 1
    assert case.read(case.b) == []
    shown = [each["act"] for each in w.items(case.b.lead, case.request, "evidence")]
    assert [each for each in shown if each.endswith("_return")] == []
    told = [each for each in w.events(case.b)[len(before) :] if "return_request" in each]
    assert told == []
    problem(case.try_answer(made, (case.hold, "1")), 404, "no_such_return")
    assert [each["return_status"] for each in case.read()] == ["rejected", "withdrawn", "expired"]


def test_nobody_approves_what_they_ask(w: World) -> None:
    case = Case(w)
    made = w.act(case.a.lead, case.request, PATH, **case.body())
    body = {"act_sha256": made["act_sha256"], "decision": "approve"}
    problem(case.try_to(case.a.lead, made, "approvals", **body), 403, "four_eyes")
    other = body | {"act_sha256": sha256(b"other").hexdigest()}
    problem(case.try_to(case.a.second_lead, made, "approvals", **other), 409, "other_return")
    case.do(case.a.second_lead, made, "approvals", **body)
    problem(case.try_to(case.a.second_lead, made, "approvals", **body), 409, "return_status")


def test_a_destination_that_was_closed_meanwhile_is_not_approved(w: World) -> None:
    case = Case(w)
    made = case.ask()
    path = f"/v1/destinations/{case.destination}/closure"
    assert w.signer.post(case.a.lead, path, {"reason": "Stolen."}).status_code == 201
    body = {"act_sha256": made["act_sha256"], "decision": "approve"}
    problem(case.try_to(case.a.lead, made, "approvals", **body), 409, "destination_closed")
    assert case.status() == "submitted"


def test_a_part_is_a_part_and_the_rest_may_be_asked_again(w: World) -> None:
    case = Case(w)
    made = case.open()
    assert case.accept(made, "500")["return_status"] == "partial"
    again = case.open()
    faults = problem(case.try_answer(again, (case.hold, "201")), 422, "bad_parts")
    assert pointers(faults) == ["/parts/0/amount"]
    assert case.accept(again, "200")["return_status"] == "partial"
    third = case.open(amount="1")
    problem(case.try_answer(third, (case.hold, "1")), 422, "bad_parts")


def test_what_was_promised_twice_over_is_never_sent_twice(w: World) -> None:
    case = Case(w)
    made = case.open(amount="600")
    case.accept(made, "600")
    case.send("400", made)
    beyond = problem(case.try_send("201", made), 409, "ledger_breach")
    assert pointers(beyond) == ["/lines/0/amount"]
    # Without naming it the truth is taken all the same.
    case.send("201", None)
    [shown] = case.read()
    assert shown["sent"] == "400"


def test_a_correction_counts_for_what_was_sent(w: World) -> None:
    case = Case(w)
    made = case.open(amount="600")
    case.accept(made, "600")
    line = case.send("400", made)["lines"][0]["id"]

    def correct(amount: str) -> Any:
        lines = [{"kind": "correction", "corrects": line, "amount": amount, "reason": "A typo."}]
        return w.try_act(case.b.compliance, case.request, "freeze-reports", lines=lines)

    assert correct("500").status_code == 201
    assert case.read()[0]["sent"] == "500"
    problem(correct("601"), 409, "ledger_breach")
    assert case.read()[0]["sent"] == "500"


@pytest.mark.parametrize("code", ["no_balance", "encumbered", "legally_barred", "account_closed"])
def test_a_refusal_has_a_code_and_is_the_end(w: World, code: str) -> None:
    case = Case(w)
    made = case.open()
    refused = case.refuse(made, code)
    assert (refused["return_status"], refused["code"]) == ("refused", code)
    problem(case.try_answer(made, (case.hold, "700")), 409, "return_status")
    faults = problem(case.try_send("5", made), 409, "ledger_breach")
    assert pointers(faults) == ["/lines/0/return_request"]


def test_a_dispute_suspends_what_was_promised_until_it_is_rejected(w: World) -> None:
    case = Case(w)
    made = case.open()
    case.accept(made)
    words = {"hold": case.hold, "reference": "C-17", "text": "Bought in good faith."}
    dispute = w.act(case.b.compliance, case.request, "disputes", **words)
    [shown] = case.read()
    assert (shown["return_status"], shown["suspended_because"]) == ("suspended", dispute["id"])
    again = case.open(amount="1")
    problem(case.try_answer(again, (case.hold, "1")), 422, "bad_parts")
    path = f"disputes/{dispute['id']}/resolution"
    w.act(case.a.lead, case.request, path, resolution="rejected", text="The trace is clear.")
    assert case.read()[0]["return_status"] == "accepted"
    assert [each["return_request"] for each in w.events(case.b, "return.resumed")] == [made["id"]]


def test_a_dispute_that_is_upheld_ends_what_was_promised(w: World) -> None:
    case = Case(w)
    made = case.open()
    case.accept(made)
    words = {"hold": case.hold, "reference": "C-17", "text": "Bought in good faith."}
    dispute = w.act(case.b.compliance, case.request, "disputes", **words)
    path = f"disputes/{dispute['id']}/resolution"
    w.act(case.a.lead, case.request, path, resolution="upheld", text="You are right.")
    [shown] = case.read()
    assert (shown["return_status"], shown["code"]) == ("refused", "other")


def test_nothing_is_promised_of_what_is_contested(w: World) -> None:
    case = Case(w)
    made = case.open()
    words = {"hold": case.hold, "reference": "C-17", "text": "Bought in good faith."}
    w.act(case.b.compliance, case.request, "disputes", **words)
    problem(case.try_answer(made, (case.hold, "700")), 409, "contested")
    assert case.status() == "open"


def test_a_holder_refuses_where_what_suspends_it_prevails(w: World) -> None:
    case = Case(w)
    made = case.open()
    case.accept(made)
    words = {"hold": case.hold, "reference": "C-17", "text": "Bought in good faith."}
    w.act(case.b.compliance, case.request, "disputes", **words)
    assert case.refuse(made, "legally_barred")["return_status"] == "refused"


def test_what_nothing_was_sent_of_is_revoked_and_what_something_was_sent_of_is_not(
    w: World,
) -> None:
    case = Case(w)
    made = case.open(amount="100")
    case.accept(made, "100")
    revoked = case.do(case.a.lead, made, "revocation", reason="We were paid otherwise.")
    assert revoked["return_status"] == "revoked"
    problem(case.try_send("5", made), 409, "ledger_breach")
    again = case.open(amount="100")
    case.accept(again, "100")
    case.send("40", again)
    kept = case.try_to(case.a.lead, again, "revocation", reason="We were paid otherwise.")
    problem(kept, 409, "already_sent")


def test_what_did_not_arrive_is_contested_and_settled_when_it_did(w: World) -> None:
    case = Case(w)
    made = case.open()
    case.accept(made)
    early = {"received": True, "amount": "0"}
    problem(case.try_to(case.a.compliance, made, "receipt", **early), 409, "nothing_sent")
    case.send("700", made)
    wrong = {"received": True, "amount": "699"}
    problem(case.try_to(case.a.compliance, made, "receipt", **wrong), 409, "other_amount")
    missed = {"received": False, "amount": "700", "text": "No such transaction on the chain."}
    contested = case.do(case.a.compliance, made, "receipt", **missed)
    assert contested["return_status"] == "contested"
    assert case.receive(made, "700")["return_status"] == "settled"


def test_a_withheld_hold_is_promised_and_sent_whole(w: World) -> None:
    case = Case(w)
    found = {"kind": "found", "address_no": 0, "asset": ETHER, "amount": None}
    frozen = found | {
        "kind": "frozen",
        "frozen_at": "2026-03-02T11:30:00Z",
        "hold_expires_at": "2026-03-04T12:00:00Z",
        "basis": "voluntary",
    }
    hold = w.report(case.b, case.request, [found, frozen])["lines"][1]["hold"]
    made = case.open(holds=[hold])
    problem(case.try_answer(made, (hold, "5")), 422, "bad_parts")
    assert case.try_answer(made, (hold, None)).get_json()["return_status"] == "accepted"
    line = {"kind": "returned", "hold": hold, "amount": None, "tx": TX}
    w.report(case.b, case.request, [line | {"return_request": made["id"]}])
    assert case.receive(made, "0")["return_status"] == "settled"


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"to": "exchange-d.example"}, 409, "nothing_held", None),
        ({"to": "nobody.example"}, 404, "no_such_leg", None),
        ({"asset": "eip155:1/slip44:0"}, 422, "invalid_input", "/asset"),
        ({"amount": "0"}, 422, "invalid_input", "/amount"),
        ({"amount": "701"}, 422, "invalid_input", "/amount"),
        ({"amount": 5}, 422, "invalid_input", "/amount"),
        ({"holds": []}, 422, "invalid_input", "/holds"),
        ({"holds": ["hld_01h455vb4pex5vsknk084sn02q"]}, 422, "invalid_input", "/holds/0"),
        ({"basis": {"kind": "because"}}, 422, "invalid_input", "/basis"),
        ({"basis": ORDER | {"document_sha256": "ab"}}, 422, "invalid_input", None),
        ({"basis": ERROR | {"reason": ""}}, 422, "invalid_input", None),
    ],
)
def test_what_cannot_be_asked_is_refused_and_nothing_is_stored(
    w: World, changes: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    case = Case(w)
    answer = w.try_act(case.a.compliance, case.request, PATH, **case.body(**changes))
    shown = problem(answer, status, code)
    if pointer is not None:
        assert pointers(shown)[0].startswith(pointer)
    assert case.read() == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"account": "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}, 422, "invalid_input"),
        ({"account": "eip155:56:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"}, 422, "invalid_input"),
        ({"id": "dst_01h455vb4pex5vsknk084sn02q"}, 404, "no_such_destination"),
    ],
)
def test_money_goes_to_a_registered_account_and_nowhere_else(
    w: World, changes: dict[str, Any], status: int, code: str
) -> None:
    case = Case(w)
    where = {"id": case.destination, "account": ACCOUNT} | changes
    body = case.body(destination=where)
    problem(w.try_act(case.a.compliance, case.request, PATH, **body), status, code)


def test_a_request_that_is_over_asks_nothing_back(w: World) -> None:
    case = Case(w)
    made = case.open()
    reason = {"addresses": "all", "reason_code": "wrong_target", "reason": "A digit was wrong."}
    w.act(case.a.lead, case.request, "withdrawal", **reason)
    problem(
        w.try_act(case.a.compliance, case.request, PATH, **case.body()), 409, "invalid_transition"
    )
    problem(case.try_answer(made, (case.hold, "700")), 409, "invalid_transition")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"decision": "accept"}, "/parts"),
        ({"decision": "accept", "parts": []}, "/parts"),
        ({"decision": "refuse"}, "/code"),
        ({"decision": "refuse", "code": "other"}, "/text"),
        ({"decision": "refuse", "code": "because"}, "/code"),
        ({"decision": "maybe"}, "/decision"),
    ],
)
def test_an_answer_says_what_it_means(w: World, body: dict[str, Any], pointer: str) -> None:
    case = Case(w)
    made = case.open()
    sent = {"act_sha256": made["act_sha256"], **body}
    shown = problem(case.try_to(case.b.compliance, made, "answer", **sent), 422, "invalid_input")
    assert pointers(shown) == [pointer]
    assert case.status() == "open"


def test_tasks_follow_a_return_from_one_side_to_the_other(w: World) -> None:
    case = Case(w)

    def waiting(by: Member) -> set[str]:
        tasks = w.get(by, "/v1/tasks")["items"]
        return {each["kind"] for each in tasks if "_return" in each["kind"]}

    made = case.ask()
    assert (waiting(case.a.lead), waiting(case.a.compliance)) == ({"decide_return"}, set())
    assert waiting(case.b.compliance) == set()
    case.decide(made)
    assert (waiting(case.a.lead), waiting(case.b.compliance)) == (set(), {"answer_return"})
    case.accept(made)
    assert waiting(case.b.compliance) == {"answer_return"}
    case.send("700", made)
    assert (waiting(case.a.compliance), waiting(case.b.compliance)) == ({"confirm_return"}, set())
    case.receive(made, "700")
    assert waiting(case.a.compliance) == set()


def test_what_was_released_cannot_be_promised(w: World) -> None:
    case = Case(w)
    made = case.open()
    w.report(case.b, case.request, [released_line(case.hold, "600")])
    problem(case.try_answer(made, (case.hold, "101")), 422, "bad_parts")
    assert case.accept(made, "100")["return_status"] == "accepted"


def test_a_bundle_proves_a_return_to_both_sides(w: World) -> None:
    case = Case(w)
    case.ask()
    made = case.open(basis=ORDER)
    case.accept(made, "500")
    case.send("500", made)
    case.receive(made, "500")
    for member in (case.a.auditor, case.b.auditor, w.cast.c.auditor):
        shown = Shown.to(MemberReader(w.signer, member), case.request["id"])
        assert shown.examine().failures == []


def test_what_is_claimed_on_another_request_holds_a_return_up_and_is_not_named(w: World) -> None:
    case = Case(w)
    made = case.open()
    case.accept(made)
    other = w.live(w.cast.c, to=[case.b.handle])
    w.report(case.b, other, [{"kind": "frozen", "address_no": 0, "hold": case.hold}])
    words = {"hold": case.hold, "reference": "C-18", "text": "Bought in good faith."}
    dispute = w.act(case.b.compliance, other, "disputes", **words)
    [shown] = case.read()
    assert (shown["return_status"], shown["suspended_because"]) == ("suspended", None)
    [told] = w.events(case.a, "return.suspended")
    assert told["because"] is None
    for exchange in (case.a, case.b):
        assert dispute["id"] not in str(w.items(exchange.auditor, case.request, PATH))


def test_an_order_on_a_hold_suspends_what_was_promised_and_lets_nothing_be(w: World) -> None:
    case = Case(w)
    made, later = case.open(amount="100"), case.open(amount="100")
    case.accept(made, "100")
    order = {"agency": "Police", "reference": "1-23-456", "document_sha256": "ab" * 32}
    attached = w.act(case.b.compliance, case.request, "legal-orders", hold=case.hold, **order)
    shown = {each["id"]: each for each in case.read()}
    assert shown[made["id"]]["return_status"] == "suspended"
    assert shown[made["id"]]["suspended_because"] == attached["id"]
    problem(case.try_answer(later, (case.hold, "1")), 409, "encumbered")
    # What happened is told all the same, and marked.
    [line] = case.send("100", made)["lines"]
    assert line["irregular"] == "encumbered"


def test_nothing_of_a_drill_is_asked_back(w: World) -> None:
    case = Case(w)
    case.request = w.live(drill=True)
    w.freeze(case.b, case.request, "700")
    problem(w.try_act(case.a.compliance, case.request, PATH, **case.body()), 409, "drill")
    assert w.events(case.a, "return.submitted") == []
