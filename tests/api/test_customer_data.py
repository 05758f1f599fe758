"""Free text that names a customer is refused, together with everything else that is wrong."""

from tests.factories import Cast, Signer, freeze_request_body


def test_words_and_addresses_are_refused_in_one_answer(signer: Signer, cast: Cast) -> None:
    body = freeze_request_body(
        summary="Write to jane.doe@example.com",
        addresses=[{"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135d"}],
    )
    answer = signer.post(cast.a.analyst, "/v1/freeze-requests", body)
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.get_json()["errors"]}
    assert pointers == {"/summary", "/addresses/0/account"}
    assert "jane" not in answer.text


def test_words_alone_are_refused_by_their_own_code(signer: Signer, cast: Cast) -> None:
    body = freeze_request_body(summary="Write to jane.doe@example.com")
    answer = signer.post(cast.a.analyst, "/v1/freeze-requests", body)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "customer_data"
