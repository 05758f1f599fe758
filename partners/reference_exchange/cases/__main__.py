"""`make console`: a coordinator with a few months of believable cases in it, and the console.

    python -m reference_exchange.cases [--port 8080] [--lists FOLDER] [--once]

The last line that it prints before it waits is one JSON object: what the coordinator was filled
with. Ctrl-C ends it and removes everything.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import click

from holdfast import Client, HoldfastError, ProfileStore, RetryPolicy, Transport
from holdfast.clock import VARIABLE as CLOCK_VARIABLE
from holdfast.protocol import canonical_json, strict_json
from reference_exchange.cases.listener import listening
from reference_exchange.cases.members import Organisation
from reference_exchange.cases.present import SERVICE_WALLETS
from reference_exchange.cases.telling import CaseError, Place, Told, start_clock, tell
from reference_exchange.scenarios.console_links import sign_in_link, sign_in_words
from reference_exchange.scenarios.processes import (
    PATIENCE,
    Processes,
    ScenarioError,
    free_port,
    is_free,
    program,
)

#: Where the public lists of addresses are looked for, from a checkout's top folder.
LISTS = Path("../shared/data")
_USUAL_PORT = 8080
_HOST = "127.0.0.1"
_HTTP_OK = 200


#: Runs several commands of the operator's in one process: to start one takes longest.
_SEVERAL = """
import json, sys
from coordinator.cli import main
for line in sys.stdin:
    main(json.loads(line), standalone_mode=False)
"""


class _Operator:
    """The operator's command line."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def invite(self, organisations: Sequence[Organisation]) -> Mapping[str, str]:
        """Invite organisations and return the code that each is sent, by handle."""
        answers = self._run(map(_invitation, organisations))
        invited = [strict_json.loads(line.encode()) for line in answers]
        return {str(each["handle"]): str(each["invitation"]) for each in invited}

    def confirm(self, thumbprints: Mapping[str, str]) -> None:
        """Confirm the thumbprints of root keys."""
        # Behind "--", because a thumbprint may begin with a hyphen.
        self._run(["confirm", "--", *each] for each in thumbprints.items())

    def _run(self, commands: Iterable[list[str]]) -> list[str]:
        lines = "".join(f"{json.dumps(['partner', *words])}\n" for words in commands)  # noqa: TID251 - nothing is signed
        command = [sys.executable, "-c", _SEVERAL]
        return self._processes.run(command, seconds=PATIENCE, lines=lines).splitlines()


def _invitation(organisation: Organisation) -> list[str]:
    words = ["invite", organisation.handle, "--name", organisation.name, "--json"]
    words += ["--kind", organisation.kind.value, "--jurisdiction", organisation.jurisdiction]
    return words


def _port(wanted: int | None) -> int:
    """Return the port that is asked for, the usual one, or a free one where that is taken."""
    port = wanted or _USUAL_PORT
    if is_free(port):
        return port
    if wanted:
        raise ScenarioError(f"port {wanted} is taken; leave --port out, or choose another")
    return free_port()


