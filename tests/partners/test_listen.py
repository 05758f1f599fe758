"""`holdfast listen`: the feed becomes signed webhooks at a service of this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from holdfast.errors import ProfileError
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.errors import KeyFormatError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.views import EventView
from holdfast.protocol.webhook_signature import new_secret
from holdfast.webhooks.forwarding import (
    EndpointGoneError,
    Forwarder,
    Outcome,
    local_url,
    webhook_body,
)
from holdfast.webhooks.receiver import verify_webhook
from tests.partners.shell import Shell
from tests.partners.stub_coordinator import Seen, StubCoordinator, problem
from tests.partners.terminal import Terminal
from tests.partners.views import event_view

NOW = 1_790_000_000
SECRET = new_secret()


@pytest.fixture
def service() -> Iterator[StubCoordinator]:
    """A service on this machine; it answers what a test scripts."""
    with StubCoordinator() as service:
        yield service


def _event(seq: int = 7) -> EventView:
    return EventView.model_validate(
        event_view(seq, data={"request_id": "frq_1", "leg_id": "leg_1"})
    )


def _forwarder(service: StubCoordinator, sleeps: list[float]) -> Forwarder:
    return Forwarder(f"{service.origin}/hook", SECRET, now=lambda: NOW, sleep=sleeps.append)


def _verified(seen: Seen, *, keys: list[PublicKey], secret: str = SECRET) -> Any:
    return verify_webhook(seen.headers, seen.body, secrets=[secret], public_keys=keys, now=NOW)


def test_what_is_posted_verifies_as_a_coordinators_webhook_does(service: StubCoordinator) -> None:
    service.answers("POST", "/hook", status=204)
    told: list[Outcome] = []
    forwarder, event = _forwarder(service, []), _event()
    forwarder.forward(event, told.append)
    (seen,) = service.seen
    key = PublicKey.from_jwk(forwarder.jwks["keys"][0])  # type: ignore[index]  # a JWK set
    verified = _verified(seen, keys=[key])
    assert (verified.id, verified.type, verified.data["leg_id"]) == (event.id, event.type, "leg_1")
    assert seen.body == webhook_body(event)
    assert strict_json.loads(seen.body).keys() == {"type", "timestamp", "data"}
    assert seen.headers["Content-Type"] == "application/json"
    assert [(outcome.status, outcome.is_taken) for outcome in told] == [(204, True)]


def test_an_event_is_tried_until_it_is_taken_under_the_same_id(service: StubCoordinator) -> None:
    for status in (500, 0, 302, 404, 200):
        service.answers("POST", "/hook", status=status, Location="http://127.0.0.1:1/")
    told: list[Outcome] = []
    sleeps: list[float] = []
    _forwarder(service, sleeps).forward(_event(), told.append)
    assert [outcome.status for outcome in told] == [500, None, 302, 404, 200]
    assert [str(outcome) for outcome in told][1] == "nobody answers there"
    assert sleeps == [1, 2, 4, 8]
    assert len({seen.headers["webhook-id"] for seen in service.seen}) == 1
    assert len(service.seen) == 5  # a redirect is not followed


def test_a_service_that_is_gone_is_posted_to_no_more(service: StubCoordinator) -> None:
    service.answers("POST", "/hook", status=410)
    with pytest.raises(EndpointGoneError):
        _forwarder(service, []).forward(_event(), lambda _: None)
    assert len(service.seen) == 1


def test_a_service_that_does_not_answer_in_time_is_told_apart(
    service: StubCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [requests.ReadTimeout(), requests.ConnectTimeout()]

    def post(*args: Any, **options: Any) -> Any:
        if answers:
            raise answers.pop()
        return original(*args, **options)

    original = requests.Session.post
    monkeypatch.setattr(requests.Session, "post", post)
    service.answers("POST", "/hook", status=200)
    told: list[Outcome] = []
    _forwarder(service, []).forward(_event(), told.append)
    assert [str(outcome) for outcome in told] == ["no answer within 10 s"] * 2 + ["200"]


def test_the_same_secret_signs_with_the_same_key() -> None:
    url = "http://127.0.0.1:9000/hook"
    assert Forwarder(url, SECRET).jwks == Forwarder(url, SECRET).jwks
    assert Forwarder(url, SECRET).jwks != Forwarder(url, new_secret()).jwks
    assert SECRET not in repr(Forwarder(url, SECRET))
    with pytest.raises(KeyFormatError):
        Forwarder(url, "whsec_short")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/hook",
        "http://localhost/",
        "http://[::1]:1/a",
        "https://dev.example/h",
    ],
)
def test_a_service_is_on_this_machine_or_behind_https(url: str) -> None:
    assert local_url(url) == url


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/hook", "http://dev.example/", "ftp://127.0.0.1", "hook", "http://"]
)
def test_no_notice_goes_anywhere_else(url: str) -> None:
    with pytest.raises(ProfileError):
        local_url(url)


def _feed(stub: StubCoordinator, after: int, *seqs: int) -> None:
    page = {
        "events": [event_view(seq) for seq in seqs],
        "next_after": seqs[-1] if seqs else after,
        "has_more": False,
    }
    stub.answers("GET", f"/v1/events?after={after}&wait=20", page)


def test_it_follows_says_what_it_does_and_goes_on_behind_a_number(
    shell: Shell, analyst: Profile, stub: StubCoordinator, service: StubCoordinator, tmp_path: Path
) -> None:
    del analyst
    _feed(stub, 3, 5, 8)
    stub.answers("GET", "/v1/events?after=8&wait=20", problem(403, "not_allowed"), status=403)
    service.answers("POST", "/hook", status=200)
    url, jwks = f"{service.origin}/hook", tmp_path / "jwks.json"
    words = ("listen", "--forward", url, "--after", "3", "--secret", SECRET, "--jwks", str(jwks))
    done = shell(*words)
    assert done.exit_code == 4
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["5", "8"]
    assert all(line.endswith(" 200") for line in done.stdout.splitlines())
    assert f"Events after 3 go to {url}." in done.stderr
    assert SECRET in done.stderr
    keys = [PublicKey.from_jwk(jwk) for jwk in strict_json.loads(jwks.read_bytes())["keys"]]
    for seen in service.seen:
        verify_webhook(
            seen.headers,
            seen.body,
            secrets=[SECRET],
            public_keys=keys,
            now=int(seen.headers["webhook-timestamp"]),
        )
    for_programs = shell(*words, "--json")
    taken = [strict_json.loads(line.encode()) for line in for_programs.stdout.splitlines()]
    assert [(each["seq"], each["status"], each["taken"]) for each in taken] == [
        (5, 200, True),
        (8, 200, True),
    ]


def test_a_service_that_is_gone_ends_it_and_says_where_it_goes_on(
    shell: Shell, analyst: Profile, stub: StubCoordinator, service: StubCoordinator
) -> None:
    del analyst
    _feed(stub, 0, 2, 6)
    service.answers("POST", "/hook", status=200)
    service.answers("POST", "/hook", status=410)
    url = f"{service.origin}/hook"
    done = shell("listen", "--forward", url)
    assert done.exit_code == 5
    assert "gone (410)" in done.stderr
    assert f"`holdfast listen --forward {url} --after 2`" in done.stderr


def test_what_cannot_be_is_refused_before_anything_is_asked(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    assert shell("listen").exit_code == 2
    assert shell("listen", "--forward", "http://10.0.0.1/").exit_code == 2
    bad = shell("listen", "--forward", "http://127.0.0.1:9000/", "--secret", "abc")
    assert bad.exit_code == 2
    assert "--secret" in bad.output
    assert stub.seen == []


@pytest.mark.processes
def test_ctrl_c_says_where_it_stopped_also_while_the_coordinator_is_away(
    store: ProfileStore, analyst: Profile, stub: StubCoordinator, service: StubCoordinator
) -> None:
    del analyst
    _feed(stub, 0, 7)
    stub.answers("GET", "/v1/events?after=7&wait=20", status=0)
    service.answers("POST", "/hook", status=200)
    url = f"{service.origin}/hook"
    with Terminal("listen", "--forward", url, home=store.home) as terminal:
        terminal.wait_for("no event is lost")
        terminal.interrupt()
        assert terminal.wait() == 130
    assert f"`holdfast listen --forward {url} --after 7`" in " ".join(terminal.shown.split())
