"""Drafts: paste the chat, mend what is wrong with it, see what will be signed, submit."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import Response, redirect, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import drafts as follow_api
from coordinator.api import freeze_request_reads, incidents, membership_reads
from coordinator.api.paging import PageQuery
from coordinator.console import draft_words, render
from coordinator.console.acts import WantedAct, ask_signature, partner_key, try_out
from coordinator.console.draft_content import (
    DraftContent,
    fields_of,
    following,
    pasted,
    uploaded,
)
from coordinator.console.forms import Form, number_of
from coordinator.console.visit import Visit
from coordinator.console.words import counted, moment, sums_by_asset
from coordinator.domain.errors import (
    ConflictError,
    CoordinatorError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.domain.permission import Permission
from coordinator.services.membership.house_rules import rulebook_sha256
from coordinator.storage.console import drafts as store
from coordinator.storage.console.drafts import StoredDraft
from coordinator.storage.engine.documents import load, load_one
from coordinator.storage.membership import partners as partner_store
from holdfast.errors import InvalidDraftError
from holdfast.protocol import strict_json
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import ASKABLE_KINDS, PartnerKind, PartnerStatus, Role

_NEW = "/console/requests/new"
#: Addresses on one page of a draft; lines to mend at once.
_PAGE, _MOST_LINES = 50, 40
#: Addresses that a draft not made yet is told by.
_MOST_NAMED = 5
#: Of a list that the API pages.
_MOST_READ = "500"
_MEMBERS = ("account", "tag", "amount", "asset", "min_amount", "role", "tx", "note")


class Fault(NamedTuple):
    """What is wrong with a field, said beside it."""

    field: str
    text: str


class DraftCard(NamedTuple):
    """A draft in a list."""

    id: str
    url: str
    title: str
    said: str
    changed_at: Any


# --- new ------------------------------------------------------------------------------------------


def show_new(visit: Visit) -> Response | WsgiResponse:
    """Show the field to paste into, and the drafts that are kept; or why somebody may not."""
    if not visit.may(Permission.FREEZE_REQUEST_SUBMIT):
        return _may_not(visit)
    followed = request.args.get("follows", "")
    if followed:
        return _show_followed(visit, followed)
    return _new_page(visit)


def make(visit: Visit) -> Response | WsgiResponse:
    """Make a draft of what was pasted, uploaded, or of where money moved on to."""
    _require_right(visit)
    form = visit.form
    followed = form.text("follows")
    if followed:
        content = _follow(visit, followed, form.text("leg"))
        return _keep_new(visit, content)
    text = form.text("pasted")
    upload = form.files.get("file")
    if not text and upload is None:
        return _new_page(visit, error="Paste something, or choose a file.")
    try:
        chains = render.chains()
        content = uploaded(upload, chains) if upload is not None else pasted(text, chains)
    except InvalidDraftError as error:
        words = "; ".join(error.faults)
        return _new_page(visit, error=f"{words[:1].upper()}{words[1:]}.", text=text)
    try:
        return _keep_new(visit, content)
    except ConflictError as error:
        return _new_page(visit, error=f"{error.message[:1].upper()}{error.message[1:]}.", text=text)


def _keep_new(visit: Visit, content: DraftContent) -> WsgiResponse:
    now = render.now()
    draft = StoredDraft(new_id("drf"), visit.actor.partner, visit.actor.subject, now, now, None)
    visit.reader.connection.rollback()
    with visit.reader.context.database.transaction() as connection:
        partner_store.send_lock(connection, draft.partner)  # counted by one at a time
        if store.count(connection, draft.person) >= store.MOST_KEPT:
            raise ConflictError(
                f"you keep {store.MOST_KEPT} drafts already: submit one, or throw one away, and"
                " paste this again",
                code="too_many_drafts",
            )
        store.store(connection, draft, partner_key(visit, connection), content.said())
    return redirect(_url(draft.id), HTTPStatus.SEE_OTHER)


def _new_page(visit: Visit, *, error: str = "", text: str = "") -> Response:
    return render.page(
        "new_request.html",
        visit,
        status=422 if error else 200,
        nav="requests",
        error=error,
        text=text,
        drafts=cards(visit),
        most=store.MOST_KEPT,
        days=store.UNTOUCHED_KEPT.days,
    )


def _show_followed(visit: Visit, request_id: str) -> Response:
    followed = visit.read(freeze_request_reads.read_request, request_id=request_id)
    offered = visit.read(follow_api.list_drafts, PageQuery(), request_id=request_id)["items"]
    known = KnownAssets(render.chains())
    named = [each for each in offered if each["request"]["addresses"]]
    return render.page(
        "draft_follows.html",
        visit,
        nav="requests",
        followed=followed,
        offered=[(each, _first_addresses(following(each, ""), known)) for each in named],
        bare=[each for each in offered if not each["request"]["addresses"]],
    )


def _first_addresses(content: DraftContent, known: KnownAssets) -> list[draft_words.AddressWords]:
    some = range(min(len(content.addresses), _MOST_NAMED))
    return [draft_words.address(content, number, known) for number in some]


def _follow(visit: Visit, request_id: str, leg_id: str) -> DraftContent:
    followed = visit.read(freeze_request_reads.read_request, request_id=request_id)
    offered = visit.read(follow_api.list_drafts, PageQuery(), request_id=request_id)["items"]
    for each in offered:
        if each["leg_id"] == leg_id:
            return following(each, followed["incident"]["title"])
    raise NotFoundError("no partner said that funds moved on there")


def _may_not(visit: Visit) -> Response:
    who = draft_words.people(
        each
        for each in visit.people.values()
        if each["kind"] == "person"
        and each.get("revoked_at") is None
        and {Role.ANALYST, Role.SECURITY_LEAD} & set(each["roles"])
    )
    return render.page("draft_may_not.html", visit, status=403, nav="requests", who=who)


def _require_right(visit: Visit) -> None:
    if not visit.may(Permission.FREEZE_REQUEST_SUBMIT):
        raise PermissionDeniedError("submitting a freeze request takes an analyst or a lead")


def cards(visit: Visit) -> list[DraftCard]:
    """Return the drafts of the visitor, the one changed last first."""
    connection = visit.reader.connection
    found = store.of_person(connection, visit.actor.subject, limit=store.MOST_KEPT)
    said = load(connection, visit.reader.vault, [each.id for each in found], store.CARD)
    made = []
    for each in found:
        if each.id in said:
            card = strict_json.loads(said[each.id])
            made.append(
                DraftCard(
                    each.id,
                    _url(each.id),
                    draft_words.named(card["title"]),
                    draft_words.how_far(card["addresses"], card["open"]),
                    each.changed_at,
                )
            )
    return made


# --- one draft ------------------------------------------------------------------------------------


def show(visit: Visit, draft_id: str) -> Response:
    """Show a draft, or what became of it."""
    draft, content = _find(visit, draft_id)
    if draft.submitted_as is not None:
        return _submitted_page(visit, draft.submitted_as)
    return _draft_page(visit, draft, content)


def change(visit: Visit, draft_id: str) -> Response | WsgiResponse:
    """Keep what was typed; then show it again, or what will be signed, or throw it away."""
    draft, content = _find(visit, draft_id)
    _require_open(draft)
    wanted = visit.form.text("do")
    if wanted == "discard":
        return _discard(visit, draft)
    _type_in(content, visit.form)
    if _is_stale(draft, visit.form):
        return _draft_page(visit, draft, content, _Tried(409, is_stale=True))
    _mend(content, visit.form)
    kept = _keep(visit, draft, content)
    if kept is None:
        draft, _ = _find(visit, draft_id)
        return _draft_page(visit, draft, content, _Tried(409, is_stale=True))
    if wanted != "preview":
        return redirect(f"{_url(draft_id)}?saved=1", HTTPStatus.SEE_OTHER)
    faults = _faults_of(visit, kept, content)
    if faults:
        return _draft_page(visit, kept, content, _Tried(422, faults))
    return redirect(f"{_url(draft_id)}/preview", HTTPStatus.SEE_OTHER)


def _faults_of(visit: Visit, draft: StoredDraft, content: DraftContent) -> list[Fault]:
    """Return why a draft cannot be submitted as it is: all that can be said at once."""
    missing = draft_words.missing(content)
    if missing:
        return [Fault(*each) for each in missing]
    try:
        try_out(visit, _wanted(visit, draft, content))
    except CoordinatorError as error:
        return _said(error)
    return []


def _said(error: CoordinatorError) -> list[Fault]:
    faults: Sequence[FieldFault] = error.errors
    fields = fields_of([each.pointer for each in faults])
    if not faults:
        return [Fault("", draft_words.refusal(error))]
    return [
        Fault(name, draft_words.at_field(name, each.detail))
        for name, each in zip(fields, faults, strict=True)
    ]


def _type_in(content: DraftContent, form: Form) -> None:
    for name in content.typed:
        content.typed[name] = form.text(name)
    content.to = form.texts("to")


def _mend(content: DraftContent, form: Form) -> None:
    """Take the lines that were mended and the questions that were answered, and read again.

    Raises:
        InvalidInputError: If it is more than one request can name.
    """
    if content.is_settled:
        return
    lines = {
        number: form.text(name)
        for name in form.fields
        if name.startswith("line-")
        and (number := number_of(name.removeprefix("line-"))) is not None
    }
    left_out = map(number_of, form.texts("leave_out"))
    lines |= {number: "" for number in left_out if number is not None}
    for number, question in enumerate(content.questions):
        answer = form.text(f"chain-{number}")
        if answer:
            content.answers.append((question.candidates, answer))
    try:
        content.mend(lines, render.chains())
    except InvalidDraftError as error:
        raise InvalidInputError("; ".join(error.faults)) from error


def _is_stale(draft: StoredDraft, form: Form) -> bool:
    return form.text("state") != draft_words.version(draft)


def _keep(visit: Visit, draft: StoredDraft, content: DraftContent) -> StoredDraft | None:
    """Store a draft, and return it as it is now; None where somebody was quicker."""
    visit.reader.connection.rollback()
    with visit.reader.context.database.transaction() as connection:
        key = partner_key(visit, connection)
        if not store.change(connection, draft, key, content.said(), at=render.now()):
            return None
        return store.find(connection, draft.id, person=draft.person)


def _discard(visit: Visit, draft: StoredDraft) -> WsgiResponse:
    visit.reader.connection.rollback()
    with visit.reader.context.database.transaction() as connection:
        store.remove(connection, draft.id)
    return redirect(_NEW, HTTPStatus.SEE_OTHER)


def _require_open(draft: StoredDraft) -> None:
    if draft.submitted_as is not None:
        raise ConflictError("this draft was submitted already", code="draft_submitted")


def _find(visit: Visit, draft_id: str) -> tuple[StoredDraft, DraftContent]:
    """Return a draft of the visitor's own.

    Raises:
        NotFoundError: There is none, or it is somebody else's.
    """
    connection, vault = visit.reader.connection, visit.reader.vault
    draft = store.find(connection, draft_id, person=visit.actor.subject)
    raw = None if draft is None else load_one(connection, vault, draft_id, store.CONTENT)
    if draft is None or raw is None:
        raise NotFoundError("there is no such draft of yours: it was thrown away, or is another's")
    return draft, DraftContent.load(raw)


class _Tried(NamedTuple):
    """What came of the form that a page answers.

    Attributes:
        status: Of the answer.
        faults: Why nothing came of it.
        is_stale: Whether the draft had been changed elsewhere.
    """

    status: int = 200
    faults: Sequence[Fault] = ()
    is_stale: bool = False


_NOT_TRIED = _Tried()


def _draft_page(
    visit: Visit, draft: StoredDraft, content: DraftContent, tried: _Tried = _NOT_TRIED
) -> Response:
    faults, is_stale = tried.faults, tried.is_stale
    known = KnownAssets(render.chains())
    at = _page_number(len(content.addresses))
    return render.page(
        "draft.html",
        visit,
        drill=content.is_drill,
        status=tried.status,
        nav="requests",
        draft=draft,
        url=_url(draft.id),
        content=content,
        state=draft_words.version(draft),
        is_stale=is_stale,
        was_saved="saved" in request.args and not is_stale,
        faults=faults,
        fault_of={each.field: each.text for each in reversed(faults) if each.field},
        lines=draft_words.faulty_lines(content, most=_MOST_LINES),
        line_count=len({number for number, _ in content.faults}),
        questions=draft_words.questions(content, known),
        notes=content.notes[:_MOST_LINES],
        more_notes=max(0, len(content.notes) - _MOST_LINES),
        sums=_sums(content, known),
        rows=_rows(content, known, at),
        page_number=at,
        pages=-(-len(content.addresses) // _PAGE),
        page_size=_PAGE,
        directory=_directory(visit),
        incidents=_incidents(visit),
        choices=draft_words.choices(
            visit.actor,
            visit.reader.context.rulebook.policies,
            interest=content.typed["interest"],
        ),
        flash=draft_words.flash(visit.actor),
    )


def _page_number(count: int) -> int:
    text = request.args.get("page", "1")
    wanted = int(text) if text.isdecimal() and len(text) < 6 else 1  # noqa: PLR2004 - a page's
    return max(1, min(wanted, -(-count // _PAGE)))


def _rows(content: DraftContent, known: KnownAssets, page: int) -> list[draft_words.AddressWords]:
    first = (page - 1) * _PAGE
    some = range(first, min(first + _PAGE, len(content.addresses)))
    return [draft_words.address(content, number, known) for number in some]


def _sums(content: DraftContent, known: KnownAssets) -> list[Any]:
    stated = ((e["asset"], e["amount"]) for e in content.addresses if e.get("amount"))
    return sums_by_asset(stated, known)


def _directory(visit: Visit) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return the partners that can be asked, by kind."""
    members = list(_all_partners(visit))
    askable = [
        each
        for each in members
        if each["handle"] != visit.actor.partner
        and each["status"] == PartnerStatus.ACTIVE
        and PartnerKind(each["kind"]) in ASKABLE_KINDS
    ]
    return [
        (words, found)
        for kind, words in draft_words.KINDS.items()
        if (found := [each for each in askable if each["kind"] == kind])
    ]


