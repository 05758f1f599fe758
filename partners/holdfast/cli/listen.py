"""`holdfast listen`: your events, posted to a service on this machine while you write it."""

from pathlib import Path

import click
from rich.text import Text

from holdfast.cli.exit_codes import ExitCode
from holdfast.cli.layout import second
from holdfast.cli.session import Session, SessionCommand, pass_session, print_json, printable
from holdfast.client import following
from holdfast.client.following import Listener
from holdfast.protocol import canonical_json, webhook_signature
from holdfast.protocol.errors import KeyFormatError
from holdfast.protocol.views import EventView
from holdfast.webhooks.forwarding import EndpointGoneError, Forwarder, Outcome, local_url
from holdfast.wording import marked


@click.command(cls=SessionCommand)
@click.option("--forward", "url", required=True, help="E.g. http://127.0.0.1:9000/hook.")
@click.option("--after", type=int, default=0, show_default=True, help="The last `seq` it has.")
@click.option("--type", "types", multiple=True, help="Only these types; may be repeated.")
@click.option("--secret", metavar="whsec_…", help="Sign with this; by default with a new one.")
@click.option(
    "--jwks",
    "jwks_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the key of the v1a signatures there, as a coordinator serves its own.",
)
@pass_session
def listen(
    session: Session,
    *,
    url: str,
    after: int,
    types: tuple[str, ...],
    secret: str | None,
    jwks_file: Path | None,
) -> None:
    """Follow your events and post them, signed, to a service on this machine, until Ctrl-C.

    For whoever writes a receiver: no public address is needed, and nothing is registered. What is
    posted is what the coordinator would post, signed by a secret of this machine, which is printed.
    An event that is not taken is tried again, and the next one waits for it. Reading a notice here
    counts as its delivery, as reading the feed does.
    """
    target = local_url(url)
    try:
        forwarder = Forwarder(target, secret or webhook_signature.new_secret(), now=session.now)
    except KeyFormatError as error:
        raise click.UsageError(f"--secret {error}") from None
    if jwks_file is not None:
        jwks_file.write_bytes(canonical_json.dumps(forwarder.jwks) + b"\n")
    _say_start(session, forwarder, after, jwks_file)
    session.hint = _go_on(forwarder, after)
    listener = Listener(
        away=lambda error, seconds: session.err.print(
            f"{error}. Asking again in {seconds:.0f} s; no event is lost.", markup=False
        ),
        back=lambda: session.err.print("The coordinator answers again."),
    )
    for event in following.follow(session.client(), after, listener, types=types):
        _forward(session, forwarder, event)
        session.hint = _go_on(forwarder, event.seq)


def _forward(session: Session, forwarder: Forwarder, event: EventView) -> None:
    try:
        forwarder.forward(event, lambda outcome: _tell(session, event, outcome))
    except EndpointGoneError:
        session.err.print(
            "Your service says that it is gone (410): a coordinator would stop here, too."
            f" {session.hint}",
            markup=False,
        )
        raise click.exceptions.Exit(ExitCode.REFUSED) from None


def _say_start(session: Session, forwarder: Forwarder, after: int, jwks: Path | None) -> None:
    session.err.print(f"Events after {after} go to {forwarder.url}.", markup=False)
    session.err.print("The secret that signs them, of this machine alone (--secret uses it again):")
    session.err.print(f"  {forwarder.secret}", markup=False)
    if jwks is not None:
        session.err.print(f"The key of their v1a signatures is in {jwks}.", markup=False)


def _tell(session: Session, event: EventView, outcome: Outcome) -> None:
    if session.as_json:
        print_json(
            {
                "seq": event.seq,
                "id": event.id,
                "type": event.type,
                "drill": event.data.get("drill") is True,
                "status": outcome.status,
                "taken": outcome.is_taken,
            }
        )
        return
    what = marked(event.type, drill=event.data.get("drill") is True)
    line = f"{event.seq:>6}  {second(event.timestamp)}  {what}  {outcome}"
    if outcome.wait is not None:
        line += f"; again in {outcome.wait:.0f} s"
    session.out.print(Text(printable(line)))


def _go_on(forwarder: Forwarder, after: int) -> str:
    command = f"holdfast listen --forward {forwarder.url} --after {after}"
    return f"Your service took all up to {after}: `{command}` goes on behind it."


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(listen)
