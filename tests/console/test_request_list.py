"""The lists of requests say what is asked for in each."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from coordinator.console import requests
from coordinator.domain.clock import SteppedClock
from coordinator.storage.tables.life_cycle import LeftOutAddressRow
from tests.api.acts import approve, submit
from tests.browser.deciding import address, whole_request
from tests.console.visits import visit_as
from tests.factories import Cast, Member, Signer


@pytest.fixture
def listed(app: Flask) -> Any:
    """Returns the sums and the worth of each row of somebody's list of sent requests."""

    def show(member: Member) -> list[str]:
        with visit_as(app, member) as visit:
            html = requests.show(visit).get_data(as_text=True)
        cells = re.findall(r'<td class="r r--text" data-label="Stated">(.*?)</td>', html)
        return [re.sub(r"<[^>]+>", "|", cell).strip("|") for cell in cells]

    return show


def _submit(signer: Signer, member: Member, **changes: Any) -> str:
    answer = signer.post(member, "/v1/freeze-requests", whole_request(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def test_a_row_says_the_stated_sum_and_its_worth(cast: Cast, signer: Signer, listed: Any) -> None:
    _submit(signer, cast.a.analyst)
    _submit(signer, cast.a.analyst, addresses=[address(0, usd=...), address(1)])
    partly, whole = listed(cast.a.lead)
    assert whole.startswith("18\u202f757.5\xa0ETH")
    assert whole.endswith("$49.5\xa0m, stated")
    assert "stated for 1 of 2\xa0amounts" in partly


def test_sums_of_very_large_requests_are_left_to_their_own_pages(
    cast: Cast, signer: Signer, listed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _submit(signer, cast.a.analyst)
    _submit(signer, cast.a.analyst, addresses=[address(1)])
    monkeypatch.setattr(requests, "_MOST_SUMMED", 4)
    small, large = listed(cast.a.lead)
    assert "ETH" in small
    assert large == ""


def test_what_was_taken_back_counts_no_more(
    app: Flask, cast: Cast, signer: Signer, listed: Any
) -> None:
    both = [address(0), address(1)]
    request_id = _submit(signer, cast.a.analyst, addresses=both)
    (before,) = listed(cast.a.lead)
    with app.extensions["holdfast"].database.transaction() as connection:
        gone = {"request_id": request_id, "address_no": 1}
        connection.execute(insert(LeftOutAddressRow).values(**gone))
    (after,) = listed(cast.a.lead)
    assert "$9.9\xa0m, stated" in before
    assert "$3.3\xa0m, stated" in after
    assert "1\u202f250.5\xa0ETH" in after


def test_of_two_tasks_the_clock_is_that_of_the_one_due_first(
    app: Flask, cast: Cast, signer: Signer, clock: SteppedClock
) -> None:
    asked = submit(signer, cast, to=[cast.b.handle, cast.c.handle])
    approve(signer, cast, asked)
    question = {"content_sha256": asked["content_sha256"], "missing": ["tx"]}
    due = []
    for exchange in (cast.b, cast.c):
        path = f"/v1/freeze-requests/{asked['id']}/info-requests"
        answer = signer.post(exchange.analyst, path, question)
        assert answer.status_code == 201, answer.text
        due.append(answer.get_json()["reply_by"])
        clock.step(timedelta(hours=1))
    with visit_as(app, cast.a.lead) as visit:
        html = requests.show(visit).get_data(as_text=True)
    assert "to reply" in html
    assert (due[0] in html, due[1] in html) == (True, False)
