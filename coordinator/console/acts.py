"""An act, from what a page wants to its signature: prepare, show, sign, carry out.

A page says which call of the API it wants made. The call is validated, and tried out in a
transaction that is not committed, so that nobody touches a passkey for what would be refused. Then
the exact bytes are kept, shown, and signed: the passkey's challenge is the hash of the act over
them (design section 3). What comes back goes through the API's own pipeline.
"""

import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Response, current_app, redirect
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api.pipeline import SignedAct, carry_out, prepare
from coordinator.api.routes import ROUTES
from coordinator.api.transaction import rehearse
from coordinator.api.view import CommandView
from coordinator.console import render
from coordinator.console.assertions import Assertion
from coordinator.console.context import console
from coordinator.console.visit import Visit
from coordinator.domain.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.services.core.unit_of_work import Answer
from coordinator.storage.console import drafts as draft_store
from coordinator.storage.console import passkeys as passkey_store
from coordinator.storage.console import prepared_acts as store
from coordinator.storage.console.prepared_acts import PreparedAct
from coordinator.storage.engine.documents import DocumentKey, load_keys, load_one
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.tail import idempotency
from holdfast.protocol import base64url, canonical_json, passkey_token, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.passkey_signature import pack_signature
from holdfast.protocol.request_token import RequestToken, body_sha256, verify_request_evidence
from holdfast.protocol.type_ids import new_id

#: Bytes of a body that the sign page shows; what is larger was shown page by page before.
_MOST_SHOWN = 50_000
_VIEWS = {f"{route.method} {route.path}": route.view for route in ROUTES}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAct:
    """What a page wants done.

    Attributes:
        method: Of the API's call.
        path: Of the API's call.
        body: Its body.
        sentence: What the person is about to do, as a sentence.
        button: The same on a button: "Ratify 50".
        back: The page to go back to.
        then: The page to go on to.
        facts: What else the sign page shows, as (name, value).
        digits: First and last eight hex digits that a second device shows, too; None: those of
            the act's hash.
        command: What has the second device show them.
        draft: The draft that the act submits; it then says what it became.
    """

    path: str
    body: dict[str, Any]
    sentence: str
    button: str
    back: str
    then: str
    method: str = "POST"
    facts: list[tuple[str, str]] = field(default_factory=list)
    digits: tuple[str, str] | None = None
    command: str = ""
    draft: str = ""


def ask_signature(visit: Visit, wanted: WantedAct) -> WsgiResponse:
    """Keep an act as it is to be signed, and lead to the page that shows it.

    Raises:
        CoordinatorError: As the API would refuse it; nothing is kept.
    """
    context = visit.reader.context
    raw = canonical_json.dumps(wanted.body)
    act = _act_to_be(visit, wanted)
    _try_out(visit, wanted, act, raw)
    shown = canonical_json.dumps(
        {
            "sentence": wanted.sentence,
            "button": wanted.button,
            "back": wanted.back,
            "then": wanted.then,
            "facts": [list(pair) for pair in wanted.facts],
            "digits": list(wanted.digits or ()),
            "command": wanted.command,
            "draft": wanted.draft,
            "drill": bool(visit.drills) or wanted.body.get("drill") is True,
        }
    )
    with context.database.transaction() as connection:
        key = partner_key(visit, connection)
        store.store(connection, act, key, body=raw, shown=shown)
    return redirect(f"/console/acts/{act.id}", HTTPStatus.SEE_OTHER)


def try_out(visit: Visit, wanted: WantedAct) -> Answer:
    """Return what the API would answer an act; nothing is done, and nothing kept.

    Raises:
        CoordinatorError: As the API would refuse it.
    """
    raw = canonical_json.dumps(wanted.body)
    return _try_out(visit, wanted, _act_to_be(visit, wanted), raw)


def partner_key(visit: Visit, connection: Connection) -> DocumentKey:
    """Return the key under which texts of the visitor's organisation are sealed.

    Raises:
        NotFoundError: If the organisation is gone.
    """
    partner = partner_store.partner(connection, visit.actor.partner)
    if partner is None:
        raise NotFoundError("there is no such partner")
    key_id = partner.document_key_id
    return load_keys(connection, visit.reader.vault, [key_id])[key_id]


def _act_to_be(visit: Visit, wanted: WantedAct) -> PreparedAct:
    now = visit.reader.context.clock.now()
    return PreparedAct(
        id=new_id("pra"),
        nonce=secrets.token_urlsafe(16),
        session=_session_number(visit),
        partner=visit.actor.partner,
        person=visit.actor.subject,
        method=wanted.method,
        path=wanted.path,
        prepared_at=now,
        ends_at=now + console().sign_within,
        carried_out_at=None,
    )


