"""Policies of a log, as C2SP specifies them."""

from datetime import UTC, datetime
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.checkpoint import Checkpoint
from holdfast.protocol.cosignature import WitnessVerifier, cosign
from holdfast.protocol.errors import CheckpointError, CosignatureError, LogPolicyError
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_policy import LogPolicy, parse_policy
from holdfast.protocol.signed_note import (
    NoteSignature,
    NoteVerifier,
    SignedNote,
    key_line,
    parse_note,
    sign_note,
)

LOG_KEY = PrivateKey.from_seed(b"n" * 32)
LOG = NoteVerifier("c.example/v1/log", LOG_KEY.public)
KEYS = {name: PrivateKey.from_seed(name.encode() * 32) for name in "abcdx"}
WITNESSES = {
    name: WitnessVerifier(f"{name}.example/witness", key.public) for name, key in KEYS.items()
}
POST_QUANTUM = key_line("q.example/witness", 6, bytes(1312))
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEXT = Checkpoint(LOG.name, 7, bytes(range(32))).text()
#: Two of the members and one from outside.
POLICY = f"""
# whom we rely on
log {LOG} https://c.example
witness a {WITNESSES["a"]}
witness\tb   {WITNESSES["b"]} https://b.example
  witness c {WITNESSES["c"]}
witness x {WITNESSES["x"]}
witness q {POST_QUANTUM}
group members 2 a b c
group outside any x q
group both all members outside
quorum both
"""
LEAST = f"witness a {WITNESSES['a']}\nwitness b {WITNESSES['b']}\n"


def _cosigned(*names: str, text: str = TEXT) -> bytes:
    signed = parse_note(sign_note(TEXT, LOG.name, LOG_KEY))
    lines = [cosign(text, WITNESSES[name].name, KEYS[name], AT) for name in names]
    return SignedNote(TEXT, (*signed.signatures, *lines)).encode()


@pytest.mark.parametrize(
    "names", [each for count in range(5) for each in combinations("abcx", count)]
)
def test_two_members_and_one_from_outside(names: tuple[str, ...]) -> None:
    policy = parse_policy(POLICY.encode())
    judged = policy.judge(_cosigned(*names))
    assert judged.is_met == ("x" in names and len(names) >= 3)
    assert [each.witness for each in judged.cosignatures] == [WITNESSES[name] for name in names]
    assert judged.checkpoint.size == 7


def test_strangers_and_doubles_do_not_count() -> None:
    policy = parse_policy(POLICY.encode())
    assert not policy.judge(_cosigned("a", "a", "x", "d")).is_met
    assert policy.judge(_cosigned("a", "a", "c", "x", "d")).is_met


def test_too_few_are_named() -> None:
    policy = parse_policy(POLICY.encode())
    assert policy.require(_cosigned("a", "b", "x")).is_met
    with pytest.raises(LogPolicyError, match=r"quorum 'both'.*a\.example/witness cosigned"):
        policy.require(_cosigned("a"))
    with pytest.raises(LogPolicyError, match="nobody"):
        policy.require(_cosigned())


def test_a_cosignature_on_something_else_is_refused() -> None:
    policy = parse_policy(POLICY.encode())
    with pytest.raises(CosignatureError):
        policy.judge(_cosigned("a", text=TEXT.replace("7", "8")))


def test_the_log_must_be_one_of_the_policys_or_the_one_asked_for() -> None:
    policy = parse_policy(LEAST.encode() + b"quorum a")
    with pytest.raises(CheckpointError):
        policy.judge(_cosigned("a"))
    assert policy.judge(_cosigned("a"), LOG).is_met
    other = NoteVerifier("d.example/v1/log", LOG_KEY.public)
    with pytest.raises(CheckpointError):
        policy.judge(_cosigned("a"), other)


def test_a_policy_may_ask_for_none_or_for_one() -> None:
    assert parse_policy(b"quorum none\n").is_met([])
    assert LogPolicy().is_met([])
    one = parse_policy(LEAST.encode() + b"quorum b\n")
    assert not one.is_met([WITNESSES["a"]])
    assert one.is_met([WITNESSES["b"]])


