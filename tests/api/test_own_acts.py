"""What one's own organisation did: its own alone, newest first, by person, in pages."""

import pytest

from holdfast.protocol import strict_json, views
from holdfast.protocol.request_token import verify_request_evidence
from tests.api.acts import approve, submit
from tests.conftest import World
from tests.factories import ORIGIN, Cast, Signer

PATH = "/v1/acts"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The same queries on both databases are run by `tests/storage`."""
    return sqlite_world


def test_acts_of_ones_own_people_are_listed_newest_first(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    items = signer.get(cast.a.auditor, PATH).get_json()["items"]
    shown = [views.OwnActView.model_validate(each) for each in items]
    assert [each.kind for each in shown[:2]] == ["approve", "submit"]
    assert [each.subject for each in shown[:2]] == [cast.a.lead.subject, cast.a.analyst.subject]
    assert all(each.leaf_index is not None for each in shown[:2])
    assert {each.request_id for each in shown[:2]} == {request["id"]}
    assert "grant" in {each.kind for each in shown}


def test_another_partners_acts_are_not_there(signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    assert request["id"] not in signer.get(cast.b.auditor, PATH).text
    person = f"{PATH}?person={cast.a.lead.subject}"
    assert signer.get(cast.b.auditor, person).get_json()["items"] == []


def test_a_list_is_narrowed_and_paged(signer: Signer, cast: Cast) -> None:
    for _ in range(2):
        approve(signer, cast, submit(signer, cast))
    own = signer.get(cast.a.auditor, f"{PATH}?of=act&person={cast.a.lead.subject}").get_json()
    assert [each["kind"] for each in own["items"]] == ["approve", "approve"]
    whole = signer.get(cast.a.auditor, f"{PATH}?limit=500").get_json()["items"]
    paged, cursor = [], ""
    while True:
        page = signer.get(cast.a.auditor, f"{PATH}?limit=3{cursor}").get_json()
        paged += page["items"]
        if page.get("next_cursor") is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert paged == whole
    grants = signer.get(cast.a.auditor, f"{PATH}?of=grant").get_json()["items"]
    assert {each["kind"] for each in grants} == {"grant"}


def test_revocations_and_changes_of_endpoints_are_listed_with_what_proves_them(
    signer: Signer, cast: Cast
) -> None:
    endpoints = "/v1/webhook-endpoints"
    made = signer.post(cast.a.system, endpoints, {"url": "http://127.0.0.1:9/hook"}).get_json()
    one = f"{endpoints}/{made['id']}"
    for method, path, body in (
        ("PATCH", one, {"description": "night"}),
        ("POST", f"{one}/rotate-secret", None),
        ("DELETE", one, None),
    ):
        assert signer.send(cast.a.lead, method, path, body).status_code == 200
    gone = {"kid": cast.a.analyst.key.kid, "reason": "left with the laptop"}
    assert signer.post(cast.a.root, "/v1/revocations", gone).status_code == 201
    items = signer.get(cast.a.auditor, f"{PATH}?of=organisation").get_json()["items"]
    acts = ["revoke", "remove_endpoint", "rotate_endpoint_secret", "change_endpoint"]
    assert [each["kind"] for each in items] == [*acts, "add_endpoint"]
    assert [each["about"] for each in items] == [cast.a.analyst.key.kid, *[made["id"]] * 4]
    subjects = [None, *[cast.a.lead.subject] * 3, cast.a.system.subject]
    assert [each["subject"] for each in items] == subjects
    assert all(each["leaf_index"] is not None for each in items)
    for shown, member in zip(items, [cast.a.root, *[cast.a.lead] * 3, cast.a.system], strict=True):
        key, raw = member.key.public, shown["body"].encode()
        assert (
            verify_request_evidence(shown["token"], raw, key=key, aud=ORIGIN).sub == member.subject
        )
    assert strict_json.loads(items[0]["body"].encode()) == gone
    assert signer.get(cast.b.auditor, f"{PATH}?of=organisation").get_json()["items"] == []
    first = signer.get(cast.a.auditor, f"{PATH}?of=organisation&limit=2").get_json()
    rest = signer.get(
        cast.a.auditor, f"{PATH}?of=organisation&cursor={first['next_cursor']}"
    ).get_json()
    assert first["items"] + rest["items"] == items
    mine = signer.get(cast.a.auditor, f"{PATH}?of=organisation&person={cast.a.system.subject}")
    assert [each["kind"] for each in mine.get_json()["items"]] == ["add_endpoint"]
