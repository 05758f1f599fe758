"""The Bybit case, replayed: a coordinator and four exchanges, each a process of its own.

    python -m partners.reference_exchange.scenarios.demo [--keep]

The last line printed is one JSON object. Exit status 0 only if the coordinator's totals equal what
the exchanges' own deposit books say, every notice arrived, and every act is proven.
"""

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from partners.errors import HoldfastError
from partners.protocol.payloads import WarningAcceptance
from partners.protocol.views import FreezeRequestView
from partners.protocol.vocabulary import Decision, EventType, LegStatus, ReleaseReason
from partners.reference_exchange.answering import release, return_funds
from partners.reference_exchange.inbox import Inbox
from partners.reference_exchange.scenarios.accounts import Summary, close_accounts
from partners.reference_exchange.scenarios.board import Board
from partners.reference_exchange.scenarios.cast import Player, enrol
from partners.reference_exchange.scenarios.processes import Processes, ScenarioError, program
from partners.reference_exchange.scenarios.script import Asking, Script, Unit, load_script
from partners.transport import RetryPolicy, Transport

#: Seconds that an answer may take on a busy machine.
_ANSWER_SECONDS = 20.0
_FINAL = {
    LegStatus.FROZEN,
    LegStatus.PARTIALLY_FROZEN,
    LegStatus.NO_MATCH,
    LegStatus.DECLINED,
}


@dataclass(slots=True)
class Stage:
    """Everything that one run works with."""

    script: Script
    origin: str
    folder: Path
    processes: Processes
    console: Console
    players: Sequence[Player] = ()

    def player(self, handle: str) -> Player:
        """Return an exchange by its handle."""
        return next(player for player in self.players if player.handle == handle)

    @property
    def asker(self) -> Player:
        """The exchange that asks: the first of the script."""
        return self.players[0]


def run(stage: Stage) -> tuple[Summary, list[str]]:
    """Replay the script; return what it came to, and what does not add up."""
    stage.console.print(f"Coordinator at {stage.origin}, everything below {stage.folder}")
    _start_coordinator(stage)
    stage.console.print("The coordinator is up; four exchanges make their keys and join.")
    stage.players = enrol(stage.script, stage.folder, stage.origin, stage.processes)
    stage.console.print("All have joined and pinned each other's root keys; their processes start.")
    _start_exchanges(stage)
    units = {
        stage.script.assets["eth"].lower(): Unit("ETH", 18),
        stage.script.assets["usdt"].lower(): Unit("USDT", 6),
    }
    with Board(stage.asker.client("analyst"), stage.console, units) as board:
        first, approved_at = _ask(stage, board, stage.script.request, None)
        board.wait_until(
            "every partner's answer",
            lambda legs: all(leg.status in _FINAL for leg in legs.values()),
            seconds=_ANSWER_SECONDS,
        )
        seconds = _seconds_to_last_notice(stage, first, approved_at)
        _decide(stage, board, first)
        second, _ = _ask(stage, board, stage.script.second_request, first.incident.id)
        board.wait_until(
            "the second request's answer",
            lambda legs: all(leg.status in _FINAL for leg in legs.values()),
            seconds=_ANSWER_SECONDS,
        )
    summary, faults = close_accounts(stage.asker, stage.players, [first.id, second.id])
    summary.seconds_approval_to_last_notice = seconds
    if summary.undelivered:
        faults.append(f"{summary.undelivered} deliveries did not arrive")
    return summary, faults


def _start_coordinator(stage: Stage) -> None:
    stage.processes.start("coordinator", [program("holdfast-coordinator"), "serve"])
    anyone = Transport(None, stage.origin, retries=RetryPolicy(attempts=1))

    def is_ready() -> bool:
        try:
            return anyone.exchange("GET", "/readyz", signed=False).status == 200  # noqa: PLR2004
        except HoldfastError:
            return False

    stage.processes.wait_for("the coordinator", is_ready, seconds=30)


def _start_exchanges(stage: Stage) -> None:
    for player in stage.players:
        command = [sys.executable, "-m", "partners.reference_exchange.app"]
        stage.processes.start(player.member.folder, [*command, "--home", str(player.home)])
    for player in stage.players:
        stage.processes.wait_for(
            player.handle,
            lambda name=player.member.folder: "listening" in stage.processes.tail(name),  # type: ignore[misc]  # bound early on purpose
            seconds=30,
        )


