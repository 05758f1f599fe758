"""Where a call to a host of a partner's may go: the URL's form, then every address behind it.

Webhooks go there, and so does what asks a partner's OpenID provider.
A partner writes the URL and runs the name servers behind it, so both are hostile input. The same
two steps are taken when an endpoint is registered and whenever its name is resolved again for
sending; the sender then connects to the very address that was checked, never to the name.

`BlockedTargetError` must not derive from OSError: HTTP stacks wrap those as connection faults,
which are retried.
"""

import re
import socket
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

from urllib3.exceptions import HTTPError
from urllib3.util import Url, parse_url

from coordinator.egress.address_table import is_public

Address = IPv4Address | IPv6Address
#: From host and port to the textual addresses of all its answers; raises OSError for none.
Resolver = Callable[[str, int], Sequence[str]]

#: What an operator can do about a refusal, who wants webhooks in a network of theirs; said in the
#: same words of every host, so that nobody learns from them what a name stands for.
PRIVATE_CURE = (
    "For a receiver in a network of your own, the coordinator's operator names that network in "
    "webhook_allowed_networks (HOLDFAST_WEBHOOK_ALLOWED_NETWORKS), e.g. 127.0.0.0/8"
)
HTTPS_REQUIRED = f"the URL must start with https://. {PRIVATE_CURE}"
MAX_URL_CHARACTERS = 2048
MAX_HOST_CHARACTERS = 253

