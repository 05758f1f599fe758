"""Every route, asked by every role, on one's own and on somebody else's objects.

The expected rights are written down here a second time.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from coordinator.api.routes import ROUTES
from coordinator.api.view import Route
from tests.api.acts import approve, report_frozen, submit
from tests.api.sealed_cast import by_hand
from tests.conftest import World
from tests.factories import (
    ACCOUNT,
    ETHER,
    Cast,
    Exchange,
    Signer,
    freeze_request_body,
    grant_body,
    nonce,
)
from tests.services.recovery_world import deposit
from tests.services.restoring_cast import claim, payout_account

ALL = {"analyst", "system", "compliance", "security_lead", "auditor"}
ANSWERING = {"analyst", "system", "compliance", "security_lead"}
DISPOSING = {"compliance", "security_lead"}
SUBMITTING = {"analyst", "system", "security_lead"}
ENDPOINTS = {"system", "compliance", "security_lead"}
LEAD = {"security_lead"}
REQUEST = "/v1/freeze-requests/{request_id}"
RECOVERY = "/v1/recovery-requests/{recovery_id}"
RESTITUTION = "/v1/restitutions/{restitution_id}"
RIGHTS: Mapping[str, set[str]] = {
    "GET /v1/freeze-requests": ALL,
    f"GET {REQUEST}": ALL,
    f"GET {REQUEST}/addresses": ALL,
    f"GET {REQUEST}/asked": ALL,
    f"GET {REQUEST}/summary.pdf": ALL,
    f"GET {REQUEST}/readiness": ALL,
    f"GET {REQUEST}/readiness.pdf": ALL,
    f"GET {REQUEST}/events": ALL,
    f"GET {REQUEST}/alarms": ALL,
    f"GET {REQUEST}/reads": ALL,
    f"GET {REQUEST}/answers": ALL,
    "GET /v1/holds": ALL,
    "GET /v1/search": ALL,
    f"GET {REQUEST}/legs": ALL,
    f"GET {REQUEST}/ledger": ALL,
    f"GET {REQUEST}/holds": ALL,
    f"GET {REQUEST}/evidence": ALL,
    f"GET {REQUEST}/sealed-evidence": ALL,
    f"GET {REQUEST}/sealed-evidence/{{sealed_evidence_id}}": ALL,
    f"GET {REQUEST}/sealed-evidence/{{sealed_evidence_id}}/parts/{{number}}": ALL,
    f"POST {REQUEST}/sealed-evidence/parts": ANSWERING,
    f"POST {REQUEST}/sealed-evidence": ANSWERING,
    f"POST {REQUEST}/sealed-evidence/{{sealed_evidence_id}}/recipients": DISPOSING,
    f"GET {REQUEST}/return-requests": ALL,
    f"POST {REQUEST}/return-requests": DISPOSING,
    f"POST {REQUEST}/return-requests/{{return_id}}/approvals": LEAD,
    f"POST {REQUEST}/return-requests/{{return_id}}/withdrawal": DISPOSING,
    f"POST {REQUEST}/return-requests/{{return_id}}/answer": DISPOSING,
    f"POST {REQUEST}/return-requests/{{return_id}}/revocation": LEAD,
    f"POST {REQUEST}/return-requests/{{return_id}}/receipt": DISPOSING,
    "GET /v1/destinations": ALL,
    "GET /v1/destinations/{destination_id}": ALL,
    "POST /v1/destinations": DISPOSING,
    "POST /v1/destinations/{destination_id}/approvals": LEAD,
    "POST /v1/destinations/{destination_id}/test-transfers": DISPOSING,
    "POST /v1/destinations/{destination_id}/closure": DISPOSING,
    "GET /v1/encryption-keys": ALL,
    "POST /v1/encryption-keys": LEAD,
    f"GET {REQUEST}/evidence-bundle": ALL,
    f"GET {REQUEST}/clearances": ALL,
    f"GET {REQUEST}/disputes": ALL,
    f"GET {REQUEST}/drafts": ALL,
    f"GET {REQUEST}/info-requests": ALL,
    f"GET {REQUEST}/legal-orders": ALL,
    f"GET {REQUEST}/encumbrances": ALL,
    f"GET {REQUEST}/partners": ALL,
    f"GET {REQUEST}/support": ALL,
    "GET /v1/flags": {"system", "screening"},
    "GET /v1/flags/applied": {"system", "screening"},
    "POST /v1/flags/applied": {"system", "screening"},
    f"GET {REQUEST}/indemnities": ALL,
    f"GET {REQUEST}/guests": ALL,
    "POST /v1/data-subject-requests": DISPOSING,
    "GET /v1/data-subject-requests": DISPOSING | {"auditor"},
    "GET /v1/data-subject-requests/{data_subject_request_id}": DISPOSING | {"auditor"},
    f"POST {REQUEST}/data-subject-requests/{{data_subject_request_id}}/answer": DISPOSING,
    f"GET {REQUEST}/erasure": ALL,
    "GET /v1/statistics": ALL,
    "GET /v1/holds/owed": ALL,
    "GET /v1/incidents": ALL,
    "GET /v1/incidents/{incident_id}": ALL,
    "GET /v1/incidents/{incident_id}/timeline": ALL,
    "GET /v1/incidents/{incident_id}/trace": ALL,
    "GET /v1/partners": ALL,
    "GET /v1/partners/me": ALL,
    "GET /v1/partners/{handle}": ALL,
    "GET /v1/acts": {"compliance", "security_lead", "auditor"},
    "GET /v1/chains": ALL,
    "GET /v1/people": ALL,
    "GET /v1/keys": ALL,
    "GET /v1/grants": ALL,
    "GET /v1/passkeys": ALL,
    "GET /v1/sign-in-provider": ALL,
    "GET /v1/recovery-requests": ALL,
    "GET /v1/recovery-requests/statistics": ALL,
    f"GET {RECOVERY}": ALL,
    f"GET {RECOVERY}/deposits": ALL,
    f"GET {RECOVERY}/evidence": ALL,
    f"GET {RECOVERY}/evidence-bundle": ALL,
    "POST /v1/recovery-requests": ANSWERING,
    f"POST {RECOVERY}/approvals": DISPOSING,
    f"POST {RECOVERY}/withdrawal": ANSWERING,
    f"POST {RECOVERY}/answers": ANSWERING,
    f"POST {RECOVERY}/replies": ANSWERING,
    "GET /v1/rulebook/acceptances": ALL,
    "POST /v1/rulebook/acceptances": DISPOSING,
    "GET /v1/gateways": ALL,
    "POST /v1/gateways": DISPOSING,
    "POST /v1/gateways/withdrawals": DISPOSING,
    "GET /v1/on-call": ALL,
    "GET /v1/alarms": ALL,
    "POST /v1/restitutions": DISPOSING,
    "GET /v1/restitutions": ALL,
    f"GET {RESTITUTION}": ALL,
    f"GET {RESTITUTION}/evidence-bundle": ALL,
    f"POST {RESTITUTION}/pool-lines": DISPOSING,
    f"GET {RESTITUTION}/pool-lines": ALL,
    f"POST {RESTITUTION}/claims": DISPOSING,
    f"GET {RESTITUTION}/claims": ALL,
    f"GET {RESTITUTION}/claims/{{claim_id}}": ALL,
    f"POST {RESTITUTION}/claims/{{claim_id}}/decisions": DISPOSING,
    f"POST {RESTITUTION}/claims/{{claim_id}}/objections": DISPOSING,
    f"POST {RESTITUTION}/claim-links": DISPOSING,
    f"POST {RESTITUTION}/claim-link-revocations": DISPOSING,
    f"POST {RESTITUTION}/claims/{{claim_id}}/payout-changes": DISPOSING,
    f"POST {RESTITUTION}/claims/{{claim_id}}/payout-changes/{{change_id}}/decisions": DISPOSING,
    f"POST {RESTITUTION}/allocations": DISPOSING,
    f"GET {RESTITUTION}/allocations": ALL,
    f"GET {RESTITUTION}/allocations/{{allocation_id}}": ALL,
    f"POST {RESTITUTION}/allocations/{{allocation_id}}/approvals": DISPOSING,
    f"POST {RESTITUTION}/payouts": DISPOSING,
    f"GET {RESTITUTION}/payouts": ALL,
    f"POST {RESTITUTION}/closure": DISPOSING,
    "GET /v1/events": ALL,
    "GET /v1/webhook-endpoints": ENDPOINTS | {"auditor"},
    "GET /v1/webhook-endpoints/{endpoint_id}": ENDPOINTS | {"auditor"},
    "GET /v1/webhook-endpoints/{endpoint_id}/deliveries": ENDPOINTS | {"auditor"},
    "GET /v1/deliveries/{delivery_id}": ENDPOINTS | {"auditor"},
    "POST /v1/freeze-requests": SUBMITTING,
    f"POST {REQUEST}/approvals": LEAD,
    f"POST {REQUEST}/support": DISPOSING,
    f"POST {REQUEST}/flag-renewals": LEAD,
    f"POST {REQUEST}/indemnities": DISPOSING,
    f"POST {REQUEST}/guests": LEAD,
    f"POST {REQUEST}/same-funds": SUBMITTING,
    f"POST {REQUEST}/withdrawal": SUBMITTING,
    f"GET {REQUEST}/withdrawals": ALL,
    f"POST {REQUEST}/withdrawals/{{withdrawal_id}}/approvals": LEAD,
    f"POST {REQUEST}/closure": LEAD,
    f"POST {REQUEST}/erasure": LEAD,
    f"POST {REQUEST}/acknowledgement": ANSWERING,
    f"POST {REQUEST}/review": ANSWERING,
    f"POST {REQUEST}/decline": DISPOSING,
    f"POST {REQUEST}/leg-limit": LEAD,
    f"POST {REQUEST}/freeze-reports": ANSWERING,
    f"POST {REQUEST}/info-requests": ANSWERING,
    f"POST {REQUEST}/info-requests/{{info_request_id}}/answer": SUBMITTING,
    f"POST {REQUEST}/disputes": DISPOSING,
    f"POST {REQUEST}/disputes/{{dispute_id}}/resolution": LEAD,
    f"POST {REQUEST}/clearances/{{clearance_id}}/revocation": LEAD,
    f"POST {REQUEST}/hold-extensions": DISPOSING,
    f"POST {REQUEST}/extension-requests": LEAD,
    f"POST {REQUEST}/legal-orders": DISPOSING,
    f"POST {REQUEST}/legal-orders/{{legal_order_id}}/call-backs": DISPOSING,
    f"POST {REQUEST}/legal-orders/{{legal_order_id}}/reviews": DISPOSING,
    f"POST {REQUEST}/legal-orders/{{legal_order_id}}/lifting": DISPOSING,
    f"POST {REQUEST}/encumbrances": DISPOSING,
    f"POST {REQUEST}/encumbrances/{{encumbrance_id}}/reviews": DISPOSING,
    f"POST {REQUEST}/encumbrances/{{encumbrance_id}}/lifting": DISPOSING,
    f"POST {REQUEST}/partners": LEAD,
    "GET /v1/tasks": ALL,
    # Of a leg that is to be acknowledged; a system does not take, it does.
    "POST /v1/tasks/{task_id}/taken": ANSWERING - {"system"},
    "POST /v1/webhook-endpoints": ENDPOINTS,
    "PATCH /v1/webhook-endpoints/{endpoint_id}": ENDPOINTS,
    "DELETE /v1/webhook-endpoints/{endpoint_id}": ENDPOINTS,
    "POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret": ENDPOINTS,
    "POST /v1/webhook-endpoints/{endpoint_id}/test": ENDPOINTS,
    "POST /v1/webhook-endpoints/{endpoint_id}/replay": ENDPOINTS,
    "POST /v1/webhook-endpoints/{endpoint_id}/recover": ENDPOINTS,
    "POST /v1/deliveries/{delivery_id}/resend": ENDPOINTS,
    "POST /v1/grants": LEAD,
    "POST /v1/grants/{proposal_id}/approvals": LEAD,
    "POST /v1/revocations": LEAD,
    "POST /v1/console-links": ALL - {"system"},
    "POST /v1/sign-in-provider": LEAD,
    "DELETE /v1/sign-in-provider": LEAD,
    "POST /v1/on-call": LEAD,
    "DELETE /v1/on-call": LEAD,
    "POST /v1/on-call/test": LEAD,
    "PATCH /v1/partners/me": LEAD,
    "POST /v1/partners/me/tag-key": LEAD,
    "PATCH /v1/people/{person_id}": LEAD,
}
#: Acts of the asked side; the others below a request are the requester's.
ASKED_SIDE = {
    f"POST {REQUEST}/{act}"
    for act in (
        "acknowledgement",
        "review",
        "decline",
        "leg-limit",
        "freeze-reports",
        "info-requests",
        "disputes",
        "hold-extensions",
        "return-requests/{return_id}/answer",
        "legal-orders",
        "legal-orders/{legal_order_id}/call-backs",
        "legal-orders/{legal_order_id}/reviews",
        "legal-orders/{legal_order_id}/lifting",
        "encumbrances",
        "encumbrances/{encumbrance_id}/reviews",
        "encumbrances/{encumbrance_id}/lifting",
    )
}
#: An order may be attached by a requester, too, if it is an authority.
BOTH_SIDES = {route for route in ASKED_SIDE if "/legal-orders" in route or "/encumbr" in route}
UNKNOWN = "01kk7h3m6xf9trv2c8e5b4n0qa"
ROLES = sorted(ALL)
LATER_END = {"hold": f"hld_{UNKNOWN}", "hold_expires_at": "2026-04-01T00:00:00Z"}


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Rights are decided before the database is asked."""
    return sqlite_world


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


