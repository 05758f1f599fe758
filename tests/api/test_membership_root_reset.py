"""Root resets: in the open, not at once, and stopped by whoever still has a right."""

from datetime import timedelta

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.services.core.unit_of_work import Answer
from coordinator.services.membership.root_resets import ResetRoot, TakeOverRoot
from coordinator.services.membership.suspensions import ReinstatePartner, SuspendPartner
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.membership import root_resets
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.proof_of_possession import make_possession
from holdfast.protocol.vocabulary import Role
from tests.api.membership_acts import (
    events,
    grant_by_root,
    is_served,
    new_person,
    operate,
)
from tests.factories import ORIGIN, Cast, Exchange, Member, Signer, grant_body
from tests.passkeys import SoftPasskey

DAY = timedelta(hours=24)


class Operator:
    """Announces root keys and lets the worker's timer run."""

    def __init__(self, database: Database, vault: Vault, clock: SteppedClock) -> None:
        self.database, self.vault, self.clock = database, vault, clock

    def give(self, command: object) -> Answer:
        """Give one of the coordinator's own commands."""
        return operate(self.database, self.vault, self.clock, command)

    def announce(self, exchange: Exchange, key: PrivateKey, handle: str | None = None) -> str:
        """Announce `key` as the new root of an exchange; returns the reset's id."""
        possession = make_possession(
            key, audience=ORIGIN, handle=exchange.handle, subject=exchange.handle
        )
        command = ResetRoot(
            handle=handle or exchange.handle,
            jwk=key.public.jwk(),
            possession=possession,
            audience=ORIGIN,
            after=DAY,
        )
        return str(self.give(command).body["id"])

    def due(self) -> list[str]:
        """Return which resets the timer would find."""
        with self.database.engine.connect() as connection:
            return root_resets.due(connection, self.clock.now())

    def take_over(self, reset_id: str) -> str:
        """Fire the timer; returns what became of the reset."""
        command = TakeOverRoot(reset_id=reset_id)
        return str(self.give(command).body["status"])


@pytest.fixture
def operator(database: Database, vault: Vault, clock: SteppedClock) -> Operator:
    """The operator of this test's coordinator."""
    return Operator(database, vault, clock)


def root_member(exchange: Exchange, key: PrivateKey) -> Member:
    return Member(exchange.handle, exchange.handle, key, ())


def may_grant(signer: Signer, exchange: Exchange, root: Member) -> bool:
    body = grant_body(new_person(exchange, Role.AUDITOR))
    return signer.post(root, "/v1/grants", body).status_code == 201


def test_a_new_root_key_takes_over_after_a_day_and_everybody_is_told(
    signer: Signer, cast: Cast, clock: SteppedClock, operator: Operator
) -> None:
    key = PrivateKey.generate()
    new = root_member(cast.a, key)
    reset_id = operator.announce(cast.a, key)
    for member in (cast.a.auditor, cast.b.auditor, cast.d.system):
        [told] = events(signer, member, "partner.root_reset")
        assert told["status"] == "announced"
        assert told["old_root_kid"] == cast.a.root.key.kid
        assert told["new_root_kid"] == key.kid
        assert told["effective_at"] == "2026-03-03T12:00:00Z"
    clock.step(DAY - timedelta(seconds=1))
    assert operator.due() == []
    assert operator.take_over(reset_id) == "unchanged"
    assert not may_grant(signer, cast.a, new)
    assert may_grant(signer, cast.a, cast.a.root)
    clock.step(timedelta(seconds=1))
    assert operator.due() == [reset_id]
    assert operator.take_over(reset_id) == "done"
    assert operator.due() == []
    assert may_grant(signer, cast.a, new)
    assert not may_grant(signer, cast.a, cast.a.root)
    assert is_served(signer, cast.a.lead)
    all_told = events(signer, cast.b.auditor, "partner.root_reset")
    assert [event["status"] for event in all_told] == ["announced", "done"]
    own = signer.get(cast.a.auditor, "/v1/partners/me").get_json()
    assert own["root_kid"] == key.kid
    assert operator.take_over(reset_id) == "unchanged"


@pytest.mark.parametrize("who", ["root", "lead", "second_lead"])
def test_the_old_root_key_or_any_lead_stops_it(
    signer: Signer, cast: Cast, clock: SteppedClock, operator: Operator, who: str
) -> None:
    key = PrivateKey.generate()
    reset_id = operator.announce(cast.a, key)
    answer = signer.post(getattr(cast.a, who), "/v1/revocations", {"kid": key.kid})
    assert answer.status_code == 201, answer.data
    assert answer.get_json()["kids"] == [key.kid]
    clock.step(DAY)
    assert operator.due() == []
    assert operator.take_over(reset_id) == "unchanged"
    assert may_grant(signer, cast.a, cast.a.root)
    assert not may_grant(signer, cast.a, root_member(cast.a, key))
    told = events(signer, cast.b.auditor, "partner.root_reset")
    assert [event["status"] for event in told] == ["announced", "stopped"]
    assert told[-1]["by"] == getattr(cast.a, who).subject


