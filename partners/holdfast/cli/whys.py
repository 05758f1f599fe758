"""How the terminal says why partners are asked, and what the requester stands to gain or lose."""

from collections.abc import Sequence

from holdfast.protocol.payloads import Interest, WhyYou
from holdfast.protocol.views import InterestView, WhyYouView
from holdfast.wording import interest_words

#: So many places of addresses stand in a line; the document has the rest.
_MOST_NUMBERS = 12


def interest_line(declared: Interest | InterestView) -> str:
    """Return what a requester declared of its own interest, in a line."""
    return f"{interest_words(declared.kinds)}: {declared.statement}"


def why_lines(said: Sequence[WhyYou | WhyYouView]) -> list[str]:
    """Return why partners are asked, a line each: "a.example, b.example: bridge exit (0, 4)"."""
    return [_line(each) for each in said]


def _line(said: WhyYou | WhyYouView) -> str:
    named = [said.to] if isinstance(said.to, str) else said.to or []
    numbers = said.address_nos or []
    listed = ", ".join(map(str, numbers[:_MOST_NUMBERS]))
    more = ", …" if len(numbers) > _MOST_NUMBERS else ""
    about = f" (addresses {listed}{more})" if numbers else ""
    return f"{': '.join(filter(None, (', '.join(named), said.why)))}{about}"
