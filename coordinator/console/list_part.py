"""A part of a list that was read whole, as the URL asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from coordinator.console.words import grouped

Item = TypeVar("Item")
#: Digits of a place in a list.
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ListPart(Generic[Item]):
    """A part of a list.

    Attributes:
        items: What it shows.
        count: How many the whole list has.
        said: "1 to 100 of 312"; empty where the part is the whole.
        before: URL of the part before; empty where there is none.
        after: URL of the part after it.
    """

    items: Sequence[Item]
    count: int
    said: str
    before: str
    after: str


def list_part(
    items: Sequence[Item], path: str, asked: Mapping[str, str], name: str, most: int
) -> ListPart[Item]:
    """Return the part of a list that begins where the URL says.

    Args:
        items: The whole list.
        path: Of the page.
        asked: Parameters of the URL; the others stay as they are.
        name: Of the parameter with the place of the first item.
        most: Items of a part.
    """
    text = asked.get(name, "")
    first = int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0
    first = first if first < len(items) else 0
    shown = items[first : first + most]
    last, count = first + len(shown), len(items)

    def url(place: int) -> str:
        return f"{path}?{urlencode({**asked, name: str(place)})}"

    return ListPart(
        items=shown,
        count=count,
        said=f"{first + 1} to {last} of {grouped(str(count))}" if count > len(shown) else "",
        before=url(max(first - most, 0)) if first else "",
        after=url(last) if last < count else "",
    )
