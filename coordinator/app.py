"""The only place where a web process is wired together."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Flask
from flask_migrate import Migrate  # type: ignore[import-untyped]  # ships no types

from coordinator.api import middleware, problems, routes
from coordinator.api.auth import KeyRing
from coordinator.api.content_cache import ContentCache
from coordinator.api.context import AppContext
from coordinator.api.metrics import count_unlogged_reads
from coordinator.api.outcomes import OutcomeWait
from coordinator.api.rate_limit import RateLimiter
from coordinator.config_files import config_path
from coordinator.console import routes as console_routes
from coordinator.console.context import ConsoleContext
from coordinator.console.openid_provider import OpenIdProviders, ProviderError
from coordinator.domain.clock import Clock
from coordinator.domain.errors import FieldFault, InvalidInputError
from coordinator.domain.service_wallets import NO_WALLETS, ServiceWallets
from coordinator.egress.address_guard import BlockedTargetError
from coordinator.egress.fetching import Fetcher
from coordinator.egress.name_resolution import CheckedResolver
from coordinator.egress.timestamping import TimestampAuthority
from coordinator.key_files import CoordinatorKeys, read_keys
from coordinator.rulebook_files import read_rulebook
from coordinator.services.requests.read_log import ReadLog
from coordinator.services.requests.sealed_evidence import SealLimits
from coordinator.settings import Settings, SettingsError, clock_of
from coordinator.storage import tables
from coordinator.storage.engine.base import db
from coordinator.storage.engine.database import Database, engine_arguments, prepare_engine
from coordinator.storage.engine.wakeup import Watcher, open_notifier
from coordinator.storage.engine.write_probe import WriteProbe
from coordinator.storage.schema import MIGRATIONS
from coordinator.storage.tail.cosignatures import MAX_WITNESS_KEY
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.errors import LogPolicyError, TimestampError
from holdfast.protocol.log_policy import LogPolicy, parse_policy
from holdfast.protocol.timestamp_token import read_authorities

_log = structlog.get_logger(__name__)

#: What a partner's name servers are given when it registers an endpoint.
_LOOKUP_TIMEOUT = timedelta(seconds=3)
#: Threads of a web process beside those for small requests: a large one, probes, long polls.
_OTHER_THREADS = 4
#: What one network address may ask of the console in a minute without being signed in.
_STRANGERS_PER_MINUTE = 60
#: What may be asked in a minute by one secret link of a claim.
_USES_OF_A_LINK_PER_MINUTE = 20
#: Until a worker takes up a test that somebody waits for.
_TEST_BEGINS_WITHIN = timedelta(seconds=2)
#: A year's public summary is made at most so often.
_SUMMARY_MAX_AGE = timedelta(hours=1)
if not tables.__all__:
    raise AssertionError("the metadata is empty without the tables")


def create_app(
    settings: Settings, *, clock: Clock | None = None, keys: CoordinatorKeys | None = None
) -> Flask:
    """Return the coordinator as a plain WSGI app; the database must be migrated.

    Args:
        settings: All of them; only this function hands values on.
        clock: For tests; else the host's clock, or the one that `clock_offset_file` moves.
        keys: For tests; else read from `settings.keys_dir`.

    Raises:
        KeyFileError: If a key file is missing, open to others or malformed.
    """
    keys = keys or read_keys(settings.keys_dir)
    app = Flask("coordinator.api", static_folder=None)
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    # A byte more than the largest body, so that our own check answers; this is the backstop.
    app.config["MAX_CONTENT_LENGTH"] = settings.document_limit_bytes + 1
    app.extensions["holdfast"] = wire(
        settings, _open(app, settings), keys=keys, clock=clock or clock_of(settings)
    )
    _register(app, is_https=settings.origin.startswith("https:"))
    console_routes.register(app, console_context(settings))
    return app


def console_context(settings: Settings) -> ConsoleContext:
    """Return what the console's pages work with."""
    return ConsoleContext(
        scope=settings.passkey_scope,
        strangers=RateLimiter(_STRANGERS_PER_MINUTE),
        claimants=RateLimiter(_USES_OF_A_LINK_PER_MINUTE),
        providers=openid_providers(settings),
    )


