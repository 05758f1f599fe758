"""Every URL of the coordinator, with the view that serves it: the one list."""

from collections.abc import Callable

from flask import Flask, Response

from coordinator.api import (
    additions,
    allocations,
    approvals,
    chains,
    claims,
    clearances,
    console_links,
    data_subjects,
    destinations,
    disputes,
    docs,
    drafts,
    encryption_keys,
    encumbrances,
    events,
    evidence_bundles,
    flags,
    freeze_ledger,
    freeze_request_reads,
    freeze_requests,
    gateways,
    guests,
    holds,
    house_rules,
    incident_traces,
    incidents,
    indemnities,
    info_requests,
    ledger_reads,
    legal_orders,
    legs,
    membership,
    membership_reads,
    on_call,
    own_acts,
    read_log,
    readiness_reports,
    recovery_requests,
    request_events,
    restitutions,
    return_requests,
    same_funds,
    sealed_evidence,
    search,
    service,
    sign_in_provider,
    statistics,
    summaries,
    support,
    tasks,
    transparency_log,
    webhook_endpoints,
    withdrawals,
)
from coordinator.api.pipeline import serve_command, serve_query
from coordinator.api.view import CommandView, QueryView, Route, View


def _section(tag: str, *routes: tuple[str, str, View]) -> tuple[Route, ...]:
    return tuple(Route(method, path, view, tag) for method, path, view in routes)


_RETURN = "/v1/freeze-requests/{request_id}/return-requests/{return_id}"

