"""`holdfast recovery …`: deposits that went to the wrong place, from both sides."""

import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from holdfast.cli.amount_options import IN_THE_AMOUNT, parse_option
from holdfast.cli.layout import minute
from holdfast.cli.session import RECOVERY_ID, Session, SessionCommand, facts, pass_session, table
from holdfast.client.client import Client
from holdfast.drafting.draft import new_nonce
from holdfast.drafting.recovery_table import (
    ANSWER_COLUMNS,
    DEPOSIT_COLUMNS,
    Deposited,
    read_deposits,
    read_lines,
    write_table,
)
from holdfast.drafting.tables import read_table
from holdfast.errors import UntrustedEvidenceError
from holdfast.protocol.payloads import Time
from holdfast.protocol.recovery_payloads import (
    DepositAnswer,
    DepositReply,
    MisplacedDeposit,
    RecoveryRequest,
)
from holdfast.protocol.recovery_views import (
    DepositView,
    RecoveryFiguresView,
    RecoveryResultView,
    RecoveryView,
)
from holdfast.protocol.unit_amounts import chain_of
from holdfast.protocol.vocabulary import DepositStatus, Mistake, RecoveryCode, RecoveryNeed
from holdfast.wording import counted

_RECOVERY = click.argument("recovery_id", metavar="RCV_…", type=RECOVERY_ID)
_NO = click.argument("no", metavar="NO", type=click.IntRange(0))
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_TEXT = click.option("--text", metavar="WORDS", help="A line to the other side; no customer data.")
#: Deposits that an approver is shown one by one; of more, what is asked comes as sums.
_SHOWN = 20
_ANSWERS: TypeAdapter[list[DepositAnswer]] = TypeAdapter(list[DepositAnswer])
_REPLIES: TypeAdapter[list[DepositReply]] = TypeAdapter(list[DepositReply])


@click.group()
def recovery() -> None:
    """Get deposits back that went to the wrong place, or give them back."""


@recovery.command(cls=SessionCommand)
@click.argument("partner")
@click.argument("file", required=False, type=_FILE)
@click.option("--account", metavar="CAIP-10", help="Where the deposit arrived.")
@click.option("--tag", help="The tag or memo that it arrived with.")
@click.option("--amount", metavar="AMOUNT", help="'1.5 ETH', or base units with --asset.")
@click.option("--asset", default=IN_THE_AMOUNT, metavar="CAIP-19", help="An unlisted token, say.")
@click.option("--tx", metavar="TX", help="The transaction.")
@click.option("--sent-from", metavar="CAIP-10", help="Your own account that sent it.")
@click.option("--return-to", metavar="CAIP-10", help="By default the account that sent it.")
@click.option("--fee", metavar="AMOUNT", help="The most that may be kept of it.")
@click.option("--mistake", type=click.Choice([each.value for each in Mistake]))
@click.option("--drill", is_flag=True, help="Practise: no money is moved for it.")
@pass_session
def submit(
    session: Session, /, partner: str, file: Path | None, *, drill: bool, **one: Any
) -> None:
    """Ask PARTNER for one deposit, or for all of a table in FILE.

    A table (CSV or .xlsx) has the columns account, tag, asset, amount, tx, sent_from, return_to,
    mistake and fee_accepted; docs/recovery.md says more. Another person of yours approves it.
    """
    single = {name: value for name, value in one.items() if value not in {None, IN_THE_AMOUNT}}
    if (file is None) is not bool(single):
        raise click.UsageError("give a FILE, or one deposit by its options")
    deposits = [_one_deposit(session, one)] if file is None else _table(session, file)
    body = {"nonce": new_nonce(), "to": partner, "drill": drill, "deposits": deposits}
    view = session.client().submit_recovery(RecoveryRequest.model_validate(body))
    session.show(view, lambda: _show_submitted(session, view))


def _table(session: Session, file: Path) -> list[dict[str, Any]]:
    read = read_table(file.name, file.read_bytes(), DEPOSIT_COLUMNS)
    return read_deposits(read, session.assets)


