"""A guest's page: who gets in, what it shows, and what is made of an answer."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tail import restored
from tests.console.visitor import Visitor
from tests.dispatcher.authority import Authority
from tests.dispatcher.guest_post import CONTACT, DOMAIN, Post, ask, guests, links, opened_post
from tests.factories import Cast, Signer
from tests.services.request_cast import addresses
from tests.services.through_api import World

DOOR, PAGE = "/console/guest", "/console/guest/request"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture(name="authority", scope="module")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def post(w: World, authority: Authority) -> Iterator[Post]:
    with opened_post(w, authority) as made:
        yield made


def _asked(w: World, post: Post, **changes: Any) -> tuple[dict[str, Any], str]:
    """Have a guest asked and written to; returns the request and the link's secret."""
    request = w.live(**changes)
    ask(w, request)
    post.worker.run_pass()
    [link] = links(post)
    return request, link


def _code(post: Post) -> str:
    """Have the worker run, and return the code in the newest mail; "" where none came."""
    before = len(post.box.mails)
    post.worker.run_pass()
    new = post.box.mails[before:]
    assert [to for to, _ in new] in ([], [CONTACT])
    found = re.findall(r"\b\d{4} \d{4}\b", new[0][1].get_content()) if new else [""]
    return str(found[0])


def _enter(visitor: Visitor, post: Post, link: str) -> None:
    assert visitor.post(f"{DOOR}/code", DOOR, secret=link).status_code == 200
    entered = visitor.post(f"{DOOR}/enter", DOOR, secret=link, code=_code(post))
    assert entered.location == PAGE


def _plain(text: str) -> str:
    """Return a page without what differs each time it is opened."""
    return re.sub(r'(name="csrf_token" value=|name="secret" value=|data-now=)"[^"]*"', "", text)


def test_a_restored_database_sends_no_code_and_takes_none(
    w: World, post: Post, visitor: Visitor
) -> None:
    _, link = _asked(w, post)
    assert visitor.post(f"{DOOR}/code", DOOR, secret=link).status_code == 200
    code = _code(post)
    with w.database.writing() as connection, connection.begin():
        restored.mark(connection, w.clock.now())
    for secret in (link, "no link at all"):
        assert visitor.post(f"{DOOR}/code", DOOR, secret=secret).status_code == 503
        entered = visitor.post(f"{DOOR}/enter", DOOR, secret=secret, code=code)
        assert (entered.status_code, "read_only" in entered.text) == (503, False)
    wanted = "SELECT count(*) FROM guest WHERE code_wanted_at IS NOT NULL"
    with w.database.engine.connect() as connection:
        assert connection.exec_driver_sql(wanted).scalar_one() == 0


def test_the_page_shows_one_leg_and_takes_an_answer(w: World, post: Post, visitor: Visitor) -> None:
    request, link = _asked(w, post)
    assert visitor.get(PAGE).location == DOOR
    _enter(visitor, post, link)
    opened = visitor.get(PAGE)
    assert opened.status_code == 200
    assert opened.headers["Cache-Control"] == "no-store"
    for shown in (w.cast.a.handle, request["content_sha256"], w.cast.a.lead.key.kid, "unverified"):
        assert shown in opened.text
    for hidden in (w.cast.b.handle, w.cast.c.handle, request["id"], CONTACT):
        assert hidden not in opened.text
    assert visitor.post(f"{PAGE}/acknowledge", PAGE).location == PAGE
    wrong = {"kind-0": "frozen", "amount-0": "1.5"}
    refused = visitor.post(f"{PAGE}/report", PAGE, **wrong)
    assert (refused.status_code, "has no unit" in refused.text) == (422, True)
    said = {"kind-0": "frozen", "amount-0": "1.5 ETH"}
    assert visitor.post(f"{PAGE}/report", PAGE, **said).location == PAGE
    assert visitor.post(f"{PAGE}/decline", PAGE, code="bribe").status_code == 422
    assert visitor.post(f"{PAGE}/decline", PAGE, code="policy_refusal").location == PAGE
    assert "You reported" in visitor.get(PAGE).text
    [view] = guests(w, request)
    assert [each["kind"] for each in view["answers"]] == ["acknowledged", "reported", "declined"]
    [line] = view["answers"][1]["lines"]
    assert (line["kind"], line["amount"]) == ("frozen", "1500000000000000000")


