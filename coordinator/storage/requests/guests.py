"""Guests of requests: who was asked by its domain, how far it was reached, and what it said.

Reaching one is claimed with a lease, as messages to people are; what a domain was mailed lately is
noted before a mail goes out, so that a worker that dies sends none too many.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert_of_postgresql
from sqlalchemy.dialects.sqlite import insert as upsert_of_sqlite

from coordinator.domain.guest import BETWEEN_MAILS, CodesSent
from coordinator.storage.engine.reads import read, read_as, read_one
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.guests import GuestAnswerRow, GuestDomainRow, GuestRow
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol.vocabulary import GuestStatus, PartnerStatus, RequestStatus

#: Documents sealed under the request's key, by guest.
LINK, CONTACT, ANSWER = "guest_link", "guest_contact", "guest_answer"


class Due(NamedTuple):
    """A guest whose contact is to be looked for."""

    id: str
    request_id: str
    domain: str
    tries: int


class CodeWanted(NamedTuple):
    """A guest that somebody with its link asked a code for, and when."""

    id: str
    request_id: str
    domain: str
    code_wanted_at: datetime


class _Tried(NamedTuple):
    """A guest whose code was tried, and the code's hash."""

    id: str
    code_sha256: str


def insert_guest(connection: Connection, **values: Any) -> GuestRow:
    """Store one and return its row."""
    columns = GuestRow.__table__.columns.keys()
    whole = {**dict.fromkeys(columns), "tries": 0, "code_tries": 0, **values}
    connection.execute(insert(GuestRow).values(**whole))
    return new_row(GuestRow, whole)


def get(connection: Connection, guest_id: str) -> GuestRow | None:
    """Return one guest."""
    return read_one(connection, select(GuestRow).where(GuestRow.id == guest_id))


def by_link(connection: Connection, link_sha256: str) -> GuestRow | None:
    """Return the guest whose link has this hash."""
    return read_one(connection, select(GuestRow).where(GuestRow.link_sha256 == link_sha256))


def page(connection: Connection, request_id: str, *, after: str, limit: int) -> list[GuestRow]:
    """Return a request's guests, oldest first."""
    query = select(GuestRow).where(GuestRow.request_id == request_id, GuestRow.id > after)
    return read(connection, query.order_by(GuestRow.id).limit(limit))


def answers(
    connection: Connection, guest_ids: Collection[str]
) -> Mapping[str, Sequence[GuestAnswerRow]]:
    """Return what guests said, by guest, oldest first."""
    found: dict[str, list[GuestAnswerRow]] = {guest_id: [] for guest_id in guest_ids}
    query = select(GuestAnswerRow).where(GuestAnswerRow.guest_id.in_(sorted(found)))
    for each in read(connection, query.order_by(GuestAnswerRow.id)):
        found[each.guest_id].append(each)
    return found


def is_asked(connection: Connection, request_id: str, domain: str) -> bool:
    """Tell whether a request asks a domain, but for in vain."""
    query = select(GuestRow.id).where(
        GuestRow.request_id == request_id,
        GuestRow.domain == domain,
        GuestRow.status != GuestStatus.UNREACHABLE,
    )
    return connection.execute(query.limit(1)).first() is not None


def count_of_request(connection: Connection, request_id: str) -> int:
    """Return how many guests a request has had."""
    query = select(func.count()).where(GuestRow.request_id == request_id)
    return int(connection.execute(query).scalar_one())


def count_since(connection: Connection, requester: str, since: datetime) -> int:
    """Return how many guests a requester has asked since then."""
    query = select(func.count()).where(GuestRow.requester == requester, GuestRow.asked_at > since)
    return int(connection.execute(query).scalar_one())


def members_among(connection: Connection, handles: Collection[str]) -> list[str]:
    """Return those handles whose partners are members, suspended ones, too.

    Their rows are locked, whatever their status: nobody is confirmed before this transaction ends,
    and whose confirmation is under way is waited for, and is a member then.
    """
    query = (
        select(PartnerRow.handle, PartnerRow.status)
        .where(PartnerRow.handle.in_(sorted(handles)))
        .order_by(PartnerRow.handle)
        .with_for_update(read=True)
    )
    are_members = {PartnerStatus.ACTIVE, PartnerStatus.SUSPENDED}
    return [handle for handle, status in connection.execute(query) if status in are_members]