_DEFAULT_PORTS = {"https": 443, "http": 80}
_AUTHORITY = re.compile(r"(?:https?)://([^/?#]*)", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: The WHATWG rule: a host whose last label looks like a number is an IPv4 address or nothing.
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_REQUEST_TARGET = re.compile(r"/[!-~]*")


class BlockedTargetError(Exception):
    """The URL, or an address its host stands for, is not one that webhooks are sent to.

    Args:
        code: Stable word for programs, e.g. "https_required", "address_not_public".
        message: What is wrong and what to change; holds no path or query, which may be secret.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class UnresolvedTargetError(Exception):
    """The name does not resolve at the moment; unlike a blocked target, that may pass.

    Args:
        code: "dns_failed" or "dns_timeout".
        message: What happened, for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """What the operator allows.

    Args:
        allowed_networks: Networks that need not be public; in them, every port is allowed.
        allowed_ports: Ports of all other targets.
        allow_http_to_allowed: Whether plain http may go to `allowed_networks`.
    """

    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    allowed_ports: frozenset[int] = frozenset({443, 8443})
    allow_http_to_allowed: bool = True

    def is_allow_listed(self, address: Address) -> bool:
        """Tell whether `address` lies in one of the operator's networks."""
        return any(address in network for network in self.allowed_networks)


@dataclass(frozen=True)
class Target:
    """A URL taken apart once; nothing reads the URL's text again.

    Args:
        scheme: "https" or "http".
        host: Lower-case A-labels, or an IP literal in its usual form, without brackets.
        port: 1 to 65535.
        path: Request target: path and query, percent-encoded ASCII.
        url: As given.
    """

    scheme: str
    host: str
    port: int
    path: str
    url: str

    @cached_property
    def literal(self) -> Address | None:
        """The address, where the host is an IP literal."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @cached_property
    def authority(self) -> str:
        """What the Host header says (RFC 9110 §7.2): the port only where it is not the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ResolvedTarget:
    """A target with the addresses that were checked, in the resolver's order; at least one."""

    target: Target
    addresses: tuple[Address, ...]

    @property
    def ip(self) -> str:
        """The first checked address."""
        return str(self.addresses[0])


def check_url(url: str, policy: EndpointPolicy) -> Target:
    """Take `url` apart, or refuse its form.

    Raises:
        BlockedTargetError: If webhooks do not go to such a URL, whatever its host resolves to.
    """
    _check_characters(url)
    authority = _checked_authority(url)
    try:
        parts = parse_url(url)
    except (HTTPError, ValueError):
        raise BlockedTargetError(
            "malformed_url", "the URL cannot be read; write https://host/path"
        ) from None
    target = Target(
        scheme=str(parts.scheme),
        host=_canonical_host(parts, authority),
        port=_port(parts),
        path=_request_target(parts),
        url=url,
    )
    _check_scheme_and_port(target, policy)
    if target.literal is not None:
        _check_addresses(target, (target.literal,), policy)
    return target


def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Return every address that the system's resolver has for `host`, of both families.

    Without AI_ADDRCONFIG: an address that this machine cannot reach must be checked all the same,
    for the next machine may.

    Raises:
        OSError: If there is none.
    """
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


def resolve(
    target: Target, policy: EndpointPolicy, resolver: Resolver = resolve_by_system
) -> ResolvedTarget:
    """Resolve once; one bad answer refuses them all, or a rebinding name would get through.

    Raises:
        BlockedTargetError: If any answer is neither public nor in the operator's networks.
        UnresolvedTargetError: If there is no answer.
    """
    if target.literal is not None:
        answers: Sequence[str] = (target.host,)
    else:
        try:
            answers = resolver(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise UnresolvedTargetError(
                "dns_failed", f"{target.host} does not resolve: {error}"
            ) from None
    if not answers:
        raise UnresolvedTargetError("dns_failed", f"{target.host} has no address")
    addresses = tuple(_address(target, answer) for answer in dict.fromkeys(answers))
    _check_addresses(target, addresses, policy)
    return ResolvedTarget(target, addresses)


def check_endpoint(
    url: str, policy: EndpointPolicy, resolver: Resolver = resolve_by_system
) -> ResolvedTarget:
    """Check a URL as it is registered: its form, and what its host stands for now.

    Raises:
        BlockedTargetError: If webhooks may not go there.
        UnresolvedTargetError: If its host has no address.
    """
    return resolve(check_url(url, policy), policy, resolver)


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL_CHARACTERS:
        raise BlockedTargetError(
            "url_too_long", f"the URL has more than {MAX_URL_CHARACTERS} characters"
        )
    # Line ends would split the request; other blanks and invisible signs mislead whoever reads it.
    if any(unicodedata.category(character)[0] in "CZ" for character in url):
        raise BlockedTargetError(
            "forbidden_character", "the URL has blanks, control or invisible characters"
        )
    if "\\" in url:
        raise BlockedTargetError("forbidden_character", "the URL has a backslash; write %5C")
    if "#" in url:
        raise BlockedTargetError("fragment", "leave out the fragment (#…): it is never sent")


def _checked_authority(url: str) -> str:
    """Return what stands between // and the path, as written."""
    match = _AUTHORITY.match(url)
    if match is None:
        raise BlockedTargetError("https_required", HTTPS_REQUIRED)
    authority = match[1]
    if "@" in authority:
        raise BlockedTargetError("user_info", "leave out user name and password (before the @)")
    if "%" in authority:
        raise BlockedTargetError("malformed_host", "the host may not be percent-encoded")
    if authority.endswith(":"):
        raise BlockedTargetError("malformed_url", "a colon needs a port behind it")
    return authority


def _canonical_host(parts: Url, authority: str) -> str:
    """Return the host in the one notation that every reader understands alike."""
    host = (parts.host or "").lower()
    if authority.startswith("["):
        try:
            return str(IPv6Address(host.strip("[]")))
        except AddressValueError:
            raise BlockedTargetError("malformed_host", "that is no IPv6 address") from None
    if len(host) > MAX_HOST_CHARACTERS or not all(
        _LABEL.fullmatch(label) for label in host.split(".")
    ):
        raise BlockedTargetError(
            "malformed_host",
            "the host must be a DNS name of letters, digits and hyphens, without a final dot",
        )
    if _NUMERIC_LABEL.fullmatch(host.rsplit(".", 1)[-1]):
        try:
            return str(IPv4Address(host))  # four decimal parts, no leading zeros
        except AddressValueError:
            raise BlockedTargetError(
                "odd_ip_notation",
                "write an IPv4 address as four decimal numbers without leading zeros",
            ) from None
    return host


def _port(parts: Url) -> int:
    port = _DEFAULT_PORTS[str(parts.scheme)] if parts.port is None else parts.port
    if port == 0:
        raise BlockedTargetError("port_not_allowed", "port 0 cannot be connected to")
    return port


def _request_target(parts: Url) -> str:
    path = parts.request_uri
    if not _REQUEST_TARGET.fullmatch(path):
        raise BlockedTargetError("malformed_url", "the path has characters that cannot be sent")
    return path


def _check_scheme_and_port(target: Target, policy: EndpointPolicy) -> None:
    """Refuse hosts that no address could make acceptable; `_check_addresses` decides the rest."""
    if target.scheme == "http" and not (policy.allowed_networks and policy.allow_http_to_allowed):
        raise BlockedTargetError("https_required", HTTPS_REQUIRED)
    if not policy.allowed_networks:
        _check_port(target, policy)


def _check_port(target: Target, policy: EndpointPolicy) -> None:
    if target.port not in policy.allowed_ports:
        allowed = ", ".join(str(port) for port in sorted(policy.allowed_ports))
        raise BlockedTargetError(
            "port_not_allowed",
            f"port {target.port} is not allowed; use one of {allowed}, or have the coordinator's "
            "operator add it to webhook_allowed_ports (HOLDFAST_WEBHOOK_ALLOWED_PORTS)",
        )


def _address(target: Target, answer: str) -> Address:
    try:
        return ip_address(answer)
    except ValueError:
        raise UnresolvedTargetError(
            "dns_failed", f"{target.host} resolves to what is no address"
        ) from None


def _check_addresses(target: Target, addresses: Sequence[Address], policy: EndpointPolicy) -> None:
    if all(policy.is_allow_listed(address) for address in addresses):
        return
    for address in addresses:
        if not (is_public(address) or policy.is_allow_listed(address)):
            # The address itself is not told: it would let a partner map the operator's network.
            raise BlockedTargetError(
                "address_not_public",
                f"{target.host} stands for an address that is not public. {PRIVATE_CURE}",
            )
    if target.scheme == "http":
        raise BlockedTargetError("https_required", HTTPS_REQUIRED)
    _check_port(target, policy)
