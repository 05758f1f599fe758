"""Which URLs and which answers of a resolver webhooks may go to."""

import socket
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.egress.address_guard import (
    BlockedTargetError,
    EndpointPolicy,
    Resolver,
    UnresolvedTargetError,
    check_endpoint,
    check_url,
    resolve,
)
from coordinator.egress.name_resolution import CheckedResolver

PUBLIC_ONLY = EndpointPolicy()
LOOPBACK_TOO = EndpointPolicy(
    allowed_networks=(ip_network("127.0.0.0/8"), ip_network("fd00:77::/32"))
)


def answers(*texts: str) -> Resolver:
    return lambda _host, _port: texts


def code_of(url: str, policy: EndpointPolicy = PUBLIC_ONLY, *texts: str) -> str:
    with pytest.raises(BlockedTargetError) as caught:
        check_endpoint(url, policy, answers(*(texts or ("8.8.8.8",))))
    return caught.value.code


def test_a_url_is_taken_apart_once() -> None:
    target = check_url("https://Hooks.Example:8443/in?token=a%20b", PUBLIC_ONLY)
    assert (target.scheme, target.host, target.port) == ("https", "hooks.example", 8443)
    assert target.path == "/in?token=a%20b"
    assert target.authority == "hooks.example:8443"


@pytest.mark.parametrize(
    ("url", "path", "authority"),
    [
        ("https://a.example", "/", "a.example"),
        ("https://a.example?x=1", "/?x=1", "a.example"),
        ("https://a.example:443/", "/", "a.example"),
        ("HTTPS://A.EXAMPLE/X", "/X", "a.example"),
        ("https://bücher.example/ü", "/%C3%BC", "xn--bcher-kva.example"),
        ("https://8.8.8.8/", "/", "8.8.8.8"),
        ("https://[2606:4700:0:0::1111]:8443/", "/", "[2606:4700::1111]:8443"),
        ("https://a.example/a@b", "/a@b", "a.example"),
    ],
)
def test_good_urls_are_sent_in_one_canonical_form(url: str, path: str, authority: str) -> None:
    target = check_url(url, PUBLIC_ONLY)
    assert (target.path, target.authority) == (path, authority)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://a.example/", "https_required"),
        ("ftp://a.example/", "https_required"),
        ("file:///etc/passwd", "https_required"),
        ("gopher://127.0.0.1:11211/_x", "https_required"),
        ("//a.example/", "https_required"),
        ("a.example/", "https_required"),
        ("https:a.example/", "https_required"),
        ("https:/a.example/", "https_required"),
        ("", "https_required"),
        ("https://", "malformed_host"),
        ("https:///path", "malformed_host"),
        ("https://?x", "malformed_host"),
        ("https://:443/", "malformed_host"),
        ("https://user@a.example/", "user_info"),
        ("https://user:word@a.example/", "user_info"),
        ("https://@a.example/", "user_info"),
        ("https://good.example@127.0.0.1/", "user_info"),
        ("https://good.example\\@127.0.0.1/", "forbidden_character"),
        ("https://127.0.0.1\\.good.example/", "forbidden_character"),
        ("https:\\\\a.example/", "forbidden_character"),
        ("https://a.example/#frag", "fragment"),
        ("https://good.example#@127.0.0.1/", "fragment"),
        ("https://a.example/\r\nX: y", "forbidden_character"),
        ("https://a.example/\n", "forbidden_character"),
        (" https://a.example/", "forbidden_character"),
        ("https://a.example/a b", "forbidden_character"),
        ("https://a.example/\x00", "forbidden_character"),
        ("https://a.example/\x7f", "forbidden_character"),
        ("https://a.exa\u200bmple/", "forbidden_character"),
        ("https://a.example/\u202egnp.exe", "forbidden_character"),
        ("https://a.example/\ud800", "forbidden_character"),
        ("https://a.example:0/", "port_not_allowed"),
        ("https://a.example:22/", "port_not_allowed"),
        ("https://a.example:80/", "port_not_allowed"),
        ("https://a.example:65536/", "malformed_url"),
        ("https://a.example:+443/", "malformed_url"),
        ("https://a.example:443:443/", "malformed_url"),
        ("https://a.example:/", "malformed_url"),
        ("https://a.example./", "malformed_host"),
        ("https://.a.example/", "malformed_host"),
        ("https://a..example/", "malformed_host"),
        ("https://-a.example/", "malformed_host"),
        ("https://a_b.example/", "malformed_host"),
        ("https://exa%6dple.com/", "malformed_host"),
        ("https://127.0.0.1%2f.good.example/", "malformed_host"),
        ("https://" + "a" * 64 + ".example/", "malformed_host"),
        ("https://" + "a." * 130 + "example/", "malformed_host"),
        ("https://a.example/" + "a" * 2048, "url_too_long"),
        ("https://[::1/", "malformed_url"),
        ("https://[::1]x/", "malformed_url"),
        ("https://[fe80::1%25eth0]/", "malformed_host"),
        ("https://[:::1]/", "malformed_url"),
        ("https://[::ffff:256.0.0.1]/", "malformed_host"),
        ("https://\uff11\uff12\uff17.0.0.1/", "malformed_url"),
        ("https://127\u30020\u30020\u30021/", "malformed_url"),
        ("https://\u2460.example/", "malformed_url"),
    ],
)
def test_bad_urls_are_refused_with_a_code(url: str, code: str) -> None:
    assert code_of(url) == code


