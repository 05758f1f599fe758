"""Joining and looking around from the command line: what people read, and what scripts read."""

from dataclasses import replace
from typing import Any

import pytest

from holdfast.client.client import Client
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.views import EventPage
from holdfast.protocol.vocabulary import Role
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.stub_coordinator import StubCoordinator, problem
from tests.partners.views import AT, act_view, event_view, leg_view

ETH = "eip155:1/slip44:60"
TOTALS = {ETH: {"found": "9", "frozen": "7", "held": "5", "released": "2", "withheld": 1}}


def service_of(origin: str) -> dict[str, Any]:
    return {
        "name": "Holdfast",
        "version": "1",
        "origin": origin,
        "time": AT,
        "max_token_seconds": 120,
        "skew_seconds": 30,
        "docs": f"{origin}/docs",
    }


def test_join_binds_no_key_to_another_name_of_a_coordinator(
    shell: Shell, store: ProfileStore, stub: StubCoordinator
) -> None:
    stub.answers("GET", "/v1", service_of("https://coordinator.example"))
    words = ["join", "--coordinator", stub.origin, "--handle", "exchange-a.example"]
    done = shell(*words, "--invitation", "i" * 24)
    assert done.exit_code == 2
    assert "--coordinator https://coordinator.example" in done.output
    assert ([seen.method for seen in stub.seen], store.names()) == (["GET"], [])


def test_join_makes_every_key_and_prints_the_thumbprint_to_compare(
    shell: Shell, store: ProfileStore, stub: StubCoordinator
) -> None:
    answer = {
        "handle": "exchange-a.example",
        "status": "pending",
        "root_kid": "k" * 43,
        "grants": [],
    }
    stub.answers("GET", "/v1", service_of(stub.origin))
    stub.answers("POST", "/v1/join", answer, status=201)
    words = ["join", "--coordinator", stub.origin, "--handle", "exchange-a.example"]
    words += ["--invitation", "i" * 24, "--lead", "ann", "--compliance", "cem", "--analyst", "ada"]
    done = shell(*words, "--system", "bot", "--systems-as-compliance")
    assert done.exit_code == 0, done.output
    assert "k" * 43 in done.output
    assert store.names() == ["ada", "ann", "bot", "cem", "root"]
    grants = sent(stub)["grants"]
    roles = [grant["roles"] for grant in grants if "subject" in grant]
    assert roles == [["security_lead"], ["compliance"], ["analyst"], ["system"]]
    assert grants[3]["owner"] == grants[0]["subject"]
    assert grants[4]["policy"]["systems_as_compliance"] == [grants[3]["subject"]]
    assert shell(*words, "--lead", "ada").exit_code == 2  # one profile, one person


def test_status_shows_every_leg_with_its_sums_and_the_ledger_on_demand(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub, totals=TOTALS, quorum=1)
    legs = [
        leg_view(status="partially_frozen", totals=TOTALS, flags=["overdue"]),
        leg_view(partner="exchange-c.example", status="declined", decline_code="funds_gone"),
    ]
    stub.answers("GET", f"{REQUEST}/legs", {"items": legs})
    line = {
        "id": new_id("lin"),
        "report_id": "rep_1",
        "leg_id": legs[0]["id"],
        "partner": "exchange-b.example",
        "kind": "frozen",
        "address_no": 3,
        "asset": ETH,
        "amount": "7",
        "hold": "hld_the_one",
        "reported_at": AT,
    }
    mended = {**line, "id": new_id("lin"), "kind": "correction", "corrects": line["id"]}
    mended["shared"] = True
    stub.answers("GET", f"{REQUEST}/ledger", {"items": [line, mended]})
    shown = shell("status", FRQ).output
    assert "partially_frozen [overdue]" in shown
    assert "declined (funds_gone)" in shown
    assert "7 + 1 withheld" in shown
    assert "hld_the_one" not in shown
    assert "hld_the_one" in shell("status", FRQ, "--ledger").output
    assert f"correction of {line['id']} (shared)" in shell("status", FRQ, "--ledger").output
    document = strict_json.loads(shell("status", FRQ, "--ledger", "--json").stdout.encode())
    assert [leg["status"] for leg in document["legs"]] == ["partially_frozen", "declined"]
    assert document["ledger"][0]["hold"] == "hld_the_one"


_UNTIL = "2026-05-06T07:08:09Z"
_SUBMITTED = {"status": "submitted", "approve_by": _UNTIL}
_PROVISIONAL = {"provisional": True, "approve_by": AT, "ratify_by": _UNTIL}
_OWN = {"decision_context": "{}"}


