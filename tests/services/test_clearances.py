"""Clearances: who was flagged by error gets a signed statement that says so."""

from hashlib import sha256
from typing import Any

import pytest

from holdfast.protocol import strict_json
from holdfast.protocol.clearance import TYP, Clearance, verify_clearance
from holdfast.protocol.compact_jws import sign_claims
from holdfast.protocol.errors import TokenError
from holdfast.protocol.jwk import PrivateKey, PublicKey
from tests.conftest import KEYS
from tests.factories import ORIGIN, Exchange, Member
from tests.services.member_reader import MemberReader, Shown
from tests.services.request_cast import REQUESTS, Ask, Office, account, addresses

RIPPLE = "xrpl:0:rnXyVQzgxZe7TR1EPzTkGj2jxH4LMJYh66"


def _withdraw(office: Office, ask: Ask, numbers: Any = "all", code: str = "wrong_target") -> str:
    status, answer = office.act(
        office.desk.cast.a.lead,
        ask,
        "withdrawal",
        addresses=numbers,
        reason_code=code,
        reason="a market maker's hot wallet",
    )
    assert status == 201, answer
    return str(answer["id"])


def _cleared(office: Office, member: Member, ask: Ask) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = f"{REQUESTS}/{ask.id}/clearances"
    page = office.signer.get(member, path).get_json()
    found += page["items"]
    while page["next_cursor"]:
        page = office.signer.get(member, f"{path}?cursor={page['next_cursor']}").get_json()
        found += page["items"]
    return found


def _keys(office: Office) -> list[PublicKey]:
    published = office.signer.client.get("/.well-known/jwks.json").get_json()["keys"]
    return [PublicKey.from_jwk(each) for each in published]


def _numbers(office: Office, member: Member, ask: Ask) -> list[int]:
    return [each["address_no"] for each in _cleared(office, member, ask)]


def _events(office: Office, exchange: Exchange, ask: Ask, kind: str) -> list[dict[str, Any]]:
    return [
        event["data"]
        for event in office.desk.feed(exchange)
        if event["type"] == kind and event["data"]["request_id"] == ask.id
    ]


def _revoke(office: Office, member: Member, ask: Ask, clearance: str) -> tuple[int, dict[str, Any]]:
    path = f"clearances/{clearance}/revocation"
    return office.act(member, ask, path, reason="the tracing firm was right after all")


def test_a_wrong_target_is_cleared_by_a_statement_that_the_coordinators_key_signs(
    office: Office,
) -> None:
    desk, (a, b, *_) = office.desk, office.desk.cast.all
    ask = desk.go_out(addresses=[{"account": RIPPLE, "tag": "9000"}, *addresses(1, 9000)])
    act_id = _withdraw(office, ask, [0])
    [own], [theirs] = _cleared(office, a.auditor, ask), _cleared(office, b.auditor, ask)
    assert own == theirs
    assert (own["account"], own["tag"], own["revoked_at"]) == (RIPPLE, "9000", None)
    evidence = office.signer.get(b.auditor, f"{REQUESTS}/{ask.id}/evidence").get_json()["items"]
    [withdrawal] = [each for each in evidence if each["act_id"] == act_id]
    assert verify_clearance(own["statement"], keys=_keys(office)) == Clearance(
        iss=ORIGIN,
        jti=own["id"],
        iat=int(desk.clock.now().timestamp()),
        account=RIPPLE,
        tag="9000",
        request_id=ask.id,
        requester=a.handle,
        act_sha256=sha256(withdrawal["body"].encode()).hexdigest(),
        reason="wrong_target",
    )
    for exchange in (a, b):
        [told] = _events(office, exchange, ask, "clearance.issued")
        assert told["clearances"] == [{"id": own["id"], "address_no": 0}]


@pytest.mark.parametrize("code", ["resolved", "superseded", "legal", "other"])
def test_no_other_reason_clears_anybody(office: Office, code: str) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out()
    _withdraw(office, ask, [0], code)
    _withdraw(office, ask, "all", code)
    assert _cleared(office, a.auditor, ask) == []
    assert _events(office, a, ask, "clearance.issued") == []


