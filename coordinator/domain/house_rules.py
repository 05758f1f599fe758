"""The network's rulebook: a text of the operator's that every member accepts by its hash.

`coordinator.domain.rulebook` is something else: limits and chains that the coordinator decides by.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError, RulebookError

#: Of a rulebook's file. Whoever joins reads it whole, and a lawyer before them.
MOST_BYTES = 262_144
_MEMBER = "/rulebook_sha256"


class PublishedRulebook(NamedTuple):
    """One edition of the rulebook.

    Attributes:
        sha256: Of the file's exact bytes, 64 hex digits.
        published_at: When the operator published it.
        in_force_from: From when on requests name it.
        id: `rbk_…`.
    """

    sha256: str
    published_at: datetime
    in_force_from: datetime
    id: str


def read_rulebook_text(raw: bytes) -> tuple[str, str]:
    """Return the text of a rulebook's file and its SHA-256, by which it is accepted.

    Raises:
        InvalidInputError: If it is empty, too long, or no text in UTF-8.
    """
    if len(raw) > MOST_BYTES:
        raise InvalidInputError(
            f"a rulebook has at most {MOST_BYTES} bytes, and this file has more: publish the rules,"
            " and keep what explains them elsewhere"
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"a rulebook is plain text in UTF-8, and byte {error.start} is not: save the file so"
        ) from None
    if not text.strip() or "\0" in text:
        raise InvalidInputError("a rulebook is plain text: this file is empty, or holds NUL bytes")
    return text, sha256(raw).hexdigest()


def rulebook_in_force(
    published: Sequence[PublishedRulebook], now: datetime
) -> PublishedRulebook | None:
    """Return the edition that requests name now; None where the network has no rulebook (yet).

    Args:
        published: All editions, by when they come into force.
        now: Aware UTC.
    """
    begun = [each for each in published if each.in_force_from <= now]
    return begun[-1] if begun else None


def rulebooks_coming(
    published: Sequence[PublishedRulebook], now: datetime
) -> list[PublishedRulebook]:
    """Return the editions that are announced and not in force yet, the next one first."""
    return [each for each in published if each.in_force_from > now]


def require_publishable(
    published: Sequence[PublishedRulebook], sha256: str, in_force_from: datetime, now: datetime
) -> None:
    """Refuse an edition that changes nothing, or would come into force before another one.

    Raises:
        ConflictError: If the last edition is this very text.
        InvalidInputError: If it would be in force before it was published, or before the last one.
    """
    if in_force_from < now:
        raise InvalidInputError("a rulebook comes into force when it is published, or later")
    if not published:
        return
    last = published[-1]
    if last.sha256 == sha256:
        raise ConflictError(
            "this very text is the last edition already; nothing changed", code="same_rulebook"
        )
    if in_force_from <= last.in_force_from:
        raise InvalidInputError(
            f"the last edition comes into force at {last.in_force_from.isoformat()}: state a later"
            " time"
        )


def require_acceptable(
    published: Sequence[PublishedRulebook], sha256: str, now: datetime
) -> PublishedRulebook:
    """Return the edition that a member accepts: the one in force, or one that is to come.

    Raises:
        RulebookError: If there is none of that hash.
    """
    in_force = rulebook_in_force(published, now)
    known = [*([in_force] if in_force else []), *rulebooks_coming(published, now)]
    for each in known:
        if each.sha256 == sha256:
            return each
    raise _another(in_force, sha256)


def require_named_rulebook(in_force: PublishedRulebook | None, named: str | None) -> None:
    """Refuse a document that does not name the rulebook in force, or names one where none is.

    Raises:
        RulebookError: Saying which is in force.
    """
    if named != (None if in_force is None else in_force.sha256):
        raise _another(in_force, named)


def not_accepted(in_force: PublishedRulebook) -> RulebookError:
    """Return the refusal of a request of a member that has not accepted the rulebook in force."""
    return RulebookError(
        f"your organisation has not accepted the rulebook in force ({in_force.sha256}): read it"
        " (GET /v1/rulebook), and have a security lead or compliance accept it"
        " (POST /v1/rulebook/acceptances; holdfast rulebook accept); then send this again",
        code="rulebook_not_accepted",
    )


def _another(in_force: PublishedRulebook | None, named: str | None) -> RulebookError:
    if in_force is None:
        detail = "names a rulebook, and none is in force here: leave it out"
    elif named is None:
        detail = f"is missing: name the rulebook in force, {in_force.sha256} (GET /v1/rulebook)"
    else:
        detail = (
            f"names another rulebook than the one in force, {in_force.sha256}: read that (GET"
            " /v1/rulebook), accept it if you have not, and name it"
        )
    return RulebookError(
        f"rulebook_sha256 {detail}", errors=[FieldFault(_MEMBER, detail, "other_rulebook")]
    )