@pytest.mark.parametrize(
    "host",
    [
        "0177.0.0.1",  # octal
        "0x7f.0.0.1",  # hexadecimal
        "0x7f000001",
        "2130706433",  # one number
        "017700000001",
        "127.1",  # short
        "127.0.1",
        "127.0.0.01",
        "00000127.0.0.1",
        "1.2.3.4.5",
        "256.256.256.256",
        "8.8.8.0x8",
        "0",
        "0x",
    ],
)
def test_no_odd_notation_of_an_ipv4_address_is_read_by_anybody(host: str) -> None:
    assert code_of(f"https://{host}/") == "odd_ip_notation"
    assert code_of(f"http://{host}/", LOOPBACK_TOO) == "odd_ip_notation"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "169.254.169.254",
        "192.0.0.8",
        "192.88.99.1",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "[fec0::1]",
        "[fe80::1]",
        "[ff02::1]",
    ],
)
def test_literals_of_special_addresses_are_refused(host: str) -> None:
    assert code_of(f"https://{host}/") == "address_not_public"


def test_one_private_answer_among_public_ones_refuses_them_all() -> None:
    url = "https://mixed.example/"
    assert code_of(url, PUBLIC_ONLY, "8.8.8.8", "10.0.0.1") == "address_not_public"
    assert code_of(url, PUBLIC_ONLY, "10.0.0.1", "8.8.8.8") == "address_not_public"
    assert code_of(url, PUBLIC_ONLY, "2606:4700::1", "::ffff:10.0.0.1") == "address_not_public"
    assert code_of(url, PUBLIC_ONLY, "2606:4700::1%eth0") == "address_not_public"


def test_all_public_answers_are_kept_in_order_without_repeats() -> None:
    resolved = check_endpoint(
        "https://a.example/", PUBLIC_ONLY, answers("8.8.8.8", "2606:4700::1", "8.8.8.8")
    )
    assert [str(each) for each in resolved.addresses] == ["8.8.8.8", "2606:4700::1"]
    assert resolved.ip == "8.8.8.8"


def test_a_literal_is_never_given_to_the_resolver() -> None:
    resolved = check_endpoint("https://8.8.8.8/", PUBLIC_ONLY, answers("127.0.0.1"))
    assert resolved.ip == "8.8.8.8"


def test_the_refusal_does_not_tell_the_address() -> None:
    with pytest.raises(BlockedTargetError) as caught:
        check_endpoint("https://a.example/secret", PUBLIC_ONLY, answers("10.1.2.3"))
    assert "10.1.2.3" not in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "setting"),
    [
        ("http://127.0.0.1:9000/hook", "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS"),
        ("https://127.0.0.1/hook", "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS"),
        ("https://localhost/hook", "HOLDFAST_WEBHOOK_ALLOWED_NETWORKS"),
        ("https://93.184.216.34:9000/hook", "HOLDFAST_WEBHOOK_ALLOWED_PORTS"),
    ],
)
def test_the_refusal_names_the_setting_that_cures_it(url: str, setting: str) -> None:
    resolver = CheckedResolver(EndpointPolicy(), resolver=lambda *_: ["127.0.0.1"])
    with pytest.raises(BlockedTargetError) as caught:
        resolver.check_offered(url, within=timedelta(seconds=20))
    assert setting in caught.value.message


