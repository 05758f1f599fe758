"""Tells the cases to a coordinator, each act in its time, until the clock says now."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from holdfast import Client, HoldfastError, Transport, wall_clock
from holdfast.clock import VARIABLE, set_offset
from holdfast.protocol.payloads import NewEndpoint
from reference_exchange.cases.accounts import Accounts
from reference_exchange.cases.acts import wait
from reference_exchange.cases.case import Case, Scene, document, span, with_accounts
from reference_exchange.cases.members import ORGANISATIONS, Member, Operator, enrol
from reference_exchange.cases.past import PAST
from reference_exchange.cases.present import present
from reference_exchange.scenarios.processes import PATIENCE

#: When the organisations join.
BEGIN = timedelta(days=125)
#: The coordinator reads the offset of its clock again after 0.05 s.
_REREAD_SECONDS = 0.07
#: How far the clock is moved before what fell due meanwhile is waited for.
_STRIDE = timedelta(days=2)
#: How often the coordinator looks at all deadlines before the clock is moved on: what it did at one
#: look may be due for more at the next, and a look under way when the clock moved does not count.
_LOOKS, _LOOK_SECONDS = 3, 0.02
#: Where a coordinator's figures say when it last did.
_LAST_LOOK = re.compile(rb"^holdfast_timers_last_pass_timestamp_seconds (\S+)$", re.MULTILINE)
#: In this a timer is waited for: nearly everything that falls due does so by the day.
_SHORT = timedelta(hours=6)


#: Which organisations are sent webhooks.
_WITH_ENDPOINT = ("northgate", "harbour", "lakeside", "tessera", "bridgeway")


class CaseError(Exception):
    """A case did not go as it is written; the message says which and how."""


@dataclass(frozen=True, slots=True)
class Place:
    """A coordinator to be filled.

    Attributes:
        origin: As partners sign it.
        metrics: Origin of its figures.
        folder: Where the organisations' folders are made, one a HOLDFAST_HOME.
        offset_file: Where the coordinator reads how far its clock runs from the host's.
        operator: Invites and confirms.
        lists: Folder of the public lists of addresses, if it is there.
        webhooks: URL below which the organisations' webhooks are taken; None: they read the feed.
    """

    origin: str
    metrics: str
    folder: Path
    offset_file: Path
    operator: Operator
    lists: Path | None = None
    webhooks: str | None = None


@dataclass(slots=True)
class Told:
    """What a coordinator was filled with."""

    members: Mapping[str, Member]
    scenes: Sequence[Scene]
    statuses: dict[str, str] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return it as plain members, for one line of JSON."""
        return {
            "note": "Organisations, people, incidents and amounts are invented.",
            "organisations": [
                {
                    "handle": each.handle,
                    "name": each.name,
                    "leads": list(each.names[:2]),
                    "compliance": each.names[2],
                    "analyst": each.names[3],
                }
                for each in ORGANISATIONS
            ],
            "requests": len(self.scenes),
            "addresses": sum(len(scene.flags) for scene in self.scenes),
            "by_status": dict(sorted(Counter(self.statuses.values()).items())),
            "by_urgency": dict(
                sorted(Counter(scene.case.urgency.value for scene in self.scenes).items())
            ),
            "cases": [
                {
                    "name": scene.case.name,
                    "id": scene.sent.id,
                    "title": scene.case.title,
                    "requester": scene.sent.requester,
                    "status": self.statuses[scene.case.name],
                }
                for scene in self.scenes
            ],
        }


def all_cases(accounts: Accounts) -> tuple[Case, ...]:
    """Return every case, in the order in which accounts are handed out to them."""
    return (*PAST, *present(accounts))


def start_clock(offset_file: Path) -> None:
    """Put the clock back to where the cases begin; before the coordinator starts."""
    _set(offset_file, BEGIN)


def tell(place: Place) -> Told:
    """Fill a coordinator whose clock stands where `start_clock` put it; its clock then says now.

    Raises:
        CaseError: A case ended otherwise than it is written.
        ApiError: The coordinator refused an act; likewise TransportError.
    """
    now = wall_clock({VARIABLE: str(place.offset_file)})
    members = enrol(place.origin, place.folder, place.operator, now)
    if place.webhooks is not None:
        _add_endpoints(members, place.webhooks)
    accounts = Accounts(place.lists)
    cases = all_cases(accounts)
    flags = with_accounts(cases, accounts)
    scenes = {case.name: Scene(case, flags[case.name], members, now) for case in cases}
    _act_by_act(place, scenes)
    told = Told(members, list(scenes.values()))
    for scene in told.scenes:
        told.statuses[scene.case.name] = _status(scene)
    return told


