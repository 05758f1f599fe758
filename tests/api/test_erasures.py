"""What its readers see of a request that is erased: that it is, and what numbers remain."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from coordinator.api.routes import ROUTES
from coordinator.domain.clock import SteppedClock
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import strict_json
from holdfast.protocol.views import Problem
from holdfast.protocol.vocabulary import ErasureReason
from tests.api.acts import approve, report_frozen, submit
from tests.api.membership_acts import events, operate
from tests.factories import Cast, Signer

PATH = "/v1/freeze-requests"
BODY = {"reason": "data_subject"}
Erase = Callable[[dict[str, Any]], None]


@pytest.fixture
def erase(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> Erase:
    """Has a request erased, by the operator's proposal and a lead's signature."""

    def done(request: dict[str, Any]) -> None:
        propose = ProposeErasure(request_id=request["id"], reason=ErasureReason.DATA_SUBJECT)
        operate(database, vault, clock, propose)
        signed = {"content_sha256": request["content_sha256"], **BODY}
        answer = signer.post(cast.a.lead, f"{PATH}/{request['id']}/erasure", signed)
        assert answer.status_code == 201, answer.data

    return done


def _closed(signer: Signer, cast: Cast, **changes: Any) -> dict[str, Any]:
    """Return a closed request that went to B, on which something was frozen and let go."""
    request = submit(signer, cast, **{"to": [cast.b.handle], **changes})
    approve(signer, cast, request)
    report = report_frozen(signer, cast.b, request)
    hold = report["lines"][1]["hold"]
    act = {"content_sha256": request["content_sha256"]}
    line = {"kind": "released", "hold": hold, "amount": "700", "reason": "false_positive"}
    path = f"{PATH}/{request['id']}"
    let_go = signer.post(cast.b.compliance, f"{path}/freeze-reports", act | {"lines": [line]})
    assert let_go.status_code == 201, let_go.data
    assert signer.post(cast.a.lead, f"{path}/closure", act).status_code == 201
    return request


def test_every_read_of_it_answers_410_with_what_remains(
    signer: Signer, cast: Cast, erase: Erase
) -> None:
    request = _closed(signer, cast)
    erase(request)
    paths = [
        route.path
        for route in ROUTES
        if route.method == "GET" and route.path.startswith(f"{PATH}/{{request_id}}")
    ]
    assert len(paths) > 10
    names = defaultdict(lambda: "0", request_id=request["id"])
    for member in (cast.a.auditor, cast.b.lead):
        for path in paths:
            answer = signer.get(member, path.format_map(names))
            assert answer.status_code == 410, path
            problem = Problem.model_validate(answer.get_json())
            assert problem.code == "erased"
            assert problem.erased is not None
            assert problem.erased.by == cast.a.lead.subject
            assert problem.erased.reason == "data_subject"
            assert problem.erased.address_count == 1
            assert request["summary"] not in answer.text
    stranger = signer.get(cast.c.lead, f"{PATH}/{request['id']}")
    assert (stranger.status_code, "erased" in stranger.text) == (404, False)


def test_lists_the_feed_incidents_and_figures_go_on(
    signer: Signer, cast: Cast, erase: Erase
) -> None:
    gone = _closed(signer, cast)
    incident = gone["incident"]["id"]
    stays = _closed(signer, cast, incident={"id": incident})
    erase(gone)
    for member in (cast.a.lead, cast.b.lead):
        for box in ("sent", "received", "ended"):
            answer = signer.get(member, f"{PATH}?box={box}")
            assert answer.status_code == 200
            for item in answer.get_json()["items"]:
                assert (item["erased_at"] is not None) is (item["id"] == gone["id"])
        for path in (
            f"/v1/incidents/{incident}",
            f"/v1/incidents/{incident}/timeline",
            f"/v1/incidents/{incident}/trace",
            "/v1/incidents",
            "/v1/statistics",
            "/v1/tasks",
            "/v1/holds",
            "/v1/holds/owed",
            "/v1/acts?of=organisation",
            f"/v1/search?q={gone['id']}",
            f"/v1/search?q={incident}",
            f"{PATH}/{stays['id']}",
            f"{PATH}/{stays['id']}/evidence",
        ):
            answer = signer.get(member, path)
            assert answer.status_code == 200, (path, answer.text)
    told = signer.get(cast.b.lead, "/v1/events").get_json()["events"]
    about = [each["type"] for each in told if each["data"].get("request_id") == gone["id"]]
    assert about == ["freeze_request.erased"]
    shown = signer.get(cast.a.lead, f"/v1/incidents/{incident}").get_json()
    assert shown["title"] == gone["incident"]["title"]


def test_what_waits_to_be_delivered_of_it_is_cancelled(
    signer: Signer, cast: Cast, erase: Erase
) -> None:
    hook = {"url": "http://127.0.0.1:9/hook"}
    endpoint = signer.post(cast.b.system, "/v1/webhook-endpoints", hook).get_json()["id"]
    request = _closed(signer, cast)
    path = f"/v1/webhook-endpoints/{endpoint}/deliveries"
    before = signer.get(cast.b.system, path).get_json()["items"]
    waiting = {each["event_id"] for each in before}
    assert {each["status"] for each in before} == {"pending"}
    erase(request)
    after = signer.get(cast.b.system, path).get_json()["items"]
    of_request = {each["event_id"]: each["status"] for each in after}
    assert {of_request[event] for event in waiting} == {"cancelled"}
    [pending] = [each for each in after if each["status"] == "pending"]
    assert pending["event_type"] == "freeze_request.erased"


def test_a_retry_of_what_was_said_on_it_hears_that_it_is_erased(
    signer: Signer, cast: Cast, erase: Erase
) -> None:
    request = submit(signer, cast, to=[cast.b.handle])
    body = {"content_sha256": request["content_sha256"], "addresses": "all"}
    body |= {"reason_code": "other", "reason": "sent by mistake"}
    path, key = f"{PATH}/{request['id']}/withdrawal", "withdraw-it-once"
    assert signer.post(cast.a.lead, path, body, key=key).status_code == 201
    assert signer.post(cast.a.lead, path, body, key=key).status_code == 201
    erase(request)
    again = signer.post(cast.a.lead, path, body, key=key)
    assert (again.status_code, again.get_json()["code"]) == (410, "erased")


def test_the_act_is_proven_to_both_sides_and_its_body_says_no_more_than_a_code(
    signer: Signer, cast: Cast, erase: Erase
) -> None:
    request = _closed(signer, cast)
    erase(request)
    for member in (cast.a.auditor, cast.b.lead):
        [told] = events(signer, member, "freeze_request.erased")
        [proof] = told["evidence"]
        assert proof["kid"] == cast.a.lead.key.kid
        assert set(_json(proof["body"])) == {"content_sha256", "reason"}
    wrong = {"content_sha256": request["content_sha256"], "reason": "Zebulon asked us to"}
    refused = signer.post(cast.a.lead, f"{PATH}/{request['id']}/erasure", wrong)
    assert refused.status_code == 422


def _json(body: str) -> dict[str, Any]:
    found: dict[str, Any] = strict_json.loads(body.encode())
    return found
