"""What somebody may do to a bundle and make its manifest fit: every one has to be refused."""

from collections.abc import Callable

from holdfast.protocol.checkpoint import Checkpoint, parse_checkpoint
from holdfast.protocol.cosignature import WitnessVerifier
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.merkle_tree import leaf_hash
from holdfast.protocol.signed_note import parse_note
from tests.services.bundles import Unpacked


def other_body(bundle: Unpacked) -> None:
    name = f"{bundle.act('report')}.body"
    bundle.files[name] = bundle.files[name].replace(b'"amount":"100"', b'"amount":"10"')


def other_token(bundle: Unpacked) -> None:
    first, second = bundle.act("answer"), bundle.act("submit")
    bundle.files[f"{first}.token"] = bundle.files[f"{second}.token"]


def relabelled(bundle: Unpacked) -> None:
    acts = bundle.lines("acts.jsonl")
    for act in acts:
        if act["act"] == "ask":
            old, act["act"] = act["file"], "acknowledge"
            act["file"] = old.replace("ask", "acknowledge")
            for ending in ("token", "body"):
                bundle.files[f"{act['file']}.{ending}"] = bundle.files.pop(f"{old}.{ending}")
    bundle.put_lines("acts.jsonl", acts)


def decided_otherwise(bundle: Unpacked) -> None:
    acts = bundle.lines("acts.jsonl")
    for act in acts:
        if act["act"] == "approve":
            old, act["act"] = act["file"], "reject"
            act["file"] = old.replace("approve", "reject")
            for name in [name for name in bundle.files if name.startswith(f"{old}.")]:
                bundle.files[name.replace(old, act["file"])] = bundle.files.pop(name)
    bundle.put_lines("acts.jsonl", acts)


def shown_twice(bundle: Unpacked) -> None:
    acts = bundle.lines("acts.jsonl")
    approval = next(act for act in acts if act["act"] == "approve")
    old, file = approval["file"], f"acts/{len(acts) + 1:05}-approve"
    changes = {"act_id": f"{approval['act_id'][:-1]}0", "leaf_index": None, "file": file}
    bundle.put_lines("acts.jsonl", [*acts, approval | changes])
    for name in [name for name in bundle.files if name.startswith(f"{old}.")]:
        bundle.files[name.replace(old, file)] = bundle.files[name]


def without_signature(bundle: Unpacked) -> None:
    acts = bundle.lines("acts.jsonl")
    for act in acts:
        if act["act"] == "approve":
            act.update(dict.fromkeys(("partner", "subject", "kid")), kind="coordinator")
            for ending in ("token", "body", "document"):
                bundle.files.pop(f"{act['file']}.{ending}", None)
    bundle.put_lines("acts.jsonl", acts)


def of_another_key(bundle: Unpacked) -> None:
    member = bundle.manifest["partner"]
    keys = bundle.lines(f"members/{member}/keys.jsonl")
    root = next(key for key in keys if key["is_root"])
    forged = PrivateKey.generate().public
    del bundle.files[f"keys/{root['kid']}.pem"]
    root |= {"kid": forged.kid, "jwk": forged.jwk()}
    bundle.files[f"keys/{forged.kid}.pem"] = forged.to_pem()
    bundle.put_lines(f"members/{member}/keys.jsonl", keys)


def other_event(bundle: Unpacked) -> None:
    name = f"{bundle.leaves()[-1]}.committed"
    bundle.files[name] = bundle.files[name].replace(b'"timestamp":"2026', b'"timestamp":"2025')


def other_requester(bundle: Unpacked) -> None:
    told = b'"requester":"exchange-a'
    name = next(n for n, c in bundle.files.items() if n.endswith(".committed") and told in c)
    bundle.files[name] = bundle.files[name].replace(told, b'"requester":"exchange-b')


def other_entry(bundle: Unpacked) -> None:
    name = f"{bundle.leaves()[-1]}.entry"
    content = bytearray(bundle.files[name])
    content[-1] ^= 1
    bundle.files[name] = bytes(content)


def swapped_proofs(bundle: Unpacked) -> None:
    first, second = (f"{name}.tlog-proof" for name in bundle.leaves()[-2:])
    bundle.files[first], bundle.files[second] = bundle.files[second], bundle.files[first]


