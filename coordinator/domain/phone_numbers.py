"""Finds phone numbers as people write them: international, called one, or a region's own form.

The forms of the regions are Google's metadata (`phonenumbers`). Its own matcher tries every place of
a text many times over; here the metadata becomes a few patterns per set of regions, and every place
is looked at once.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS, PhoneMetadata
from stdnum.eu.vat import MEMBER_STATES

Span = tuple[int, int]

#: What follows an amount or a count; a number before it is no phone's and no account's.
UNIT = (
    r"(?!\s?(?:[A-Z]{3,6}\b"
    r"|(?i:wei|gwei|lamports?|sats?|satoshis?|drops|sun|nano\w*|base\ units?|units?|tokens?|coins?"
    r"|dollars?|euros?|pounds?|blocks?|slots?|confirmations?|transactions?|txs?|bytes|ms)\b|%))"
)
#: Looked for whoever is a member: the one form without a country that the whole trade writes.
_EVERYWHERE = frozenset({"US"})

_GAP = r"[ .()/-]{0,2}"
_NOT_BEFORE = r"(?<![\w.:/+#-])"
_NOT_AFTER = r"(?!\w)(?![-./:]\d)"
_INTERNATIONAL = re.compile(rf"(?<![\w+])(?:\+{_GAP}|00)[1-9](?:{_GAP}\d){{6,14}}+(?!\w)(?!\.\d){UNIT}")
#: Any number of six digits or more that is called one.
_CALLED = re.compile(
    r"(?<!\w)(?i:(?:tele)?phone|tel|mobile|cell|fax|whats\ ?app|signal|telegram|viber|wechat|sms"
    r"|telefono?|tel[ée]fono|t[ée]l[ée]phone|portable|handy|mobil|call|dial|ring|text|reach(?:able)?)"
    r"(?i:\s(?:me|us|him|her|them))?(?i:\s?(?:no|nr|num|number|nummer)\b)?"
    r"(?i:\s(?:is|at|on|under))?"
    rf"[\s.:\#=)\"']{{0,3}}(?!(?:19|20)\d\d[/-]\d)[(+]{{0,2}}\d(?:{_GAP}\d){{5,14}}+(?!\w)(?!\.\d){UNIT}"
)
#: With its trunk prefix 0: no amount and no height of a block begins so.
_TRUNK = re.compile(rf"{_NOT_BEFORE}(?<!,)(?:\(0\d*\)|\(?0[1-9])(?:{_GAP}\d){{7,12}}(?![\d])(?!\w)(?![-./:,]\d)")
_TRUNK_DIGITS = range(9, 14)
#: Set apart or joined by what no phone number is joined by: dates, times, IP addresses, files of a
#: year, spans of years.
_OTHERWISE = re.compile(
    r"(?<![\d.])(?:"
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2})?"
    r"|\d{1,2}([./])\d{1,2}\1(?:19|20)?\d{2}"
    r"|(?:19|20)\d\d\ ?[-/]\ ?\d+"
    r"|\d{1,3}(?:\.\d{1,3}){3}"
    r"|\d{1,2}:\d{2}(?::\d{2})?"
    r")(?![\d]|[./]\d)"
)
#: Just before a number, it says that the number is a file's, a place's or a version's.
_OWN_NUMBER = re.compile(
    r"\b(?:ref|reference|case|file|report|docket|order|ticket|complaint|dossier|az|aktenzeichen"
    r"|block|slot|height|ledger|epoch|version|ver|release|build|nonce|memo|tag|index|page|line|item"
    r"|row|hop|addresse?|lot|batch|sequence|checkpoint)s?\b\W{0,3}(?:no|nos|nr|number|id)?\W{0,3}$",
    re.IGNORECASE,
)
_OWN_NUMBER_REACH = 24
#: Seven digits near each other, without which no region's form can be there.
_PLAIN = re.compile(r"\d(?:[ .()/-]{0,2}\d){6}")
_DIGITS = re.compile(r"\d+")


def regions_of(jurisdictions: Iterable[str]) -> frozenset[str]:
    """Return the regions whose national numbers are looked for.

    Args:
        jurisdictions: ISO 3166 codes, those of states too ("US-NY"), or "EU" for all of its members.
    """
    regions = set(_EVERYWHERE)
    for jurisdiction in jurisdictions:
        country = jurisdiction.partition("-")[0]
        regions |= {m.upper() for m in MEMBER_STATES} if country == "EU" else {country}
    return frozenset(regions & SUPPORTED_REGIONS)


def may_hold_national_number(text: str) -> bool:
    """Tell whether what `find_phone_numbers` finds can depend on the regions."""
    return _PLAIN.search(text) is not None


def find_phone_numbers(
    text: str, regions: frozenset[str], *, is_reference: bool = False
) -> Iterator[Span]:
    """Return the places of phone numbers in a folded text.

    Args:
        text: Folded (`folded_text`).
        regions: Whose national numbers count (`regions_of`).
        is_reference: The whole text is some file's number: of national numbers only those count
            that are written exactly as their region writes them.
    """
    if not _PLAIN.search(text) and not _CALLED.search(text):
        return
    text = _OTHERWISE.sub(lambda match: "\0" * len(match.group()), text)
    for match in _INTERNATIONAL.finditer(text):
        if _is_international(match.group()):
            yield match.span()
    for match in _CALLED.finditer(text):
        yield match.span()
    forms = _national_forms(regions)
    for span in forms.written(text):
        if not _names_its_own(text, span):
            yield span
    if not is_reference:
        for span in forms.with_trunk_prefix(text):
            if not _names_its_own(text, span):
                yield span


def _names_its_own(text: str, span: Span) -> bool:
    return bool(_OWN_NUMBER.search(text[max(0, span[0] - _OWN_NUMBER_REACH) : span[0]]))


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text))


def _is_international(text: str) -> bool:
    """Tell whether a country code and a number of a length that it has stand there."""
    digits = _digits(text.replace("(0)", ""))
    if text.startswith("00"):
        digits = digits[2:]
    for length in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions:
            return len(digits) - length in _lengths(int(digits[:length]), regions[0])
    return False


@lru_cache(maxsize=512)
def _lengths(country_code: int, region: str) -> frozenset[int]:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    if metadata is None or metadata.general_desc is None:
        return frozenset()
    return frozenset(metadata.general_desc.possible_length)


class _NationalForms:
    """How the numbers of some regions are written at home."""

    def __init__(self, regions: Collection[str]) -> None:
        known = [m for r in sorted(regions) if (m := PhoneMetadata.metadata_for_region(r))]
        shapes = {shape for m in known for shape in _shapes(m)}
        longest_first = sorted(shapes, key=lambda s: (-sum(map(max, s)), s))
        written = "|".join(map(_pattern_of_shape, longest_first))
        self._written = re.compile(rf"{_NOT_BEFORE}(?:{written}){_NOT_AFTER}{UNIT}")
        self._valid = re.compile("|".join(_valid_numbers(m) for m in known))
        self._possible = re.compile("|".join(_possible_numbers(m) for m in known))

    def written(self, text: str) -> Iterator[Span]:
        """Return numbers in groups as their region sets them, with or without its prefix."""
        for match in self._written.finditer(text):
            if self._valid.fullmatch(_digits(match.group())) and not _is_sum(match.group()):
                yield match.span()

    def with_trunk_prefix(self, text: str) -> Iterator[Span]:
        """Return numbers that begin with their prefix 0, however they are grouped."""
        for match in _TRUNK.finditer(text):
            for end in _ends(match.group()):
                digits = _digits(match.group()[:end])
                if len(digits) in _TRUNK_DIGITS and self._possible.fullmatch(digits):
                    yield match.start(), match.start() + end
                    break


@lru_cache(maxsize=64)
def _national_forms(regions: frozenset[str]) -> _NationalForms:
    return _NationalForms(regions)


def _ends(text: str) -> Iterator[int]:
    """Return where groups of digits end, the last first."""
    return reversed([match.end() for match in _DIGITS.finditer(text)])


_Shape = tuple[tuple[int, int], ...]
_GROUP = re.compile(r"\((?:\\d(?:\{(\d+)(?:,(\d+))?\})?)\)")
#: A group of two must not be shorter: too much else looks like it.
_SHORTEST_OF_TWO = 4
_LONGEST_GROUP = 8


def _shapes(metadata: PhoneMetadata) -> Iterator[_Shape]:
    """Return the sizes of groups that a region writes, least and most digits of each."""
    for form in metadata.number_format:
        groups = tuple(
            (int(low or 1), min(int(high or low or 1), _LONGEST_GROUP))
            for low, high in _GROUP.findall(form.pattern or "")
        )
        is_of_two = len(groups) == 2 and all(low >= _SHORTEST_OF_TWO for low, _ in groups)  # noqa: PLR2004
        if len(groups) > 2 or is_of_two:  # noqa: PLR2004
            yield groups


def _pattern_of_shape(shape: _Shape) -> str:
    first, *rest = (rf"\d{{{low},{high}}}" for low, high in shape)
    # Two groups joined by a hyphen are a range.
    gap = r"(?:\ |\)\ ?)" if len(shape) == 2 else r"(?:[ .-]|\)[ -]?)"  # noqa: PLR2004
    return rf"\(?(?:[018][ .-]?\(?)?{first}{gap}" + r"[ .-]".join(rest)


def _types(metadata: PhoneMetadata) -> Iterator[str]:
    for kind in (
        *(metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.premium_rate),
        *(metadata.shared_cost, metadata.personal_number, metadata.voip, metadata.uan),
    ):
        if kind is not None and kind.national_number_pattern:
            yield kind.national_number_pattern


def _valid_numbers(metadata: PhoneMetadata) -> str:
    return rf"(?:{metadata.national_prefix or ''})?(?:{'|'.join(_types(metadata))})"


def _possible_numbers(metadata: PhoneMetadata) -> str:
    general = metadata.general_desc
    pattern = general.national_number_pattern if general else None
    return rf"{metadata.national_prefix or ''}(?:{pattern or '(?!)'})"


_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[ .]\d{3})+")


def _is_sum(text: str) -> bool:
    """Tell whether groups of three are rather a sum's: a short first one, or round."""
    if not _THOUSANDS.fullmatch(text):
        return False
    return text[3:4].isdigit() or not text[:3].isdigit() or text.endswith("000")
