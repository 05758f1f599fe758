"""Opening hours as people write and read them: "mon-fri 09:00-17:30"."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import Weekday

_DAYS = [day.value for day in Weekday]
_SPAN = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<opens>[0-9:]{5})-(?P<closes>[0-9:]{5})"
)


def read_span(text: str) -> JsonObject:
    """Return one span as `OpenSpan` takes it.

    Raises:
        ValueError: Saying how it is written.
    """
    found = _SPAN.fullmatch(" ".join(text.lower().split()))
    if found is None or not {found["first"], found["last"] or found["first"]} <= {*_DAYS}:
        raise ValueError(f'{text!r} is no span: write it as in "mon-fri 09:00-17:30"')
    first, last = _DAYS.index(found["first"]), _DAYS.index(found["last"] or found["first"])
    if last < first:
        raise ValueError(f"{text!r} runs over the end of the week: write two spans")
    return {
        "days": _DAYS[first : last + 1],
        "opens": found["opens"],
        "closes": found["closes"],
    }


def span_words(span: Mapping[str, Any]) -> list[str]:
    """Return a span as `read_span` takes it; several where its days do not follow one another."""
    runs: list[list[int]] = []
    for number in sorted(_DAYS.index(day) for day in span["days"]):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    hours = f"{span['opens']}-{span['closes']}"
    return [f"{_days(run)} {hours}" for run in runs]


def hours_words(hours: Mapping[str, Any] | None) -> str:
    """Return opening hours on one line; empty where none are said."""
    if hours is None:
        return ""
    spans = (words for span in hours["spans"] for words in span_words(span))
    return f"{', '.join(spans)} ({hours['zone']})"


def _days(run: Sequence[int]) -> str:
    first, last = _DAYS[run[0]], _DAYS[run[-1]]
    return first if first == last else f"{first}-{last}"
