"""One story through every operation, whose bodies and answers are the document's examples.

    RECORD_EXAMPLES=1 .venv/bin/python -m pytest -q tests/contract/test_examples.py

writes them anew. Secrets are blanked, long lists cut, and addresses of this machine replaced.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from coordinator.api import problems
from coordinator.api.reference import examples
from coordinator.domain.errors import (
    BodyTimeoutError,
    CoordinatorError,
    RateLimitedError,
    UnavailableError,
)
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.services.membership.gateways import VerifyGateway
from coordinator.services.membership.house_rules import PublishRulebook
from coordinator.services.requests.alarms import PageNext
from holdfast.protocol import base64url
from holdfast.protocol.cosignature import WitnessVerifier, cosign
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_policy import parse_policy
from holdfast.protocol.signed_note import SignedNote, parse_note
from holdfast.protocol.vocabulary import ErasureReason, Gateway, Role
from tests.api.membership_acts import (
    approve_grant,
    new_person,
    operate,
    propose,
    with_new_key,
)
from tests.api.sealed_cast import by_hand, publish_by_hand
from tests.console import openid
from tests.factories import (
    ACCOUNT,
    ETHER,
    Member,
    Signer,
    grant_body,
    invite,
    join_body,
    new_exchange,
    nonce,
)
from tests.services import recovery_world
from tests.services.every_event import register_destination
from tests.services.request_cast import account
from tests.services.restoring_story import give_back
from tests.services.through_api import World, found_line, frozen_line, released_line

_LATER = "2026-03-20T12:00:00Z"
_DOCUMENT = "ab" * 32
_REQUEST = "/v1/freeze-requests"
#: As many items of a list as an example shows.
_MOST_ITEMS = 2
_HOOK = "http://127.0.0.1:9/hook"
#: What has no place in a document: secrets, and addresses of the machine that recorded it.
_BLANKED = (
    (re.compile(r"^http://127\.0\.0\.1:\d+$"), "https://login.exchange-a.example"),
    (re.compile(re.escape(_HOOK)), "https://hooks.exchange-a.example/holdfast"),
    # A proof is as long as the log is large; its form shows in the first hash.
    (re.compile(r"(?<=@v1\n)(index \d+\n.{44}\n)(?:.{44}\n)+"), r"\1"),
    (re.compile(r"whsec_[A-Za-z0-9+/=]+"), "whsec_c2VjcmV0IG9mIHRoZSBlbmRwb2ludA=="),
    (re.compile(r"(/console/[a-z-]+[/#?])[A-Za-z0-9_=-]{20,}"), r"\1secret"),
)
#: What is new in every run, by what it is.
_FRESH = (
    (re.compile(r"(?:[A-Za-z0-9+/]{4}){10,}[A-Za-z0-9+/]{2,3}={1,2}"), "base64"),
    (re.compile(r"\b([a-z]{3})_[0-7][0-9a-hjkmnp-tv-z]{25}(?![0-9a-z])"), r"\1_id"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "hex"),
    (re.compile(r"[A-Za-z0-9_-]{22,}(?:\.[A-Za-z0-9_-]{22,})*"), "base64url"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z"), "time"),
    (re.compile(r"/[1-9A-HJ-NP-Za-km-z]{32,44}\b"), "/account"),
)


@dataclass(slots=True)
class Recorder(Signer):
    """Keeps each answer with the body that it was given to; None where there was none."""

    exchanged: list[tuple[TestResponse, Any]] = field(default_factory=list)

    def send(
        self, member: Member, method: str, path: str, body: Any = None, **more: Any
    ) -> TestResponse:
        answer = Signer.send(self, member, method, path, body, **more)
        self.exchanged.append((answer, body))
        return answer

    def read(self, path: str) -> TestResponse:
        """Send a GET that nobody signed."""
        answer = self.client.get(path)
        self.exchanged.append((answer, None))
        return answer

    def hand_in(self, path: str, body: Any) -> TestResponse:
        """Send a POST that nobody signed."""
        answer = self.client.post(path, json=body)
        self.exchanged.append((answer, body))
        return answer


def blanked(value: Any) -> Any:
    """Return what is shown of a body or an answer."""
    if isinstance(value, Mapping):
        return {name: blanked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [blanked(each) for each in value[:_MOST_ITEMS]]
    if isinstance(value, str):
        for pattern, by in _BLANKED:
            value = pattern.sub(by, value)
    return value


def shape(value: Any) -> Any:
    """Return what is the same of an example in every run.

    Lists go by ids and thumbprints that are new in every run, so which items come first differs; of
    objects in a list the names of their members are compared.
    """
    if isinstance(value, Mapping):
        return {shape(name): shape(each) for name, each in value.items()}
    if isinstance(value, list):
        names = {name for each in value if isinstance(each, Mapping) for name in each}
        return sorted(names) or [shape(each) for each in value]
    if isinstance(value, str):
        for pattern, by in _FRESH:
            value = pattern.sub(by, value)
    return value


def record(app: Flask, w: World) -> dict[str, Any]:
    """Play the story and return its examples, as `coordinator.api.reference.examples` reads them.

    Of several answers of an operation with the same status, the last is shown.
    """
    recorder = Recorder(w.signer.client, w.signer.clock)
    _play(replace(w, signer=recorder))
    told: dict[str, dict[str, Any]] = {}
    refused: dict[str, Any] = dict(_rare_problems(app))
    for answer, body in recorder.exchanged:
        status = str(answer.status_code)
        shown = blanked(_shown(answer))
        if answer.status_code >= 400:
            refused.setdefault(status, shown)
            continue
        example = told.setdefault(_name(app, answer), {"answers": {}})
        example["answers"][status] = shown
        if body is not None:
            example["body"] = blanked(body)
    return {
        "operations": dict(sorted(told.items())),
        "problems": dict(sorted(refused.items())),
    }


def write(recorded: Mapping[str, Any]) -> None:
    """Put the examples where the document has them from."""
    text = json.dumps(recorded, indent=1, sort_keys=True, ensure_ascii=False)  # noqa: TID251 - to be read, not signed
    examples.PATH.write_text(text + "\n", encoding="utf-8")


def _shown(answer: TestResponse) -> Any:
    """Return what an example shows of an answer; None: it is no text."""
    if answer.is_json or answer.mimetype == problems.CONTENT_TYPE:
        return answer.get_json()
    return answer.text if answer.mimetype == "text/plain" else None


def _name(app: Flask, answer: TestResponse) -> str:
    request = answer.request
    rule, _ = app.url_map.bind("").match(request.path, request.method, return_rule=True)
    path = re.sub("<(?:path:)?([a-z_]+)>", r"{\1}", rule.rule)
    return f"{request.method} {path}"


def _rare_problems(app: Flask) -> Iterator[tuple[str, Any]]:
    """Yield what a healthy coordinator that is not hurried never answers."""
    rare: tuple[CoordinatorError, ...] = (
        BodyTimeoutError("the body did not come within 30 s; send it again"),
        RateLimitedError("more than 600 requests a minute; come back later", retry_after=2),
        UnavailableError("the database cannot be had at present"),
    )
    with app.test_request_context():
        for error in rare:
            yield str(int(problems.status_of(error))), json.loads(problems.problem_bytes(error))
        failed = app.make_response(app.handle_user_exception(RuntimeError("of a test")))
        yield "500", failed.get_json()


def _recorder(w: World) -> Recorder:
    assert isinstance(w.signer, Recorder)
    return w.signer


def _ok(answer: TestResponse) -> Any:
    assert answer.status_code < 300, answer.data
    return answer.get_json()


def _play(w: World) -> None:
    _membership(w)
    _sign_in_provider(w)
    _on_call(w)
    _destinations(w)
    endpoint = _endpoints(w)
    ask = _request(w)
    _two_holds(w, ask)
    _questions(w, ask)
    _ground(w, ask)
    _flags(w)
    sealed = _sealed(w, ask)
    _end(w, ask)
    _deposits(w)
    _refusals(w, ask)
    _reads(w, ask, endpoint)
    drill = w.live(drill=True, to=[w.cast.b.handle])["id"]
    for each in ("readiness", "readiness.pdf"):
        _ok(w.signer.get(w.cast.a.lead, f"{_REQUEST}/{drill}/{each}"))
    _gateways(w)
    _give_back(w)
    _rulebook(w)  # from here on a request has to name it
    path = f"{_REQUEST}/{ask['id']}/sealed-evidence/{sealed}"
    for each in (path, f"{path}/parts/0"):
        _ok(w.signer.get(w.cast.b.lead, each))
    _drop_endpoint(w, endpoint)
    _ok(w.signer.send(w.cast.a.lead, "DELETE", "/v1/on-call"))


def _membership(w: World) -> None:
    a = w.cast.a
    post = w.signer.post
    newcomer = new_exchange("exchange-e.example")
    code = invite(w.database, w.vault, w.clock, newcomer.handle)
    joined = w.signer.post(newcomer.root, "/v1/join", join_body(newcomer, code))
    _ok(joined)
    reached = {
        "contacts": ["desk on duty"],
        "emergency_contact": "+372 5555 0100",
        "freezes_on": "request",
        "jurisdictions": ["EE", "LV"],
        "languages": ["en", "et"],
        "hours": {
            "zone": "Europe/Tallinn",
            "spans": [
                {
                    "days": ["mon", "tue", "wed", "thu", "fri"],
                    "opens": "09:00",
                    "closes": "17:30",
                }
            ],
        },
        "named_in_statistics": True,
    }
    _ok(w.signer.send(a.lead, "PATCH", "/v1/partners/me", reached))
    named = {"display_name": "Ada Lovelace", "contact": "desk 4"}
    _ok(w.signer.send(a.lead, "PATCH", f"/v1/people/{a.analyst.subject}", named))
    for _ in range(2):  # the second time it is there already
        _ok(post(a.lead, "/v1/partners/me/tag-key", {"tag_key": "A" * 43}))
    person = new_person(a, Role.ANALYST)
    proposal = propose(w.signer, a.lead, grant_body(person))
    _ok(approve_grant(w.signer, a.second_lead, proposal))
    pending = with_new_key(person)
    _ok(post(a.lead, "/v1/grants", grant_body(pending)))
    _ok(post(a.lead, "/v1/revocations", {"kid": person.key.kid, "reason": "He has left."}))
    _ok(post(a.lead, "/v1/console-links", {"purpose": "passkey", "person": a.analyst.subject}))


def _sign_in_provider(w: World) -> None:
    lead, path = w.cast.a.lead, "/v1/sign-in-provider"
    with openid.serving(int(w.clock.now().timestamp())) as provider:
        person = {"person": w.cast.a.analyst.subject, "sub": "248289761001"}
        told = {
            "client_id": "holdfast",
            "client_secret": "issued-by-your-provider",
            "people": [person],
        }
        _ok(w.signer.post(lead, path, {"issuer": provider.issuer, **told}))
        _ok(w.signer.get(lead, path))
        _ok(w.signer.send(lead, "DELETE", path))


def _flags(w: World) -> None:
    b = w.cast.b
    page = _ok(w.signer.get(b.system, "/v1/flags?after=0"))
    seq = int(page["next_after"])
    applied = {"seq": seq, "root": "0f" * 32, "count": 2, "hits": 1}
    _ok(w.signer.post(b.system, "/v1/flags/applied", applied))
    _ok(w.signer.get(b.system, "/v1/flags/applied"))


def _give_back(w: World) -> None:
    incident = w.live(to=[w.cast.b.handle])["incident"]["id"]
    rst = give_back(w, incident)
    _ok(w.signer.get(w.cast.a.auditor, f"{rst.path}/evidence-bundle"))


def _on_call(w: World) -> None:
    a, path = w.cast.a, "/v1/on-call"
    steps = [
        {
            "person": a.lead.subject,
            "channels": [
                {"kind": "webhook", "url": _HOOK},
                {"kind": "pagerduty", "routing_key": "R0KEY5NDBYY0URSERV1CE"},
            ],
        },
        {
            "person": a.second_lead.subject,
            "minutes": 10,
            "channels": [{"kind": "webhook", "url": _HOOK}],
        },
    ]
    quiet = {"zone": "Europe/Tallinn", "begins": "22:00", "ends": "07:00", "rest_days": True}
    _ok(w.signer.post(a.lead, path, {"steps": steps, "quiet": quiet}))
    _ok(w.signer.get(a.lead, path))
    _ok(w.signer.post(a.lead, f"{path}/test", {"person": a.lead.subject}))


def _returns(w: World, destination: str) -> None:
    """Go the way of a return request, and its other ends."""
    a, b = w.cast.a, w.cast.b
    w.clock.step(timedelta(days=1))
    request = w.live(to=[b.handle])
    hold, path = w.freeze(b, request), "return-requests"
    body = {
        "to": b.handle,
        "holds": [hold],
        "asset": ETHER,
        "amount": "300",
        "destination": {"id": destination, "account": ACCOUNT},
        "basis": {"kind": "own_error", "reason": "A digit was wrong."},
    }
    made, one = {"id": ""}, ""
    for end in ("withdrawal", "revocation", "receipt"):
        made = w.act(a.compliance, request, path, **body)
        one = f"{path}/{made['id']}"
        named = {"act_sha256": made["act_sha256"]}
        w.act(a.lead, request, f"{one}/approvals", **named, decision="approve")
        if end == "withdrawal":
            w.act(a.compliance, request, f"{one}/{end}", reason="Asked too early.")
            continue
        parts = [{"hold": hold, "amount": "300"}]
        w.act(b.compliance, request, f"{one}/answer", **named, decision="accept", parts=parts)
        if end == "revocation":
            w.act(a.lead, request, f"{one}/{end}", reason="We were paid otherwise.")
    line = {"kind": "returned", "hold": hold, "amount": "300", "tx": f"0x{'7a' * 32}"}
    w.report(b, request, [line | {"return_request": made["id"]}])
    w.act(a.compliance, request, f"{one}/receipt", received=True, amount="300")
    w.items(a.auditor, request, path)


def _destinations(w: World) -> None:
    a, path = w.cast.a, "/v1/destinations"
    made = register_destination(w.signer, a, label="Cold wallet 3")
    _returns(w, made["id"])
    _ok(w.signer.get(a.auditor, path))
    _ok(w.signer.get(a.auditor, f"{path}/{made['id']}"))
    reason = {"reason": "The wallet is taken out of use."}
    _ok(w.signer.post(a.lead, f"{path}/{made['id']}/closure", reason))


def _deposits(w: World) -> None:
    a, b, path = w.cast.a, w.cast.b, "/v1/recovery-requests"
    body = {
        "nonce": nonce(),
        "to": b.handle,
        "deposits": [recovery_world.deposit(n) for n in (0, 1)],
    }
    request = _ok(w.signer.post(a.analyst, path, body))
    _ok(w.signer.post(a.analyst, path, body | {"nonce": nonce()}))  # asked for already
    act, below = {"content_sha256": request["content_sha256"]}, f"{path}/{request['id']}"
    _ok(w.signer.post(a.lead, f"{below}/approvals", act | {"decision": "approve"}))
    lines = [recovery_world.found(), recovery_world.returned()]
    _ok(w.signer.post(b.compliance, f"{below}/answers", act | {"lines": lines}))
    confirmed = {"lines": [{"kind": "confirmed", "no": 0}]}
    _ok(w.signer.post(a.analyst, f"{below}/replies", act | confirmed))
    taken = {"deposits": [1], "reason": "The customer was paid otherwise."}
    _ok(w.signer.post(a.analyst, f"{below}/withdrawal", act | taken))
    below_it = [f"{below}/{name}" for name in ("deposits", "evidence", "evidence-bundle")]
    for each in (path, below, *below_it, f"{path}/statistics"):
        _ok(w.signer.get(a.lead, each))


def _rulebook(w: World) -> None:
    a, path = w.cast.a, "/v1/rulebook"
    raw = b"1. The network lets its members ask one another to hold stolen funds.\n"
    later = w.clock.now() + timedelta(days=30)
    operate(w.database, w.vault, w.clock, PublishRulebook(raw=raw))
    operate(w.database, w.vault, w.clock, PublishRulebook(raw=raw + b"2.\n", in_force_from=later))
    body = {"rulebook_sha256": sha256(raw).hexdigest()}
    for _ in range(2):  # the second time it is accepted already
        _ok(w.signer.post(a.lead, f"{path}/acceptances", body))
    _ok(w.signer.get(a.auditor, f"{path}/acceptances"))
    for each in (path, f"{path}/{body['rulebook_sha256']}"):
        _ok(_recorder(w).read(each))


def _gateways(w: World) -> None:
    a, path = w.cast.a, "/v1/gateways"
    declared = _ok(w.signer.post(a.lead, path, {"gateway": "us_314b"}))
    _ok(w.signer.post(a.lead, path, {"gateway": "us_314b"}))  # it is declared already
    until = w.clock.now() + timedelta(days=365)
    operate(
        w.database,
        w.vault,
        w.clock,
        VerifyGateway(
            partner=a.handle,
            gateway=Gateway.US_314B,
            document_sha256=None,
            on=None,
            until=until,
        ),
    )
    _ok(w.signer.get(a.auditor, path))
    _ok(w.signer.post(a.lead, f"{path}/withdrawals", {"gateway_id": declared["id"]}))


def _endpoints(w: World) -> str:
    system = w.cast.a.system
    body = {"url": _HOOK, "event_types": ["freeze.*", "hold.lapsed"], "description": "Desk"}
    endpoint = _ok(w.signer.post(system, "/v1/webhook-endpoints", body))["id"]
    path = f"/v1/webhook-endpoints/{endpoint}"
    changes = {"description": "Desk on duty", "event_types": ["freeze.*", "leg.*"]}
    _ok(w.signer.send(system, "PATCH", path, changes))
    _ok(w.signer.post(system, f"{path}/rotate-secret"))
    _ok(w.signer.post(system, f"{path}/test", {"event_type": "freeze_request.received"}))
    _ok(w.signer.post(system, f"{path}/recover", {"since": "2026-03-02T11:00:00Z"}))
    return str(endpoint)


def _request(w: World) -> dict[str, Any]:
    a, b, c, d = w.cast.all
    flagged = [
        {"account": ACCOUNT, "asset": ETHER, "amount": "10000000000000000000000"},
        {"account": account(1), "note": "From the second transaction."},
    ]
    known = w.live(addresses=[{"account": account(9)}])
    w.act(a.lead, known, "closure", reason="Settled.")
    gone = w.live(addresses=[{"account": account(8)}])
    w.act(a.lead, gone, "closure")
    propose_erasure = ProposeErasure(request_id=gone["id"], reason=ErasureReason.DATA_SUBJECT)
    operate(w.database, w.vault, w.clock, propose_erasure)
    _ok(w.signer.get(a.lead, f"{_REQUEST}/{gone['id']}/erasure"))
    w.act(a.lead, gone, "erasure", reason="data_subject")
    ask = w.submit(
        to=[b.handle, c.handle],
        addresses=flagged,
        incident={"id": known["incident"]["id"]},
        follows=known["id"],
        support="none",
        why_you=[{"to": [b.handle], "why": "Deposit address of yours.", "address_nos": [0]}],
        interest={"kinds": ["own_funds"], "statement": "Our own cold wallet was emptied."},
    )
    [owed] = w.items(a.lead, ask, "alarms")
    operate(w.database, w.vault, w.clock, PageNext(alarm_id=owed["id"]))
    _ok(w.signer.get(a.lead, f"{_REQUEST}?box=to_approve"))
    [task] = [
        each for each in w.get(a.lead, "/v1/tasks")["items"] if each["request_id"] == ask["id"]
    ]
    same = {"content_sha256": ask["content_sha256"]}
    _ok(w.signer.post(a.lead, f"/v1/tasks/{task['id']}/taken", same))
    words = {"decision": "approve", "context_sha256": ask["context_sha256"], "comment": "Go."}
    w.act(a.lead, ask, "approvals", **words)
    added = w.act(a.lead, ask, "partners", to=[d.handle])
    words = {"decision": "approve", "context_sha256": added["context_sha256"]}
    w.act(a.second_lead, ask, "approvals", **words)
    return ask


def _two_holds(w: World, ask: dict[str, Any]) -> None:
    a, b, c, d = w.cast.all
    w.act(b.analyst, ask, "acknowledgement", note="We are on it.")
    w.act(b.analyst, ask, "review")
    # Everybody sees it again at once, for the story goes on with all of them.
    w.act(b.lead, ask, "leg-limit", people=[b.lead.subject, b.compliance.subject])
    w.act(b.lead, ask, "leg-limit", people=None)
    first = w.report(b, ask, [found_line("700"), frozen_line("700", basis="own_policy")])
    soon = "2026-03-05T12:00:00Z"
    second = w.report(c, ask, [found_line("700"), frozen_line("700", hold_expires_at=soon)])
    one, other = (each["lines"][1]["hold"] for each in (first, second))
    w.act(a.analyst, ask, "same-funds", hold=other, same_as=one)
    moved = {"code": "moved_on", "next": {"account": account(5), "tx": "0x" + "ab" * 32}}
    w.act(d.compliance, ask, "decline", **moved)
    w.report(b, ask, [released_line(one, "100")])
    w.report(b, ask, [found_line("900"), frozen_line("200", hold_expires_at=soon)])


def _questions(w: World, ask: dict[str, Any]) -> None:
    a, b, *_ = w.cast.all
    hold = w.items(a.auditor, ask, "holds")[0]["id"]
    asked = w.act(b.analyst, ask, "info-requests", missing=["police report"], text="Which one?")
    path = f"info-requests/{asked['id']}/answer"
    w.act(a.analyst, ask, path, text="It is number seventeen.")
    contest = {"hold": hold, "reference": "K-1001", "text": "It was bought in good faith."}
    dispute = w.act(b.compliance, ask, "disputes", **contest)
    path = f"disputes/{dispute['id']}/resolution"
    w.act(a.lead, ask, path, resolution="rejected", text="The trace is clear.")


def _restrain(w: World, ask: dict[str, Any], hold: str) -> None:
    a, b, *_ = w.cast.all
    order = w.items(b.auditor, ask, "legal-orders")[0]
    called = {"at": "2026-03-02T12:00:00Z", "number_from": "agency_website"}
    path = f"legal-orders/{order['id']}"
    w.act(a.compliance, ask, f"{path}/call-backs", outcome="confirmed", **called)
    claim = {
        "hold": hold,
        "kind": "attachment",
        "order_sha256": _DOCUMENT,
        "amount": "300",
        "blocks": ["release", "return"],
        "court": "Harju County Court",
        "number": "2-26-123",
        "review_at": _LATER,
    }
    for _ in range(2):  # the second time it is there already
        same = {"content_sha256": ask["content_sha256"], **claim}
        _ok(w.post(b.compliance, f"/{ask['id']}/encumbrances", same))
    made = w.items(b.auditor, ask, "encumbrances")[0]
    for each, base in ((order, path), (made, f"encumbrances/{made['id']}")):
        w.act(b.compliance, ask, f"{base}/reviews", review_at=_LATER)
        named = {"act_sha256": each["act_sha256"], "document_sha256": _DOCUMENT}
        w.act(b.lead, ask, f"{base}/lifting", **named)


def _ground(w: World, ask: dict[str, Any]) -> None:
    a, b, *_ = w.cast.all
    hold = w.items(a.auditor, ask, "holds")[0]["id"]
    w.act(a.lead, ask, "flag-renewals")
    words = {"support": "police_report", "document_sha256": _DOCUMENT, "reference": "17/2026"}
    w.act(a.compliance, ask, "support", **words)
    cap = {"cap": {"usd": "250000"}, "law": "EE", "until": _LATER}
    w.act(a.compliance, ask, "indemnities", document_sha256=_DOCUMENT, **cap)
    w.act(a.lead, ask, "guests", domain="exchange-g.example")
    letter = {"kind": "rectification", "request_id": ask["id"], "reference": "DS-17/2026"}
    letter["received_at"] = "2026-03-01T00:00:00Z"
    passed_on = _ok(w.signer.post(b.compliance, "/v1/data-subject-requests", letter))
    below = f"data-subject-requests/{passed_on['id']}/answer"
    w.act(a.compliance, ask, below, decision="extended", reason="complex")
    order = {"agency": "State police", "reference": "1-23-456", "document_sha256": _DOCUMENT}
    for _ in range(2):  # the second time it is there already
        same = {"content_sha256": ask["content_sha256"], "hold": hold, **order}
        _ok(w.post(b.compliance, f"/{ask['id']}/legal-orders", same))
    _restrain(w, ask, hold)
    longer = {"hold": hold, "hold_expires_at": _LATER}
    w.act(a.lead, ask, "extension-requests", reason="The order is on its way.", **longer)
    w.act(b.compliance, ask, "hold-extensions", basis="legal_order", **longer)


def _sealed(w: World, ask: dict[str, Any]) -> str:
    """Have a file sealed to B, and to C after that; returns its id."""
    a, b, c, *_ = w.cast.all
    kids = publish_by_hand(w.signer, a.lead, b.lead)
    for _ in range(2):  # the second time it is there already
        part = {"content_sha256": ask["content_sha256"], "data": base64url.encode(bytes(range(64)))}
        _ok(w.post(a.lead, f"/{ask['id']}/sealed-evidence/parts", part))
    body = by_hand([bytes(range(64))], kids)
    sealed: str = w.act(a.lead, ask, "sealed-evidence", **body)["id"]
    more = by_hand([bytes(range(64))], publish_by_hand(w.signer, c.lead))
    words = {name: more[name] for name in ("sha256", "keys")}
    w.act(a.lead, ask, f"sealed-evidence/{sealed}/recipients", **words)
    return sealed


def _end(w: World, ask: dict[str, Any]) -> None:
    a, *_ = w.cast.all
    error = {"addresses": [1], "reason_code": "wrong_target", "reason": "A market maker's."}
    w.act(a.lead, ask, "withdrawal", **error)
    [cleared] = w.items(a.auditor, ask, "clearances")
    _ok(w.signer.get(a.auditor, f"{_REQUEST}/{ask['id']}/clearances"))
    path = f"clearances/{cleared['id']}/revocation"
    w.act(a.lead, ask, path, reason="It was the thief's after all.")
    _ok(w.signer.post(a.root, "/v1/grants", {"policy": {"withdrawal_quorum": 2}}))
    words = {"addresses": "all", "reason_code": "resolved", "reason": "The funds are back."}
    proposed = w.act(a.lead, ask, "withdrawal", **words)["withdrawal"]
    path = f"withdrawals/{proposed['id']}/approvals"
    said = {"decision": "approve", "act_sha256": proposed["act_sha256"]}
    w.act(a.second_lead, ask, path, **said)


def _erased(w: World) -> str:
    listed = w.get(w.cast.a.lead, _REQUEST)["items"]
    return next(str(each["id"]) for each in listed if each["erased_at"])


def _refusals(w: World, ask: dict[str, Any]) -> None:
    a, b, *_ = w.cast.all
    path = f"{_REQUEST}/{ask['id']}"
    same = {"content_sha256": ask["content_sha256"]}
    endless = frozen_line("5") | {"hold_expires_at": None}
    send = w.signer.send
    plain = {"Content-Type": "text/plain"}
    known = {"If-Match": '"another"'}
    answers = [
        send(a.lead, "POST", f"{path}/closure", b"{"),
        send(a.auditor, "POST", f"{path}/closure", same),
        send(a.auditor, "GET", f"{_REQUEST}/frq_01kk7h3m6xf9trv2c8e5b4n0qa"),
        send(a.lead, "POST", f"{path}/closure", same),
        send(a.lead, "GET", path, headers=known),
        send(a.lead, "POST", f"{path}/closure", b" " * 2_000_000),
        send(a.lead, "POST", f"{path}/closure", b"{}", headers=plain),
        send(b.compliance, "POST", f"{path}/freeze-reports", same | {"lines": [endless]}),
        send(a.lead, "GET", f"{_REQUEST}/{_erased(w)}"),
    ]
    stranger = _recorder(w).read(path)
    found = {each.status_code for each in (*answers, stranger)}
    assert found == {400, 401, 403, 404, 409, 410, 412, 413, 415, 422}, found


def _reads(w: World, ask: dict[str, Any], endpoint: str) -> None:
    a, b, *_ = w.cast.all
    path = f"{_REQUEST}/{ask['id']}"
    lists = (
        *("addresses", "asked", "events", "alarms", "partners", "drafts", "support", "indemnities"),
        "guests",
        *("withdrawals", "legs", "info-requests", "ledger", "holds", "answers", "legal-orders"),
        "encumbrances",
        *("disputes", "evidence", "evidence-bundle", "summary.pdf", "sealed-evidence"),
    )
    incident = f"/v1/incidents/{ask['incident']['id']}"
    hooks = "/v1/webhook-endpoints"
    owed = w.get(a.system, f"{hooks}/{endpoint}/deliveries")["items"]
    delivery = f"/v1/deliveries/{owed[0]['id']}"
    reads: list[tuple[Member, str]] = [
        *((a.lead, f"{path}/{name}") for name in lists),
        *((a.lead, each) for each in (path, _REQUEST, "/v1/partners", "/v1/partners/me")),
        *((a.lead, f"/v1/{name}") for name in ("people", "keys", "encryption-keys", "grants")),
        *((a.lead, f"/v1/{name}") for name in ("passkeys", "acts", "alarms")),
        *((a.lead, f"/v1/{name}") for name in ("chains", "incidents", "statistics", "events")),
        *((a.lead, each) for each in (incident, f"{incident}/timeline", f"{incident}/trace")),
        (a.lead, f"/v1/partners/{b.handle}"),
        (b.lead, letters := "/v1/data-subject-requests"),
        (b.lead, f"{letters}/{w.get(b.lead, letters)['items'][0]['id']}"),
        (a.lead, f"/v1/search?q={ask['id']}"),
        *((b.lead, f"/v1/{name}") for name in ("holds", "holds/owed", "tasks")),
        *((a.system, each) for each in (hooks, f"{hooks}/{endpoint}", delivery)),
    ]
    for member, each in reads:
        _ok(w.signer.get(member, each))
    w.signer.client.application.extensions["holdfast"].read_log.store()
    _ok(w.signer.get(a.lead, f"{path}/reads"))
    [cleared] = w.items(a.auditor, ask, "clearances")
    public = (
        *("/v1", "/.well-known/jwks.json", "/healthz", "/readyz", "/v1/statistics/2026"),
        f"/v1/clearances/{cleared['id']}",
    )
    for each in public:
        _ok(_recorder(w).read(each))
    _cosign(w)
    for path in (
        *("checkpoint", "cosignatures", "policy", "keys"),
        *("tile/0/000.p/5", "tile/entries/000.p/5"),
        *("proof/entry/3", "proof/inclusion/3/9", "proof/consistency/4/9"),
    ):
        answer = _recorder(w).read(f"/v1/log/{path}")
        assert answer.status_code == 200, answer.data
    _ok(w.signer.post(a.system, f"{delivery}/resend"))


def _cosign(w: World) -> None:
    """Name a witness, and hand its cosignature in."""
    app = w.signer.client.application
    key = PrivateKey.from_seed(b"w" * 32)
    witness = WitnessVerifier("exchange-a.example/witness", key.public)
    text = f"witness alpha {witness}\nquorum none\n".encode()
    app.extensions["holdfast"] = replace(
        app.extensions["holdfast"], log_policy=parse_policy(text), log_policy_text=text
    )
    note = parse_note(w.signer.client.get("/v1/log/cosignatures").data)
    made = cosign(note.text, witness.name, key, w.clock.now())
    cosigned = SignedNote(note.text, (*note.signatures, made)).encode().decode()
    _ok(_recorder(w).hand_in("/v1/log/cosignatures", {"note": cosigned}))


def _drop_endpoint(w: World, endpoint: str) -> None:
    path = f"/v1/webhook-endpoints/{endpoint}"
    system = w.cast.a.system
    _ok(w.signer.post(system, f"{path}/replay", {"since": "2026-03-02T11:00:00Z"}))
    _ok(w.signer.send(system, "DELETE", path))