def of_domain(connection: Connection, domain: str) -> list[Due]:
    """Return a domain's guests that have no leg of their own yet, by request."""
    query = _of_guests().where(GuestRow.domain == domain, GuestRow.joined_at.is_(None))
    return read_as(connection, Due, query.order_by(GuestRow.request_id, GuestRow.id))


def change(connection: Connection, guest_id: str, **values: Any) -> None:
    """Write new values to a guest."""
    connection.execute(update(GuestRow).where(GuestRow.id == guest_id).values(**values))


def insert_answer(connection: Connection, **values: Any) -> None:
    """Store that a guest said something."""
    connection.execute(insert(GuestAnswerRow).values(**values))


def want_code(
    connection: Connection, link_sha256: str, *, now: datetime, last_before: datetime
) -> bool:
    """Note that somebody with a link wants a code; nothing where one was sent or wanted just now.

    Tells whether something was noted.
    """
    noted = connection.execute(
        update(GuestRow)
        .where(
            GuestRow.link_sha256 == link_sha256,
            GuestRow.status == GuestStatus.CONTACTED,
            GuestRow.code_wanted_at.is_(None),
            or_(GuestRow.code_sent_at.is_(None), GuestRow.code_sent_at <= last_before),
        )
        .values(code_wanted_at=now)
    )
    return noted.rowcount == 1


def use_code(
    connection: Connection, link_sha256: str, code_sha256: str, *, now: datetime, most_tries: int
) -> str | None:
    """Use a code up and return its guest's id; None where it is wrong, over or tried too often.

    Every try counts in the statement that looks, so that many at once are no more tries.
    """
    tried = (
        update(GuestRow)
        .where(
            GuestRow.link_sha256 == link_sha256,
            GuestRow.code_sha256.is_not(None),
            GuestRow.code_until > now,
            GuestRow.code_tries < most_tries,
        )
        .values(code_tries=GuestRow.code_tries + 1)
        .returning(GuestRow.id, GuestRow.code_sha256)
    )
    found = read_as(connection, _Tried, tried)
    if not found or not compare_digest(found[0].code_sha256, code_sha256):
        return None
    change(connection, found[0].id, code_sha256=None, code_until=None)
    return found[0].id


# ---------- what a worker does ----------


