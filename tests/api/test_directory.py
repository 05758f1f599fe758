"""One member of the directory: as in the list, and nobody who has not joined."""

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.services.membership.partners import InvitePartner
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import views
from holdfast.protocol.vocabulary import PartnerKind
from tests.api.membership_acts import operate
from tests.conftest import World
from tests.factories import Cast, Signer


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The list has its tests on both databases."""
    return sqlite_world


def test_a_member_is_read_as_it_is_listed(signer: Signer, cast: Cast) -> None:
    listed = signer.get(cast.a.auditor, "/v1/partners").get_json()["items"]
    for each in listed:
        read = signer.get(cast.a.auditor, f"/v1/partners/{each['handle']}").get_json()
        assert read == each
        assert "policy" not in views.PartnerView.model_validate(read).model_fields_set


def test_whoever_is_only_invited_is_not_there(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    invited = InvitePartner(
        handle="late.example", name="Late", kind=PartnerKind.EXCHANGE, jurisdiction=None
    )
    operate(database, vault, clock, invited)
    assert signer.get(cast.a.lead, "/v1/partners/late.example").status_code == 404
