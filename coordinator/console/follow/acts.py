"""What the requester does about a request that goes on: each a small page with its form."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import clearances, freeze_request_reads, info_requests, membership_reads
from coordinator.api import holds as hold_api
from coordinator.api.paging import PageQuery
from coordinator.console import render
from coordinator.console.acts import WantedAct
from coordinator.console.contested import contested_holds, every_hold, find_dispute, is_open
from coordinator.console.follow.case import Case
from coordinator.console.follow.forms import Field, FormPage, ask, show_form
from coordinator.console.visit import Visit
from coordinator.console.words import ago, countdown, counted, listed, utc
from coordinator.domain.errors import FieldFault, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.reading.code_words import WITHDRAWAL_CHOICES
from holdfast.protocol import base64url
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import ASKABLE_KINDS, ErasureReason, HoldBasis, Support

Answer = Response | WsgiResponse
_ALL = PageQuery.model_validate({"limit": "1000"})
#: So many addresses are ticked one by one; of more, the numbers are written.
_MOST_TICKS = 40
#: So many are named one by one.
_FEW = 6
_RANGE = re.compile(r"(\d{1,5})(?:\s*[-\N{EN DASH}]\s*(\d{1,5}))?", re.ASCII)

#: What follows where the policy asks for two leads.
_ANOTHER_LEAD = (
    "Another lead of yours decides; until then the partners hear that it is proposed, and hold on."
)


def _why_not(case: Case, permission: Permission) -> str:
    """Return why the person cannot act, and who can; empty where they can."""
    if not case.is_ours:
        return f"Only {case.request['requester']} can do this: the request is theirs."
    if not case.visit.may(permission):
        return (
            "Your role does not do this. A security lead of your organisation can; People and"
            " keys, in the menu, says who that is."
        )
    return ""


def _body(case: Case, **members: Any) -> dict[str, Any]:
    given = {name: value for name, value in members.items() if value not in (None, "", [])}
    return {"content_sha256": case.request["content_sha256"], **given}


def _own(visit: Visit, request_id: str) -> Case:
    case = Case.read(visit, request_id)
    if not case.is_ours:
        raise NotFoundError("there is no such page for you: the request is another organisation's")
    return case


# ---- withdraw ------------------------------------------------------------------------------------


def show_withdrawal(visit: Visit, request_id: str) -> Answer:
    """Show the form that withdraws all or some addresses."""
    case = _own(visit, request_id)
    return show_form(case, _withdrawal_page(case), _withdrawal_begun(case))


def _withdrawal_begun(case: Case) -> Mapping[str, Sequence[str]]:
    """Return the form as the page that led here fills it: one address, or what is contested."""
    chosen, dispute_id = request.args.get("address", ""), request.args.get("dispute", "")
    if chosen.isdigit():
        return {"scope": ["some"], "addresses": [chosen]}
    if not dispute_id:
        return {}
    dispute = find_dispute(case.visit, case.id, dispute_id)
    holds = contested_holds(case.visit, case.id, dispute)
    numbers = [str(no) for no in sorted({hold["address_no"] for hold in holds})]
    is_ticked = case.request["address_count"] <= _MOST_TICKS
    return {
        "scope": ["some"],
        "addresses": numbers if is_ticked else [", ".join(numbers)],
        "reason_code": ["wrong_target"],
    }


def _takes_two(case: Case, numbers: Sequence[int] | str) -> bool:
    """Tell whether withdrawing addresses is a proposal first: another lead decides on it."""
    if case.visit.actor.withdrawal_quorum == 1 or not case.is_live:
        return False
    return any(
        is_open(hold) and (numbers == "all" or hold["address_no"] in numbers)
        for hold in every_hold(case.visit, case.id)
    )


def withdraw(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of a withdrawal."""
    case = _own(visit, request_id)
    form = visit.form

    def wanted() -> WantedAct:
        numbers = _numbers(case) if form.text("scope") == "some" else "all"
        what = "the whole request"
        if isinstance(numbers, list):
            what = f"address no. {listed(map(str, numbers))}" if len(numbers) <= _FEW else ""
            what = what or counted(len(numbers), "address")
        code = form.text("reason_code")
        members = {"addresses": numbers, "reason_code": code, "reason": form.text("reason")}
        sentence = (
            f"Propose to withdraw {what}. {_ANOTHER_LEAD}"
            if _takes_two(case, numbers)
            else f"Withdraw {what}. Whoever holds funds on it is told to release, return or keep"
            " them with a reason of their own."
        )
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/withdrawal",
            body=_body(case, **members),
            sentence=sentence,
            button=f"{'Propose to withdraw' if _takes_two(case, numbers) else 'Withdraw'} {what}",
            back=f"{case.url}/withdraw",
            then=case.url,
            facts=[
                ("Reason", dict(WITHDRAWAL_CHOICES).get(code, code)),
                ("In words", form.text("reason")),
            ],
        )

    return ask(case, _withdrawal_page(case), wanted)


