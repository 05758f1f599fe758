"""`holdfast acknowledge`, `review`, `decline`, `report`: the asked side."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
from pydantic import TypeAdapter

from holdfast.cli.amount_options import IN_THE_AMOUNT
from holdfast.cli.flagged_accounts import FlaggedAccounts
from holdfast.cli.layout import minute
from holdfast.cli.report_files import is_table, json_lines, table_lines
from holdfast.cli.session import (
    REQUEST_ID,
    TIME,
    Session,
    SessionCommand,
    facts,
    pass_session,
    table,
)
from holdfast.cli.sums import line_cells
from holdfast.client.client import Client
from holdfast.errors import InvalidDraftError
from holdfast.protocol.amounts import AmountTextError, KnownAssets, parse_amount
from holdfast.protocol.gateway_words import GATEWAYS
from holdfast.protocol.payloads import Next, ReportLine, format_time
from holdfast.protocol.views import ActView, FreezeReportView, FreezeRequestView, LegView
from holdfast.protocol.vocabulary import (
    DeclineCode,
    HoldBasis,
    KeptBasis,
    LegStatus,
    ReleaseReason,
    RequestStatus,
)
from holdfast.wording import marked, request_state

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
_LINES: TypeAdapter[list[ReportLine]] = TypeAdapter(list[ReportLine])


def show_received(session: Session, status: str | None) -> None:
    """Print the requests that ask this organisation to freeze, newest first."""
    session.show_list(
        session.client().requests(box="received", status=status),
        (
            "request",
            "from",
            "urgency",
            "TLP",
            "submitted",
            "incident",
            "addresses",
            "request is",
            "you",
        ),
        lambda view: (
            view.id,
            view.requester,
            view.urgency.value,
            view.tlp and view.tlp.value,
            minute(view.submitted_at),
            marked(view.incident_title or view.incident_id, drill=view.drill),
            view.address_count,
            request_state(view),
            view.leg_status.value if view.leg_status else None,
        ),
        empty="Nobody asked you for anything.",
    )


def _show_act(session: Session, act: ActView) -> None:
    state = act.leg.status.value if act.leg else act.status
    rows = [
        ("status", state),
        ("amounts", act.leg and amounts_line(act.leg)),
        ("next", act.leg and _next(act.leg)),
    ]
    session.show(act, lambda: session.out.print(facts(rows)))


def amounts_line(leg: LegView) -> str | None:
    """Return under what amounts are told on a leg, or that none is; None where none is asked for.

    Who states one all the same is refused, so it stands where somebody is about to report.
    """
    if not leg.amounts_told:
        return "not told: no verified gateway in common. State `null` in their place"
    return None if leg.gateway is None else f"told under {GATEWAYS[leg.gateway]}"


def _next(leg: LegView, what: str = "every address") -> str | None:
    """Return what a partner asked does next, and by when; None where no answer is awaited."""
    if leg.answered_at or leg.answer_by is None or leg.status is LegStatus.WITHDRAWN:
        return None
    by = "(your clock stands)" if leg.clock_paused_at else f"by {minute(leg.answer_by)}"
    return f"answer {what} {by}: `holdfast report {leg.request_id}`"


@click.command(cls=SessionCommand)
@_REQUEST
@click.option("--note")
@pass_session
def acknowledge(session: Session, request_id: str, note: str | None) -> None:
    """Say that you have it."""
    client = session.client()
    _show_act(session, client.acknowledge(client.freeze_request(request_id), note))


@click.command(cls=SessionCommand)
@_REQUEST
@click.option("--note")
@pass_session
def review(session: Session, request_id: str, note: str | None) -> None:
    """Say that you are looking into it."""
    client = session.client()
    _show_act(session, client.review(client.freeze_request(request_id), note))


#: What explains why nothing is frozen: for a whole request, and for the rest of its addresses.
_EXPLANATION = (
    click.option("--detail", help="A sentence; needed with `other`."),
    click.option("--retry", is_flag=True, help="Ask again once it is complete."),
    click.option("--missing", multiple=True, help="What is missing; may be repeated."),
    click.option("--next-service", help="Where the funds went: the service."),
    click.option("--next-account", metavar="CAIP-10", help="Where the funds went: the account."),
    click.option("--next-tx", help="Where the funds went: the transaction."),
    click.option("--left-at", type=TIME, help="When they went; with left_after_notice."),
)


def _explaining(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_EXPLANATION):
        command = option(command)
    return command


def _explanation(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that these options come to, without those that say nothing."""
    places = {name: words[f"next_{name}"] for name in ("service", "account", "tx")}
    said = {
        "detail": words["detail"],
        "retry": words["retry"],
        "missing": list(words["missing"]),
        "next": {name: value for name, value in places.items() if value},
        "left_at": words["left_at"],
    }
    return {name: value for name, value in said.items() if value}


