"""Text as it is looked through: every spelling of a character made one, its places kept.

Full-width and other compatibility forms are what they stand for (NFKC), digits of any script are
ASCII digits, blanks of any width are one blank, dashes of any length a hyphen; zero-width
characters and marks that only decorate are gone. What a reader takes for `+49 151` is `+49 151`.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from holdfast.protocol.texts import EMPTY_LETTERS

#: Format characters, marks, surrogates and what has no character: nothing stands there for itself.
_DROPPED = frozenset({"Cf", "Mn", "Me", "Cs", "Co", "Cn"})
_DASHES = frozenset("\u2212\u2043\u02d7")


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A text as it is looked through.

    Attributes:
        text: The folded characters.
        places: For each of them its place in the text as it was sent; None if nothing moved.
    """

    text: str
    places: Sequence[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where `text[start:end]` lies in the text as it was sent."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> FoldedText:
    """Return a text in its folded form; takes time in proportion to its length."""
    if text.isascii():
        return FoldedText(text, None)
    pieces = [_fold_character(character) for character in text]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    return FoldedText("".join(pieces), places)


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    if character.isascii():
        return character
    return "".join(map(_plain, unicodedata.normalize("NFKC", character)))


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category in _DROPPED or character in EMPTY_LETTERS:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in {"Zs", "Zl", "Zp"}:
        return " "
    if category == "Pd" or character in _DASHES:
        return "-"
    return character
