"""Withdrawals by two: proposed by one lead, approved by another, void after four hours."""

from hashlib import sha256
from typing import Any

import pytest

from coordinator.domain.errors import (
    ConflictError,
    InvalidTransitionError,
    NotFoundError,
    PermissionDeniedError,
    SelfApprovalError,
    StaleDocumentError,
)
from coordinator.services.ending.disputes import ResolveDispute
from coordinator.storage.ending import withdrawal_proposals as proposal_store
from coordinator.storage.requests import freeze_requests as request_store
from holdfast.protocol import canonical_json, life_cycle_payloads, strict_json
from holdfast.protocol.payloads import format_time
from tests.factories import NOON, ORIGIN
from tests.services.request_cast import (
    DAY,
    HOUR,
    REQUESTS,
    Ask,
    Desk,
    Office,
    addresses,
    found,
    frozen,
    refusal,
    released,
)

PROPOSED = "freeze_request.withdrawal_proposed"
REFUSED = "freeze_request.withdrawal_refused"
WITHDRAWN = "freeze_request.withdrawn"


@pytest.fixture
def two(desk: Desk) -> Desk:
    """A desk at which A lets held funds go by two leads only."""
    desk.policy(desk.cast.a, withdrawal_quorum=2)
    return desk


def _events(desk: Desk, exchange: Any, ask: Ask, kind: str) -> list[dict[str, Any]]:
    found = (e["data"] for e in desk.feed(exchange) if e["type"] == kind)
    return [data for data in found if data.get("request_id") == ask.id]


def _uphold(desk: Desk, ask: Ask, dispute: str, resolution: str = "upheld") -> dict[str, Any]:
    sent = {"content_sha256": ask.content_sha256, "resolution": resolution, "text": "A shop."}
    raw = canonical_json.dumps(sent)
    body = life_cycle_payloads.DisputeResolution.model_validate(strict_json.loads(raw))
    command = ResolveDispute(request_id=ask.id, dispute_id=dispute, body=body)
    path = f"{REQUESTS}/{ask.id}/disputes/{dispute}/resolution"
    return desk.perform(desk.cast.a.lead, path, raw, command)


def _disputed(desk: Desk) -> tuple[Ask, str, str]:
    """Have B hold and dispute it; returns request, hold and dispute."""
    ask = desk.go_out()
    hold = desk.hold(desk.cast.b, ask)
    words = {"hold": hold, "reference": "matter-k7", "text": "Bought in good faith."}
    raised = desk.act(desk.cast.b.compliance, ask, "disputes", **words)
    return ask, hold, str(raised["id"])


@pytest.mark.parametrize("numbers", ["all", [0]])
def test_a_withdrawal_of_what_is_held_is_proposed_and_nothing_is_let_go_yet(
    two: Desk, numbers: list[int] | str
) -> None:
    a, b, c, _ = two.cast.all
    ask = two.go_out()
    hold = two.hold(b, ask)
    answer = two.withdraw(ask, numbers, reason_code="wrong_target")
    view = answer["withdrawal"]
    assert (answer["status"], two.status(ask)) == ("active", "active")
    assert (view["withdrawal_status"], view["addresses"]) == ("pending", numbers)
    assert view["approve_by"] == format_time(NOON + 4 * HOUR)
    assert two.hold_row(hold).owed_since is None
    assert two.leg(b, ask).flags == []
    for exchange in (a, b, c):
        [told] = _events(two, exchange, ask, PROPOSED)
        assert (told["withdrawal"], told["reason_code"]) == (view["id"], "wrong_target")
        assert _events(two, exchange, ask, WITHDRAWN) == []
        if exchange is not a:
            assert told["advice"] == "release nothing yet"
            [proof] = told["evidence"]
            assert proof["act"] == "propose_withdrawal"
            assert sha256(proof["body"].encode()).hexdigest() == view["act_sha256"]


