"""One small rule per family of addresses; which chain follows which, `chains.toml` says.

Checksums come from a kept library (`primitives`); its ready-made address decoders are not used, for
they refuse off-curve Solana keys and X-addresses and take a witness script for a key hash.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from holdfast.protocol.chains.rules.algorand import AlgorandRule
from holdfast.protocol.chains.rules.antelope import AntelopeRule
from holdfast.protocol.chains.rules.base import AddressRule, ParsedAddress
from holdfast.protocol.chains.rules.base58check import Base58CheckRule
from holdfast.protocol.chains.rules.bech32 import Bech32Rule
from holdfast.protocol.chains.rules.cardano import CardanoRule
from holdfast.protocol.chains.rules.cashaddr import CashAddrRule
from holdfast.protocol.chains.rules.evm import EvmRule
from holdfast.protocol.chains.rules.filecoin import FilecoinRule
from holdfast.protocol.chains.rules.hedera import HederaRule
from holdfast.protocol.chains.rules.hex32 import Hex32Rule
from holdfast.protocol.chains.rules.icp import IcpRule
from holdfast.protocol.chains.rules.monero import MoneroRule
from holdfast.protocol.chains.rules.near import NearRule
from holdfast.protocol.chains.rules.solana import SolanaRule
from holdfast.protocol.chains.rules.ss58 import SS58Rule
from holdfast.protocol.chains.rules.stellar import StellarRule
from holdfast.protocol.chains.rules.tezos import TezosRule
from holdfast.protocol.chains.rules.ton import TonRule
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
        "algorand": AlgorandRule.from_table,
        "antelope": AntelopeRule.from_table,
        "bech32": Bech32Rule.from_table,
        "cardano": CardanoRule.from_table,
        "filecoin": FilecoinRule.from_table,
        "hedera": HederaRule.from_table,
        "hex32": Hex32Rule.from_table,
        "icp": IcpRule.from_table,
        "near": NearRule.from_table,
        "ss58": SS58Rule.from_table,
        "stellar": StellarRule.from_table,
        "tezos": TezosRule.from_table,
        "ton": TonRule.from_table,
        "xrpl": XrplRule.from_table,
        "zcash": ZcashRule.from_table,
    }
)

__all__ = ["RULES", "AddressRule", "ParsedAddress"]
