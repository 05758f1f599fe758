"""Proofs of addresses: published signatures pass, and whatever was changed in them does not."""

import base64
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from importlib import import_module

import pytest
from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.address_proofs import secp256k1, solana
from holdfast.protocol.address_proofs.errors import AddressProofError, ProofFault
from holdfast.protocol.address_proofs.statement import AddressStatement, ProofPurpose
from holdfast.protocol.address_proofs.verification import (
    MOST_SIGNATURE_CHARACTERS,
    MOST_TEXT_BYTES,
    may_prove,
    verify_signed_text,
    verify_statement,
)
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.chain import shipped_chains
from holdfast.protocol.chains.rules.primitives import (
    base58_encode,
    base58check_encode,
    hash160,
    keccak256,
)
from holdfast.protocol.errors import MissingLibraryError

_BITCOIN = "bip122:000000000019d6689c085ae165831e93"
_SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
_TRON = "tron:0x2b6653dc"
_ORDER = secp256k1._ORDER
_KEY = PrivateKey(bytes(range(1, 33)))
_ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


#: Where each was published, account, text and signature.
_PUBLISHED = {
    "web3.js, eth.accounts.sign": (
        "eip155:1:0x2c7536E3605D9C16a7a3D7b1898e529396a65c23",
        "Some data",
        (
            "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd"
            "6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c"
        ),
    ),
    "TronWeb, signMessageV2": (
        f"{_TRON}:TFwRqwWNov6cPN531NnhAKnLHPa6V1JtVu",
        "hello world",
        (
            "0xffbda635290d2bb871fab8400c92011b923f907476bd37471f5a21962a6ae86b"
            "638f766709234fa175ca3369cc350781521b8720b77bec1935c6c112e911f3e51c"
        ),
    ),
    "Electrum, short key": (
        f"{_BITCOIN}:15hETetDmcXm1mM4sEf7U2KXC9hDHFMSzz",
        "Chancellor on brink of second bailout for banks",
        "Hzsu0U/THAsPz/MSuXGBKSULz2dTfmrg1NsAhFp+wH5aKfmX4Db7ExLGa7FGn0m6Mf43KsbEOWpvUUUBTM3Uusw=",
    ),
    "Electrum, long key": (
        f"{_BITCOIN}:1GPHVTY8UD9my6jyP4tb2TYJwUbDetyNC6",
        "Electrum",
        "HBQdYfv7kOrxmRewLJnG7sV6KlU71O04hUnE4tai97p7Pg+D+yKaWXsdGgHTrKw90caQMo/D6b//qX50ge9P9iI=",
    ),
    "Electrum, P2WPKH in P2SH": (
        f"{_BITCOIN}:3DYoBqQ5N6dADzyQjy9FT1Ls4amiYVaqTG",
        "Electrum",
        "HyFaND+87TtVbRhkTfT3mPNBCQcJ32XXtNZGW8sFldJsNpOPCegEmdcCf5Thy18hdMH88GLxZLkOby/EwVUuSeA=",
    ),
    "Electrum, P2WPKH": (
        f"{_BITCOIN}:bc1qq2tmmcngng78nllq2pvrkchcdukemtj56uyue0",
        "Electrum",
        "HyFaND+87TtVbRhkTfT3mPNBCQcJ32XXtNZGW8sFldJsNpOPCegEmdcCf5Thy18hdMH88GLxZLkOby/EwVUuSeA=",
    ),
    "Trezor, P2WPKH in P2SH by BIP-137": (
        f"{_BITCOIN}:3L6TyTisPBmrDAj6RoKmDzNnj4eQi54gD2",
        "This is an example of a signed message.",
        _base64(
            "23744de4516fac5c140808015664516a32fead94de89775cec7e24dbc24fe13307"
            "5ac09301c4cc8e197bea4b6481661d5b8e9bf19d8b7b8a382ecdb53c2ee0750d"
        ),
    ),
    "Trezor, P2WPKH by BIP-137": (
        f"{_BITCOIN}:bc1qannfxke2tfd4l7vhepehpvt05y83v3qsf6nfkk",
        "This is an example of a signed message.",
        _base64(
            "28b55d7600d9e9a7e2a49155ddf3cfdb8e796c207faab833010fa41fb7828889bc"
            "47cf62348a7aaa0923c0832a589fab541e8f12eb54fb711c90e2307f0f66b194"
        ),
    ),
    "BIP-322, P2WPKH": (
        f"{_BITCOIN}:bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l",
        "Hello World",
        (
            "AkcwRAIgZRfIY3p7/DoVTty6YZbWS71bc5Vct9p9Fia83eRmw2QCICK/ENGfwLtptFluMGs2KsqoNSk89pO7F29zJ"
            "LUx9a/sASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI="
        ),
    ),
    "BIP-322, taproot": (
        f"{_BITCOIN}:bc1ppv609nr0vr25u07u95waq5lucwfm6tde4nydujnu8npg4q75mr5sxq8lt3",
        "Hello World",
        (
            "AUHd69PrJQEv+oKTfZ8l+WROBHuy9HKrbFCJu7U1iK2iiEy1vMU5EfMtjc+VSHM7aU0SDbak5IUZRVno2P5mjSafAQ"
            "=="
        ),
    ),
    "BIP-322, P2WPKH in P2SH": (
        f"{_BITCOIN}:3HSVzEhCFuH9Z3wvoWTexy7BMVVp3PjS6f",
        "Hello World",
        (
            "AkgwRQIhAMd2wZSY3x0V9Kr/NClochoTXcgDaGl3OObOR17yx3QQAiBVWxqNSS+CKen7bmJTG6YfJjsggQ4Fa2RHKg"
            "BKrdQQ+gEhAxa5UDdQCHSQHfKQv14ybcYm1C9y6b12xAuukWzSnS+w"
        ),
    ),
}
_EACH = pytest.mark.parametrize(
    ("account", "text", "signature"), _PUBLISHED.values(), ids=_PUBLISHED
)