def test_what_never_went_out_needs_no_clearance(office: Office) -> None:
    ask = office.desk.submit()
    _withdraw(office, ask)
    assert _cleared(office, office.desk.cast.a.auditor, ask) == []


def test_withdrawing_the_rest_clears_the_rest_alone(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.submit(addresses=addresses(5, 9100))
    desk.decide_without(ask, [4])
    _withdraw(office, ask, [1], "other")
    _withdraw(office, ask, [0])
    _withdraw(office, ask)
    assert _numbers(office, a.auditor, ask) == [0, 2, 3]


def test_what_ratification_leaves_out_is_cleared_for_those_who_were_asked(office: Office) -> None:
    desk, (a, b, c, _) = office.desk, office.desk.cast.all
    desk.policy(a, may_flash=[a.analyst.subject], approval_quorum=1)
    desk.policy(c, provisional="hold_back")
    ask = desk.submit(urgency="flash", addresses=addresses(3, 9200))
    desk.decide_without(ask, [1])
    desk.policy(c, provisional="notify")
    assert [_numbers(office, each.auditor, ask) for each in (a, b, c)] == [[1], [1], []]
    assert _events(office, c, ask, "clearance.issued") == []
    _withdraw(office, ask, [0])
    assert [_numbers(office, each.auditor, ask) for each in (a, b, c)] == [[1, 0], [1, 0], [0]]
    [told] = _events(office, c, ask, "clearance.issued")
    assert [each["address_no"] for each in told["clearances"]] == [0]
    [first, _] = _cleared(office, a.auditor, ask)
    assert _revoke(office, a.lead, ask, first["id"])[0] == 201
    assert len(_events(office, b, ask, "clearance.revoked")) == 1
    assert _events(office, c, ask, "clearance.revoked") == []


def test_what_an_approval_leaves_out_was_flagged_to_nobody_and_is_not_cleared(
    office: Office,
) -> None:
    desk = office.desk
    ask = desk.submit(addresses=addresses(2, 9250))
    desk.decide_without(ask, [1])
    assert _cleared(office, desk.cast.a.auditor, ask) == []


def test_who_was_not_asked_sees_no_clearance(office: Office) -> None:
    desk, d = office.desk, office.desk.cast.d
    ask = desk.go_out(to=[desk.cast.b.handle])
    _withdraw(office, ask, [0])
    answer = office.signer.get(d.auditor, f"{REQUESTS}/{ask.id}/clearances")
    assert answer.status_code == 404
    assert _events(office, d, ask, "clearance.issued") == []


def test_a_lead_of_the_requester_revokes_it_with_a_reason_and_everybody_can_ask(
    office: Office,
) -> None:
    desk, (a, b, *_) = office.desk, office.desk.cast.all
    ask = desk.go_out()
    _withdraw(office, ask, [0])
    [cleared] = _cleared(office, a.auditor, ask)
    public = f"/v1/clearances/{cleared['id']}"
    before = office.signer.client.get(public).get_json()
    assert before == {
        "id": cleared["id"],
        "status": "valid",
        "issued_at": cleared["issued_at"],
        "revoked_at": None,
    }
    assert _revoke(office, a.compliance, ask, cleared["id"])[0] == 403
    assert _revoke(office, b.lead, ask, cleared["id"])[0] == 404
    status, answer = _revoke(office, a.lead, ask, cleared["id"])
    assert (status, answer["clearance"]) == (201, cleared["id"])
    after = office.signer.client.get(public).get_json()
    assert (after["status"], after["revoked_at"]) == ("revoked", answer["revoked_at"])
    for exchange in (a, b):
        [shown] = _cleared(office, exchange.auditor, ask)
        assert (shown["revoked_at"], shown["statement"]) == (answer["revoked_at"], None)
        assert shown["revoked_reason"] == "the tracing firm was right after all"
        [told] = _events(office, exchange, ask, "clearance.revoked")
        assert (told["clearance"], told["address_no"]) == (cleared["id"], 0)
    assert _revoke(office, a.lead, ask, cleared["id"])[1]["code"] == "already_revoked"
    for reader in (a.auditor, b.auditor):
        examined = Shown.to(MemberReader(office.signer, reader), ask.id).examine()
        acts = {finding.what: finding.result for finding in examined.acts}
        assert acts["revoke_clearance"] == "verified"
        assert examined.failures == []


def test_the_public_word_on_a_clearance_tells_nothing_else(office: Office) -> None:
    unknown = "clr_01h455vb4pex5vsknk084sn02q"
    answer = office.signer.client.get(f"/v1/clearances/{unknown}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "no_such_clearance")
    ask = office.desk.go_out()
    status, answer_ = _revoke(office, office.desk.cast.a.lead, ask, unknown)
    assert (status, answer_["code"]) == (404, "no_such_clearance")


def test_why_it_was_revoked_says_nothing_of_a_customer(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out()
    _withdraw(office, ask, [0])
    [cleared] = _cleared(office, a.auditor, ask)
    path = f"clearances/{cleared['id']}/revocation"
    status, problem = office.act(a.lead, ask, path, reason="held by jane@example.org")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/reason")


def _statement(**changes: Any) -> dict[str, Any]:
    return {
        "iss": ORIGIN,
        "jti": "clr_01h455vb4pex5vsknk084sn02q",
        "iat": 1_772_452_800,
        "account": account(1),
        "tag": None,
        "request_id": "frq_01h455vb4pex5vsknk084sn02q",
        "requester": "exchange-a.example",
        "act_sha256": "0" * 64,
        "reason": "wrong_target",
        **changes,
    }


_KEY = KEYS.webhook


def test_a_genuine_statement_verifies_offline() -> None:
    jws = sign_claims(_statement(), _KEY, typ=TYP)
    assert verify_clearance(jws, keys=[_KEY.public]).account == account(1)


@pytest.mark.parametrize(
    ("claims", "typ", "key"),
    [
        (_statement(), TYP, PrivateKey.generate()),
        (_statement(), "holdfast-request+jwt", _KEY),
        (_statement(extra="x"), TYP, _KEY),
        ({n: v for n, v in _statement().items() if n != "act_sha256"}, TYP, _KEY),
        (_statement(reason="resolved"), TYP, _KEY),
        (_statement(jti="clr_1"), TYP, _KEY),
        (_statement(request_id="inc_01h455vb4pex5vsknk084sn02q"), TYP, _KEY),
        (_statement(iat="1772452800"), TYP, _KEY),
        (_statement(iat=True), TYP, _KEY),
        (_statement(iat=5), TYP, _KEY),
        (_statement(tag=7), TYP, _KEY),
        (_statement(account=""), TYP, _KEY),
        (_statement(act_sha256="0" * 63), TYP, _KEY),
        (_statement(iss=""), TYP, _KEY),
        (_statement(requester=["a"]), TYP, _KEY),
    ],
)
def test_what_is_no_clearance_of_this_coordinator_is_refused(
    claims: dict[str, Any], typ: str, key: PrivateKey
) -> None:
    jws = sign_claims(claims, key, typ=typ)
    with pytest.raises(TokenError):
        verify_clearance(jws, keys=[_KEY.public])


def test_a_statement_that_was_altered_is_refused() -> None:
    head, _, signature = sign_claims(_statement(), _KEY, typ=TYP).split(".")
    _, body, _ = sign_claims(_statement(account=account(2)), PrivateKey.generate(), typ=TYP).split(
        "."
    )
    with pytest.raises(TokenError):
        verify_clearance(f"{head}.{body}.{signature}", keys=[_KEY.public])


def test_many_are_named_in_the_list_where_an_event_cuts_them(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out(addresses=addresses(103, 9300))
    _withdraw(office, ask)
    [told] = _events(office, a, ask, "clearance.issued")
    assert (len(told["clearances"]), told["clearance_count"], told["clearances_cut"]) == (
        100,
        103,
        True,
    )
    assert len(_cleared(office, a.auditor, ask)) == 103
    assert all(strict_json.loads(body) for _, body in desk.raw_feed(a))
