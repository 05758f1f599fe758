"""A coordinator that a browser visits: real sockets, either database, the cast in it."""

from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page

from coordinator.domain.clock import SystemClock
from holdfast.protocol.vocabulary import Role
from tests import factories
from tests.browser.conftest import on_both
from tests.browser.passkeys import Person
from tests.browser.served import Served
from tests.factories import Exchange, Member

pytestmark = pytest.mark.processes


@on_both
def test_two_organisations_and_a_browser_reach_the_same_coordinator(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    answer = page.goto(f"{served.console}/v1")
    assert answer is not None
    assert answer.json()["origin"] == factories.ORIGIN
    body = factories.freeze_request_body(to=[asked.handle])
    sent = served.post(asker.analyst, "/v1/freeze-requests", body)
    assert sent.status_code == 201, sent.text
    request_id = sent.json()["id"]
    assert served.get(asker.lead, f"/v1/freeze-requests/{request_id}").status_code == 200
    # It waits for a lead of A's, and B has not heard of it.
    assert served.get(asked.lead, f"/v1/freeze-requests/{request_id}").status_code == 404


def test_its_clock_can_be_put_forward(served: Served, asker: Exchange) -> None:
    served.put_clock_forward(7_200)
    token = factories.request_token(asker.lead, "GET", "/v1/partners/me", b"", SystemClock())
    headers = {"Authorization": f"Bearer {token}"}
    by_the_host_s_clock = requests.get(
        f"http://127.0.0.1:{served.port}/v1/partners/me", headers=headers, timeout=60
    )
    assert by_the_host_s_clock.status_code == 401
    assert served.get(asker.lead, "/v1/partners/me").status_code == 200


def test_a_person_of_the_cast_gets_a_passkey_for_the_console(
    served: Served, asker: Exchange, new_person: Callable[[Member], Person]
) -> None:
    person = new_person(asker.lead)
    assert (person.handle, person.subject) == (asker.handle, asker.lead.subject)
    assert person.roles == (Role.SECURITY_LEAD,)
    assert person.jwk["webauthn"] == {"rp_id": "localhost", "origin": served.console}


@on_both
def test_its_processes_end_with_it(served: Served) -> None:
    worker = served.start_worker()
    assert worker.poll() is None
    (web, same) = served._running
    assert same is worker
    served.stop()
    assert None not in {web.poll(), worker.poll()}
