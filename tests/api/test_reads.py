"""What each side reads of a request on its way, page by page, on both databases."""

from typing import Any

import pytest

from holdfast.protocol import life_cycle_views, strict_json, views
from holdfast.protocol.chains.chain import chains_of_served
from holdfast.protocol.chains.format_errors import ChainsError
from holdfast.protocol.request_token import body_sha256
from tests.api.acts import approve, report_frozen, submit
from tests.factories import ACCOUNT, ETHER, Cast, Signer
from tests.known_chains import CHAINS

PATH = "/v1/freeze-requests"


def _items(signer: Signer, member: Any, path: str, limit: int | None = None) -> list[Any]:
    found: list[Any] = []
    query = "" if limit is None else f"?limit={limit}"
    while True:
        page = signer.get(member, path + query)
        assert page.status_code == 200, page.data
        found += page.get_json()["items"]
        cursor = page.get_json()["next_cursor"]
        if cursor is None:
            return found
        assert limit is None or len(page.get_json()["items"]) == limit
        query = f"?cursor={cursor}" + ("" if limit is None else f"&limit={limit}")


def test_the_chain_table_is_served_with_its_version(signer: Signer, cast: Cast) -> None:
    answer = signer.get(cast.b.auditor, "/v1/chains")
    served = chains_of_served(strict_json.loads(answer.data))
    assert served.version == CHAINS.version
    assert {chain.caip2 for chain in served} == {chain.caip2 for chain in CHAINS}
    assert answer.headers["ETag"]


def test_a_chain_table_that_is_not_what_its_version_says_is_refused(
    signer: Signer, cast: Cast
) -> None:
    table = strict_json.loads(signer.get(cast.b.auditor, "/v1/chains").data)
    table["chains"][0]["name"] = "Another"
    with pytest.raises(ChainsError, match="version"):
        chains_of_served(table)


def test_what_the_requester_reads_of_its_request_adds_up(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)
    answer = signer.get(cast.a.auditor, f"{PATH}/{request['id']}")
    view = views.FreezeRequestView.model_validate(answer.get_json())
    assert view.status == "active"
    assert view.summary == "Proceeds of the theft, split over several accounts."
    assert view.leg_counts == {"queued": 2, "frozen": 1}
    assert view.totals[ETHER].held == "700"
    assert view.incident.title == "Cold wallet theft"
    assert [a.comment for a in view.approvals] == ["checked by phone"]
    assert view.context_sha256 == body_sha256((view.decision_context or "").encode())
    for name in ("id", "content_sha256", "decision_context", "summary", "to", "warnings", "quorum"):
        assert answer.get_json()[name] == request[name], name
    assert answer.get_json()["log"]["commitment"] == request["log"]["commitment"]


