"""Editions of the rulebook: which is in force, and what a document may name."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from coordinator.domain.errors import ConflictError, InvalidInputError, RulebookError
from coordinator.domain.house_rules import (
    MOST_BYTES,
    PublishedRulebook,
    read_rulebook_text,
    require_acceptable,
    require_named_rulebook,
    require_publishable,
    rulebook_in_force,
    rulebooks_coming,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST = PublishedRulebook("1" * 64, NOON - 9 * DAY, NOON - 9 * DAY, "rbk_1")
SECOND = PublishedRulebook("2" * 64, NOON - 2 * DAY, NOON - DAY, "rbk_2")
NEXT = PublishedRulebook("3" * 64, NOON - DAY, NOON + DAY, "rbk_3")
ALL = [FIRST, SECOND, NEXT]


@pytest.mark.parametrize(
    ("at", "in_force", "coming"),
    [
        (NOON - 10 * DAY, None, ALL),
        (FIRST.in_force_from, FIRST, [SECOND, NEXT]),
        (NOON, SECOND, [NEXT]),
        (NEXT.in_force_from - timedelta(microseconds=1), SECOND, [NEXT]),
        (NEXT.in_force_from, NEXT, []),
    ],
)
def test_an_edition_is_in_force_from_its_time_until_the_next_one_is(
    at: datetime, in_force: PublishedRulebook | None, coming: list[PublishedRulebook]
) -> None:
    assert rulebook_in_force(ALL, at) == in_force
    assert rulebooks_coming(ALL, at) == coming


@pytest.mark.parametrize(
    ("in_force", "named", "said"),
    [
        (SECOND, None, f"is missing: name the rulebook in force, {SECOND.sha256}"),
        (SECOND, FIRST.sha256, f"another rulebook than the one in force, {SECOND.sha256}"),
        (SECOND, NEXT.sha256, SECOND.sha256),
        (None, FIRST.sha256, "none is in force here: leave it out"),
    ],
)
def test_a_document_that_names_another_rulebook_is_told_which_is_in_force(
    in_force: PublishedRulebook | None, named: str | None, said: str
) -> None:
    with pytest.raises(RulebookError) as raised:
        require_named_rulebook(in_force, named)
    assert said in raised.value.message
    assert [each.pointer for each in raised.value.errors] == ["/rulebook_sha256"]


def test_a_document_names_the_rulebook_in_force_or_none_where_there_is_none() -> None:
    require_named_rulebook(SECOND, SECOND.sha256)
    require_named_rulebook(None, None)


def test_the_edition_in_force_and_those_to_come_are_accepted_and_no_former_one() -> None:
    assert require_acceptable(ALL, SECOND.sha256, NOON) == SECOND
    assert require_acceptable(ALL, NEXT.sha256, NOON) == NEXT
    for other in (FIRST.sha256, "f" * 64):
        with pytest.raises(RulebookError):
            require_acceptable(ALL, other, NOON)


def test_a_new_edition_comes_after_the_last_one_and_changes_something() -> None:
    new = "4" * 64
    require_publishable([], new, NOON, NOON)
    require_publishable(ALL, new, NOON + 2 * DAY, NOON)
    require_publishable(ALL, SECOND.sha256, NOON + 2 * DAY, NOON)  # back to a former one
    with pytest.raises(ConflictError):
        require_publishable(ALL, NEXT.sha256, NOON + 2 * DAY, NOON)
    for begins in (NOON, NEXT.in_force_from):
        with pytest.raises(InvalidInputError, match="state a later time"):
            require_publishable(ALL, new, begins, NOON)
    with pytest.raises(InvalidInputError, match="or later"):
        require_publishable([], new, NOON - DAY, NOON)


def test_a_rulebook_is_plain_text_and_hashed_byte_for_byte() -> None:
    raw = "\ufeffRules of the house\r\n".encode()
    text, digest = read_rulebook_text(raw)
    assert (text.encode(), digest) == (raw, sha256(raw).hexdigest())


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b" \n", "empty"),
        (b"rules\0", "NUL"),
        (b"rules \xff", "byte 6"),
        (b"a" * (MOST_BYTES + 1), "at most"),
    ],
)
def test_what_is_no_text_is_no_rulebook(raw: bytes, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        read_rulebook_text(raw)
