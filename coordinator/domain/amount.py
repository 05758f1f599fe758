"""Amounts: whole base units (satoshi, wei) as decimal text; never a float."""

import re

from holdfast.protocol.chains.format_errors import AmountError

#: Amounts are below this: what a 256-bit ledger can hold.
AMOUNT_LIMIT = 2**256
_MAX_DIGITS = 78
_DIGITS = re.compile(r"0|[1-9][0-9]*", re.ASCII)


def parse_amount(text: str) -> int:
    """Return the number of base units that a decimal string names.

    Args:
        text: ASCII digits without sign, fraction, exponent, separators or leading zeros.

    Raises:
        AmountError: `bad_amount` if it is written otherwise, `amount_too_large` from 2^256 on.
    """
    # The length is checked first: int() takes quadratic time, and refuses 4,300 digits by itself.
    if len(text) <= _MAX_DIGITS and _DIGITS.fullmatch(text):
        amount = int(text)
        if amount < AMOUNT_LIMIT:
            return amount
    elif not _DIGITS.fullmatch(text):
        raise AmountError(
            "bad_amount",
            "write whole base units (satoshi, wei) as digits only: no sign, point, exponent, "
            'separator or leading zero, e.g. "150000000"',
        )
    raise AmountError("amount_too_large", "an amount must be below 2^256 base units")
