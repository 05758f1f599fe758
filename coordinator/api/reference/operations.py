"""Operations: what a route is called, what it takes, who may use it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from coordinator.api.reference import examples
from coordinator.api.reference.responses import is_conditional, path_names, refusals, success
from coordinator.api.reference.schemas import Key
from coordinator.api.view import Route
from coordinator.domain.permission import GRANTS, ROOT_GRANTS, Permission
from holdfast.protocol import views
from holdfast.protocol.vocabulary import Role

Json = dict[str, Any]

#: What the sections of the document are about.
TAGS: Mapping[str, str] = {
    "service": "What this coordinator is, its key, its chains, and whether it is well.",
    "membership": "Who is a member, who may act for it, and with which keys.",
    "freeze requests": "Asking partners to freeze: submit, approve, add to, withdraw, close.",
    "legs": "A partner's side of a request: acknowledge, review, ask, decline.",
    "freeze ledger": "What partners report: found, frozen, released, returned, seized, nothing.",
    "holds": "What is held, until when, and on what ground.",
    "encumbrances": "A court's or an authority's claim on what is held, and what it blocks.",
    "disputes": "A partner contests a hold for its customer.",
    "clearances": "Accounts that were flagged by error, with a statement to show.",
    "recovery requests": "Deposits that went to the wrong place: asking for them, giving back.",
    "money back": "Where money comes back to, and asking for it.",
    "flags": "The accounts that you were asked about and that count, to screen deposits by.",
    "search": "One line that leads to a request.",
    "data subjects": "What persons ask for under data-protection law, and who answers them.",
    "tasks": "What waits for a person, and who has it.",
    "log": "The transparency log: signed checkpoints, tiles, entries and proofs, for anybody.",
    "evidence": "Every act on a request, with what proves it.",
    "incidents": "The thefts and scams that requests belong to.",
    "restitutions": "What was recovered of an incident, and how it is given back.",
    "events": "The feed: the same events as by webhook.",
    "webhook endpoints": "Where events go, and what became of each delivery.",
    "statistics": "How fast and how much, over legs that you may see; a public summary a year.",
    "webhooks": "What is posted to your endpoints, signed (Standard Webhooks).",
}
#: Short names of what a function's own name, outside of its module, would not tell.
_IDS: Mapping[str, str] = {
    "service.about": "read_service",
    "service.jwks": "read_coordinator_keys",
    "service.healthz": "check_health",
    "service.readyz": "check_readiness",
    "membership.revoke": "revoke_key",
    "membership.join": "join_network",
    "membership_reads.read_own": "read_own_partner",
    "console_links.make_link": "make_console_link",
    "freeze_requests.submit": "submit_request",
    "freeze_requests.close": "close_request",
    "freeze_request_reads.read_erasure": "read_proposed_erasure",
    "request_events.read_asked": "read_asked_sums",
    "request_events.list_events": "list_request_events",
    "approvals.decide": "decide_request",
    "additions.propose": "propose_partners",
    "indemnities.give": "give_indemnity",
    "indemnities.list_given": "list_indemnities",
    "guests.ask": "ask_guest",
    "data_subjects.record": "pass_letter_on",
    "data_subjects.list_own": "list_letters",
    "data_subjects.read_one": "read_letter",
    "data_subjects.answer": "answer_data_subject",
    "withdrawals.withdraw": "withdraw_request",
    "withdrawals.decide": "decide_withdrawal",
    "legs.acknowledge": "acknowledge_request",
    "legs.review": "review_request",
    "legs.decline": "decline_request",
    "legs.limit": "limit_leg",
    "info_requests.ask": "ask_question",
    "info_requests.answer": "answer_question",
    "freeze_ledger.report": "report_freezes",
    "ledger_reads.list_lines": "list_ledger",
    "holds.list_open": "list_open_holds",
    "holds.list_owed": "list_owed_holds",
    "holds.extend": "extend_hold",
    "holds.ask": "ask_extension",
    "same_funds.mark": "mark_same_funds",
    "legal_orders.attach": "attach_order",
    "recovery_requests.submit": "submit_recovery",
    "recovery_requests.list_requests": "list_recoveries",
    "recovery_requests.read_statistics": "read_recovery_statistics",
    "recovery_requests.read_request": "read_recovery",
    "recovery_requests.list_deposits": "list_misplaced_deposits",
    "recovery_requests.list_evidence": "list_recovery_evidence",
    "recovery_requests.decide": "decide_recovery",
    "recovery_requests.withdraw": "withdraw_recovery",
    "recovery_requests.answer": "answer_recovery",
    "recovery_requests.reply": "reply_recovery",
    "legal_orders.call_back": "call_back_about_order",
    "legal_orders.review": "review_order",
    "legal_orders.lift": "lift_order",
    "encumbrances.attach": "encumber",
    "encumbrances.review": "review_encumbrance",
    "encumbrances.lift": "lift_encumbrance",
    "return_requests.ask": "ask_return",
    "return_requests.list_asked": "list_returns",
    "return_requests.decide": "decide_return",
    "return_requests.withdraw": "withdraw_return",
    "return_requests.answer": "answer_return",
    "return_requests.revoke": "revoke_return",
    "return_requests.confirm": "confirm_return",
    "destinations.propose": "propose_destination",
    "destinations.list_all": "list_destinations",
    "destinations.read_one": "read_destination",
    "destinations.decide": "decide_destination",
    "destinations.confirm_test": "confirm_test_transfer",
    "destinations.close": "close_destination",
    "flags.renew": "renew_flags",
    "flags.read_feed": "read_flags",
    "flags.read_applied": "read_applied_flags",
    "flags.report_applied": "report_applied_flags",
    "on_call.read_own": "read_on_call",
    "on_call.set_own": "set_on_call",
    "on_call.remove_own": "remove_on_call",
    "on_call.list_own": "list_alarms",
    "on_call.list_of_request": "list_request_alarms",
    "house_rules.read_edition": "read_rulebook_edition",
    "house_rules.accept": "accept_rulebook",
    "house_rules.list_acceptances": "list_acceptances",
    "gateways.declare": "declare_gateway",
    "gateways.withdraw": "withdraw_gateway",
    "encryption_keys.set_key": "set_encryption_key",
    "encryption_keys.list_keys": "list_encryption_keys",
    "sealed_evidence.send_part": "send_sealed_part",
    "sealed_evidence.seal": "seal_evidence",
    "sealed_evidence.share": "share_sealed_evidence",
    "sealed_evidence.list_evidence": "list_sealed_evidence",
    "sealed_evidence.read_one": "read_sealed_evidence",
    "sealed_evidence.read_part": "read_sealed_part",
    "disputes.resolve": "resolve_dispute",
    "claims.read_one": "read_claim",
    "claims.decide": "decide_claim",
    "allocations.propose": "propose_allocation",
    "allocations.decide": "decide_allocation",
    "allocations.read_one": "read_allocation",
    "claims.object_to": "object_to_claim",
    "claims.propose_payout_account": "propose_payout_account",
    "claims.decide_payout_account": "decide_payout_account",
    "clearances.revoke": "revoke_clearance",
    "clearances.read_status": "read_clearance",
    "search.find": "search",
    "tasks.list_waiting": "list_tasks",
    "tasks.take": "take_task",
    "transparency_log.read_checkpoint": "read_log_checkpoint",
    "transparency_log.read_keys": "read_log_keys",
    "transparency_log.read_tile": "read_log_tile",
    "transparency_log.read_entries": "read_log_entries",
    "transparency_log.read_proof": "read_log_proof",
    "transparency_log.read_inclusion": "read_log_inclusion",
    "transparency_log.read_consistency": "read_log_consistency",
    "webhook_endpoints.register": "register_endpoint",
    "webhook_endpoints.list_own": "list_endpoints",
    "webhook_endpoints.read_one": "read_endpoint",
    "webhook_endpoints.update": "update_endpoint",
    "webhook_endpoints.delete": "delete_endpoint",
    "webhook_endpoints.rotate": "rotate_secret",
    "webhook_endpoints.send_test": "send_test_event",
    "webhook_endpoints.list_owed": "list_deliveries",
    "webhook_endpoints.replay": "replay_endpoint",
    "webhook_endpoints.resend": "resend_delivery",
    "statistics.read_year": "read_yearly_statistics",
}
#: What the names in paths stand for.
_NAMES: Mapping[str, str] = {
    "request_id": "The freeze request, `frq_…`.",
    "handle": "The partner's handle, a lower-case DNS name.",
    "proposal_id": "The proposed grant, `grt_…`.",
    "person_id": "The person or system, `per_…` or `sys_…`.",
    "withdrawal_id": "The proposed withdrawal.",
    "return_id": "The return request, `ret_…`.",
    "data_subject_request_id": "What a person asks for, `dsr_…`.",
    "destination_id": "The destination, `dst_…`.",
    "dispute_id": "The dispute, `dsp_…`.",
    "encumbrance_id": "The encumbrance, `enc_…`.",
    "legal_order_id": "The legal order, `ord_…`.",
    "delivery_id": "The delivery, `dlv_…`.",
    "info_request_id": "The question.",
    "year": "A calendar year, such as 2026.",
    "clearance_id": "The clearance, `clr_…`.",
    "incident_id": "The incident, `inc_…`.",
    "restitution_id": "The restitution, `rst_…`.",
    "claim_id": "The claim, `clm_…`.",
    "change_id": "The changed account, `poc_…`.",
    "allocation_id": "The allocation, `alo_…`.",
    "task_id": "The task, as the list of tasks has it.",
    "endpoint_id": "The endpoint.",
    "sealed_evidence_id": "The sealed evidence, `sev_…`.",
    "edition": "The SHA-256 of the edition's text, as requests name it.",
    "number": "Of the part, from 0.",
    "level": "Of the tile, 0 to 63.",
    "tile": "Number of the tile, and its width where it is partial, e.g. `x001/x234/067.p/5`.",
    "recovery_id": "The recovery request, `rcv_…`.",
    "index": "Of the entry, from 0.",
    "size": "Of the tree, in entries.",
    "first": "Size of the smaller tree.",
    "second": "Size of the larger tree.",
}
#: What a query parameter means where its model does not say so.
_PARAMETERS: Mapping[tuple[str, str], str] = {
    ("/v1/people", "status"): "`present`, or `all`: those that were taken away, too.",
    ("/v1/keys", "subject"): "Keys of this person or system alone.",
    ("/v1/grants", "status"): "`made`, or `pending`: proposals that wait for another lead.",
    ("/v1/passkeys", "person"): "Passkeys of this person alone.",
    ("/v1/passkeys", "status"): "`pending`, `good`, or `all`.",
    ("/v1/freeze-requests", "incident"): "Requests of this incident alone.",
    ("/v1/freeze-requests/{request_id}/answers", "first"): "The first place of the span.",
    ("/v1/freeze-requests/{request_id}/answers", "last"): "The last place of the span.",
    ("/v1/holds", "request"): "Holds that count for this request alone.",
    ("/v1/events", "limit"): "Events in a page.",
}
_CONDITIONS = {
    "If-None-Match": "The `ETag` of the answer that you have; 304 where it is still the same.",
    "If-Match": "The `ETag` of the answer that you want; 412 where it has changed since.",
}


#: Schemas of answers that are no JSON.
_PLAIN: Mapping[Any, Json] = {
    str: {"type": "string"},
    bytes: {"type": "string", "format": "binary"},
}


def operation(route: Route, references: Mapping[Key, Json]) -> Json:
    """Return what the document says of a route.

    Args:
        route: Which.
        references: The schemas of models, by model and "body" or "answer".
    """
    view = route.view
    answer = _PLAIN.get(view.answer) or references[view.answer, "answer"]
    status = int(view.status)
    told = {
        str(status): success(
            route, answer, description="As asked.", example=examples.answer(route, status)
        )
    }
    if view.known:
        told["200"] = success(
            route, answer, description=view.known, example=examples.answer(route, 200)
        )
    found: Json = {
        "operationId": operation_id(route),
        "tags": [route.tag],
        "summary": view.summary,
        "description": _description(route),
        "parameters": _parameters(route),
        "responses": told | refusals(route, references[views.Problem, "answer"]),
    }
    if not view.signed:
        found["security"] = []
    if view.body is not None:
        content = {"schema": references[view.body, "body"]}
        example = examples.body(route)
        if example is not None:
            content["example"] = example
        found["requestBody"] = {
            "required": not view.body_may_be_absent,
            "content": {"application/json": content},
        }
    return found


def operation_id(route: Route) -> str:
    """Return the short name of a route, which generated clients call it by."""
    function = route.view.function
    name: str = function.__name__
    return _IDS.get(f"{function.__module__.rpartition('.')[2]}.{name}", name)


def roles(permission: Permission) -> list[str]:
    """Return the roles that have a permission, as the document names them."""
    named = [f"`{role.value}`" for role in Role if permission in GRANTS[role]]
    return [*named, *(["the root key"] if permission in ROOT_GRANTS else [])]


def _description(route: Route) -> str:
    view = route.view
    text = view.description or f"{view.summary}."
    if view.needs is None:
        return text
    return f"{text} Needs `{view.needs.value}`, which {_in_words(roles(view.needs))} can have."


def _in_words(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _parameters(route: Route) -> list[Json]:
    found: list[Json] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _NAMES[name],
            "schema": {"type": "string"},
        }
        for name in path_names(route)
    ]
    if route.view.query is not None:
        found += [
            _query_parameter(route, name, schema)
            for name, schema in _query_properties(route.view.query).items()
        ]
    if is_conditional(route):
        found += [
            _header(name, text, {"type": "string"}, is_required=False)
            for name, text in _CONDITIONS.items()
        ]
    if route.method != "GET" and route.view.signed:
        found.append(
            _header(
                "Idempotency-Key",
                "Fresh for every new act, the same for its retries.",
                {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{8,64}$"},
                is_required=True,
            )
        )
    return found


def _header(name: str, text: str, schema: Json, *, is_required: bool) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": is_required,
        "description": text,
        "schema": schema,
    }


def _query_parameter(route: Route, name: str, schema: Json) -> Json:
    plain = _plain(schema)
    text = plain.pop("description", None) or _PARAMETERS[route.path, name]
    return {"name": name, "in": "query", "required": False, "description": text, "schema": plain}


def _query_properties(query: type[BaseModel]) -> Json:
    schema = query.model_json_schema()
    definitions = schema.get("$defs", {})
    properties: Json = _resolved(schema.get("properties", {}), definitions)
    return properties


def _resolved(value: Any, definitions: Mapping[str, Any]) -> Any:
    """Replace references by what they refer to; query models are small."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _resolved(definitions[value["$ref"].rpartition("/")[2]], definitions)
        return {name: _resolved(item, definitions) for name, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, definitions) for item in value]
    return value


def _plain(schema: Json) -> Json:
    """Return a query parameter's schema: absent is what null would be."""
    choices = [c for c in schema.get("anyOf", []) if c != {"type": "null"}]
    rest = {k: v for k, v in schema.items() if k not in {"anyOf", "title"} and v is not None}
    if len(choices) == 1:
        return {**choices[0], **rest}
    return {**rest, "anyOf": choices} if choices else rest
