"""Names of a partner's people: read by its own alone, sealed, and erased everywhere."""

import unicodedata
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault, load_keys
from coordinator.storage.tables.documents import DocumentRow
from holdfast.protocol import base64url, canonical_json
from holdfast.protocol.commitment import commitment
from tests.api.membership_acts import events
from tests.factories import ORIGIN, Cast, Member, Signer

NAME, CONTACT = "Ada Lovelace", "+44 20 7946 0018"
BOTH = {"display_name": NAME, "contact": CONTACT}
NOBODY = {"display_name": None, "contact": None}


def change(signer: Signer, lead: Member, whose: Member, **names: str | None) -> dict[str, Any]:
    answer = signer.send(lead, "PATCH", f"/v1/people/{whose.subject}", names)
    assert answer.status_code == 200, answer.data
    view: dict[str, Any] = answer.get_json()
    return view


def listed(signer: Signer, reader: Member, query: str = "") -> dict[str, dict[str, Any]]:
    answer = signer.get(reader, f"/v1/people{query}")
    assert answer.status_code == 200, answer.data
    return {item["id"]: item for item in answer.get_json()["items"]}


def digest(body: Mapping[str, str | None]) -> bytes:
    """Return the hash of a body as `Signer` sends it."""
    return sha256(canonical_json.dumps(dict(body))).digest()


def guesses(whose: Member, body: Mapping[str, str | None]) -> list[bytes]:
    """Return what would tell somebody who guessed a body right that they did, and the texts."""
    hashed = digest(body)
    call = f"PATCH\n{ORIGIN}/v1/people/{whose.subject}\n{hashed.hex()}"
    found = [hashed, hashed.hex().encode(), sha256(call.encode()).digest()]
    return [*found, *(text.encode() for text in body.values() if text is not None)]


def every_value(database: Database) -> bytes:
    """Return all that stands in the tables, as text."""
    with database.engine.connect() as connection:
        rows = [
            bytes(value) if isinstance(value, bytes | memoryview) else repr(value).encode()
            for table in Base.metadata.sorted_tables
            for row in connection.execute(table.select())
            for value in row
        ]
    return b"\n".join(rows)


def opened(database: Database, vault: Vault) -> bytes:
    """Return what all sealed documents say to whoever has the keys, claims of tokens, too."""
    with database.engine.connect() as connection:
        rows = connection.execute(select(DocumentRow.__table__)).all()
        keys = load_keys(connection, vault, {row.key_id for row in rows})
    found = []
    for row in rows:
        content = keys[row.key_id].open(row.owner_id, row.name, bytes(row.sealed))
        found.append(content)
        if row.name == "evidence":
            token, _, _ = content.decode().partition("\n")
            found.append(base64url.decode(token.split(".")[1]))
    return b"\n".join(found)


@pytest.mark.parametrize("role", ["analyst", "system", "compliance", "security_lead", "auditor"])
def test_everybody_of_the_partner_reads_the_names_and_nobody_else_does(
    signer: Signer, cast: Cast, role: str
) -> None:
    shown = change(signer, cast.a.lead, cast.a.analyst, **BOTH)
    assert {name: shown[name] for name in BOTH} == BOTH
    own = listed(signer, cast.a.people[role])[cast.a.analyst.subject]
    assert own == {name: value for name, value in shown.items() if name != "log"}
    for path in ("/v1/people", "/v1/people?status=all", "/v1/partners", "/v1/keys", "/v1/grants"):
        foreign = signer.get(cast.b.people[role], path)
        assert foreign.status_code == 200
        assert NAME not in foreign.text
        assert CONTACT not in foreign.text
    assert cast.a.analyst.subject not in listed(signer, cast.b.people[role], "?status=all")


def test_a_system_has_a_name_too(signer: Signer, cast: Cast) -> None:
    change(signer, cast.a.lead, cast.a.system, display_name="Sentinel")
    assert listed(signer, cast.a.analyst)[cast.a.system.subject]["display_name"] == "Sentinel"


def test_what_a_change_leaves_out_stays_and_null_erases(signer: Signer, cast: Cast) -> None:
    change(signer, cast.a.lead, cast.a.analyst, **BOTH)
    shown = change(signer, cast.a.second_lead, cast.a.analyst, contact="desk 4")
    assert (shown["display_name"], shown["contact"]) == (NAME, "desk 4")
    shown = change(signer, cast.a.lead, cast.a.analyst, display_name=None)
    assert (shown["display_name"], shown["contact"]) == (None, "desk 4")
    assert listed(signer, cast.a.auditor)[cast.a.analyst.subject]["display_name"] is None


