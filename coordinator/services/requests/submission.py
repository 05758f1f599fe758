"""What is checked of a freeze request before any transaction: addresses, assets, amounts, words.

All faults are reported at once, each with a JSON pointer, so that a list of 11,000 lines can be
corrected in one pass.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.domain.amount import parse_amount
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import FieldFault, InvalidInputError
from coordinator.domain.hold_limits import lasting
from coordinator.domain.service_wallets import ServiceWallets
from coordinator.domain.usd import usd_cents
from holdfast.protocol import payloads
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import (
    AccountError,
    AmountError,
    AssetError,
    TransactionError,
)
from holdfast.protocol.chains.transaction import parse_transaction
from holdfast.protocol.decision_context import ContextWarning
from holdfast.protocol.vocabulary import ABOUT_OTHER_REQUESTS, HoldBasis, WarningCode

_HOUR = timedelta(hours=1)
#: Names in one warning; the rest is in the request itself.
_NAMED = 5
_WARNING_TEXT = {
    WarningCode.NO_CHECKSUM: (
        "the address is written without its EIP-55 checksum, so a typing error would go unseen"
    ),
    WarningCode.MISSING_TAG: (
        "the tag is missing, so the target is the whole exchange and not one customer"
    ),
    WarningCode.WHOLE_ACCOUNT: (
        "the whole account is asked for, more than came from the flagged account or transaction: it"
        " stops all that its holder does there"
    ),
    WarningCode.NO_KEY: (
        "nobody holds the key of this address (a zero, burn or system account): no customer has it"
    ),
}


#: What an address states, as it is stored: number, asset, amount, worth in US cents, whole account.
Stated = tuple[int, str | None, int | None, int | None, bool]


@dataclass(frozen=True, slots=True)
class FlaggedTarget:
    """One flagged address, checked."""

    address_no: int
    account: Account
    asset: str | None
    amount: int | None
    min_amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDocument:
    """A document all of whose addresses were accepted.

    Attributes:
        targets: Its flagged addresses, in its order.
        stated: What they state of asset, amount and worth, and which mean the whole account.
        wallet_labels: Whose known service wallet an address is, by its number.
    """

    document: payloads.FreezeRequest
    targets: Sequence[FlaggedTarget]
    stated: Sequence[Stated]
    wallet_labels: Mapping[int, str]


def check_document(
    document: payloads.FreezeRequest, chains: Chains, wallets: ServiceWallets
) -> CheckedDocument:
    """Check the addresses of a document, and whom it tells why they are asked.

    Raises:
        InvalidInputError: With every fault of every address, or of whom it tells.
    """
    targets = check_addresses(document.addresses, chains)
    _require_fitting_whys(document)
    return CheckedDocument(
        document=document,
        targets=targets,
        stated=stated_amounts(document.addresses, targets),
        wallet_labels=wallet_labels(targets, wallets),
    )


def _require_fitting_whys(document: payloads.FreezeRequest) -> None:
    """Refuse to tell somebody why they are asked who is not, or of an address that is not there."""
    asked = None if document.to == "all" else frozenset(document.to)
    faults = []
    for place, each in enumerate(document.why_you):
        pointer = f"/why_you/{place}"
        if each.to != "all" and asked is not None:
            faults += [
                FieldFault(f"{pointer}/to/{number}", "is not among the partners asked", "not_asked")
                for number, handle in enumerate(each.to)
                if handle not in asked
            ]
        faults += [
            FieldFault(
                f"{pointer}/address_nos/{number}",
                "the request has no such address",
                "no_such_address",
            )
            for number, address_no in enumerate(each.address_nos or ())
            if address_no >= len(document.addresses)
        ]
    if faults:
        raise InvalidInputError(
            "why_you tells partners that are not asked, or of addresses that are not there",
            errors=faults,
        )


def check_addresses(
    addresses: Sequence[payloads.FlaggedAddress], chains: Chains
) -> list[FlaggedTarget]:
    """Return the targets of a request, in its order.

    Raises:
        InvalidInputError: With every fault of every address.
    """
    targets: list[FlaggedTarget] = []
    faults: list[FieldFault] = []
    seen: dict[tuple[str, str | None], int] = {}
    for number, address in enumerate(addresses):
        pointer = f"/addresses/{number}"
        target, wrong = _check_address(chains, number, address)
        faults.extend(wrong)
        if target is None:
            continue
        targets.append(target)
        # Without its asset a faulty one would pass for "every asset" of the account.
        if any(fault.pointer == f"{pointer}/asset" for fault in wrong):
            continue
        first = seen.setdefault((target.account.key, target.asset), number)
        if first != number:
            detail = f"names the same account and asset as address {first}; name it once"
            faults.append(FieldFault(pointer, detail, "doubled"))
    if faults:
        raise InvalidInputError(
            f"{len(faults)} fault(s) in {len(addresses)} addresses; nothing was stored",
            code="invalid_addresses",
            errors=faults,
        )
    return targets


def _check_address(
    chains: Chains, number: int, address: payloads.FlaggedAddress
) -> tuple[FlaggedTarget | None, list[FieldFault]]:
    """Return one target, None where its account cannot be read, and what is wrong with it."""
    pointer = f"/addresses/{number}"
    try:
        account = parse_account(chains, address.account, address.tag)
    except AccountError as error:
        where = "tag" if error.code == "bad_tag" and address.tag is not None else "account"
        return None, [FieldFault(f"{pointer}/{where}", error.message, error.code)]
    asset, faults = None, []
    if address.asset is not None:
        try:
            asset = parse_asset(chains, address.asset, chain=account.chain)
        except AssetError as error:
            faults.append(FieldFault(f"{pointer}/asset", error.message, error.code))
    amount = _some(address.amount, f"{pointer}/amount", faults)
    least = _some(address.min_amount, f"{pointer}/min_amount", faults)
    if address.tx is not None:
        try:
            parse_transaction(account.chain, address.tx)
        except TransactionError as error:
            faults.append(FieldFault(f"{pointer}/tx", error.message, error.code))
    return FlaggedTarget(number, account, asset, amount, least), faults


def _some(text: str | None, pointer: str, faults: list[FieldFault]) -> int | None:
    """Return an amount above 0, None where none is stated; adds what is wrong with it."""
    if text is None:
        return None
    try:
        amount = parse_amount(text)
    except AmountError as error:
        faults.append(FieldFault(pointer, error.message, error.code))
        return None
    if amount == 0:
        detail = "an amount of 0 asks for nothing: leave it out for the whole balance"
        faults.append(FieldFault(pointer, detail, "zero_amount"))
        return None
    return amount


def stated_amounts(
    addresses: Sequence[payloads.FlaggedAddress], targets: Sequence[FlaggedTarget]
) -> list[Stated]:
    """Return what the addresses state of asset, amount, worth and whole account; most nothing."""
    stated = (
        (
            target.address_no,
            target.asset,
            target.amount,
            usd_cents(address.usd),
            address.whole_account is not None,
        )
        for address, target in zip(addresses, targets, strict=True)
    )
    return [each for each in stated if each[1:] != (None, None, None, False)]


def require_bounded_silence(
    document: payloads.FreezeRequest, *, now: datetime, policies: Policies
) -> None:
    """Refuse to keep a customer uninformed for longer than policy allows.

    Only a legal order extends that. The partner asked decides in any case.

    Raises:
        InvalidInputError: Naming the member and the latest time it may state.
    """
    until = document.do_not_notify_customer_until
    has_order = document.legal is not None and document.legal.order is not None
    latest = now + policies.do_not_notify
    if until is None or has_order or until <= latest:
        return
    detail = (
        f"is more than {policies.do_not_notify / timedelta(days=1):g} days ahead: state"
        f" {payloads.format_time(latest)} or earlier, or name the order in legal.order"
    )
    raise InvalidInputError(
        f"do_not_notify_customer_until {detail}",
        errors=[FieldFault("/do_not_notify_customer_until", detail, "too_far_ahead")],
    )


def require_supported_hold(document: payloads.FreezeRequest, policies: Policies) -> None:
    """Refuse to ask for a longer hold than whose word the request rests on allows.

    Raises:
        InvalidInputError: Saying the most that may be asked for, and what allows more.
    """
    limits = policies.max_hold(None, support=document.support)
    longest = limits.longest(HoldBasis.VOLUNTARY)
    if document.hold is None or longest is None or document.hold.hours * _HOUR <= longest:
        return
    detail = f"is too long: {limits.why_bound()}; ask for {lasting(longest)} or less"
    raise InvalidInputError(
        f"hold.hours {detail}", errors=[FieldFault("/hold/hours", detail, "beyond_support")]
    )


def wallet_labels(targets: Sequence[FlaggedTarget], wallets: ServiceWallets) -> dict[int, str]:
    """Return whose known service wallet a target is, by address number."""
    if not len(wallets):
        return {}
    labels = ((target.address_no, wallets.label(target.account)) for target in targets)
    return {number: label for number, label in labels if label is not None}


def _token_detail(targets: Sequence[FlaggedTarget]) -> str:
    symbols = sorted({t.account.token for t in targets if t.account.token is not None})
    named = ", ".join(symbols[:_NAMED])
    return f"the contract of a token itself ({named}), not somebody who holds it"


def wrong_target_warnings(
    checked: CheckedDocument, duplicates: Mapping[str, Collection[int]]
) -> list[ContextWarning]:
    """Return the warnings about the targets, by code.

    Args:
        checked: The document.
        duplicates: The live requests that flag some of its addresses already, and which of them.
    """
    labels = checked.wallet_labels
    numbers: dict[WarningCode, list[int]] = {}
    for target in checked.targets:
        for code in target.account.warnings:
            numbers.setdefault(WarningCode(code), []).append(target.address_no)
    whole = [address_no for address_no, *_, is_whole in checked.stated if is_whole]
    if whole:
        numbers[WarningCode.WHOLE_ACCOUNT] = whole
    details = {**_WARNING_TEXT, WarningCode.TOKEN_CONTRACT: _token_detail(checked.targets)}
    if labels:
        numbers[WarningCode.SERVICE_WALLET] = sorted(labels)
        named = ", ".join(sorted(set(labels.values()))[:_NAMED])
        details[WarningCode.SERVICE_WALLET] = (
            f"known as a wallet of a service ({named}): freezing it would hit all its customers"
        )
    requests = sorted(duplicates)[:_NAMED]
    if duplicates:
        numbers[WarningCode.DUPLICATE] = sorted(set().union(*duplicates.values()))
        details[WarningCode.DUPLICATE] = (
            f"flagged already by a live request ({', '.join(requests)}): it may be asked for twice"
        )
    warnings: list[ContextWarning] = []
    for code in sorted(numbers):
        warning = ContextWarning(code=code.value, address_nos=numbers[code], detail=details[code])
        if code in ABOUT_OTHER_REQUESTS:
            warning["requests"] = requests
        warnings.append(warning)
    return warnings
