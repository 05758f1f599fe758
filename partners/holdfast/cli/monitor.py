"""`holdfast monitor`: following the transparency log, and cosigning it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click
from rich.text import Text

from holdfast.cli.layout import second
from holdfast.cli.session import Session, SessionCommand, pass_session, print_json, printable
from holdfast.client.transport import Transport
from holdfast.errors import (
    PinMismatchError,
    RateLimitedError,
    TransportError,
    UnavailableError,
    UntrustedEvidenceError,
)
from holdfast.monitor.folder import monitor_folder
from holdfast.monitor.monitor import LogMonitor, Step
from holdfast.monitor.receipts import Owed
from holdfast.monitor.source import PublicLog
from holdfast.monitor.witness import Witness
from holdfast.profiles.store import checked_origin
from holdfast.profiles.tag_keys import TagKeyFile
from holdfast.protocol.errors import NoteError
from holdfast.protocol.log_entry import LogEntry
from holdfast.protocol.log_keys import HANDED_OVER, KeyChange, LogKeys
from holdfast.protocol.payloads import format_time
from holdfast.protocol.routing_tag import is_for
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.wording import counted

_AWAY = (TransportError, UnavailableError, RateLimitedError)
#: Lines about what was not delivered yet, at a time.
_TOLD = 5


class _LogKey(click.ParamType[NoteVerifier]):
    """A log's verifier key."""

    name = "KEY"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> NoteVerifier:
        """Return the key, or say what one looks like."""
        try:
            return NoteVerifier.parse(str(value))
        except NoteError as error:
            self.fail(str(error), param, ctx)


@click.command(cls=SessionCommand)
@click.option(
    "--coordinator",
    metavar="URL",
    help="Whose log, for whoever has no profile there; by default the profile's.",
)
@click.option(
    "--log-key",
    type=_LogKey(),
    help="The log's key from a place that you trust; by default the one that was kept, or that it"
    " names at the first time.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where entries and state are kept; by default below $HOLDFAST_HOME/monitor.",
)
@click.option(
    "--witness",
    "witness_name",
    metavar="NAME",
    help="Cosign what was verified, as this witness, e.g. exchange-a.example/witness.",
)
@click.option("--once", is_flag=True, help="Catch up, and end.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0.0),
    default=24.0,
    show_default=True,
    help="Hours after which what was logged for you must have been delivered.",
)
@click.option(
    "--deliveries",
    is_flag=True,
    help="Alarm, too, if what is tagged for you is not among your receiver's receipts: for one that"
    " keeps them in the folder, and an endpoint that takes every type.",
)
@click.option(
    "--acknowledge",
    is_flag=True,
    help="Go on after an alarm that you looked into; what was kept of it stays.",
)
@pass_session
def monitor(
    session: Session,
    *,
    coordinator: str | None,
    log_key: NoteVerifier | None,
    folder: Path | None,
    witness_name: str | None,
    once: bool,
    interval: float,
    patience: float,
    deliveries: bool,
    acknowledge: bool,
) -> None:
    """Follow the transparency log, so that nobody can rewrite it unseen.

    Each checkpoint must continue the one before, by the entries themselves, which are kept.
    Receipts that your receiver and your client put into the folder must be in the log. If the log
    forks, goes back, or leaves something out, both checkpoints are kept, the status is 9, and
    nothing goes on before --acknowledge. With --witness each verified checkpoint is cosigned.
    """
    origin = _origin(session, coordinator)
    log = PublicLog(Transport(None, origin, now=session.now))
    key = _log_key(session, origin, log_key)
    place = folder or monitor_folder(session.store.home, origin)
    witness = None if witness_name is None else Witness.open(place, witness_name)
    watching = LogMonitor(
        place,
        key,
        log,
        witness=witness,
        patience=timedelta(hours=patience),
        is_mine=_is_mine(session, origin) if deliveries else None,
        now=lambda: datetime.fromtimestamp(session.now(), UTC),
    )
    with watching:
        if acknowledge:
            watching.acknowledge()
        _say_start(session, watching)
        session.hint = "Run it again: it goes on from where it was."
        if once:
            _tell(session, _step(session, origin, watching))
            return
        _follow(session, origin, watching, interval)


def _step(session: Session, origin: str, watching: LogMonitor) -> Step:
    """Take a step, and keep the keys to which the log handed over, for `holdfast verify`, too."""
    step = watching.step()
    if step.key_changes:
        session.store.keep_log_key(origin, watching.log_keys)
    return step


