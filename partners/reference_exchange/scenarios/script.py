"""A scenario's script: who takes part, what stands in their books, what is asked."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from holdfast import new_nonce
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import Interest
from reference_exchange.deposit_book import DepositBook, Payout

_STRANGER = "eip155:1:0x0000000000000000000000000000000000000001"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Destination(_Part):
    """Where a payout went."""

    service: str
    account: str
    tx: str


class Deposit(_Part):
    """One invented deposit; with no address number it has nothing to do with the case."""

    customer: str
    asset: str
    amount: str
    locked: str = "0"
    withdrawn: str = "0"
    from_address_no: int | None = None
    to_address_no: int | None = None
    to_account: str | None = None
    payout: Destination | None = None


class LaterDeposit(Deposit):
    """A deposit of the second act, with the exchange where it is."""

    exchange: str


class Member(_Part):
    """One exchange that takes part."""

    handle: str
    name: str
    deposits: list[Deposit] = []

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return self.handle.partition(".")[0]


class Asking(_Part):
    """One freeze request."""

    urgency: str
    tlp: str
    summary: str
    hours: int
    asset: str
    to: list[str]
    address_nos: list[int] | Literal["all"] = "all"
    why_you: str | None = None
    interest: Interest | None = None

    def place(self, address_no: int) -> int:
        """Return the place of an address of the list in this request."""
        return address_no if self.address_nos == "all" else self.address_nos.index(address_no)


class Decisions(_Part):
    """What a compliance officer decides afterwards, by address number of the first request."""

    exchange: str
    false_positive_address_no: int
    return_address_no: int


class Ruling(_Part):
    """What an exchange's compliance decided to keep by own policy."""

    exchange: str
    customers: list[str]
    asset: str


class Retraction(_Part):
    """Addresses that the requester takes back, by their numbers in the list, and why."""

    address_nos: list[int]
    reason: str


class Mistake(_Part):
    """An address that was flagged by error, and what is said about it on both sides.

    Attributes:
        disputed_by: The exchange that disputes the freeze for its customer.
        reference: The word by which that exchange finds its case again.
    """

    address_no: int
    disputed_by: str
    reference: str
    objection: str
    agreement: str
    reason: str


class SecondAct(_Part):
    """What happens after the first answers; hours count from the beginning."""

    hours_to_last_warning: int
    hours_to_end: int
    hours_to_unratified: int
    hours_to_waking: int
    extend_days: int
    usd_per_ether: int
    request: Asking
    shared_request: Asking
    withdrawal: Retraction
    unratified_request: Asking
    mistaken_request: Asking
    mistake: Mistake
    deposits: list[LaterDeposit]
    late_deposit: LaterDeposit
    rulings: list[Ruling]
    stopped_deposit: LaterDeposit

    def cents(self, wei: int) -> int:
        """Return what so much ether is worth, in whole cents, rounded down."""
        return wei * self.usd_per_ether * 100 // 10**18


class Trail(_Part):
    """An address that is asked about in the third act, and what it led to."""

    account: str
    exchange: str
    customer: str
    asset: str
    amount: str


class Plea(_Part):
    """The freeze request of the third act, but for its addresses."""

    urgency: str
    tlp: str
    summary: str
    hours: int


class VictimsAccount(_Part):
    """Where money comes back to, and by which court's order it is asked for."""

    account: str
    label: str
    test_amount: str
    court: str
    reference: str


class Injunction(_Part):
    """A court's order on what one exchange holds."""

    exchange: str
    court: str
    number: str


class Sale(_Part):
    """What the USDT that came back were sold for."""

    to_amount: str
    fee: str
    rate: str


class Spent(_Part):
    """What left a pool, or was kept back in it."""

    amount: str
    what: str


class VictimsClaims(_Part):
    """How many claims are filed, by whom, and what is said of them."""

    victims: int
    addresses_each: int
    attested: int
    attested_by: str
    verify_by_two_above: str
    largest: str
    objection: str
    unclaimed_to: str


