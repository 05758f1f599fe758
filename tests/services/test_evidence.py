"""The notice: small enough for every receiver, and proof in itself of who asked what."""

from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select

from coordinator.services.core.unit_of_work import unpack_evidence
from coordinator.storage.engine.documents import load
from coordinator.storage.tables.freeze_requests import ActRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.log_proof import parse_log_proof
from holdfast.protocol.request_token import verify_request_evidence
from tests.factories import ETHER, NOON, ORIGIN, freeze_request_body
from tests.services.request_cast import (
    DAY,
    REQUESTS,
    Desk,
    addresses,
    corrected,
    found,
    frozen,
    nothing,
    seized,
)

#: What docs/protocol.md promises to receivers.
LIMIT_BYTES = 20_000


def _notice(desk: Desk, ask_id: str) -> tuple[bytes, dict[str, Any]]:
    for _, body in desk.raw_feed(desk.cast.b):
        event: dict[str, Any] = strict_json.loads(body)
        if event["type"] == "freeze_request.received" and event["data"]["request_id"] == ask_id:
            return body, event["data"]
    raise AssertionError("no notice")


@pytest.mark.parametrize(("count", "is_whole"), [(51, True), (20_000, False)])
def test_a_notice_stays_under_20_kb_and_proves_itself(
    desk: Desk, count: int, *, is_whole: bool
) -> None:
    ask = desk.go_out(to=[desk.cast.b.handle], addresses=addresses(count))
    body, data = _notice(desk, ask.id)
    # In a log of a billion entries a proof has thirty hashes, of 45 characters and an escaped line
    # feed each.
    hashes = len(parse_log_proof(data["log"]["proof"].encode()).hashes)
    assert len(body) + (30 - hashes) * 46 < LIMIT_BYTES
    assert data["address_count"] == count
    submitted, [approved] = data["evidence"], data["approvals"]
    assert ("body" in submitted) is is_whole
    if is_whole:
        assert submitted["body"].encode() == ask.raw
    else:
        assert submitted["body_sha256"] == ask.content_sha256
        assert submitted["href"].startswith(f"{ORIGIN}{REQUESTS}/{ask.id}/evidence?act=act_")
    proven = verify_request_evidence(
        submitted["token"], ask.raw, key=desk.cast.a.analyst.key.public, aud=ORIGIN
    )
    assert (proven.iss, proven.sub) == (desk.cast.a.handle, desk.cast.a.analyst.subject)
    assert (proven.htm, proven.htu) == ("POST", ORIGIN + REQUESTS)
    assert proven.body_sha256 == data["content_sha256"] == sha256(ask.raw).hexdigest()
    decided = verify_request_evidence(
        approved["token"],
        approved["body"].encode(),
        key=desk.cast.a.lead.key.public,
        aud=ORIGIN,
    )
    assert decided.htu == f"{ORIGIN}{REQUESTS}/{ask.id}/approvals"
    assert strict_json.loads(approved["body"].encode())["content_sha256"] == ask.content_sha256
    assert approved["jwk"] == desk.cast.a.lead.key.public.jwk()


def test_evidence_proves_nothing_else_than_what_was_signed(desk: Desk) -> None:
    ask = desk.go_out(to=[desk.cast.b.handle])
    submitted = _notice(desk, ask.id)[1]["evidence"]
    altered = ask.raw.replace(b"Proceeds", b"Proceedz")
    for body, member in ((altered, desk.cast.a.analyst), (ask.raw, desk.cast.a.lead)):
        with pytest.raises(ProtocolError):
            verify_request_evidence(submitted["token"], body, key=member.key.public, aud=ORIGIN)


@pytest.mark.parametrize("padding", ["\n", "\t", " ", '"', "\\", "é", "\U0001f4b0"])
def test_no_spelling_of_the_document_makes_the_notice_too_long(desk: Desk, padding: str) -> None:
    """What is one byte when sent may be two inside a JSON string."""
    body = freeze_request_body(to=[desk.cast.b.handle], addresses=addresses(1))
    if padding.isspace():
        raw = canonical_json.dumps(body).replace(b"{", b"{" + padding.encode() * 9_900, 1)
    else:
        texts = [{**each, "note": padding * 190} for each in addresses(10)]
        spelt = body | {"addresses": texts, "summary": padding * 1_900}
        raw = canonical_json.dumps(spelt)
    ask = desk.submit(raw=raw)
    desk.decide(ask, comment=padding * 498 + ".")
    notice, data = _notice(desk, ask.id)
    assert len(notice) < LIMIT_BYTES
    assert data["content_sha256"] == sha256(raw).hexdigest()


