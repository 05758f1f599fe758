"""The command line after the first answer, against a stand-in on a real socket."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from holdfast.cli.layout import minute
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import parse_time
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT, SHA256, act_view, leg_view

ETH = "eip155:1/slip44:60"
HOLD, LINE = new_id("hld"), new_id("lin")
UNTIL = "2026-03-01T12:00:00Z"


@pytest.fixture
def shell(
    store: ProfileStore, analyst: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    del analyst
    monkeypatch.chdir(tmp_path)
    return Shell(store, tmp_path)


def hold_view(**members: Any) -> dict[str, Any]:
    return {
        "id": HOLD,
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "address_no": 3,
        "asset": ETH,
        **dict.fromkeys(("released", "returned", "seized"), "0"),
        "frozen": "700",
        "held": "700",
        "basis": "voluntary",
        "frozen_at": AT,
        "hold_expires_at": AT,
        **members,
    }


def test_holds_show_their_end_and_what_is_owed(shell: Shell, stub: StubCoordinator) -> None:
    stub.answers(
        "GET",
        f"{REQUEST}/holds",
        {
            "items": [
                hold_view(lapsed=True, owed_since=AT, shared=True),
                hold_view(lapsed=True, held="0"),
                hold_view(account_level=True, review_at=UNTIL, irregular="after_end"),
                hold_view(withheld=True, frozen="0", held="0"),
            ]
        },
    )
    done = shell("holds", FRQ)
    assert "lapsed, unconfirmed, answer owed, shared" in done.output
    assert "lapsed, answered" in done.output
    assert "whole account, review 2026-03-01 12:00 UTC, irregular: after_end" in done.output
    withheld = done.output.splitlines()[-1].split()
    assert withheld[5:7] == ["withheld", "withheld"]
    assert "2026-01-02 03:04" in done.output


SEVEN = "0.0000000000000007 ETH"


def test_owed_says_who_owes_what_and_why(shell: Shell, stub: StubCoordinator) -> None:
    rows = [
        hold_view(owed_since=AT, request_id=FRQ),
        hold_view(owed_since=AT, request_id=FRQ, lapsed=True),
        hold_view(owed_since=AT, request_id=FRQ, withdrawn_reason_code="wrong_target"),
    ]
    stub.answers("GET", "/v1/holds/owed", {"items": rows})
    lines = shell("owed").output.splitlines()
    whys = ("  withdrawn", "  lapsed", "  withdrawn: wrong_target: its reason cannot be read now")
    assert all(why in line for why, line in zip(whys, lines[1:], strict=True))
    assert all(word in lines[1] for word in (HOLD, FRQ, "exchange-b.example", SEVEN))


def test_a_hold_is_extended_until_a_time_or_by_hours(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    view = {
        "id": new_id("act"),
        "request_id": FRQ,
        "hold": HOLD,
        "hold_expires_at": UNTIL,
        "basis": "own_policy",
        "status": "frozen",
    }
    stub.answers("POST", f"{REQUEST}/hold-extensions", view, status=201)
    done = shell("extend", FRQ, HOLD, "--until", UNTIL, "--basis", "own_policy")
    assert "2026-03-01 12:00 UTC" in done.output
    assert sent(stub) == {
        "content_sha256": SHA256,
        "hold": HOLD,
        "hold_expires_at": UNTIL,
        "basis": "own_policy",
    }
    assert shell("extend", FRQ, HOLD, "--hours", "24", "--basis", "voluntary").exit_code == 0
    for words in ([], ["--hours", "1", "--until", UNTIL], ["--until", "tomorrow"]):
        assert shell("extend", FRQ, HOLD, "--basis", "voluntary", *words).exit_code == 2


def test_the_requester_asks_for_an_extension(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    stub.answers("POST", f"{REQUEST}/extension-requests", act_view(), status=201)
    done = shell("ask-extension", FRQ, HOLD, "--until", UNTIL, "--reason", "The order is coming.")
    assert done.exit_code == 0
    assert (sent(stub)["hold_expires_at"], sent(stub)["reason"]) == (UNTIL, "The order is coming.")


def test_a_report_takes_seizures_grounds_to_keep_and_corrections(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    made = {"id": new_id("rep"), "request_id": FRQ, "leg": leg_view(), "lines": []}
    stub.answers("POST", f"{REQUEST}/freeze-reports", made, status=201)
    other = new_id("frq")
    words = ["--seized", HOLD, "5", "Police", "--kept", HOLD, "own_policy", UNTIL]
    words += ["--kept", HOLD, "other_request", other, "--correct", LINE, "70", "A zero too many."]
    assert shell("report", FRQ, *words).exit_code == 0
    assert sent(stub)["lines"] == [
        {"kind": "seized", "hold": HOLD, "amount": "5", "agency": "Police"},
        {"kind": "kept", "hold": HOLD, "basis": "own_policy", "hold_expires_at": UNTIL},
        {"kind": "kept", "hold": HOLD, "basis": "other_request", "other_request": other},
        {"kind": "correction", "corrects": LINE, "amount": "70", "reason": "A zero too many."},
    ]
    assert shell("report", FRQ, "--kept", HOLD, "because", UNTIL).exit_code == 2


def test_a_report_says_that_the_whole_account_is_frozen(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    made = {"id": new_id("rep"), "request_id": FRQ, "leg": leg_view(), "lines": []}
    stub.answers("POST", f"{REQUEST}/freeze-reports", made, status=201)
    words = ["--found", "0", ETH, "9", "--frozen", "0", ETH, "9", "--correct", LINE, "70", "More."]
    assert shell("report", FRQ, *words, "--account-level").exit_code == 0
    said = [line.get("account_level") for line in sent(stub)["lines"]]
    assert said == [None, True, True]
    assert shell("report", FRQ, *words).exit_code == 0
    assert not any("account_level" in line for line in sent(stub)["lines"])


def test_a_report_states_what_its_amount_is_worth(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    usd = {"value": "2741.50", "at": AT, "source": "list price"}
    line = {
        "id": LINE,
        "report_id": new_id("rep"),
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "kind": "found",
        "amount": "9",
        "reported_at": AT,
        "usd": usd,
    }
    made = {"id": new_id("rep"), "request_id": FRQ, "leg": leg_view(), "lines": [line]}
    stub.answers("POST", f"{REQUEST}/freeze-reports", made, status=201)
    said = ["--usd", "2741.50", "list price"]
    words = ["--found", "0", ETH, "9", "--frozen", "0", ETH, "9", "--returned", HOLD, "9", "0xab"]
    done = shell("report", FRQ, *words, "--kept", HOLD, "own_policy", UNTIL, *said)
    assert done.exit_code == 0, done.output
    assert "2,741.50" in done.output
    values = [line.get("usd") for line in sent(stub)["lines"]]
    assert [value and (value["value"], value["source"]) for value in values] == [
        *[("2741.50", "list price")] * 3,
        None,
    ]
    assert shell("report", FRQ, "--found", "0", ETH, "9").exit_code == 0
    assert "usd" not in sent(stub)["lines"][0]
    other = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
    for wrong in (
        [],
        ["--kept", HOLD, "own_policy", UNTIL],
        ["--found", "0", ETH, "withheld"],
        ["--found", "0", ETH, "9", "--frozen", "0", ETH, "8"],
        ["--found", "0", ETH, "9", "--found", "0", other, "9"],
    ):
        done = shell("report", FRQ, *wrong, *said)
        assert (done.exit_code, "one amount of one asset" in done.output) == (2, True)


def test_sums_are_followed_by_what_they_are_stated_to_be_worth(
    shell: Shell, stub: StubCoordinator
) -> None:
    usd = {"found": "9.50", "frozen": "8.25", "held": "7.00"}
    totals = {
        ETH: {"found": "9", "frozen": "8", "held": "7", "withheld": 2, "usd": usd},
        "eip155:10/slip44:60": {"found": "5"},
    }
    answer_request(stub, totals=totals)
    stub.answers("GET", f"{REQUEST}/legs", {"items": [leg_view(totals=totals)]})
    line = {
        "id": LINE,
        "report_id": new_id("rep"),
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "kind": "nothing",
        "code": "insufficient_evidence",
        "irregular": "late",
        "reported_at": AT,
    }
    stub.answers("GET", f"{REQUEST}/ledger", {"items": [line]})
    shown = shell("status", FRQ, "--ledger").output
    assert shown.count("9.50") == shown.count("8.25") == shown.count("7.00") == 2
    assert shown.count("in USD, as stated") == 2
    assert shown.count("0.000000000000000008 + 2 withheld") == 2
    assert "nothing (insufficient_evidence) [late]" in shown
    # Once of the request, once of the line.
    assert shown.count(minute(parse_time(AT))) == 2


def test_a_report_explains_why_the_rest_holds_nothing(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    made = {"id": new_id("rep"), "request_id": FRQ, "leg": leg_view(), "lines": []}
    stub.answers("POST", f"{REQUEST}/freeze-reports", made, status=201)
    answered = {"kind": "nothing", "address_nos": "rest"}
    words = ["--retry", "--missing", "the deposit's tx", "--missing", "a police report"]
    assert shell("report", FRQ, "--nothing", "insufficient_evidence", *words).exit_code == 0
    wanted = {"retry": True, "missing": ["the deposit's tx", "a police report"]}
    assert sent(stub)["lines"] == [{**answered, "code": "insufficient_evidence", **wanted}]
    assert shell("report", FRQ, "--nothing", "other", "--detail", "A test account.").exit_code == 0
    assert sent(stub)["lines"] == [{**answered, "code": "other", "detail": "A test account."}]
    assert shell("report", FRQ, "--nothing", "moved_on", "--next-tx", "0xab").exit_code == 0
    assert sent(stub)["lines"] == [{**answered, "code": "moved_on", "next": {"tx": "0xab"}}]
    gone = ["--left-at", "2026-03-01T13:00:00+01:00", "--next-service", "a bridge"]
    assert shell("report", FRQ, "--nothing", "left_after_notice", *gone).exit_code == 0
    left = {"left_at": UNTIL, "next": {"service": "a bridge"}}
    assert sent(stub)["lines"] == [{**answered, "code": "left_after_notice", **left}]
    done = shell("report", FRQ, "--nothing", "left_after_notice", "--left-at", "at noon")
    assert (done.exit_code, "RFC 3339" in done.output) == (2, True)
    acts = len(stub.seen)
    done = shell("report", FRQ, "--nothing", "other")
    assert (done.exit_code, "other needs detail" in done.output) == (6, True)
    done = shell("report", FRQ, "--detail", "A test account.")
    assert (done.exit_code, "--nothing CODE" in done.output) == (2, True)
    assert not [seen for seen in stub.seen[acts:] if seen.method == "POST"]


def test_some_addresses_are_withdrawn(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    stub.answers("POST", f"{REQUEST}/withdrawal", act_view(), status=201)
    why = ["--reason-code", "wrong_target", "--reason", "An innocent's."]
    words = ["--address", "3", "--address", "5", *why]
    assert shell("withdraw", FRQ, *words).exit_code == 0
    assert sent(stub)["addresses"] == [3, 5]


def test_questions_are_asked_and_answered(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    question: dict[str, Any] = {
        "id": new_id("inf"),
        "request_id": FRQ,
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "act_id": new_id("act"),
        "asked_at": AT,
        "missing": ["police report"],
        "status": "info_requested",
    }
    path = f"{REQUEST}/info-requests"
    stub.answers("POST", path, question, status=201)
    assert "info_requested" in shell("ask", FRQ, "--missing", "police report").output
    assert sent(stub)["missing"] == ["police report"]
    stub.answers("POST", f"{path}/{question['id']}/answer", question, status=201)
    assert shell("answer", FRQ, question["id"], "--text", "Report 4711/26.").exit_code == 0
    stub.answers("GET", path, {"items": [{**question, "answer": "Report 4711/26."}]})
    assert "Report 4711/26." in shell("questions", FRQ).output


def test_disputes_are_raised_and_resolved(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    dispute: dict[str, Any] = {
        "id": new_id("dsp"),
        "request_id": FRQ,
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "act_id": new_id("act"),
        "raised_at": AT,
        "answer_by": UNTIL,
    }
    path = f"{REQUEST}/disputes"
    stub.answers("POST", path, dispute, status=201)
    words = ["--reference", "matter-k7", "--text", "A shop.", "--hold", HOLD]
    assert "2026-03-01 12:00" in shell("dispute", FRQ, *words).output
    assert sent(stub)["hold"] == HOLD
    stub.answers("POST", f"{path}/{dispute['id']}/resolution", dispute, status=201)
    assert shell("resolve", FRQ, dispute["id"], "rejected", "--text", "No.").exit_code == 0
    assert sent(stub)["resolution"] == "rejected"
    resolve = Task(TaskKind.RESOLVE, FRQ, str(dispute["id"])).id
    free = {"id": resolve, "kind": "resolve"}
    waits = {**dispute, "id": new_id("dsp"), "hold": HOLD, "task": free}
    recommended = {**dispute, "release_recommended_at": AT}
    stub.answers("GET", path, {"items": [recommended, waits]})
    first, second = shell("disputes", FRQ).stdout.splitlines()[1:3]
    assert "all that it holds" in first
    cells = [cell.strip() for cell in second.split("  ") if cell.strip()]
    assert cells[-2:] == ["open", f"free: {resolve}"]
    stub.answers("GET", path, {"items": [{**dispute, "release_recommended_at": AT}]})
    assert "release recommended" in shell("disputes", FRQ).output


def test_an_order_is_attached_by_the_hash_of_its_document_which_stays(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    order = {
        "id": new_id("ord"),
        "request_id": FRQ,
        "partner": "exchange-b.example",
        "act_id": new_id("act"),
        "attached_at": AT,
    }
    stub.answers("POST", f"{REQUEST}/legal-orders", order, status=201)
    file = shell.write("order.pdf", b"%PDF of the court")
    words = [file, "--agency", "Court", "--reference", "7 Gs 12/26"]
    assert shell("order", FRQ, *words).exit_code == 0
    assert sent(stub)["document_sha256"] == sha256(b"%PDF of the court").hexdigest()
    assert b"PDF of" not in stub.seen[-1].body


def test_a_claim_is_attached_listed_reviewed_and_lifted_by_hashes(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    claim: dict[str, Any] = {
        "id": new_id("enc"),
        "request_id": FRQ,
        "partner": "exchange-b.example",
        "act_id": new_id("act"),
        "act_sha256": "cd" * 32,
        "kind": "attachment",
        "hold": HOLD,
        "asset": "eip155:1/slip44:60",
        "amount": "1500000000000000000",
        "blocks": ["return"],
        "order_sha256": sha256(b"an order").hexdigest(),
        "court": "Harju County Court",
        "number": "2-26-123",
        "attached_at": AT,
        "encumbrance_status": "standing",
    }
    path = f"{REQUEST}/encumbrances"
    stub.answers("POST", path, claim, status=201)
    file = shell.write("order.pdf", b"an order")
    words = ["--kind", "attachment", "--court", "Harju County Court", "--number", "2-26-123"]
    made = shell("encumber", FRQ, HOLD, file, *words, "--blocks", "return")
    assert "1.5 ETH" in made.output
    said = sent(stub)
    assert (said["order_sha256"], said["blocks"]) == (claim["order_sha256"], ["return"])
    assert "amount" not in said or said["amount"] is None
    stub.answers("GET", path, {"items": [claim]})
    listed = shell("encumbrances", FRQ).output
    assert "1.5 ETH" in listed
    stub.answers("POST", f"{path}/{claim['id']}/reviews", claim, status=201)
    assert shell("stands", FRQ, claim["id"], "--until", UNTIL).exit_code == 0
    stub.answers("POST", f"{path}/{claim['id']}/lifting", claim, status=201)
    lifting = shell.write("lifting.pdf", b"lifted")
    assert shell("lift", FRQ, claim["id"], lifting).exit_code == 0
    said = sent(stub)
    assert (said["act_sha256"], said["document_sha256"]) == (
        "cd" * 32,
        sha256(b"lifted").hexdigest(),
    )
    missing = shell("lift", FRQ, new_id("enc"), lifting)
    assert (missing.exit_code, "that you may see" in missing.output) == (2, True)


def test_a_member_says_that_it_called_an_authority_back(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    order = {
        "id": new_id("ord"),
        "request_id": FRQ,
        "partner": "police.example",
        "act_id": new_id("act"),
        "attached_at": AT,
        "called_back": {"confirmed": 2, "not_confirmed": 0},
    }
    stub.answers("POST", f"{REQUEST}/legal-orders/{order['id']}/call-backs", order, status=201)
    when = ["--at", "2026-03-01T12:00:00Z", "--number-from", "agency_website"]
    answer = shell("called-back", FRQ, str(order["id"]), "confirmed", *when)
    assert "2 confirmed it, 0 did not" in answer.output
    assert sent(stub)["number_from"] == "agency_website"


def test_another_lead_decides_on_exactly_the_addition_that_is_shown(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    context = canonical_json.dumps(
        {"request_id": FRQ, "content_sha256": SHA256, "to": ["exchange-d.example"]}
    ).decode()
    addition: dict[str, Any] = {
        "id": new_id("add"),
        "request_id": FRQ,
        "act_id": new_id("act"),
        "addition_status": "pending",
        "status": "active",
        "to": ["exchange-d.example"],
        "proposed_by": new_id("per"),
        "proposed_at": AT,
        "approve_by": UNTIL,
        "decision_context": context,
        "context_sha256": SHA256,
        "quorum": 1,
    }
    stub.answers("POST", f"{REQUEST}/partners", addition, status=201)
    assert "decide-addition" in shell("add-partners", FRQ, "exchange-d.example").output
    assert sent(stub)["to"] == ["exchange-d.example"]
    elsewhere = {**addition, "decision_context": context.replace(FRQ, new_id("frq"))}
    stub.answers("GET", f"{REQUEST}/partners", {"items": [elsewhere]})
    assert shell("decide-addition", FRQ, addition["id"], "yes", "--yes").exit_code == 8
    stub.forget("GET", f"{REQUEST}/partners")
    stub.answers("GET", f"{REQUEST}/partners", {"items": [addition]})
    stub.answers("POST", f"{REQUEST}/approvals", act_view(), status=201)
    done = shell("decide-addition", FRQ, addition["id"], "yes", "--yes")
    assert done.exit_code == 0
    assert context in done.output
    assert sent(stub)["context_sha256"] == sha256(context.encode()).hexdigest()
    assert shell("decide-addition", FRQ, new_id("add"), "no", "--yes").exit_code == 2


def test_the_clock_of_the_command_line_can_be_put_forward(
    shell: Shell, stub: StubCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.answers("GET", "/v1/holds/owed", {"items": []})
    monkeypatch.delenv("HOLDFAST_CLOCK_OFFSET_FILE", raising=False)
    assert "No answer is owed." in shell("owed").output
    monkeypatch.setenv("HOLDFAST_CLOCK_OFFSET_FILE", shell.write("offset", "864000"))
    shell("owed")
    before, after = (seen.token for seen in stub.seen)
    assert before is not None
    assert after is not None
    assert 864_000 <= after.iat - before.iat < 864_600


def test_support_is_raised_by_the_hash_of_its_document_and_told_in_words(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    file = shell.write("report.pdf", b"%PDF of the police")
    digest = sha256(b"%PDF of the police").hexdigest()
    given = {
        "id": new_id("sup"),
        "request_id": FRQ,
        "act_id": new_id("act"),
        "support": "police_report",
        "document_sha256": digest,
        "reference": "17/2026",
        "given_at": AT,
    }
    stub.answers("POST", f"{REQUEST}/support", given, status=201)
    words = ("police_report", "--document", str(file), "--reference", "17/2026")
    done = shell("support", FRQ, *words)
    assert "a police report" in done.output
    assert sent(stub) == {
        "content_sha256": SHA256,
        "support": "police_report",
        "document_sha256": digest,
        "reference": "17/2026",
    }
    assert shell("support", FRQ, "none", "--document", str(file)).exit_code == 2
    stub.answers("GET", f"{REQUEST}/support", {"items": [given], "next_cursor": None})
    assert all(word in shell("supports", FRQ).output for word in ("a police report", "17/2026"))


def test_an_indemnity_is_given_by_the_hash_of_its_document(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    file = shell.write("indemnity.pdf", b"%PDF of the lawyers")
    given = {
        "id": new_id("ind"),
        "request_id": FRQ,
        "act_id": new_id("act"),
        "to": None,
        "cap": {"usd": "250000"},
        "law": "EE",
        "until": UNTIL,
        "document_sha256": sha256(b"%PDF of the lawyers").hexdigest(),
        "given_at": AT,
    }
    stub.answers("POST", f"{REQUEST}/indemnities", given, status=201)
    words = ["--document", str(file), "--law", "EE", "--until", UNTIL]
    done = shell("indemnify", FRQ, *words, "--cap-usd", "250000")
    assert all(
        word in done.output for word in ("all partners asked", "USD 250,000.00", "2026-03-01")
    )
    body = sent(stub)
    assert (body["cap"]["usd"], body["law"], body["until"]) == ("250000", "EE", UNTIL)
    assert body["document_sha256"] == given["document_sha256"]
    asset = "eip155:1/slip44:60"
    assert shell("indemnify", FRQ, *words, "--cap", "5", asset).exit_code == 0
    for wrong in ([], ["--cap-usd", "1", "--cap", "5", asset]):
        assert shell("indemnify", FRQ, *words, *wrong).exit_code == 2
    stub.answers("GET", f"{REQUEST}/indemnities", {"items": [given], "next_cursor": None})
    assert all(word in shell("indemnities", FRQ).output for word in ("USD 250,000.00", "EE"))


def test_the_same_funds_are_marked_and_the_mark_is_taken_back(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    other = new_id("hld")
    view = {"id": new_id("act"), "request_id": FRQ, "status": "active", "hold": HOLD}
    stub.answers("POST", f"{REQUEST}/same-funds", {**view, "same_as": other}, status=201)
    assert other in shell("same-funds", FRQ, HOLD, "--same-as", other).output
    assert sent(stub) == {"content_sha256": SHA256, "hold": HOLD, "same_as": other}
    assert shell("same-funds", FRQ, HOLD, "--not").exit_code == 0
    assert sent(stub)["same_as"] is None
    for words in ([], ["--not", "--same-as", other]):
        assert shell("same-funds", FRQ, HOLD, *words).exit_code == 2


def test_the_list_of_questions_says_until_when_to_reply_and_what_is_late(
    shell: Shell, stub: StubCoordinator
) -> None:
    answer_request(stub)
    question: dict[str, Any] = {
        "id": new_id("inf"),
        "request_id": FRQ,
        "leg_id": new_id("leg"),
        "partner": "exchange-b.example",
        "act_id": new_id("act"),
        "asked_at": AT,
        "reply_by": UNTIL,
    }
    late, done = {**question, "late_at": UNTIL}, {**question, "answered_at": UNTIL}
    stub.answers("GET", f"{REQUEST}/info-requests", {"items": [question, late, done]})
    first, second, third = shell("questions", FRQ).output.splitlines()[1:]
    assert first.rstrip().endswith("2026-03-01 12:00 UTC")
    assert second.rstrip().endswith("2026-03-01 12:00 UTC (late)")
    assert "2026-03-01" not in third


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, ": answer by 2026-03-01 12:00 UTC"),
        ({"unanswered_at": UNTIL}, ": no full answer by 2026-03-01 12:00 UTC"),
        ({"clock_paused_at": AT}, ": its clock has been stopped since 2026-01-02 03:04 UTC"),
        (
            {"clock_paused_at": AT, "reply_by": UNTIL},
            " asked: reply by 2026-03-01 12:00 UTC; its clock waits",
        ),
        (
            {"clock_paused_at": AT, "reply_by": UNTIL, "reply_late_at": UNTIL},
            " asked: reply by 2026-03-01 12:00 UTC (late); its clock waits",
        ),
    ],
)
def test_a_request_is_shown_with_whose_clock_runs(
    shell: Shell, stub: StubCoordinator, members: dict[str, Any], words: str
) -> None:
    answer_request(stub)
    leg = leg_view(answer_by=UNTIL, **members)
    done = {**leg, "partner": "exchange-c.example", "answered_at": AT}
    stub.answers("GET", f"{REQUEST}/legs", {"items": [leg, done]})
    lines = shell("status", FRQ).output.splitlines()
    assert f"exchange-b.example{words}" in lines
    assert len(f"exchange-b.example{words}") <= 80
    assert sum(line.startswith("exchange-c.example") for line in lines) == 1


def test_a_task_is_taken_and_who_has_it_is_shown(shell: Shell, stub: StubCoordinator) -> None:
    answer_request(stub)
    task = Task(TaskKind.ANSWER, FRQ, new_id("leg"))
    shown: dict[str, Any] = {"id": task.id, "kind": "answer"}
    taken = {**shown, "taken_at": UNTIL, "taken_by": new_id("per")}
    stub.answers("GET", f"{REQUEST}/legs", {"items": [leg_view(tasks=[shown, taken])]})
    lines = shell("status", FRQ).output.splitlines()
    by = "answer by exchange-b.example"  # nobody's names can be read: ids do
    assert f"{by}: nobody has it yet" in lines
    assert f"  holdfast take {task.id}" in lines
    assert f"{by}: {taken['taken_by']} since 2026-03-01 12:00 UTC" in lines
    stub.answers("POST", f"/v1/tasks/{task.id}/taken", {**act_view(), "task": taken}, status=201)
    done = shell("take", task.id)
    assert done.exit_code == 0, done.output
    assert "2026-03-01 12:00 UTC" in done.output
    assert sent(stub) == {"content_sha256": SHA256}
    assert shell("take", "tsk_sleep").exit_code == 2
