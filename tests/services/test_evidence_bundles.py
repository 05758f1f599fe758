"""Evidence bundles: what is in them, for whom, and that nobody can alter one unnoticed."""

import io
import re
import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from holdfast.errors import BundleError, PinMismatchError
from holdfast.evidence.act_rules import ACT_RULES, UNSIGNED
from holdfast.evidence.bundle.examination import Trust
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.evidence.case_file import Result
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.signed_note import NoteVerifier, parse_note, sign_note
from tests.api.membership_acts import (
    approve_grant,
    grant_by_root,
    new_person,
    propose,
    rotation_body,
    with_new_key,
)
from tests.factories import Member, grant_body
from tests.services.bundle_attacks import ALTERED, FORGED
from tests.services.bundles import (
    SECOND_VERIFIER,
    Unpacked,
    by_openssl,
    examined,
    fetch,
    judged,
    refused,
)
from tests.services.request_cast import Ask, Office
from tests.services.test_passkey_acts import enrol
from tests.services.test_verification import eventful, others

#: The kit alone is tried, on what it was given; whether a database gives it, others ask.
_ON_PAPER = pytest.mark.parametrize("office", ["sqlite"], indirect=True, scope="module")


def checked(office: Office, member: Member, ask: Ask) -> Unpacked:
    """Return a member's bundle, in which nothing fails."""
    packed = fetch(office, member, ask)
    assert examined(packed).failures == []
    return Unpacked.of(packed)


def settled(office: Office) -> Ask:
    """Return an eventful request with acts by keys that came and went, and by a passkey."""
    desk, signer, (b, *_) = office.desk, office.signer, others(office)
    a = desk.cast.a
    lead = enrol(desk, a.lead)
    newcomer, proposed = new_person(a, *a.analyst.roles), new_person(a, *a.analyst.roles)
    grant_by_root(signer, a, newcomer)
    approved = approve_grant(signer, a.second_lead, propose(signer, a.lead, grant_body(proposed)))
    assert approved.status_code == 201, approved.data
    ask = desk.submit(newcomer)
    desk.decide(ask, lead)
    renewed = with_new_key(newcomer)
    assert signer.post(newcomer, "/v1/grants", rotation_body(newcomer, renewed)).status_code == 201
    desk.hold(b, ask)
    question = desk.act(b.analyst, ask, "info-requests", missing=["police report"])
    desk.answer(ask, question["id"])
    gone = signer.post(a.lead, "/v1/revocations", {"kid": renewed.key.kid})
    assert gone.status_code == 201, gone.data
    return ask


@pytest.fixture(scope="module")
def case(office: Office) -> tuple[Ask, bytes]:
    """A request of everything, and its requester's bundle."""
    ask = settled(office)
    return ask, fetch(office, office.desk.cast.a.auditor, ask)


def test_everybody_concerned_gets_a_bundle_that_verifies(office: Office) -> None:
    ask = eventful(office)
    a, (b, c, d) = office.desk.cast.a, others(office)
    whole = checked(office, a.auditor, ask)
    assert whole.manifest["partner"] == a.handle
    for exchange in (b, c, d):
        own = checked(office, exchange.analyst, ask)
        assert own.manifest["partner"] == exchange.handle
        assert {leg["partner"] for leg in own.lines("request/legs.jsonl")} == {exchange.handle}
        assert {line["partner"] for line in own.lines("request/ledger.jsonl")} <= {exchange.handle}
        assert not [name for name in own.files if name.endswith(".context")]
        assert own.leaves() != whole.leaves()


def test_what_was_left_out_is_in_no_bundle_of_those_who_do_not_know_it(office: Office) -> None:
    desk = office.desk
    ask = desk.submit()
    desk.decide_without(ask, [1])
    [b, *_] = others(office)
    own = checked(office, b.analyst, ask)
    cut = own.act("submit")
    assert f"{cut}.body" not in own.files
    account = strict_json.loads(ask.raw)["addresses"][1]["account"]
    assert not [name for name, content in own.files.items() if account.encode() in content]
    assert f"{cut}.body" in checked(office, desk.cast.a.auditor, ask).files


def test_each_export_is_recorded_and_told_by_the_next(office: Office) -> None:
    ask = office.desk.go_out()
    a, (b, *_) = office.desk.cast.a, others(office)
    first = fetch(office, a.auditor, ask)
    assert Unpacked.of(first).lines("custody.jsonl") == []
    office.desk.clock.step(timedelta(seconds=1))
    told = checked(office, b.analyst, ask).lines("custody.jsonl")
    manifest = Unpacked.of(first).manifest
    export = {
        "partner": a.handle,
        "at": manifest["made_at"],
        "manifest_sha256": sha256(canonical_json.dumps(manifest)).hexdigest(),
    }
    # Who of its people it was, a partner alone is told.
    assert told == [export | {"subject": None}]
    known = checked(office, a.lead, ask).lines("custody.jsonl")
    assert known[0] == export | {"subject": a.auditor.subject}
    assert (known[1]["partner"], known[1]["subject"]) == (b.handle, None)


