"""Endpoints through the front door: checked when registered, secrets shown once, nobody else's."""

import socket
from typing import Any, ClassVar

import pytest
from flask import Flask
from sqlalchemy import insert

from coordinator.storage.tables.outbox import AttemptRow
from holdfast.protocol import views
from tests.api.acts import approve, submit
from tests.conftest import World
from tests.factories import Cast, Signer

PATH = "/v1/webhook-endpoints"
URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Lanes and deliveries have their own tests on both databases."""
    return sqlite_world


def _register(signer: Signer, cast: Cast, **changes: Any) -> dict[str, Any]:
    answer = signer.post(cast.b.system, PATH, {"url": URL, **changes})
    assert answer.status_code == 201, answer.data
    view: dict[str, Any] = answer.get_json()
    return view


def test_a_secret_is_shown_where_it_is_made_and_nowhere_else(signer: Signer, cast: Cast) -> None:
    made = _register(signer, cast)
    assert made["secret"].startswith("whsec_")
    one = f"{PATH}/{made['id']}"
    rotated = signer.post(cast.b.lead, f"{one}/rotate-secret").get_json()
    assert rotated["secret"] not in {None, made["secret"]}
    for path in (PATH, one):
        answer = signer.get(cast.b.auditor, path)
        assert answer.status_code == 200
        assert "whsec_" not in answer.text


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://partner.example/hook", None),
        ("https://10.0.0.1/hook", "address_not_public"),
        ("https://[::ffff:10.0.0.1]/hook", "address_not_public"),
        ("https://169.254.169.254/latest/meta-data", "address_not_public"),
        ("https://user:pass@partner.example/hook", "user_info"),
        ("https://93.184.216.34:22/hook", "port_not_allowed"),
        ("https://good.example\\@127.0.0.1/hook", "forbidden_character"),
        ("ftp://127.0.0.1/hook", "https_required"),
        ("gopher://x", None),
        ("https://", None),
        ("https://no-such-host.invalid/hook", None),
    ],
)
def test_a_url_that_webhooks_may_not_go_to_is_refused_when_it_is_registered(
    signer: Signer, cast: Cast, url: str, fault: str | None
) -> None:
    before = signer.get(cast.b.lead, PATH).get_json()
    answer = signer.post(cast.b.system, PATH, {"url": url})
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, "url_refused"), problem
    assert problem["errors"][0]["pointer"] == "/url"
    if fault is not None:
        assert problem["errors"][0]["code"] == fault
    assert signer.get(cast.b.lead, PATH).get_json() == before
    made = _register(signer, cast)
    changed = signer.send(cast.b.system, "PATCH", f"{PATH}/{made['id']}", {"url": url})
    assert changed.get_json()["code"] == "url_refused"


class _Names:
    """Name servers of a network with something inside, and who asked them for what."""

    INSIDE: ClassVar[dict[str, list[str]]] = {
        "inside.example": ["10.0.0.1"],
        "both.example": ["93.184.216.34", "10.0.0.1"],
        "loop.example": ["::1"],
        "odd.example": ["no address"],
        "empty.example": [],
        "public.example": ["93.184.216.34"],
    }

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        if host not in self.INSIDE:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in self.INSIDE[host]]


@pytest.fixture(name="names")
def _names(monkeypatch: pytest.MonkeyPatch) -> _Names:
    names = _Names()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    return names


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_refusal_does_not_tell_names_inside_from_names_that_nobody_knows(
    signer: Signer, cast: Cast, names: _Names, scheme: str
) -> None:
    one = f"{PATH}/{_register(signer, cast)['id']}"
    told = []
    hosts = ["unknown.example", *(host for host in names.INSIDE if host != "public.example")]
    for host in hosts:
        url = {"url": f"{scheme}://{host}/hook"}
        for method, path in (("POST", PATH), ("PATCH", one)):
            answer = signer.send(cast.b.system, method, path, url)
            assert answer.status_code == 422
            problem = answer.get_json()
            del problem["request_id"]
            told.append((problem, len(answer.data), set(answer.headers.keys())))
    assert all(each == told[0] for each in told)
    assert told[0][0]["errors"][0]["code"] == "host_unusable"
    assert names.asked == [host for host in hosts for _ in range(2)]


def test_what_is_wrong_with_the_url_itself_is_said(
    signer: Signer, cast: Cast, names: _Names
) -> None:
    for url, code in (
        ("http://public.example/hook", "https_required"),
        ("https://public.example:22/hook", "port_not_allowed"),
        ("https://10.0.0.1/hook", "address_not_public"),
    ):
        [fault] = signer.post(cast.b.system, PATH, {"url": url}).get_json()["errors"]
        assert fault["code"] == code
    assert signer.post(cast.b.system, PATH, {"url": "https://public.example/"}).status_code == 201
    assert "10.0.0.1" not in names.asked


def test_no_name_is_resolved_for_whoever_may_not_register_it(
    signer: Signer, cast: Cast, names: _Names
) -> None:
    one = f"{PATH}/{_register(signer, cast)['id']}"
    signer.post(cast.b.lead, "/v1/revocations", {"kid": cast.b.compliance.key.kid})
    before = list(names.asked)
    url = {"url": "https://inside.example/hook"}
    for member, status in (
        (cast.b.analyst, 403),
        (cast.b.auditor, 403),
        (cast.b.root, 403),
        (cast.b.compliance, 401),
    ):
        assert signer.post(member, PATH, url).status_code == status
        assert signer.send(member, "PATCH", one, url).status_code == status
    assert names.asked == before


@pytest.mark.parametrize("error", ["dns_failed", "blocked_target"])
def test_an_attempt_does_not_tell_either_whether_a_name_is_known_inside(
    app: Flask, signer: Signer, cast: Cast, error: str
) -> None:
    made = _register(signer, cast)
    signer.post(cast.b.lead, f"{PATH}/{made['id']}/test")
    [owed] = signer.get(cast.b.lead, f"{PATH}/{made['id']}/deliveries").get_json()["items"]
    with app.extensions["holdfast"].database.engine.begin() as connection:
        attempt = {
            "delivery_id": owed["id"],
            "number": 1,
            "at": signer.clock.now(),
            "status": None,
            "error": error,
            "duration_ms": 3,
        }
        connection.execute(insert(AttemptRow), attempt)
    [owed] = signer.get(cast.b.lead, f"{PATH}/{made['id']}/deliveries").get_json()["items"]
    assert [tried["error"] for tried in owed["attempts"]] == ["host_unusable"]


def test_what_is_owed_is_listed_and_can_be_sent_again(signer: Signer, cast: Cast) -> None:
    made = _register(signer, cast, event_types=["freeze_request.received", "endpoint.test"])
    one = f"{PATH}/{made['id']}"
    for _ in range(3):
        approve(signer, cast, submit(signer, cast))
    tested = signer.post(cast.b.lead, f"{one}/test")
    assert tested.status_code == 202
    page = signer.get(cast.b.auditor, f"{one}/deliveries?limit=3").get_json()
    rest = signer.get(cast.b.auditor, f"{one}/deliveries?cursor={page['next_cursor']}").get_json()
    owed = [views.DeliveryView.model_validate(d) for d in page["items"] + rest["items"]]
    assert [d.event_type for d in owed] == ["endpoint.test"] + ["freeze_request.received"] * 3
    assert owed[0].event_id == tested.get_json()["event_id"]
    again = signer.post(cast.b.lead, f"/v1/deliveries/{owed[-1].id}/resend")
    assert (again.status_code, again.get_json()["id"]) == (202, owed[-1].id)
    replayed = signer.post(cast.b.lead, f"{one}/replay", {"since": "2026-03-02T11:00:00Z"})
    assert (replayed.status_code, replayed.get_json()["queued"]) == (202, 3)


def test_a_delivery_is_read_with_the_event_that_it_carries(signer: Signer, cast: Cast) -> None:
    made = _register(signer, cast)
    request = submit(signer, cast)
    approve(signer, cast, request)
    listed = signer.get(cast.b.auditor, f"{PATH}/{made['id']}/deliveries").get_json()["items"]
    path = f"/v1/deliveries/{listed[-1]['id']}"
    read = signer.get(cast.b.auditor, path).get_json()
    shown = views.DeliveryContentView.model_validate(read)
    assert {name: read[name] for name in listed[-1]} == listed[-1]
    assert read["attempts"] == []
    assert (shown.event_type, shown.request_id) == ("freeze_request.received", request["id"])
    assert shown.payload is not None
    assert shown.payload["data"]["request_id"] == request["id"]
    assert signer.get(cast.b.analyst, path).status_code == 403
    assert signer.get(cast.a.lead, path).status_code == 404


def test_an_endpoint_tells_how_it_takes_its_events(signer: Signer, cast: Cast) -> None:
    one = f"{PATH}/{_register(signer, cast)['id']}"
    fresh = signer.get(cast.b.auditor, one).get_json()["health"]
    assert (fresh["waiting"], fresh["dead"], fresh["waiting_since"]) == (0, 0, None)
    for _ in range(2):
        approve(signer, cast, submit(signer, cast))
    health = views.EndpointView.model_validate(signer.get(cast.b.auditor, one).get_json()).health
    assert health is not None
    assert (health.waiting, health.dead, health.delivered_at) == (2, 0, None)
    assert health.waiting_since is not None
    assert health.next_attempt_at is not None
    assert signer.get(cast.b.auditor, PATH).get_json()["items"][0]["health"]["waiting"] == 2


def test_an_endpoint_is_its_partners_alone(signer: Signer, cast: Cast) -> None:
    made = _register(signer, cast)
    one = f"{PATH}/{made['id']}"
    assert signer.get(cast.a.lead, PATH).get_json()["items"] == []
    for method, path, body in [
        ("GET", one, None),
        ("GET", f"{one}/deliveries", None),
        ("PATCH", one, {"enabled": False}),
        ("DELETE", one, None),
        ("POST", f"{one}/test", None),
        ("POST", f"{one}/rotate-secret", None),
    ]:
        assert signer.send(cast.a.lead, method, path, body).status_code == 404, (method, path)
    assert signer.get(cast.b.lead, one).get_json()["enabled"] is True


def test_a_deleted_endpoint_is_gone(signer: Signer, cast: Cast) -> None:
    one = f"{PATH}/{_register(signer, cast)['id']}"
    assert signer.send(cast.b.lead, "DELETE", one).status_code == 200
    assert signer.get(cast.b.lead, one).status_code == 404
    assert signer.get(cast.b.lead, PATH).get_json()["items"] == []


@pytest.mark.parametrize(
    ("sent", "event_type"),
    [
        (None, "endpoint.test"),
        ({}, "endpoint.test"),
        ({"event_type": "endpoint.test"}, "endpoint.test"),
        ({"event_type": "freeze_request.received"}, "freeze_request.received"),
    ],
)
def test_a_test_carries_the_type_that_is_asked_for(
    signer: Signer, cast: Cast, sent: dict[str, str] | None, event_type: str
) -> None:
    made = _register(signer, cast)
    answer = signer.post(cast.b.system, f"{PATH}/{made['id']}/test", sent)
    assert answer.status_code == 202, answer.data
    [owed] = signer.get(cast.b.system, f"{PATH}/{made['id']}/deliveries").get_json()["items"]
    shown = signer.get(cast.b.system, f"/v1/deliveries/{owed['id']}").get_json()
    assert (owed["event_type"], shown["payload"]["type"]) == ("endpoint.test", event_type)
    assert shown["payload"]["data"].get("sample", False) is (event_type != "endpoint.test")
    feed = signer.get(cast.b.system, "/v1/events").get_json()["events"]
    assert ("freeze_request.received" in {each["type"] for each in feed}) is False


@pytest.mark.parametrize("wrong", [{"event_type": "freeze.thawed"}, {"type": "freeze.found"}])
def test_a_test_of_no_event_is_refused(signer: Signer, cast: Cast, wrong: dict[str, str]) -> None:
    made = _register(signer, cast)
    answer = signer.post(cast.b.system, f"{PATH}/{made['id']}/test", wrong)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == f"/{next(iter(wrong))}"
