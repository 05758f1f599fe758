"""The answer to an act and the read right after it say the same of the same thing.

Whoever keeps what an answer said has no need to read again; what an answer leaves out, or words
differently, would be found by those who trust it. `log` alone is an answer's own: it says where the
act stands, with the salt.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from coordinator.api.routes import ROUTES
from coordinator.domain.clock import SteppedClock
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.vocabulary import ErasureReason
from tests.api.membership_acts import operate
from tests.api.sealed_cast import by_hand, publish_by_hand
from tests.factories import ACCOUNT, ETHER, Cast, Member, Signer
from tests.services.every_event import register_destination
from tests.services.request_cast import account
from tests.services.restoring_cast import DAY, Restoring, allocate, opened, payout_account, shared
from tests.services.restoring_cast import claim as victim
from tests.services.through_api import World, found_line, frozen_line, released_line

_BASE = "/v1/freeze-requests/{request_id}"
_RESTITUTIONS = "/v1/restitutions"
_RESTITUTION = "/v1/restitutions/{restitution_id}"
_LATER = "2026-03-20T12:00:00Z"
_PAST = "2026-03-02T11:00:00Z"
_CLAIM = {
    "kind": "attachment",
    "order_sha256": "0" * 64,
    "amount": "500",
    "blocks": ["release", "return"],
    "court": "Harju County Court",
    "number": "2-26-123",
}
_ORDER = {"agency": "State police", "reference": "1-23-456", "document_sha256": "0" * 64}

#: What an answer says, and what a read says of the same.
Pair = tuple[Any, Any]
Case = Callable[[World], Iterator[Pair]]


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _without(view: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in view.items() if name not in names}


def _read(w: World, member: Member, request: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = w.get(member, f"/v1/freeze-requests/{request['id']}")
    return _without(found, "log")


def _item(
    w: World, member: Member, request: dict[str, Any], name: str, item_id: str
) -> dict[str, Any]:
    return next(each for each in w.items(member, request, name) if each["id"] == item_id)


def _both_legs(w: World, request: dict[str, Any], answer: Mapping[str, Any]) -> Iterator[Pair]:
    """Compare the leg of an act of B with what its two sides read of it."""
    for member in (w.cast.a.auditor, w.cast.b.auditor):
        [leg] = [
            each for each in w.items(member, request, "legs") if each["partner"] == w.cast.b.handle
        ]
        yield answer["leg"], leg
    yield answer["leg"], _read(w, w.cast.b.auditor, request)["leg"]


def _of_act(w: World, request: dict[str, Any], answer: Mapping[str, Any]) -> Iterator[Pair]:
    yield from _both_legs(w, request, answer)
    yield answer["status"], answer["leg"]["status"]


def _ended(w: World, request: dict[str, Any], answer: Mapping[str, Any]) -> Iterator[Pair]:
    read = _read(w, w.cast.a.auditor, request)
    yield (answer["request_id"], answer["status"]), (read["id"], read["status"])


def _submit(w: World) -> Iterator[Pair]:
    first = w.submit(do_not_notify_customer_until=_LATER, hold={"hours": 48})
    yield _without(first, "log"), _read(w, w.cast.a.auditor, first)
    # It has warnings, an incident that is known, and what it follows.
    follows = {"incident": {"id": first["incident"]["id"]}, "follows": first["id"]}
    second = w.submit(addresses=[{"account": "eip155:1:0x" + "ab" * 20}], **follows)
    assert second["warnings"]
    yield _without(second, "log"), _read(w, w.cast.a.auditor, second)
    flash = w.submit(urgency="flash")
    assert flash["waits_because"] == "policy"
    yield _without(flash, "log"), _read(w, w.cast.a.auditor, flash)


def _approve(w: World) -> Iterator[Pair]:
    for decision in ("approve", "reject"):
        request = w.submit()
        words = {"decision": decision, "context_sha256": request["context_sha256"]}
        answer = w.act(w.cast.a.lead, request, "approvals", **words)
        yield from _ended(w, request, answer)
        [shown] = _read(w, w.cast.a.auditor, request)["approvals"]
        yield (answer["id"], answer["at"]), (shown["id"], shown["at"])


def _propose(w: World) -> Iterator[Pair]:
    request = w.live(to=[w.cast.b.handle])
    answer = w.act(w.cast.a.lead, request, "partners", to=[w.cast.c.handle])
    read = _item(w, w.cast.a.auditor, request, "partners", answer["id"])
    yield _without(answer, "log"), read
    words = {"decision": "approve", "context_sha256": answer["context_sha256"]}
    decided = w.act(w.cast.a.second_lead, request, "approvals", **words)
    read = _item(w, w.cast.a.auditor, request, "partners", answer["id"])
    names = ("addition_status", "status", "quorum")
    yield {n: decided[n] for n in names}, {n: read[n] for n in names}
    yield decided["approvals"], len(read["approvals"])
    yield decided["at"], read["decided_at"]


def _raise_support(w: World) -> Iterator[Pair]:
    request = w.live(support="none")
    words = {"support": "police_report", "document_sha256": "ab" * 32, "reference": "17/2026"}
    answer = w.act(w.cast.a.compliance, request, "support", **words)
    for reader in (w.cast.a.auditor, w.cast.b.auditor):
        yield _without(answer, "log"), _item(w, reader, request, "support", answer["id"])
        yield answer["support"], _read(w, reader, request)["support"]


def _renew_flags(w: World) -> Iterator[Pair]:
    request = w.live()
    answer = w.act(w.cast.a.lead, request, "flag-renewals")
    page = w.get(w.cast.b.system, "/v1/flags")
    yield answer["expires_at"], page["flags"][0]["expires_at"]
    yield answer["status"], _read(w, w.cast.a.auditor, request)["status"]


def _give_indemnity(w: World) -> Iterator[Pair]:
    request = w.live()
    words = {"cap": {"usd": "250000"}, "law": "EE", "document_sha256": "ab" * 32}
    for to in ({}, {"to": w.cast.b.handle}):
        answer = w.act(w.cast.a.compliance, request, "indemnities", until=_LATER, **words, **to)
        for reader in (w.cast.a.auditor, w.cast.b.auditor):
            yield _without(answer, "log"), _item(w, reader, request, "indemnities", answer["id"])


def _ask_guest(w: World) -> Iterator[Pair]:
    request = w.live()
    answer = w.act(w.cast.a.lead, request, "guests", domain="guest.example")
    yield _without(answer, "log"), _item(w, w.cast.a.auditor, request, "guests", answer["id"])


def _answer_data_subject(w: World) -> Iterator[Pair]:
    request, path = w.live(), "/v1/data-subject-requests"
    letter = {"kind": "access", "request_id": request["id"], "reference": "L-17"}
    sent = letter | {"received_at": "2026-03-01T00:00:00Z"}
    recorded = w.signer.post(w.cast.b.compliance, path, sent).get_json()
    read = w.get(w.cast.b.auditor, f"{path}/{recorded['id']}")
    yield _without(recorded, "log"), read
    below = f"data-subject-requests/{recorded['id']}/answer"
    answer = w.act(w.cast.a.compliance, request, below, decision="granted")
    [case] = w.get(w.cast.a.auditor, f"{path}/{recorded['id']}")["cases"]
    yield _without(answer, "log"), case


def _mark(w: World) -> Iterator[Pair]:
    request = w.live()
    one, other = w.freeze(w.cast.b, request), w.freeze(w.cast.c, request)
    for same_as in (other, None):
        answer = w.act(w.cast.a.analyst, request, "same-funds", hold=one, same_as=same_as)
        [read] = [h for h in w.items(w.cast.a.auditor, request, "holds") if h["id"] == one]
        yield answer["same_as"], read.get("same_funds_as")
        yield answer["status"], _read(w, w.cast.a.auditor, request)["status"]


def _withdraw(w: World) -> Iterator[Pair]:
    for addresses in ([0], "all"):
        request = w.live(addresses=[{"account": account(1)}, {"account": account(2)}])
        words = {"addresses": addresses, "reason_code": "other", "reason": "wrong address"}
        yield from _ended(w, request, w.act(w.cast.a.lead, request, "withdrawal", **words))


def _decide_withdrawal(w: World) -> Iterator[Pair]:
    policy = {"policy": {"withdrawal_quorum": 2}}
    assert w.signer.post(w.cast.a.root, "/v1/grants", policy).status_code == 201
    words = {"addresses": "all", "reason_code": "other", "reason": "wrong address"}
    for decision in ("reject", "approve"):
        request = w.live()
        w.freeze(w.cast.b, request)
        answer = w.act(w.cast.a.lead, request, "withdrawal", **words)
        yield from _ended(w, request, answer)
        item = answer["withdrawal"]
        for reader in (w.cast.a.auditor, w.cast.b.auditor):
            yield item, _item(w, reader, request, "withdrawals", item["id"])
        said = {"decision": decision, "act_sha256": item["act_sha256"]}
        path = f"withdrawals/{item['id']}/approvals"
        decided = w.act(w.cast.a.second_lead, request, path, **said)
        yield from _ended(w, request, decided)
        yield decided["at"], decided["withdrawal"]["decided_at"]
        for reader in (w.cast.a.auditor, w.cast.b.auditor):
            read = _item(w, reader, request, "withdrawals", item["id"])
            yield decided["withdrawal"], read


def _close(w: World) -> Iterator[Pair]:
    request = w.live()
    yield from _ended(w, request, w.act(w.cast.a.lead, request, "closure"))


def _erase(w: World) -> Iterator[Pair]:
    request = w.live()
    w.act(w.cast.a.lead, request, "closure")
    propose = ProposeErasure(request_id=request["id"], reason=ErasureReason.OTHER)
    operate(w.database, w.vault, w.clock, propose)
    answer = w.act(w.cast.a.lead, request, "erasure", reason="other")
    listed = w.signer.get(w.cast.a.auditor, "/v1/freeze-requests").get_json()["items"]
    [row] = [each for each in listed if each["id"] == request["id"]]
    yield answer["status"], row["status"]
    read = w.signer.get(w.cast.a.auditor, f"/v1/freeze-requests/{request['id']}")
    yield answer["log"]["leaf_index"], read.get_json()["erased"]["leaf_index"]
    yield row["erased_at"], read.get_json()["erased"]["erased_at"]


def _acknowledge(w: World) -> Iterator[Pair]:
    request = w.live()
    answer = w.act(w.cast.b.analyst, request, "acknowledgement")
    yield from _of_act(w, request, answer)
    late = w.live()
    w.step(days=1)
    assert w.run_timer("acknowledge_by") > 0
    answer = w.act(w.cast.b.analyst, late, "acknowledgement")
    assert answer["leg"]["overdue_at"] is not None
    yield from _of_act(w, late, answer)


def _limit(w: World) -> Iterator[Pair]:
    request, b = w.live(), w.cast.b
    answer = w.act(b.lead, request, "leg-limit", people=[b.lead.subject])
    path = f"/v1/freeze-requests/{request['id']}"
    yield answer["leg"], w.get(b.lead, path)["leg"]


def _review(w: World) -> Iterator[Pair]:
    request = w.live()
    yield from _of_act(w, request, w.act(w.cast.b.analyst, request, "review"))


def _decline(w: World) -> Iterator[Pair]:
    request = w.live()
    answer = w.act(w.cast.b.compliance, request, "decline", code="other", detail="Not ours.")
    assert answer["leg"]["decline_detail"] == "Not ours."
    yield from _of_act(w, request, answer)
    # A question leaves the decline as it is, whatever became of its evidence meanwhile.
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["tx"])
    yield from _both_legs(w, request, asked)
    yield from _of_act(w, request, w.act(w.cast.b.analyst, request, "review"))


def _ask(w: World) -> Iterator[Pair]:
    request = w.live()
    answer = w.act(w.cast.b.analyst, request, "info-requests", missing=["tx"], text="Please.")
    yield from _of_act(w, request, answer)
    read = _item(w, w.cast.a.auditor, request, "info-requests", answer["id"])
    yield _without(answer, "log", "leg", "status"), read


def _answer(w: World) -> Iterator[Pair]:
    request = w.live()
    asked = w.act(w.cast.b.analyst, request, "info-requests", missing=["tx"], text="Please.")
    path = f"info-requests/{asked['id']}/answer"
    answer = w.act(w.cast.a.analyst, request, path, text="Here it is.")
    yield from _of_act(w, request, answer)
    read = _item(w, w.cast.a.auditor, request, "info-requests", asked["id"])
    yield _without(answer, "log", "leg", "status"), read


def _report(w: World) -> Iterator[Pair]:
    request = w.live(addresses=[{"account": account(1)}, {"account": account(2)}])
    usd = {"value": "1000.00", "at": "2026-03-02T12:00:00Z", "source": "desk"}
    sent: list[list[dict[str, Any]]] = [
        [found_line("700", usd=usd), frozen_line("700", usd=usd)],
        [found_line(None, 1), frozen_line("1", 1)],
        [{"kind": "nothing", "address_nos": "rest", "code": "no_match", "retry": False}],
    ]
    holds: list[str] = []
    shown: list[dict[str, Any]] = []
    for lines in sent:
        answer = w.report(w.cast.b, request, lines)
        yield from _both_legs(w, request, answer)
        shown += answer["lines"]
        holds += [line["hold"] for line in answer["lines"] if line["kind"] == "frozen"]
    settling = [
        released_line(holds[0], "100"),
        {"kind": "returned", "hold": holds[0], "amount": "100", "tx": "0x" + "ab" * 32},
        {"kind": "seized", "hold": holds[0], "amount": "100", "agency": "FBI"},
        {"kind": "correction", "corrects": shown[0]["id"], "amount": "800", "reason": "A typo."},
    ]
    for line in settling:
        answer = w.report(w.cast.b, request, [line])
        yield from _both_legs(w, request, answer)
        shown += answer["lines"]
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses=[0],
        reason_code="other",
        reason="wrong address",
    )
    kept = {"kind": "kept", "hold": holds[0], "basis": "own_policy", "hold_expires_at": _LATER}
    answer = w.report(w.cast.b, request, [kept])
    yield from _both_legs(w, request, answer)
    shown += answer["lines"]
    for member in (w.cast.a.auditor, w.cast.b.auditor):
        read = {line["id"]: line for line in w.items(member, request, "ledger")}
        yield {line["id"]: line for line in shown}, read


def _extend(w: World) -> Iterator[Pair]:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    words = {"hold": hold, "hold_expires_at": _LATER, "basis": "voluntary"}
    answer = w.act(w.cast.b.compliance, request, "hold-extensions", **words)
    [read] = w.items(w.cast.a.auditor, request, "holds")
    names = ("hold_expires_at", "basis")
    yield answer["hold"], read["id"]
    yield {name: answer[name] for name in names}, {name: read[name] for name in names}
    yield answer["status"], w.leg(request, w.cast.b)["status"]


def _ask_longer(w: World) -> Iterator[Pair]:
    request = w.live()
    words = {"hold": w.freeze(w.cast.b, request), "hold_expires_at": _LATER, "reason": "Court."}
    answer = w.act(w.cast.a.lead, request, "extension-requests", **words)
    yield answer["status"], w.leg(request, w.cast.b)["status"]


def _attach(w: World) -> Iterator[Pair]:
    request = w.live()
    words = {"hold": w.freeze(w.cast.b, request), **_ORDER}
    answer = w.act(w.cast.b.compliance, request, "legal-orders", **words)
    read = _item(w, w.cast.a.auditor, request, "legal-orders", answer["id"])
    yield _without(answer, "log"), read


def _call_back(w: World) -> Iterator[Pair]:
    request = w.live()
    words = {"hold": w.freeze(w.cast.b, request), **_ORDER}
    order = w.act(w.cast.b.compliance, request, "legal-orders", **words)
    heard = {"at": _PAST, "number_from": "known_before", "outcome": "confirmed"}
    path = f"legal-orders/{order['id']}"
    answer = w.act(w.cast.a.lead, request, f"{path}/call-backs", **heard)
    yield _without(answer, "log"), _item(w, w.cast.b.auditor, request, "legal-orders", order["id"])


def _review_order(w: World) -> Iterator[Pair]:
    yield from _looked_at(w, "legal-orders", _ORDER)


def _lift_order(w: World) -> Iterator[Pair]:
    yield from _lift(w, "legal-orders", _ORDER)


def _encumber(w: World) -> Iterator[Pair]:
    request = w.live()
    words = {"hold": w.freeze(w.cast.b, request), **_CLAIM}
    answer = w.act(w.cast.b.compliance, request, "encumbrances", **words)
    read = _item(w, w.cast.a.auditor, request, "encumbrances", answer["id"])
    yield _without(answer, "log"), read


def _review_claim(w: World) -> Iterator[Pair]:
    yield from _looked_at(w, "encumbrances", _CLAIM)


def _lift_claim(w: World) -> Iterator[Pair]:
    yield from _lift(w, "encumbrances", _CLAIM)


def _looked_at(w: World, noun: str, words: Mapping[str, Any]) -> Iterator[Pair]:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    made = w.act(w.cast.b.compliance, request, noun, hold=hold, **words)
    path = f"{noun}/{made['id']}/reviews"
    answer = w.act(w.cast.b.compliance, request, path, review_at=_LATER)
    yield _without(answer, "log"), _item(w, w.cast.a.auditor, request, noun, made["id"])


def _lift(w: World, noun: str, words: Mapping[str, Any]) -> Iterator[Pair]:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    made = w.act(w.cast.b.compliance, request, noun, hold=hold, **words)
    named = {"act_sha256": made["act_sha256"], "document_sha256": "cd" * 32}
    answer = w.act(w.cast.b.lead, request, f"{noun}/{made['id']}/lifting", **named)
    yield _without(answer, "log"), _item(w, w.cast.a.auditor, request, noun, made["id"])


def _dispute(w: World) -> Iterator[Pair]:
    request = w.live()
    words = {"hold": w.freeze(w.cast.b, request), "reference": "K-1001", "text": "It is a shop."}
    answer = w.act(w.cast.b.compliance, request, "disputes", **words)
    read = _item(w, w.cast.a.auditor, request, "disputes", answer["id"])
    yield _without(answer, "log", "status"), read
    yield answer["status"], w.leg(request, w.cast.b)["status"]
    # An act on a contested leg shows until when the requester is to answer.
    reviewed = w.report(w.cast.b, request, [found_line("900")])
    assert "dispute_answer_by" in reviewed["leg"]
    yield from _both_legs(w, request, reviewed)
    # Whoever freezes the same account learns in the answer that it is contested.
    late = w.report(w.cast.c, request, [found_line("5"), frozen_line("5")])
    assert late["leg"]["flags"] == ["contested"]
    yield late["leg"], w.leg(request, w.cast.c)


def _resolve(w: World) -> Iterator[Pair]:
    request = w.live()
    words = {"hold": w.freeze(w.cast.b, request), "reference": "K-1001", "text": "It is a shop."}
    dispute = w.act(w.cast.b.compliance, request, "disputes", **words)
    path = f"disputes/{dispute['id']}/resolution"
    answer = w.act(w.cast.a.lead, request, path, resolution="rejected", text="It is not.")
    read = _item(w, w.cast.b.auditor, request, "disputes", dispute["id"])
    yield _without(answer, "log", "status"), read
    yield answer["status"], w.leg(request, w.cast.b)["status"]


def _revoke_clearance(w: World) -> Iterator[Pair]:
    request = w.live(addresses=[{"account": account(1)}, {"account": account(2)}])
    words = {"addresses": [0], "reason_code": "wrong_target", "reason": "A market maker's."}
    w.act(w.cast.a.lead, request, "withdrawal", **words)
    [cleared] = w.items(w.cast.b.auditor, request, "clearances")
    path = f"clearances/{cleared['id']}/revocation"
    answer = w.act(w.cast.a.lead, request, path, reason="It was the thief's after all.")
    read = _item(w, w.cast.b.auditor, request, "clearances", answer["clearance"])
    yield answer["revoked_at"], read["revoked_at"]
    yield answer["status"], _read(w, w.cast.a.auditor, request)["status"]


def _send_part(w: World) -> Iterator[Pair]:
    request = w.live()
    answer, evidence = _sealed(w, request)
    path = f"{_BASE.format(request_id=request['id'])}/sealed-evidence/{evidence['id']}/parts/0"
    read = w.signer.get(w.cast.b.auditor, path).get_json()
    yield answer, _without(read, "data")
    assert read["data"] == "A" * 22


def _seal(w: World) -> Iterator[Pair]:
    request = w.live()
    _, answer = _sealed(w, request)
    read = _item(w, w.cast.b.auditor, request, "sealed-evidence", answer["id"])
    yield _without(answer, "log"), _without(read, "acts")
    path = f"{_BASE.format(request_id=request['id'])}/sealed-evidence/{answer['id']}"
    yield read, w.signer.get(w.cast.a.auditor, path).get_json()


def _share(w: World) -> Iterator[Pair]:
    request = w.live()
    _, evidence = _sealed(w, request)
    kids = publish_by_hand(w.signer, w.cast.c.lead)
    body = by_hand([bytes(16)], kids)
    words = {name: body[name] for name in ("sha256", "keys")}
    path = f"sealed-evidence/{evidence['id']}/recipients"
    answer = w.act(w.cast.a.lead, request, path, **words)
    read = _item(w, w.cast.c.auditor, request, "sealed-evidence", evidence["id"])
    yield _without(answer, "log"), _without(read, "acts")


def _sealed(w: World, request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have A seal a part to itself and B; returns both answers."""
    kids = publish_by_hand(w.signer, w.cast.a.lead, w.cast.b.lead)
    part = w.act(w.cast.a.lead, request, "sealed-evidence/parts", data="A" * 22)
    sealed = w.act(w.cast.a.lead, request, "sealed-evidence", **by_hand([bytes(16)], kids))
    return part, sealed


