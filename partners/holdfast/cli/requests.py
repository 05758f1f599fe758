"""`holdfast draft`, `submit`, `status`, `withdraw`, `close`: the requesting side."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from holdfast.cli.directory import order_only_line
from holdfast.cli.flagged_accounts import FlaggedAccounts
from holdfast.cli.layout import minute, second
from holdfast.cli.paste import STANDARD_INPUT, paste
from holdfast.cli.reading_bar import reading_bar
from holdfast.cli.session import (
    REQUEST_ID,
    Session,
    SessionCommand,
    facts,
    pass_session,
    print_json,
    table,
)
from holdfast.cli.sums import SUMS, line_cells, sum_rows
from holdfast.cli.tasks import task_words
from holdfast.cli.two_leads import proposed
from holdfast.cli.whys import interest_line, why_lines
from holdfast.cli.withdrawal_reasons import reason_lines
from holdfast.client.draft_template import Known, request_template, untouched_faults
from holdfast.client.rulebook import naming_rulebook
from holdfast.drafting.draft import Draft, count_lines, encode_draft, read_draft
from holdfast.errors import InvalidDraftError, ProfileError, TransportError, ValidationError
from holdfast.profiles.private_files import write_private
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.gateway_words import GATEWAYS
from holdfast.protocol.views import FlaggedAddressView, FreezeRequestView, LegView
from holdfast.protocol.vocabulary import (
    ErasureReason,
    LegStatus,
    RequestStatus,
    WaitsBecause,
    WithdrawalReason,
)
from holdfast.wording import RESTS_ON, counted, marked, request_state

#: What only the coordinator says of a withdrawal.
_NOT_SAID = frozenset({WithdrawalReason.NOT_RATIFIED})
_OVER = frozenset({RequestStatus.WITHDRAWN, RequestStatus.CLOSED})
#: Why a flash request waits for its approval.
_WAITS_BECAUSE = {
    WaitsBecause.POLICY: "your policy lets its submitter send no flash request (may_flash)",
    WaitsBecause.TO_ALL: "a request to all partners is approved first",
    WaitsBecause.WARNINGS: "a warning says that a target may be wrong",
}


@click.command(cls=SessionCommand)
@click.option("--csv", "for_csv", is_flag=True, help="A template for addresses from a CSV file.")
@click.option("--title", help="What happened, in a few words.")
@click.option("--occurred-at", metavar="TIME", help="When, e.g. 2026-03-01T12:00:00Z.")
@click.option("--summary", help="What the partners need to know.")
@click.option("--to", multiple=True, metavar="HANDLE", help="Whom you ask; may be repeated.")
@click.option(
    "--account", "accounts", multiple=True, metavar="CAIP-10", help="What to freeze; likewise."
)
@click.option(
    "--paste",
    "source",
    metavar="[FILE]",
    is_flag=False,
    flag_value=STANDARD_INPUT,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Fill in what a chat, table or list says; without FILE, of the pipe or clipboard.",
)
@click.option(
    "--chain",
    "unnamed",
    multiple=True,
    help="With --paste: the chain of addresses beside which none is stated.",
)
@click.option("--leave-out", is_flag=True, help="With --paste: without what cannot be read.")
@click.option("--drill", is_flag=True, help="A drill: it goes its way, and no money is moved.")
@pass_session
def draft(
    session: Session,
    /,
    *,
    for_csv: bool,
    source: str | None,
    unnamed: tuple[str, ...],
    leave_out: bool,
    **members: Any,
) -> None:
    """Print a request to fill in.

    Save it: `holdfast draft > request.json`. What no option says is a placeholder, and `submit`
    refuses the file until somebody has filled it in. It has a nonce: sending the same file twice is
    one request.

    With --csv it is the template beside a CSV file, whose columns are: account (CAIP-10), or chain
    and address; and, as far as known, tag, asset (CAIP-19), amount (1.5 ETH, 2_500 USDT@BSC, or
    base units in digits only; empty for the whole balance), role, tx, block, note. In
    whole_account say why all of the account is asked for, not only what came there; in min_amount
    from which amount on deposits wait where they are screened.

    With --paste it holds the addresses, amounts and transactions of a text: what was found is said
    line by line, and by what its chain is stated. A chain is never guessed: name it in the text, by
    --chain, or when asked.
    """
    if (for_csv or source is not None) and members["accounts"]:
        raise click.UsageError("with --csv and --paste the accounts come from the file")
    if source is None and (unnamed or leave_out):
        raise click.UsageError("--chain and --leave-out go with --paste")
    if source is not None and for_csv:
        raise click.UsageError("say --csv or --paste")
    template = request_template(Known(**members), with_addresses=not for_csv and source is None)
    if source is None:
        click.echo(template, nl=False)
    else:
        paste(session, source, template, unnamed=unnamed, leave_out=leave_out)


@click.command(cls=SessionCommand)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--template",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="For CSV: the rest of the request (see `holdfast draft --csv`).",
)
@click.option("--check", is_flag=True, help="Only look for faults of form; send nothing.")
@pass_session
def submit(session: Session, file: Path, template: Path | None, *, check: bool) -> None:
    """Submit a freeze request from a JSON or CSV file.

    All faults of form are named at once with their lines, and nothing is sent before there is none;
    then the coordinator checks chains, checksums and partners, and again names all faults. Sending
    the same file with a `nonce` in it again, after a broken connection, submits it once.
    """
    prepared = _read(session, file, template)
    if not check:
        prepared = _naming_rulebook(session, prepared)
    body = encode_draft(prepared)
    if check:
        found = {"addresses": len(prepared.request.addresses), "bytes": len(body)}
        session.show(found, lambda: session.out.print(facts(found.items())))
        return
    # Derived from the bytes, so that sending the same document again is a repeat and no second one.
    key = f"submit-{sha256(body).hexdigest()[:40]}"
    try:
        view = session.client().submit(body, idempotency_key=key)
    except ValidationError as error:
        if not error.errors:
            raise
        located = prepared.locate(error.errors)
        raise InvalidDraftError(located, unlisted=error.unlisted) from error
    except (TransportError, KeyboardInterrupt) as error:
        session.hint = _keep(file, body)
        if isinstance(error, KeyboardInterrupt):
            raise
        raise TransportError(f"{error}; whether it arrived is not known: {session.hint}") from error
    session.show(view, lambda: _show_request(session, view))


def _naming_rulebook(session: Session, prepared: Draft) -> Draft:
    """Return a draft that names the rulebook in force, where the network has one."""
    if prepared.request.rulebook_sha256 is not None:
        return prepared
    in_force = session.client().rulebook().in_force
    request = naming_rulebook(prepared.request, None if in_force is None else in_force.sha256)
    return replace(prepared, request=request)


def _keep(file: Path, body: bytes) -> str:
    """Keep what was sent, byte for byte, for its owner alone; return how to find out about it.

    What is kept of another request beside it stays: whether that one arrived is not known, either.
    """
    pending = file.with_suffix(".pending.json")
    try:
        if pending.exists() and pending.read_bytes() != body:
            pending = file.with_suffix(f".{sha256(body).hexdigest()[:8]}.pending.json")
        write_private(pending, body)
    except (OSError, ProfileError) as error:
        return f"what was sent could not be kept beside {file} ({error})"
    return f"`holdfast submit {pending}` finds out and submits it once"


def _read(session: Session, file: Path, template: Path | None) -> Draft:
    raw = file.read_bytes()
    # The line ends in a workbook's bytes are not its rows.
    lines = 0 if file.suffix.lower() == ".xlsx" else count_lines(raw)
    with reading_bar(session, lines) as tell:
        return _read_filled_in(
            file.name,
            raw,
            template.read_bytes() if template else None,
            chains=session.chains(),
            progress=lambda line: tell("reading", line),
        )


def _read_filled_in(
    name: str,
    raw: bytes,
    template: bytes | None,
    *,
    chains: Chains,
    progress: Callable[[int], None],
) -> Draft:
    """Return a draft in which nothing is left as `holdfast draft` wrote it.

    Raises:
        InvalidDraftError: With every such place, and every other fault.
    """
    untouched = untouched_faults(raw if template is None else template)
    try:
        read = read_draft(name, raw, template, chains=chains, progress=progress)
    except InvalidDraftError as error:
        raise InvalidDraftError([*untouched, *error.faults], next_check=error.next_check) from None
    if untouched:
        raise InvalidDraftError(untouched)
    return read


@click.command(cls=SessionCommand)
@click.argument("request_id", required=False, metavar="[FRQ_…]", type=REQUEST_ID)
@click.option("--ledger", is_flag=True, help="With every line of the ledger.")
@click.option("--addresses", is_flag=True, help="With every address, and which were withdrawn.")
@pass_session
def status(session: Session, request_id: str | None, *, ledger: bool, addresses: bool) -> None:
    """Show a request with what every partner answered; without an id, list those you sent."""
    client = session.client()
    if request_id is None:
        session.show_list(
            client.requests(box="sent"),
            ("request", "status", "urgency", "TLP", "submitted", "incident", "addresses", "asked"),
            lambda view: (
                view.id,
                request_state(view),
                view.urgency.value,
                view.tlp and view.tlp.value,
                minute(view.submitted_at),
                marked(view.incident_title or view.incident_id, drill=view.drill),
                view.address_count,
                view.partners_asked,
            ),
            empty="You have sent no request.",
        )
        return
    view = client.freeze_request(request_id)
    legs = list(client.legs(request_id))
    flagged = list(client.addresses(request_id)) if addresses else []
    lines = list(client.ledger(request_id)) if ledger else []
    if session.as_json:
        document = view.model_dump(mode="json")
        document["legs"] = [leg.model_dump(mode="json") for leg in legs]
        if addresses:
            document["addresses"] = [each.model_dump(mode="json") for each in flagged]
        if ledger:
            document["ledger"] = [line.model_dump(mode="json") for line in lines]
        print_json(document)
        return
    session.say_drill(view)
    _show_request(session, view, legs, reason_lines(session, client, view))
    if flagged:
        session.out.print()
        rows = [_address_row(session, address) for address in flagged]
        session.out.print(table(_ADDRESS_COLUMNS, rows))
    if lines:
        session.out.print()
        accounts = FlaggedAccounts(client)
        if flagged:
            accounts.know(request_id, flagged)
        said = [
            (
                line.id,
                line.partner,
                *line_cells(session, line, accounts.of(request_id, line.address_no)),
                minute(line.reported_at),
            )
            for line in lines
        ]
        session.out.print(table(_LINE_COLUMNS, said))


def _address_row(session: Session, address: FlaggedAddressView) -> tuple[object, ...]:
    at, code = address.withdrawn_at, address.withdrawn_reason_code
    why = ": ".join(filter(None, (code and code.value, address.withdrawn_reason)))
    gone = f"{minute(at)}{f' {why}' if why else ''}" if at else None
    if gone is None and address.left_out:
        gone = "left out by the approval"
    amount = session.amount(address.amount, address.asset)
    amount = amount or ("whole account" if address.whole_account else None)
    name = session.asset_name(address.asset)
    return (address.address_no, address.account, address.tag, name, amount, gone)


def _warnings(view: FreezeRequestView) -> list[str]:
    """Return what may be wrong: of the targets, and of whom it asks."""
    told = [order_only_line(view.order_only)] if view.order_only else []
    return told + [
        f"warning {each.code.value}: {counted(len(each.address_nos), 'address')}"
        for each in view.warnings
    ]


def _show_request(
    session: Session,
    view: FreezeRequestView,
    legs: Sequence[LegView] = (),
    reasons: Sequence[str] = (),
) -> None:
    """Print a request for people, with what its partners say and why anything was withdrawn."""
    is_submitted = view.status is RequestStatus.SUBMITTED
    session.out.print(
        facts(
            [
                ("request", view.id),
                ("status", request_state(view)),
                ("withdrawn as", view.withdrawn_reason_code and view.withdrawn_reason_code.value),
                ("incident", f"{view.incident.title} ({view.incident.id})".removeprefix(" ")),
                ("requester", view.requester),
                *_people(session, view),
                ("urgency", view.urgency.value),
                ("mark", f"TLP:{view.tlp}"),
                ("rests on", RESTS_ON[view.support]),
                ("own interest", view.interest and interest_line(view.interest)),
                ("why asked", why_lines(view.why_you) or None),
                ("rulebook", view.rulebook_sha256),
                ("gateway", view.gateway and GATEWAYS[view.gateway]),
                ("to", view.to),
                ("addresses", _address_count(view)),
                ("summary", view.summary),
                ("approvals", f"{len(view.approvals)} of {view.quorum}" if view.quorum else None),
                (f"{'approve' if is_submitted else 'ratify'} by", _decide_by(view)),
                ("kept until", view.kept_until and minute(view.kept_until)),
                ("content", view.content_sha256),
            ]
        )
    )
    for reason in reasons:
        session.out.print(reason, markup=False, style="yellow")
    if view.waits_because is not None:
        why = _WAITS_BECAUSE[view.waits_because]
        session.out.print(f"it waits for its approval: {why}", style="yellow")
    for line in _warnings(view):
        session.out.print(line, markup=False, style="yellow")
    if view.unratified:
        session.out.print(
            "nobody ratified it in time: freeze nothing new, release nothing yet", style="yellow"
        )
    for line in _what_waits(session, view):
        session.out.print(line, markup=False, highlight=False)
    if legs:
        session.out.print()
        _show_legs(session, legs, is_over=view.status in _OVER)
    if view.totals:
        session.out.print()
        session.out.print(table(("total", *SUMS), sum_rows(session, view.totals)))


def _people(session: Session, view: FreezeRequestView) -> list[tuple[str, object]]:
    """Return when it was submitted and decided, and by whom of one's own people.

    Another partner's are of no use to a reader.
    """
    if view.requester != session.profile().handle:
        return [("submitted", minute(view.submitted_at))]
    decided = [
        f"{minute(each.at)} by {session.who(each.person)}: {each.decision.value}"
        for each in view.approvals
    ]
    submitted = f"{minute(view.submitted_at)} by {session.who(view.submitted_by)}"
    return [("submitted", submitted), ("decided", decided)]


def _show_legs(session: Session, legs: Sequence[LegView], *, is_over: bool) -> None:
    """Print legs, then whose clock runs on each, and who has what waits there."""
    session.out.print(table(_LEG_COLUMNS, [row for leg in legs for row in _leg_rows(session, leg)]))
    # Nobody answers a request any more that is over; what is owed then stands with the holds.
    lines = [] if is_over else [*filter(None, map(_clock_words, legs))]
    for leg in legs:
        for task in leg.tasks:
            lines += task_words(session, f"{task.kind.value} by {leg.partner}", task)
    for line in lines:
        session.out.print(line, markup=False, highlight=False)


def _what_waits(session: Session, view: FreezeRequestView) -> list[str]:
    """Return what is to be done next about a request itself, and whether somebody has it."""
    lines = []
    # Partners asked see the status, too, but none of them can decide.
    if _decide_by(view) and view.decision_context is not None:
        lines.append(f"next: another person's `holdfast approve {view.id}`")
    return lines + (task_words(session, view.task.kind.value, view.task) if view.task else [])


def _address_count(view: FreezeRequestView) -> str:
    counts = ((view.withdrawn_count, "withdrawn"), (view.left_out_count, "left out"))
    gone = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f"{view.address_count} ({gone})" if gone else str(view.address_count)


def _decide_by(view: FreezeRequestView) -> str | None:
    """Return until when a lead decides on it; None where nothing waits."""
    until = view.approve_by if view.status is RequestStatus.SUBMITTED else None
    until = view.ratify_by if view.provisional else view.unratified_until or until
    return minute(until) if until else None


_ADDRESS_COLUMNS = ("no", "account", "tag", "asset", "amount", "withdrawn")
_LINE_COLUMNS = ("line", "partner", "says", "address", "asset", "amount", "USD", "hold", "reported")
_LEG_COLUMNS = ("partner", "status", "acknowledged", "asset", *SUMS)


def _leg_rows(session: Session, leg: LegView) -> list[tuple[object, ...]]:
    """Return one row per asset, the first of them with the leg's status."""
    state = leg.status.value + (f" ({leg.decline_code})" if leg.decline_code else "")
    if leg.flags:
        state += f" [{', '.join(leg.flags)}]"
    if leg.withdrawn_reason_code:
        state += f" (withdrawn as {leg.withdrawn_reason_code.value})"
    if leg.release_recommended_at:
        state += " release recommended"
    elif leg.dispute_answer_by:
        state += f" answer by {minute(leg.dispute_answer_by)}"
    at = second(leg.acknowledged_at) if leg.acknowledged_at else None
    first, *others = sum_rows(session, leg.totals) or [()]
    return [(leg.partner, state, at, *first), *((None, None, None, *row) for row in others)]


