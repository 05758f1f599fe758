"""A request as a member reads it, through the front door; and as a hostile coordinator shows it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from holdfast.evidence.examination import Examination, examine
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.protocol.life_cycle_views import ClearanceView, DisputeView
from holdfast.protocol.views import (
    EvidenceView,
    FreezeRequestView,
    GrantView,
    HoldView,
    KeyView,
    LegView,
    LineView,
    View,
)
from tests.factories import ORIGIN, Member, Signer

V = TypeVar("V", bound=View)
_REQUESTS = "/v1/freeze-requests"


@dataclass(slots=True)
class MemberReader:
    """Reads as a member's client does, keys and grants, too."""

    signer: Signer
    member: Member

    def _items(self, model: type[V], path: str, mark: str = "?") -> Iterator[V]:
        cursor = ""
        while True:
            page = self.signer.get(self.member, f"{path}{cursor}").get_json()
            yield from map(model.model_validate, page["items"])
            if not page.get("next_cursor"):
                return
            cursor = f"{mark}cursor={page['next_cursor']}"

    def keys(self, partner: str | None = None) -> Iterable[KeyView]:
        """Return a partner's keys."""
        return self._items(KeyView, f"/v1/keys?partner={partner}", "&")

    def grants(self, partner: str | None = None) -> Iterable[GrantView]:
        """Return a partner's grants."""
        return self._items(GrantView, f"/v1/grants?partner={partner}", "&")

    def freeze_request(self, request_id: str) -> FreezeRequestView:
        """Return a request."""
        answer = self.signer.get(self.member, f"{_REQUESTS}/{request_id}").get_json()
        return FreezeRequestView.model_validate(answer)

    def evidence(self, request_id: str) -> Iterable[EvidenceView]:
        """Return the evidence of its acts."""
        return self._items(EvidenceView, f"{_REQUESTS}/{request_id}/evidence")

    def legs(self, request_id: str) -> Iterable[LegView]:
        """Return its legs."""
        return self._items(LegView, f"{_REQUESTS}/{request_id}/legs")

    def ledger(self, request_id: str) -> Iterable[LineView]:
        """Return its lines."""
        return self._items(LineView, f"{_REQUESTS}/{request_id}/ledger")

    def holds(self, request_id: str) -> Iterable[HoldView]:
        """Return its holds."""
        return self._items(HoldView, f"{_REQUESTS}/{request_id}/holds")

    def disputes(self, request_id: str) -> Iterable[DisputeView]:
        """Return its disputes."""
        return self._items(DisputeView, f"{_REQUESTS}/{request_id}/disputes")

    def clearances(self, request_id: str) -> Iterable[ClearanceView]:
        """Return its clearances."""
        return self._items(ClearanceView, f"{_REQUESTS}/{request_id}/clearances")


@dataclass(slots=True)
class Shown:
    """What a coordinator shows of one request, to be altered by a test; a `Reader` and source."""

    request_id: str
    handle: str
    view: FreezeRequestView
    acts: list[EvidenceView]
    legs_shown: list[LegView]
    lines: list[LineView]
    holds_shown: list[HoldView]
    disputes_shown: list[DisputeView]
    clearances_shown: list[ClearanceView]
    source: MemberReader
    _keys: dict[str | None, list[KeyView]] = field(default_factory=dict)
    _grants: dict[str | None, list[GrantView]] = field(default_factory=dict)

    @classmethod
    def to(cls, reader: MemberReader, request_id: str) -> "Shown":
        """Return what is shown to a member, as the real one shows it."""
        reader.freeze_request(request_id)  # reading it counts as delivery
        return cls(
            request_id=request_id,
            handle=reader.member.handle,
            view=reader.freeze_request(request_id),
            acts=list(reader.evidence(request_id)),
            legs_shown=list(reader.legs(request_id)),
            lines=list(reader.ledger(request_id)),
            holds_shown=list(reader.holds(request_id)),
            disputes_shown=list(reader.disputes(request_id)),
            clearances_shown=list(reader.clearances(request_id)),
            source=reader,
        )

    def copy(self) -> "Shown":
        """Return the same, to be altered by itself."""
        return replace(
            self,
            acts=list(self.acts),
            legs_shown=list(self.legs_shown),
            lines=list(self.lines),
            holds_shown=list(self.holds_shown),
            disputes_shown=list(self.disputes_shown),
            clearances_shown=list(self.clearances_shown),
        )

    def examine(self) -> Examination:
        """Look it through as its reader."""
        directory = KeyDirectory(self, ORIGIN)
        return examine(self, directory, self.request_id, handle=self.handle)

    def failed(self) -> dict[str, str]:
        """Return what fails, with why."""
        return {finding.what: finding.detail for finding in self.examine().failures}

    def act(self, name: str, number: int = 0) -> EvidenceView:
        """Return an act's evidence."""
        return [act for act in self.acts if act.act == name][number]

    def line(self, kind: str, number: int = 0) -> LineView:
        """Return a line."""
        return [line for line in self.lines if line.kind == kind][number]

    def swap(self, items: list[V], old: V, **changes: Any) -> None:
        """Put an altered one in the place of one that is shown."""
        items[items.index(old)] = old.model_copy(update=changes)

    def keys(self, partner: str | None = None) -> Iterable[KeyView]:
        """Return keys."""
        return _kept(self._keys, partner, self.source.keys)

    def grants(self, partner: str | None = None) -> Iterable[GrantView]:
        """Return grants."""
        return _kept(self._grants, partner, self.source.grants)

    def freeze_request(self, request_id: str) -> FreezeRequestView:
        """Return the request."""
        assert request_id == self.request_id
        return self.view

    def evidence(self, request_id: str) -> Iterable[EvidenceView]:
        """Return the evidence of its acts."""
        assert request_id == self.request_id
        return self.acts

    def legs(self, request_id: str) -> Iterable[LegView]:
        """Return its legs."""
        assert request_id == self.request_id
        return self.legs_shown

    def ledger(self, request_id: str) -> Iterable[LineView]:
        """Return its lines."""
        assert request_id == self.request_id
        return self.lines

    def holds(self, request_id: str) -> Iterable[HoldView]:
        """Return its holds."""
        assert request_id == self.request_id
        return self.holds_shown

    def disputes(self, request_id: str) -> Iterable[DisputeView]:
        """Return its disputes."""
        assert request_id == self.request_id
        return self.disputes_shown

    def clearances(self, request_id: str) -> Iterable[ClearanceView]:
        """Return its clearances."""
        assert request_id == self.request_id
        return self.clearances_shown


def _kept(
    kept: dict[str | None, list[V]],
    partner: str | None,
    read: Callable[[str | None], Iterable[V]],
) -> list[V]:
    if partner not in kept:
        kept[partner] = list(read(partner))
    return kept[partner]