def test_an_approval_of_many_words_is_linked_and_not_sent(desk: Desk) -> None:
    plain = "eip155:1:0x51e9d833ecae4e8d9d8be17300aee6d3398c13"
    targets = [{"account": f"{plain}{number:02x}"} for number in range(60)]
    desk.policy(desk.cast.a, approval_quorum=2)
    ask = desk.submit(to=[desk.cast.b.handle], addresses=targets)
    reasons = [
        {"code": "no_checksum", "address_nos": [number], "reason": "é" * 490}
        for number in range(60)
    ]
    desk.decide(ask, warnings_accepted=reasons)
    desk.decide(ask, desk.cast.a.second_lead, warnings_accepted=reasons)
    notice, data = _notice(desk, ask.id)
    assert len(notice) < LIMIT_BYTES
    assert [("body" in each) for each in data["approvals"]] == [False, False]
    assert all(len(each["body_sha256"]) == 64 for each in data["approvals"])
    links = {each["href"] for each in data["approvals"]}
    assert len(links) == 2
    assert all(link.startswith(f"{ORIGIN}{REQUESTS}/{ask.id}/evidence?act=") for link in links)
    kids = {desk.cast.a.lead.key.kid, desk.cast.a.second_lead.key.kid}
    assert {each["kid"] for each in data["approvals"]} == kids


def test_every_event_stays_under_20_kb_however_much_a_report_says(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(to=[b.handle], addresses=addresses(600))
    assets = [f"eip155:1/erc20:0x{number:040x}" for number in range(1, 121)]
    lines = [found(0, 10**60, asset) for asset in assets]
    lines += [frozen(0, 10**60, asset=asset) for asset in assets]
    booked = desk.report(b, ask, *lines)["lines"]
    holds = [line["hold"] for line in booked if line["kind"] == "frozen"]
    words = {"agency": "\U0001f4b0" * 120, "order": "\U0001f4b0" * 120}
    desk.report(b, ask, *(seized(hold, 1) | words for hold in holds[:60]))
    mistaken = [line["id"] for line in booked if line["kind"] == "frozen"][60:]
    fixes = [corrected(line, 10**59) | {"reason": "\U0001f4b0" * 499} for line in mistaken]
    desk.report(b, ask, *fixes)
    desk.report(b, ask, nothing(list(range(1, 600))))
    desk.withdraw(ask, list(range(550)))
    long = [(len(body), strict_json.loads(body)["type"]) for _, body in desk.raw_feed(b)]
    assert [each for each in long if each[0] >= LIMIT_BYTES] == []
    assert len(long) > 5
    assert ETHER not in assets


def test_every_act_keeps_the_token_and_the_exact_body_that_prove_it(desk: Desk) -> None:
    a, b, c = desk.cast.a, desk.cast.b, desk.cast.c
    ask = desk.go_out(to=[b.handle, c.handle])
    desk.act(b.analyst, ask, "acknowledgement", note="on it")
    desk.act(b.analyst, ask, "review")
    hold = desk.hold(b, ask)
    desk.extend(b, ask, hold, NOON + 20 * DAY)
    desk.act(
        a.lead,
        ask,
        "extension-requests",
        hold=hold,
        hold_expires_at="2026-04-20T00:00:00Z",
        reason="order pending",
    )
    desk.act(c.compliance, ask, "decline", code="policy_refusal")
    desk.withdraw(ask, [1])
    desk.withdraw(ask)
    signers = {
        "submit": (a.analyst, "freeze-requests"),
        "approve": (a.lead, "approvals"),
        "acknowledge": (b.analyst, "acknowledgement"),
        "review": (b.analyst, "review"),
        "report": (b.compliance, "freeze-reports"),
        "extend": (b.compliance, "hold-extensions"),
        "ask_extension": (a.lead, "extension-requests"),
        "decline": (c.compliance, "decline"),
        "withdraw": (a.lead, "withdrawal"),
    }
    with desk.database.engine.connect() as connection:
        acts = connection.execute(select(ActRow.__table__).order_by(ActRow.id)).all()
        packed = load(connection, desk.vault, [act.id for act in acts], "evidence")
    assert {act.kind for act in acts} == set(signers)
    for act in acts:
        member, path = signers[act.kind]
        token, body = unpack_evidence(packed[act.id])
        proven = verify_request_evidence(token, body, key=member.key.public, aud=ORIGIN)
        assert proven.sub == act.subject == member.subject
        assert proven.htu.endswith(path)
        assert act.leaf_index is not None


def test_what_the_coordinator_does_by_itself_says_so_and_claims_no_signature(desk: Desk) -> None:
    ask = desk.submit()
    desk.step(DAY)
    query = "SELECT evidence_kind FROM act WHERE request_id = :id AND kind = 'expire'"
    assert desk.sql(query, id=ask.id) == "coordinator"
    signed = "SELECT count(*) FROM act WHERE kind = 'expire' AND subject IS NOT NULL"
    assert desk.sql(signed) == 0
