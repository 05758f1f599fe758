"""Screening: a set of flags that says "clean" only where it knows; what a deposit comes to."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.errors import ProfileError
from holdfast.protocol.jwk import PrivateKey
from holdfast.screening import Deposit, FlagsRefusedError, Screening, Verdict
from holdfast.screening.flag_set import FlagSet, RequestLines
from tests.partners.flag_feed import NOON, Asked, FlagFeed

ETHER = "eip155:1/slip44:60"
TETHER = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
MINUTE, HOUR = 60, 3_600


def account(number: int) -> str:
    return f"eip155:1:0x{number:040x}"


THIEF, OTHER, HONEST = account(0xBAD), account(0xBAE), account(0x900D)


@pytest.fixture
def feed() -> FlagFeed:
    return FlagFeed()


@pytest.fixture
def screening(feed: FlagFeed, tmp_path: Path) -> Iterator[Screening]:
    opened = open_in(feed, tmp_path)
    yield opened
    opened.close()


def open_in(feed: FlagFeed, folder: Path, **how: Any) -> Screening:
    return Screening.open(feed, folder / "kept", now=feed.now, **how)  # type: ignore[arg-type]


def verdict(screening: Screening, sender: str = HONEST, **members: Any) -> Verdict:
    return screening.check(Deposit(sender=sender, **members)).verdict


def test_what_was_never_read_is_never_clean(screening: Screening) -> None:
    assert verdict(screening) is Verdict.STALE


def test_a_deposit_is_held_by_its_sender_or_its_own_address_and_no_other_is(
    feed: FlagFeed, screening: Screening
) -> None:
    asked = feed.ask(THIEF, OTHER)
    screening.sync()
    assert verdict(screening) is Verdict.CLEAN
    held = screening.check(Deposit(address=HONEST, sender=OTHER))
    [hit] = held.hits
    assert (held.verdict, hit.by, hit.request, hit.address_no) == (
        Verdict.HOLD,
        "sender",
        asked.id,
        1,
    )
    assert held.decide_by == feed.time + 24 * HOUR
    own = screening.check(Deposit(address=THIEF.upper().replace("EIP155", "eip155"), sender=HONEST))
    assert [hit.by for hit in own.hits] in (["address"], [])
    assert screening.check(Deposit(address=THIEF, sender=HONEST)).verdict is Verdict.HOLD
    with pytest.raises(ValueError, match="an address, or a sender"):
        screening.check(Deposit(amount=1))


def test_however_an_account_is_spelled_it_is_the_same(feed: FlagFeed, screening: Screening) -> None:
    feed.ask("eip155:1:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d", "xrpl:0:rN7n?tag=7")
    screening.sync()
    assert verdict(screening, "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D") is Verdict.HOLD
    assert verdict(screening, "xrpl:0:rN7n", sender_tag="7") is Verdict.HOLD
    assert verdict(screening, "xrpl:0:rN7n", sender_tag="8") is Verdict.CLEAN


def test_it_follows_what_changes(feed: FlagFeed, screening: Screening) -> None:
    first = feed.ask(THIEF, OTHER, state="provisional")
    screening.sync()
    assert screening.check(Deposit(sender=THIEF)).hits[0].state == "provisional"
    first.state, first.contested = "active", [1]
    feed.changed(first)
    screening.sync()
    assert screening.check(Deposit(sender=THIEF)).hits[0].state == "active"
    assert screening.check(Deposit(sender=OTHER)).hits[0].state == "contested"
    first.gone, first.contested = {1: "wrong_target"}, []
    feed.changed(first)
    screening.sync()
    assert (verdict(screening, THIEF), verdict(screening, OTHER)) == (Verdict.HOLD, Verdict.CLEAN)
    feed.end(first)
    assert screening.sync().count == 0
    assert verdict(screening, THIEF) is Verdict.CLEAN


def test_two_requests_may_flag_an_account_and_the_end_of_one_leaves_the_other(
    feed: FlagFeed, screening: Screening
) -> None:
    first, second = feed.ask(THIEF), feed.ask(OTHER, THIEF)
    screening.sync()
    assert {hit.request for hit in screening.check(Deposit(sender=THIEF)).hits} == {
        first.id,
        second.id,
    }
    feed.end(first)
    screening.sync()
    [hit] = screening.check(Deposit(sender=THIEF)).hits
    assert (hit.request, hit.address_no) == (second.id, 1)


def test_a_flag_ends_at_its_time_without_a_word(feed: FlagFeed, screening: Screening) -> None:
    feed.ask(THIEF, expires_at=NOON + 10 * MINUTE)
    feed.ask(OTHER)
    screening.sync()
    feed.time += 10 * MINUTE
    assert (verdict(screening, THIEF), verdict(screening, OTHER)) == (Verdict.CLEAN, Verdict.HOLD)
    assert screening.sync().count == 1
    assert screening.status().count == 1


def test_after_an_hour_it_says_stale_and_never_clean(feed: FlagFeed, screening: Screening) -> None:
    feed.ask(THIEF)
    screening.sync()
    feed.time += HOUR
    assert verdict(screening) is Verdict.CLEAN
    feed.time += 1
    stale = screening.check(Deposit(sender=HONEST))
    assert (stale.verdict, stale.is_stale) == (Verdict.STALE, True)
    # What was flagged goes on being flagged.
    assert verdict(screening, THIEF) is Verdict.HOLD
    assert "60 minutes old" in screening.status().why
    screening.sync()
    assert verdict(screening) is Verdict.CLEAN


def test_a_deposit_below_the_least_amount_of_the_asset_is_let_through(
    feed: FlagFeed, screening: Screening
) -> None:
    feed.ask(THIEF, asset=ETHER, min_amount="100")
    screening.sync()
    assert verdict(screening, THIEF, asset=ETHER, amount=99) is Verdict.BELOW
    assert verdict(screening, THIEF, asset=ETHER, amount=100) is Verdict.HOLD
    assert verdict(screening, THIEF, asset=ETHER) is Verdict.HOLD
    # Of another asset nobody said how much is too little.
    assert verdict(screening, THIEF, asset=TETHER, amount=1) is Verdict.HOLD
    feed.time += 2 * HOUR
    assert verdict(screening, THIEF, asset=ETHER, amount=99) is Verdict.STALE


def test_an_account_that_meets_twenty_customers_in_an_hour_turns_to_review(
    feed: FlagFeed, screening: Screening
) -> None:
    feed.ask(THIEF, OTHER)
    screening.sync()
    for number in range(19):
        assert verdict(screening, THIEF, customer=f"c-{number}") is Verdict.HOLD
        # However often it is the same one.
        assert verdict(screening, THIEF, customer="c-0") is Verdict.HOLD
    assert verdict(screening, THIEF, customer="c-19") is Verdict.REVIEW
    assert verdict(screening, THIEF, customer="c-20") is Verdict.REVIEW
    assert verdict(screening, OTHER, customer="c-20") is Verdict.HOLD
    feed.time += HOUR
    assert verdict(screening, THIEF, customer="c-0") is Verdict.HOLD


def test_deposits_too_small_to_be_held_make_no_account_a_duster(
    feed: FlagFeed, screening: Screening
) -> None:
    feed.ask(THIEF, asset=ETHER, min_amount="100")
    screening.sync()
    for number in range(30):
        verdict(screening, THIEF, customer=f"c-{number}", asset=ETHER, amount=1)
    assert verdict(screening, THIEF, customer="c", asset=ETHER, amount=100) is Verdict.HOLD


def test_of_what_it_has_it_reads_only_what_changed(
    feed: FlagFeed, screening: Screening, tmp_path: Path
) -> None:
    asked = feed.ask(*map(account, range(1, 51)), state="provisional")
    screening.sync()
    told: list[int] = []

    def count(page: dict[str, Any]) -> dict[str, Any]:
        told.append(len(page["flags"]))
        return page

    feed.twist = count
    asked.state, asked.gone, asked.contested = "active", {7: "wrong_target"}, [3]
    feed.changed(asked)
    screening.sync()
    asked.gone, asked.contested = {7: "wrong_target", 9: "resolved"}, []
    feed.changed(asked)
    feed.ask(THIEF)
    assert screening.sync().count == 49
    assert told == [3, 4]
    for number, expected in ((8, Verdict.CLEAN), (10, Verdict.CLEAN), (4, Verdict.HOLD)):
        assert verdict(screening, account(number)) is expected
    [hit] = screening.check(Deposit(sender=account(4))).hits
    assert hit.state == "active"
    # The file holds the same, outlines and all.
    screening.close()
    again = open_in(feed, tmp_path)
    assert again.status().count == 49
    assert verdict(again, account(10)) is Verdict.CLEAN
    assert again.sync().count == 49
    again.close()


def test_an_account_that_a_request_names_twice_counts_until_both_are_gone(
    feed: FlagFeed, screening: Screening
) -> None:
    asked = feed.ask(THIEF, THIEF)
    screening.sync()
    asked.gone = {0: "wrong_target"}
    feed.changed(asked)
    screening.sync()
    assert [hit.address_no for hit in screening.check(Deposit(sender=THIEF)).hits] == [1]


# ---------- a feed that lies ----------


_LIES: dict[str, Callable[[list[dict[str, Any]]], list[dict[str, Any]]]] = {
    # Their accounts are forgotten, so that they cannot count again.
    "fewer gone than were": lambda flags: [f for f in flags if f["address_no"] != 1],
    "more gone than are": lambda flags: [*flags, {**flags[-1], "address_no": 77}],
    "another state": lambda flags: [{**flags[0], "state": "provisional"}, *flags[1:]],
    "another end": lambda flags: [{**flags[0], "expires_at": "2027-03-02T12:00:00Z"}, *flags[1:]],
    "an unknown request": lambda flags: [{**f, "request": "frq_" + "7" * 26} for f in flags],
    "no beginning": lambda flags: flags[1:],
    "out of order": lambda flags: [flags[0], *reversed(flags[1:])],
    "another reason": lambda flags: [flags[0], *({**f, "reason_code": "legal"} for f in flags[1:])],
    "all contested": lambda flags: [{**flags[0], "state": "contested"}, *flags[1:]],
    "no end": lambda flags: [{**flags[0], "expires_at": None}, *flags[1:]],
    "a line without account": lambda flags: [flags[0], {**flags[1], "state": "active"}, *flags[2:]],
}


@pytest.mark.parametrize("lie", _LIES.values(), ids=_LIES)
def test_an_outline_that_the_head_is_not_of_is_read_anew_and_else_refused(
    feed: FlagFeed, screening: Screening, lie: Callable[[Any], list[dict[str, Any]]]
) -> None:
    asked = feed.ask(THIEF, OTHER, HONEST, account(5))
    screening.sync()
    asked.gone = {1: "wrong_target"}
    feed.changed(asked)
    screening.sync()
    asked.gone = {1: "wrong_target", 3: "resolved"}
    feed.changed(asked)

    def twist(page: dict[str, Any]) -> dict[str, Any]:
        is_outline = page["flags"][0]["address_no"] is None
        return {**page, "flags": lie(page["flags"])} if is_outline else page

    feed.twist = twist
    assert screening.sync().count == 2
    assert verdict(screening, account(5)) is Verdict.CLEAN
    feed.twist = lambda page: {**page, "flags": lie(asked.outline())}
    asked.contested = [0]
    feed.changed(asked)
    with pytest.raises(FlagsRefusedError):
        screening.sync()
    assert (verdict(screening, account(6)), verdict(screening, THIEF)) == (
        Verdict.STALE,
        Verdict.HOLD,
    )


def _cut_last(page: dict[str, Any]) -> dict[str, Any]:
    return {**page, "flags": page["flags"][:-1]}


def _another_account(page: dict[str, Any]) -> dict[str, Any]:
    flags = [{**flag, "account": HONEST} for flag in page["flags"]]
    return {**page, "flags": flags}


def _another_amount(page: dict[str, Any]) -> dict[str, Any]:
    flags = [{**flag, "asset": ETHER, "min_amount": "9" * 30} for flag in page["flags"]]
    return {**page, "flags": flags}


def _later_end(page: dict[str, Any]) -> dict[str, Any]:
    flags = [{**flag, "expires_at": "2026-03-02T12:01:00Z"} for flag in page["flags"]]
    return {**page, "flags": flags}


def _all_gone(page: dict[str, Any]) -> dict[str, Any]:
    flags = [
        {"request": flag["request"], "address_no": None, "state": "gone"} for flag in page["flags"]
    ]
    return {**page, "flags": flags}


def _moved_on(page: dict[str, Any]) -> dict[str, Any]:
    flags = [{**flag, "state": "contested"} for flag in page["flags"]]
    return {**page, "flags": flags}


def _doubled(page: dict[str, Any]) -> dict[str, Any]:
    flags = page["flags"]
    more = [{**flag, "address_no": flag["address_no"] + 50} for flag in flags]
    return {**page, "flags": flags + more}


@pytest.mark.parametrize(
    "lie",
    [_cut_last, _another_account, _another_amount, _later_end, _all_gone, _moved_on, _doubled],
)
@pytest.mark.parametrize("after_an_honest_one", [True, False])
def test_pages_that_the_head_is_not_of_are_refused_and_nothing_is_clean(
    feed: FlagFeed,
    screening: Screening,
    lie: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    after_an_honest_one: bool,
) -> None:
    if after_an_honest_one:
        feed.ask(OTHER)
        screening.sync()
    feed.ask(THIEF, account(0xBAF))
    feed.twist = lie
    with pytest.raises(FlagsRefusedError) as refused:
        screening.sync()
    assert refused.value.code in {"truncated", "forked"}
    assert verdict(screening) is Verdict.STALE
    # What was known before still counts, and nothing of what was refused.
    assert (verdict(screening, OTHER) is Verdict.HOLD) == after_an_honest_one
    assert verdict(screening, THIEF) is Verdict.STALE
    assert "refused" in screening.status().why
    feed.twist = lambda page: page
    screening.sync()
    assert (verdict(screening), verdict(screening, THIEF)) == (Verdict.CLEAN, Verdict.HOLD)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://other.example"}, "other_coordinator"),
        ({"sub": "exchange-c.example"}, "other_partner"),
        ({"iat": NOON - 301}, "not_now"),
        ({"iat": NOON + 301}, "not_now"),
        ({"seq": 0}, "went_back"),
        ({"count": 7}, "truncated"),
        ({"root": "0" * 64}, "forked"),
    ],
)
def test_a_head_that_is_another_s_or_of_another_time_is_refused(
    feed: FlagFeed, screening: Screening, changes: dict[str, Any], code: str
) -> None:
    feed.ask(THIEF)
    screening.sync()
    feed.twist = lambda page: {**page, "head": feed.head(**changes)}
    with pytest.raises(FlagsRefusedError) as refused:
        screening.sync()
    assert refused.value.code == code
    assert (verdict(screening), verdict(screening, THIEF)) == (Verdict.STALE, Verdict.HOLD)


def test_a_head_under_another_key_or_none_at_all_is_refused(
    feed: FlagFeed, screening: Screening
) -> None:
    feed.ask(THIEF)
    honest, feed.key = feed.key, PrivateKey.generate()
    forged = feed.head()
    feed.key = honest
    for head in (forged, forged[:-2], "", "a.b.c"):
        feed.twist = lambda page, head=head: {**page, "head": head}  # type: ignore[misc]
        with pytest.raises(FlagsRefusedError, match=r"the head of the flags|head"):
            screening.sync()
    assert verdict(screening, THIEF) is Verdict.STALE


def test_an_answer_from_before_is_refused_when_it_is_handed_out_again(
    feed: FlagFeed, screening: Screening
) -> None:
    first = feed.ask(THIEF)
    screening.sync()
    before = {"flags": [], "next_after": "1", "has_more": False, "head": feed.head()}
    feed.time += 100
    feed.ask(OTHER)
    screening.sync()
    feed.twist = lambda _: before
    # A minute later it is still of "now", and older than what was seen.
    with pytest.raises(FlagsRefusedError) as refused:
        screening.sync()
    assert refused.value.code == "went_back"
    assert (verdict(screening), verdict(screening, OTHER)) == (Verdict.STALE, Verdict.HOLD)
    assert first.id in {hit.request for hit in screening.check(Deposit(sender=THIEF)).hits}


def test_a_feed_that_ends_before_where_one_was_is_refused(
    feed: FlagFeed, screening: Screening
) -> None:
    feed.ask(THIEF)
    feed.ask(OTHER)
    screening.sync()
    # As after a restore from a backup: the second request never was.
    feed.asked.popitem()
    feed.changes.pop()
    with pytest.raises(FlagsRefusedError) as refused:
        screening.sync()
    assert refused.value.code == "went_back"
    assert (verdict(screening), verdict(screening, OTHER)) == (Verdict.STALE, Verdict.HOLD)


def test_two_sets_under_one_number_are_a_fork(feed: FlagFeed, screening: Screening) -> None:
    asked = feed.ask(THIEF, OTHER)
    screening.sync()
    # The same number, whole and well signed, of other accounts.
    feed.asked[asked.id] = Asked(asked.id, (OTHER, HONEST))
    with pytest.raises(FlagsRefusedError) as refused:
        screening.sync()
    assert refused.value.code == "forked"
    assert "two different sets" in str(refused.value)
    assert (verdict(screening), verdict(screening, THIEF)) == (Verdict.STALE, Verdict.HOLD)


def test_a_feed_without_an_end_is_given_up(feed: FlagFeed, screening: Screening) -> None:
    feed.ask(THIEF)
    feed.twist = lambda page: {**page, "head": None, "has_more": True, "next_after": "5"}
    feed.changes += ["x"] * 5
    with pytest.raises(FlagsRefusedError) as refused:
        screening.sync()
    assert refused.value.code == "no_end"


def test_what_a_delta_left_out_by_mistake_is_found_by_reading_all(
    feed: FlagFeed, screening: Screening
) -> None:
    feed.ask(THIEF)
    screening.sync()
    # As if the process that asked it had not noted the change: under a later number it is there.
    unnoted = feed.ask(OTHER)
    feed.changes[-1] = feed.changes[0]
    assert unnoted.id not in feed.changes
    assert screening.sync().count == 2
    assert verdict(screening, OTHER) is Verdict.HOLD


def test_a_restart_forgives_no_refusal(feed: FlagFeed, tmp_path: Path) -> None:
    screening = open_in(feed, tmp_path)
    feed.ask(THIEF)
    screening.sync()
    feed.ask(OTHER)
    feed.twist = _cut_last
    with pytest.raises(FlagsRefusedError):
        screening.sync()
    screening.close()
    feed.twist = lambda page: page
    again = open_in(feed, tmp_path)
    assert (verdict(again), verdict(again, THIEF)) == (Verdict.STALE, Verdict.HOLD)
    assert "refused" in again.status().why
    again.sync()
    assert verdict(again) is Verdict.CLEAN
    again.close()


# ---------- what is kept ----------


def test_it_is_kept_over_a_restart_and_no_account_can_be_read_of_it(
    feed: FlagFeed, tmp_path: Path
) -> None:
    feed.page_size = 7
    asked = feed.ask(*(account(number) for number in range(1, 30)))
    screening = open_in(feed, tmp_path)
    screening.sync()
    asked.gone = {3: "wrong_target"}
    feed.changed(asked)
    screening.sync()
    screening.close()
    [kept] = [path for path in (tmp_path / "kept").iterdir() if path.name == "flags"]
    assert kept.stat().st_mode & 0o077 == 0
    content = kept.read_bytes()
    assert account(1).encode()[-20:] not in content
    assert asked.id.encode() not in content
    pages = feed.pages
    again = open_in(feed, tmp_path)
    assert (verdict(again, account(1)), verdict(again, account(4))) == (
        Verdict.HOLD,
        Verdict.CLEAN,
    )
    # And it goes on from there: one page, as nothing changed.
    again.sync()
    assert feed.pages == pages + 1
    again.close()
    feed.time += 2 * HOUR
    old = open_in(feed, tmp_path)
    assert verdict(old) is Verdict.STALE
    old.close()


def test_two_processes_do_not_write_one_file_and_a_reader_may_look(
    feed: FlagFeed, tmp_path: Path
) -> None:
    feed.ask(THIEF)
    screening = open_in(feed, tmp_path)
    screening.sync()
    with pytest.raises(ProfileError, match="another process keeps its flags"):
        open_in(feed, tmp_path)
    reader = open_in(feed, tmp_path, is_reader=True)
    assert verdict(reader, THIEF) is Verdict.HOLD
    reader.close()
    screening.close()


@pytest.mark.parametrize("place", [5, 30, 200, -1, -200])
def test_a_file_that_somebody_changed_is_begun_anew_and_nothing_is_clean_until_then(
    feed: FlagFeed, tmp_path: Path, place: int
) -> None:
    feed.ask(*(account(number) for number in range(1, 30)))
    screening = open_in(feed, tmp_path)
    screening.sync()
    screening.close()
    path = tmp_path / "kept" / "flags"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    again = open_in(feed, tmp_path)
    assert verdict(again) is Verdict.STALE
    again.sync()
    assert (verdict(again), verdict(again, account(7))) == (Verdict.CLEAN, Verdict.HOLD)
    again.close()
    last = open_in(feed, tmp_path)
    assert verdict(last, account(7)) is Verdict.HOLD
    last.close()


def test_a_file_cut_off_anywhere_is_as_old_as_its_last_head_or_nothing(
    feed: FlagFeed, tmp_path: Path
) -> None:
    feed.ask(*(account(number) for number in range(1, 10)))
    screening = open_in(feed, tmp_path)
    screening.sync()
    path = tmp_path / "kept" / "flags"
    first = path.stat().st_size
    feed.ask(OTHER)
    screening.sync()
    screening.close()
    whole = path.read_bytes()
    for length in [0, 10, 40, first - 1, first, first + 1, first + 60, len(whole) - 1]:
        path.write_bytes(whole[:length])
        again = open_in(feed, tmp_path)
        seq = again.status().seq
        assert seq == (1 if length >= first else 0), length
        assert (verdict(again) is Verdict.STALE) == (seq == 0)
        again.sync()
        assert verdict(again, OTHER) is Verdict.HOLD
        again.close()


def test_frames_of_one_file_are_of_no_use_in_another_place(feed: FlagFeed, tmp_path: Path) -> None:
    feed.ask(THIEF)
    screening = open_in(feed, tmp_path)
    screening.sync()
    path = tmp_path / "kept" / "flags"
    first = path.stat().st_size
    feed.end(next(iter(feed.asked.values())))
    screening.sync()
    screening.close()
    whole = path.read_bytes()
    # The frames of the first reading behind those of the second: the thief was never let go.
    path.write_bytes(whole + whole[49:first])
    again = open_in(feed, tmp_path)
    assert again.status().seq == 0
    assert verdict(again) is Verdict.STALE
    again.close()


# ---------- what the coordinator is told ----------


def test_it_says_up_to_where_it_screens_and_how_many_deposits_it_stopped(
    feed: FlagFeed, screening: Screening
) -> None:
    assert screening.report() is None
    feed.ask(THIEF)
    head = screening.sync()
    verdict(screening, THIEF)
    verdict(screening, HONEST)
    screening.report()
    [said] = feed.said
    assert (said.seq, said.root, said.count, said.hits) == (head.seq, head.root, 1, 1)
    # Nothing new, nothing said; after an hour it says that it is still there.
    assert screening.report() is None
    feed.time += HOUR
    screening.report()
    assert [each.hits for each in feed.said] == [1, 0]


def test_it_says_nothing_of_a_set_that_was_refused(feed: FlagFeed, screening: Screening) -> None:
    feed.ask(THIEF)
    screening.sync()
    feed.twist = lambda page: {**page, "head": feed.head(count=9)}
    with pytest.raises(FlagsRefusedError):
        screening.sync()
    assert screening.report() is None
    assert feed.said == []


# ---------- the set itself ----------


def test_the_set_is_the_one_that_a_dictionary_would_be() -> None:
    random.seed(7)
    flags, plain = FlagSet(), {}  # type: ignore[var-annotated]
    requests = [f"frq_{number}" for number in range(12)]
    for _ in range(300):
        request = random.choice(requests)  # noqa: S311 - a test's own
        if random.random() < 0.3:  # noqa: S311
            flags.drop(request)
            plain.pop(request, None)
            continue
        keys = [account(random.randrange(4_000)) for _ in range(random.randrange(60))]  # noqa: S311
        lines = RequestLines()
        terms = flags.place_of(None, str(len(keys)))
        for number, key in enumerate(keys):
            lines.append(key, number, terms)
        flags.put(request, lines)
        plain[request] = keys
        assert len(flags) == sum(map(len, plain.values()))
    for number in range(4_000):
        key = account(number)
        wanted = {
            (request, place, str(len(keys)))
            for request, keys in plain.items()
            for place, each in enumerate(keys)
            if each == key
        }
        found = {(each.request, each.address_no, each.min_amount) for each in flags.find(key)}
        assert found == wanted
        assert (key in flags) == bool(wanted)
    every = [account(number) for number in range(4_000)]
    assert flags.flagged_of(every) == [key for key in every if key in flags]
