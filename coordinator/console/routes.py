"""Every URL of the console, with the page that serves it: the one list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import quote, urlsplit

import structlog
from flask import Flask, Response, g, make_response, redirect, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import problems
from coordinator.api.calls import PutOffError, present_call
from coordinator.api.client_address import client_address
from coordinator.api.context import AppContext, current_context
from coordinator.api.database_faults import unavailable
from coordinator.api.pipeline import Reader
from coordinator.api.responses import Later
from coordinator.console import (
    acts,
    audit,
    claimant_page,
    data_subject_letters,
    decide,
    decide_proposals,
    deliveries,
    destinations,
    directory_entry,
    drafts,
    endpoint_acts,
    endpoints,
    enrolment,
    figures,
    flags,
    gateways,
    grants,
    guest_page,
    holds,
    home,
    house_rules,
    leg_limit,
    link_page,
    on_call,
    organisation_sign_in,
    partners,
    passkeys_page,
    people,
    provider_page,
    recovery,
    render,
    requests,
    returns,
    search,
    sessions_page,
    signing_in,
)
from coordinator.console.answer import page as answer_page
from coordinator.console.context import EXTENSION, ConsoleContext, console
from coordinator.console.follow import acts as follow_acts
from coordinator.console.follow import (
    addresses,
    answers,
    data_subjects,
    documents,
    ledger,
    live,
    money,
    owed,
    read_log,
    readiness,
    restraints,
    timeline,
)
from coordinator.console.forms import Form, read_form
from coordinator.console.guard import CSRF_FIELD, guard, require_own_form, sent_elsewhere
from coordinator.console.restoring import allocations, claims, payouts, restitutions
from coordinator.console.sessions import TableSessions, own_session
from coordinator.console.signing_in import own_path
from coordinator.console.visit import Visit
from coordinator.domain.errors import (
    AuthenticationError,
    CoordinatorError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    UnavailableError,
)

_log = structlog.get_logger(__name__)

#: What whoever is no longer signed in hears where they did something.
SIGNED_OUT = "signed_out"
#: Refusals that say more than their kind does.
_TITLES = {
    SIGNED_OUT: "Signed out",
    "passkey_needed": "This takes a passkey",
    "passkey_unknown": "Not signed in",
    "passkey_revoked": "Not signed in",
    "provider_refused": "Not signed in",
    "link_over": "This link is over",
    "last_passkey": "It stays",
}
#: What a page's function returns.
Answer = Response | WsgiResponse


@dataclass(frozen=True, slots=True)
class Page:
    """A page for whoever is signed in: a function of (visit, **names).

    Attributes:
        large: Whether its form may hold a document.
    """

    method: str
    path: str
    function: Callable[..., Answer | Later]
    large: bool = False


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A page for anybody: a function of (form, **names); asking for it is counted."""

    method: str
    path: str
    function: Callable[..., Answer]


_QUESTION = "/console/requests/{request_id}/questions/{info_request_id}"
_CLEARANCE = "/console/requests/{request_id}/clearances/{clearance_id}"
_RESTITUTION = "/console/restitutions/{restitution_id}"
_RETURN = "/console/requests/{request_id}/returns/{return_id}"
_RESTRAINT = "/console/requests/{request_id}/orders/{restraint_id}"
_DATA_SUBJECT = "/console/requests/{request_id}/data-subjects/{data_subject_request_id}"
_DISPUTE = "/console/requests/{request_id}/disputes/{dispute_id}"