def wire(
    settings: Settings, database: Database, *, keys: CoordinatorKeys, clock: Clock
) -> AppContext:
    """Return what the routes work with, on a database that is open already."""
    rulebook = read_rulebook()
    policy, policy_text = read_log_policy(settings)
    notifier = open_notifier(database, settings.database_listen_url)
    watcher = Watcher(
        database, listen_url=settings.database_listen_url, poll=settings.poll_interval
    )
    log_signer = keys.log_signer(settings.origin, settings.log_signer_socket)
    probe = WriteProbe(database, clock, free_bytes=settings.document_limit_bytes)
    return AppContext(
        origin=settings.origin,
        is_sandbox=settings.sandbox,
        database=database,
        vault=keys.vault,
        clock=clock,
        rulebook=rulebook,
        log_signer=log_signer,
        log_policy=policy,
        log_policy_text=policy_text,
        passkey_scope=settings.passkey_scope,
        service_wallets=service_wallets(settings, rulebook.chains),
        signing_key=keys.webhook,
        published_keys=keys.published,
        document_key=keys.document_key(),
        timestamps=timestamp_authority(settings),
        read_log=ReadLog(database, clock, on_lost=count_unlogged_reads),
        wake=notifier.notify,
        check_endpoint=endpoint_check(settings),
        check_issuer=issuer_check(settings),
        sends_mail=bool(settings.mail_host),
        outcome_wait=OutcomeWait(
            settings.webhook_deadline + _TEST_BEGINS_WITHIN, settings.waiting_tests
        ),
        limiter=RateLimiter(settings.rate_per_minute // settings.web_processes),
        proxies=settings.proxies,
        key_ring=KeyRing(),
        yearly_summaries=ContentCache(_SUMMARY_MAX_AGE),
        watcher=watcher,
        body_limit_bytes=settings.body_limit_bytes,
        document_limit_bytes=settings.document_limit_bytes,
        seal_limits=SealLimits(settings.sealed_evidence_bytes, settings.sealed_evidence_files),
        page_size=settings.page_size,
        page_size_limit=settings.page_size_limit,
        health_checks=(probe.fault, log_signer.fault),
    )


def read_log_policy(settings: Settings) -> tuple[LogPolicy, bytes]:
    """Return which witnesses cosign the log, and the same as the operator wrote it.

    Raises:
        SettingsError: If there is no such file, or it is no policy of this log's witnesses.
    """
    path = settings.log_policy_file or config_path("log-policy")
    try:
        text = path.read_bytes()
        policy = parse_policy(text)
    except (OSError, LogPolicyError) as error:
        raise SettingsError(f"HOLDFAST_LOG_POLICY_FILE: {path}: {error}") from None
    if policy.has_logs:
        raise SettingsError(
            f"HOLDFAST_LOG_POLICY_FILE: {path}: take the log line out; the coordinator adds its own"
        )
    if any(len(str(each)) > MAX_WITNESS_KEY for each in policy.verifiers):
        raise SettingsError(
            f"HOLDFAST_LOG_POLICY_FILE: {path}: a witness's key has at most {MAX_WITNESS_KEY}"
            " characters with its name"
        )
    return policy, text if text.endswith(b"\n") else text + b"\n"


def service_wallets(settings: Settings, chains: Chains) -> ServiceWallets:
    """Return the operator's list of known service wallets; empty where none is configured.

    Raises:
        SettingsError: If the file, or a file of the folder, cannot be read at all.
    """
    place = settings.service_wallets_file
    if place is None:
        return NO_WALLETS
    files = sorted(place.glob("*.json")) if place.is_dir() else [place]
    texts, unreadable = [], []
    for file in files:
        try:
            texts.append((file.name, file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            unreadable.append(f"{file}: {error}")
    wallets = ServiceWallets.load(texts, chains)
    if unreadable:
        faults = "; ".join([*unreadable, *wallets.faults])
        raise SettingsError(f"HOLDFAST_SERVICE_WALLETS_FILE: {faults}")
    for fault in wallets.faults:
        _log.warning("service_wallet_unreadable", entry=fault)
    return wallets


def timestamp_authority(settings: Settings) -> TimestampAuthority | None:
    """Return the operator's timestamp authority; None where none is configured.

    Raises:
        SettingsError: If its certificates cannot be read.
    """
    place = settings.timestamp_authority_roots
    if place is None:
        return None
    try:
        roots = read_authorities(place.read_bytes())
    except (OSError, TimestampError) as error:
        raise SettingsError(f"HOLDFAST_TIMESTAMP_AUTHORITY_ROOTS: {place}: {error}") from None
    return TimestampAuthority(settings.timestamp_authority_url, roots)


def endpoint_check(settings: Settings) -> Callable[[str], None]:
    """Return the check of a new endpoint's URL, which resolves its host."""
    names = CheckedResolver(settings.endpoint_policy)

    def check(url: str) -> None:
        try:
            names.check_offered(url, within=_LOOKUP_TIMEOUT)
        except BlockedTargetError as error:
            fault = FieldFault("/url", error.message, error.code)
            raise InvalidInputError(error.message, code="url_refused", errors=[fault]) from None

    return check


def openid_providers(settings: Settings) -> OpenIdProviders:
    """Return what asks partners' OpenID providers."""
    return OpenIdProviders(Fetcher(settings.endpoint_policy))


def issuer_check(settings: Settings) -> Callable[[str], None]:
    """Return the check of a provider that a partner names, which asks it what it is."""
    providers = openid_providers(settings)

    def check(issuer: str) -> None:
        try:
            providers.check(issuer)
        except ProviderError as error:
            fault = FieldFault("/issuer", error.message, error.code)
            raise InvalidInputError(error.message, code="issuer_refused", errors=[fault]) from None

    return check


def _open(app: Flask, settings: Settings) -> Database:
    url, arguments = engine_arguments(
        settings.resolved_database_url, pool_size=settings.web_threads + _OTHER_THREADS
    )
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = arguments
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS))
    with app.app_context():
        return prepare_engine(db.engine)


def _register(app: Flask, *, is_https: bool) -> None:
    routes.register(app)
    problems.register(app)
    middleware.register(app, is_https=is_https)
