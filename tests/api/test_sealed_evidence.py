"""Files that named partners read, from the kit of one to the kit of another."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from os import urandom
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.timers import TimerRun
from coordinator.domain.clock import SteppedClock
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.services.requests.sealed_evidence import SealLimits
from coordinator.storage.engine.database import Database
from coordinator.storage.requests import sealed_evidence as store
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.sealed_evidence import SealedPartRow
from holdfast.client.client import Client, Document
from holdfast.errors import (
    ApiError,
    ConflictError,
    ErasedError,
    NoEncryptionKeyError,
    NotFoundError,
    PermissionDeniedError,
    ProfileError,
    UntrustedEvidenceError,
    ValidationError,
)
from holdfast.protocol import canonical_json
from holdfast.protocol.encryption_key import DecryptionKey
from holdfast.protocol.sealed_evidence import PART_BYTES
from holdfast.protocol.sealed_payloads import SealedEvidence, SealedEvidenceShare, WrappedKey
from holdfast.protocol.views import EncryptionKeyView, SealedEvidenceView
from holdfast.protocol.vocabulary import ErasureReason, Tlp, WithdrawalReason
from tests.api.acts import submit
from tests.api.membership_acts import operate
from tests.api.sealed_cast import CONTENT, HEADER, Desks, desks_at, sealed, went_out
from tests.conftest import KEYS
from tests.factories import ORIGIN, Cast, Member, Signer, request_token
from tests.rulebook import LOG_SIGNER, RULEBOOK

#: Where nothing of the database is asked that the other would answer otherwise.
ON_SQLITE = pytest.mark.parametrize("world", ["sqlite"], indirect=True)


@pytest.fixture
def desks(app: Flask, clock: SteppedClock, tmp_path: Path) -> Iterator[Desks]:
    with desks_at(app, clock, tmp_path / "home") as made:
        yield made


@pytest.fixture
def ready(desks: Desks, cast: Cast) -> Desks:
    """The same, with an encryption key of A, B and C each."""
    desks.publish(cast.a.lead, cast.b.lead, cast.c.lead)
    return desks


def opened(desks: Desks, member: Any, request: Any, view: SealedEvidenceView) -> bytes:
    found = desks.files(member).open(request, view.id)
    assert found.header == HEADER
    return b"".join(found.content)


def test_a_file_of_many_parts_reaches_those_that_it_is_sealed_to_and_nobody_else(
    ready: Desks, cast: Cast, signer: Signer, database: Database
) -> None:
    request = went_out(signer, cast)
    content = urandom(PART_BYTES * 2 + 17)
    view = sealed(ready, cast.a.lead, request, cast.b.handle, content=content)
    assert view.part_count == 3
    assert opened(ready, cast.b.lead, request, view) == content
    assert opened(ready, cast.a.lead, request, view) == content
    stranger = ready.client(cast.c.lead)
    assert list(stranger.sealed_evidence(request.id)) == []
    with pytest.raises(NotFoundError):
        stranger.one_sealed_evidence(request.id, view.id)
    with pytest.raises(NotFoundError):
        stranger.sealed_part(request.id, view.id, 0)
    with database.engine.connect() as connection:
        stored = b"".join(connection.scalars(select(DocumentRow.sealed)))
    assert content[:32] not in stored


def test_only_its_author_and_its_recipients_hear_of_it(
    ready: Desks, cast: Cast, signer: Signer
) -> None:
    request = went_out(signer, cast)
    view = sealed(ready, cast.b.lead, request, cast.c.handle)
    for exchange, heard in ((cast.a, 0), (cast.b, 1), (cast.c, 1), (cast.d, 0)):
        events = ready.client(exchange.lead).events(0, types=["evidence.*"]).events
        assert [event.data["sealed_evidence"] for event in events] == [view.id] * heard
    [event] = ready.client(cast.c.lead).events(0, types=["evidence.sealed"]).events
    assert event.data["tlp"] == "AMBER+STRICT"
    assert event.data["recipients"] == [cast.b.handle, cast.c.handle]
    assert event.data["size"] == view.size
    acts = {act.act for act in ready.client(cast.a.lead).evidence(request.id)}
    assert not acts & {"seal_evidence", "share_evidence"}
    [own] = [
        act
        for act in signer.get(cast.b.lead, "/v1/acts?of=organisation").get_json()["items"]
        if act["kind"] == "seal_evidence"
    ]
    assert own["about"] == view.id
    assert own["leaf_index"] == event.data["log"]["leaf_index"]


def test_it_is_sealed_again_by_whoever_may_pass_it_on(
    ready: Desks, cast: Cast, signer: Signer
) -> None:
    request = went_out(signer, cast)
    kept = sealed(ready, cast.a.lead, request, cast.b.handle)
    with pytest.raises(ConflictError, match="TLP:AMBER"):
        ready.files(cast.b.lead).share(request, kept.id, to=[cast.c.handle])
    shared = ready.files(cast.a.lead).share(request, kept.id, to=[cast.c.handle])
    assert opened(ready, cast.c.lead, request, shared) == CONTENT
    free = sealed(ready, cast.a.lead, request, cast.b.handle, tlp=Tlp.GREEN)
    passed_on = ready.files(cast.b.lead).share(request, free.id, to=[cast.c.handle])
    assert [each.partner for each in passed_on.recipients] == [
        cast.a.handle,
        cast.b.handle,
        cast.c.handle,
    ]
    assert opened(ready, cast.c.lead, request, passed_on) == CONTENT
    [*_, told] = ready.client(cast.a.lead).events(0, types=["evidence.sealed"]).events
    assert (told.data["by"], told.data["added"]) == (cast.b.lead.subject, [cast.c.handle])
    with pytest.raises(ValidationError) as twice:
        ready.files(cast.a.lead).share(request, free.id, to=[cast.c.handle])
    assert twice.value.errors[0].code == "known_recipient"


def test_whoever_cannot_open_it_cannot_seal_it_again(
    ready: Desks, cast: Cast, signer: Signer
) -> None:
    request = went_out(signer, cast)
    view = sealed(ready, cast.a.lead, request, cast.b.handle, tlp=Tlp.GREEN)
    key = ready.store.decryption_kids(ready.client(cast.c.lead).profile.name)[0]
    wrapped = WrappedKey(partner=cast.c.handle, kid=key, wrapped="A" * 107)
    body = SealedEvidenceShare(
        content_sha256=request.content_sha256, sha256=view.sha256, keys=[wrapped]
    )
    with pytest.raises(NotFoundError):
        ready.client(cast.c.lead).share_sealed_evidence(request.id, view.id, body)
    with pytest.raises(PermissionDeniedError):
        ready.client(cast.b.analyst).share_sealed_evidence(request.id, view.id, body)
    # The author of a file that its own organisation cannot open has nothing to seal again.
    act = _body(ready.client(cast.a.lead), request, to=[(cast.b.handle, _kid(ready, cast.b.lead))])
    blind = ready.client(cast.a.lead).seal_evidence(request.id, act)
    with pytest.raises(ConflictError) as refused:
        ready.client(cast.a.lead).share_sealed_evidence(
            request.id,
            blind.id,
            body.model_copy(update={"sha256": blind.sha256}),
        )
    assert refused.value.code == "cannot_open"


def test_a_key_that_is_replaced_still_opens_what_was_sealed_to_it(
    ready: Desks, cast: Cast, signer: Signer
) -> None:
    request = went_out(signer, cast)
    before = sealed(ready, cast.a.lead, request, cast.b.handle)
    old = _kid(ready, cast.b.lead)
    ready.publish(cast.b.lead)
    after = sealed(ready, cast.a.lead, request, cast.b.handle)
    kids = [
        recipient.kid
        for view in (before, after)
        for recipient in view.recipients
        if recipient.partner == cast.b.handle
    ]
    assert kids[0] == old != kids[1]
    for view in (before, after):
        assert opened(ready, cast.b.lead, request, view) == CONTENT
    with pytest.raises(ProfileError, match="import"):
        ready.files(cast.b.compliance).open(request, before.id)
    ready.store.copy_decryption_keys(
        ready.client(cast.b.lead).profile.name, ready.client(cast.b.compliance).profile.name
    )
    assert opened(ready, cast.b.compliance, request, before) == CONTENT
    listed = list(ready.client(cast.a.lead).encryption_keys(cast.b.handle))
    assert {view.kid for view in listed if view.replaced_at is not None} == {old}


def test_who_seals_hears_whose_key_is_missing_before_anything_is_sent(
    desks: Desks, cast: Cast, signer: Signer, database: Database
) -> None:
    request = went_out(signer, cast)
    with pytest.raises(NoEncryptionKeyError, match="of yours"):
        sealed(desks, cast.a.lead, request, cast.b.handle)
    desks.publish(cast.a.lead)
    with pytest.raises(NoEncryptionKeyError, match=r"exchange-b.*encryption-key new"):
        sealed(desks, cast.a.lead, request, cast.b.handle)
    with database.engine.connect() as connection:
        assert list(connection.scalars(select(SealedPartRow.id))) == []


def _kid(desks: Desks, lead: Any) -> str:
    """Return the newest key of a lead's organisation."""
    [kid] = [
        view.kid
        for view in desks.client(lead).encryption_keys(lead.handle)
        if view.replaced_at is None
    ]
    return kid


