"""Legs limited to named people: to everybody else of the partner they are not there at all."""

from collections.abc import Iterable
from typing import Any

import pytest

from coordinator.api.routes import ROUTES
from coordinator.domain.clock import SteppedClock
from coordinator.services.membership.suspensions import SuspendPartner
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.api.membership_acts import operate
from tests.dispatcher.paging import Sleepers, chain_of, set_chain
from tests.factories import Cast, Exchange, Member, Signer, freeze_request_body
from tests.services.through_api import World, found_line, frozen_line, problem

REQUESTS = "/v1/freeze-requests"
#: Lists and searches that are about no request by their path.
LISTS = (
    "/v1/freeze-requests?box=received",
    "/v1/freeze-requests?box=ended",
    "/v1/incidents",
    "/v1/holds",
    "/v1/holds/owed",
    "/v1/tasks",
    "/v1/events",
    "/v1/alarms",
    "/v1/acts",
    "/v1/statistics",
)


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def limit(w: World, member: Member, request: dict[str, Any], *named: Member) -> dict[str, Any]:
    """Limit the leg of a member's partner to these people."""
    people = [each.subject for each in named]
    return w.act(member, request, "leg-limit", people=people)


def frozen(w: World, exchange: Exchange, **changes: Any) -> tuple[dict[str, Any], str]:
    """Return a live request of A's with a hold of an exchange on it, and the hold."""
    request = w.live(to=[exchange.handle], **changes)
    return request, w.freeze(exchange, request)


def others(exchange: Exchange) -> tuple[Member, ...]:
    """Return the people that are not named in these tests."""
    return (exchange.analyst, exchange.second_lead, exchange.compliance, exchange.auditor)


def read(w: World, member: Member, paths: Iterable[str]) -> dict[str, str]:
    """Return what somebody is answered, by path, as far as they may ask at all."""
    answers = {path: w.signer.get(member, path) for path in paths}
    return {path: each.text for path, each in answers.items() if each.status_code != 403}


def below(request: dict[str, Any]) -> list[str]:
    """Return every path that is read below a request."""
    return [
        route.path.format(request_id=request["id"])
        for route in ROUTES
        if route.method == "GET" and "{request_id}" in route.path and route.path.count("{") == 1
    ]


def test_only_those_named_read_anything_of_a_limited_leg(w: World) -> None:
    b = w.cast.b
    request, hold = frozen(w, b)
    answer = limit(w, b.lead, request, b.lead)
    assert answer["leg"]["limited"] == {
        "people": [b.lead.subject],
        "at": answer["leg"]["limited"]["at"],
        "by": b.lead.subject,
    }
    ids = (request["id"], request["incident"]["id"], answer["leg"]["id"], hold)
    unknown = w.signer.get(b.analyst, f"{REQUESTS}/{ids[0][:-4]}0000")
    for member in others(b):
        for path, said in read(w, member, LISTS).items():
            assert not [each for each in ids if each in said], (path, said)
            # By its count or a sum it would show, too.
            assert '"legs":1' not in said.replace(" ", ""), path
        for path in below(request):
            refused = w.signer.get(member, path)
            assert refused.status_code == 404, (path, refused.text)
            assert refused.get_json()["detail"] == unknown.get_json()["detail"], path
        for each in ids:
            assert w.get(member, f"/v1/search?q={each}")["items"] == []
        incident = w.signer.get(member, f"/v1/incidents/{ids[1]}")
        assert incident.status_code == 404
    for member in (b.lead, b.system):
        seen = read(w, member, LISTS)
        assert ids[0] in seen["/v1/freeze-requests?box=received"]
        assert ids[0] in seen["/v1/events"]
        assert hold in seen["/v1/holds"]
        shown = w.get(member, f"{REQUESTS}/{ids[0]}")
        assert shown["leg"]["limited"]["people"] == [b.lead.subject]
    # The requester is told nothing of it.
    for each in w.items(w.cast.a.lead, request, "legs"):
        assert "limited" not in each or each["limited"] is None
    assert w.events(w.cast.a, "leg.limited") == []


