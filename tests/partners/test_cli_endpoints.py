"""`holdfast endpoint`: changing an endpoint, and having sent again what did not arrive."""

from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from tests.partners.shell import Shell, sent
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import AT

_PATH = "/v1/webhook-endpoints/wep_1"
_DEAD = f"{_PATH}/deliveries?status=dead"


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


def test_what_was_given_up_is_sent_again_the_oldest_first(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    made = {"dlv_3": "2026-03-03T00:00:00Z", "dlv_2": "2026-03-02T00:00:00Z", "dlv_1": AT}
    stub.answers("GET", _DEAD, {"items": [delivery(*each) for each in made.items()]})
    for name in made:
        stub.answers("POST", f"/v1/deliveries/{name}/resend", delivery(name, AT), status=202)

    def again() -> list[str]:
        return [seen.target.split("/")[3] for seen in stub.seen if seen.method == "POST"]

    assert "3 messages sent again." in shell("endpoint", "recover", "wep_1").output
    assert again() == ["dlv_1", "dlv_2", "dlv_3"]
    stub.seen.clear()
    since = ("--since", "2026-03-02T00:00:00Z", "--json")
    done = shell("endpoint", "recover", "wep_1", *since)
    assert again() == ["dlv_2", "dlv_3"]
    listed = [strict_json.loads(line.encode())["id"] for line in done.stdout.splitlines()]
    assert listed == again()


def test_a_refusal_says_how_many_were_sent_again_before_it(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("GET", _DEAD, {"items": [delivery("dlv_2", AT), delivery("dlv_1", AT)]})
    stub.answers("POST", "/v1/deliveries/dlv_1/resend", delivery("dlv_1", AT), status=202)
    refusal = problem(409, "endpoint_off")
    stub.answers("POST", "/v1/deliveries/dlv_2/resend", refusal, status=409)
    done = shell("endpoint", "recover", "wep_1")
    assert (done.exit_code, "1 of 2 were sent again before this" in done.stderr) == (5, True)


def test_nothing_given_up_is_said(shell: Shell, analyst: Profile, stub: StubCoordinator) -> None:
    del analyst
    stub.answers("GET", _DEAD, {"items": []})
    assert "Nothing was given up." in shell("endpoint", "recover", "wep_1").output