def _one_deposit(session: Session, one: dict[str, Any]) -> dict[str, Any]:
    needed = ("account", "amount", "tx", "sent_from", "fee", "mistake")
    missing = [f"--{name.replace('_', '-')}" for name in needed if one[name] is None]
    if missing:
        raise click.UsageError(f"a single deposit needs {', '.join(missing)}, too")
    chain = chain_of(one["account"])
    asset, amount = parse_option(
        "--amount", one["amount"], session.assets, asset=one["asset"], chain=chain
    )
    _, fee = parse_option("--fee", one["fee"], session.assets, asset=asset, chain=chain)
    return {
        **{name: one[name] for name in ("account", "tx", "sent_from", "mistake")},
        **({} if one["tag"] is None else {"tag": one["tag"]}),
        "asset": asset,
        "amount": amount,
        "return_to": one["return_to"] or one["sent_from"],
        "fee_accepted": fee,
    }


def _show_submitted(session: Session, view: RecoveryView) -> None:
    session.out.print(facts(_rows(view)))
    for each in view.already_asked or ():
        session.out.print(
            f"Deposit {each.no} is asked for already: {each.recovery_id}, deposit"
            f" {each.deposit_no}, {_word(each.status)}."
        )


def _word(status: DepositStatus | str) -> str:
    return str(status).replace("_", " ")


def _rows(view: RecoveryView) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("recovery", view.id),
        ("asked by", view.requester),
        ("asked", view.partner),
        ("status", view.status.value),
        ("deposits", _by_state(view.deposits)),
        (f"wait for {view.partner}", view.awaits_partner),
        (f"wait for {view.requester}", view.awaits_requester),
    ]
    if view.due_at is not None:
        rows.append(("next due", minute(view.due_at)))
    if view.approve_by is not None and view.decided_at is None:
        rows.append(("approve by", minute(view.approve_by)))
    return rows


