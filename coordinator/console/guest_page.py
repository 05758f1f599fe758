"""The one page of somebody who is no member: what is asked of a guest, and its answer.

A link comes by mail, and by another mail a code, once it is asked for. Whoever asks hears the same
whether the link is good or not. What is said here nobody signs, and the page says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

from flask import Response, redirect, request, session
from sqlalchemy import Connection
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api.context import current_context
from coordinator.console import render
from coordinator.console.forms import Form
from coordinator.console.sessions import GUEST, own_session
from coordinator.console.words import AmountWords, moment, stated
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.errors import NotFoundError
from coordinator.domain.guest import BETWEEN_CODES, CODE_DIGITS, CODE_TRIES, shows_amounts
from coordinator.domain.read_only import read_only_error
from coordinator.services.commands import execute
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import transaction, unpack_evidence
from coordinator.services.reading.code_words import CHOSEN, SAID
from coordinator.services.requests.guests import (
    CLOSED,
    AskedAddress,
    GuestLineView,
    RecordGuestAnswer,
    asked_addresses,
    guest_views,
    hashed,
    hashed_code,
)
from coordinator.storage.engine.documents import load_one
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import guests as store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.guests import GuestRow
from coordinator.storage.tail import restored
from holdfast.protocol.amounts import AmountTextError, KnownAssets
from holdfast.protocol.unit_amounts import chain_of, read_amount
from holdfast.protocol.vocabulary import DeclineCode, GuestAnswer, GuestStatus, Tlp

_DOOR = "/console/guest"
_PAGE = "/console/guest/request"
#: What one says of an address, as the form calls it.
_KINDS = {"found": "Found here", "frozen": "Frozen here", "nothing": "Nothing here"}
_ANSWERS = {
    GuestAnswer.ACKNOWLEDGED: "You said that you have it",
    GuestAnswer.REPORTED: "You reported",
    GuestAnswer.DECLINED: "You declined",
}
_WRONG_CODE = (
    "This code does not open this link: it is mistyped, was used, is older than 15 minutes, or was"
    " tried too often. Ask for a new one."
)


@dataclass(frozen=True, slots=True)
class AddressRow:
    """An address as the form shows it.

    Attributes:
        amount: What is asked for; None where the request's mark keeps it.
        kind: What was chosen.
        typed: The amount as it was typed.
        error: What is wrong with it.
    """

    number: int
    account: str
    tag: str | None
    tx: str | None
    amount: AmountWords | None
    kind: str = ""
    typed: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One statement, as its author reads it again."""

    words: str
    at: datetime | None
    lines: Sequence[str]


@dataclass(slots=True)
class _Filled:
    """What was typed into the form of addresses, and what is wrong with it."""

    kinds: dict[int, str] = field(default_factory=dict)
    amounts: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Open:
    """A guest whose page is open, and what it is asked."""

    guest: GuestRow
    request: FreezeRequestRow
    addresses: Sequence[AskedAddress]
    read: ReadContext


# ---------- the door ----------


def show_door(form: Form) -> Response:
    """Show what the link is. Opening it does nothing yet: programs that look at links do that."""
    del form
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A strict cookie does not come with a link from a mail, but with this next request.
        return render.page("again.html", None, target=_DOOR)
    return render.page("guest_door.html", None, is_inside=GUEST in session)


def ask_code(form: Form) -> Response:
    """Note that somebody wants a code; a worker sends it, if the link is good."""
    link = form.text("secret")
    context = current_context()
    now = context.clock.now()
    with context.database.transaction() as connection:
        _require_changes(connection)
        store.want_code(connection, hashed(link), now=now, last_before=now - BETWEEN_CODES)
    context.wake()
    return _code_page(link)


def _require_changes(connection: Connection) -> None:
    """Refuse a change to a database that is read alone; before a link is looked at, good or not.

    Raises:
        UnavailableError: If it was restored and not reconciled yet.
    """
    if restored.since(connection) is not None:
        raise read_only_error()


