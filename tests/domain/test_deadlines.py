"""The policies: the shipped file is good, and a bad one is refused by name."""

from datetime import UTC, datetime, timedelta

import pytest

from coordinator.config_files import read_config
from coordinator.domain.deadline import Policies, PolicyError
from coordinator.domain.hold_limits import HoldLimits
from holdfast.protocol.vocabulary import HoldBasis, Support, Urgency

SHIPPED = read_config("policies.toml")
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_shipped_policies_say_what_the_design_says() -> None:
    policies = Policies.load(SHIPPED)
    default = policies.clocks["default"]
    assert default.acknowledge_within == {
        Urgency.FLASH: timedelta(minutes=15),
        Urgency.URGENT: timedelta(hours=2),
        Urgency.ROUTINE: timedelta(hours=24),
    }
    assert default.answer_within == {
        Urgency.FLASH: timedelta(hours=2),
        Urgency.URGENT: timedelta(hours=24),
        Urgency.ROUTINE: timedelta(days=7),
    }
    assert default.reply_within == {
        Urgency.FLASH: timedelta(hours=1),
        Urgency.URGENT: timedelta(hours=8),
        Urgency.ROUTINE: timedelta(days=2),
    }
    assert policies.approve_within == timedelta(hours=24)
    assert policies.ratify_within == timedelta(minutes=60)
    assert policies.flash_daily_cap == 5
    assert policies.late_report == timedelta(hours=24)
    assert policies.close_after == timedelta(days=7)
    assert policies.do_not_notify == timedelta(days=30)
    assert policies.root_reset_after == timedelta(hours=24)
    assert policies.approve_grant_within == timedelta(days=7)
    assert policies.warn_before == tuple(timedelta(hours=hours) for hours in (72, 24, 2))


@pytest.mark.parametrize(
    ("now", "since"),
    [
        (datetime(2031, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2023, 2, 28, 12, tzinfo=UTC)),
    ],
)
def test_what_ended_sixty_months_ago_is_kept_no_longer(now: datetime, since: datetime) -> None:
    assert Policies.load(SHIPPED).kept_since(now) == since


def test_the_clocks_of_a_leg_start_when_it_is_queued() -> None:
    clocks = Policies.load(SHIPPED).desk_clocks(None, None)
    assert clocks.acknowledge_by(Urgency.FLASH, queued_at=NOW) == NOW + timedelta(minutes=15)
    assert clocks.answer_by(Urgency.FLASH, queued_at=NOW) == NOW + timedelta(hours=2)
    assert clocks.reply_by(Urgency.FLASH, asked_at=NOW) == NOW + timedelta(hours=1)


def test_a_desk_with_office_hours_counts_working_days_for_what_can_wait() -> None:
    policies = Policies.load(SHIPPED)
    desk = policies.desk_clocks("office_hours", "DE")
    # A Sunday; Monday ends at 23:00 UTC in Berlin, and Friday five working days on.
    assert desk.acknowledge_by(Urgency.ROUTINE, queued_at=NOW) == NOW + timedelta(hours=47)
    assert desk.answer_by(Urgency.ROUTINE, queued_at=NOW) == NOW + timedelta(days=6, hours=-1)
    assert desk.reply_by(Urgency.ROUTINE, asked_at=NOW) == NOW + timedelta(days=3, hours=-1)
    assert desk.answer_by(Urgency.URGENT, queued_at=NOW) == NOW + timedelta(hours=24)


LAW_DESK = SHIPPED.replace(
    "[clocks.office_hours.acknowledge_within_minutes]",
    "[clocks.office_hours]\nanswer_on_order_within_working_days = 3\n\n"
    "[clocks.office_hours.acknowledge_within_minutes]",
)


