"""Flags: who reads which accounts, what changes them, and what the head says of it."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask

from coordinator.api.routes import ROUTES
from coordinator.domain.clock import SteppedClock
from coordinator.domain.flags import FLAGS_LAST
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.flags import FlaggedRequest, flags_root, line_leaf, lines_sha256, verify_head
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.payloads import format_time
from holdfast.protocol.remainder import LeftOut
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Role
from tests.api.membership_acts import grant_by_root, new_person
from tests.api.test_query_counts import counted
from tests.factories import (
    ACCOUNT,
    ETHER,
    Cast,
    Member,
    Signer,
    freeze_request_body,
    grant_body,
    nonce,
)
from tests.services.request_cast import addresses
from tests.services.through_api import REQUESTS, World, found_line, frozen_line, problem

ACCOUNTS = [str(each["account"]) for each in addresses(6, 0xA0)]


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def listed(accounts: Iterable[str] = ACCOUNTS, **members: Any) -> list[dict[str, Any]]:
    return [{"account": account, **members} for account in accounts]


def flash(w: World, targets: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Submit a flash request that goes out at once; the answer, with what was submitted."""
    a = w.cast.a
    policy = {"policy": {"may_flash": [a.analyst.subject]}}
    assert w.signer.post(a.root, "/v1/grants", policy).status_code == 201
    body = freeze_request_body(urgency="flash", addresses=targets, **changes)
    answer = w.signer.post(a.analyst, REQUESTS, body).get_json()
    assert answer["provisional"]
    return {**answer, "submitted": body}


def ratify(w: World, request: dict[str, Any], **members: Any) -> None:
    chosen = {"decision": "approve", "warnings_accepted": []} | members
    w.act(w.cast.a.lead, request, "approvals", context_sha256=request["context_sha256"], **chosen)


class Reading:
    """What somebody reads of the feed, as an outsider would who has the pages' documents alone."""

    def __init__(
        self, w: World, by: Member, limit: int = 1_000, changes: str | None = None
    ) -> None:
        self.w, self.by, self.limit, self.changes = w, by, limit, changes
        self.lines = 0
        self.after: str | None = None
        self.requests: dict[str, dict[int, dict[str, Any]]] = {}
        self.pages = 0
        self.head: str | None = None

    def read(self) -> "Reading":
        for _ in range(200):
            query = f"limit={self.limit}" + ("" if self.after is None else f"&after={self.after}")
            query += "" if self.changes is None else f"&changes={self.changes}"
            page = self.w.get(self.by, f"/v1/flags?{query}")
            self.lines += len(page["flags"])
            self.pages += 1
            assert len(page["flags"]) <= self.limit
            for flag in page["flags"]:
                self.take(flag)
            self.after, self.head = page["next_after"], page["head"]
            assert page["has_more"] == (self.head is None)
            if self.head is not None:
                return self
        raise AssertionError("the feed has no end")

    def take(self, flag: dict[str, Any]) -> None:
        number, known = flag["address_no"], self.requests.setdefault(flag["request"], {})
        if number is None and flag["state"] == "gone":
            del self.requests[flag["request"]]
        elif number is None:
            now = {"state": flag["state"], "expires_at": flag["expires_at"]}
            for each, line in known.items():
                known[each] = line if line["state"] == "gone" else {**line, **now}
                known[each] |= {"expires_at": flag["expires_at"]}
        elif flag["account"] is None and flag["leaf"] is None:
            line = known[number]
            known[number] = {**line, "state": flag["state"]}
            if flag["state"] == "gone":
                whole = (line["account"], line["asset"], line["min_amount"])
                leaf = line["leaf"] or line_leaf(number, *whole).hex()
                known[number] |= {"account": None, "reason_code": flag["reason_code"], "leaf": leaf}
        else:
            known[number] = flag

    def states(self, request: dict[str, Any]) -> list[str]:
        known = self.requests.get(request["id"], {})
        return [known[number]["state"] for number in sorted(known)]

    def verified(self) -> dict[str, Any]:
        """Return the head, having computed count and root of what was read."""
        keys = self.w.get(self.by, "/.well-known/jwks.json")["keys"]
        head = verify_head(self.head or "", keys=[PublicKey.from_jwk(key) for key in keys])
        assert head.sub == self.by.handle
        flagged = [_flagged(id_, flags) for id_, flags in sorted(self.requests.items())]
        assert head.count == sum(each.count for each in flagged)
        assert head.root == flags_root(each.leaf() for each in flagged)
        return {"seq": head.seq, "count": head.count, "root": head.root}