@pytest.mark.parametrize(
    ("mark", "shown"), [("RED", False), ("AMBER+STRICT", False), ("AMBER", True)]
)
def test_amounts_are_shown_as_the_requests_mark_allows(
    w: World, post: Post, visitor: Visitor, mark: str, *, shown: bool
) -> None:
    request, link = _asked(w, post, tlp=mark)
    [first, *_] = w.items(w.cast.a.lead, request, "addresses")
    assert first["amount"] is not None
    _enter(visitor, post, link)
    page = visitor.get(PAGE).text
    assert ("<dt>Asked for</dt>" in page, "stays between members" in page) == (shown, not shown)


def test_it_answers_alike_whether_the_link_is_good_or_not(
    w: World, post: Post, visitor: Visitor
) -> None:
    _, link = _asked(w, post)
    answers = {
        _plain(visitor.post(f"{DOOR}/code", DOOR, secret=secret).text)
        for secret in (link, "nonsense", "x" * 43)
    }
    assert len(answers) == 1
    code = _code(post)
    refusals = {
        _plain(visitor.post(f"{DOOR}/enter", DOOR, secret=secret, code=typed).text)
        for secret, typed in ((link, "1"), ("x" * 43, code), ("", ""))
    }
    assert len(refusals) == 1


def test_a_code_is_good_once_for_a_while_and_for_few_tries(
    w: World, post: Post, visitor: Visitor
) -> None:
    _, link = _asked(w, post)

    def enter(code: str) -> int:
        return visitor.post(f"{DOOR}/enter", DOOR, secret=link, code=code).status_code

    def new_code() -> str:
        w.step(minutes=20)
        visitor.post(f"{DOOR}/code", DOOR, secret=link)
        return _code(post)

    code = new_code()
    assert (enter(code), enter(code)) == (303, 422)
    code = new_code()
    w.step(minutes=15)
    assert enter(code) == 422
    code = new_code()
    assert [enter("0") for _ in range(5)] == [422] * 5
    assert enter(code) == 422


def test_codes_are_throttled_by_link_and_by_domain(w: World, post: Post, visitor: Visitor) -> None:
    _, link = _asked(w, post)

    def asks() -> bool:
        visitor.post(f"{DOOR}/code", DOOR, secret=link)
        return bool(_code(post))

    assert [asks(), asks()] == [True, False]
    got = []
    for _ in range(7):
        w.step(minutes=1)
        got.append(asks())
    assert got == [True] * 5 + [False] * 2
    w.step(hours=1)
    assert asks()


def test_what_is_over_closes_the_page_and_sends_no_code(
    w: World, post: Post, visitor: Visitor
) -> None:
    request, link = _asked(w, post)
    _enter(visitor, post, link)
    token = visitor.token(PAGE)
    over = {"addresses": "all", "reason": "found", "reason_code": "resolved"}
    w.act(w.cast.a.lead, request, "withdrawal", **over)
    assert visitor.get(PAGE).status_code == 404
    said = visitor.send(f"{PAGE}/acknowledge", {"csrf_token": token})
    assert (said.status_code, guests(w, request)[0]["answers"]) == (404, [])
    w.step(minutes=5)
    visitor.post(f"{DOOR}/code", DOOR, secret=link)
    assert _code(post) == ""


def test_withdrawn_addresses_are_not_shown(w: World, post: Post, visitor: Visitor) -> None:
    request, link = _asked(w, post, addresses=addresses(2))
    [kept, gone] = w.items(w.cast.a.lead, request, "addresses")
    _enter(visitor, post, link)
    assert gone["account"] in visitor.get(PAGE).text
    some = {"addresses": [1], "reason": "wrong", "reason_code": "wrong_target"}
    w.act(w.cast.a.lead, request, "withdrawal", **some)
    page = visitor.get(PAGE).text
    assert (kept["account"] in page, gone["account"] in page) == (True, False)
    said = visitor.post(f"{PAGE}/report", PAGE, **{"kind-1": "nothing"})
    assert said.status_code == 422


def test_a_guest_is_let_into_its_own_page_alone(w: World, post: Post, visitor: Visitor) -> None:
    first, link = _asked(w, post)
    _enter(visitor, post, link)
    other = w.live()
    assert DOMAIN in visitor.get(PAGE).text
    for path in ("", f"/requests/{first['id']}", f"/requests/{other['id']}", "/people"):
        answer = visitor.get(f"/console{path}")
        assert (answer.status_code, "/console/sign-in" in answer.location) == (303, True)
    w.step(hours=9)
    assert visitor.get(PAGE).location == DOOR
