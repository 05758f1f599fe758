"""Orders and claims on what is held: attached, called back about, looked at again, lifted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import encumbrances, legal_orders
from coordinator.console import render
from coordinator.console.acts import WantedAct, done_words
from coordinator.console.contested import every_hold, is_open
from coordinator.console.follow.case import Case
from coordinator.console.follow.forms import Field, FormPage, ask, show_form
from coordinator.console.restraint_words import BLOCKS, KINDS, claim_title, claim_words, order_words
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, amount, listed, moment, utc
from coordinator.domain.errors import FieldFault, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from holdfast.protocol.amounts import AmountTextError
from holdfast.protocol.payloads import format_time
from holdfast.protocol.unit_amounts import read_amount
from holdfast.protocol.vocabulary import EncumbranceStatus, PartnerKind

Answer = Response | WsgiResponse
_HASH_HINT = "64 hex digits, as sha256sum prints them. The document itself stays with you."
_VERIFICATIONS = (
    ("", "Not yet"),
    ("call_back", "The authority was called back"),
    ("official_portal", "It came through an official portal"),
    ("signed_document", "Its signature was checked"),
    ("court_register", "It stands in the court's register"),
    ("in_person", "It was served in person"),
)
_NUMBERS = (
    ("agency_website", "The agency's own website"),
    ("public_directory", "A public directory"),
    ("known_before", "It was known before"),
)
_OUTCOMES = (("confirmed", "They confirm the order"), ("not_confirmed", "They do not confirm it"))
_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        EncumbranceStatus.STANDING: ("stands", "held"),
        EncumbranceStatus.REVIEW_DUE: ("to be looked at again", "danger"),
        EncumbranceStatus.LIFTED: ("lifted", ""),
    }
)


@dataclass(frozen=True, slots=True)
class Restraint:
    """An order or a claim as the pages show it.

    Attributes:
        kind: "order" or "claim".
        much: What it is on: an amount, or all of it; "" where it names no hold.
        view: As the API answers it.
    """

    id: str
    kind: str
    url: str
    title: str
    by: str
    state: tuple[str, str]
    words: str
    sha256: str
    hold: str
    attached_at: datetime | None
    review_at: datetime | None
    lifted_at: datetime | None
    lift_sha256: str
    view: Mapping[str, Any]

    @property
    def is_standing(self) -> bool:
        """Whether it still counts."""
        return self.lifted_at is None


def _every(case: Case) -> list[Restraint]:
    """Return what the visitor sees on a request, what still stands first."""
    orders = case.visit.every(legal_orders.list_orders, request_id=case.id)
    claims = case.visit.every(encumbrances.list_encumbrances, request_id=case.id)
    found = [*(_claim(case, each) for each in claims), *(_order(case, each) for each in orders)]
    return sorted(found, key=lambda each: not each.is_standing)


def _claim(case: Case, view: Mapping[str, Any]) -> Restraint:
    said = filter(None, (view["court"], view["number"], *claim_words(view)))
    title, sha256 = claim_title(view, case.visit.assets), view["order_sha256"]
    return _restraint(case, view, ("claim", title, ", ".join(said), sha256))


def _order(case: Case, view: Mapping[str, Any]) -> Restraint:
    said = filter(None, (view["reference"], *order_words(view)))
    title = f"An order of {view['agency'] or 'an authority'}"
    return _restraint(case, view, ("order", title, ", ".join(said), view["document_sha256"] or ""))


def _restraint(case: Case, view: Mapping[str, Any], told: tuple[str, str, str, str]) -> Restraint:
    kind, title, words, sha256 = told
    status = view["encumbrance_status" if kind == "claim" else "order_status"]
    return Restraint(
        id=view["id"],
        kind=kind,
        url=f"{case.url}/orders/{view['id']}",
        title=title,
        by=view["partner"],
        state=_STATES[status],
        words=words,
        sha256=sha256,
        hold=view["hold"] or "",
        attached_at=moment(view["attached_at"]),
        review_at=moment(view["review_at"]),
        lifted_at=moment(view["lifted_at"]),
        lift_sha256=view["lift_document_sha256"] or "",
        view=view,
    )


def show_all(visit: Visit, request_id: str) -> Answer:
    """Show the orders and claims on a request, and where one attaches another."""
    case = Case.read(visit, request_id)
    attach = [page for page in (_claim_page(case), _order_page(case)) if not page.why_not]
    return render.page(
        "follow/restraints.html",
        visit,
        nav="requests",
        case=case,
        restraints=_every(case),
        attach=attach,
        done=done_words(visit),
    )


# ---- attaching -----------------------------------------------------------------------------------


def show_new_claim(visit: Visit, request_id: str) -> Answer:
    """Show the form that attaches a third party's claim to a hold."""
    case = Case.read(visit, request_id)
    return show_form(case, _claim_page(case))