def _follow(session: Session, origin: str, watching: LogMonitor, interval: float) -> None:
    told = None
    while True:
        try:
            step = _step(session, origin, watching)
        except _AWAY as error:
            session.err.print(f"{error}. Asking again in {interval:g} s.", markup=False)
        else:
            # What stays as it was is told once.
            news = (step.size, step.published, step.found, step.receipts, step.not_taken)
            if news != told or step.cosigned or step.key_changes:
                _tell(session, step)
            told = news
        time.sleep(interval)


def _origin(session: Session, coordinator: str | None) -> str:
    if coordinator is not None:
        return checked_origin(coordinator)
    name = session.store.chosen_name(session.profile_name)
    return session.store.describe(name).coordinator


def _is_mine(session: Session, origin: str) -> Callable[[int, LogEntry], bool]:
    """Return what tells of an entry whether it is tagged for the profile's partner."""
    profile = session.store.describe(session.store.chosen_name(session.profile_name))
    keys = TagKeyFile(session.store.home).keys(origin, profile.handle)
    if not keys:
        raise click.UsageError(
            f"no tag key of {profile.handle} at {origin} is kept in {session.store.home}: a lead"
            " sends a new one with holdfast tag-key rotate"
        )
    return partial(is_for, keys)


def _log_key(session: Session, origin: str, given: NoteVerifier | None) -> LogKeys:
    """Return the log's keys: those that were kept, else the given, else as it names it now."""
    kept = session.store.log_key(origin)
    if kept is not None:
        if given is not None and given not in kept.keys:
            raise PinMismatchError(
                f"--log-key is {given}, and {kept.newest} was kept in"
                f" {session.store.home / 'log-keys.json'}: find out which is right"
            )
        return kept
    key = given or _offered(session, origin)
    session.store.keep_log_key(origin, key)
    return LogKeys.of(key)


def _offered(session: Session, origin: str) -> NoteVerifier:
    answer = Transport(None, origin, now=session.now).read_public("/v1").body
    try:
        key = NoteVerifier.parse(answer["log"]["verifier_key"])
    except (LookupError, TypeError, NoteError):
        raise UntrustedEvidenceError(f"{origin} names no key of a log", code="log_key") from None
    session.err.print(f"Kept as the key of its log, compare it with other members: {key}")
    return key


def _say_start(session: Session, watching: LogMonitor) -> None:
    session.err.print(
        f"Watching {watching.log_key.name} from entry {watching.size} on, in {watching.folder}.",
        markup=False,
    )
    if watching.witness is not None:
        session.err.print(
            f"The operator takes your cosignatures once the log's policy names your key:\n"
            f"  {watching.witness.verifier}",
            markup=False,
        )


def _tell(session: Session, step: Step) -> None:
    if session.as_json:
        print_json(_as_json(step))
        return
    parts = ["1 entry verified" if step.size == 1 else f"{step.size} entries verified"]
    if step.added:
        parts[0] += f", {step.added} of them new"
    parts.append(f"published: {step.published or 'nothing'}")
    if step.cosigned:
        parts.append(f"cosigned: {step.cosigned}")
    if step.not_taken:
        parts.append(f"cosignature not taken: {step.not_taken}")
    if step.receipts:
        parts.append(f"{step.found} of {counted(step.receipts, 'receipt')} found")
    session.out.print(Text(printable(f"{second(step.at)}  {'; '.join(parts)}")))
    for line in (*map(_key_change, step.key_changes), *map(_owed, step.undelivered[:_TOLD])):
        session.out.print(Text(printable(f"  {line}")))
    if len(step.undelivered) > _TOLD:
        session.out.print(f"  and {len(step.undelivered) - _TOLD} more", markup=False)


def _owed(each: Owed) -> str:
    return (
        f"entry {each.index} was logged for you, not delivered yet: {each.type} at"
        f" {second(each.at)}"
    )


def _key_change(change: KeyChange) -> str:
    if change.type == HANDED_OVER:
        return (
            f"entry {change.index} hands the log over to {change.new}: compare that with the"
            " operator and other members"
        )
    return f"entry {change.index}: {change.old} signs the log no more"


def _as_json(step: Step) -> dict[str, object]:
    return {
        "at": format_time(step.at),
        "size": step.size,
        "added": step.added,
        "published": step.published,
        "cosigned": step.cosigned,
        "not_taken": step.not_taken,
        "receipts": step.receipts,
        "found": step.found,
        "undelivered": [
            {"leaf_index": each.index, "type": each.type, "at": format_time(each.at)}
            for each in step.undelivered
        ],
        "key_changes": [
            {
                "leaf_index": each.index,
                "type": each.type,
                "old_key": str(each.old),
                "new_key": str(each.new),
            }
            for each in step.key_changes
        ],
    }


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(monitor)
