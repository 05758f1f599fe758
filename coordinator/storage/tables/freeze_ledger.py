"""The freeze ledger: lines as reported, and the running balances that they add up to."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from coordinator.storage.engine.base import Base, Id, Micros, Units


def _usd_sum() -> MappedColumn[Any]:
    """Return a column for what a sum of base units is stated to be worth.

    Most state nothing, and a null costs a sum nothing.
    """
    return mapped_column(comment="cents; null: no value stated")


class LedgerLineRow(Base):
    """One line of a freeze report; never changed. Texts and txs stay in the sealed report."""

    __tablename__ = "ledger_line"
    __table_args__ = (
        Index("ix_ledger_line_leg_id_id", "leg_id", "id"),
        Index("ix_ledger_line_request_id_id", "request_id", "id"),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"))
    partner: Mapped[str] = mapped_column(String(253))
    report_id: Mapped[Id] = mapped_column(comment="act_…; its evidence holds the whole line")
    line_no: Mapped[int] = mapped_column(comment="place in the report, from 0")
    kind: Mapped[str] = mapped_column(String(15))
    address_no: Mapped[int | None]
    asset: Mapped[str | None] = mapped_column(String(200))
    amount: Mapped[Units | None]
    withheld: Mapped[bool]
    hold_id: Mapped[Id | None] = mapped_column(index=True)
    code: Mapped[str | None] = mapped_column(String(40), comment="nothing: code; released: reason")
    corrects: Mapped[Id | None] = mapped_column(index=True)
    reported_at: Mapped[Micros]
    usd_cents: Mapped[Units | None] = mapped_column(comment="what the line states it was worth")
    irregular: Mapped[str | None] = mapped_column(
        String(15), comment="true, but not as it should have been: after_end, late, encumbered"
    )
    gateway: Mapped[str | None] = mapped_column(
        String(15), comment="on what ground its amount was told; None: none was asked for"
    )


class HoldRow(Base):
    """What a frozen line opened; the sums of its effective lines, kept in the same transaction."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version_positive"),
        Index("ix_hold_leg_id", "leg_id"),
        Index("ix_hold_partner_asset", "partner", "asset"),
        Index("ix_hold_ended_hold_expires_at", "ended", "hold_expires_at"),
        Index(
            "ix_hold_same_funds_as",
            "same_funds_as",
            sqlite_where=text("same_funds_as IS NOT NULL"),
            postgresql_where=text("same_funds_as IS NOT NULL"),
        ),
        # Whether a request's sums leave any hold out; hardly one is marked.
        Index(
            "ix_hold_marked_request_id",
            "request_id",
            sqlite_where=text("same_funds_as IS NOT NULL"),
            postgresql_where=text("same_funds_as IS NOT NULL"),
        ),
        # What its requester asks the partner that holds to extend, by its end.
        Index(
            "ix_hold_to_extend",
            "partner",
            "ended",
            "lapsed",
            "hold_expires_at",
            sqlite_where=text("extension_asked_at IS NOT NULL AND ended = 0 AND lapsed = 0"),
            postgresql_where=text("extension_asked_at IS NOT NULL AND NOT ended AND NOT lapsed"),
        ),
    )
    id: Mapped[Id] = mapped_column(primary_key=True)
    request_id: Mapped[Id] = mapped_column(ForeignKey("freeze_request.id"))
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"))
    partner: Mapped[str] = mapped_column(String(253))
    address_no: Mapped[int]
    asset: Mapped[str] = mapped_column(String(200))
    frozen: Mapped[Units]
    released: Mapped[Units]
    returned: Mapped[Units]
    seized: Mapped[Units]
    frozen_usd: Mapped[Units | None] = _usd_sum()
    held_usd: Mapped[Units | None] = _usd_sum()
    released_usd: Mapped[Units | None] = _usd_sum()
    returned_usd: Mapped[Units | None] = _usd_sum()
    seized_usd: Mapped[Units | None] = _usd_sum()
    withheld: Mapped[bool]
    ended: Mapped[bool] = mapped_column(comment="nothing of it is held any more")
    account_level: Mapped[bool]
    basis: Mapped[str] = mapped_column(String(20))
    frozen_at: Mapped[Micros]
    hold_expires_at: Mapped[Micros]
    reviewed: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="hold_expires_at is a review date, whatever the ground: nothing lapses",
    )
    lapsed: Mapped[bool]
    irregular: Mapped[str | None] = mapped_column(
        String(15), comment="as the first of its freezes that is"
    )
    review_at: Mapped[Micros | None] = mapped_column(
        comment="somebody looks again: an issuer's freeze, a whole account"
    )
    effective_at: Mapped[Micros | None] = mapped_column(
        comment="an issuer's second transaction; frozen_at is the first one's time"
    )
    same_funds_as: Mapped[Id | None] = mapped_column(
        comment="another partner's hold of the same tokens, which counts"
    )
    extension_asked_at: Mapped[Micros | None] = mapped_column(
        comment="when a requester asked for a later end; the last time"
    )
    extension_asked_on: Mapped[Id | None] = mapped_column(comment="on which request")
    extension_asked_end: Mapped[Micros | None] = mapped_column(
        comment="hold_expires_at as it was then: another one is the partner's answer"
    )
    kept: Mapped[str | None] = mapped_column(String(20))
    ended_by: Mapped[str | None] = mapped_column(String(15), comment="of a withheld hold alone")
    withdrawn_at: Mapped[Micros | None] = mapped_column(
        comment="its address or request was taken back"
    )
    owed_since: Mapped[Micros | None] = mapped_column(comment="an answer is owed since then")
    next_reminder_at: Mapped[Micros | None] = mapped_column(index=True)
    next_clock_at: Mapped[Micros | None] = mapped_column(
        index=True, comment="next warning, or the end; None: no clock runs"
    )
    version: Mapped[int] = mapped_column(default=1)


class HoldLinkRow(Base):
    """Which legs a hold counts for: its own, and those that share it."""

    __tablename__ = "hold_link"
    __table_args__ = (Index("ix_hold_link_request_id_hold_id", "request_id", "hold_id"),)
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"), primary_key=True)
    hold_id: Mapped[Id] = mapped_column(ForeignKey("hold.id"), primary_key=True, index=True)
    request_id: Mapped[Id]
    is_shared: Mapped[bool]
    address_no: Mapped[int]


class SharedLineRow(Base):
    """A line about a shared hold on a leg that it was not written on; it stays when the link ends.

    A leg's own lines are not in it, so that most pages of the ledger find nothing here.
    """

    __tablename__ = "shared_line"
    __table_args__ = (Index("ix_shared_line_request_id_line_id", "request_id", "line_id"),)
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"), primary_key=True)
    line_id: Mapped[Id] = mapped_column(ForeignKey("ledger_line.id"), primary_key=True)
    request_id: Mapped[Id]
    address_no: Mapped[int] = mapped_column(comment="of this leg's request, not the line's")


class FindingRow(Base):
    """How much of an asset a leg found for one flagged address."""

    __tablename__ = "finding"
    __table_args__ = (Index("ix_finding_request_id", "request_id"),)
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"), primary_key=True)
    address_no: Mapped[int] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_id: Mapped[Id]
    found: Mapped[Units]
    found_usd: Mapped[Units | None] = _usd_sum()
    withheld: Mapped[bool]


class NothingRow(Base):
    """An address that a leg answered with nothing, and why.

    Gone again when a later line names it.
    """

    __tablename__ = "answer_nothing"
    leg_id: Mapped[Id] = mapped_column(ForeignKey("leg.id"), primary_key=True)
    address_no: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
