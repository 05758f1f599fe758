"""`holdfast-coordinator`: what the operator types."""

import os
import re
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, BinaryIO, NoReturn

import click
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import DatabaseError, OperationalError

from coordinator.domain.errors import CoordinatorError
from coordinator.key_files import KeyFileError
from coordinator.logging_setup import set_up_logging
from coordinator.operations import membership
from coordinator.operations.checks import run_checks
from coordinator.operations.lifetime import end_with_parent, stop_event
from coordinator.operations.metrics import metrics_served, restart_with_folder
from coordinator.operations.preparation import PreparationError, prepare, require_ready
from coordinator.operations.serving import serve_all
from coordinator.services.membership.partners import ConfirmPartner, InvitePartner
from coordinator.services.membership.suspensions import ReinstatePartner, SuspendPartner
from coordinator.settings import Settings, SettingsError
from coordinator.storage.engine.database import UnsafeDatabaseError, describe
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import Handle
from holdfast.protocol.texts import Word
from holdfast.protocol.vocabulary import PartnerKind

_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
#: A key request has a few hundred bytes.
_KEY_REQUEST_BYTES = 10_000
#: What an operator can mend; everything else is a fault of ours and shows its trace.
_EXPECTED = (
    CoordinatorError,
    KeyFileError,
    PreparationError,
    SettingsError,
    UnsafeDatabaseError,
)
#: What SQLite says of a file that is no database, or a broken one.
_UNREADABLE = ("file is not a database", "database disk image is malformed")


def _fail(message: str) -> NoReturn:
    click.echo(f"holdfast-coordinator: {message}", err=True)
    sys.exit(1)


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Hand the settings to a command, and say in one line what went wrong."""

    @wraps(function)
    def run(*args: Any, **options: Any) -> None:
        try:
            settings = Settings.from_env(os.environ)
            set_up_logging(settings.log_level, settings.log_format)
            function(settings, *args, **options)
        except _EXPECTED as error:
            _fail(str(error))
        except OperationalError as error:
            # The driver's own words; the statement and its values are nobody's business here.
            _fail(f"the database does not answer: {' '.join(str(error.orig).split())}")
        except DatabaseError as error:
            if str(error.orig) not in _UNREADABLE:
                raise
            _fail(
                f"the database cannot be read: {error.orig}; see HOLDFAST_DATABASE_URL and "
                "HOLDFAST_DATA_DIR, or restore it from the back-up"
            )

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="holdfast-coordinator")
def main() -> None:
    """Run and look after a Holdfast coordinator.

    Settings come from config/default.toml, a file named by HOLDFAST_CONFIG, and HOLDFAST_<NAME>.
    """


@main.command()
@with_settings
def serve(settings: Settings) -> None:
    """Run everything on this host: migrate, then web and worker processes until SIGTERM."""
    stop = stop_event()
    kept_alive = serve_all(settings, stop, click.echo)
    if not kept_alive:
        _fail("a process died again and again; see the log above")


#: How `serve` tells the processes that it starts whom to end with.
_parent = click.option("--parent", type=int, hidden=True)


@main.command()
@_parent
@with_settings
def web(settings: Settings, *, parent: int | None) -> None:
    """Run the web processes alone (the database must be migrated)."""
    from coordinator.operations.web_server import serve_web  # noqa: PLC0415 - others need no server

    restart_with_folder(settings, "web")
    require_ready(settings)
    end_with_parent(parent)
    with metrics_served(settings):
        serve_web(settings)


@main.command()
@_parent
@with_settings
def worker(settings: Settings, *, parent: int | None) -> None:
    """Run one worker alone: webhooks and timers, until SIGTERM."""
    from coordinator.operations.worker import work  # noqa: PLC0415 - others need no worker

    restart_with_folder(settings, "worker")
    require_ready(settings)
    stop = stop_event()
    end_with_parent(parent)
    with metrics_served(settings):
        work(settings, stop)


@main.command()
@with_settings
def migrate(settings: Settings) -> None:
    """Bring the database up to the newest schema; a fresh one gets its keys, too."""
    prepare(settings)
    click.echo(f"up to date: {describe(settings.resolved_database_url)}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def check(settings: Settings, *, as_json: bool) -> None:
    """Look at durability, schema, keys and log; exit status 1 if anything is wrong."""
    findings = run_checks(settings)
    if as_json:
        lines = [{"name": f.name, "ok": f.is_good, "detail": f.detail} for f in findings]
        click.echo(canonical_json.dumps(lines).decode())
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.is_good else 'FAIL'}  {finding.name}: {finding.detail}")
    if not all(finding.is_good for finding in findings):
        sys.exit(1)


@main.group()
def partner() -> None:
    """Invite, confirm, suspend and list partners; announce a new root key."""


@partner.command()
@click.argument("handle")
@click.option("--name", required=True, help="The organisation's name.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in PartnerKind]),
    default=PartnerKind.EXCHANGE.value,
    show_default=True,
)
@click.option("--jurisdiction", help="ISO 3166 code, for the longest hold that its law allows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def invite(
    settings: Settings,
    *,
    handle: str,
    name: str,
    kind: str,
    jurisdiction: str | None,
    as_json: bool,
) -> None:
    """Invite HANDLE, a lower-case DNS name; prints the one-time code to send to it."""
    try:
        TypeAdapter(Handle).validate_python(handle)
        TypeAdapter(Word).validate_python(name)
    except ValidationError:
        _fail(f"{handle!r} must be a lower-case DNS name, and the name one line of at most 120")
    if jurisdiction is not None and not _JURISDICTION.fullmatch(jurisdiction):
        _fail(f"{jurisdiction!r} must be an ISO 3166 code in capitals, e.g. EE or US-NY")
    command = InvitePartner(
        handle=handle, name=name, kind=PartnerKind(kind), jurisdiction=jurisdiction
    )
    body = membership.carry_out(settings, command).body
    if as_json:
        click.echo(canonical_json.dumps(body).decode())
        return
    click.echo(f"invitation for {handle}: {body['invitation']}")
    click.echo(
        "Good for 14 days and once. When it has joined, ask for its root key's thumbprint by a way "
        f"that you trust, and then: holdfast-coordinator partner confirm {handle} THUMBPRINT"
    )


# One thumbprint in 64 begins with a hyphen, and is no option then.
@partner.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("handle")
@click.argument("thumbprint")
@with_settings
def confirm(settings: Settings, *, handle: str, thumbprint: str) -> None:
    """Activate HANDLE, whose root key's THUMBPRINT you were told out of band."""
    membership.carry_out(settings, ConfirmPartner(handle=handle, thumbprint=thumbprint))
    click.echo(f"{handle} is active")