@pytest.mark.parametrize("body", [BOTH, NOBODY])
def test_people_of_another_partner_are_not_there(
    signer: Signer, cast: Cast, body: dict[str, str | None]
) -> None:
    change(signer, cast.a.lead, cast.a.analyst, **BOTH)
    for unknown in (cast.a.analyst.subject, cast.a.handle, "per_01kk7h3m6xf9trv2c8e5b4n0qa"):
        answer = signer.send(cast.b.lead, "PATCH", f"/v1/people/{unknown}", body)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert listed(signer, cast.a.lead)[cast.a.analyst.subject]["display_name"] == NAME


def test_names_are_nowhere_in_the_clear_nor_to_be_guessed(
    signer: Signer, cast: Cast, database: Database, vault: Vault
) -> None:
    change(signer, cast.a.lead, cast.a.analyst, **BOTH)
    assert NAME.encode() in opened(database, vault)
    stored = every_value(database)
    for guess in guesses(cast.a.analyst, BOTH):
        assert guess not in stored
    path = database.engine.url.database
    if database.engine.dialect.name == "sqlite" and path is not None:
        raw = b"".join(part.read_bytes() for part in Path(path).parent.glob(f"{Path(path).name}*"))
        assert cast.a.analyst.subject.encode() in raw
        for guess in guesses(cast.a.analyst, BOTH):
            assert guess not in raw


@pytest.mark.parametrize(
    "last", [NOBODY, {"display_name": "Grace", "contact": None}], ids=["erased", "changed"]
)
def test_what_was_erased_is_nowhere_even_for_who_has_the_keys(
    signer: Signer, cast: Cast, database: Database, vault: Vault, last: dict[str, str | None]
) -> None:
    change(signer, cast.a.lead, cast.a.analyst, **BOTH)
    change(signer, cast.a.lead, cast.a.analyst, contact="desk 4")
    change(signer, cast.a.second_lead, cast.a.analyst, **last)
    stored, told = every_value(database), opened(database, vault)
    for gone in (BOTH, {"contact": "desk 4"}):
        for guess in guesses(cast.a.analyst, gone):
            assert guess not in stored
            assert guess not in told
    # What is left says who erased it; of what is named now it proves who named it.
    assert digest(last).hex().encode() in told


