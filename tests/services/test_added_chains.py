"""A chain that an operator adds as data is frozen on, whichever spelling each side has of a target.

From the operator's file over `GET /v1/chains` into the reference exchange's deposit book: where one
of them had a table of its own, the coordinator would say "same target" and the book find nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from coordinator.config_files import read_config
from coordinator.domain.clock import SteppedClock
from coordinator.domain.rulebook import Rulebook
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.client.client import Client, Document
from holdfast.client.transport import Answer, Transport
from holdfast.profiles.store import Profile
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import shipped_chains
from holdfast.protocol.chains.rules import RULES
from holdfast.protocol.payloads import FreezeRequest
from reference_exchange.answering import answer
from reference_exchange.deposit_book import DepositBook
from reference_exchange.inbox import Task
from tests.conftest import World as CastWorld
from tests.factories import ORIGIN, Cast, Member, Signer, freeze_request_body
from tests.partners.test_account_match import (
    CLASSIC,
    EVM,
    LEGACY_KEY,
    SEGWIT,
    cash,
    monero,
    x_address,
)
from tests.services.through_api import World

Spelling = tuple[str, str | None]

#: Of every rule, all spellings of one target (address and tag), on the first chain that follows it.
SPELLINGS: Mapping[str, tuple[Spelling, ...]] = {
    "algorand": (("4EWWI7JNVXSFN4YRYA5DMN53U7NUHYC5YSMF67FAXDNRLDWDIWGM5DQGBA", None),),
    "antelope": (("bumblefudge1", None),),
    "base58check": ((SEGWIT, None), (SEGWIT.upper(), None)),
    "bech32": (
        ("cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh", None),
        ("COSMOS1FL48VSNMSDZCV85Q5D2Q4Z5AJDHA8YU34MF0EH", None),
    ),
    "cardano": (
        ("addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8", None),
        ("ADDR1VX2FXV2UMYHTTKXYXP8X0DLPDT3K6CWNG5PXJ3JHSYDZERS66HRL8", None),
    ),
    "cashaddr": (
        (cash(0), None),
        (LEGACY_KEY, None),
        (f"bitcoincash:{cash(0)}", None),
        (cash(0x10).upper(), None),
    ),
    "evm": ((EVM, None), (EVM.lower(), None), (f"0x{EVM[2:].upper()}", None)),
    "filecoin": (
        ("f410fzsusgohpsu24w5svz7bupq3n2ttpgzr7s5jap4i", None),
        ("0xcca92338ef9535cb7655cfc347c36dd4e6f3663f", None),
    ),
    "hedera": (
        ("0.0.123", None),
        ("0.0.123-vfmkw", None),
        ("0x000000000000000000000000000000000000007b", None),
    ),
    "hex32": ((f"0x{'1'.zfill(64)}", None), ("0x1", None)),
    "icp": (
        ("1c7a48ba6a562aa9eaa2481a9049cdf0433b9738c992d698c31d8abf89cadc79", None),
        ("2vxsx-fae", None),
    ),
    "monero": (
        (monero(19, bytes(range(0xA8, 0xB0))), None),
        (monero(18), "a8a9aaabacadaeaf"),
        (monero(18), "A8A9AAABACADAEAF"),
    ),
    "near": (("wrap.near", None),),
    "solana": (("So11111111111111111111111111111111111111112", None),),
    "ss58": (
        ("15rRgsWxz4H5LTnNGcCFsszfXD8oeAFd8QRsR6MbQE2f6XFF", None),
        ("HRkCrbmke2XeabJ5fxJdgXWpBRPkXWfWHY8eTeCKwDdf4k6", None),
    ),
    "stellar": (
        ("GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ", None),
        ("ga7qynf7sowq3glr2bgmzehxavirza4kvwltjjfc7mgxua74p7ujvsgz", None),
    ),
    "tezos": (("tz1MJx9vhaNRSimcuXPK2rW4fLccQnDAnVKJ", None),),
    "ton": (
        ("EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF", None),
        ("UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA", None),
        ("0:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e", None),
    ),
    "xrpl": ((CLASSIC, "7"), (x_address(7), None), (x_address(7), "7")),
    "zcash": (
        ("t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC", None),
        ("tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgte", None),
    ),
}
#: What tells a shipped chain from the one that is added in its likeness.
_OWN = frozenset({"id", "name", "names", "aliases", "testnets"})


def _toml(value: object) -> str:
    if isinstance(value, dict):
        members = [f'"{key}" = {_toml(each)}' for key, each in value.items()]
        return f"{{ {', '.join(members)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else f'"{value}"'


def operator_file() -> str:
    """Return a `config/chains.toml` that adds one chain of every rule, `trial:<rule>`."""
    families = []
    for rule in RULES:
        entry = next(each for each in shipped_chains().table["chains"] if each["rule"] == rule)
        members = {name: value for name, value in entry.items() if name not in _OWN}
        chain = {"id": f"trial:{rule}", "name": f"Trial of {rule}", **members}
        families.append(f"[family.{rule}]\nchains = {_toml([chain])}\n")
    return "\n".join(families)


ADDED = Rulebook.load(policies=read_config("policies.toml"), chains=operator_file())


class FrontDoor(Transport):
    """The kit's transport, answered by the coordinator of the test."""

    signer: Signer
    member: Member

    def exchange(self, method: str, path: str, **sent: Any) -> Answer:
        """Send one request as the member."""
        key = sent.get("idempotency_key")
        answered = self.signer.send(self.member, method, path, sent.get("body"), key=key)
        assert answered.status_code < 300, answered.data
        return Answer(answered.status_code, answered.get_json(), dict(answered.headers), key)


