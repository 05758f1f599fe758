"""Every setting, typed and checked once; the only reader of the environment.

Defaults stand in `config/default.toml` with their units. A file named by `HOLDFAST_CONFIG`
overrides them, and `HOLDFAST_<NAME>` overrides both. Secrets are files, never values: Granian
copies the environment into every WSGI environ.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from coordinator.config_files import read_config
from coordinator.domain.clock import Clock, OffsetClock, SystemClock
from coordinator.egress.address_guard import EndpointPolicy
from holdfast.protocol.errors import KeyFormatError
from holdfast.protocol.jwk import WebAuthnScope

Network = IPv4Network | IPv6Network
PREFIX = "HOLDFAST_"
_DAY = 86_400


class SettingsError(Exception):
    """A setting is unknown, missing or not of its form; the message names it and what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; see `config/default.toml` for what each means."""

    origin: str
    console_origin: str
    host: str
    port: int
    proxies: tuple[Network, ...]
    metrics_host: str
    metrics_port: int
    data_dir: Path
    database_url: str
    database_listen_url: str
    web_processes: int
    web_threads: int
    header_timeout: timedelta
    body_timeout: timedelta
    slowest_bytes_per_second: int
    small_body_bytes: int
    worker_processes: int
    worker_senders: int
    worker_partner_share: int
    worker_connections: int
    webhook_allowed_networks: tuple[Network, ...]
    webhook_allowed_ports: tuple[int, ...]
    webhook_connect_timeout: timedelta
    webhook_deadline: timedelta
    lease: timedelta
    poll_interval: timedelta
    timer_interval: timedelta
    body_limit_bytes: int
    document_limit_bytes: int
    sealed_evidence_bytes: int
    sealed_evidence_files: int
    page_size: int
    page_size_limit: int
    rate_per_minute: int
    log_level: str
    log_format: str
    clock_offset_file: Path | None
    service_wallets_file: Path | None
    log_signer_socket: Path | None
    log_policy_file: Path | None
    timestamp_authority_url: str
    timestamp_authority_roots: Path | None
    mail_host: str
    mail_port: int
    mail_from: str
    mail_tls: str
    mail_login_file: Path | None
    pager_url: str
    sandbox: bool

    @property
    def keys_dir(self) -> Path:
        """Where secrets lie, one file each, mode 0600."""
        return self.data_dir / "keys"

    @property
    def waiting_tests(self) -> int:
        """How many requests of a web process wait at a time for what a test of theirs comes to."""
        return max(1, self.web_threads // 4)

    @property
    def passkey_scope(self) -> WebAuthnScope:
        """Where passkeys sign: the console's origin, which is on this machine by default."""
        return WebAuthnScope.of_origin(self.console_origin or f"http://localhost:{self.port}")

    @property
    def endpoint_policy(self) -> EndpointPolicy:
        """Where webhooks may go, when they are registered as when they are sent.

        OpenID providers are asked by the same rules.
        """
        return EndpointPolicy(
            allowed_networks=self.webhook_allowed_networks,
            allowed_ports=frozenset(self.webhook_allowed_ports),
        )

    @property
    def resolved_database_url(self) -> str:
        """The database URL; the embedded default lies in the data folder."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'holdfast.sqlite3').resolve()}"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read defaults, then the file named by HOLDFAST_CONFIG, then HOLDFAST_* variables.

        Raises:
            SettingsError: Naming the setting and what it takes.
        """
        values = _flatten(tomllib.loads(read_config("default.toml")), "config/default.toml")
        extra = environ.get(f"{PREFIX}CONFIG")
        if extra:
            try:
                values |= _flatten(tomllib.loads(Path(extra).read_text(encoding="utf-8")), extra)
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                raise SettingsError(f"{PREFIX}CONFIG: cannot read {extra}: {error}") from None
        for name, text in environ.items():
            if name.startswith(PREFIX) and name not in _NOT_SETTINGS:
                values[name.removeprefix(PREFIX).lower()] = text
        return cls(**_typed(values))