@pytest.mark.parametrize("numbers", ["all", [0]])
def test_another_lead_approves_it_and_whoever_holds_is_handed_both_acts(
    two: Desk, numbers: list[int] | str
) -> None:
    a, b, _, _ = two.cast.all
    ask = two.go_out()
    hold = two.hold(b, ask)
    view = two.withdraw(ask, numbers, reason_code="wrong_target")["withdrawal"]
    answer = two.decide_withdrawal(ask, view)
    assert two.status(ask) == answer["status"] == ("withdrawn" if numbers == "all" else "active")
    assert answer["withdrawal"]["withdrawal_status"] == "approved"
    assert answer["withdrawal"]["decided_act_id"] == answer["id"]
    assert two.hold_row(hold).owed_since is not None
    [told] = _events(two, b, ask, WITHDRAWN)
    assert [proof["act"] for proof in told["evidence"]] == [
        "propose_withdrawal",
        "approve_withdrawal",
    ]
    assert all(proof["token"] and proof["body"] for proof in told["evidence"])
    assert told["reason_code"] == "wrong_target"
    assert len(_events(two, a, ask, WITHDRAWN)) == 1
    two.report(b, ask, released(hold, 100))


def test_where_nothing_is_held_or_it_is_not_out_one_lead_is_enough(two: Desk) -> None:
    b = two.cast.b
    submitted, quiet, other = two.submit(), two.go_out(), two.go_out(addresses=addresses(3, 900))
    hold = two.hold(b, other)
    two.report(b, other, released(hold, 100, "false_positive"))
    for ask in (submitted, quiet, other):
        assert two.withdraw(ask)["status"] == "withdrawn"
    # Nor where it is held under another address.
    elsewhere = two.go_out(addresses=addresses(3, 910))
    two.hold(b, elsewhere)
    two.withdraw(elsewhere, [1])
    assert two.request(elsewhere).withdrawn_count == 1


def test_with_a_quorum_of_one_a_withdrawal_acts_at_once_and_is_proven_to_who_must_release(
    desk: Desk,
) -> None:
    ask = desk.go_out()
    desk.hold(desk.cast.b, ask)
    assert "withdrawal" not in desk.withdraw(ask)
    [told] = _events(desk, desk.cast.b, ask, WITHDRAWN)
    assert [proof["act"] for proof in told["evidence"]] == ["withdraw"]


def test_four_eyes_hold_for_the_second_lead_too(two: Desk) -> None:
    a = two.cast.a
    ask = two.go_out()
    two.hold(two.cast.b, ask)
    view = two.withdraw(ask)["withdrawal"]
    assert refusal(two.decide_withdrawal, ask, view, a.lead).type is SelfApprovalError
    two.change(
        "UPDATE partner_key SET proposer = :lead WHERE kid = :kid",
        lead=a.second_lead.subject,
        kid=a.lead.key.kid,
    )
    assert refusal(two.decide_withdrawal, ask, view).type is SelfApprovalError
    for member in (a.analyst, a.compliance, a.auditor):
        assert refusal(two.decide_withdrawal, ask, view, member).type is PermissionDeniedError
    assert two.status(ask) == "active"


def test_it_is_refused_where_no_other_lead_could_approve_it(two: Desk) -> None:
    a = two.cast.a
    ask = two.go_out()
    two.hold(two.cast.b, ask)
    two.change("UPDATE partner_key SET revoked_at = 1 WHERE kid = :kid", kid=a.second_lead.key.kid)
    counts = two.row_counts()
    refused = refusal(two.withdraw, ask)
    assert (refused.type, refused.code) == (ConflictError, "too_few_leads")
    assert two.row_counts() == counts


