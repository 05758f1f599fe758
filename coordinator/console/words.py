"""Amounts, times and counts as people read them. Nothing is rounded unless it says "about"."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.asked_sums import AskedSum, short_number
from holdfast.protocol.payloads import parse_time
from holdfast.protocol.vocabulary import Role

#: U+202F: parts digits in threes, breaks no line, and is left out where somebody copies.
_THIN = "\N{NARROW NO-BREAK SPACE}"
_NBSP = "\N{NO-BREAK SPACE}"
#: A clock that runs out within this is shown as a danger.
SOON = timedelta(hours=1)
#: Minutes below which seconds are shown; hours below which there are no days yet.
_TO_THE_SECOND, _IN_HOURS = 10, 48


class AmountWords(NamedTuple):
    """An amount for people: its number, what it counts, and the number as one copies it."""

    number: str
    unit: str
    plain: str

    def __str__(self) -> str:
        """Return number and unit in one."""
        return f"{self.number}{_NBSP}{self.unit}"


def grouped(number: str) -> str:
    """Return a decimal number with its whole digits in threes: "113 000.5"."""
    whole, point, fraction = number.partition(".")
    return f"{int(whole):,}".replace(",", _THIN) + point + fraction


def amount(base_units: str | int, asset: str, assets: KnownAssets) -> AmountWords:
    """Return an amount in units, or in base units where no decimals are known.

    Args:
        base_units: Whole base units.
        asset: CAIP-19.
        assets: What is known of it.
    """
    unit = assets.unit(asset)
    if unit is None:
        digits = str(int(base_units))
        return AmountWords(grouped(digits), f"base units of {asset}, decimals unknown", digits)
    whole, rest = divmod(int(base_units), 10**unit.decimals)
    fraction = f".{rest:0{unit.decimals}d}".rstrip("0") if rest else ""
    plain = f"{whole}{fraction}"
    return AmountWords(grouped(plain), unit.symbol, plain)


def usd(value: str | None) -> str:
    """Return a sum in dollars: "$11.2 m" from a million on; a dash where nobody valued it."""
    if value is None:
        return "\N{EN DASH}"
    return usd_of(int(value.replace(".", "")) if "." in value else int(value) * 100)


def usd_of(cents: int) -> str:
    """Return a sum of US cents in dollars: "$11.2 m" from a million on."""
    if cents >= 10**8:
        tenths = cents // 10**7
        return f"${tenths // 10:,}.{tenths % 10}".replace(",", _THIN) + f"{_NBSP}m"
    return f"${cents // 100:,}".replace(",", _THIN)


def worth(valued: Sequence[int | None]) -> str:
    """Return what addresses were worth, by whoever asks; "" where they do not say.

    Args:
        valued: What is stated of each, in US cents; None where nothing is.
    """
    stated = [each for each in valued if each is not None]
    if not stated:
        return ""
    total = usd_of(sum(stated))
    if len(stated) == len(valued):
        return f"about {total}, stated"
    return f"{total} stated for {len(stated)} of {counted(len(valued), 'address')}"


def counted(count: int, noun: str) -> str:
    """Return "1 partner", "14 partners", "51 addresses"; the number and its noun stay together."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{grouped(str(count))}{_NBSP}{noun}{ending}"


def hours(count: int) -> str:
    """Return "72 h"; the number and its unit stay together."""
    return f"{grouped(str(count))}{_NBSP}h"