def _body(client: Client, request: Any, *, to: Any, **changes: Any) -> SealedEvidence:
    """Send a part that is no ciphertext; return an act that names it."""
    part = urandom(64)
    view = client.send_sealed_part(request, part)
    members = {
        "content_sha256": request.content_sha256,
        "tlp": "AMBER+STRICT",
        "size": len(part),
        "sha256": view.sha256,
        "parts": [view.sha256],
        "keys": [{"partner": p, "kid": kid, "wrapped": "A" * 107} for p, kid in to],
    }
    return SealedEvidence.model_validate({**members, **changes})


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"size": 63}, "/size other_size"),
        ({"parts": ["0" * 64]}, "/parts/0 part_missing"),
        ({"tlp": "AMBER"}, "/tlp tlp_lowered"),
        ({"size": 2**24 + 1}, "evidence_too_large"),
    ],
)
def test_an_act_that_does_not_fit_is_refused_and_stores_nothing(
    ready: Desks, cast: Cast, signer: Signer, changes: dict[str, Any], refusal: str
) -> None:
    request = went_out(signer, cast)
    client = ready.client(cast.b.lead)
    body = _body(client, request, to=[(cast.c.handle, _kid(ready, cast.c.lead))], **changes)
    with pytest.raises(ApiError) as refused:
        client.seal_evidence(request.id, body)
    faults = [f"{fault.pointer} {fault.code}" for fault in refused.value.errors]
    assert (faults or [refused.value.code]) == [refusal]
    assert list(client.sealed_evidence(request.id)) == []


