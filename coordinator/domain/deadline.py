"""Deadlines and limits that all members agree on, read once from `config/policies.toml`.

No clock is read here: deadlines are computed from the moment that is passed in.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coordinator.domain.clock_profiles import (
    DEFAULT_PROFILE,
    MAY_COUNT_WORKING_DAYS,
    ClockProfile,
    DeskClocks,
    Span,
    WorkingDays,
)
from coordinator.domain.hold_limits import HoldLimits
from coordinator.domain.recovery import RecoveryClocks
from coordinator.domain.retention import months_after, months_before
from coordinator.domain.working_days import Calendars
from holdfast.protocol.vocabulary import HoldBasis, Support, Urgency

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
#: Ten years in minutes: anything longer is a typing error.
_LONGEST = timedelta(days=3_660)
_DEFAULT = "default"
_PROFILE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
#: A year of them: anything longer is a typing error.
_MOST_WORKING_DAYS = 260
#: A hundred years of them.
_MOST_MONTHS = 1_200


class PolicyError(ValueError):
    """The policies cannot be used; the message names the key and says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Durations and limits; `config/policies.toml` argues each.

    Attributes:
        clocks: Profiles of clocks by the name that a partner's policy chooses.
        calendars: Whose working days they count.
        unratified_for: How long a flash request that missed its ratification may still get it.
        flash_daily_cap: Incidents of one partner in 24 hours that begin with a flash request.
        flash_free_accounts: Accounts of a ratified incident that may follow beside that cap.
        approve_withdrawal_within: How long a proposed withdrawal waits for another lead.
        late_report: How long after the end lines that crossed it are taken.
        close_after: From the last leg's becoming final to the request's closing by itself.
        do_not_notify: How long a request without an order may wish that customers learn nothing.
        review_whole_account_after: From a freeze of a whole account to another look at it.
        answer_dispute_within: How long the requester has to answer a dispute.
        answer_flash_dispute_within: The same, where the request is flash.
        default_hold: What is asked for where a request names no hours.
        warn_before: How long before a hold's end warnings go out, longest first.
        remind_owed: How often an owed answer is recalled.
        recovery: The clocks of deposits that went to the wrong place.
        approve_grant_within: How long a lead's proposed grant waits for another lead.
        approve_destination_within: How long a proposed destination waits for another person.
        destination_usable_after: From a destination's approval until something is sent there.
        approve_return_within: How long a return request waits for another person's approval.
        answer_return_within: From then until its partner should have answered.
        claim_link_lasts: How long the secret link of a claim opens its page.
        claim_link_after_closing: ... and how long at most once its restitution is closed.
        payout_change_after: From the approval of a claim's new payout account until it holds.
        root_reset_after: From the announcement of a new root key to its taking over.
        erase_after_months: How long what an ended request says is kept.
        sealed_evidence_months: How long sealed files are kept after it ended; no longer than that.
        names_months: How long a partner's names of people are kept who left.
        name_from_cases: The public yearly summary names no partner with fewer.
        data_subject_months: A requester answers what a person asks within so many.
        data_subject_extension_months: So many more, once, where it says why.
        data_subjects_a_day: Letters that one partner may pass on in 24 hours.
        max_holds: How far ahead a hold's end may lie, by jurisdiction and basis.
        amounts_need_gateway: Whether amounts are told on a leg only under a gateway that its two
            sides have in common.
        support_max: The same by whose word the request rests on; an order has no such limit.
    """

    clocks: Mapping[str, ClockProfile]
    calendars: Calendars
    approve_within: timedelta
    ratify_within: timedelta
    unratified_for: timedelta
    flash_daily_cap: int
    flash_free_accounts: int
    approve_withdrawal_within: timedelta
    late_report: timedelta
    close_after: timedelta
    do_not_notify: timedelta
    default_hold: timedelta
    warn_before: tuple[timedelta, ...]
    remind_owed: timedelta
    review_whole_account_after: timedelta
    answer_dispute_within: timedelta
    answer_flash_dispute_within: timedelta
    recovery: RecoveryClocks
    approve_grant_within: timedelta
    approve_destination_within: timedelta
    destination_usable_after: timedelta
    approve_return_within: timedelta
    answer_return_within: timedelta
    claim_link_lasts: timedelta
    claim_link_after_closing: timedelta
    payout_change_after: timedelta
    root_reset_after: timedelta
    max_holds: Mapping[str, Mapping[HoldBasis, timedelta]]
    support_max: Mapping[Support, timedelta]
    erase_after_months: int
    sealed_evidence_months: int
    names_months: int
    name_from_cases: int
    data_subject_months: int
    data_subject_extension_months: int
    data_subjects_a_day: int
    amounts_need_gateway: bool

    def answer_person_by(self, received_at: datetime, *, is_extended: bool = False) -> datetime:
        """Return until when a person whose letter came then is answered."""
        more = self.data_subject_extension_months if is_extended else 0
        return months_after(received_at, self.data_subject_months + more)

    def answer_dispute_by(self, urgency: Urgency, *, raised_at: datetime) -> datetime:
        """Return until when the requester answers a dispute: soon where it asked in haste."""
        is_flash = urgency is Urgency.FLASH
        within = self.answer_flash_dispute_within if is_flash else self.answer_dispute_within
        return raised_at + within

    def kept_since(self, now: datetime) -> datetime:
        """Return the moment before which a request must have ended for its time to be over."""
        return months_before(now, self.erase_after_months)

    def kept_until(self, ended_at: datetime | None) -> datetime | None:
        """Return until when what a request says is kept; None while it goes on."""
        return None if ended_at is None else months_after(ended_at, self.erase_after_months)

    def sealed_evidence_kept_until(
        self, sealed_at: datetime, ended_at: datetime | None
    ) -> datetime | None:
        """Return the same of a sealed file."""
        if ended_at is None:
            return None
        return months_after(max(sealed_at, ended_at), self.sealed_evidence_months)

    def names_kept_until(self, left_at: datetime | None) -> datetime | None:
        """Return until when a partner's name of somebody is kept; None while they act for it."""
        return None if left_at is None else months_after(left_at, self.names_months)

    def sealed_evidence_kept_since(self, now: datetime) -> datetime:
        """Return the same for the sealed files of a request."""
        return months_before(now, self.sealed_evidence_months)

    def names_kept_since(self, now: datetime) -> datetime:
        """Return before when people must have left for their names to be erased."""
        return months_before(now, self.names_months)

    def desk_clocks(self, profile: str | None, jurisdiction: str | None) -> DeskClocks:
        """Return the clocks of a partner; the default ones where it names no known profile."""
        chosen = self.clocks.get(profile or DEFAULT_PROFILE, self.clocks[DEFAULT_PROFILE])
        return DeskClocks(chosen, self.calendars.of(jurisdiction))

    def max_hold(
        self, jurisdiction: str | None, *, support: Support, is_issuer: bool = False
    ) -> HoldLimits:
        """Return how far ahead a hold's end may lie; the default where no place is named."""
        return HoldLimits(
            by_basis=self.max_holds.get(jurisdiction or _DEFAULT, self.max_holds[_DEFAULT]),
            by_support=self.support_max,
            support=support,
            is_issuer=is_issuer,
        )

    @classmethod
    def load(cls, text: str) -> "Policies":
        """Read the policies from TOML.

        Raises:
            PolicyError: If a member is missing, unknown, or out of range.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(f"policies: no TOML: {error}") from error
        top = _Table("", document)
        clocks = top.table("clocks")
        zones = top.table("time_zones")
        request = top.table("request")
        withdrawal = top.table("withdrawal")
        hold = top.table("hold")
        dispute = top.table("dispute")
        recovery = top.table("recovery")
        membership = top.table("membership")
        money_back = top.table("money_back")
        retention = top.table("retention")
        statistics = top.table("statistics")
        data_subjects = top.table("data_subjects")
        # A file from before there were gateways has none of it, and goes on as it was.
        gateways = top.table("gateways") if "gateways" in top.names() else _Table("gateways.", {})
        maxima = top.table("max_hold_days")
        support = top.table("support_max_days")
        if _DEFAULT not in maxima.names():
            raise PolicyError("policies: max_hold_days.default is missing")
        if DEFAULT_PROFILE not in clocks.names():
            raise PolicyError("policies: clocks.default is missing")
        policies = cls(
            clocks=MappingProxyType(
                {name: _clock_profile(name, clocks.table(name)) for name in clocks.names()}
            ),
            calendars=_calendars(zones),
            approve_within=request.duration("approve_within_hours", _HOUR),
            ratify_within=request.duration("ratify_within_minutes", _MINUTE),
            unratified_for=request.duration("unratified_hours", _HOUR),
            flash_daily_cap=request.number("flash_daily_cap", least=0),
            flash_free_accounts=request.number("flash_free_accounts", least=0),
            approve_withdrawal_within=withdrawal.duration("approve_within_hours", _HOUR),
            late_report=request.duration("late_report_hours", _HOUR),
            close_after=request.duration("close_after_days", _DAY),
            do_not_notify=request.duration("do_not_notify_days", _DAY),
            default_hold=hold.duration("default_hours", _HOUR),
            warn_before=hold.durations("warn_before_hours", _HOUR),
            remind_owed=hold.duration("remind_owed_hours", _HOUR),
            review_whole_account_after=hold.duration("review_whole_account_hours", _HOUR),
            answer_dispute_within=dispute.duration("answer_within_hours", _HOUR),
            answer_flash_dispute_within=dispute.duration("answer_flash_within_hours", _HOUR),
            recovery=RecoveryClocks(
                approve_within=recovery.duration("approve_within_hours", _HOUR),
                answer_within=recovery.duration("answer_within_days", _DAY),
                reply_within=recovery.duration("reply_within_days", _DAY),
                return_within=recovery.duration("return_within_days", _DAY),
                confirm_within=recovery.duration("confirm_within_days", _DAY),
            ),
            approve_grant_within=membership.duration("grant_proposal_days", _DAY),
            approve_destination_within=money_back.duration("destination_proposal_days", _DAY),
            destination_usable_after=money_back.duration("destination_usable_hours", _HOUR),
            approve_return_within=money_back.duration("return_approval_hours", _HOUR),
            answer_return_within=money_back.duration("return_answer_days", _DAY),
            claim_link_lasts=money_back.duration("claim_link_days", _DAY),
            claim_link_after_closing=money_back.duration("claim_link_days_after_closing", _DAY),
            payout_change_after=money_back.duration("payout_change_hours", _HOUR),
            erase_after_months=retention.number("erase_after_months", most=_MOST_MONTHS),
            sealed_evidence_months=retention.number("sealed_evidence_months", most=_MOST_MONTHS),
            names_months=retention.number("names_months", most=_MOST_MONTHS),
            name_from_cases=statistics.number("name_partner_from_cases"),
            data_subject_months=data_subjects.number("answer_within_months", most=_MOST_MONTHS),
            data_subject_extension_months=data_subjects.number(
                "extend_by_months", most=_MOST_MONTHS
            ),
            data_subjects_a_day=data_subjects.number("most_a_day"),
            root_reset_after=membership.duration("root_reset_hours", _HOUR),
            amounts_need_gateway=gateways.flag("amounts_need_one", absent=False),
            max_holds=MappingProxyType(
                {name: _max_hold(maxima.table(name)) for name in maxima.names()}
            ),
            support_max=MappingProxyType(
                {
                    each: support.duration(each.value, _DAY)
                    for each in Support
                    if each is not Support.ORDER
                }
            ),
        )
        for table in (
            clocks,
            zones,
            request,
            withdrawal,
            hold,
            dispute,
            recovery,
            membership,
            money_back,
            retention,
            statistics,
            data_subjects,
            gateways,
            maxima,
            support,
            top,
        ):
            table.finish()
        policies.require_ladder()
        return policies

    def hold_hours(self, stated: int | None) -> int:
        """Return how many hours a request asks to hold: those that it states, or the default."""
        return int(self.default_hold / _HOUR) if stated is None else stated

    def require_ladder(self) -> None:
        """Refuse a better word that carries no farther, and a default hold beyond the weakest.

        Raises:
            PolicyError: Naming the key.
        """
        rungs = list(self.support_max.items())
        for (_, shorter), (support, longer) in pairwise(rungs):
            if longer < shorter:
                raise PolicyError(
                    f"policies: support_max_days.{support.value} is less than a weaker word carries"
                )
        if self.sealed_evidence_months > self.erase_after_months:
            raise PolicyError(
                "policies: retention.sealed_evidence_months is more than erase_after_months: sealed"
                " files go with what their request says"
            )
        if self.default_hold > self.support_max[Support.NONE]:
            raise PolicyError(
                "policies: hold.default_hours is more than support_max_days.none: a request that"
                " names neither could not be met"
            )


def _clock_profile(name: str, table: "_Table") -> ClockProfile:
    if not _PROFILE_NAME.fullmatch(name):
        raise PolicyError(f"policies: clocks.{name}: a name has a-z, 0-9 and _, and 40 at most")
    profile = ClockProfile(
        acknowledge_within=_spans(table, "acknowledge_within"),
        answer_within=_spans(table, "answer_within"),
        reply_within=_spans(table, "reply_within"),
        answer_on_order_within=_on_order(table),
    )
    table.finish()
    return profile


def _spans(table: "_Table", name: str) -> Mapping[Urgency, Span]:
    """Read spans by urgency: in minutes, but for those that a second table counts in days."""
    minutes = table.table(f"{name}_minutes")
    days = table.table(f"{name}_working_days") if f"{name}_working_days" in table.names() else None
    in_days = () if days is None else days.names()
    spans: dict[Urgency, Span] = {}
    for urgency in Urgency:
        if days is not None and urgency in in_days and urgency in MAY_COUNT_WORKING_DAYS:
            spans[urgency] = WorkingDays(days.number(urgency.value, most=_MOST_WORKING_DAYS))
        else:
            spans[urgency] = minutes.duration(urgency.value, _MINUTE)
    minutes.finish()
    if days is not None:
        days.finish()
    return MappingProxyType(spans)


def _on_order(table: "_Table") -> WorkingDays | None:
    """Read the clock for legal orders, which a profile may leave out."""
    name = "answer_on_order_within_working_days"
    if name not in table.names():
        return None
    return WorkingDays(table.number(name, most=_MOST_WORKING_DAYS))


def _calendars(table: "_Table") -> Calendars:
    zones = {name: table.zone(name) for name in table.names()}
    default = zones.pop(_DEFAULT, None)
    if default is None:
        raise PolicyError("policies: time_zones.default is missing")
    return Calendars(MappingProxyType(zones), default)


def _max_hold(table: "_Table") -> Mapping[HoldBasis, timedelta]:
    maxima = {basis: table.duration(basis.value, _DAY) for basis in HoldBasis}
    table.finish()
    return MappingProxyType(maxima)


class _Table:
    """One TOML table: each member is taken once, and `finish` refuses what nobody asked for."""

    def __init__(self, where: str, members: Mapping[str, Any]) -> None:
        self._where = where
        self._left = dict(members)

    def names(self) -> tuple[str, ...]:
        return tuple(self._left)

    def table(self, name: str) -> "_Table":
        members = self._take(name)
        if not isinstance(members, dict):
            raise PolicyError(f"policies: {self._where}{name} must be a table")
        return _Table(f"{self._where}{name}.", members)

    def number(self, name: str, *, least: int = 1, most: int | None = None) -> int:
        count = self._checked(name, self._take(name), least)
        if most is not None and count > most:
            raise PolicyError(f"policies: {self._where}{name} is more than {most}")
        return count

    def flag(self, name: str, *, absent: bool) -> bool:
        value = self._take(name) if name in self._left else absent
        if not isinstance(value, bool):
            raise PolicyError(f"policies: {self._where}{name} must be true or false, not {value!r}")
        return value

    def zone(self, name: str) -> ZoneInfo:
        value = self._take(name)
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, TypeError, ValueError, OSError):
            raise PolicyError(
                f"policies: {self._where}{name} must be a time zone that this machine knows, like"
                f' "Europe/Berlin", not {value!r}'
            ) from None

    def duration(self, name: str, unit: timedelta) -> timedelta:
        return self._span(name, self._take(name), unit)

    def durations(self, name: str, unit: timedelta) -> tuple[timedelta, ...]:
        values = self._take(name)
        if not isinstance(values, list) or not values:
            raise PolicyError(f"policies: {self._where}{name} must be a list of whole numbers")
        spans = {self._span(name, value, unit) for value in values}
        return tuple(sorted(spans, reverse=True))

    def finish(self) -> None:
        if self._left:
            unknown = ", ".join(f"{self._where}{name}" for name in self._left)
            raise PolicyError(f"policies: unknown: {unknown}")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise PolicyError(f"policies: {self._where}{name} is missing")
        return self._left.pop(name)

    def _span(self, name: str, value: Any, unit: timedelta) -> timedelta:
        count = self._checked(name, value, 1)
        if count > _LONGEST / unit:
            raise PolicyError(f"policies: {self._where}{name} is more than ten years")
        return count * unit

    def _checked(self, name: str, value: Any, least: int) -> int:
        # A bool is an int to Python, and `flash = true` is no number of minutes.
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise PolicyError(
                f"policies: {self._where}{name} must be a whole number from {least}, not {value!r}"
            )
        return value