def _withdrawal_page(case: Case) -> FormPage:
    held = [
        str(case.amount(total["held"], asset))
        for asset, total in case.totals.items()
        if int(total["held"])
    ]
    facts = [("Held at present", listed(held))] if held else []
    return FormPage(
        url=f"{case.url}/withdraw",
        heading="Withdraw this request, or some of its addresses",
        text="Partners are told at once. What they hold on it they then release, return, or keep"
        " on a ground of their own. For a wrong target, everybody cleared gets a signed statement"
        " to show elsewhere. Where your policy asks for two leads and something is held, this"
        " proposes it, and another lead approves.",
        facts=facts,
        fields=[
            Field(
                name="scope",
                label="What",
                options=[("all", "The whole request"), ("some", "Some addresses")],
            ),
            _addresses_field(case),
            Field(
                name="reason_code",
                label="Reason",
                options=WITHDRAWAL_CHOICES,
                hint="Partners\N{RIGHT SINGLE QUOTATION MARK} systems go by it.",
            ),
            Field(
                name="reason",
                label="Why, in words",
                rows=2,
                hint="The partners read it. No customer data.",
            ),
        ],
        is_danger=True,
        why_not=_why_not(case, Permission.FREEZE_REQUEST_WITHDRAW_SUBMITTED),
    )


def _addresses_field(case: Case) -> Field:
    label = "Which addresses, if only some"
    if case.request["address_count"] > _MOST_TICKS:
        hint = "Their numbers as the list of addresses has them: 0, 4, 7-12"
        return Field(name="addresses", label=label, hint=hint)
    page = case.visit.read(freeze_request_reads.list_addresses, _ALL, request_id=case.id)
    live = [each for each in page["items"] if not _is_gone(each)]
    return Field(
        name="addresses",
        label=label,
        ticks=[
            (str(each["address_no"]), f"no. {each['address_no']}: {_short(each['account'])}")
            for each in live
        ],
    )


def _is_gone(address: Mapping[str, Any]) -> bool:
    return bool(address.get("withdrawn_at") or address.get("left_out"))


def _short(account: str) -> str:
    address = account.rpartition(":")[2]
    return address if len(address) <= 24 else f"{address[:10]}\N{HORIZONTAL ELLIPSIS}{address[-8:]}"  # noqa: PLR2004


def _numbers(case: Case) -> list[int]:
    """Return the numbers that the form names, ticked or written.

    Raises:
        InvalidInputError: If one is no number of an address, or none is named.
    """
    last = case.request["address_count"] - 1
    found: set[int] = set()
    for part in ",".join(case.visit.form.texts("addresses")).replace(";", ",").split(","):
        if not part.strip():
            continue
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise _fault("addresses", f'"{part.strip()[:20]}" is no number of an address')
        first, until = int(match[1]), int(match[2] or match[1])
        if until > last or first > until:
            raise _fault("addresses", f"this request has addresses 0 to {last}")
        found.update(range(first, until + 1))
    if not found:
        raise _fault("addresses", "say which addresses, or withdraw the whole request")
    return sorted(found)


def _fault(name: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldFault(f"/{name}", detail)])


# ---- more partners -------------------------------------------------------------------------------


