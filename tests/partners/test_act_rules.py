"""The table of acts: every kind is signed over its own path, and no other act passes for it."""

import re
from collections.abc import Iterator

import pytest

from coordinator.domain.leg import LegAct
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.act_rules import (
    ACT_RULES,
    LINE_ROLES,
    RECOVERIES,
    REQUESTS,
    RESTITUTIONS,
    TASKS,
    UNSIGNED,
)
from holdfast.evidence.acts import prove_act
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import LineKind, Role
from tests.architecture.tree import modules
from tests.partners.signed_world import ORIGIN, World, request_body, sign

FRQ = new_id("frq")
IDS = {REQUESTS: FRQ, RESTITUTIONS: new_id("rst"), RECOVERIES: new_id("rcv")}
CONTENT = "ab" * 32


def url_of(act: str) -> str:
    rule = ACT_RULES[act]
    if rule.path is None:
        return ORIGIN + rule.base
    if rule.path == TASKS:
        task = Task(TaskKind.ANSWER, FRQ, new_id("leg"))
        return ORIGIN + TASKS.replace("{task}", task.id)
    below = re.sub(r"\{(\w+)\}", lambda prefix: new_id(prefix[1]), rule.path)
    return f"{ORIGIN}{rule.base}/{IDS[rule.base]}/{below}"


def fits(act: str, url: str) -> bool:
    rule = ACT_RULES[act]
    return rule.fits(url, origin=ORIGIN, request_id=IDS[rule.base])


@pytest.mark.parametrize("act", ACT_RULES)
def test_an_act_is_signed_over_its_own_path_and_nothing_near_it(act: str) -> None:
    url, own = url_of(act), IDS[ACT_RULES[act].base]
    assert fits(act, url)
    near = [
        *(f"{url}{more}" for more in ("?", "?a=b", "?&", "/", "#", "/x", "%20", "\n")),
        url.replace("/v1/", "//v1/"),
        url.replace("/v1/", "/v2/"),
        url.replace("https:", "http:"),
        url.replace(own.partition("_")[2], new_id("frq").partition("_")[2])
        if ACT_RULES[act].path
        else f"{url}/{own}",
        url.upper(),
        *(
            url.replace(ACT_RULES[act].base, other)
            for other in IDS
            if other not in url and ACT_RULES[act].path != TASKS
        ),
    ]
    assert [each for each in near if fits(act, each)] == []


@pytest.mark.parametrize("act", ["answer", "resolve_dispute"])
def test_an_id_within_the_path_is_one_of_its_kind(act: str) -> None:
    url = url_of(act)
    wrong = [re.sub(r"(inf|dsp)_", f"{other}_", url) for other in ("frq", "hld", "")]
    wrong += [re.sub(r"(inf|dsp)_\w+", other, url) for other in ("x", "", "..", "inf_1/dsp_1")]
    assert [each for each in wrong if fits(act, each)] == []


def test_acts_that_share_a_path_are_told_apart_by_their_decision() -> None:
    paths: dict[tuple[str, str | None], list[str]] = {}
    for act, rule in ACT_RULES.items():
        paths.setdefault((rule.base, rule.path), []).append(act)
    together = [acts for acts in paths.values() if len(acts) > 1]
    assert together == [
        ["approve", "reject", "approve_addition", "reject_addition"],
        # Only the policy in force says whether one lead's act is all that it takes.
        ["withdraw", "propose_withdrawal"],
        ["propose_resolution", "resolve_dispute"],
        ["approve_withdrawal", "reject_withdrawal"],
        ["approve_return", "reject_return"],
        ["verify_claim", "reject_claim"],
        ["approve_payout_account", "reject_payout_account"],
        ["approve_allocation", "reject_allocation"],
        ["approve_recovery", "reject_recovery"],
    ]
    for acts in (together[0], *together[3:]):
        assert all(ACT_RULES[act].decision for act in acts)


#: What members do about themselves is on no document that has bundles; here they act on some.
_RESTORING = "coordinator/services/restoring/"


def _stored_kinds() -> Iterator[str]:
    """Yield every kind of act that the coordinator stores, as its sources name them."""
    for name, _, source in modules("coordinator"):
        if name.startswith("coordinator/services/"):
            yield from re.findall(r'\bNewAct\(\s*"(\w+)"', source)
        if name.startswith(_RESTORING) and not name.endswith("/destinations.py"):
            yield from _member_acts(source)


