"""A night in which everything happens: one event of every kind, each by the act that makes it.

The samples that the kit ships (`holdfast/protocol/event_samples.json`) come from here:
`python -m tests.services.every_event` plays it and writes them anew.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from coordinator.services.delivery.webhook_endpoints import (
    DisableGoneEndpoint,
    SendTestEvent,
    TellEndpointFailing,
    prepare_registration,
)
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.services.membership.gateways import EndGateway, VerifyGateway
from coordinator.services.membership.house_rules import PublishRulebook
from coordinator.services.membership.log_reconciliation import ReconcileLog
from coordinator.services.membership.root_resets import ResetRoot
from coordinator.services.membership.suspensions import SuspendPartner
from coordinator.services.requests.alarms import PageNext
from coordinator.services.requests.guests import GuestLineView, NoteGuestContact, RecordGuestAnswer
from coordinator.services.requests.legs import MarkLegsDelivered, MarkLegUndeliverable
from coordinator.services.restoring.liftings import MissReview
from coordinator.storage.requests import alarms, guests
from coordinator.storage.tail import restored
from coordinator.storage.tail import transparency_log as log_store
from coordinator.transparency_log.signer import Tree
from holdfast.protocol import base64url
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_entry import LogEntry
from holdfast.protocol.merkle_tree import Frontier, leaf_hash
from holdfast.protocol.payloads import NewEndpoint, format_time
from holdfast.protocol.proof_of_possession import make_possession
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.vocabulary import Arrival, ErasureReason, EventType, Gateway, GuestAnswer
from tests.api.sealed_cast import by_hand, publish_by_hand
from tests.factories import (
    ACCOUNT,
    ETHER,
    NOON,
    ORIGIN,
    Exchange,
    Member,
    Signer,
    admit,
    grant_body,
    new_exchange,
    nonce,
)
from tests.rulebook import LOG_SIGNER
from tests.services import recovery_world
from tests.services.request_cast import (
    DAY,
    HOUR,
    Ask,
    Office,
    corrected,
    found,
    frozen,
    kept,
    nothing,
    released,
    returned,
    seized,
)
from tests.services.restoring_story import give_back
from tests.services.through_api import World

_PAPER = "ab" * 32
_LATER: dict[str, Any] = {"hold_expires_at": format_time(NOON + 40 * DAY)}
_CLAIM = {
    "kind": "competing_claim",
    "order_sha256": _PAPER,
    "blocks": ["return"],
    "court": "Harju County Court",
    "number": "2-26-123",
}
_ORDER = {"agency": "Police and Border Guard Board", "reference": "1-23-456"}


class Told(NamedTuple):
    """An event, and whom of a request it reached; `own`: its partner alone, `members`: everybody.

    `audience` has "requester", "asked" or both where it is about a request.
    """

    audience: tuple[str, ...]
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        """Its kind."""
        return str(self.body["type"])


def play(office: Office) -> list[Told]:
    """Have everything happen, and return every event with its audience, in order."""
    _go_through_a_request(office)
    _argue(office)
    _have_two_leads_withdraw(office)
    _end_requests(office)
    _go_out_at_once(office)
    _change_members(office)
    _seal_evidence(office)
    _come_back_from_a_copy(office)
    _wake_somebody(office)
    ask_guests(office)
    _ask_for_a_deposit(office)
    _ask_for_rights(office)
    _declare_a_gateway(office)
    _say_where_money_comes_back(office)
    _give_back(office)
    _accept_the_rulebook(office)
    own = _test_endpoints(office)
    return list(_events(office, own))


def _events(office: Office, newcomer: Exchange) -> Iterator[Told]:
    by_id: dict[str, dict[str, Any]] = {}
    readers: dict[str, set[str]] = {}
    for exchange in (*office.desk.cast.all, newcomer):
        for event in office.desk.feed(exchange):
            event_id = event["data"]["event_id"]
            by_id[event_id] = event
            readers.setdefault(event_id, set()).add(exchange.handle)
    for event_id, event in by_id.items():
        yield Told(_audience(event["data"], readers[event_id]), event)


def _audience(data: Mapping[str, Any], readers: set[str]) -> tuple[str, ...]:
    if "data_subject_request" in data and "request_id" not in data:
        return ("requester", "asked")
    if "request_id" not in data and "recovery_id" not in data:
        return ("members",) if len(readers) > 1 else ("own",)
    sides = {"requester" if each == data["requester"] else "asked" for each in readers}
    return tuple(sorted(sides, reverse=True))


def _below(office: Office, ask: Ask, by: Any, path: str, **body: Any) -> dict[str, Any]:
    status, answer = office.act(by, ask, path, **body)
    assert status == 201, answer
    return answer


def _ask_for_a_deposit(office: Office) -> None:
    """Have a deposit go back; another request about it is rejected by who approves."""
    a, b = office.desk.cast.a, office.desk.cast.b
    path = "/v1/recovery-requests"

    def sent(by: Member, to: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = office.signer.post(by, to, body)
        assert answer.status_code == 201, answer.data
        view: dict[str, Any] = answer.get_json()
        return view

    def decided(decision: str) -> tuple[dict[str, Any], str]:
        body = {"nonce": nonce(), "to": b.handle, "deposits": [recovery_world.deposit()]}
        request = sent(a.analyst, path, body)
        act, below = {"content_sha256": request["content_sha256"]}, f"{path}/{request['id']}"
        sent(a.lead, f"{below}/approvals", act | {"decision": decision})
        return act, below

    decided("reject")
    act, below = decided("approve")
    lines = [recovery_world.found(), recovery_world.returned()]
    sent(b.compliance, f"{below}/answers", act | {"lines": lines})
    sent(a.analyst, f"{below}/replies", act | {"lines": [{"kind": "confirmed", "no": 0}]})


def _declare_a_gateway(office: Office) -> None:
    a, desk = office.desk.cast.a, office.desk
    declared = office.signer.post(a.lead, "/v1/gateways", {"gateway": "us_314b"})
    assert declared.status_code == 201
    one: dict[str, Any] = {
        "partner": a.handle,
        "gateway": Gateway.US_314B,
        "document_sha256": None,
    }
    desk.own(VerifyGateway(**one, on=None, until=desk.clock.now() + 300 * DAY))
    desk.own(EndGateway(**one))


def _accept_the_rulebook(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    raw = b"Rules of the house.\n"
    desk.own(PublishRulebook(raw=raw))
    body = {"rulebook_sha256": sha256(raw).hexdigest()}
    accepted = office.signer.post(a.lead, "/v1/rulebook/acceptances", body)
    assert accepted.status_code == 201, accepted.data


def _ask_for_rights(office: Office) -> None:
    desk = office.desk
    a, b, *_ = desk.cast.all
    ask = desk.go_out(to=[b.handle])
    letter = {"kind": "access", "request_id": ask.id, "reference": "DS-17/2026"}
    ids = []
    for _ in range(2):
        came = {"received_at": format_time(desk.clock.now() - DAY)}
        passed_on = office.signer.post(b.lead, "/v1/data-subject-requests", letter | came)
        assert passed_on.status_code == 201, passed_on.data
        ids.append(passed_on.get_json()["id"])
    answer = f"data-subject-requests/{ids[0]}/answer"
    _below(office, ask, a.lead, answer, decision="refused", reason="accurate")
    desk.step(31 * DAY)


def register_destination(signer: Signer, a: Exchange, **named: object) -> dict[str, Any]:
    """Have two people of a member register an account, and a test transfer to it confirmed."""
    path = "/v1/destinations"
    proposed = signer.post(a.compliance, path, {"account": ACCOUNT, **named}).get_json()
    below = f"{path}/{proposed['id']}"
    decision = {"decision": "approve", "act_sha256": proposed["act_sha256"]}
    assert signer.post(a.lead, f"{below}/approvals", decision).status_code == 201
    arrived = {"tx": f"0x{'5e' * 32}", "asset": ETHER, "amount": "1000000000000000"}
    proven = signer.post(a.compliance, f"{below}/test-transfers", arrived)
    assert proven.status_code == 201, proven.data
    answer: dict[str, Any] = proven.get_json()
    return answer


def ask_back(office: Office, ask: Ask, destination: str, **changes: Any) -> dict[str, Any]:
    """Have A's compliance ask B to send back what it holds, and a lead approve it."""
    a, b = office.desk.cast.a, office.desk.cast.b
    body = {
        "to": b.handle,
        "holds": "all",
        "asset": ETHER,
        "amount": "all",
        "destination": {"id": destination, "account": ACCOUNT},
        "basis": {"kind": "own_error", "reason": "A digit was wrong."},
    }
    made = _below(office, ask, a.compliance, "return-requests", **body, **changes)
    decision = {"act_sha256": made["act_sha256"], "decision": "approve"}
    return _below(office, ask, a.lead, f"return-requests/{made['id']}/approvals", **decision)


