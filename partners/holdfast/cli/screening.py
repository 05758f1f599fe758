"""`holdfast screen`, `renew-flags`: does a deposit meet an account that you were asked about?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session, table
from holdfast.protocol.payloads import format_time
from holdfast.screening import Deposit, Screened, Screening, ScreeningStatus, Verdict
from holdfast.wording import counted

#: What is to be done, in a sentence.
_WORDS = {
    Verdict.CLEAN: "nothing flags it",
    Verdict.BELOW: "flagged, and smaller than anybody asks to have held",
    Verdict.HOLD: "have a person look at this one deposit",
    Verdict.REVIEW: "flagged, but the account meets very many customers",
    Verdict.STALE: "nothing known flags it, and too little is known: sync first",
}
_FOLDER = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the flags are kept; by default below $HOLDFAST_HOME.",
)


class _ScreenGroup(HelpGroup):
    """A group of commands that know the session."""

    command_class = SessionCommand


@click.group("screen", cls=_ScreenGroup)
def screen() -> None:
    """Screen deposits by the accounts that you were asked about.

    It freezes nothing: a deposit that is flagged waits for a person, 24 hours at most.
    """


@screen.command("sync")
@_FOLDER
@click.option("--no-report", is_flag=True, help="Do not tell the coordinator how far you are.")
@pass_session
def sync(session: Session, folder: Path | None, *, no_report: bool) -> None:
    """Read what changed, verify it, and tell the coordinator up to where you screen.

    A profile with the role screening is enough, and can do nothing else. Every few minutes is
    right: after 60 minutes nothing is clean any more.

    Exit status 8 if the feed does not prove what it says.
    """
    with _opened(session, folder, is_reader=False) as screening:
        screening.sync()
        if not no_report:
            screening.report()
        status = screening.status()
    session.show({**asdict(status)}, lambda: _show_status(session, status))


@screen.command("status")
@_FOLDER
@pass_session
def status(session: Session, folder: Path | None) -> None:
    """Show how many flags you have, of when, and whether they are too old."""
    with _opened(session, folder, is_reader=True) as screening:
        found = screening.status()
    session.show({**asdict(found)}, lambda: _show_status(session, found))


@screen.command("check")
@click.argument("account", metavar="ACCOUNT")
@click.option("--tag", help="Tag, memo or payment id of the account.")
@click.option("--asset", metavar="CAIP-19", help="What came in.")
@click.option("--amount", type=click.IntRange(min=0), help="How much of it, in base units.")
@_FOLDER
@pass_session
def check(
    session: Session,
    account: str,
    *,
    tag: str | None,
    asset: str | None,
    amount: int | None,
    folder: Path | None,
) -> None:
    """Look an account up (CAIP-10), as it stands; nothing is sent anywhere.

    The account is a deposit's own address or its sender, one hop and no farther.

    Exit status 0 if it is clean or the deposit too small, 1 if not.
    """
    deposit = Deposit(sender=account, sender_tag=tag, asset=asset, amount=amount)
    with _opened(session, folder, is_reader=True) as screening:
        screened = screening.check(deposit)
        found = screening.status()
    session.show(_document(screened), lambda: _show_screened(session, screened, found))
    if screened.verdict not in {Verdict.CLEAN, Verdict.BELOW}:
        raise click.exceptions.Exit(1)


@contextmanager
def _opened(session: Session, folder: Path | None, *, is_reader: bool) -> Iterator[Screening]:
    profile = session.profile()
    host = urlsplit(profile.coordinator).netloc.replace(":", "_")
    place = folder or session.store.home / "screening" / host / profile.name
    client = session.client(profile)
    screening = Screening.open(
        client, place, now=session.now, chains=session.chains(), is_reader=is_reader
    )
    try:
        yield screening
    finally:
        screening.close()


def _document(screened: Screened) -> dict[str, Any]:
    """Return what is found as a program reads it."""
    until = screened.decide_by
    decide_by = None if until is None else format_time(datetime.fromtimestamp(int(until), UTC))
    return {**asdict(screened), "decide_by": decide_by}


def _show_status(session: Session, status: ScreeningStatus) -> None:
    made = None if status.at is None else minute(datetime.fromtimestamp(status.at, UTC))
    rows = [
        ("flags", f"{counted(status.count, 'account')} of {counted(status.requests, 'request')}"),
        ("as of", made),
        ("state", f"STALE: {status.why}" if status.is_stale else "current"),
        ("number", status.seq),
        ("root", status.root or None),
    ]
    session.out.print(facts(rows))


def _show_screened(session: Session, screened: Screened, status: ScreeningStatus) -> None:
    rows = [("verdict", f"{screened.verdict.value}: {_WORDS[screened.verdict]}")]
    if status.is_stale:
        rows.append(("flags", f"STALE: {status.why}"))
    session.out.print(facts(rows))
    if screened.hits:
        cells = [
            (hit.request, hit.address_no, hit.state.value, "" if hit.counts else "too small")
            for hit in screened.hits
        ]
        session.out.print(table(("request", "address", "state", ""), cells))


@click.command("renew-flags", cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@pass_session
def renew_flags(session: Session, request_id: str) -> None:
    """Have deposits screened for your request for another 30 days, as a security lead.

    Flags end by themselves 30 days after the notice. While they last something may come in, so the
    request does not close by itself for some more days, either.
    """
    client = session.client()
    view = client.renew_flags(client.freeze_request(request_id))
    rows = [("request", view.request_id), ("screened until", minute(view.expires_at))]
    session.show(view, lambda: session.out.print(facts(rows)))


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (screen, renew_flags):
        cli.add_command(command)