def _body(route: Route, cast: Cast, own: Exchange, request: Mapping[str, Any]) -> Any:
    act = {"content_sha256": request["content_sha256"]}
    decision = {"decision": "approve", "context_sha256": request["context_sha256"]}
    found = {"kind": "found", "address_no": 0, "asset": ETHER, "amount": "5"}
    bodies: dict[str, Any] = {
        "/v1/freeze-requests": freeze_request_body(
            to=[e.handle for e in cast.all if e is not own][:1]
        ),
        "/approvals": act | decision,
        "/withdrawal": act
        | {"addresses": "all", "reason_code": "other", "reason": "sent by mistake"},
        "/withdrawals/{withdrawal_id}/approvals": act
        | {"decision": "approve", "act_sha256": "0" * 64},
        "/closure": act,
        "/erasure": act | {"reason": "data_subject"},
        "/flag-renewals": act,
        "/support": act | {"support": "order", "document_sha256": "0" * 64},
        "/guests": act | {"domain": "guest.example"},
        "/indemnities": act
        | {"cap": {"usd": "5"}, "law": "EE", "until": "2026-09-01T00:00:00Z"}
        | {"document_sha256": "0" * 64},
        "/same-funds": act | {"hold": f"hld_{UNKNOWN}", "same_as": None},
        "/acknowledgement": act,
        "/review": act,
        "/decline": act | {"code": "funds_gone"},
        "/leg-limit": act | {"people": [own.second_lead.subject]},
        "/freeze-reports": act | {"lines": [found]},
        "/v1/webhook-endpoints": {"url": "http://127.0.0.1:9/hook"},
        "{endpoint_id}": {"description": "changed"},
        "/partners": act | {"to": [cast.d.handle]},
        "/info-requests": act | {"missing": ["police report"]},
        "/v1/data-subject-requests": {
            "kind": "access",
            "account": "eip155:1:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d",
            "reference": "L-17",
            "received_at": "2026-03-01T00:00:00Z",
        },
        "/data-subject-requests/{data_subject_request_id}/answer": act | {"decision": "granted"},
        "/answer": act | {"text": "It is number 17."},
        "/disputes": act | {"reference": "C-17", "text": "It was bought in good faith."},
        "/resolution": act | {"resolution": "rejected", "text": "The trace is clear."},
        "/revocation": act | {"reason": "It was the thief's after all."},
        "/hold-extensions": act | LATER_END | {"basis": "voluntary"},
        "/extension-requests": act | LATER_END | {"reason": "The order is on its way."},
        "/legal-orders": act
        | {"agency": "Police", "reference": "17/2026", "document_sha256": "0" * 64},
        "/call-backs": act
        | {"at": "2026-03-02T11:00:00Z", "number_from": "known_before", "outcome": "confirmed"},
        "/reviews": act | {"review_at": "2026-09-01T00:00:00Z"},
        "/lifting": act | {"act_sha256": "0" * 64, "document_sha256": "0" * 64},
        "/encumbrances": act
        | {"kind": "attachment", "hold": f"hld_{UNKNOWN}", "order_sha256": "0" * 64}
        | {"blocks": ["release"], "court": "Harju", "number": "2-26-123"},
        "/sealed-evidence/parts": act | {"data": "A" * 22},
        "/sealed-evidence": act | by_hand([bytes(16)], {cast.a.handle: "A" * 43}),
        "/recipients": act
        | {
            name: by_hand([bytes(16)], {cast.d.handle: "A" * 43})[name]
            for name in ("sha256", "keys")
        },
        "/return-requests": act
        | {"to": cast.b.handle, "holds": "all", "asset": ETHER, "amount": "all"}
        | {"destination": {"id": f"dst_{UNKNOWN}", "account": ACCOUNT}}
        | {"basis": {"kind": "own_error", "reason": "A digit was wrong."}},
        "/return-requests/{return_id}/approvals": act
        | {"act_sha256": "0" * 64, "decision": "approve"},
        "/return-requests/{return_id}/withdrawal": act | {"reason": "No longer wanted."},
        "/return-requests/{return_id}/answer": act
        | {"act_sha256": "0" * 64, "decision": "refuse", "code": "no_balance"},
        "/return-requests/{return_id}/revocation": act | {"reason": "No longer wanted."},
        "/return-requests/{return_id}/receipt": act | {"received": True, "amount": "5"},
        "/v1/destinations": {"account": ACCOUNT},
        "/v1/destinations/{destination_id}/approvals": {
            "decision": "approve",
            "act_sha256": "0" * 64,
        },
        "/test-transfers": {"tx": "0x" + "1" * 64, "asset": ETHER, "amount": "5"},
        "/v1/destinations/{destination_id}/closure": {"reason": "No longer ours."},
        "/v1/encryption-keys": {
            "jwk": {"kty": "OKP", "crv": "X25519", "x": "CQ" + "A" * 41},
            "replaces": None,
        },
        "/v1/grants/{proposal_id}/approvals": {"grant_sha256": "0" * 64},
        "/taken": act,
        "/replay": {"since": "2026-03-02T11:00:00Z"},
        "/recover": {"since": "2026-03-02T11:00:00Z"},
        "{endpoint_id}/test": {"event_type": "freeze.frozen"},
        "/v1/grants": grant_body(own.analyst),
        "/v1/console-links": {"purpose": "passkey"},
        "/v1/revocations": {"kid": "A" * 43},
        "/v1/sign-in-provider": {
            "issuer": "http://127.0.0.1:9",
            "client_id": "holdfast",
            "client_secret": "between us",
            "people": [{"person": own.analyst.subject, "sub": "17"}],
        },
        "/v1/on-call": {
            "steps": [
                {
                    "person": own.lead.subject,
                    "channels": [{"kind": "webhook", "url": "http://127.0.0.1:9/page"}],
                }
            ]
        },
        "/v1/on-call/test": {},
        "/v1/restitutions": {
            "nonce": "A" * 22,
            "incident": request["incident"]["id"],
            "asset": ETHER,
            "claims_close_at": "2026-06-01T00:00:00Z",
            "objections_until": "2026-07-01T00:00:00Z",
            "unclaimed_to": "Those who were paid.",
        },
        "/pool-lines": act
        | {"lines": [{"kind": "returned", "asset": ETHER, "amount": "5", "tx": "0x" + "ab" * 32}]},
        "/claims": act | {"claims": [claim(1)]},
        "/claim-links": act | {"links": [{"claim": f"clm_{UNKNOWN}", "link_sha256": "0" * 64}]},
        "/claim-link-revocations": act | {"claims": [f"clm_{UNKNOWN}"]},
        "/allocations": act
        | {
            "method": "pro_rata",
            "pool": "5",
            "claims": [{"claim": f"clm_{UNKNOWN}", "value": "5", "before": "0", "amount": "5"}],
        },
        "/allocations/{allocation_id}/approvals": act
        | {"decision": "approve", "act_sha256": "0" * 64},
        "/payouts": act | {"lines": [{"payout": f"pay_{UNKNOWN}", "tx": "0x" + "ab" * 32}]},
        "/payout-changes": act | {"payout": payout_account(7)},
        "/payout-changes/{change_id}/decisions": act
        | {"decision": "approve", "act_sha256": "0" * 64},
        "/decisions": act | {"decision": "verify"},
        "/objections": act | {"reason": "It was ours."},
        "/v1/rulebook/acceptances": {"rulebook_sha256": "0" * 64},
        "/v1/gateways": {"gateway": "us_314b"},
        "/v1/gateways/withdrawals": {"gateway_id": "gtw_01h455vb4pex5vsknk084sn02q"},
        "/v1/flags/applied": {"seq": 0, "root": "0" * 64, "count": 0},
        "/v1/recovery-requests": {
            "nonce": nonce(),
            "to": next(e.handle for e in cast.all if e is not own),
            "deposits": [deposit()],
        },
        f"{RECOVERY}/approvals": act | {"decision": "approve"},
        f"{RECOVERY}/withdrawal": act | {"reason": "sent by mistake"},
        f"{RECOVERY}/answers": act | {"lines": [{"kind": "not_found", "no": 0}]},
        f"{RECOVERY}/replies": act | {"lines": [{"kind": "confirmed", "no": 0}]},
        "/v1/partners/me": {"contacts": ["desk on duty"]},
        "/v1/partners/me/tag-key": {"tag_key": "A" * 43},
        "/v1/people/{person_id}": {"display_name": "Ada"},
    }
    if route.view.body is None:
        return None
    fitting = [suffix for suffix in bodies if route.path.endswith(suffix)]
    return bodies[max(fitting, key=len)]


