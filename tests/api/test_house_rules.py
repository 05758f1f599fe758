"""The rulebook: published, accepted in a join or by an act, and named by every request."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import PermissionDeniedError
from coordinator.services.commands import execute
from coordinator.services.core.house_rules import HouseRules
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.membership.house_rules import PublishRulebook
from coordinator.services.membership.partners import ConfirmPartner
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.payloads import format_time
from tests.api.test_query_counts import counted
from tests.factories import (
    NOON,
    Cast,
    Exchange,
    Signer,
    freeze_request_body,
    invite,
    join_body,
    new_exchange,
)
from tests.rulebook import command_context
from tests.services.through_api import REQUESTS, World, problem

PATH = "/v1/rulebook"
ACCEPT = f"{PATH}/acceptances"
FIRST, SECOND = b"Rules of the house.\n", b"Rules of the house, second edition.\r\n"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def publish(w: World, raw: bytes, begins: datetime | None = None) -> str:
    """Publish an edition as the operator does, in another process; returns its hash."""
    with transaction(command_context(w.database, w.vault, w.clock)) as uow:
        answer = execute(PublishRulebook(raw=raw, in_force_from=begins), COORDINATOR, uow)
        uow.finish(answer)
    return str(answer.body["rulebook_sha256"])


def accept(w: World, exchange: Exchange, raw: bytes) -> dict[str, Any]:
    answer = w.signer.post(exchange.lead, ACCEPT, {"rulebook_sha256": digest(raw)})
    assert answer.status_code == 201, answer.data
    view: dict[str, Any] = answer.get_json()
    return view


def _submit(w: World, named: bytes | None) -> Any:
    names = {} if named is None else {"rulebook_sha256": digest(named)}
    return w.signer.post(w.cast.a.analyst, REQUESTS, freeze_request_body(**names))


def test_a_network_without_a_rulebook_asks_for_none(w: World) -> None:
    assert w.signer.client.get(PATH).get_json() == {"in_force": None, "coming": []}
    assert _submit(w, None).status_code == 201
    named = _submit(w, FIRST)
    problem(named, 409, "rulebook_not_in_force")
    assert "leave it out" in named.get_json()["detail"]


def test_anybody_reads_the_rulebook_and_every_edition_by_its_hash(w: World) -> None:
    publish(w, FIRST)
    w.clock.step(timedelta(hours=1))
    begins = w.clock.now() + timedelta(days=3)
    publish(w, SECOND, begins)
    get = w.signer.client.get
    shown = get(PATH).get_json()
    assert shown["in_force"] == {
        "sha256": digest(FIRST),
        "published_at": format_time(NOON),
        "in_force_from": format_time(NOON),
        "text": FIRST.decode(),
    }
    assert [each["sha256"] for each in shown["coming"]] == [digest(SECOND)]
    w.clock.step(timedelta(days=4))
    shown = get(PATH).get_json()
    assert (shown["in_force"]["text"].encode(), shown["coming"]) == (SECOND, [])
    assert get(f"{PATH}/{digest(FIRST)}").get_json()["text"].encode() == FIRST
    problem(get(f"{PATH}/{'0' * 64}"), 404, "not_found")


def test_a_request_names_the_rulebook_in_force_and_its_requester_has_accepted_it(
    w: World,
) -> None:
    publish(w, FIRST)
    unnamed = _submit(w, None)
    problem(unnamed, 409, "rulebook_not_in_force")
    assert digest(FIRST) in unnamed.get_json()["detail"]
    not_accepted = _submit(w, FIRST)
    problem(not_accepted, 409, "rulebook_not_accepted")
    assert "holdfast rulebook accept" in not_accepted.get_json()["detail"]
    assert w.get(w.cast.a.lead, REQUESTS)["items"] == []
    accept(w, w.cast.b, FIRST)  # another's acceptance is none of A's
    problem(_submit(w, FIRST), 409, "rulebook_not_accepted")
    accept(w, w.cast.a, FIRST)
    assert _submit(w, FIRST).status_code == 201
    problem(_submit(w, SECOND), 409, "rulebook_not_in_force")


def test_the_very_request_that_was_refused_goes_through_once_the_rulebook_is_accepted(
    w: World,
) -> None:
    publish(w, FIRST)
    body = freeze_request_body(rulebook_sha256=digest(FIRST))
    key = "of-these-very-bytes"
    problem(w.signer.post(w.cast.a.analyst, REQUESTS, body, key=key), 409, "rulebook_not_accepted")
    accept(w, w.cast.a, FIRST)
    taken = w.signer.post(w.cast.a.analyst, REQUESTS, body, key=key)
    assert taken.status_code == 201, taken.data
    # A retry hears the same, whatever is in force by then.
    w.clock.step(timedelta(minutes=1))
    publish(w, SECOND)
    again = w.signer.post(w.cast.a.analyst, REQUESTS, body, key=key)
    assert (again.status_code, again.data) == (201, taken.data)


def test_a_new_edition_is_accepted_before_it_is_in_force_and_named_from_then_on(w: World) -> None:
    publish(w, FIRST)
    accept(w, w.cast.a, FIRST)
    publish(w, SECOND, w.clock.now() + timedelta(days=3))
    accept(w, w.cast.a, SECOND)
    assert _submit(w, FIRST).status_code == 201
    problem(_submit(w, SECOND), 409, "rulebook_not_in_force")
    w.clock.step(timedelta(days=3))
    problem(_submit(w, FIRST), 409, "rulebook_not_in_force")
    assert _submit(w, SECOND).status_code == 201


def test_accepting_is_a_signed_act_that_every_member_can_check(w: World) -> None:
    publish(w, FIRST)
    a = w.cast.a
    view = accept(w, a, FIRST)
    assert (view["partner"], view["subject"], view["rulebook_sha256"]) == (
        a.handle,
        a.lead.subject,
        digest(FIRST),
    )
    again = w.signer.post(a.compliance, ACCEPT, {"rulebook_sha256": digest(FIRST)})
    assert (again.status_code, again.get_json()["id"]) == (200, view["id"])
    problem(
        w.signer.post(a.lead, ACCEPT, {"rulebook_sha256": digest(SECOND)}),
        409,
        "rulebook_not_in_force",
    )
    [listed] = w.get(w.cast.d.auditor, ACCEPT)["items"]
    assert (listed["id"], listed["body"]) == (
        view["id"],
        f'{{"rulebook_sha256":"{digest(FIRST)}"}}',
    )
    assert listed["token"] == view["token"]
    assert w.get(w.cast.d.auditor, f"{ACCEPT}?partner={w.cast.b.handle}")["items"] == []
    [act] = [each for each in w.get(a.lead, "/v1/acts")["items"] if each["id"] == view["id"]]
    assert (act["kind"], act["subject"]) == ("accept_rulebook", a.lead.subject)


def test_members_hear_of_an_edition_and_the_own_side_of_its_acceptance(w: World) -> None:
    publish(w, FIRST)
    accept(w, w.cast.a, FIRST)

    def heard(exchange: Exchange) -> list[str]:
        page = w.get(exchange.auditor, "/v1/events?types=rulebook.*")
        return [each["type"] for each in page["events"]]

    assert heard(w.cast.a) == ["rulebook.published", "rulebook.accepted"]
    assert heard(w.cast.b) == ["rulebook.published"]


def test_a_join_accepts_the_rulebook_in_force_by_its_hash(w: World) -> None:
    new = new_exchange("exchange-e.example")
    code = invite(w.database, w.vault, w.clock, new.handle)
    publish(w, FIRST)
    body = join_body(new, code)
    problem(w.signer.post(new.root, "/v1/join", body), 409, "rulebook_not_in_force")
    other = body | {"rulebook_sha256": digest(SECOND)}
    problem(w.signer.post(new.root, "/v1/join", other), 409, "rulebook_not_in_force")
    joined = w.signer.post(new.root, "/v1/join", body | {"rulebook_sha256": digest(FIRST)})
    assert joined.status_code == 201, joined.data
    with transaction(command_context(w.database, w.vault, w.clock)) as uow:
        confirming = ConfirmPartner(handle=new.handle, thumbprint=new.root.key.kid)
        uow.finish(execute(confirming, COORDINATOR, uow))
    [listed] = w.get(w.cast.a.auditor, f"{ACCEPT}?partner={new.handle}")["items"]
    assert (listed["subject"], listed["signed_by"]) == (None, new.root.key.kid)
    assert digest(FIRST) in listed["body"]
    body = freeze_request_body(rulebook_sha256=digest(FIRST), to=[w.cast.b.handle])
    assert w.signer.post(new.analyst, REQUESTS, body).status_code == 201


def test_the_rulebook_takes_no_statement_of_a_submission_once_it_is_known(
    app: Flask, w: World
) -> None:
    publish(w, FIRST)
    accept(w, w.cast.a, FIRST)
    # A clock that stands: nothing is forgotten between the two.
    object.__setattr__(app.extensions["holdfast"], "house_rules", HouseRules(lambda: 0.0))
    if app.extensions["holdfast"].database.engine.dialect.name != "sqlite":
        pytest.skip("statements are counted on SQLite; they are the same")
    _submit(w, FIRST)
    with counted(app) as statements:
        assert _submit(w, FIRST).status_code == 201
    assert not [each for each in statements if "rulebook" in each.partition("VALUES")[0]]


def test_nobody_is_refused_by_what_a_process_remembers(app: Flask, w: World) -> None:
    object.__setattr__(app.extensions["holdfast"], "house_rules", HouseRules(lambda: 0.0))
    assert _submit(w, None).status_code == 201
    publish(w, FIRST)
    accept(w, w.cast.a, FIRST)
    # What it remembers says that there is none; the document knows better.
    assert _submit(w, FIRST).status_code == 201


def test_a_process_learns_of_a_new_edition_within_seconds(app: Flask, w: World) -> None:
    at = [0.0]
    object.__setattr__(app.extensions["holdfast"], "house_rules", HouseRules(lambda: at[0]))
    assert _submit(w, None).status_code == 201
    publish(w, FIRST)
    at[0] = 2.1
    problem(_submit(w, None), 409, "rulebook_not_in_force")


def test_only_the_operator_publishes(w: World) -> None:
    with (
        transaction(command_context(w.database, w.vault, w.clock)) as uow,
        pytest.raises(PermissionDeniedError),
    ):
        execute(PublishRulebook(raw=FIRST), w.cast.a.lead.actor, uow)
