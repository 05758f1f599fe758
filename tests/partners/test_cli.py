"""The command line, run as a partner's people run it, against a stand-in on a real socket."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from holdfast.profiles.key_requests import new_profile
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.type_ids import new_id
from tests.partners.shell import ACCOUNT, FILLED_IN, FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.signed_world import evidence_view, request_body
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.submitted import Submitted
from tests.partners.views import AT, SHA256, act_view, event_view, leg_view, request_view

# --- profiles, exit status, output -------------------------------------------------------------


def test_several_profiles_without_a_choice_exit_with_2(shell: Shell, analyst: Profile) -> None:
    del analyst
    assert (
        shell(
            "key", "new", "second", "--coordinator", "https://c.example", "--handle", "a.example"
        ).exit_code
        == 0
    )
    done = shell("status")
    assert done.exit_code == 2
    assert "--as NAME" in done.output


def test_as_and_json_are_taken_before_and_behind_the_command(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers(
        "GET", "/v1/people", {"items": [{"id": "per_1", "kind": "person", "roles": [], "kids": []}]}
    )
    for words in (["--as", "analyst", "--json", "people"], ["people", "--as", "analyst", "--json"]):
        done = shell(*words)
        assert done.exit_code == 0
        assert strict_json.loads(done.stdout.encode())["id"] == "per_1"
    assert shell("people", "--as", "nobody").exit_code == 2


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "unauthenticated", 3),
        (403, "not_allowed", 4),
        (404, "not_found", 4),
        (409, "invalid_transition", 5),
        (422, "invalid_input", 6),
        (429, "rate_limited", 7),
        (503, "unavailable", 7),
    ],
)
def test_the_exit_status_says_what_kind_of_refusal_it_was(  # noqa: PLR0913, PLR0917 - a table
    shell: Shell, analyst: Profile, stub: StubCoordinator, status: int, code: str, exit_code: int
) -> None:
    del analyst
    answer_request(stub)
    stub.answers("POST", f"{REQUEST}/acknowledgement", problem(status, code), status=status)
    done = shell("acknowledge", FRQ, "--json")
    assert done.exit_code == exit_code
    assert strict_json.loads(done.stderr.encode())["error"]["code"] == code
    assert done.stdout == ""


def test_nobody_listening_exits_with_7(shell: Shell, store: ProfileStore) -> None:
    store.save(
        new_profile(
            "p", coordinator="http://127.0.0.1:9", handle="exchange-a.example", kind="person"
        )
    )
    done = shell("status")
    assert done.exit_code == 7
    assert "could not connect" in done.output


def test_an_input_that_the_models_refuse_exits_with_6_and_sends_nothing(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub)
    done = shell("decline", FRQ, "--code", "other")
    assert done.exit_code == 6
    assert "\n  detail: other needs detail" in done.output
    assert {seen.method for seen in stub.seen} == {"GET"}


def test_text_of_others_is_neither_markup_nor_steers_the_terminal(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub, summary="[red]x[/red] \x1b[2Jgone")
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    done = shell("status", FRQ)
    assert "[red]x[/red]" in done.output
    assert "\x1b" not in done.output


# --- keys and membership -----------------------------------------------------------------------


def test_key_new_makes_a_profile_and_a_key_request_that_root_grants(
    shell: Shell, store: ProfileStore, stub: StubCoordinator
) -> None:
    root = new_profile("root", coordinator=stub.origin, handle="exchange-a.example", kind="root")
    stub.keys[root.key.kid] = root.key.public
    store.save(root)
    made = shell("key", "new", "bob", "--json")
    assert made.exit_code == 0, made.output
    subject = strict_json.loads(made.stdout.encode())["subject"]
    grant = {"id": "grt_1", "partner": root.handle, "subject": subject, "made_at": AT}
    stub.answers("POST", "/v1/grants", grant, status=201)
    granted = shell("--as", "root", "grant", "bob.key-request.json", "--role", "compliance")
    assert granted.exit_code == 0, granted.output
    assert sent(stub)["roles"] == ["compliance"]
    assert sent(stub)["subject"] == subject
    assert shell("--as", "bob", "grant", "bob.key-request.json").exit_code == 2
    assert shell("--as", "root", "grant", "bob.key-request.json").exit_code == 2  # no role
    assert shell("key", "new", "bob").exit_code == 2  # never overwritten


def test_a_key_request_of_another_partner_is_not_granted(
    shell: Shell, store: ProfileStore, stub: StubCoordinator
) -> None:
    root = new_profile("root", coordinator=stub.origin, handle="exchange-a.example", kind="root")
    store.save(root)
    words = ["key", "new", "eve", "--coordinator", stub.origin, "--handle", "exchange-e.example"]
    assert shell(*words).exit_code == 0
    done = shell("--as", "root", "grant", "eve.key-request.json", "--role", "analyst")
    assert done.exit_code == 6
    assert stub.seen == []


def test_a_system_needs_its_owner(shell: Shell, analyst: Profile) -> None:
    assert shell("key", "new", "bot", "--system").exit_code == 2
    assert shell("key", "new", "bot", "--owner", analyst.subject).exit_code == 2
    done = shell("key", "new", "bot", "--system", "--owner", analyst.subject, "--p256", "--json")
    assert done.exit_code == 0, done.output
    request = strict_json.loads(Path("bot.key-request.json").read_bytes())
    assert request["owner"] == analyst.subject
    assert request["jwk"]["crv"] == "P-256"


def test_pins_are_listed_set_and_removed_whatever_the_thumbprint_begins_with(
    shell: Shell, store: ProfileStore
) -> None:
    for thumbprint in ("-" * 43, "-h" + "x" * 41, "a" * 43):
        done = shell("pin", "exchange-b.example", thumbprint)
        assert (done.exit_code, f"root key {thumbprint}" in done.output) == (0, True)
        assert store.pins() == {"exchange-b.example": thumbprint}
    assert "a" * 43 in shell("pin").output
    assert "is pinned no longer" in shell("pin", "exchange-b.example", "--remove").output
    assert shell("pin", "exchange-b.example", "--remove").exit_code == 2
    assert shell("pin", "exchange-b.example", "short").exit_code == 2


# --- submitting --------------------------------------------------------------------------------


def test_draft_prints_a_request_that_submit_takes(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    file = shell.write("r.json", shell("draft", *FILLED_IN, *ACCOUNT).output)
    assert shell("submit", file, "--check").exit_code == 0
    template = shell.write("t.json", shell("draft", "--csv", *FILLED_IN).output)
    csv = shell.write("a.csv", "account\neip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D\n")
    assert shell("submit", csv, "--template", template, "--check").exit_code == 0
    assert shell("submit", csv, "--check").exit_code == 6
    assert stub.seen == []


def test_submit_names_all_faults_and_sends_nothing(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    template = shell.write("t.json", shell("draft", "--csv", *FILLED_IN).output)
    csv = shell.write("a.csv", "account,amount,asset\nx,1,eip155:1/slip44:60\neip155:1:0x1,-2,x\n")
    done = shell("submit", csv, "--template", template)
    assert done.exit_code == 6
    assert re.search(r"line 2: account", done.output)
    assert re.search(r"line 3: amount", done.output)
    assert re.search(r"line 3: asset", done.output)
    assert re.search(r"line 3: account", done.output)
    assert "4 faults; nothing was submitted" in done.output
    assert "the coordinator checks all of it again" in done.output
    assert stub.seen == []


def test_what_the_coordinator_refuses_is_shown_with_the_files_lines(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    fault = {"pointer": "/addresses/1/account", "detail": "the checksum is wrong"}
    refusal = problem(422, "invalid_addresses", errors=[fault])
    stub.answers("POST", "/v1/freeze-requests", refusal, status=422)
    template = shell.write("t.json", shell("draft", "--csv", *FILLED_IN).output)
    csv = shell.write("a.csv", f"account\n\neip155:1:0x{'1' * 40}\neip155:1:0x{'2' * 40}\n")
    done = shell("submit", csv, "--template", template)
    assert done.exit_code == 6
    assert "line 4: /addresses/1/account: the checksum is wrong" in done.output
    assert "1 fault; nothing was submitted" in done.output


def test_a_refused_query_is_shown_with_the_parameters_name(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    fault = {"parameter": "limit", "detail": "must be 1 to 1000", "code": "out_of_range"}
    whole = {"pointer": "", "detail": "is no object"}
    refusal = problem(422, "invalid_input", errors=[fault, whole])
    stub.answers("GET", "/v1/freeze-requests?box=received", refusal, status=422)
    done = shell("inbox", "--received")
    assert "  parameter limit: must be 1 to 1000" in done.output
    assert "  is no object" in done.output


def test_faults_that_the_coordinator_did_not_list_are_counted(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    fault = {"pointer": "/addresses/0/account", "detail": "the checksum is wrong"}
    refusal = problem(422, "invalid_addresses", errors=[fault], error_count=60_000)
    stub.answers("POST", "/v1/freeze-requests", refusal, status=422)
    done = shell("submit", shell.write("r.json", shell("draft", *FILLED_IN, *ACCOUNT).output))
    assert "60000 faults; nothing was submitted" in done.output
    assert "and 59999 more" in done.output


def test_a_submission_whose_fate_is_unknown_can_be_repeated_without_a_second_request(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("POST", "/v1/freeze-requests", status=0)
    file = shell.write("r.json", shell("draft", *FILLED_IN, *ACCOUNT).output)
    failed = shell("submit", file)
    assert failed.exit_code == 7
    assert "r.pending.json" in failed.output.replace("\n", "")
    first = stub.seen[-1]
    stub.forget("POST", "/v1/freeze-requests")
    stub.answers("POST", "/v1/freeze-requests", request_view(status="submitted"), status=201)
    assert shell("submit", "r.pending.json").exit_code == 0
    again = [seen for seen in stub.seen if seen.method == "POST"][-1]
    assert again.body == first.body
    assert again.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]


def test_what_may_have_been_sent_is_kept_for_its_owner_and_beside_others(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("POST", "/v1/freeze-requests", status=0)
    for _ in range(2):
        file = shell.write("r.json", shell("draft", *FILLED_IN, *ACCOUNT).output)
        assert shell("submit", file).exit_code == 7
    kept = sorted(shell.folder.glob("r*.pending.json"))
    assert {path.read_bytes() for path in kept} == {each.body for each in stub.seen if each.body}
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600, 0o600]


# --- approving and verifying -------------------------------------------------------------------


def test_approve_shows_the_signed_words_and_signs_the_context_shown(
    shell: Shell, submitted: Submitted
) -> None:
    submitted.answer(summary="What the coordinator claims.", approve_by="2026-11-23T12:00:00Z")
    done = shell("approve", FRQ, "--comment", "seen", typed="y\n")
    assert done.exit_code == 0, done.output
    assert "2026-11-23 12:00 UTC" in done.stdout
    assert "Signed." in done.stdout
    assert "What the coordinator claims." not in done.output
    assert submitted.context in done.stdout.replace("\n", "")
    assert sent(submitted.stub) == {
        "content_sha256": submitted.content_sha256,
        "decision": "approve",
        "context_sha256": sha256(submitted.context.encode()).hexdigest(),
        "comment": "seen",
    }


def test_what_waits_for_no_decision_is_said_before_anything_is_shown(
    shell: Shell, submitted: Submitted
) -> None:
    submitted.answer(status="active", decided_at="2026-11-23T12:00:00Z")
    for words in (["approve", FRQ], ["reject", FRQ, "--comment", "no"]):
        done = shell(*words)
        assert done.exit_code == 5
        assert "is active (decided 2026-11-23 12:00 UTC): it waits for no decision" in done.output
        assert "You sign" not in done.output


def test_who_has_decided_is_told_so(shell: Shell, submitted: Submitted) -> None:
    approval = {
        "id": "act_1",
        "decision": "approve",
        "person": submitted.lead.subject,
        "kid": "k",
        "at": "2026-11-23T12:00:00Z",
        "context_sha256": "0" * 64,
    }
    submitted.answer(approvals=[approval])
    done = shell("approve", FRQ)
    assert (done.exit_code, "you decided on" in done.output) == (5, True)


def test_approve_sends_nothing_when_the_lead_says_no(shell: Shell, submitted: Submitted) -> None:
    submitted.answer()
    assert shell("approve", FRQ, typed="n\n").exit_code == 1
    assert {seen.method for seen in submitted.stub.seen} == {"GET"}


@pytest.mark.parametrize(
    "members",
    [
        {"context_sha256": SHA256},
        {"content_sha256": SHA256},
        {"decision_context": None},
        {"decision_context": "{}"},
        {"decision_context": "no json"},
    ],
)
def test_approve_refuses_a_context_that_does_not_fit(
    shell: Shell, submitted: Submitted, members: dict[str, Any]
) -> None:
    submitted.answer(**members)
    assert shell("approve", FRQ, "--yes").exit_code == 8
    assert {seen.method for seen in submitted.stub.seen} == {"GET"}


def test_approve_refuses_a_context_that_asks_other_partners_than_the_submitter_did(
    shell: Shell, submitted: Submitted
) -> None:
    submitted.context = submitted.context.replace("exchange-b", "exchange-x")
    submitted.answer()
    assert shell("approve", FRQ, "--yes").exit_code == 8
    assert {seen.method for seen in submitted.stub.seen} == {"GET"}


@pytest.mark.parametrize("signed", [True, False])
def test_approve_refuses_a_drill_that_is_shown_as_real_and_the_other_way_round(
    shell: Shell,
    submitted: Submitted,
    signed: bool,  # noqa: FBT001
) -> None:
    submitted.sign_again(request_body(drill=signed))
    submitted.answer(drill=not signed)
    done = shell("approve", FRQ, "--yes")
    assert done.exit_code == 8, done.output
    assert "shown otherwise" in " ".join(done.output.split())


def test_approve_refuses_a_submission_that_is_not_proven(
    shell: Shell, submitted: Submitted
) -> None:
    submitted.answer()
    view = evidence_view("submit", submitted.signed, submitted.submitter)
    forged = view.model_copy(update={"body": (view.body or "").replace("Signed.", "Forged.")})
    submitted.answer_evidence(forged)
    assert shell("approve", FRQ, "--yes").exit_code == 8
    assert {seen.method for seen in submitted.stub.seen} == {"GET"}


def test_every_warning_needs_its_reason(shell: Shell, submitted: Submitted) -> None:
    warning = {"code": "no_checksum", "address_nos": [0], "detail": "no EIP-55"}
    submitted.answer(warnings=[warning])
    assert shell("approve", FRQ, "--yes").exit_code == 2
    assert shell("approve", FRQ, "--yes", "--accept", "no_checksum").exit_code == 2
    assert {seen.method for seen in submitted.stub.seen} == {"GET"}
    assert shell("approve", FRQ, "--yes", "--accept", "no_checksum=As published").exit_code == 0
    assert sent(submitted.stub)["warnings_accepted"] == [
        {"code": "no_checksum", "address_nos": [0], "reason": "As published"}
    ]
    assert shell("approve", FRQ, typed="Checked twice\ny\n").exit_code == 0
    assert sent(submitted.stub)["warnings_accepted"][0]["reason"] == "Checked twice"


def test_a_warning_about_other_requests_is_shown_and_never_sent(
    shell: Shell, submitted: Submitted
) -> None:
    other = "frq_01h455vb4pex5vsknk084sn02q"
    detail = f"flagged already by a live request ({other})"
    duplicate = {"code": "duplicate", "address_nos": [0], "detail": detail, "requests": [other]}
    submitted.answer(warnings=[duplicate])
    for accepted in ((), ("--accept", "duplicate=A second hop")):
        shown = shell("approve", FRQ, "--yes", *accepted)
        assert shown.exit_code == 0
        assert other in shown.stdout.replace("\n", "")
        assert sent(submitted.stub).get("warnings_accepted", []) == []


def test_approve_leaves_addresses_out_and_signs_the_hash_of_what_goes_out(
    shell: Shell, submitted: Submitted
) -> None:
    accounts = [f"eip155:1:0x{number:040x}" for number in range(3)]
    body = request_body(addresses=[{"account": account} for account in accounts])
    submitted.sign_again(body)
    warning = {"code": "no_checksum", "address_nos": [1], "detail": "no EIP-55"}
    submitted.answer(warnings=[warning])
    done = shell("approve", FRQ, "--except", "1", "--yes")
    assert done.exit_code == 0, done.output
    left, going = done.stdout.split("Going out:")
    assert (accounts[1] in left, accounts[1] in going) == (True, False)
    assert all(account in going for account in (accounts[0], accounts[2]))
    document = strict_json.loads(submitted.signed.body)
    cut = {name: value for name, value in document.items() if name != "nonce"}
    cut["addresses"][1] = None
    assert sent(submitted.stub) == {
        "content_sha256": submitted.content_sha256,
        "decision": "approve",
        "context_sha256": sha256(submitted.context.encode()).hexdigest(),
        "except": [1],
        "remainder_sha256": sha256(canonical_json.dumps(cut)).hexdigest(),
    }


@pytest.mark.parametrize(("left_out", "words"), [([3, 7], "3, 7"), ([], "none")])
def test_whoever_joins_an_approval_is_shown_what_it_leaves_out(
    shell: Shell, submitted: Submitted, left_out: list[int], words: str
) -> None:
    approval = {
        "id": "act_1",
        "decision": "approve",
        "person": new_id("per"),
        "kid": "k",
        "at": "2026-11-23T12:00:00Z",
        "context_sha256": "0" * 64,
        "left_out": left_out,
    }
    submitted.answer(approvals=[approval])
    [line] = [x for x in shell("approve", FRQ, "--yes").stdout.splitlines() if "left out so" in x]
    assert line.strip().endswith(f" {words}")


def test_the_gravest_warnings_are_accepted_for_each_address_by_itself(
    shell: Shell, submitted: Submitted
) -> None:
    warning = {"code": "service_wallet", "address_nos": [0, 4], "detail": "Kraken"}
    submitted.answer(warnings=[warning])
    words = ["approve", FRQ, "--yes", "--accept", "service_wallet:0=A deposit address"]
    assert shell(*words[:3]).exit_code == 2
    assert shell(*words).exit_code == 2
    assert shell(*words, "--accept", "service_wallet:4=The same").exit_code == 0
    expected = [
        {"code": "service_wallet", "address_nos": [0], "reason": "A deposit address"},
        {"code": "service_wallet", "address_nos": [4], "reason": "The same"},
    ]
    assert sent(submitted.stub)["warnings_accepted"] == expected
    assert shell("approve", FRQ, typed="A deposit address\nThe same\ny\n").exit_code == 0
    assert sent(submitted.stub)["warnings_accepted"] == expected


def test_reject_sends_the_decision_with_its_comment(shell: Shell, submitted: Submitted) -> None:
    submitted.answer()
    assert shell("reject", FRQ, "--comment", "wrong chain").exit_code == 0
    assert sent(submitted.stub)["decision"] == "reject"


# --- the asked side ----------------------------------------------------------------------------


def report_view() -> dict[str, Any]:
    return {"id": "rep_1", "request_id": FRQ, "leg": leg_view(status="frozen"), "lines": []}


def test_report_builds_its_lines_from_options(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub, hold_hours=48)
    stub.answers("POST", f"{REQUEST}/freeze-reports", report_view(), status=201)
    eth = "eip155:1/slip44:60"
    hold = new_id("hld")
    words = ["--found", "3", eth, "10", "--frozen", "3", eth, "withheld", "--nothing", "no_match"]
    words += ["--released", hold, "1", "false_positive", "--returned", hold, "2", "0xabc"]
    words += ["--return-reason", "court_order"]
    done = shell("report", FRQ, *words)
    assert done.exit_code == 0, done.output
    found, frozen, released, returned, nothing = sent(stub)["lines"]
    assert found == {"kind": "found", "address_no": 3, "asset": eth, "amount": "10"}
    assert frozen["amount"] is None
    assert frozen["frozen_at"] < frozen["hold_expires_at"]
    assert released["reason"] == "false_positive"
    assert (returned["tx"], returned["reason"]) == ("0xabc", "court_order")
    assert nothing == {"kind": "nothing", "address_nos": "rest", "code": "no_match"}


ISSUER = {
    "review-at": "2026-03-05T11:00:00Z",
    "effective-tx": "0x" + "cd" * 32,
    "effective-at": "2026-03-02T11:51:30Z",
}
PROPOSED = {"proposed-tx": "0x" + "ab" * 32, "proposed-at": "2026-03-02T11:10:00Z"}


def _options(terms: dict[str, str]) -> list[str]:
    return [word for name, value in terms.items() for word in (f"--{name}", value)]


@pytest.mark.parametrize("terms", [ISSUER, ISSUER | PROPOSED])
def test_an_issuer_reports_its_transactions_and_a_review_date(
    shell: Shell, analyst: Profile, stub: StubCoordinator, terms: dict[str, str]
) -> None:
    del analyst
    answer_request(stub, hold_hours=48)
    stub.answers("POST", f"{REQUEST}/freeze-reports", report_view(), status=201)
    eth = "eip155:1/slip44:60"
    words = ["--found", "3", eth, "10", "--frozen", "3", eth, "10", *_options(terms)]
    done = shell("report", FRQ, *words)
    assert done.exit_code == 0, done.output
    _, frozen = sent(stub)["lines"]
    told = {name.replace("-", "_"): value for name, value in terms.items()}
    line = {"kind": "frozen", "address_no": 3, "asset": eth, "amount": "10", "basis": "voluntary"}
    assert frozen == line | told


@pytest.mark.parametrize(
    ("half", "said"),
    [
        (({"review-at": ISSUER["review-at"]}, []), "needs --effective-tx, --effective-at, too"),
        ((ISSUER | {"proposed-tx": "0xab"}, []), "needs --proposed-at, too"),
        ((ISSUER, ["--hours", "5"]), "take no --hours"),
        ((ISSUER, ["--frozen-at", ISSUER["effective-at"]]), "take no --hours, --frozen-at"),
        ((ISSUER, ["--until", ISSUER["review-at"]]), "take no --hours, --frozen-at or --until"),
    ],
)
def test_half_an_issuer_s_freeze_is_refused_with_what_is_missing(
    shell: Shell,
    analyst: Profile,
    stub: StubCoordinator,
    half: tuple[dict[str, str], list[str]],
    said: str,
) -> None:
    del analyst
    terms, more = half
    answer_request(stub)
    eth = "eip155:1/slip44:60"
    done = shell("report", FRQ, "--frozen", "3", eth, "10", *_options(terms), *more)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--found", "x", "eip155:1/slip44:60", "1"],
        ["--released", "hld_1", "1", "because"],
        ["--nothing", "no_match", "--return-reason", "court_order"],
        ["--frozen", "0", "eip155:1/slip44:60", "1", "--hours", "0"],
        ["--frozen", "0", "eip155:1/slip44:60", "1", "--hours", "99999999999999"],
    ],
)
def test_report_says_what_is_missing_or_wrong(
    shell: Shell, analyst: Profile, stub: StubCoordinator, words: list[str]
) -> None:
    del analyst
    answer_request(stub)
    assert shell("report", FRQ, *words).exit_code == 2


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("1.5", "write it with its unit, e.g. 1.5 ETH"),
        ("-1", "has no sign"),
        ("1e18", "has an exponent"),
        ("007", "begins with a zero"),
        ("1 BTC", "eip155:1/slip44:60 is ETH"),
    ],
)
def test_report_says_in_words_what_an_amount_is(
    shell: Shell, analyst: Profile, stub: StubCoordinator, amount: str, said: str
) -> None:
    del analyst
    answer_request(stub)
    done = shell("report", FRQ, "--found", "0", "eip155:1/slip44:60", amount)
    assert done.exit_code == 6
    assert said in done.output


def test_report_names_the_kinds_that_a_line_may_have(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub)
    done = shell("report", FRQ, shell.write("bad.json", b'[{"kind": "x"}]'))
    assert "'found', 'frozen', 'released'" in done.output


@pytest.mark.parametrize("name", ["", "frq_1", "../../healthz", "{id}/legs", "{id}\n"])
def test_what_is_no_requests_id_becomes_part_of_no_path(
    shell: Shell, analyst: Profile, stub: StubCoordinator, name: str
) -> None:
    del analyst
    for command in (["status"], ["verify"], ["acknowledge"], ["holds"], ["close"]):
        done = shell(*command, name.format(id=FRQ))
        assert (done.exit_code, "is no request's id" in done.output) == (2, True)
    assert stub.seen == []


def test_report_takes_a_file_of_lines_and_names_what_is_wrong_with_it(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub)
    stub.answers("POST", f"{REQUEST}/freeze-reports", report_view(), status=201)
    good = shell.write("lines.json", b'[{"kind": "nothing", "address_nos": [1, 2]}]')
    assert shell("report", FRQ, good).exit_code == 0
    for content in (b"{", b"3", b'[{"kind": "found", "address_no": -1}]', b'[{"kind": "x"}]'):
        assert shell("report", FRQ, shell.write("bad.json", content)).exit_code == 6


def test_decline_names_where_the_funds_went(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub)
    stub.answers("POST", f"{REQUEST}/decline", act_view(), status=201)
    assert shell("decline", FRQ, "--code", "moved_on").exit_code == 6
    done = shell("decline", FRQ, "--code", "moved_on", "--next-service", "a bridge")
    assert done.exit_code == 0
    assert sent(stub)["next"] == {"service": "a bridge"}
    when = ["--left-at", "2026-03-01T12:00:00Z"]
    assert shell("decline", FRQ, "--code", "left_after_notice").exit_code == 6
    assert shell("decline", FRQ, "--code", "left_after_notice", *when).exit_code == 0
    assert sent(stub)["left_at"] == when[1]


def test_inbox_lists_what_others_ask_and_what_waits_for_approval(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    row = {
        "id": FRQ,
        "status": "active",
        "requester": "exchange-z.example",
        "urgency": "flash",
        "submitted_at": AT,
        "incident_id": "inc_1",
        "incident_title": "Theft",
        "address_count": 51,
        "partners_asked": 3,
        "leg_status": "delivered",
    }
    stub.answers("GET", "/v1/freeze-requests?box=received", {"items": [row]})
    done = shell("inbox", "--received")
    assert "exchange-z.example" in done.output
    assert "delivered" in done.output


def test_inbox_lists_all_that_waits_for_a_lead_with_the_command_that_decides_it(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    box, proposed = "/v1/freeze-requests?box=to_approve", "/v1/grants?status=pending"
    stub.answers("GET", box, {"items": []})
    stub.answers("GET", proposed, {"items": []})
    assert "Nothing waits" in shell("inbox", "--to-approve").output
    addition = {
        "id": "add_1",
        "context_sha256": "0" * 64,
        "partner_count": 1,
        "proposed_by": "per_1",
        "proposed_at": AT,
        "decide_by": AT,
    }
    row = {
        "id": FRQ,
        "status": "active",
        "requester": "exchange-a.example",
        "urgency": "flash",
        "submitted_at": AT,
        "incident_id": "inc_1",
        "incident_title": "Theft",
        "address_count": 1,
        "partners_asked": 3,
        "provisional": True,
        "decide_by": AT,
        "additions": [addition],
    }
    stub.forget("GET", box)
    stub.answers("GET", box, {"items": [row]})
    shown = shell("inbox", "--to-approve").output
    assert "ratify 1 address " in shown
    assert f"holdfast approve {FRQ}" in shown
    assert "ask 1 more partner " in shown
    assert f"holdfast decide-addition {FRQ} add_1 yes" in shown
    assert strict_json.loads(shell("inbox", "--to-approve", "--json").stdout.encode())["id"] == FRQ
    stub.forget("GET", proposed)
    stub.answers("GET", proposed, problem(403, "not_allowed"), status=403)
    assert "this profile is none" in shell("inbox", "--to-approve").output


def test_events_are_read_to_the_end_and_no_further(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    page = {"events": [event_view(1)], "next_after": 1, "has_more": True}
    stub.answers("GET", "/v1/events?after=0", page)
    last = {"events": [event_view(2)], "next_after": 2, "has_more": False}
    stub.answers("GET", "/v1/events?after=1", last)
    lines = shell("events", "--json").stdout.splitlines()
    assert [strict_json.loads(line.encode())["seq"] for line in lines] == [1, 2]
    assert "leg.acknowledged" in shell("events").output


def test_an_endpoints_secret_is_printed_once(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    view = {"id": "wep_1", "url": "https://a.example/h", "enabled": True, "created_at": AT}
    stub.answers("POST", "/v1/webhook-endpoints", {**view, "secret": "whsec_x"}, status=201)
    stub.answers("GET", "/v1/webhook-endpoints", {"items": [view]})
    assert "whsec_x" in shell("endpoint", "add", "https://a.example/h").output
    assert "whsec_" not in shell("endpoint", "list").output