def _path(route: Route, request: Mapping[str, Any], **ids: str) -> str:
    names = {
        "request_id": request["id"],
        "incident_id": request["incident"]["id"],
        "delivery_id": f"dlv_{UNKNOWN}",
        "endpoint_id": f"whe_{UNKNOWN}",
        "info_request_id": f"inf_{UNKNOWN}",
        "dispute_id": f"dsp_{UNKNOWN}",
        "encumbrance_id": f"enc_{UNKNOWN}",
        "legal_order_id": f"ord_{UNKNOWN}",
        "clearance_id": f"clr_{UNKNOWN}",
        "withdrawal_id": f"wdp_{UNKNOWN}",
        "sealed_evidence_id": f"sev_{UNKNOWN}",
        "data_subject_request_id": f"dsr_{UNKNOWN}",
        "number": "0",
        "handle": "nobody.example",
        "proposal_id": f"grp_{UNKNOWN}",
        "destination_id": f"dst_{UNKNOWN}",
        "return_id": f"ret_{UNKNOWN}",
        "person_id": f"per_{UNKNOWN}",
        "recovery_id": f"rcv_{UNKNOWN}",
        "restitution_id": f"rst_{UNKNOWN}",
        "allocation_id": f"alo_{UNKNOWN}",
        "claim_id": f"clm_{UNKNOWN}",
        "change_id": f"poc_{UNKNOWN}",
        "task_id": f"tsk_acknowledge_{request['id'].partition('_')[2]}_{UNKNOWN}",
    } | ids
    return route.path.format(**names)


