"""The page of a decision, without a browser: what it says, to whom, and what it costs."""

import re
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask

from coordinator.console import decide
from coordinator.console.decision_case import DecisionCase
from coordinator.domain.errors import NotFoundError, UnavailableError
from holdfast.protocol.shown_digits import shown_digits
from holdfast.protocol.vocabulary import Decision
from tests.browser.deciding import address, whole_request
from tests.console.visits import counted_statements, visit_as
from tests.factories import ETHER, ORIGIN, Cast, Member, Signer

#: Statements that a page of a decision takes, whatever is in the request.
MOST_STATEMENTS = 16


@pytest.fixture
def shown(app: Flask) -> Any:
    """Shows the page of a decision to somebody, and returns its HTML."""

    def show(member: Member, request_id: str, query: str = "") -> str:
        with visit_as(app, member, path=f"/console?{query}") as visit:
            return decide.show(visit, request_id).get_data(as_text=True)

    return show


@pytest.fixture
def sent(app: Flask) -> Any:
    """Sends the form of a decision for somebody, and returns the page that comes back."""

    def send(member: Member, request_id: str, **fields: Any) -> Any:
        with visit_as(app, member, form=fields) as visit:
            case = DecisionCase.read(visit, request_id)
            visit.form.fields.setdefault("seen", decide.seen(case))
            return decide.decide(visit, request_id)

    return send


def submit(signer: Signer, member: Member, **changes: Any) -> str:
    answer = signer.post(member, "/v1/freeze-requests", whole_request(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def text_of(html: str) -> str:
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_page_opens_with_what_is_asked_and_what_may_be_wrong(
    cast: Cast, signer: Signer, shown: Any
) -> None:
    text = text_of(shown(cast.a.lead, submit(signer, cast.a.analyst)))
    assert "asks 3\xa0partners to freeze 5\xa0addresses , 18\u202f757.5\xa0ETH (about" in text
    assert "What may be wrong with 2 of 5\xa0addresses" in text
    assert "10\u202f004\xa0ETH, 53\xa0% of the sum" in text
    assert "Granted by your organisation" in text


def test_the_digits_are_those_of_a_second_device(cast: Cast, signer: Signer, shown: Any) -> None:
    request_id = submit(signer, cast.a.analyst)
    view = signer.get(cast.a.lead, f"/v1/freeze-requests/{request_id}").get_json()
    first, last = shown_digits(
        aud=ORIGIN,
        request_id=request_id,
        content_sha256=view["content_sha256"],
        context_sha256=view["context_sha256"],
        decision=Decision.APPROVE,
    )
    html = shown(cast.a.lead, request_id)
    assert f'<span data-digits="0">{first[:4]}</span>' in html
    assert f'<span data-digits="-4">{last[4:]}</span>' in html


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (("lead", "lead"), "You submitted this."),
        (("system", "lead"), "The system that submitted it is yours."),
        (("analyst", "auditor"), "You read only: deciding is for security leads."),
    ],
)
def test_whoever_cannot_decide_reads_why(
    cast: Cast, signer: Signer, shown: Any, who: tuple[str, str], why: str
) -> None:
    submitter, reader = who
    request_id = submit(signer, getattr(cast.a, submitter))
    html = shown(getattr(cast.a, reader), request_id)
    assert why in html
    assert "You cannot decide this" in html
    assert 'value="approve"' not in html
    if submitter != "analyst":
        assert 'value="approve"' in shown(cast.a.second_lead, request_id)


def test_whoever_proposed_the_key_cannot_decide(
    cast: Cast, signer: Signer, app: Flask, shown: Any
) -> None:
    request_id = submit(signer, cast.a.analyst)
    with app.extensions["holdfast"].database.transaction() as connection:
        connection.exec_driver_sql(
            f"UPDATE partner_key SET proposer = '{cast.a.lead.subject}'"  # noqa: S608
            f" WHERE kid = '{cast.a.analyst.key.kid}'"
        )
    assert "A grant of yours made the key that signed it." in shown(cast.a.lead, request_id)
    key = signer.get(cast.b.analyst, f"/v1/keys?kid={cast.a.analyst.key.kid}").get_json()
    assert key["items"][0]["proposer"] == cast.a.lead.subject