def test_an_approval_is_of_exactly_what_was_proposed(two: Desk) -> None:
    ask = two.go_out(addresses=addresses(3, 900))
    two.hold(two.cast.b, ask)
    first, second = (two.withdraw(ask, numbers)["withdrawal"] for numbers in ([0], [0, 1]))
    other = first | {"act_sha256": second["act_sha256"]}
    refused = refusal(two.decide_withdrawal, ask, other)
    assert (refused.type, refused.code) == (StaleDocumentError, "other_withdrawal")
    nowhere = first | {"id": first["id"][:-1] + ("0" if first["id"][-1] != "0" else "1")}
    assert refusal(two.decide_withdrawal, ask, nowhere).type is NotFoundError
    another = two.go_out()
    assert refusal(two.decide_withdrawal, another, first).type is NotFoundError
    two.decide_withdrawal(ask, second)
    # What was taken back meanwhile is not taken back twice.
    assert refusal(two.decide_withdrawal, ask, first).code == "withdrawal_decided"


@pytest.mark.parametrize("end", ["rejected", "void"])
def test_what_no_other_lead_approves_comes_to_nothing_and_everybody_hears_it(
    two: Desk, end: str
) -> None:
    a, b, c, _ = two.cast.all
    ask = two.go_out()
    hold = two.hold(b, ask)
    view = two.withdraw(ask)["withdrawal"]
    if end == "rejected":
        answer = two.decide_withdrawal(ask, view, decision="reject")
        assert answer["withdrawal"]["withdrawal_status"] == "rejected"
    else:
        assert "approve_withdrawal_by" not in two.step(4 * HOUR - HOUR / 60)
        two.clock.step(HOUR / 60)
        late = refusal(two.decide_withdrawal, ask, view)
        assert (late.type, late.code) == (InvalidTransitionError, "too_late")
        assert view["approve_by"] in late.message
        assert "approve_withdrawal_by" in two.fire_due()
    for exchange in (a, b, c):
        [told] = _events(two, exchange, ask, REFUSED)
        assert (told["withdrawal"], told["why"]) == (view["id"], end)
    assert two.status(ask) == "active"
    assert two.hold_row(hold).owed_since is None
    again = refusal(two.decide_withdrawal, ask, view)
    assert (again.type, again.code) == (InvalidTransitionError, "withdrawal_decided")
    # It may be proposed again.
    two.decide_withdrawal(ask, two.withdraw(ask)["withdrawal"])
    assert two.status(ask) == "withdrawn"


def test_upholding_a_dispute_about_what_is_held_takes_two_leads_too(two: Desk) -> None:
    a, b, c, _ = two.cast.all
    ask, hold, dispute = _disputed(two)
    answer = _uphold(two, ask, dispute)
    view = answer["withdrawal"]
    assert (answer["id"], answer["resolution"]) == (dispute, None)
    assert "disputed" in two.leg(b, ask).flags
    assert (view["dispute"], view["reason"]) == (dispute, "A shop.")
    for exchange in (a, b):
        [told] = _events(two, exchange, ask, PROPOSED)
        assert (told["dispute"], told["hold"], told["resolution"]) == (dispute, hold, "upheld")
        assert told["evidence"][0]["act"] == "propose_resolution"
    # It is no matter of the others.
    assert _events(two, c, ask, PROPOSED) == []
    two.decide_withdrawal(ask, view)
    assert "disputed" not in two.leg(b, ask).flags
    [told] = _events(two, b, ask, "leg.dispute_resolved")
    assert told["resolution"] == "upheld"
    assert [proof["act"] for proof in told["evidence"]] == [
        "propose_resolution",
        "approve_withdrawal",
    ]


def test_rejecting_a_dispute_takes_one_lead_and_so_does_one_that_is_resolved_meanwhile(
    two: Desk,
) -> None:
    ask, _, dispute = _disputed(two)
    view = _uphold(two, ask, dispute)["withdrawal"]
    assert _uphold(two, ask, dispute, "rejected")["resolution"] == "rejected"
    assert _how_it_ended(two, view) == "moot"
    assert refusal(two.decide_withdrawal, ask, view).code == "withdrawal_decided"


def _how_it_ended(desk: Desk, view: dict[str, Any]) -> str:
    """Return how a proposal stands; that its own act or event ended it must be seen elsewhere."""
    with desk.database.engine.connect() as connection:
        proposal = proposal_store.get(connection, view["id"])
    assert proposal is not None
    return proposal.status


