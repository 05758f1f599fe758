"""What a card of the home page says of a decision before anybody opens it."""

import pytest
from flask import Flask

from coordinator.console import home
from tests.api.acts import submit
from tests.console.visiting import signed_in
from tests.factories import Cast, Signer
from tests.services.request_cast import addresses


def test_a_card_of_a_decision_shows_every_kind_of_warning_and_how_many(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    plain, *risky = addresses(4, 700)
    whole = [each | {"whole_account": {"why": "All of it is the thief's."}} for each in risky]
    lower = whole[0] | {"account": "eip155:1:0x" + "ab" * 20}
    submit(signer, cast, addresses=[plain, lower, *whole[1:]])
    home = signed_in(app, cast.a.lead).get("/console").text
    assert "Whole account asked for (3). Written without a checksum (1)" in home
    author = signed_in(app, cast.a.analyst).get("/console").text
    assert "Whole account asked for" not in author, "it is no decision of theirs"


@pytest.mark.parametrize("shown", [1, 2])
def test_who_has_more_to_do_than_is_shown_reads_so(
    app: Flask, signer: Signer, cast: Cast, monkeypatch: pytest.MonkeyPatch, shown: int
) -> None:
    for _ in range(2):
        submit(signer, cast)
    monkeypatch.setattr(home, "_MOST", shown)
    page = signed_in(app, cast.a.lead).get("/console").text
    assert (f"These are the {shown} that end first." in page) == (shown == 1)