def _account(text: str) -> Account:
    return parse_account(shipped_chains(), text)


def _fault(account: str | Account, text: str, signature: str) -> ProofFault:
    account = _account(account) if isinstance(account, str) else account
    with pytest.raises(AddressProofError) as refused:
        verify_signed_text(account, text, signature)
    assert str(refused.value)
    return refused.value.fault


@_EACH
def test_published_signatures_are_accepted(account: str, text: str, signature: str) -> None:
    verify_signed_text(_account(account), text, signature)


@_EACH
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text + " ",
        lambda text: " " + text,
        lambda text: text.replace("a", "\u0430").replace("e", "\u0435"),
        lambda text: text + "\u200b",
        lambda text: text.upper(),
        lambda text: text[:-1],
    ],
    ids=["line", "blank", "before", "cyrillic", "invisible", "upper", "cut"],
)
def test_another_text_is_not_signed(
    account: str, text: str, signature: str, change: Callable[[str], str]
) -> None:
    assert _fault(account, change(text), signature) is ProofFault.NOT_SIGNED


@_EACH
def test_a_signature_is_good_for_its_own_address_alone(
    account: str, text: str, signature: str
) -> None:
    chain = account.rpartition(":")[0]
    for other, _, _ in _PUBLISHED.values():
        # One key of Electrum's has two of them.
        if other.startswith(chain) and other != account and text != "Electrum":
            assert _fault(other, text, signature) in {ProofFault.NOT_SIGNED, ProofFault.BAD_FORM}


@_EACH
def test_no_bit_of_a_signature_may_change(account: str, text: str, signature: str) -> None:
    is_hex = signature.startswith("0x")
    raw = bytes.fromhex(signature[2:]) if is_hex else base64.b64decode(signature)
    known = _account(account)
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1 << place % 8
        other = f"0x{changed.hex()}" if is_hex else base64.b64encode(changed).decode()
        with pytest.raises(AddressProofError):
            verify_signed_text(known, text, other)


