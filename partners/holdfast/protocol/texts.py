"""Texts in what partners send, and how each is kept from saying who a customer is.

A text is either free (`FreeText`), and then the coordinator looks it through for customer data, or
it has a form of its own: a pattern, or a rule elsewhere that `Form` names. What declares neither
counts as free.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from holdfast.protocol.chains.transaction import copying_fault

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: Letters and symbols by their category that show nothing: fillers of Hangul, the empty Braille
#: pattern, the null note head (Default_Ignorable_Code_Point of Unicode 15.1, and U+2800).
EMPTY_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
#: Letters, numbers, punctuation and symbols; not blanks, controls, format characters, lone marks.
_VISIBLE_CATEGORIES = frozenset("LNPS")


@dataclass(frozen=True, slots=True)
class FreeText:
    """Marks a text that people write freely; it is looked through.

    Attributes:
        is_file_number: It is the number that somebody gave a file, such as a police report's, and
            may look like a phone number by chance.
    """

    is_file_number: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """Marks a text that is checked elsewhere, by the rule that `rule` names."""

    rule: str


def is_visible(text: str) -> bool:
    """Tell whether a reader would see anything of a text."""
    return any(
        unicodedata.category(character)[0] in _VISIBLE_CATEGORIES and character not in EMPTY_LETTERS
        for character in text
    )


def visible(value: str) -> str:
    """Return a text that shows something, or raise ValueError."""
    if not is_visible(value):
        raise ValueError("must have visible characters: say it in words")
    return value


def visible_or_empty(value: str) -> str:
    """Return a text that shows something, or an empty one, or raise ValueError."""
    return visible(value) if value else value


def one_line(value: str) -> str:
    """Return a text without control characters, or raise ValueError."""
    if _CONTROL.search(value):
        raise ValueError("must not hold control characters")
    return value


#: Joiners inside words of Persian and Hindi; no other character without a shape belongs in a name.
_JOINERS = frozenset("\u200c\u200d")
#: Controls, formats (they turn the direction of what follows), line ends, and what is no character.
_DIRECTING = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def spoken(value: str) -> str:
    """Return what somebody is called or reached by, trimmed and in NFC (UAX 15).

    Raises:
        ValueError: If it holds a character that only steers how others are shown, naming it.
    """
    for character in value:
        if unicodedata.category(character) in _DIRECTING and character not in _JOINERS:
            raise ValueError(
                f"must not hold U+{ord(character):04X}, which shows nothing itself: type it anew"
            )
    return unicodedata.normalize("NFC", value).strip()


def few_controls(value: str) -> str:
    """Return a text without control characters but line feed and tab, or raise ValueError."""
    if _CONTROL.search(value.replace("\n", "").replace("\t", "")):
        raise ValueError("must not hold control characters")
    return value


#: Hexadecimal; base58, base32 or base64 of a hash; a block's or a version's number; an extrinsic of
#: a block; payer and time. None is as short as what people are known by, or has its signs.
_TX = (
    r"^(0x[0-9A-Fa-f]{1,126}"
    r"|[0-9A-Fa-f]{64}"
    r"|[0-9A-Za-z+/_-]{40,126}={0,2}"
    r"|(0|[1-9][0-9]{0,19})(-[0-9]{1,5})?"
    r"|[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,12}[@-][0-9]{10}[.-][0-9]{1,9})$"
)
_IS_TX = re.compile(_TX)
_ONWARD_ACCOUNT = r"^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%:_+/=a-zA-Z0-9]{1,256}$"
_IS_ONWARD_ACCOUNT = re.compile(_ONWARD_ACCOUNT)


def transaction_id(value: str) -> str:
    """Return a text that can be some chain's transaction id, or raise ValueError."""
    wrong = copying_fault(value)
    if wrong is not None:
        raise ValueError(wrong)
    if not _IS_TX.fullmatch(value):
        raise ValueError(
            "is no chain's transaction id: copy it whole as an explorer shows it, "
            "e.g. 0x and 64 hexadecimal digits"
        )
    return value


def onward_account(value: str) -> str:
    """Return a text in the form of CAIP-10, of whichever chain, or raise ValueError."""
    if not _IS_ONWARD_ACCOUNT.fullmatch(value):
        raise ValueError("must be CAIP-10: chain id, colon, address, e.g. eip155:1:0x51E9d8…")
    return value


#: A name or a few words on one line.
Word = Annotated[
    str,
    Field(min_length=1, max_length=120),
    AfterValidator(one_line),
    AfterValidator(visible),
    FreeText(),
]
#: The number of a file: a case, a police report, an order.
FileNumber = Annotated[
    str,
    Field(min_length=1, max_length=120),
    AfterValidator(one_line),
    AfterValidator(visible),
    FreeText(is_file_number=True),
]
#: On one line, beside each of thousands of addresses.
Note = Annotated[
    str,
    Field(max_length=200),
    AfterValidator(one_line),
    AfterValidator(visible_or_empty),
    FreeText(),
]
ShortText = Annotated[
    str,
    Field(max_length=500),
    AfterValidator(few_controls),
    AfterValidator(visible_or_empty),
    FreeText(),
]
LongText = Annotated[
    str,
    Field(max_length=2_000),
    AfterValidator(few_controls),
    AfterValidator(visible_or_empty),
    FreeText(),
]
#: Why something is done, where that must be said.
Reason = Annotated[
    str,
    Field(min_length=1, max_length=500),
    AfterValidator(few_controls),
    AfterValidator(visible),
    FreeText(),
]
Explanation = Annotated[
    str,
    Field(min_length=1, max_length=2_000),
    AfterValidator(few_controls),
    AfterValidator(visible),
    FreeText(),
]
TxText = Annotated[
    str,
    Field(
        max_length=128,
        description=(
            "The chain's own transaction id, whole, as an explorer shows it; never a link. In a "
            "request it has the form of the account's chain."
        ),
        json_schema_extra={"pattern": _TX},
    ),
    AfterValidator(transaction_id),
    Form("a transaction id of any chain"),
]
#: An account where nobody may know the chain yet.
OnwardAccountText = Annotated[
    str,
    Field(max_length=300, description="CAIP-10.", json_schema_extra={"pattern": _ONWARD_ACCOUNT}),
    AfterValidator(onward_account),
    Form("CAIP-10, of any chain"),
]