def other_checkpoint(bundle: Unpacked) -> None:
    content = bundle.files["checkpoint"]
    found = parse_checkpoint(parse_note(content))
    text = Checkpoint(found.origin, found.size, leaf_hash(b"")).text().encode()
    bundle.files["checkpoint"] = content.replace(parse_note(content).text.encode(), text)


def other_size(bundle: Unpacked) -> None:
    bundle.manifest["tree_size"] += 1


def other_request(bundle: Unpacked) -> None:
    asked = bundle.manifest["request_id"]
    bundle.manifest["request_id"] = asked[:-1] + ("0" if asked[-1] != "0" else "1")


def other_origin(bundle: Unpacked) -> None:
    bundle.manifest["origin"] = "https://elsewhere.example"


def no_origin(bundle: Unpacked) -> None:
    bundle.manifest["origin"] = "https://[elsewhere.example"


def other_document(bundle: Unpacked) -> None:
    bundle.manifest["content_sha256"] = "0" * 64


def real_as_a_drill(bundle: Unpacked) -> None:
    bundle.manifest["drill"] = True


def of_somebody_else(bundle: Unpacked) -> None:
    """A report of one partner, shown as another's."""
    acts = bundle.lines("acts.jsonl")
    report = next(act for act in acts if act["act"] == "report")
    other = next(act for act in acts if act["partner"] not in {None, report["partner"]})
    report["partner"] = other["partner"]
    bundle.put_lines("acts.jsonl", acts)


def acts_swapped(bundle: Unpacked) -> None:
    """Two acts, each with the other's bytes."""
    first, second = [a["file"] for a in bundle.lines("acts.jsonl") if a["partner"]][:2]
    for ending in ("token", "body"):
        one, two = f"{first}.{ending}", f"{second}.{ending}"
        bundle.files[one], bundle.files[two] = bundle.files[two], bundle.files[one]


def without_body(bundle: Unpacked) -> None:
    """The submission without what was submitted, as if it had been left out for this reader."""
    del bundle.files[f"{bundle.act('submit')}.body"]


def told_twice(bundle: Unpacked) -> None:
    """A member that stands twice, of which one reader takes the first and another the last."""
    bundle.files["acts.jsonl"] = bundle.files["acts.jsonl"].replace(
        b'{"act":"approve",', b'{"act":"reject","act":"approve",', 1
    )


def act_and_event_gone(bundle: Unpacked) -> None:
    """An act left out together with its entry in the log."""
    acts = bundle.lines("acts.jsonl")
    gone = next(act for act in reversed(acts) if act["partner"] and act["leaf_index"])
    leaf = f"log/{gone['leaf_index']:012}."
    for name in [n for n in bundle.files if n.startswith((leaf, f"{gone['file']}."))]:
        del bundle.files[name]
    kept = [act for act in acts if act is not gone]
    for number, act in enumerate(kept, 1):
        old, act["file"] = act["file"], f"acts/{number:05}-{act['act']}"
        for name in [n for n in bundle.files if n.startswith(f"{old}.")]:
            bundle.files[name.replace(old, act["file"])] = bundle.files.pop(name)
    bundle.put_lines("acts.jsonl", kept)


def entry_of_another_act(bundle: Unpacked) -> None:
    """An act with the place of another one in the log."""
    acts = bundle.lines("acts.jsonl")
    first, second = [act for act in acts if act["partner"] and act["leaf_index"]][-2:]
    first["leaf_index"], second["leaf_index"] = second["leaf_index"], first["leaf_index"]
    bundle.put_lines("acts.jsonl", acts)


def of_another_log(bundle: Unpacked) -> None:
    """The log of another coordinator, with the same key."""
    bundle.manifest["log"] = bundle.manifest["log"].replace("/v1/log+", "/v2/log+")


def without_last_act(bundle: Unpacked) -> None:
    [*kept, last] = bundle.lines("acts.jsonl")
    bundle.put_lines("acts.jsonl", kept)
    for name in [name for name in bundle.files if name.startswith(last["file"])]:
        del bundle.files[name]


