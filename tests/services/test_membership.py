"""Rules of membership below the API: what no route would let through is refused here, too."""

from datetime import timedelta

import pytest

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.errors import PermissionDeniedError
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.services.membership.grant_proposals import ApproveGrant, ProposeGrant
from coordinator.services.membership.grants import MakeGrant
from coordinator.services.membership.revocations import Revoke
from coordinator.services.membership.root_resets import ResetRoot, TakeOverRoot
from coordinator.services.membership.rotations import RotateKey
from coordinator.services.membership.suspensions import ReinstatePartner, SuspendPartner
from holdfast.protocol.membership_payloads import Grant, GrantApproval, Revocation
from holdfast.protocol.vocabulary import Role
from tests.api.membership_acts import new_person
from tests.factories import ORIGIN, Cast, grant_body

WAIT = timedelta(days=1)


def test_a_lead_alone_makes_no_grant(uow: UnitOfWork, cast: Cast) -> None:
    grant = Grant.model_validate(grant_body(new_person(cast.a, Role.ANALYST)))
    with pytest.raises(PermissionDeniedError, match="root key"):
        execute(MakeGrant(body=grant, audience=ORIGIN), cast.a.lead.actor, uow)
    assert uow.recorded == []


def test_the_root_key_proposes_nothing(uow: UnitOfWork, cast: Cast) -> None:
    grant = Grant.model_validate(grant_body(new_person(cast.a, Role.ANALYST)))
    command = ProposeGrant(body=grant, audience=ORIGIN, approve_within=WAIT)
    with pytest.raises(PermissionDeniedError, match="a person"):
        execute(command, cast.a.root.actor, uow)


def test_the_operator_makes_approves_and_takes_away_nothing(uow: UnitOfWork, cast: Cast) -> None:
    grant = Grant.model_validate(grant_body(new_person(cast.a, Role.ANALYST)))
    for command in (
        MakeGrant(body=grant, audience=ORIGIN),
        ProposeGrant(body=grant, audience=ORIGIN, approve_within=WAIT),
        ApproveGrant(
            proposal_id="grp_1", body=GrantApproval(grant_sha256="0" * 64), audience=ORIGIN
        ),
        RotateKey(body=grant, audience=ORIGIN),
        Revoke(body=Revocation(kid=cast.a.lead.key.kid)),
    ):
        with pytest.raises(PermissionDeniedError):
            execute(command, COORDINATOR, uow)
    assert uow.recorded == []


def test_no_partner_suspends_or_resets_another(uow: UnitOfWork, cast: Cast) -> None:
    reset = ResetRoot(handle=cast.a.handle, jwk={}, possession="", audience=ORIGIN, after=WAIT)
    for command in (
        SuspendPartner(handle=cast.a.handle),
        ReinstatePartner(handle=cast.a.handle),
        reset,
        TakeOverRoot(reset_id="rst_1"),
    ):
        for member in (cast.b.lead, cast.b.root, cast.a.lead):
            with pytest.raises(PermissionDeniedError):
                execute(command, member.actor, uow)
    assert uow.recorded == []


def test_nothing_of_a_partner_is_stored_without_what_proves_it(uow: UnitOfWork, cast: Cast) -> None:
    grant = Grant.model_validate(grant_body(new_person(cast.a, Role.ANALYST)))
    for command in (
        MakeGrant(body=grant, audience=ORIGIN),
        Revoke(body=Revocation(kid=cast.a.analyst.key.kid)),
    ):
        with pytest.raises(AssertionError, match="is signed"):
            execute(command, cast.a.root.actor, uow)
    assert uow.recorded == []
