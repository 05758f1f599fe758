"""Pages and their opaque cursors.

A cursor names the key of the last item, not an offset: late pages cost no more than the first.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Annotated, Any, TypeVar

from pydantic import Field

from coordinator.api.context import AppContext
from coordinator.api.query import Query
from coordinator.domain.clock import from_micros, to_micros
from coordinator.domain.errors import InvalidInputError, ParameterFault
from coordinator.storage.ledger.open_holds import HoldPlace
from coordinator.storage.reading.waiting_tasks import Place
from holdfast.protocol import base64url
from holdfast.protocol.errors import IdFormatError, ProtocolError
from holdfast.protocol.tasks import Task
from holdfast.protocol.views import Cursor

R = TypeVar("R")
_ID = re.compile(r"[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
_TWO_IDS = re.compile(rf"{_ID.pattern}/{_ID.pattern}", re.ASCII)
_PLACE = re.compile(r"[0-9]{1,18}/tsk_[a-z0-9_]{1,90}", re.ASCII)
_HOLD = re.compile(rf"[0-9]{{1,18}}/{_ID.pattern}/{_ID.pattern}", re.ASCII)
_HANDLE = re.compile(r"[a-z0-9.-]{1,253}", re.ASCII)
_KID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


class PageQuery(Query):
    """Cursor and page size."""

    cursor: Annotated[Cursor | None, Field(description="`next_cursor` of the page before.")] = None
    limit: Annotated[int | None, Field(ge=1, description="Items in a page.")] = None


def page_size(context: AppContext, limit: int | None) -> int:
    """Return how many items a page is to hold.

    Raises:
        InvalidInputError: If more are asked for than a page may hold.
    """
    if limit is None:
        return context.page_size
    if limit > context.page_size_limit:
        detail = f"must be 1 to {context.page_size_limit}"
        raise InvalidInputError(
            f"limit {detail}", parameters=[ParameterFault("limit", detail, "out_of_range")]
        )
    return limit


def write_cursor(key: str | int) -> str:
    """Return the cursor that goes on after the item with this key."""
    return base64url.encode(f"1{key}".encode())


def _read(cursor: str, form: re.Pattern[str]) -> str:
    try:
        text = base64url.decode(cursor).decode("ascii")
    except (ProtocolError, UnicodeDecodeError):
        text = ""
    if not text.startswith("1") or not form.fullmatch(text[1:]):
        raise _bad_cursor()
    return text[1:]


def _bad_cursor() -> InvalidInputError:
    detail = "is no cursor of this list; take `next_cursor` of its last page as it is"
    return InvalidInputError(
        f"cursor {detail}", parameters=[ParameterFault("cursor", detail, "bad_cursor")]
    )


def after_id(query: PageQuery) -> str | None:
    """Return the id to go on after; None at the start."""
    return None if query.cursor is None else _read(query.cursor, _ID)


def after_two_ids(query: PageQuery) -> tuple[str, str]:
    """Return both ids to go on after, empty at the start; the key is `first/second`."""
    first, _, second = ("" if query.cursor is None else _read(query.cursor, _TWO_IDS)).partition(
        "/"
    )
    return first, second


def after_place(query: PageQuery) -> Place | None:
    """Return the place in the list of tasks to go on after; None at the start."""
    if query.cursor is None:
        return None
    micros, task_id = _read(query.cursor, _PLACE).split("/")
    try:
        return Place(from_micros(int(micros)), Task.of(task_id))
    except (IdFormatError, OverflowError):
        raise _bad_cursor() from None


def place_key(place: Place) -> str:
    """Return the key of a place in the list of tasks."""
    return f"{to_micros(place.until)}/{place.task.id}"


def after_hold(query: PageQuery) -> HoldPlace | None:
    """Return the hold to go on after in a list by end; None at the start."""
    if query.cursor is None:
        return None
    micros, hold_id, request_id = _read(query.cursor, _HOLD).split("/")
    try:
        return HoldPlace(from_micros(int(micros)), hold_id, request_id)
    except OverflowError:
        raise _bad_cursor() from None


def hold_key(place: HoldPlace) -> str:
    """Return the key of a hold in a list by end."""
    return f"{to_micros(place.ends_at)}/{place.hold_id}/{place.request_id}"


def after_handle(query: PageQuery) -> str:
    """Return the handle to go on after."""
    return "" if query.cursor is None else _read(query.cursor, _HANDLE)


def after_kid(query: PageQuery) -> str:
    """Return the key id to go on after."""
    return "" if query.cursor is None else _read(query.cursor, _KID)


def after_number(query: PageQuery) -> int:
    """Return the number to go on after, -1 at the start."""
    return -1 if query.cursor is None else int(_read(query.cursor, _NUMBER))


def split_page(
    rows: Sequence[R], size: int, key: Callable[[R], str | int]
) -> tuple[Sequence[R], str | None]:
    """Return the first `size` rows, and the next cursor if there are more."""
    shown = rows[:size]
    return shown, write_cursor(key(shown[-1])) if len(rows) > size else None


def read_page(
    size: int,
    find: Callable[[int], Sequence[R]],
    show: Callable[[Sequence[R]], Iterable[Any]],
    *,
    key: Callable[[R], str | int] = attrgetter("id"),
) -> dict[str, Any]:
    """Return one page of at most `size` items (`views.Page`).

    Args:
        size: See `page_size`.
        find: Returns as many rows as it is asked for, from where the page begins; one more than the
            page holds, which tells whether there is another.
        show: Returns rows as they are answered, one item each.
        key: What the next page goes on after.
    """
    rows, cursor = split_page(find(size + 1), size, key)
    return page_view(list(show(rows)), cursor)


def page_view(items: Sequence[Any], next_cursor: str | None) -> dict[str, Any]:
    """Return one page as it is answered (`views.Page`)."""
    return {"items": list(items), "next_cursor": next_cursor}
