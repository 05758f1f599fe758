"""`holdfast entry`: what one's own organisation says of itself in the directory."""

from collections.abc import Sequence

import click

from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.protocol.directory_payloads import OpeningHours
from holdfast.protocol.membership_payloads import PartnerChanges
from holdfast.protocol.opening_hours import hours_words, read_span
from holdfast.protocol.views import PartnerView
from holdfast.protocol.vocabulary import FreezesOn

#: Takes away what was said.
_NOTHING = "none"
_FREEZES_ON = {
    FreezesOn.REQUEST: "a request",
    FreezesOn.ORDER: "an order only",
}
COLUMNS = ("partner", "freezes on", "jurisdictions", "languages", "hours")


@click.command(cls=SessionCommand)
@click.option(
    "--freezes-on",
    type=click.Choice([each.value for each in FreezesOn]),
    help="What you freeze on; requesters are told of `order` before they send.",
)
@click.option(
    "--jurisdiction", "jurisdictions", multiple=True, metavar="ISO", help="All of them, or `none`."
)
@click.option(
    "--language", "languages", multiple=True, metavar="TAG", help="All of them, or `none`."
)
@click.option(
    "--hours",
    "spans",
    multiple=True,
    metavar="SPAN",
    help='All of them, as in "mon-fri 09:00-17:30" or "sat 10:00-24:00", or `none`.',
)
@click.option("--zone", help="On whose wall clock: as in Europe/Berlin.")
@click.option(
    "--named-in-statistics/--not-named",
    default=None,
    help="Whether members read figures of you under your name.",
)
@pass_session
def entry(
    session: Session,
    *,
    freezes_on: str | None,
    jurisdictions: tuple[str, ...],
    languages: tuple[str, ...],
    spans: tuple[str, ...],
    zone: str | None,
    named_in_statistics: bool | None,
) -> None:
    """Show what your organisation says of itself; a security lead changes what is named.

    How it is reached: `holdfast contacts`. What all members say: `holdfast partners --entries`.
    """
    client = session.client()
    changes: dict[str, object] = {}
    if freezes_on is not None:
        changes["freezes_on"] = freezes_on
    for name, said in (("jurisdictions", jurisdictions), ("languages", languages)):
        if said:
            changes[name] = [] if said == (_NOTHING,) else list(said)
    if spans:
        changes["hours"] = None if spans == (_NOTHING,) else _hours(spans, zone)
    elif zone is not None:
        raise click.UsageError("--zone goes with --hours: name all spans")
    if named_in_statistics is not None:
        changes["named_in_statistics"] = named_in_statistics
    view = client.change_me(PartnerChanges.model_validate(changes)) if changes else client.me()
    session.show(view, lambda: session.out.print(facts(_entry(view))))


def row(view: PartnerView) -> Sequence[object]:
    """Return what a list of members shows of an entry, in the order of `COLUMNS`."""
    return (
        view.handle,
        _FREEZES_ON[view.freezes_on],
        view.jurisdictions,
        view.languages,
        _hours_words(view),
    )


def order_only_line(handles: Sequence[str]) -> str:
    """Return what a requester is told of partners that freeze on an order alone."""
    who = ", ".join(handles)
    verb = "freezes" if len(handles) == 1 else "freeze"
    return f"{who} {verb} on a legal order only, and this request names none"


def _entry(view: PartnerView) -> list[tuple[str, object]]:
    return [
        ("freezes on", _FREEZES_ON[view.freezes_on]),
        ("jurisdictions", view.jurisdictions or "not said"),
        ("languages", view.languages or "not said"),
        ("hours", _hours_words(view) or "not said"),
        ("named in statistics", "yes" if view.named_in_statistics else "no"),
    ]


def _hours_words(view: PartnerView) -> str:
    return hours_words(None if view.hours is None else view.hours.model_dump(mode="json"))


def _hours(spans: Sequence[str], zone: str | None) -> OpeningHours:
    if zone is None:
        raise click.UsageError("say --zone, as in Europe/Berlin: hours are of its wall clock")
    try:
        read = [read_span(each) for each in spans]
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return OpeningHours.model_validate({"zone": zone, "spans": read})


def register(cli: click.Group) -> None:
    """Add the command."""
    cli.add_command(entry)
