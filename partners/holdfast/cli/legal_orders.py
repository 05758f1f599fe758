"""Legal orders on a request."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from holdfast.cli.session import REQUEST_ID, TIME, Session, SessionCommand, facts, pass_session
from holdfast.protocol.life_cycle_views import LegalOrderView
from holdfast.protocol.vocabulary import NumberSource, Verification

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument("document", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--agency", required=True)
@click.option("--reference", required=True, help="The order's own number.")
@click.option("--hold", metavar="HLD_…", help="Only this hold.")
@click.option("--officer", help="Who of the agency; a name or a badge.")
@click.option("--entity", help="The legal entity that it addresses.")
@click.option(
    "--verified-by",
    type=click.Choice([each.value for each in Verification]),
    help="How you made sure that it is theirs.",
)
@click.option(
    "--called-at",
    type=TIME,
    help="When you called back; with --verified-by call_back and --number-from.",
)
@click.option("--number-from", type=click.Choice([each.value for each in NumberSource]))
@click.option(
    "--freeze-until", type=TIME, help="End of its freeze period: you review or lift it then."
)
@pass_session
def order(
    session: Session,
    /,
    request_id: str,
    document: Path,
    *,
    agency: str,
    reference: str,
    hold: str | None,
    **details: Any,
) -> None:
    """Attach an authority's order by the hash of its DOCUMENT, which stays here.

    It changes no hold by itself: the partner that holds extends it with --basis legal_order.
    """
    client = session.client()
    view = client.attach_order(
        client.freeze_request(request_id),
        agency=agency,
        reference=reference,
        document_sha256=sha256(document.read_bytes()).hexdigest(),
        hold=hold,
        details=_details(**details),
    )
    rows = [("order", view.id), ("document", view.document_sha256)]
    session.show(view, lambda: session.out.print(facts(rows)))


def _details(
    *,
    officer: str | None,
    entity: str | None,
    verified_by: str | None,
    called_at: datetime | None,
    number_from: str | None,
    freeze_until: datetime | None,
) -> dict[str, Any]:
    if (called_at is None) != (number_from is None):
        raise click.UsageError("say both --called-at and --number-from, or neither")
    called = {"at": called_at, "number_from": number_from}
    said = {
        "officer": officer,
        "entity": entity,
        "verification": verified_by,
        "call_back": None if called_at is None else called,
        "freeze_until": freeze_until,
    }
    return {name: word for name, word in said.items() if word is not None}


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def orders(session: Session, request_id: str) -> None:
    """List the legal orders attached to a request."""
    session.show_list(
        session.client().orders(request_id),
        ("order", "by", "agency", "reference", "hold", "called back", "state", "document"),
        lambda view: (
            view.id,
            view.partner,
            view.agency,
            view.reference,
            view.hold,
            _called(view),
            view.order_status.value.replace("_", " "),
            view.document_sha256,
        ),
        empty="No order is attached.",
    )


def _called(view: LegalOrderView) -> str | None:
    """Return how many members called back themselves, and how many of them in vain."""
    said = view.called_back
    if said.not_confirmed:
        return f"{said.confirmed} yes, {said.not_confirmed} no"
    return f"{said.confirmed} yes" if said.confirmed else None


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (order, orders):
        cli.add_command(command)
