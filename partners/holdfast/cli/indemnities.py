"""`holdfast indemnify`, `indemnities`: what a wrong freeze costs is made good."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from holdfast.cli.amount_options import parse_option
from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.cli.sums import dollars
from holdfast.protocol.life_cycle_payloads import IndemnityCap
from holdfast.protocol.life_cycle_views import IndemnityView
from holdfast.protocol.payloads import parse_time

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)


def _cap_words(session: Session, cap: Mapping[str, Any] | None) -> str | None:
    if cap is None:
        return None
    if "usd" in cap:
        return f"USD {dollars(cap['usd'])}"
    if session.in_base_units:
        return f"{cap['amount']} of {cap['asset']}"
    return session.amount(cap["amount"], cap["asset"])


@click.command(cls=SessionCommand)
@_REQUEST
@click.option(
    "--document",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The indemnity; it stays here, its hash is signed.",
)
@click.option("--cap-usd", metavar="AMOUNT", help="The most that is made good.")
@click.option(
    "--cap",
    nargs=2,
    metavar="AMOUNT ASSET",
    help="The same in an asset: '1.5 ETH' or base units, and the asset as CAIP-19 or -.",
)
@click.option("--law", required=True, help="A country, e.g. EE, or a few words.")
@click.option("--until", required=True, metavar="TIME", help="E.g. 2026-12-01T00:00:00Z.")
@click.option("--to", metavar="PARTNER", help="To this partner alone; by default to all asked.")
@pass_session
def indemnify(
    session: Session,
    request_id: str,
    *,
    document: Path,
    cap_usd: str | None,
    cap: tuple[str, str] | None,
    law: str,
    until: str,
    to: str | None,
) -> None:
    """Give an indemnity by the hash of its document.

    Whoever declined for want of one may then review again.
    """
    if (cap_usd is None) == (cap is None):
        raise click.UsageError("say --cap-usd AMOUNT or --cap AMOUNT ASSET")
    try:
        end = parse_time(until)
    except ValueError as error:
        raise click.UsageError(f"--until {error}") from None
    most = {"usd": cap_usd} if cap is None else _cap(session, *cap)
    client = session.client()
    view = client.give_indemnity(
        client.freeze_request(request_id),
        IndemnityCap.model_validate(most),
        law=law,
        until=end,
        document_sha256=sha256(document.read_bytes()).hexdigest(),
        to=to,
    )
    session.show(view, lambda: session.out.print(facts(_rows(session, view))))


def _cap(session: Session, amount: str, asset: str) -> dict[str, str | None]:
    named, base_units = parse_option("--cap", amount, session.assets, asset=asset)
    return {"amount": base_units, "asset": named}


def _rows(session: Session, view: IndemnityView) -> list[tuple[str, object]]:
    return [
        ("to", view.to or "all partners asked"),
        ("at most", _cap_words(session, view.cap)),
        ("law", view.law),
        ("until", minute(view.until)),
        ("document", view.document_sha256),
    ]


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def indemnities(session: Session, request_id: str) -> None:
    """List the indemnities given on a request."""
    session.show_list(
        session.client().indemnities(request_id),
        ("given", "to", "at most", "law", "until", "document"),
        lambda view: (
            minute(view.given_at),
            view.to or "all",
            _cap_words(session, view.cap),
            view.law,
            f"{view.until:%Y-%m-%d}",
            view.document_sha256,
        ),
        empty="No indemnity was given.",
    )


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (indemnify, indemnities):
        cli.add_command(command)
