"""One small rule per family of addresses; which chain follows which, `chains.toml` says.

Checksums come from a kept library (`primitives`); its ready-made address decoders are not used, for
they refuse off-curve Solana keys and X-addresses and take a witness script for a key hash.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from holdfast.protocol.chains.rules.base import AddressRule, ParsedAddress
from holdfast.protocol.chains.rules.base58check import Base58CheckRule
from holdfast.protocol.chains.rules.cashaddr import CashAddrRule
from holdfast.protocol.chains.rules.evm import EvmRule
from holdfast.protocol.chains.rules.monero import MoneroRule
from holdfast.protocol.chains.rules.solana import SolanaRule
from holdfast.protocol.chains.rules.xrpl import XrplRule
from holdfast.protocol.chains.rules.zcash import ZcashRule
from holdfast.protocol.chains.toml_table import TomlTable

#: The names that a chain's `rule` may have, each with what builds it from the chain's table.
RULES: Mapping[str, Callable[[TomlTable], AddressRule]] = MappingProxyType(
    {
        "base58check": Base58CheckRule.from_table,
        "cashaddr": CashAddrRule.from_table,
        "evm": EvmRule.from_table,
        "monero": MoneroRule.from_table,
        "solana": SolanaRule.from_table,
        "xrpl": XrplRule.from_table,
        "zcash": ZcashRule.from_table,
    }
)

__all__ = ["RULES", "AddressRule", "ParsedAddress"]
