"""The Bybit case, replayed: a coordinator and four exchanges, each a process of its own.

    python -m reference_exchange.scenarios.demo [--act 1|2|3|all|drill] [--keep] [--fast]

On a terminal it pauses before every scene, for people to read; --fast leaves the pauses out.

The last line printed is one JSON object. Exit status 0 only if the coordinator's totals equal what
the exchanges' own deposit books say, every notice arrived, every act is proven, and so are evidence
bundles, the log and a restored backup. `--act drill` plays none of the case: it holds a drill, and
prints its readiness report.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.text import Text

from holdfast import (
    HoldfastError,
    RetryPolicy,
    Transport,
    look_at_monitor,
    monitor_folder,
    read_rulebook,
)
from holdfast.clock import VARIABLE as CLOCK_VARIABLE
from holdfast.clock import wall_clock
from holdfast.protocol.checkpoint import LOG_PATH, parse_checkpoint
from holdfast.protocol.signed_note import parse_note
from reference_exchange.scenarios import drill, first_act, second_act, third_act
from reference_exchange.scenarios.accounts import Summary, close_accounts
from reference_exchange.scenarios.afterwards import copied_elsewhere, prove_afterwards
from reference_exchange.scenarios.board import WIDTH
from reference_exchange.scenarios.cast import Player, enrol
from reference_exchange.scenarios.console_links import sign_in_link, sign_in_words
from reference_exchange.scenarios.outcome import tell
from reference_exchange.scenarios.processes import (
    PATIENCE,
    Processes,
    ScenarioError,
    free_port,
    program,
)
from reference_exchange.scenarios.script import load_script, load_second_act, load_third_act
from reference_exchange.scenarios.stage import SECONDS_A_LINE, Stage

_TITLE = "Holdfast: the Bybit theft of 21 February 2025, replayed"
_OPENING = """
exchange-a was robbed of ether. Some of it lies at exchange-b and exchange-c,
some came through exchange-d, and none of them knows it yet. Each is a program
with keys and a deposit book of its own; a coordinator carries what they ask and
answer, signed, and freezes nothing itself.

The flagged addresses are those that the FBI published. The exchanges, their
customers and all amounts are invented, and so is what the third act tells of
another theft, but for its sums. Seconds on the left are real.
"""
_DRILL_TITLE = "Holdfast: a drill between four exchanges"
_DRILL_OPENING = """
exchange-a drills what it would do if it were robbed tonight: it asks three
others, as it would, and everybody is told that nothing is real. Each is a
program with keys and a deposit book of its own; at exchange-d none runs
tonight, so that somebody has to be woken.

The exchanges, their customers and all amounts are invented. Seconds on the
left are real.
"""
#: A network's own rules are longer: `docs/rulebook-template.md`.
_RULEBOOK = """Rulebook of the demonstration.

1. A request is a plea. Each member decides alone, by its own law.
2. Nobody names a customer, and nobody trades on what they read here.
3. Whoever asks declares its own interest, and withdraws what was wrong.
"""
#: Seconds that all pauses may take together.
_PAUSES = 120
_DRILL = "drill"
_ACTS = {
    "1": (first_act.play,),
    "2": (second_act.play,),
    "3": (third_act.play,),
    "all": (first_act.play, second_act.play, third_act.play),
}


def _set(stage: Stage, *, but_last: bool = False) -> None:
    """Start the coordinator and the exchanges, the last one's program only if that is wanted."""
    say = stage.console.print
    say("Setting the stage:")
    say("  a coordinator starts ...")
    _start_coordinator(stage)
    say("  its operator publishes the rulebook, which each member accepts by joining ...")
    stage.rulebook_sha256 = _publish_rulebook(stage)
    say("  four exchanges make their keys, and compare root keys by telephone ...")
    players = []
    for player in enrol(stage.script, stage.folder, stage.origin, stage.processes, stage.now):
        players.append(player)
        say(f"  {player.member.folder} has joined")
    stage.players = players
    say("  each starts a process that receives webhooks and answers ...")
    _start_exchanges(stage.players[:-1] if but_last else stage.players, stage)


