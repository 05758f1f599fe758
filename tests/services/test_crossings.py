"""Where acts of different kinds meet on one request: what one does to the other."""

from typing import Any

import pytest

from coordinator.services.requests.ratification import MissRatification, WithdrawUnratified
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import PartnerKind
from tests import factories
from tests.factories import ETHER, Exchange
from tests.services.member_reader import MemberReader, Shown
from tests.services.request_cast import (
    DAY,
    HOUR,
    REQUESTS,
    Ask,
    Desk,
    Office,
    account,
    addresses,
    found,
    refusal,
    released,
)


def _flash(desk: Desk, quorum: int = 1, **changes: Any) -> Ask:
    desk.policy(
        desk.cast.a,
        may_flash=[desk.cast.a.analyst.subject],
        approval_quorum=quorum,
        withdrawal_quorum=2,
    )
    return desk.submit(urgency="flash", **changes)


def _read(office: Office, exchange: Exchange, ask: Ask) -> str:
    below = ("", "/addresses", "/legs", "/ledger", "/evidence", "/holds", "/disputes")
    more = ("/withdrawals", "/clearances", "/support", "/indemnities", "/info-requests", "/guests")
    out = []
    for path in below + more:
        answer = office.signer.get(exchange.auditor, f"{REQUESTS}/{ask.id}{path}")
        out.append(path + " " + str(answer.status_code) + answer.get_data(as_text=True))
    out += [body.decode() for _, body in office.desk.raw_feed(exchange)]
    return "\n".join(out)


def test_who_is_asked_after_a_cut_reads_nothing_of_what_was_proposed_about_it(
    office: Office,
) -> None:
    desk = office.desk
    a, b, c, _ = desk.cast.all
    desk.policy(c, provisional="hold_back")
    ask = _flash(desk, quorum=2, addresses=addresses(3, 90_000))
    hold = desk.hold(b, ask, address_no=1)
    desk.clock.step(HOUR / 10)
    shop = f"{account(90_001)} is a shop"
    words = {"addresses": [1], "reason_code": "wrong_target", "reason": shop}
    proposed = office.act(a.lead, ask, "withdrawal", **words)[1]["withdrawal"]
    whole = desk.withdraw(ask)["withdrawal"]
    desk.decide_without(ask, [1])
    desk.decide_without(ask, [1], a.second_lead)
    assert refusal(desk.decide_withdrawal, ask, proposed).code == "withdrawal_decided"
    [cleared] = office.signer.get(b.auditor, f"{REQUESTS}/{ask.id}/clearances").get_json()["items"]
    revocation = f"clearances/{cleared['id']}/revocation"
    assert office.act(a.lead, ask, revocation, reason=f"{account(90_001)} is none")[0] == 201
    assert account(90_001) in _read(office, b, ask)
    theirs = _read(office, c, ask)
    assert not [word for word in (account(90_001), proposed["id"], hold) if word in theirs]
    assert desk.told(c, ask) == ["freeze_request.received", "leg.delivered"]
    for exchange in (a, b, c):
        assert Shown.to(MemberReader(office.signer, exchange.auditor), ask.id).failed() == {}
    # What is carried out after all is proven to everybody asked.
    desk.decide_withdrawal(ask, whole)
    theirs = _read(office, c, ask)
    assert whole["id"] in theirs
    assert account(90_001) not in theirs
    for exchange in (a, b, c):
        assert Shown.to(MemberReader(office.signer, exchange.auditor), ask.id).failed() == {}
    desk.policy(c)


def _frozen_now(desk: Desk) -> dict[str, Any]:
    now = desk.clock.now()
    return {"frozen_at": format_time(now), "hold_expires_at": format_time(now + 2 * DAY)}


def _miss(desk: Desk, ask: Ask) -> None:
    desk.clock.step(HOUR)
    desk.own(MissRatification(request_id=ask.id))


