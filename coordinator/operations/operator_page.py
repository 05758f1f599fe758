"""/operator, on the bind of /metrics: what needs the operator, and the command beside it.

It reads, and can do nothing: whoever operates the network authors nothing, here either. It tells
counts, states and times, and nothing that a partner wrote of a case. The public port has no such
page.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, abort, request

from coordinator.app import service_wallets
from coordinator.console import render
from coordinator.console.guard import HEADERS
from coordinator.console.partners import fours
from coordinator.console.words import counted, span
from coordinator.domain.clock import Clock
from coordinator.rulebook_files import read_rulebook
from coordinator.settings import Settings, SettingsError
from coordinator.storage import schema
from coordinator.storage.engine.database import Database
from coordinator.storage.reading import operator as store
from coordinator.storage.reading.operator import LogState, MemberState, Owed

#: Deliveries that are due are sent at once; what is due for longer waits for a worker.
_LATE = timedelta(seconds=30)
#: A disk with less than this part free is told of.
_LEAST_FREE = 0.1
_CLOCKS_APART = timedelta(seconds=1)
_GIGABYTE = 10**9


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is as it should be, or not.

    Attributes:
        name: What it is about.
        said: How it is.
        is_good: Whether nothing needs doing.
        command: What to run where something does; "" where no command mends it.
    """

    name: str
    said: str
    is_good: bool = True
    command: str = ""

    @classmethod
    def to_do(cls, name: str, said: str, command: str = "") -> "Line":
        """Return one that needs the operator."""
        return cls(name, said, is_good=False, command=command)