#: Variables of the partner kit, which may stand in the same environment.
_NOT_SETTINGS = {f"{PREFIX}{n}" for n in ("CONFIG", "HOME", "PROFILE", "COORDINATOR")}


def _flatten(document: Mapping[str, Any], source: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for section, content in document.items():
        if not isinstance(content, Mapping):
            raise SettingsError(f"{source}: {section} stands outside of a section")
        values |= content
    return values


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(Settings)
    known = {f.name for f in fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise SettingsError(
            f"unknown setting {unknown[0]} ({PREFIX}{unknown[0].upper()}); see config/default.toml"
        )
    missing = sorted(known - set(values))
    if missing:
        raise SettingsError(f"setting {missing[0]} is missing from config/default.toml")
    typed = {}
    for name in known:
        try:
            typed[name] = _convert(hints[name], values[name])
        except ValueError as error:
            raise SettingsError(f"{PREFIX}{name.upper()}: {error}") from None
    _check(typed)
    return typed


def _convert(kind: Any, value: Any) -> Any:  # noqa: PLR0911 - one return a type
    if kind is int:
        return _whole_number(value)
    if kind is bool:
        return _yes_or_no(value)
    if kind is timedelta:
        return _seconds(value)
    if kind is Path:
        return Path(value)
    if kind == Path | None:
        return Path(value) if value else None
    if kind == tuple[Network, ...]:
        return tuple(ip_network(item) for item in _items(value))
    if kind == tuple[int, ...]:
        return tuple(_whole_number(item) for item in _items(value))
    return str(value)


def _seconds(value: Any) -> timedelta:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _DAY:
        raise ValueError(f"must be a number of seconds above 0, at most {_DAY}, not {value!r}")
    return timedelta(seconds=seconds)


def _whole_number(value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"must be a whole number, not {value!r}") from None


def _yes_or_no(value: Any) -> bool:
    known = {"true": True, "false": False}
    try:
        return known[str(value).lower()]
    except KeyError:
        raise ValueError(f"must be true or false, not {value!r}") from None


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return list(value)


#: Least and most of whole numbers.
_RANGES = {
    "web_processes": (1, 256),
    "web_threads": (1, 256),
    "worker_processes": (1, 256),
    "worker_senders": (1, 256),
    "worker_partner_share": (1, 256),
    "worker_connections": (1, 16_384),
    "port": (1, 65_535),
    "metrics_port": (0, 65_535),
    "mail_port": (1, 65_535),
    "slowest_bytes_per_second": (1_024, 2**30),
    "small_body_bytes": (1_024, 2**24),
    "body_limit_bytes": (1_024, 2**26),
    "document_limit_bytes": (1_024, 2**28),
    "sealed_evidence_bytes": (1_024, 2**28),
    "sealed_evidence_files": (0, 10_000),
    "page_size": (1, 10_000),
    "page_size_limit": (1, 10_000),
    "rate_per_minute": (0, 100_000_000),
}
_CHOICES = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("json", "console"),
    "mail_tls": ("starttls", "tls", "none"),
}
_DATABASES = ("sqlite:///", "postgresql+psycopg://")


def _check(values: Mapping[str, Any]) -> None:
    origin = urlsplit(values["origin"])
    if origin.scheme not in {"http", "https"} or not origin.netloc or origin.path or origin.query:
        raise SettingsError(
            f"{PREFIX}ORIGIN: must be scheme://host[:port] without a path, not {values['origin']!r}"
        )
    if values["console_origin"]:
        try:
            WebAuthnScope.of_origin(values["console_origin"])
        except KeyFormatError as error:
            raise SettingsError(f"{PREFIX}CONSOLE_ORIGIN: {error}") from None
    _check_sandbox(values)
    _check_timestamps(values)
    _check_mail(values)
    _check_ranges(values)
    _check_databases(values)
    if values["metrics_port"] == values["port"]:
        raise SettingsError(f"{PREFIX}METRICS_PORT: must be another than {PREFIX}PORT, or 0")
    if values["page_size"] > values["page_size_limit"]:
        raise SettingsError(f"{PREFIX}PAGE_SIZE: must not be above page_size_limit")
    if values["lease"] < values["webhook_deadline"] + timedelta(seconds=5):
        raise SettingsError(
            f"{PREFIX}LEASE: must outlast webhook_deadline by 5 seconds, or two workers send "
            f"at once"
        )


def _check_timestamps(values: Mapping[str, Any]) -> None:
    url = urlsplit(values["timestamp_authority_url"])
    if values["timestamp_authority_url"] and not (
        url.scheme in {"http", "https"} and url.hostname and url.username is None
    ):
        raise SettingsError(
            f"{PREFIX}TIMESTAMP_AUTHORITY_URL: must be an http or https URL without a user, not "
            f"{values['timestamp_authority_url']!r}"
        )
    if bool(values["timestamp_authority_url"]) != bool(values["timestamp_authority_roots"]):
        raise SettingsError(
            f"{PREFIX}TIMESTAMP_AUTHORITY_ROOTS: must name a file with the authority's root "
            f"certificates where {PREFIX}TIMESTAMP_AUTHORITY_URL is set, and only there"
        )


def _check_mail(values: Mapping[str, Any]) -> None:
    name, _, domain = values["mail_from"].rpartition("@")
    is_address = bool(name and domain) and values["mail_from"].isprintable()
    if values["mail_host"] and (not is_address or " " in values["mail_from"]):
        raise SettingsError(
            f"{PREFIX}MAIL_FROM: must be an address like holdfast@coordinator.example where "
            f"{PREFIX}MAIL_HOST is set, not {values['mail_from']!r}"
        )
    if values["mail_login_file"] and values["mail_tls"] == "none":
        raise SettingsError(f"{PREFIX}MAIL_TLS: nobody logs in over a connection without TLS")


def _check_databases(values: Mapping[str, Any]) -> None:
    # The values themselves may hold a password.
    if values["database_url"] and not values["database_url"].startswith(_DATABASES):
        raise SettingsError(
            f"{PREFIX}DATABASE_URL: must be empty or start with {' or '.join(_DATABASES)}"
        )
    for name in ("database_url", "database_listen_url"):
        if values[name] and not _is_database(values[name]):
            raise SettingsError(
                f"{PREFIX}{name.upper()}: must be sqlite:////path/of/the/file or "
                "postgresql+psycopg://user:password@host:port/name, with %XX for what is special "
                "in a password (%40 for @, %2F for /)"
            )


def _is_database(url: str) -> bool:
    try:
        return bool(make_url(url).database)
    except (ArgumentError, ValueError):
        return False


def _check_sandbox(values: Mapping[str, Any]) -> None:
    """Refuse a sandbox that others could take for the real thing, or learn from how to get in."""
    for name in ("origin", "console_origin") if values["sandbox"] else ():
        host = urlsplit(values[name]).hostname
        if host is not None and not _is_private(host):
            raise SettingsError(
                f"{PREFIX}SANDBOX: never with a public origin, and {PREFIX}{name.upper()} is "
                f"{values[name]!r}: leave the sandbox out, or give localhost, a name below "
                ".localhost, .test or .internal, or an address of a private network"
            )


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".test", ".internal"))


def _check_ranges(values: Mapping[str, Any]) -> None:
    for name, (least, most) in _RANGES.items():
        if not least <= values[name] <= most:
            raise SettingsError(
                f"{PREFIX}{name.upper()}: must be {least} to {most}, not {values[name]}"
            )
    for name, choices in _CHOICES.items():
        if values[name] not in choices:
            raise SettingsError(
                f"{PREFIX}{name.upper()}: must be one of {', '.join(choices)}, not {values[name]!r}"
            )


def clock_of(settings: Settings) -> Clock:
    """Return the host's clock, or the one that a demonstration steps."""
    if settings.clock_offset_file is not None:
        return OffsetClock(settings.clock_offset_file)
    return SystemClock()
