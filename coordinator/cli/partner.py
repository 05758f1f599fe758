"""`partner`: who takes part."""

import re
from typing import BinaryIO

import click
from pydantic import TypeAdapter, ValidationError

from coordinator.cli.terminal_lines import say, say_row
from coordinator.cli.with_settings import fail, with_settings
from coordinator.operations import membership
from coordinator.services.membership.console_links import OfferPasskey
from coordinator.services.membership.partners import ConfirmPartner, InvitePartner
from coordinator.services.membership.suspensions import ReinstatePartner, SuspendPartner
from coordinator.settings import Settings
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import Handle, PersonId
from holdfast.protocol.texts import Word
from holdfast.protocol.vocabulary import PartnerKind

_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
#: A key request has a few hundred bytes.
_KEY_REQUEST_BYTES = 10_000


@click.group()
def partner() -> None:
    """Invite, confirm, suspend and list partners."""


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
    """Invite HANDLE, a lower-case DNS name.

    Prints the one-time code to send to it.
    """
    try:
        TypeAdapter(Handle).validate_python(handle)
        TypeAdapter(Word).validate_python(name)
    except ValidationError:
        fail(f"{handle!r} must be a lower-case DNS name, and the name one line of at most 120")
    if jurisdiction is not None and not _JURISDICTION.fullmatch(jurisdiction):
        fail(f"{jurisdiction!r} must be an ISO 3166 code in capitals, e.g. EE or US-NY")
    command = InvitePartner(
        handle=handle, name=name, kind=PartnerKind(kind), jurisdiction=jurisdiction
    )
    body = membership.carry_out(settings, command).body
    if as_json:
        click.echo(canonical_json.dumps(body).decode())
        return
    say(f"invitation for {handle}: {body['invitation']}")
    say(
        "Good for 14 days and once. When it has joined, ask for its root key's thumbprint by a way "
        "that you trust, and then:"
    )
    say(f"  holdfast-coordinator partner confirm {handle} THUMBPRINT")


# One thumbprint in 64 begins with a hyphen, and is no option then.
@partner.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("handle")
@click.argument("thumbprint")
@with_settings
def confirm(settings: Settings, *, handle: str, thumbprint: str) -> None:
    """Activate HANDLE by its root key's THUMBPRINT.

    You were told the thumbprint out of band.
    """
    membership.carry_out(settings, ConfirmPartner(handle=handle, thumbprint=thumbprint))
    say(f"{handle} is active")


@partner.command()
@click.argument("handle")
@with_settings
def suspend(settings: Settings, *, handle: str) -> None:
    """Suspend HANDLE: its keys only settle what it holds.

    Its undecided requests are withdrawn.
    """
    membership.carry_out(settings, SuspendPartner(handle=handle))
    say(
        f"{handle} is suspended; the worker withdraws its submitted requests, and "
        "marks the provisional ones as unratified"
    )


@partner.command()
@click.argument("handle")
@with_settings
def reinstate(settings: Settings, *, handle: str) -> None:
    """Let HANDLE act again; what was withdrawn stays withdrawn."""
    membership.carry_out(settings, ReinstatePartner(handle=handle))
    say(f"{handle} is active")


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
    """Announce a new root key of HANDLE to all members.

    It takes over later, unless it is stopped.
    """
    body = membership.reset_root(settings, handle, key_request.read(_KEY_REQUEST_BYTES)).body
    say(
        f"{body['root_kid']} becomes the root key of {handle} at {body['effective_at']}, unless "
        "the old root key or one of its leads stops it by revoking this thumbprint. Compare it "
        "with the partner by a way that you trust."
    )


@partner.command("passkey-link")
@click.argument("handle")
@click.argument("person", metavar="PER_…")
@with_settings
def passkey_link(settings: Settings, *, handle: str, person: str) -> None:
    """Make a link for a passkey of PERSON of HANDLE.

    It makes one within 24 hours, which gives no right until the partner's own root key or two of
    its leads grant it.
    """
    try:
        TypeAdapter(PersonId).validate_python(person)
    except ValidationError:
        fail(f"{person!r} is no person's id: per_…, as the partner's `holdfast people` shows it")
    command = OfferPasskey(
        handle=handle, person=person, console_origin=settings.passkey_scope.origin
    )
    body = membership.carry_out(settings, command).body
    click.echo(body["url"])
    click.echo(
        f"Good once, until {body['expires_at']}: hand it to {person} by a way that nobody else"
        " reads. The passkey waits until its own organisation grants it.",
        err=True,
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
    if not rows:
        say("nobody yet: `holdfast-coordinator partner invite --help`")
        return
    _say_partner("HANDLE", "STATUS", "KIND", "ROOT KEY")
    for row in rows:
        _say_partner(row["handle"], row["status"], row["kind"], row["root_kid"] or "-")


def _say_partner(handle: str, status: str, kind: str, root: str) -> None:
    say_row(f"{handle:39}", f"{status:9}", f"{kind:15}", root)
