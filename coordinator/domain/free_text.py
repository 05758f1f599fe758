"""Finds what says who a customer is: free text travels to competitors and must not hold it.

Found are e-mail addresses, IBANs, phone numbers, and numbers called an account's or a customer's,
in whatever characters they are written. It is a guard against slips, not against intent; hashes,
addresses, dates, amounts and police references pass. Findings name place and kind and never the
text: messages and logs stay clean. Every pattern looks at a place once or within fixed reach, so
that the time taken grows with the text and no faster.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from stdnum import iban, numdb

from coordinator.domain.folded_text import fold
from coordinator.domain.national_numbers import Span
from coordinator.domain.phone_numbers import (
    UNIT,
    find_phone_numbers,
    may_hold_national_number,
    regions_of,
)

Kind = Literal["email", "iban", "phone", "account_number"]
_NAMES: dict[Kind, str] = {
    "email": "an e-mail address",
    "iban": "an IBAN",
    "phone": "a phone number",
    "account_number": "an account or customer number",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of customer data: `text[start:end]` of the text as it was sent."""

    kind: Kind
    start: int
    end: int

    @property
    def message(self) -> str:
        """What to change, without repeating it; characters are counted from 1."""
        return (
            f"holds what looks like {_NAMES[self.kind]} at characters {self.start + 1} to "
            f"{self.end}: free text must not say who a customer is; take it out"
        )


#: Without an at sign and without three digits near each other there is nothing to find; thousands
#: of short notes come with one request.
_WORTH_READING = re.compile(
    r"@|(?i:at\s?[\])}>])|\sat\s[\w-]{1,63}+\sdot\s|\d(?:\D{0,6}\d){2}", re.IGNORECASE
)


#: Hashes and addresses: nothing of a customer's is so long in one piece.
_LONG = re.compile(r"\b(?:0x[0-9A-Fa-f]{16,}+|\w{36,}+)")


def depends_on_regions(text: str) -> bool:
    """Tell whether it matters for a text whose national phone numbers count."""
    return may_hold_national_number(_without_hashes(fold(text).text))


def find_customer_data(
    text: str, regions: frozenset[str] | None = None, *, is_reference: bool = False
) -> list[Finding]:
    """Return every piece of customer data in a text, in order; pieces do not overlap.

    Args:
        text: As it was sent.
        regions: Whose national phone numbers count (`phone_numbers.regions_of`).
        is_reference: The text is the number that somebody gave a file: a police report, an order.
    """
    folded = fold(text)
    read = _without_hashes(folded.text)
    if not _WORTH_READING.search(read):
        return []
    kept: list[Finding] = []
    is_taken = bytearray(len(read))
    for kind, (start, end) in _find_all(read, regions or regions_of(()), is_reference=is_reference):
        if not any(is_taken[start:end]):
            is_taken[start:end] = b"\1" * (end - start)
            kept.append(Finding(kind, *folded.span(start, end)))
    return sorted(kept, key=lambda finding: finding.start)


def _without_hashes(text: str) -> str:
    """Return a text with its hashes and addresses struck out, every other place kept."""
    return _LONG.sub(lambda match: "\0" * len(match.group()), text)


def _find_all(
    text: str, regions: frozenset[str], *, is_reference: bool
) -> Iterator[tuple[Kind, Span]]:
    yield from (("email", span) for span in _emails(text))
    yield from (("iban", span) for span in _ibans(text))
    yield from (("account_number", span) for span in _accounts(text))
    phones = find_phone_numbers(text, regions, is_reference=is_reference)
    yield from (("phone", span) for span in phones)


_AT = re.compile(
    r"\ ?@\ ?|\ ?[\[({<]\ ?(?:at|@)\ ?[\])}>]\ ?|\ at\ (?=[\w-]{1,63}\ dot\ )", re.IGNORECASE
)
#: Without one of these there is none; the pattern above tries every place of a text.
_AT_SIGN = re.compile(r"@|[\[({<]\ ?[Aa@]|\ [Aa][Tt]\ ")
_DOT = r"(?:\.|\ ?[\[({<]\ ?(?:dot|\.)\ ?[\])}>]\ ?|\ dot\ )"
_DOMAIN = re.compile(rf"[\w-]{{1,63}}+(?:{_DOT}[\w-]{{1,63}}+){{1,40}}", re.IGNORECASE)
_LABEL_ENDS = re.compile(r"(?<=[\w-])(?![\w-])")
_TOP_LEVEL = re.compile(r"(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})$", re.IGNORECASE)
_LOCAL_SIGNS = frozenset("._%+-!#$&'*=?^`|~")
_LONGEST_LOCAL = 64
#: With blanks around the sign, "sold @ exchange.example" is a place; a name has one of these.
_NAME_SIGNS = re.compile(r"[._\d-]")