def _all_partners(visit: Visit) -> Iterable[Mapping[str, Any]]:
    query = PageQuery.model_validate({"limit": _MOST_READ})
    page = visit.read(membership_reads.list_partners, query)
    yield from page["items"]
    while page["next_cursor"]:
        query = PageQuery.model_validate({"limit": _MOST_READ, "cursor": page["next_cursor"]})
        page = visit.read(membership_reads.list_partners, query)
        yield from page["items"]


def _incidents(visit: Visit) -> list[tuple[str, str]]:
    query = PageQuery.model_validate({"limit": "50"})
    found = visit.read(incidents.list_incidents, query)["items"]
    known = [(each["id"], each["title"]) for each in found if each["title"]]
    return [("", "A new one, as told here"), *known]


def _submitted_page(visit: Visit, request_id: str) -> Response:
    made = visit.read(freeze_request_reads.read_request, request_id=request_id)
    leads = draft_words.people(
        each
        for each in visit.people.values()
        if Role.SECURITY_LEAD in each["roles"]
        and each.get("revoked_at") is None
        and each["id"] != made["submitted_by"]
    )
    is_out = bool(made.get("provisional"))
    return render.page(
        "draft_submitted.html",
        visit,
        drill=made["drill"],
        nav="requests",
        made=made,
        leads=leads,
        is_out=is_out,
        until=moment(made.get("ratify_by" if is_out else "approve_by")),
    )


