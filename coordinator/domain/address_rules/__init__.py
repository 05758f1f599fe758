"""One small rule per family of addresses; which chain follows which, `config/chains.toml` says.

Checksums come from a kept library (`primitives`); its ready-made address decoders are not used, for
they refuse off-curve Solana keys and X-addresses and take a witness script for a key hash.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from coordinator.domain.address_rules.base import AddressRule, ParsedAddress
from coordinator.domain.address_rules.base58check import Base58CheckRule
from coordinator.domain.address_rules.cashaddr import CashAddrRule
from coordinator.domain.address_rules.evm import EvmRule
from coordinator.domain.address_rules.monero import MoneroRule
from coordinator.domain.address_rules.solana import SolanaRule
from coordinator.domain.address_rules.xrpl import XrplRule
from coordinator.domain.address_rules.zcash import ZcashRule
from coordinator.domain.toml_table import TomlTable

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