def kit_of(member: Member, signer: Signer) -> Client:
    """Return the kit's client of a system."""
    profile = Profile("", ORIGIN, member.handle, member.subject, "system", member.key, member.owner)
    transport = FrontDoor(profile, ORIGIN)
    transport.signer, transport.member = signer, member
    return Client(profile, transport=transport)


@pytest.fixture(autouse=True)
def _added_by_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.app.read_rulebook", lambda: ADDED)


@pytest.fixture
def world(sqlite_world: CastWorld) -> CastWorld:
    """What an address is, the database does not know: it is read and matched before and behind."""
    return sqlite_world


@pytest.fixture
def night(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> World:
    return World(signer, cast, database, vault, clock)


def test_every_rule_has_spellings_to_be_tried() -> None:
    assert set(RULES) <= set(SPELLINGS)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_spellings_of_a_target_are_spellings_of_one_target(rule: str) -> None:
    keys = {
        parse_account(ADDED.chains, f"trial:{rule}:{address}", tag).key
        for address, tag in SPELLINGS[rule]
    }
    assert len(keys) == 1
    assert len(set(SPELLINGS[rule])) == len(SPELLINGS[rule])


@pytest.mark.parametrize("rule", sorted(RULES))
def test_what_is_flagged_in_one_spelling_is_frozen_under_every_other(
    rule: str, night: World, tmp_path: Path
) -> None:
    partner = kit_of(night.cast.b.system, night.signer)
    table = partner.chains()
    assert table.version == ADDED.chains.version
    asset = table.named(f"Trial of {rule}").native_asset
    spellings = SPELLINGS[rule]
    for flagged, (address, tag) in enumerate(spellings):
        named = {"account": f"trial:{rule}:{address}", "asset": asset, "amount": "700"}
        body = freeze_request_body(addresses=[named | ({} if tag is None else {"tag": tag})])
        request = night.live(**body)
        for booked, (own, own_tag) in enumerate(spellings):
            book = DepositBook(tmp_path / f"{flagged}-{booked}.sqlite3", table)
            book.add_deposit_address("c1", f"trial:{rule}:{own}", own_tag)
            book.record_deposit("c1", asset, 700, "eip155:1:0x1", "t1")
            document = FreezeRequest.model_validate(body)
            assert [match.found for match in book.match(document.numbered())] == [700]
            if booked == (flagged + 1) % len(spellings):  # a partner answers once
                task = Task(Document(request["id"], request["content_sha256"]), document, 0)
                answer(task, book, partner, night.clock.now())
            book.close()
        lines = night.items(night.cast.a.auditor, request, "ledger")
        assert [(line["kind"], line["asset"], line["amount"]) for line in lines] == [
            ("found", asset, "700"),
            ("frozen", asset, "700"),
        ]