def test_whoever_decides_reads_from_which_amount_on_deposits_wait(
    cast: Cast, signer: Signer, shown: Any
) -> None:
    flagged = address(0, asset=ETHER, amount="20" + "0" * 18, min_amount="1" + "0" * 17)
    request_id = submit(signer, cast.a.analyst, addresses=[flagged, address(1)])
    html = shown(cast.a.lead, request_id)
    assert html.replace("\xa0", " ").count("Deposits from 0.1 ETH wait") == 1


def test_whoever_decided_already_reads_when(cast: Cast, signer: Signer, shown: Any) -> None:
    request_id = submit(signer, cast.a.analyst)
    view = signer.get(cast.a.lead, f"/v1/freeze-requests/{request_id}").get_json()
    names = ("content_sha256", "context_sha256")
    body = {name: view[name] for name in names} | {"decision": "reject", "comment": "Not ours."}
    answer = signer.post(cast.a.lead, f"/v1/freeze-requests/{request_id}/approvals", body)
    assert answer.status_code == 201
    for reader in (cast.a.lead, cast.a.second_lead, cast.a.auditor):
        html = shown(reader, request_id)
        assert "How it was decided" in html
        assert "Not ours." in html
        assert 'value="approve"' not in html


def test_partners_asked_have_no_such_page(cast: Cast, signer: Signer, shown: Any) -> None:
    request_id = submit(signer, cast.a.analyst)
    with pytest.raises(NotFoundError):
        shown(cast.b.lead, request_id)


def test_a_missing_reason_keeps_what_was_typed_and_links_to_its_field(
    cast: Cast, signer: Signer, sent: Any
) -> None:
    request_id = submit(signer, cast.a.analyst)
    typed = {"reason-no_checksum": "Copied from the explorer.", "comment": "Quick, please."}
    answer = sent(cast.a.lead, request_id, decision="approve", **{"except": "3"}, **typed)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert '<a href="#f-reason-whole_account-2">Give a reason for no. 2, or leave it out.' in html
    assert "Copied from the explorer." in html
    assert "Quick, please." in html
    assert re.search(r'<input type="checkbox" name="except" value="3" checked', html)


def test_an_address_that_is_left_out_needs_no_reason(cast: Cast, signer: Signer, sent: Any) -> None:
    request_id = submit(signer, cast.a.analyst)
    answer = sent(cast.a.lead, request_id, look="leave:whole_account")
    html = answer.get_data(as_text=True)
    assert "f-reason-no_checksum" in html
    assert "f-reason-whole_account-2" not in html
    assert "Approve 4 of 5" in html


def test_a_rejection_says_why(cast: Cast, signer: Signer, sent: Any) -> None:
    answer = sent(cast.a.lead, submit(signer, cast.a.analyst), decision="reject")
    assert answer.status_code == 422
    assert '<a href="#f-why">Say why you reject it.' in answer.get_data(as_text=True)


def test_a_page_that_grew_old_decides_nothing_and_says_what_happened(
    cast: Cast, signer: Signer, app: Flask, sent: Any
) -> None:
    request_id = submit(signer, cast.a.analyst)
    with visit_as(app, cast.a.lead) as visit:
        old = decide.seen(DecisionCase.read(visit, request_id))
    view = signer.get(cast.a.lead, f"/v1/freeze-requests/{request_id}").get_json()
    names = ("content_sha256", "context_sha256")
    body = {name: view[name] for name in names} | {"decision": "reject", "comment": "Not ours."}
    signer.post(cast.a.second_lead, f"/v1/freeze-requests/{request_id}/approvals", body)
    answer = sent(cast.a.lead, request_id, decision="approve", seen=old, comment="Go, go!")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "rejected it, just now." in html
    assert "nothing was signed" in html
    assert "Go, go!" in html


