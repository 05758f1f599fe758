"""`holdfast summary`: a request as a document for people outside."""

from hashlib import sha256
from pathlib import Path

import click

from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.profiles.private_files import write_private


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="By default FRQ_….summary.pdf here.",
)
@pass_session
def summary(session: Session, request_id: str, output: Path | None) -> None:
    """Write a request as a document that a prosecutor can read: PDF/A, signed by the coordinator.

    What was asked, by whom, on what evidence, who was told when, who answered what, sums and open
    points, as far as you may read them. The file is for your eyes alone; whom you give it to is
    yours to decide, within its TLP mark.
    """
    client = session.client()
    content = client.summary_pdf(request_id)
    path = output or Path(f"{request_id}.summary.pdf")
    write_private(path, content)
    key = client.service().document_certificate_sha256
    answer = {"file": str(path), "sha256": sha256(content).hexdigest(), "certificate": key}
    session.show(answer, lambda: session.out.print(facts(list(answer.items()))))


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(summary)