@click.command(cls=SessionCommand)
@_REQUEST
@click.option("--code", required=True, type=click.Choice([code.value for code in DeclineCode]))
@_explaining
@pass_session
def decline(session: Session, /, request_id: str, *, code: str, **words: Any) -> None:
    """Say that nothing is or will be frozen, and why."""
    said = _explanation(words)
    following, left_at = said.get("next"), said.get("left_at")
    client = session.client()
    act = client.decline(
        client.freeze_request(request_id),
        DeclineCode(code),
        detail=said.get("detail"),
        retry=said.get("retry", False),
        missing=said.get("missing", ()),
        following=Next.model_validate(following) if following else None,
        left_at=left_at,
    )
    _show_act(session, act)


#: An issuer's freeze is a transaction: these take the place of the present moment and an end.
_ISSUER_NEEDS = ("review_at", "effective_tx", "effective_at")
_ISSUER_MAY = ("proposed_tx", "proposed_at")
_AS_ISSUER = (
    click.option(
        "--review-at", type=TIME, help="Issuers: when what is --frozen is looked at again."
    ),
    click.option("--effective-tx", metavar="TX", help="Issuers: the transaction that froze."),
    click.option("--effective-at", type=TIME, help="When that was in force."),
    click.option(
        "--proposed-tx", metavar="TX", help="The one that proposed it, where several had to sign."
    ),
    click.option("--proposed-at", type=TIME, help="When it was proposed, for all to see."),
)


