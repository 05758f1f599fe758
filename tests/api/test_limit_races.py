"""Limits under several hands at once: what is counted and then added to is never exceeded."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from coordinator.config_files import read_config
from coordinator.domain.clock import SteppedClock
from coordinator.domain.deadline import Policies
from coordinator.services.delivery.webhook_endpoints import ENDPOINTS_LIMIT
from coordinator.storage.engine.database import Database
from tests.api.acts import fresh_account
from tests.factories import Cast, Exchange, Member, Signer, freeze_request_body

AT_ONCE = 12
ENDPOINTS = "/v1/webhook-endpoints"
REQUESTS = "/v1/freeze-requests"


class Crowd:
    """Many hands that send at the same moment, each through a client of its own."""

    def __init__(self, app: Flask, clock: SteppedClock) -> None:
        self.app, self.clock = app, clock

    def send(self, member: Member, method: str, path: str, body: object) -> Callable[[], Any]:
        """Return one signed request, to be sent when it is called."""
        signer = Signer(self.app.test_client(), self.clock)
        return lambda: signer.send(member, method, path, body)

    def at_once(self, acts: Sequence[Callable[[], TestResponse]]) -> list[TestResponse]:
        """Send all at the same moment; returns their answers."""
        barrier = Barrier(len(acts))

        def run(act: Callable[[], TestResponse]) -> TestResponse:
            barrier.wait()
            return act()

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(run, acts))


@pytest.fixture
def crowd(app: Flask, clock: SteppedClock, database: Database) -> Iterator[Crowd]:
    """Hands that never meet head-on: locks are taken in one order."""
    yield Crowd(app, clock)
    if not database.is_sqlite:
        met = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        with database.engine.connect() as connection:
            assert connection.execute(text(met)).scalar_one() == 0


def _flash(crowd: Crowd, exchange: Exchange, to: str) -> Callable[[], Any]:
    body = freeze_request_body(urgency="flash", to=[to], addresses=[{"account": fresh_account()}])
    return crowd.send(exchange.analyst, "POST", REQUESTS, body)


def _may_flash(signer: Signer, exchange: Exchange) -> None:
    policy = {"policy": {"may_flash": [exchange.analyst.subject]}}
    assert signer.post(exchange.root, "/v1/grants", policy).status_code == 201


def test_of_many_flash_requests_no_more_than_the_cap_go_out(
    crowd: Crowd, signer: Signer, cast: Cast
) -> None:
    cap = Policies.load(read_config("policies.toml")).flash_daily_cap
    _may_flash(signer, cast.a)
    answers = crowd.at_once([_flash(crowd, cast.a, cast.b.handle) for _ in range(AT_ONCE)])
    assert Counter(answer.status_code for answer in answers) == {201: cap, 409: AT_ONCE - cap}
    assert all(a.get_json()["provisional"] for a in answers if a.status_code == 201)
    assert {a.get_json()["code"] for a in answers if a.status_code == 409} == {"flash_cap"}


def test_each_partner_has_a_cap_of_its_own_however_many_flash_at_once(
    crowd: Crowd, signer: Signer, cast: Cast
) -> None:
    cap = Policies.load(read_config("policies.toml")).flash_daily_cap
    for exchange in (cast.a, cast.b):
        _may_flash(signer, exchange)
    # Each asks the other, so that each one's legs refer to the other's row.
    pairs = [(cast.a, cast.b), (cast.b, cast.a)] * (AT_ONCE // 2)
    acts = [_flash(crowd, asking, asked.handle) for asking, asked in pairs]
    went_out = Counter(
        answer.get_json()["requester"]
        for answer in crowd.at_once(acts)
        if answer.status_code == 201
    )
    assert went_out == {cast.a.handle: cap, cast.b.handle: cap}


def test_many_that_register_endpoints_get_no_more_than_the_limit(
    crowd: Crowd, signer: Signer, cast: Cast
) -> None:
    left = 3
    for number in range(ENDPOINTS_LIMIT - left):
        body = {"url": f"http://127.0.0.1:9/{number}"}
        assert signer.post(cast.b.system, ENDPOINTS, body).status_code == 201
    acts = [
        crowd.send(cast.b.system, "POST", ENDPOINTS, {"url": f"http://127.0.0.1:9/at-once/{n}"})
        for n in range(AT_ONCE)
    ]
    answers = crowd.at_once(acts)
    assert Counter(a.status_code for a in answers) == {201: left, 409: AT_ONCE - left}
    assert {a.get_json()["code"] for a in answers if a.status_code == 409} == {"too_many_endpoints"}
    listed = signer.get(cast.b.system, f"{ENDPOINTS}?limit=100").get_json()["items"]
    assert len(listed) == ENDPOINTS_LIMIT


def test_contacts_that_several_leads_change_at_once_are_those_of_one_of_them(
    crowd: Crowd, signer: Signer, cast: Cast
) -> None:
    leads = [cast.b.lead, cast.b.second_lead] * (AT_ONCE // 2)
    acts = [
        crowd.send(lead, "PATCH", "/v1/partners/me", {"contacts": [f"desk {number}"]})
        for number, lead in enumerate(leads)
    ]
    assert {answer.status_code for answer in crowd.at_once(acts)} == {200}
    shown = signer.get(cast.b.lead, "/v1/partners/me").get_json()["contacts"]
    assert shown in [[f"desk {number}"] for number in range(AT_ONCE)]


def test_names_that_several_leads_change_at_once_are_those_of_one_of_them(
    crowd: Crowd, signer: Signer, cast: Cast
) -> None:
    leads = [cast.b.lead, cast.b.second_lead] * (AT_ONCE // 2)
    path = f"/v1/people/{cast.b.analyst.subject}"
    acts = [
        crowd.send(lead, "PATCH", path, {"display_name": f"Ada {number}", "contact": str(number)})
        for number, lead in enumerate(leads)
    ]
    assert {answer.status_code for answer in crowd.at_once(acts)} == {200}
    people = signer.get(cast.b.lead, "/v1/people").get_json()["items"]
    [shown] = [each for each in people if each["id"] == cast.b.analyst.subject]
    assert shown["display_name"] == f"Ada {shown['contact']}"
