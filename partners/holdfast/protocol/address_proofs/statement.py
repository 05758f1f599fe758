"""The text that somebody signs to show that an address is theirs.

It says for what, so that a signature over it is good for one claim, one incident, one address and
one purpose. Whoever verifies writes the text anew from what is known and from the date that came
with the signature: no text from outside is ever read, so line ends, look-alike letters and hidden
characters have nowhere to be.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from holdfast.protocol.address_proofs.errors import AddressProofError, ProofFault
from holdfast.protocol.chains.account import Account

#: How a claim may be called: nothing that a spreadsheet would take for a formula.
CLAIM_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
#: One line of ASCII without blanks at its ends.
_LINE = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")


class ProofPurpose(StrEnum):
    """What a signature is for."""

    CLAIM = "claim"
    PAYOUT_ACCOUNT = "payout_account"


_WORDS: Mapping[ProofPurpose, str] = MappingProxyType(
    {
        ProofPurpose.CLAIM: "claim recovered funds",
        ProofPurpose.PAYOUT_ACCOUNT: "change the account that is paid to",
    }
)


@dataclass(frozen=True, slots=True)
class AddressStatement:
    """What somebody says by signing.

    Attributes:
        coordinator: Origin of the coordinator, e.g. "https://coordinator.example".
        incident: Id of the incident.
        restitution: Id of the restitution.
        claim: The claim's reference (`CLAIM_REF`).
        purpose: What the signature is for.
        account: Whose key signs.
        signed_on: The signer's date.
        pay_to: Where money is to go, where the signature settles that; a change of the payout
            account always does.
    """

    coordinator: str
    incident: str
    restitution: str
    claim: str
    purpose: ProofPurpose
    account: Account
    signed_on: date
    pay_to: Account | None = None

    def __post_init__(self) -> None:
        """Refuse what would make a text that can be misread.

        Raises:
            AddressProofError: `bad_text`, naming the member.
        """
        for name in ("coordinator", "incident", "restitution"):
            if not _LINE.fullmatch(getattr(self, name)):
                raise AddressProofError(
                    ProofFault.BAD_TEXT, f"{name}: must be one line of plain ASCII characters"
                )
        if not CLAIM_REF.fullmatch(self.claim):
            raise AddressProofError(
                ProofFault.BAD_TEXT,
                "claim: a reference is 1 to 64 letters, digits and . _ -, and begins with a "
                "letter or digit",
            )
        if self.purpose is ProofPurpose.PAYOUT_ACCOUNT and self.pay_to is None:
            raise AddressProofError(
                ProofFault.BAD_TEXT, "pay_to: name the account that is paid to from now on"
            )

    def text(self) -> str:
        """Return the text to sign, exactly: ASCII, lines parted by LF, none at the end."""
        pay_to = [] if self.pay_to is None else [f"Pay to: {_shown(self.pay_to)}"]
        return "\n".join(
            (
                "Holdfast: proof of an address",
                "",
                f"With the key of this address I {_WORDS[self.purpose]}.",
                "Signing moves no funds and costs nothing.",
                "",
                f"Address: {_shown(self.account)}",
                f"Chain: {self.account.chain.name}",
                *pay_to,
                f"Claim: {self.claim}",
                f"Restitution: {self.restitution}",
                f"Incident: {self.incident}",
                f"Coordinator: {self.coordinator}",
                f"Date: {self.signed_on.isoformat()}",
            )
        )

    def require_date(self, earliest: date, today: date) -> None:
        """Refuse a date that is long ago or still to come.

        Args:
            earliest: The first day that counts, such as that on which claims opened.
            today: In UTC; tomorrow counts, too, for it is there already in the east.

        Raises:
            AddressProofError: `stale`.
        """
        if not earliest <= self.signed_on <= today + timedelta(days=1):
            raise AddressProofError(
                ProofFault.STALE,
                f"the text is dated {self.signed_on}: sign one with today's date, not before "
                f"{earliest}",
            )


def _shown(account: Account) -> str:
    tag = "" if account.tag is None else f" (tag {account.tag})"
    return f"{account.display}{tag}"