def _returned(w: World, *acts: str) -> Iterator[Pair]:
    """Compare the last of some acts on a return request with what both sides read of it."""
    a, b = w.cast.a, w.cast.b
    destination = register_destination(w.signer, a)["id"]
    w.step(days=1)
    request = w.live()
    hold, path = w.freeze(b, request), "return-requests"
    answer = w.act(
        a.compliance,
        request,
        path,
        to=b.handle,
        holds="all",
        asset=ETHER,
        amount="all",
        destination={"id": destination, "account": ACCOUNT},
        basis={"kind": "own_error", "reason": "A digit was wrong."},
    )
    yield from _both_returns(w, request, answer, readers=[a.auditor])
    named = {"act_sha256": answer["act_sha256"]}
    parts = [{"hold": hold, "amount": "700"}]
    bodies: dict[str, tuple[Member, dict[str, Any]]] = {
        "approvals": (a.lead, {**named, "decision": "approve"}),
        "answer": (b.compliance, {**named, "decision": "accept", "parts": parts}),
        "withdrawal": (a.compliance, {"reason": "Asked too early."}),
        "revocation": (a.lead, {"reason": "We were paid otherwise."}),
        "receipt": (a.compliance, {"received": True, "amount": "700"}),
    }
    for act in acts:
        if act == "receipt":
            line = {"kind": "returned", "hold": hold, "amount": "700", "tx": f"0x{'7a' * 32}"}
            w.report(b, request, [{**line, "return_request": answer["id"]}])
        member, body = bodies[act]
        answer = w.act(member, request, f"{path}/{answer['id']}/{act}", **body)
        yield from _both_returns(w, request, answer, readers=[a.auditor, b.auditor])