def _flagged(request: str, flags: dict[int, dict[str, Any]]) -> FlaggedRequest:
    leaves, gone, contested, states = [], {}, [], set()
    for number in sorted(flags):
        flag = flags[number]
        if flag["state"] == "gone":
            gone[number] = flag["reason_code"]
            leaves.append(bytes.fromhex(flag["leaf"]))
            continue
        leaves.append(line_leaf(number, flag["account"], flag["asset"], flag["min_amount"]))
        if flag["state"] == "contested":
            contested.append(number)
        else:
            states.add(flag["state"])
    [state] = states or {"active"}
    [expires_at] = {flag["expires_at"] for flag in flags.values()}
    return FlaggedRequest(
        request=request,
        state=state,
        expires_at=expires_at,
        lines_sha256=lines_sha256(leaves),
        line_count=len(leaves),
        gone=gone,
        contested=contested,
    )


def test_a_partner_reads_the_accounts_that_it_was_asked_about_and_nobody_else_does(
    w: World,
) -> None:
    one = w.live(addresses=listed(ACCOUNTS[:2]), to=[w.cast.b.handle])
    flags = Reading(w, w.cast.b.system).read()
    assert flags.verified()["count"] == 2
    [first, second] = flags.requests[one["id"]].values()
    assert (first["account"], first["state"], first["asset"]) == (ACCOUNTS[0], "active", None)
    assert second["expires_at"] == format_time(w.clock.now() + FLAGS_LAST)
    for other in (w.cast.a.system, w.cast.c.system):
        nothing = Reading(w, other).read()
        assert (nothing.requests, nothing.verified()["seq"]) == ({}, 0)


def test_the_feed_is_for_machines_and_one_for_all_whatever_is_limited(w: World) -> None:
    request = w.live(addresses=listed(ACCOUNTS[:1]), to=[w.cast.b.handle])
    b = w.cast.b
    w.act(b.lead, request, "leg-limit", people=[b.lead.subject])
    assert Reading(w, b.system).read().verified()["count"] == 1
    for person in (b.lead, b.analyst, b.auditor):
        assert w.signer.get(person, "/v1/flags").status_code == 403


def test_no_deposit_is_stopped_for_a_drill(w: World) -> None:
    w.live(addresses=listed(ACCOUNTS[:1]), to=[w.cast.b.handle], drill=True)
    flags = Reading(w, w.cast.b.system).read()
    assert (flags.requests, flags.verified()["seq"]) == ({}, 0)


def test_whoever_reads_flags_has_read_addresses(w: World, app: Flask) -> None:
    request = w.live(addresses=listed(ACCOUNTS[:1]), to=[w.cast.b.handle])
    Reading(w, w.cast.b.system).read()
    app.extensions["holdfast"].read_log.store()
    [line] = w.get(w.cast.a.lead, f"{REQUESTS}/{request['id']}/reads")["items"]
    assert (line["subject"], line["what"]) == (w.cast.b.system.subject, "addresses")


def test_before_it_goes_out_a_request_flags_nothing(w: World) -> None:
    w.submit(addresses=listed())
    assert Reading(w, w.cast.b.system).read().requests == {}


