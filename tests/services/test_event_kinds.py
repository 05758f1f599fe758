"""What holds for every kind of event, seen on all that a real run made."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import pytest
from pydantic import BaseModel

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.events import EVENTS, OBLIGING, samples
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.request_token import verify_request_evidence
from holdfast.protocol.vocabulary import EventType
from tests.event_pages import PAGE, page
from tests.factories import ORIGIN, Signer
from tests.services.every_event import Told, missing, play
from tests.services.request_cast import REQUESTS, Desk, Office, addresses, found, frozen, nothing

#: What docs/protocol.md promises to receivers.
LIMIT_BYTES = 20_000


@pytest.fixture(scope="module")
def told(office: Office) -> list[Told]:
    """What one run told, which all tests read; nothing else happens in its office."""
    return play(office)


def test_every_kind_of_event_happens_keeps_its_form_and_goes_to_whom_the_table_names(
    told: list[Told],
) -> None:
    assert missing(told) == []
    assert set(EVENTS) == set(EventType)
    heard: dict[str, set[str]] = {}
    for each in told:
        kind = EVENTS[EventType(each.type)]
        assert faults(kind.data, each.body["data"]) == [], each.type
        heard.setdefault(each.type, set()).update(each.audience)
    assert heard == {event.value: set(kind.audience) for event, kind in EVENTS.items()}


def test_every_link_is_absolute(told: list[Told]) -> None:
    links = [link for each in told for link in _links(each.body)]
    assert links
    assert [link for link in links if not link.startswith(f"{ORIGIN}/v1/")] == []
    assert [each.type for each in told if '"/v1/' in canonical_json.dumps(each.body).decode()] == []


def test_a_link_that_stands_for_a_body_leads_to_that_very_act(
    fresh_desk: Desk, signer: Signer
) -> None:
    b = fresh_desk.cast.b
    fresh_desk.go_out(to=[b.handle], addresses=addresses(300))
    [notice] = [e["data"] for e in fresh_desk.feed(b) if e["type"] == "freeze_request.received"]
    proof = notice["evidence"]
    assert "body" not in proof
    [act] = signer.get(b.auditor, proof["href"].removeprefix(ORIGIN)).get_json()["items"]
    assert (act["act"], act["token"]) == ("submit", proof["token"])
    assert sha256(act["body"].encode()).hexdigest() == proof["body_sha256"]


def test_what_obliges_somebody_carries_what_proves_it(told: list[Told]) -> None:
    proven = set()
    for each in told:
        data = each.body["data"]
        is_own_clock = data.get("by") == "coordinator" and "evidence" not in data
        if each.type in OBLIGING and each.audience != ("requester",) and not is_own_clock:
            _require_proof(data)
            proven.add(each.type)
    assert proven == {event.value for event in OBLIGING}


def test_a_revocation_is_told_with_its_token_and_body(told: list[Told]) -> None:
    [revoked] = [each.body["data"] for each in told if each.type == EventType.GRANT_REVOKED]
    _require_proof(revoked)
    assert strict_json.loads(revoked["evidence"]["body"].encode())["kid"] == revoked["kids"][0]


def test_what_a_member_did_about_itself_is_listed_page_by_page(
    told: list[Told], office: Office
) -> None:
    """On either database: the order of ids of two kinds is computed there."""
    assert told
    listed, cursor = [], ""
    for _ in range(100):
        path = f"/v1/acts?of=organisation&limit=1{cursor}"
        page = office.signer.get(office.desk.cast.b.auditor, path).get_json()
        listed += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    whole = office.signer.get(office.desk.cast.b.auditor, "/v1/acts?of=organisation").get_json()
    assert listed == whole["items"]
    kinds = {
        "add_endpoint": "act_",
        "record_data_subject": "act_",
        "set_encryption_key": "enk_",
        "revoke": "rev_",
    }
    newest = {each["kind"]: each["id"][:4] for each in reversed(listed) if each["kind"] in kinds}
    assert newest == kinds
    told_last = [each["kind"] for each in listed if each["kind"] in kinds]
    assert told_last[0] == "add_endpoint"
    assert told_last.index("set_encryption_key") < told_last.index("revoke")


def test_who_is_asked_late_gets_the_proof_of_what_was_withdrawn_before(told: list[Told]) -> None:
    [before] = [e.body["data"] for e in told if "before you were asked" in str(e.body)]
    assert [each["act"] for each in before["evidence"]] == ["withdraw"]
    _require_proof(before)


def test_of_many_withdrawals_from_before_the_rest_is_told_together_and_linked(desk: Desk) -> None:
    b, c = desk.cast.b, desk.cast.c
    desk.policy(desk.cast.a, provisional="notify", may_flash=[desk.cast.a.analyst.subject])
    desk.policy(c, provisional="hold_back")
    ask = desk.submit(to=[b.handle, c.handle], urgency="flash", addresses=addresses(30, 5000))
    for number in range(22):
        desk.withdraw(ask, [number])
    desk.decide(ask)
    told = [e["data"] for e in desk.feed(c) if e["type"] == "freeze_request.withdrawn"]
    assert [each["addresses"] for each in told] == [*([no] for no in range(20)), [20, 21]]
    assert [each.get("evidence_cut", False) for each in told] == [*[False] * 20, True]
    assert told[-1]["href"] == f"{ORIGIN}{REQUESTS}/{ask.id}/evidence"


def test_a_withdrawal_by_two_from_before_is_proven_by_both_acts(desk: Desk) -> None:
    a, b, c, _ = desk.cast.all
    desk.policy(a, withdrawal_quorum=2, may_flash=[a.analyst.subject])
    desk.policy(c, provisional="hold_back")
    ask = desk.submit(to=[b.handle, c.handle], urgency="flash")
    desk.hold(b, ask)
    proposed = desk.withdraw(ask, [0])
    desk.decide_withdrawal(ask, proposed["withdrawal"])
    desk.decide(ask)
    [told] = [e["data"] for e in desk.feed(c) if e["type"] == "freeze_request.withdrawn"]
    acts = [each["act"] for each in told["evidence"]]
    assert acts == ["propose_withdrawal", "approve_withdrawal"]


def test_what_was_cut_says_so_and_where_the_rest_is(told: list[Told]) -> None:
    for each in told:
        _require_cuts(each.body["data"])


def test_lines_holds_and_totals_that_have_no_room_are_cut_and_linked(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(to=[b.handle], addresses=addresses(300))
    assets = [f"eip155:1/erc20:0x{number:040x}" for number in range(1, 31)]
    lines = [line(0, 10**60, asset) for line in (found, _frozen_of) for asset in assets]
    desk.report(b, ask, *lines)
    desk.report(b, ask, nothing(list(range(1, 250))))
    desk.withdraw(ask)
    last = {event["type"]: event["data"] for event in desk.feed(b)}
    below = f"{ORIGIN}{REQUESTS}/{ask.id}"
    for event, name, where in (
        ("freeze.frozen", "lines", "ledger"),
        ("freeze.nothing", "lines", "ledger"),
        ("answer.owed", "holds", "holds"),
    ):
        _require_cuts(last[event])
        assert (last[event][f"{name}_cut"], last[event]["href"]) == (True, f"{below}/{where}")
    sums = last["freeze.frozen"]["leg"]
    assert (sums["asset_count"], sums["totals_cut"], sums["href"]) == (30, True, f"{below}/legs")
    assert faults(EVENTS[EventType.FREEZE_FROZEN].data, last["freeze.frozen"]) == []


def test_nothing_is_told_with_its_lines_on_a_leg_that_holds_as_well(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out(to=[b.handle])
    desk.hold(b, ask)
    desk.report(b, ask, nothing([1], "funds_gone"))
    told = desk.feed(b)[-1]
    assert (told["type"], told["data"]["status"]) == ("freeze.nothing", "frozen")
    [line] = told["data"]["lines"]
    assert (line["address_nos"], line["code"]) == ([1], "funds_gone")


def test_how_long_to_hold_is_always_a_number(fresh_desk: Desk, signer: Signer) -> None:
    a, b = fresh_desk.cast.a, fresh_desk.cast.b
    for wanted, hours in ((..., 72), ({"hours": 24}, 24)):
        ask = fresh_desk.go_out(to=[b.handle], hold=wanted)
        notice = fresh_desk.feed(b)[-1]["data"]
        assert (notice["hold_hours"], ask.answer["hold_hours"]) == (hours, hours)
        for reader in (a.auditor, b.auditor):
            shown = signer.get(reader, f"{REQUESTS}/{ask.id}").get_json()
            assert shown["hold_hours"] == hours


def test_the_samples_are_what_a_run_makes(told: list[Told]) -> None:
    shapes: dict[str, list[object]] = {}
    for each in told:
        shapes.setdefault(each.type, []).append(shape(each.body))
    kept = samples()
    assert set(kept) == {event.value for event in EventType}
    for name, body in kept.items():
        assert shape(body) in shapes[name], f"{name}: `make events` writes the samples anew"
        assert len(canonical_json.dumps(body)) < LIMIT_BYTES


def test_the_page_of_events_is_made_of_the_models() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(samples()), "`make events` writes it anew"


def faults(model: type[BaseModel], data: Mapping[str, Any]) -> list[str]:
    """Return what an event's data has that its model does not know, or the other way round."""
    model.model_validate(data)
    named = model.model_json_schema(mode="serialization")
    return sorted(data.keys() - named["properties"].keys()) + [
        name for name in named.get("required", ()) if name not in data
    ]


