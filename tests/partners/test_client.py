"""The typed client: what it signs and sends, how it retries, how it says what went wrong."""

import socket
from pathlib import Path

import pytest

from holdfast import errors
from holdfast.client.client import Client, Document, encode
from holdfast.client.transport import RetryPolicy, Transport
from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import FreezeReport, FrozenLine, NothingLine
from holdfast.protocol.views import FreezeRequestSummary
from holdfast.protocol.vocabulary import DeclineCode, LineKind
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import AT, SHA256, act_view, event_view, leg_view, request_view

REQUEST = Document("frq_00000000000000000000000001", SHA256)
ACKNOWLEDGE = f"/v1/freeze-requests/{REQUEST.id}/acknowledgement"


def test_every_request_is_signed_over_its_method_its_url_and_its_body(
    client: Client, stub: StubCoordinator, analyst: Profile
) -> None:
    stub.answers("POST", ACKNOWLEDGE, act_view(), status=201)
    client.acknowledge(REQUEST, "seen")
    (seen,) = stub.seen
    assert seen.token is not None  # the stub verified signature, audience and body
    assert (seen.token.htm, seen.token.htu) == ("POST", stub.origin + ACKNOWLEDGE)
    assert (seen.token.iss, seen.token.sub) == (analyst.handle, analyst.subject)
    assert strict_json.loads(seen.body) == {"content_sha256": SHA256, "note": "seen"}


def test_the_signed_url_holds_the_query_byte_for_byte(
    client: Client, stub: StubCoordinator
) -> None:
    target = "/v1/freeze-requests?box=sent&incident=a%20b%2Fc%3A%C3%A9~"
    stub.answers("GET", target, {"items": []})
    assert list(client.requests(box="sent", incident="a b/c:é~")) == []
    assert stub.seen[0].token is not None
    assert stub.seen[0].token.htu == stub.origin + target == stub.origin + stub.seen[0].target


def test_bytes_are_submitted_exactly_as_given(client: Client, stub: StubCoordinator) -> None:
    stub.answers("POST", "/v1/freeze-requests", request_view(status="submitted"), status=201)
    raw = b'{ "nonce" :  "x"}\n'
    client.submit(raw)
    assert stub.seen[0].body == raw


def test_a_retry_carries_the_same_idempotency_key_and_a_new_token(
    client: Client, stub: StubCoordinator, waits: list[float]
) -> None:
    stub.answers("POST", ACKNOWLEDGE, problem(503, "unavailable"), status=503)
    stub.answers("POST", ACKNOWLEDGE, status=0)  # the connection breaks
    stub.answers("POST", ACKNOWLEDGE, act_view(), status=201)
    client.acknowledge(REQUEST)
    tokens = [seen.token.jti for seen in stub.seen if seen.token]
    assert len(set(tokens)) == len(tokens) == 3
    assert len({seen.headers["Idempotency-Key"] for seen in stub.seen}) == 1
    assert len({seen.body for seen in stub.seen}) == 1
    assert len(waits) == 2


def test_two_calls_carry_different_idempotency_keys(client: Client, stub: StubCoordinator) -> None:
    stub.answers("POST", ACKNOWLEDGE, act_view(), status=201)
    client.acknowledge(REQUEST)
    client.acknowledge(REQUEST)
    assert len({seen.headers["Idempotency-Key"] for seen in stub.seen}) == 2


def test_a_read_carries_no_idempotency_key(client: Client, stub: StubCoordinator) -> None:
    stub.answers("GET", f"/v1/freeze-requests/{REQUEST.id}", request_view())
    client.freeze_request(REQUEST.id)
    assert "Idempotency-Key" not in stub.seen[0].headers


def test_retry_after_is_waited_for(
    client: Client, stub: StubCoordinator, waits: list[float]
) -> None:
    stub.answers("POST", ACKNOWLEDGE, problem(429, "rate_limited"), status=429, Retry_After="7")
    stub.answers("POST", ACKNOWLEDGE, act_view(), status=201)
    client.acknowledge(REQUEST)
    assert waits == [7.0]