def show_addition(visit: Visit, request_id: str) -> Answer:
    """Show the partners that were not asked yet."""
    case = _own(visit, request_id)
    return show_form(case, _addition_page(case))


def add_partners(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of an addition."""
    case = _own(visit, request_id)

    def wanted() -> WantedAct:
        chosen = visit.form.texts("to")
        if not chosen:
            raise _fault("to", "choose whom to ask")
        many = listed(chosen) if len(chosen) <= _FEW else counted(len(chosen), "partner")
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/partners",
            body=_body(case, to=chosen, nonce=base64url.encode(secrets.token_bytes(16))),
            sentence=f"Propose to ask {many}, too. Another lead of yours approves before they are"
            " asked.",
            button=f"Propose {counted(len(chosen), 'partner')}",
            back=f"{case.url}/add-partners",
            then=case.url,
            facts=[("To be asked", listed(chosen))],
        )

    return ask(case, _addition_page(case), wanted)


def _addition_page(case: Case) -> FormPage:
    asked = {*case.request["to"], case.request["requester"]}
    directory = case.visit.read(membership_reads.list_partners, _ALL)["items"]
    others = [
        each["handle"]
        for each in directory
        if each["handle"] not in asked
        and each["status"] == "active"
        and each["kind"] in ASKABLE_KINDS
    ]
    why_not = _why_not(case, Permission.FREEZE_REQUEST_ADD_PARTNERS)
    if not others and not why_not:
        why_not = "Every member that can be asked was asked already."
    return FormPage(
        url=f"{case.url}/add-partners",
        heading="Ask more partners",
        text="They get the same request. Whoever proposes them does not approve it: another lead"
        " of your organisation decides.",
        fields=[Field(name="to", label="Partners", ticks=[(each, each) for each in others])],
        why_not=why_not,
    )


# ---- close ---------------------------------------------------------------------------------------


def show_closure(visit: Visit, request_id: str) -> Answer:
    """Show the form that closes a request."""
    return show_form(case := _own(visit, request_id), _closure_page(case))


def close(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of a closure."""
    case = _own(visit, request_id)

    def wanted() -> WantedAct:
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/closure",
            body=_body(case, reason=visit.form.text("reason")),
            sentence="Close this request: nothing more is asked of anybody.",
            button="Close it",
            back=f"{case.url}/close",
            then=case.url,
            facts=[("In words", visit.form.text("reason") or "no reason given")],
        )

    return ask(case, _closure_page(case), wanted)


def _closure_page(case: Case) -> FormPage:
    return FormPage(
        url=f"{case.url}/close",
        heading="Close this request",
        text="It ends well: nothing is held any more and nothing more is asked. While a partner"
        " still holds funds it cannot be closed; withdraw it, or wait for their report.",
        fields=[Field(name="reason", label="A word on how it ended, if you like", rows=2)],
        why_not=_why_not(case, Permission.FREEZE_REQUEST_CLOSE),
    )


# ---- questions and disputes ----------------------------------------------------------------------


def show_question(visit: Visit, request_id: str, info_request_id: str) -> Answer:
    """Show a partner's question with the form that answers it."""
    case = _own(visit, request_id)
    return show_form(case, _question_page(case, _question(case, info_request_id)))


def reply(visit: Visit, request_id: str, info_request_id: str) -> Answer:
    """Lead to the signature of an answer to a question."""
    case = _own(visit, request_id)
    question = _question(case, info_request_id)
    page = _question_page(case, question)

    def wanted() -> WantedAct:
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/info-requests/{info_request_id}/answer",
            body=_body(case, text=visit.form.text("text")),
            sentence=f"Answer {question['partner']}. Their clock goes on from here.",
            button="Answer",
            back=page.url,
            then=f"{case.url}/owed",
            facts=[("They asked", _asked(question)), ("You answer", visit.form.text("text"))],
        )

    return ask(case, page, wanted)


def _question(case: Case, info_request_id: str) -> Mapping[str, Any]:
    page = case.visit.read(info_requests.list_questions, _ALL, request_id=case.id)
    return _find(page["items"], info_request_id, "question")