PAGES: tuple[Page | PublicPage, ...] = (
    Page("GET", "/console", home.show),
    PublicPage("GET", "/console/sign-in", signing_in.show),
    PublicPage("POST", "/console/sign-in", signing_in.sign_in),
    PublicPage("POST", "/console/sign-in/organisation", organisation_sign_in.start),
    PublicPage("GET", "/console/sign-in/return/{handle}", organisation_sign_in.come_back),
    PublicPage("GET", "/console/enter", signing_in.show_link),
    PublicPage("POST", "/console/enter", signing_in.enter),
    Page("POST", "/console/sign-out", signing_in.sign_out),
    PublicPage("GET", "/console/guest", guest_page.show_door),
    PublicPage("POST", "/console/guest/code", guest_page.ask_code),
    PublicPage("POST", "/console/guest/enter", guest_page.enter),
    PublicPage("GET", "/console/guest/request", guest_page.show),
    PublicPage("POST", "/console/guest/request/acknowledge", guest_page.acknowledge),
    PublicPage("POST", "/console/guest/request/report", guest_page.report),
    PublicPage("POST", "/console/guest/request/decline", guest_page.decline),
    PublicPage("GET", "/console/claim", claimant_page.show_door),
    # What forms answer is elsewhere than the door: a link that is opened there is another page.
    PublicPage("POST", "/console/claim/shown", claimant_page.show),
    PublicPage("GET", "/console/claim/shown", claimant_page.show_door),
    PublicPage("GET", "/console/claim/objection", claimant_page.show_door),
    PublicPage("POST", "/console/claim/objection", claimant_page.object_to),
    PublicPage("GET", "/console/passkeys/new", enrolment.show_start),
    PublicPage("POST", "/console/passkeys/new", enrolment.start),
    PublicPage("GET", "/console/passkeys/new/make", enrolment.show_make),
    PublicPage("POST", "/console/passkeys/new/make", enrolment.make),
    PublicPage("GET", "/console/passkeys/new/prove", enrolment.show_prove),
    PublicPage("POST", "/console/passkeys/new/prove", enrolment.prove),
    PublicPage("GET", "/console/passkeys/waiting/{kid}", enrolment.show_waiting),
    PublicPage("GET", "/console/passkeys/waiting/{kid}/request", enrolment.key_request),
    Page("GET", "/console/passkeys", passkeys_page.show),
    Page("POST", "/console/passkeys/link", passkeys_page.ask_link),
    Page("POST", "/console/passkeys/{kid}/remove", passkeys_page.remove),
    Page("GET", "/console/passkeys/{kid}/grant", grants.show_passkey),
    Page("POST", "/console/passkeys/{kid}/grant", grants.propose),
    Page("GET", "/console/links/made", link_page.show_made),
    Page("GET", "/console/sessions", sessions_page.show),
    Page("POST", "/console/sessions/others/end", sessions_page.end_others),
    Page("POST", "/console/sessions/{number}/end", sessions_page.end),
    Page("GET", "/console/people", people.show),
    Page("POST", "/console/people/links", people.invite),
    Page("GET", "/console/people/policy", grants.show_policy),
    Page("POST", "/console/people/policy", grants.propose_policy),
    Page("GET", "/console/flags", flags.show),
    Page("GET", "/console/on-call", on_call.show),
    Page("POST", "/console/on-call/test", on_call.page_for_test),
    Page("GET", "/console/requests/{request_id}/returns", returns.show_all),
    Page("POST", "/console/requests/{request_id}/returns", returns.ask),
    Page("GET", _RETURN, returns.show),
    Page("POST", f"{_RETURN}/{{act}}", returns.act),
    Page("GET", "/console/destinations", destinations.show_all),
    Page("POST", "/console/destinations", destinations.propose),
    Page("GET", "/console/destinations/{destination_id}", destinations.show),
    Page("POST", "/console/destinations/{destination_id}/decision", destinations.decide),
    Page("POST", "/console/destinations/{destination_id}/test", destinations.confirm_test),
    Page("POST", "/console/destinations/{destination_id}/close", destinations.close),
    Page("GET", "/console/recovery", recovery.show_list),
    Page("GET", "/console/recovery/new", recovery.show_new),
    Page("POST", "/console/recovery/new", recovery.submit, large=True),
    Page("GET", "/console/recovery/{recovery_id}", recovery.show),
    Page("POST", "/console/recovery/{recovery_id}/decision", recovery.decide),
    Page("POST", "/console/recovery/{recovery_id}/withdrawal", recovery.withdraw),
    Page("GET", "/console/recovery/{recovery_id}/deposits/{number}", recovery.show_deposit),
    Page("POST", "/console/recovery/{recovery_id}/deposits/{number}", recovery.speak),
    Page("GET", "/console/restitutions", restitutions.show_list),
    Page("GET", _RESTITUTION, restitutions.show),
    Page("POST", f"{_RESTITUTION}/closure", restitutions.close),
    Page("GET", f"{_RESTITUTION}/pool", restitutions.show_pool),
    Page("GET", f"{_RESTITUTION}/claims", claims.show_list),
    Page("GET", f"{_RESTITUTION}/claims/{{claim_id}}", claims.show),
    Page("POST", f"{_RESTITUTION}/claims/{{claim_id}}/{{act}}", claims.act),
    Page("GET", f"{_RESTITUTION}/allocations", allocations.show_list),
    Page("POST", f"{_RESTITUTION}/allocations", allocations.propose),
    Page("GET", f"{_RESTITUTION}/allocations/{{allocation_id}}", allocations.show),
    Page("POST", f"{_RESTITUTION}/allocations/{{allocation_id}}", allocations.decide),
    Page("GET", f"{_RESTITUTION}/payouts", payouts.show),
    Page("POST", f"{_RESTITUTION}/payouts", payouts.record, large=True),
    Page("GET", f"{_RESTITUTION}/payouts.csv", payouts.download),
    Page("GET", "/console/rulebook", house_rules.show),
    Page("POST", "/console/rulebook/accept", house_rules.accept),
    Page("GET", "/console/data-subjects", data_subject_letters.show),
    Page("POST", "/console/data-subjects", data_subject_letters.record),
    Page("GET", "/console/gateways", gateways.show),
    Page("POST", "/console/gateways/declare", gateways.declare),
    Page("POST", "/console/gateways/withdraw", gateways.withdraw),
    Page("GET", "/console/people/sign-in", provider_page.show),
    Page("POST", "/console/people/sign-in", provider_page.change),
    Page("POST", "/console/people/sign-in/remove", provider_page.remove),
    Page("GET", "/console/people/{person_id}", people.show_person),
    Page("POST", "/console/people/{person_id}/names", people.rename),
    Page("POST", "/console/people/{person_id}/link", people.ask_link),
    Page("POST", "/console/people/{person_id}/end", people.take_person_away),
    Page("POST", "/console/keys/{kid}/end", people.take_key_away),
    Page("GET", "/console/grants/{proposal_id}", grants.show_proposal),
    Page("POST", "/console/grants/{proposal_id}", grants.approve),
    Page("POST", "/console/tasks/{task_id}/taken", home.take),
    Page("GET", "/console/requests/{request_id}/decide", decide.show),
    Page("POST", "/console/requests/{request_id}/decide", decide.decide, large=True),
    Page(
        "GET",
        "/console/requests/{request_id}/additions/{addition_id}",
        decide_proposals.show_addition,
    ),
    Page(
        "POST",
        "/console/requests/{request_id}/additions/{addition_id}",
        decide_proposals.decide_addition,
    ),
    Page(
        "GET",
        "/console/requests/{request_id}/withdrawals/{withdrawal_id}",
        decide_proposals.show_withdrawal,
    ),
    Page(
        "POST",
        "/console/requests/{request_id}/withdrawals/{withdrawal_id}",
        decide_proposals.decide_withdrawal,
    ),
    Page("GET", "/console/requests/{request_id}/answer", answer_page.show),
    Page("POST", "/console/requests/{request_id}/answer/{act}", answer_page.answer, large=True),
    Page("GET", "/console/figures", figures.show),
    Page("GET", "/console/figures.csv", figures.download),
    PublicPage("GET", "/console/public", figures.show_public),
    Page("GET", "/console/live", live.of_home),
    Page("GET", "/console/search", search.show),
    Page("GET", "/console/holds", holds.show),
    Page("GET", "/console/requests", requests.show),
    Page("GET", "/console/requests/{request_id}", answers.show),
    Page("GET", "/console/requests/{request_id}/live", live.of_request),
    Page("GET", "/console/requests/{request_id}/addresses", addresses.show),
    Page("GET", "/console/requests/{request_id}/timeline", timeline.show),
    Page("GET", "/console/requests/{request_id}/ledger", ledger.show),
    Page("GET", "/console/requests/{request_id}/money", money.show),
    Page("GET", "/console/requests/{request_id}/owed", owed.show),
    Page("GET", "/console/requests/{request_id}/documents", documents.show),
    Page("GET", "/console/requests/{request_id}/reads", read_log.show),
    Page("GET", "/console/requests/{request_id}/documents/{act_id}", documents.show_one),
    Page("GET", "/console/requests/{request_id}/documents/{act_id}/{part}", documents.download),
    Page("GET", "/console/requests/{request_id}/evidence.json", documents.download_evidence),
    Page("GET", "/console/requests/{request_id}/evidence.zip", documents.download_bundle),
    Page("GET", "/console/requests/{request_id}/summary.pdf", documents.download_summary),
    Page("GET", "/console/requests/{request_id}/readiness", readiness.show),
    Page("GET", "/console/requests/{request_id}/readiness.json", readiness.download),
    Page("GET", "/console/requests/{request_id}/readiness.pdf", readiness.download_document),
    Page("GET", "/console/requests/{request_id}/withdraw", follow_acts.show_withdrawal),
    Page("POST", "/console/requests/{request_id}/withdraw", follow_acts.withdraw),
    Page("GET", "/console/requests/{request_id}/add-partners", follow_acts.show_addition),
    Page("POST", "/console/requests/{request_id}/add-partners", follow_acts.add_partners),
    Page("GET", "/console/requests/{request_id}/close", follow_acts.show_closure),
    Page("POST", "/console/requests/{request_id}/close", follow_acts.close),
    Page("GET", _QUESTION, follow_acts.show_question),
    Page("POST", _QUESTION, follow_acts.reply),
    Page("GET", _DISPUTE, follow_acts.show_dispute),
    Page("POST", _DISPUTE, follow_acts.resolve),
    Page("GET", "/console/requests/{request_id}/papers", follow_acts.show_papers),
    Page("GET", "/console/requests/{request_id}/support", follow_acts.show_support),
    Page("POST", "/console/requests/{request_id}/support", follow_acts.raise_support),
    Page("GET", "/console/requests/{request_id}/indemnity", follow_acts.show_indemnity),
    Page("POST", "/console/requests/{request_id}/indemnity", follow_acts.give_indemnity),
    Page("GET", "/console/requests/{request_id}/guests", follow_acts.show_guest),
    Page("POST", "/console/requests/{request_id}/guests", follow_acts.ask_guest),
    Page("GET", _DATA_SUBJECT, data_subjects.show_decision),
    Page("POST", _DATA_SUBJECT, data_subjects.decide),
    Page("GET", "/console/requests/{request_id}/orders", restraints.show_all),
    Page("GET", "/console/requests/{request_id}/orders/claim", restraints.show_new_claim),
    Page("POST", "/console/requests/{request_id}/orders/claim", restraints.attach_claim),
    Page("GET", "/console/requests/{request_id}/orders/order", restraints.show_new_order),
    Page("POST", "/console/requests/{request_id}/orders/order", restraints.attach_order),
    Page("GET", _RESTRAINT, restraints.show),
    Page("GET", f"{_RESTRAINT}/{{act}}", restraints.show_act),
    Page("POST", f"{_RESTRAINT}/{{act}}", restraints.act),
    Page("GET", "/console/requests/{request_id}/erasure", follow_acts.show_erasure),
    Page("POST", "/console/requests/{request_id}/erasure", follow_acts.erase),
    Page("GET", "/console/requests/{request_id}/extension", follow_acts.show_extension),
    Page("POST", "/console/requests/{request_id}/extension", follow_acts.ask_extension),
    Page("GET", "/console/requests/{request_id}/same-funds", follow_acts.show_same_funds),
    Page("POST", "/console/requests/{request_id}/same-funds", follow_acts.mark_same_funds),
    Page("GET", _CLEARANCE, follow_acts.show_clearance),
    Page("POST", _CLEARANCE, follow_acts.revoke_clearance),
    Page("GET", "/console/requests/{request_id}/next", follow_acts.show_next),
    Page("GET", "/console/requests/{request_id}/limit", leg_limit.show),
    Page("POST", "/console/requests/{request_id}/limit", leg_limit.change),
    Page("GET", "/console/audit", audit.show),
    Page("GET", "/console/partners", partners.show_all),
    Page("GET", "/console/partners/{handle}", partners.show),
    Page("POST", "/console/partners/{handle}/contacts", partners.change_contacts),
    Page("GET", "/console/directory-entry", directory_entry.show),
    Page("POST", "/console/directory-entry", directory_entry.change),
    Page("GET", "/console/endpoints", endpoints.show_all),
    Page("POST", "/console/endpoints", endpoint_acts.register),
    Page("GET", "/console/endpoints/new", endpoint_acts.show_new),
    Page("GET", "/console/endpoints/{endpoint_id}", endpoints.show),
    Page("GET", "/console/endpoints/{endpoint_id}/change", endpoint_acts.show_change),
    Page("POST", "/console/endpoints/{endpoint_id}/change", endpoint_acts.change),
    Page("POST", "/console/endpoints/{endpoint_id}/test", endpoint_acts.send_test),
    Page("POST", "/console/endpoints/{endpoint_id}/secret", endpoint_acts.rotate),
    Page("POST", "/console/endpoints/{endpoint_id}/replay", endpoint_acts.replay),
    Page("POST", "/console/endpoints/{endpoint_id}/power", endpoint_acts.turn),
    Page("POST", "/console/endpoints/{endpoint_id}/removal", endpoint_acts.remove),
    Page("GET", "/console/deliveries/{delivery_id}", deliveries.show),
    Page("POST", "/console/deliveries/{delivery_id}/resend", deliveries.resend),
    Page("GET", "/console/requests/new", drafts.show_new),
    Page("POST", "/console/requests/new", drafts.make, large=True),
    Page("GET", "/console/drafts/{draft_id}", drafts.show),
    Page("POST", "/console/drafts/{draft_id}", drafts.change, large=True),
    Page("GET", "/console/drafts/{draft_id}/preview", drafts.preview),
    Page("POST", "/console/drafts/{draft_id}/preview", drafts.submit),
    Page("GET", "/console/drafts/{draft_id}/addresses/{number}", drafts.show_address),
    Page("POST", "/console/drafts/{draft_id}/addresses/{number}", drafts.change_address),
    Page("GET", "/console/acts/{act_id}", acts.show),
    Page("POST", "/console/acts/{act_id}", acts.sign),
)


