"""What every command shares: the chosen profile, the client, and where output goes."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn, TypeVar

import click
from pydantic import BaseModel
from pydantic import ValidationError as ModelError
from rich.console import Console
from rich.text import Text

from holdfast.cli.exit_codes import ExitCode, exit_code_for
from holdfast.cli.help_pages import HelpContext, HelpGroup
from holdfast.cli.interrupt import is_interrupt, left_behind
from holdfast.cli.layout import facts, printable, stream_console, table
from holdfast.client.client import Client
from holdfast.client.published_roots import PublishedRoots
from holdfast.clock import wall_clock
from holdfast.drafting.draft import fault_words
from holdfast.errors import (
    ApiError,
    AuthenticationError,
    HoldfastError,
    InvalidDraftError,
    LogHandoverError,
    PinMismatchError,
    ProfileError,
)
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.log_handover import follow_log_keys
from holdfast.monitor.folder import monitor_folder
from holdfast.monitor.receipts import receipts_kept_in
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import canonical_json
from holdfast.protocol.amounts import KnownAssets, format_amount, format_number, shipped_assets
from holdfast.protocol.chains.chain import Chains, shipped_chains
from holdfast.protocol.errors import MissingLibraryError
from holdfast.protocol.log_keys import LogKeys
from holdfast.protocol.payloads import parse_time
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.protocol.type_ids import id_pattern
from holdfast.wording import DRILL, counted

# With how things lie on the screen, which every command needs beside its session.
__all__ = [
    "CASE_ID",
    "EVIDENCE_ID",
    "INCIDENT_ID",
    "RECOVERY_ID",
    "REQUEST_ID",
    "THUMBPRINTS",
    "TIME",
    "Session",
    "SessionCommand",
    "SessionGroup",
    "facts",
    "pass_session",
    "print_json",
    "printable",
    "table",
]

T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """One run of the command line.

    Attributes:
        store: Profiles and pins.
        profile_name: Of --as or HOLDFAST_PROFILE.
        as_json: Print JSON for programs instead of tables for people.
        in_base_units: Show amounts as they stand on the wire.
        hint: How to go on after Ctrl-C, where a command knows.
        now: Wall time in seconds since 1970.
    """

    store: ProfileStore = field(default_factory=ProfileStore.from_environment)
    profile_name: str | None = None
    as_json: bool = False
    in_base_units: bool = False
    hint: str | None = None
    _assets: KnownAssets | None = None
    _names: dict[str, str] | None = None
    _clients: list[Client] = field(default_factory=list)
    out: Console = field(default_factory=lambda: stream_console(sys.stdout))
    err: Console = field(default_factory=lambda: stream_console(sys.stderr))
    now: Callable[[], float] = field(default_factory=lambda: wall_clock(os.environ))

    def profile(self) -> Profile:
        """Return the chosen profile, or raise ProfileError."""
        return self.store.choose(self.profile_name)

    @property
    def content(self) -> Console:
        """Where to show what somebody decides on: standard output, unless programs read that."""
        return self.err if self.as_json else self.out

    def client(self, profile: Profile | None = None) -> Client:
        """Return a client for a profile, by default the chosen one."""
        profile = profile or self.profile()
        watched = monitor_folder(self.store.home, profile.coordinator)
        # Where a monitor looks receipts up, what is done here leaves its own.
        on_receipt = receipts_kept_in(watched) if watched.is_dir() else None
        made = Client(profile, now=self.now, on_receipt=on_receipt)
        self._clients.append(made)
        return made

    def directory(self, client: Client) -> KeyDirectory:
        """Return other partners' keys, held against one's pins."""
        return KeyDirectory(client, client.profile.coordinator, pins=self.store.pins())

    def log_key(self, client: Client) -> LogKeys | None:
        """Return the keys of the coordinator's log: those that were kept, else as it names it now.

        Another key than the kept ones is kept, too, if the log itself has handed over to it.

        Raises:
            PinMismatchError: The coordinator names another key than those.
        """
        coordinator = client.profile.coordinator
        kept, offered = self.store.log_key(coordinator), client.log_key()
        if offered is not None and (kept is None or offered not in kept.keys):
            return self.followed_log_key(
                coordinator, kept or LogKeys.of(offered), offered, client.log_key_statements()
            )
        if kept is not None and offered is None:
            raise PinMismatchError(
                f"{coordinator} names no key of its log any more, and it was {kept.newest}: ask its"
                " operator why before you rely on it"
            )
        return kept

    def followed_log_key(
        self,
        coordinator: str,
        trusted: LogKeys,
        offered: NoteVerifier,
        statements: Iterable[bytes],
    ) -> LogKeys:
        """Return, and keep, the keys of a log that follow from the trusted ones to the offered.

        Raises:
            PinMismatchError: The log did not hand over to that one.
        """
        try:
            found = follow_log_keys(trusted, statements)
        except LogHandoverError as error:
            raise PinMismatchError(
                f"{coordinator} names {offered} as the key of its log, it was {trusted.newest}, and"
                f" what the log says of its keys does not hold ({error.code}): {error}. Ask its"
                " operator before you rely on it"
            ) from None
        if offered not in found.keys:
            raise PinMismatchError(
                f"{coordinator} names {offered} as the key of its log, it was {trusted.newest}, and"
                " the log did not hand over to another: ask its operator why before you rely on"
                f" it. The kept key is in {self.store.home / 'log-keys.json'}"
            )
        self.store.keep_log_key(coordinator, found)
        if found.newest != trusted.newest:
            self.err.print(
                f"The log of {coordinator} was handed over, under the key that was kept, to"
                f" {found.newest}: compare that with the operator and other members.",
                markup=False,
            )
        return found

    def who(self, subject: str | None) -> str | None:
        """Return a person or system by name and id, or by id alone: "Ada (per_…)".

        Only one's own have names. They are read once, where the first is shown, and a command that
        cannot read them does without.
        """
        if subject is None:
            return None
        if self._names is None:
            try:
                self._names = self.client().names()
            except HoldfastError:
                self._names = {}
        name = self._names.get(subject)
        return f"{name} ({subject})" if name else subject

    def chains(self) -> Chains:
        """Return the coordinator's chain table as last read, else the one that ships."""
        return self.store.chains(self.profile().coordinator) or shipped_chains()

    @property
    def assets(self) -> KnownAssets:
        """The assets whose symbols and decimals are known, by the coordinator's table if read."""
        if self._assets is None:
            try:
                self._assets = KnownAssets(self.chains())
            except (ProfileError, MissingLibraryError):
                self._assets = shipped_assets()  # as for what needs no profile
        return self._assets

    def amount(self, base_units: str | None, asset: str | None) -> str | None:
        """Return an amount for people, in units with its symbol, or in base units on demand."""
        if base_units is None or self.in_base_units or asset is None:
            return base_units
        return format_amount(base_units, self.assets.unit(asset), asset=asset)

    def number(self, base_units: str, asset: str) -> str:
        """Return an amount whose asset stands beside it, as `asset_name` writes that."""
        unit = self.assets.unit(asset)
        return base_units if unit is None or self.in_base_units else format_number(base_units, unit)

    def asset_name(self, asset: str | None) -> str | None:
        """Return what people call an asset and its chain: "USDT (Ethereum)"."""
        unit = self.assets.unit(asset)
        if asset is None or self.in_base_units:
            return asset
        if unit is None:
            return f"{asset} (base units, decimals unknown)"
        return f"{unit.symbol} ({self.assets.chain_name(asset.partition('/')[0])})"

    def published_roots(self) -> PublishedRoots:
        """Return what looks up which root keys partners publish themselves."""
        return PublishedRoots()

    def show(self, value: BaseModel | dict[str, Any], render: Callable[[], None]) -> None:
        """Print `value` as JSON, or what `render` prints; of a drill that it is one, first."""
        if self.as_json:
            print_json(value)
            return
        self.say_drill(value)
        render()

    def say_drill(self, value: object) -> None:
        """Say of a view of a drill that it is one."""
        if getattr(value, "drill", None):
            self.out.print(Text(DRILL, style="bold"))

    def show_list(
        self,
        items: Iterable[T],
        columns: Sequence[str],
        cells: Callable[[Any], Sequence[object]],
        *,
        empty: str,
        as_json: Callable[[Any], BaseModel | dict[str, Any]] = lambda item: item,
    ) -> None:
        """Print a list as JSON lines, one object each, or as a table."""
        if self.as_json:
            for item in items:
                print_json(as_json(item))
            return
        rows = [cells(item) for item in items]
        if rows:
            self.out.print(table(columns, rows))
        else:
            self.out.print(empty)

    def stop(self, word: str = "Stopped.", status: int = ExitCode.INTERRUPTED) -> NoReturn:
        """Say what Ctrl-C, or a "no" to a question, left behind, and leave."""
        transports = [client.transport for client in self._clients]
        under_way = [change for each in transports for change in each.under_way]
        made = sum(each.changes_made for each in transports)
        self.err.print()
        for line in (word, *left_behind(under_way, made, self.hint)):
            self.err.print(line, markup=False)
        raise click.exceptions.Exit(status)

    def fail(self, error: Exception) -> NoReturn:
        """Say what went wrong and leave with the exit status that means it."""
        lines = _lines(error)
        if self.as_json:
            code = error.code if isinstance(error, ApiError) else type(error).__name__
            document = {"error": {"code": code, "message": lines[0], "faults": lines[1:]}}
            sys.stderr.write(canonical_json.dumps(document).decode() + "\n")
        else:
            self.err.print(Text(f"Error: {lines[0]}", style="bold red"))
            for line in _not_said(lines):
                self.err.print(Text(f"  {line}"))
        raise click.exceptions.Exit(exit_code_for(error))


