"""`gateway`: the grounds on which members tell amounts, which you verify."""

from datetime import datetime

import click

from coordinator.cli.terminal_lines import say, say_row
from coordinator.cli.with_settings import fail, with_settings
from coordinator.operations import gateways, membership
from coordinator.services.membership.gateways import EndGateway, VerifyGateway
from coordinator.settings import Settings
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import format_time, optional_time, parse_time
from holdfast.protocol.vocabulary import Gateway

_GROUND = click.argument(
    "ground",
    metavar="GROUND",
    type=click.Choice([each.value for each in Gateway if each is not Gateway.ORDER]),
)
_DOCUMENT = click.option(
    "--document", metavar="SHA256", help="Which one, where the partner declared several."
)


@click.group()
def gateway() -> None:
    """Verify on what ground members tell amounts."""


@gateway.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def list_(settings: Settings, *, as_json: bool) -> None:
    """List what members declared, and until when each is verified."""
    found = gateways.declared(settings)
    if as_json:
        rows = [
            {
                "id": each.id,
                "partner": each.partner,
                "gateway": each.gateway,
                "document_sha256": each.document_sha256,
                "declared_at": format_time(each.declared_at),
                "verified_on": optional_time(each.verified_on),
                "verified_until": optional_time(each.verified_until),
                "state": each.state,
            }
            for each in found.gateways
        ]
        click.echo(canonical_json.dumps(rows).decode())
        return
    if found.are_asked_for:
        say("amounts are told only where both sides of a leg have one in common")
    else:
        say("amounts are told without them: policies.toml, gateways.amounts_need_one is false")
    for each in found.gateways:
        say_row(each.partner, each.gateway, each.state, f"declared {format_time(each.declared_at)}")
        if each.document_sha256 is not None:
            say(f"  document {each.document_sha256}")
    if not found.gateways:
        say("nobody has declared any: members do so with `holdfast gateway declare`")


@gateway.command()
@click.argument("partner", metavar="PARTNER")
@_GROUND
@click.option("--until", required=True, metavar="TIME", help="As in 2027-12-01T00:00:00Z.")
@click.option("--on", metavar="TIME", help="When you looked; without it, now.")
@_DOCUMENT
@with_settings
def verify(
    settings: Settings,
    *,
    partner: str,
    ground: str,
    until: str,
    on: str | None,
    document: str | None,
) -> None:
    """Have PARTNER's GROUND count until a time.

    Again, until a later one. Look at its registration, its partnership, or the agreement whose hash
    it names, and only then verify it: from then on other members are told amounts under it. All
    members are told.
    """
    command = VerifyGateway(
        partner=partner,
        gateway=Gateway(ground),
        document_sha256=document,
        on=None if on is None else _time("--on", on),
        until=_time("--until", until),
    )
    body = membership.carry_out(settings, command).body
    say(f"verified: {ground} of {partner} counts until {body['verified_until']}")


@gateway.command()
@click.argument("partner", metavar="PARTNER")
@_GROUND
@_DOCUMENT
@with_settings
def end(settings: Settings, *, partner: str, ground: str, document: str | None) -> None:
    """Have PARTNER's GROUND count no more, at once.

    What was told under it stays told. The partner may declare it again.
    """
    command = EndGateway(partner=partner, gateway=Gateway(ground), document_sha256=document)
    membership.carry_out(settings, command)
    say(f"ended: {ground} of {partner} counts no more")


def _time(option: str, text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        fail(f"{option} {text!r} {error}")