def test_a_retry_after_beyond_all_patience_is_handed_to_the_caller(
    client: Client, stub: StubCoordinator, waits: list[float]
) -> None:
    stub.answers("POST", ACKNOWLEDGE, problem(429, "rate_limited"), status=429, Retry_After="900")
    with pytest.raises(errors.RateLimitedError) as refused:
        client.acknowledge(REQUEST)
    assert refused.value.retry_after == 900
    assert waits == []
    assert len(stub.seen) == 1


def test_tries_are_bounded(client: Client, stub: StubCoordinator, waits: list[float]) -> None:
    stub.answers("POST", ACKNOWLEDGE, problem(503, "unavailable"), status=503)
    with pytest.raises(errors.UnavailableError):
        client.acknowledge(REQUEST)
    assert len(stub.seen) == 4
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.ValidationError),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (412, errors.ConflictError),
        (413, errors.ValidationError),
        (415, errors.ValidationError),
        (422, errors.ValidationError),
        (500, errors.UnavailableError),
    ],
)
def test_a_refusal_is_raised_as_what_it_is_and_not_tried_again(
    client: Client, stub: StubCoordinator, status: int, kind: type[errors.ApiError]
) -> None:
    fault = {"pointer": "/note", "detail": "too long", "code": "too_long"}
    body = problem(status, "some_code", detail="why", errors=[fault])
    stub.answers("POST", ACKNOWLEDGE, body, status=status)
    with pytest.raises(errors.ApiError) as refused:
        client.acknowledge(REQUEST)
    assert type(refused.value) is kind
    assert refused.value.code == "some_code"
    assert [error.pointer for error in refused.value.errors] == ["/note"]
    assert [error.place for error in refused.value.errors] == ["/note"]
    assert len(stub.seen) == 1


def test_a_fault_in_a_query_names_the_parameter(client: Client, stub: StubCoordinator) -> None:
    fault = {"parameter": "after", "detail": "lies beyond the newest event", "code": "beyond_head"}
    body = problem(422, "invalid_input", detail="why", errors=[fault])
    stub.answers("POST", ACKNOWLEDGE, body, status=422)
    with pytest.raises(errors.ValidationError) as refused:
        client.acknowledge(REQUEST)
    [error] = refused.value.errors
    assert (error.parameter, error.pointer, error.place) == ("after", None, "parameter after")


def test_a_proxys_error_page_is_no_crash(client: Client, stub: StubCoordinator) -> None:
    stub.answers("POST", ACKNOWLEDGE, raw=b"<html>Bad gateway</html>", status=502)
    with pytest.raises(errors.UnavailableError) as refused:
        client.acknowledge(REQUEST)
    assert refused.value.code == "http_502"


@pytest.mark.parametrize("raw", [b"<html>hello</html>", b'{"id": 1}', b"[]", b""])
def test_an_answer_that_is_none_is_a_transport_error(
    client: Client, stub: StubCoordinator, raw: bytes
) -> None:
    stub.answers("GET", f"/v1/freeze-requests/{REQUEST.id}", raw=raw)
    with pytest.raises(errors.TransportError):
        client.freeze_request(REQUEST.id)