def _by_state(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {_word(status)}" for status, number in sorted(counts.items()))


@recovery.command(name="list", cls=SessionCommand)
@click.option(
    "--box",
    type=click.Choice(["sent", "received", "to_approve"]),
    default="sent",
    show_default=True,
)
@click.option("--waiting", is_flag=True, help="Those alone with deposits that wait for you.")
@pass_session
def list_recoveries(session: Session, box: str, *, waiting: bool) -> None:
    """List recovery requests, the newest first."""
    session.show_list(
        session.client().recoveries(box, waiting=waiting),
        ("recovery", "partner", "status", "deposits", "next due"),
        lambda view: (
            view.id,
            view.requester if box == "received" else view.partner,
            f"drill: {view.status.value}" if view.drill else view.status.value,
            _by_state(view.deposits),
            _due(view.due_at),
        ),
        empty="There is no such recovery request.",
    )


def _due(at: Time | None) -> str | None:
    return None if at is None else minute(at)


@recovery.command(cls=SessionCommand)
@_RECOVERY
@pass_session
def show(session: Session, recovery_id: str) -> None:
    """Show one recovery request."""
    view = session.client().recovery(recovery_id)
    session.show(view, lambda: session.out.print(facts(_rows(view))))


@recovery.command(cls=SessionCommand)
@_RECOVERY
@click.option("--status", type=click.Choice([each.value for each in DepositStatus]))
@pass_session
def deposits(session: Session, recovery_id: str, status: str | None) -> None:
    """List its deposits as they stand."""
    session.show_list(
        session.client().misplaced_deposits(recovery_id, status=status),
        ("no", "status", "amount", "fee", "account", "tx", "due", "says"),
        lambda each: (
            each.no,
            f"{_word(each.status)}, overdue" if each.overdue else _word(each.status),
            _money(session, each.found_amount or each.amount, each.asset),
            _money(session, each.returned_fee or each.fee, each.asset),
            each.account,
            each.returned_tx or each.tx,
            _due(each.due_at),
            _says(session, each),
        ),
        empty="There is no such deposit.",
    )


def _money(session: Session, base_units: str | None, asset: str) -> str | None:
    if base_units is not None and session.in_base_units:
        return f"{base_units} of {asset}"
    return session.amount(base_units, asset)


def _says(session: Session, each: DepositView) -> str | None:
    parts = [word for word in (each.code and each.code.value, each.answer_text) if word]
    if each.missing:
        parts.append(f"needs {', '.join(need.value for need in each.missing)}")
    if each.fee_needed is not None:
        parts.append(f"it would cost {_money(session, each.fee_needed, each.asset)}")
    if each.other_requests:
        parts.append(f"claimed in {counted(each.other_requests, 'other request')}, too")
    return "; ".join(parts) or None


@recovery.command(cls=SessionCommand)
@_RECOVERY
@click.option("--comment")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def approve(session: Session, recovery_id: str, *, comment: str | None, yes: bool) -> None:
    """Approve a recovery request that somebody else submitted.

    What is shown comes from the signed document itself.
    """
    _decide(session, recovery_id, "approve", comment, yes=yes)


@recovery.command(cls=SessionCommand)
@_RECOVERY
@click.option("--comment")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def reject(session: Session, recovery_id: str, *, comment: str | None, yes: bool) -> None:
    """Reject a recovery request that somebody else submitted."""
    _decide(session, recovery_id, "reject", comment, yes=yes)


def _decide(
    session: Session, recovery_id: str, decision: str, comment: str | None, *, yes: bool
) -> None:
    client = session.client()
    view = client.recovery(recovery_id)
    document = _signed(client, view)
    session.say_drill(view)
    session.content.print(facts([("recovery", view.id), ("asked", document.to)]))
    session.content.print(_asked(session, document.deposits))
    if not yes:
        click.confirm(f"{decision.capitalize()} {recovery_id}?", abort=True, err=True)
    _show_result(session, client.decide_recovery(view, decision, comment=comment))


def _signed(client: Client, view: RecoveryView) -> RecoveryRequest:
    """Return the document that was signed, as its hash says, whatever the coordinator shows."""
    first = next(client.recovery_evidence(view.id), None)
    body = b"" if first is None or first.body is None else first.body.encode()
    if sha256(body).hexdigest() != view.content_sha256:
        raise UntrustedEvidenceError("the document is not the one that this request names")
    return RecoveryRequest.model_validate_json(body)


def _asked(session: Session, asked: Sequence[MisplacedDeposit]) -> Any:
    if len(asked) <= _SHOWN:
        return table(
            ("no", "amount", "fee up to", "arrived at", "back to"),
            [
                (
                    no,
                    _money(session, each.amount, each.asset),
                    _money(session, each.fee_accepted, each.asset),
                    each.account,
                    "its sender" if each.return_to == each.sent_from else each.return_to,
                )
                for no, each in enumerate(asked)
            ],
        )
    sums: dict[tuple[str, str], list[int]] = {}
    for each in asked:
        sums.setdefault((each.asset, each.return_to), []).append(int(each.amount))
    return table(
        ("deposits", "in all", "back to"),
        [
            (len(amounts), _money(session, str(sum(amounts)), asset), to)
            for (asset, to), amounts in sums.items()
        ],
    )


def _show_result(session: Session, result: RecoveryResultView) -> None:
    rows: list[tuple[str, object]] = [
        ("status", result.status.value),
        ("deposits", _by_state(result.deposits)),
    ]
    session.show(result, lambda: session.out.print(facts(rows)))


@recovery.command(cls=SessionCommand)
@_RECOVERY
@click.option("--no", "nos", multiple=True, type=click.IntRange(0), help="By default all left.")
@click.option("--reason", required=True)
@pass_session
def withdraw(session: Session, recovery_id: str, nos: tuple[int, ...], reason: str) -> None:
    """Take deposits back of which nothing was returned."""
    client = session.client()
    view = client.recovery(recovery_id)
    _show_result(session, client.withdraw_recovery(view, nos or None, reason=reason))


@recovery.command(cls=SessionCommand)
@_RECOVERY
@click.argument("file", type=_FILE)
@pass_session
def answer(session: Session, recovery_id: str, file: Path) -> None:
    """Answer many deposits by a table.

    Its columns: no, kind, amount, sent_from, fee, tx, code, missing, text. Kinds are found,
    not_found, needs, declined and returned. All rows are taken, or none.
    """
    _answer(session, recovery_id, _lines(session, recovery_id, file))


@recovery.command(cls=SessionCommand)
@_RECOVERY
@click.argument("file", type=_FILE)
@pass_session
def reply(session: Session, recovery_id: str, file: Path) -> None:
    """Reply on many deposits by a table: no, kind, text.

    Kinds are confirmed, not_received and supplied. All rows are taken, or none.
    """
    _reply(session, recovery_id, _lines(session, recovery_id, file))


def _lines(session: Session, recovery_id: str, file: Path) -> list[dict[str, Any]]:
    every = session.client().misplaced_deposits(recovery_id)
    deposited = {each.no: Deposited(each.asset, chain_of(each.account)) for each in every}
    read = read_table(file.name, file.read_bytes(), ANSWER_COLUMNS)
    return read_lines(read, session.assets, deposited)


def _answer(session: Session, recovery_id: str, lines: Sequence[dict[str, Any]]) -> None:
    checked = _ANSWERS.validate_python(lines)
    client = session.client()
    _show_result(session, client.answer_recovery(client.recovery(recovery_id), checked))


def _reply(session: Session, recovery_id: str, lines: Sequence[dict[str, Any]]) -> None:
    checked = _REPLIES.validate_python(lines)
    client = session.client()
    _show_result(session, client.reply_recovery(client.recovery(recovery_id), checked))


def _one(session: Session, recovery_id: str, no: int) -> DepositView:
    every: Iterator[DepositView] = session.client().misplaced_deposits(recovery_id)
    for each in every:
        if each.no == no:
            return each
    raise click.UsageError(f"{recovery_id} has no deposit {no}")


def _units(session: Session, option: str, text: str, of: DepositView) -> str:
    chain = chain_of(of.account)
    return parse_option(option, text, session.assets, asset=of.asset, chain=chain)[1]


@recovery.command(cls=SessionCommand)
@_RECOVERY
@_NO
@click.option("--fee", required=True, metavar="AMOUNT", help="What is kept of it; it binds you.")
@click.option("--sent-from", required=True, metavar="CAIP-10", help="As the chain shows it.")
@click.option("--amount", metavar="AMOUNT", help="What came; by default what is asked for.")
@pass_session
def found(
    session: Session, recovery_id: str, no: int, *, fee: str, sent_from: str, amount: str | None
) -> None:
    """Say that a deposit is here, and what returning it costs."""
    of = _one(session, recovery_id, no)
    line = {
        "kind": "found",
        "no": no,
        "amount": of.amount if amount is None else _units(session, "--amount", amount, of),
        "sent_from": sent_from,
        "fee": _units(session, "--fee", fee, of),
    }
    _answer(session, recovery_id, [line])


@recovery.command(cls=SessionCommand)
@_RECOVERY
@_NO
@click.option("--tx", required=True, help="The transaction that returned it.")
@click.option("--fee", metavar="AMOUNT", help="What was kept; by default what was stated.")
@pass_session
def returned(session: Session, recovery_id: str, no: int, *, tx: str, fee: str | None) -> None:
    """Say that a deposit went back, less the fee."""
    of = _one(session, recovery_id, no)
    kept = int(of.fee or "0") if fee is None else int(_units(session, "--fee", fee, of))
    amount = max(0, int(of.found_amount or of.amount) - kept)
    line = {"kind": "returned", "no": no, "tx": tx, "amount": str(amount), "fee": str(kept)}
    _answer(session, recovery_id, [line])


@recovery.command(name="not-found", cls=SessionCommand)
@_RECOVERY
@_NO
@_TEXT
@pass_session
def not_found(session: Session, recovery_id: str, no: int, text: str | None) -> None:
    """Say that no such deposit is known here."""
    _answer(session, recovery_id, [{"kind": "not_found", "no": no, "text": text}])


@recovery.command(cls=SessionCommand)
@_RECOVERY
@_NO
@click.option(
    "--missing",
    multiple=True,
    required=True,
    type=click.Choice([each.value for each in RecoveryNeed]),
)
@click.option("--fee", metavar="AMOUNT", help="With higher_fee: what it would cost.")
@_TEXT
@pass_session
def need(
    session: Session,
    recovery_id: str,
    no: int,
    *,
    missing: tuple[str, ...],
    fee: str | None,
    text: str | None,
) -> None:
    """Ask the requester for what is missing."""
    line: dict[str, Any] = {"kind": "needs", "no": no, "missing": list(missing), "text": text}
    if fee is not None:
        line["fee"] = _units(session, "--fee", fee, _one(session, recovery_id, no))
    _answer(session, recovery_id, [line])


@recovery.command(cls=SessionCommand)
@_RECOVERY
@_NO
@click.option("--code", required=True, type=click.Choice([each.value for each in RecoveryCode]))
@_TEXT
@pass_session
def decline(session: Session, recovery_id: str, no: int, *, code: str, text: str | None) -> None:
    """Say that a deposit is not given back, and why."""
    _answer(session, recovery_id, [{"kind": "declined", "no": no, "code": code, "text": text}])


@recovery.command(cls=SessionCommand)
@_RECOVERY
@click.argument("nos", metavar="NO…", nargs=-1, required=True, type=click.IntRange(0))
@pass_session
def confirm(session: Session, recovery_id: str, nos: tuple[int, ...]) -> None:
    """Confirm that what was returned has arrived."""
    _reply(session, recovery_id, [{"kind": "confirmed", "no": no} for no in nos])


@recovery.command(name="not-received", cls=SessionCommand)
@_RECOVERY
@_NO
@_TEXT
@pass_session
def not_received(session: Session, recovery_id: str, no: int, text: str | None) -> None:
    """Say that what is said to be returned has not arrived."""
    _reply(session, recovery_id, [{"kind": "not_received", "no": no, "text": text}])


@recovery.command(cls=SessionCommand)
@_RECOVERY
@_NO
@click.option("--proof", type=_FILE, help="A record; it stays here, its hash is signed.")
@_TEXT
@pass_session
def supply(
    session: Session, recovery_id: str, no: int, *, proof: Path | None, text: str | None
) -> None:
    """Supply what the partner asked for."""
    line: dict[str, Any] = {"kind": "supplied", "no": no, "text": text}
    if proof is not None:
        hashed = sha256(proof.read_bytes()).hexdigest()
        line["proof"] = {"kind": "document", "sha256": hashed}
    _reply(session, recovery_id, [line])


@recovery.command(cls=SessionCommand)
@_RECOVERY
@pass_session
def export(session: Session, recovery_id: str) -> None:
    """Print its deposits as CSV.

    The rows can be filled in and sent as answers.
    """
    for line in write_table(session.client().misplaced_deposits(recovery_id), session.assets):
        sys.stdout.write(line)


@recovery.command(cls=SessionCommand)
@_RECOVERY
@pass_session
def evidence(session: Session, recovery_id: str) -> None:
    """List all acts on it.

    With --json each has the token and body that prove it.
    """
    session.show_list(
        session.client().recovery_evidence(recovery_id),
        ("at", "act", "by", "key", "entry"),
        lambda each: (minute(each.at), each.act, each.partner, each.kid, each.leaf_index),
        empty="There is no act.",
    )


@recovery.command(cls=SessionCommand)
@pass_session
def statistics(session: Session) -> None:
    """Show how many deposits were given back, and how fast.

    Drills are not counted.
    """
    view = session.client().recovery_statistics()
    columns = ("", "asked", "found", "returned", "confirmed", "declined", "median")
    rows = [
        _figures("you asked for", view.sent),
        _figures("you were asked for", view.received),
        _figures("all members", view.network),
    ]
    session.show(view, lambda: session.out.print(table(columns, rows)))


def _figures(name: str, of: RecoveryFiguresView) -> Sequence[object]:
    median = None if of.median_seconds is None else f"{of.median_seconds / 3600:.1f} h"
    return (name, of.asked, of.found, of.returned, of.confirmed, of.declined, median)


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(recovery)