def enter(form: Form) -> Response | WsgiResponse:
    """Let in whoever has the link and the code that was sent for it."""
    link, code = form.text("secret"), "".join(form.text("code").split())[: 2 * CODE_DIGITS]
    context = current_context()
    with context.database.transaction() as connection:
        _require_changes(connection)
        guest = store.use_code(
            connection,
            hashed(link),
            hashed_code(link, code),
            now=context.clock.now(),
            most_tries=CODE_TRIES,
        )
    if guest is None:
        return _code_page(link, _WRONG_CODE)
    own_session().let_in(guest)
    return redirect(_PAGE, HTTPStatus.SEE_OTHER)


def _code_page(link: str, fault: str = "") -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK
    return render.page("guest_code.html", None, status=status, secret=link, fault=fault)


# ---------- the page ----------


def show(form: Form) -> Response | WsgiResponse:
    """Show what is asked, and what was said so far."""
    del form
    if GUEST not in session:
        return redirect(_DOOR, HTTPStatus.SEE_OTHER)
    return _shown(_Filled())


def acknowledge(form: Form) -> WsgiResponse:
    """Note that the guest has the request."""
    del form
    _record(GuestAnswer.ACKNOWLEDGED)
    return redirect(_PAGE, HTTPStatus.SEE_OTHER)


def decline(form: Form) -> Response | WsgiResponse:
    """Note that the guest declines, and why; there is no field for words."""
    code = form.text("code")
    if code not in set(DeclineCode):
        return _shown(_Filled(), "Choose why you decline.")
    _record(GuestAnswer.DECLINED, code=DeclineCode(code))
    return redirect(_PAGE, HTTPStatus.SEE_OTHER)


def report(form: Form) -> Response | WsgiResponse:
    """Note what was found, frozen or not there, by address."""
    filled = _Filled()
    with current_context().database.engine.connect() as connection:
        asked = _opened(connection).addresses
    has_amounts = not current_context().rulebook.policies.amounts_need_gateway
    lines = list((_lines if has_amounts else _bare_lines)(asked, form, filled))
    if filled.errors:
        return _shown(filled, "Some rows are not as they should be; what was typed is still there.")
    if not lines:
        return _shown(filled, "Choose what you found, for one address at least.")
    _record(GuestAnswer.REPORTED, lines=lines)
    return redirect(_PAGE, HTTPStatus.SEE_OTHER)


def _bare_lines(
    asked: Sequence[AskedAddress], form: Form, filled: _Filled
) -> Iterator[GuestLineView]:
    """Yield what was chosen, where the network tells no amounts without a gateway in common."""
    for each in asked:
        number = each["address_no"]
        kind = filled.kinds[number] = form.text(f"kind-{number}")
        if kind == "found":
            yield {"address_no": number, "kind": "found", "asset": each["asset"], "amount": None}
        elif kind == "frozen":
            yield {"address_no": number, "kind": "frozen", "asset": each["asset"], "amount": None}
        elif kind == "nothing":
            yield {"address_no": number, "kind": "nothing", "asset": None, "amount": None}


def _lines(asked: Sequence[AskedAddress], form: Form, filled: _Filled) -> Iterator[GuestLineView]:
    assets = KnownAssets(render.chains())
    for each in asked:
        number = each["address_no"]
        kind, typed = form.text(f"kind-{number}"), form.text(f"amount-{number}")
        filled.kinds[number], filled.amounts[number] = kind, typed
        if kind == "nothing" and not typed:
            yield {"address_no": number, "kind": "nothing", "asset": None, "amount": None}
        elif kind in {"found", "frozen"} and typed:
            try:
                asset, amount = read_amount(
                    typed, assets, asset=each["asset"], chain=chain_of(each["account"])
                )
            except AmountTextError as error:
                filled.errors[number] = f"{str(error)[:1].upper()}{str(error)[1:]}."
                continue
            found: Literal["found", "frozen"] = "found" if kind == "found" else "frozen"
            yield {"address_no": number, "kind": found, "asset": asset, "amount": amount}
        elif kind in {"found", "frozen"}:
            filled.errors[number] = "Say how much, with its unit: 1.5 ETH."
        elif typed:
            filled.errors[number] = "Choose whether it is found or frozen."


def _record(kind: GuestAnswer, **more: Any) -> None:
    """Have the coordinator store what whoever is let in says."""
    context = current_context()
    command = RecordGuestAnswer(guest_id=_guest_id(), kind=kind, **more)
    with transaction(context) as uow:
        uow.finish(execute(command, COORDINATOR, uow))
    context.wake()


