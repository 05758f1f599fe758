"""The address table, against examples from the registries and against an independent oracle."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coordinator.egress.address_table import SPECIAL_IPV4, SPECIAL_IPV6, is_public

NOT_PUBLIC = """
    0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255
    127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.8 192.0.0.9 192.0.0.170 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
    192.168.0.1 192.168.255.255 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
    64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1
    2001:0:7f00:1:: 2001:1::1 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1
    2001:30::1 2001:1ff:ffff::1
    2001:db8::1 2002:7f00:1::1 2002:808:808::1 2620:4f:8000::1 3ffe::1 3fff::1 3fff:fff:ffff::1
    4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 2606:4700::1111%eth0
    febf::1 fec0::1 fef0::1 ff02::1 ff0e::1
"""

PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
    191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0
    198.17.255.255 198.20.0.0 223.255.255.255
    2001:200::1 2001:4860:4860::8888 2003::1 2606:4700:4700::1111 2620:4f:7fff::1 2a00:1450::1
    3ffd::1
"""


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_no_special_address_is_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_ordinary_addresses_up_to_the_edges_of_the_blocks_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_what_is_public_is_global_unicast_by_the_standard_library_too(address: IPv4Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(st.ip_addresses(v=4))
def test_what_the_standard_library_calls_global_is_public_but_for_listed_blocks(
    address: IPv4Address,
) -> None:
    if address.is_global and not any(address in block for block in SPECIAL_IPV4):
        assert is_public(address)


@given(st.ip_addresses(v=6))
@example(IPv6Address("2001:db8::1"))
def test_public_ipv6_is_global_and_carries_no_ipv4_address(address: IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert address.ipv4_mapped is None
        assert address.sixtofour is None
        assert address.teredo is None
        assert int(address) >> 125 == 0b001


@given(st.integers(0, 2**125 - 1))
def test_global_unicast_outside_the_special_blocks_is_public(offset: int) -> None:
    address = IPv6Address((1 << 125) + offset)
    assert is_public(address) == (not any(address in block for block in SPECIAL_IPV6))


@given(st.ip_addresses(v=4), st.sampled_from(["::", "::ffff:0:0", "64:ff9b::"]))
def test_no_ipv4_address_gets_through_inside_an_ipv6_one(inner: IPv4Address, prefix: str) -> None:
    assert not is_public(IPv6Address(int(IPv6Address(prefix)) | int(inner)))


@given(st.ip_addresses(v=4), st.integers(0, 2**80 - 1))
def test_no_ipv4_address_gets_through_inside_a_6to4_one(inner: IPv4Address, rest: int) -> None:
    address = IPv6Address((0x2002 << 112) | (int(inner) << 80) | rest)
    assert address in IPv6Network("2002::/16")
    assert not is_public(address)
