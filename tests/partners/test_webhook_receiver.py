"""Receiving webhooks: authentic ones, repeats, gaps, and the Flask blueprint on top."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from holdfast.client.client import Client
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import Notice
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json
from holdfast.protocol.events import samples
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EvidenceKind, Role
from holdfast.protocol.webhook_signature import new_secret, sign
from holdfast.webhooks.flask_blueprint import WebhookInbox, webhook_blueprint
from holdfast.webhooks.receiver import Event, verify_notice, verify_webhook
from holdfast.webhooks.seen_events import CLAIM_SECONDS, Claim, SqliteSeenEvents
from reference_exchange.inbox import Inbox
from tests.partners.signed_world import (
    World,
    context_hash_of,
    evidence_of,
    evidence_view,
    request_body,
)
from tests.partners.signed_world import sign as sign_request
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import AT
from tests.passkeys import SoftPasskey

NOW = 1_790_000_000
KEY = PrivateKey.generate()
SECRET = new_secret()


def body_of(kind: str = "leg.acknowledged", **data: Any) -> bytes:
    return canonical_json.dumps({"type": kind, "timestamp": AT, "data": data})


def headers_of(body: bytes, *, message_id: str = "evt_1", now: int = NOW) -> dict[str, str]:
    return sign(message_id, now, body, secrets=[SECRET], keys=[KEY])


def test_an_authentic_webhook_becomes_an_event() -> None:
    numbers: dict[str, Any] = {"sequence": 4, "requester_sequence": 3}
    body = body_of(leg_id="leg_1", requester="exchange-z.example", **numbers)
    event = verify_webhook(
        headers_of(body), body, secrets=[SECRET], public_keys=[KEY.public], now=NOW
    )
    assert (event.id, event.type, event.leg_id) == ("evt_1", "leg.acknowledged", "leg_1")
    assert event.sequence_for("exchange-b.example") == 4
    assert event.sequence_for("exchange-z.example") == 3


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"type":"x"}', b'{"type":"x","timestamp":"now","data":{}}', b"\xff"]
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(UntrustedEvidenceError):
        verify_webhook(headers_of(body), body, secrets=[SECRET], now=NOW)


def test_an_event_says_whether_it_is_of_a_drill() -> None:
    for said, is_drill in (({}, False), ({"drill": True}, True), ({"drill": "yes"}, False)):
        body = body_of(**said)
        event = verify_webhook(headers_of(body), body, secrets=[SECRET], now=NOW)
        assert event.is_drill is is_drill


def test_a_forged_a_stale_and_an_oversized_webhook_are_refused() -> None:
    body = body_of()
    headers = headers_of(body)
    with pytest.raises(UntrustedEvidenceError):
        verify_webhook(headers, body, secrets=[new_secret()], now=NOW)
    with pytest.raises(UntrustedEvidenceError):
        verify_webhook(headers, body, public_keys=[PrivateKey.generate().public], now=NOW)
    with pytest.raises(UntrustedEvidenceError):
        verify_webhook(headers, body, secrets=[SECRET], now=NOW + 3600)
    large = body_of(filler="x" * 70_000)
    with pytest.raises(UntrustedEvidenceError, match="larger"):
        verify_webhook(headers_of(large), large, secrets=[SECRET], now=NOW)


@pytest.fixture(name="seen")
def _seen() -> Iterator[SqliteSeenEvents]:
    with closing(SqliteSeenEvents(":memory:")) as seen:
        yield seen


def test_only_what_was_finished_is_dropped_as_a_repeat(seen: SqliteSeenEvents) -> None:
    assert seen.claim("evt_1") is Claim.NEW
    assert seen.claim("evt_1") is Claim.BUSY
    seen.give_up("evt_1")
    assert seen.claim("evt_1") is Claim.NEW
    seen.finish("evt_1")
    assert seen.claim("evt_1") is Claim.DONE
    assert seen.claim("evt_2") is Claim.NEW
    assert seen.dropped_repeats() == 1


def test_a_claim_that_a_crash_left_behind_runs_out_but_a_finished_one_never() -> None:
    now = [1000.0]
    with closing(SqliteSeenEvents(":memory:", now=lambda: now[0])) as seen:
        seen.claim("evt_1")
        seen.claim("evt_2")
        seen.finish("evt_2")
        now[0] += CLAIM_SECONDS + 1
        assert seen.claim("evt_1") is Claim.NEW
        assert seen.claim("evt_1") is Claim.BUSY
        assert seen.claim("evt_2") is Claim.DONE


def test_what_was_finished_is_still_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite3"
    before = SqliteSeenEvents(path)
    before.claim("evt_1")
    before.finish("evt_1")
    before.close()
    after = SqliteSeenEvents(path)
    assert after.claim("evt_1") is Claim.DONE
    after.close()


def test_a_gap_in_a_legs_sequence_is_named_once(seen: SqliteSeenEvents) -> None:
    assert list(seen.note_sequence("leg_1", 1)) == []
    assert list(seen.note_sequence("leg_1", 4)) == [2, 3]
    assert list(seen.note_sequence("leg_1", 5)) == []
    assert list(seen.note_sequence("leg_1", 2)) == []  # came late
    assert list(seen.note_sequence("leg_1", 6)) == []
    assert list(seen.note_sequence("leg_2", 7)) == []


class Site:
    """A Flask application with the blueprint, and what its handler was given."""

    def __init__(self, client: Client, stub: StubCoordinator, seen: SqliteSeenEvents) -> None:
        stub.answers("GET", "/.well-known/jwks.json", {"keys": [KEY.public.jwk()]})
        self.handled: list[tuple[Event, Notice | None]] = []
        self.untrusted: list[Event] = []
        self.gaps: list[range] = []
        self.samples: list[Event] = []
        self.fails = False
        self.seen = seen
        app = Flask(__name__)
        app.register_blueprint(
            webhook_blueprint(
                WebhookInbox(
                    client=client,
                    store=self.seen,
                    secrets=[SECRET],
                    handle_event=self._handle,
                    on_untrusted=lambda event, _: self.untrusted.append(event),
                    on_gap=lambda _, missing: self.gaps.append(missing),
                    on_sample=self.samples.append,
                    now=lambda: NOW,
                )
            )
        )
        self.http: FlaskClient = app.test_client()

    def _handle(self, event: Event, notice: Notice | None) -> None:
        if self.fails:
            raise RuntimeError("the queue is full")
        self.handled.append((event, notice))

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        answer = self.http.post("/holdfast", data=body, headers=headers or headers_of(body))
        return answer.status_code


@pytest.fixture
def site(client: Client, stub: StubCoordinator, seen: SqliteSeenEvents) -> Site:
    return Site(client, stub, seen)


def test_the_blueprint_hands_each_event_over_once(site: Site) -> None:
    body = body_of()
    assert [site.post(body), site.post(body)] == [200, 200]
    assert [event.id for event, _ in site.handled] == ["evt_1"]


def test_the_blueprint_drops_no_repeat_of_what_its_handler_failed_on(site: Site) -> None:
    body = body_of()
    site.fails = True
    assert site.post(body) == 500
    site.fails = False
    assert site.post(body) == 200
    assert len(site.handled) == 1


def test_the_blueprint_answers_401_to_what_the_coordinator_did_not_sign(site: Site) -> None:
    body = body_of()
    forged = sign("evt_1", NOW, body, secrets=[SECRET], keys=[PrivateKey.generate()])
    assert site.post(body, forged) == 401
    assert site.post(body, {"content-type": "application/json"}) == 401
    assert site.handled == []
    assert site.post(body) == 200  # and remembers nothing of the forged one


def test_forged_webhooks_do_not_make_the_blueprint_fetch_keys_each_time(
    site: Site, stub: StubCoordinator
) -> None:
    body = body_of()
    site.post(body)
    for number in range(5):
        forged = headers_of(body, message_id=f"evt_{number}")
        site.post(body + b" ", forged)
    assert [seen.target for seen in stub.seen].count("/.well-known/jwks.json") == 1


def test_the_blueprint_asks_to_come_again_while_the_coordinator_is_away(
    site: Site, stub: StubCoordinator
) -> None:
    stub.forget("GET", "/.well-known/jwks.json")
    stub.answers("GET", "/.well-known/jwks.json", problem(503, "unavailable"), status=503)
    assert site.post(body_of()) == 503


def test_the_blueprint_hands_no_notice_over_whose_requester_it_cannot_prove(
    site: Site, stub: StubCoordinator, analyst: Profile
) -> None:
    del analyst
    stub.answers("GET", "/v1/keys?partner=exchange-x.example", {"items": []})
    body = body_of("freeze_request.received", request_id="frq_1", requester="exchange-x.example")
    assert site.post(body) == 200  # a repeat would change nothing: a person is told instead
    assert [event.type for event in site.untrusted] == ["freeze_request.received"]
    assert site.handled == []


@pytest.mark.parametrize("event_type", ["freeze_request.received", "freeze.frozen"])
def test_a_sample_is_taken_and_given_to_no_handler_but_the_one_for_samples(
    site: Site, event_type: str
) -> None:
    sample = samples()[event_type]
    body = canonical_json.dumps({**sample, "data": {**sample["data"], "sample": True}})
    assert site.post(body) == 200
    assert (site.handled, site.untrusted, site.gaps) == ([], [], [])
    assert [event.type for event in site.samples] == [event_type]
    # Its numbers are of no leg that there is, so no event of it is missed.
    assert site.seen.note_sequence(sample["data"]["leg_id"], 9) == range(0)


def test_no_request_is_proven_from_a_sample(client: Client) -> None:
    sample = samples()["freeze_request.received"]
    data = {**sample["data"], "sample": True}
    event = Event("evt_1", "freeze_request.received", datetime.fromtimestamp(NOW, UTC), data, b"")
    directory = KeyDirectory(client, client.profile.coordinator)
    with pytest.raises(UntrustedEvidenceError) as refused:
        verify_notice(
            event, directory=directory, handle="exchange-b.example", fetch=client.evidence
        )
    assert refused.value.code == "sample"


def test_the_blueprint_tells_of_gaps(site: Site) -> None:
    for number, sequence in enumerate([1, 2, 5]):
        body = body_of(leg_id="leg_1", sequence=sequence)
        site.post(body, headers_of(body, message_id=f"evt_{number}"))
    assert site.gaps == [range(3, 5)]


def test_a_requester_misses_none_of_what_its_partners_alone_are_told(
    site: Site, analyst: Profile
) -> None:
    for own, sequence in [(1, 2), (2, 4), (4, 6)]:
        numbers: dict[str, Any] = {"sequence": sequence, "requester_sequence": own}
        body = body_of(leg_id="leg_1", requester=analyst.handle, **numbers)
        site.post(body, headers_of(body, message_id=f"evt_{own}"))
    assert site.gaps == [range(3, 4)]


def test_the_memory_is_shared_by_processes(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite3"
    first, second = SqliteSeenEvents(path), SqliteSeenEvents(path)
    assert first.claim("evt_1") is Claim.NEW
    assert second.claim("evt_1") is Claim.BUSY
    first.finish("evt_1")
    assert second.claim("evt_1") is Claim.DONE
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM seen_event").fetchone() == (1,)
    database.close()
    first.close()
    second.close()


def proven_notice(
    stub: StubCoordinator, *, is_large: bool, passkey: SoftPasskey | None = None
) -> bytes:
    """Return a notice to exchange A that exchange Z's people signed, and have its keys at hand.

    A `passkey` is the approving lead's, who approves with it.
    """
    world = World(handle="exchange-z.example", origin=stub.origin)
    submitter, lead = world.person(Role.ANALYST), world.person(Role.SECURITY_LEAD)
    request_id = new_id("frq")
    submitted = sign_request(
        submitter, f"{stub.origin}/v1/freeze-requests", request_body(to=["exchange-a.example"])
    )
    content = sha256(submitted.body).hexdigest()
    context = context_hash_of(request_id, submitted.body)
    approval = {"content_sha256": content, "context_sha256": context, "decision": "approve"}
    approved = sign_request(
        lead,
        f"{stub.origin}/v1/freeze-requests/{request_id}/approvals",
        canonical_json.dumps(approval),
    )
    approving = evidence_of("approve", approved, lead)
    if passkey is not None:
        world.passkey(lead, passkey)
        token = passkey.sign_act(
            aud=stub.origin,
            path=f"/v1/freeze-requests/{request_id}/approvals",
            body=approved.body,
            partner=world.handle,
            person=lead.subject,
            now=int(time.time()),
        )
        approving |= {"kid": passkey.kid, "jwk": passkey.jwk, "token": token}
    keys = [view.model_dump(mode="json") for view in world.key_views]
    grants = [view.model_dump(mode="json") for view in world.grant_views]
    stub.answers("GET", f"/v1/keys?partner={world.handle}", {"items": keys})
    stub.answers("GET", f"/v1/grants?partner={world.handle}", {"items": grants})
    view = evidence_view("submit", submitted, submitter).model_dump(mode="json")
    stub.answers("GET", f"/v1/freeze-requests/{request_id}/evidence", {"items": [view]})
    evidence = evidence_of("submit", submitted, submitter)
    if is_large:
        evidence.pop("body")
    return body_of(
        "freeze_request.received",
        request_id=request_id,
        requester=world.handle,
        content_sha256=content,
        evidence=evidence,
        approvals=[approving],
    )


@pytest.mark.parametrize("is_large", [False, True])
def test_the_blueprint_hands_a_notice_over_once_its_requester_is_proven(
    site: Site, stub: StubCoordinator, *, is_large: bool
) -> None:
    assert site.post(proven_notice(stub, is_large=is_large)) == 200
    ((_, notice),) = site.handled
    assert notice is not None
    assert notice.requester == "exchange-z.example"
    assert notice.request.summary == "s"
    fetched = [seen.target for seen in stub.seen if seen.target.endswith("/evidence")]
    assert len(fetched) == is_large
    assert site.untrusted == []


def test_a_notice_that_was_approved_by_passkey_is_a_task_like_any_other(
    site: Site, stub: StubCoordinator, tmp_path: Path
) -> None:
    """Of the receiver, and of the reference exchange behind it."""
    assert site.post(proven_notice(stub, is_large=False, passkey=SoftPasskey.generate())) == 200
    ((event, notice),) = site.handled
    assert notice is not None
    assert [act.kind for act in notice.approvals] == [EvidenceKind.WEBAUTHN]
    with closing(Inbox(tmp_path / "inbox.sqlite3")) as inbox:
        inbox.put(event, notice)
        assert inbox.requester_of(notice.id) == "exchange-z.example"


def test_a_notice_whose_keys_cannot_be_fetched_just_now_comes_again(
    site: Site, stub: StubCoordinator
) -> None:
    notice = proven_notice(stub, is_large=False)
    path = "/v1/keys?partner=exchange-z.example"
    good = stub.forget("GET", path)
    stub.answers("GET", path, problem(500, "internal"), status=500)
    assert site.post(notice) == 503
    assert site.handled == []
    stub.forget("GET", path)
    stub.answers("GET", path, raw=good)
    assert site.post(notice) == 200
    assert len(site.handled) == 1