def _both_returns(
    w: World, request: dict[str, Any], answer: Mapping[str, Any], readers: list[Member]
) -> Iterator[Pair]:
    for reader in readers:
        yield _without(answer, "log"), _item(w, reader, request, "return-requests", answer["id"])


_RETURN = f"{_BASE}/return-requests/{{return_id}}"


def _read_restitution(rst: Restoring) -> dict[str, Any]:
    return _without(rst.read(), "log")


def _open_restitution(w: World) -> Iterator[Pair]:
    rst = opened(w)
    yield _without(rst.view, "log"), _read_restitution(rst)


def _add_lines(w: World) -> Iterator[Pair]:
    rst = opened(w)
    answer = rst.came_back(500)
    yield answer["lines"], w.get(w.cast.a.auditor, f"{rst.path}/pool-lines")["items"]
    yield answer["pool"], _read_restitution(rst)["pool"]


def _file_claims(w: World) -> Iterator[Pair]:
    rst = opened(w)
    answer = rst.act(w.cast.a.lead, "claims", claims=[victim(1), victim(2)])
    names = ("id", "ref", "value")
    read = [{name: each[name] for name in names} for each in rst.claims(w.cast.a.auditor)]
    yield [_without(each, "has_double") for each in answer["claims"]], read


def _decide_claim(w: World) -> Iterator[Pair]:
    rst = opened(w)
    [claim_id] = rst.file(victim(1))
    yield rst.decide(w.cast.a.lead, claim_id, decision="verify"), rst.claims(w.cast.a.auditor)[0]