def shape(value: object) -> object:
    """Return the names and types of a document, without what it says."""
    if isinstance(value, Mapping):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted({canonical_json.dumps(shape(each)) for each in value})
    return type(value).__name__


def _frozen_of(address_no: int, amount: int, asset: str) -> dict[str, Any]:
    return frozen(address_no, amount, asset=asset)


def _links(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "href":
                yield each
            yield from _links(each)
    elif isinstance(value, list):
        for each in value:
            yield from _links(each)


#: What an event names, and what says how many there are.
_COUNTS = {
    "lines": "line_count",
    "holds": "hold_count",
    "clearances": "clearance_count",
    "to": "partner_count",
    "addresses": "address_count",
    "address_nos": "address_count",
}


def _require_cuts(data: Mapping[str, Any]) -> None:
    for name, count in _COUNTS.items():
        if isinstance(data.get(name), list):
            is_cut = len(data[name]) < data[count] or any(
                "address_count" in each and "address_nos" not in each
                for each in data[name]
                if isinstance(each, dict)
            )
            assert data[f"{name}_cut"] is is_cut, name
            assert "href" in data or not is_cut, name


def _require_proof(data: Mapping[str, Any]) -> None:
    """Check each proof with the key that comes with it; who that is, a receiver asks the grants."""
    shown = data.get("evidence", data.get("approvals"))
    proofs = shown if isinstance(shown, list) else [shown]
    assert proofs
    for proof in proofs:
        key = PublicKey.from_jwk(proof["jwk"])
        proven = verify_request_evidence(
            proof["token"], proof["body"].encode(), key=key, aud=ORIGIN
        )
        assert proven.body_sha256 == sha256(proof["body"].encode()).hexdigest()
