"""How the reference of a CAIP-19 asset is written, per form that a chain's table may name."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from holdfast.protocol.chains.format_errors import AssetError
from holdfast.protocol.chains.rules import AddressRule

_NUMBER = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_CURRENCY = re.compile(r"(?!XRP)[A-Za-z0-9]{3}|(?!00)[0-9a-fA-F]{40}", re.ASCII)
_SHORT_CURRENCY = 3
_HEX64 = re.compile(r"[0-9a-fA-F]{64}")
_MAX_TOKEN_ID = 2**256


def _address(rule: AddressRule, reference: str) -> str:
    return rule.parse(reference).canonical


def _address_and_id(rule: AddressRule, reference: str) -> str:
    address, slash, token_id = reference.partition("/")
    canonical = _address(rule, address)
    if not slash:
        return canonical
    return f"{canonical}/{_number(rule, token_id)}"


def _number(_rule: AddressRule, reference: str) -> str:
    if not _NUMBER.fullmatch(reference) or int(reference) >= _MAX_TOKEN_ID:
        raise AssetError(
            "bad_reference", "the token's number is a decimal below 2^256 without leading zeros"
        )
    return reference


def _issued(rule: AddressRule, reference: str) -> str:
    currency, _, issuer = reference.partition(".")
    if not _CURRENCY.fullmatch(currency):
        raise AssetError(
            "bad_reference",
            "an issued currency is CODE.ISSUER, CODE being 3 letters or digits (not XRP) "
            "or the 40 hex digits of a longer one",
        )
    code = currency if len(currency) == _SHORT_CURRENCY else currency.upper()
    return f"{code}.{_address(rule, issuer)}"


def _hex64(_rule: AddressRule, reference: str) -> str:
    if not _HEX64.fullmatch(reference):
        raise AssetError("bad_reference", "the token's id has 64 hexadecimal digits")
    return reference.upper()


#: How a chain's table says that references of a namespace are written.
REFERENCE_FORMS: Mapping[str, Callable[[AddressRule, str], str]] = MappingProxyType(
    {
        "address": _address,
        "address_and_id": _address_and_id,
        "number": _number,
        "issued": _issued,
        "hex64": _hex64,
    }
)