def _contest_claim(w: World) -> Iterator[Pair]:
    rst = opened(w)
    [claim_id] = rst.file(victim(1))
    rst.decide(w.cast.a.lead, claim_id, decision="reject", code="not_a_victim")
    answer = rst.act(w.cast.a.lead, f"claims/{claim_id}/objections", reason="It was ours.")
    yield answer["claim"], rst.claims(w.cast.a.auditor)[0]


def _payout_change(w: World, *, approved: bool) -> Iterator[Pair]:
    rst = opened(w)
    [claim_id] = rst.file(victim(1))
    path = f"claims/{claim_id}/payout-changes"
    body = {"payout": payout_account(7), "documents": ["cd" * 32]}
    answer = rst.act(w.cast.a.compliance, path, **body)
    if approved:
        change = answer["change"]
        decision = {"decision": "approve", "act_sha256": change["act_sha256"]}
        answer = rst.act(w.cast.a.lead, f"{path}/{change['id']}/decisions", **decision)
    yield answer["change"], rst.claims(w.cast.a.auditor)[0]["payout_change"]


def _propose_allocation(w: World) -> Iterator[Pair]:
    rst = _to_be_shared(w)
    made = rst.act(w.cast.a.compliance, "allocations", **shared(rst, 50))
    yield _without(made, "log"), w.get(w.cast.a.auditor, f"{rst.path}/allocations")["items"][0]