def test_what_others_wrote_is_never_markup(cast: Cast, signer: Signer, shown: Any) -> None:
    hostile = "<script>alert(1)</script>\u202e&amp;"
    request_id = submit(
        signer,
        cast.a.analyst,
        summary=hostile,
        incident={"title": hostile, "kind": "hack", "occurred_at": "2026-03-02T09:00:00Z"},
        indemnity={"offered": True, "text": hostile},
        legal={"police_report": hostile, "agency": hostile},
        addresses=[
            address(0, note=hostile),
            address(2, whole_account={"why": hostile}),
        ],
    )
    html = shown(cast.a.lead, request_id)
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;") >= 6
    turns = [found.start() for found in re.finditer("\u202e", html)]
    within = [html[html.rindex("<", 0, at) :][:4] for at in turns]
    assert {each.rstrip(" >") for each in within} == {"<bdi"}


def test_what_was_decided_stays_when_the_document_is_erased(
    cast: Cast, signer: Signer, shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = submit(signer, cast.a.analyst)

    def erased(*_: object) -> None:
        raise UnavailableError("the document of this request was erased")

    monkeypatch.setattr("coordinator.console.asked.signed_submission", erased)
    html = shown(cast.a.auditor, request_id)
    assert "The document was erased" in html
    assert "No address carries a warning" not in html


def test_the_table_pages_searches_and_sorts_by_its_url(
    cast: Cast, signer: Signer, shown: Any
) -> None:
    many = [
        {
            "account": f"bip122:000000000019d6689c085ae165831e93:{account}",
            "asset": "bip122:000000000019d6689c085ae165831e93/slip44:0",
            "amount": str(1_000 + number),
        }
        for number, account in enumerate(_bitcoin(190))
    ]
    request_id = submit(signer, cast.a.analyst, addresses=many)
    html = shown(cast.a.auditor, request_id)
    assert "1 to 40 of 190" in html
    assert html.index('c-no num">189<') < html.index('c-no num">188<')
    html = shown(cast.a.auditor, request_id, "from=180&sort=no")
    assert "181 to 190 of 190" in html
    assert html.index('c-no num">180<') < html.index('c-no num">181<')
    needle = many[7]["account"][-12:]
    html = shown(cast.a.auditor, request_id, f"q={needle}")
    assert re.findall(r'c-no num">(\d+)<', html) == ["7"]
    assert "No address fits" in shown(cast.a.auditor, request_id, "q=nowhere")


def test_a_page_costs_the_same_few_queries_however_much_there_is(
    cast: Cast, signer: Signer, app: Flask, shown: Any
) -> None:
    few = submit(signer, cast.a.analyst, to=[cast.b.handle], addresses=[address(0)])
    many = [
        {"account": f"bip122:000000000019d6689c085ae165831e93:{account}"}
        for account in _bitcoin(300)
    ]
    much = submit(signer, cast.a.analyst, addresses=[address(2), *many])
    counts = []
    for request_id in (few, much):
        for _ in range(2):  # the second time the document is kept
            with counted_statements(app) as statements:
                shown(cast.a.lead, request_id)
            counts.append(len(statements))
    assert counts[1] == counts[3] <= MOST_STATEMENTS, counts
    assert counts[0] == counts[2] > counts[1]


def _bitcoin(count: int) -> list[str]:
    """Return so many P2PKH addresses."""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    made = []
    for number in range(count):
        raw = b"\0" + sha256(str(number).encode()).digest()[:20]
        raw += sha256(sha256(raw).digest()).digest()[:4]
        value, text = int.from_bytes(raw), ""
        while value:
            value, rest = divmod(value, 58)
            text = alphabet[rest] + text
        made.append("1" * (len(raw) - len(raw.lstrip(b"\0"))) + text)
    return made