# --- one address ----------------------------------------------------------------------------------


def show_address(visit: Visit, draft_id: str, number: str) -> Response:
    """Show the form of one address."""
    draft, content = _find(visit, draft_id)
    at = _at(content, number)
    known = KnownAssets(render.chains())
    typed = draft_words.typed_address(content.addresses[at], known)
    return _address_page(visit, draft, at, typed, {})


def change_address(visit: Visit, draft_id: str, number: str) -> Response | WsgiResponse:
    """Put another address in its place, or leave it out."""
    draft, content = _find(visit, draft_id)
    _require_open(draft)
    at = _at(content, number)
    form = visit.form
    if form.text("do") == "leave_out":
        content.leave_out(at)
        faults: Mapping[str, str] = {}
    else:
        kept = {k: v for k, v in content.addresses[at].items() if k in {"block", "usd"}}
        typed = {name: form.text(name) for name in _MEMBERS if form.text(name)}
        if form.text("whole_account"):
            kept["whole_account"] = {"why": form.text("whole_account")}
        faults = content.change_address(at, {**kept, **typed}, render.chains())
    if _is_stale(draft, form):
        stale = {"": "This draft was changed in another tab meanwhile: look at it again."}
        return _address_page(visit, draft, at, _typed(form), stale)
    if faults:
        return _address_page(visit, draft, at, _typed(form), faults)
    if _keep(visit, draft, content) is None:
        raise ConflictError("this draft was changed in another tab meanwhile", code="draft_changed")
    page = at // _PAGE + 1
    return redirect(f"{_url(draft_id)}?saved=1&page={page}#addresses", HTTPStatus.SEE_OTHER)