def test_allow_listed_networks_take_plain_http_and_any_port() -> None:
    resolved = check_endpoint("http://partner.test:8123/x", LOOPBACK_TOO, answers("127.0.0.9"))
    assert resolved.ip == "127.0.0.9"
    assert check_endpoint("https://[fd00:77::1]:9/", LOOPBACK_TOO).ip == "fd00:77::1"


def test_port_0_is_refused_even_there() -> None:
    assert code_of("http://127.0.0.1:0/", LOOPBACK_TOO) == "port_not_allowed"


def test_plain_http_needs_every_answer_in_an_allow_listed_network() -> None:
    url = "http://partner.test/"
    assert code_of(url, LOOPBACK_TOO, "8.8.8.8") == "https_required"
    assert code_of(url, LOOPBACK_TOO, "127.0.0.1", "8.8.8.8") == "https_required"
    assert code_of("http://8.8.8.8/", LOOPBACK_TOO) == "https_required"


def test_an_allow_list_opens_neither_ports_nor_networks_beside_it() -> None:
    assert code_of("https://a.example:22/", LOOPBACK_TOO, "8.8.8.8") == "port_not_allowed"
    assert (
        code_of("https://a.example:22/", LOOPBACK_TOO, "127.0.0.1", "8.8.8.8") == "port_not_allowed"
    )
    assert code_of("https://a.example/", LOOPBACK_TOO, "127.0.0.1", "10.0.0.1") == (
        "address_not_public"
    )
    assert code_of("https://a.example/", LOOPBACK_TOO, "::ffff:127.0.0.1") == "address_not_public"


def test_plain_http_can_be_forbidden_even_there() -> None:
    policy = EndpointPolicy(
        allowed_networks=LOOPBACK_TOO.allowed_networks, allow_http_to_allowed=False
    )
    assert code_of("http://127.0.0.1/", policy) == "https_required"
    assert check_endpoint("https://127.0.0.1/", policy).ip == "127.0.0.1"


def test_the_operator_chooses_the_ports() -> None:
    policy = EndpointPolicy(allowed_ports=frozenset({9443}))
    assert check_url("https://a.example:9443/", policy).port == 9443
    assert code_of("https://a.example/", policy) == "port_not_allowed"


def test_a_name_without_an_address_may_mend_itself_and_is_not_blocked() -> None:
    def fails(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    target = check_url("https://a.example/", PUBLIC_ONLY)
    for resolver in (fails, answers(), answers("no address")):
        with pytest.raises(UnresolvedTargetError) as caught:
            resolve(target, PUBLIC_ONLY, resolver)
        assert caught.value.code == "dns_failed"


def test_blocked_is_no_os_error_because_http_stacks_retry_those() -> None:
    assert not issubclass(BlockedTargetError, OSError)
    assert not issubclass(UnresolvedTargetError, OSError)


def test_the_systems_resolver_serves_by_default() -> None:
    assert check_endpoint(
        "http://localhost/",
        EndpointPolicy(allowed_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128"))),
    ).ip in {"127.0.0.1", "::1"}
    with pytest.raises(BlockedTargetError):
        check_endpoint("https://localhost/", PUBLIC_ONLY)


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=60).map("https://".__add__),
        st.text("0x1279.:[]%@/\\#?afA-_ ", max_size=40).map("https://".__add__),
    )
)
def test_every_text_is_either_a_target_or_a_refusal(url: str) -> None:
    try:
        target = check_url(url, PUBLIC_ONLY)
    except BlockedTargetError:
        return
    assert target.scheme == "https"
    assert target.port in PUBLIC_ONLY.allowed_ports
    assert target.host.isascii()
    assert target.path.startswith("/")
    assert target.path.isascii()
    assert target.path.isprintable()
    assert " " not in target.path