def show_new_order(visit: Visit, request_id: str) -> Answer:
    """Show the form that attaches an authority's order."""
    case = Case.read(visit, request_id)
    return show_form(case, _order_page(case))


def _why_not(case: Case, permission: Permission) -> str:
    is_authority = case.visit.actor.partner_kind is PartnerKind.LAW_ENFORCEMENT
    if case.is_ours and not is_authority:
        return "Whoever holds attaches it, or the authority whose case it is: ask them to."
    if not case.visit.may(permission):
        return "Your role does not do this: compliance or a security lead of yours does."
    return ""


def _holds(case: Case) -> list[tuple[str, str]]:
    """Return the open holds that the visitor may name, as (id, words)."""
    return [
        (hold["id"], f"{_held(case, hold)} at {hold['partner']}, address no. {hold['address_no']}")
        for hold in every_hold(case.visit, case.id)
        if is_open(hold)
    ]


def _held(case: Case, hold: Mapping[str, Any]) -> AmountWords | str:
    if hold["withheld"]:
        return "An amount that is not told"
    return amount(hold["held"], hold["asset"], case.visit.assets)


def _claim_page(case: Case) -> FormPage:
    return FormPage(
        url=f"{case.url}/orders/claim",
        heading="Attach a claim to a hold",
        text="A court or an authority has a say about what is held. While it stands, nothing that"
        " it blocks is agreed to. Court and number are read by the requester and whoever holds,"
        " and by nobody else.",
        fields=[
            Field(name="kind", label="What it is", options=list(KINDS.items())),
            Field(name="hold", label="On which hold", options=_holds(case)),
            Field(
                name="amount",
                label="On how much of it",
                hint="With its unit: 1.5 ETH. Empty: all of it, and all that comes.",
            ),
            Field(name="blocks", label="What it blocks", ticks=list(BLOCKS.items())),
            Field(name="court", label="Which court or authority"),
            Field(name="number", label="Its number"),
            Field(name="order_sha256", label="SHA-256 of the order", hint=_HASH_HINT),
            Field(name="review_at", label="Looked at again on", type="date", hint=_REVIEW_HINT),
        ],
        why_not=_why_not(case, Permission.ENCUMBRANCE_ATTACH),
    )


_REVIEW_HINT = "You are reminded then; it stands until it is lifted. Empty: never."