@ON_SQLITE
@pytest.mark.parametrize("wrong", ["stranger", "no_key", "old_key", "oneself", "twice"])
def test_recipients_are_parties_with_the_key_that_they_have_now(
    ready: Desks, cast: Cast, signer: Signer, wrong: str
) -> None:
    request = went_out(signer, cast, to=[cast.b.handle, cast.c.handle])
    old = _kid(ready, cast.c.lead)
    ready.publish(cast.c.lead)
    own, fresh = (
        (cast.b.handle, _kid(ready, cast.b.lead)),
        (cast.c.handle, _kid(ready, cast.c.lead)),
    )
    ready.publish(cast.d.lead)
    to, code = {
        "stranger": ([own, (cast.d.handle, _kid(ready, cast.d.lead))], "no_party"),
        "no_key": ([own, ("exchange-x.example", old)], "no_party"),
        "old_key": ([own, (cast.c.handle, old)], "other_encryption_key"),
        "oneself": ([own], "no_recipient"),
        "twice": ([fresh, fresh], "value_error"),
    }[wrong]
    client = ready.client(cast.b.lead)
    part = client.send_sealed_part(request, urandom(64))
    body = {
        "content_sha256": request.content_sha256,
        "tlp": "AMBER+STRICT",
        "size": 64,
        "sha256": part.sha256,
        "parts": [part.sha256],
        "keys": [{"partner": p, "kid": kid, "wrapped": "A" * 107} for p, kid in to],
    }
    answer = signer.post(cast.b.lead, f"/v1/freeze-requests/{request.id}/sealed-evidence", body)
    assert answer.status_code == 422
    assert [error["code"] for error in answer.get_json()["errors"]] == [code]


def test_a_request_that_did_not_go_out_takes_none_and_one_that_is_over_does(
    ready: Desks, cast: Cast, signer: Signer
) -> None:
    submitted = submit(signer, cast)
    waiting = Document(submitted["id"], submitted["content_sha256"])
    with pytest.raises(ConflictError) as refused:
        ready.client(cast.a.lead).send_sealed_part(waiting, urandom(64))
    assert refused.value.code == "invalid_transition"
    with pytest.raises(NotFoundError):
        ready.client(cast.b.lead).send_sealed_part(waiting, urandom(64))
    request = went_out(signer, cast)
    lead = ready.client(cast.a.lead)
    lead.withdraw(request, "It is another's.", reason_code=WithdrawalReason.WRONG_TARGET)
    view = sealed(ready, cast.a.lead, request, cast.b.handle)
    assert opened(ready, cast.b.lead, request, view) == CONTENT