def _approve_allocation(w: World) -> Iterator[Pair]:
    rst = _to_be_shared(w)
    made = allocate(rst, 50)
    yield _without(made, "log"), w.get(w.cast.a.auditor, f"{rst.path}/allocations")["items"][0]


def _record_payouts(w: World) -> Iterator[Pair]:
    rst = _to_be_shared(w)
    allocate(rst, 50)
    [due] = w.get(w.cast.a.auditor, f"{rst.path}/payouts")["items"]
    line = {"payout": due["id"], "tx": "0x" + "ab" * 32}
    answer = rst.act(w.cast.a.lead, "payouts", lines=[line])
    read = w.get(w.cast.a.auditor, f"{rst.path}/payouts?status=paid")["items"]
    yield (answer["paid"], answer["failed"]), (len(read), 0)


def _to_be_shared(w: World) -> Restoring:
    rst = opened(w)
    rst.came_back(50)
    [claim_id] = rst.file(victim(1))
    rst.decide(w.cast.a.lead, claim_id, decision="verify")
    return rst


def _link_claims(w: World) -> Iterator[Pair]:
    rst = opened(w)
    [claim_id] = rst.file(victim(1))
    links = [{"claim": claim_id, "link_sha256": "0" * 64}]
    made = rst.act(w.cast.a.lead, "claim-links", links=links)
    yield [made["expires_at"]], [each["link_until"] for each in rst.claims(w.cast.a.auditor)]