def test_who_froze_while_unratified_and_has_more_to_answer_is_no_bar_to_ratifying(
    desk: Desk,
) -> None:
    b, c = desk.cast.b, desk.cast.c
    ask = _flash(desk, addresses=addresses(3, 91_000))
    desk.clock.step(HOUR / 2)
    before = desk.leg(c, ask).answer_by
    _miss(desk, ask)
    hold = desk.hold(b, ask, **_frozen_now(desk))
    assert desk.leg(b, ask).owes_answer
    assert desk.leg(b, ask).answered_at is None
    desk.clock.step(HOUR)
    desk.decide(ask)
    assert desk.hold_row(hold).owed_since is None
    assert before is not None
    for exchange in (b, c):
        leg = desk.leg(exchange, ask)
        assert (leg.clock_paused_at, leg.answer_by) == (None, before + HOUR)
        assert not leg.owes_answer


def _waiting(office: Office, ask: Ask) -> list[str]:
    """Return the proposed withdrawals that wait for A's second lead."""
    box = office.signer.get(office.desk.cast.a.second_lead, f"{REQUESTS}?box=to_approve")
    items = [item for item in box.get_json()["items"] if item["id"] == ask.id]
    return [proposed["id"] for item in items for proposed in item["withdrawals"]]


def _take(office: Office, ask: Ask, proposed: dict[str, Any]) -> int:
    task = f"tsk_decide_withdrawal_{ask.id[4:]}_{proposed['id'][4:]}"
    body = {"content_sha256": ask.content_sha256}
    lead = office.desk.cast.a.second_lead
    return office.signer.post(lead, f"/v1/tasks/{task}/taken", body).status_code


@pytest.mark.parametrize("end", ["lapse", "close", "withdraw", "resolve"])
def test_a_proposal_waits_for_nobody_once_what_it_is_about_is_over(
    office: Office, end: str
) -> None:
    desk, (a, b, _, _) = office.desk, office.desk.cast.all
    desk.clock.step(DAY)
    ask = _flash(desk, addresses=addresses(3, desk.made + 92_000))
    hold = desk.hold(b, ask)
    words = {"reference": "matter-k7", "text": "Bought in good faith."}
    dispute = desk.act(b.compliance, ask, "disputes", **words)["id"]
    if end == "lapse":
        _miss(desk, ask)
        desk.clock.step(9 * HOUR)
    else:
        desk.decide(ask)
    proposed, other = (desk.withdraw(ask, numbers)["withdrawal"] for numbers in ("all", [0]))
    uphold = {"resolution": "upheld", "text": "A shop."}
    upheld = office.act(a.lead, ask, f"disputes/{dispute}/resolution", **uphold)[1]["withdrawal"]
    assert _waiting(office, ask) == [each["id"] for each in (proposed, other, upheld)]
    assert _take(office, ask, proposed) == 201
    # A dispute about what is left outlives the request.
    still = [upheld["id"]]
    if end == "lapse":
        desk.clock.step(3 * HOUR)
        desk.own(WithdrawUnratified(request_id=ask.id))
    elif end == "close":
        desk.report(b, ask, released(hold, 100, "false_positive"))
        desk.close(ask)
        still = []
    elif end == "withdraw":
        desk.decide_withdrawal(ask, proposed)
    else:
        desk.resolve(ask, dispute)
        still = [proposed["id"], other["id"]]
    assert _waiting(office, ask) == still
    assert _take(office, ask, other) == (201 if other["id"] in still else 409)
    assert _take(office, ask, upheld) == (201 if upheld["id"] in still else 409)


@pytest.mark.parametrize("end", ["ratified", "lapsed", "unratified"])
def test_looking_through_what_was_frozen_while_unratified_finds_nothing_wrong(
    office: Office, end: str
) -> None:
    desk, (a, b, _, d) = office.desk, office.desk.cast.all
    desk.clock.step(DAY)
    ask = _flash(desk, addresses=addresses(3, desk.made + 93_000))
    desk.hold(b, ask, **_frozen_now(desk))
    _miss(desk, ask)
    desk.clock.step(HOUR / 2)
    desk.hold(b, ask, address_no=1, **_frozen_now(desk))
    desk.clock.step(HOUR)
    if end == "ratified":
        desk.decide(ask)
        desk.clock.step(HOUR / 2)
        desk.hold(d, ask, address_no=2, **_frozen_now(desk))
    elif end == "lapsed":
        desk.clock.step(DAY / 2)
        desk.own(WithdrawUnratified(request_id=ask.id))
    for exchange in (a, b, d):
        shown = Shown.to(MemberReader(office.signer, exchange.auditor), ask.id)
        assert shown.failed() == {}
    # A freeze that is shown as regular, with nobody's approval behind the request, is found out.
    shown = Shown.to(MemberReader(office.signer, b.auditor), ask.id)
    shown.swap(shown.lines, shown.line("frozen", 1), irregular=None)
    assert "its acts come to after_end" in shown.failed()["ledger"]