def _have_money_back(office: Office, destination: str) -> None:
    """Have some promised, contested, sent and confirmed; and some asked no more."""
    desk = office.desk
    desk.step(DAY)
    a, b, _, _ = desk.cast.all
    ask = desk.go_out(to=[b.handle])
    hold = desk.hold(b, ask, **_LATER)
    over = ask_back(office, ask, destination)
    path = f"return-requests/{over['id']}"
    _below(office, ask, a.compliance, f"{path}/withdrawal", reason="Asked too early.")
    made = ask_back(office, ask, destination)
    path = f"return-requests/{made['id']}"
    parts = [{"hold": hold, "amount": "50"}]
    said = {"act_sha256": made["act_sha256"], "decision": "accept", "parts": parts}
    _below(office, ask, b.compliance, f"{path}/answer", **said)
    dispute = desk.act(
        b.compliance, ask, "disputes", hold=hold, reference="case-19", text="Bought in good faith."
    )
    words = {"resolution": "rejected", "text": "The trace is clear."}
    _below(office, ask, a.lead, f"disputes/{dispute['id']}/resolution", **words)
    desk.report(b, ask, returned(hold, 50) | {"return_request": made["id"]})
    _below(office, ask, a.compliance, f"{path}/receipt", received=True, amount="50")