def _guest_id() -> str:
    found = session.get(GUEST)
    if not isinstance(found, str):
        raise NotFoundError(CLOSED, code="guest_page_closed")
    return found


def _opened(connection: Connection) -> _Open:
    """Return what whoever is let in may read.

    Raises:
        NotFoundError: If nobody is let in, or the page is closed by now.
    """
    context = current_context()
    row = store.get(connection, _guest_id())
    asked = None if row is None else request_store.get(connection, row.request_id)
    if (
        row is None
        or asked is None
        or row.status != GuestStatus.CONTACTED
        or not store.is_open(connection, row.request_id)
    ):
        raise NotFoundError(CLOSED, code="guest_page_closed")
    read = ReadContext(
        connection=connection,
        vault=context.vault,
        actor=COORDINATOR,
        policies=context.rulebook.policies,
        chains=context.rulebook.chains,
        now=context.clock.now(),
    )
    tells = shows_amounts(Tlp(asked.tlp))
    return _Open(row, asked, asked_addresses(read, asked, with_amounts=tells), read)


def _shown(filled: _Filled, fault: str = "") -> Response:
    with current_context().database.engine.connect() as connection:
        opened = _opened(connection)
        [view] = guest_views(opened.read, [opened.guest])
        proof = _proof(opened)
    assets = KnownAssets(render.chains())
    tells = shows_amounts(Tlp(opened.request.tlp))
    rows = [_row(each, filled, assets, tells=tells) for each in opened.addresses]
    return render.page(
        "guest.html",
        None,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
        fault=fault,
        domain=opened.guest.domain,
        requester=opened.request.requester,
        tlp=opened.request.tlp,
        urgency=opened.request.urgency,
        asked_at=opened.guest.asked_at,
        answer_by=opened.guest.answer_by,
        acknowledged_at=opened.guest.acknowledged_at,
        rows=rows,
        tells_amounts=tells,
        takes_amounts=not opened.read.policies.amounts_need_gateway,
        said=[_said(each, opened.addresses, assets) for each in view["answers"]],
        kinds=[("", "No answer yet"), *_KINDS.items()],
        codes=[("", "Choose a reason"), *CHOSEN.items()],
        proof=proof,
        origin=current_context().origin,
    )


def _row(each: AskedAddress, filled: _Filled, assets: KnownAssets, *, tells: bool) -> AddressRow:
    number = each["address_no"]
    return AddressRow(
        number=number,
        account=each["account"],
        tag=each["tag"],
        tx=each["tx"],
        amount=stated(each["amount"], each["asset"], assets) if tells else None,
        kind=filled.kinds.get(number, ""),
        typed=filled.amounts.get(number, ""),
        error=filled.errors.get(number, ""),
    )


def _said(view: Mapping[str, Any], asked: Sequence[AskedAddress], assets: KnownAssets) -> Said:
    accounts = {each["address_no"]: each["account"] for each in asked}
    lines = [
        " ".join(
            filter(
                None,
                (
                    f"{_KINDS[line['kind']]}:" if line["amount"] else _KINDS[line["kind"]],
                    str(stated(line["amount"], line["asset"], assets)) if line["amount"] else "",
                    f"at {accounts.get(line['address_no'], 'an address withdrawn since')}",
                ),
            )
        )
        for line in view["lines"]
    ]
    code = view["code"]
    return Said(
        _ANSWERS[view["kind"]], moment(view["at"]), lines or [SAID[code]] if code else lines
    )


def _proof(opened: _Open) -> dict[str, Any]:
    """Return what shows, without believing this page, that the requester asks this guest."""
    connection, guest = opened.read.connection, opened.guest
    [act] = request_store.acts_by_id(connection, [guest.act_id])
    packed = load_one(connection, opened.read.vault, act.id, "evidence")
    token, body = ("", b"") if packed is None else unpack_evidence(packed)
    requester = partner_store.partner(connection, opened.request.requester)
    return {
        "content_sha256": opened.request.content_sha256,
        "token": token,
        "body": body.decode(),
        "kid": act.kid,
        "jwk": partner_store.jwks(connection, [act.kid or ""]).get(act.kid or ""),
        "root_kid": None if requester is None else requester.root_kid,
        "leaf_index": act.leaf_index,
    }