def _typed(form: Form) -> dict[str, str]:
    return {name: form.text(name) for name in (*_MEMBERS, "whole_account")}


def _at(content: DraftContent, number: str) -> int:
    at = int(number) - 1 if number.isdecimal() and len(number) < 6 else -1  # noqa: PLR2004
    if not content.is_settled or not 0 <= at < len(content.addresses):
        raise NotFoundError("there is no such address in this draft")
    return at


def _address_page(
    visit: Visit,
    draft: StoredDraft,
    at: int,
    typed: Mapping[str, str],
    faults: Mapping[str, str],
) -> Response:
    return render.page(
        "draft_address.html",
        visit,
        status=422 if faults else 200,
        nav="requests",
        url=_url(draft.id),
        state=draft_words.version(draft),
        number=at + 1,
        page_number=at // _PAGE + 1,
        typed=typed,
        faults=faults,
        roles=draft_words.ROLES,
    )


# --- what will be signed --------------------------------------------------------------------------


def preview(visit: Visit, draft_id: str) -> Response | WsgiResponse:
    """Show exactly what will be signed and asked, and what to expect of it."""
    draft, content = _find(visit, draft_id)
    if draft.submitted_as is not None:
        return redirect(_url(draft_id), HTTPStatus.SEE_OTHER)
    if draft_words.missing(content):
        return redirect(_url(draft_id), HTTPStatus.SEE_OTHER)
    wanted = _wanted(visit, draft, content)
    try:
        answer: Mapping[str, Any] = try_out(visit, wanted).body
    except CoordinatorError as error:
        return _draft_page(visit, draft, content, _Tried(422, _said(error)))
    known = KnownAssets(render.chains())
    return render.page(
        "draft_preview.html",
        visit,
        drill=content.is_drill,
        nav="requests",
        url=_url(draft_id),
        state=draft_words.version(draft),
        asked=draft_words.asked(content, known),
        sums=_sums(content, known),
        answer=answer,
        content=content,
        warnings=draft_words.warnings(answer["warnings"]),
        order_only=draft_words.order_only(answer["order_only"]),
        outcome=draft_words.outcome(answer),
        reads=draft_words.TLP[content.typed["tlp"]],
        rows=[draft_words.address(content, n, known) for n in _largest(content)],
    )