def without_approval(bundle: Unpacked) -> None:
    acts = [act for act in bundle.lines("acts.jsonl") if act["act"] != "approve"]
    for number, act in enumerate(acts, 1):
        old, act["file"] = act["file"], f"acts/{number:05}-{act['act']}"
        for name in [name for name in bundle.files if name.startswith(f"{old}.")]:
            bundle.files[name.replace(old, act["file"])] = bundle.files.pop(name)
    bundle.put_lines("acts.jsonl", acts)


def without_event(bundle: Unpacked) -> None:
    for name in [name for name in bundle.files if name.startswith(bundle.leaves()[-2])]:
        del bundle.files[name]


def without_further_event(bundle: Unpacked) -> None:
    # The act's own entry is that of its first line.
    told = b'"type":"freeze.frozen"}'
    leaf = next(n[:-10] for n, c in bundle.files.items() if n.startswith("log/") and told in c)
    for name in [name for name in bundle.files if name.startswith(leaf)]:
        del bundle.files[name]


def without_lines(bundle: Unpacked) -> None:
    bundle.put_lines("request/ledger.jsonl", bundle.lines("request/ledger.jsonl")[:-1])


def without_leg(bundle: Unpacked) -> None:
    bundle.put_lines("request/legs.jsonl", bundle.lines("request/legs.jsonl")[:-1])


def without_revocation(bundle: Unpacked) -> None:
    member = bundle.manifest["partner"]
    bundle.put_lines(f"members/{member}/revocations.jsonl", [])
    for name in [name for name in bundle.files if name.startswith(f"members/{member}/revoc")]:
        if not name.endswith(".jsonl"):
            del bundle.files[name]


def shown_as_good(bundle: Unpacked) -> None:
    member = bundle.manifest["partner"]
    keys = bundle.lines(f"members/{member}/keys.jsonl")
    for key in keys:
        key["revoked_at"] = None
    bundle.put_lines(f"members/{member}/keys.jsonl", keys)


def other_status(bundle: Unpacked) -> None:
    bundle.put("request/request.json", bundle.json("request/request.json") | {"status": "closed"})


def other_amount(bundle: Unpacked) -> None:
    name = "request/holds.jsonl"
    bundle.put_lines(name, [hold | {"held": "1"} for hold in bundle.lines(name)])


def other_sums(bundle: Unpacked) -> None:
    sums = bundle.json("request/recomputed.json")
    sums["holds"][0]["held"] = "1"
    bundle.put("request/recomputed.json", sums)


def other_pem(bundle: Unpacked) -> None:
    name = next(name for name in bundle.files if name.startswith("keys/"))
    bundle.files[name] = PrivateKey.generate().public.to_pem()


def other_signed_document(bundle: Unpacked) -> None:
    name = next(name for name in bundle.files if name.endswith(".document"))
    bundle.put(name, bundle.json(name) | {"decision": "reject"})


def other_policy(bundle: Unpacked) -> None:
    bundle.files["log-policy"] = b"quorum none\n"


def of_witnesses(bundle: Unpacked) -> None:
    key = WitnessVerifier("outside.example/witness", PrivateKey.generate().public)
    policy = bundle.files["log-policy"].replace(b"quorum none", b"quorum outside")
    bundle.files["log-policy"] = f"witness outside {key}\n".encode() + policy


def left_over(bundle: Unpacked) -> None:
    bundle.files["acts/00099-approve.token"] = b"a.b.c"


#: What both verifiers must see.
FORGED: tuple[Callable[[Unpacked], None], ...] = (
    *(other_body, other_token, relabelled, decided_otherwise, shown_twice),
    *(without_signature, of_another_key, other_requester),
    *(other_event, other_entry, swapped_proofs, other_checkpoint, other_size),
    *(other_request, other_origin, no_origin, other_document),
    *(of_somebody_else, acts_swapped, without_body, told_twice, act_and_event_gone),
    *(entry_of_another_act, of_another_log),
    *(without_last_act, without_approval, without_event, without_further_event),
    other_signed_document,
)
#: What takes adding up, or a rule of Holdfast's.
ALTERED: tuple[Callable[[Unpacked], None], ...] = (
    *(without_lines, without_leg),
    *(without_revocation, shown_as_good, other_status, other_amount, other_sums),
    *(other_pem, other_policy, of_witnesses, left_over, real_as_a_drill),
)
