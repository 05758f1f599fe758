"""A partner's tag key, set through the API and by the kit."""

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import base64url
from tests import factories
from tests.factories import Cast, Signer

PATH = "/v1/partners/me/tag-key"
KEY, OTHER = (base64url.encode(bytes([number]) * 32) for number in (1, 2))


def test_a_lead_sets_the_key_and_hears_from_which_entry_on_it_holds(
    signer: Signer, cast: Cast
) -> None:
    first = signer.post(cast.a.lead, PATH, {"tag_key": KEY})
    assert first.status_code == 201
    told = first.get_json()
    assert told["first_leaf"] == told["log"]["leaf_index"]
    assert told["log"]["type"] == "tag_key.set"
    again = signer.post(cast.a.second_lead, PATH, {"tag_key": KEY})
    assert (again.status_code, again.get_json()) == (
        200,
        {"id": told["id"], "first_leaf": told["first_leaf"]},
    )
    other = signer.post(cast.a.lead, PATH, {"tag_key": OTHER})
    assert other.get_json()["first_leaf"] > told["first_leaf"]
    assert KEY not in first.text + again.text


def test_what_is_no_key_is_refused(signer: Signer, cast: Cast) -> None:
    for value in (KEY[:-1], KEY + "A", KEY[:-1] + "B", KEY[:-1] + "=", "", None, 5):
        refused = signer.post(cast.a.lead, PATH, {"tag_key": value})
        assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (
            422,
            "/tag_key",
        )


def test_the_key_is_in_ones_own_acts_and_no_other_member_reads_it(
    signer: Signer, cast: Cast
) -> None:
    signer.post(cast.a.lead, PATH, {"tag_key": KEY})
    own = signer.get(cast.a.auditor, "/v1/acts?of=organisation")
    [act] = [each for each in own.get_json()["items"] if each["kind"] == "set_tag_key"]
    assert KEY in act["body"]
    for path in ("/v1/acts?of=organisation", "/v1/events", "/v1/grants", "/v1/partners"):
        assert KEY not in signer.get(cast.b.lead, path).text


def test_a_partner_that_is_not_confirmed_yet_sets_its_first_key_and_nothing_else(
    database: Database, vault: Vault, clock: SteppedClock, signer: Signer
) -> None:
    newcomer = factories.new_exchange("exchange-n.example")
    code = factories.invite(database, vault, clock, newcomer.handle)
    joined = signer.post(newcomer.root, "/v1/join", factories.join_body(newcomer, code))
    assert joined.status_code == 201
    assert signer.post(newcomer.lead, PATH, {"tag_key": KEY}).status_code == 201
    pending = signer.post(newcomer.analyst, PATH, {"tag_key": OTHER})
    assert pending.status_code == 403
    assert signer.get(newcomer.lead, "/v1/partners/me").get_json()["code"] == "partner_pending"
    stranger = factories.new_exchange("exchange-x.example")
    assert signer.post(stranger.lead, PATH, {"tag_key": KEY}).status_code == 401