def register(app: Flask, settings: ConsoleContext) -> None:
    """Have `app` serve the console."""
    context: AppContext = app.extensions["holdfast"]
    app.extensions[EXTENSION] = settings
    app.session_interface = TableSessions()
    # No account has a line feed, so that this is the blind index of none.
    app.secret_key = context.vault.blind_index("console\nforms")
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as its session
    for page in PAGES:
        _add(app, page.method, page.path, _serve(page))
    for path, function in FILES.items():
        _add(app, "GET", path, function)


def _add(app: Flask, method: str, path: str, function: Callable[..., Answer]) -> None:
    app.add_url_rule(
        path.replace("{", "<").replace("}", ">"),
        f"{method} {path}",
        function,
        methods=[method],
        provide_automatic_options=False,
    )


def _serve(page: Page | PublicPage) -> Callable[..., Answer]:
    return lambda **names: _answer(page, names)


def _answer(page: Page | PublicPage, names: dict[str, str]) -> Answer:
    """Serve one request; every refusal is a page, too."""
    elsewhere = sent_elsewhere()
    if elsewhere is not None:
        return elsewhere
    try:
        if isinstance(page, PublicPage):
            answer = _answer_stranger(page, names)
        else:
            answer = _answer_visit(page, names)
    except PutOffError:
        raise
    except CoordinatorError as error:
        answer = _refused(error)
    except Exception as error:  # noqa: BLE001 - as the API does, every failure is answered
        answer = _answer_fault(error)
    return guard(make_response(answer))


