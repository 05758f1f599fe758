"""`holdfast clearances`, `revoke-clearance`, `verify-clearance`: accounts flagged by error."""

from datetime import UTC, datetime
from pathlib import Path

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.client.client import clearance_status, coordinator_keys
from holdfast.client.transport import Transport
from holdfast.errors import UntrustedEvidenceError
from holdfast.protocol import strict_json
from holdfast.protocol.clearance import Clearance, verify_clearance
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.life_cycle_views import ClearanceStatus, ClearanceView

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)


@click.command(cls=SessionCommand)
@_REQUEST
@click.option(
    "--save",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write each signed statement there, as CLR_….jwt.",
)
@pass_session
def clearances(session: Session, request_id: str, folder: Path | None) -> None:
    """List accounts that a request flagged by error, and save what says so.

    The signed statement may be shown to anybody, an exchange or a bank: it names the account and
    the request, and no customer.
    """
    found = list(session.client().clearances(request_id))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for view in found:
            if view.statement is not None:
                (folder / f"{view.id}.jwt").write_text(view.statement, encoding="ascii")
    session.show_list(
        found,
        ("clearance", "address", "account", "tag", "issued", "state"),
        _row,
        empty="No account is cleared.",
    )


def _row(view: ClearanceView) -> tuple[object, ...]:
    state = "valid"
    if view.revoked_at is not None:
        state = f"revoked {minute(view.revoked_at)}: {view.revoked_reason}"
    issued = minute(view.issued_at)
    return view.id, view.address_no, view.account, view.tag, issued, state


@click.command("revoke-clearance", cls=SessionCommand)
@_REQUEST
@click.argument("clearance_id", metavar="CLR_…")
@click.option("--reason", required=True, help="Why; the partners asked read it.")
@pass_session
def revoke_clearance(session: Session, request_id: str, clearance_id: str, *, reason: str) -> None:
    """Take a clearance of your own request back, as a security lead."""
    client = session.client()
    view = client.revoke_clearance(client.freeze_request(request_id), clearance_id, reason)
    rows = [("clearance", view.clearance), ("revoked", minute(view.revoked_at))]
    session.show(view, lambda: session.out.print(facts(rows)))


@click.command("verify-clearance", cls=SessionCommand)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The coordinator's JWK set, saved before; nothing is fetched then.",
)
@click.option(
    "--coordinator",
    metavar="URL",
    envvar="HOLDFAST_COORDINATOR",
    help="Whose; by default that of your profile. You need no profile with it.",
)
@pass_session
def verify_clearance_file(
    session: Session, file: Path, *, keys: Path | None, coordinator: str | None
) -> None:
    """Verify a clearance that somebody shows you.

    Its signature must be the coordinator's, and it must not have been revoked. With --keys nothing
    is fetched, and whether it was revoked stays open.

    Exit status 8 if it does not hold.
    """
    statement = file.read_bytes().strip()
    if keys is not None:
        clearance = _verified(statement, read_key_set(keys.read_bytes()))
        _show(session, clearance, None)
        return
    transport = Transport(None, coordinator) if coordinator else session.client().transport
    clearance = _verified(statement, coordinator_keys(transport))
    if clearance.iss != transport.origin:
        raise UntrustedEvidenceError(
            f"the clearance is another coordinator's: {clearance.iss}", code="other_coordinator"
        )
    status = clearance_status(transport, clearance.jti)
    _show(session, clearance, status)
    if status.revoked_at is not None:
        raise UntrustedEvidenceError(
            f"the clearance was revoked at {minute(status.revoked_at)}", code="revoked"
        )


def _verified(statement: bytes, keys: list[PublicKey]) -> Clearance:
    try:
        return verify_clearance(statement, keys=keys)
    except ProtocolError as error:
        raise UntrustedEvidenceError(f"the clearance: {error}", code="bad_evidence") from None


def read_key_set(content: bytes) -> list[PublicKey]:
    """Return the keys of the coordinator's JWK set as it was saved.

    Raises:
        UsageError: If it is none.
    """
    try:
        return [PublicKey.from_jwk(each) for each in strict_json.loads(content)["keys"]]
    except (ProtocolError, KeyError, TypeError):
        raise click.UsageError('--keys takes a JWK set: {"keys": […]}') from None


def _show(session: Session, clearance: Clearance, status: ClearanceStatus | None) -> None:
    issued = datetime.fromtimestamp(clearance.iat, UTC)
    checked = "not checked: nothing was fetched" if status is None else status.status
    rows = [
        ("clearance", clearance.jti),
        ("account", clearance.account),
        ("tag", clearance.tag),
        ("says", "flagged by error (wrong target)"),
        ("flagged by", f"{clearance.requester}, in {clearance.request_id}"),
        ("cleared", minute(issued)),
        ("coordinator", clearance.iss),
        ("signature", "valid"),
        ("revocation", checked),
    ]
    document = {name: getattr(clearance, name) for name in Clearance.__dataclass_fields__}
    document["status"] = None if status is None else status.status
    session.show(document, lambda: session.out.print(facts(rows)))


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (clearances, revoke_clearance, verify_clearance_file):
        cli.add_command(command)