def _as_issuer(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_AS_ISSUER):
        command = option(command)
    return command


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "--found",
    nargs=3,
    multiple=True,
    metavar="NO ASSET AMOUNT",
    help="Found besides what you reported before: the lines add up.",
)
@click.option(
    "--frozen",
    nargs=3,
    multiple=True,
    metavar="NO ASSET AMOUNT",
    help="Frozen, just now if --frozen-at says nothing else.",
)
@click.option(
    "--frozen-at", type=TIME, help="When what is --frozen was frozen, e.g. 2026-03-06T23:00:00Z."
)
@click.option(
    "--hours",
    type=click.IntRange(1, 8784),
    help="How long it is held from then on; by default what the request asks.",
)
@click.option(
    "--until", type=TIME, help="Its end, in place of --hours; state the true one, even if past."
)
@click.option("--basis", type=click.Choice([b.value for b in HoldBasis]), default="voluntary")
@click.option(
    "--account-level",
    is_flag=True,
    help="What is --frozen, or raised by --correct, is the whole account: more than was asked for.",
)
@_as_issuer
@click.option("--released", nargs=3, multiple=True, metavar="HLD_… AMOUNT REASON")
@click.option("--returned", nargs=3, multiple=True, metavar="HLD_… AMOUNT TX")
@click.option(
    "--return-reason",
    type=click.Choice([reason.value for reason in ReleaseReason]),
    help="Why what is --returned went back, as court_order where a court ordered it.",
)
@click.option("--seized", nargs=3, multiple=True, metavar="HLD_… AMOUNT AGENCY")
@click.option(
    "--kept",
    nargs=3,
    multiple=True,
    metavar="HLD_… BASIS END",
    help="BASIS legal_order or own_policy and a time, or other_request and FRQ_….",
)
@click.option(
    "--correct",
    "corrected",
    nargs=3,
    multiple=True,
    metavar="LIN_… AMOUNT REASON",
    help="What a line should have said; `status --ledger` lists the lines.",
)
@click.option(
    "--nothing",
    type=click.Choice([code.value for code in DeclineCode]),
    help="Answers all addresses that have no line; the options below explain it.",
)
@_explaining
@click.option(
    "--usd",
    nargs=2,
    metavar="VALUE SOURCE",
    help="What the amount of these lines is worth now, and by whose price; one amount for all.",
)
@pass_session
def report(
    session: Session,
    /,
    request_id: str,
    *,
    file: Path | None,
    found: tuple[tuple[str, str, str], ...],
    frozen: tuple[tuple[str, str, str], ...],
    frozen_at: datetime | None,
    hours: int | None,
    until: datetime | None,
    basis: str,
    account_level: bool,
    released: tuple[tuple[str, str, str], ...],
    returned: tuple[tuple[str, str, str], ...],
    return_reason: str | None,
    seized: tuple[tuple[str, str, str], ...],
    kept: tuple[tuple[str, str, str], ...],
    corrected: tuple[tuple[str, str, str], ...],
    nothing: str | None,
    usd: tuple[str, str] | None,
    **words: Any,
) -> None:
    """Report what you found, froze, released or returned; taken whole or refused whole.

    An amount is '1.5 ETH' or whole base units, or `withheld`. NO is the address's number in the
    request. ASSET is CAIP-19; with an amount that names it, '1.5 USDT@eip155:1', it may be -.
    Release reasons: expired, withdrawn, false_positive, own_decision, appeal_upheld, court_order,
    returned_to_victim. Everything else fits into FILE: a JSON list of lines, or a table (.csv,
    .tsv, .xlsx; docs/lists.md names its columns), whose frozen rows take from --frozen-at, --hours,
    --until and --basis what they leave empty.
    """
    client = session.client()
    view = client.freeze_request(request_id)
    lines: list[Any] = [
        {"kind": "found", "address_no": _number(no), "asset": asset, "amount": amount}
        for no, asset, amount in found
    ]
    now = datetime.fromtimestamp(int(session.now()), UTC)
    level = {"account_level": True} if account_level else {}
    times = _Times(frozen_at, hours, until)
    is_filed = file is not None and is_table(file)
    terms = _issuer_terms(words, times, is_frozen=bool(frozen) or is_filed) or _terms(
        view, times, now
    )
    lines += [{**_frozen_line(row, basis), **terms, **level} for row in frozen]
    lines += [
        {"kind": "released", "hold": hold, "amount": amount, "reason": _reason(reason)}
        for hold, amount, reason in released
    ]
    ordered = {} if return_reason is None else {"reason": return_reason}
    lines += [
        {"kind": "returned", "hold": hold, "amount": amount, "tx": tx, **ordered}
        for hold, amount, tx in returned
    ]
    lines += [
        {"kind": "seized", "hold": hold, "amount": amount, "agency": agency}
        for hold, amount, agency in seized
    ]
    lines += [_kept_line(*row) for row in kept]
    lines += [
        {
            "kind": "correction",
            "corrects": line,
            "amount": amount,
            "reason": reason,
            **level,
        }
        for line, amount, reason in corrected
    ]
    options = _Amounts(client, view, session.assets)
    _state_all(options, lines)
    if usd is not None:
        _state_value([line for line in lines if "amount" in line], usd, now)
    lines = [*_filed(file, options, {"basis": basis, **terms}), *lines]
    explanation = _explanation(words)
    if nothing:
        lines.append({"kind": "nothing", "address_nos": "rest", "code": nothing, **explanation})
    elif explanation:
        raise click.UsageError(f"{', '.join(explanation)} explain --nothing CODE: say that, too")
    if (frozen_at or until) and not (frozen or is_filed):
        raise click.UsageError("--frozen-at and --until are of what is --frozen: say that, too")
    if return_reason is not None and not returned:
        raise click.UsageError("--return-reason explains --returned: say that, too")
    if not lines:
        raise click.UsageError("say what to report: a FILE, --found, --frozen, --released, …")
    made = _send(client, view, lines)
    session.show(made, lambda: _show_report(session, client, view, made))


