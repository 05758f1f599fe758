"""Addresses of a draft as people write them, made into what is signed, with what is wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.drafting.tables import Row
from holdfast.protocol.amounts import AmountTextError, KnownAssets, parse_amount, require_some
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.chains.format_errors import AccountError, FormatError, TransactionError
from holdfast.protocol.chains.transaction import parse_transaction
from holdfast.protocol.errors import MissingLibraryError

COLUMNS = (
    *("account", "chain", "address", "tag", "asset", "amount", "role", "tx", "block", "note"),
    *("whole_account", "min_amount"),
)
#: What the protocol takes for a block's height; of another text the model says what is wrong.
_BLOCK = re.compile("[0-9]{1,16}", re.ASCII)
_AS_WRITTEN = ("account", "tag", "asset", "amount", "role", "tx", "note", "min_amount")
#: What is wrong with an address, by its member.
Faults = dict[str, str]


def members_of(row: Row, chains: Chains, columns: Sequence[str]) -> tuple[dict[str, Any], Faults]:
    """Return the members of an address that a row states, and what is wrong with the row.

    Where no cell names the account, that is the one fault: what the others are worth it decides.
    """
    values = row.values
    members: dict[str, Any] = {name: values[name] for name in _AS_WRITTEN if name in values}
    faults: Faults = {}
    if not values.keys() & {"account", "address"}:
        column = "account" if "account" in columns else "address"
        return members, _empty(row, column, "so the row names no account: fill it in")
    if "address" in values and not values.keys() & {"chain", "account"}:
        return members, _empty(row, "chain", "so it is not said on which chain this address is")
    if "address" in values:
        try:
            account = _account(values, chains)
        except AccountError as error:
            faults["chain"] = f"{values.get('chain', '')!r}: {error.message}"
            return members, faults
        given = members.setdefault("account", account)
        if comparison_key(given, chains=chains) != comparison_key(account, chains=chains):
            faults["address"] = "is another account than the one in account: leave one of them out"
    if "whole_account" in values:
        members["whole_account"] = {"why": values["whole_account"]}
    if "block" in values:
        block = values["block"]
        members["block"] = int(block) if _BLOCK.fullmatch(block) else block
    return members, faults


def _empty(row: Row, column: str, words: str) -> Faults:
    """Return that a cell is empty; nothing where what stood in it is a fault already."""
    is_told = any(fault.startswith(f"{column}: ") for fault in row.faults)
    return {} if is_told else {column: f"the cell is empty, {words}"}


def _account(values: Mapping[str, str], chains: Chains) -> str:
    """Return the CAIP-10 account of a row with chain and address.

    Raises:
        AccountError: The chain is not known.
    """
    if "chain" not in values and "account" in values:
        return f"{':'.join(values['account'].split(':')[:2])}:{values['address']}"
    chain = chains.named(values.get("chain", ""))
    address = values["address"]
    return address if address.startswith(f"{chain.caip2}:") else f"{chain.caip2}:{address}"


def _state(address: dict[str, Any], known: KnownAssets) -> Faults:
    """Turn an address's amounts into base units, and its transaction into its one spelling.

    What cannot be read is left out of the address, and returned with what is wrong, by member.
    """
    faults = {}
    try:
        _state_amount(address, known)
    except AmountTextError as error:
        del address["amount"]
        faults["amount"] = str(error)
        address.pop("min_amount", None)  # what asset it would be of is not known now
    try:
        _state_least(address, known)
    except AmountTextError as error:
        del address["min_amount"]
        faults["min_amount"] = str(error)
    try:
        _state_transaction(address, known.chains)
    except TransactionError as error:
        del address["tx"]
        faults["tx"] = error.message
    return faults


def _state_amount(address: dict[str, Any], known: KnownAssets) -> None:
    """Turn an address's amount, as people write it, into its asset and base units.

    Raises:
        AmountTextError: It cannot be read, or is 0.
    """
    text, account, asset = (address.get(name) for name in ("amount", "account", "asset"))
    if not isinstance(text, str) or not isinstance(asset, str | None):
        return  # the model says what it should be
    chain = ":".join(account.split(":")[:2]) if isinstance(account, str) else None
    named, base_units = parse_amount(text, known, asset=asset, chain=chain)
    address["amount"] = require_some(base_units)
    if named is not None:
        address["asset"] = named


def _state_least(address: dict[str, Any], known: KnownAssets) -> None:
    """Turn the amount from which on deposits wait into base units of the address's asset.

    It never states the asset itself: that would ask for less than the row says.

    Raises:
        AmountTextError: It cannot be read, is 0, or the asset is not stated.
    """
    text, account, asset = (address.get(name) for name in ("min_amount", "account", "asset"))
    if not isinstance(text, str) or not isinstance(asset, str | None):
        return  # the model says what it should be
    if asset is None:
        raise AmountTextError("a least amount needs its asset: state that, too, or an amount of it")
    chain = ":".join(account.split(":")[:2]) if isinstance(account, str) else None
    _, base_units = parse_amount(text, known, asset=asset, chain=chain)
    if base_units == "0":
        raise AmountTextError("a least amount of 0 leaves nothing out: leave it out itself")
    address["min_amount"] = base_units


def _state_transaction(address: dict[str, Any], chains: Chains) -> None:
    """Turn an address's transaction into the one spelling of the account's chain.

    Raises:
        TransactionError: It is none.
    """
    text, account = address.get("tx"), address.get("account")
    if not isinstance(text, str) or not isinstance(account, str):
        return  # the model says what it should be
    chain = chains.get(":".join(account.split(":")[:2]))
    if chain is not None:
        address["tx"] = parse_transaction(chain, text)


@dataclass(slots=True)
class Targets:
    """Makes addresses into what is signed, checks them, and that none is named twice.

    Without the library of checksums (the kit's extra `addresses`) nothing is looked at where they
    are needed: the coordinator does it.
    """

    known: KnownAssets
    _seen: dict[tuple[str, str | None], str] = field(default_factory=dict)

    def check(self, address: dict[str, Any], where: str) -> Faults:
        """Turn an address into what is signed; return what is wrong, by member.

        Args:
            address: Its members as written; amounts and transaction are restated, or left out where
                they cannot be read.
            where: How another one that names the same target is told of this one.
        """
        found = _state(address, self.known)
        account, tag, asset = (address.get(name) for name in ("account", "tag", "asset"))
        if not isinstance(account, str) or not isinstance(tag, str | None):
            return found  # the model says what it should be
        key = chain = canonical = None
        try:
            parsed = parse_account(self.known.chains, account, tag)
            key, chain = parsed.key, parsed.chain
        except MissingLibraryError:
            return found
        except FormatError as error:
            found["account"] = error.message
        try:
            if isinstance(asset, str):
                canonical = parse_asset(self.known.chains, asset, chain=chain)
        except FormatError as error:
            found["asset"] = error.message
        if key is not None and not found:
            first = self._seen.setdefault((key, canonical), where)
            if first != where:
                found["account"] = f"the same account and asset stand at {first}: name them once"
        return found
