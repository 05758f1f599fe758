"""How the reference of a CAIP-19 asset is written, per form that a chain's table may name."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from holdfast.protocol.chains.format_errors import AssetError
from holdfast.protocol.chains.rules import AddressRule

_NUMBER = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
#: XRP Ledger, currency formats: letters, digits and these signs.
_CURRENCY_SIGN = r"[A-Za-z0-9?!@#$%^&*<>(){}\[\]|]"
_CURRENCY = re.compile(rf"(?!XRP){_CURRENCY_SIGN}{{3}}", re.ASCII)
_LONG_CURRENCY = re.compile(r"(?!00)[0-9a-fA-F]{40}", re.ASCII)
#: A longer symbol as people write it; in the ledger it is 20 bytes, filled up with zeros.
_LONG_SYMBOL = re.compile(rf"(?!.*%){_CURRENCY_SIGN}{{4,20}}", re.ASCII)
_CURRENCY_BYTES = 20
_SHARE = re.compile(r"03[0-9a-fA-F]{38}", re.ASCII)
_HEX64 = re.compile(r"[0-9a-fA-F]{64}")
#: The ledger's id of an issuance has 48 digits; the namespace's profile writes 64.
_ISSUANCE = re.compile(r"[0-9a-fA-F]{48}|[0-9a-fA-F]{64}")
_ASSET_CODE = re.compile(r"[!-,.-~]{1,12}", re.ASCII)
_DENOM = re.compile(r"[a-zA-Z][a-zA-Z0-9/:._-]{1,127}", re.ASCII)
_MOVE_TYPE = re.compile(r"(0x[0-9a-fA-F]{1,64})((?:::[A-Za-z_][A-Za-z0-9_]{0,127}){2})", re.ASCII)
_INSCRIPTION = re.compile(r"([0-9a-fA-F]{64})i(0|[1-9][0-9]{0,9})", re.ASCII)
#: Cardano: 28 bytes of the policy, up to 32 of the name.
_POLICY = re.compile(r"([0-9a-fA-F]{56})\.?((?:[0-9a-fA-F]{2}){0,32})", re.ASCII)
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
    currency, _, issuer = reference.rpartition(".")
    if _CURRENCY.fullmatch(currency):
        code = currency
    elif _LONG_CURRENCY.fullmatch(currency):
        code = currency.upper()
    elif _LONG_SYMBOL.fullmatch(currency):
        code = currency.encode("ascii").ljust(_CURRENCY_BYTES, b"\0").hex().upper()
    else:
        raise AssetError(
            "bad_reference",
            "an issued currency is CODE.ISSUER, CODE being 3 characters (not XRP), a symbol of 4 "
            "to 20, or its 40 hex digits",
        )
    return f"{code}.{_address(rule, issuer)}"


def _pool_share(rule: AddressRule, reference: str) -> str:
    code, _, pool = reference.partition(".")
    if not _SHARE.fullmatch(code):
        raise AssetError(
            "bad_reference", "a pool's share is 03 and 38 hex digits, a point, the pool's account"
        )
    return f"{code.upper()}.{_address(rule, pool)}"


def _issuance(_rule: AddressRule, reference: str) -> str:
    if not _ISSUANCE.fullmatch(reference):
        raise AssetError("bad_reference", "the issuance's id has 48 hexadecimal digits")
    return reference.upper()


def _code_and_issuer(rule: AddressRule, reference: str) -> str:
    code, _, issuer = reference.partition("-")
    if not _ASSET_CODE.fullmatch(code):
        raise AssetError("bad_reference", "an issued asset is CODE-ISSUER, CODE of 1 to 12 signs")
    canonical = rule.parse(issuer)
    if canonical.tag is not None or not canonical.canonical.startswith("G"):
        raise AssetError("bad_reference", "the issuer is an account, G\u2026, without a memo")
    return f"{code}-{canonical.canonical}"


def _lower_hex64(_rule: AddressRule, reference: str) -> str:
    return _hex64(_rule, reference).lower()


def _denom(_rule: AddressRule, reference: str) -> str:
    if not _DENOM.fullmatch(reference):
        raise AssetError("bad_reference", "a denomination is e.g. uosmo or factory/\u2026/name")
    return reference


def _move_type(rule: AddressRule, reference: str) -> str:
    found = _MOVE_TYPE.fullmatch(reference)
    if found is None:
        raise AssetError("bad_reference", "a coin's type is 0x\u2026::module::NAME")
    return _address(rule, found[1]) + found[2]


def _inscription(_rule: AddressRule, reference: str) -> str:
    found = _INSCRIPTION.fullmatch(reference)
    if found is None:
        raise AssetError(
            "bad_reference", "an inscription is its transaction's 64 hex digits, i, and a number"
        )
    return f"{found[1].lower()}i{found[2]}"


def _policy(_rule: AddressRule, reference: str) -> str:
    found = _POLICY.fullmatch(reference)
    if found is None:
        raise AssetError(
            "bad_reference", "a token is its policy's 56 hex digits and its name in hex behind them"
        )
    return (found[1] + found[2]).lower()


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
        "lower_hex64": _lower_hex64,
        "pool_share": _pool_share,
        "issuance": _issuance,
        "code_and_issuer": _code_and_issuer,
        "denom": _denom,
        "move_type": _move_type,
        "inscription": _inscription,
        "policy": _policy,
    }
)