def _send(client: Client, view: FreezeRequestView, lines: list[Any]) -> FreezeReportView:
    return client.report(view, _LINES.validate_python(lines))


def _show_report(
    session: Session, client: Client, view: FreezeRequestView, made: FreezeReportView
) -> None:
    accounts = FlaggedAccounts(client)
    request_id = made.leg.request_id
    rows = [
        line_cells(session, line, accounts.of(request_id, line.address_no)) for line in made.lines
    ]
    session.out.print(table(("line", "address", "asset", "amount", "USD", "hold"), rows))
    session.out.print()
    is_awaited = view.status is RequestStatus.ACTIVE
    following = _next(made.leg, "the addresses without a line") if is_awaited else None
    session.out.print(facts([("status", made.leg.status.value), ("next", following)]))


def _filed(file: Path | None, options: "_Amounts", terms: Mapping[str, str]) -> list[Any]:
    """Return the lines of a file; `terms` stand for what frozen rows of a table leave empty."""
    if file is None:
        return []
    if is_table(file):
        return options.table_lines(file, terms)
    lines = json_lines(file)
    _state_all(options, lines)
    return lines


def _kept_line(hold: str, basis: str, end: str) -> dict[str, Any]:
    if basis not in {b.value for b in KeptBasis}:
        raise click.UsageError(f"{basis!r} is no ground to keep: {', '.join(KeptBasis)}")
    name = "other_request" if basis == KeptBasis.OTHER_REQUEST else "hold_expires_at"
    return {"kind": "kept", "hold": hold, "basis": basis, name: end}


def _frozen_line(row: tuple[str, str, str], basis: str) -> dict[str, Any]:
    no, asset, amount = row
    line = {"kind": "frozen", "address_no": _number(no), "asset": asset, "amount": amount}
    return {**line, "basis": basis}


class _Times(NamedTuple):
    """What the options say of when it was frozen, and how long or until when it is held."""

    frozen_at: datetime | None
    hours: int | None
    until: datetime | None


def _terms(view: FreezeRequestView, times: _Times, now: datetime) -> dict[str, str]:
    """Return since when, and until when, it is frozen: by default just now, as long as asked.

    Both may be past: whether such times can be true is for the ledger to say.

    Raises:
        click.UsageError: The end is stated twice, or comes before the freeze.
    """
    if times.until and times.hours:
        raise click.UsageError("--until and --hours both say when it ends: say one of them")
    begin = times.frozen_at or now
    hours = times.hours or view.hold_hours
    end = times.until or begin + timedelta(hours=hours)
    if end <= begin:
        raise click.UsageError(
            "--until must come after --frozen-at"
            if times.frozen_at
            else "--until is past: say when it was frozen, too, by --frozen-at TIME"
        )
    return {"frozen_at": format_time(begin), "hold_expires_at": format_time(end)}


def _issuer_terms(
    words: dict[str, Any], times: _Times, *, is_frozen: bool
) -> dict[str, str] | None:
    """Take an issuer's transactions and review date out of the options; None if there are none."""
    given = {name: words.pop(name) for name in (*_ISSUER_NEEDS, *_ISSUER_MAY)}
    terms = {
        name: format_time(value) if isinstance(value, datetime) else str(value)
        for name, value in given.items()
        if value is not None
    }
    if not terms:
        return None
    needed = [*_ISSUER_NEEDS, *(_ISSUER_MAY if not terms.keys().isdisjoint(_ISSUER_MAY) else ())]
    missing = [name for name in needed if name not in terms]
    if missing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise click.UsageError(f"an issuer's freeze needs {options}, too")
    if not is_frozen or any(times):
        raise click.UsageError(
            "--review-at and the transactions are of what is --frozen, and take no --hours,"
            " --frozen-at or --until"
        )
    return terms