#: The API, by section of its documentation.
ROUTES: tuple[Route, ...] = (
    *_section(
        "service",
        ("GET", "/v1", service.about),
        ("GET", "/v1/chains", chains.read_chains),
        ("GET", "/.well-known/jwks.json", service.jwks),
        ("GET", "/healthz", service.healthz),
        ("GET", "/readyz", service.readyz),
    ),
    *_section(
        "membership",
        ("POST", "/v1/join", membership.join),
        ("GET", "/v1/partners", membership_reads.list_partners),
        ("GET", "/v1/partners/me", membership_reads.read_own),
        ("GET", "/v1/partners/{handle}", membership_reads.read_partner),
        ("PATCH", "/v1/partners/me", membership.change_entry),
        ("POST", "/v1/partners/me/tag-key", membership.set_tag_key),
        ("GET", "/v1/people", membership_reads.list_people),
        ("PATCH", "/v1/people/{person_id}", membership.name_person),
        ("GET", "/v1/keys", membership_reads.list_keys),
        ("POST", "/v1/grants", membership.make_grant),
        ("GET", "/v1/grants", membership_reads.list_grants),
        ("POST", "/v1/grants/{proposal_id}/approvals", membership.approve_grant),
        ("POST", "/v1/revocations", membership.revoke),
        ("POST", "/v1/console-links", console_links.make_link),
        ("GET", "/v1/passkeys", console_links.list_passkeys),
        ("GET", "/v1/sign-in-provider", sign_in_provider.read_own),
        ("POST", "/v1/sign-in-provider", sign_in_provider.set_own),
        ("DELETE", "/v1/sign-in-provider", sign_in_provider.remove_own),
        ("POST", "/v1/encryption-keys", encryption_keys.set_key),
        ("GET", "/v1/encryption-keys", encryption_keys.list_keys),
        ("GET", "/v1/on-call", on_call.read_own),
        ("POST", "/v1/on-call", on_call.set_own),
        ("DELETE", "/v1/on-call", on_call.remove_own),
        ("POST", "/v1/on-call/test", on_call.page_for_test),
        ("GET", "/v1/alarms", on_call.list_own),
        ("GET", "/v1/rulebook", house_rules.read_rulebook),
        ("GET", "/v1/rulebook/{edition}", house_rules.read_edition),
        ("POST", "/v1/rulebook/acceptances", house_rules.accept),
        ("GET", "/v1/rulebook/acceptances", house_rules.list_acceptances),
        ("POST", "/v1/gateways", gateways.declare),
        ("GET", "/v1/gateways", gateways.list_gateways),
        ("POST", "/v1/gateways/withdrawals", gateways.withdraw),
        ("GET", "/v1/acts", own_acts.list_own_acts),
    ),
    *_section(
        "freeze requests",
        ("POST", "/v1/freeze-requests", freeze_requests.submit),
        ("GET", "/v1/freeze-requests", freeze_request_reads.list_requests),
        ("GET", "/v1/freeze-requests/{request_id}", freeze_request_reads.read_request),
        ("GET", "/v1/freeze-requests/{request_id}/addresses", freeze_request_reads.list_addresses),
        ("GET", "/v1/freeze-requests/{request_id}/asked", request_events.read_asked),
        ("GET", "/v1/freeze-requests/{request_id}/events", request_events.list_events),
        ("GET", "/v1/freeze-requests/{request_id}/alarms", on_call.list_of_request),
        ("GET", "/v1/freeze-requests/{request_id}/reads", read_log.list_reads),
        ("POST", "/v1/freeze-requests/{request_id}/approvals", approvals.decide),
        ("POST", "/v1/freeze-requests/{request_id}/partners", additions.propose),
        ("GET", "/v1/freeze-requests/{request_id}/partners", additions.list_additions),
        ("GET", "/v1/freeze-requests/{request_id}/drafts", drafts.list_drafts),
        ("POST", "/v1/freeze-requests/{request_id}/support", support.raise_support),
        ("GET", "/v1/freeze-requests/{request_id}/support", support.list_support),
        ("POST", "/v1/freeze-requests/{request_id}/flag-renewals", flags.renew),
        ("POST", "/v1/freeze-requests/{request_id}/indemnities", indemnities.give),
        ("GET", "/v1/freeze-requests/{request_id}/indemnities", indemnities.list_given),
        ("POST", "/v1/freeze-requests/{request_id}/guests", guests.ask),
        ("GET", "/v1/freeze-requests/{request_id}/guests", guests.list_guests),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/data-subject-requests/{data_subject_request_id}/answer",
            data_subjects.answer,
        ),
        ("POST", "/v1/freeze-requests/{request_id}/withdrawal", withdrawals.withdraw),
        ("GET", "/v1/freeze-requests/{request_id}/withdrawals", withdrawals.list_withdrawals),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/withdrawals/{withdrawal_id}/approvals",
            withdrawals.decide,
        ),
        ("POST", "/v1/freeze-requests/{request_id}/closure", freeze_requests.close),
        ("POST", "/v1/freeze-requests/{request_id}/erasure", freeze_requests.erase),
        ("GET", "/v1/freeze-requests/{request_id}/erasure", freeze_request_reads.read_erasure),
    ),
    *_section(
        "legs",
        ("GET", "/v1/freeze-requests/{request_id}/legs", freeze_request_reads.list_legs),
        ("POST", "/v1/freeze-requests/{request_id}/acknowledgement", legs.acknowledge),
        ("POST", "/v1/freeze-requests/{request_id}/review", legs.review),
        ("POST", "/v1/freeze-requests/{request_id}/decline", legs.decline),
        ("POST", "/v1/freeze-requests/{request_id}/leg-limit", legs.limit),
        ("POST", "/v1/freeze-requests/{request_id}/info-requests", info_requests.ask),
        ("GET", "/v1/freeze-requests/{request_id}/info-requests", info_requests.list_questions),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/info-requests/{info_request_id}/answer",
            info_requests.answer,
        ),
    ),
    *_section(
        "freeze ledger",
        ("POST", "/v1/freeze-requests/{request_id}/freeze-reports", freeze_ledger.report),
        ("GET", "/v1/freeze-requests/{request_id}/ledger", ledger_reads.list_lines),
        ("GET", "/v1/freeze-requests/{request_id}/holds", ledger_reads.list_holds),
        ("GET", "/v1/freeze-requests/{request_id}/answers", ledger_reads.list_answers),
    ),
    *_section(
        "holds",
        ("GET", "/v1/holds", holds.list_open),
        ("GET", "/v1/holds/owed", holds.list_owed),
        ("POST", "/v1/freeze-requests/{request_id}/hold-extensions", holds.extend),
        ("POST", "/v1/freeze-requests/{request_id}/extension-requests", holds.ask),
        ("POST", "/v1/freeze-requests/{request_id}/same-funds", same_funds.mark),
        ("POST", "/v1/freeze-requests/{request_id}/legal-orders", legal_orders.attach),
        ("GET", "/v1/freeze-requests/{request_id}/legal-orders", legal_orders.list_orders),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/legal-orders/{legal_order_id}/call-backs",
            legal_orders.call_back,
        ),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/legal-orders/{legal_order_id}/reviews",
            legal_orders.review,
        ),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/legal-orders/{legal_order_id}/lifting",
            legal_orders.lift,
        ),
    ),
    *_section(
        "encumbrances",
        ("POST", "/v1/freeze-requests/{request_id}/encumbrances", encumbrances.attach),
        ("GET", "/v1/freeze-requests/{request_id}/encumbrances", encumbrances.list_encumbrances),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/encumbrances/{encumbrance_id}/reviews",
            encumbrances.review,
        ),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/encumbrances/{encumbrance_id}/lifting",
            encumbrances.lift,
        ),
    ),
    *_section(
        "disputes",
        ("POST", "/v1/freeze-requests/{request_id}/disputes", disputes.raise_dispute),
        ("GET", "/v1/freeze-requests/{request_id}/disputes", disputes.list_disputes),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/disputes/{dispute_id}/resolution",
            disputes.resolve,
        ),
    ),
    *_section(
        "clearances",
        ("GET", "/v1/freeze-requests/{request_id}/clearances", clearances.list_clearances),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/clearances/{clearance_id}/revocation",
            clearances.revoke,
        ),
        ("GET", "/v1/clearances/{clearance_id}", clearances.read_status),
    ),
    *_section(
        "money back",
        ("POST", "/v1/freeze-requests/{request_id}/return-requests", return_requests.ask),
        ("GET", "/v1/freeze-requests/{request_id}/return-requests", return_requests.list_asked),
        ("POST", f"{_RETURN}/approvals", return_requests.decide),
        ("POST", f"{_RETURN}/withdrawal", return_requests.withdraw),
        ("POST", f"{_RETURN}/answer", return_requests.answer),
        ("POST", f"{_RETURN}/revocation", return_requests.revoke),
        ("POST", f"{_RETURN}/receipt", return_requests.confirm),
        ("POST", "/v1/destinations", destinations.propose),
        ("GET", "/v1/destinations", destinations.list_all),
        ("GET", "/v1/destinations/{destination_id}", destinations.read_one),
        ("POST", "/v1/destinations/{destination_id}/approvals", destinations.decide),
        ("POST", "/v1/destinations/{destination_id}/test-transfers", destinations.confirm_test),
        ("POST", "/v1/destinations/{destination_id}/closure", destinations.close),
    ),
    *_section(
        "recovery requests",
        ("POST", "/v1/recovery-requests", recovery_requests.submit),
        ("GET", "/v1/recovery-requests", recovery_requests.list_requests),
        ("GET", "/v1/recovery-requests/statistics", recovery_requests.read_statistics),
        ("GET", "/v1/recovery-requests/{recovery_id}", recovery_requests.read_request),
        ("GET", "/v1/recovery-requests/{recovery_id}/deposits", recovery_requests.list_deposits),
        ("GET", "/v1/recovery-requests/{recovery_id}/evidence", recovery_requests.list_evidence),
        (
            "GET",
            "/v1/recovery-requests/{recovery_id}/evidence-bundle",
            evidence_bundles.read_recovery_bundle,
        ),
        ("POST", "/v1/recovery-requests/{recovery_id}/approvals", recovery_requests.decide),
        ("POST", "/v1/recovery-requests/{recovery_id}/withdrawal", recovery_requests.withdraw),
        ("POST", "/v1/recovery-requests/{recovery_id}/answers", recovery_requests.answer),
        ("POST", "/v1/recovery-requests/{recovery_id}/replies", recovery_requests.reply),
    ),
    *_section(
        "flags",
        ("GET", "/v1/flags", flags.read_feed),
        ("GET", "/v1/flags/applied", flags.read_applied),
        ("POST", "/v1/flags/applied", flags.report_applied),
    ),
    *_section(
        "data subjects",
        ("POST", "/v1/data-subject-requests", data_subjects.record),
        ("GET", "/v1/data-subject-requests", data_subjects.list_own),
        ("GET", "/v1/data-subject-requests/{data_subject_request_id}", data_subjects.read_one),
    ),
    *_section(
        "search",
        ("GET", "/v1/search", search.find),
    ),
    *_section(
        "tasks",
        ("GET", "/v1/tasks", tasks.list_waiting),
        ("POST", "/v1/tasks/{task_id}/taken", tasks.take),
    ),
    *_section(
        "evidence",
        ("GET", "/v1/freeze-requests/{request_id}/evidence", ledger_reads.list_evidence),
        ("GET", "/v1/freeze-requests/{request_id}/summary.pdf", summaries.read_summary),
        ("GET", "/v1/freeze-requests/{request_id}/readiness", readiness_reports.read_report),
        ("GET", "/v1/freeze-requests/{request_id}/readiness.pdf", readiness_reports.read_document),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/sealed-evidence/parts",
            sealed_evidence.send_part,
        ),
        ("POST", "/v1/freeze-requests/{request_id}/sealed-evidence", sealed_evidence.seal),
        ("GET", "/v1/freeze-requests/{request_id}/sealed-evidence", sealed_evidence.list_evidence),
        (
            "GET",
            "/v1/freeze-requests/{request_id}/sealed-evidence/{sealed_evidence_id}",
            sealed_evidence.read_one,
        ),
        (
            "GET",
            "/v1/freeze-requests/{request_id}/sealed-evidence/{sealed_evidence_id}/parts/{number}",
            sealed_evidence.read_part,
        ),
        (
            "POST",
            "/v1/freeze-requests/{request_id}/sealed-evidence/{sealed_evidence_id}/recipients",
            sealed_evidence.share,
        ),
        (
            "GET",
            "/v1/freeze-requests/{request_id}/evidence-bundle",
            evidence_bundles.read_bundle,
        ),
    ),
    *_section(
        "log",
        ("GET", "/v1/log/checkpoint", transparency_log.read_checkpoint),
        ("GET", "/v1/log/policy", transparency_log.read_policy),
        ("GET", "/v1/log/keys", transparency_log.read_keys),
        ("GET", "/v1/log/cosignatures", transparency_log.read_collected),
        ("POST", "/v1/log/cosignatures", transparency_log.take_cosignatures),
        ("GET", "/v1/log/tile/{level}/{tile}", transparency_log.read_tile),
        ("GET", "/v1/log/tile/entries/{tile}", transparency_log.read_entries),
        ("GET", "/v1/log/proof/entry/{index}", transparency_log.read_proof),
        ("GET", "/v1/log/proof/inclusion/{index}/{size}", transparency_log.read_inclusion),
        ("GET", "/v1/log/proof/consistency/{first}/{second}", transparency_log.read_consistency),
    ),
    *_section(
        "incidents",
        ("GET", "/v1/incidents", incidents.list_incidents),
        ("GET", "/v1/incidents/{incident_id}", incidents.read_incident),
        ("GET", "/v1/incidents/{incident_id}/timeline", incident_traces.read_timeline),
        ("GET", "/v1/incidents/{incident_id}/trace", incident_traces.read_trace),
    ),
    *_section(
        "restitutions",
        ("POST", "/v1/restitutions", restitutions.open_restitution),
        ("GET", "/v1/restitutions", restitutions.list_restitutions),
        ("GET", "/v1/restitutions/{restitution_id}", restitutions.read_restitution),
        (
            "GET",
            "/v1/restitutions/{restitution_id}/evidence-bundle",
            evidence_bundles.read_restitution_bundle,
        ),
        ("POST", "/v1/restitutions/{restitution_id}/pool-lines", restitutions.add_pool_lines),
        ("GET", "/v1/restitutions/{restitution_id}/pool-lines", restitutions.list_pool_lines),
        ("POST", "/v1/restitutions/{restitution_id}/claims", claims.file_claims),
        ("GET", "/v1/restitutions/{restitution_id}/claims", claims.list_claims),
        ("GET", "/v1/restitutions/{restitution_id}/claims/{claim_id}", claims.read_one),
        (
            "POST",
            "/v1/restitutions/{restitution_id}/claims/{claim_id}/decisions",
            claims.decide,
        ),
        (
            "POST",
            "/v1/restitutions/{restitution_id}/claims/{claim_id}/objections",
            claims.object_to,
        ),
        ("POST", "/v1/restitutions/{restitution_id}/claim-links", claims.make_links),
        (
            "POST",
            "/v1/restitutions/{restitution_id}/claim-link-revocations",
            claims.revoke_links,
        ),
        (
            "POST",
            "/v1/restitutions/{restitution_id}/claims/{claim_id}/payout-changes",
            claims.propose_payout_account,
        ),
        (
            "POST",
            (
                "/v1/restitutions/{restitution_id}/claims/{claim_id}/payout-changes/{change_id}"
                "/decisions"
            ),
            claims.decide_payout_account,
        ),
        ("POST", "/v1/restitutions/{restitution_id}/allocations", allocations.propose),
        ("GET", "/v1/restitutions/{restitution_id}/allocations", allocations.list_allocations),
        (
            "GET",
            "/v1/restitutions/{restitution_id}/allocations/{allocation_id}",
            allocations.read_one,
        ),
        (
            "POST",
            "/v1/restitutions/{restitution_id}/allocations/{allocation_id}/approvals",
            allocations.decide,
        ),
        ("POST", "/v1/restitutions/{restitution_id}/payouts", allocations.record_payouts),
        ("GET", "/v1/restitutions/{restitution_id}/payouts", allocations.list_payouts),
        ("POST", "/v1/restitutions/{restitution_id}/closure", restitutions.close_restitution),
    ),
    *_section(
        "events",
        ("GET", "/v1/events", events.read_feed),
    ),
    *_section(
        "webhook endpoints",
        ("POST", "/v1/webhook-endpoints", webhook_endpoints.register),
        ("GET", "/v1/webhook-endpoints", webhook_endpoints.list_own),
        ("GET", "/v1/webhook-endpoints/{endpoint_id}", webhook_endpoints.read_one),
        ("PATCH", "/v1/webhook-endpoints/{endpoint_id}", webhook_endpoints.update),
        ("DELETE", "/v1/webhook-endpoints/{endpoint_id}", webhook_endpoints.delete),
        ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret", webhook_endpoints.rotate),
        ("POST", "/v1/webhook-endpoints/{endpoint_id}/test", webhook_endpoints.send_test),
        ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries", webhook_endpoints.list_owed),
        ("POST", "/v1/webhook-endpoints/{endpoint_id}/replay", webhook_endpoints.replay),
        ("POST", "/v1/webhook-endpoints/{endpoint_id}/recover", webhook_endpoints.recover),
        ("GET", "/v1/deliveries/{delivery_id}", webhook_endpoints.read_delivery),
        ("POST", "/v1/deliveries/{delivery_id}/resend", webhook_endpoints.resend),
    ),
    *_section(
        "statistics",
        ("GET", "/v1/statistics", statistics.read_statistics),
        ("GET", "/v1/statistics/{year}", statistics.read_year),
    ),
)
#: Pages for people and what they load; none of it is in the OpenAPI document.
PAGES: dict[str, Callable[..., Response]] = {
    "/openapi.json": docs.openapi_page(ROUTES),
    "/docs": docs.serve_docs,
    "/docs/problems": docs.serve_problems,
    "/docs/{page}": docs.serve_page,
    "/docs/assets/{name}": docs.serve_asset,
}


def register(app: Flask) -> None:
    """Have `app` serve every route and every page, and nothing else."""
    for route in ROUTES:
        if isinstance(route.view, CommandView) and route.view.body is not None:
            # The kit builds a model's validator at its first use; here no caller waits for it.
            route.view.body.model_rebuild()
        _add(app, route.method, route.path, _serve(route.view))
    for path, page in PAGES.items():
        _add(app, "GET", path, page)


def _serve(view: View) -> Callable[..., Response]:
    """Return the function that Flask calls with the names in the path."""
    match view:
        case QueryView():
            return lambda **names: serve_query(view, names)
        case CommandView():
            return lambda **names: serve_command(view, names)
        case _:
            return view.function


def _add(app: Flask, method: str, path: str, function: Callable[..., Response]) -> None:
    app.add_url_rule(
        # A tile's own path has as many parts as its number takes.
        path.replace("{tile}", "<path:tile>").replace("{", "<").replace("}", ">"),
        f"{method} {path}",
        function,
        methods=[method],
        provide_automatic_options=False,
    )
