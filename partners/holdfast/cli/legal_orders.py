"""Legal orders on a request."""

from hashlib import sha256
from pathlib import Path

import click

from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument("document", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--agency", required=True)
@click.option("--reference", required=True, help="The order's own number.")
@click.option("--hold", metavar="HLD_…", help="Only this hold.")
@pass_session
def order(
    session: Session,
    request_id: str,
    document: Path,
    *,
    agency: str,
    reference: str,
    hold: str | None,
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
    )
    rows = [("order", view.id), ("document", view.document_sha256)]
    session.show(view, lambda: session.out.print(facts(rows)))


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def orders(session: Session, request_id: str) -> None:
    """List the legal orders attached to a request."""
    session.show_list(
        session.client().orders(request_id),
        ("order", "by", "agency", "reference", "hold", "document"),
        lambda view: (
            view.id,
            view.partner,
            view.agency,
            view.reference,
            view.hold,
            view.document_sha256,
        ),
        empty="No order is attached.",
    )


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (order, orders):
        cli.add_command(command)