def _ended_by(desk: Desk, ask: Ask, view: dict[str, Any]) -> str:
    """Return the kind of the act that ended a proposal."""
    with desk.database.engine.connect() as connection:
        proposal = proposal_store.get(connection, view["id"])
        kinds = {act.id: act.kind for act in request_store.acts(connection, ask.id)}
    assert proposal is not None
    assert proposal.decided_at == desk.clock.now()
    return str(kinds[str(proposal.decided_act_id)])


@pytest.mark.parametrize("end", ["withdrawn", "another approved"])
def test_a_proposed_withdrawal_ends_as_its_request_is_withdrawn_and_that_is_all_there_is_to_hear(
    two: Desk, end: str
) -> None:
    a, b, c, _ = two.cast.all
    ask = two.go_out()
    hold = two.hold(b, ask)
    some = two.withdraw(ask, [0])["withdrawal"]
    whole = two.withdraw(ask)["withdrawal"]
    two.step(HOUR)
    if end == "another approved":
        two.decide_withdrawal(ask, whole)
        pending, act = [some], "approve_withdrawal"
    else:
        two.report(b, ask, released(hold, 100, "false_positive"))
        two.withdraw(ask)
        pending, act = [some, whole], "withdraw"
    assert {_how_it_ended(two, view) for view in pending} == {"moot"}
    assert {_ended_by(two, ask, view) for view in pending} == {act}
    assert "approve_withdrawal_by" not in two.step(4 * HOUR)
    for exchange in (a, b, c):
        assert _events(two, exchange, ask, REFUSED) == []
        assert two.told(exchange, ask)[-1] not in {PROPOSED, REFUSED}
    assert refusal(two.decide_withdrawal, ask, some).code == "withdrawal_decided"


def test_a_proposed_withdrawal_ends_as_its_request_closes_and_all_hear_that_nothing_was_withdrawn(
    two: Desk,
) -> None:
    a, b, c, _ = two.cast.all
    ask = two.go_out()
    hold = two.hold(b, ask)
    some = two.withdraw(ask, [0])["withdrawal"]
    whole = two.withdraw(ask)["withdrawal"]
    two.report(b, ask, released(hold, 100, "false_positive"))
    two.close(ask)
    assert {_how_it_ended(two, view) for view in (some, whole)} == {"moot"}
    assert {_ended_by(two, ask, view) for view in (some, whole)} == {"close"}
    assert "approve_withdrawal_by" not in two.step(4 * HOUR)
    for exchange in (a, b, c):
        first, second = _events(two, exchange, ask, REFUSED)
        assert (first["withdrawal"], first["why"]) == (some["id"], "moot")
        assert (first["addresses"], first["address_count"]) == ([0], 1)
        assert (second["withdrawal"], second["why"]) == (whole["id"], "moot")
        assert (second["addresses"], second["address_count"]) == ("all", 2)
        types = two.told(exchange, ask)
        assert types.index(REFUSED) < types.index("freeze_request.closed")


@pytest.mark.parametrize("other", [[1], [1, 2], [2, 0]])
def test_what_no_lead_could_approve_any_more_waits_for_nobody(two: Desk, other: list[int]) -> None:
    b = two.cast.b
    ask = two.go_out(addresses=addresses(3, 700))
    two.report(b, ask, *(each for no in range(3) for each in (found(no, 9), frozen(no, 9))))
    overtaken = two.withdraw(ask, other)["withdrawal"]
    untouched = two.withdraw(ask, [0] if 0 not in other else [1])["withdrawal"]
    whole = two.withdraw(ask)["withdrawal"]
    done = two.withdraw(ask, [1] if 1 in other else [2], two.cast.a.second_lead)["withdrawal"]
    two.decide_withdrawal(ask, done, two.cast.a.lead)
    ended = [_how_it_ended(two, view) for view in (overtaken, untouched, whole, done)]
    assert ended == ["moot", "pending", "pending", "approved"]
    assert _ended_by(two, ask, overtaken) == "approve_withdrawal"
    two.decide_withdrawal(ask, untouched)
    assert _how_it_ended(two, whole) == "pending"