@pytest.mark.parametrize("limit", [1, 2, 3, 1_000])
def test_an_outline_tells_whoever_read_a_request_only_what_changed_of_it(
    w: World, limit: int
) -> None:
    flags = Reading(w, w.cast.b.system, limit, "outline").read()
    first = w.live(addresses=listed(), to=[w.cast.b.handle])
    second = w.live(addresses=listed(ACCOUNTS[:1]), to=[w.cast.b.handle])
    # Both are news, and told whole, though one of them changed meanwhile.
    gone = {"reason_code": "wrong_target", "reason": "another wallet"}
    w.act(w.cast.a.lead, first, "withdrawal", addresses=[0], **gone)
    flags.read().verified()
    assert (flags.states(first), flags.states(second)) == (["gone"] + ["active"] * 5, ["active"])
    for number in (5, 3):
        w.act(w.cast.a.lead, first, "withdrawal", addresses=[number], **gone)
    flags.lines = 0
    assert flags.read().verified()["count"] == 4
    # How it stands, and three that are gone: told once, however often it changed.
    assert flags.lines == 4
    assert flags.states(first) == ["gone", "active", "active", "gone", "active", "gone"]
    w.act(w.cast.a.lead, first, "withdrawal", addresses="all", **gone)
    w.act(w.cast.a.lead, second, "flag-renewals")
    assert flags.read().verified()["count"] == 1
    assert flags.requests.keys() == {second["id"]}


def test_an_outline_tells_of_a_ratification_and_of_what_is_contested(w: World) -> None:
    request = flash(w, [{"account": ACCOUNT, "asset": ETHER}, *listed(ACCOUNTS[:1])])
    flags = Reading(w, w.cast.c.system, 1, "outline").read()
    assert flags.states(request) == ["provisional"] * 2
    ratify(w, request)
    assert flags.read().states(request) == ["active"] * 2
    for exchange in (w.cast.b, w.cast.c):
        w.report(exchange, request, [found_line("700"), frozen_line("700")])
    w.act(w.cast.b.compliance, request, "disputes", reference="matter-k7", text="Paid with these.")
    assert flags.read().states(request) == ["contested", "active"]
    flags.verified()


def test_an_outline_tells_nothing_of_an_address_that_was_left_out(w: World) -> None:
    request = flash(w, listed(ACCOUNTS[:3]), to=[w.cast.b.handle])
    left_out = LeftOut.of(request["submitted"], [1])
    ratify(w, request, **{"except": [1], "remainder_sha256": left_out.remainder_sha256})
    addition = w.act(w.cast.a.lead, request, "partners", to=[w.cast.c.handle], nonce=nonce())
    decided = {"decision": "approve", "warnings_accepted": []}
    context = addition["context_sha256"]
    w.act(w.cast.a.second_lead, request, "approvals", context_sha256=context, **decided)
    late = Reading(w, w.cast.c.system, changes="outline").read()
    w.act(w.cast.a.lead, request, "flag-renewals")
    assert sorted(late.read().requests[request["id"]]) == [0, 2]
    assert late.verified()["count"] == 2


def test_how_changes_are_told_is_one_of_two(w: World) -> None:
    refused = w.signer.get(w.cast.b.system, "/v1/flags?changes=all")
    assert refused.status_code == 422
    [fault] = refused.get_json()["errors"]
    assert fault["parameter"] == "changes"


@pytest.mark.parametrize("limit", [1, 2, 3, 1_000])
def test_pages_are_bounded_and_add_up_however_small_they_are(w: World, limit: int) -> None:
    for place in range(0, 6, 2):
        w.live(addresses=listed(ACCOUNTS[place : place + 2]), to=[w.cast.b.handle])
    flags = Reading(w, w.cast.b.system, limit).read()
    assert flags.verified()["count"] == 6
    w.live(addresses=listed(), to=[w.cast.b.handle])
    assert flags.read().verified()["count"] == 12


def test_what_changes_is_told_to_whoever_has_read_before(w: World) -> None:
    flags = Reading(w, w.cast.b.system).read()
    request = w.live(addresses=listed())
    assert flags.read().states(request) == ["active"] * 6
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses=[1, 4],
        reason_code="wrong_target",
        reason="another wallet",
    )
    assert flags.read().states(request) == ["active", "gone", "active", "active", "gone", "active"]
    gone = flags.requests[request["id"]][1]
    assert (gone["account"], gone["reason_code"]) == (None, "wrong_target")
    assert flags.verified()["count"] == 4
    # Whoever comes later reads the same, and no account that was taken back.
    fresh = Reading(w, w.cast.b.system).read()
    assert fresh.verified() == flags.verified()
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses="all",
        reason_code="resolved",
        reason="paid back",
    )
    assert flags.read().states(request) == []
    assert flags.verified()["count"] == 0
    assert Reading(w, w.cast.b.system).read().verified() == flags.verified()