class ThirdAct(_Part):
    """How money comes back and is given to those from whom it was taken."""

    hours_to_start: int
    hours_to_asking_back: int
    hours_to_close: int
    hours_for_claims: int
    hours_for_objections: int
    title: str
    occurred_at: str
    usd_per_ether: int
    taken: str
    swapped: str
    request: Plea
    destination: VictimsAccount
    trails: list[Trail]
    injunction: Injunction
    conversion: Sale
    costs: list[Spent]
    reserve: Spent
    claims: VictimsClaims


class Addresses(_Part):
    """The flagged addresses, facts."""

    chain: str
    list: list[str]


class Script(_Part):
    """All of it."""

    incident: dict[str, str]
    assets: dict[str, str]
    request: Asking
    second_request: Asking
    exchanges: list[Member]
    decisions: Decisions
    addresses: Addresses

    def account(self, address_no: int) -> str:
        """Return a flagged address as CAIP-10."""
        return f"{self.addresses.chain}:{self.addresses.list[address_no]}"

    def document(
        self,
        asking: Asking,
        incident: dict[str, str],
        rulebook_sha256: str | None = None,
        *,
        drill: bool = False,
    ) -> bytes:
        """Return the exact bytes of a request, ready to be signed; it names the rulebook in force.

        Without one, none.
        """
        said: dict[str, Any] = {
            "rulebook_sha256": rulebook_sha256,
            "why_you": asking.why_you and [{"to": "all", "why": asking.why_you}],
            "interest": asking.interest and asking.interest.model_dump(mode="json"),
        }
        numbers = asking.address_nos
        chosen = range(len(self.addresses.list)) if numbers == "all" else numbers
        return canonical_json.dumps(
            {
                "nonce": new_nonce(),
                "incident": incident,
                **({"drill": True} if drill else {}),
                "urgency": asking.urgency,
                "tlp": asking.tlp,
                "summary": asking.summary,
                "to": asking.to,
                "addresses": [
                    {"account": self.account(number), "asset": self.assets[asking.asset]}
                    for number in chosen
                ],
                "hold": {"hours": asking.hours},
                **{name: value for name, value in said.items() if value},
            }
        )

    def fill_book(self, member: Member, book: DepositBook) -> None:
        """Write a member's invented deposits into its book."""
        for number, deposit in enumerate(member.deposits):
            self.book_deposit(deposit, book, f"invented-{member.folder}-{number}")

    def book_deposit(self, deposit: Deposit, book: DepositBook, tx: str) -> None:
        """Write one invented deposit into a book, with what became of it."""
        asset = self.assets[deposit.asset]
        own = deposit.to_account
        if deposit.to_address_no is not None:
            own = self.account(deposit.to_address_no)
        if own is not None:
            book.add_deposit_address(deposit.customer, own)
        sender = deposit.from_address_no
        book.record_deposit(
            deposit.customer,
            asset,
            int(deposit.amount),
            _STRANGER if sender is None else self.account(sender),
            tx,
        )
        book.lock(deposit.customer, asset, int(deposit.locked))
        payout = Payout(**deposit.payout.model_dump()) if deposit.payout else None
        book.withdraw(deposit.customer, asset, int(deposit.withdrawn), payout)


def load_second_act() -> SecondAct:
    """Return the script of the second act."""
    return SecondAct.model_validate(_read("second_act.toml"))


def load_third_act() -> ThirdAct:
    """Return the script of the third act."""
    return ThirdAct.model_validate(_read("third_act.toml"))


def _read(name: str) -> dict[str, Any]:
    text = (resources.files(__package__ or "") / name).read_text(encoding="utf-8")
    document: dict[str, Any] = tomllib.loads(text)
    return document


def load_script(path: Path | None = None) -> Script:
    """Return the script in `path`, by default the Bybit case."""
    if path is None:
        text = (resources.files(__package__ or "") / "bybit.toml").read_text(encoding="utf-8")
    else:
        text = path.read_text(encoding="utf-8")
    document: dict[str, Any] = tomllib.loads(text)
    return Script.model_validate(document)
