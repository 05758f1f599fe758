"""Submitting: what is refused, all of it at once, and what is stored of what is taken."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.engine import make_url

from coordinator.domain.errors import ConflictError, InvalidInputError
from coordinator.storage.engine.base import Base
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import PartnerKind
from tests.factories import ETHER, Signer, admit, freeze_request_body, new_exchange
from tests.services.request_cast import DAY, REQUESTS, Desk, account, addresses, refusal

SIGNATURE = (
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
)
ADDRESS = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


def test_a_submitted_request_waits_for_a_lead_and_nobody_else_learns_of_it(desk: Desk) -> None:
    ask = desk.submit()
    assert ask.answer["status"] == desk.status(ask) == "submitted"
    assert desk.told(desk.cast.a, ask) == ["freeze_request.submitted"]
    assert [desk.told(other, ask) for other in desk.cast.all[1:]] == [[], [], []]
    assert desk.row_counts()["leg"] == 0


def test_all_faults_of_all_addresses_are_named_at_once_and_nothing_is_stored(desk: Desk) -> None:
    good = account(1)
    faulty: list[dict[str, Any]] = [
        {"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135d"},
        {"account": good},
        {"account": "eip155:424242:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"},
        {"account": good, "asset": "eip155:1/slip44:60"},
        {"account": account(2), "asset": ETHER.replace("60", "61")},
        {"account": good},
        {"account": "no account at all"},
    ]
    before = desk.snapshot()
    refused = refusal(desk.submit, addresses=faulty)
    assert refused.code == "invalid_addresses"
    assert sorted(refused.pointers) == [
        "/addresses/0/account",
        "/addresses/2/account",
        "/addresses/3/asset",
        "/addresses/4/asset",
        "/addresses/5",
        "/addresses/6/account",
    ]
    assert refused.pointers["/addresses/5"] == "doubled"
    assert desk.snapshot() == before


def test_an_amount_of_nothing_is_refused_and_says_what_means_all(desk: Desk) -> None:
    faulty = [{"account": "eip155:1:0x" + "12" * 20, "asset": ETHER, "amount": "0"}]
    refused = refusal(desk.submit, addresses=faulty)
    assert refused.pointers == {"/addresses/0/amount": "zero_amount"}
    assert desk.row_counts()["freeze_request"] == 0


def test_a_transaction_has_the_form_of_its_chain(desk: Desk) -> None:
    whole = "0x" + "ab" * 32
    listed = [{"account": f"eip155:{chain}:{ADDRESS}"} for chain in (1, 10, 56)]
    for address, tx in zip(listed, (whole, whole[2:].upper(), "0xb614"), strict=True):
        address["tx"] = tx
    refused = refusal(desk.submit, addresses=listed)
    assert refused.pointers == {"/addresses/2/tx": "bad_transaction"}
    assert desk.submit(addresses=listed[:2]).answer["status"] == "submitted"


def test_every_partner_that_cannot_be_asked_is_named_with_the_reason(desk: Desk) -> None:
    for handle, kind in (("tracer.example", "analytics"), ("forum.example", "community")):
        admit(desk.database, desk.vault, desk.clock, new_exchange(handle), PartnerKind(kind))
    with desk.database.writing() as connection, connection.begin():
        suspend = update(PartnerRow).where(PartnerRow.handle == desk.cast.d.handle)
        connection.execute(suspend.values(status="suspended"))
    asked = [
        *(desk.cast.a.handle, desk.cast.b.handle, "nobody.example"),
        *(desk.cast.d.handle, "tracer.example", "forum.example"),
    ]
    before = desk.snapshot()
    refused = refusal(desk.submit, to=asked)
    assert refused.pointers == {
        "/to/0": "oneself",
        "/to/2": "unknown_partner",
        "/to/3": "suspended_partner",
        "/to/4": "not_askable",
        "/to/5": "not_askable",
    }
    assert desk.snapshot() == before


def test_to_all_means_every_active_partner_that_can_freeze_but_oneself(desk: Desk) -> None:
    for handle, kind in (("tracer.example", "analytics"), ("coin.example", "issuer")):
        admit(desk.database, desk.vault, desk.clock, new_exchange(handle), PartnerKind(kind))
    ask = desk.submit(to="all")
    others = [exchange.handle for exchange in desk.cast.all[1:]]
    assert sorted(ask.answer["to"]) == sorted([*others, "coin.example"])
    # Fixed at submission: whoever joins later is not asked.
    admit(desk.database, desk.vault, desk.clock, new_exchange("later.example"))
    desk.decide(ask)
    asked = desk.sql("SELECT count(*) FROM leg WHERE request_id = :id", id=ask.id)
    assert asked == len(others) + 1


def test_a_red_request_names_its_partners(desk: Desk) -> None:
    assert refusal(desk.submit, to="all", tlp="RED").pointers == {"/to": "all_with_red"}
    assert desk.submit(to=[desk.cast.b.handle], tlp="RED").answer["tlp"] == "RED"


def test_a_policy_may_forbid_to_all_and_then_requests_name_their_partners(desk: Desk) -> None:
    a, b = desk.cast.a, desk.cast.b
    desk.policy(a, may_ask_all=False)
    before = desk.snapshot()
    refused = refusal(desk.submit, to="all")
    assert refused.pointers == {"/to": "all_forbidden"}
    assert "may_ask_all" in refused.message
    assert desk.snapshot() == before
    assert desk.submit(to=[b.handle]).answer["to"] == [b.handle]
    # It binds whoever asks, not who is asked: others may still ask A among all.
    assert a.handle in desk.submit(by=b.analyst, to="all").answer["to"]
    # A policy is replaced as a whole, and where it says nothing, all may be asked.
    desk.policy(a, approval_quorum=1)
    assert len(desk.submit(to="all").answer["to"]) == len(desk.cast.all) - 1


def test_customers_stay_untold_for_thirty_days_at_most_unless_an_order_says_longer(
    desk: Desk,
) -> None:
    longest = desk.clock.now() + 30 * DAY
    wish = "do_not_notify_customer_until"
    assert desk.submit(do_not_notify_customer_until=format_time(longest)).answer["warnings"] == []
    longer: dict[str, Any] = {wish: format_time(longest + timedelta(seconds=1))}
    before = desk.snapshot()
    for legal in (None, {"agency": "FBI"}):
        refused = refusal(desk.submit, **longer, legal=legal)
        assert refused.type is InvalidInputError
        assert refused.pointers == {f"/{wish}": "too_far_ahead"}
        assert format_time(longest) in refused.message
    assert desk.snapshot() == before
    ordered = desk.submit(**longer, legal={"order": "25-mj-1"})
    assert ordered.answer["status"] == "submitted"


def test_an_incident_of_others_looks_like_one_that_does_not_exist(desk: Desk) -> None:
    ask = desk.submit(to=[desk.cast.b.handle])
    incident = {"id": ask.answer["incident"]["id"]}
    missing = {"id": "inc_01m82p2r3xe9mr3y6zceyqg1jj"}
    refused = [
        refusal(desk.submit, by=member, to=[desk.cast.d.handle], incident=named)
        for member, named in (
            (desk.cast.c.analyst, incident),
            (desk.cast.c.analyst, missing),
            # B is asked, but the request has not gone out: B does not know of it yet.
            (desk.cast.b.analyst, incident),
        )
    ]
    assert [r.pointers for r in refused] == [{"/incident/id": "unknown"}] * 3
    assert len({r.message for r in refused}) == 1


def test_whoever_was_asked_may_open_a_request_of_its_own_in_the_incident(desk: Desk) -> None:
    ask = desk.go_out(to=[desk.cast.b.handle])
    incident = {"id": ask.answer["incident"]["id"]}
    own = desk.submit(by=desk.cast.b.analyst, to=[desk.cast.c.handle], incident=incident)
    assert own.answer["incident"] == ask.answer["incident"]


def test_a_hop_follows_a_request_of_ones_own_in_the_same_incident(desk: Desk) -> None:
    first = desk.submit()
    incident = {"id": first.answer["incident"]["id"]}
    hop = desk.submit(incident=incident, follows=first.id)
    assert hop.answer["follows"] == first.id
    elsewhere = refusal(desk.submit, follows=first.id)
    assert elsewhere.pointers == {"/follows": "follows"}
    unknown = first.id[:-4] + "0000"
    assert refusal(desk.submit, incident=incident, follows=unknown).pointers
    desk.decide(first)
    theirs = refusal(
        desk.submit,
        by=desk.cast.b.analyst,
        to=[desk.cast.c.handle],
        incident=incident,
        follows=first.id,
    )
    assert theirs.pointers == {"/follows": "follows"}


def test_a_request_that_too_few_leads_could_approve_is_refused(desk: Desk) -> None:
    a = desk.cast.a
    desk.policy(a, approval_quorum=2)
    # A has two leads: enough for an analyst's request, not for a lead's own or its system's.
    assert desk.submit(by=a.analyst).answer["quorum"] == 2
    for member in (a.lead, a.system):
        refused = refusal(desk.submit, by=member)
        assert (refused.type, refused.code) == (ConflictError, "too_few_leads")


def test_the_same_account_twice_is_refused_but_with_another_asset_it_is_another_target(
    desk: Desk,
) -> None:
    one = {"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"}
    usdt = "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7"
    both = desk.submit(addresses=[one | {"asset": ETHER}, one | {"asset": usdt}])
    assert both.answer["address_count"] == 2
    lower = {"account": one["account"].lower()}
    refused = refusal(desk.submit, addresses=[one, lower])
    assert refused.type is InvalidInputError
    assert refused.pointers == {"/addresses/1": "doubled"}


def test_warnings_name_their_addresses_and_stand_in_the_context(desk: Desk) -> None:
    targets: list[dict[str, Any]] = [
        {"account": account(1)},
        {"account": "eip155:1:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d"},
        {"account": "xrpl:0:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"},
        {"account": "xrpl:0:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh", "tag": "7"},
    ]
    answer = desk.submit(addresses=targets).answer
    shown = {w["code"]: w["address_nos"] for w in answer["warnings"]}
    assert shown == {"no_checksum": [1], "missing_tag": [2]}
    assert all(w["detail"] for w in answer["warnings"])
    assert '"warnings":[{"address_nos":[2]' in answer["decision_context"]


def test_the_blind_index_finds_an_account_however_it_is_spelt(desk: Desk) -> None:
    address = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
    for spelling in (address, address.lower()):
        desk.submit(addresses=[{"account": f"eip155:1:{spelling}"}])
    desk.submit(addresses=addresses(1))
    assert desk.sql("SELECT count(DISTINCT blind_indexes) FROM packed_accounts") == 2
    assert desk.sql("SELECT max(length(blind_indexes)) FROM packed_accounts") == 16
    assert desk.sql("SELECT count(DISTINCT account_hash) FROM flagged_account") == 2


SECRETS = {
    "title": "Emerald vault emptied",
    "reference": "CASE EMERALD 77",
    "summary": "Emerald summary of the thieves",
    "note": "emerald hop",
    "tx": SIGNATURE,
    "comment": "Emerald comment",
    "reason": "Emerald reason",
    "detail": "Emerald detail",
    "return tx": "0x" + "deadbeef" * 8,
    "order": "EMERALD ORDER",
    "account": account(987_654).rpartition(":")[2],
}


def _leave_traces(desk: Desk, signer: Signer) -> None:
    """Have every secret word pass through the whole life of a request, by the API itself."""
    a, b, c = desk.cast.a, desk.cast.b, desk.cast.c
    body = freeze_request_body(
        incident={
            "title": SECRETS["title"],
            "kind": "hack",
            "occurred_at": "2026-03-02T09:00:00Z",
            "reference": SECRETS["reference"],
        },
        summary=SECRETS["summary"],
        addresses=[
            {"account": account(987_654), "note": SECRETS["note"], "tx": SECRETS["tx"]},
            {"account": account(1)},
        ],
    )
    asked = signer.post(a.analyst, REQUESTS, body).json
    assert asked is not None
    below = f"{REQUESTS}/{asked['id']}"
    named = {"content_sha256": asked["content_sha256"]}

    def act(member: Any, path: str, **members: Any) -> Any:
        response = signer.post(member, f"{below}/{path}", named | members)
        assert response.status_code == 201, response.json
        return response.json

    decision = {"decision": "approve", "context_sha256": asked["context_sha256"]}
    act(a.lead, "approvals", **decision, comment=SECRETS["comment"])
    act(c.compliance, "decline", code="other", detail=SECRETS["detail"])
    lines = [
        {"kind": "found", "address_no": 0, "asset": ETHER, "amount": "5"},
        {
            "kind": "frozen",
            "address_no": 0,
            "asset": ETHER,
            "amount": "5",
            "frozen_at": "2026-03-02T11:00:00Z",
            "hold_expires_at": "2026-03-12T11:00:00Z",
        },
    ]
    booked = act(b.compliance, "freeze-reports", lines=lines)["lines"]
    hold = booked[1]["hold"]
    moves = [
        {"kind": "returned", "hold": hold, "amount": "2", "tx": SECRETS["return tx"]},
        {
            "kind": "seized",
            "hold": hold,
            "amount": "1",
            "agency": "FBI",
            "order": SECRETS["order"],
        },
        {
            "kind": "correction",
            "corrects": booked[0]["id"],
            "amount": "6",
            "reason": SECRETS["reason"],
        },
    ]
    act(b.compliance, "freeze-reports", lines=moves)
    act(a.lead, "withdrawal", addresses=[1], reason_code="other", reason=SECRETS["reason"])
    refused = signer.post(
        b.compliance,
        f"{below}/decline",
        named | {"code": "other", "detail": SECRETS["detail"]},
    )
    assert refused.status_code == 409
    for member in (a.lead, b.compliance):
        assert signer.get(member, below).status_code == 200


def test_no_address_and_no_word_stands_in_clear_in_any_table_or_file(
    fresh_desk: Desk, signer: Signer, tmp_path: Path
) -> None:
    desk = fresh_desk
    _leave_traces(desk, signer)
    if desk.database.is_sqlite:
        folder = Path(str(make_url(desk.database.engine.url).database)).parent
        files = [*folder.iterdir(), *tmp_path.iterdir()]
        stored = b"".join(path.read_bytes() for path in files if path.is_file())
        stored += b"".join(str(rows).encode() for rows in desk.snapshot().values())
    else:
        stored = _all_bytes(desk)
    spelt = [word for word, text in SECRETS.items() if _is_in(text, stored)]
    assert spelt == []
    # The search itself would have found them: what may stand there in clear is found.
    assert _is_in(desk.cast.b.handle, stored)
    assert b"freeze_request.submitted" in stored


def _is_in(text: str, stored: bytes) -> bool:
    return text.encode().lower() in stored or text.encode() in stored


def _all_bytes(desk: Desk) -> bytes:
    """Return every column of every table, bytes as they are."""
    kept = bytearray()
    with desk.database.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(table.select()):
                for value in row:
                    kept += value if isinstance(value, bytes) else str(value).encode()
                    kept += b"\n"
    return bytes(kept)


@pytest.mark.parametrize("count", [1, 400])
def test_what_is_answered_fits_what_is_stored(desk: Desk, count: int) -> None:
    ask = desk.submit(addresses=addresses(count, 5000))
    row = desk.request(ask)
    assert (row.address_count, row.partners_asked, row.version) == (count, 3, 1)
    stored = "SELECT sum(length(blind_indexes)) FROM packed_accounts WHERE request_id = :id"
    assert desk.sql(stored, id=ask.id) == 16 * count
    assert row.approve_by - row.submitted_at == timedelta(hours=24)
    entry = ask.answer["log"]
    assert (entry["type"], entry["leaf_index"]) == ("freeze_request.submitted", row.leaf_index)
    assert canonical_json.dumps(ask.answer)  # strict JSON throughout


def test_the_very_same_document_makes_no_second_request(desk: Desk) -> None:
    first = desk.submit()
    before = desk.snapshot()
    with pytest.raises(ConflictError, match=first.id) as refused:
        desk.submit(raw=first.raw)
    assert (refused.value.code, refused.value.current_status) == ("nonce_used", "submitted")
    desk.submit(by=desk.cast.a.lead, addresses=addresses(1))  # another document is another request
    assert desk.row_counts()["freeze_request"] == len(before["freeze_request"]) + 1


def test_another_requester_may_send_the_same_bytes(desk: Desk) -> None:
    to_both = ["exchange-c.example", "exchange-d.example"]
    first = desk.submit(to=to_both)
    second = desk.submit(desk.cast.b.analyst, raw=first.raw)
    assert second.content_sha256 == first.content_sha256
    assert second.id != first.id
