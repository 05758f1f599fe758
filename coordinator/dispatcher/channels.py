"""By what people are paged: a mail, a JSON body, or an alert of PagerDuty's Events API v2.

Each is tried once, within a deadline, and nothing of what the other side says is kept but whether
it took the page. A page bears one sentence and a link: no address, amount, name or handle.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import structlog

from coordinator.domain.clock import Clock
from coordinator.domain.delivery import told_error
from coordinator.egress.address_guard import EndpointPolicy
from coordinator.egress.fetching import Fetcher, FetchError
from coordinator.egress.mail import Mailer, MailError, MailServer
from coordinator.storage.membership.on_call import StoredChannel
from holdfast.protocol import canonical_json

logger = structlog.get_logger(__name__)

_SUBJECT = "Holdfast: somebody is needed"
_TEST_SUBJECT = "Holdfast: a test page"
_DRILL_SUBJECT = "Holdfast DRILL: somebody is needed"
#: What a receiver answers is not looked at, and nobody needs more for that.
_MOST_BYTES = 16_384


class Page(NamedTuple):
    """What one message says.

    Attributes:
        call_id: Equal for every try of it.
        alarm_id: Equal for all messages about one thing.
    """

    call_id: str
    alarm_id: str
    sentence: str
    link: str
    is_test: bool
    is_drill: bool = False

    @property
    def subject(self) -> str:
        """What a mail is headed by."""
        if self.is_test:
            return _TEST_SUBJECT
        return _DRILL_SUBJECT if self.is_drill else _SUBJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """What pages go out by; see `config/default.toml`.

    Attributes:
        policy: Where they may go, as for webhooks.
        pager_url: Where alerts go whose channel names no URL.
        mail: The operator's mail server; None: no mail is sent.
        deadline: For one message.
    """

    policy: EndpointPolicy
    pager_url: str = ""
    mail: MailServer | None = None
    deadline: timedelta = timedelta(seconds=10)


class Channels:
    """Sends pages from any number of threads.

    Args:
        settings: By what.
        clock: Dates mails.
    """

    def __init__(self, settings: ChannelSettings, *, clock: Clock) -> None:
        self._pager_url = settings.pager_url
        self._fetcher = Fetcher(settings.policy, deadline=settings.deadline, most_bytes=_MOST_BYTES)
        self._mailer = None
        if settings.mail is not None:
            self._mailer = Mailer(settings.mail, clock=clock, deadline=settings.deadline)

    def send(self, channel: StoredChannel, page: Page) -> str | None:
        """Try one page once; returns None once the other side took it, else a stable word."""
        if channel.kind == "email":
            return self._mail(channel.address or "", page)
        if channel.kind == "pagerduty":
            return self._post(channel.url or self._pager_url, _alert(channel, page))
        return self._post(channel.url or "", _plain(page))

    def _mail(self, address: str, page: Page) -> str | None:
        if self._mailer is None:
            return "no_mail"
        try:
            self._mailer.send(
                address,
                subject=page.subject,
                text=f"{page.sentence}\n\n{page.link}\n",
                message_id=page.call_id,
            )
        except MailError as error:
            return error.code
        return None

    def _post(self, url: str, body: bytes) -> str | None:
        try:
            fetched = self._fetcher.post(url, {"Content-Type": "application/json"}, body)
        except FetchError as error:
            return told_error(error.code)
        # A redirect is no success: it would lead where nobody has looked.
        return None if 200 <= fetched.status < 300 else "refused"  # noqa: PLR2004


def _plain(page: Page) -> bytes:
    """Return what chat services show that take a `text`, with ids for programs."""
    return canonical_json.dumps(
        {
            "type": "page",
            "id": page.call_id,
            "alarm": page.alarm_id,
            "test": page.is_test,
            "drill": page.is_drill,
            "text": f"{page.sentence} {page.link}",
            "link": page.link,
        }
    )


def _alert(channel: StoredChannel, page: Page) -> bytes:
    """Return a `trigger` of the Events API v2; all about one thing are one alert there."""
    return canonical_json.dumps(
        {
            "routing_key": channel.routing_key,
            "event_action": "trigger",
            "dedup_key": page.alarm_id,
            "client": "Holdfast",
            "client_url": page.link,
            "payload": {
                "summary": page.sentence,
                "source": "holdfast",
                "severity": "info" if page.is_test else "critical",
            },
            "links": [{"href": page.link, "text": "Open the console"}],
        }
    )