def _say_where_money_comes_back(office: Office) -> None:
    a = office.desk.cast.a
    made = register_destination(office.signer, a, label="Cold wallet 3")
    _have_money_back(office, made["id"])
    body = {"reason": "The wallet is taken out of use."}
    closed = office.signer.post(a.lead, f"/v1/destinations/{made['id']}/closure", body)
    assert closed.status_code == 201, closed.data


def _give_back(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out(to=[desk.cast.b.handle])
    request = office.signer.get(a.lead, f"/v1/freeze-requests/{ask.id}").get_json()
    w = World(office.signer, desk.cast, desk.database, desk.vault, desk.clock)
    give_back(w, request["incident"]["id"])


def _wake_somebody(office: Office) -> None:
    desk, c = office.desk, office.desk.cast.c
    channel = {"kind": "pagerduty", "routing_key": "R0KEY5NDBYY0URSERV1CE"}
    chain = {"steps": [{"person": c.lead.subject, "channels": [channel]}]}
    assert office.signer.post(c.lead, "/v1/on-call", chain).status_code == 201
    desk.go_out(to=[c.handle])
    with desk.database.engine.connect() as connection:
        [alarm] = alarms.due(connection, desk.clock.now(), 10)
    desk.own(PageNext(alarm_id=alarm))


def ask_guests(office: Office) -> tuple[Ask, Exchange]:
    """Ask two who are no members: one answers and joins, the other cannot be reached.

    Returns what they are asked, and who joined.
    """
    desk, a, token = office.desk, office.desk.cast.a, "c" * 32
    ask = desk.go_out(to=[desk.cast.b.handle])
    ids = {}
    for domain in ("exchange-g.example", "exchange-h.example"):
        ids[domain] = _below(office, ask, a.lead, "guests", domain=domain)["id"]
        with desk.database.writing() as connection, connection.begin():
            lease = guests.Lease(token, desk.clock.now() + HOUR)
            guests.claim(connection, domain, lease, now=desk.clock.now(), limit=1)
    near, far = ids.values()
    desk.own(NoteGuestContact(guest_id=far, token=token, error="no_security_txt"))
    mailbox = "security@exchange-g.example"
    desk.own(NoteGuestContact(guest_id=near, token=token, mailbox=mailbox))
    line: GuestLineView = {"address_no": 0, "kind": "found", "asset": ETHER, "amount": "90"}
    desk.own(RecordGuestAnswer(guest_id=near, kind=GuestAnswer.REPORTED, lines=[line]))
    joined = new_exchange("exchange-g.example")
    admit(desk.database, desk.vault, desk.clock, joined)
    return ask, joined


def _go_through_a_request(office: Office) -> None:
    desk = office.desk
    a, b, c, d = desk.cast.all
    ask = desk.go_out(to=[b.handle, c.handle])
    desk.own(MarkLegsDelivered(leg_ids=frozenset({desk.leg(b, ask).id}), arrival=Arrival.WEBHOOK))
    desk.own(MarkLegUndeliverable(leg_id=desk.leg(c, ask).id))
    task = Task(TaskKind.ACKNOWLEDGE, ask.id, desk.leg(b, ask).id)
    taking = {"content_sha256": ask.content_sha256}
    taken = office.signer.post(b.analyst, f"/v1/tasks/{task.id}/taken", taking)
    assert taken.status_code == 201, taken.data
    desk.act(b.analyst, ask, "acknowledgement")
    desk.act(b.analyst, ask, "review")
    asked = desk.act(
        b.analyst, ask, "info-requests", missing=["police_report"], text="Which case is it?"
    )
    desk.step(3 * HOUR)
    desk.answer(ask, asked["id"])
    desk.act(c.lead, ask, "decline", code="cannot_say")
    desk.act(c.lead, ask, "decline", code="policy_refusal", detail="Only on an order.")
    desk.report(c, ask, nothing())
    booked = desk.report(b, ask, found(0, 100), frozen(0, 90))
    hold = str(booked["lines"][1]["hold"])
    desk.report(b, ask, corrected(str(booked["lines"][1]["id"]), 80))
    desk.report(b, ask, released(hold, 10), returned(hold, 10), seized(hold, 10))
    _refuse_more_partners(office, ask)
    desk.step(DAY)
    whole = desk.report(b, ask, frozen(1, None, account_level=True))["lines"][0]["hold"]
    desk.step(DAY)
    desk.report(b, ask, released(whole, None))
    desk.step(NOON + 7 * DAY - desk.clock.now())
    later = {"hold": hold, "hold_expires_at": format_time(NOON + 20 * DAY), "reason": "order due"}
    desk.act(a.lead, ask, "extension-requests", **later)
    desk.extend(b, ask, hold, NOON + 11 * DAY)
    desk.step(NOON + 11 * DAY - desk.clock.now())
    desk.report(b, ask, kept(hold, **_LATER))
    desk.withdraw(ask, [1], reason_code="wrong_target")
    cleared = office.signer.get(a.auditor, f"/v1/freeze-requests/{ask.id}/clearances").get_json()[
        "items"
    ][0]["id"]
    _below(office, ask, a.lead, f"clearances/{cleared}/revocation", reason="It was right after all")
    _ask_another_after_all(office, ask, d)
    desk.withdraw(ask)


def _refuse_more_partners(office: Office, ask: Ask) -> None:
    a, _, _, d = office.desk.cast.all
    proposed = _below(office, ask, a.second_lead, "partners", to=[d.handle], nonce="A" * 22)
    office.desk.decide(ask, context_sha256=proposed["context_sha256"], decision="reject")


def _ask_another_after_all(office: Office, ask: Ask, another: Exchange) -> None:
    """Ask a partner after an address was withdrawn: it hears of that, too."""
    a = office.desk.cast.a
    proposed = _below(
        office, ask, a.second_lead, "partners", to=[another.handle], nonce="B" * 21 + "A"
    )
    office.desk.decide(ask, context_sha256=proposed["context_sha256"])


def _argue(office: Office) -> None:
    """Contest a hold on an account that others hold, too, and bring better papers."""
    desk = office.desk
    a, b, c, _ = desk.cast.all
    ask = desk.go_out(to=[b.handle, c.handle])
    hold, theirs = desk.hold(b, ask, **_LATER), desk.hold(c, ask, **_LATER)
    _below(office, ask, a.analyst, "same-funds", hold=theirs, same_as=hold)
    dispute = desk.act(
        b.compliance, ask, "disputes", hold=hold, reference="case-18", text="Bought in good faith."
    )
    desk.resolve(ask, dispute["id"])
    _restrain(office, ask, hold)
    terms = {
        "cap": {"asset": ETHER, "amount": "50000"},
        "law": "EE",
        "until": format_time(NOON + 300 * DAY),
        "document_sha256": _PAPER,
    }
    _below(office, ask, a.compliance, "indemnities", **terms)
    desk.act(a.lead, ask, "flag-renewals")
    desk.act(a.lead, ask, "support", support="order", document_sha256=_PAPER, reference="K-1-23")


def _restrain(office: Office, ask: Ask, hold: str) -> None:
    """Attach an order and a claim to a hold, miss their dates, look again, and lift both."""
    desk = office.desk
    a, b, _, _ = desk.cast.all
    soon = {"hold": hold, "document_sha256": _PAPER}
    by = format_time(desk.clock.now() + DAY)
    order = desk.act(b.compliance, ask, "legal-orders", **soon, **_ORDER, freeze_until=by)
    claim = desk.act(b.compliance, ask, "encumbrances", hold=hold, review_at=by, **_CLAIM)
    heard = {"at": format_time(desk.clock.now()), "number_from": "known_before"}
    calls = f"legal-orders/{order['id']}/call-backs"
    _below(office, ask, a.lead, calls, outcome="confirmed", **heard)
    desk.step(2 * DAY)
    for noun, made in (("legal-orders", order), ("encumbrances", claim)):
        desk.own(MissReview(restraint_id=made["id"]))
        path = f"{noun}/{made['id']}"
        _below(
            office,
            ask,
            b.compliance,
            f"{path}/reviews",
            review_at=format_time(desk.clock.now() + 30 * DAY),
        )
        named = {"act_sha256": made["act_sha256"], "document_sha256": _PAPER}
        _below(office, ask, b.lead, f"{path}/lifting", **named)


def _have_two_leads_withdraw(office: Office) -> None:
    desk = office.desk
    a, b, _, _ = desk.cast.all
    desk.policy(a, withdrawal_quorum=2)
    ask = desk.go_out(to=[b.handle])
    desk.hold(b, ask)
    for decision in ("reject", "approve"):
        proposed = desk.withdraw(ask)
        desk.decide_withdrawal(ask, proposed["withdrawal"], decision=decision)
    desk.policy(a)


def _end_requests(office: Office) -> None:
    desk = office.desk
    b = desk.cast.b
    desk.decide(desk.submit(to=[b.handle]), decision="reject")
    desk.submit(to=[b.handle])
    desk.step(DAY)
    desk.close(desk.go_out(to=[b.handle]))
    for is_signed in (False, True):
        over = desk.go_out(to=[b.handle])
        desk.close(over)
        desk.own(ProposeErasure(request_id=over.id, reason=ErasureReason.DATA_SUBJECT))
        if is_signed:
            desk.act(desk.cast.a.lead, over, "erasure", reason=ErasureReason.DATA_SUBJECT.value)
    unanswered = desk.go_out(to=[b.handle])
    desk.report(b, unanswered, found(0, 100))
    desk.step(3 * DAY)


def _go_out_at_once(office: Office) -> None:
    desk = office.desk
    a, b, _, _ = desk.cast.all
    desk.policy(a, may_flash=[a.analyst.subject])
    ratified, forgotten = (desk.submit(to=[b.handle], urgency="flash") for _ in range(2))
    desk.decide(ratified)
    desk.step(HOUR)
    desk.decide(forgotten)


def _change_members(office: Office) -> None:
    desk = office.desk
    a, b, _, _ = desk.cast.all
    newcomer = new_exchange("exchange-e.example")
    admit(desk.database, desk.vault, desk.clock, newcomer)
    person = office.signer.send(
        a.lead, "PATCH", f"/v1/people/{a.analyst.subject}", {"display_name": "Night desk"}
    )
    assert person.status_code == 200, person.data
    fresh = new_exchange(b.handle).auditor
    granted = office.signer.post(b.root, "/v1/grants", grant_body(fresh))
    assert granted.status_code == 201, granted.data
    gone = {"kid": fresh.key.kid, "compromised_since": format_time(desk.clock.now())}
    assert office.signer.post(b.lead, "/v1/revocations", gone).status_code == 201
    key = PrivateKey.generate()
    whose = {"audience": ORIGIN, "handle": a.handle}
    possession = make_possession(key, subject=a.handle, **whose)
    desk.own(ResetRoot(**whose, jwk=key.public.jwk(), possession=possession, after=DAY))
    desk.own(SuspendPartner(handle=newcomer.handle))


def _come_back_from_a_copy(office: Office) -> None:
    """Restore a copy that lacks three entries, which a monitor gives back."""
    desk = office.desk
    with desk.database.transaction() as connection:
        restored.mark(connection, desk.clock.now())
        head = log_store.lock(connection, events=0, revocations=0)
    tree = Frontier.parse(head.frontier.size, head.frontier.packed())
    types = ("freeze_request.submitted", "freeze_request.approved", "freeze_request.approved")
    entries = [
        LogEntry(bytes([number]) * 16, kind, desk.clock.now(), bytes([number]) * 32).encode()
        for number, kind in enumerate(types, 1)
    ]
    base = Tree(tree.size, tree.root())
    for each in entries:
        tree.append(leaf_hash(each))
    note = LOG_SIGNER.sign(Tree(tree.size, tree.root()), base)
    desk.own(ReconcileLog(base=base, entries=entries, checkpoints={tree.size: note}))


def _seal_evidence(office: Office) -> None:
    a, b, _, _ = office.desk.cast.all
    ask = office.desk.go_out(to=[b.handle])
    kids = publish_by_hand(office.signer, a.lead, b.lead)
    part = bytes(range(64))
    _below(office, ask, a.lead, "sealed-evidence/parts", data=base64url.encode(part))
    _below(office, ask, a.lead, "sealed-evidence", **by_hand([part], kids))


def _test_endpoints(office: Office) -> Exchange:
    desk = office.desk
    b = desk.cast.b
    body = {"url": "https://hooks.exchange-b.example/holdfast"}
    command = prepare_registration(NewEndpoint.model_validate(body), lambda _: None)
    made = desk.perform(b.lead, "/v1/webhook-endpoints", b"{}", command)
    test = SendTestEvent(endpoint_id=made["id"])
    desk.perform(b.lead, f"/v1/webhook-endpoints/{made['id']}/test", b"", test)
    since = int(desk.clock.now().timestamp()) * 1_000_000
    desk.change("UPDATE webhook_endpoint SET failing_since = :at", at=since)
    desk.own(TellEndpointFailing(endpoint_id=made["id"]))
    desk.change("UPDATE webhook_endpoint SET gone_at = :at", at=since)
    desk.own(DisableGoneEndpoint(endpoint_id=made["id"]))
    return b


def missing(told: list[Told]) -> list[str]:
    """Return the kinds that did not happen."""
    return sorted({each.value for each in EventType} - {each.type for each in told})
