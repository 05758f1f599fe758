"""The Python of docs/integrate.md receives, matches and answers, as printed."""

import re
import runpy
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast import Client, Event, Notice, SqliteSeenEvents, UntrustedEvidenceError
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.webhook_signature import new_secret, sign
from tests.architecture.tree import ROOT
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.test_webhook_receiver import body_of, proven_notice
from tests.partners.views import act_view, leg_view

PAGE = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
KEY, SECRET = PrivateKey.generate(), new_secret()
Queued = list[tuple[Event, Notice | None]]


def _names(block: str) -> dict[str, Any]:
    """Return what a block of the page defines."""
    (text,) = re.findall(rf"^```python {block}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "block.py"
        path.write_text(text, encoding="utf-8")
        return runpy.run_path(str(path))


def _headers(body: bytes, event_id: str = "evt_1", **changed: Any) -> dict[str, str]:
    given = {"secrets": [SECRET], "keys": [KEY], "now": int(time.time()), **changed}
    return sign(event_id, given.pop("now"), body, **given)


@pytest.fixture
def seen() -> Iterator[SqliteSeenEvents]:
    with closing(SqliteSeenEvents(":memory:")) as seen:
        yield seen


@pytest.fixture(autouse=True)
def _keys(stub: StubCoordinator) -> None:
    stub.answers("GET", "/.well-known/jwks.json", {"keys": [KEY.public.jwk()]})


def test_the_receiver_for_any_framework_takes_each_event_once(
    client: Client, seen: SqliteSeenEvents, stub: StubCoordinator
) -> None:
    queued: Queued = []
    receiver = _names("receiver")["Receiver"](
        client, SECRET, seen, lambda *each: queued.append(each), {}
    )
    body, notice = body_of(), proven_notice(stub, is_large=False)
    assert receiver.receive(_headers(body), body) == 204
    assert receiver.receive(_headers(body), body) == 204
    assert receiver.receive(_headers(body, "evt_2", keys=[PrivateKey.generate()]), body) == 401
    assert receiver.receive(_headers(body, "evt_2", secrets=[new_secret()]), body) == 401
    assert receiver.receive(_headers(body, "evt_2", now=1_700_000_000), body) == 401
    assert receiver.receive(_headers(notice, "evt_3"), notice) == 204
    assert [(event.id, each is not None) for event, each in queued] == [
        ("evt_1", False),
        ("evt_3", True),
    ]
    seen.claim("evt_4")  # another thread is at it
    assert receiver.receive(_headers(body, "evt_4"), body) == 503


def test_what_was_not_queued_comes_again(client: Client, seen: SqliteSeenEvents) -> None:
    def full(*_: object) -> None:
        raise OSError("no room")

    receiver = _names("receiver")["Receiver"](client, SECRET, seen, full, {})
    body, queued = body_of(), []
    with pytest.raises(OSError, match="no room"):
        receiver.receive(_headers(body), body)
    receiver.queue = lambda *each: queued.append(each)
    assert receiver.receive(_headers(body), body) == 204
    assert len(queued) == 1


def test_a_notice_that_is_not_proven_is_not_queued(
    client: Client, seen: SqliteSeenEvents, stub: StubCoordinator
) -> None:
    queued: Queued = []
    receiver = _names("receiver")["Receiver"](
        client, SECRET, seen, lambda *each: queued.append(each), {}
    )
    genuine = strict_json.loads(proven_notice(stub, is_large=False))
    genuine["data"]["content_sha256"] = "0" * 64
    body = body_of("freeze_request.received", **genuine["data"])
    with pytest.raises(UntrustedEvidenceError):
        receiver.receive(_headers(body), body)
    assert queued == []


def test_the_flask_application_takes_a_notice(
    client: Client, stub: StubCoordinator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as opened:
        # The application's own, which it keeps as long as it runs.
        monkeypatch.setattr(
            holdfast,
            "SqliteSeenEvents",
            lambda path: opened.enter_context(closing(SqliteSeenEvents(path))),
        )
        _take_a_notice(client, stub)


def _take_a_notice(client: Client, stub: StubCoordinator) -> None:
    queued: Queued = []
    app = _names("flask")["flask_app"](client, SECRET, {}, queued)
    body = proven_notice(stub, is_large=False)
    answers = [
        app.test_client().post("/hook", data=body, headers=_headers(body)).status_code
        for _ in range(2)
    ]
    assert answers == [200, 200]
    assert app.test_client().post("/hook", data=body).status_code == 401
    ((_, notice),) = queued
    assert notice is not None


def _notice(client: Client, seen: SqliteSeenEvents, stub: StubCoordinator) -> Notice:
    queued: Queued = []
    receiver = _names("receiver")["Receiver"](
        client, SECRET, seen, lambda *each: queued.append(each), {}
    )
    body = proven_notice(stub, is_large=False)
    receiver.receive(_headers(body), body)
    notice = queued[0][1]
    assert notice is not None
    return notice


def test_the_book_finds_a_customer_however_the_address_is_spelled(
    client: Client, seen: SqliteSeenEvents, stub: StubCoordinator
) -> None:
    names, notice = _names("book"), _notice(client, seen, stub)
    flagged = notice.addresses[0].account
    with closing(names["new_book"]()) as book:
        assert names["matches"](book, notice) == {}
        names["remember"](book, flagged.lower(), "customer 7")
        assert flagged != flagged.lower()
        assert names["matches"](book, notice) == {0: "customer 7"}


def test_the_answer_acknowledges_and_reports_under_keys_that_repeat(
    client: Client, seen: SqliteSeenEvents, stub: StubCoordinator
) -> None:
    notice = _notice(client, seen, stub)
    path = f"/v1/freeze-requests/{notice.id}"
    stub.answers("POST", f"{path}/acknowledgement", act_view(), status=201)
    report = {"id": "act_1", "request_id": notice.id, "leg": leg_view(), "lines": []}
    stub.answers("POST", f"{path}/freeze-reports", report, status=201)
    _names("answer")["answer"](client, notice, 0, "eip155:1/slip44:60", 400)
    acknowledged, reported = stub.seen[-2:]
    assert acknowledged.headers["Idempotency-Key"] == f"{notice.id}.acknowledge"
    assert reported.headers["Idempotency-Key"] == f"{notice.id}.report"
    sent = strict_json.loads(reported.body)
    assert [(line["kind"], line["amount"]) for line in sent["lines"]] == [
        ("found", "400"),
        ("frozen", "400"),
    ]
    assert sent["content_sha256"] == notice.content_sha256
