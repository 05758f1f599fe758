"""Characters that a document sets as they are, and what stands for all others.

Its fonts have the letters of Latin, Greek and Cyrillic. What they lack cannot be shown, and what
shows nothing, runs the other way or heaps marks on others could make a page say something else: a
reader sees the code point instead. The signed original has the character itself.
"""

import re
import unicodedata

#: Blocks whose letters the fonts have; `tests/summary/test_document.py` sets every one of them.
_RANGES = (
    (0x0020, 0x007E),
    (0x00A1, 0x00AC),
    (0x00AE, 0x0177),
    (0x0178, 0x017F),
    (0x0386, 0x0386),
    (0x0388, 0x038A),
    (0x038C, 0x038C),
    (0x038E, 0x03A1),
    (0x03A3, 0x03CE),
    (0x0400, 0x045F),
    (0x0490, 0x0491),
    (0x1E9E, 0x1E9E),
    (0x2010, 0x2015),
    (0x2018, 0x201E),
    (0x2020, 0x2022),
    (0x2026, 0x2026),
    (0x2030, 0x2030),
    (0x2039, 0x203A),
    (0x20AC, 0x20AC),
    (0x2116, 0x2116),
    (0x2122, 0x2122),
    (0x2212, 0x2212),
)
_SETTABLE = frozenset(code for first, last in _RANGES for code in range(first, last + 1))
#: Blanks of other widths are told apart by nobody.
_BLANKS = re.compile(r"[\s\u00a0\u2000-\u200a\u202f\u205f\u3000]+")


def settable(text: str) -> str:
    """Return a text of which every character is set: others as "[U+202E]", any blanks as one."""
    composed = _BLANKS.sub(" ", unicodedata.normalize("NFC", text))
    return "".join(each if ord(each) in _SETTABLE else f"[U+{ord(each):04X}]" for each in composed)


def visible(text: str) -> str:
    """Return a text for a file of text: what shows nothing stands as "[U+202E]", blanks as one.

    Letters of all scripts stay, for nothing here lacks them.
    """
    composed = _BLANKS.sub(" ", unicodedata.normalize("NFC", text))
    return "".join(each if each.isprintable() else f"[U+{ord(each):04X}]" for each in composed)


def every_settable() -> str:
    """Return one of each."""
    return "".join(map(chr, sorted(_SETTABLE)))