def _unlink_claims(w: World) -> Iterator[Pair]:
    rst = opened(w)
    [claim_id] = rst.file(victim(1))
    links = [{"claim": claim_id, "link_sha256": "0" * 64}]
    rst.act(w.cast.a.lead, "claim-links", links=links)
    taken = rst.act(w.cast.a.lead, "claim-link-revocations", claims=[claim_id])
    unlinked = [each for each in rst.claims(w.cast.a.auditor) if each["link_until"] is None]
    yield taken["revoked"], len(unlinked)


def _close_restitution(w: World) -> Iterator[Pair]:
    rst = opened(w)
    w.clock.step(61 * DAY)
    yield _without(rst.act(w.cast.a.lead, "closure"), "log"), _read_restitution(rst)


_CASES: dict[str, Case] = {
    f"{_BASE}/return-requests": _returned,
    f"{_RETURN}/approvals": lambda w: _returned(w, "approvals"),
    f"{_RETURN}/withdrawal": lambda w: _returned(w, "approvals", "withdrawal"),
    f"{_RETURN}/answer": lambda w: _returned(w, "approvals", "answer"),
    f"{_RETURN}/revocation": lambda w: _returned(w, "approvals", "answer", "revocation"),
    f"{_RETURN}/receipt": lambda w: _returned(w, "approvals", "answer", "receipt"),
    _RESTITUTIONS: _open_restitution,
    f"{_RESTITUTION}/pool-lines": _add_lines,
    f"{_RESTITUTION}/claims": _file_claims,
    f"{_RESTITUTION}/claims/{{claim_id}}/decisions": _decide_claim,
    f"{_RESTITUTION}/claims/{{claim_id}}/objections": _contest_claim,
    f"{_RESTITUTION}/claim-links": _link_claims,
    f"{_RESTITUTION}/claim-link-revocations": _unlink_claims,
    f"{_RESTITUTION}/claims/{{claim_id}}/payout-changes": lambda w: _payout_change(
        w, approved=False
    ),
    f"{_RESTITUTION}/claims/{{claim_id}}/payout-changes/{{change_id}}/decisions": (
        lambda w: _payout_change(w, approved=True)
    ),
    f"{_RESTITUTION}/allocations": _propose_allocation,
    f"{_RESTITUTION}/allocations/{{allocation_id}}/approvals": _approve_allocation,
    f"{_RESTITUTION}/payouts": _record_payouts,
    f"{_RESTITUTION}/closure": _close_restitution,
    "/v1/freeze-requests": _submit,
    f"{_BASE}/approvals": _approve,
    f"{_BASE}/partners": _propose,
    f"{_BASE}/support": _raise_support,
    f"{_BASE}/flag-renewals": _renew_flags,
    f"{_BASE}/indemnities": _give_indemnity,
    f"{_BASE}/guests": _ask_guest,
    f"{_BASE}/data-subject-requests/{{data_subject_request_id}}/answer": _answer_data_subject,
    f"{_BASE}/same-funds": _mark,
    f"{_BASE}/withdrawal": _withdraw,
    f"{_BASE}/withdrawals/{{withdrawal_id}}/approvals": _decide_withdrawal,
    f"{_BASE}/closure": _close,
    f"{_BASE}/erasure": _erase,
    f"{_BASE}/acknowledgement": _acknowledge,
    f"{_BASE}/review": _review,
    f"{_BASE}/decline": _decline,
    f"{_BASE}/leg-limit": _limit,
    f"{_BASE}/info-requests": _ask,
    f"{_BASE}/info-requests/{{info_request_id}}/answer": _answer,
    f"{_BASE}/freeze-reports": _report,
    f"{_BASE}/hold-extensions": _extend,
    f"{_BASE}/extension-requests": _ask_longer,
    f"{_BASE}/legal-orders": _attach,
    f"{_BASE}/legal-orders/{{legal_order_id}}/call-backs": _call_back,
    f"{_BASE}/legal-orders/{{legal_order_id}}/reviews": _review_order,
    f"{_BASE}/legal-orders/{{legal_order_id}}/lifting": _lift_order,
    f"{_BASE}/encumbrances": _encumber,
    f"{_BASE}/encumbrances/{{encumbrance_id}}/reviews": _review_claim,
    f"{_BASE}/encumbrances/{{encumbrance_id}}/lifting": _lift_claim,
    f"{_BASE}/clearances/{{clearance_id}}/revocation": _revoke_clearance,
    f"{_BASE}/sealed-evidence/parts": _send_part,
    f"{_BASE}/sealed-evidence": _seal,
    f"{_BASE}/sealed-evidence/{{sealed_evidence_id}}/recipients": _share,
    f"{_BASE}/disputes": _dispute,
    f"{_BASE}/disputes/{{dispute_id}}/resolution": _resolve,
}


@pytest.mark.parametrize("path", _CASES)
def test_what_an_act_answers_is_what_the_next_read_says(w: World, path: str) -> None:
    for answered, read in _CASES[path](w):
        assert answered == read


def test_every_act_on_a_request_is_compared() -> None:
    acts = {
        route.path
        for route in ROUTES
        if route.method == "POST" and route.path.startswith(("/v1/freeze-requests", _RESTITUTIONS))
    }
    assert acts == set(_CASES)