def _emails(text: str) -> Iterator[Span]:
    if not _AT_SIGN.search(text):
        return
    for at in _AT.finditer(text):
        start = _start_of_local(text, at.start())
        local = text[start : at.start()]
        if not local or (at.group().startswith(" ") and not _is_set_apart(at.group(), local)):
            continue
        domain = _DOMAIN.match(text, at.end())
        end = domain and _end_of_domain(domain)
        if end:
            yield start, end


def _is_set_apart(at: str, local: str) -> bool:
    return at.strip() != "@" or bool(_NAME_SIGNS.search(local))


def _start_of_local(text: str, end: int) -> int:
    start = end
    while start and end - start < _LONGEST_LOCAL and _is_of_local(text[start - 1]):
        start -= 1
    while start < end and not text[start].isalnum():
        start += 1
    return start


def _is_of_local(character: str) -> bool:
    return character.isalnum() or character in _LOCAL_SIGNS


def _end_of_domain(domain: re.Match[str]) -> int | None:
    """Return where the last label ends that can be a top-level domain with one before it."""
    ends = [match.start() for match in _LABEL_ENDS.finditer(domain.group())]
    for end in reversed(ends[1:]):
        before = domain.group()[:end]
        label = re.split(_DOT, before, flags=re.IGNORECASE)[-1]
        if _TOP_LEVEL.fullmatch(label):
            return domain.start() + end
    return None


_BBAN_PART = re.compile(r"(\d++)!")
_IBAN_START = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}\d\d")
_NUMBERS_OF_LETTERS = {ord(c): str(int(c, 36)) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_BETWEEN = str.maketrans("", "", " .-")


@cache
def _iban_of(country: str) -> re.Pattern[str] | None:
    """Return what is as long as a country's IBANs; the length keeps words behind it out."""
    (_, known), *_ = numdb.get("iban").info(country)
    if "bban" not in known:
        return None
    length = sum(map(int, _BBAN_PART.findall(known["bban"])))
    return re.compile(rf"..\d\d(?:[ .-]?[0-9A-Z]){{{length}}}(?![0-9A-Z])", re.IGNORECASE)


def _ibans(text: str) -> Iterator[Span]:
    for start in _IBAN_START.finditer(text):
        form = _iban_of(start.group()[:2].upper())
        match = form and form.match(text, start.start())
        if match and _is_iban(match.group().translate(_BETWEEN).upper()):
            yield match.span()


def _is_iban(plain: str) -> bool:
    """Tell whether check digits (ISO 7064 mod 97-10) and the country's own form fit."""
    remainder = int((plain[4:] + plain[:4]).translate(_NUMBERS_OF_LETTERS)) % 97
    return remainder == 1 and iban.is_valid(plain, check_country=False)


_HOLDER = (
    r"(?:account|acct|acc|a/c|sub-?account|customer|cust|client|user|member|profile|login|kyc"
    r"|konto|kunden?|mitglieds?|compte|cuenta|cliente?|usuario|conta)"
)
_MARK = r"(?:id|no|nr|num|number|nummer|n[º°o]|ref\s?no|\#)"
_IDENTIFIER = (
    r"(?:uid|u\.i\.d\.?|userid|accountid|customerid|clientid|memberid|kontonummer|kundennummer"
    r"|kontonr|kundennr|acctno|accountno|custid)"
)
_SIGNS = r"[\s.:\#=_()\[\]\"'-]{0,4}"
_IS = r"(?:(?:is|ending(?:\s(?:in|with))?|was)[\s:]{1,2})?"
_REST = r"(?:[ -]\d{2,}+)*+"
_END = r"(?![0-9A-Za-z])(?!\.\d)"
_ACCOUNT = re.compile(
    rf"""(?<![0-9A-Za-z])
    (?: # Called an identifier: no unit behind it makes it an amount.
        (?: {_HOLDER}s?[\s_-]?{_MARK} | {_IDENTIFIER}s? | {_HOLDER}\sending(?:\s(?:in|with))? )
          {_SIGNS} {_IS} [A-Z]{{0,4}}-?\d{{3,}}+ {_REST} {_END}
        # Only a word before a number.
    |   {_HOLDER} {_SIGNS} {_IS} [A-Z]{{0,2}}-?\d{{5,}}+ {_REST} {_END} (?-i:{UNIT})
        # The plural counts, unless it lists.
    |   {_HOLDER}s {_SIGNS} \d{{7,}}+ (?:\s?(?:,|and|&|/)\s?\d{{7,}}+)++ {_END} (?-i:{UNIT})
    )""",
    re.IGNORECASE | re.VERBOSE,
)
#: Where one of the words above can begin.
_ACCOUNT_START = re.compile(
    r"(?<![0-9A-Za-z])(?:ac|a/c|sub|cu|cl|u[sie.]|me|pr|lo|ky|ko|ku|mi|co)", re.IGNORECASE
)


def _accounts(text: str) -> Iterator[Span]:
    for start in _ACCOUNT_START.finditer(text):
        if match := _ACCOUNT.match(text, start.start()):
            yield match.span()
