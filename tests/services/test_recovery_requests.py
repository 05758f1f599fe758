"""Recovery requests from both sides: what goes where, by whose word, and never twice."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import strict_json
from tests.factories import ACCOUNT, Cast, Signer
from tests.services.every_event import register_destination
from tests.services.recovery_world import (
    ARRIVED_AT,
    ELSEWHERE,
    HOT_WALLET,
    PAPER,
    RECOVERIES,
    Recoveries,
    deposit,
    found,
    returned,
    tx,
)
from tests.services.through_api import World, pointers, problem


@pytest.fixture
def r(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> Recoveries:
    return Recoveries(World(signer, cast, database, vault, clock))


def test_a_deposit_is_found_returned_less_the_fee_and_confirmed(r: Recoveries) -> None:
    a, b = r.w.cast.a, r.w.cast.b
    request = r.out(deposit(mistake="missing_tag", note="sent without its memo"))
    assert [each["id"] for each in r.items(b, "?box=received&waiting=true")] == [request["id"]]
    said = r.answer(request, found())
    assert said["deposits"] == {"found": 1}
    assert (said["awaits_partner"], said["awaits_requester"]) == (1, 0)
    r.w.step(days=1)
    assert r.answer(request, returned())["awaits_requester"] == 1
    assert [each["id"] for each in r.items(a, "?waiting=true")] == [request["id"]]
    done = r.reply(request, {"kind": "confirmed", "no": 0})
    assert done["deposits"] == {"confirmed": 1}
    assert (done["awaits_partner"], done["awaits_requester"]) == (0, 0)
    for side in (a, b):
        [shown] = r.deposits(side, request)
        assert (shown["status"], shown["found_amount"], shown["fee"]) == (
            "confirmed",
            "1000",
            "40",
        )
        assert (shown["returned_amount"], shown["returned_fee"]) == ("960", "40")
        assert (shown["returned_tx"], shown["account"]) == (tx(900), ARRIVED_AT)
        assert (shown["due_at"], shown["awaits"], shown["overdue"]) == (None, None, False)
        acts = [act["act"] for act in r.items(side, f"/{request['id']}/evidence")]
        assert acts == [
            "submit_recovery",
            "approve_recovery",
            "answer_recovery",
            "answer_recovery",
            "reply_recovery",
        ]
    assert r.items(b, "?box=received&waiting=true") == []


def test_nobody_but_the_two_sides_learns_of_it_and_the_partner_only_once_it_is_out(
    r: Recoveries,
) -> None:
    a, b, c = r.w.cast.a, r.w.cast.b, r.w.cast.c
    request = r.submit(deposit())
    for stranger in (b, c):
        for below in ("", "/deposits", "/evidence"):
            r.w.get(stranger.lead, f"{RECOVERIES}/{request['id']}{below}", status=404)
        assert r.items(stranger, "?box=received") == []
        assert r.w.events(stranger, "recovery.received", "recovery.submitted") == []
    problem(r.try_act(b.lead, request, "answers", lines=[found()]), 404, "not_found")
    r.act(a.lead, request, "approvals", decision="approve")
    r.w.get(c.lead, f"{RECOVERIES}/{request['id']}", status=404)
    for name, members in (
        ("answers", {"lines": [found()]}),
        ("replies", {"lines": [{"kind": "confirmed", "no": 0}]}),
        ("withdrawal", {"reason": "not ours"}),
        ("approvals", {"decision": "approve"}),
    ):
        problem(r.try_act(c.lead, request, name, **members), 404, "not_found")
    [told] = r.w.events(b, "recovery.received")
    assert [proof["act"] for proof in told["evidence"]] == ["submit_recovery", "approve_recovery"]
    assert strict_json.loads(told["evidence"][0]["body"].encode())["deposits"][0]["tx"] == tx(0)
    seen = r.read(b, request)
    assert (seen["submitted_by"], seen["decided_by"], seen["already_asked"]) == (None, None, None)
    assert r.w.events(c, "recovery.received", "recovery.answered") == []


def test_it_takes_another_person_and_no_machine_to_approve(r: Recoveries) -> None:
    a = r.w.cast.a
    own = r.submit(deposit(0), by=a.lead)
    problem(r.try_act(a.lead, own, "approvals", decision="approve"), 403, "four_eyes")
    by_machine = r.submit(deposit(1), by=a.system)  # its owner is the lead
    problem(r.try_act(a.lead, by_machine, "approvals", decision="approve"), 403, "four_eyes")
    for nobody in (a.analyst, a.system, a.auditor):
        refused = r.try_act(nobody, own, "approvals", decision="approve")
        problem(refused, 403, "not_allowed")
    r.act(a.second_lead, by_machine, "approvals", decision="approve")
    r.act(a.compliance, own, "approvals", decision="approve")
    again = r.try_act(a.second_lead, own, "approvals", decision="approve")
    assert problem(again, 409, "invalid_transition")["current_status"] == "open"


def test_a_request_that_nobody_approved_in_time_is_over_and_asked_for_anew(r: Recoveries) -> None:
    a = r.w.cast.a
    request = r.submit(deposit())
    assert [each["id"] for each in r.items(a, "?box=to_approve")] == [request["id"]]
    r.w.step(hours=72)
    assert r.read(a, request)["status"] == "expired"
    assert r.items(a, "?box=to_approve") == []
    late = r.try_act(a.lead, request, "approvals", decision="approve")
    assert problem(late, 409, "invalid_transition")["current_status"] == "expired"
    assert r.submit(deposit())["id"] != request["id"]


@pytest.mark.parametrize("ended", ["reject", "withdraw"])
def test_what_ended_before_it_went_out_is_asked_for_anew(r: Recoveries, ended: str) -> None:
    a = r.w.cast.a
    request = r.submit(deposit())
    if ended == "reject":
        r.act(a.lead, request, "approvals", decision="reject", comment="whose is it?")
    else:
        some = r.try_act(a.analyst, request, "withdrawal", deposits=[0], reason="not ours")
        problem(some, 409, "not_out")
        r.act(a.analyst, request, "withdrawal", reason="not ours")
    [told] = r.w.events(a, "recovery.ended")
    assert told["recovery_status"] == r.read(a, request)["status"] != "submitted"
    assert r.w.events(r.w.cast.b, "recovery.ended") == []
    assert r.submit(deposit())["id"] != request["id"]


def test_the_same_transaction_and_account_again_is_the_same_entry(r: Recoveries) -> None:
    first = r.out(deposit(0), deposit(1))
    again = r.submit(deposit(1, amount="7", fee_accepted="0"), status=200)
    assert again["id"] == first["id"]
    assert again["already_asked"] == [
        {"no": 0, "recovery_id": first["id"], "deposit_no": 1, "status": "open"}
    ]
    mixed = r.submit(deposit(2), deposit(0))
    assert mixed["deposit_count"] == 1
    assert [each["no"] for each in mixed["already_asked"]] == [1]
    assert [each["no"] for each in r.deposits(r.w.cast.a, mixed)] == [0]
    r.act(r.w.cast.a.lead, mixed, "approvals", decision="approve")
    refused = problem(
        r.try_act(r.w.cast.b.analyst, mixed, "answers", lines=[found(1)]), 409, "invalid_lines"
    )
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [
        ("/lines/0", "no_such_deposit")
    ]
    # What was taken back, and what another partner is asked for, are none.
    r.act(r.w.cast.a.analyst, first, "withdrawal", deposits=[0], reason="not ours")
    assert r.submit(deposit(0))["deposit_count"] == 1
    assert r.submit(deposit(1), to=r.w.cast.c.handle)["deposit_count"] == 1


def test_a_fee_is_stated_before_and_kept_to(r: Recoveries) -> None:
    request = r.out(deposit())
    b = r.w.cast.b.compliance

    def refused(*lines: dict[str, Any]) -> str:
        shown = problem(r.try_act(b, request, "answers", lines=list(lines)), 409, "invalid_lines")
        code: str = shown["errors"][-1]["code"]
        return code

    assert refused(found(fee="51")) == "fee_above_accepted"
    assert refused(returned()) == "invalid_transition"
    r.answer(request, found(fee="40"))
    assert refused(returned(fee="41", amount="959")) == "fee_raised"
    assert refused(returned(fee="40", amount="959")) == "not_the_sum"
    need = {"kind": "needs", "no": 0, "missing": ["proof"]}
    r.answer(request, need)
    assert refused(found(fee="50")) == "fee_raised"
    r.answer(request, found(fee="30"), returned(fee="20", amount="980"))
    [shown] = r.deposits(r.w.cast.a, request)
    assert (shown["fee"], shown["returned_fee"]) == ("30", "20")


def test_what_came_from_another_account_is_not_sent_to_the_requester(r: Recoveries) -> None:
    request = r.out(deposit())
    wrong = found(sent_from=ELSEWHERE)
    shown = problem(
        r.try_act(r.w.cast.b.lead, request, "answers", lines=[wrong]), 409, "invalid_lines"
    )
    assert shown["errors"][0]["code"] == "other_sender"
    r.answer(request, found(sent_from=HOT_WALLET.lower()))


def test_answers_are_taken_whole_or_not_at_all_with_every_fault_by_its_line(
    r: Recoveries,
) -> None:
    request = r.out(*(deposit(number) for number in range(4)))
    lines = [found(0), found(1, fee="51"), found(9), returned(2), found(3)]
    refused = r.try_act(r.w.cast.b.compliance, request, "answers", lines=lines)
    shown = problem(refused, 409, "invalid_lines")
    assert pointers(shown) == ["/lines/1", "/lines/2", "/lines/3"]
    assert r.read(r.w.cast.b, request)["deposits"] == {"open": 4}
    assert r.w.events(r.w.cast.a, "recovery.answered") == []
    acts = r.items(r.w.cast.b, f"/{request['id']}/evidence")
    assert len(acts) == 2


def test_one_deposit_that_two_members_claim_goes_back_once(r: Recoveries) -> None:
    cast = r.w.cast
    first = r.out(deposit())
    second = r.submit(deposit(), by=cast.c.analyst)
    [alone] = r.deposits(cast.b, first)
    assert alone["other_requests"] == 0
    r.act(cast.c.lead, second, "approvals", decision="approve")
    [claimed] = r.deposits(cast.b, first)
    assert claimed["other_requests"] == 1
    assert r.deposits(cast.a, first)[0]["other_requests"] is None
    r.answer(first, found(), returned())
    r.answer(second, found())
    refused = r.try_act(cast.b.lead, second, "answers", lines=[returned()])
    assert problem(refused, 409, "invalid_lines")["errors"][0]["code"] == "returned_already"
    r.answer(second, {"kind": "declined", "no": 0, "code": "credited_and_spent"})


def test_what_did_not_arrive_is_contested_and_returned_by_another_transaction(
    r: Recoveries,
) -> None:
    request = r.out(deposit())
    r.answer(request, found(), returned())
    r.reply(request, {"kind": "not_received", "no": 0, "text": "nothing came"})
    [contested] = r.deposits(r.w.cast.b, request)
    assert (contested["status"], contested["awaits"], contested["reply_text"]) == (
        "contested",
        "partner",
        "nothing came",
    )
    for known in (returned(), returned(tx=tx(0))):
        refused = r.try_act(r.w.cast.b.lead, request, "answers", lines=[known])
        assert problem(refused, 409, "invalid_lines")["errors"][0]["code"] == "same_tx"
    r.answer(request, returned(tx=tx(777)))
    r.reply(request, {"kind": "confirmed", "no": 0})
    assert r.deposits(r.w.cast.a, request)[0]["returned_tx"] == tx(777)


def test_the_same_transaction_is_known_however_it_is_spelled(r: Recoveries) -> None:
    request = r.out(deposit(tx=tx(0)[2:]))
    digits = tx(900)[2:]
    r.answer(request, found(), returned(tx=f"0x{digits.upper()}"))
    r.reply(request, {"kind": "not_received", "no": 0, "text": "nothing came"})
    for spelling in (f"0x{digits.upper()}", f"0x{digits}", digits, tx(0), tx(0)[2:].upper()):
        line = returned(tx=spelling)
        refused = r.try_act(r.w.cast.b.lead, request, "answers", lines=[line])
        assert problem(refused, 409, "invalid_lines")["errors"][0]["code"] == "same_tx", spelling


def test_what_is_needed_is_supplied_and_what_is_late_shows(r: Recoveries) -> None:
    request = r.out(deposit())
    need = {"kind": "needs", "no": 0, "missing": ["higher_fee"], "fee": "80", "text": "gas is dear"}
    r.answer(request, need)
    [shown] = r.deposits(r.w.cast.a, request)
    assert (shown["missing"], shown["fee_needed"]) == (["higher_fee"], "80")
    assert (shown["awaits"], shown["overdue"]) == ("requester", False)
    r.w.step(days=14)
    assert r.deposits(r.w.cast.a, request)[0]["overdue"] is True
    r.reply(request, {"kind": "supplied", "no": 0, "proof": PAPER, "text": "see the record"})
    [supplied] = r.deposits(r.w.cast.b, request)
    assert (supplied["status"], supplied["supplied_proof"]) == ("open", PAPER)
    assert supplied["overdue"] is False


def test_returning_and_declining_take_whoever_disposes_of_funds(r: Recoveries) -> None:
    request = r.out(deposit(0), deposit(1))
    b = r.w.cast.b
    r.act(b.system, request, "answers", lines=[found(0)])
    r.act(b.analyst, request, "answers", lines=[found(1)])
    declined = {"kind": "declined", "no": 1, "code": "uneconomic"}
    for lines in ([returned(0)], [declined]):
        for nobody in (b.system, b.analyst):
            problem(r.try_act(nobody, request, "answers", lines=lines), 403, "not_allowed")
    r.answer(request, returned(0), declined)
    assert r.deposits(r.w.cast.a, request)[1]["code"] == "uneconomic"


def test_a_return_is_never_withdrawn(r: Recoveries) -> None:
    a = r.w.cast.a
    request = r.out(deposit(0), deposit(1))
    r.answer(request, found(0), returned(0))
    one = r.try_act(a.analyst, request, "withdrawal", deposits=[0], reason="mistake")
    problem(one, 409, "invalid_lines")
    left = r.act(a.analyst, request, "withdrawal", reason="paid by the customer")
    assert left["deposits"] == {"returned": 1, "withdrawn": 1}
    nothing = r.try_act(a.analyst, request, "withdrawal", reason="again")
    problem(nothing, 409, "nothing_left")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"account": "eip155:1:0x00"}, "account", "bad_address"),
        ({"asset": "bip122:000000000019d6689c085ae165831e93/slip44:0"}, "asset", "wrong_chain"),
        ({"amount": "0", "fee_accepted": "0"}, "amount", "zero_amount"),
        ({"fee_accepted": "1001"}, "fee_accepted", "fee_above_amount"),
        ({"tx": "a" * 64 + "b"}, "tx", "bad_tx"),
        ({"sent_from": ARRIVED_AT, "return_to": ARRIVED_AT}, "sent_from", "same_account"),
        ({"return_to": ELSEWHERE}, "proof", "proof_needed"),
        (
            {
                "return_to": "bip122:000000000019d6689c085ae165831e93:"
                "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
                "proof": PAPER,
            },
            "return_to",
            "wrong_chain",
        ),
    ],
)
def test_a_faulty_deposit_is_refused_by_name_and_nothing_is_stored(
    r: Recoveries, changes: dict[str, Any], pointer: str, code: str
) -> None:
    refused = r.submit(deposit(0), deposit(1, **changes), status=422)
    assert f"/deposits/1/{pointer}" in pointers(refused)
    if code != "bad_tx":
        assert (refused["code"], refused["errors"][0]["code"]) == ("invalid_deposits", code)
    assert r.items(r.w.cast.a, "") == []


def test_a_deposit_that_a_document_names_twice_is_refused(r: Recoveries) -> None:
    refused = r.submit(deposit(0), deposit(1), deposit(0, amount="3", fee_accepted="1"), status=422)
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [
        ("/deposits/2", "doubled")
    ]


def test_nobody_asks_themselves_nor_whoever_takes_no_deposits(r: Recoveries) -> None:
    for to, code in ((r.w.cast.a.handle, "oneself"), ("nobody.example", "unknown_partner")):
        refused = r.submit(deposit(), to=to, status=422)
        assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [("/to", code)]


def test_an_act_names_the_document_that_was_read(r: Recoveries) -> None:
    request = r.out(deposit())
    other = request | {"content_sha256": "0" * 64}
    for member, name, words in (
        (r.w.cast.b.lead, "answers", {"lines": [found()]}),
        (r.w.cast.a.lead, "replies", {"lines": [{"kind": "confirmed", "no": 0}]}),
        (r.w.cast.a.lead, "withdrawal", {"reason": "mistake"}),
    ):
        problem(r.try_act(member, other, name, **words), 409, "other_document")


def test_thousands_are_asked_for_and_answered_in_one_act_each(r: Recoveries) -> None:
    count = 1_000
    request = r.out(*(deposit(number) for number in range(count)))
    r.answer(request, *(line for no in range(count) for line in (found(no), returned(no))))
    [told] = r.w.events(r.w.cast.a, "recovery.answered")
    assert (told["line_count"], len(told["deposits"]), told["deposits_cut"]) == (count, 50, True)
    assert "body" not in told["evidence"][0]
    [act] = r.items(r.w.cast.a, told["evidence"][0]["href"].partition(RECOVERIES)[2])
    assert act["act_id"] == told["act_id"]
    shown = r.deposits(r.w.cast.a, request)
    assert [each["no"] for each in shown] == list(range(count))
    assert {each["returned_tx"] for each in shown} == {tx(900 + no) for no in range(count)}


def test_statistics_count_what_came_back_and_leave_drills_out(r: Recoveries) -> None:
    request = r.out(deposit(0), deposit(1), deposit(2))
    drill = r.out(deposit(0), drill=True)
    assert drill["drill"] is True  # no double of the real one
    r.answer(drill, found(), returned())
    assert r.w.events(r.w.cast.a, "recovery.answered")[0]["drill"] is True
    r.w.step(hours=2)
    r.answer(request, found(0), returned(0), found(1))
    r.w.step(hours=2)
    r.answer(request, returned(1), {"kind": "not_found", "no": 2})
    figures = {"asked": 3, "found": 2, "returned": 2, "confirmed": 0, "declined": 0}
    figures |= {"not_found": 1, "median_seconds": 7200}
    empty = dict.fromkeys(figures, 0) | {"median_seconds": None}
    for side, sent, received in ((r.w.cast.a, figures, empty), (r.w.cast.b, empty, figures)):
        shown = r.w.get(side.auditor, f"{RECOVERIES}/statistics")
        assert (shown["sent"], shown["received"], shown["network"]) == (sent, received, figures)


def test_it_goes_elsewhere_only_to_a_destination_that_is_proven_and_a_day_old(
    r: Recoveries,
) -> None:
    a = r.w.cast.a
    elsewhere = deposit(return_to=ACCOUNT, proof=PAPER)
    refused = r.submit(elsewhere, status=422)
    assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [
        ("/deposits/0/return_to", "no_destination")
    ]
    destination = register_destination(r.w.signer, a)
    assert r.submit(elsewhere, status=422)["errors"][0]["code"] == "destination_too_new"
    r.w.step(hours=24)
    r.submit(elsewhere, by=r.w.cast.c.analyst, status=422)  # it is A's, and nobody else's
    request = r.submit(elsewhere)
    closed = {"reason": "The wallet is taken out of use."}
    path = f"/v1/destinations/{destination['id']}/closure"
    assert r.w.signer.post(a.lead, path, closed).status_code == 201
    late = r.try_act(a.lead, request, "approvals", decision="approve")
    problem(late, 409, "no_destination")


def test_what_waits_is_a_task_of_whose_turn_it_is(r: Recoveries) -> None:
    a, b = r.w.cast.a, r.w.cast.b

    def kinds(member: Any) -> set[str]:
        items = r.w.get(member, "/v1/tasks")["items"]
        return {each["kind"] for each in items if each["about"] == request["id"]}

    request = r.submit(deposit(0), deposit(1), by=a.lead)
    assert kinds(a.second_lead) == kinds(a.compliance) == {"decide_recovery"}
    assert kinds(a.lead) == kinds(a.system) == kinds(b.lead) == set()
    r.act(a.second_lead, request, "approvals", decision="approve")
    assert (kinds(a.second_lead), kinds(b.analyst)) == (set(), {"answer_recovery"})
    [task] = [each for each in r.w.get(b.lead, "/v1/tasks")["items"] if each["about"]]
    assert r.w.signer.post(b.lead, f"/v1/tasks/{task['id']}/taken", {}).status_code == 201
    r.answer(request, found(0), returned(0))
    assert (kinds(a.analyst), kinds(b.lead)) == ({"reply_recovery"}, {"answer_recovery"})
    r.answer(request, {"kind": "declined", "no": 1, "code": "uneconomic"})
    r.reply(request, {"kind": "confirmed", "no": 0})
    assert kinds(a.analyst) == kinds(b.lead) == set()