def due_domains(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return domains of guests to be reached, which nothing was mailed to lately."""
    query = (
        select(GuestRow.domain)
        .outerjoin(GuestDomainRow, GuestDomainRow.domain == GuestRow.domain)
        .where(
            GuestRow.next_at <= now,
            or_(GuestRow.lease_until.is_(None), GuestRow.lease_until <= now),
            or_(
                GuestDomainRow.mailed_at.is_(None),
                GuestDomainRow.mailed_at <= now - BETWEEN_MAILS,
            ),
        )
        .group_by(GuestRow.domain)
        .order_by(func.min(GuestRow.next_at), GuestRow.domain)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


class Lease(NamedTuple):
    """A worker's claim: fenced by its token, nobody else's until then."""

    token: str
    until: datetime


def claim(
    connection: Connection, domain: str, lease: Lease, *, now: datetime, limit: int
) -> list[Due]:
    """Claim the guests of one domain that are due, at most `limit`: they are in one mail.

    Inside a writing transaction; leases run by `now`.
    """
    free = [
        GuestRow.domain == domain,
        GuestRow.next_at <= now,
        or_(GuestRow.lease_until.is_(None), GuestRow.lease_until <= now),
    ]
    query = _of_guests().where(*free).order_by(GuestRow.id).limit(limit)
    found = read_as(connection, Due, query.with_for_update(skip_locked=True))
    if found:
        connection.execute(
            update(GuestRow)
            .where(GuestRow.id.in_([each.id for each in found]))
            .values(lease_token=lease.token, lease_until=lease.until)
        )
    return found


def put_off(connection: Connection, due: Due, token: str, *, error: str, at: datetime) -> None:
    """Have a claimed guest tried again later, where the claim still holds."""
    connection.execute(
        update(GuestRow)
        .where(GuestRow.id == due.id, GuestRow.lease_token == token)
        .values(next_at=at, tries=due.tries + 1, error=error, lease_token=None, lease_until=None)
    )


def take_mail(connection: Connection, domain: str, now: datetime) -> bool:
    """Note that a mail with links goes to a domain now; False where one did lately.

    Inside a writing transaction that is committed before the mail is sent.
    """
    _insert_domain(connection, domain)
    noted = connection.execute(
        update(GuestDomainRow)
        .where(
            GuestDomainRow.domain == domain,
            or_(
                GuestDomainRow.mailed_at.is_(None),
                GuestDomainRow.mailed_at <= now - BETWEEN_MAILS,
            ),
        )
        .values(mailed_at=now)
    )
    return noted.rowcount == 1


def give_back_mail(connection: Connection, domain: str) -> None:
    """Note that the mail to a domain did not go out after all."""
    connection.execute(
        update(GuestDomainRow).where(GuestDomainRow.domain == domain).values(mailed_at=None)
    )


def codes_wanted(connection: Connection, limit: int) -> list[CodeWanted]:
    """Return guests that somebody wants a code for, the oldest first."""
    query = (
        select(GuestRow.id, GuestRow.request_id, GuestRow.domain, GuestRow.code_wanted_at)
        .where(GuestRow.code_wanted_at.is_not(None))
        .order_by(GuestRow.code_wanted_at, GuestRow.id)
        .limit(limit)
    )
    return read_as(connection, CodeWanted, query)


def take_code_wanted(connection: Connection, guest_id: str) -> bool:
    """Take the wish for a code; False where another worker has it."""
    taken = connection.execute(
        update(GuestRow)
        .where(GuestRow.id == guest_id, GuestRow.code_wanted_at.is_not(None))
        .values(code_wanted_at=None)
    )
    return taken.rowcount == 1


def count_code(connection: Connection, domain: str, now: datetime) -> bool:
    """Count a code to a domain; False where it had as many as it may."""
    _insert_domain(connection, domain)
    query = (
        select(GuestDomainRow.codes_since.label("since"), GuestDomainRow.codes.label("sent"))
        .where(GuestDomainRow.domain == domain)
        .with_for_update()
    )
    counted = read_as(connection, CodesSent, query)[0].with_one(now)
    if counted is None:
        return False
    connection.execute(
        update(GuestDomainRow)
        .where(GuestDomainRow.domain == domain)
        .values(codes_since=counted.since, codes=counted.sent)
    )
    return True


def is_open(connection: Connection, request_id: str) -> bool:
    """Tell whether guests of a request may be reached and may answer: it goes on, on good word."""
    query = select(FreezeRequestRow.id).where(FreezeRequestRow.id == request_id, *_goes_on())
    return connection.execute(query).first() is not None


def _goes_on() -> list[ColumnElement[bool]]:
    suspended = (
        select(PartnerRow.handle)
        .where(
            PartnerRow.handle == FreezeRequestRow.requester,
            PartnerRow.status == PartnerStatus.SUSPENDED,
        )
        .exists()
    )
    return [
        FreezeRequestRow.status == RequestStatus.ACTIVE,
        FreezeRequestRow.unratified_until.is_(None),
        ~FreezeRequestRow.provisional,
        FreezeRequestRow.erased_at.is_(None),
        ~suspended,
    ]


def _of_guests() -> Select[str, str, str, int]:
    return select(GuestRow.id, GuestRow.request_id, GuestRow.domain, GuestRow.tries)


def _insert_domain(connection: Connection, domain: str) -> None:
    is_postgresql = connection.dialect.name == "postgresql"
    upsert = upsert_of_postgresql if is_postgresql else upsert_of_sqlite
    values = {"domain": domain, "mailed_at": None, "codes_since": None, "codes": 0}
    connection.execute(upsert(GuestDomainRow).values(values).on_conflict_do_nothing())