def test_each_partner_has_its_own_limits(
    ready: Desks, cast: Cast, signer: Signer, app: Flask
) -> None:
    context = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(context, seal_limits=SealLimits(file_bytes=200, files=1))
    request = went_out(signer, cast)
    sealed(ready, cast.a.lead, request, cast.b.handle)
    with pytest.raises(ConflictError) as refused:
        sealed(ready, cast.a.lead, request, cast.b.handle)
    assert refused.value.code == "too_many_files"
    sealed(ready, cast.b.lead, request, cast.a.handle)
    with pytest.raises(ValidationError) as too_large:
        sealed(ready, cast.c.lead, request, cast.a.handle, content=urandom(201))
    assert too_large.value.code == "evidence_too_large"
    with pytest.raises(ConflictError) as waiting:
        ready.client(cast.c.lead).send_sealed_part(request, urandom(700))
    assert waiting.value.code == "parts_waiting"


def test_a_part_is_kept_once_and_thrown_away_where_no_act_names_it(
    ready: Desks, cast: Cast, signer: Signer, database: Database, clock: SteppedClock
) -> None:
    request = went_out(signer, cast)
    named = sealed(ready, cast.a.lead, request, cast.b.handle)
    client, part = ready.client(cast.a.lead), urandom(64)
    assert client.send_sealed_part(request, part) == client.send_sealed_part(request, part)
    with database.engine.connect() as connection:
        assert len(list(connection.scalars(select(SealedPartRow.id)))) == 2
    for hours, left in ((23, 2), (2, 1)):
        clock.step(timedelta(hours=hours))
        _sweep(database, clock)
        with database.engine.connect() as connection:
            assert len(list(connection.scalars(select(SealedPartRow.id)))) == left
            documents = select(DocumentRow.owner_id).where(DocumentRow.name == store.PART)
            assert len(list(connection.scalars(documents))) == left
    assert opened(ready, cast.b.lead, request, named) == CONTENT


def test_a_part_that_an_act_names_while_old_ones_are_thrown_away_stays(
    ready: Desks, cast: Cast, signer: Signer, database: Database, clock: SteppedClock
) -> None:
    if database.is_sqlite:
        pytest.skip("one writer at a time")
    request = went_out(signer, cast)
    client, part = ready.client(cast.a.lead), urandom(64)
    digest = client.send_sealed_part(request, part).sha256
    clock.step(timedelta(hours=25))
    with database.writing() as naming, ThreadPoolExecutor(1) as other, naming.begin() as act:
        parts = store.parts_by_hash(naming, request.id, cast.a.handle, [digest])
        store.name_parts(naming, "sev_named", parts.values())
        sweep = other.submit(_sweep, database, clock)
        wait([sweep], timeout=2)  # where it does not pass over the part, it waits for it
        act.commit()
        sweep.result()
    with database.engine.connect() as connection:
        documents = select(DocumentRow.owner_id).where(DocumentRow.name == store.PART)
        assert len(list(connection.scalars(select(SealedPartRow.id)))) == 1
        assert len(list(connection.scalars(documents))) == 1


def test_an_act_that_names_a_part_which_is_being_thrown_away_is_refused(
    ready: Desks, cast: Cast, signer: Signer, database: Database, clock: SteppedClock
) -> None:
    if database.is_sqlite:
        pytest.skip("one writer at a time")
    request = went_out(signer, cast)
    client = ready.client(cast.a.lead)
    body = _body(client, request, to=[(cast.b.handle, _kid(ready, cast.b.lead))])
    with database.writing() as sweeping, ThreadPoolExecutor(1) as other, sweeping.begin() as sweep:
        assert store.forget_waiting(sweeping, clock.now() + store.WAITING_KEPT) == 1
        act = other.submit(client.seal_evidence, request.id, body)
        wait([act], timeout=2)
        sweep.commit()
        with pytest.raises(ConflictError) as caught:
            act.result()
    assert caught.value.code == "part_missing"