def _logged(office: Office) -> None:
    office.signer.client.application.extensions["holdfast"].read_log.store()


def test_who_read_it_is_told_to_the_requester_and_of_its_own_to_a_partner(office: Office) -> None:
    ask = office.desk.go_out()
    a, (b, c, *_) = office.desk.cast.a, others(office)
    path = f"/v1/freeze-requests/{ask.id}"
    for reader in (a.lead, b.analyst, b.analyst, c.auditor):
        assert office.signer.get(reader, path).status_code == 200
    _logged(office)

    def told(member: Member) -> set[tuple[str, str, str, int]]:
        lines = checked(office, member, ask).lines("reads.jsonl")
        names = ("subject", "kid", "what", "count")
        return {tuple(line[name] for name in names) for line in lines}

    read = {each: (each.subject, each.key.kid, "request", 1) for each in (a.lead, c.auditor)}
    of_b = (b.analyst.subject, b.analyst.key.kid, "request", 2)
    assert told(a.auditor) == {*read.values(), of_b}
    assert told(b.lead) == {of_b}
    _logged(office)
    # A bundle that was handed out is read, too.
    assert (b.lead.subject, b.lead.key.kid, "bundle", 1) in told(a.auditor)
    found = examined(fetch(office, a.auditor, ask))
    assert found.failures == []
    [custody] = [each.detail for each in found.own if each.what == "custody"]
    assert re.search(r"; [0-9]+ reads listed, by 3 exchanges$", custody)


@_ON_PAPER
def test_a_bundle_from_before_there_was_a_read_log_verifies_as_it_did(
    case: tuple[Ask, bytes],
) -> None:
    bundle = Unpacked.of(case[1])
    del bundle.files["reads.jsonl"]
    found = examined(bundle.pack())
    assert found.failures == []
    [custody] = [each.detail for each in found.own if each.what == "custody"]
    assert "listed" not in custody
    [rest] = [each.detail for each in found.own if each.what == "rest"]
    assert "reads" not in rest


@_ON_PAPER
def test_lines_of_a_read_log_that_are_none_are_named(case: tuple[Ask, bytes]) -> None:
    bundle = Unpacked.of(case[1])
    bundle.files["reads.jsonl"] += b'{"partner":"exchange-b.example"}\n'
    assert "reads.jsonl" in refused(bundle.pack())


def test_a_stranger_gets_nothing_and_leaves_no_trace(office: Office) -> None:
    ask = office.desk.go_out(to=[others(office)[0].handle])
    before = office.desk.row_counts()["bundle_export"]
    path = f"/v1/freeze-requests/{ask.id}/evidence-bundle"
    assert office.signer.get(others(office)[2].analyst, path).status_code == 404
    assert office.desk.row_counts()["bundle_export"] == before


