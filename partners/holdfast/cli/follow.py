"""`holdfast follow`: the next request, where partners said that funds moved on."""

from pathlib import Path

import click

from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, pass_session
from holdfast.errors import InvalidDraftError
from holdfast.protocol import canonical_json
from holdfast.protocol.life_cycle_views import DraftView
from holdfast.wording import counted


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="Write the drafts there; by default here.",
)
@pass_session
def follow(session: Session, request_id: str, folder: Path) -> None:
    """Write a draft of the next request for every partner that said where funds moved on to.

    Check each draft, then `holdfast submit` it: it stays in the incident and follows FRQ_…. With
    --json the drafts are printed and no file is written.
    """
    found = list(session.client().drafts(request_id))
    if session.as_json:
        session.show_list(found, (), lambda _: (), empty="")
        return
    if not found:
        session.out.print("No partner said where funds moved on to.")
        return
    paths = [folder / f"{request_id}-{draft.partner}.json" for draft in found]
    taken = [f"{path} exists: move it away, or write elsewhere with --to" for path in paths]
    faults = [text for path, text in zip(paths, taken, strict=True) if path.exists()]
    if faults:
        raise InvalidDraftError(faults)
    for path, draft in zip(paths, found, strict=True):
        path.write_bytes(canonical_json.dumps(draft.request) + b"\n")
        _tell(session, path, draft)


def _tell(session: Session, path: Path, draft: DraftView) -> None:
    addresses = counted(len(draft.request["addresses"]), "address")
    to = ", ".join(draft.request["to"]) or "nobody yet"
    session.out.print(f"{path}: {addresses} to {to}", markup=False)
    for end in draft.open_ends:
        known = end.account or end.service or end.tx or ""
        place = "all" if end.address_no is None else str(end.address_no)
        session.out.print(f"  open: address {place}: {known}: {end.reason}", markup=False)
    if draft.complete:
        session.out.print(f"  next: check it, then `holdfast submit {path}`", markup=False)
    else:
        session.out.print("  next: fill in what is missing (to, addresses)", markup=False)


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(follow)