@partner.command()
@click.argument("handle")
@with_settings
def suspend(settings: Settings, *, handle: str) -> None:
    """Suspend HANDLE: its keys only settle what it holds; undecided requests are withdrawn."""
    membership.carry_out(settings, SuspendPartner(handle=handle))
    click.echo(
        f"{handle} is suspended; the worker withdraws its submitted and provisional requests"
    )


@partner.command()
@click.argument("handle")
@with_settings
def reinstate(settings: Settings, *, handle: str) -> None:
    """Let HANDLE act again; what was withdrawn stays withdrawn."""
    membership.carry_out(settings, ReinstatePartner(handle=handle))
    click.echo(f"{handle} is active")


@partner.command("reset-root")
@click.argument("handle")
@click.option(
    "--jwk",
    "key_request",
    required=True,
    type=click.File("rb"),
    help="The new root key's request, as the partner handed it over out of band.",
)
@with_settings
def reset_root(settings: Settings, *, handle: str, key_request: BinaryIO) -> None:
    """Announce a new root key of HANDLE to all members; it takes over later, unless stopped."""
    body = membership.reset_root(settings, handle, key_request.read(_KEY_REQUEST_BYTES)).body
    click.echo(
        f"{body['root_kid']} becomes the root key of {handle} at {body['effective_at']}, unless "
        "the old root key or one of its leads stops it by revoking this thumbprint. Compare it "
        "with the partner by a way that you trust."
    )


@partner.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def list_(settings: Settings, *, as_json: bool) -> None:
    """List all partners, also those only invited."""
    rows = membership.list_partners(settings)
    if as_json:
        click.echo(canonical_json.dumps(rows).decode())
        return
    for row in rows:
        root = row["root_kid"] or "-"
        click.echo(f"{row['handle']:40} {row['status']:10} {row['kind']:16} {root}")


if __name__ == "__main__":
    main()