def test_a_flash_request_is_provisional_until_it_is_ratified(w: World) -> None:
    request = flash(w, listed(ACCOUNTS[:1]))
    flags = Reading(w, w.cast.b.system).read()
    assert flags.states(request) == ["provisional"]
    flags.verified()
    ratify(w, request)
    assert flags.read().states(request) == ["active"]
    flags.verified()


def test_a_flash_request_that_nobody_ratified_in_time_stays_provisional(w: World) -> None:
    request = flash(w, listed(ACCOUNTS[:1]))
    flags = Reading(w, w.cast.b.system).read()
    w.step(hours=1)
    assert w.run_timer("ratify_by") == 1
    assert flags.read().states(request) == ["provisional"]
    flags.verified()
    ratify(w, request)
    assert flags.read().states(request) == ["active"]
    flags.verified()


def test_who_is_asked_after_it_hears_of_no_address_that_was_left_out(w: World) -> None:
    request = flash(w, listed(ACCOUNTS[:3]), to=[w.cast.b.handle])
    early = Reading(w, w.cast.b.system).read()
    left_out = LeftOut.of(request["submitted"], [1])
    ratify(w, request, **{"except": [1], "remainder_sha256": left_out.remainder_sha256})
    assert early.read().states(request) == ["active", "gone", "active"]
    assert early.verified()["count"] == 2
    addition = w.act(w.cast.a.lead, request, "partners", to=[w.cast.c.handle], nonce=nonce())
    w.act(
        w.cast.a.second_lead,
        request,
        "approvals",
        decision="approve",
        context_sha256=addition["context_sha256"],
        warnings_accepted=[],
    )
    late = Reading(w, w.cast.c.system).read()
    assert sorted(late.requests[request["id"]]) == [0, 2]
    assert late.verified()["count"] == 2
    assert ACCOUNTS[1] not in str(late.requests)


def test_what_a_customer_contests_shows_to_the_others_who_hold_it(w: World) -> None:
    request = w.live(addresses=[{"account": ACCOUNT, "asset": ETHER}])
    for exchange in (w.cast.b, w.cast.c):
        w.report(exchange, request, [found_line("700"), frozen_line("700")])
    readers = [Reading(w, each.system).read() for each in (w.cast.b, w.cast.c)]
    w.act(
        w.cast.b.compliance,
        request,
        "disputes",
        reference="matter-k7",
        text="Paid with these coins.",
    )
    assert [each.read().states(request) for each in readers] == [["active"], ["contested"]]
    for each in readers:
        assert each.verified()["count"] == 1


def test_a_flag_ends_after_thirty_days_unless_its_requester_renews_it(w: World) -> None:
    request = w.live(addresses=listed(ACCOUNTS[:2]))
    w.step(days=29)
    renewed = w.act(w.cast.a.lead, request, "flag-renewals")
    assert renewed["expires_at"] == format_time(w.clock.now() + FLAGS_LAST)
    [told] = w.events(w.cast.b, "freeze_request.flags_renewed")
    assert told["evidence"]["act"] == "renew_flags"
    flags = Reading(w, w.cast.b.system).read()
    assert flags.requests[request["id"]][0]["expires_at"] == renewed["expires_at"]
    w.step(days=29)
    assert Reading(w, w.cast.b.system).read().verified()["count"] == 2
    w.step(days=1)
    ended = Reading(w, w.cast.b.system).read()
    assert (ended.requests, ended.verified()["count"]) == ({}, 0)
    # Ended, it may be renewed as long as the request is live, and nobody else's is.
    w.act(w.cast.a.lead, request, "flag-renewals")
    assert flags.read().verified()["count"] == 2
    assert w.try_act(w.cast.b.lead, request, "flag-renewals").status_code == 404
    assert w.try_act(w.cast.a.analyst, request, "flag-renewals").status_code == 403


