"""Which IP addresses are public: our own table, because `ipaddress.is_global` is wrong on 3.11.

It lets through, among others, `::127.0.0.1`, `64:ff9b::7f00:1`, `2002:7f00:1::1`, `fec0::1`,
`192.0.0.8`, `192.88.99.1` and multicast. The rule here fails closed: IPv6 only inside 2000::/3,
the one block that IANA gives out as global unicast, and of both families nothing that stands in a
special-purpose registry, even where the registry calls a block globally reachable: no partner's
web service lives there.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), IANA IPv6
Global Unicast Address Space, RFC 4291, RFC 5771.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

#: Never a partner's service, with the reason beside each.
SPECIAL_IPV4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private use
        "100.64.0.0/10",  # shared address space behind carriers' NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent on every virtual machine, public by its looks
        "169.254.0.0/16",  # link local, and most clouds' metadata service
        "172.16.0.0/12",  # private use
        "192.0.0.0/24",  # IETF protocol assignments, DS-Lite, a cloud's metadata service
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnelling
        "192.88.99.0/24",  # former 6to4 relays
        "192.168.0.0/16",  # private use
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the limited broadcast
    )
)

#: All that is global unicast. Outside lie loopback, mapped and compatible IPv4, NAT64
#: (64:ff9b::/96, 64:ff9b:1::/48), discard, SRv6, unique local, link local, site local, multicast.
GLOBAL_UNICAST_IPV6 = IPv6Network("2000::/3")

#: Blocks inside 2000::/3 that are not ordinary unicast, or that carry an IPv4 address.
SPECIAL_IPV6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # IETF protocol assignments: Teredo, ORCHID, benchmarking, AMT, DRIP
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address can hide in it
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # former 6bone, given back
        "3fff::/20",  # documentation
    )
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether `address` is ordinary public unicast; a scoped address never is."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in SPECIAL_IPV4)
    if address.scope_id is not None or address not in GLOBAL_UNICAST_IPV6:
        return False
    return not any(address in block for block in SPECIAL_IPV6)