def listed(words: Iterable[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    every = list(words)
    return " and ".join(filter(None, (", ".join(every[:-1]), every[-1]))) if every else ""


def moment(value: str | datetime | None) -> datetime | None:
    """Return a time of a view, which may be text or a datetime."""
    return parse_time(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Countdown:
    """How long there is until a time, or how late it is.

    Attributes:
        words: "41 min", "3 h", "2 days late", "now".
        until: The time itself; None where no clock runs.
        is_soon: It runs out within the hour.
        is_late: It is past.
    """

    words: str
    until: datetime | None
    is_soon: bool = False
    is_late: bool = False


def countdown(until: str | datetime | None, now: datetime) -> Countdown:
    """Return how long there is until a time; no clock where there is none."""
    at = moment(until)
    if at is None:
        return Countdown("\N{EN DASH}", None)
    left = at - now
    if abs(left) < timedelta(minutes=1):
        return Countdown("now", at, is_soon=True, is_late=left < timedelta())
    words = span(abs(left))
    if left < timedelta():
        return Countdown(f"{words} late", at, is_late=True)
    return Countdown(words, at, is_soon=left <= SOON)


def span(length: timedelta) -> str:
    """Return a length of time: "6:05 min", "41 min", "3 h 12 min", "3 days"; rounded down.

    The script counts on in the same words.
    """
    seconds = length // timedelta(seconds=1)
    minutes = seconds // 60
    if minutes < _TO_THE_SECOND:
        return f"{minutes}:{seconds % 60:02d}{_NBSP}min"
    if minutes < 60:  # noqa: PLR2004 - of an hour
        return f"{minutes}{_NBSP}min"
    hours = minutes // 60
    if hours < _IN_HOURS:
        rest = f" {minutes % 60}{_NBSP}min" if minutes % 60 else ""
        return f"{hours}{_NBSP}h{rest}"
    return f"{hours // 24}{_NBSP}days"


def ago(value: str | datetime, now: datetime) -> str:
    """Return how long ago a time was, in its largest unit: "9 min ago", "just now"."""
    at = moment(value)
    if at is None or now - at < timedelta(minutes=1):
        return "just now"
    minutes = (now - at) // timedelta(minutes=1)
    if minutes < 60:  # noqa: PLR2004 - of an hour
        return f"{minutes}{_NBSP}min ago"
    hours = minutes // 60
    return f"{hours}{_NBSP}h ago" if hours < _IN_HOURS else f"{hours // 24}{_NBSP}days ago"


def utc(value: str | datetime) -> str:
    """Return a time with its date and zone; the viewer's own zone is the browser's business."""
    at = moment(value)
    if at is None:
        raise ValueError("there is no such time")
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC".lstrip("0")


#: A time as the API writes it, and a detail that leaves out what it is about: its pointer says it.
_API_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_MISSING = "Field required"
_NO_SUBJECT = re.compile(r"(?:is|was|has|must|lies|names|needs|says)\b")


def fault_sentence(detail: str) -> str:
    """Return what the API refused as a sentence beside a field: "This is too far ahead: ..."."""
    if detail == _MISSING:
        return "This is missing: fill it in."
    told = _API_TIME.sub(lambda found: utc(found.group()), detail)
    told = f"this {told}" if _NO_SUBJECT.match(told) else told
    ended = told if told.endswith((".", "?", "!")) else f"{told}."
    return f"{ended[:1].upper()}{ended[1:]}"


def short_id(identifier: str) -> str:
    """Return an id with its middle left out: "frq_01jm…9w2c"."""
    prefix, _, tail = identifier.partition("_")
    return f"{prefix}_{tail[:4]}\N{HORIZONTAL ELLIPSIS}{tail[-4:]}" if tail else identifier


def sums_by_asset(lines: Iterable[Any], assets: KnownAssets) -> list[AmountWords]:
    """Return the sums of (asset, base units) pairs in the order in which assets come first."""
    sums: dict[str, int] = {}
    for asset, base_units in lines:
        sums[asset] = sums.get(asset, 0) + int(base_units)
    return [amount(total, asset, assets) for asset, total in sums.items()]


def when_used(value: str | datetime | None, now: datetime) -> str:
    """Return when something was last used: "9 min ago", "never"."""
    return "never" if value is None else ago(value, now)


#: Roles as people speak of them.
ROLE_WORDS: Mapping[Role, str] = MappingProxyType(
    {
        Role.SECURITY_LEAD: "security lead",
        Role.COMPLIANCE: "compliance",
        Role.ANALYST: "analyst",
        Role.AUDITOR: "auditor",
        Role.SYSTEM: "system",
        Role.SCREENING: "screening",
    }
)


def role_words(roles: Iterable[Role | str]) -> str:
    """Return somebody's roles, the weightiest first: "security lead and analyst"."""
    held = {str(role) for role in roles}
    words = [word for role, word in ROLE_WORDS.items() if role in held]
    return listed([*words, *sorted(held - {str(role) for role in ROLE_WORDS})]) or "no role"


def stated(base_units: str | None, asset: str | None, assets: KnownAssets) -> AmountWords:
    """Return what an address asks for; without an amount it is whatever is there."""
    if base_units is not None and asset is not None:
        return amount(base_units, asset, assets)
    unit = assets.unit(asset)
    what = "whatever is there" if asset is None else f"any {unit.symbol if unit else asset}"
    return AmountWords(what, "", "")


#: How many assets a sentence names; a number longer than this is said shorter there.
_NAMED, _LONG = 3, 12


def sums(asked: Iterable[AskedSum], assets: KnownAssets, *, short: bool = False) -> str:
    """Return what is asked for: "113 000 ETH and 2.5 BTC", and where no amount is stated.

    Args:
        asked: By asset.
        assets: What is known of them.
        short: As in a page's sentence: long numbers as "about 2.1M", which the page has in full.
    """
    every = list(asked)
    named = [_sum(each, assets, short=short) for each in every if each.base_units]
    if len(named) > _NAMED:
        named[_NAMED:] = [counted(len(named) - _NAMED, "more asset")]
    unstated = sum(each.unstated for each in every)
    if unstated:
        else_ = " else" if named else ""
        of_some = f" at {counted(unstated, 'address')}" if named else ""
        named.append(f"whatever{else_} is there{of_some}")
    return listed(named)


def about(base_units: str | int, asset: str, assets: KnownAssets) -> str:
    """Return an amount for a heading, long ones as "about 0.3333 ETH": the page has it in full."""
    whole = amount(base_units, asset, assets)
    if assets.unit(asset) is None or len(whole.plain) <= _LONG:
        return str(whole)
    return _cut(whole)


def _sum(asked: AskedSum, assets: KnownAssets, *, short: bool) -> str:
    unit = assets.unit(asked.asset)
    whole = amount(asked.base_units, asked.asset or "", assets)
    if short and unit is not None and len(whole.plain) > _LONG:
        return short_number(asked.base_units, unit) or _cut(whole)
    return str(whole)


def _cut(whole: AmountWords) -> str:
    number, point, fraction = whole.number.partition(".")
    rest = f"{point}{fraction[:4]}".rstrip("0").rstrip(".")
    return f"about {number}{rest}{_NBSP}{whole.unit}"


def share(part: int, whole: int) -> str:
    """Return how much of something a part is: "13 %", "less than 1 %"; rounded down."""
    hundredths = part * 100 // whole
    return f"{hundredths}{_NBSP}%" if hundredths or not part else f"less than 1{_NBSP}%"
