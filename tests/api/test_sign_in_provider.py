"""A partner's OpenID provider through the API: who sets it, what is refused, what stays secret."""

from collections.abc import Iterator
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.console import sign_in_providers
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.type_ids import new_id
from tests.console.openid import CLIENT_ID, CLIENT_SECRET, Provider, serving
from tests.factories import Cast, Signer
from tests.passkeys import CONSOLE

PATH = "/v1/sign-in-provider"


@pytest.fixture
def provider(clock: SteppedClock) -> Iterator[Provider]:
    """A provider that answers what it is."""
    with serving(int(clock.now().timestamp())) as served:
        yield served


def body(cast: Cast, provider: Provider, **other: Any) -> dict[str, Any]:
    """Return a body in which the analyst is listed."""
    return {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "people": [{"person": cast.a.analyst.subject, "sub": provider.sub}],
        **other,
    }


def test_a_lead_sets_reads_and_removes_it(signer: Signer, cast: Cast, provider: Provider) -> None:
    back = f"{CONSOLE}/console/sign-in/return/{cast.a.handle}"
    unset = {"redirect_uri": back}
    assert signer.get(cast.a.lead, PATH).get_json() == unset
    made = signer.post(cast.a.lead, PATH, body(cast, provider))
    assert made.status_code == 201, made.text
    log = made.get_json()["log"]
    assert log["type"] == "sign_in_provider.set"
    read = signer.get(cast.a.auditor, PATH).get_json()
    assert read == {k: v for k, v in made.get_json().items() if k != "log"}
    assert read["redirect_uri"] == back
    assert read["people"] == [
        {"person": cast.a.analyst.subject, "sub": provider.sub, "email": None}
    ]
    for answer in (made, signer.get(cast.a.lead, PATH)):
        assert CLIENT_SECRET not in answer.text
    assert "id" not in signer.get(cast.b.lead, PATH).get_json()
    removed = signer.send(cast.a.lead, "DELETE", PATH)
    assert removed.get_json()["log"]["type"] == "sign_in_provider.removed"
    assert signer.get(cast.a.lead, PATH).get_json() == unset
    assert signer.send(cast.a.lead, "DELETE", PATH).status_code == 404


def test_nobody_but_the_log_hears_of_it(signer: Signer, cast: Cast, provider: Provider) -> None:
    assert signer.post(cast.a.lead, PATH, body(cast, provider)).status_code == 201
    for member in (cast.a.lead, cast.b.lead):
        events = signer.get(member, "/v1/events?after=0").get_json()["events"]
        assert not [each for each in events if "sign_in" in each["type"]]


def test_a_secret_stays_for_the_same_issuer_and_client_alone(
    signer: Signer, cast: Cast, provider: Provider, database: Database, vault: Vault
) -> None:
    without = body(cast, provider)
    del without["client_secret"]
    refused = signer.post(cast.a.lead, PATH, without)
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (
        422,
        "/client_secret",
    )
    signer.post(cast.a.lead, PATH, body(cast, provider))
    assert signer.post(cast.a.lead, PATH, without).status_code == 201
    with database.engine.connect() as connection:
        present = sign_in_providers.find(connection, cast.a.handle)
        assert present is not None
        document = sign_in_providers.document(connection, vault, present.id)
    assert document is not None
    assert document.client_secret == CLIENT_SECRET
    # It is sent to no other host than it was given for.
    assert signer.post(cast.a.lead, PATH, without | {"client_id": "other"}).status_code == 422


