"""The on-call chain: who sets and who sees it, what is erased with it, and a test of it."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.membership import on_call
from tests.dispatcher.paging import Sleepers, alarms, chain_of, set_chain, step, take
from tests.factories import ACCOUNT, Cast, Member, Signer
from tests.services.through_api import World, problem

PATH = "/v1/on-call"
KEY, HOOK = "R0KEY5NDBYY0URSERV1CE", "http://127.0.0.1:9/hooks/T0/B0/very-secret"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def mailing(app: Flask) -> None:
    """A coordinator whose operator has a mail server."""
    app.extensions["holdfast"] = replace(app.extensions["holdfast"], sends_mail=True)


def _chain(member: Member) -> dict[str, Any]:
    channels = [
        {"kind": "email", "address": "anna@exchange-b.example"},
        {"kind": "webhook", "url": HOOK},
        {"kind": "pagerduty", "routing_key": KEY},
    ]
    quiet = {"zone": "Europe/Tallinn", "begins": "22:00", "ends": "07:00"}
    return {"steps": [step(member, *channels, minutes=3)], "quiet": quiet}


def _stored(w: World) -> str:
    """Return all that stands in the database, as text."""
    with w.database.engine.connect() as connection:
        tables = Base.metadata.sorted_tables
        return "".join(str(connection.execute(select(table)).all()) for table in tables)


@pytest.mark.usefixtures("mailing")
def test_a_chain_is_read_by_its_own_side_and_secrets_by_nobody(w: World) -> None:
    b = w.cast.b
    made = set_chain(w, b, _chain(b.lead))
    assert made["log"]["type"] == "on_call.set"
    [shown] = w.get(b.auditor, PATH)["steps"]
    assert shown == {
        "person": b.lead.subject,
        "minutes": 3,
        "channels": [
            {"kind": "email", "target": "anna@exchange-b.example"},
            {"kind": "webhook", "target": "127.0.0.1"},
            {"kind": "pagerduty", "target": "…V1CE"},
        ],
    }
    assert w.get(b.system, PATH)["quiet"] == {
        "zone": "Europe/Tallinn",
        "begins": "22:00",
        "ends": "07:00",
        "rest_days": True,
    }
    assert w.get(w.cast.a.lead, PATH) == {"steps": []}
    for secret in (KEY, HOOK, "very-secret", "anna@"):
        assert secret not in _stored(w)


@pytest.mark.usefixtures("mailing")
def test_what_a_chain_says_of_people_goes_with_it(w: World) -> None:
    b = w.cast.b
    first = set_chain(w, b, _chain(b.lead))
    second = set_chain(w, b, chain_of(b.compliance))

    def left(chain_id: str) -> list[str]:
        query = text("SELECT name FROM document WHERE owner_id = :id ORDER BY name")
        with w.database.engine.connect() as connection:
            return list(connection.execute(query, {"id": chain_id}).scalars())

    assert (left(first["id"]), left(second["id"])) == ([], ["evidence", "on_call"])
    removed = w.signer.send(b.lead, "DELETE", PATH)
    assert (removed.status_code, removed.get_json()["status"]) == (200, "removed")
    assert left(second["id"]) == []
    assert w.get(b.lead, PATH) == {"steps": []}
    problem(w.signer.send(b.lead, "DELETE", PATH), 404, "not_found")
    with w.database.engine.connect() as connection:
        assert on_call.find(connection, b.handle) is None


def test_a_retry_hears_the_same_until_the_chain_is_over(w: World) -> None:
    b = w.cast.b
    key, chain = "chain-of-tonight", chain_of(b.lead)
    first = w.signer.post(b.lead, PATH, chain, key=key)
    again = w.signer.post(b.lead, PATH, chain, key=key)
    assert (again.status_code, again.data) == (201, first.data)
    set_chain(w, b, chain_of(b.compliance))
    problem(w.signer.post(b.lead, PATH, chain, key=key), 422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"steps": []}, "/steps"),
        ({"steps": [{"person": "per_01kk7h3m6xf9trv2c8e5b4n0qa", "channels": []}]}, "/steps/0/"),
        ({"quiet": {"zone": "Mars/Olympus", "begins": "22:00", "ends": "07:00"}}, "/quiet/zone"),
        ({"quiet": {"zone": "UTC", "begins": "24:00", "ends": "07:00"}}, "/quiet/begins"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    w: World, change: dict[str, Any], pointer: str
) -> None:
    b = w.cast.b
    answer = w.signer.post(b.lead, PATH, chain_of(b.lead) | change)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"].startswith(pointer)
    assert w.get(b.lead, PATH) == {"steps": []}


def test_only_ones_own_people_can_be_woken(w: World) -> None:
    b, strangers = w.cast.b, (w.cast.a.lead, w.cast.b.system)
    for other in strangers:
        body = chain_of(b.lead)
        body["steps"].append(step(other) | {"person": other.subject.replace("sys_", "per_")})
        answer = w.signer.post(b.lead, PATH, body)
        assert answer.get_json()["errors"][0]["pointer"] == "/steps/1/person"


def test_a_channel_goes_where_webhooks_may_go_and_mail_where_there_is_a_server(w: World) -> None:
    b = w.cast.b
    inside = step(b.lead, {"kind": "webhook", "url": "http://10.0.0.7/page"})
    answer = w.signer.post(b.lead, PATH, {"steps": [step(b.lead), inside]})
    problem(answer, 422, "url_refused")
    assert answer.get_json()["errors"][0]["pointer"] == "/steps/1/channels/0/url"
    alert = {"kind": "pagerduty", "routing_key": KEY, "url": "http://10.0.0.7/v2"}
    problem(w.signer.post(b.lead, PATH, {"steps": [step(b.lead, alert)]}), 422, "url_refused")
    problem(w.signer.post(b.lead, PATH, _chain(b.lead)), 422, "no_mail")


def test_a_test_pages_everybody_once_or_one_person_at_any_hour(w: World) -> None:
    b = w.cast.b
    quiet = {"zone": "UTC", "begins": "11:00", "ends": "13:00"}
    set_chain(w, b, chain_of(b.lead, b.compliance, quiet=quiet))
    sleepers = Sleepers(w)
    made = w.signer.post(b.lead, f"{PATH}/test", {})
    assert (made.status_code, made.get_json()["outcome"]) == (201, "test")
    assert sorted(sleepers.listen()) == sorted([b.lead.subject, b.compliance.subject])
    assert all(each.page.is_test for each in sleepers.heard)
    assert sleepers.heard[0].page.link == "http://localhost:8080/console/on-call"
    problem(w.signer.post(b.lead, f"{PATH}/test", {}), 409, "tested_just_now")
    w.step(minutes=1)
    one = {"person": b.compliance.subject}
    assert w.signer.post(b.lead, f"{PATH}/test", one).status_code == 201
    assert sleepers.listen(minutes=10) == [b.compliance.subject]
    w.step(minutes=1)
    other = w.signer.post(b.lead, f"{PATH}/test", {"person": b.analyst.subject})
    assert other.get_json()["errors"][0]["pointer"] == "/person"
    problem(w.signer.post(w.cast.a.lead, f"{PATH}/test", {}), 404, "not_found")
    assert [each["kind"] for each in alarms(w, b.auditor)] == ["test", "test"]
    assert alarms(w, w.cast.a.lead) == []


def test_the_other_side_reads_that_and_when_and_never_whom(w: World) -> None:
    a, b, c, d = w.cast.all
    for each in (a, b, c):
        set_chain(w, each, chain_of(each.lead, each.compliance))
    request = w.live(urgency="flash", to=[b.handle, c.handle])
    sleepers = Sleepers(w)
    sleepers.listen()
    sleepers.listen(minutes=5)
    seen = {each["partner"]: each for each in alarms(w, a.analyst, request)}
    assert set(seen) == {a.handle, b.handle, c.handle}
    theirs = seen[b.handle]
    assert (theirs["paged_at"], theirs["outcome"]) == ("2026-03-02T12:00:00Z", None)
    assert not {"calls", "next_at"} & {name for name, value in theirs.items() if value}
    own = {each["partner"]: each for each in alarms(w, b.auditor, request)}
    assert set(own) == {a.handle, b.handle}
    assert [call["person"] for call in own[b.handle]["calls"]] == [
        b.lead.subject,
        b.compliance.subject,
    ]
    assert "calls" not in own[a.handle]
    w.get(d.lead, f"/v1/freeze-requests/{request['id']}/alarms", 404)
    assert {told["by"] for told in w.events(a, "task.paged")} == {b.handle, c.handle}
    [told] = w.events(b, "task.paged")
    assert (told["by"], told["kind"]) == (b.handle, "answer")
    assert b.lead.subject not in str([told, *w.events(a, "task.paged")])
    assert w.events(d, "task.paged") == []
    take(w, b.analyst, request, w.leg(request, b)["tasks"][0]["id"])
    seen = {each["partner"]: each for each in alarms(w, a.analyst, request)}
    assert (seen[b.handle]["outcome"], seen[c.handle]["outcome"]) == ("taken", None)


def test_a_page_holds_nothing_of_the_request(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead))
    request = w.live(urgency="flash", to=[b.handle])
    sleepers = Sleepers(w)
    sleepers.listen()
    [heard] = sleepers.heard
    said = str(heard.page)
    held_back = (
        *(ACCOUNT, ACCOUNT.rpartition(":")[2], "10000000000000000000000", "CASE 7"),
        *("Cold wallet theft", "Proceeds", w.cast.a.handle, b.handle, b.lead.subject),
        request["incident"]["id"],
    )
    assert [each for each in held_back if each in said] == []


def test_who_was_paged_is_in_the_log_for_the_own_side_alone(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead))
    w.live(urgency="flash", to=[b.handle])
    Sleepers(w).listen()
    with w.database.engine.connect() as connection:
        query = text("SELECT COUNT(*) FROM log_leaf WHERE type = 'alarm.paged'")
        assert connection.execute(query).scalar_one() == 1
    for exchange in w.cast.all:
        assert w.events(exchange, "alarm.paged") == []


def test_pages_of_alarms_follow_each_other(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead))
    made = []
    for _ in range(3):
        made.append(w.signer.post(b.lead, f"{PATH}/test", {}).get_json()["id"])
        w.step(minutes=1)
    first = w.get(b.lead, "/v1/alarms?limit=2")
    rest = w.get(b.lead, f"/v1/alarms?limit=2&cursor={first['next_cursor']}")
    assert [each["id"] for each in [*first["items"], *rest["items"]]] == made[::-1]
    assert rest["next_cursor"] is None
