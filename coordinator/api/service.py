"""What anybody may ask: what this coordinator is, its public key, and whether it is well."""

from typing import Any

from flask import Response
from sqlalchemy.exc import SQLAlchemyError

from coordinator.api.context import AppContext, current_context
from coordinator.api.view import public_view
from coordinator.domain.errors import UnavailableError
from coordinator.domain.read_only import read_only_error
from coordinator.storage.tail import restored
from coordinator.transparency_log.signer import SignerError
from holdfast.protocol import canonical_json, views
from holdfast.protocol.checkpoint import LOG_PATH
from holdfast.protocol.payloads import format_time
from holdfast.protocol.request_token import DEFAULT_SKEW, MAX_LIFETIME
from holdfast.protocol.signed_note import NoteVerifier

VERSION = "1"
_MAX_AGE_SECONDS = 300


class JwksView(views.View):
    """The coordinator's public keys, RFC 7517."""

    keys: list[dict[str, Any]]


class HealthView(views.View):
    """Whether this process is well."""

    status: str


def _json(value: Any, *, max_age: int = 0) -> Response:
    response = Response(canonical_json.dumps(value), content_type="application/json")
    response.headers["Cache-Control"] = f"public, max-age={max_age}" if max_age else "no-store"
    return response


@public_view(answer=views.ServiceView)
def about() -> Response:
    """What this coordinator is.

    Its clock, too: `time`.
    """
    context = current_context()
    return _json(
        {
            "name": "Holdfast",
            "version": VERSION,
            "origin": context.origin,
            "time": format_time(context.clock.now()),
            "max_token_seconds": MAX_LIFETIME,
            "skew_seconds": DEFAULT_SKEW,
            "docs": f"{context.origin}/docs",
            "log": _log(context),
            "document_certificate_sha256": context.document_key.fingerprint,
        }
    )


def _log(context: AppContext) -> dict[str, str]:
    verifier = log_verifier(context)
    return {
        "url": context.origin + LOG_PATH,
        "origin": verifier.name,
        "verifier_key": str(verifier),
    }


def log_verifier(context: AppContext) -> NoteVerifier:
    """Return the key of the log.

    Raises:
        UnavailableError: If the process that signs the log does not answer.
    """
    try:
        return context.log_signer.verifier
    except SignerError as error:
        raise UnavailableError("the log's signer does not answer", why=str(error)) from None


@public_view(answer=JwksView)
def jwks() -> Response:
    """The keys that the coordinator signs with.

    For the `v1a` signature of every webhook, and for clearances. While a key is being replaced,
    webhooks are signed with the old one, too; clearances that it signed verify for good.
    """
    entries = [
        {**key.jwk(), "kid": key.kid, "use": "sig", "alg": key.alg}
        for key in current_context().published_keys
    ]
    return _json({"keys": entries}, max_age=_MAX_AGE_SECONDS)


@public_view(answer=HealthView)
def healthz() -> Response:
    """Whether this process answers at all."""
    return _json({"status": "ok"})


@public_view(answer=HealthView)
def readyz() -> Response:
    """Whether this process can serve.

    503 while the database is away or takes no changes, while the process that signs the log does
    not answer, and when this one is about to stop. While a restored database is not reconciled yet
    (`read_only`), reading is answered all the same.
    """
    context = current_context()
    if context.watcher.is_stopped:
        raise UnavailableError("this process is about to stop")
    try:
        with context.database.engine.connect() as connection:
            is_read_only = restored.since(connection) is not None
    except SQLAlchemyError:
        raise UnavailableError("the database does not answer, or is not migrated") from None
    for check in context.health_checks:
        fault = check()
        if fault is not None:
            raise UnavailableError(fault)
    if is_read_only:
        raise read_only_error()
    return _json({"status": "ready"})
