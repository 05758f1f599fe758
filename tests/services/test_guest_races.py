"""A guest that is asked in the moment in which it becomes a member."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from flask import Flask
from sqlalchemy import select

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.membership.partners import ConfirmPartner
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tables.guests import GuestRow
from tests.factories import Cast, Signer, invite, join_body, new_exchange
from tests.rulebook import command_context
from tests.services.through_api import World, problem

HANDLE = "exchange-g.example"
#: How long one that does not wait for the confirmation has to be done before it.
_AHEAD_SECONDS = 1.0


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_whoever_is_being_confirmed_is_asked_as_a_member_and_not_as_a_guest(
    w: World, app: Flask
) -> None:
    request = w.live(to=[w.cast.b.handle])
    joining = new_exchange(HANDLE)
    body = join_body(joining, invite(w.database, w.vault, w.clock, HANDLE))
    assert w.signer.post(joining.root, "/v1/join", body).status_code == 201
    beside = World(Signer(app.test_client(), w.clock), w.cast, w.database, w.vault, w.clock)
    confirming = ConfirmPartner(handle=HANDLE, thumbprint=joining.root.key.kid)
    with ThreadPoolExecutor(1) as pool:
        with transaction(command_context(w.database, w.vault, w.clock)) as uow:
            answer = execute(confirming, COORDINATOR, uow)
            asked = pool.submit(beside.try_act, w.cast.a.lead, request, "guests", domain=HANDLE)
            wait([asked], timeout=_AHEAD_SECONDS)
            uow.finish(answer)
        problem(asked.result(), 422, "member_domain")
    with w.database.engine.connect() as connection:
        assert connection.execute(select(GuestRow.id)).all() == []