def _clock_words(leg: LegView) -> str | None:
    """Return what a leg's clock to its answer does; None where no answer is awaited."""
    if leg.answered_at or leg.answer_by is None or leg.status is LegStatus.WITHDRAWN:
        return None
    if leg.reply_by:
        late = " (late)" if leg.reply_late_at else ""
        return f"{leg.partner} asked: reply by {minute(leg.reply_by)}{late}; its clock waits"
    if leg.clock_paused_at:
        return f"{leg.partner}: its clock has been stopped since {minute(leg.clock_paused_at)}"
    if leg.unanswered_at:
        return f"{leg.partner}: no full answer by {minute(leg.answer_by)}"
    return f"{leg.partner}: answer by {minute(leg.answer_by)}"


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option(
    "--reason-code",
    required=True,
    type=click.Choice([each.value for each in WithdrawalReason if each not in _NOT_SAID]),
    help="wrong_target: the account was flagged by error.",
)
@click.option("--reason", required=True, help="In a sentence; whoever holds funds reads it.")
@click.option("--address", "addresses", type=int, multiple=True, metavar="NO", help="Only these.")
@pass_session
def withdraw(
    session: Session, request_id: str, *, reason_code: str, reason: str, addresses: tuple[int, ...]
) -> None:
    """Withdraw a request, or some of its addresses."""
    client = session.client()
    view = client.freeze_request(request_id)
    code = WithdrawalReason(reason_code)
    act = client.withdraw(view, reason, reason_code=code, addresses=addresses or None)
    following = proposed(act) or [("next", "`holdfast owed` lists who still holds something of it")]
    session.show(act, lambda: session.out.print(facts([("status", act.status), *following])))


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option("--reason")
@pass_session
def close(session: Session, request_id: str, reason: str | None) -> None:
    """Close a request on which no hold is open."""
    client = session.client()
    act = client.close(client.freeze_request(request_id), reason)
    session.show(act, lambda: session.out.print(facts([("status", act.status)])))


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option(
    "--reason",
    type=click.Choice([r.value for r in ErasureReason]),
    help="As you know it; by default as it was proposed.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def erase(session: Session, request_id: str, *, reason: str | None, yes: bool) -> None:
    """Erase what an ended request says, as the operator proposed it; nothing brings it back."""
    client = session.client()
    view = client.freeze_request(request_id)
    title = marked(view.incident.title, drill=view.drill)
    why = reason or client.proposed_erasure(request_id).reason.value
    shown = [
        ("request", view.id),
        ("incident", title),
        ("status", view.status.value),
        ("erased for", why),
    ]
    session.content.print(facts(shown))
    if not yes:
        click.confirm("Erase what it says, with all that was said on it?", abort=True, err=True)
    act = client.erase(view, ErasureReason(why))
    session.show(act, lambda: session.out.print(facts([("erased", act.request_id)])))


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (draft, submit, status, withdraw, close, erase):
        cli.add_command(command)
