"""Characters that no address and no transaction id has, and what to say of them."""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

#: Letters of other alphabets that look like one of an address.
_LOOKALIKES: Mapping[str, str] = MappingProxyType(
    {
        "\u00d7": "x",  # multiplication sign
        **dict(zip("\u0430\u0435\u043e\u0441\u0445\u0440\u0443", "aeocxpy", strict=True)),
        **dict(zip("\u0410\u0412\u0415\u041c\u041d\u041e", "ABEMHO", strict=True)),
        **dict(zip("\u0420\u0421\u0422\u0425", "PCTX", strict=True)),
    }
)


def odd_character(text: str, what: str = "address") -> str | None:
    """Return what is wrong with the first character that cannot be right, if one is there.

    Args:
        text: What somebody copied.
        what: What it should be, for the words.
    """
    if text.isascii() and text.isprintable() and " " not in text:
        return None  # a list has thousands, and nearly all are so
    place, character = next(
        (place, each) for place, each in enumerate(text, start=1) if not "!" <= each <= "~"
    )
    code = f"U+{ord(character):04X}"
    if unicodedata.category(character)[0] in "CZ":  # control, format, space
        where = {1: "at the beginning", len(text): "at the end"}.get(place, f"at place {place}")
        return f"holds the invisible {code} {where}: delete it"
    likely = _LOOKALIKES.get(character)
    rather = f", not {likely}: type it anew" if likely else f", which no {what} has"
    return f"character {place} is {code}{rather}"