def test_what_was_set_before_is_erased(
    signer: Signer, cast: Cast, provider: Provider, database: Database, vault: Vault
) -> None:
    def send(key: str) -> Any:
        return signer.send(cast.a.lead, "POST", PATH, body(cast, provider), key=key)

    first, again = send("the-first-act").get_json(), send("the-first-act").get_json()
    assert first["id"] == again["id"]
    assert send("the-second-act").get_json()["id"] != first["id"]
    with database.engine.connect() as connection:
        assert sign_in_providers.document(connection, vault, first["id"]) is None
    # The answer told of people: it went with what it told of.
    assert send("the-first-act").status_code == 422


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"issuer": "ftp://a.example"}, "/issuer"),
        ({"issuer": "http://127.0.0.1:9/x?y"}, ""),
        ({"client_id": "two words"}, "/client_id"),
        ({"people": []}, "/people"),
        ({"people": [{"person": "per_x", "sub": "1"}]}, "/people/0/person"),
        ({"people": [{"person": new_id("per"), "sub": "1"}]}, "/people/0/person"),
        ({"people": [{"person": new_id("per")}]}, "/people/0"),
        ({"people": [{"person": new_id("per"), "email": "no address"}]}, "/people/0/email"),
    ],
)
def test_what_cannot_be_is_named(
    signer: Signer, cast: Cast, provider: Provider, wrong: dict[str, Any], pointer: str
) -> None:
    refused = signer.post(cast.a.lead, PATH, body(cast, provider, **wrong))
    assert refused.status_code == 422, refused.text
    assert refused.get_json()["errors"][0]["pointer"] == pointer


def test_a_list_names_ones_own_people_each_by_names_of_their_own(
    signer: Signer, cast: Cast, provider: Provider
) -> None:
    analyst, auditor = cast.a.analyst.subject, cast.a.auditor.subject
    for people in (
        [{"person": cast.b.analyst.subject, "sub": "1"}],
        [{"person": cast.a.system.subject, "sub": "1"}],
        [{"person": analyst, "sub": "1"}, {"person": auditor, "sub": "1"}],
        [{"person": analyst, "email": "a@b.example"}, {"person": auditor, "email": "A@B.example"}],
        [{"person": analyst, "sub": "1", "email": "a@b.example"}],
    ):
        refused = signer.post(cast.a.lead, PATH, body(cast, provider, people=people))
        assert refused.status_code == 422, people
    both = [{"person": analyst, "sub": "1"}, {"person": analyst, "email": "a@b.example"}]
    assert signer.post(cast.a.lead, PATH, body(cast, provider, people=both)).status_code == 201
    assert signer.post(cast.a.lead, "/v1/revocations", {"subject": analyst}).status_code == 201
    gone = signer.post(cast.a.lead, PATH, body(cast, provider, people=both))
    assert [fault["pointer"] for fault in gone.get_json()["errors"]] == [
        "/people/0/person",
        "/people/1/person",
    ]


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"issuer": "https://another.example"}, "issuer_mismatch"),
        ({"token_endpoint": None}, "bad_metadata"),
        ({"jwks_uri": "https://10.1.2.3/jwks"}, "bad_metadata"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "bad_metadata"),
    ],
)
def test_a_provider_is_asked_what_it_is_before_it_is_set(
    signer: Signer, cast: Cast, provider: Provider, metadata: dict[str, Any], code: str
) -> None:
    provider.metadata = metadata
    refused = signer.post(cast.a.lead, PATH, body(cast, provider))
    assert (refused.status_code, refused.get_json()["code"]) == (422, "issuer_refused")
    fault = refused.get_json()["errors"][0]
    assert (fault["pointer"], fault["code"]) == ("/issuer", code)


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:9", "https://10.1.2.3", "https://nobody.invalid"]
)
def test_a_provider_that_cannot_be_reached_is_refused(
    signer: Signer, cast: Cast, provider: Provider, issuer: str
) -> None:
    refused = signer.post(cast.a.lead, PATH, body(cast, provider, issuer=issuer))
    assert (refused.status_code, refused.get_json()["code"]) == (422, "issuer_refused")
    assert refused.get_json()["errors"][0]["code"] == "discovery"


def test_whoever_may_not_set_one_has_no_host_asked(
    signer: Signer, cast: Cast, provider: Provider
) -> None:
    for member in (cast.a.compliance, cast.a.analyst, cast.a.auditor, cast.a.system):
        assert signer.post(member, PATH, body(cast, provider)).status_code == 403
    assert provider.asked == []