@pytest.mark.parametrize(
    ("proposed", "taken", "standing"),
    [
        ([1, 3], [1], [3]),  # a part of it goes
        ([1], [1, 2], []),  # all of it, and more
        ([2, 3, 1], [0], [1, 2, 3]),  # nothing of it; it would leave nothing
    ],
)
def test_who_heard_of_a_withdrawal_that_another_one_overtakes_hears_what_still_stands(
    two: Desk, proposed: list[int], taken: list[int], standing: list[int]
) -> None:
    a, b, c, d = two.cast.all
    ask = two.go_out(addresses=addresses(4, 700), to=[b.handle, c.handle])
    two.report(b, ask, *(each for no in range(4) for each in (found(no, 9), frozen(no, 9))))
    view = two.withdraw(ask, proposed)["withdrawal"]
    other = two.withdraw(ask, taken)["withdrawal"]
    done = two.decide_withdrawal(ask, other)
    for exchange in (a, b, c):
        [told] = _events(two, exchange, ask, REFUSED)
        assert (told["withdrawal"], told["dispute"], told["why"]) == (view["id"], None, "moot")
        assert (told["addresses"], told["address_count"]) == (standing, len(standing))
        assert (told["addresses_cut"], told["act_id"]) == (False, done["id"])
        # Of what is withdrawn the withdrawal is the last word.
        types = [t for t in two.told(exchange, ask) if t.startswith("freeze_request.")]
        assert types[-2:] == [REFUSED, WITHDRAWN]
    assert "leg_id" not in _events(two, a, ask, REFUSED)[0]
    assert _events(two, d, ask, REFUSED) == []


def test_a_withdrawal_of_what_nobody_holds_overtakes_a_proposal_by_one_lead_alone(
    two: Desk,
) -> None:
    b = two.cast.b
    ask = two.go_out(addresses=addresses(3, 700))
    two.hold(b, ask)
    view = two.withdraw(ask, [0, 1])["withdrawal"]
    two.withdraw(ask, [1])
    assert (_how_it_ended(two, view), _ended_by(two, ask, view)) == ("moot", "withdraw")
    [told] = _events(two, b, ask, REFUSED)
    assert (told["withdrawal"], told["addresses"]) == (view["id"], [0])


@pytest.mark.parametrize("end", ["rejected", "void"])
def test_what_is_refused_names_what_stands_too_and_only_that(two: Desk, end: str) -> None:
    b = two.cast.b
    ask = two.go_out(addresses=addresses(4, 700))
    two.hold(b, ask)
    views = [two.withdraw(ask, numbers)["withdrawal"] for numbers in ([0, 2], "all")]
    two.withdraw(ask, [1])
    for view in views:
        if end == "rejected":
            two.decide_withdrawal(ask, view, decision="reject")
    two.step(4 * HOUR)
    heard = _events(two, b, ask, REFUSED)
    assert [each["why"] for each in heard] == [end] * 2
    assert [(each["addresses"], each["address_count"]) for each in heard] == [
        ([0, 2], 2),
        ([0, 2, 3], 3),
    ]


def test_a_list_of_what_still_stands_that_is_too_long_is_cut_and_says_so(two: Desk) -> None:
    b = two.cast.b
    ask = two.go_out(addresses=addresses(600, 700), to=[b.handle])
    two.hold(b, ask)
    view = two.withdraw(ask, list(range(550)))["withdrawal"]
    two.withdraw(ask, [1])
    for exchange in (two.cast.a, b):
        [told] = _events(two, exchange, ask, REFUSED)
        assert told["withdrawal"] == view["id"]
        assert (told["address_count"], told["addresses_cut"]) == (549, True)
        assert told["addresses"] == [0, *range(2, 501)]
        assert told["href"] == f"{ORIGIN}/v1/freeze-requests/{ask.id}/addresses"
    assert max(len(body) for _, body in two.raw_feed(b)) < 20_000