def run(stage: Stage, acts: str = "all") -> tuple[Summary, list[str]]:
    """Replay the script; return what it came to, and what does not add up."""
    _set(stage)
    for play in _ACTS[acts]:
        play(stage)
    stage.pause(0)
    requests = [request.id for request in stage.requests]
    with copied_elsewhere(stage) as copied:
        summary, faults = close_accounts(stage.asker, stage.players, requests)
        summary.seconds_approval_to_first_freeze = stage.seconds_to_first_freeze
        summary.seconds_approval_to_last_notice = stage.seconds_to_last_notice
        summary.refused, summary.screened = stage.refused, stage.screened
        summary.claims_paid, summary.paid = stage.claims_paid, stage.paid
        missed = _watched_to_the_end(stage)
        summary.log_verified = not missed
        proof = prove_afterwards(stage, copied)
    summary.bundles_verified, summary.restored = proof.bundles, proof.is_restored
    faults += missed + proof.faults
    if summary.undelivered:
        faults.append(f"{summary.undelivered} deliveries did not arrive")
    if summary.owed:
        faults.append(f"{summary.owed} holds about which an answer is owed")
    return summary, faults


def _watched_to_the_end(stage: Stage) -> list[str]:
    """Wait until each exchange's monitor has come to the end of the log; return what it missed."""
    note = Transport(None, stage.origin).read_public_bytes(f"{LOG_PATH}/checkpoint")
    end = parse_checkpoint(parse_note(note)).size
    folders = {each.handle: monitor_folder(each.home, stage.origin) for each in stage.players}

    def missed() -> list[str]:
        seen = {handle: look_at_monitor(folder) for handle, folder in folders.items()}
        return [
            f"{handle}: its monitor has {each.size} of {end} entries of the log, and found"
            f" {each.found} of {each.receipts} receipts there{f': {each.alarm}' * bool(each.alarm)}"
            for handle, each in seen.items()
            if each.alarm or each.size < end or each.found < each.receipts
        ]

    try:
        stage.wait_for("the monitors of the log", lambda: not missed())
    except ScenarioError:
        return missed()
    return []


def _start_coordinator(stage: Stage) -> None:
    stage.processes.start("coordinator", [program("holdfast-coordinator"), "serve"])
    anyone = Transport(None, stage.origin, retries=RetryPolicy(attempts=1))

    def is_ready() -> bool:
        try:
            return anyone.read_public("/readyz").status == 200  # noqa: PLR2004
        except HoldfastError:
            return False

    stage.processes.wait_for("the coordinator", is_ready, seconds=PATIENCE)


def run_drill(stage: Stage) -> tuple[drill.DrillSummary, list[str]]:
    """Hold a drill; return what it came to, and what is not as it must be."""
    _set(stage, but_last=True)
    return drill.play(stage)


def _publish_rulebook(stage: Stage) -> str:
    """Have the operator publish the rulebook; return its hash, as anybody reads it."""
    (stage.folder / "rulebook.txt").write_text(_RULEBOOK, encoding="utf-8")
    publish = [program("holdfast-coordinator"), "rulebook", "publish", "rulebook.txt"]
    stage.processes.run(publish, seconds=PATIENCE)
    in_force = read_rulebook(Transport(None, stage.origin)).in_force
    if in_force is None or in_force.text != _RULEBOOK:
        raise ScenarioError("the rulebook that was published is not in force")
    return in_force.sha256


def _start_exchanges(players: Sequence[Player], stage: Stage) -> None:
    for player in players:
        command = [sys.executable, "-m", "reference_exchange.app"]
        stage.processes.start(player.member.folder, [*command, "--home", str(player.home)])
    for player in players:
        stage.processes.wait_for(
            player.handle,
            lambda name=player.member.folder: "listening" in stage.processes.tail(name),  # type: ignore[misc]  # bound early on purpose
            seconds=PATIENCE,
        )