def test_keys_of_unknown_kinds_keep_their_names_and_never_count() -> None:
    text = f"log {key_line('l.example', 2, b'x' * 91)}\nwitness q {POST_QUANTUM}\nquorum q\n"
    policy = parse_policy(text.encode())
    assert (policy.logs, policy.verifiers) == ((), ())
    stranger = NoteSignature("q.example/witness", b"\1\2\3\4", bytes(2428))
    signed = parse_note(_cosigned())
    note = SignedNote(signed.text, (*signed.signatures, stranger))
    assert not policy.judge(note.encode(), LOG).is_met


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one line"),
        ("# quorum none", "one line"),
        ("quorum none\nquorum none", "line 2: .*twice"),
        ("quorum a", "line 1: 'a' is no witness"),
        ("quorum", "line 1: a line is"),
        ("witnes a b\nquorum none", "line 1: a line is"),
        ("log x\nquorum none", "line 1: a verifier key"),
        (f"log {LOG}\nlog {LOG}\nquorum none", "line 2: a log with this key"),
        (f"log {WITNESSES['a']}\nquorum none", "line 1: .*witness's key"),
        (f"witness a {LOG}\nquorum none", "line 1: .*log's key"),
        (f"witness none {WITNESSES['a']}\nquorum none", "line 1: 'none' is taken"),
        (f"{LEAST}witness a {WITNESSES['c']}\nquorum a", "line 3: 'a' is taken"),
        (f"{LEAST}witness c {WITNESSES['a']}\nquorum a", "line 3: a witness with this key"),
        (
            f"{LEAST}witness c {WitnessVerifier('other', KEYS['a'].public)}\nquorum a",
            "line 3: a witness with this key",
        ),
        (f"{LEAST}group a any b\nquorum a", "line 3: 'a' is taken"),
        (f"{LEAST}group g 3 a b\nquorum g", "line 3: .*1 to 2"),
        (f"{LEAST}group g 0 a b\nquorum g", "line 3: .*1 to 2"),
        (f"{LEAST}group g 01 a b\nquorum g", "line 3: .*1 to 2"),
        (f"{LEAST}group g most a b\nquorum g", "line 3: .*'most'"),
        (f"{LEAST}group g any\nquorum g", "line 3: a line is"),
        (f"{LEAST}group g 2 a a\nquorum g", "line 3: 'a' stands in a group already"),
        (f"{LEAST}group g any a\ngroup h any a b\nquorum h", "line 4: 'a' stands in a group"),
        (f"{LEAST}group g any g\nquorum g", "line 3: 'g' is no witness"),
        (f"{LEAST}group g any none\nquorum g", "line 3: 'none' is no witness"),
        ("quorum none\r\n", "line 1: no control"),
        ("\n\x0bquorum none\n", "line 2: no control"),
        ("witness a x+00000000+BAAA\nquorum a", "line 1: .*unsafe"),
        ("\n".join(["quorum none"] + ["# x"] * 9 + ["quorum none"] * 600), "line 11: .*twice"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(LogPolicyError, match=said):
        parse_policy(text.encode())


def test_a_policy_is_bounded() -> None:
    many = "".join(f"witness w{n} {key_line('w', 6, str(n).encode())}\n" for n in range(501))
    with pytest.raises(LogPolicyError, match=r"line 501: .*at most 500"):
        parse_policy(many.encode() + b"quorum none")
    with pytest.raises(LogPolicyError, match="bytes is not read"):
        parse_policy(b"#" * (1 << 19))
    with pytest.raises(LogPolicyError, match="UTF-8"):
        parse_policy(b"quorum none # \xff")


@given(st.text(alphabet="logwitnesgrupqma 12+\n\t#AB=\u212a", max_size=200))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    try:
        parse_policy(text.encode())
    except LogPolicyError:
        return