@pytest.mark.parametrize(
    ("place", "queued_at", "answer_by"),
    [
        # A Friday: the weekend does not count. A Wednesday: it lies between.
        ("DE", "2026-11-20T12:00", "2026-11-25T23:00"),
        ("DE", "2026-11-18T12:00", "2026-11-23T23:00"),
        # Good Friday and Easter Monday.
        ("DE", "2026-04-02T12:00", "2026-04-09T22:00"),
        # It is Tuesday in Tokyo already, and Monday is Labour Thanksgiving Day there.
        ("JP", "2026-11-16T15:30", "2026-11-20T15:00"),
        ("JP", "2026-11-20T12:00", "2026-11-26T15:00"),
        # Its Thursday is a holiday, its days end five hours after those of UTC.
        ("US", "2026-11-24T12:00", "2026-12-01T05:00"),
        # A leap day is a day like others.
        ("DE", "2028-02-25T12:00", "2028-03-01T23:00"),
        ("DE", "2027-02-25T12:00", "2027-03-02T23:00"),
        (None, "2026-11-20T12:00", "2026-11-26T00:00"),
    ],
)
def test_a_desk_may_answer_on_orders_in_working_days(
    place: str | None, queued_at: str, answer_by: str
) -> None:
    desk = Policies.load(LAW_DESK).desk_clocks("office_hours", place)
    start = datetime.fromisoformat(queued_at).replace(tzinfo=UTC)
    due = datetime.fromisoformat(answer_by).replace(tzinfo=UTC)
    for urgency in (Urgency.URGENT, Urgency.ROUTINE):
        assert desk.answer_by(urgency, queued_at=start, is_on_order=True) == due
        assert desk.on_order(urgency, known_at=start) == due
        assert desk.answer_by(urgency, queued_at=start) != due


def test_in_the_first_hours_an_order_makes_nobody_slower() -> None:
    desk = Policies.load(LAW_DESK).desk_clocks("office_hours", "DE")
    by = desk.answer_by(Urgency.FLASH, queued_at=NOW, is_on_order=True)
    assert by == NOW + timedelta(hours=2)
    assert desk.on_order(Urgency.FLASH, known_at=NOW) is None