def _lines(error: Exception) -> list[str]:
    """Return what to print: a headline, then every single fault."""
    if isinstance(error, InvalidDraftError):
        count = len(error.faults) + error.unlisted
        return [
            f"{counted(count, 'fault')}; {error.undone}",
            *error.faults,
            *_rest(error.unlisted),
            *filter(None, [error.next_check]),
        ]
    if isinstance(error, ModelError):
        faults = [
            ": ".join(filter(None, ("/".join(map(str, fault["loc"])), fault_words(fault))))
            for fault in error.errors()
        ]
        return ["this cannot be sent as it is", *faults]
    if isinstance(error, ApiError):
        lines = [str(error)]
        lines.extend(": ".join(filter(None, (f.place, f.detail))) for f in error.errors)
        lines.extend(_rest(error.unlisted))
        if isinstance(error, AuthenticationError):
            lines.append(
                "check the profile, that its key is granted, that your organisation is not "
                "suspended, and this machine's clock"
            )
            if error.problem.request_id:
                asked = f"the operator finds the reason in the log under {error.problem.request_id}"
                lines.append(f"{asked}; `holdfast explain` finds faults of a token that you made")
        return lines
    return [str(error)]


def _not_said(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines below a headline; none where it says the one fault already."""
    headline, *others = lines
    is_said = len(others) == 1 and headline.endswith(f": {others[0].partition(': ')[2]}")
    return [] if is_said else others


def _rest(unlisted: int) -> list[str]:
    return [f"and {unlisted} more"] if unlisted else []


def print_json(value: BaseModel | dict[str, Any]) -> None:
    """Print one JSON document on a line of its own."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    sys.stdout.write(canonical_json.dumps(plain).decode() + "\n")
    sys.stdout.flush()


#: For commands that take a thumbprint, which may begin with a hyphen and is no option then.
THUMBPRINTS = {"ignore_unknown_options": True, "help_option_names": ["--help"]}

pass_session = click.make_pass_decorator(Session)


class _Id(click.ParamType[str]):
    """The id of something: it becomes a part of a path, and nothing else may."""

    def __init__(self, prefix: str, what: str, *others: str) -> None:
        self.name = prefix
        self._what = what
        self._prefixes = (prefix, *others)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the id as it is, or say what one looks like."""
        if not any(re.fullmatch(id_pattern(each), value, re.ASCII) for each in self._prefixes):
            example = f"{self.name}_01jd3v8z8nfq0a5m6c7d8e9f0g"
            self.fail(f"{value!r} is no {self._what}'s id, e.g. {example}", param, ctx)
        return str(value)


REQUEST_ID = _Id("frq", "request")
#: What there are evidence bundles of.
CASE_ID = _Id("frq", "request, restitution or recovery request", "rst", "rcv")
INCIDENT_ID = _Id("inc", "incident")
EVIDENCE_ID = _Id("sev", "sealed evidence")
RECOVERY_ID = _Id("rcv", "recovery request")
DATA_SUBJECT_ID = _Id("dsr", "data-subject request")


class _Time(click.ParamType[datetime]):
    """A time with its zone."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the time, or say what one looks like."""
        try:
            return parse_time(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


TIME = _Time()


class SessionCommand(click.Command):
    """A command that also takes --as, --json and --base-units behind its name."""

    context_class = HelpContext

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(
            [
                click.Option(
                    ["--as", "as_"],
                    metavar="PROFILE",
                    help="Act as this profile (or HOLDFAST_PROFILE).",
                    expose_value=False,
                    callback=_choose_profile,
                ),
                click.Option(
                    ["--json", "as_json"],
                    is_flag=True,
                    help="Print JSON for programs.",
                    expose_value=False,
                    callback=_choose_json,
                ),
                click.Option(
                    ["--base-units", "base_units"],
                    is_flag=True,
                    help="Show amounts in base units.",
                    expose_value=False,
                    callback=_choose_base_units,
                ),
            ]
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the kit raises on purpose becomes a message and an exit status."""
        try:
            return super().invoke(ctx)
        except (HoldfastError, ModelError) as error:
            ctx.ensure_object(Session).fail(error)
        except (KeyboardInterrupt, click.Abort) as error:
            session = ctx.ensure_object(Session)
            if not is_interrupt(error):
                session.stop("Not done.", ExitCode.UNEXPECTED)
            session.stop()


class SessionGroup(HelpGroup):
    """A group whose commands are `SessionCommand`s."""

    command_class = SessionCommand


def _choose_profile(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value:
        ctx.ensure_object(Session).profile_name = value


def _choose_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        ctx.ensure_object(Session).as_json = True


def _choose_base_units(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        ctx.ensure_object(Session).in_base_units = True