def test_erasing_a_request_erases_what_was_sealed_on_it(
    ready: Desks, cast: Cast, signer: Signer, database: Database, clock: SteppedClock
) -> None:
    request = went_out(signer, cast)
    view = sealed(ready, cast.a.lead, request, cast.b.handle)
    lead = ready.client(cast.a.lead)
    lead.close(request)
    propose = ProposeErasure(request_id=request.id, reason=ErasureReason.OTHER)
    operate(database, KEYS.vault, clock, propose)
    body = {"content_sha256": request.content_sha256, "reason": "other"}
    erased = signer.post(cast.a.lead, f"/v1/freeze-requests/{request.id}/erasure", body)
    assert erased.status_code == 201, erased.data
    for member in (cast.a.lead, cast.b.lead):
        with pytest.raises(ErasedError):
            ready.client(member).one_sealed_evidence(request.id, view.id)
    with database.engine.connect() as connection:
        act_ids = {act.act_id for act in view.acts} | {each.act_id for each in view.recipients}
        owners = [*connection.scalars(select(SealedPartRow.id)), *act_ids]
        left = select(DocumentRow.owner_id).where(DocumentRow.owner_id.in_(owners))
        assert list(connection.scalars(left)) == []


def _sweep(database: Database, clock: SteppedClock) -> None:
    context = WorkerContext(
        origin=ORIGIN,
        database=database,
        vault=KEYS.vault,
        clock=clock,
        rulebook=RULEBOOK,
        log_signer=LOG_SIGNER,
        webhook_keys=(),
    )
    TimerRun(context, on_commit=lambda: None, timers=()).run_due()


class _Lying(Client):
    """A client whose coordinator answers otherwise."""

    change: Any = staticmethod(lambda view: view)
    part: Any = staticmethod(lambda part, _number: part)

    def one_sealed_evidence(self, request_id: str, sealed_evidence_id: str) -> SealedEvidenceView:
        changed: SealedEvidenceView = self.change(
            super().one_sealed_evidence(request_id, sealed_evidence_id)
        )
        return changed

    def sealed_part(self, request_id: str, sealed_evidence_id: str, number: int) -> bytes:
        changed: bytes = self.part(
            super().sealed_part(request_id, sealed_evidence_id, number), number
        )
        return changed


def _lied_to(desks: Desks, member: Any, **lies: Any) -> Any:
    files = desks.files(member)
    files.client.__class__ = _Lying
    for name, lie in lies.items():
        setattr(files.client, name, lie)
    return files


def _act(view: SealedEvidenceView, number: int = 0, **changes: Any) -> SealedEvidenceView:
    acts = list(view.acts)
    acts[number] = acts[number].model_copy(update=changes)
    return view.model_copy(update={"acts": acts})


@ON_SQLITE
def test_whatever_the_coordinator_alters_is_found_before_anything_counts(
    ready: Desks, cast: Cast, signer: Signer
) -> None:
    request = went_out(signer, cast)
    other = went_out(signer, cast)
    content = urandom(PART_BYTES + 9)
    view = sealed(ready, cast.a.lead, request, cast.b.handle, content=content)
    elsewhere = sealed(ready, cast.a.lead, other, cast.b.handle)
    same_request = sealed(ready, cast.a.lead, request, cast.b.handle)
    client = ready.client(cast.b.lead)
    foreign, second = (
        client.one_sealed_evidence(other.id, elsewhere.id),
        client.one_sealed_evidence(request.id, same_request.id),
    )
    body = client.one_sealed_evidence(request.id, view.id).acts[0].body or ""
    lies: list[dict[str, Any]] = [
        {"change": lambda view: _act(view, body=body.replace('"size":', '"size": ', 1))},
        {"change": lambda view: _act(view, token=foreign.acts[0].token)},
        {"change": lambda view: view.model_copy(update={"acts": foreign.acts})},
        {"change": lambda view: view.model_copy(update={"acts": second.acts})},
        {"change": lambda view: view.model_copy(update={"acts": []})},
        {"change": lambda view: view.model_copy(update={"acts": [*view.acts, *view.acts]})},
        {"change": lambda view: view.model_copy(update={"partner": cast.c.handle})},
        {"change": lambda view: view.model_copy(update={"tlp": Tlp.CLEAR})},
        {"change": lambda view: view.model_copy(update={"size": 1})},
        {"change": lambda view: view.model_copy(update={"recipients": []})},
        {"part": lambda part, _: part[:-1] + bytes([part[-1] ^ 1])},
        {"part": lambda part, number: part[: 64 * (1 - number)] or part},
        {"part": lambda part, number: part if number == 0 else b""},
    ]
    for lie in lies:
        files = _lied_to(ready, cast.b.lead, **lie)
        with pytest.raises(UntrustedEvidenceError):
            b"".join(files.open(request, view.id).content)
    assert opened(ready, cast.b.lead, request, view) == content