def _state_value(lines: list[Any], usd: tuple[str, str], now: datetime) -> None:
    """Add to lines of one and the same amount what it is worth."""
    value, source = usd
    amounts = {line["amount"] for line in lines}
    assets = {line["asset"] for line in lines if "asset" in line}
    if len(amounts) != 1 or None in amounts or len(assets) > 1:
        raise click.UsageError("--usd goes with one amount of one asset; state others in a FILE")
    for line in lines:
        line["usd"] = {"value": value, "at": format_time(now), "source": source}


def _number(text: str) -> int:
    if not text.isdecimal():
        raise click.UsageError(f"{text!r} is no address number: numbers start at 0")
    return int(text)


class _Amounts:
    """Turns the amounts of lines, as people write them, into base units of the lines' assets.

    What a hold or an earlier line is of, the coordinator tells; it is asked only where needed.
    """

    def __init__(self, client: Client, view: FreezeRequestView, known: KnownAssets) -> None:
        self._client = client
        self._request_id = view.id
        self._known = known

    def table_lines(self, file: Path, terms: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the lines of a table, whose amounts are in base units."""
        return table_lines(file, self._client, self._request_id, self._known, terms)

    def state(self, line: dict[str, Any]) -> None:
        """Put base units in place of a line's amount, and the asset in place of `-`.

        Raises:
            InvalidDraftError: It cannot be read; says what to write.
        """
        text = line.get("amount")
        if not isinstance(text, str):
            return
        if text == "withheld":
            line["amount"] = None
            asset = line.get("asset")
        else:
            asset, line["amount"] = self._parsed(line, text)
        if "asset" in line:
            if asset in {None, IN_THE_AMOUNT}:
                raise InvalidDraftError([f"{text!r} names no asset: give it as CAIP-19"])
            line["asset"] = asset

    def _parsed(self, line: dict[str, Any], text: str) -> tuple[str | None, str]:
        asset, chain = line.get("asset"), None
        try:
            if asset == IN_THE_AMOUNT:
                chain = self._chain(line) if "@" not in text else None
                return parse_amount(text, self._known, chain=chain)
            if asset is None and not text.isdecimal():
                asset = self._asset_of(line)
            return parse_amount(text, self._known, asset=asset)
        except AmountTextError as error:
            raise InvalidDraftError([f"amount: {error}"]) from None

    def _chain(self, line: dict[str, Any]) -> str | None:
        for address in self._client.addresses(self._request_id):
            if address.address_no == line.get("address_no"):
                return ":".join(address.canonical.split(":")[:2])
        return None

    def _asset_of(self, line: dict[str, Any]) -> str | None:
        """Return the asset of the hold or the line that a line is about."""
        if "corrects" in line:
            lines = self._client.ledger(self._request_id)
            return next((each.asset for each in lines if each.id == line["corrects"]), None)
        holds = self._client.holds(self._request_id)
        return next((each.asset for each in holds if each.id == line.get("hold")), None)


def _state_all(amounts: _Amounts, lines: list[Any]) -> None:
    """Do so for many lines, and name all that are wrong."""
    faults = []
    for number, line in enumerate(lines):
        try:
            if isinstance(line, dict):
                amounts.state(line)
        except InvalidDraftError as error:
            faults += [f"/lines/{number}: {fault}" for fault in error.faults]
    if faults:
        raise InvalidDraftError(faults)


def _reason(text: str) -> str:
    if text not in {reason.value for reason in ReleaseReason}:
        raise click.UsageError(f"{text!r} is no release reason")
    return text


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (acknowledge, review, decline, report):
        cli.add_command(command)