def test_a_renewal_puts_off_the_end_of_a_request_that_nobody_holds_anything_on(w: World) -> None:
    request = w.live(addresses=listed(ACCOUNTS[:1]), to=[w.cast.b.handle])
    nothing = {"kind": "nothing", "address_nos": "rest", "code": "no_match"}
    w.report(w.cast.b, request, [nothing])
    w.step(days=6)
    w.act(w.cast.a.lead, request, "flag-renewals")
    w.step(days=6)
    assert w.run_timer("close_after") == 0
    flags = Reading(w, w.cast.b.system).read()
    assert flags.states(request) == ["active"]
    w.step(days=1)
    assert w.run_timer("close_after") == 1
    assert flags.read().requests == {}
    refused = w.try_act(w.cast.a.lead, request, "flag-renewals")
    problem(refused, 409, "invalid_transition")


def test_a_later_credit_opens_a_final_leg_again(w: World) -> None:
    request = w.live(addresses=[{"account": ACCOUNT, "asset": ETHER}], to=[w.cast.b.handle])
    nothing = {"kind": "nothing", "address_nos": "rest", "code": "no_match"}
    w.report(w.cast.b, request, [nothing])
    assert w.leg(request, w.cast.b)["status"] == "no_match"
    w.step(days=6)
    w.report(w.cast.b, request, [found_line("700"), frozen_line("700")])
    assert w.leg(request, w.cast.b)["status"] == "frozen"
    w.step(days=3)
    # It was to close by itself; now somebody holds something.
    assert w.run_timer("close_after") == 0


def test_people_asked_read_from_which_amount_on_deposits_wait_as_machines_do(w: World) -> None:
    request = w.live(addresses=[{"account": ACCOUNT, "asset": ETHER, "min_amount": "50"}])
    flags = Reading(w, w.cast.b.system).read()
    assert flags.requests[request["id"]][0]["min_amount"] == "50"
    [address] = w.items(w.cast.b.analyst, request, "addresses")
    assert (address["asset"], address["min_amount"]) == (ETHER, "50")


@pytest.mark.parametrize(
    ("after", "code"), [("1", "beyond_head"), ("999.7", "beyond_head"), ("-1", None), ("x", None)]
)
def test_a_position_that_never_was_is_refused(w: World, after: str, code: str | None) -> None:
    answer = w.signer.get(w.cast.b.system, f"/v1/flags?after={after}")
    fault = problem(answer, 422, "invalid_input")["errors"][0]
    assert fault["parameter"] == "after"
    assert code in {None, fault["code"]}


def test_a_partner_says_up_to_where_it_screens_and_only_its_own_machines_read_it(w: World) -> None:
    w.live(addresses=listed(ACCOUNTS[:2]), to=[w.cast.b.handle])
    b = w.cast.b
    assert w.get(b.system, "/v1/flags/applied")["at"] is None
    head = Reading(w, b.system).read().verified()
    said = {**head, "hits": 3}
    made = w.signer.post(b.system, "/v1/flags/applied", said).get_json()
    assert made["log"]["type"] == "flags.applied"
    shown = w.get(b.system, "/v1/flags/applied")
    assert {name: shown[name] for name in said} == said
    assert shown["by"] == b.system.subject
    assert w.get(w.cast.a.system, "/v1/flags/applied")["at"] is None
    later = {**said, "seq": head["seq"] + 1}
    problem(w.signer.post(b.system, "/v1/flags/applied", later), 409, "beyond_head")
    assert w.signer.post(b.lead, "/v1/flags/applied", said).status_code == 403


def test_people_read_nowhere_how_much_of_a_limited_leg_a_machine_screens_for(w: World) -> None:
    b = w.cast.b
    request = w.live(addresses=listed(ACCOUNTS[:2]), to=[b.handle])
    w.act(b.lead, request, "leg-limit", people=[b.lead.subject])
    head = Reading(w, b.system).read().verified()
    assert w.signer.post(b.system, "/v1/flags/applied", {**head, "hits": 3}).status_code == 201
    for member in (b.analyst, b.compliance, b.auditor, b.second_lead):
        assert w.signer.get(member, "/v1/flags/applied").status_code == 403
    # That something was said stands in their list; what was said does not.
    [act] = [e for e in w.get(b.auditor, "/v1/acts")["items"] if e["kind"] == "apply_flags"]
    assert {"token", "body"}.isdisjoint(act)
    assert head["root"] not in w.signer.get(b.auditor, "/v1/acts").text