def test_an_account_of_a_limited_leg_is_found_by_those_named_alone(w: World) -> None:
    b = w.cast.b
    request, _ = frozen(w, b)
    limit(w, b.lead, request, b.lead)
    account = freeze_request_body()["addresses"][0]["account"]
    assert w.get(b.lead, f"/v1/search?q={account}")["items"]
    assert w.get(b.second_lead, f"/v1/search?q={account}")["items"] == []
    # What one's own warnings say is read by everybody: they tell nobody of it.
    own = w.submit(b, to=[w.cast.c.handle])
    assert [each for each in own["warnings"] if each["code"] == "duplicate"] == []


def test_whoever_is_not_named_can_do_nothing_on_a_limited_leg(w: World) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    [task] = [each["id"] for each in w.get(b.analyst, "/v1/tasks")["items"]]
    limit(w, b.lead, request, b.lead)
    assert w.get(b.analyst, "/v1/tasks")["items"] == []
    tries: dict[str, dict[str, Any]] = {
        "acknowledgement": {},
        "review": {},
        "freeze-reports": {"lines": [found_line()]},
        "info-requests": {"missing": ["police report"]},
    }
    for name, members in tries.items():
        assert w.try_act(b.analyst, request, name, **members).status_code == 404, name
    lifted = w.try_act(b.second_lead, request, "leg-limit", people=None)
    assert lifted.status_code == 404
    body = {"content_sha256": request["content_sha256"]}
    taken = w.signer.post(b.analyst, f"/v1/tasks/{task}/taken", body)
    problem(taken, 404, "no_such_task")
    w.act(b.system, request, "acknowledgement")
    w.act(b.lead, request, "review")


def test_the_hold_of_a_limited_leg_cannot_be_named_elsewhere_by_others(w: World) -> None:
    b = w.cast.b
    request, hold = frozen(w, b)
    other = w.live(to=[b.handle])
    limit(w, b.lead, request, b.lead)
    shares: dict[str, Any] = {"kind": "frozen", "address_no": 0, "hold": hold}
    made_up: dict[str, Any] = {**shares, "hold": f"hld_{hold[4:-4]}0000"}
    refused = w.try_act(b.compliance, other, "freeze-reports", lines=[shares])
    unknown = w.try_act(b.compliance, other, "freeze-reports", lines=[made_up])
    assert refused.status_code == unknown.status_code
    assert refused.get_json()["code"] == unknown.get_json()["code"]
    assert (
        refused.text.replace(hold, "").split('"request_id"')[0]
        == (unknown.text.replace(made_up["hold"], "").split('"request_id"')[0])
    )
    w.act(b.lead, other, "freeze-reports", lines=[shares])
    # Shown there, and not told where it came from.
    shown = [each for each in w.items(b.compliance, other, "ledger") if each.get("hold") == hold]
    assert shown
    assert request["id"] not in str(shown)
    assert request["id"] in str(w.items(b.lead, other, "ledger"))


def test_the_feed_has_no_gap_where_something_is_hidden(w: World) -> None:
    b = w.cast.b
    first = w.live(to=[b.handle])
    w.get(b.analyst, "/v1/events")  # which has its notice arrive
    hidden = w.live(to=[b.handle])
    limit(w, b.lead, hidden, b.lead)
    w.act(b.lead, hidden, "acknowledgement")
    page = w.get(b.analyst, "/v1/events")
    assert {each["data"].get("freeze_request_id", first["id"]) for each in page["events"]}
    assert hidden["id"] not in str(page)
    last = page["events"][-1]["seq"]
    assert (page["next_after"], page["has_more"]) == (last, False)
    beyond = w.signer.get(b.analyst, f"/v1/events?after={last + 1}")
    # Whether something is behind it or not: nothing is, for this reader.
    assert beyond.status_code == 422
    assert w.signer.get(b.system, f"/v1/events?after={last + 1}").status_code == 200
    typed = w.get(b.analyst, "/v1/events?types=leg.acknowledged")
    assert (typed["events"], typed["next_after"]) == ([], last)
    w.act(b.system, first, "acknowledgement")
    after = w.get(b.analyst, f"/v1/events?after={last}")
    assert [each["type"] for each in after["events"]] == ["leg.acknowledged"]


