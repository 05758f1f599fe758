"""Addresses that the approval leaves out: they never go out, and what does proves itself."""

from hashlib import sha256
from typing import Any

import pytest

from coordinator.domain.errors import ConflictError, InvalidInputError
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import Notice, prove_notice
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.remainder import LeftOut, remainder_of
from tests.factories import ORIGIN, Exchange
from tests.services.member_reader import MemberReader, Shown
from tests.services.request_cast import (
    REQUESTS,
    Ask,
    Desk,
    Office,
    account,
    addresses,
    found,
    frozen,
    nothing,
    refusal,
)

LOWER = "eip155:1:0x" + "ab" * 20


def _flash(desk: Desk, **changes: Any) -> Ask:
    desk.policy(desk.cast.a, may_flash=[desk.cast.a.analyst.subject], approval_quorum=1)
    return desk.submit(urgency="flash", **changes)


def _notice(desk: Desk, exchange: Exchange, ask: Ask) -> dict[str, Any]:
    [data] = [
        event["data"]
        for event in desk.feed(exchange)
        if event["type"] == "freeze_request.received" and event["data"]["request_id"] == ask.id
    ]
    told: dict[str, Any] = data
    return told


def _proven(office: Office, exchange: Exchange, data: dict[str, Any]) -> Notice:
    reader = MemberReader(office.signer, exchange.analyst)
    directory = KeyDirectory(reader, ORIGIN)
    return prove_notice(data, directory=directory, handle=exchange.handle, fetch=reader.evidence)


def _read(office: Office, exchange: Exchange, ask: Ask) -> str:
    """Return all that an exchange reads of a request, in one text."""
    incident = ask.answer["incident"]["id"]
    below = ("", "/addresses", "/legs", "/ledger", "/evidence", "/holds", "/disputes")
    paths = [f"{REQUESTS}/{ask.id}{path}" for path in below]
    paths += [f"/v1/incidents/{incident}{path}" for path in ("", "/timeline", "/trace")]
    answers = (office.signer.get(exchange.auditor, path) for path in paths)
    texts = [body.decode() for _, body in office.desk.raw_feed(exchange)]
    return "\n".join([*texts, *(answer.get_data(as_text=True) for answer in answers)])


# --- they never go out ----------------------------------------------------------------------------


