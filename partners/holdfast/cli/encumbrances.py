"""`holdfast encumber`, `encumbrances`, `lift`, `stands`, `called-back`: what others claim."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path

import click

from holdfast.cli.amount_options import parse_option
from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, TIME, Session, SessionCommand, facts, pass_session
from holdfast.protocol.life_cycle_views import EncumbranceView, LegalOrderView
from holdfast.protocol.vocabulary import (
    Blocked,
    CallBackOutcome,
    EncumbranceKind,
    NumberSource,
)

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
_RESTRAINT = click.argument("restraint", metavar="ENC_…|ORD_…")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument("hold", metavar="HLD_…")
@click.argument("order", type=_FILE)
@click.option("--kind", required=True, type=click.Choice([kind.value for kind in EncumbranceKind]))
@click.option("--court", required=True, help="Read by both sides alone.")
@click.option("--number", required=True, help="The court's own number; read by both sides alone.")
@click.option("--amount", help="'1.5 ETH' or base units; by default all of the hold.")
@click.option(
    "--blocks",
    multiple=True,
    type=click.Choice([each.value for each in Blocked]),
    help="By default all three.",
)
@click.option("--review-at", type=TIME, help="When somebody looks again; nothing lapses by it.")
@pass_session
def encumber(
    session: Session,
    request_id: str,
    hold: str,
    order: Path,
    *,
    kind: str,
    court: str,
    number: str,
    amount: str | None,
    blocks: tuple[str, ...],
    review_at: datetime | None,
) -> None:
    """Attach a third party's claim to a hold by the hash of its ORDER, which stays here.

    Until a second person lifts it, nothing is agreed to that would eat into it.
    """
    client = session.client()
    view = client.encumber(
        client.freeze_request(request_id),
        kind=EncumbranceKind(kind),
        hold=hold,
        order_sha256=sha256(order.read_bytes()).hexdigest(),
        court=court,
        number=number,
        amount=None if amount is None else _base_units(session, request_id, hold, amount),
        blocks=[Blocked(word) for word in blocks] or list(Blocked),
        review_at=review_at,
    )
    session.show(view, lambda: session.out.print(facts(_rows(session, view))))


def _base_units(session: Session, request_id: str, hold_id: str, amount: str) -> int:
    holds = session.client().holds(request_id)
    hold = next((each for each in holds if each.id == hold_id), None)
    if hold is None:
        raise click.UsageError(f"{request_id} has no hold {hold_id} that you may see")
    return int(parse_option("--amount", amount, session.assets, asset=hold.asset)[1])


def _rows(session: Session, view: EncumbranceView) -> list[tuple[str, object]]:
    return [
        ("encumbrance", view.id),
        ("kind", view.kind.value.replace("_", " ")),
        ("hold", view.hold),
        ("claims", session.amount(view.amount, view.asset) or "all of it"),
        ("blocks", ", ".join(view.blocks)),
        ("order", view.order_sha256),
        ("court", f"{view.court}, {view.number}"),
        ("review", minute(view.review_at) if view.review_at else None),
    ]


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def encumbrances(session: Session, request_id: str) -> None:
    """List what third parties claim of holds on a request."""
    session.show_list(
        session.client().encumbrances(request_id),
        ("encumbrance", "by", "kind", "hold", "claims", "blocks", "court", "state"),
        lambda view: (
            view.id,
            view.partner,
            view.kind.value.replace("_", " "),
            view.hold,
            session.amount(view.amount, view.asset) or "all of it",
            ", ".join(view.blocks),
            f"{view.court or 'erased'}, {view.number or 'erased'}",
            view.encumbrance_status.value.replace("_", " "),
        ),
        empty="Nothing is encumbered.",
    )


@click.command(cls=SessionCommand)
@_REQUEST
@_RESTRAINT
@click.argument("document", type=_FILE)
@pass_session
def lift(session: Session, request_id: str, restraint: str, document: Path) -> None:
    """Lift an encumbrance or a legal order by the hash of a DOCUMENT, which stays here.

    It takes another person than the one who attached it.
    """
    client = session.client()
    view = client.lift(
        client.freeze_request(request_id),
        _found(session, request_id, restraint),
        document_sha256=sha256(document.read_bytes()).hexdigest(),
    )
    rows = [("lifted", view.id), ("by document", view.lift_document_sha256)]
    session.show(view, lambda: session.out.print(facts(rows)))


@click.command(cls=SessionCommand)
@_REQUEST
@_RESTRAINT
@click.option("--until", required=True, type=TIME, help="When somebody looks again.")
@pass_session
def stands(session: Session, request_id: str, restraint: str, *, until: datetime) -> None:
    """Say that your encumbrance or legal order stands, and when somebody looks again."""
    client = session.client()
    view = client.review_restraint(
        client.freeze_request(request_id), _found(session, request_id, restraint), review_at=until
    )
    rows = [("stands", view.id), ("review", minute(view.review_at) if view.review_at else None)]
    session.show(view, lambda: session.out.print(facts(rows)))


def _found(session: Session, request_id: str, restraint: str) -> EncumbranceView | LegalOrderView:
    client = session.client()
    every: list[EncumbranceView | LegalOrderView] = [
        *(client.orders(request_id) if restraint.startswith("ord_") else ()),
        *(() if restraint.startswith("ord_") else client.encumbrances(request_id)),
    ]
    found = next((each for each in every if each.id == restraint), None)
    if found is None:
        raise click.UsageError(f"{request_id} has no {restraint} that you may see")
    return found


@click.command("called-back", cls=SessionCommand)
@_REQUEST
@click.argument("order", metavar="ORD_…")
@click.argument("outcome", type=click.Choice([each.value for each in CallBackOutcome]))
@click.option("--at", required=True, type=TIME, help="When you called.")
@click.option(
    "--number-from",
    required=True,
    type=click.Choice([each.value for each in NumberSource]),
    help="Where you had the number from; never from the order itself.",
)
@pass_session
def called_back(
    session: Session,
    request_id: str,
    order: str,
    outcome: str,
    *,
    at: datetime,
    number_from: str,
) -> None:
    """Say that you called an authority back about its order, and what you heard."""
    client = session.client()
    view = client.call_back_about_order(
        client.freeze_request(request_id),
        order,
        at=at,
        number_from=NumberSource(number_from),
        outcome=CallBackOutcome(outcome),
    )
    said = view.called_back
    rows = [
        ("order", view.id),
        ("called back", f"{said.confirmed} confirmed it, {said.not_confirmed} did not"),
    ]
    session.show(view, lambda: session.out.print(facts(rows)))


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (encumber, encumbrances, lift, stands, called_back):
        cli.add_command(command)