def test_a_notice_has_not_arrived_because_somebody_read_past_it_who_may_not_see_it(
    w: World,
) -> None:
    b = w.cast.b
    hidden = w.live(to=[b.handle])
    limit(w, b.lead, hidden, b.lead)
    w.live(to=[b.handle])
    assert hidden["id"] not in w.signer.get(b.analyst, "/v1/events").text
    [leg] = w.items(w.cast.a.lead, hidden, "legs")
    assert leg["status"] == "queued"
    assert hidden["id"] in w.signer.get(b.lead, "/v1/events").text
    [leg] = w.items(w.cast.a.lead, hidden, "legs")
    assert leg["status"] == "delivered"


def test_deliveries_about_a_limited_leg_are_the_machine_s_and_those_named(w: World) -> None:
    b = w.cast.b
    body = {"url": "http://127.0.0.1:9/hook"}
    endpoint = w.signer.post(b.lead, "/v1/webhook-endpoints", body).get_json()["id"]
    path = f"/v1/webhook-endpoints/{endpoint}"
    since = {"since": "2026-03-02T00:00:00Z"}

    def queued(member: Member) -> int:
        count: int = w.signer.post(member, f"{path}/replay", since).get_json()["queued"]
        return count

    def waiting(member: Member) -> tuple[int, int]:
        listed = w.get(member, f"{path}/deliveries")["items"]
        return len(listed), w.get(member, path)["health"]["waiting"]

    before = queued(b.second_lead), waiting(b.second_lead)
    request = w.live(to=[b.handle])
    [delivery, *_] = w.get(b.second_lead, f"{path}/deliveries")["items"]
    one = f"/v1/deliveries/{delivery['id']}"
    assert w.get(b.second_lead, one)["request_id"] == request["id"]
    assert (queued(b.second_lead), waiting(b.second_lead)) > before
    limit(w, b.lead, request, b.lead)
    assert (queued(b.second_lead), waiting(b.second_lead)) == before
    assert w.signer.get(b.second_lead, one).status_code == 404
    assert w.signer.post(b.second_lead, f"{one}/resend", None).status_code == 404
    # It goes on going there: a machine freezes within seconds, and hears of a withdrawal.
    assert (queued(b.system), waiting(b.system)) > before
    assert w.get(b.lead, one)["id"] == delivery["id"]


def test_nobody_is_woken_for_a_leg_that_is_not_theirs_to_see(w: World) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.compliance, b.lead))
    request = w.live(urgency="flash", to=[b.handle])
    limit(w, b.lead, request, b.lead)
    assert Sleepers(w).listen() == [b.lead.subject]
    assert request["id"] not in str(w.get(b.compliance, "/v1/alarms"))
    assert request["id"] in str(w.get(b.lead, "/v1/alarms"))


def test_the_words_of_an_incident_are_not_told_because_of_a_limited_leg(w: World) -> None:
    b, c = w.cast.b, w.cast.c
    mine = w.live(to=[b.handle, c.handle])
    incident = mine["incident"]["id"]
    theirs = w.live(c, to=[b.handle], incident={"id": incident})
    assert w.get(b.analyst, f"/v1/incidents/{incident}")["title"]
    limit(w, b.lead, mine, b.lead)
    shown = w.get(b.analyst, f"/v1/incidents/{incident}")
    assert (shown["title"], shown["requests"]) == ("", [theirs["id"]])
    assert (shown["request_count"], mine["id"] in str(shown)) == (1, False)
    listed = w.get(b.analyst, "/v1/freeze-requests?box=received")["items"]
    assert [each["incident_title"] for each in listed] == [""]
    assert w.get(b.lead, f"/v1/incidents/{incident}")["title"]