def _find(items: Sequence[Mapping[str, Any]], wanted: str, noun: str) -> Mapping[str, Any]:
    found = next((each for each in items if each["id"] == wanted), None)
    if found is None:
        raise NotFoundError(f"there is no such {noun}, or none that you may see")
    return found


def _asked(question: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, (", ".join(question["missing"]), question["text"] or "")))


def _question_page(case: Case, question: Mapping[str, Any]) -> FormPage:
    why_not = _why_not(case, Permission.INFO_REQUEST_ANSWER)
    shown = [
        (f"{question['partner']} asks, {ago(question['asked_at'], case.now)}:", _asked(question))
    ]
    if question["answered_at"]:
        why_not = f"This was answered {ago(question['answered_at'], case.now)}."
        shown.append(("The answer:", question["answer"] or ""))
    left = countdown(question["reply_by"], case.now)
    clock = [("Reply", left.words if left.is_late else f"within {left.words}")]
    return FormPage(
        url=f"{case.url}/questions/{question['id']}",
        heading=f"{question['partner']} asks you a question",
        text="While it is open their clock stands still, and the money may move.",
        facts=clock if left.until and not question["answered_at"] else [],
        quotes=shown,
        fields=[
            Field(
                name="text",
                label="Your answer",
                rows=4,
                hint="Only they read it, and it is signed. No customer data.",
            )
        ],
        why_not=why_not,
    )


def show_dispute(visit: Visit, request_id: str, dispute_id: str) -> Answer:
    """Show a partner's objection with the form that answers it."""
    case = _own(visit, request_id)
    return show_form(case, _dispute_page(case, find_dispute(visit, case.id, dispute_id)))


def resolve(visit: Visit, request_id: str, dispute_id: str) -> Answer:
    """Lead to the signature of an answer to an objection."""
    case = _own(visit, request_id)
    dispute = find_dispute(visit, case.id, dispute_id)
    page = _dispute_page(case, dispute)

    def wanted() -> WantedAct:
        resolution = visit.form.text("resolution")
        if resolution not in {"upheld", "rejected"}:
            raise _fault("resolution", "say whether they are right")
        upheld = resolution == "upheld"
        holds = contested_holds(case.visit, case.id, dispute) if upheld else []
        is_proposed = bool(holds) and case.visit.actor.withdrawal_quorum > 1
        is_next = upheld and not is_proposed
        word = "Agree that it was wrong" if upheld else "Reject the objection"
        sentence = (
            f"Propose to agree with {dispute['partner']}. {_ANOTHER_LEAD}"
            if is_proposed
            else f"{word}, to {dispute['partner']}. They decide what becomes of their hold."
        )
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/disputes/{dispute_id}/resolution",
            body=_body(case, resolution=resolution, text=visit.form.text("text")),
            sentence=sentence,
            button="Propose to agree" if is_proposed else word,
            back=page.url,
            then=f"{case.url}/withdraw?dispute={dispute_id}" if is_next else f"{case.url}/owed",
            facts=[("They say", dispute["text"] or ""), ("You say", visit.form.text("text"))],
        )

    return ask(case, page, wanted)


def _dispute_page(case: Case, dispute: Mapping[str, Any]) -> FormPage:
    why_not = _why_not(case, Permission.DISPUTE_RESOLVE)
    quotes = [
        (f"{dispute['partner']}, {ago(dispute['raised_at'], case.now)}:", dispute["text"] or "")
    ]
    if dispute["resolved_at"]:
        why_not = f"This was answered {ago(dispute['resolved_at'], case.now)}."
        word = str(dispute["resolution"] or "").capitalize()
        quotes.append((f"{word}:", dispute["resolution_text"] or ""))
    left = countdown(dispute["answer_by"], case.now)
    facts = [("Answer", left.words if left.is_late else f"within {left.words}")]
    if dispute["reference"]:
        facts.append(("Their reference", dispute["reference"]))
    return FormPage(
        url=f"{case.url}/disputes/{dispute['id']}",
        heading=f"{dispute['partner']} contests the freeze for a customer",
        text="Somebody may be wrongly frozen. If they are right, agree, then withdraw the address:"
        " the next page leads there. If nobody answers in time, a release is recommended to them.",
        facts=[] if dispute["resolved_at"] else facts,
        quotes=quotes,
        fields=[
            Field(
                name="resolution",
                label="Are they right?",
                options=[
                    ("", "Choose one"),
                    ("upheld", "Yes: it was wrong to freeze this"),
                    ("rejected", "No: the freeze is right"),
                ],
            ),
            Field(
                name="text",
                label="Why",
                rows=4,
                hint="They read it, and it is signed. No customer data.",
            ),
        ],
        why_not=why_not,
    )


