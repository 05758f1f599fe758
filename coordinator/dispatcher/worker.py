"""One worker process: deliveries, leg notices, timers, pages, guests, until it is stopped."""

import threading
from dataclasses import dataclass
from datetime import timedelta

import structlog

from coordinator.dispatcher.channels import Channels, ChannelSettings
from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.guest_mail import GuestMail, GuestMailSettings
from coordinator.dispatcher.leg_notices import tell_legs
from coordinator.dispatcher.loop import DeliveryLoop, LoopSettings
from coordinator.dispatcher.pager import Pager, PagerSettings
from coordinator.dispatcher.timers import TimerRun, all_timers
from coordinator.dispatcher.webhook_sender import SenderSettings, WebhookSender
from coordinator.domain.fair_shares import PARTNER_SHARE
from coordinator.domain.security_txt import MOST_BYTES
from coordinator.egress.address_guard import EndpointPolicy
from coordinator.egress.fetching import Fetcher
from coordinator.egress.mail import Mailer, MailServer
from coordinator.storage.engine.wakeup import Watcher, open_notifier

logger = structlog.get_logger(__name__)

_JOIN_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker needs of the settings; see `config/default.toml`."""

    policy: EndpointPolicy
    senders: int = 128
    partner_share: int = PARTNER_SHARE
    connections: int = 2048
    lease: timedelta = timedelta(seconds=30)
    deadline: timedelta = timedelta(seconds=10)
    connect_timeout: timedelta = timedelta(seconds=3)
    poll: timedelta = timedelta(seconds=1)
    timer_interval: timedelta = timedelta(seconds=1)
    listen_url: str = ""
    console_origin: str = ""
    pager_url: str = ""
    mail: MailServer | None = None


class Worker:
    """The parts of one worker process, wired; `run` runs them until it is stopped.

    Args:
        context: What all of them work with.
        settings: Figures and the endpoint policy.
    """

    def __init__(self, context: WorkerContext, settings: WorkerSettings) -> None:
        self._context = context
        self._settings = settings
        database = context.database
        self._notices = threading.Event()
        self._notifier = open_notifier(database)
        self._watcher = Watcher(database, listen_url=settings.listen_url, poll=settings.poll)
        self._sender = WebhookSender(
            settings.policy,
            SenderSettings(
                connect_timeout=settings.connect_timeout,
                deadline=settings.deadline,
                pool_size=max(settings.connections, settings.senders),
            ),
            clock=context.clock,
        )
        self.timers = TimerRun(
            context,
            on_commit=self._committed,
            timers=all_timers(context.rulebook.policies),
        )
        channels = Channels(
            ChannelSettings(
                policy=settings.policy,
                pager_url=settings.pager_url,
                mail=settings.mail,
                deadline=settings.deadline,
            ),
            clock=context.clock,
        )
        self.pager = Pager(
            context,
            send=channels.send,
            settings=PagerSettings(lease=settings.lease, poll=settings.poll),
            console=settings.console_origin,
            on_commit=self._committed,
        )
        mailer = None
        if settings.mail is not None:
            mailer = Mailer(settings.mail, clock=context.clock, deadline=settings.deadline)
        self.guest_mail = GuestMail(
            context,
            fetch=Fetcher(settings.policy, deadline=settings.deadline, most_bytes=MOST_BYTES).get,
            send=None if mailer is None else mailer.send,
            settings=GuestMailSettings(console=settings.console_origin, poll=settings.poll),
            on_commit=self._committed,
        )
        self.loop = DeliveryLoop(
            context,
            send=self._sender.send,
            settings=LoopSettings(
                senders=settings.senders,
                partner_share=settings.partner_share,
                lease=settings.lease,
                deadline=settings.deadline,
                poll=settings.poll,
            ),
            watcher=self._watcher,
            on_notice=self._notices.set,
        )

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish the sends under way, release claims and return."""
        logger.info("worker_started", senders=self._settings.senders)
        aftercare = threading.Thread(
            target=self._aftercare, args=(stop,), name="aftercare", daemon=True
        )
        paging = threading.Thread(target=self.pager.run, args=(stop,), name="pager", daemon=True)
        guests = threading.Thread(
            target=self.guest_mail.run, args=(stop,), name="guests", daemon=True
        )
        self._watcher.start()
        aftercare.start()
        paging.start()
        guests.start()
        try:
            self.loop.run(stop)
        finally:
            stop.set()
            self._notices.set()
            self.pager.wake()
            self.guest_mail.wake()
            aftercare.join(_JOIN_SECONDS)
            paging.join(_JOIN_SECONDS)
            guests.join(_JOIN_SECONDS)
            self._watcher.stop()
            self._notifier.close()
            self._sender.close()
            logger.info("worker_stopped", delivered=self.loop.delivered)

    def _aftercare(self, stop: threading.Event) -> None:
        """Tell legs of their notices once none waits to be sent, at the latest with the timers."""
        while not stop.is_set():
            # The first pass finds what a worker that died left behind.
            self._notices.clear()
            try:
                tell_legs(self._context, on_commit=self._committed)
                self.timers.run_due()
            except Exception:
                # A fault here must stop neither deliveries nor the next pass.
                logger.exception("aftercare_failed")
            self._notices.wait(self._settings.timer_interval.total_seconds())

    def _committed(self) -> None:
        self._notifier.notify()
        self.loop.wake()
