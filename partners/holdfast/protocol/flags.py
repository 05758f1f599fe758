"""Flags: what both sides hash of the set of flagged accounts, and the head that is signed of it.

The set is that of one partner: every account that it was asked about and that still counts. It is
hashed in two steps, so that neither side computes over accounts again because a state changed:

- a *line* is one flagged address of a request, fixed for good: `line_leaf`;
- a request's lines, its state, its end and what of it is gone are one leaf of a tree whose root
  stands in the head: `FlaggedRequest.leaf`, `flags_root` (RFC 9162, section 2.1.1).

The head is a JWS by the coordinator's key, the one that signs clearances (RFC 7515).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from holdfast.protocol import canonical_json
from holdfast.protocol.compact_jws import (
    EARLIEST,
    LATEST,
    claim_text,
    sign_claims,
    verified_claims,
)
from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.merkle_tree import Frontier, leaf_hash

TYP = "holdfast-flags+jwt"
_LINE = b"holdfast/flag/1\0"
_TEXT = re.compile(r"[!-~]{1,300}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST = 2**53


def line_leaf(address_no: int, account: str, asset: str | None, min_amount: str | None) -> bytes:
    """Return the 32 bytes that stand for one flagged address.

    Args:
        address_no: Its place in the request.
        account: Its canonical key, tag included (`Account.key`).
        asset: CAIP-19, canonical; None where any asset counts.
        min_amount: Base units, as text; None where any amount counts.
    """
    # No part of it holds a line feed, so that moving text from one to the next changes the bytes.
    text = f"{address_no}\n{account}\n{asset or ''}\n{min_amount or ''}"
    return sha256(_LINE + text.encode()).digest()


def lines_sha256(leaves: Iterable[bytes]) -> str:
    """Return the hash of a request's lines, in the order of `address_no`."""
    return sha256(b"".join(leaves)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedRequest:
    """What of one request counts for one partner.

    Attributes:
        request: `frq_…`.
        state: Of its lines that are not contested: `provisional` or `active`.
        expires_at: Until when it counts, RFC 3339, as the feed spells it.
        lines_sha256: See `lines_sha256`.
        line_count: How many lines that is, those that are gone included.
        gone: Lines that count no more, with the reason.
        contested: Lines that a customer contests.
    """

    request: str
    state: str
    expires_at: str
    lines_sha256: str
    line_count: int
    gone: Mapping[int, str] = field(default_factory=dict)
    contested: Sequence[int] = ()

    @property
    def count(self) -> int:
        """How many flags it has."""
        return self.line_count - len(self.gone)

    def leaf(self) -> bytes:
        """Return its entry in the tree, as canonical JSON (RFC 8785)."""
        gone = set(self.gone)
        return canonical_json.dumps(
            {
                "contested": [number for number in sorted(self.contested) if number not in gone],
                "expires_at": self.expires_at,
                "gone": [[number, self.gone[number]] for number in sorted(gone)],
                "lines_sha256": self.lines_sha256,
                "request": self.request,
                "state": self.state,
            }
        )


def flags_root(leaves: Iterable[bytes]) -> str:
    """Return the root over `FlaggedRequest.leaf` of all requests, sorted by their ids, as hex."""
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
    return tree.root().hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsHead:
    """What the coordinator signs of a partner's set.

    Attributes:
        iss: The coordinator's origin.
        sub: Handle of the partner whose set it is.
        iat: At which time it is so, seconds since 1970 UTC; what ends by then is not counted.
        seq: Number of the newest change.
        count: How many flags there are.
        root: See `flags_root`.
    """

    iss: str
    sub: str
    iat: int
    seq: int
    count: int
    root: str

    def sign(self, key: PrivateKey) -> str:
        """Return the head as a JWS by the coordinator's key."""
        return sign_claims(asdict(self), key, typ=TYP)


_MEMBERS = frozenset(FlagsHead.__dataclass_fields__)


def verify_head(jws: str | bytes, *, keys: Iterable[PublicKey]) -> FlagsHead:
    """Return what a head says, if one of the coordinator's keys signed it.

    Args:
        jws: As the feed has it.
        keys: The coordinator's keys, from a set that one trusts.

    Raises:
        TokenError: If it is malformed, of another kind, or signed by none of them.
    """
    claims, _ = verified_claims(jws, typ=TYP, members=_MEMBERS, keys=keys, check=_check_claims)
    return FlagsHead(**claims)


def _check_claims(claims: dict[str, Any]) -> None:
    """Refuse claims that are not each of their own form."""
    claim_text(claims, "iss", _TEXT, TokenReason.ISS)
    claim_text(claims, "sub", _TEXT, TokenReason.HANDLE)
    claim_text(claims, "root", _SHA256, TokenReason.CLAIM)
    for name, least, most in (
        ("iat", EARLIEST, LATEST),
        ("seq", 0, _MOST),
        ("count", 0, _MOST),
    ):
        value = claims[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < most:
            raise TokenError(TokenReason.CLAIM, f"{name} is no number of its kind")
