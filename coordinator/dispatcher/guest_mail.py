"""Writes to guests: finds their published contact, and mails links, and codes on demand.

A thread of its own, one domain after the other, and never in anybody's request. A mailbox that
never asked for mail gets one with links an hour, whoever asks about whatever; that it does is
committed before the mail goes out. So a worker that dies sends none too many, and what it leaves
waits for the next hour.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coordinator.dispatcher import metrics
from coordinator.dispatcher.context import WorkerContext
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.delivery import told_error
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.guest import CODE_DIGITS, CODE_LASTS, retry_at
from coordinator.domain.security_txt import PATH, SecurityTxtError, security_mailbox
from coordinator.egress.fetching import Fetched, FetchError
from coordinator.egress.mail import MailError
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.requests.guests import NoteGuestContact, hashed_code
from coordinator.storage.engine.documents import UnreadableDocumentError, load, load_one
from coordinator.storage.requests import guests as store
from coordinator.storage.requests.guests import CodeWanted, Due, Lease
from coordinator.storage.tail import restored

logger = structlog.get_logger(__name__)

#: Links in one mail; a domain that is asked more often gets the rest an hour later.
_LINKS_IN_MAIL = 10
#: Domains, and codes, of one pass.
_BATCH = 20
_SUBJECT = "Holdfast: your organisation is asked about funds"
_CODE_SUBJECT = "Holdfast: your code"
_TEXT = (
    "A member of a Holdfast network asks your organisation about funds that may be stolen. What it"
    " asks stands behind this link; a code for it comes by a mail of its own once you ask for one"
    " there:"
)
_CODE_TEXT = (
    "This code opens the page that somebody with your link just asked it for. It holds for 15"
    " minutes and once; if nobody of yours asked for it, do nothing:"
)
#: The site's answer is as it is; only a temporary one is worth another try.
_OK, _SERVER_ERROR, _TOO_MANY = 200, 500, 429


class Fetch(Protocol):
    """What fetches a small document, as `Fetcher.get` does."""

    def __call__(self, url: str, fields: dict[str, str]) -> Fetched:
        """Return what is at `url`, or raise FetchError."""


class Send(Protocol):
    """What has one mail taken by the operator's server, as `Mailer.send` does."""

    def __call__(self, to: str, *, subject: str, text: str, message_id: str) -> None:
        """Send it, or raise MailError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestMailSettings:
    """Figures of one worker.

    Attributes:
        lease: How long claimed guests are nobody else's; outlasts a fetch and a mail.
        poll: How often it looks for what nobody announced.
        console: The console's origin, where the pages are.
        place: Where a domain publishes its contact.
    """

    console: str
    lease: timedelta = timedelta(minutes=2)
    poll: timedelta = timedelta(seconds=1)
    place: Callable[[str], str] = lambda domain: f"https://{domain}{PATH}"


class _UnreachableError(Exception):
    """A guest is not reached; `code` says why, `may_pass` whether it is worth another try."""

    def __init__(self, code: str, *, may_pass: bool) -> None:
        super().__init__(code)
        self.code = code
        self.may_pass = may_pass


class GuestMail:
    """The part of one worker process that writes to guests.

    Args:
        context: Where guests are, and what opens their documents.
        fetch: Fetches one document by the rules of egress.
        send: Sends one mail; None: the operator has no mail server.
        settings: Figures.
        on_commit: Called after each commit that changed something.
    """

    def __init__(
        self,
        context: WorkerContext,
        *,
        fetch: Fetch,
        send: Send | None,
        settings: GuestMailSettings,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._context = context
        self._fetch = fetch
        self._send = send
        self._settings = settings
        self._on_commit = on_commit
        self._wanted = threading.Event()

    def wake(self) -> None:
        """Have it look now."""
        self._wanted.set()

    def run(self, stop: threading.Event) -> None:
        """Write to guests until `stop` is set; then let what is under way end, and return."""
        while not stop.is_set():
            self._wanted.clear()
            try:
                self.run_pass()
            except SQLAlchemyError as error:
                logger.warning("guest_mail_failed", error=type(error).__name__)
            except Exception:
                # A fault of ours must not end the one thread that writes to guests.
                logger.exception("guest_mail_failed")
            self._wanted.wait(self._settings.poll.total_seconds())

    def run_pass(self) -> None:
        """Send the codes that are wanted, then reach whom it is time to reach."""
        with self._context.database.engine.connect() as connection:
            # Of what a restored database owes, much was sent since.
            if restored.since(connection) is not None:
                return
            codes = store.codes_wanted(connection, _BATCH)
            domains = store.due_domains(connection, self._context.clock.now(), _BATCH)
        for wanted in codes:
            self._send_code(wanted)
        for domain in domains:
            self._reach(domain)

    # ---------- links ----------

    def _reach(self, domain: str) -> None:
        """Find a domain's contact, and mail it the links of all that ask it."""
        token = secrets.token_hex(16)
        claimed = self._claim(domain, token)
        if not claimed:
            return
        try:
            mailbox = self._mailbox(domain)
            self._mail(domain, mailbox, claimed)
        except _UnreachableError as error:
            logger.info("guest_not_reached", domain=domain, error=error.code)
            self._put_off(claimed, token, error)
            return
        for each in claimed:
            self._note(NoteGuestContact(guest_id=each.id, token=token, mailbox=mailbox))

    def _claim(self, domain: str, token: str) -> list[Due]:
        now, settings = self._context.clock.now(), self._settings
        with self._context.database.writing() as connection, connection.begin():
            lease = Lease(token, now + settings.lease)
            found = store.claim(connection, domain, lease, now=now, limit=_LINKS_IN_MAIL)
            goes_on = [each for each in found if store.is_open(connection, each.request_id)]
            for each in found:
                if each not in goes_on:
                    # Nobody is written to about what is over.
                    store.change(connection, each.id, next_at=None, lease_token=None)
        return goes_on

    def _mailbox(self, domain: str) -> str:
        """Return the published security contact of a domain."""
        if self._send is None:
            raise _UnreachableError("no_mail", may_pass=False)
        try:
            fetched = self._fetch(self._settings.place(domain), {"Accept": "text/plain"})
        except FetchError as error:
            raise _UnreachableError(told_error(error.code) or error.code, may_pass=True) from None
        if fetched.status >= _SERVER_ERROR or fetched.status == _TOO_MANY:
            raise _UnreachableError("refused", may_pass=True)
        if fetched.status != _OK:
            raise _UnreachableError("no_security_txt", may_pass=False)
        try:
            return security_mailbox(fetched.body, domain=domain, now=self._context.clock.now())
        except SecurityTxtError as error:
            raise _UnreachableError(error.code, may_pass=False) from None

    def _mail(self, domain: str, mailbox: str, claimed: Sequence[Due]) -> None:
        if self._send is None:
            raise _UnreachableError("no_mail", may_pass=False)
        now, database = self._context.clock.now(), self._context.database
        with database.writing() as connection, connection.begin():
            if not store.take_mail(connection, domain, now):
                raise _UnreachableError("mailed_lately", may_pass=True)
            ids = [each.id for each in claimed]
            try:
                links = load(connection, self._context.vault, ids, store.LINK)
            except UnreadableDocumentError:
                raise _UnreachableError("unreadable_document", may_pass=False) from None
        lines = [
            f"{self._settings.console}/console/guest#{links[each.id].decode()}" for each in claimed
        ]
        try:
            with _counted("links"):
                self._send(
                    mailbox,
                    subject=_SUBJECT,
                    text="\n\n".join((_TEXT, *lines)) + "\n",
                    message_id=claimed[0].id,
                )
        except MailError as error:
            if error.code != "deadline_exceeded":  # then it may have been taken after all
                with database.writing() as connection, connection.begin():
                    store.give_back_mail(connection, domain)
            raise _UnreachableError(error.code, may_pass=True) from None

    def _put_off(self, claimed: Sequence[Due], token: str, error: _UnreachableError) -> None:
        now = self._context.clock.now()
        for each in claimed:
            again = retry_at(each.tries + 1, now) if error.may_pass else None
            if again is None:
                note = NoteGuestContact(guest_id=each.id, token=token, error=error.code)
                self._note(note)
                continue
            with self._context.database.writing() as connection, connection.begin():
                store.put_off(connection, each, token, error=error.code, at=again)

    def _note(self, note: NoteGuestContact) -> None:
        try:
            with transaction(self._context) as uow:
                uow.finish(execute(note, COORDINATOR, uow))
        except CoordinatorError as error:
            logger.warning("guest_refused", id=note.guest_id, code=error.code)
            return
        self._on_commit()

    # ---------- codes ----------

    def _send_code(self, wanted: CodeWanted) -> None:
        """Make a code and mail it to the contact that got the link; what fails is asked for anew.

        Without a right to it (the request is over, the domain had as many as it may) none is made,
        and whoever asked is not told so.
        """
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        mailbox = self._store_code(wanted, code)
        if mailbox is None or self._send is None:
            return
        try:
            with _counted("code"):
                self._send(
                    mailbox,
                    subject=_CODE_SUBJECT,
                    text=f"{_CODE_TEXT}\n\n{code[:4]} {code[4:]}\n",
                    message_id=f"{wanted.id}.{secrets.token_hex(8)}",
                )
        except MailError as error:
            logger.warning("guest_code_not_taken", id=wanted.id, error=error.code)

    def _store_code(self, wanted: CodeWanted, code: str) -> str | None:
        """Store a code and return where it goes; None where none is due."""
        now, vault = self._context.clock.now(), self._context.vault
        with self._context.database.writing() as connection, connection.begin():
            if not store.take_code_wanted(connection, wanted.id):
                return None
            try:
                link = load_one(connection, vault, wanted.id, store.LINK)
                contact = load_one(connection, vault, wanted.id, store.CONTACT)
            except UnreadableDocumentError:
                logger.exception("guest_unreadable", id=wanted.id)
                return None
            if (
                link is None
                or contact is None
                or wanted.code_wanted_at + CODE_LASTS <= now  # nobody waits for it any more
                or not store.is_open(connection, wanted.request_id)
                or not store.count_code(connection, wanted.domain, now)
            ):
                return None
            store.change(
                connection,
                wanted.id,
                code_sha256=hashed_code(link.decode(), code),
                code_until=now + CODE_LASTS,
                code_tries=0,
                code_sent_at=now,
            )
        return contact.decode()


@contextmanager
def _counted(kind: Literal["links", "code"]) -> Iterator[None]:
    """Count one mail by what came of it."""
    try:
        yield
    except MailError:
        metrics.GUEST_MAILS.labels(kind, "failed").inc()
        raise
    metrics.GUEST_MAILS.labels(kind, "sent").inc()