def _answer_fault(error: Exception) -> Answer:
    away = unavailable(error)
    if away is not None:
        return _refused(away)
    _log.error("unexpected_error", exc_info=error)
    return _failed()


def _answer_stranger(page: PublicPage, names: dict[str, str]) -> Answer:
    _require_known_session()
    if not _is_resumed():
        console().strangers.check(client_address())
    return page.function(_form(page, None), **names)


def _require_known_session() -> None:
    """Refuse to go on where the database was away when the session was looked for."""
    fault = own_session().fault
    if fault is not None:
        raise fault


def _answer_visit(page: Page, names: dict[str, str]) -> Answer:
    context = current_context()
    mine = own_session()
    _require_known_session()
    if not mine.is_signed_in:
        return _to_sign_in()
    with context.database.engine.connect() as connection:
        try:
            found = mine.standing(connection)
        except AuthenticationError:
            mine.end()  # what it stands on is over, or its partner suspended
            return _to_sign_in()
        visit = Visit(mine, Reader(connection, context.vault, found.actor, context))
        if not _is_resumed():
            context.limiter.check(found.actor.partner)
        if page.method == "POST":
            visit.form = _form(page, found.actor.partner)
        answer = page.function(visit, **names)
    return answer.make() if isinstance(answer, Later) else answer


