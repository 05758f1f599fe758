"""Guests: organisations that are no member, and are asked about one request each.

How often whoever asks, and what is sent to a mailbox that never asked for it, is bounded here. All
that a guest says is nobody's signature.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from holdfast.protocol.vocabulary import Tlp

#: Guests of one request, and of one requester in a day.
MOST_OF_REQUEST, MOST_OF_REQUESTER = 10, 20
DAY = timedelta(days=1)
#: A guest's page is one form.
MOST_ADDRESSES = 200
#: Statements of one guest; whoever has more to say joins.
MOST_ANSWERS = 50
#: One mail with links to a domain in so long, whoever asks about whatever.
BETWEEN_MAILS = timedelta(hours=1)
#: Waits before tries 2, 3, … of reaching a contact.
RETRY_SCHEDULE = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
CODE_DIGITS = 8
CODE_LASTS = timedelta(minutes=15)
#: Wrong codes until a new one has to be asked for.
CODE_TRIES = 5
#: Codes by mail: one of a link in so long, and so many to a domain in an hour.
BETWEEN_CODES = timedelta(minutes=1)
CODES_AN_HOUR = 6
HOUR = timedelta(hours=1)
#: How long somebody who showed a code may read and answer.
VISIT_LASTS = timedelta(hours=8)
#: Requests with these marks tell a guest no amount.
_WITHOUT_AMOUNTS = frozenset({Tlp.RED, Tlp.AMBER_STRICT})


class CodesSent(NamedTuple):
    """How many codes went to a domain since when.

    Attributes:
        since: The beginning of the present hour; None: none yet.
    """

    since: datetime | None
    sent: int

    def with_one(self, now: datetime) -> "CodesSent | None":
        """Return this with one more; None where that would be one too many."""
        if self.since is None or self.since + HOUR <= now:
            return CodesSent(now, 1)
        return None if self.sent >= CODES_AN_HOUR else self._replace(sent=self.sent + 1)


def retry_at(tries: int, now: datetime) -> datetime | None:
    """Return when a contact is looked for again after `tries` failures, or None: no more."""
    return None if tries > len(RETRY_SCHEDULE) else now + RETRY_SCHEDULE[tries - 1]


def shows_amounts(tlp: Tlp) -> bool:
    """Tell whether a request with this mark tells somebody who is no member its amounts."""
    return tlp not in _WITHOUT_AMOUNTS


def itself_and_above(domain: str) -> Sequence[str]:
    """Return a domain and those above it, without its top level: whoever of them is a member."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def is_within(host: str, domain: str) -> bool:
    """Tell whether a host is a domain or below it; both in lower case."""
    return host == domain or host.endswith(f".{domain}")
