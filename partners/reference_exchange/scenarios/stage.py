"""What every act of a scenario works with: the members, the clock, and asking for a freeze."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from rich.console import Console

from holdfast import SqliteSeenEvents
from holdfast.clock import set_offset
from holdfast.protocol.payloads import WarningAcceptance
from holdfast.protocol.views import AssetUnit, FreezeRequestView, Units
from holdfast.protocol.vocabulary import ABOUT_OTHER_REQUESTS, Decision
from holdfast.wording import counted
from reference_exchange.inbox import Inbox
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.cast import Player
from reference_exchange.scenarios.processes import Processes, ScenarioError
from reference_exchange.scenarios.script import Asking, Script

#: Seconds that an answer may take on the busiest machine; the limit only ends what hangs.
ANSWER_SECONDS = 60.0
#: Seconds that whoever watches has for a line, and at least before a new scene.
SECONDS_A_LINE, _LEAST_SECONDS = 0.4, 2.0
#: The coordinator reads the offset of its clock again after 0.05 s at the latest.
_REREAD_SECONDS = 0.25


@dataclass(slots=True)
class Stage:
    """Everything that one run works with.

    Attributes:
        approved_at: When each request was approved, by its id.
        seconds_to_first_freeze: From the first approval to when the requester saw a freeze.
        seconds_to_last_notice: From the first approval to the last receiver's handler.
        screened: How many deposits were stopped on arrival.
        claims_paid: How many claims were paid out of what came back, and `paid` how much of what.
        refused: How many forgeries, changed answers and stray answers were noticed.
        rulebook_sha256: Of the rulebook that all have accepted, and requests name.
        seconds_a_line: How long a scene waits for the lines before it to be read; 0 for programs.
    """

    script: Script
    origin: str
    folder: Path
    processes: Processes
    console: Console
    now: Callable[[], float] = time.time
    players: Sequence[Player] = ()
    requests: list[FreezeRequestView] = field(default_factory=list)
    approved_at: dict[str, float] = field(default_factory=dict)
    seconds_to_first_freeze: float | None = None
    seconds_to_last_notice: float | None = None
    screened: int = 0
    claims_paid: int = 0
    paid: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    rulebook_sha256: str | None = None
    seconds_a_line: float = 0.0
    _started: float | None = None
    _paused: float = 0.0

    def player(self, handle: str) -> Player:
        """Return an exchange by its handle."""
        return next(player for player in self.players if player.handle == handle)

    @property
    def asker(self) -> Player:
        """The exchange that asks: the first of the script."""
        return self.players[0]

    @property
    def offset_file(self) -> Path:
        """Where coordinator and exchanges read how far their clock is put forward."""
        return self.folder / "clock_offset"

    @property
    def units(self) -> Units:
        """How to show amounts, by asset in lower case."""
        assets = self.script.assets
        return {
            assets["eth"].lower(): AssetUnit(symbol="ETH", decimals=18),
            assets["usdt"].lower(): AssetUnit(symbol="USDT", decimals=6),
        }

    def board(self, title: str) -> Board:
        """Begin an act; return what tells of it."""
        if self._started is None:
            self._started = time.monotonic()
        client = self.asker.client("analyst")
        board = Board(client, self.console, self.units, elapsed=self._elapsed, pause=self.pause)
        board.act(title)
        return board

    def pause(self, lines: int) -> None:
        """Let whoever watches read so many lines; the seconds that are shown stand still."""
        if self.seconds_a_line:
            seconds = max(lines * self.seconds_a_line, _LEAST_SECONDS)
            time.sleep(seconds)
            self._paused += seconds

    def _elapsed(self) -> float:
        return time.monotonic() - (self._started or 0.0) - self._paused

    def incident(self) -> dict[str, str]:
        """Return the incident to name: the one that the first request opened, once there is one."""
        return {"id": self.requests[0].incident.id} if self.requests else self.script.incident

    def document(self, asking: Asking) -> bytes:
        """Return the exact bytes of a request, which names the rulebook in force."""
        return self.script.document(asking, self.incident(), self.rulebook_sha256)

    def ask(self, board: Board, document: bytes) -> FreezeRequestView:
        """Submit as analyst, approve as lead."""
        request = self.submit(board, document)
        self.approve(board, request, "approves it; it goes out")
        return request

    def submit(self, board: Board, document: bytes) -> FreezeRequestView:
        """Submit as analyst; from now on the board shows the request."""
        request = self.asker.client("analyst").submit(document)
        self.requests.append(request)
        board.follow(request.id, len(self.requests))
        count = counted(request.address_count, "address")
        label, name = board.label(request.id), board.name(self.asker.handle)
        board.say(f"{label}, {name}: the analyst asks {board.names(request.to)} about {count}")
        return request

    def approve(self, board: Board, request: FreezeRequestView, what: str) -> None:
        """Approve or ratify as lead, and say `what` the lead did."""
        lead = self.asker.client("lead")
        view = lead.freeze_request(request.id)
        context = view.decision_context or ""
        accepted = [
            WarningAcceptance(code=w.code, address_nos=list(w.address_nos), reason="As published.")
            for w in view.warnings
            if w.code not in ABOUT_OTHER_REQUESTS
        ]
        self.approved_at[request.id] = time.time()
        lead.decide(
            view,
            Decision.APPROVE,
            context_sha256=sha256(context.encode()).hexdigest(),
            warnings_accepted=accepted,
        )
        name = board.name(self.asker.handle)
        board.say(f"{board.label(request.id)}, {name}: the security lead {what}")

    def put_clock_to(self, hours: int) -> None:
        """Put everybody's clock `hours` ahead of the host's, once nothing is under way."""
        self.wait_for("quiet", self._is_quiet)
        set_offset(self.offset_file, hours * 3_600)
        time.sleep(_REREAD_SECONDS)

    def hours_ahead(self) -> int:
        """Return by how many hours everybody's clock is ahead of the host's."""
        return round((self.now() - time.time()) / 3_600)

    def wait_for(self, what: str, is_reached: Callable[[], bool]) -> None:
        """Ask until it is reached.

        Raises:
            ScenarioError: It never was.
        """
        end = time.monotonic() + ANSWER_SECONDS
        while not is_reached():
            if time.monotonic() > end:
                raise ScenarioError(f"{what}: still not after {ANSWER_SECONDS:.0f} s")
            time.sleep(0.1)

    def _is_quiet(self) -> bool:
        """Tell whether every event has arrived and everybody has dealt with it.

        A delivery under way would bear the time of before, and be refused as stale. What somebody
        deals with makes more of them: looked at before and after, they must be the same.
        """
        before = delivery_states(self.players)
        is_dealt_with = all(before.values()) and self.is_dealt_with()
        return is_dealt_with and delivery_states(self.players) == before

    def is_dealt_with(self) -> bool:
        """Tell whether every exchange has dealt with everything that came."""
        return all(map(is_idle, self.players))


def is_idle(player: Player) -> bool:
    """Tell whether an exchange has dealt with everything that came."""
    inbox = Inbox(player.home / "inbox.sqlite3")
    try:
        return inbox.is_idle()
    finally:
        inbox.close()


def dropped_repeats(player: Player) -> int:
    """Return how many deliveries an exchange recognised as repeats, and dropped."""
    seen = SqliteSeenEvents(player.home / "seen.sqlite3")
    try:
        return seen.dropped_repeats()
    finally:
        seen.close()


def delivery_states(players: Sequence[Player]) -> dict[str, bool]:
    """Return of every delivery whether it arrived, by its id."""
    return {
        delivery.id: delivery.status == "delivered"
        for player in players
        for endpoint in player.client("system").endpoints()
        for delivery in player.client("system").deliveries(endpoint.id)
    }
