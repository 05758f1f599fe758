"""What security leads decide on: one canonical text, whose SHA-256 their approvals name.

A freeze request has one, and so has each addition of partners to it. The coordinator writes it,
whoever decides is shown it, and whoever checks the approvals later writes or reads it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NotRequired, TypedDict

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import DecisionContextError, StrictJsonError

#: Version of the text's form.
VERSION = 1


class ContextWarning(TypedDict):
    """A warning as it stands in a context (`views.AddressWarning`)."""

    code: str
    address_nos: list[int]
    detail: str
    requests: NotRequired[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionContext:
    """What is decided on.

    Attributes:
        request_id: The freeze request.
        content_sha256: Hash of the request's document, hex.
        act_sha256: Hash of the body of the act to be approved: the document itself, or the
            proposal of more partners.
        to: Handles of the partners that are asked if it is approved.
        warnings: What may be wrong with the flagged addresses; approving means accepting each.
        salt: Keeps a request's hash from those who know all but its warnings, and might find them
            out by trying. An addition, which has no warnings, has none.
    """

    request_id: str
    content_sha256: str
    act_sha256: str
    to: Sequence[str]
    warnings: Sequence[ContextWarning] = ()
    salt: str | None = None

    def text(self) -> str:
        """Return the text to decide on."""
        members = {
            "v": VERSION,
            "request_id": self.request_id,
            "content_sha256": self.content_sha256,
            "act_sha256": self.act_sha256,
            "to": list(self.to),
            "warnings": list(self.warnings),
        }
        salt = {} if self.salt is None else {"salt": self.salt}
        return canonical_json.dumps({**members, **salt}).decode()

    @classmethod
    def read(cls, text: str | bytes) -> "DecisionContext":
        """Return the context that a text spells.

        Raises:
            DecisionContextError: If it is no decision context.
        """
        try:
            found = strict_json.loads(text.encode() if isinstance(text, str) else text)
        except StrictJsonError as error:
            raise DecisionContextError(f"the decision context: {error}") from None
        if (
            not isinstance(found, dict)
            or not found.keys() >= _NAMES
            or not isinstance(found["to"], list)
        ):
            raise DecisionContextError(
                f"a decision context has the members {', '.join(sorted(_NAMES))}"
            )
        return cls(**{name: found[name] for name in _NAMES}, salt=found.get("salt"))


_NAMES = frozenset({"request_id", "content_sha256", "act_sha256", "to", "warnings"})


def context_sha256(text: str) -> str:
    """Return the hash by which a decision names the text that was decided on."""
    return sha256(text.encode()).hexdigest()
