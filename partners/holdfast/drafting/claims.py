"""Claims on recovered funds from a table: one claim a row, each fault with the line of the file.

docs/lists.md describes the columns.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.drafting.report_table import RowFault
from holdfast.drafting.tables import Row, read_table
from holdfast.protocol.address_proofs.statement import CLAIM_REF
from holdfast.protocol.amounts import AmountTextError, KnownAssets, format_number
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.format_errors import AccountError, FormatError, TransactionError
from holdfast.protocol.chains.transaction import fold_transaction, parse_transaction
from holdfast.protocol.errors import MissingLibraryError
from holdfast.protocol.unit_amounts import chain_of, read_amount
from holdfast.protocol.written_tables import unguarded, write_table

#: Of one file; more are sent in parts.
MOST_CLAIMS = 10_000
MOST_ADDRESSES = 20
_WRITTEN = ("ref", "addresses", "asset", "amount", "tx", "proof", "documents", "payout")
COLUMNS = (*_WRITTEN, "chain")
_NEEDED = ("ref", "addresses", "amount", "proof", "payout")
_PROOFS = ("signature", "attested", "documents")
#: Between several addresses or documents of one claim.
_BETWEEN = re.compile(r"[\s|]+")
#: Of a CAIP-10 account: behind namespace and chain.
_COLONS = 2
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class ReadClaims:
    """What a table comes to.

    Attributes:
        claims: Members of each claim, as they are sent.
        at: For each of them the line of the file.
        faults: In the order of the file.
    """

    claims: list[dict[str, Any]] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)


def read_claims(name: str, raw: bytes, assets: KnownAssets) -> ReadClaims:
    """Return the claims of a file, and every fault of it.

    Args:
        name: Ends with .xlsx for a workbook; else it is text.
        raw: Its bytes.
        assets: Which chains, symbols and decimals are known.

    Raises:
        InvalidDraftError: The form of the file is broken.
        MissingLibraryError: A workbook, and the kit is without its extra `xlsx`.
    """
    table = read_table(name, raw, COLUMNS)
    found = ReadClaims()
    missing = [column for column in _NEEDED if column not in table.columns]
    unknown = [column for column in table.columns if column and column not in COLUMNS]
    twice = {column for column in table.columns if column and table.columns.count(column) > 1}
    for names, what in ((missing, "Missing"), (unknown, "Unknown"), (sorted(twice), "Repeated")):
        if names:
            found.faults.append(RowFault(1, f"{what} columns: {', '.join(names)}."))
    if found.faults:
        return found
    refs: dict[str, int] = {}
    for number, row in enumerate(table.rows):
        if number == MOST_CLAIMS:
            found.faults.append(
                RowFault(row.line, f"More than {MOST_CLAIMS:,} claims: send them in parts.")
            )
            break
        _read(row, assets, refs, found)
    if not found.claims and not found.faults:
        found.faults.append(RowFault(1, "There is no row below the names of the columns."))
    return found


def _read(row: Row, assets: KnownAssets, refs: dict[str, int], found: ReadClaims) -> None:
    """Add a row's claim, or what is wrong with it."""
    reader = _RowReader({c: unguarded(v) for c, v in row.values.items()}, assets)
    reader.faults += [f"{each[:1].upper()}{each[1:]}." for each in row.faults]
    claim = reader.read()
    first = refs.setdefault(str(claim.get("ref")), row.line)
    if "ref" in claim and first != row.line:
        reader.faults.append(f"Ref: {claim['ref']} stands in line {first}: give each its own.")
    if reader.faults:
        found.faults += [RowFault(row.line, text) for text in reader.faults]
    else:
        found.claims.append(claim)
        found.at.append(row.line)


