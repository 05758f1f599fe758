"""A drill: everything is asked, told, woken and answered as if it were real, and no money moves.

    python -m reference_exchange.scenarios.demo --act drill

At two exchanges a program answers. At the third nothing runs tonight, so that its officer is woken.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from holdfast import Transport
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.on_call_payloads import JsonChannel, NewOnCall, OnCallStep
from holdfast.protocol.payloads import NothingLine
from holdfast.protocol.readiness import ReadinessReport, Step, verify_readiness
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import LineKind
from holdfast.wording import duration_words
from reference_exchange.scenarios.bedside import Bedside, bedside
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.cast import Player
from reference_exchange.scenarios.processes import ScenarioError, program
from reference_exchange.scenarios.script import Asking
from reference_exchange.scenarios.stage import ANSWER_SECONDS, Stage

_TITLE = "A drill"
_INCIDENT_TITLE = "Quarterly drill: a theft from a cold wallet"
_ADDRESSES = [0, 1, 2, 3]
_STEPS = (Step.ARRIVED, Step.PAGED, Step.TAKEN, Step.ACKNOWLEDGED, Step.ANSWERED)
#: Seconds that one command of the kit may take on a busy machine.
_COMMAND_SECONDS = 30.0


@dataclass(slots=True)
class DrillSummary:
    """What the drill came to; the demo's last line.

    Attributes:
        paged: Organisations of which somebody was woken, the requester among them.
        frozen: Base units that stand as frozen in the exchanges' books, all together.
        counted: Requests that statistics count.
    """

    drill: str
    asked: int = 0
    arrived: int = 0
    paged: int = 0
    acknowledged: int = 0
    answered: int = 0
    frozen: int = 0
    counted: int = 0
    report_verified: bool = False

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return asdict(self)


def play(stage: Stage) -> tuple[DrillSummary, list[str]]:
    """Hold a drill, and print its readiness report; return what is not as it must be.

    Raises:
        ScenarioError: Something that had to happen did not.
    """
    board = stage.board(_TITLE)
    name = board.name(stage.asker.handle)
    board.scene(
        "It is only a drill, and everybody is told so",
        f"{name} signs a request that says it is a drill. It goes the way of every other: a lead "
        "is woken to approve it, three exchanges are asked, and each page, event and screen says "
        "that nothing is real. Programs look into their books and freeze nothing.",
    )
    with bedside() as bed:
        asleep = stage.players[-1]
        _set_chain(stage.asker, "lead", bed)
        _set_chain(asleep, "officer", bed)
        request = _ask(stage, board, bed)
        _answer_by_hand(stage, board, bed, asleep, request)
    lead = stage.asker.client("lead")
    stage.wait_for(
        "every partner's answer", lambda: all(leg.answered_at for leg in lead.legs(request.id))
    )
    stage.wait_for("the delivery of every notice", lambda: _has_arrived(stage, request))
    board.refresh()
    lead.close(lead.freeze_request(request.id), "the drill is over")
    board.say(f"{board.label(request.id)}, {name}: the lead ends the drill")
    return _report(stage, board, request)


def _ask(stage: Stage, board: Board, bed: Bedside) -> FreezeRequestView:
    """Have the analyst submit the drill, and a lead woken, who takes and approves it."""
    script = stage.script
    asking = Asking.model_validate(
        {
            **script.request.model_dump(),
            "summary": "A drill: look for these addresses, and say what you would have frozen.",
            "address_nos": _ADDRESSES,
        }
    )
    incident = {**script.incident, "title": _INCIDENT_TITLE}
    request = stage.submit(
        board, script.document(asking, incident, stage.rulebook_sha256, drill=True)
    )
    if not request.drill:
        raise ScenarioError("the coordinator does not say that it is a drill")
    _hear(stage, board, bed, stage.asker)
    _take(stage.asker, "lead", request, TaskKind.APPROVE)
    board.say(f"{board.label(request.id)}, {board.name(stage.asker.handle)}: the lead has it")
    stage.approve(board, request, "approves the drill; it goes out")
    return request


def _answer_by_hand(
    stage: Stage, board: Board, bed: Bedside, player: Player, request: FreezeRequestView
) -> None:
    """Have an officer woken, who takes the task, acknowledges, and says what is there."""
    _hear(stage, board, bed, player)
    officer = player.client("officer")
    _take(player, "officer", request, TaskKind.ACKNOWLEDGE)
    officer.acknowledge(request)
    officer.report(request, [NothingLine(kind=LineKind.NOTHING, address_nos="rest")])
    label, name = board.label(request.id), board.name(player.handle)
    board.say(f"{label}, {name}: the officer has it, acknowledges, and finds nothing")


def _set_chain(player: Player, profile: str, bed: Bedside) -> None:
    step = OnCallStep(
        person=player.client(profile).profile.subject,
        channels=[JsonChannel(kind="webhook", url=f"{bed.origin}/{player.member.folder}")],
    )
    player.client("lead").set_on_call(NewOnCall(steps=[step]))


def _hear(stage: Stage, board: Board, bed: Bedside, player: Player) -> None:
    path = f"/{player.member.folder}"
    stage.wait_for(f"a page to {path}", lambda: any(to == path for to, _ in bed.heard))
    said = next(sentence for to, sentence in bed.heard if to == path)
    if not said.startswith("DRILL"):
        raise ScenarioError(f"a page does not say that it is a drill: {said}")
    board.say(f"{board.name(player.handle)}: a telephone rings: \u201c{said}\u201d")


def _take(player: Player, profile: str, request: FreezeRequestView, kind: TaskKind) -> None:
    client = player.client(profile)
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end:
        for task in client.tasks(kind):
            if task.request_id == request.id:
                client.take(request, task.id)
                return
        time.sleep(0.1)
    raise ScenarioError(f"{player.handle}: {kind.value} never waited for anybody")


def _has_arrived(stage: Stage, request: FreezeRequestView) -> bool:
    """Tell whether every notice arrived: where no program runs, by somebody's reading the feed."""
    asleep = stage.players[-1]
    asleep.client("officer").events(0)
    return all(leg.delivered_at for leg in stage.asker.client("lead").legs(request.id))