def test_without_a_record_nothing_is_handed_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = office.desk.go_out()

    def refuse(*_: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("coordinator.api.evidence_bundles.insert_export", refuse)
    path = f"/v1/freeze-requests/{ask.id}/evidence-bundle"
    answer = office.signer.get(office.desk.cast.a.auditor, path)
    assert answer.status_code == 500
    assert b"PK" not in answer.get_data()


@_ON_PAPER
def test_the_same_case_makes_the_same_bytes_but_for_custody(office: Office) -> None:
    ask = office.desk.go_out()
    first, second = (Unpacked.of(fetch(office, office.desk.cast.a.auditor, ask)) for _ in range(2))
    assert list(first.files) == list(second.files)
    differing = {name for name in first.files if first.files[name] != second.files[name]}
    # No ECDSA signature of the coordinator's is made twice alike.
    assert differing == {"custody.jsonl", "summary.pdf"}
    assert first.pack() == Unpacked(first.files, first.manifest).pack()


@_ON_PAPER
def test_keys_that_came_and_went_count_by_their_place_in_the_log(
    case: tuple[Ask, bytes],
) -> None:
    examination = examined(case[1])
    assert examination.failures == []
    told = {finding.what: finding for finding in examination.own}
    assert told["revocations"].detail == "1 revocation as signed"
    assert told["passkeys"].detail == "1 document as passkeys signed them"
    assert told["log key"].result is Result.ASSERTED


@_ON_PAPER
def test_what_one_knows_from_elsewhere_is_held_against_it(case: tuple[Ask, bytes]) -> None:
    packed = case[1]
    manifest = Unpacked.of(packed).manifest
    log_key = NoteVerifier.parse(manifest["log"])
    roots = examined(packed).roots
    pins = {partner: kid for partner, (kid, _) in roots.items()}
    known = examined(packed, Trust(pins, log_key))
    assert known.failures == []
    assert all(is_pinned for _, is_pinned in known.roots.values())
    assert next(f for f in known.own if f.what == "log key").result is Result.VERIFIED
    other = NoteVerifier(log_key.name, PrivateKey.generate().public)
    with pytest.raises(PinMismatchError):
        examined(packed, Trust(log_key=other))
    [handle, *_] = pins
    assert "is pinned as ppp" in refused(packed, Trust({handle: "p" * 43}))


@_ON_PAPER
@pytest.mark.parametrize("attack", [*FORGED, *ALTERED])
def test_an_altered_bundle_is_refused_though_its_manifest_was_made_to_fit(
    case: tuple[Ask, bytes], attack: Callable[[Unpacked], None]
) -> None:
    bundle = Unpacked.of(case[1])
    before = bundle.pack()
    assert refused(before) == ""
    attack(bundle)
    assert bundle.pack() != before
    assert refused(bundle.pack())


@_ON_PAPER
def test_what_is_not_in_the_manifest_or_not_in_the_bundle_is_named(
    case: tuple[Ask, bytes],
) -> None:
    for change in ("more", "less", "other"):
        bundle = Unpacked.of(case[1])
        if change == "more":
            bundle.files["more.pdf"] = b"x"
        elif change == "less":
            del bundle.files["custody.jsonl"]
        else:
            bundle.files["custody.jsonl"] += b"\n"
        said = refused(bundle.pack(is_mended=False))
        assert ("more.pdf" if change == "more" else "custody.jsonl") in said


@_ON_PAPER
def test_evidence_of_another_request_proves_nothing_of_this_one(
    office: Office, case: tuple[Ask, bytes]
) -> None:
    other = Unpacked.of(fetch(office, office.desk.cast.a.auditor, settled(office)))
    # Approvals swapped: both by leads who may, each over another document.
    bundle = Unpacked.of(case[1])
    for ending in ("token", "body", "document"):
        bundle.files[f"{bundle.act('approve')}.{ending}"] = other.files[
            f"{other.act('approve')}.{ending}"
        ]
    assert "approve" in refused(bundle.pack())
    # Its proofs, with its checkpoint: newer than this bundle's, and truly signed.
    bundle = Unpacked.of(case[1])
    leaf = bundle.leaves()[-1]
    for name in [name for name in bundle.files if name.startswith(leaf)]:
        del bundle.files[name]
    foreign = next(
        name
        for name in other.leaves()
        if other.manifest["request_id"].encode() in other.files[f"{name}.committed"]
    )
    for ending in ("entry", "committed", "tlog-proof"):
        bundle.files[f"{foreign}.{ending}"] = other.files[f"{foreign}.{ending}"]
    assert "entry" in refused(bundle.pack())
    # Its events, truly proven under the very same checkpoint.
    same = Unpacked.of(fetch(office, office.desk.cast.a.auditor, case[0]))
    assert same.files["checkpoint"] == other.files["checkpoint"]
    for ending in ("entry", "committed", "tlog-proof"):
        same.files[f"{foreign}.{ending}"] = other.files[f"{foreign}.{ending}"]
    assert "it is of another request" in refused(same.pack())
    # An older checkpoint, which the newest entries of this one are not under.
    newer = other
    newer.files["checkpoint"] = Unpacked.of(case[1]).files["checkpoint"]
    newer.manifest["tree_size"] = Unpacked.of(case[1]).manifest["tree_size"]
    assert "checkpoint" in refused(newer.pack())


@_ON_PAPER
def test_a_log_that_somebody_made_up_is_one_that_nobody_trusts(case: tuple[Ask, bytes]) -> None:
    bundle = Unpacked.of(case[1])
    own = NoteVerifier.parse(bundle.manifest["log"])
    key = PrivateKey.generate()
    note = bundle.files["checkpoint"]
    forged = sign_note(parse_note(note).text, own.name, key)
    for name in [name for name in bundle.files if name.endswith(".tlog-proof")]:
        bundle.files[name] = bundle.files[name].replace(note, forged)
    bundle.files |= {"checkpoint": forged, "log-key.pem": key.public.to_pem()}
    made_up = NoteVerifier(own.name, key.public)
    policy = bundle.files["log-policy"].replace(str(own).encode(), str(made_up).encode())
    bundle.files["log-policy"] = policy
    bundle.manifest["log"] = str(made_up)
    # By itself it fits together: that is why the key is said to be asserted.
    assert refused(bundle.pack()) == ""
    assert "trusted" in refused(bundle.pack(), Trust(log_key=own))


@_ON_PAPER
@pytest.mark.parametrize("ending", ["json", "jsonl", "token", "tlog-proof", "entry", "checkpoint"])
def test_what_is_malformed_raises_nothing_but_what_is_typed(
    case: tuple[Ask, bytes], ending: str
) -> None:
    whole = Unpacked.of(case[1])
    names = [name for name in whole.files if name.endswith(ending)][:2]
    for name in names:
        content = whole.files[name]
        for broken in (
            b"",
            b"\n",
            b"null\n",
            b"[]\n",
            b"{}\n",
            b"\xff\xfe",
            content[:-1],
            content[: len(content) // 2],
            content + content,
            content.replace(b'"', b"'", 1),
            content.replace(b":", b":[", 1),
        ):
            if broken == content:
                continue
            bundle = Unpacked(dict(whole.files), whole.manifest)
            bundle.files[name] = broken
            assert refused(bundle.pack()), (name, broken[:20])


@_ON_PAPER
def test_a_member_of_another_type_raises_nothing_but_what_is_typed(
    case: tuple[Ask, bytes],
) -> None:
    whole = Unpacked.of(case[1])
    by_kind = {Path(n).name: n for n in whole.files if n.endswith(".jsonl") and whole.files[n]}
    for name in by_kind.values():
        first, *rest = whole.lines(name)
        for number, member in enumerate(first):
            value: object = ([["y"]], {"x": None}, -1)[number % 3]
            bundle = Unpacked(dict(whole.files), whole.manifest)
            bundle.put_lines(name, [first | {member: value}, *rest])
            refused(bundle.pack())


@contextmanager
def _little_memory() -> Iterator[None]:
    """Let the block have a gigabyte more than there is in use."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (1 << 30), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@_ON_PAPER
@pytest.mark.parametrize("made_up", ["number", "lines", "document"])
def test_what_is_made_up_to_be_huge_takes_little_memory(
    case: tuple[Ask, bytes], made_up: str
) -> None:
    bundle = Unpacked.of(case[1])
    if made_up == "number":
        [first, *legs] = bundle.lines("request/legs.jsonl")
        bundle.put_lines("request/legs.jsonl", [first | {"requester_sequence": 2**53 - 1}, *legs])
    elif made_up == "lines":
        bundle.files["acts.jsonl"] = b"\n" * (128 << 20)
    else:
        bundle.files["request/request.json"] = b"[" * 20 + b'"' * (128 << 20)
    packed = bundle.pack()
    del bundle
    with _little_memory():
        assert refused(packed)


@_ON_PAPER
@pytest.mark.parametrize("name", ["acts.jsonl", "members/{}/keys.jsonl", "members/{}/grants.jsonl"])
def test_a_list_is_no_longer_than_there_can_be_files(
    monkeypatch: pytest.MonkeyPatch, case: tuple[Ask, bytes], name: str
) -> None:
    bundle = Unpacked.of(case[1])
    count = len(bundle.lines(name.format(bundle.manifest["partner"])))
    monkeypatch.setattr("holdfast.protocol.bundle_layout.MAX_FILES", count - 1)
    reader = BundleReader(io.BytesIO(case[1]))
    partner = reader.manifest.partner
    lists: dict[str, Callable[[], object]] = {
        "acts.jsonl": lambda: reader.evidence(reader.manifest.request_id),
        "members/{}/keys.jsonl": lambda: reader.keys(partner),
        "members/{}/grants.jsonl": lambda: reader.grants(partner),
    }
    with pytest.raises(BundleError, match="more than"):
        lists[name]()


@_ON_PAPER
def test_what_nobody_looked_into_is_named(case: tuple[Ask, bytes]) -> None:
    # A script that a reader is about to run, above all.
    [rest] = [finding for finding in examined(case[1]).own if finding.what == "rest"]
    assert rest.detail == "not looked into: VERIFY.txt, summary.pdf"


# --- by others' means -----------------------------------------------------------------------------


@_ON_PAPER
def test_openssl_comes_to_the_same_verdict_by_the_commands_of_verify_txt(
    tmp_path: Path, case: tuple[Ask, bytes]
) -> None:
    done = by_openssl(tmp_path / "good", Unpacked.of(case[1]))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    said = done.stdout.splitlines()
    checks = [line for line in said if line.startswith("ok")]
    bundle = Unpacked.of(case[1])
    signed = [name for name in bundle.files if name.endswith(".token")]
    assert sum(" is signed by " in line for line in checks) == len(signed) + 1
    assert sum(line.endswith(" is in the log") for line in checks) == len(bundle.leaves())
    assert f"log: {bundle.manifest['log']}" in said
    # Ed25519, and a passkey's ES256; and one of everything that is checked, altered.
    assert [name for name in bundle.files if name.endswith(".document")]
    first, second, third = (name.removeprefix("log/") for name in bundle.leaves()[:3])
    kid = next(name for name in bundle.files if name.startswith("keys/")).split("/")[1][:-4]
    altered = {
        f"{bundle.act('ask')}.body": f"act {bundle.act('ask')} ",
        f"{bundle.act('answer')}.token": f"act {bundle.act('answer')} ",
        f"{bundle.act('approve')}.document": f"act {bundle.act('approve')} ",
        f"log/{first}.entry": f"entry {first}",
        f"log/{second}.committed": f"committed {second}",
        f"log/{third}.tlog-proof": f"entry {third}",
        f"keys/{kid}.pem": f"key {kid}",
    }
    for name in altered:
        content = bytearray(bundle.files[name])
        content[len(content) // 2] ^= 1
        bundle.files[name] = bytes(content)
    _check_only(bundle, altered.values())
    done = by_openssl(tmp_path / "bad", bundle)
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == len(altered) + 1
    assert failed[0] == "FAILED  every file has the SHA-256 that manifest.json says"
    assert f"{len(failed)} checks FAILED" in done.stdout
    bundle = Unpacked.of(case[1])
    bundle.files["checkpoint"] = bundle.files["checkpoint"].replace(b"\n", b"\n1", 1)
    _check_only(bundle, [])
    done = by_openssl(tmp_path / "unsigned", bundle)
    assert "FAILED  checkpoint is signed by log-key.pem" in done.stdout


def _check_only(bundle: Unpacked, checks: Iterable[str]) -> None:
    """Leave out of VERIFY.txt what is about other files, to be quick."""
    kept = [
        line
        for line in bundle.files["VERIFY.txt"].decode().splitlines()
        if not line.startswith(("key ", "act ", "bodiless ", "entry ", "committed "))
        or line.startswith(tuple(checks))
    ]
    bundle.files["VERIFY.txt"] = "\n".join([*kept, ""]).encode()


@_ON_PAPER
def test_the_second_verifier_comes_to_the_verdict_of_the_kit(
    tmp_path: Path, office: Office, case: tuple[Ask, bytes]
) -> None:
    packed = case[1]
    done = judged(tmp_path, packed)
    assert (done.returncode, done.stderr) == (0, "")
    own = fetch(office, others(office)[0].analyst, case[0])
    assert judged(tmp_path, own).returncode == 0
    log_key = Unpacked.of(packed).manifest["log"]
    pins = [f"{partner}={kid}" for partner, (kid, _) in examined(packed).roots.items()]
    assert judged(tmp_path, packed, log_key, *pins).returncode == 0
    assert judged(tmp_path, packed, log_key[:-2] + "A=").returncode == 1
    assert judged(tmp_path, packed, log_key, f"{pins[0][:-43]}{'p' * 43}").returncode == 1
    for attack in FORGED:
        bundle = Unpacked.of(packed)
        attack(bundle)
        done = judged(tmp_path, bundle.pack())
        assert done.returncode == 1, attack
        assert done.stderr.startswith("FAILED: "), attack
    bundle = Unpacked.of(packed)
    bundle.files["custody.jsonl"] += b"\n"
    assert judged(tmp_path, bundle.pack(is_mended=False)).returncode == 1
    assert judged(tmp_path, b"PK" + packed).returncode == 1


def test_the_second_verifier_knows_every_act() -> None:
    text = SECOND_VERIFIER.read_text(encoding="utf-8")
    _, acts = text.split("const PATHS =")
    acts, _ = acts.split("function checkAct")
    signed, unsigned = re.sub(r"const UNSIGNED = .*", "", acts), acts.split("UNSIGNED = ")[1]
    words = set(re.findall(r"\w+", unsigned.splitlines()[0]))
    assert words == set(UNSIGNED)
    assert set(ACT_RULES) <= set(re.findall(r"\w+", signed))


def test_the_second_verifier_is_short_enough_to_be_read() -> None:
    assert len(SECOND_VERIFIER.read_text(encoding="utf-8").splitlines()) <= 200