def test_leaving_addresses_out_as_a_request_is_ratified_overtakes_what_names_them(
    two: Desk,
) -> None:
    a, b, c, d = two.cast.all
    two.policy(a, withdrawal_quorum=2, may_flash=[a.analyst.subject])
    two.policy(c, provisional="hold_back")
    ask = two.submit(urgency="flash", addresses=addresses(3, 700))
    two.hold(b, ask)
    view = two.withdraw(ask, [0, 1])["withdrawal"]
    two.clock.step(HOUR / 60)
    two.decide_without(ask, [1])
    assert (_how_it_ended(two, view), _ended_by(two, ask, view)) == ("moot", "approve")
    for exchange in (a, b, d):
        [told] = _events(two, exchange, ask, REFUSED)
        assert (told["withdrawal"], told["addresses"]) == (view["id"], [0])
    # It never heard of the proposal, nor of what was left out.
    assert _events(two, c, ask, PROPOSED) == _events(two, c, ask, REFUSED) == []


@pytest.mark.parametrize("end", ["rejected", "upheld", "let go"])
def test_who_heard_that_a_dispute_is_to_be_upheld_hears_how_that_ends_beside_the_dispute(
    two: Desk, end: str
) -> None:
    a, b, c, _ = two.cast.all
    ask, hold, dispute = _disputed(two)
    first, second = (_uphold(two, ask, dispute)["withdrawal"] for _ in range(2))
    if end == "rejected":
        _uphold(two, ask, dispute, "rejected")
        moot = [first["id"], second["id"]]
    elif end == "upheld":
        two.decide_withdrawal(ask, first)
        assert _how_it_ended(two, second) == "moot"
        moot = []  # it was upheld: nobody reads that this was refused
    else:
        two.report(b, ask, released(hold, 100, "false_positive"))
        moot = [first["id"], second["id"]]
    for exchange in (a, b):
        heard = _events(two, exchange, ask, REFUSED)
        assert [(each["withdrawal"], each["why"]) for each in heard] == [
            (proposal, "moot") for proposal in moot
        ]
        assert {each["dispute"] for each in heard} <= {dispute}
        [resolved] = _events(two, exchange, ask, "leg.dispute_resolved")
        assert resolved["resolution"] == ("moot" if end == "let go" else end)
        assert two.told(exchange, ask).index("leg.dispute_resolved") > max(
            (at for at, kind in enumerate(two.told(exchange, ask)) if kind == REFUSED), default=0
        )
    assert _events(two, c, ask, REFUSED) == []


def test_who_is_asked_while_a_withdrawal_waits_hears_what_overtakes_it_too(office: Office) -> None:
    desk = office.desk
    a, b, c, _ = desk.cast.all
    desk.policy(a, withdrawal_quorum=2)
    ask = desk.go_out(to=[b.handle], addresses=addresses(3, 97_000))
    desk.hold(b, ask)
    view = desk.withdraw(ask, [0, 1])["withdrawal"]
    status, addition = office.act(a.lead, ask, "partners", to=[c.handle])
    decision = {"decision": "approve", "context_sha256": addition["context_sha256"]}
    assert status == office.act(a.second_lead, ask, "approvals", **decision)[0] == 201
    desk.withdraw(ask, [1])
    for exchange in (a, b, c):
        [told] = _events(desk, exchange, ask, REFUSED)
        assert (told["withdrawal"], told["why"], told["addresses"]) == (view["id"], "moot", [0])
    desk.policy(a)


def test_what_is_approved_is_approved_and_not_moot(two: Desk) -> None:
    ask = two.go_out()
    two.hold(two.cast.b, ask)
    whole = two.withdraw(ask)["withdrawal"]
    two.decide_withdrawal(ask, whole)
    assert _how_it_ended(two, whole) == "approved"
    ask, _, dispute = _disputed(two)
    view = _uphold(two, ask, dispute)["withdrawal"]
    two.decide_withdrawal(ask, view)
    assert _how_it_ended(two, view) == "approved"


