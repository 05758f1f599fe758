"""What a case consists of, and where it stands while it is told."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from holdfast import new_nonce, parse_amount, shipped_assets
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import Usd, format_time
from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import RequestStatus, Support, Tlp, Urgency
from reference_exchange.cases.accounts import (
    COINS,
    Accounts,
    Coin,
    invented,
    transaction,
    without_checksum,
)
from reference_exchange.cases.members import Member

#: Ends every summary.
INVENTED = "A sample case: what happened and all amounts are invented."
_SPAN = re.compile(r"(\d+)([dhms])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
#: How long before the request the theft happened, unless a case says otherwise.
_BEFORE = "3h"


def span(text: str) -> timedelta:
    """Return a span as people write it: "112d 4h", "2h 15m", "40s"."""
    parts = _SPAN.findall(text)
    if not parts or " ".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no span")
    return timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})


def exact(coin: Coin, amount: str) -> tuple[str, str]:
    """Return the asset (CAIP-19) and base units of an amount in whole coins."""
    asset, units = parse_amount(f"{amount} {coin.symbol}", shipped_assets(), chain=coin.chain)
    if asset is None:
        raise ValueError(f"{coin.symbol} is unknown")
    return asset, units


def worth(coin: Coin, amount: str, at: datetime) -> Usd:
    """Return what an amount was worth, at the invented price."""
    value = float(amount.replace(",", "")) * coin.usd
    return Usd(value=f"{value:.2f}", at=at, source="invented price")


@dataclass(frozen=True, slots=True)
class Flag:
    """One account that a case flags.

    Attributes:
        coin: Key of `COINS`.
        amount: In whole coins, as stated by the requester; None: whatever came from the account.
        note: Beside the account.
        whole: Why the whole account is to be frozen.
        has_tag: On XRP, whether the requester gives the destination tag.
        has_checksum: On Ethereum, whether the requester writes it with its checksum.
        account: Instead of the next one from the lists.
        like: The same account as another case flags: its name and the place there.
    """

    coin: str
    amount: str | None = None
    note: str | None = None
    whole: str | None = None
    has_tag: bool = True
    has_checksum: bool = True
    account: str | None = None
    like: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens in a case, so long after it was submitted."""

    after: timedelta
    act: "Act"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One freeze request and what becomes of it.

    Attributes:
        name: By which other cases refer to it.
        asker: Stem of the organisation that asks.
        to: Stems of those asked.
        ago: How long before now it is submitted.
        before: How long before that the theft happened.
        by: Profile of whoever submits it.
        follows: Name of the case that it follows, in the same incident.
        ends: How the request stands now.
    """

    name: str
    asker: str
    to: Sequence[str]
    ago: str
    title: str
    kind: str
    summary: str
    flags: Sequence[Flag]
    ends: RequestStatus
    steps: Sequence[Step] = ()
    urgency: Urgency = Urgency.URGENT
    tlp: Tlp = Tlp.AMBER
    hours: int = 72
    support: Support = Support.NONE
    before: str = _BEFORE
    by: str = "analyst"
    reference: str | None = None
    police_report: str | None = None
    agency: str | None = None
    indemnity: str | None = None
    follows: str | None = None


@dataclass(slots=True)
class Scene:
    """A case as it is told: who takes part and what it has come to.

    Attributes:
        now: The clock by which it is told.
        request: Once it was submitted.
        holds: By partner's stem and the address's number.
        questions: Ids by partner's stem; disputes likewise.
        withdrawals: What was proposed and waits for another lead.
    """

    case: Case
    flags: Sequence[Flag]
    members: Mapping[str, Member]
    clock: Callable[[], float]
    request: FreezeRequestView | None = None
    holds: dict[tuple[str, int], str] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    disputes: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The time in the case, in whole seconds."""
        return datetime.fromtimestamp(int(self.clock()), UTC)

    @property
    def sent(self) -> FreezeRequestView:
        """The request, as it was when it was submitted."""
        if self.request is None:
            raise ValueError(f"{self.case.name} is not submitted yet")
        return self.request

    def coin(self, number: int) -> Coin:
        """Return the asset flagged at an address."""
        return COINS[self.flags[number].coin]

    def account(self, number: int) -> str:
        """Return a flagged account."""
        found = self.flags[number].account
        if found is None:
            raise ValueError("accounts are chosen before a case is told")
        return found


Act = Callable[[Scene], None]


def with_accounts(cases: Sequence[Case], accounts: Accounts) -> dict[str, list[Flag]]:
    """Return what each case flags, each flag with its account, by the case's name."""
    chosen: dict[str, list[Flag]] = {}
    for case in cases:
        flags = chosen[case.name] = []
        for flag in case.flags:
            account = flag.account
            if flag.like is not None:
                name, number = flag.like
                account = chosen[name][number].account
            if account is None:
                account = accounts.take(COINS[flag.coin])
            if not flag.has_checksum:
                account = without_checksum(account)
            flags.append(_placed(flag, account))
    return chosen


def _placed(flag: Flag, account: str) -> Flag:
    return Flag(flag.coin, flag.amount, flag.note, flag.whole, flag.has_tag, account=account)


def document(
    case: Case, flags: Sequence[Flag], handles: Mapping[str, str], at: datetime, **members: Any
) -> bytes:
    """Return the exact bytes of a case's request, ready to be signed.

    Args:
        case: What is asked.
        flags: Its flags with their accounts.
        handles: By stem.
        at: When it is submitted.
        members: Instead of those that follow from the case, for one that follows another.
    """
    incident = {
        "title": case.title,
        "kind": case.kind,
        "occurred_at": format_time(at - span(case.before)),
        "reference": case.reference,
    }
    legal = {"police_report": case.police_report, "agency": case.agency}
    body: dict[str, Any] = {
        "nonce": new_nonce(),
        "incident": {name: value for name, value in incident.items() if value is not None},
        "urgency": case.urgency.value,
        "tlp": case.tlp.value,
        "summary": f"{case.summary} {INVENTED}",
        "to": [handles[stem] for stem in case.to],
        "addresses": [_address(case, number, flag, at) for number, flag in enumerate(flags)],
        "hold": {"hours": case.hours},
        "support": case.support.value,
    }
    if any(legal.values()):
        body["legal"] = {name: value for name, value in legal.items() if value is not None}
    if case.indemnity is not None:
        body["indemnity"] = {"offered": True, "text": case.indemnity}
    return canonical_json.dumps(body | members)


def _address(case: Case, number: int, flag: Flag, at: datetime) -> dict[str, Any]:
    coin = COINS[flag.coin]
    members: dict[str, Any] = {
        "account": flag.account,
        "role": "receiver",
        "tx": transaction(coin, f"{case.name}/{number}"),
        "note": flag.note,
    }
    if flag.amount is not None:
        members["asset"], members["amount"] = exact(coin, flag.amount)
        members["usd"] = worth(coin, flag.amount, at).model_dump(mode="json")
    else:
        members["asset"] = exact(coin, "1")[0]
    if flag.whole is not None:
        members["whole_account"] = {"why": flag.whole}
    if coin.symbol == "XRP" and flag.has_tag:
        members["tag"] = str(int.from_bytes(f"{case.name}{number}".encode()) % 900_000 + 100_000)
    return {name: value for name, value in members.items() if value is not None}


def onward(coin_name: str, seed: str) -> str:
    """Return an invented account to which funds went on."""
    return invented(COINS[coin_name], f"onward/{seed}")