def _is_resumed() -> bool:
    """Tell whether the request was counted in an earlier go."""
    call = present_call()
    return call is not None and call.is_resumed


def _form(page: Page | PublicPage, partner: str | None) -> Form:
    if page.method != "POST":
        return Form()
    context = current_context()
    large = isinstance(page, Page) and page.large
    limit = context.document_limit_bytes if large else context.body_limit_bytes
    form = read_form(limit, partner)
    require_own_form(form.text(CSRF_FIELD))
    return form


def _to_sign_in() -> Answer:
    if request.method != "GET" or request.headers.get("X-Part"):
        raise PermissionDeniedError(
            "you are signed out: sign in again, then repeat it", code=SIGNED_OUT
        )
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A strict cookie does not come with a link from elsewhere, but with this next request.
        return render.page("again.html", None, target=request.full_path.rstrip("?"))
    target = request.full_path.rstrip("?")
    after = "" if target == "/console" else f"?next={quote(target, safe='/')}"
    return redirect(f"/console/sign-in{after}", HTTPStatus.SEE_OTHER)


def _refused(error: CoordinatorError) -> Answer:
    if isinstance(error, AuthenticationError):
        _log.info("unauthenticated", reason=error.code, detail=error.message)
    status = int(problems.status_of(error))
    links = [("Home", "/console")]
    if error.code == SIGNED_OUT:
        links = [("Sign in", "/console/sign-in")]
    elif request.method != "GET" and request.referrer:
        links.insert(0, ("Back to the page", _page_before()))
    answer = render.page(
        "error.html",
        None,
        status=status,
        code=status,
        title=_TITLES.get(error.code, problems.TITLES[type(error)]),
        text=f"{error.message[:1].upper()}{error.message[1:]}.",
        links=links,
        request_id=g.get("request_id") or "",
    )
    if isinstance(error, RateLimitedError | UnavailableError):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _page_before() -> str:
    try:
        return own_path(urlsplit(request.referrer or "").path)
    except ValueError:  # "http://[", from no browser
        return "/console"


def _failed() -> Answer:
    return render.page(
        "error.html",
        None,
        status=500,
        code=500,
        title="Something failed here",
        text="Nothing was changed. Try it again; if it fails again, tell the operator.",
        links=[("Home", "/console")],
        request_id=g.get("request_id") or "",
    )


def _serve_asset(name: str) -> Answer:
    found = render.asset(name)
    return _serve_nothing() if found is None else guard(found)


def _serve_nothing(rest: str = "") -> Answer:
    del rest
    return guard(make_response(_refused(NotFoundError("there is no such page"))))


#: What needs nobody to be signed in and no count; the last is served where nothing else is.
FILES: Mapping[str, Callable[..., Answer]] = MappingProxyType(
    {
        "/console/assets/{name}": _serve_asset,
        "/console/{path:rest}": _serve_nothing,
    }
)