def test_as_shipped_an_order_changes_no_clock() -> None:
    policies = Policies.load(SHIPPED)
    for profile in policies.clocks:
        desk = policies.desk_clocks(profile, "DE")
        for urgency in Urgency:
            assert desk.on_order(urgency, known_at=NOW) is None
            plain = desk.answer_by(urgency, queued_at=NOW)
            assert desk.answer_by(urgency, queued_at=NOW, is_on_order=True) == plain


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0", "answer_on_order_within_working_days must be a whole number from 1, not 0"),
        ("261", "answer_on_order_within_working_days is more than 260"),
        ("true", "answer_on_order_within_working_days must be a whole number from 1, not True"),
        ("{ flash = 1 }", "answer_on_order_within_working_days must be a whole number"),
    ],
)
def test_a_clock_for_orders_that_makes_no_sense_is_refused(value: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        Policies.load(LAW_DESK.replace("working_days = 3", f"working_days = {value}"))


def test_a_profile_that_is_there_no_more_is_the_default_one() -> None:
    policies = Policies.load(SHIPPED)
    assert policies.desk_clocks("gone", "DE").profile == policies.clocks["default"]


def test_a_jurisdiction_without_its_own_table_has_the_default() -> None:
    text = SHIPPED + "\n[max_hold_days.CH]\nvoluntary = 5\nown_policy = 6\nlegal_order = 7\n"
    policies = Policies.load(text)

    def limits(place: str | None) -> HoldLimits:
        return policies.max_hold(place, support=Support.ORDER_APPLIED)

    assert limits("CH").longest(HoldBasis.VOLUNTARY) == timedelta(days=5)
    assert limits("EE") == limits(None)
    assert limits(None).longest(HoldBasis.VOLUNTARY) == timedelta(days=90)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("flash = 15", "", "clocks.default.acknowledge_within_minutes.flash is missing"),
        ("flash = 15", "flash = true", "flash must be a whole number from 1, not True"),
        ("flash = 15", "flash = 0", "must be a whole number from 1, not 0"),
        ("flash = 15", 'flash = "15"', "must be a whole number"),
        (
            "flash = 15",
            "flash = 15\nslow = 3",
            "unknown: clocks.default.acknowledge_within_minutes.slow",
        ),
        ("flash = 15", "flash = 99999999", "more than ten years"),
        ("flash_daily_cap = 5", "flash_daily_cap = -1", "flash_daily_cap must be a whole number"),
        ("[72, 24, 2]", "[]", "warn_before_hours must be a list"),
        ("[72, 24, 2]", "24", "warn_before_hours must be a list"),
        ("[72, 24, 2]", "[0]", "warn_before_hours must be a whole number"),
        ("[dispute]", "[disputes]", "dispute is missing"),
        ("root_reset_hours = 24", "root_reset_hours = 0", "must be a whole number from 1, not 0"),
        ("[max_hold_days.default]", "[max_hold_days.EE]", "max_hold_days.default is missing"),
        ("own_policy = 180", "", "max_hold_days.default.own_policy is missing"),
        ("own_policy = 180", "own_policy = 180\nx = 1", "unknown: max_hold_days.default.x"),
        ("none = 3", "none = 15", "support_max_days.police_report is less than a weaker word"),
        ("order_applied = 90", "order_applied = 1", "support_max_days.order_applied is less"),
        ("default_hours = 72", "default_hours = 73", "default_hours is more than support_max"),
        ("[request]", "[[request]]", "request must be a table"),
        ("[request]", "[request", "no TOML"),
        ("[request]", "[top]\n[request]", "unknown: top"),
        ("[clocks.default.answer_within_minutes]", "[x]", "default.answer_within_minutes is miss"),
        ("[clocks.default.", "[clocks.usual.", "clocks.default is missing"),
        ("[clocks.office_hours.", "[clocks.Office.", "clocks.Office: a name has a-z, 0-9 and _"),
        # Whoever moves stolen funds does not wait for Monday.
        (
            "answer_within_working_days]\nroutine = 5",
            "answer_within_working_days]\nroutine = 5\nurgent = 1",
            "unknown: clocks.office_hours.answer_within_working_days.urgent",
        ),
        # Counted either way, not both.
        (
            "answer_within_minutes]\nflash = 120\nurgent = 1440\n\n",
            "answer_within_minutes]\nflash = 120\nurgent = 1440\nroutine = 9\n\n",
            "unknown: clocks.office_hours.answer_within_minutes.routine",
        ),
        ("routine = 5", "routine = 0", "answer_within_working_days.routine must be a whole"),
        ("routine = 5", "routine = 261", "answer_within_working_days.routine is more than 260"),
        ('default = "UTC"', "", "time_zones.default is missing"),
        ('"Europe/Berlin"', '"Europe/Bonn"', "time_zones.DE must be a time zone"),
        ('"Europe/Berlin"', "1", "time_zones.DE must be a time zone"),
    ],
)
def test_policies_that_make_no_sense_are_refused_by_name(old: str, new: str, said: str) -> None:
    assert old in SHIPPED
    with pytest.raises(PolicyError, match=said.replace("[", r"\[")):
        Policies.load(SHIPPED.replace(old, new, -1 if old.startswith("[clocks.") else 1))


def test_no_flash_requests_at_all_is_a_policy() -> None:
    text = SHIPPED.replace("flash_daily_cap = 5", "flash_daily_cap = 0")
    assert Policies.load(text).flash_daily_cap == 0


def test_warnings_come_longest_first_and_once_each() -> None:
    text = SHIPPED.replace("[72, 24, 2]", "[2, 24, 2]")
    assert Policies.load(text).warn_before == (timedelta(hours=24), timedelta(hours=2))
