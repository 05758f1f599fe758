"""A guest that joined proves the act that asked it: by a lead, and by its very domain."""

from typing import Any

import pytest

from holdfast.errors import UntrustedEvidenceError
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json
from holdfast.protocol.vocabulary import Role
from tests.partners.signed_world import REQUESTS, Signed, evidence_of, sign
from tests.partners.test_addition_evidence import ADDED, Case


def _ask(case: Case, by: Profile, *, name: str = "guests", **members: Any) -> Signed:
    body = {"content_sha256": case.content, "domain": ADDED, **members}
    return sign(by, f"{REQUESTS}/{case.request_id}/{name}", canonical_json.dumps(body))


def _part(signed: Signed, by: Profile) -> dict[str, Any]:
    return evidence_of("ask_guest", signed, by)


def test_a_lead_who_asked_its_domain_asks_whoever_joined_under_it() -> None:
    case = Case()
    notice = case.prove(_part(_ask(case, case.lead), case.lead))
    assert notice.id == case.request_id


def test_nobody_else_is_asked_by_it_and_no_one_but_a_lead_asks() -> None:
    case = Case()
    compliance = case.world.person(Role.COMPLIANCE)
    forged = {
        "another's domain": _part(_ask(case, case.lead, domain="guest.example"), case.lead),
        "no lead": _part(_ask(case, compliance), compliance),
        "another path": _part(_ask(case, case.lead, name="partners"), case.lead),
        "another document": _part(_ask(case, case.lead, content_sha256="0" * 64), case.lead),
    }
    for part in forged.values():
        with pytest.raises(UntrustedEvidenceError):
            case.prove(part)
    asked = _part(_ask(case, case.lead), case.lead)
    with pytest.raises(UntrustedEvidenceError) as refused:
        case.prove(asked, handle="exchange-d.example")
    assert refused.value.code == "not_asked"