def _report(
    stage: Stage, board: Board, request: FreezeRequestView
) -> tuple[DrillSummary, list[str]]:
    """Save the report as the lead does, print it, and verify it with nothing but its files."""
    board.scene(
        "How ready they were",
        "The coordinator signs who was told, was woken, took it, acknowledged and answered, and "
        "how fast. A supervisor reads it, or verifies it offline: the same as JSON, and as a PDF.",
    )
    reports, keys = stage.folder / "readiness", stage.folder / "jwks.json"
    holdfast = [program("holdfast")]
    environment = {"HOLDFAST_HOME": str(stage.asker.home), "HOLDFAST_PROFILE": "lead"}
    save = stage.processes.attempt(
        [*holdfast, "readiness", request.id, "--save", str(reports)],
        seconds=_COMMAND_SECONDS,
        environment=environment,
    )
    if save.returncode:
        raise ScenarioError(f"holdfast readiness failed: {save.stderr.strip()[-1500:]}")
    published = Transport(None, stage.origin).read_public("/.well-known/jwks.json")
    keys.write_bytes(canonical_json.dumps(published.body))
    file = reports / f"{request.id}.readiness.json"
    verify = [*holdfast, "--json", "verify", str(file), "--keys", str(keys)]
    said = strict_json.loads(stage.processes.run(verify, seconds=_COMMAND_SECONDS).encode())
    report = verify_readiness(file.read_bytes()).report
    _tell(stage.console, board, report)
    board.say("the report verifies offline, by the coordinator's published key")
    summary = _summary(stage, report)
    summary.report_verified = bool(said["key"] == "given" and _is_pdf(file.with_suffix(".pdf")))
    return summary, _faults(summary)


def _is_pdf(path: Path) -> bool:
    return path.read_bytes().startswith(b"%PDF-")


def _tell(console: Console, board: Board, report: ReadinessReport) -> None:
    """Print the report in the width of a terminal: times are from when each was told."""
    requester, *asked = report.units
    made = Table(box=None, pad_edge=False, padding=(0, 1))
    for head in ("", "state", "told, UTC", *(each.value for each in _STEPS)):
        made.add_column(head, no_wrap=True)
    for unit in asked:
        took = {each.step: each.after_ms for each in unit.steps}
        since = f"{unit.since:%H:%M:%S}"
        cells = [board.name(unit.partner), unit.status.replace("_", " "), since]
        made.add_row(*cells, *(_took(took[step]) for step in _STEPS))
    console.print()
    console.print(f"DRILL, {report.submitted_at:%d %B %Y}: {report.title}", markup=False)
    console.print(made)
    done = ", ".join(f"{each.step.value} {_took(each.after_ms)}" for each in requester.steps)
    console.print(f"{board.name(requester.partner)}, which asked: {done}", markup=False)
    for each in report.speed:
        if each.median_ms is not None and each.slowest_ms is not None:
            times = f"median {_took(each.median_ms)}, slowest {_took(each.slowest_ms)}"
            console.print(f"{each.step.value}: {each.count} of {each.of}, {times}", markup=False)
    console.print()


def _took(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else duration_words(milliseconds)


def _summary(stage: Stage, report: ReadinessReport) -> DrillSummary:
    asked = report.units[1:]

    def count(step: Step) -> int:
        return sum(each.step is step and each.at is not None for u in asked for each in u.steps)

    woken = sum(
        each.step is Step.PAGED and each.at is not None
        for unit in report.units
        for each in unit.steps
    )
    statistics = stage.asker.client("analyst").statistics()
    return DrillSummary(
        drill=report.request_id,
        asked=len(asked),
        arrived=count(Step.ARRIVED),
        paged=woken,
        acknowledged=count(Step.ACKNOWLEDGED),
        answered=count(Step.ANSWERED),
        frozen=sum(_frozen(player) for player in stage.players),
        counted=sum(row.legs for row in statistics.rows),
    )


def _frozen(player: Player) -> int:
    book = player.book()
    try:
        return sum(totals.frozen + totals.held for totals in book.totals().values())
    finally:
        book.close()


def _faults(summary: DrillSummary) -> list[str]:
    """Return what is not as a drill must leave it."""
    faults = [
        f"of {summary.asked} organisations asked, {count} {what}"
        for count, what in (
            (summary.arrived, "had the notice"),
            (summary.acknowledged, "acknowledged"),
            (summary.answered, "answered"),
        )
        if count != summary.asked
    ]
    if not summary.paged:
        faults.append("nobody was woken")
    if summary.frozen:
        faults.append(f"{summary.frozen} base units are frozen for a drill")
    if summary.counted:
        faults.append(f"statistics count {summary.counted} answers to a drill")
    if not summary.report_verified:
        faults.append("the readiness report does not verify")
    return faults
