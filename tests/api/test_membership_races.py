"""Membership under several hands at once: one step at a time, and never a 5xx."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask
from sqlalchemy import func, select

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tables.partners import GrantRow, PartnerKeyRow
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.vocabulary import Role
from tests.api.membership_acts import (
    grant_by_root,
    new_person,
    propose,
    rotation_body,
    with_new_key,
)
from tests.factories import (
    Cast,
    Exchange,
    Member,
    Signer,
    grant_body,
    invite,
    join_body,
    new_exchange,
)


def at_once(acts: Sequence[Callable[[], int]]) -> Counter[int]:
    """Run all acts at the same moment; returns how often each HTTP status came."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], int]) -> int:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(pool.map(run, acts))


def post(
    app: Flask, clock: SteppedClock, member: Member, path: str, body: object
) -> Callable[[], int]:
    """Return an act with a client of its own."""
    signer = Signer(app.test_client(), clock)
    return lambda: signer.post(member, path, body).status_code


def test_of_many_approvals_of_one_proposal_one_counts(
    app: Flask, signer: Signer, cast: Cast, clock: SteppedClock, database: Database
) -> None:
    leads = [cast.a.second_lead, *(new_person(cast.a, Role.SECURITY_LEAD) for _ in range(3))]
    for lead in leads[1:]:
        grant_by_root(signer, cast.a, lead)
    carol = new_person(cast.a, Role.ANALYST)
    proposal = propose(signer, cast.a.lead, grant_body(carol))
    path = f"/v1/grants/{proposal['id']}/approvals"
    body = {"grant_sha256": proposal["grant_sha256"]}
    statuses = at_once([post(app, clock, lead, path, body) for lead in leads])
    assert statuses == {201: 1, 409: 3}
    made = select(func.count()).where(GrantRow.evidence_id == proposal["id"])
    with database.engine.connect() as connection:
        assert connection.execute(made).scalar_one() == 1


def test_of_many_that_join_with_one_invitation_one_does(
    app: Flask, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    handle = "exchange-e.example"
    code = invite(database, vault, clock, handle)
    joining: list[Exchange] = [new_exchange(handle) for _ in range(4)]
    statuses = at_once(
        [post(app, clock, one.root, "/v1/join", join_body(one, code)) for one in joining]
    )
    assert statuses == {201: 1, 404: 3}
    roots = select(func.count()).where(PartnerKeyRow.partner == handle, PartnerKeyRow.is_root)
    with database.engine.connect() as connection:
        assert connection.execute(roots).scalar_one() == 1


def test_one_key_that_two_partners_grant_at_once_belongs_to_one(
    app: Flask, cast: Cast, clock: SteppedClock
) -> None:
    key = PrivateKey.generate()
    acts = []
    for exchange in (cast.a, cast.b):
        person = new_person(exchange, Role.AUDITOR)
        member = Member(person.handle, person.subject, key, person.roles)
        acts.append(post(app, clock, exchange.root, "/v1/grants", grant_body(member)))
    assert at_once(acts) == {201: 1, 409: 1}


def test_a_key_is_replaced_once_however_many_try(
    app: Flask, cast: Cast, clock: SteppedClock, database: Database
) -> None:
    old = cast.a.analyst
    acts = [
        post(app, clock, old, "/v1/grants", rotation_body(old, with_new_key(old))) for _ in range(4)
    ]
    statuses = at_once(acts)
    assert statuses[201] == 1
    assert set(statuses) <= {201, 401, 409, 422}
    good = select(func.count()).where(
        PartnerKeyRow.subject == old.subject, PartnerKeyRow.revoked_at.is_(None)
    )
    with database.engine.connect() as connection:
        assert connection.execute(good).scalar_one() == 1
