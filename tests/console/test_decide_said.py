"""What the page of a decision says of partners, worth, consequences and people."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from coordinator.console import decide
from coordinator.storage.tables.partners import PartnerRow
from tests.api.acts import fresh_account, report_frozen
from tests.browser.deciding import address, whole_request
from tests.console.visits import visit_as
from tests.factories import Cast, Member, Signer

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def shown(app: Flask) -> Any:
    """Shows the page of a decision to somebody, and returns its HTML."""

    def show(member: Member, request_id: str) -> str:
        with visit_as(app, member) as visit:
            return unescape(decide.show(visit, request_id).get_data(as_text=True))

    return show


@pytest.fixture
def flash(app: Flask, cast: Cast, signer: Signer) -> Any:
    """Sends a flash request that goes out at once, and returns its view."""

    def send(**changes: Any) -> dict[str, Any]:
        with app.extensions["holdfast"].database.transaction() as connection:
            named = PartnerRow.handle == cast.a.handle
            members = {"may_flash": [cast.a.analyst.subject]}
            connection.execute(update(PartnerRow).where(named).values(**members))
        usual: dict[str, Any] = {"urgency": "flash", "addresses": [address(0), address(3)]}
        view = _submit(signer, cast, **{**usual, **changes})
        assert view["provisional"], view
        return view

    return send


def _submit(signer: Signer, cast: Cast, **changes: Any) -> dict[str, Any]:
    answer = signer.post(cast.a.analyst, "/v1/freeze-requests", whole_request(**changes))
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.get_json()
    return view


def _text(html: str) -> str:
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", html))


def _partners(html: str) -> dict[str, tuple[str, str]]:
    """Return the mark and the words of each partner's state."""
    table = html.partition('aria-label="Partners asked"')[2].partition("</table>")[0]
    row = re.compile(
        r'class="c-head">(.*?)</td><td>.*?#i-([a-z]+).*?</svg>([^<]*)</span>', re.DOTALL
    )
    return {_text(who).strip(): (mark, word) for who, mark, word in row.findall(table)}


def test_a_partner_s_state_is_the_one_of_its_leg(
    cast: Cast, signer: Signer, flash: Any, shown: Any
) -> None:
    view = flash()
    report_frozen(signer, cast.b, view)
    html = shown(cast.a.lead, view["id"])
    assert "Was told" not in html
    assert '<th scope="col">State</th>' in html
    states = _partners(html)
    assert states.pop(cast.b.handle)[0] in {"lock", "half"}
    assert states
    assert set(states.values()) == {("ring", "Not reached yet")}


def test_who_was_not_asked_yet_has_no_tick(cast: Cast, signer: Signer, shown: Any) -> None:
    html = shown(cast.a.lead, _submit(signer, cast)["id"])
    assert set(_partners(html).values()) == {("ring", "Not asked yet")}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (({}, {}), f"(about $16.5{NBSP}m, stated)"),
        (({}, {"usd": ...}), f"($3.3{NBSP}m stated for 1 of 2{NBSP}addresses)"),
        (({"usd": ...}, {"usd": ...}), f"ETH{NBSP}stated"),
    ],
)
def test_the_sentence_says_what_it_is_worth(
    cast: Cast, signer: Signer, shown: Any, changes: tuple[Any, Any], said: str
) -> None:
    asked = [address(0, **changes[0]), address(3, **changes[1])]
    text = _text(shown(cast.a.lead, _submit(signer, cast, addresses=asked)["id"]))
    assert said in text.replace("ETH stated", f"ETH{NBSP}stated")


def test_a_flash_is_sent_already_for_hours_that_do_not_break(
    cast: Cast, flash: Any, shown: Any
) -> None:
    view = flash()
    text = _text(shown(cast.a.lead, view["id"]))
    assert f"for {view['hold_hours']}{NBSP}h . Sent already (flash)." in text


def test_the_first_address_says_which_string_is_which(
    cast: Cast, signer: Signer, shown: Any
) -> None:
    html = shown(cast.a.lead, _submit(signer, cast)["id"])
    path = _text(html.partition('<ol class="path">')[2].partition("</ol>")[0])
    assert re.search(r" transaction +0xb61413c4", path)
    assert re.search(r" address +0x51E9d833", path)


def test_nobody_noted_how_to_reach_the_author_is_said_at_a_glance(
    cast: Cast, signer: Signer, flash: Any, shown: Any
) -> None:
    submitted, sent = _submit(signer, cast)["id"], flash()["id"]
    asked = "reach them another way before you"
    assert f"{asked} decide" in _glance(shown(cast.a.lead, submitted))
    assert f"{asked} ratify" in _glance(shown(cast.a.lead, sent))
    path = f"/v1/people/{cast.a.analyst.subject}"
    signer.send(cast.a.lead, "PATCH", path, {"contact": "+353 1 555 0142"})
    assert asked not in shown(cast.a.lead, sent)


def _glance(html: str) -> str:
    return _text(html.partition('<ul class="glance">')[2].partition("</ul>")[0])


def test_under_each_button_stands_what_follows(
    cast: Cast, signer: Signer, flash: Any, shown: Any
) -> None:
    submitted = _text(shown(cast.a.lead, _submit(signer, cast)["id"]))
    assert "goes out to 3\xa0partners at once, and their clocks start." in submitted
    assert "Nobody is asked, and your colleagues read why." in submitted
    sent = _text(shown(cast.a.lead, flash()["id"]))
    assert "Who was asked hears that you stand by it and goes on." in sent
    assert "Whoever holds something owes you an answer: they release it, or keep it" in sent


def test_the_digits_say_what_they_are_of_and_a_phone_leads_to_them(
    cast: Cast, signer: Signer, shown: Any
) -> None:
    html = shown(cast.a.lead, _submit(signer, cast)["id"])
    said = "They stand for this request, whom it asks, and your decision with what you leave out."
    assert said in html
    bar = html.partition('class="actionbar"')[2]
    assert '<a href="#digits">Digits</a>' in bar
    assert 'id="digits"' in html
    assert "Reject, ask…</a>" in bar


def test_up_to_a_hundred_addresses_are_one_page_with_their_chain_once_and_what_is_frozen(
    cast: Cast, signer: Signer, flash: Any, shown: Any
) -> None:
    many = [{**address(0), "account": fresh_account(), "note": "One"} for _ in range(51)]
    view = flash(addresses=many)
    report_frozen(signer, cast.b, view, str(5 * 10**18))
    html = shown(cast.a.lead, view["id"])
    assert len(set(re.findall(r'c-no num">(\d+)<', html))) == 51
    assert "51\xa0addresses on Ethereum, none with a warning" in html
    table = html.partition('aria-label="Addresses"')[2].partition("</table>")[0]
    assert "Ethereum" not in table
    assert f"5\xa0ETH frozen, {cast.b.handle}" in _text(table)
    assert table.count("frozen") == 1