# ---- papers: support, indemnity ------------------------------------------------------------------


def show_papers(visit: Visit, request_id: str) -> Answer:
    """Show the two forms that put a document behind a request."""
    case = _own(visit, request_id)
    return render.page(
        "follow/papers.html",
        visit,
        nav="requests",
        case=case,
        support=_support_page(case),
        indemnity=_indemnity_page(case),
    )


def show_support(visit: Visit, request_id: str) -> Answer:
    """Show the form that raises whose word the request rests on."""
    return show_form(case := _own(visit, request_id), _support_page(case))


def raise_support(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of a document that the request rests on."""
    case, form = _own(visit, request_id), visit.form
    page = _support_page(case)

    def wanted() -> WantedAct:
        word = dict(_SUPPORT).get(form.text("support"), "")
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/support",
            body=_body(
                case,
                support=form.text("support"),
                document_sha256=form.text("document_sha256").lower(),
                reference=form.text("reference"),
            ),
            sentence=f"Rest this request on a document: {word.lower()}. The document stays with"
            " you; its hash is signed.",
            button="Raise the support",
            back=page.url,
            then=f"{case.url}/documents",
            facts=[("SHA-256", form.text("document_sha256"))],
        )

    return ask(case, page, wanted)


_SUPPORT = (
    ("police_report", "A police report"),
    ("order_applied", "An order was applied for"),
    ("order", "An order"),
)
_HASH = Field(
    name="document_sha256",
    label="SHA-256 of the document",
    hint="64 hex digits, as sha256sum prints them. The document itself stays with you.",
)


def _support_page(case: Case) -> FormPage:
    now = dict(_SUPPORT).get(case.request["support"], "Your organisation's word alone")
    return FormPage(
        url=f"{case.url}/support",
        heading="Rest the request on a better word",
        text=f"It rests on: {now[:1].lower()}{now[1:]}. A better word lets partners hold longer."
        " Support is only ever raised.",
        fields=[
            Field(name="support", label="What there is now", options=_SUPPORT),
            _HASH,
            Field(name="reference", label="Its file number, if it has one"),
        ],
        why_not=_why_not(case, Permission.SUPPORT_RAISE),
    )


def show_indemnity(visit: Visit, request_id: str) -> Answer:
    """Show the form that gives an indemnity."""
    return show_form(case := _own(visit, request_id), _indemnity_page(case))


def give_indemnity(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of an indemnity."""
    case, form = _own(visit, request_id), visit.form
    page = _indemnity_page(case)

    def wanted() -> WantedAct:
        until = _date(form.text("until"), "until")
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/indemnities",
            body=_body(
                case,
                cap={"usd": form.text("cap").replace(",", "").replace(" ", "")},
                law=form.text("law"),
                until=format_time(until),
                document_sha256=form.text("document_sha256").lower(),
                to=form.text("to"),
            ),
            sentence="Promise to make good what a wrong freeze costs"
            f" {form.text('to') or 'any partner asked'}, up to ${form.text('cap')}.",
            button="Give the indemnity",
            back=page.url,
            then=f"{case.url}/documents",
            facts=[
                ("At most", f"${form.text('cap')}"),
                ("Law", form.text("law")),
                ("Until", utc(until)),
            ],
        )

    return ask(case, page, wanted)


