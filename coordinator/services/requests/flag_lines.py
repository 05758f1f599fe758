"""What of a request's document is flagged, line by line: what the feed shows and hashes."""

from collections.abc import Iterable
from typing import NamedTuple

from coordinator.services.requests.submission import FlaggedTarget
from coordinator.storage.engine.documents import DocumentKey
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.flags import line_leaf, lines_sha256
from holdfast.protocol.strict_json import JsonObject

#: The name that binds the sealed hash to where it stands.
_SEALED_AS = "lines_hash"


class FlagLine(NamedTuple):
    """One flagged address as the feed has it: canonical, and without a word of its request.

    Attributes:
        address_no: Its place in the request.
        account: See `Account.key`.
        asset: CAIP-19; None: any.
        min_amount: In base units, as text; None: any.
    """

    address_no: int
    account: str
    asset: str | None
    min_amount: str | None

    def leaf(self) -> bytes:
        """Return what stands for it in its request's hash."""
        return line_leaf(*self)


def hash_of_lines(targets: Iterable[FlaggedTarget]) -> str:
    """Return the hash of all lines of a document that was just checked."""
    return lines_sha256(
        line_leaf(
            target.address_no,
            target.account.key,
            target.asset,
            None if target.min_amount is None else str(target.min_amount),
        )
        for target in targets
    )


def seal_hash(key: DocumentKey, request_id: str, lines: str) -> bytes:
    """Return the hash of a request's lines as its row keeps it.

    In the clear, whoever reads the database could try accounts until it fits.
    """
    return key.seal(request_id, _SEALED_AS, bytes.fromhex(lines))


def open_hash(key: DocumentKey, request_id: str, sealed: bytes) -> str:
    """Return what `seal_hash` sealed."""
    return key.open(request_id, _SEALED_AS, sealed).hex()


def lines_of(
    chains: Chains, document: JsonObject, first: int = 0, end: int | None = None
) -> list[FlagLine]:
    """Return the lines of a document that a partner was sent, those left out not among them.

    Args:
        chains: The known chains.
        document: As it was signed, or its remainder.
        first: From this address on.
        end: Before this address; None: to the last.
    """
    sent = enumerate(document.get("addresses", [])[first:end], first)
    return [_line(chains, number, each) for number, each in sent if each is not None]


def _line(chains: Chains, number: int, sent: JsonObject) -> FlagLine:
    account = parse_account(chains, sent["account"], sent.get("tag"))
    asset = sent.get("asset")
    return FlagLine(
        number,
        account.key,
        None if asset is None else parse_asset(chains, asset, chain=account.chain),
        sent.get("min_amount"),
    )