def submit(visit: Visit, draft_id: str) -> Response | WsgiResponse:
    """Ask for the signature, if what is to be signed is still what was shown."""
    draft, content = _find(visit, draft_id)
    _require_open(draft)
    if _is_stale(draft, visit.form):
        raise ConflictError(
            "the draft was changed in another tab since this was shown: look at it again",
            code="draft_changed",
        )
    try:
        return ask_signature(visit, _wanted(visit, draft, content))
    except (InvalidInputError, ConflictError) as error:
        return _draft_page(visit, draft, content, _Tried(422, _said(error)))


def _largest(content: DraftContent) -> range:
    return range(min(len(content.addresses), _PAGE))


def _wanted(visit: Visit, draft: StoredDraft, content: DraftContent) -> WantedAct:
    known = KnownAssets(render.chains())
    body = content.body()
    in_force = rulebook_sha256(visit.reader.connection, render.now())
    if in_force is not None:
        body["rulebook_sha256"] = in_force
    sums = [str(each) for each in _sums(content, known)]
    asked = "all partners" if body["to"] == "all" else counted(len(content.to), "partner")
    return WantedAct(
        path="/v1/freeze-requests",
        body=body,
        sentence=draft_words.plain_sentence(content, known),
        button="Submit this freeze request",
        back=f"{_url(draft.id)}/preview",
        then=_url(draft.id),
        facts=[
            ("Asks", asked),
            ("Addresses", counted(len(content.addresses), "address")),
            ("Stated", ", ".join(sums) or "no amount"),
            ("Urgency", content.typed["urgency"]),
        ],
        draft=draft.id,
    )


def _url(draft_id: str) -> str:
    return f"/console/drafts/{draft_id}"
