"""Amounts: whole base units (satoshi, wei) as decimal text; never a float."""

import re
from dataclasses import dataclass

from coordinator.domain.format_errors import AmountError

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


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity of one asset in its smallest unit (satoshi, wei); never a float.

    Args:
        base_units: Whole number of smallest units, 0 <= n < 2**256.
        asset: Canonical CAIP-19 asset id.

    Raises:
        AmountError: If base_units is out of range.
    """

    base_units: int
    asset: str

    def __post_init__(self) -> None:
        if not 0 <= self.base_units < AMOUNT_LIMIT:
            raise AmountError("amount_too_large", "an amount must be at least 0 and below 2^256")

    def __str__(self) -> str:
        """Return the base units as they stand on the wire."""
        return str(self.base_units)
