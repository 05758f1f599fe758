"""`holdfast support`, `supports`: whose word a request rests on."""

from hashlib import sha256
from pathlib import Path

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.protocol.vocabulary import Support
from holdfast.wording import RESTS_ON

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument(
    "word", type=click.Choice([each.value for each in Support if each is not Support.NONE])
)
@click.option(
    "--document",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The document; it stays here, its hash is signed.",
)
@click.option("--reference", help="The document's own number.")
@pass_session
def support(
    session: Session, request_id: str, word: str, *, document: Path, reference: str | None
) -> None:
    """Have your request rest on a better WORD than before.

    Partners may then hold longer: 14 days on a police report, 90 on an order applied for; on an
    order the end is a review date. No hold changes by itself.
    """
    client = session.client()
    view = client.raise_support(
        client.freeze_request(request_id),
        Support(word),
        document_sha256=sha256(document.read_bytes()).hexdigest(),
        reference=reference,
    )
    rows = [("rests on", RESTS_ON[view.support]), ("document", view.document_sha256)]
    session.show(view, lambda: session.out.print(facts(rows)))


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def supports(session: Session, request_id: str) -> None:
    """List the documents that a request rests on."""
    session.show_list(
        session.client().support(request_id),
        ("given", "rests on", "reference", "document"),
        lambda view: (
            minute(view.given_at),
            RESTS_ON[view.support],
            view.reference,
            view.document_sha256,
        ),
        empty="No document was added.",
    )


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (support, supports):
        cli.add_command(command)