def test_those_who_see_it_lift_it_and_everything_is_there_again(w: World) -> None:
    b = w.cast.b
    request, _ = frozen(w, b)
    path = f"{REQUESTS}/{request['id']}"
    before = read(w, b.compliance, [path, f"{path}/ledger", "/v1/holds"])
    limit(w, b.lead, request, b.lead, b.second_lead)
    w.act(b.second_lead, request, "leg-limit", people=None)
    assert read(w, b.compliance, before) == before
    nothing = w.try_act(b.lead, request, "leg-limit", people=None)
    problem(nothing, 409, "not_limited")


def test_a_leg_whose_last_named_lead_goes_is_everybody_s_again(w: World) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    path = f"{REQUESTS}/{request['id']}"
    limit(w, b.lead, request, b.lead, b.compliance)
    gone = {"subject": b.lead.subject}
    assert w.signer.post(b.second_lead, "/v1/revocations", gone).status_code == 201
    assert w.get(b.second_lead, path)["id"] == request["id"]
    assert w.get(b.second_lead, path)["leg"].get("limited") is None


def test_a_leg_that_still_has_a_lead_stays_limited(w: World) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    limit(w, b.lead, request, b.lead, b.compliance)
    gone = {"subject": b.compliance.subject}
    assert w.signer.post(b.second_lead, "/v1/revocations", gone).status_code == 201
    assert w.signer.get(b.second_lead, f"{REQUESTS}/{request['id']}").status_code == 404


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (("compliance",), "lead_missing"),
        (("lead", "stranger"), "person"),
        (("lead", "system"), "pattern"),
    ],
)
def test_who_cannot_answer_for_a_leg_is_not_named(
    w: World, named: tuple[str, ...], said: str
) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    people = [(w.cast.c.lead if name == "stranger" else getattr(b, name)).subject for name in named]
    refused = w.try_act(b.lead, request, "leg-limit", people=people)
    assert refused.status_code == 422
    assert said in refused.text
    assert w.get(b.analyst, f"{REQUESTS}/{request['id']}")["id"] == request["id"]


def test_only_a_lead_of_the_partner_asked_limits_its_leg(w: World) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    for member in (b.analyst, b.compliance, b.auditor, b.system):
        refused = w.try_act(member, request, "leg-limit", people=[b.lead.subject])
        assert refused.status_code == 403
    for lead in (w.cast.a.lead, w.cast.c.lead):
        refused = w.try_act(lead, request, "leg-limit", people=[lead.subject])
        assert refused.status_code == 404


def test_a_suspended_partner_s_others_are_told_of_no_limited_leg_by_another_error(w: World) -> None:
    b = w.cast.b
    request, _ = frozen(w, b)
    limit(w, b.lead, request, b.lead)
    operate(w.database, w.vault, w.clock, SuspendPartner(handle=b.handle))
    path = f"{REQUESTS}/{request['id']}"
    assert w.get(b.lead, path)["id"] == request["id"]
    unknown = w.signer.get(b.compliance, f"{path[:-4]}0000")
    refused = w.signer.get(b.compliance, path)
    assert (refused.status_code, refused.get_json()["code"]) == (
        unknown.status_code,
        unknown.get_json()["code"],
    )


def test_statistics_leave_a_limited_leg_out_for_whoever_does_not_see_it(w: World) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    w.act(b.compliance, request, "freeze-reports", lines=[found_line(), frozen_line()])
    limit(w, b.lead, request, b.lead)
    assert w.get(b.compliance, "/v1/statistics")["rows"] == []
    assert w.get(b.compliance, "/v1/statistics")["requesters"] == []
    assert len(w.get(b.lead, "/v1/statistics")["rows"]) == 1