class _RowReader:
    """Reads one row."""

    def __init__(self, values: Mapping[str, str], assets: KnownAssets) -> None:
        self._values = values
        self._assets = assets
        self.faults: list[str] = []
        self._caip2 = self._chain()

    def read(self) -> dict[str, Any]:
        """Return the members of the claim; what is wrong with it is in `faults`."""
        for name in _NEEDED:
            if name not in self._values:
                self.faults.append(f"{name.capitalize()}: the cell is empty: fill it in.")
        claim: dict[str, Any] = {}
        self._ref(claim)
        addresses = self._addresses()
        if addresses:
            claim["addresses"] = addresses
            self._lost(claim, chain_of(addresses[0]))
        self._proof(claim)
        if "payout" in self._values:
            payout = self._account("Payout", self._values["payout"])
            if payout:
                claim["payout"] = payout
        return claim

    def _ref(self, claim: dict[str, Any]) -> None:
        ref = self._values.get("ref")
        if ref is None:
            return
        if CLAIM_REF.fullmatch(ref):
            claim["ref"] = ref
        else:
            self.faults.append(
                "Ref: write 1 to 64 letters, digits and . _ -, beginning with a letter or digit."
            )

    def _addresses(self) -> list[str]:
        written = [each for each in _BETWEEN.split(self._values.get("addresses", "")) if each]
        if not written and "addresses" in self._values:
            self.faults.append("Addresses: name the addresses that the loss was taken from.")
        if len(written) > MOST_ADDRESSES:
            self.faults.append(f"Addresses: a claim has {MOST_ADDRESSES} at most.")
            return []
        accounts = [account for each in written if (account := self._account("Addresses", each))]
        if len(set(accounts)) < len(accounts):
            self.faults.append("Addresses: one of them stands twice.")
        return accounts

    def _account(self, column: str, written: str) -> str | None:
        """Return an account as CAIP-10, or say what is wrong with it."""
        account = written
        if self._caip2 is not None and written.count(":") < _COLONS:
            account = f"{self._caip2}:{written}"
        try:
            parse_account(self._assets.chains, account)
        except MissingLibraryError:
            return account  # the coordinator looks at checksums
        except AccountError as error:
            self.faults.append(f"{column}: {written!r}: {error.message}.")
            return None
        return account

    def _chain(self) -> str | None:
        """Return the chain of addresses that state none, or say what is wrong with it."""
        named = self._values.get("chain")
        try:
            return None if named is None else self._assets.chains.named(named).caip2
        except AccountError as error:
            self.faults.append(f"Chain: {named!r}: {error.message}.")
            return None

    def _lost(self, claim: dict[str, Any], chain: str) -> None:
        """State asset, amount and transaction."""
        asset, amount = self._values.get("asset"), self._values.get("amount")
        try:
            if asset is not None:
                asset = parse_asset(self._assets.chains, asset)
            if amount is not None:
                claim["asset"], claim["amount"] = read_amount(
                    amount, self._assets, asset=asset, chain=chain
                )
        except MissingLibraryError:  # pragma: no cover - assets of tokens alone need it
            claim["asset"] = asset
        except AmountTextError as error:
            self.faults.append(f"Amount: {error}.")
            return
        except FormatError as error:
            self.faults.append(f"Asset: {error.message}.")
            return
        if claim.get("amount") == "0":
            self.faults.append("Amount: 0 claims nothing: leave the row out.")
        if asset is not None and claim.get("asset", asset) != asset:
            self.faults.append(f"Amount: is of {claim['asset']}, the asset is {asset}.")
        self._transaction(claim, chain_of(str(claim.get("asset", chain)).replace("/", ":")))

    def _transaction(self, claim: dict[str, Any], caip2: str) -> None:
        tx = self._values.get("tx")
        if tx is None:
            return
        chain = self._assets.chains.get(caip2)
        try:
            claim["tx"] = fold_transaction(tx) if chain is None else parse_transaction(chain, tx)
        except TransactionError as error:
            self.faults.append(f"Tx: {error.message}.")

    def _proof(self, claim: dict[str, Any]) -> None:
        proof = self._values.get("proof", "").lower()
        documents = [d for d in _BETWEEN.split(self._values.get("documents", "").lower()) if d]
        if proof and proof not in _PROOFS:
            self.faults.append(f"Proof: {proof!r} is none: write {', '.join(_PROOFS)}.")
        if any(not _SHA256.fullmatch(each) for each in documents):
            self.faults.append("Documents: write the SHA-256 of each file, 64 hexadecimal digits.")
        if proof == "documents" and not documents:
            self.faults.append("Documents: name the SHA-256 of the documents that prove it.")
        claim["proof"] = proof
        if documents:
            claim["documents"] = list(dict.fromkeys(documents))


def write_claims(claims: Iterable[Mapping[str, Any]], assets: KnownAssets) -> bytes:
    """Return claims as CSV that `read_claims` reads again, and that no spreadsheet runs.

    Args:
        claims: Members as they are sent.
        assets: By their units amounts are written; where an asset's are unknown, in base units.
    """
    return write_table(_WRITTEN, (_cells(claim, assets) for claim in claims))


def _cells(claim: Mapping[str, Any], assets: KnownAssets) -> Sequence[object]:
    unit = assets.unit(claim["asset"])
    amount = claim["amount"]
    if unit is not None:
        amount = f"{format_number(amount, unit).replace(',', '')} {unit.symbol}"
    cells = dict(claim) | {"amount": amount}
    for name in ("addresses", "documents"):
        cells[name] = " ".join(claim.get(name) or ())
    return [cells.get(name) for name in _WRITTEN]