def _try_out(visit: Visit, wanted: WantedAct, act: PreparedAct, raw: bytes) -> Answer:
    context = visit.reader.context
    view, names = _served(wanted.method, wanted.path)
    token = _token_to_be(visit, act, raw)
    command = prepare(context, view, names, token=token, raw=raw)
    visit.reader.connection.rollback()  # SQLite lets a reader that goes on to write starve
    return rehearse(context, token, raw, command, while_suspended=view.while_suspended)


def show(visit: Visit, act_id: str) -> Response:
    """Show exactly what is signed, and ask for the passkey."""
    act = _find(visit, act_id)
    return _sign_page(visit, act)


def sign(visit: Visit, act_id: str) -> Response | WsgiResponse:
    """Carry out what the passkey signed, and go on; or say why it was refused."""
    context = visit.reader.context
    act = _find(visit, act_id)
    if act.carried_out_at is not None:
        return _sign_page(visit, act)
    if context.clock.now() >= act.ends_at:
        raise ConflictError(
            "it waited too long for its signature: go back and press the button again",
            code="act_ended",
        )
    raw, shown = _documents(visit, act)
    proof, token, sign_count = _verified(visit, act, raw)
    view, names = _served(act.method, act.path)
    visit.reader.connection.rollback()
    signed = SignedAct(token, proof, raw, act.id)
    answer = carry_out(context, view, names, signed)
    with context.database.transaction() as connection:
        passkey_store.used(connection, token.kid, sign_count, context.clock.now())
        store.mark_carried_out(connection, act.id, context.clock.now())
        made = answer.headers.get("Location", "").rpartition("/")[2]
        if made and shown.get("draft"):
            draft_store.mark_submitted(connection, shown["draft"], made)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        problem = strict_json.loads(answer.get_data())
        return render.page(
            "act_refused.html",
            visit,
            status=answer.status_code,
            shown=shown,
            problem=problem,
        )
    visit.session["done"] = act.id
    return redirect(shown["then"], HTTPStatus.SEE_OTHER)


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was just carried out.

    Attributes:
        path: Of the API's call.
        sentence: What the person read before they signed.
        answer: What the API answered; it may hold a secret that is shown nowhere else.
    """

    path: str
    sentence: str
    answer: dict[str, Any] = field(repr=False)


def just_done(visit: Visit) -> Done | None:
    """Return what was just carried out, once, for the page that follows it.

    The answer is read from where the API keeps it, sealed, for the retries of the act: nothing is
    stored of it a second time, and the session holds the act's id alone.
    """
    act_id = visit.session.pop("done", "")
    if not act_id:
        return None
    connection, vault, actor = visit.reader.connection, visit.reader.vault, visit.actor
    act = store.find(connection, act_id, session=_session_number(visit))
    shown = load_one(connection, vault, act_id, store.SHOWN)
    if act is None or act.person != actor.subject or shown is None:
        return None
    kept = idempotency.answer_to(
        connection, partner=actor.partner, subject=actor.subject, key=act_id
    )
    content = None if kept is None else load_one(connection, vault, kept.id, "answer")
    answer = strict_json.loads(content) if content else {}
    return Done(act.path, str(strict_json.loads(shown)["sentence"]), answer)


def done_words(visit: Visit) -> str | None:
    """Return what was just carried out in words, once, for the page that follows it."""
    done = just_done(visit)
    return None if done is None else done.sentence


def _sign_page(visit: Visit, act: PreparedAct) -> Response:
    raw, shown = _documents(visit, act)
    base = _base_document(visit, act, raw)
    challenge = passkey_token.challenge_of(base, raw)
    shown["digits"] = shown["digits"] or [challenge.hex()[:8], challenge.hex()[-8:]]
    passkeys = passkey_store.good(visit.reader.connection, visit.actor.subject)
    return render.page(
        "sign.html",
        visit,
        act=act,
        shown=shown,
        drill=shown.get("drill", False),
        body=raw[:_MOST_SHOWN].decode(errors="ignore"),
        body_rest=max(0, len(raw) - _MOST_SHOWN),
        body_sha256=body_sha256(raw),
        passkeys=passkeys,
        options=canonical_json.dumps(
            {
                "challenge": base64url.encode(challenge),
                "rpId": console().rp_id,
                "userVerification": "required",
                "allowCredentials": [
                    {"type": "public-key", "id": each.credential_id, "transports": each.transports}
                    for each in passkeys
                ],
            }
        ).decode(),
        act_text=passkey_token.act_document(base, raw).decode(),
    )


def _verified(visit: Visit, act: PreparedAct, raw: bytes) -> tuple[str, RequestToken, int]:
    """Return the passkey's token over an act, what it says, and the authenticator's counter.

    Raises:
        PermissionDeniedError: If no good passkey of this person signed just this.
    """
    assertion = Assertion.of(visit.form)
    passkey = passkey_store.good_by_credential(visit.reader.connection, assertion.credential_id)
    context = visit.reader.context
    found = None if passkey is None else context.key_ring.find(context.database, passkey.kid)
    if passkey is None or found is None or passkey.person != act.person:
        raise PermissionDeniedError(
            "this passkey gives you no right here: use one that your organisation granted",
            code="passkey_unknown",
        )
    owner, key = found
    try:
        proof = pack_signature(passkey.kid, assertion.over(_base_document(visit, act, raw)))
        token = verify_request_evidence(proof, raw, key=key, aud=context.origin)
    except ProtocolError as error:
        raise PermissionDeniedError(
            "the passkey signed something else: open the page again and repeat it",
            code="passkey_refused",
        ) from error
    if (token.iss, token.sub) != (owner.partner, owner.subject):
        raise AuthenticationError("the act names somebody else than its key", code="sub_mismatch")
    return proof, token, assertion.count(passkey)


def _base_document(visit: Visit, act: PreparedAct, raw: bytes) -> bytes:
    return passkey_token.base_document(
        aud=visit.reader.context.origin,
        method=act.method,
        path=act.path,
        body=raw,
        partner=act.partner,
        person=act.person,
        nonce=act.nonce,
        iat=int(act.prepared_at.timestamp()),
        exp=int(act.ends_at.timestamp()),
    )


def _token_to_be(visit: Visit, act: PreparedAct, raw: bytes) -> RequestToken:
    """Return what the act's token will say, but for the key, which the person chooses later."""
    origin = visit.reader.context.origin
    return RequestToken(
        kid=visit.actor.kid or _own_passkey(visit),
        alg="ES256",
        iss=act.partner,
        sub=act.person,
        aud=origin,
        iat=int(act.prepared_at.timestamp()),
        exp=int(act.ends_at.timestamp()),
        jti=act.nonce,
        htm=act.method,
        htu=origin + act.path,
        body_sha256=body_sha256(raw),
    )


