"""What the page of an answer says of what was reported, of what is left, and of its request."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from coordinator.console.answer import page
from coordinator.storage.tables.partners import PartnerRow
from tests.api.acts import approve, fresh_account, report_frozen, submit
from tests.console.visits import visit_as
from tests.factories import ETHER, Cast, Signer


@pytest.fixture
def shown(app: Flask, cast: Cast) -> Any:
    """Shows the page of an answer to B's compliance officer, and returns its HTML."""

    def show(request_id: str) -> str:
        path = f"/console/requests/{request_id}/answer"
        with visit_as(app, cast.b.compliance, path=path) as visit:
            return unescape(page.show(visit, request_id).get_data(as_text=True))

    return show


def _text(html: str) -> str:
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", html))


def _many(count: int, asset: str = ETHER) -> list[dict[str, Any]]:
    return [
        {"account": fresh_account(), "asset": asset, "amount": str(10**19)} for _ in range(count)
    ]


def _form(html: str) -> str:
    return html.partition('id="report-form"')[2].partition("</form>")[0]


def test_what_was_reported_stands_in_its_row_behind_those_that_are_left(
    signer: Signer, cast: Cast, shown: Any
) -> None:
    view = submit(signer, cast, addresses=_many(3))
    approve(signer, cast, view)
    assert "3 of 3 left" in shown(view["id"])
    report_frozen(signer, cast.b, view, str(5 * 10**18))
    html = shown(view["id"])
    assert "2 of 3 left" in html
    assert "1 of 3 answered" in _text(html.partition('class="crumb"')[2].partition("</p>")[0])
    form = _form(html)
    assert re.findall(r'class="quiet num">No\. (\d)<', form) == ["1", "2", "0"]
    row = _text(form.partition("No. 0<")[2].partition("</tr>")[0])
    assert re.search(r"Reported: 5\xa0ETH frozen, +2 Mar 2026, \d\d:\d\d UTC", row)
    assert form.count("Reported:") == 1


def test_the_report_goes_from_all_the_rest_to_the_rows_with_a_bar_and_ticks_in_folds(
    signer: Signer, cast: Cast, shown: Any
) -> None:
    view = submit(signer, cast, addresses=_many(2))
    approve(signer, cast, view)
    html = shown(view["id"])
    form = _form(html)
    assert form.index("All the rest") < form.index("<table")
    for bar in (form.partition('class="actionbar"')[2], html.partition('class="reportbar"')[2]):
        assert "2 of 2 left" in bar
        assert "See what you report" in bar
    assert 'form="report-form">See what you report' in html
    row = form.partition("No. 0<")[2].partition("</tr>")[0]
    assert row.index("<details") < row.index('name="level-0"') < row.index("</details>")
    assert row.index("<details") < row.index('name="untold_found-0"') < row.index("</details>")


def test_amounts_are_shown_in_units_of_the_request(signer: Signer, cast: Cast, shown: Any) -> None:
    bitcoin = "bip122:000000000019d6689c085ae165831e93"
    asked = {"account": f"{bitcoin}:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "amount": "5000000"}
    view = submit(signer, cast, addresses=[{**asked, "asset": f"{bitcoin}/slip44:0"}])
    approve(signer, cast, view)
    html = shown(view["id"])
    assert "Amounts with their unit: 1.5 BTC." in html
    assert "1.5 ETH" not in html.replace("200 ETH", "")


def test_the_flags_name_the_deadline_what_stays_and_the_indemnity(
    app: Flask, signer: Signer, cast: Cast, shown: Any
) -> None:
    with app.extensions["holdfast"].database.transaction() as connection:
        named = PartnerRow.handle == cast.a.handle
        members = {"may_flash": [cast.a.analyst.subject]}
        connection.execute(update(PartnerRow).where(named).values(**members))
    offered = {"offered": True, "text": "Up to 250,000 dollars."}
    view = submit(signer, cast, urgency="flash", indemnity=offered)
    assert view["provisional"]
    html = shown(view["id"])
    glance = _text(html.partition('<ul class="glance">')[2].partition("</ul>")[0])
    minute = view["ratify_by"][11:16]
    assert re.search(rf"They have until [^.]*{minute} UTC\.", glance)
    assert "what is held stays" in glance
    assert "Indemnity promised" in glance
    assert "Up to 250,000 dollars." in html