def test_a_dispute_to_be_upheld_outlives_its_request_but_not_what_is_held(two: Desk) -> None:
    b = two.cast.b
    ask, hold, dispute = _disputed(two)
    view = _uphold(two, ask, dispute)["withdrawal"]
    two.decide_withdrawal(ask, two.withdraw(ask)["withdrawal"])
    assert _how_it_ended(two, view) == "pending"
    two.report(b, ask, released(hold, 100))
    assert (_how_it_ended(two, view), _ended_by(two, ask, view)) == ("moot", "resolve_dispute")
    assert "approve_withdrawal_by" not in two.step(4 * HOUR)
    [told] = _events(two, b, ask, REFUSED)
    assert (told["withdrawal"], told["dispute"], told["why"]) == (view["id"], dispute, "moot")


def test_refusing_to_ratify_is_no_side_door(two: Desk) -> None:
    a = two.cast.a
    two.policy(a, withdrawal_quorum=2, may_flash=[a.analyst.subject])
    ask = two.submit(urgency="flash")
    hold = two.hold(two.cast.b, ask)
    refused = refusal(two.decide, ask, decision="reject")
    assert (refused.type, refused.code) == (ConflictError, "takes_two_leads")
    assert "withdraw it" in refused.message
    two.report(two.cast.b, ask, released(hold, 100, "false_positive"))
    assert two.decide(ask, decision="reject")["status"] == "withdrawn"


def test_an_unratified_request_withdraws_itself_whatever_the_quorum(two: Desk) -> None:
    a = two.cast.a
    two.policy(a, withdrawal_quorum=2, may_flash=[a.analyst.subject])
    ask = two.submit(urgency="flash")
    two.hold(two.cast.b, ask)
    two.step(HOUR)
    two.step(12 * HOUR)
    assert two.status(ask) == "withdrawn"


def test_the_timer_of_a_proposal_acts_once(two: Desk) -> None:
    ask = two.go_out()
    two.hold(two.cast.b, ask)
    two.withdraw(ask)
    assert two.step(4 * HOUR).count("approve_withdrawal_by") == 1
    assert "approve_withdrawal_by" not in two.step(DAY)


def test_who_reads_what_is_proposed(office: Office) -> None:
    desk = office.desk
    a, b, c, d = desk.cast.all
    desk.policy(a, withdrawal_quorum=2)
    ask = desk.go_out(to=[b.handle, c.handle])
    desk.hold(b, ask)
    words = {"reference": "matter-k7", "text": "Bought in good faith."}
    dispute = desk.act(b.compliance, ask, "disputes", **words)["id"]
    whole = desk.withdraw(ask)["withdrawal"]["id"]
    upheld = _uphold(desk, ask, dispute)["withdrawal"]["id"]
    for exchange, seen in ((a, {whole, upheld}), (b, {whole, upheld}), (c, {whole})):
        answer = office.signer.get(exchange.auditor, f"{REQUESTS}/{ask.id}/withdrawals")
        assert {item["id"] for item in answer.get_json()["items"]} == seen, exchange.handle
    assert office.signer.get(d.auditor, f"{REQUESTS}/{ask.id}/withdrawals").status_code == 404
    acts = office.signer.get(c.auditor, f"{REQUESTS}/{ask.id}/evidence").get_json()["items"]
    assert "propose_resolution" not in {act["act"] for act in acts}
    desk.policy(a)