def test_a_late_retry_does_not_bring_a_name_back(signer: Signer, cast: Cast) -> None:
    path = f"/v1/people/{cast.a.analyst.subject}"
    first = signer.send(cast.a.lead, "PATCH", path, BOTH, key="naming-1")
    again = signer.send(cast.a.lead, "PATCH", path, BOTH, key="naming-1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.get_json() == first.get_json()
    erased = signer.send(cast.a.lead, "PATCH", path, NOBODY, key="erasing-1")
    late = signer.send(cast.a.lead, "PATCH", path, BOTH, key="naming-1")
    assert (late.status_code, late.get_json()["code"]) == (422, "idempotency_key_reused")
    assert "erased since" in late.get_json()["detail"]
    assert listed(signer, cast.a.lead)[cast.a.analyst.subject]["display_name"] is None
    repeated = signer.send(cast.a.lead, "PATCH", path, NOBODY, key="erasing-1")
    assert repeated.get_json() == erased.get_json()


def test_erasing_one_name_leaves_the_others(signer: Signer, cast: Cast) -> None:
    path = f"/v1/people/{cast.a.compliance.subject}"
    first = signer.send(cast.a.lead, "PATCH", path, {"display_name": "Grace"}, key="naming-2")
    change(signer, cast.a.lead, cast.a.analyst, **NOBODY)
    again = signer.send(cast.a.lead, "PATCH", path, {"display_name": "Grace"}, key="naming-2")
    assert again.get_json() == first.get_json()
    assert listed(signer, cast.a.lead)[cast.a.compliance.subject]["display_name"] == "Grace"


def test_the_log_and_one_s_own_feed_tell_that_names_changed_and_by_whom(
    signer: Signer, cast: Cast
) -> None:
    named = change(signer, cast.a.lead, cast.a.analyst, **BOTH)
    change(signer, cast.a.second_lead, cast.a.analyst, **NOBODY)
    told = events(signer, cast.a.auditor, "partner.names_changed")
    assert [(event["subject"], event["by"], event["changed"]) for event in told] == [
        (cast.a.analyst.subject, lead.subject, ["contact", "display_name"])
        for lead in (cast.a.lead, cast.a.second_lead)
    ]
    assert told[0]["log"]["commitment"] == named["log"]["commitment"]
    assert events(signer, cast.b.auditor, "partner.names_changed") == []
    for entry in signer.get(cast.a.auditor, "/v1/events").get_json()["events"]:
        log = entry["data"].pop("log")
        core = {name: entry[name] for name in ("data", "timestamp", "type")}
        proven = commitment(bytes.fromhex(log["salt"]), canonical_json.dumps(core))
        assert proven.hex() == log["commitment"]


def test_who_left_is_named_and_erased_alike(signer: Signer, cast: Cast) -> None:
    change(signer, cast.a.lead, cast.a.analyst, **BOTH)
    revoked = {"subject": cast.a.analyst.subject}
    assert signer.post(cast.a.lead, "/v1/revocations", revoked).status_code == 201
    assert cast.a.analyst.subject not in listed(signer, cast.a.auditor)
    former = listed(signer, cast.a.auditor, "?status=all")[cast.a.analyst.subject]
    assert (former["display_name"], former["kids"]) == (NAME, [])
    assert former["revoked_at"] is not None
    change(signer, cast.a.lead, cast.a.analyst, **NOBODY)
    former = listed(signer, cast.a.auditor, "?status=all")[cast.a.analyst.subject]
    assert (former["display_name"], former["contact"]) == (None, None)


def test_a_name_is_kept_in_one_spelling(signer: Signer, cast: Cast) -> None:
    shown = change(
        signer,
        cast.a.lead,
        cast.a.analyst,
        display_name=f" {unicodedata.normalize('NFD', 'Zoë Ødegård')} ",
        contact="\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    )
    assert shown["display_name"] == "Zoë Ødegård"
    assert shown["contact"] == "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "say what changes"),
        ({"display_name": ""}, "at least 1"),
        ({"display_name": " "}, "visible"),
        ({"display_name": "A" * 81}, "at most 80"),
        ({"contact": "1" * 121}, "at most 120"),
        ({"display_name": "Ada\nLovelace"}, "U+000A"),
        ({"display_name": "Ada\u202elecalevoL"}, "U+202E"),
        ({"display_name": "Ada\u2066"}, "U+2066"),
        ({"contact": "desk\u200b4"}, "U+200B"),
        ({"contact": "desk\u2028"}, "U+2028"),
        ({"display_name": 7}, "string"),
        ({"name": "Ada"}, "Extra"),
    ],
)
def test_what_is_no_name_is_refused(
    signer: Signer, cast: Cast, body: dict[str, object], said: str
) -> None:
    answer = signer.send(cast.a.lead, "PATCH", f"/v1/people/{cast.a.analyst.subject}", body)
    assert answer.status_code == 422
    assert said.lower() in answer.text.lower()


def test_members_see_a_partner_s_emergency_contact(
    signer: Signer, cast: Cast, database: Database
) -> None:
    def change_own(**changes: Any) -> dict[str, Any]:
        answer = signer.send(cast.a.lead, "PATCH", "/v1/partners/me", changes)
        assert answer.status_code == 200, answer.data
        view: dict[str, Any] = answer.get_json()
        return view

    def seen() -> tuple[list[str], str | None]:
        members = signer.get(cast.b.auditor, "/v1/partners").get_json()["items"]
        own = signer.get(cast.a.auditor, "/v1/partners/me").get_json()
        [view] = [each for each in members if each["handle"] == cast.a.handle]
        names = ("contacts", "emergency_contact")
        assert [view[name] for name in names] == [own[name] for name in names]
        return view["contacts"], view["emergency_contact"]

    assert seen() == ([], None)
    shown = change_own(emergency_contact=CONTACT)
    assert (shown["contacts"], shown["emergency_contact"]) == ([], CONTACT)
    change_own(contacts=["desk 4"])
    assert seen() == (["desk 4"], CONTACT)
    assert CONTACT.encode() not in every_value(database)
    change_own(emergency_contact="the night desk")
    assert seen() == (["desk 4"], "the night desk")
    change_own(emergency_contact=None)
    assert seen() == (["desk 4"], None)


@pytest.mark.parametrize(
    "body", [{}, {"emergency_contact": "\u202e"}, {"emergency_contact": ""}, {"contacts": None}]
)
def test_what_is_no_contact_of_a_partner_is_refused(
    signer: Signer, cast: Cast, body: dict[str, object]
) -> None:
    assert signer.send(cast.a.lead, "PATCH", "/v1/partners/me", body).status_code == 422