def test_every_signed_route_has_its_rights_written_down() -> None:
    signed = {_name(r) for r in ROUTES if r.view.signed and r.path != "/v1/join"}
    assert signed == set(RIGHTS)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_refused_exactly_what_the_table_does_not_give_it(
    signer: Signer, cast: Cast, role: str
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    wrong = []
    for route in [r for r in ROUTES if _name(r) in RIGHTS]:
        own = cast.b if _name(route) in ASKED_SIDE else cast.a
        answer = signer.send(
            own.people[role],
            route.method,
            _path(route, request),
            _body(route, cast, own, request),
        )
        refused = answer.status_code == 403 and answer.get_json()["code"] == "not_allowed"
        may = role in RIGHTS[_name(route)]
        # A lead's grant and a withdrawal of another's request are refused by rules of their own.
        by_rule = answer.status_code == 403 and (
            _name(route) == "POST /v1/grants" or route.path.endswith("/withdrawal")
        )
        if answer.status_code >= 500 or (refused is may and not by_rule):
            wrong.append((_name(route), answer.status_code, answer.get_json()))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_what_a_stranger_may_not_see_is_not_there(signer: Signer, cast: Cast, role: str) -> None:
    request = submit(signer, cast, to=[cast.b.handle])
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)
    seen = []
    for route in [r for r in ROUTES if _name(r) in RIGHTS and "{" in r.path]:
        answer = signer.send(
            cast.d.people[role],
            route.method,
            _path(route, request),
            _body(route, cast, cast.d, request),
        )
        expected = 404 if role in RIGHTS[_name(route)] else 403
        if answer.status_code != expected or request["id"] in answer.text:
            seen.append((_name(route), answer.status_code, answer.text))
    assert seen == []