@_EACH
@pytest.mark.parametrize(
    "change",
    [
        lambda signature: signature[:0],
        lambda signature: " " + signature,
        lambda signature: signature + "\n",
        lambda signature: signature[:-4],
        lambda signature: signature + "AAAA",
        lambda signature: signature.replace("A", "\u0410").replace("a", "\u0430"),
        lambda signature: signature.lower() if signature[1] != "x" else signature + "zz",
        lambda signature: signature[:-1] + "\ud800",
        lambda signature: "smp" + signature[:0],
    ],
    ids=["empty", "blank", "line", "cut", "longer", "cyrillic", "case", "surrogate", "prefix"],
)
def test_a_signature_has_one_spelling(
    account: str, text: str, signature: str, change: Callable[[str], str]
) -> None:
    assert _fault(account, text, change(signature)) is not ProofFault.TOO_LONG


@_EACH
def test_what_is_too_long_is_not_looked_at(account: str, text: str, signature: str) -> None:
    assert _fault(account, "x" * (MOST_TEXT_BYTES + 1), signature) is ProofFault.TOO_LONG
    longest = "A" * (MOST_SIGNATURE_CHARACTERS + 1)
    assert _fault(account, text, longest) is ProofFault.TOO_LONG


@_EACH
def test_texts_that_no_wallet_signs(account: str, text: str, signature: str) -> None:
    assert _fault(account, text + "\ud800", signature) is ProofFault.BAD_TEXT
    assert _fault(account, "", signature) is ProofFault.BAD_TEXT


@given(st.text(max_size=40), st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.hex()))
def test_nothing_raises_anything_else(text: str, signature: str) -> None:
    for account in {each[0] for each in _PUBLISHED.values()} | {_of_ed25519()}:
        for spelled in (signature, base64.b64encode(signature.encode("utf-8", "replace")).decode()):
            with pytest.raises(AddressProofError):
                verify_signed_text(_account(account), text, spelled)


def _of_ed25519() -> str:
    return f"{_SOLANA}:{base58_encode(_ED25519.public_key().public_bytes_raw())}"


def _of_key(prefix: str = "eip155:1:0x") -> str:
    return prefix + keccak256(_KEY.public_key.format(compressed=False)[1:])[-20:].hex()


def _tron_of_key() -> str:
    payload = b"\x41" + keccak256(_KEY.public_key.format(compressed=False)[1:])[-20:]
    return f"{_TRON}:{base58check_encode(payload)}"


def _personal(text: str, prefix: str = "\x19Ethereum Signed Message:\n") -> bytes:
    digest = keccak256(f"{prefix}{len(text)}{text}".encode())
    return bytes(_KEY.sign_recoverable(digest, hasher=None))


def test_the_recovery_byte_counts_from_0_or_27() -> None:
    signature = _personal("hello")
    for byte in (signature[-1], signature[-1] + 27):
        verify_signed_text(_account(_of_key()), "hello", (signature[:-1] + bytes([byte])).hex())
    for byte in (2, 3, 29, 35, 255):
        spelled = (signature[:-1] + bytes([byte])).hex()
        assert _fault(_of_key(), "hello", spelled) is ProofFault.BAD_FORM


def test_the_second_spelling_of_a_signature_is_refused() -> None:
    """Whoever saw a signature can write this one without the key."""
    first = _personal("hello")
    high = (_ORDER - int.from_bytes(first[32:64])).to_bytes(32)
    second = first[:32] + high + bytes([first[64] ^ 1])
    assert _fault(_of_key(), "hello", second.hex()) is ProofFault.NOT_CANONICAL
    other = (
        "IDsu0U/THAsPz/MSuXGBKSULz2dTfmrg1NsAhFp+wH5a1gZoH8kE7O05lE65YLZFzLx3sh/rDzXMbo1dQAJhhnU="
    )
    account, text, _ = _PUBLISHED["Electrum, short key"]
    assert _fault(account, text, other) is ProofFault.NOT_CANONICAL


@pytest.mark.parametrize("r", [0, _ORDER, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1])
def test_numbers_that_no_signature_has(r: int, s: int) -> None:
    for last in range(2):
        raw = r.to_bytes(32) + s.to_bytes(32) + bytes([last])
        assert _fault(_of_key(), "hello", raw.hex()) is ProofFault.NOT_SIGNED