@pytest.mark.parametrize("end", ["pending", "reject", "approve"])
def test_looking_through_what_was_frozen_after_a_proposal_finds_nothing_wrong(
    office: Office, end: str
) -> None:
    desk, (a, b, c, d) = office.desk, office.desk.cast.all
    desk.clock.step(DAY)
    ask = _flash(desk, addresses=addresses(3, desk.made + 94_000))
    desk.decide(ask)
    desk.hold(b, ask, **_frozen_now(desk))
    desk.clock.step(HOUR)
    proposed = desk.withdraw(ask)["withdrawal"]
    desk.clock.step(HOUR)
    desk.hold(c, ask, **_frozen_now(desk))
    desk.clock.step(HOUR)
    if end != "pending":
        desk.decide_withdrawal(ask, proposed, decision=end)
        desk.clock.step(HOUR)
    desk.hold(d, ask, **_frozen_now(desk))
    for exchange, irregular in ((c, None), (d, "after_end" if end == "approve" else None)):
        shown = Shown.to(MemberReader(office.signer, exchange.auditor), ask.id)
        assert shown.line("frozen").irregular == irregular
        assert shown.failed() == {}
    assert Shown.to(MemberReader(office.signer, a.auditor), ask.id).failed() == {}


@pytest.mark.parametrize("calls", [1, 2])
def test_an_issuer_s_freeze_from_before_the_end_is_verified_as_what_it_is(
    office: Office, calls: int
) -> None:
    desk, a = office.desk, office.desk.cast.a
    issuer = factories.new_exchange(f"issuer-{calls}.example")
    factories.admit(desk.database, desk.vault, desk.clock, issuer, PartnerKind.ISSUER)
    ask = desk.go_out(to=[issuer.handle])
    begun = desk.clock.now()
    terms = {
        "effective_tx": "0x" + "ab" * 32,
        "effective_at": format_time(begun + (calls - 1) * HOUR),
        "review_at": format_time(begun + 2 * DAY),
    }
    if calls == 2:
        terms |= {"proposed_tx": "0x" + "cd" * 32, "proposed_at": format_time(begun)}
    desk.clock.step(HOUR / 2)
    desk.withdraw(ask)
    desk.clock.step(HOUR)
    line = {"kind": "frozen", "address_no": 0, "asset": ETHER, "amount": "7", **terms}
    desk.report(issuer, ask, found(0, 7), line)
    for exchange in (a, issuer):
        shown = Shown.to(MemberReader(office.signer, exchange.auditor), ask.id)
        assert shown.line("frozen").irregular is None
        assert shown.failed() == {}


@pytest.mark.parametrize("end", ["withdraw", "close"])
def test_an_addition_waits_for_nobody_once_its_request_is_over(office: Office, end: str) -> None:
    desk, (a, b, c, _) = office.desk, office.desk.cast.all
    desk.policy(a)
    ask = desk.go_out(to=[b.handle])
    _, added = office.act(a.lead, ask, "partners", to=[c.handle])
    task = f"/v1/tasks/tsk_decide_addition_{ask.id[4:]}_{added['id'][4:]}/taken"
    body = {"content_sha256": ask.content_sha256}
    path = f"{REQUESTS}?box=to_approve"

    def waits() -> bool:
        items = office.signer.get(a.second_lead, path).get_json()["items"]
        return ask.id in {item["id"] for item in items}

    assert waits()
    if end == "withdraw":
        desk.withdraw(ask)
    else:
        desk.close(ask)
    assert not waits()
    assert office.signer.post(a.second_lead, task, body).get_json()["code"] == "task_done"