def _indemnity_page(case: Case) -> FormPage:
    wanting = [leg["partner"] for leg in case.legs if leg["decline_code"] == "indemnity_required"]
    text = f"{listed(wanting)} declined for want of one. " if wanting else ""
    return FormPage(
        url=f"{case.url}/indemnity",
        heading="Give an indemnity",
        text=f"{text}What a wrong freeze costs the partner, you make good, by the terms of a"
        " document of yours.",
        fields=[
            Field(
                name="to",
                label="To whom",
                options=[
                    ("", "All partners asked"),
                    *((each, each) for each in case.request["to"]),
                ],
            ),
            Field(name="cap", label="At most, in US dollars", hint="For example 250000"),
            Field(name="law", label="Under which law", hint="A country, as in ISO 3166: DE"),
            Field(name="until", label="Until when", type="date"),
            _HASH,
        ],
        why_not=_why_not(case, Permission.INDEMNITY_GIVE),
    )


def _date(text: str, name: str) -> datetime:
    """Return the end of a day in UTC, as a date field sends it.

    Raises:
        InvalidInputError: If it is no date.
    """
    try:
        return datetime.fromisoformat(f"{text}T23:59:59+00:00")
    except ValueError:
        raise _fault(name, "write a day, as in 2027-03-31") from None


# ---- guests --------------------------------------------------------------------------------------


def show_guest(visit: Visit, request_id: str) -> Answer:
    """Show the form that asks an organisation that is no member."""
    return show_form(case := _own(visit, request_id), _guest_page(case))


def ask_guest(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature that asks it."""
    case, form = _own(visit, request_id), visit.form
    page = _guest_page(case)

    def wanted() -> WantedAct:
        domain = form.text("domain").lower()
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/guests",
            body=_body(case, domain=domain),
            sentence=f"Ask {domain}, which is no member, about every address of this request.",
            button="Ask it",
            back=page.url,
            then=case.url,
            facts=[
                ("Domain", domain),
                ("Who answers", "whoever reads its security contact's mail"),
            ],
        )

    return ask(case, page, wanted)


def _guest_page(case: Case) -> FormPage:
    return FormPage(
        url=f"{case.url}/guests",
        heading="Ask who is no member",
        text="The security contact that it publishes (security.txt) gets a link by mail to a page"
        " that shows the addresses, who asks, and by when. What it answers nobody signs: it is"
        " marked as unverified, and in no sum.",
        fields=[
            Field(
                name="domain",
                label="Its domain",
                hint="As in exchange.example. With other letters than a to z: as A-labels, xn--…",
                is_required=True,
            )
        ],
        why_not=_why_not(case, Permission.GUEST_ASK),
    )


# ---- hold longer ---------------------------------------------------------------------------------


def show_extension(visit: Visit, request_id: str) -> Answer:
    """Show the form that asks a partner to hold longer."""
    case = _own(visit, request_id)
    return show_form(case, _extension_page(case), {"hold": [request.args.get("hold", "")]})


def ask_extension(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of such a request."""
    case, form = _own(visit, request_id), visit.form
    page = _extension_page(case)

    def wanted() -> WantedAct:
        until = _date(form.text("hold_expires_at"), "hold_expires_at")
        words = dict(page.fields[0].options or ()).get(form.text("hold"), "")
        if not words:
            raise _fault("hold", "choose a hold")
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/extension-requests",
            body=_body(
                case,
                hold=form.text("hold"),
                hold_expires_at=format_time(until),
                reason=form.text("reason"),
            ),
            sentence="Ask to hold longer; the partner decides.",
            button="Ask for it",
            back=page.url,
            then=case.url,
            facts=[("Hold", words), ("Until", utc(until)), ("Why", form.text("reason"))],
        )

    return ask(case, page, wanted)


def _extension_page(case: Case) -> FormPage:
    query = hold_api.HoldsQuery.model_validate(
        {"side": "for_us", "request": case.id, "limit": "200"}
    )
    holds = case.visit.read(hold_api.list_open, query)["items"]
    options = [(hold["id"], _hold_words(case, hold)) for hold in holds]
    bound = _how_long(case)
    why_not = _why_not(case, Permission.HOLD_ASK_EXTENSION)
    if not options and not why_not:
        why_not = "Nobody holds anything for this request at present."
    return FormPage(
        url=f"{case.url}/extension",
        heading="Ask a partner to hold longer",
        text=f"Nothing extends itself. The partner decides, within what its law allows. {bound}",
        before=("Rest the request on a better word first", f"{case.url}/support")
        if bound
        else None,
        fields=[
            Field(name="hold", label="Which hold", options=options),
            Field(name="hold_expires_at", label="Until the end of", type="date"),
            Field(name="reason", label="Why", rows=2, hint="They read it. No customer data."),
        ],
        why_not=why_not,
    )


