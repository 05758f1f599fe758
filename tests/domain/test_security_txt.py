"""Which published contact is written to: strict, and of the very domain that was asked."""

from datetime import UTC, datetime

import pytest

from coordinator.domain.security_txt import SecurityTxtError, security_mailbox

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EXPIRES = "Expires: 2026-12-31T23:59:59Z\n"


def _read(text: str | bytes) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    return security_mailbox(content, domain="guest.example", now=NOW)


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        (f"Contact: mailto:a@guest.example\n{EXPIRES}", "a@guest.example"),
        (f"contact: MAILTO:a+b@Sec.Guest.EXAMPLE\r\n{EXPIRES}", "a+b@sec.guest.example"),
        (f"# us\n\nContact: mailto:%73ec@guest.example\n{EXPIRES}", "sec@guest.example"),
        (
            (
                "Contact: https://guest.example/report\nContact: tel:+1-201-555-0123\n"
                f"Contact: mailto:x@other.example\nContact: mailto:b@guest.example\n{EXPIRES}"
            ),
            "b@guest.example",
        ),
        (
            (
                "Canonical: https://guest.example/.well-known/security.txt\n"
                "Contact: mailto:a@guest.example\nExpires: 2026-03-02T14:00:01+02:00\nHiring: x\n"
            ),
            "a@guest.example",
        ),
        (
            (
                "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
                f"Contact: mailto:a@guest.example\n{EXPIRES}-----BEGIN PGP SIGNATURE-----\nxyz\n"
            ),
            "a@guest.example",
        ),
    ],
)
def test_the_first_mailbox_of_its_own_domain_is_taken(text: str, mailbox: str) -> None:
    assert _read(text) == mailbox


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed"),
        ("<html>not found</html>", "malformed"),
        (EXPIRES, "malformed"),
        ("Contact: mailto:a@guest.example\n", "malformed"),
        (f"Contact: mailto:a@guest.example\n{EXPIRES}{EXPIRES}", "malformed"),
        ("Contact: mailto:a@guest.example\nExpires: tomorrow\n", "malformed"),
        ("Contact: mailto:a@guest.example\nExpires: 2026-12-31T23:59:59\n", "malformed"),
        ("Contact: mailto:a@guest.example\nExpires: 2026-13-31T23:59:59Z\n", "malformed"),
        (f"Contact: mailto:a@guest.example\x00\n{EXPIRES}", "malformed"),
        (b"Contact: mailto:\xff@guest.example\n", "malformed"),
        ("-----BEGIN PGP SIGNED MESSAGE-----\nContact: x\n", "malformed"),
        ("Contact: mailto:a@guest.example\nExpires: 2026-03-02T12:00:00Z\n", "expired"),
        (
            f"Canonical: https://other.example/x\nContact: mailto:a@guest.example\n{EXPIRES}",
            "other_place",
        ),
        (f"Contact: mailto:a@example\n{EXPIRES}", "no_mailbox"),
        (f"Contact: mailto:a@notguest.example\n{EXPIRES}", "no_mailbox"),
        (f"Contact: mailto:a@guest.example.evil.example\n{EXPIRES}", "no_mailbox"),
        (f"Contact: mailto:a@evil.example,b@guest.example\n{EXPIRES}", "no_mailbox"),
        (f"Contact: mailto:a@guest.example?cc=b@evil.example\n{EXPIRES}", "no_mailbox"),
        (f"Contact: mailto:a%0d%0aBcc:b@guest.example\n{EXPIRES}", "no_mailbox"),
        (f"Contact: mailto:..@guest.example\n{EXPIRES}", "no_mailbox"),
        (f"Contact: https://guest.example/a@guest.example\n{EXPIRES}", "no_mailbox"),
    ],
)
def test_anything_else_is_no_contact(text: str | bytes, code: str) -> None:
    with pytest.raises(SecurityTxtError) as refused:
        _read(text)
    assert refused.value.code == code