@pytest.mark.parametrize(
    ("members", "deadline", "steps"),
    [
        ({**_SUBMITTED, **_OWN}, "approve by 2026-05-06 07:08 UTC", 1),
        ({**_PROVISIONAL, **_OWN}, "ratify by 2026-05-06 07:08 UTC", 1),
        # A partner asked reads the deadline, and cannot decide.
        (_PROVISIONAL, "ratify by 2026-05-06 07:08 UTC", 0),
        ({"approve_by": _UNTIL, "ratify_by": _UNTIL, **_OWN}, "", 0),
    ],
)
@pytest.mark.usefixtures("analyst")
def test_status_says_until_when_a_lead_decides_and_how(
    shell: Shell, stub: StubCoordinator, members: dict[str, Any], deadline: str, steps: int
) -> None:
    stub.answers("GET", f"{REQUEST}/legs", {"items": [leg_view()]})
    answer_request(stub, **members)
    output = shell("status", FRQ).output
    assert deadline in " ".join(output.split())
    assert ("07:08 UTC" in output) is bool(deadline)
    assert output.count(f"holdfast approve {FRQ}") == steps


def test_status_shows_how_many_addresses_were_withdrawn_and_on_demand_which_and_why(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("GET", f"{REQUEST}/legs", {"items": []})
    answer_request(stub, address_count=51, withdrawn_count=1)
    flagged = {"address_no": 0, "account": "eip155:1:0x51", "canonical": "eip155:1:0x51"}
    taken = {
        "withdrawn_at": AT,
        "withdrawn_reason": "innocent",
        "withdrawn_reason_code": "wrong_target",
    }
    items = [{**flagged, **taken}, {**flagged, "address_no": 1}]
    stub.answers("GET", f"{REQUEST}/addresses", {"items": items})
    output = shell("status", FRQ).output
    assert "51 (1 withdrawn)" in output
    assert "innocent" not in output
    output = shell("status", FRQ, "--addresses").output
    assert "wrong_target: innocent" in " ".join(output.split())
    assert "2026-01-02 03:04" in output
    document = strict_json.loads(shell("status", FRQ, "--addresses", "--json").stdout.encode())
    assert [x["withdrawn_reason"] for x in document["addresses"]] == ["innocent", None]


def test_status_without_an_id_lists_what_was_sent(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    stub.answers("GET", "/v1/freeze-requests?box=sent", {"items": []})
    assert "sent no request" in shell("status").output
    assert shell("status", "--json").stdout == ""


def test_withdraw_and_close_name_the_document_and_the_addresses(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub, content_sha256="cd" * 32)
    stub.answers("POST", f"{REQUEST}/withdrawal", act_view(status="withdrawn"), status=201)
    stub.answers("POST", f"{REQUEST}/closure", act_view(status="closed"), status=201)
    because = ("--reason-code", "wrong_target", "--reason", "mistake")
    assert shell("withdraw", FRQ, *because[:2]).exit_code == 2  # no reason
    assert shell("withdraw", FRQ, *because[2:]).exit_code == 2  # no code
    not_ratified = ("--reason-code", "not_ratified", "--reason", "mistake")
    assert shell("withdraw", FRQ, *not_ratified).exit_code == 2
    assert shell("withdraw", FRQ, *because).exit_code == 0
    assert sent(stub) == {
        "content_sha256": "cd" * 32,
        "addresses": "all",
        "reason_code": "wrong_target",
        "reason": "mistake",
    }
    assert shell("withdraw", FRQ, *because, "--address", "3", "--address", "0").exit_code == 0
    assert sent(stub)["addresses"] == [3, 0]
    closed = shell("close", FRQ, "--json")
    assert strict_json.loads(closed.stdout.encode())["status"] == "closed"


def test_erasing_names_the_document_and_the_reason_and_asks_first(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    answer_request(stub, content_sha256="cd" * 32, status="closed")
    stub.answers("POST", f"{REQUEST}/erasure", act_view(status="closed"), status=201)
    assert shell("erase", FRQ, "--yes").exit_code == 4  # no reason, and none is proposed
    proposed = {"id": "ers_1", "request_id": FRQ, "reason": "other", "proposed_at": AT}
    stub.answers("GET", f"{REQUEST}/erasure", proposed)
    told = shell("erase", FRQ, typed="n\n")
    assert (told.exit_code, "other" in told.output) == (1, True)
    assert shell("erase", FRQ, "--reason", "because").exit_code == 2
    assert shell("erase", FRQ, "--reason", "other", typed="n\n").exit_code == 1
    assert not [each for each in stub.seen if each.method == "POST"]
    assert shell("erase", FRQ, "--reason", "other", "--yes").exit_code == 0
    assert sent(stub) == {"content_sha256": "cd" * 32, "reason": "other"}


def test_what_is_erased_is_told_from_what_is_not_there(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    gone = problem(410, "erased", detail="what this request said was erased")
    stub.answers("GET", REQUEST, gone, status=410)
    refused = shell("status", FRQ)
    assert refused.exit_code == 4
    assert "was erased" in refused.stderr


def test_partners_says_aloud_when_another_root_key_is_pinned(
    shell: Shell, analyst: Profile, stub: StubCoordinator, store: ProfileStore
) -> None:
    del analyst
    member = {"name": "B", "kind": "exchange", "status": "active"}
    items = [
        {**member, "handle": "exchange-b.example", "root_kid": "b" * 43},
        {**member, "handle": "exchange-c.example", "root_kid": "c" * 43},
    ]
    stub.answers("GET", "/v1/partners", {"items": items})
    store.pin("exchange-b.example", "b" * 43)
    assert "ANOTHER" not in shell("partners").output
    store.pin("exchange-c.example", "d" * 43)
    (line,) = (row for row in shell("partners").output.splitlines() if "ANOTHER" in row)
    assert line.startswith("exchange-c.example")


def test_partners_tells_by_which_clocks_each_answers(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    in_time = {"flash": {"minutes": 15}, "urgent": {"minutes": 120}, "routine": {"working_days": 5}}
    clocks = {
        "profile": "office_hours",
        "acknowledge_within": in_time,
        "answer_within": in_time,
        "reply_within": {**in_time, "urgent": {"minutes": 10_080}, "routine": {"minutes": 90}},
        "answer_on_order_within": {"minutes": 2_880},
    }
    member = {"handle": "exchange-b.example", "name": "B", "kind": "exchange", "status": "active"}
    stub.answers("GET", "/v1/partners", {"items": [{**member, "clocks": clocks}, member]})
    first, *_ = shell("partners", "--clocks").stdout.splitlines()[1:]
    assert first.split("  ")[0] == "exchange-b.example"
    assert "office_hours" in first
    assert first.count("15 min / 2 h / 5 working days") == 2
    assert "15 min / 7 days / 90 min" in first
    assert first.endswith("  48 h")


def test_key_list_shows_profiles_and_never_a_private_key(
    shell: Shell, analyst: Profile, store: ProfileStore
) -> None:
    shown = shell("key", "list")
    assert analyst.key.kid in shown.output
    assert "PRIVATE" not in shown.output
    (row,) = shell("key", "list", "--json").stdout.splitlines()
    assert strict_json.loads(row.encode())["subject"] == analyst.subject
    (store.home / "profiles" / "analyst" / "profile.json").unlink()
    assert "No profiles yet" in shell("key", "list").output


def test_revoke_tells_a_key_from_a_subject(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    view = {"id": "rev_1", "kids": ["k" * 43], "revoked_at": AT}
    stub.answers("POST", "/v1/revocations", view, status=201)
    assert shell("revoke", analyst.subject, "--reason", "left").exit_code == 0
    assert sent(stub) == {"subject": analyst.subject, "reason": "left"}
    assert shell("revoke", "-" * 43).exit_code == 0
    assert sent(stub) == {"kid": "-" * 43}
    assert shell("revoke", "short").exit_code == 6


IN_FORCE = {
    "approval_quorum": 2,
    "withdrawal_quorum": 1,
    "may_flash": [new_id("per")],
    "systems_as_compliance": [new_id("sys")],
    "provisional": "hold_back",
    "may_ask_all": False,
    "cannot_say": "none",
    "clocks": "default",
}


def _answer_policy(stub: StubCoordinator, profile: Profile) -> None:
    member = {"handle": profile.handle, "name": "A", "kind": "exchange", "status": "active"}
    stub.answers("GET", "/v1/partners/me", {**member, "policy": IN_FORCE})
    view = {"id": "grt_1", "partner": profile.handle, "made_at": AT}
    stub.answers("POST", "/v1/grants", view, status=201)


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["--withdrawal-quorum", "2"], {"withdrawal_quorum": 2}),
        (["--approval-quorum", "1"], {"approval_quorum": 1}),
        (["--may-ask-all"], {"may_ask_all": True}),
        (["--clocks", "office_hours"], {"clocks": "office_hours"}),
        (["--cannot-say", "private_requesters"], {"cannot_say": "private_requesters"}),
        (["--provisional", "notify"], {"provisional": "notify"}),
        (["--may-flash", "nobody"], {"may_flash": []}),
        (["--system-as-compliance", "nobody"], {"systems_as_compliance": []}),
    ],
)
def test_policy_changes_only_what_is_named(
    shell: Shell,
    analyst: Profile,
    stub: StubCoordinator,
    words: list[str],
    changed: dict[str, object],
) -> None:
    _answer_policy(stub, analyst)
    done = shell("policy", *words)
    assert done.exit_code == 0, done.output
    assert sent(stub)["policy"] == IN_FORCE | changed


def test_policy_without_a_change_or_with_one_that_is_none_sends_nothing(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    _answer_policy(stub, analyst)
    for words in ([], ["--withdrawal-quorum", "3"], ["--approval-quorum", "0"]):
        assert shell("policy", *words).exit_code == 2
    assert {seen.method for seen in stub.seen} <= {"GET"}


def test_the_root_key_has_another_profile_read_the_policy_in_force(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    root = replace(analyst, name="root", subject=analyst.handle, kind="root", owner=None)
    root = replace(root, key=PrivateKey.generate())
    shell.store.save(root)
    stub.keys[root.key.kid] = root.key.public
    _answer_policy(stub, analyst)
    done = shell("--as", "root", "policy", "--withdrawal-quorum", "2")
    assert done.exit_code == 0, done.output
    readers = {seen.token.sub for seen in stub.seen if seen.method == "GET" and seen.token}
    assert readers == {analyst.subject}
    assert sent(stub)["policy"] == IN_FORCE | {"withdrawal_quorum": 2}


def test_the_policy_in_force_is_shown_and_nothing_is_sent(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    in_force = {"approval_quorum": 2, "may_flash": [], "may_ask_all": False}
    member = {"handle": analyst.handle, "name": "A", "kind": "exchange", "status": "active"}
    stub.answers("GET", "/v1/partners/me", {**member, "policy": in_force})
    done = shell("policy", "--show")
    assert [line.split() for line in done.output.splitlines()] == [
        ["approval_quorum", "2"],
        ["may_ask_all", "no"],
        ["may_flash", "nobody"],
    ]
    assert {seen.method for seen in stub.seen} == {"GET"}


def test_people_are_listed_with_their_roles(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    row = {"id": "per_1", "kind": "person", "roles": [Role.ANALYST.value], "kids": ["k" * 43]}
    stub.answers("GET", "/v1/people", {"items": [row]})
    assert "analyst" in shell("people").output


def test_events_are_followed_until_stopped(
    shell: Shell, analyst: Profile, stub: StubCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    del analyst
    page = {"events": [event_view(4), event_view(6)], "next_after": 6}
    stub.answers("GET", "/v1/events?after=3&types=leg.acknowledged&wait=20", page)
    whole, pages = Client.events, iter([1])

    def events(self: Client, *words: Any, **named: Any) -> EventPage:
        """Answer the first poll; somebody presses Ctrl-C during the second."""
        if next(pages, None) is None:
            raise KeyboardInterrupt
        return whole(self, *words, **named)

    monkeypatch.setattr(Client, "events", events)
    done = shell("events", "--follow", "--after", "3", "--type", "leg.acknowledged", "--json")
    seen = [strict_json.loads(line.encode())["seq"] for line in done.stdout.splitlines()]
    assert seen == [4, 6]
    assert done.exit_code == 130  # as after Ctrl-C


def test_an_endpoint_is_tested_its_deliveries_listed_and_removed(
    shell: Shell, analyst: Profile, stub: StubCoordinator
) -> None:
    del analyst
    path = "/v1/webhook-endpoints/wep_1"
    stub.answers("POST", f"{path}/test", {"event_id": "evt_1"}, status=202)
    attempt = {"number": 1, "at": AT, "status": None, "error": "timeout", "duration_ms": 9}
    delivery = {
        "id": "dlv_1",
        "event_id": "evt_1",
        "event_type": "endpoint.test",
        "endpoint_id": "wep_1",
        "status": "waiting",
        "created_at": AT,
        "attempts": [attempt],
    }
    stub.answers("GET", f"{path}/deliveries", {"items": [delivery]})
    stub.answers("DELETE", path, status=204)
    assert shell("endpoint", "test", "wep_1").exit_code == 0
    assert "timeout" in shell("endpoint", "deliveries", "wep_1").output
    assert shell("endpoint", "remove", "wep_1").exit_code == 0
    assert stub.seen[-1].method == "DELETE"
    assert stub.seen[-1].headers["Idempotency-Key"]