def attach_claim(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of a claim on a hold."""
    case, form = Case.read(visit, request_id), visit.form

    def wanted() -> WantedAct:
        body = _body(
            case,
            kind=form.text("kind"),
            hold=form.text("hold"),
            amount=_amount(case),
            court=form.text("court"),
            number=form.text("number"),
            order_sha256=form.text("order_sha256").lower(),
            review_at=_day(form.text("review_at"), "review_at"),
        )
        return _wanted(
            case,
            "encumbrances",
            body | {"blocks": form.texts("blocks")},
            (
                f"Attach {_said(KINDS, form.text('kind'))} to a hold.",
                "Attach it",
                listed(BLOCKS[each] for each in form.texts("blocks") if each in BLOCKS),
            ),
        )

    return ask(case, _claim_page(case), wanted)


def _said(words: Mapping[str, str], code: str) -> str:
    word = words.get(code, "it")
    return f"{word[:1].lower()}{word[1:]}"


def _amount(case: Case) -> str:
    """Return the base units that somebody typed; "" for all."""
    text, hold_id = case.visit.form.text("amount"), case.visit.form.text("hold")
    if not text:
        return ""
    assets = [hold["asset"] for hold in every_hold(case.visit, case.id) if hold["id"] == hold_id]
    try:
        return read_amount(text, case.visit.assets, asset=next(iter(assets), None))[1]
    except AmountTextError as error:
        raise _fault("amount", str(error)) from None


def _order_page(case: Case) -> FormPage:
    return FormPage(
        url=f"{case.url}/orders/order",
        heading="Attach an authority\N{RIGHT SINGLE QUOTATION MARK}s order",
        text="It changes no hold by itself: whoever holds extends on its ground. Say how you made"
        " sure that it is real; the number that was called never comes from the order itself.",
        fields=[
            Field(name="agency", label="Which authority"),
            Field(name="reference", label="Its file number"),
            Field(name="document_sha256", label="SHA-256 of the order", hint=_HASH_HINT),
            Field(name="officer", label="Which officer signed it"),
            Field(name="entity", label="Which of your companies it addresses"),
            Field(name="hold", label="On which hold", options=[("", "All"), *_holds(case)]),
            Field(name="verification", label="How you made sure", options=_VERIFICATIONS),
            Field(
                name="called_at",
                label="When you called, in UTC",
                type="datetime-local",
                hint="Where the authority was called back.",
            ),
            Field(name="number_from", label="Where its number is from", options=_NUMBERS),
            Field(name="freeze_until", label="It freezes until", type="date", hint=_REVIEW_HINT),
        ],
        why_not=_why_not(case, Permission.LEGAL_ORDER_ATTACH),
    )


def attach_order(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of an authority's order."""
    case, form = Case.read(visit, request_id), visit.form

    def wanted() -> WantedAct:
        call_back = None
        if form.text("verification") == "call_back":
            called = _minute(form.text("called_at"), "called_at")
            call_back = {"at": called, "number_from": form.text("number_from")}
        names = ("agency", "reference", "officer", "entity", "hold", "verification")
        body = _body(
            case,
            **{name: form.text(name) for name in names},
            document_sha256=form.text("document_sha256").lower(),
            call_back=call_back,
            freeze_until=_day(form.text("freeze_until"), "freeze_until"),
        )
        said = dict(_VERIFICATIONS).get(form.text("verification"), "")
        sentence = f"Attach an order of {form.text('agency')}."
        return _wanted(case, "legal-orders", body, (sentence, "Attach it", said))

    return ask(case, _order_page(case), wanted)


# ---- one of them ---------------------------------------------------------------------------------


def show(visit: Visit, request_id: str, restraint_id: str) -> Answer:
    """Show one whole, with what the visitor may do about it."""
    case = Case.read(visit, request_id)
    found = _find(case, restraint_id)
    pages = [make(case, found) for make in _PAGES.values()]
    call = found.view.get("call_back")
    return render.page(
        "follow/restraint.html",
        visit,
        nav="requests",
        case=case,
        found=found,
        officer=found.view.get("officer") or "",
        made_sure=dict(_VERIFICATIONS).get(found.view.get("verification") or "", ""),
        called_at=None if call is None else moment(call["at"]),
        called_by=None if call is None else dict(_NUMBERS)[call["number_from"]],
        pages=[page for page in pages if not page.why_not],
        is_theirs=found.by != visit.actor.partner,
        done=done_words(visit),
    )


def _find(case: Case, restraint_id: str) -> Restraint:
    found = next((each for each in _every(case) if each.id == restraint_id), None)
    if found is None:
        raise NotFoundError("there is no such order or claim on this request")
    return found


def show_act(visit: Visit, request_id: str, restraint_id: str, act: str) -> Answer:
    """Show the form of one act."""
    case = Case.read(visit, request_id)
    return show_form(case, _page_of(act)(case, _find(case, restraint_id)))


def act(visit: Visit, request_id: str, restraint_id: str, act: str) -> Answer:
    """Lead to the signature of one act."""
    case = Case.read(visit, request_id)
    found = _find(case, restraint_id)
    page = _page_of(act)(case, found)
    return ask(case, page, lambda: _ACTS[act](case, found))


def _page_of(act: str) -> Callable[[Case, Restraint], FormPage]:
    if act not in _PAGES:
        raise NotFoundError("there is no such act on an order or a claim")
    return _PAGES[act]


def _why_not_own(case: Case, found: Restraint, permission: Permission) -> str:
    if not found.is_standing:
        return "It is lifted: nothing is left to do."
    if found.by != case.visit.actor.partner:
        return f"{found.by} attached it: only they review and lift it. Ask them to."
    return "" if case.visit.may(permission) else "Your role does not do this."


def _review_page(case: Case, found: Restraint) -> FormPage:
    needs = (
        Permission.ENCUMBRANCE_ATTACH if found.kind == "claim" else Permission.LEGAL_ORDER_ATTACH
    )
    return FormPage(
        url=f"{found.url}/review",
        heading="It stands",
        text="Say that somebody looked, and that it still stands.",
        fields=[Field(name="review_at", label="Looked at again on", type="date")],
        why_not=_why_not_own(case, found, needs),
    )


def _review(case: Case, found: Restraint) -> WantedAct:
    until = _day(case.visit.form.text("review_at"), "review_at")
    if not until:
        raise _fault("review_at", "say when somebody looks again")
    words = (f"Say that this stands: {found.title}.", "It stands", utc(until))
    return _wanted(case, _call(found, "reviews"), _body(case, review_at=until), words)


def _lifting_page(case: Case, found: Restraint) -> FormPage:
    return FormPage(
        url=f"{found.url}/lift",
        heading="Lift it",
        text="It ends by a document, and by another person than the one who attached it. Whatever"
        " it kept back goes on.",
        fields=[
            Field(name="document_sha256", label="SHA-256 of what lifts it", hint=_HASH_HINT),
            Field(name="note", label="In words", rows=2, hint="Both sides read it. No names."),
        ],
        is_danger=True,
        why_not=_why_not_own(case, found, Permission.ENCUMBRANCE_LIFT),
    )


def _lifting(case: Case, found: Restraint) -> WantedAct:
    form = case.visit.form
    body = _body(
        case,
        act_sha256=found.view["act_sha256"],
        document_sha256=form.text("document_sha256").lower(),
        note=form.text("note"),
    )
    words = (f"Lift this: {found.title}.", "Lift it", form.text("document_sha256"))
    return _wanted(case, _call(found, "lifting"), body, words)


def _call_back_page(case: Case, found: Restraint) -> FormPage:
    why_not = ""
    if found.kind != "order" or not found.is_standing:
        why_not = "One calls back about an order that stands."
    elif found.by == case.visit.actor.partner:
        why_not = "You attached it: others call for themselves."
    elif not case.visit.may(Permission.LEGAL_ORDER_CALL_BACK):
        why_not = "A person of compliance or a security lead does this."
    return FormPage(
        url=f"{found.url}/call-back",
        heading="You called the authority back",
        text="Say what you heard. The others read how many called back, and not who.",
        fields=[
            Field(name="at", label="When, in UTC", type="datetime-local"),
            Field(name="number_from", label="Where the number is from", options=_NUMBERS),
            Field(name="outcome", label="What you heard", options=_OUTCOMES),
        ],
        why_not=why_not,
    )


def _call_back(case: Case, found: Restraint) -> WantedAct:
    form = case.visit.form
    heard = dict(_OUTCOMES).get(form.text("outcome"), "")
    body = _body(
        case,
        at=_minute(form.text("at"), "at"),
        number_from=form.text("number_from"),
        outcome=form.text("outcome"),
    )
    words = (f"Say that you called back about this: {found.title}.", "Say so", heard)
    return _wanted(case, _call(found, "call-backs"), body, words)


_PAGES: Mapping[str, Callable[[Case, Restraint], FormPage]] = MappingProxyType(
    {"review": _review_page, "lift": _lifting_page, "call-back": _call_back_page}
)
_ACTS: Mapping[str, Callable[[Case, Restraint], WantedAct]] = MappingProxyType(
    {"review": _review, "lift": _lifting, "call-back": _call_back}
)


def _call(found: Restraint, act: str) -> str:
    noun = "encumbrances" if found.kind == "claim" else "legal-orders"
    return f"{noun}/{found.id}/{act}"


def _wanted(case: Case, call: str, body: Mapping[str, Any], words: Sequence[str]) -> WantedAct:
    """Return an act; `words` are its sentence, its button, and what else the sign page shows."""
    sentence, button, said = words
    return WantedAct(
        path=f"/v1/freeze-requests/{case.id}/{call}",
        body=dict(body),
        sentence=sentence,
        button=button,
        back=f"{case.url}/orders",
        then=f"{case.url}/orders",
        facts=[("With it", said)] if said else [],
    )


def _body(case: Case, **members: Any) -> dict[str, Any]:
    given = {name: value for name, value in members.items() if value not in (None, "", [])}
    return {"content_sha256": case.request["content_sha256"], **given}


def _day(text: str, name: str) -> str:
    """Return the end of a day in UTC, as a date field sends it; "" where none is named."""
    return text and _time(f"{text}T23:59:59", name)


def _minute(text: str, name: str) -> str:
    """Return a minute in UTC, as a field for day and time sends it."""
    return _time(text, name)


def _time(text: str, name: str) -> str:
    try:
        return format_time(datetime.fromisoformat(f"{text}+00:00"))
    except ValueError:
        raise _fault(name, "write day and time, as in 2027-03-31, 14:00") from None


def _fault(name: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldFault(f"/{name}", detail)])
