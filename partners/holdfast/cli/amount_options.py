"""Amounts in options: "1.5 ETH" or base units, with the asset beside them or the one of a hold."""

from holdfast.errors import InvalidDraftError
from holdfast.protocol.amounts import AmountTextError, KnownAssets, parse_amount

#: Stands where an asset does that the amount names already.
IN_THE_AMOUNT = "-"


def parse_option(
    option: str, text: str, known: KnownAssets, *, asset: str | None, chain: str | None = None
) -> tuple[str, str]:
    """Return asset and base units of an option's amount.

    Args:
        option: As it is written, for the message.
        text: The amount.
        known: Which symbols there are.
        asset: CAIP-19, or `-` where the amount names it.
        chain: Where a bare symbol is looked for (CAIP-2).

    Raises:
        InvalidDraftError: Saying what to write instead.
    """
    given = None if asset == IN_THE_AMOUNT else asset
    try:
        named, base_units = parse_amount(text, known, asset=given, chain=chain)
    except AmountTextError as error:
        raise InvalidDraftError([f"{option}: {error}"]) from None
    if named is None:
        raise InvalidDraftError([f"{option}: base units name no asset: give it as CAIP-19"])
    return named, base_units