def _ask(
    stage: Stage, board: Board, asking: Asking, incident_id: str | None
) -> tuple[FreezeRequestView, float]:
    """Submit as analyst, approve as lead; return the request and when its approval was sent."""
    incident = {"id": incident_id} if incident_id else stage.script.incident
    request = stage.asker.client("analyst").submit(stage.script.document(asking, incident))
    count = request.address_count
    board.say(f"{stage.asker.handle}: the analyst submitted {request.id} ({count} addresses)")
    lead = stage.asker.client("lead")
    view = lead.freeze_request(request.id)
    context = view.decision_context or ""
    accepted = [
        WarningAcceptance(code=w.code, address_nos=list(w.address_nos), reason="As published.")
        for w in view.warnings
    ]
    approved_at = time.time()
    lead.decide(
        view,
        Decision.APPROVE,
        context_sha256=sha256(context.encode()).hexdigest(),
        warnings_accepted=accepted,
    )
    board.say(f"{stage.asker.handle}: the security lead approved it")
    board.follow(request.id)
    return request, approved_at


def _seconds_to_last_notice(
    stage: Stage, request: FreezeRequestView, approved_at: float
) -> float | None:
    """Return the time from sending the approval to the last receiver's handler."""
    times = []
    for handle in request.to:
        inbox = Inbox(stage.player(handle).home / "inbox.sqlite3")
        at = inbox.received_at(EventType.REQUEST_RECEIVED, request.id)
        inbox.close()
        if at is None:
            return None
        times.append(at - approved_at)
    return round(max(times), 3)


def _decide(stage: Stage, board: Board, request: FreezeRequestView) -> None:
    """Let a compliance officer release the innocent's funds and return the victim's."""
    decisions = stage.script.decisions
    player = stage.player(decisions.exchange)
    officer, book = player.client("officer"), player.book()
    holds = {freeze.address_no: freeze.hold or "" for freeze in book.freezes(request.id)}
    innocent = holds[decisions.false_positive_address_no]
    release(book, officer, innocent, ReleaseReason.FALSE_POSITIVE)
    board.say(f"{player.handle}: the officer released a false positive")
    board.refresh()
    returned = holds[decisions.return_address_no]
    return_funds(book, officer, returned, "0x" + sha256(returned.encode()).hexdigest())
    board.say(f"{player.handle}: the officer returned the rest to the victim")
    board.refresh()
    book.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _environment(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of all processes: ours, without settings meant for somebody else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    return kept | {
        "HOLDFAST_ORIGIN": f"http://127.0.0.1:{port}",
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(folder / "data"),
        "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "PYTHONUNBUFFERED": "1",
    }


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise ScenarioError("not done in time, or told to stop")


@click.command()
@click.option("--keep", is_flag=True, help="Leave it running until Ctrl-C, to look around.")
@click.option("--limit", default=120, show_default=True, help="Seconds until it gives up.")
def main(*, keep: bool, limit: int) -> None:
    """Replay the Bybit case; the last line printed is one JSON object."""
    signal.signal(signal.SIGTERM, _give_up)
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(limit)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-demo-"))
    port = _free_port()
    is_good = False
    try:
        with Processes(folder, _environment(folder, port)) as processes:
            console = Console(highlight=False, soft_wrap=True)
            stage = Stage(load_script(), f"http://127.0.0.1:{port}", folder, processes, console)
            is_good = _replay(stage)
            signal.alarm(0)
            if keep and stage.players:
                _look_around(stage)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    except ScenarioError as error:
        click.echo(f"Ended: {error}", err=True)
    finally:
        signal.alarm(0)
        if is_good:
            shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(0 if is_good else 1)


def _replay(stage: Stage) -> bool:
    """Run the scenario and print the outcome; tell whether everything adds up."""
    try:
        summary, faults = run(stage)
    except (HoldfastError, ScenarioError) as error:
        click.echo(f"The demo failed: {error}\nLogs are in {stage.folder}", err=True)
        return False
    for fault in faults:
        click.echo(f"It does not add up: {fault}", err=True)
    click.echo(json.dumps(summary.document()))  # noqa: TID251 - a figure is no integer; nothing is signed
    return not faults


def _look_around(stage: Stage) -> None:
    """Say how to look around, and wait for Ctrl-C."""
    home = stage.asker.home
    click.echo(
        f"""
Still running: {stage.origin} (API description: {stage.origin}/docs). To look around:

  export HOLDFAST_HOME={home} HOLDFAST_PROFILE=analyst
  holdfast status                  the requests; then `holdfast status frq_…`
  holdfast verify frq_…            who did what, proven from raw bytes
  holdfast events                  everything that happened

Another exchange: HOLDFAST_HOME={stage.folder}/exchange-b. Ctrl-C ends it.""",
        err=True,
    )
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