def test_what_is_left_out_reaches_no_partner_in_whatever_it_reads(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.submit(addresses=[*addresses(2, 7000), {"account": account(7002), "note": "hop 9"}])
    desk.decide_without(ask, [0, 2])
    known = _read(office, b, ask)
    assert account(7001) in known
    for hidden in (account(7000), account(7002), "hop 9"):
        assert hidden not in known
    # With the nonce one could try accounts until the hash of the document fits.
    assert strict_json.loads(ask.raw)["nonce"] not in known
    items = office.signer.get(b.auditor, f"{REQUESTS}/{ask.id}/addresses").get_json()["items"]
    assert [(item["address_no"], item["account"]) for item in items] == [(1, account(7001))]


def test_partners_count_only_what_went_out_and_the_requester_sees_both(office: Office) -> None:
    desk, (a, b) = office.desk, office.desk.cast.all[:2]
    ask = desk.submit(addresses=addresses(4, 7100))
    desk.decide_without(ask, [1, 3])
    assert _notice(desk, b, ask)["address_count"] == 2
    path = f"{REQUESTS}/{ask.id}"
    theirs = office.signer.get(b.auditor, path).get_json()
    assert (theirs["address_count"], theirs["withdrawn_count"]) == (2, 0)
    assert "left_out_count" not in theirs
    received = office.signer.get(b.auditor, f"{REQUESTS}?box=received").get_json()["items"]
    assert received[0]["address_count"] == 2
    own = office.signer.get(a.auditor, path).get_json()
    assert (own["address_count"], own["left_out_count"]) == (4, 2)
    assert own["approvals"][0]["left_out"] == [1, 3]
    items = office.signer.get(a.auditor, f"{path}/addresses").get_json()["items"]
    assert [item.get("left_out", False) for item in items] == [False, True, False, True]
    desk.withdraw(ask)
    [gone] = [e for e in desk.feed(b) if e["type"] == "freeze_request.withdrawn"][-1:]
    assert (gone["data"]["addresses"], gone["data"]["address_count"]) == ("all", 2)


def test_pages_of_addresses_go_on_behind_what_was_left_out(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.submit(addresses=addresses(6, 7200))
    desk.decide_without(ask, [0, 1, 2, 5])
    path = f"{REQUESTS}/{ask.id}/addresses?limit=1"
    first = office.signer.get(b.auditor, path).get_json()
    assert [item["address_no"] for item in first["items"]] == [3]
    second = office.signer.get(b.auditor, f"{path}&cursor={first['next_cursor']}").get_json()
    assert [item["address_no"] for item in second["items"]] == [4]
    assert second["next_cursor"] is None


def test_a_partner_that_is_added_later_is_asked_about_what_went_out(office: Office) -> None:
    desk, a, c = office.desk, office.desk.cast.a, office.desk.cast.c
    ask = desk.submit(addresses=addresses(3, 7300), to=[desk.cast.b.handle])
    desk.decide_without(ask, [2])
    desk.withdraw(ask, [0])
    _, added = office.act(a.lead, ask, "partners", to=[c.handle])
    office.act(
        a.second_lead, ask, "approvals", decision="approve", context_sha256=added["context_sha256"]
    )
    data = _notice(desk, c, ask)
    assert (data["address_count"], data["withdrawn_count"]) == (2, 1)
    assert list(_proven(office, c, data).addresses) == [0, 1]
    assert account(7302) not in _read(office, c, ask)


def test_an_addition_leaves_no_address_out(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out(to=[desk.cast.b.handle])
    _, added = office.act(a.lead, ask, "partners", to=[desk.cast.c.handle])
    cut = LeftOut.of(strict_json.loads(ask.raw), [0])
    status, problem = office.act(
        a.second_lead,
        ask,
        "approvals",
        decision="approve",
        context_sha256=added["context_sha256"],
        remainder_sha256=cut.remainder_sha256,
        **{"except": [0]},
    )
    assert (status, problem["errors"][0]["pointer"]) == (422, "/except")


def test_the_index_of_flagged_accounts_leaves_it_out(desk: Desk) -> None:
    first = desk.submit(addresses=addresses(2, 7400))
    desk.decide_without(first, [0])
    again = desk.submit(addresses=addresses(2, 7400))
    assert [(w["code"], w["address_nos"]) for w in again.answer["warnings"]] == [("duplicate", [1])]


# --- what may be left out -------------------------------------------------------------------------


def test_a_warning_of_what_is_left_out_needs_no_acceptance(desk: Desk) -> None:
    ask = desk.submit(addresses=[{"account": LOWER}, *addresses(1, 7500)])
    accepted = {"code": "no_checksum", "address_nos": [0], "reason": "read twice"}
    refused = refusal(desk.decide_without, ask, [0], warnings_accepted=[accepted])
    assert refused.pointers == {"/warnings_accepted/0/code": "no_such_warning"}
    assert desk.decide_without(ask, [0])["status"] == "active"


def test_a_warning_of_what_goes_out_is_still_to_be_accepted(desk: Desk) -> None:
    ask = desk.submit(addresses=[{"account": LOWER}, *addresses(1, 7500)])
    assert refusal(desk.decide_without, ask, [1]).code == "warnings_open"


def test_at_least_one_address_goes_out(desk: Desk) -> None:
    ask = desk.submit(addresses=addresses(2, 7600))
    refused = refusal(desk.decide_without, ask, [0, 1])
    assert (refused.type, refused.code) == (ConflictError, "nothing_left")
    assert "reject" in refused.message
    assert desk.status(ask) == "submitted"


def test_only_addresses_of_the_request_are_left_out(desk: Desk) -> None:
    ask = desk.submit(addresses=addresses(2, 7600))
    refused = refusal(desk.decide_without, ask, [0, 2])
    assert refused.pointers == {"/except/1": "range"}


@pytest.mark.parametrize("hash_of", [b"another", b""])
def test_an_approval_is_over_what_really_goes_out(desk: Desk, hash_of: bytes) -> None:
    ask = desk.submit(addresses=addresses(3, 7700))
    remainder = hash_of or remainder_of(strict_json.loads(ask.raw), [1])
    members = {"except": [0], "remainder_sha256": sha256(remainder).hexdigest()}
    refused = refusal(desk.decide, ask, **members)
    assert (refused.type, refused.code) == (InvalidInputError, "other_remainder")
    assert refused.pointers == {"/remainder_sha256": "other_remainder"}


@pytest.mark.parametrize(
    "members",
    [
        {"except": [0]},
        {"remainder_sha256": "0" * 64},
        {"decision": "reject", "except": [0], "remainder_sha256": "0" * 64},
        {"except": [0, 0], "remainder_sha256": "0" * 64},
        {"except": [-1], "remainder_sha256": "0" * 64},
    ],
)
def test_what_leaves_out_without_saying_what_goes_out_is_bad_input(
    office: Office, members: dict[str, Any]
) -> None:
    ask = office.desk.submit()
    body = {"decision": "approve", "context_sha256": ask.answer["context_sha256"], **members}
    status, problem = office.act(office.desk.cast.a.lead, ask, "approvals", **body)
    assert (status, problem["status"]) == (422, 422)
    assert office.desk.status(ask) == "submitted"


@pytest.mark.parametrize(("first", "second"), [([0], [1]), ([0], []), ([], [0]), ([0, 1], [0])])
def test_approvals_that_count_to_one_quorum_leave_out_the_same(
    desk: Desk, first: list[int], second: list[int]
) -> None:
    a = desk.cast.a
    desk.policy(a, approval_quorum=2)
    ask = desk.submit(addresses=addresses(3, 7800))

    def approve(numbers: list[int], lead: Any) -> dict[str, Any]:
        return desk.decide_without(ask, numbers, lead) if numbers else desk.decide(ask, lead)

    approve(first, a.lead)
    refused = refusal(approve, second, a.second_lead)
    assert (refused.type, refused.code) == (ConflictError, "other_left_out")
    assert (f'"except": {first}' if first else "leave out none") in refused.message
    assert desk.status(ask) == "submitted"
    assert approve(first, a.second_lead)["status"] == "active"
    assert desk.request(ask).left_out_count == len(first)


def test_a_first_approval_alone_leaves_nothing_out_yet(desk: Desk) -> None:
    a = desk.cast.a
    desk.policy(a, approval_quorum=2)
    ask = desk.submit(addresses=addresses(2, 7850))
    desk.decide_without(ask, [0], a.lead)
    assert desk.request(ask).left_out_count == 0
    assert desk.sql("SELECT count(*) FROM left_out_address WHERE request_id = :id", id=ask.id) == 0


# --- answers --------------------------------------------------------------------------------------


def test_no_answer_is_awaited_about_it_and_none_is_taken(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.submit(addresses=addresses(3, 7900))
    desk.decide_without(ask, [1])
    for line in (found(1, 5), nothing([1])):
        refused = refusal(desk.report, b, ask, line)
        assert set(refused.pointers.values()) == {"no_such_address"}
    assert desk.report(b, ask, nothing([0]))["leg"]["status"] == "under_review"
    assert desk.report(b, ask, nothing([2]))["leg"]["status"] == "no_match"


def test_the_rest_is_what_went_out(desk: Desk) -> None:
    c = desk.cast.c
    ask = desk.submit(addresses=addresses(3, 7950))
    desk.decide_without(ask, [1])
    assert desk.report(c, ask, nothing("rest"))["leg"]["status"] == "no_match"
    count = "SELECT count(*) FROM answer_nothing WHERE leg_id = :leg"
    assert desk.sql(count, leg=desk.leg(c, ask).id) == 2


def test_it_cannot_be_withdrawn_for_it_never_went_out(desk: Desk) -> None:
    ask = desk.submit(addresses=addresses(3, 7980))
    desk.decide_without(ask, [1])
    refused = refusal(desk.withdraw, ask, [1])
    assert refused.code == "withdrawn_already"
    assert "left out" in refused.message
    assert refusal(desk.withdraw, ask, [0, 2]).code == "nothing_left"
    desk.withdraw(ask, [0])


# --- a flash request that is out ------------------------------------------------------------------


def test_leaving_out_at_ratification_withdraws_from_those_who_were_asked(desk: Desk) -> None:
    b = desk.cast.b
    ask = _flash(desk, addresses=addresses(3, 8000))
    hold = desk.hold(b, ask, address_no=1)
    desk.decide_without(ask, [1], comment="an exchange's hot wallet")
    ended = ["freeze_request.withdrawn", "answer.owed", "clearance.issued"]
    assert desk.told(b, ask)[-3:] == ended
    [told] = [e["data"] for e in desk.feed(b) if e["type"] == "freeze_request.withdrawn"]
    assert (told["addresses"], told["reason"]) == ([1], "an exchange's hot wallet")
    assert desk.leg(b, ask).owes_answer
    assert desk.hold_row(hold).owed_since == desk.clock.now()
    assert desk.told(desk.cast.a, ask)[-4:] == ["freeze_request.ratified", *ended]


def test_one_lead_does_not_let_go_what_takes_two(desk: Desk) -> None:
    a, b, *_ = desk.cast.all
    ask = _flash(desk, addresses=addresses(3, 8030))
    desk.hold(b, ask, address_no=1)
    desk.change("UPDATE partner SET withdrawal_quorum = 2 WHERE handle = :h", h=a.handle)
    refused = refusal(desk.decide_without, ask, [1, 2])
    assert (refused.code, "address 1, and" in refused.message) == ("held_meanwhile", True)
    assert desk.request(ask).provisional
    # Nothing is held on the other: nothing is let go.
    assert desk.decide_without(ask, [2])["status"] == "active"


def test_two_leads_who_ratify_let_go_what_takes_two(desk: Desk) -> None:
    a, b, *_ = desk.cast.all
    desk.policy(a, may_flash=[a.analyst.subject], approval_quorum=2)
    ask = desk.submit(urgency="flash", addresses=addresses(2, 8040))
    desk.hold(b, ask, address_no=1)
    desk.change("UPDATE partner SET withdrawal_quorum = 2 WHERE handle = :h", h=a.handle)
    desk.decide_without(ask, [1], a.lead)
    desk.decide_without(ask, [1], a.second_lead)
    assert desk.leg(b, ask).owes_answer
    # Whoever is to let it go is handed both.
    [told] = [e["data"] for e in desk.feed(b) if e["type"] == "freeze_request.withdrawn"]
    said = [strict_json.loads(proof["body"].encode()) for proof in told["evidence"]]
    assert [proof["act"] for proof in told["evidence"]] == ["approve", "approve"]
    assert [each["except"] for each in said] == [[1], [1]]
    assert {proof["kid"] for proof in told["evidence"]} == {
        a.lead.key.kid,
        a.second_lead.key.kid,
    }


def test_what_was_withdrawn_while_provisional_is_not_left_out_as_well(desk: Desk) -> None:
    ask = _flash(desk, addresses=addresses(3, 8050))
    desk.withdraw(ask, [0])
    assert refusal(desk.decide_without, ask, [0]).code == "withdrawn_already"
    assert refusal(desk.decide_without, ask, [1, 2]).code == "nothing_left"
    assert desk.decide_without(ask, [1])["status"] == "active"


def test_who_was_held_back_is_asked_about_the_others_alone(office: Office) -> None:
    desk, (_, b, c, _) = office.desk, office.desk.cast.all
    desk.policy(c, provisional="hold_back")
    ask = _flash(desk, addresses=addresses(3, 8100))
    desk.withdraw(ask, [0])
    desk.decide_without(ask, [1])
    desk.policy(c, provisional="notify")
    assert account(8101) in _read(office, b, ask)
    assert account(8101) not in _read(office, c, ask)
    path = f"{REQUESTS}/{ask.id}"
    counts = {
        exchange.handle: (view["address_count"], view["withdrawn_count"])
        for exchange in (desk.cast.a, b, c)
        for view in [office.signer.get(exchange.auditor, path).get_json()]
    }
    assert list(counts.values()) == [(3, 2), (3, 2), (2, 1)]
    assert _notice(desk, c, ask)["withdrawn_count"] == 1
    for exchange in (desk.cast.a, b, c):
        shown = Shown.to(MemberReader(office.signer, exchange.auditor), ask.id)
        assert shown.failed() == {}


# --- proof ----------------------------------------------------------------------------------------


def test_a_receiver_proves_what_went_out_by_its_approvals(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.submit(addresses=addresses(3, 8200))
    desk.decide_without(ask, [1])
    data = _notice(desk, b, ask)
    assert "body" not in data["evidence"]
    notice = _proven(office, b, data)
    assert {no: each.account for no, each in notice.addresses.items()} == {
        0: account(8200),
        2: account(8202),
    }
    assert notice.content_sha256 == ask.content_sha256


def test_a_remainder_too_long_for_the_notice_is_fetched(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.submit(addresses=addresses(300, 9300))
    desk.decide_without(ask, [7])
    data = _notice(desk, b, ask)
    assert data["evidence"].keys() >= {"remainder_sha256", "href"}
    assert len(canonical_json.dumps(data)) < 19_000
    assert sorted(_proven(office, b, data).addresses) == [no for no in range(300) if no != 7]


def _other_remainder(data: dict[str, Any]) -> None:
    document = strict_json.loads(data["evidence"]["remainder"].encode())
    document["addresses"][0]["account"] = account(1)
    data["evidence"]["remainder"] = canonical_json.dumps(document).decode()


def _other_numbers(data: dict[str, Any]) -> None:
    document = strict_json.loads(data["evidence"]["remainder"].encode())
    document["addresses"][0] = None
    data["evidence"]["remainder"] = canonical_json.dumps(document).decode()


def _no_approval(data: dict[str, Any]) -> None:
    data |= {"approvals": [], "provisional": True}


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (_other_remainder, "other_left_out"),
        (_other_numbers, "other_left_out"),
        (_no_approval, "not_approved"),
    ],
)
def test_what_the_approvals_do_not_vouch_for_is_found_out(
    office: Office, alter: Any, code: str
) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.submit(addresses=addresses(3, 8400))
    desk.decide_without(ask, [1])
    data = _notice(desk, b, ask)
    _proven(office, b, data)
    alter(data)
    with pytest.raises(UntrustedEvidenceError) as error:
        _proven(office, b, data)
    assert error.value.code == code


def test_a_flash_request_is_never_a_remainder_that_nobody_approved(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = _flash(desk, addresses=addresses(3, 8450))
    data = _notice(desk, b, ask)
    remainder = remainder_of(strict_json.loads(ask.raw), [1])
    data["evidence"] = {**data["evidence"], "body": None, "remainder": remainder.decode()}
    with pytest.raises(UntrustedEvidenceError) as error:
        _proven(office, b, data)
    assert error.value.code == "other_left_out"


def test_a_coordinator_that_hands_out_the_whole_document_does_not_widen_what_is_asked(
    office: Office,
) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.submit(addresses=addresses(3, 8500))
    desk.decide_without(ask, [1])
    data = _notice(desk, b, ask)
    data["evidence"] = {**data["evidence"], "remainder": None, "body": ask.raw.decode()}
    assert list(_proven(office, b, data).addresses) == [0, 2]


def test_looking_a_cut_request_through_finds_nothing_wrong_on_either_side(office: Office) -> None:
    desk = office.desk
    ask = desk.submit(addresses=addresses(3, 8600))
    desk.decide_without(ask, [1])
    desk.report(desk.cast.b, ask, found(0, 5), frozen(0, 5))
    for exchange in desk.cast.all:
        shown = Shown.to(MemberReader(office.signer, exchange.auditor), ask.id)
        assert shown.failed() == {}


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_cut_request_shown_otherwise_than_it_was_approved_is_found_out(
    office: Office, side: str
) -> None:
    desk = office.desk
    ask = desk.submit(addresses=addresses(3, 8700))
    desk.decide_without(ask, [1])
    exchange = getattr(desk.cast, side)
    shown = Shown.to(MemberReader(office.signer, exchange.auditor), ask.id)
    decision = shown.view.approvals[0]
    told = shown.copy()
    told.view = told.view.model_copy(
        update={"approvals": [decision.model_copy(update={"left_out": [2]})]}
    )
    assert "approvals" in told.failed()
    told = shown.copy()
    told.view = told.view.model_copy(update={"address_count": 1, "left_out_count": 2})
    assert told.failed()
    if side == "b":
        submission = shown.act("submit")
        whole = strict_json.loads((submission.remainder or "").encode())
        whole["addresses"][0] = {"account": account(3)}
        altered = canonical_json.dumps(whole).decode()
        shown.swap(shown.acts, submission, remainder=altered)
        assert "request" in shown.failed()
