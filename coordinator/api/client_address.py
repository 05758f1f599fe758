"""From which network a request came, by which whoever is not signed in is counted."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import request

from coordinator.api.context import current_context

#: A household, or a rented machine, has so many bits of an IPv6 address fixed, and all others free.
_OWN_BITS = 64


def client_address() -> str:
    """Return the client's IPv4 address or IPv6 network; what no proxy of ours said counts for none.

    Each proxy appends to `X-Forwarded-For` where it was called from, so the list is read from its
    end, for as long as those who said it are our own.
    """
    proxies = current_context().proxies
    found = ""
    for hop in _hops():
        address = _read(hop)
        if address is None:
            break
        found = _network(address)
        if not any(address in network for network in proxies):
            break
    return found


def _hops() -> Iterator[str]:
    yield request.remote_addr or ""
    yield from reversed(request.headers.get("X-Forwarded-For", "").split(","))


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address), _OWN_BITS), strict=False))
