"""The members of a scenario: their folders, keys and books, and how they join."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from holdfast import (
    Client,
    Joining,
    Person,
    ProfileStore,
    System,
    Transport,
    join,
    monitor_folder,
    read_rulebook,
    receipts_kept_in,
)
from holdfast.protocol import strict_json
from holdfast.protocol.membership_payloads import Grant, Policy
from holdfast.protocol.vocabulary import Role
from reference_exchange.deposit_book import DepositBook
from reference_exchange.scenarios.processes import PATIENCE, Processes, ScenarioError, program
from reference_exchange.scenarios.script import Member, Script

_PEOPLE = (
    Person("lead", (Role.SECURITY_LEAD,)),
    Person("officer", (Role.COMPLIANCE,)),
    Person("analyst", (Role.ANALYST,)),
)
#: Who asks also gives back, and that takes three: one proposes, two others approve.
_DEPUTY = Person("deputy", (Role.COMPLIANCE,))
_SYSTEMS = (
    System("system", owner="officer"),
    System("screening", owner="officer", role=Role.SCREENING),
)


@dataclass(frozen=True, slots=True)
class Player:
    """One exchange of the scenario.

    Attributes:
        member: What the script says of it.
        home: Its HOLDFAST_HOME, with profiles, books and inbox.
        now: Its people's clock, seconds since 1970.
    """

    member: Member
    home: Path
    now: Callable[[], float] = time.time

    @property
    def handle(self) -> str:
        """Its handle."""
        return self.member.handle

    def client(self, profile: str) -> Client:
        """Return a client of one of its people, or of its system."""
        loaded = ProfileStore(self.home).load(profile)
        on_receipt = receipts_kept_in(monitor_folder(self.home, loaded.coordinator))
        return Client(loaded, now=self.now, on_receipt=on_receipt)

    def book(self) -> DepositBook:
        """Open its deposit book."""
        return DepositBook(self.home / "book.sqlite3")


def enrol(
    script: Script,
    folder: Path,
    origin: str,
    processes: Processes,
    now: Callable[[], float] = time.time,
) -> Iterator[Player]:
    """Invite, join and confirm every member, and fill its book; yield each once it has joined.

    The operator reads the thumbprint from the member itself, as over the telephone. Behind the last
    one all have pinned each other's root keys.

    Raises:
        ScenarioError: A command of the operator failed.
        ApiError: Joining was refused; likewise TransportError.
    """
    in_force = read_rulebook(Transport(None, origin)).in_force

    def one(member: Member) -> Player:
        operator = program("holdfast-coordinator")
        home = folder / member.folder
        home.mkdir(mode=0o700)
        invite = [operator, "partner", "invite", member.handle, "--name", member.name]
        invite += ["--kind", "exchange", "--json"]
        invited = strict_json.loads(processes.run(invite, seconds=PATIENCE).encode())
        if not isinstance(invited, dict) or "invitation" not in invited:
            raise ScenarioError(f"no invitation for {member.handle}")
        store = ProfileStore(home)
        join(
            store,
            Joining(
                coordinator=origin,
                handle=member.handle,
                invitation=str(invited["invitation"]),
                people=(*_PEOPLE, _DEPUTY) if member is script.exchanges[0] else _PEOPLE,
                systems=_SYSTEMS,
                rulebook_sha256=None if in_force is None else in_force.sha256,
            ),
        )
        thumbprint = store.load("root").key.kid
        # Behind "--", because a thumbprint may begin with a hyphen.
        confirm = [operator, "partner", "confirm", "--", member.handle, thumbprint]
        processes.run(confirm, seconds=PATIENCE)
        _let_analyst_flash(store)
        book = DepositBook(home / "book.sqlite3")
        script.fill_book(member, book)
        book.close()
        return Player(member, home, now)

    players = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for player in pool.map(one, script.exchanges):
            players.append(player)
            yield player
    # They compared thumbprints with each other, too: from now on the coordinator cannot swap a key.
    roots = {player.handle: ProfileStore(player.home).load("root").key.kid for player in players}
    for player in players:
        for handle, thumbprint in roots.items():
            ProfileStore(player.home).pin(handle, thumbprint)


def _let_analyst_flash(store: ProfileStore) -> None:
    """Say by the root key that the analyst may send flash requests, and the system answer them.

    Before anybody asks: the others read a policy anew only after a minute.
    """
    policy = Policy(
        may_flash=[store.load("analyst").subject],
        systems_as_compliance=[store.load("system").subject],
    )
    Client(store.load("root")).grant(Grant(policy=policy))