def test_a_contract_wallets_signature_is_called_so() -> None:
    assert _fault(_of_key(), "hello", "0x" + "ab" * 130) is ProofFault.CONTRACT_WALLET


def test_a_signature_of_one_chain_is_none_on_another() -> None:
    """One key has an address on each; the prefix, and the text, tell them apart."""
    ethereum, tron = _personal("hello"), _personal("hello", "\x19TRON Signed Message:\n")
    verify_signed_text(_account(_of_key()), "hello", ethereum.hex())
    verify_signed_text(_account(_tron_of_key()), "hello", tron.hex())
    assert _fault(_of_key(), "hello", tron.hex()) is ProofFault.NOT_SIGNED
    assert _fault(_tron_of_key(), "hello", ethereum.hex()) is ProofFault.NOT_SIGNED


@pytest.mark.parametrize("first", range(27, 43))
def test_the_first_byte_says_which_kinds_of_address_it_is_for(first: int) -> None:
    """BIP-137, and Electrum's habit of writing P2PKH's byte for segwit."""
    text = "hello"
    digest = sha256(sha256(b"\x18Bitcoin Signed Message:\n\x05hello").digest()).digest()
    signature = _KEY.sign_recoverable(digest, hasher=None)
    if signature[64] != (first - 27) % 4:
        return
    short, long = (hash160(_KEY.public_key.format(compressed=c)) for c in (True, False))
    script = hash160(b"\0\x14" + short)
    addresses = {
        "long": base58check_encode(b"\0" + long),
        "short": base58check_encode(b"\0" + short),
        "p2sh": base58check_encode(b"\x05" + script),
        "p2wpkh": _segwit(short),
    }
    spelled = base64.b64encode(bytes([first]) + signature[:64]).decode()
    by_four = [{"long"}, {"short", "p2sh", "p2wpkh"}, {"p2sh"}, {"p2wpkh"}]
    for kind, address in addresses.items():
        account = _account(f"{_BITCOIN}:{address}")
        if kind in by_four[(first - 27) // 4]:
            verify_signed_text(account, text, spelled)
        else:
            assert _fault(account, text, spelled) is ProofFault.NOT_SIGNED


def _segwit(program: bytes) -> str:
    return str(import_module("bip_utils").SegwitBech32Encoder.Encode("bc", 0, program))


@pytest.mark.parametrize("first", [0, 26, 43, 255])
def test_a_first_byte_of_no_kind(first: int) -> None:
    spelled = base64.b64encode(bytes([first]) + b"\x01" * 64).decode()
    account = _PUBLISHED["Electrum, short key"][0]
    assert _fault(account, "hello", spelled) is ProofFault.BAD_FORM


def test_a_long_text_has_a_length_of_three_bytes() -> None:
    text = "x" * 300
    message = b"\x18Bitcoin Signed Message:\n\xfd\x2c\x01" + text.encode()
    signature = _KEY.sign_recoverable(sha256(sha256(message).digest()).digest(), hasher=None)
    spelled = base64.b64encode(bytes([31 + signature[64]]) + signature[:64]).decode()
    address = _segwit(hash160(_KEY.public_key.format()))
    verify_signed_text(_account(f"{_BITCOIN}:{address}"), text, spelled)


def test_the_simple_form_may_say_that_it_is_one_and_ends_with_its_witness() -> None:
    account, text, signature = _PUBLISHED["BIP-322, taproot"]
    verify_signed_text(_account(account), text, "smp" + signature)
    longer = base64.b64encode(base64.b64decode(signature) + b"\0").decode()
    assert _fault(account, text, longer) is ProofFault.BAD_FORM
    legacy = _PUBLISHED["Electrum, short key"]
    assert _fault(legacy[0], legacy[1], "smp" + legacy[2]) is ProofFault.BAD_FORM
    assert _fault(legacy[0], legacy[1], signature) is ProofFault.BAD_FORM
    assert _fault(account, text, legacy[2]) is ProofFault.BAD_FORM


@pytest.mark.parametrize("raw", [b"\0", b"\3\0\0\0", b"\1", b"\1\2\0", b"\2\1\0\1"])
def test_what_is_no_witness_of_one_key(raw: bytes) -> None:
    account, text, _ = _PUBLISHED["BIP-322, taproot"]
    assert _fault(account, text, base64.b64encode(raw).decode()) is ProofFault.BAD_FORM


def test_base64_has_one_spelling() -> None:
    account, text, signature = _PUBLISHED["Electrum, short key"]
    other = signature.replace("w=", "x=")
    assert base64.b64decode(other) == base64.b64decode(signature)
    assert _fault(account, text, other) is ProofFault.BAD_FORM


def test_a_script_of_several_signers_has_no_single_key() -> None:
    script = f"{_BITCOIN}:bc1qwqdg6squsna38e46795at95yu9atm8azzmyvckulcc7kytlcckxswvvzej"
    for signature in (_PUBLISHED["Electrum, P2WPKH"][2], _PUBLISHED["BIP-322, P2WPKH"][2]):
        assert _fault(script, "hello", signature) is ProofFault.NO_SINGLE_KEY


def test_solana_signs_the_text_or_an_off_chain_message_of_it() -> None:
    account, text = _account(_of_ed25519()), "hello\nworld"
    key = _ED25519.public_key().public_bytes_raw()
    for message in solana._messages(key, text.encode()):
        raw = _ED25519.sign(message)
        encoded = [base58_encode(raw), raw.hex(), base64.b64encode(raw).decode()]
        for spelled in encoded:
            verify_signed_text(account, text, spelled)
            assert _fault(account, text + "!", spelled) is ProofFault.NOT_SIGNED
    alien = _ED25519.sign(b"\xffsolana offchain\x02" + text.encode())
    assert _fault(account, text, alien.hex()) is ProofFault.NOT_SIGNED


def test_off_chain_messages_are_written_as_solana_writes_them() -> None:
    """The bytes that solana-sdk's own tests have for its message "Test Message"."""
    domain = bytes([255, *b"solana offchain", 0])
    text = b"Test Message"
    found = list(solana._messages(bytes(32), text))
    assert domain + bytes([0, 12, 0]) + text in found
    assert domain + bytes(32) + bytes([0, 1]) + bytes(32) + bytes([12, 0]) + text in found


@pytest.mark.parametrize("signature", ["", "1" * 63, "A" * 85 + "B==", "ab" * 63, "l" * 88])
def test_what_is_no_signature_of_solanas(signature: str) -> None:
    assert _fault(_of_ed25519(), "hello", signature) is ProofFault.BAD_FORM


def test_an_address_of_a_program_has_no_key() -> None:
    """Off the curve, and a point of low order under which one signature fits every text."""
    for key in (b"\x02" + bytes(31), bytes([1]) + bytes(31)):
        account = f"{_SOLANA}:{base58_encode(key)}"
        assert _fault(account, "hello", "00" * 64) is ProofFault.NO_SINGLE_KEY


def test_signatures_of_other_chains_are_not_verified() -> None:
    other = _account("xrpl:0:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh")
    assert not may_prove(other.chain)
    assert may_prove(_account(_of_key("eip155:56:0x")).chain)
    assert _fault(other, "hello", "00" * 65) is ProofFault.UNSUPPORTED_CHAIN


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secp256k1, "find_spec", lambda _: None)
    for name in ("web3.js, eth.accounts.sign", "BIP-322, taproot"):
        account, text, signature = _PUBLISHED[name]
        with pytest.raises(MissingLibraryError, match=r"holdfast-kit\[proofs\]"):
            verify_signed_text(_account(account), text, signature)