def test_who_is_asked_while_a_withdrawal_waits_hears_of_it_and_how_it_ends(office: Office) -> None:
    desk = office.desk
    a, b, c, _ = desk.cast.all
    desk.policy(a, withdrawal_quorum=2)
    ask = desk.go_out(to=[b.handle])
    desk.hold(b, ask)
    dispute = desk.act(b.compliance, ask, "disputes", reference="matter-k7", text="A shop.")["id"]
    _uphold(desk, ask, dispute)
    views = [desk.withdraw(ask, numbers)["withdrawal"] for numbers in ("all", [0])]
    desk.decide_withdrawal(ask, desk.withdraw(ask, [0])["withdrawal"], decision="reject")
    status, addition = office.act(a.lead, ask, "partners", to=[c.handle])
    decision = {"decision": "approve", "context_sha256": addition["context_sha256"]}
    assert status == office.act(a.second_lead, ask, "approvals", **decision)[0] == 201
    told = _events(desk, c, ask, PROPOSED)
    assert [each["withdrawal"] for each in told] == [view["id"] for view in views]
    of_b = {each["withdrawal"]: each for each in _events(desk, b, ask, PROPOSED)}
    for each in told:
        own = {"event_id", "leg_id", "log", "partner", "sequence", "status"}
        other = of_b[each["withdrawal"]]
        assert {n: v for n, v in each.items() if n not in own} == {
            n: v for n, v in other.items() if n not in own
        }
        assert (each["advice"], each["status"]) == ("release nothing yet", "queued")
    assert desk.told(c, ask)[0] == "freeze_request.received"
    desk.decide_withdrawal(ask, views[1], decision="reject")
    assert [each["withdrawal"] for each in _events(desk, c, ask, REFUSED)] == [views[1]["id"]]


@pytest.mark.parametrize("leaves_out", [False, True])
def test_who_is_held_back_hears_what_waits_unless_it_may_be_about_what_was_left_out(
    two: Desk, *, leaves_out: bool
) -> None:
    a, b, c, _ = two.cast.all
    two.policy(a, withdrawal_quorum=2, may_flash=[a.analyst.subject])
    two.policy(c, provisional="hold_back")
    ask = two.submit(urgency="flash", to=[b.handle, c.handle])
    two.hold(b, ask)
    view = two.withdraw(ask)["withdrawal"]
    two.clock.step(HOUR / 60)
    two.decide_without(ask, [1]) if leaves_out else two.decide(ask)
    told = [each["withdrawal"] for each in _events(two, c, ask, PROPOSED)]
    assert told == ([] if leaves_out else [view["id"]])


def test_the_end_of_a_request_is_for_all_to_read_whatever_it_left_out(office: Office) -> None:
    desk = office.desk
    a, b, c, _ = desk.cast.all
    desk.policy(a, withdrawal_quorum=2, may_flash=[a.analyst.subject])
    desk.policy(c, provisional="hold_back")
    ask = desk.submit(urgency="flash", to=[b.handle, c.handle])
    hold = desk.hold(b, ask)
    view = desk.withdraw(ask)["withdrawal"]
    desk.decide_without(ask, [1])
    desk.report(b, ask, released(hold, 100, "false_positive"))
    desk.withdraw(ask)
    assert _how_it_ended(desk, view) == "moot"
    acts = office.signer.get(c.auditor, f"{REQUESTS}/{ask.id}/evidence").get_json()["items"]
    kinds = {act["act"] for act in acts}
    assert "withdraw" in kinds
    assert "propose_withdrawal" not in kinds


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"act_sha256": "0"}, "/act_sha256"),
        ({"act_sha256": ...}, "/act_sha256"),
        ({"decision": "perhaps"}, "/decision"),
        ({"comment": "call +49 30 1234567"}, "/comment"),
        ({"more": 1}, "/more"),
    ],
)
def test_a_decision_of_another_form_is_refused_with_the_place_named(
    office: Office, changes: dict[str, Any], pointer: str
) -> None:
    desk = office.desk
    desk.policy(desk.cast.a, withdrawal_quorum=2)
    ask = desk.go_out()
    desk.hold(desk.cast.b, ask)
    view = desk.withdraw(ask)["withdrawal"]
    body = {"decision": "approve", "act_sha256": view["act_sha256"], **changes}
    said = {name: value for name, value in body.items() if value is not ...}
    path = f"withdrawals/{view['id']}/approvals"
    status, problem = office.act(desk.cast.a.second_lead, ask, path, **said)
    assert (status, [fault["pointer"] for fault in problem["errors"]]) == (422, [pointer])
    assert desk.status(ask) == "active"
    desk.policy(desk.cast.a)
