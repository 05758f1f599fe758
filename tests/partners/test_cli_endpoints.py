"""`holdfast endpoint`: changing an endpoint, and having sent again what did not arrive."""

from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from tests.partners.shell import Shell, sent
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import AT

_PATH = "/v1/webhook-endpoints/wep_1"


def endpoint(**members: Any) -> dict[str, Any]:
    shown = {"id": "wep_1", "url": "https://a.example/h", "enabled": True, "created_at": AT}
    return shown | members


def delivery(name: str, made: str) -> dict[str, Any]:
    return {
        "id": name,
        "event_id": "evt_1",
        "event_type": "endpoint.test",
        "endpoint_id": "wep_1",
        "status": "dead",
        "created_at": made,
        "attempts": [],
    }


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["--url", "https://b.example/h"], {"url": "https://b.example/h"}),
        (["--off"], {"enabled": False}),
        (["--on", "--replay"], {"enabled": True, "replay": True}),
        (["--on", "--description", "night"], {"enabled": True, "description": "night"}),
        (["--event", "freeze.*"], {"event_types": ["freeze.*"]}),
        (["--all-events"], {"event_types": None}),
    ],
)
def test_only_what_is_named_is_changed(
    shell: Shell, analyst: Profile, stub: StubCoordinator, words: list[str], changes: dict[str, Any]
) -> None:
    del analyst
    stub.answers("PATCH", _PATH, endpoint(enabled=False))
    done = shell("endpoint", "change", "wep_1", *words)
    assert (done.exit_code, "turned off" in done.output) == (0, True)
    assert sent(stub) == changes


def test_a_change_of_nothing_and_of_two_things_at_once_are_refused(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    assert shell("endpoint", "change", "wep_1").exit_code == 2
    both = ("--event", "freeze.*", "--all-events")
    assert shell("endpoint", "change", "wep_1", *both).exit_code == 2
    assert shell("endpoint", "change", "wep_1", "--replay").exit_code == 2
    assert stub.seen == []


def test_a_new_secret_is_printed(shell: Shell, analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    stub.answers("POST", f"{_PATH}/rotate-secret", endpoint(secret="whsec_new"))
    assert "whsec_new" in shell("endpoint", "rotate-secret", "wep_1").output


def test_events_are_replayed_since_a_time_and_one_delivery_is_sent_again(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("POST", f"{_PATH}/replay", {"id": "wep_1", "queued": 12}, status=202)
    words = ("endpoint", "replay", "wep_1", "--since", "2026-03-01T12:00:00Z")
    assert "12 events" in shell(*words).output
    assert sent(stub) == {"since": "2026-03-01T12:00:00Z"}
    stub.answers("POST", "/v1/deliveries/dlv_1/resend", delivery("dlv_1", AT), status=202)
    assert shell("endpoint", "resend", "dlv_1").exit_code == 0


def test_what_was_given_up_is_sent_again_by_one_call(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("POST", f"{_PATH}/recover", {"id": "wep_1", "queued": 3}, status=202)
    assert "3 messages sent again." in shell("endpoint", "recover", "wep_1").output
    assert sent(stub) == {"since": None}
    since = ("--since", "2026-03-02T00:00:00Z", "--json")
    done = shell("endpoint", "recover", "wep_1", *since)
    assert sent(stub) == {"since": "2026-03-02T00:00:00Z"}
    assert strict_json.loads(done.stdout.encode())["queued"] == 3


def test_nothing_given_up_is_said(shell: Shell, analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    stub.answers("POST", f"{_PATH}/recover", {"id": "wep_1", "queued": 0}, status=202)
    assert "Nothing was given up." in shell("endpoint", "recover", "wep_1").output


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        ({"status": 204}, "It was taken: HTTP 204 after 12 ms."),
        ({"status": 500, "error": "http_status"}, "not taken: HTTP 500 after 12 ms (http_status)"),
        ({"error": "connect_failed"}, "not taken: no answer after 12 ms (connect_failed)"),
    ],
)
def test_what_came_of_a_test_is_said(
    shell: Shell, analyst: Profile, stub: StubCoordinator, tried: dict[str, Any], said: str
) -> None:
    del analyst
    attempt = {"number": 1, "at": AT, "duration_ms": 12} | tried
    told = {"id": "wep_1", "delivery": delivery("dlv_1", AT) | {"attempts": [attempt]}}
    stub.answers("POST", f"{_PATH}/test", told, status=202)
    assert said in " ".join(shell("endpoint", "test", "wep_1").output.split())


def test_what_comes_next_is_said_with_a_secret_and_a_test(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    made = endpoint(secret="whsec_new")
    stub.answers("POST", "/v1/webhook-endpoints", made, status=201)
    added = shell("endpoint", "add", "https://a.example/h")
    assert "keep the secret, then `holdfast endpoint test wep_1`" in added.output
    stub.answers("POST", f"{_PATH}/rotate-secret", made)
    assert "within 24 hours" in shell("endpoint", "rotate-secret", "wep_1").output
    stub.answers("POST", f"{_PATH}/test", {}, status=202)
    assert "`holdfast endpoint deliveries wep_1`" in shell("endpoint", "test", "wep_1").output
    stub.answers("DELETE", _PATH, status=204)
    assert "wep_1 is removed" in shell("endpoint", "remove", "wep_1").output
    assert shell("endpoint", "remove", "wep_1", "--json").output == ""


def test_one_fault_is_said_once_and_of_a_url_what_one_looks_like(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    detail = "the host has no public address"
    errors = [{"pointer": "/url", "code": "bad_target", "detail": detail}]
    refused = problem(422, "invalid_input", detail=detail, errors=errors)
    stub.answers("POST", "/v1/webhook-endpoints", refused, status=422)
    done = shell("endpoint", "add", "https://a.example/h")
    assert done.stderr.count(detail) == 1
    for_programs = shell("endpoint", "add", "https://a.example/h", "--json").stderr
    found = strict_json.loads(for_programs.encode())
    assert found["error"]["faults"] == [f"/url: {detail}"]
    assert "https://hooks" in shell("endpoint", "add", "ftp://x").stderr
