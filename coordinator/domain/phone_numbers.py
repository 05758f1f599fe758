"""Finds phone numbers as people write them: international, called one, or as at home."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS, PhoneMetadata
from stdnum.eu.vat import MEMBER_STATES

from coordinator.domain.national_numbers import Span, national_numbers

#: What follows an amount or a count; a number before it is no phone's and no account's.
UNIT = (
    r"(?!\s?(?:[A-Z]{3,6}\b"
    r"|(?i:wei|gwei|lamports?|sats?|satoshis?|drops|sun|nano\w{0,12}|base\ units?|units?|tokens?"
    r"|coins?|dollars?|euros?|pounds?|blocks?|slots?|confirmations?|transactions?|txs?|bytes|ms)\b|%))"
)
#: Looked for whoever is a member: the one form without a country that the whole trade writes.
_EVERYWHERE = frozenset({"US"})

_GAP = r"[ .()/-]{0,2}"
_NO_UNIT = re.compile(UNIT)
_INTERNATIONAL = re.compile(
    rf"(?<![\w+])(?:\+{_GAP}|00)[1-9](?:{_GAP}\d){{6,14}}+(?!\w)(?!\.\d){UNIT}"
)
#: Any number of six digits or more that is called one.
_CALLED = re.compile(
    r"(?<!\w)(?i:(?:tele)?phone|tel|mobile|cell|fax|whats\ ?app|signal|telegram|viber|wechat|sms"
    r"|telefono?|tel[ée]fono|t[ée]l[ée]phone|portable|handy|mobil|call|dial|ring|text|reach(?:able)?)"
    r"(?i:\s(?:me|us|him|her|them))?(?i:\s?(?:no|nr|num|number|nummer)\b)?"
    r"(?i:\s(?:is|at|on|under))?"
    rf"[\s.:\#=)\"']{{0,3}}(?!(?:19|20)\d\d[/-]\d)[(+]{{0,2}}\d(?:{_GAP}\d){{5,14}}+(?!\w)(?!\.\d){UNIT}"
)
#: Set apart or joined by what no phone number is joined by: dates, times, IP addresses, files of a
#: year, spans of years.
_OTHERWISE = re.compile(
    r"(?<![\d.])(?:"
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2})?"
    r"|\d{1,2}([./])\d{1,2}\1(?:19|20)?\d{2}"
    r"|(?:19|20)\d\d\ ?[-/]\ ?\d++"
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
#: Six digits near each other, without which there is no phone number; seven, without which no
#: region's form can be there.
_NUMBER = re.compile(r"\d(?:[ .()/-]{0,2}\d){5}")
_NATIONAL = re.compile(r"\d(?:[ .()/-]{0,2}\d){6}")
_DIGITS = re.compile(r"\d++")


def regions_of(jurisdictions: Iterable[str]) -> frozenset[str]:
    """Return the regions whose national numbers are looked for.

    Args:
        jurisdictions: ISO 3166 codes, of parts of countries too ("US-NY"), or "EU" for its members.
    """
    regions = set(_EVERYWHERE)
    for jurisdiction in jurisdictions:
        country = jurisdiction.partition("-")[0]
        regions |= {m.upper() for m in MEMBER_STATES} if country == "EU" else {country}
    return frozenset(regions & SUPPORTED_REGIONS)


def may_hold_national_number(text: str) -> bool:
    """Tell whether what `find_phone_numbers` finds can depend on the regions."""
    return _NATIONAL.search(text) is not None


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
    if not _NUMBER.search(text):
        return
    text = _OTHERWISE.sub(lambda match: "\0" * len(match.group()), text)
    for match in _INTERNATIONAL.finditer(text):
        if _is_international(match.group()):
            yield match.span()
    for match in _CALLED.finditer(text):
        yield match.span()
    for span in national_numbers(regions).find(text, is_reference=is_reference):
        if not _is_called_otherwise(text, span):
            yield span


def _is_called_otherwise(text: str, span: Span) -> bool:
    """Tell whether an amount's unit follows, or a word before it says whose number it is."""
    start, end = span
    if not _NO_UNIT.match(text, end):
        return True
    return bool(_OWN_NUMBER.search(text[max(0, start - _OWN_NUMBER_REACH) : start]))


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