def test_the_flags_of_a_drill_are_not_renewed_for_it_has_none(w: World) -> None:
    drill = w.live(drill=True, addresses=listed(ACCOUNTS[:1]), to=[w.cast.b.handle])
    problem(w.try_act(w.cast.a.lead, drill, "flag-renewals"), 409, "no_flags")
    assert w.events(w.cast.b, "freeze_request.flags_renewed") == []


def test_whoever_screens_reads_flags_and_nothing_else(w: World) -> None:
    request = w.live(addresses=listed(ACCOUNTS[:1]))
    b = w.cast.b
    key = PrivateKey.generate()
    screening = Member(b.handle, new_id("sys"), key, (Role.SCREENING,), b.lead.subject)
    grant_by_root(w.signer, b, screening)
    flags = Reading(w, screening).read()
    assert flags.states(request) == ["active"]
    said = flags.verified()
    assert w.signer.post(screening, "/v1/flags/applied", said).status_code == 201
    for route in ROUTES:
        reads = route.method == "GET" and route.view.signed and not route.path.startswith("/v1/fla")
        if reads:
            path = re.sub(r"\{request_id\}", request["id"], route.path)
            path = re.sub(r"\{(\w+)\}", "1", path)
            assert w.signer.get(screening, path).status_code == 403, route.path
    refused = w.try_act(screening, request, "acknowledgement")
    assert refused.status_code == 403


def test_no_person_screens_and_no_screening_system_decides(w: World) -> None:
    b = w.cast.b
    person = new_person(b, Role.SCREENING)
    answer = w.signer.post(b.root, "/v1/grants", grant_body(person))
    [fault] = problem(answer, 422, "invalid_input")["errors"]
    assert "role of systems" in fault["detail"]


def test_a_head_of_another_partner_or_another_time_is_another_head(w: World) -> None:
    w.live(addresses=listed(ACCOUNTS[:1]))
    heads = [Reading(w, each.system).read().head for each in (w.cast.b, w.cast.c)]
    assert heads[0] != heads[1]
    keys = [
        PublicKey.from_jwk(key) for key in w.get(w.cast.b.system, "/.well-known/jwks.json")["keys"]
    ]
    first, second = (verify_head(head or "", keys=keys) for head in heads)
    assert (first.sub, second.sub) == (w.cast.b.handle, w.cast.c.handle)


def test_the_feed_takes_as_many_statements_for_many_requests_as_for_one(
    w: World, app: Flask
) -> None:
    if "sqlite" not in str(w.database.engine.url):
        pytest.skip("the statements are the same on both databases")

    def statements() -> list[str]:
        with counted(app) as found:
            Reading(w, w.cast.b.system).read()
        return [each.partition("WHERE")[0] for each in found]

    for _ in range(2):
        w.live(addresses=listed(ACCOUNTS[:1]), to=[w.cast.b.handle])
    statements()  # what a process reads once
    few = statements()
    for _ in range(6):
        w.live(addresses=listed(ACCOUNTS[:1]), to=[w.cast.b.handle])
    statements()
    assert statements() == few


def test_submitting_runs_no_statement_for_flags_and_what_goes_out_runs_one(
    w: World, app: Flask
) -> None:
    if "sqlite" not in str(w.database.engine.url):
        pytest.skip("the statements are the same on both databases")

    def about_flags(found: list[str]) -> int:
        return sum("flag_change" in statement for statement in found)

    with counted(app) as found:
        request = w.submit(addresses=listed(), to=[w.cast.b.handle])
    assert about_flags(found) == 0
    with counted(app) as found:
        ratify(w, request)
    assert about_flags(found) == 1
    with counted(app) as found:
        w.act(w.cast.b.analyst, request, "acknowledgement")
    assert about_flags(found) == 0
