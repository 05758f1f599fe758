"""What a request asks for, in one sentence and by asset: what a lead reads before deciding."""

from collections.abc import Iterable, Mapping

from holdfast.cli.session import Session
from holdfast.protocol.asked_sums import AskedSum, asked_sums, short_number
from holdfast.protocol.payloads import FlaggedAddress
from holdfast.wording import counted

#: How many assets a sentence names.
_NAMED = 3


def asking_sentence(
    session: Session, partners: int, addresses: Mapping[int, FlaggedAddress], hours: int | None
) -> str:
    """Return e.g. "asks 14 partners to freeze 3 addresses, 2.1M USDT, for 72 h"."""
    sums = asked_sums(addresses.values(), session.assets.chains)
    stated = [short_amount(session, one) for one in sums if one.base_units]
    if len(stated) > _NAMED:
        stated[_NAMED:] = [counted(len(stated) - _NAMED, "more asset")]
    words = [f"asks {counted(partners, 'partner')} to freeze {counted(len(addresses), 'address')}"]
    words += stated
    unstated = sum(one.unstated for one in sums)
    if unstated:
        all_of_it = "whatever is there" if unstated == len(addresses) else "whatever else is there"
        of_some = "" if unstated == len(addresses) else f" (no amount for {unstated} of them)"
        words.append(all_of_it + of_some)
    words.append(f"for {hours} h" if hours else "with no end named")
    return ", ".join(words)


def sums_rows(session: Session, addresses: Iterable[FlaggedAddress]) -> list[tuple[object, ...]]:
    """Return a row (asset, addresses, stated sum, addresses without amount) for each asset."""
    return [
        (
            session.asset_name(one.asset) or "any",
            one.addresses,
            session.number(str(one.base_units), one.asset)
            if one.base_units and one.asset
            else None,
            one.unstated or None,
        )
        for one in asked_sums(addresses, session.assets.chains)
    ]


def short_amount(session: Session, one: AskedSum) -> str:
    """Return an amount as people say it, marked where digits are left out."""
    unit = session.assets.unit(one.asset)
    if session.in_base_units and one.asset:
        return f"{one.base_units} of {one.asset}"
    if unit is None or session.in_base_units:
        return str(session.amount(str(one.base_units), one.asset))
    return short_number(one.base_units, unit) or str(session.amount(str(one.base_units), one.asset))