def _own_passkey(visit: Visit) -> str:
    """Return a passkey of somebody who came in without a key, for trying an act out.

    Raises:
        PermissionDeniedError: If they have none: they could sign nothing.
    """
    passkeys = passkey_store.good(visit.reader.connection, visit.actor.subject)
    if not passkeys:
        raise PermissionDeniedError(
            "you are signed in through your organisation, to read. What you do is signed with a"
            " passkey, and you have none that counts: make one under “Passkeys”, and have it"
            " granted",
            code="passkey_needed",
        )
    return passkeys[0].kid


def _served(method: str, path: str) -> tuple[CommandView, dict[str, str]]:
    """Return the view of the API that serves a call, and the names in its path."""
    try:
        endpoint, names = current_app.url_map.bind("console.invalid").match(path, method)
    except HTTPException:
        raise NotFoundError("the API has no such call") from None
    view = _VIEWS.get(endpoint)
    if not isinstance(view, CommandView):
        raise NotFoundError("the API has no such command")
    return view, dict(names)


def _find(visit: Visit, act_id: str) -> PreparedAct:
    act = store.find(visit.reader.connection, act_id, session=_session_number(visit))
    if act is None or act.person != visit.actor.subject:
        raise NotFoundError("this act was not prepared in this browser, or its time is over")
    return act


def _documents(visit: Visit, act: PreparedAct) -> tuple[bytes, dict[str, Any]]:
    connection, vault = visit.reader.connection, visit.reader.vault
    raw = load_one(connection, vault, act.id, store.BODY)
    shown = load_one(connection, vault, act.id, store.SHOWN)
    if raw is None or shown is None:
        raise NotFoundError("what this act said was erased; prepare it again")
    return raw, strict_json.loads(shown)


def _session_number(visit: Visit) -> str:
    stored = visit.session.stored
    if stored is None:
        raise AuthenticationError("nobody is signed in", code="signed_out")
    return stored.number