@pytest.mark.parametrize("role", ROLES)
def test_a_leg_that_is_limited_to_others_is_not_there(
    signer: Signer, cast: Cast, role: str
) -> None:
    request = submit(signer, cast, to=[cast.b.handle])
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)
    named = {"content_sha256": request["content_sha256"], "people": [cast.b.second_lead.subject]}
    path = f"/v1/freeze-requests/{request['id']}/leg-limit"
    assert signer.post(cast.b.lead, path, named).status_code == 201
    seen = []
    for route in [r for r in ROUTES if _name(r) in RIGHTS and "{" in r.path]:
        answer = signer.send(
            cast.b.people[role],
            route.method,
            _path(route, request),
            _body(route, cast, cast.b, request),
        )
        expected = 404 if role in RIGHTS[_name(route)] else 403
        if answer.status_code != expected or request["id"] in answer.text:
            seen.append(_name(route))
    if role == "system":
        # No limit concerns a machine: it answers as before.
        assert f"GET {REQUEST}" in seen
        assert f"POST {REQUEST}/acknowledgement" in seen
    else:
        assert seen == []


@pytest.mark.parametrize("side", ["asked before it went out", "requester on the asked side"])
def test_a_side_that_one_is_not_on_is_not_there(signer: Signer, cast: Cast, side: str) -> None:
    request = submit(signer, cast)
    early = side == "asked before it went out"
    if not early:
        approve(signer, cast, request)
    own = cast.b if early else cast.a
    found = []
    for route in [r for r in ROUTES if _name(r) in RIGHTS and "{request_id}" in r.path]:
        if not early and _name(route) not in ASKED_SIDE - BOTH_SIDES:
            continue
        may = "security_lead" if "security_lead" in RIGHTS[_name(route)] else "analyst"
        answer = signer.send(
            own.people[may], route.method, _path(route, request), _body(route, cast, own, request)
        )
        if answer.status_code != 404:
            found.append((_name(route), answer.status_code))
    assert found == []


