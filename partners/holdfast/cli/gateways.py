"""`holdfast gateway`: the grounds on which your organisation and others tell amounts."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import click

from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.layout import minute
from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.protocol.gateway_views import GatewayView
from holdfast.protocol.gateway_words import gateway_words
from holdfast.protocol.vocabulary import Gateway

#: An order lies on a request: nobody declares it.
_DECLARABLE = [each.value for each in Gateway if each is not Gateway.ORDER]


class _GatewayGroup(HelpGroup):
    """A group of commands that know the session."""

    command_class = SessionCommand


@click.group(cls=_GatewayGroup)
def gateway() -> None:
    """On what ground amounts are told, where the network asks for one."""


@gateway.command("list")
@click.option("--partner", metavar="HANDLE", help="This member's alone.")
@click.option("--all", "with_ended", is_flag=True, help="Ended ones, too.")
@pass_session
def list_(session: Session, *, partner: str | None, with_ended: bool) -> None:
    """List what members declared, and until when the operator's verification lasts."""
    now = datetime.fromtimestamp(int(session.now()), UTC)
    session.show_list(
        (
            view
            for view in session.client().gateways(partner)
            if with_ended or view.ended_at is None
        ),
        ("gateway", "partner", "ground", "state", "declared"),
        lambda view: (
            view.id,
            view.partner,
            gateway_words(view.gateway, view.document_sha256),
            _state(view, now),
            minute(view.declared_at),
        ),
        empty="Nobody has declared a gateway.",
    )


@gateway.command("declare")
@click.argument("ground", metavar="GROUND", type=click.Choice(_DECLARABLE))
@click.option(
    "--document",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What shows it; of own_terms, the agreement. Its hash is named, the file stays here.",
)
@pass_session
def declare(session: Session, *, ground: str, document: Path | None) -> None:
    """Declare a ground on which you tell amounts, as a security lead or compliance.

    GROUND is us_314b, uk_s188, eu_amlr75 or own_terms. It counts once the operator has verified it.
    Own terms are shared by those who declare the very same agreement.
    """
    if ground == Gateway.OWN_TERMS and document is None:
        raise click.UsageError("own_terms goes with --document: the agreement that both signed")
    named = None if document is None else sha256(document.read_bytes()).hexdigest()
    _show(session, session.client().declare_gateway(Gateway(ground), document_sha256=named))


@gateway.command("withdraw")
@click.argument("gateway_id", metavar="GTW_…")
@pass_session
def withdraw(session: Session, gateway_id: str) -> None:
    """Take a gateway of yours back: later amounts are not told under it."""
    _show(session, session.client().withdraw_gateway(gateway_id))


def _show(session: Session, view: GatewayView) -> None:
    rows = [
        ("gateway", view.id),
        ("ground", gateway_words(view.gateway, view.document_sha256)),
        ("document", view.document_sha256),
        ("state", _state(view, datetime.fromtimestamp(int(session.now()), UTC))),
    ]
    session.show(view, lambda: session.out.print(facts(rows)))


def _state(view: GatewayView, now: datetime) -> str:
    if view.ended_at is not None:
        return f"ended {minute(view.ended_at)}"
    if view.verified_until is None:
        return "not verified yet"
    if view.verified_until <= now:
        return f"lapsed {minute(view.verified_until)}"
    return f"verified until {minute(view.verified_until)}"


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(gateway)