_TODAY = date(2026, 11, 30)


def _statement(**changes: object) -> AddressStatement:
    members: dict[str, object] = {
        "coordinator": "https://coordinator.example",
        "incident": "inc_01kb8x6h0tfn3vw9d2q4ya7rze",
        "restitution": "rst_01kb8x6h0tfn3vw9d2q4ya7rzf",
        "claim": "C-00017",
        "purpose": ProofPurpose.CLAIM,
        "account": _account(_of_key()),
        "signed_on": _TODAY,
    }
    return AddressStatement(**(members | changes))  # type: ignore[arg-type]


def test_the_text_says_for_what_it_is_signed() -> None:
    pay_to = parse_account(shipped_chains(), "xrpl:0:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "7")
    shown = _statement(purpose=ProofPurpose.PAYOUT_ACCOUNT, pay_to=pay_to).text()
    assert shown == (
        "Holdfast: proof of an address\n"
        "\n"
        "With the key of this address I change the account that is paid to.\n"
        "Signing moves no funds and costs nothing.\n"
        "\n"
        f"Address: {_account(_of_key()).display}\n"
        "Chain: Ethereum\n"
        "Pay to: xrpl:0:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh (tag 7)\n"
        "Claim: C-00017\n"
        "Restitution: rst_01kb8x6h0tfn3vw9d2q4ya7rzf\n"
        "Incident: inc_01kb8x6h0tfn3vw9d2q4ya7rze\n"
        "Coordinator: https://coordinator.example\n"
        "Date: 2026-11-30"
    )
    assert "Pay to" not in _statement().text()


def test_a_proof_is_good_for_nothing_else() -> None:
    signature = _personal(_statement().text()).hex()
    verify_statement(_statement(), signature, earliest=_TODAY, today=_TODAY)
    other = _account("eip155:1:0x2c7536E3605D9C16a7a3D7b1898e529396a65c23")
    for changes in (
        {"claim": "C-00018"},
        {"incident": "inc_01kb8x6h0tfn3vw9d2q4ya7rzg"},
        {"restitution": "rst_01kb8x6h0tfn3vw9d2q4ya7rzg"},
        {"coordinator": "https://other.example"},
        {"purpose": ProofPurpose.PAYOUT_ACCOUNT, "pay_to": other},
        {"pay_to": other},
        {"signed_on": date(2026, 12, 1)},
        {"account": other},
        {"account": _account(_of_key("eip155:56:0x"))},
        {"account": _account(_tron_of_key())},
    ):
        with pytest.raises(AddressProofError) as refused:
            verify_statement(_statement(**changes), signature, earliest=_TODAY, today=_TODAY)
        assert refused.value.fault is ProofFault.NOT_SIGNED


@pytest.mark.parametrize(
    ("signed_on", "is_good"),
    [
        (date(2026, 11, 1), True),
        (date(2026, 10, 31), False),
        (date(2026, 12, 1), True),
        (date(2026, 12, 2), False),
    ],
)
def test_a_proof_has_a_date_that_counts(signed_on: date, *, is_good: bool) -> None:
    statement = _statement(signed_on=signed_on)
    signature = _personal(statement.text()).hex()
    earliest = date(2026, 11, 1)
    if is_good:
        verify_statement(statement, signature, earliest=earliest, today=_TODAY)
        return
    with pytest.raises(AddressProofError) as refused:
        verify_statement(statement, signature, earliest=earliest, today=_TODAY)
    assert refused.value.fault is ProofFault.STALE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"coordinator": "https://a.example\nClaim: other"}, "coordinator: must be one line"),
        ({"coordinator": ""}, "coordinator: must be one line"),
        ({"incident": "inc_\u0430"}, "incident: must be one line"),
        ({"restitution": " rst_1"}, "restitution: must be one line"),
        ({"claim": ""}, "claim: a reference is"),
        ({"claim": "=1+1"}, "claim: a reference is"),
        ({"claim": "C-1\n"}, "claim: a reference is"),
        ({"claim": "C" * 65}, "claim: a reference is"),
        ({"claim": "C\u200b1"}, "claim: a reference is"),
        ({"purpose": ProofPurpose.PAYOUT_ACCOUNT}, "pay_to: name the account"),
    ],
)
def test_what_could_be_misread_makes_no_statement(changes: dict[str, object], says: str) -> None:
    with pytest.raises(AddressProofError, match=says) as refused:
        _statement(**changes)
    assert refused.value.fault is ProofFault.BAD_TEXT