def operator_app(settings: Settings, database: Database, clock: Clock) -> Flask:
    """Return the small app that serves the page and its style sheet, and takes GET alone.

    Args:
        settings: Of the coordinator.
        database: A pool of one connection is enough.
        clock: The coordinator's.
    """
    app = Flask("coordinator.operations.operator_page", static_folder=None)

    @app.before_request
    def _known_name() -> None:
        if not _is_own_name(request.host, settings):
            abort(404)

    @app.after_request
    def _guarded(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.get("/operator")
    def _page() -> Response:
        with database.engine.connect() as connection:
            members, owed = store.members(connection), store.owed(connection)
            log, database_now = store.log_state(connection), store.database_time(connection)
            now = clock.now()
        lines = [
            *_change_lines(log, now),
            *_member_lines(members, now),
            *_owed_lines(owed, now),
            *_host_lines(settings, database),
            *_clock_lines(now, database_now),
        ]
        html = render.template_text(
            "operator.html",
            now=now,
            lines=lines,
            wrong=[each for each in lines if not each.is_good],
            members=[(each, fours(each.root_kid or "")) for each in members],
            owed=owed,
            log=log,
            asset_version=render.asset_version(),
        )
        return Response(html, content_type="text/html; charset=utf-8")

    @app.get("/console/assets/<name>")
    def _asset(name: str) -> Response:
        found = render.asset(name)
        return abort(404) if found is None else found

    return app


def _is_own_name(host: str, settings: Settings) -> bool:
    """Tell whether a request is for this bind's own name, not a stranger's (DNS rebinding)."""
    name = urlsplit(f"//{host}").hostname or ""
    if name in {"localhost", settings.metrics_host}:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _change_lines(log: LogState, now: datetime) -> Iterator[Line]:
    if log.restored_at is not None:
        said = (
            f"none is taken, and nothing is sent, for {span(now - log.restored_at)}: the database "
            "was restored, or is older than what was signed. Reading goes on"
        )
        yield Line.to_do("Changes", said, "holdfast-coordinator reconcile --help")


def _member_lines(members: Sequence[MemberState], now: datetime) -> Iterator[Line]:
    active = sum(each.status == "active" for each in members)
    yield Line("Members", f"{counted(active, 'member')} can act")
    for each in members:
        if each.status == "pending":
            said = "joined: have its thumbprint read to you by telephone, then confirm it"
            command = f"holdfast-coordinator partner confirm {each.handle} THUMBPRINT"
            yield Line.to_do(each.handle, said, command)
        elif each.status == "suspended":
            command = f"holdfast-coordinator partner reinstate {each.handle}"
            yield Line.to_do(each.handle, "is suspended", command)
        elif each.status == "invited":
            yield _invitation(each, now)


def _invitation(member: MemberState, now: datetime) -> Line:
    until = member.invitation_expires_at
    if until is not None and until > now:
        return Line(member.handle, f"is invited; the invitation lasts {span(until - now)} more")
    said = "did not come, and its invitation ran out"
    return Line.to_do(member.handle, said, "holdfast-coordinator partner invite --help")


def _owed_lines(owed: Sequence[Owed], now: datetime) -> Iterator[Line]:
    lanes = sum(each.lanes for each in owed)
    oldest = min((each.oldest_due for each in owed if each.oldest_due is not None), default=None)
    late = timedelta() if oldest is None else now - oldest
    if late > _LATE:
        said = f"send nothing: what was due first has waited for {span(late)}"
        yield Line.to_do("Workers", said, "holdfast-coordinator worker")
    else:
        yield Line("Workers", "send what is due")
    yield Line("Queue", f"{counted(lanes, 'lane')} with something to send" if lanes else "empty")
    for each in owed:
        if each.failing_since is not None:
            said = "takes no events, at one endpoint or more, for"
            yield Line.to_do(each.partner, f"{said} {span(now - each.failing_since)}: call it")
        if each.given_up:
            said = f"has {counted(each.given_up, 'event')} given up; its own people resend them"
            yield Line.to_do(each.partner, said)


def _host_lines(settings: Settings, database: Database) -> Iterator[Line]:
    present, newest = schema.current_revision(database), schema.newest_revision()
    if present == newest:
        yield Line("Schema", f"revision {present}")
    else:
        yield Line.to_do("Schema", f"is old: {present}", "holdfast-coordinator migrate")
    yield from _lists(settings)
    disk = shutil.disk_usage(settings.data_dir)
    said = f"{disk.free // _GIGABYTE} GB of {disk.total // _GIGABYTE} GB free, at the data folder"
    yield Line("Disk", said, is_good=disk.free > disk.total * _LEAST_FREE)


def _clock_lines(now: datetime, database_now: datetime | None) -> Iterator[Line]:
    if database_now is not None:
        apart = abs(database_now - now)
        said = f"{apart // timedelta(milliseconds=1)} ms from the database's"
        yield Line("Clock", said, is_good=apart < _CLOCKS_APART)


def _lists(settings: Settings) -> Iterator[Line]:
    chains, check = read_rulebook().chains, "holdfast-coordinator check"
    yield Line("Chains", f"{counted(len(chains.by_id), 'chain')} known")
    if settings.service_wallets_file is None:
        yield Line("Service wallets", "no list is set (HOLDFAST_SERVICE_WALLETS_FILE)")
        return
    try:
        wallets = service_wallets(settings, chains)
    except SettingsError:
        yield Line.to_do("Service wallets", "cannot be read", check)
        return
    yield Line("Service wallets", f"{counted(len(wallets), 'wallet')} are warned of")
    if wallets.faults:
        said = f"have {counted(len(wallets.faults), 'line')} that cannot be read"
        yield Line.to_do("Service wallets", said, check)


def is_operators(path: str) -> bool:
    """Tell whether the app serves a path of the bind; /metrics serves the others."""
    return path == "/operator" or path.startswith(("/operator/", "/console/assets/"))


def dispatched(app: WSGIApplication, others: WSGIApplication) -> WSGIApplication:
    """Return a WSGI application that is `app` on its own paths, and `others` elsewhere."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = app if is_operators(environ.get("PATH_INFO", "")) else others
        return chosen(environ, start_response)

    return serve