def _how_long(case: Case) -> str:
    """Say how far ahead a partner may set an end of its own accord, and what carries farther."""
    policies = case.visit.reader.context.rulebook.policies
    limits = policies.max_hold(None, support=Support(case.request["support"]))
    if not limits.is_bound_by_support(HoldBasis.VOLUNTARY):
        return ""
    said = limits.why_bound()
    return f"{said[:1].upper()}{said[1:]}."


def _hold_words(case: Case, hold: Mapping[str, Any]) -> str:
    amount = "amount not told" if hold["withheld"] else case.amount(hold["held"], hold["asset"])
    ends = utc(hold["hold_expires_at"])
    return f"{hold['partner']}: {amount}, address no. {hold['address_no']}, until {ends}"


# ---- the same tokens held twice ------------------------------------------------------------------


def show_same_funds(visit: Visit, request_id: str) -> Answer:
    """Show the form that says that two partners hold the same tokens."""
    case = _own(visit, request_id)
    return show_form(case, _same_funds_page(case))


def mark_same_funds(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of such a mark."""
    case, form = _own(visit, request_id), visit.form
    page = _same_funds_page(case)

    def wanted() -> WantedAct:
        holds = dict(page.fields[0].options or ())
        left_out, counted_one = form.text("hold"), form.text("same_as")
        if left_out not in holds:
            raise _fault("hold", "choose a hold")
        if counted_one and counted_one not in holds:
            raise _fault("same_as", "choose a hold, or that each counts")
        body = _body(case, hold=left_out)
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/same-funds",
            body=body | {"same_as": counted_one or None},
            sentence="Count what two partners hold once: it is the same tokens. Neither is told."
            if counted_one
            else "Count this hold for itself again. Nobody is told.",
            button="Count it once" if counted_one else "Count it again",
            back=page.url,
            then=case.url,
            facts=[
                ("Left out of sums", holds[left_out])
                if counted_one
                else ("Counts again", holds[left_out]),
                *([("Counts", holds[counted_one])] if counted_one else []),
            ],
        )

    return ask(case, page, wanted)


def _same_funds_page(case: Case) -> FormPage:
    options = [
        (hold["id"], _hold_words(case, hold))
        for hold in every_hold(case.visit, case.id)
        if is_open(hold) and not hold["shared"]
    ]
    why_not = _why_not(case, Permission.SAME_FUNDS_MARK)
    if not options and not why_not:
        why_not = "Nobody holds anything for this request at present."
    return FormPage(
        url=f"{case.url}/same-funds",
        heading="Two partners hold the same tokens",
        text="An exchange froze them in its books and an issuer on the chain, say: both holds are"
        " real, and the funds are there once. Sums then leave one of the two out as long as the"
        " other holds anything.",
        fields=[
            Field(name="hold", label="Which hold is left out of sums", options=options),
            Field(
                name="same_as",
                label="Which one counts in its place",
                options=[("", "None: it counts for itself again"), *options],
            ),
        ],
        why_not=why_not,
    )


# ---- clearances ----------------------------------------------------------------------------------


def show_clearance(visit: Visit, request_id: str, clearance_id: str) -> Answer:
    """Show the form that takes a clearance back."""
    case = _own(visit, request_id)
    return show_form(case, _clearance_page(case, _clearance(case, clearance_id)))


def revoke_clearance(visit: Visit, request_id: str, clearance_id: str) -> Answer:
    """Lead to the signature of that."""
    case = _own(visit, request_id)
    cleared = _clearance(case, clearance_id)
    page = _clearance_page(case, cleared)

    def wanted() -> WantedAct:
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/clearances/{clearance_id}/revocation",
            body=_body(case, reason=visit.form.text("reason")),
            sentence=f"Take back that no. {cleared['address_no']} was flagged by error. Whoever is"
            " shown the statement and asks here reads that it no longer holds.",
            button="Take it back",
            back=page.url,
            then=f"{case.url}/documents",
            facts=[
                ("Account", cleared["account"] or "erased"),
                ("In words", visit.form.text("reason")),
            ],
        )

    return ask(case, page, wanted)


def _clearance(case: Case, clearance_id: str) -> Mapping[str, Any]:
    every = case.visit.every(clearances.list_clearances, request_id=case.id)
    found = next((each for each in every if each["id"] == clearance_id), None)
    if found is None:
        raise NotFoundError("there is no such clearance, or none that you may see")
    return found


def _clearance_page(case: Case, cleared: Mapping[str, Any]) -> FormPage:
    why_not = _why_not(case, Permission.CLEARANCE_REVOKE)
    if cleared["revoked_at"]:
        why_not = f"It was taken back {ago(cleared['revoked_at'], case.now)}."
    account = (cleared["account"] or "erased").split(":", 2)[-1]
    return FormPage(
        url=f"{case.url}/clearances/{cleared['id']}",
        heading="Take a clearance back",
        text="You stated that this account was flagged by error, and its holder may show that"
        " statement anywhere. Taken back, it no longer holds; the reason is read by whoever was"
        " told of it.",
        facts=[("Address", f"no. {cleared['address_no']}: {account}")],
        fields=[
            Field(
                name="reason",
                label="Why it was no error after all",
                rows=2,
                hint="The partners asked read it. No customer data.",
            )
        ],
        is_danger=True,
        why_not=why_not,
    )


# ---- erase ---------------------------------------------------------------------------------------


def show_erasure(visit: Visit, request_id: str) -> Answer:
    """Show what the operator proposes to erase."""
    return show_form(case := _own(visit, request_id), _erasure_page(case))


def erase(visit: Visit, request_id: str) -> Answer:
    """Lead to the signature of an erasure."""
    case = _own(visit, request_id)
    page = _erasure_page(case)

    def wanted() -> WantedAct:
        proposed = visit.read(freeze_request_reads.read_erasure, request_id=case.id)
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/erasure",
            body=_body(case, reason=proposed["reason"]),
            sentence="Erase what this request says, with all that was said on it. Nothing brings it"
            " back; ids, numbers, states and the log stay.",
            button="Erase it for good",
            back=page.url,
            then="/console",
            facts=[("Why", _ERASED_BECAUSE[proposed["reason"]])],
        )

    return ask(case, page, wanted)


_ERASED_BECAUSE: Mapping[str, str] = {
    ErasureReason.DATA_SUBJECT: "A person whose data it holds asked for it",
    ErasureReason.COURT_ORDER: "A court ordered it",
    ErasureReason.WRONG_DATA: "It holds what it never should have",
    ErasureReason.RETENTION: "Its time is over",
    ErasureReason.OTHER: "Another reason",
}


def _erasure_page(case: Case) -> FormPage:
    proposed = case.visit.read(freeze_request_reads.read_erasure, request_id=case.id)
    return FormPage(
        url=f"{case.url}/erasure",
        heading="Erase what this request says",
        text="The operator proposes it, and a security lead of yours decides. Its document and all"
        " that was said on it go for good, here and for every partner asked. If you do not agree,"
        " sign nothing and tell the operator.",
        facts=[
            ("Why", _ERASED_BECAUSE[proposed["reason"]]),
            ("Proposed", ago(proposed["proposed_at"], case.now)),
        ],
        fields=[],
        is_danger=True,
        why_not=_why_not(case, Permission.FREEZE_REQUEST_ERASE),
    )


# ---- where it went -------------------------------------------------------------------------------


def show_next(visit: Visit, request_id: str) -> Answer:
    """Show the ready drafts of the next requests: where partners say that the money went."""
    case = _own(visit, request_id)
    return render.page("follow/next.html", visit, nav="requests", case=case, drafts=case.drafts)
