"""`holdfast trigger`: have a sample of any event sent to an endpoint of yours."""

import difflib

import click

from holdfast.cli.session import Session, pass_session
from holdfast.protocol.vocabulary import EventType

_SAID = {
    "delivered": "The sample was taken.",
    "dead": "The sample was not taken.",
    "queued": "The sample is on its way.",
}


class _Event(click.ParamType[EventType]):
    """A type of event; what is misspelt is answered with those that come near."""

    name = "event"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> EventType:
        """Return the event, or say which there are."""
        known = [each.value for each in EventType]
        if value not in known:
            near = difflib.get_close_matches(str(value), known, n=3, cutoff=0.5) or known
            self.fail(f"{value} is no event; there is {', '.join(near)}", param, ctx)
        return EventType(value)


@click.command("trigger")
@click.argument("event", metavar="EVENT", type=_Event())
@click.option("--endpoint", "endpoint_id", help="Which of yours; without it the only one.")
@pass_session
def trigger(session: Session, event: EventType, *, endpoint_id: str | None) -> None:
    """Have a sample of an event sent to one of your endpoints, e.g. freeze_request.received.

    It has the type and the form of a real one, and `"sample": true` in its data. Nothing in it
    exists, no proof in it verifies, and it is in no feed: only that endpoint gets it.
    """
    wanted = endpoint_id or _only_endpoint(session)
    answer = session.client().test_endpoint(wanted, event_type=event)
    body = answer.body if isinstance(answer.body, dict) else {"status": "queued"}
    said = _SAID.get(str(body.get("status")), _SAID["queued"])
    listing = f"`holdfast endpoint deliveries {wanted}` shows what came of it."
    session.show(body, lambda: session.out.print(f"{said} {listing}", markup=False))


def _only_endpoint(session: Session) -> str:
    turned_on = [each for each in session.client().endpoints() if each.enabled]
    if not turned_on:
        raise click.UsageError("you have no endpoint that is on: `holdfast endpoint add URL`")
    if len(turned_on) > 1:
        named = ", ".join(f"{each.id} ({each.url})" for each in turned_on)
        raise click.UsageError(f"say which one with --endpoint: {named}")
    return turned_on[0].id


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(trigger)
