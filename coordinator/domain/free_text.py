"""Finds what says who a customer is: free text travels to competitors and must not hold it.

Found are e-mail addresses, IBANs, phone numbers, and numbers called an account's or a customer's.
It is a guard against slips, not against intent; hashes, addresses, dates, amounts and police
references pass. Findings name place and kind and never the text: messages and logs stay clean.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["email", "iban", "phone", "account_number"]
_NAMES: dict[Kind, str] = {
    "email": "an e-mail address",
    "iban": "an IBAN",
    "phone": "a phone number",
    "account_number": "an account or customer number",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of customer data: `text[start:end]`."""

    kind: Kind
    start: int
    end: int

    @property
    def message(self) -> str:
        """What to change, without repeating it."""
        return (
            f"holds {_NAMES[self.kind]} at character {self.start + 1}: "
            "free text must not say who a customer is; take it out"
        )


_AT = re.compile(r"@|at\s?[\])]", re.IGNORECASE)
_EMAIL = re.compile(
    r"[^\s@<>()\[\]\"',;:]{1,64}(?:@|\s?[\[(]\s?at\s?[\])]\s?)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b",
    re.IGNORECASE,
)

_IBAN_START = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?=[ -]?[0-9A-Za-z])")
#: ISO 13616 registry: characters of an IBAN by country. The length keeps words behind it out.
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}

#: What follows an amount; a number before it is no account's.
_UNIT = r"(?!\s?(?:[A-Z]{3,5}\b|wei\b|gwei\b|sats?\b|satoshis?\b|base units\b|dollars?\b|euros?\b))"
_MARK = r"(?:id|no|nr|num|number|nummer|\#)"
_ACCOUNT = re.compile(
    rf"""(?<![0-9A-Za-z])
    (?: (?:account|acct|acc|a/c|customer|client|user|member|profile|kyc|konto|kunden?)s?
          [\s_-]? (?: {_MARK} [\s.:\#=_-]{{0,3}} (?:is\s)? [A-Z]{{0,4}}-?\d{{3,}}
                  |   [\s.:\#=-]{{0,3}} (?:is\s)? [A-Z]{{0,2}}-?\d{{5,}} )
    |   (?:uid|userid|accountid|kontonummer|kundennummer)s?
          [\s.:\#=_-]{{0,3}} (?:is\s)? [A-Z]{{0,4}}-?\d{{3,}}
    ) (?:[ -]?\d{{2,}})* (?![0-9A-Za-z]) (?!\.\d) (?-i:{_UNIT})""",
    re.IGNORECASE | re.VERBOSE,
)

_SEPARATORS = r"[ .()/-]{0,2}"
_PHONES = (
    # E.164 with its plus.
    re.compile(rf"(?<![\w+])\+{_SEPARATORS}[1-9](?:{_SEPARATORS}\d){{7,14}}(?!\w)(?!\.\d){_UNIT}"),
    # The international prefix written as 00: no amount or date begins so.
    re.compile(rf"(?<![\w.:-])00[1-9](?:{_SEPARATORS}\d){{8,14}}(?!\w)"),
    # North American, with its separators.
    re.compile(r"(?<![\w.:/-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[.-]\d{4}(?![\w-])"),
    # Any number of six digits or more that is called one.
    re.compile(
        rf"(?<!\w)(?:tel|telephone|phone|mobile|cell|fax|whatsapp|signal|telefon|handy|call|sms)"
        rf"(?:\s?(?:no|nr|number|nummer))?[\s.:\#=]{{0,3}}(?:is\s)?[(+]?\d(?:{_SEPARATORS}\d){{5,14}}(?!\w)",
        re.IGNORECASE,
    ),
)
#: Without an at sign and without three digits near each other there is nothing to find; thousands
#: of short notes come with one request.
_WORTH_READING = re.compile(r"@|at\s?[\])]|\d(?:\D{0,6}\d){2}", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
#: Just before a number, it says that the number is a file's.
_REFERENCE = re.compile(
    r"(?:ref|reference|case|file|report|docket|order|ticket)\W{0,3}\w{0,6}\W{0,3}$", re.IGNORECASE
)
_REFERENCE_REACH = 24


def find_customer_data(text: str) -> list[Finding]:
    """Return every piece of customer data in a text, in order; pieces do not overlap."""
    kept: list[Finding] = []
    if not _WORTH_READING.search(text):
        return kept
    for finding in (*_emails(text), *_ibans(text), *_accounts(text), *_phones(text)):
        if all(finding.end <= other.start or other.end <= finding.start for other in kept):
            kept.append(finding)
    return sorted(kept, key=lambda finding: finding.start)


def _emails(text: str) -> Iterator[Finding]:
    if not _AT.search(text):  # most texts; the pattern below tries every place
        return
    for match in _EMAIL.finditer(text):
        yield Finding("email", match.start(), match.end())


def _accounts(text: str) -> Iterator[Finding]:
    for match in _ACCOUNT.finditer(text):
        yield Finding("account_number", match.start(), match.end())


def _phones(text: str) -> Iterator[Finding]:
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - _REFERENCE_REACH) : match.start()]
            if not _DATE.search(match.group()) and not _REFERENCE.search(before):
                yield Finding("phone", match.start(), match.end())


def _ibans(text: str) -> Iterator[Finding]:
    for match in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(match.group()[:2].upper())
        end = length and _end_of(text, match.start(), length)
        if end and _is_iban(text[match.start() : end]):
            yield Finding("iban", match.start(), end)


def _end_of(text: str, start: int, length: int) -> int | None:
    """Return where `length` letters and digits end, single blanks and hyphens skipped."""
    position, found = start, 0
    while position < len(text):
        character = text[position]
        if character.isascii() and character.isalnum():
            found += 1
            if found == length:
                after = text[position + 1 : position + 2]
                return None if after.isalnum() else position + 1
        elif character not in " -" or text[position - 1] in " -":
            return None
        position += 1
    return None


def _is_iban(text: str) -> bool:
    """Tell whether the check digits fit (ISO 7064 mod 97-10)."""
    plain = text.replace(" ", "").replace("-", "").upper()
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1