def _member_acts(source: str) -> Iterator[str]:
    """Yield those acts of members that are on a restitution or recovery request."""
    for kind in re.findall(r'\bMemberAct\([^"]*?, f?"([^"]+)"', source):
        if not kind.startswith("{"):
            yield kind
        elif "body.decision" in kind:
            what = kind.partition("}_")[2]
            yield f"reject_{what}"
            yield f"verify_{what}" if what == "claim" else f"approve_{what}"
    yield from re.findall(r'"([a-z]+_recovery)"', source)


def test_every_act_that_the_coordinator_stores_is_known() -> None:
    known = {*ACT_RULES, *UNSIGNED}
    # Who may not speak declines, as far as the signature goes.
    stored = {*_stored_kinds(), *map(str, set(LegAct) - {LegAct.CANNOT_SAY})}
    assert {"record_payouts", "verify_claim", "reply_recovery"} <= stored
    assert {"submit", "extend", "lapse", "acknowledge", "report"} <= stored
    assert stored - known == set(), "every kit must know it: add it to act_rules.ACT_RULES"


def test_every_kind_of_line_says_who_may_report_it() -> None:
    assert set(LINE_ROLES) == set(LineKind)


# --- who may --------------------------------------------------------------------------------------


def refused(world: World, by: Profile, act: str, body: bytes, *, url: str = "") -> str:
    """Return why an act by somebody is refused."""
    signed = sign(by, url or url_of(act), body)
    with pytest.raises(UntrustedEvidenceError) as error:
        prove_act(
            KeyDirectory(world, ORIGIN),
            act=act,
            partner=world.handle,
            token=signed.token,
            body=body,
            request_id=None if act == "submit" else FRQ,
            content_sha256=None if act == "submit" else CONTENT,
        )
    return error.value.code


def body_of(**members: object) -> bytes:
    return canonical_json.dumps({"content_sha256": CONTENT, **members})


def test_a_kind_that_the_table_does_not_know_is_refused() -> None:
    world = World()
    lead = world.person(Role.SECURITY_LEAD)
    url = url_of("review")
    assert refused(world, lead, "freeze_everything", body_of(), url=url) == "unknown_act"
    for act in set(UNSIGNED) - set(ACT_RULES):
        assert refused(world, lead, act, body_of(), url=url) == "unknown_act"


def test_a_body_that_fits_another_act_s_path_passes_for_neither() -> None:
    world = World()
    lead = world.person(Role.SECURITY_LEAD)
    assert refused(world, lead, "review", body_of(), url=url_of("acknowledge")) == "other_act"
    assert refused(world, lead, "report", body_of()) == "bad_body"
    assert refused(world, lead, "close", body_of(lines=[])) == "bad_body"


@pytest.mark.parametrize(
    ("role", "act", "members", "code"),
    [
        (Role.AUDITOR, "acknowledge", {}, "not_allowed"),
        (Role.ANALYST, "close", {}, "not_a_lead"),
        (Role.ANALYST, "decline", {"code": "no_match"}, "not_allowed"),
        (
            Role.COMPLIANCE,
            "withdraw",
            {"addresses": "all", "reason_code": "other", "reason": "x"},
            "not_allowed",
        ),
    ],
)
def test_an_act_by_somebody_without_the_role_is_refused(
    role: Role, act: str, members: dict[str, object], code: str
) -> None:
    world = World()
    assert refused(world, world.person(role), act, body_of(**members)) == code


def test_an_auditor_submits_nothing() -> None:
    world = World()
    assert refused(world, world.person(Role.AUDITOR), "submit", request_body()) == "not_allowed"


def test_an_analyst_reports_what_was_frozen_and_releases_nothing() -> None:
    world = World()
    line = {"kind": "released", "hold": new_id("hld"), "amount": "1", "reason": "expired"}
    found = {"kind": "found", "address_no": 0, "asset": "eip155:1/slip44:60", "amount": "1"}
    analyst, body = world.person(Role.ANALYST), body_of(lines=[found, line])
    assert refused(world, analyst, "report", body) == "not_allowed"
    signed = sign(analyst, url_of("report"), body_of(lines=[found]))
    proven = prove_act(
        KeyDirectory(world, ORIGIN),
        act="report",
        partner=world.handle,
        token=signed.token,
        body=signed.body,
        request_id=FRQ,
        content_sha256=CONTENT,
    )
    assert proven.key.subject == analyst.subject


def test_no_machine_answers_for_papers() -> None:
    world = World()
    body = body_of(support="order", document_sha256=CONTENT)
    system = world.system(world.person(Role.SECURITY_LEAD))
    assert refused(world, system, "raise_support", body) == "not_a_person"