@ON_SQLITE
def test_a_key_that_no_lead_of_the_partner_signed_is_not_sealed_to(
    ready: Desks, cast: Cast, signer: Signer, clock: SteppedClock
) -> None:
    request = went_out(signer, cast)
    planted = DecryptionKey.generate().public
    old = _kid(ready, cast.b.lead)
    ready.publish(cast.b.lead)
    files = ready.files(cast.a.lead)
    honest = {
        handle: list(files.client.encryption_keys(handle))
        for handle in (cast.a.handle, cast.b.handle, cast.c.handle)
    }
    [b_key] = [view for view in honest[cast.b.handle] if view.replaced_at is None]
    [replaced] = [view for view in honest[cast.b.handle] if view.kid == old]
    [c_key] = honest[cast.c.handle]

    def signed(member: Member, path: str = "/v1/encryption-keys") -> EncryptionKeyView:
        body = canonical_json.dumps({"jwk": planted.jwk(), "replaces": b_key.kid})
        token = request_token(member, "POST", path, body, clock)
        changes = {"kid": planted.kid, "jwk": planted.jwk(), "token": token, "body": body.decode()}
        return b_key.model_copy(update=changes)

    for shown in (
        [b_key.model_copy(update={"kid": planted.kid, "jwk": planted.jwk()})],
        [b_key.model_copy(update={"body": (b_key.body or "") + " "})],
        [signed(cast.b.analyst)],
        [signed(cast.b.system)],
        [signed(cast.a.lead)],
        [signed(cast.b.lead, "/v1/grants")],
        [c_key.model_copy(update={"partner": cast.b.handle})],
        [
            b_key.model_copy(update={"replaced_at": None}),
            c_key.model_copy(update={"partner": cast.b.handle}),
        ],
        # The coordinator shows what was replaced as the key in force, beside what replaced it.
        [
            replaced.model_copy(update={"replaced_at": None}),
            b_key.model_copy(update={"replaced_at": replaced.replaced_at}),
        ],
    ):

        def keys(partner: str, shown: Any = shown) -> Any:
            return iter(shown if partner == cast.b.handle else honest[partner])

        files.client.encryption_keys = keys  # type: ignore[method-assign,assignment]
        with pytest.raises(UntrustedEvidenceError):
            files.seal(request, [CONTENT], HEADER, to=[cast.b.handle], tlp=Tlp.RED)


@ON_SQLITE
def test_a_point_that_gives_everybody_one_secret_is_no_key(signer: Signer, cast: Cast) -> None:
    body = {"jwk": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}, "replaces": None}
    answer = signer.post(cast.a.lead, "/v1/encryption-keys", body)
    assert answer.status_code == 422
    assert [error["code"] for error in answer.get_json()["errors"]] == ["bad_key"]
    private = {**body, "jwk": {"kty": "OKP", "crv": "X25519", "x": "CQ" + "A" * 41, "d": "A" * 43}}
    burnt = signer.post(cast.a.lead, "/v1/encryption-keys", private)
    assert burnt.status_code == 422
    assert "burnt" in burnt.text


def test_two_leads_do_not_replace_the_same_key(signer: Signer, cast: Cast) -> None:
    keys = [DecryptionKey.generate().public for _ in range(3)]

    def publish(who: Any, number: int, replaces: str | None) -> Any:
        body = {"jwk": keys[number].jwk(), "replaces": replaces}
        return signer.post(who, "/v1/encryption-keys", body)

    assert publish(cast.a.analyst, 0, None).status_code == 403
    assert publish(cast.a.lead, 0, None).status_code == 201
    assert publish(cast.a.second_lead, 1, None).get_json()["code"] == "other_key"
    assert publish(cast.a.second_lead, 1, keys[0].kid).status_code == 201
    assert publish(cast.a.lead, 2, keys[0].kid).get_json()["code"] == "other_key"
    assert publish(cast.b.lead, 0, None).get_json()["code"] == "known_key"
    told = signer.get(cast.c.analyst, "/v1/events?types=partner.encryption_key_set").get_json()
    assert [event["data"]["kid"] for event in told["events"]] == [key.kid for key in keys[:2]]
