"""A file of claims as the rules read it, before the transaction that stores it.

Accounts, assets and transactions are read by the rules of their chains and signatures verified
while nobody waits for the restitution. What hangs on the restitution as it then is (prices, whose
it is, whether keys were stolen) is judged in the transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from coordinator.domain.amount import parse_amount
from coordinator.domain.errors import FieldFault
from coordinator.storage.tables.restitutions import RestitutionRow
from holdfast.protocol.address_proofs.errors import AddressProofError
from holdfast.protocol.address_proofs.statement import AddressStatement, ProofPurpose
from holdfast.protocol.address_proofs.verification import verify_statement
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AccountError, AmountError, AssetError
from holdfast.protocol.chains.transaction import spelled_transaction
from holdfast.protocol.restitution_payloads import Claim
from holdfast.protocol.strict_json import JsonObject

#: Faults of signatures by the claim's place in the file; none: each is good.
SignatureFaults = Mapping[int, Sequence[FieldFault]]


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A claim as the rules of the chains read it.

    Attributes:
        document: What is sealed of it.
        asset: Canonical; "" where it is none.
        amount: Base units of that; 0 where it is none.
        payout: Where it is to be paid; None where that is no account.
        keys: What it names, canonical: addresses and the transaction.
        faults: What is wrong with it, by pointers below it.
    """

    document: JsonObject
    asset: str
    amount: int
    payout: Account | None
    keys: Sequence[str]
    faults: Sequence[FieldFault]


class StatedFor(NamedTuple):
    """What signed texts name beside the claim."""

    origin: str
    restitution: RestitutionRow
    now: datetime


def read_claims(chains: Chains, claims: Sequence[Claim]) -> list[ReadClaim]:
    """Return claims in their order, each with its own faults."""
    assets: dict[str, str | AssetError] = {}
    return [_read(chains, claim, assets) for claim in claims]


def _read(chains: Chains, claim: Claim, assets: dict[str, str | AssetError]) -> ReadClaim:
    faults: list[FieldFault] = []
    accounts = [
        account
        for number, text in enumerate(claim.addresses)
        if (account := _account(chains, text, f"/addresses/{number}", faults)) is not None
    ]
    payout = _account(chains, claim.payout, "/payout", faults)
    asset = _asset(chains, claim.asset, assets)
    if isinstance(asset, AssetError):
        faults.append(FieldFault("/asset", asset.message, asset.code))
        asset = ""
    amount = _amount(claim.amount, faults)
    keys = [each.key for each in accounts]
    if claim.tx is not None and asset:
        keys.append(f"tx:{spelled_transaction(chains, asset, claim.tx)}")
    document: JsonObject = {
        "ref": claim.ref,
        "addresses": [each.display for each in accounts],
        "asset": asset,
        "amount": claim.amount,
        "tx": claim.tx,
        "documents": claim.documents or [],
        "payout": "" if payout is None else payout.display,
        "sealed": claim.sealed,
    }
    return ReadClaim(document, asset, amount, payout, keys, faults)


def _account(chains: Chains, text: str, pointer: str, faults: list[FieldFault]) -> Account | None:
    try:
        return parse_account(chains, text)
    except AccountError as error:
        faults.append(FieldFault(pointer, error.message, error.code))
        return None


def _asset(chains: Chains, text: str, known: dict[str, str | AssetError]) -> str | AssetError:
    """Return an asset as it is read, once for the many claims of a file that name it."""
    if text not in known:
        try:
            known[text] = parse_asset(chains, text)
        except AssetError as error:
            known[text] = error
    return known[text]


def _amount(text: str, faults: list[FieldFault]) -> int:
    try:
        amount = parse_amount(text)
    except AmountError as error:
        faults.append(FieldFault("/amount", error.message, error.code))
        return 0
    if not amount:
        faults.append(FieldFault("/amount", "must be more than nothing", "out_of_range"))
    return amount


# ---------- signatures ----------


def signature_faults(
    chains: Chains, stated_for: StatedFor, claims: Sequence[Claim]
) -> dict[int, list[FieldFault]]:
    """Verify the signatures of those claims that have any; returns what is wrong with each."""
    return {
        number: list(faults_of_signatures(chains, stated_for, claim))
        for number, claim in enumerate(claims)
        if claim.signatures
    }


def faults_of_signatures(
    chains: Chains, stated_for: StatedFor, claim: Claim
) -> Iterator[FieldFault]:
    """Verify one signature an address, over the text that we write ourselves."""
    row = stated_for.restitution
    days = {"earliest": row.opened_at.date(), "today": stated_for.now.date()}
    try:
        pay_to = parse_account(chains, claim.payout)
        accounts = [parse_account(chains, each) for each in claim.addresses]
    except AccountError:
        return  # told already
    for number, (account, given) in enumerate(zip(accounts, claim.signatures or (), strict=True)):
        try:
            statement = AddressStatement(
                coordinator=stated_for.origin,
                incident=row.incident_id,
                restitution=row.id,
                claim=claim.ref,
                purpose=ProofPurpose.CLAIM,
                account=account,
                signed_on=date.fromisoformat(given.signed_on),
                pay_to=pay_to,
            )
            verify_statement(statement, given.signature, **days)
        except AddressProofError as error:
            yield FieldFault(f"/signatures/{number}", str(error), error.fault.value)
        except ValueError:
            detail = "is no date that exists: write it as 2026-03-02"
            yield FieldFault(f"/signatures/{number}/signed_on", detail, "bad_date")