def test_nobody_else_stops_it(signer: Signer, cast: Cast, operator: Operator) -> None:
    key = PrivateKey.generate()
    operator.announce(cast.a, key)
    for member, status in (
        (cast.a.analyst, 403),
        (cast.a.compliance, 403),
        (cast.b.lead, 404),
        (cast.b.root, 404),
        (root_member(cast.a, key), 401),
    ):
        answer = signer.post(member, "/v1/revocations", {"kid": key.kid})
        assert answer.status_code == status, answer.data


def test_once_it_has_taken_over_it_is_not_stopped_any_more(
    signer: Signer, cast: Cast, clock: SteppedClock, operator: Operator
) -> None:
    key = PrivateKey.generate()
    reset_id = operator.announce(cast.a, key)
    clock.step(DAY)
    operator.take_over(reset_id)
    answer = signer.post(cast.a.lead, "/v1/revocations", {"kid": key.kid})
    assert answer.status_code == 409
    old = signer.post(cast.a.root, "/v1/revocations", {"kid": key.kid})
    assert old.status_code == 401


def test_there_is_one_reset_at_a_time_and_after_a_stop_another(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    first, second = PrivateKey.generate(), PrivateKey.generate()
    operator.announce(cast.a, first)
    with pytest.raises(ConflictError, match="coming already"):
        operator.announce(cast.a, second)
    operator.announce(cast.b, PrivateKey.generate())
    signer.post(cast.a.lead, "/v1/revocations", {"kid": first.kid})
    operator.announce(cast.a, second)


def test_a_root_key_is_fresh_and_proven_and_of_a_partner_that_there_is(
    cast: Cast, operator: Operator
) -> None:
    with pytest.raises(ConflictError, match="known already"):
        operator.announce(cast.a, cast.a.lead.key)
    with pytest.raises(InvalidInputError, match="no root key that"):
        operator.announce(cast.a, PrivateKey.generate(), cast.b.handle)
    with pytest.raises(NotFoundError):
        operator.announce(cast.a, PrivateKey.generate(), "nobody.example")


def test_no_passkey_is_announced_as_a_root_key(cast: Cast, operator: Operator) -> None:
    passkey, handle = SoftPasskey.generate(), cast.a.handle
    proofs = [
        passkey.possession(ORIGIN, handle, handle),
        make_possession(passkey.key, audience=ORIGIN, handle=handle, subject=handle),
    ]
    for possession in proofs:
        reset = ResetRoot(
            handle=handle,
            jwk=passkey.jwk,
            possession=possession,
            audience=ORIGIN,
            after=DAY,
        )
        with pytest.raises(InvalidInputError, match="no root key that"):
            operator.give(reset)


def test_a_key_that_became_somebodys_meanwhile_takes_nothing_over(
    signer: Signer, cast: Cast, clock: SteppedClock, operator: Operator
) -> None:
    carol = new_person(cast.a, Role.AUDITOR)
    reset_id = operator.announce(cast.a, carol.key)
    grant_by_root(signer, cast.a, carol)
    clock.step(DAY)
    assert operator.take_over(reset_id) == "stopped"
    assert operator.due() == []
    assert may_grant(signer, cast.a, cast.a.root)


def test_the_operator_cannot_silence_a_partner_and_reset_its_root_meanwhile(
    signer: Signer, cast: Cast, clock: SteppedClock, operator: Operator
) -> None:
    reset_id = operator.announce(cast.a, PrivateKey.generate())
    operator.give(SuspendPartner(handle=cast.a.handle))
    with pytest.raises(ConflictError, match="suspended"):
        operator.announce(cast.a, PrivateKey.generate())
    clock.step(DAY)
    assert operator.due() == []
    operator.give(ReinstatePartner(handle=cast.a.handle))
    assert operator.take_over(reset_id) == "unchanged"
    assert may_grant(signer, cast.a, cast.a.root)
    told = events(signer, cast.b.auditor, "partner.root_reset")
    assert [event["status"] for event in told] == ["announced", "stopped"]


def test_the_new_root_key_vouches_for_the_keys_that_are_there(
    signer: Signer, cast: Cast, clock: SteppedClock, operator: Operator
) -> None:
    key = PrivateKey.generate()
    reset_id = operator.announce(cast.a, key)
    clock.step(DAY)
    operator.take_over(reset_id)
    answer = signer.post(root_member(cast.a, key), "/v1/grants", grant_body(cast.a.analyst))
    assert answer.status_code == 201, answer.data
    listed = signer.get(cast.b.auditor, f"/v1/keys?kid={cast.a.analyst.key.kid}").get_json()
    assert listed["items"][0]["grant_id"] == answer.get_json()["id"]
    assert is_served(signer, cast.a.analyst)
