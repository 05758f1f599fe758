"""On-call chains at work: exchanges of the cast that sleep, receivers on loopback, and a pager."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from coordinator.dispatcher.channels import Channels, ChannelSettings, Page
from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.pager import Pager, PagerSettings, Send
from coordinator.egress.mail import MailServer
from coordinator.storage.membership.on_call import StoredChannel
from holdfast.protocol import strict_json
from tests.dispatcher.raw_receiver import ACCEPTED, RawReceiver, answering
from tests.dispatcher.sending import AMPLE, LOOPBACK
from tests.factories import Exchange, Member
from tests.passkeys import CONSOLE
from tests.rulebook import LOG_SIGNER, ORIGIN, RULEBOOK
from tests.services.through_api import World

ON_CALL = "/v1/on-call"


@dataclass(frozen=True, slots=True)
class Heard:
    """One page that somebody heard."""

    channel: StoredChannel
    page: Page


def webhook(url: str) -> dict[str, Any]:
    """Return a JSON channel."""
    return {"kind": "webhook", "url": url}


def step(member: Member, *channels: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a step of a chain: a person, with a JSON channel of their own by default."""
    default = webhook(f"http://127.0.0.1:9/{member.subject}")
    return {"person": member.subject, "channels": list(channels) or [default], **more}


def chain_of(*members: Member, **more: Any) -> dict[str, Any]:
    """Return a chain of people with a channel each."""
    return {"steps": [step(member) for member in members], **more}


def set_chain(w: World, exchange: Exchange, chain: dict[str, Any]) -> dict[str, Any]:
    """Have an exchange's lead set its chain."""
    answer = w.signer.post(exchange.lead, ON_CALL, chain)
    assert answer.status_code == 201, answer.data
    view: dict[str, Any] = answer.get_json()
    return view


def pager(w: World, send: Send, **figures: Any) -> Pager:
    """Return a worker's pager on the world's database, which sends by `send`."""
    context = WorkerContext(
        origin=ORIGIN,
        database=w.database,
        vault=w.vault,
        clock=w.clock,
        rulebook=RULEBOOK,
        log_signer=LOG_SIGNER,
        webhook_keys=(),
    )
    return Pager(context, send=send, settings=PagerSettings(**figures), console=CONSOLE)


class Sleepers:
    """People whose channels note what they hear, and take it or not.

    Args:
        w: The world they sleep in.
    """

    def __init__(self, w: World) -> None:
        self.w = w
        self.heard: list[Heard] = []
        self.error: str | None = None
        self.pager = pager(w, self._hear)

    def _hear(self, channel: StoredChannel, page: Page) -> str | None:
        self.heard.append(Heard(channel, page))
        return self.error

    def listen(self, **later: float) -> list[str]:
        """Let time pass, then page whom it is time to page; returns those who just heard."""
        before = len(self.heard)
        self.w.step(**later)
        self.pager.settle()
        return [str(each.channel.url).rpartition("/")[2] for each in self.heard[before:]]


def alarms(w: World, member: Member, request: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return alarms as a member reads them: its own side's, or those of a request."""
    if request is not None:
        return w.items(member, request, "alarms")
    found: list[dict[str, Any]] = w.get(member, "/v1/alarms")["items"]
    return found


def take(w: World, member: Member, request: dict[str, Any], task: str) -> None:
    """Have somebody say "I have it"."""
    body = {"content_sha256": request["content_sha256"]}
    answer = w.signer.post(member, f"/v1/tasks/{task}/taken", body)
    assert answer.status_code == 201, answer.data


@contextmanager
def receiver(answer: bytes = ACCEPTED) -> Iterator[RawReceiver]:
    """Give a receiver that answers each post."""
    with RawReceiver(answering(answer)) as opened:
        yield opened


def channels(
    w: World, *, mail: MailServer | None = None, deadline: timedelta = AMPLE, pager_url: str = ""
) -> Channels:
    """Return channels to loopback."""
    settings = ChannelSettings(policy=LOOPBACK, mail=mail, deadline=deadline, pager_url=pager_url)
    return Channels(settings, clock=w.clock)


def body_of(request: bytes) -> dict[str, Any]:
    """Return the JSON of a request that a receiver noted."""
    found: dict[str, Any] = strict_json.loads(request.partition(b"\r\n\r\n")[2])
    return found
