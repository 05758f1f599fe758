"""A feed of flags in memory, honest unless a test has it lie; signs as a coordinator does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from holdfast.client.transport import Answer
from holdfast.errors import problem_error
from holdfast.profiles.store import Profile
from holdfast.protocol.flag_views import (
    AppliedFlags,
    AppliedFlagsView,
    FlagChanges,
    FlagPage,
)
from holdfast.protocol.flags import (
    FlaggedRequest,
    FlagsHead,
    flags_root,
    line_leaf,
    lines_sha256,
)
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from tests.partners.stub_coordinator import problem

COORDINATOR, PARTNER = "https://coordinator.example", "exchange-b.example"
#: 2026-03-02T12:00:00Z
NOON = 1_772_452_800
DAY = 86_400


@dataclass
class Asked:
    """A request that the partner was asked about."""

    id: str
    accounts: Sequence[str]
    state: str = "active"
    expires_at: int = NOON + 30 * DAY
    asset: str | None = None
    min_amount: str | None = None
    gone: dict[int, str] = field(default_factory=dict)
    contested: list[int] = field(default_factory=list)

    def leaves(self) -> list[bytes]:
        return [
            line_leaf(number, account, self.asset, self.min_amount)
            for number, account in enumerate(self.accounts)
        ]

    def flags(self) -> list[dict[str, Any]]:
        leaves = self.leaves()
        ends = format_time(datetime.fromtimestamp(self.expires_at, UTC))
        found = []
        for number, account in enumerate(self.accounts):
            flag: dict[str, Any] = {"request": self.id, "address_no": number, "expires_at": ends}
            if number in self.gone:
                flag |= {"state": "gone", "reason_code": self.gone[number]}
                flag["leaf"] = leaves[number].hex()
            else:
                state = "contested" if number in self.contested else self.state
                flag |= {"state": state, "account": account, "asset": self.asset}
                flag["min_amount"] = self.min_amount
            found.append(flag)
        return found

    def outline(self) -> list[dict[str, Any]]:
        ends = format_time(datetime.fromtimestamp(self.expires_at, UTC))
        head = {"request": self.id, "address_no": None, "expires_at": ends}
        found: list[dict[str, Any]] = [{**head, "state": self.flagged().state}]
        for number in sorted({*self.gone, *self.contested}):
            state = "gone" if number in self.gone else "contested"
            reason = self.gone.get(number)
            flag = {"request": self.id, "address_no": number, "state": state}
            found.append({**flag, "reason_code": reason})
        return found

    def flagged(self) -> FlaggedRequest:
        plain = len(self.accounts) - len({*self.gone, *self.contested})
        return FlaggedRequest(
            request=self.id,
            state=self.state if plain else "active",
            expires_at=format_time(datetime.fromtimestamp(self.expires_at, UTC)),
            lines_sha256=lines_sha256(self.leaves()),
            line_count=len(self.accounts),
            gone=self.gone,
            contested=self.contested,
        )


class FlagFeed:
    """What a kit reads flags from: client, transport and coordinator in one.

    Attributes:
        twist: Changes a page before it is handed out: what a hostile coordinator, or whoever stands
            between, may do.
    """

    def __init__(self) -> None:
        self.key = PrivateKey.generate()
        profile_key = PrivateKey.generate()
        self.profile = Profile(
            "screening", COORDINATOR, PARTNER, new_id("sys"), "system", profile_key
        )
        self.time = float(NOON)
        self.asked: dict[str, Asked] = {}
        self.changes: list[str] = []
        self.twist: Callable[[dict[str, Any]], dict[str, Any]] = lambda page: page
        self.pages = 0
        self.said: list[AppliedFlags] = []
        self.page_size: int | None = None

    # What tests do to it.

    def now(self) -> float:
        return self.time

    def ask(self, *accounts: str, **members: Any) -> Asked:
        asked = Asked(new_id("frq"), accounts, **members)
        self.asked[asked.id] = asked
        self.changed(asked)
        return asked

    def changed(self, asked: Asked) -> None:
        self.changes.append(asked.id)

    def end(self, asked: Asked) -> None:
        del self.asked[asked.id]
        self.changed(asked)

    def head(self, **changes: Any) -> str:
        at = int(self.time)
        live = [each.flagged() for _, each in sorted(self.asked.items()) if each.expires_at > at]
        head: dict[str, Any] = {
            "iss": COORDINATOR,
            "sub": PARTNER,
            "iat": at,
            "seq": len(self.changes),
            "count": sum(each.count for each in live),
            "root": flags_root(each.leaf() for each in live),
        }
        return FlagsHead(**head | changes).sign(self.key)

    # What the kit asks of it.

    @property
    def transport(self) -> Any:
        body = {"keys": [self.key.public.jwk()]}
        return SimpleNamespace(read_public=lambda _: Answer(200, body, {}))

    def flags(
        self,
        after: str | None = None,
        *,
        limit: int | None = None,
        changes: FlagChanges | None = None,
    ) -> FlagPage:
        self.pages += 1
        size = self.page_size or limit or 1_000
        seq, _, offset = (after or "live").partition(".")
        if seq != "live" and int(seq) > len(self.changes):
            fault = {"parameter": "after", "detail": "is beyond", "code": "beyond_head"}
            raise problem_error(422, problem(422, "invalid_input", errors=[fault]))
        if seq == "live":
            told = sorted(id_ for id_, each in self.asked.items() if each.expires_at > self.time)
        else:
            told = list(dict.fromkeys(self.changes[int(seq) :]))
        every: list[dict[str, Any]] = []
        for id_ in told:
            asked = self.asked.get(id_)
            is_known = seq != "live" and id_ in self.changes[: int(seq)]
            if changes is FlagChanges.OUTLINE and is_known and asked is not None:
                every += asked.outline()
            elif asked is None:
                gone = {"request": id_, "address_no": None, "state": "gone"}
                every.append({**gone, "reason_code": "resolved"})
            else:
                every += asked.flags()
        start = int(offset or 0)
        page: dict[str, Any] = {"flags": every[start : start + size]}
        if start + size < len(every):
            page |= {"next_after": f"{seq}.{start + size}", "has_more": True}
        else:
            page |= {"next_after": str(len(self.changes)), "has_more": False, "head": self.head()}
        return FlagPage.model_construct(**_parsed(self.twist(page)))

    def report_applied_flags(self, applied: AppliedFlags) -> AppliedFlagsView:
        self.said.append(applied)
        return AppliedFlagsView(seq=applied.seq, root=applied.root, count=applied.count)


def _parsed(page: dict[str, Any]) -> dict[str, Any]:
    # A position of its own form; the rest by the model of the wire.
    whole = FlagPage.model_validate({**page, "next_after": "0"})
    return {**dict(whole), "next_after": page["next_after"]}
