"""Links into the console: who makes which, and what they are good for."""

from datetime import timedelta

import pytest

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import CoordinatorError
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.membership.console_links import OfferPasskey
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from tests.factories import Cast, Signer
from tests.passkeys import CONSOLE
from tests.rulebook import command_context

PATH = "/v1/console-links"


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        ("sign_in", ("/console/enter#", timedelta(minutes=10))),
        ("passkey", ("/console/passkeys/new#", timedelta(hours=24))),
    ],
)
def test_a_person_makes_a_link_of_their_own(
    signer: Signer, cast: Cast, clock: SteppedClock, purpose: str, expected: tuple[str, timedelta]
) -> None:
    page, lasts = expected
    answer = signer.post(cast.a.auditor, PATH, {"purpose": purpose})
    assert answer.status_code == 201
    body = answer.get_json()
    assert body["url"].startswith(CONSOLE + page)
    assert len(body["url"].partition("#")[2]) == 43
    assert body["person"] == cast.a.auditor.subject
    assert body["expires_at"] == format_time(clock.now() + lasts)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_retry_hears_the_same_link(signer: Signer, cast: Cast) -> None:
    answers = [
        signer.send(cast.a.lead, "POST", PATH, {"purpose": "sign_in"}, key="the-same-act")
        for _ in range(2)
    ]
    first, again = (answer.get_json() for answer in answers)
    assert first["url"] == again["url"]


def test_a_lead_makes_one_for_anybody_of_the_partner(signer: Signer, cast: Cast) -> None:
    for person in (cast.a.analyst.subject, new_id("per")):
        body = {"purpose": "passkey", "person": person}
        assert signer.post(cast.a.lead, PATH, body).get_json()["person"] == person
        refused = signer.post(cast.a.compliance, PATH, body)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "not_allowed")


def test_nobody_makes_one_for_others_to_sign_in_nor_for_another_partner(
    signer: Signer, cast: Cast
) -> None:
    sign_in = {"purpose": "sign_in", "person": cast.a.analyst.subject}
    assert signer.post(cast.a.lead, PATH, sign_in).status_code == 422
    foreign = {"purpose": "passkey", "person": cast.b.analyst.subject}
    refused = signer.post(cast.a.lead, PATH, foreign)
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/person")
    gone = {"subject": cast.a.analyst.subject}
    assert signer.post(cast.a.second_lead, "/v1/revocations", gone).status_code == 201
    body = {"purpose": "passkey", "person": cast.a.analyst.subject}
    assert signer.post(cast.a.lead, PATH, body).status_code == 422


def test_the_operator_makes_one_for_a_partner_that_joined(
    cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    def offer(handle: str, person: str) -> str:
        command = OfferPasskey(handle=handle, person=person, console_origin=CONSOLE)
        with transaction(command_context(database, vault, clock)) as uow:
            answer = execute(command, COORDINATOR, uow)
            uow.finish(answer)
        return str(answer.body["url"])

    assert offer(cast.a.handle, new_id("per")).startswith(f"{CONSOLE}/console/passkeys/new#")
    with pytest.raises(CoordinatorError, match="has not joined"):
        offer("nobody.example", new_id("per"))
    with pytest.raises(CoordinatorError, match="nobody who acts for you"):
        offer(cast.a.handle, cast.b.lead.subject)


def test_what_a_link_says_is_in_the_log_and_in_no_feed(signer: Signer, cast: Cast) -> None:
    answer = signer.post(cast.a.lead, PATH, {"purpose": "passkey"}).get_json()
    assert answer["log"]["type"] == "console_link.made"
    for member in (cast.a.lead, cast.b.lead):
        events = signer.get(member, "/v1/events?after=0").get_json()["events"]
        assert not [each for each in events if "console_link" in each["type"]]


def test_a_colleagues_passkeys_are_for_leads_to_read(signer: Signer, cast: Cast) -> None:
    other = cast.a.lead.subject
    assert signer.get(cast.a.lead, f"/v1/passkeys?person={other}").status_code == 200
    assert signer.get(cast.a.analyst, f"/v1/passkeys?person={other}").status_code == 404
    assert signer.get(cast.a.analyst, "/v1/passkeys").get_json()["items"] == []
