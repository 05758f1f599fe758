"""One worker process: sends webhooks, fires timers."""

import resource
import threading
from typing import cast

from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.worker import Worker, WorkerSettings
from coordinator.egress.mail import MailServer, MailTls
from coordinator.key_files import KeyFileError, read_keys, read_login
from coordinator.operations.preparation import open_settings_database
from coordinator.rulebook_files import read_rulebook
from coordinator.settings import Settings, SettingsError, clock_of

#: The pump, the aftercare, the pager, guests, the watcher's slow poll, and one to spare.
_CONNECTIONS = 6
#: Files that a worker may have open beside kept connections: those in use, the database, logs.
_OTHER_FILES = 512
#: More are never needed: the most connections that may be set, and those.
_OPEN_FILES = 16_384 + _OTHER_FILES


def work(settings: Settings, stop: threading.Event) -> None:
    """Deliver and fire timers until `stop` is set."""
    keys = read_keys(settings.keys_dir)
    database = open_settings_database(settings, pool_size=_CONNECTIONS)
    try:
        context = WorkerContext(
            origin=settings.origin,
            database=database,
            vault=keys.vault,
            clock=clock_of(settings),
            rulebook=read_rulebook(),
            log_signer=keys.log_signer(settings.origin, settings.log_signer_socket),
            webhook_keys=keys.webhook_keys,
        )
        Worker(context, worker_settings(settings)).run(stop)
    finally:
        database.engine.dispose()


def _mail_server(settings: Settings) -> MailServer | None:
    """Return the mail server that pages go out by; None where none is configured.

    Raises:
        SettingsError: If the file of its login is missing, open to others, or no two lines.
    """
    if not settings.mail_host:
        return None
    user, password = "", ""
    if settings.mail_login_file is not None:
        try:
            user, password = read_login(settings.mail_login_file)
        except KeyFileError as error:
            raise SettingsError(f"HOLDFAST_MAIL_LOGIN_FILE: {error}") from None
    return MailServer(
        host=settings.mail_host,
        port=settings.mail_port,
        sender=settings.mail_from,
        tls=cast("MailTls", settings.mail_tls),
        user=user,
        password=password,
    )


def worker_settings(settings: Settings) -> WorkerSettings:
    """Return what a worker needs of the settings."""
    return WorkerSettings(
        policy=settings.endpoint_policy,
        senders=settings.worker_senders,
        partner_share=settings.worker_partner_share,
        connections=min(settings.worker_connections, _raise_open_files() - _OTHER_FILES),
        lease=settings.lease,
        deadline=settings.webhook_deadline,
        connect_timeout=settings.webhook_connect_timeout,
        poll=settings.poll_interval,
        timer_interval=settings.timer_interval,
        listen_url=settings.database_listen_url,
        console_origin=settings.passkey_scope.origin,
        pager_url=settings.pager_url,
        mail=_mail_server(settings),
    )


def _raise_open_files() -> int:
    """Raise this process's limit of open files as far as allowed; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _OPEN_FILES if soft == resource.RLIM_INFINITY else soft