def test_a_root_key_works_at_grants_and_revocations_only(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    open_to_root = []
    for route in [r for r in ROUTES if _name(r) in RIGHTS]:
        answer = signer.send(
            cast.a.root,
            route.method,
            _path(route, request),
            _body(route, cast, cast.a, request),
        )
        if answer.status_code != 403:
            open_to_root.append(_name(route))
    assert sorted(open_to_root) == ["POST /v1/grants", "POST /v1/revocations"]


def test_a_partner_asked_reads_its_own_leg_lines_and_evidence_only(
    signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request, "700")
    report_frozen(signer, cast.c, request, "300")
    path = f"/v1/freeze-requests/{request['id']}"
    seen = signer.get(cast.b.auditor, path).get_json()
    assert seen["to"] == [e.handle for e in (cast.b, cast.c, cast.d)]
    assert seen["leg"]["partner"] == cast.b.handle
    assert seen["totals"][ETHER]["frozen"] == "700"
    for name in ("decision_context", "context_sha256", "warnings", "leg_counts", "log"):
        assert name not in seen
    for part in ("legs", "ledger", "holds"):
        items = signer.get(cast.b.auditor, f"{path}/{part}").get_json()["items"]
        assert {item["partner"] for item in items} == {cast.b.handle}, part
    acts = signer.get(cast.b.auditor, f"{path}/evidence").get_json()["items"]
    assert {act["partner"] for act in acts} == {cast.a.handle, cast.b.handle}
    whole = signer.get(cast.a.auditor, path).get_json()
    assert whole["totals"][ETHER]["frozen"] == "1000"
    lines = signer.get(cast.a.auditor, f"{path}/ledger").get_json()["items"]
    assert {line["partner"] for line in lines} == {cast.b.handle, cast.c.handle}
