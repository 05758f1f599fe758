"""Taking a key of one's own away: without a lead, and never the last of its kind."""

import pytest

from tests.console.visitor import grant
from tests.factories import Cast, Member, Signer
from tests.passkeys import SoftPasskey

PATH = "/v1/revocations"


def _passkeys(signer: Signer, cast: Cast, member: Member, count: int) -> list[str]:
    made = [SoftPasskey.generate() for _ in range(count)]
    for passkey in made:
        grant(signer, cast.a.root, member, passkey)
    return [passkey.kid for passkey in made]


@pytest.mark.parametrize("role", ["analyst", "compliance", "auditor"])
def test_a_person_takes_a_passkey_of_their_own_away_and_not_the_last(
    signer: Signer, cast: Cast, role: str
) -> None:
    member = cast.a.people[role]
    first, second = _passkeys(signer, cast, member, 2)
    taken = signer.post(member, PATH, {"kid": first})
    assert (taken.status_code, taken.get_json()["kids"]) == (201, [first])
    refused = signer.post(member, PATH, {"kid": second})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "last_key")
    # A key that is no passkey stands in for none, nor the other way round.
    own = signer.post(member, PATH, {"kid": member.key.kid})
    assert (own.status_code, own.get_json()["code"]) == (409, "last_key")
    again = signer.post(member, PATH, {"kid": first})
    assert again.status_code == 404
    assert signer.post(cast.a.lead, PATH, {"kid": second}).status_code == 201


def test_nobody_but_a_lead_takes_another_persons_key_away(signer: Signer, cast: Cast) -> None:
    kids = _passkeys(signer, cast, cast.a.auditor, 2)
    for body in ({"kid": kids[0]}, {"subject": cast.a.auditor.subject}):
        for member in (cast.a.analyst, cast.a.compliance, cast.b.analyst):
            refused = signer.post(member, PATH, body)
            assert (refused.status_code, refused.get_json()["code"]) == (403, "not_allowed")
    assert signer.post(cast.b.lead, PATH, {"kid": kids[0]}).status_code == 404
    whole = signer.post(cast.a.auditor, PATH, {"subject": cast.a.auditor.subject})
    assert whole.status_code == 403, "a person does not leave by themselves"


def test_a_system_takes_no_key_away(signer: Signer, cast: Cast) -> None:
    refused = signer.post(cast.a.system, PATH, {"kid": cast.a.system.key.kid})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "not_allowed")


def test_a_lead_takes_even_the_last_of_their_own_away(signer: Signer, cast: Cast) -> None:
    [kid] = _passkeys(signer, cast, cast.a.lead, 1)
    assert signer.post(cast.a.lead, PATH, {"kid": kid}).status_code == 201