def test_reading_a_request_counts_as_delivery_and_reading_again_changes_nothing(
    signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    path = f"{PATH}/{request['id']}"
    assert signer.get(cast.b.system, path).get_json()["leg"]["status"] == "queued"
    leg = signer.get(cast.b.system, path).get_json()["leg"]
    assert (leg["status"], leg["delivered_at"]) == ("delivered", "2026-03-02T12:00:00Z")
    legs = {leg["partner"]: leg["status"] for leg in _items(signer, cast.a.lead, f"{path}/legs")}
    assert legs == {cast.b.handle: "delivered", cast.c.handle: "queued", cast.d.handle: "queued"}
    events = signer.get(cast.a.lead, "/v1/events?types=leg.delivered").get_json()["events"]
    assert len(events) == 1


def test_reading_the_feed_past_the_notice_counts_as_delivery(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    feed = signer.get(cast.c.system, "/v1/events?types=freeze_request.received").get_json()
    assert [e["data"]["request_id"] for e in feed["events"]] == [request["id"]]
    legs = _items(signer, cast.a.lead, f"{PATH}/{request['id']}/legs")
    assert {leg["partner"]: leg["status"] for leg in legs}[cast.c.handle] == "delivered"
    assert [leg["status"] for leg in legs].count("queued") == 2


def test_every_list_comes_whole_and_once_in_pages_of_any_size(signer: Signer, cast: Cast) -> None:
    sent = [submit(signer, cast)["id"] for _ in range(5)]
    for size in (1, 2, 5, 6):
        listed = _items(signer, cast.a.auditor, PATH, size)
        assert [item["id"] for item in listed] == sent[::-1]
    incidents = _items(signer, cast.a.auditor, "/v1/incidents", 2)
    assert len({item["id"] for item in incidents}) == len(incidents) == 5
    for path in ("/v1/partners", "/v1/keys", "/v1/people", "/v1/grants"):
        whole = _items(signer, cast.a.auditor, path)
        assert _items(signer, cast.a.auditor, path, 2) == whole
    assert [p["handle"] for p in _items(signer, cast.a.auditor, "/v1/partners")] == [
        exchange.handle for exchange in cast.all
    ]


def test_boxes_statuses_and_incidents_narrow_a_list_down(signer: Signer, cast: Cast) -> None:
    waiting, active = submit(signer, cast), submit(signer, cast)
    approve(signer, cast, active)

    def ids(member: Any, query: str) -> list[str]:
        return [item["id"] for item in signer.get(member, PATH + query).get_json()["items"]]

    assert ids(cast.a.analyst, "?status=active") == [active["id"]]
    assert ids(cast.a.analyst, f"?incident={waiting['incident']['id']}") == [waiting["id"]]
    assert ids(cast.b.analyst, "?box=received") == [active["id"]]
    assert ids(cast.b.analyst, "?box=received&status=frozen") == []
    assert ids(cast.b.analyst, "?box=sent") == []
    assert ids(cast.a.lead, "?box=to_approve") == [waiting["id"]]
    assert ids(cast.a.analyst, "?box=to_approve") == []
    received = signer.get(cast.b.lead, f"{PATH}?box=received").get_json()["items"][0]
    assert (received["leg_status"], received["incident_title"]) == ("queued", "Cold wallet theft")


def test_flagged_addresses_come_as_sent_with_the_form_that_is_compared(
    signer: Signer, cast: Cast
) -> None:
    lower = {"account": "eip155:1:" + "0xb" * 1 + "b" * 39, "note": "hop 2"}
    request = submit(signer, cast, addresses=[{"account": ACCOUNT, "asset": ETHER}, lower])
    approve(
        signer,
        cast,
        request,
        warnings_accepted=[
            {"code": "no_checksum", "address_nos": "all", "reason": "seen on chain"}
        ],
    )
    path = f"{PATH}/{request['id']}/addresses"
    first, second = _items(signer, cast.a.lead, path, 1)
    assert first["account"] == ACCOUNT
    assert first["canonical"] == ACCOUNT.lower()
    assert (first["warnings"], second["warnings"]) == ([], ["no_checksum"])
    assert second["note"] == "hop 2"
    asked = _items(signer, cast.b.analyst, path)
    assert [item["warnings"] for item in asked] == [[], []]


def test_the_ledger_shows_what_the_signed_report_says(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    report = report_frozen(signer, cast.b, request)
    path = f"{PATH}/{request['id']}"
    lines = _items(signer, cast.a.auditor, f"{path}/ledger", 1)
    booked = [
        {k: v for k, v in line.items() if k in sent}
        for line, sent in zip(lines, report["lines"], strict=True)
    ]
    assert booked == report["lines"]
    hold = _items(signer, cast.a.auditor, f"{path}/holds")[0]
    views.HoldView.model_validate(hold)
    assert (hold["held"], hold["hold_expires_at"]) == ("700", "2026-03-05T12:00:00Z")


def test_the_ledger_shows_why_addresses_hold_nothing(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    path = f"{PATH}/{request['id']}"
    wanted = {"code": "insufficient_evidence", "retry": True, "missing": ["the deposit's tx"]}
    body = {
        "content_sha256": request["content_sha256"],
        "lines": [{"kind": "nothing", "address_nos": [0], **wanted}],
    }
    report = signer.post(cast.b.compliance, f"{path}/freeze-reports", body).get_json()
    (line,) = _items(signer, cast.a.auditor, f"{path}/ledger", 1)
    for shown in (report["lines"][0], line):
        assert {name: shown[name] for name in wanted} == wanted
    assert report["leg"]["status"] == "declined"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("other", {}),
        ("other", {"detail": ""}),
        ("moved_on", {"detail": "Gone."}),
        ("insufficient_evidence", {"detail": "Too little."}),
        ("insufficient_evidence", {"retry": True}),
        ("insufficient_evidence", {"missing": ["the deposit's tx"]}),
        ("left_after_notice", {"detail": "Gone."}),
        ("funds_gone", {"left_at": "2026-03-02T12:30:00Z"}),
        ("cannot_say", {"next": {"service": "bridge"}}),
        ("cannot_say", {"retry": True, "missing": ["an order"]}),
    ],
)
def test_a_nothing_line_explains_its_code_as_a_decline_does(
    signer: Signer, cast: Cast, code: str, said: dict[str, Any]
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    path = f"{PATH}/{request['id']}"
    named = {"content_sha256": request["content_sha256"]}
    line = {"kind": "nothing", "address_nos": [0], "code": code, **said}
    refused = [
        signer.post(cast.b.compliance, f"{path}/freeze-reports", named | {"lines": [line]}),
        signer.post(cast.b.compliance, f"{path}/decline", named | {"code": code, **said}),
    ]
    assert [answer.status_code for answer in refused] == [422, 422]
    details = {answer.get_json()["errors"][0]["detail"] for answer in refused}
    assert len(details) == 1
    assert f"{code} needs" in details.pop()
    assert refused[0].get_json()["errors"][0]["pointer"].startswith("/lines/0")


def test_evidence_is_what_was_signed_byte_for_byte(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    acts = _items(signer, cast.b.analyst, f"{PATH}/{request['id']}/evidence", 1)
    assert [act["act"] for act in acts] == ["submit", "approve"]
    assert body_sha256(acts[0]["body"].encode()) == request["content_sha256"]
    assert acts[0]["jwk"] == cast.a.analyst.key.public.jwk()
    assert (
        strict_json.loads(acts[1]["body"].encode())["content_sha256"] == (request["content_sha256"])
    )


def test_an_incident_shows_requests_and_totals_over_what_one_may_see(
    signer: Signer, cast: Cast
) -> None:
    first = submit(signer, cast)
    known = {"id": first["incident"]["id"]}
    second = submit(signer, cast, incident=known, to=[cast.c.handle], follows=first["id"])
    for request in (first, second):
        approve(signer, cast, request)
    report_frozen(signer, cast.b, first, "100")
    report_frozen(signer, cast.c, second, "30")
    path = f"/v1/incidents/{known['id']}"
    whole = signer.get(cast.a.auditor, path).get_json()
    assert whole["requests"] == [first["id"], second["id"]]
    assert whole["request_count"] == 2
    assert whole["totals"][ETHER]["held"] == "130"
    part = signer.get(cast.b.auditor, path).get_json()
    assert part["requests"] == [first["id"]]
    assert part["totals"][ETHER]["held"] == "100"
    for member in (cast.a.auditor, cast.b.auditor, cast.c.auditor):
        listed = _items(signer, member, "/v1/incidents", 1)
        assert [incident["id"] for incident in listed] == [known["id"]]
        detail = signer.get(member, path).get_json()
        assert listed[0]["request_count"] == detail["request_count"] == len(detail["requests"])
        assert set(listed[0]) == set(views.IncidentSummary.model_fields)
        assert set(detail) == set(life_cycle_views.IncidentDetailView.model_fields)


def test_what_did_not_change_is_not_sent_again(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    path = f"{PATH}/{request['id']}"
    etag = signer.get(cast.a.lead, path).headers["ETag"]
    again = signer.send(cast.a.lead, "GET", path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    approve(signer, cast, request)
    changed = signer.send(cast.a.lead, "GET", path, headers={"If-None-Match": etag})
    assert changed.status_code == 200