def _add_endpoints(members: Mapping[str, Member], webhooks: str) -> None:
    """Have most organisations sent webhooks; the others look for themselves."""
    for stem in _WITH_ENDPOINT:
        endpoint = NewEndpoint(url=f"{webhooks}/{stem}/cases", description="Case system")
        members[stem].client("lead").add_endpoint(endpoint)
    pager = NewEndpoint(
        url=f"{webhooks}/northgate/pager",
        event_types=["freeze_request.*", "hold.expiring", "answer.owed", "leg.disputed"],
        description="Pager of the lead on duty",
    )
    members["northgate"].client("lead").add_endpoint(pager)


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """An act of a case, and how long before now it happens; the longest comes first."""

    order: tuple[timedelta, int]
    ago: timedelta = field(compare=False)
    scene: Scene = field(compare=False)
    act: Callable[[Scene], None] = field(compare=False)


def _act_by_act(place: Place, scenes: Mapping[str, Scene]) -> None:
    at = BEGIN
    clock = _Clock(place)
    for due in sorted(_all_due(scenes)):
        while at - due.ago > _STRIDE:
            at -= _STRIDE
            clock.pass_to(at, waits=True)
        if due.ago != at:
            clock.pass_to(due.ago, waits=at - due.ago > _SHORT or due.act is wait)
        at = due.ago
        try:
            due.act(due.scene)
        except HoldfastError as error:
            raise CaseError(f"{due.scene.case.name}, {due.ago} before now: {error}") from error
    clock.pass_to(timedelta(), waits=True)


def _all_due(scenes: Mapping[str, Scene]) -> Iterator[_Due]:
    number = 0
    for scene in scenes.values():
        begin = span(scene.case.ago)
        submit = _submit(scenes)
        for after, act in [(timedelta(), submit), *((s.after, s.act) for s in scene.case.steps)]:
            ago = begin - after
            if ago < timedelta():
                raise CaseError(f"{scene.case.name} has an act that is still to come")
            number += 1
            yield _Due((-ago, number), ago, scene, act)


def _submit(scenes: Mapping[str, Scene]) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        case = scene.case
        client: Client = scene.members[case.asker].client(case.by)
        handles = {stem: member.handle for stem, member in scene.members.items()}
        following: dict[str, Any] = {}
        if case.follows is not None:
            before = scenes[case.follows].sent
            following = {"incident": {"id": before.incident.id}, "follows": before.id}
        raw = document(case, scene.flags, handles, scene.now, **following)
        scene.request = client.submit(raw)

    return act


def _status(scene: Scene) -> str:
    client = scene.members[scene.case.asker].client("lead")
    status = client.freeze_request(scene.sent.id).status
    if status is not scene.case.ends:
        raise CaseError(f"{scene.case.name} is {status}, and was to be {scene.case.ends}")
    return status.value


class _Clock:
    """The coordinator's clock, and whether it has acted on what fell due by it."""

    def __init__(self, place: Place) -> None:
        self._file = place.offset_file
        self._figures = Transport(None, place.metrics)

    def pass_to(self, ago: timedelta, *, waits: bool) -> None:
        """Move on to so long before now, and let the coordinator act on what fell due.

        Raises:
            CaseError: It looks at no deadlines.
        """
        _set(self._file, ago)
        time.sleep(_REREAD_SECONDS)
        if not waits:
            return
        end, last, looks = time.monotonic() + PATIENCE, self._last_look(), 0
        while looks < _LOOKS:
            if time.monotonic() > end:
                raise CaseError(f"{ago} before now: the coordinator looks at no deadlines")
            time.sleep(_LOOK_SECONDS)
            before, last = last, self._last_look()
            looks += last != before

    def _last_look(self) -> bytes:
        found = _LAST_LOOK.search(self._figures.read_public_bytes("/metrics"))
        return found[1] if found else b""


def _set(offset_file: Path, ago: timedelta) -> None:
    set_offset(offset_file, -int(ago.total_seconds()))