def _environment(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of all processes: ours, without settings meant for somebody else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    return kept | {
        "HOLDFAST_ORIGIN": f"http://127.0.0.1:{port}",
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(folder / "data"),
        "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        CLOCK_VARIABLE: str(folder / "clock_offset"),
        "PYTHONUNBUFFERED": "1",
    }


def _open(console: Console, folder: Path, acts: str) -> None:
    """Say what is about to be seen, before anything slow begins."""
    is_drill = acts == _DRILL
    console.print(Text(_DRILL_TITLE if is_drill else _TITLE, style="bold"))
    console.print(_DRILL_OPENING if is_drill else _OPENING)
    console.print("Files and logs:")
    console.print(f"  {folder}", soft_wrap=True)  # a path stays in one piece, however long
    console.print()


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise ScenarioError("not done in time, or told to stop")


@click.command()
@click.option("--keep", is_flag=True, help="Leave it running until Ctrl-C, to look around.")
@click.option(
    "--act", "acts", type=click.Choice([*_ACTS, _DRILL]), default="all", show_default=True
)
@click.option("--fast", is_flag=True, help="No pauses for people to read.")
@click.option("--limit", default=600, show_default=True, help="Seconds until it gives up.")
def main(*, keep: bool, acts: str, fast: bool, limit: int) -> None:
    """Replay the Bybit case; the last line printed is one JSON object."""
    signal.signal(signal.SIGTERM, _give_up)
    signal.signal(signal.SIGALRM, _give_up)
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH)
    is_watched = console.is_terminal and not fast
    signal.alarm(limit + (_PAUSES if is_watched else 0))
    folder = Path(tempfile.mkdtemp(prefix="holdfast-demo-"))
    _open(console, folder, acts)
    port = free_port()
    is_good = False
    try:
        with Processes(folder, _environment(folder, port)) as processes:
            stage = Stage(load_script(), f"http://127.0.0.1:{port}", folder, processes, console)
            stage.seconds_a_line = SECONDS_A_LINE if is_watched else 0.0
            stage.now = wall_clock({CLOCK_VARIABLE: str(stage.offset_file)})
            is_good = _drill(stage) if acts == _DRILL else _replay(stage, acts)
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


def _replay(stage: Stage, acts: str) -> bool:
    """Run the scenario and print the outcome; tell whether everything adds up."""
    try:
        summary, faults = run(stage, acts)
    except (HoldfastError, ScenarioError) as error:
        click.echo(f"The demo failed: {error}\nLogs are in {stage.folder}", err=True)
        return False
    for fault in faults:
        click.echo(f"It does not add up: {fault}", err=True)
    if not faults:
        act = load_third_act() if acts == "3" else load_second_act()
        prices = {"ETH": act.usd_per_ether, "USDT": 1}
        tell(stage.console, summary, stage.units, prices)
        stage.console.print("The last line is for programs:")
    click.echo(json.dumps(summary.document()))  # noqa: TID251 - a figure is no integer; nothing is signed
    return not faults


def _drill(stage: Stage) -> bool:
    """Hold the drill and print what it came to; tell whether everything is as it must be."""
    try:
        summary, faults = run_drill(stage)
    except (HoldfastError, ScenarioError) as error:
        click.echo(f"The drill failed: {error}\nLogs are in {stage.folder}", err=True)
        return False
    for fault in faults:
        click.echo(f"It is not as it must be: {fault}", err=True)
    click.echo(json.dumps(summary.document()))  # noqa: TID251 - nothing is signed
    return not faults


def _look_around(stage: Stage) -> None:
    """Say how to look around, and wait for Ctrl-C."""
    home = stage.asker.home
    links = [
        (f"Security lead of {player.handle}", sign_in_link(player.client("lead")))
        for player in stage.players[:2]
    ]
    click.echo(
        f"""
Still running: {stage.origin}
The API describes itself at {stage.origin}/docs

{sign_in_words(links, home, "lead")}

In another terminal:

  export PATH="{Path(sys.executable).parent}:$PATH"
  export HOLDFAST_HOME={home}
  export HOLDFAST_PROFILE=analyst
  # its clock was put forward:
  export {CLOCK_VARIABLE}={stage.offset_file}

  holdfast status              the requests; then `holdfast status frq_...`
  holdfast incidents           the theft; then `holdfast incident inc_... --trace`
  holdfast verify frq_...      who did what, proven from raw bytes
  holdfast events              everything that happened

Another exchange: export HOLDFAST_HOME={stage.folder}/exchange-b
Ctrl-C ends it.""",
        err=True,
    )
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