def _environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    """Return the environment of all processes: ours, without settings meant for somebody else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    return kept | {
        "HOLDFAST_ORIGIN": f"http://{_HOST}:{port}",
        "HOLDFAST_PORT": str(port),
        "HOLDFAST_DATA_DIR": str(folder / "data"),
        "HOLDFAST_SERVICE_WALLETS_FILE": str(folder / "service_wallets.json"),
        "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "HOLDFAST_LOG_LEVEL": "warning",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def _fill(folder: Path, port: int, lists: Path, webhooks: str) -> Told:
    """Start a coordinator in the past, tell it the cases, and end it."""
    wallets = canonical_json.dumps(SERVICE_WALLETS)
    (folder / "service_wallets.json").write_bytes(wallets)
    offset_file = folder / "clock_offset"
    start_clock(offset_file)
    metrics_port = free_port()
    quick = {
        CLOCK_VARIABLE: str(offset_file),
        "HOLDFAST_TIMER_INTERVAL": "0.1",  # months pass within a minute
        "HOLDFAST_POLL_INTERVAL": "0.5",
        "HOLDFAST_METRICS_PORT": str(metrics_port),  # tells when deadlines were looked at
    }
    with Processes(folder, _environment(folder, port, **quick)) as processes:
        origin = _serve(processes, port)
        metrics = f"http://{_HOST}:{metrics_port}"
        operator = _Operator(processes)
        place = Place(origin, metrics, folder, offset_file, operator, lists, webhooks)
        return tell(place)


def _serve(processes: Processes, port: int) -> str:
    """Start the coordinator; return its origin once it is ready."""
    origin = f"http://{_HOST}:{port}"
    processes.start("coordinator", [program("holdfast-coordinator"), "serve"])
    anyone = Transport(None, origin, retries=RetryPolicy(attempts=1))

    def is_ready() -> bool:
        try:
            return anyone.read_public("/readyz").status == _HTTP_OK
        except HoldfastError:
            return False

    processes.wait_for("the coordinator", is_ready, seconds=PATIENCE)
    return origin


def say_how_to_sign_in(told: Told, console: str, folder: Path) -> None:
    """Print how to look around: a link into the console for two leads, and the terminal."""
    shown = [told.members[name] for name in ("northgate", "harbour")]
    links = [
        (
            f"{each.organisation.names[0]}, security lead of {each.organisation.name}",
            sign_in_link(Client(ProfileStore(each.home).load("lead"))),
        )
        for each in shown
    ]
    northgate = shown[0]
    click.echo(
        f"""
The console is at {console}/console

A flash request of {northgate.organisation.name} is out and waits for its lead;
the rest of the night waits, too. Everything you see is invented.

{sign_in_words(links, northgate.home, "lead")}

The same in a terminal:

  export PATH="{Path(sys.executable).parent}:$PATH"
  export HOLDFAST_HOME={northgate.home}
  export HOLDFAST_PROFILE=lead
  holdfast inbox               what waits for you, by deadline
  holdfast status              the requests; then `holdfast status frq_...`
  holdfast verify frq_...      who did what, proven from raw bytes

Another organisation: export HOLDFAST_HOME={folder}/harbour
Ctrl-C ends it.""",
        err=True,
    )


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise ScenarioError("told to stop")


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="By default 8080, or a free one.")
@click.option(
    "--lists",
    type=click.Path(path_type=Path),
    default=LISTS,
    show_default=True,
    help="Folder of public lists of addresses; where it is absent, all are invented.",
)
@click.option("--once", is_flag=True, help="Print what it made, and end.")
def main(*, port: int | None, lists: Path, once: bool) -> None:
    """Start a coordinator filled with a few months of believable cases, all invented."""
    signal.signal(signal.SIGTERM, _give_up)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-console-"))
    try:
        _run(folder, _port(port), lists.resolve(), once=once)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    except (CaseError, HoldfastError, ScenarioError) as error:
        click.echo(f"Ended: {error}", err=True)
        raise SystemExit(1) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, port: int, lists: Path, *, once: bool) -> None:
    click.echo(
        "Four months of cases are told to a new coordinator; this takes a minute ...", err=True
    )
    with listening(_HOST) as webhooks:
        told = _fill(folder, port, lists, webhooks)
        _keep(told, folder, port, once=once)


def _keep(told: Told, folder: Path, port: int, *, once: bool) -> None:
    """Start the coordinator anew with the host's clock, as an operator runs it; wait for Ctrl-C."""
    with Processes(folder, _environment(folder, port)) as processes:
        _serve(processes, port)
        click.echo(json.dumps(told.summary()))  # noqa: TID251 - nothing is signed
        if once:
            return
        say_how_to_sign_in(told, f"http://localhost:{port}", folder)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