def test_nobody_listening_is_a_transport_error_that_names_the_idempotency_key(
    analyst: Profile,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connecting is refused
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
        transport = Transport(analyst, origin, retries=RetryPolicy(attempts=1))
        with pytest.raises(errors.TransportError) as failed:
            Client(analyst, transport=transport).acknowledge(REQUEST, idempotency_key="mine-0001")
    assert failed.value.idempotency_key == "mine-0001"


def test_a_redirect_is_not_followed_with_the_token(client: Client, stub: StubCoordinator) -> None:
    target = f"/v1/freeze-requests/{REQUEST.id}"
    stub.answers("GET", target, status=302, Location="/elsewhere")
    with pytest.raises(errors.ApiError):
        client.freeze_request(REQUEST.id)
    assert [seen.target for seen in stub.seen] == [target]


def test_a_netrc_entry_does_not_replace_the_token(
    client: Client, stub: StubCoordinator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    stub.answers("GET", f"/v1/freeze-requests/{REQUEST.id}", request_view())
    stub.answers("GET", "/.well-known/jwks.json", {"keys": []})
    client.freeze_request(REQUEST.id)
    client.jwks()
    assert stub.seen[0].token is not None
    assert "Authorization" not in stub.seen[1].headers


def test_lists_are_read_page_after_page_as_they_are_consumed(
    client: Client, stub: StubCoordinator
) -> None:
    path = f"/v1/freeze-requests/{REQUEST.id}/legs"
    first, second = leg_view(), leg_view()
    stub.answers("GET", path, {"items": [first], "next_cursor": "c1"})
    stub.answers("GET", f"{path}?cursor=c1", {"items": [second], "next_cursor": None})
    legs = client.legs(REQUEST.id)
    assert next(legs).id == first["id"]
    assert len(stub.seen) == 1
    assert [leg.id for leg in legs] == [second["id"]]
    assert len(stub.seen) == 2


def test_a_cursor_that_repeats_itself_does_not_read_for_ever(
    client: Client, stub: StubCoordinator
) -> None:
    path = f"/v1/freeze-requests/{REQUEST.id}/legs"
    stub.answers("GET", path, {"items": [], "next_cursor": "c1"})
    stub.answers("GET", f"{path}?cursor=c1", {"items": [], "next_cursor": "c1"})
    assert list(client.legs(REQUEST.id)) == []


def test_the_feed_is_followed_from_where_the_last_page_ended(
    client: Client, stub: StubCoordinator
) -> None:
    stub.answers("GET", "/v1/events?after=0&wait=20", {"events": [event_view(3)], "next_after": 5})
    stub.answers("GET", "/v1/events?after=5&wait=20", {"events": [event_view(9)], "next_after": 9})
    polls = iter([False, False, True])
    events = client.follow_events(until=lambda: next(polls))
    assert [event.seq for event in events] == [3, 9]


def test_a_withheld_amount_is_sent_as_null_and_what_was_not_said_is_not_sent() -> None:
    line = FrozenLine.model_validate(
        {
            "kind": "frozen",
            "address_no": 0,
            "asset": "eip155:1/slip44:60",
            "amount": None,
            "frozen_at": AT,
            "hold_expires_at": "2026-02-02T03:04:05Z",
        }
    )
    nothing = NothingLine(kind=LineKind.NOTHING, address_nos="rest")
    report = FreezeReport(content_sha256=SHA256, lines=[line, nothing])
    sent = strict_json.loads(encode(report))["lines"]
    assert sent[0]["amount"] is None
    assert "hold" not in sent[0]
    assert sent[1] == {"kind": "nothing", "address_nos": "rest"}


def test_a_decline_names_only_what_was_said(client: Client, stub: StubCoordinator) -> None:
    path = f"/v1/freeze-requests/{REQUEST.id}/decline"
    stub.answers("POST", path, act_view(), status=201)
    client.decline(REQUEST, DeclineCode.FUNDS_GONE)
    assert strict_json.loads(stub.seen[0].body) == {
        "content_sha256": SHA256,
        "code": "funds_gone",
    }


def test_members_that_a_newer_coordinator_adds_are_ignored(
    client: Client, stub: StubCoordinator
) -> None:
    stub.answers("GET", f"/v1/freeze-requests/{REQUEST.id}", request_view(added_later=[1]))
    assert client.freeze_request(REQUEST.id).status.value == "active"


def test_a_replayed_answer_can_be_told_from_a_first_one(
    client: Client, stub: StubCoordinator
) -> None:
    stub.answers("POST", ACKNOWLEDGE, act_view(), status=201, Idempotency_Replayed="true")
    assert client.request("POST", ACKNOWLEDGE, body=b"{}").was_replayed


def test_summaries_are_typed(client: Client, stub: StubCoordinator) -> None:
    row = {
        "id": REQUEST.id,
        "status": "active",
        "requester": "exchange-a.example",
        "urgency": "flash",
        "submitted_at": AT,
        "incident_id": "inc_1",
        "incident_title": "t",
        "address_count": 51,
        "partners_asked": 3,
    }
    stub.answers("GET", "/v1/freeze-requests?box=received", {"items": [row]})
    (summary,) = client.requests(box="received")
    assert isinstance(summary, FreezeRequestSummary)
    assert summary.address_count == 51
