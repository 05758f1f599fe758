"""Every page of the console: by keyboard alone, by axe-core, in both widths and both themes.

One coordinator on SQLite is filled for all walks; each has people of its own, and none of them
changes what another walks through. From PostgreSQL every page is shown once.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from coordinator.console.routes import PAGES
from coordinator.domain.clock import SystemClock
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.storage.engine.database import open_database
from holdfast.protocol import membership_payloads
from holdfast.protocol.allocation import ValuedClaim, share_pro_rata
from holdfast.protocol.vocabulary import ErasureReason
from tests.api.membership_acts import operate
from tests.browser.conftest import NewPage
from tests.browser.deciding import name_people, submit
from tests.browser.followed import BITCOIN as BITCOIN_ASSET
from tests.browser.followed import Followed, live
from tests.browser.keyboard import keyboard_faults
from tests.browser.pages import page_faults
from tests.browser.passkeys import Authenticator
from tests.browser.served import Served, serve
from tests.browser.signed_in import sign_act, sign_in
from tests.conftest import KEYS, World, write_keys
from tests.factories import ETHER, Exchange, Member, nonce
from tests.services import recovery_world

pytestmark = pytest.mark.processes

_ACCOUNT = f"{BITCOIN_ASSET.partition('/')[0]}:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
_REQUEST = "/console/requests/{request_id}"
#: What is fetched, no page that somebody looks at; and what a link's secret opens.
NO_PAGES = frozenset(
    {
        "/console/live",
        "/console/enter",
        "/console/guest",
        "/console/guest/request",
        "/console/claim",
        "/console/claim/shown",
        "/console/claim/objection",
        "/console/sign-in/return/{handle}",
        "/console/figures.csv",
        "/console/restitutions/{restitution_id}/payouts.csv",
        f"{_REQUEST}/live",
        f"{_REQUEST}/evidence.json",
        f"{_REQUEST}/evidence.zip",
        f"{_REQUEST}/summary.pdf",
        f"{_REQUEST}/readiness.json",
        f"{_REQUEST}/readiness.pdf",
        f"{_REQUEST}/documents/{{act_id}}/{{part}}",
        "/console/passkeys/waiting/{kid}/request",
    }
)
#: Pages for anybody, and steps of which each needs the one before.
DOOR = ("/console/sign-in", "/console/public")
STEPS = (
    "/console/passkeys/new",
    "/console/passkeys/new/make",
    "/console/passkeys/new/prove",
    "/console/passkeys/waiting/{kid}",
    "/console/passkeys/{kid}/grant",
    "/console/links/made",
    "/console/drafts/{draft_id}",
    "/console/drafts/{draft_id}/addresses/{number}",
    "/console/drafts/{draft_id}/preview",
    "/console/acts/{act_id}",
)
#: Where a page shows another request than the one that is followed.
OTHERS: Mapping[str, str] = MappingProxyType(
    {
        f"{_REQUEST}/decide": "waiting_id",
        f"{_REQUEST}/additions/{{addition_id}}": "contested_id",
        f"{_REQUEST}/clearances/{{clearance_id}}": "cleared_id",
        f"{_REQUEST}/documents": "cleared_id",
        f"{_REQUEST}/withdrawals/{{withdrawal_id}}": "contested_id",
        f"{_REQUEST}/readiness": "drill_id",
        f"{_REQUEST}/erasure": "over_id",
    }
)
ASKED = f"{_REQUEST}/answer"
#: What a lead of a partner asked opens, and nobody of the requester.
OF_LEADS_ASKED = f"{_REQUEST}/limit"
#: What a partner asked sees otherwise than the requester.
BOTH = (
    "/console",
    "/console/requests",
    _REQUEST,
    f"{_REQUEST}/addresses",
    f"{_REQUEST}/timeline",
    f"{_REQUEST}/money",
    f"{_REQUEST}/owed",
    f"{_REQUEST}/documents",
    f"{_REQUEST}/reads",
    f"{_REQUEST}/orders",
    f"{_REQUEST}/orders/claim",
    f"{_REQUEST}/orders/order",
    f"{_REQUEST}/orders/{{restraint_id}}",
    "/console/recovery",
    "/console/recovery/{recovery_id}",
    "/console/recovery/{recovery_id}/deposits/{number}",
    "/console/flags",
    "/console/holds",
    "/console/people",
    "/console/endpoints",
)


def pages_of_a_lead() -> list[str]:
    """Return every other page: a lead of the requester opens it by its URL."""
    every = {page.path for page in PAGES if page.method == "GET"}
    return sorted(every - NO_PAGES - {*DOOR, *STEPS, ASKED, OF_LEADS_ASKED})


@dataclass
class Walk:
    """A walk through pages, and what was wrong on them.

    Attributes:
        widths: In which it goes through them by key.
    """

    served: Served
    page: Page
    names: Mapping[str, str]
    person: str
    new_page: NewPage
    widths: Sequence[int] = (1440, 360)
    faults: list[str] = field(default_factory=list)

    def open(self, path: str, *, status: int = 200, name: str = "") -> None:
        """Open a page and look at it."""
        answer = self.page.goto(self.served.console + path.format(**_ids(self.names, path)))
        assert answer is not None
        if answer.status != status:
            self.faults.append(f"{path}: answers {answer.status}")
        self.look(name or re.sub(r"\W+", "-", path.removeprefix("/console")).strip("-") or "home")

    def look(self, name: str) -> None:
        """Look at the page that is shown, as `check_page` does, and go through it by key."""
        found = page_faults(self.page, f"every-{self.person}-{name}")
        for width in self.widths:
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.goto(self.page.url.partition("#")[0])
            found += [f"{width} px: {fault}" for fault in keyboard_faults(self.page)]
        self.page.set_viewport_size({"width": 1440, "height": 900})
        self.faults += [f"{name}: {fault}" for fault in found]


@contextmanager
def filled(world: World, folder: Path) -> Iterator[tuple[Served, dict[str, str]]]:
    """Yield a coordinator in which every list and page has something, and the ids of it."""
    write_keys(folder / "keys")
    url = world.copy()
    with serve(url, world.cast, folder) as served:
        a, b, c, d = world.cast.all
        name_people(served, a)
        registered = _registered(served)
        policy = membership_payloads.Policy().model_dump(mode="json") | {"withdrawal_quorum": 2}
        assert served.post(a.root, "/v1/grants", {"policy": policy}).status_code == 201
        names = {"handle": b.handle, "person_id": a.analyst.subject}
        endpoint = {"url": "http://127.0.0.1:9/in", "description": "Ours"}
        names["endpoint_id"] = _made(served.post(a.lead, "/v1/webhook-endpoints", endpoint))["id"]
        names["waiting_id"] = submit(served, a)
        case = _answered(served)
        names |= {"request_id": case.id, **_papers(case, a)}
        names |= _cleared(live(served, a, to=[b.handle, c.handle]), a)
        names |= _proposed(live(served, a, to=[b.handle, c.handle]), a, b, d)
        names["data_subject_request_id"] = _asked_for_a_right(served, case.id)
        names["over_id"] = _to_be_erased(live(served, a, to=[b.handle]), a, url)
        names["drill_id"] = live(served, a, to=[b.handle, c.handle], drill=True).id
        deliveries = f"/v1/webhook-endpoints/{names['endpoint_id']}/deliveries"
        names["delivery_id"] = served.get(a.lead, deliveries).json()["items"][0]["id"]
        wanted = {"policy": policy | {"approval_quorum": 2}}
        names["proposal_id"] = _made(served.post(a.second_lead, "/v1/grants", wanted))["id"]
        waiting = {"account": "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}
        proposed = _made(served.post(a.second_lead, "/v1/destinations", waiting))
        names["destination_id"] = proposed["id"]
        names |= _misplaced(served, a, b)
        names["return_id"] = _asked_back(case, registered)
        names |= _given_back(served, case) | _ordered(served, case)
        yield served, names
    world.drop(url)


@pytest.fixture(name="full", scope="module")
def _full(
    sqlite_world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, dict[str, str]]]:
    with filled(sqlite_world, tmp_path_factory.mktemp("full")) as full:
        yield full


def _ids(names: Mapping[str, str], path: str) -> dict[str, str]:
    """Return what stands in a page's path."""
    return {**names, "request_id": names[OTHERS.get(path, "request_id")]}


def _made(answer: Any) -> dict[str, Any]:
    assert answer.status_code in {200, 201, 202}, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _answered(served: Served) -> Followed:
    """Return a request on which B froze and contests, C asks, and from D money moved on."""
    a, b, c, d = served.cast.all
    case = live(served, a)
    hold = case.freeze(b, 4_200.5)
    case.act(c.analyst, "info-requests", missing=["tx"], text="Which transaction?")
    onward = {"service": "bridge-n.example", "account": _ACCOUNT}
    nothing = {"kind": "nothing", "address_nos": [1], "code": "moved_on", "next": onward}
    case.report(d, [{**nothing, "detail": "Left at once"}])
    case.act(b.compliance, "disputes", reference="REF-1", text="Paid for a car", hold=hold)
    return case


def _misplaced(served: Served, a: Exchange, b: Exchange) -> dict[str, str]:
    """Have B find a deposit that it is asked for, and need something for another."""
    path = "/v1/recovery-requests"
    deposits = [recovery_world.deposit(0, note="no memo"), recovery_world.deposit(1)]
    body = {"nonce": nonce(), "to": b.handle, "deposits": deposits}
    made = _made(served.post(a.analyst, path, body))
    act, below = {"content_sha256": made["content_sha256"]}, f"{path}/{made['id']}"
    _made(served.post(a.lead, f"{below}/approvals", act | {"decision": "approve"}))
    need = {"kind": "needs", "no": 1, "missing": ["proof"], "text": "Whose was it?"}
    lines = [recovery_world.found(), need]
    _made(served.post(b.compliance, f"{below}/answers", act | {"lines": lines}))
    return {"recovery_id": made["id"], "number": "0"}


def _registered(served: Served) -> dict[str, Any]:
    """Have two people of A register where money may come back to, a day and an hour ago."""
    a, path = served.cast.a, "/v1/destinations"
    named = {"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D", "label": "Cold 3"}
    made = _made(served.post(a.compliance, path, named))
    below = f"{path}/{made['id']}"
    decision = {"decision": "approve", "act_sha256": made["act_sha256"]}
    _made(served.post(a.lead, f"{below}/approvals", decision))
    test = {"tx": f"0x{'5e' * 32}", "asset": ETHER, "amount": "1000000000000000"}
    made = _made(served.post(a.compliance, f"{below}/test-transfers", test))
    served.put_clock_forward(25 * 3600)
    return made


def _asked_back(case: Followed, registered: Mapping[str, Any]) -> str:
    """Have money asked back of B; returns what waits for another lead."""
    a, b = case.served.cast.a, case.served.cast.b
    asked = case.act(
        a.second_lead,
        "return-requests",
        to=b.handle,
        holds="all",
        asset=ETHER,
        amount="all",
        destination={name: registered[name] for name in ("id", "account")},
        basis={"kind": "own_error", "reason": "A digit was wrong."},
    )
    return str(asked["id"])


def _ordered(served: Served, case: Followed) -> dict[str, str]:
    """Have B attach an authority's order to what it holds."""
    order = {"agency": "State police", "reference": "1-23-456", "document_sha256": "ab" * 32}
    called = {"at": "2026-03-02T11:00:00Z", "number_from": "agency_website"}
    made = case.act(
        served.cast.b.compliance,
        "legal-orders",
        **order,
        officer="Detective Tamm",
        verification="call_back",
        call_back=called,
    )
    return {"restraint_id": made["id"], "act": "call-back"}


def _given_back(served: Served, case: Followed) -> dict[str, str]:
    """Have A give back what was recovered: shared once, and to be shared again; two are doubles."""
    a, path = served.cast.a, "/v1/restitutions"
    incident = _made(served.get(a.lead, f"/v1/freeze-requests/{case.id}"))["incident"]["id"]
    terms = {
        "nonce": nonce(),
        "incident": incident,
        "asset": ETHER,
        "verify_by_two_above": f"{5 * 10**18}",
        "claims_close_at": "2036-06-01T00:00:00Z",
        "objections_until": "2036-07-01T00:00:00Z",
        "unclaimed_to": "Those whose claims were paid, in equal shares.",
    }
    made = _made(served.post(a.compliance, path, terms))
    below, act = f"{path}/{made['id']}", {"content_sha256": made["content_sha256"]}

    def acted(member: Member, name: str, **body: Any) -> dict[str, Any]:
        return _made(served.post(member, f"{below}/{name}", act | body))

    pool = {"asset": ETHER, "amount": f"{3 * 10**18 + 7}"}
    lines = [
        pool | {"kind": "returned", "tx": f"0x{'6b' * 32}"},
        {"kind": "cost", "asset": ETHER, "amount": f"{10**17}", "what": "Counsel's fees"},
        {"kind": "reserve", "asset": ETHER, "amount": f"{10**18}", "what": "Late claims"},
    ]
    acted(a.compliance, "pool-lines", lines=lines)
    claims = [_claim(number) for number in range(1, 5)]
    claims[3]["addresses"] = claims[2]["addresses"]
    filed = [each["id"] for each in acted(a.compliance, "claims", claims=claims)["claims"]]
    for claim_id in filed[:3]:
        acted(a.lead, f"claims/{claim_id}/decisions", decision="verify")
    first = acted(a.compliance, "allocations", **_shares(filed[:3], 10**18))
    decision = {"decision": "approve", "act_sha256": first["act_sha256"]}
    for lead in (a.lead, a.second_lead):
        acted(lead, f"allocations/{first['id']}/approvals", **decision)
    due = _made(served.get(a.lead, f"{below}/payouts"))["items"]
    failed = {"payout": due[1]["id"], "failed": "The account is closed."}
    paid = {"payout": due[0]["id"], "tx": f"0x{'7c' * 32}"}
    acted(a.lead, "payouts", lines=[paid, failed])
    again = _shares(filed[:3], 9 * 10**17, before=[each["amount"] for each in due])
    second = acted(a.compliance, "allocations", **again)
    ids = {"restitution_id": made["id"], "allocation_id": second["id"]}
    return ids | {"claim_id": filed[3]}


def _claim(number: int) -> dict[str, Any]:
    return {
        "ref": f"V-{number}",
        "addresses": [f"eip155:1:0x{number:040x}"],
        "asset": ETHER,
        "amount": f"{number * 10**18 + number}",
        "tx": f"0x{number:064x}",
        "proof": "documents",
        "documents": ["ab" * 32],
        "payout": f"eip155:1:0x{number + 100:040x}",
    }


def _shares(
    claim_ids: Sequence[str], pool: int, before: Sequence[str] = ("0", "0", "0")
) -> dict[str, Any]:
    """Return the document that shares so much among claims number 1, 2 and 3."""
    stated = [int(_claim(number)["amount"]) for number in (1, 2, 3)]
    claims = [
        ValuedClaim(each, value, int(had))
        for each, value, had in zip(claim_ids, stated, before, strict=True)
    ]
    found = share_pro_rata(pool, claims, unit_value=1, minimum=0)
    parts = [
        {
            "claim": each.ref,
            "value": str(each.value),
            "before": str(each.paid),
            "amount": str(found.parts[each.ref]),
        }
        for each in claims
    ]
    return {"method": "pro_rata", "pool": str(pool), "claims": parts}


def _papers(case: Followed, a: Exchange) -> dict[str, str]:
    return {
        "info_request_id": case.items(a.lead, "info-requests")[0]["id"],
        "dispute_id": case.items(a.lead, "disputes")[0]["id"],
        "act_id": case.items(a.lead, "evidence")[0]["act_id"],
    }


def _asked_for_a_right(served: Served, request_id: str) -> str:
    letter = {"kind": "access", "request_id": request_id, "reference": "DS-17/2026"}
    came = {"received_at": "2026-03-01T09:00:00Z"}
    made = _made(served.post(served.cast.b.lead, "/v1/data-subject-requests", letter | came))
    return str(made["id"])


def _to_be_erased(case: Followed, a: Exchange, url: str) -> str:
    """Have a request end, and the operator propose to erase it."""
    reason = {"reason_code": "other", "reason": "sent by mistake"}
    case.act(a.lead, "withdrawal", addresses="all", **reason)
    database = open_database(url, pool_size=1)
    propose = ProposeErasure(request_id=case.id, reason=ErasureReason.DATA_SUBJECT)
    operate(database, KEYS.vault, SystemClock(), propose)
    database.engine.dispose()
    return case.id


def _cleared(case: Followed, a: Exchange) -> dict[str, str]:
    """Withdraw an address that was flagged by error."""
    reason = {"reason_code": "wrong_target", "reason": "A digit was wrong"}
    case.act(a.lead, "withdrawal", addresses=[0], **reason)
    clearance = case.items(a.lead, "clearances")[0]["id"]
    return {"cleared_id": case.id, "clearance_id": clearance}


def _proposed(case: Followed, a: Exchange, b: Exchange, d: Exchange) -> dict[str, str]:
    """Have a lead propose more partners, and to let go what B holds."""
    case.freeze(b, 12)
    addition = case.act(a.second_lead, "partners", to=[d.handle])
    reason = {"reason_code": "wrong_target", "reason": "A partner's own wallet."}
    withdrawal = case.act(a.second_lead, "withdrawal", addresses="all", **reason)
    return {
        "contested_id": case.id,
        "addition_id": addition["id"],
        "withdrawal_id": withdrawal["withdrawal"]["id"],
    }


def test_every_page_has_somebody_who_looks_at_it() -> None:
    every = {page.path for page in PAGES if page.method == "GET"}
    walked = {*pages_of_a_lead(), *DOOR, *STEPS, *NO_PAGES, *BOTH, ASKED, OF_LEADS_ASKED}
    assert walked == every


def _lead(walk: Walk, half: int) -> None:
    for path in pages_of_a_lead()[half::2]:
        walk.open(path)


def _partner(walk: Walk) -> None:
    for path in (*BOTH, ASKED):
        walk.open(path)


def _newcomer(walk: Walk) -> str:
    """Make a passkey by a link, on a device that has none, and look at each step; its kid."""
    page = walk.page
    Authenticator(page)
    walk.open("/console/passkeys/new")
    assert page.url.endswith("#main"), "the link past the head was used, which is no secret"
    page.reload()
    expect(page.get_by_label("The part of the link behind #")).to_have_value("")
    made = walk.served.post(
        walk.served.cast.a.second_lead, "/v1/console-links", {"purpose": "passkey"}
    )
    page.goto("about:blank")
    page.goto(_made(made)["url"])
    page.get_by_label("What do you call it?").fill("Phone")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/make")
    walk.look("passkey-make")
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/prove")
    walk.look("passkey-prove")
    page.get_by_role("button", name="Sign with").click()
    page.wait_for_url("**/waiting/*")
    walk.look("passkey-waiting")
    return page.url.partition("#")[0].rpartition("/")[2]


def _steps(walk: Walk) -> None:
    """Make a link, a draft and an act, and look at each step."""
    page = walk.page
    newcomer = Walk(walk.served, walk.new_page(), walk.names, "newcomer", walk.new_page)
    walk.names = {**walk.names, "kid": _newcomer(newcomer)}
    walk.faults += newcomer.faults
    walk.open("/console/passkeys/{kid}/grant")
    page.goto(f"{walk.served.console}/console/people")
    page.get_by_role("button", name="Make a link for somebody new").click()
    walk.look("act")
    sign_act(page)
    page.wait_for_url("**/made")
    walk.look("link-made")
    page.goto(f"{walk.served.console}/console/requests/new")
    first, second = ("0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D", _ACCOUNT.rpartition(":")[2])
    page.get_by_label("What you have").fill(f"ETH {first} 12.5 ETH\n{second} 1 BTC\n{first[:-1]}")
    page.get_by_role("button", name="Make a draft of it").click()
    page.wait_for_url("**/drf_*")
    walk.look("draft-with-a-fault")
    page.get_by_label("Leave line 3 out").check()
    page.get_by_label("What happened, in a few words").fill("Hot wallet theft")
    page.get_by_label("When, in UTC").fill("2026-03-02T09:00")
    page.get_by_label("Summary").fill("Proceeds of the theft.")
    page.get_by_role("checkbox", name=walk.served.cast.b.handle).check()
    page.get_by_role("button", name="Read it again").click()
    walk.names = {**walk.names, "draft_id": "".join(re.findall(r"drf_\w+", page.url))}
    for path in ("", "/addresses/1", "/preview"):
        walk.open("/console/drafts/{draft_id}" + path, name=f"draft{path.replace('/', '-')}")


def _refused(walk: Walk) -> None:
    """Look at errors, at what a role does not allow, and at forms with faults."""
    page = walk.page
    walk.open("/console/nowhere", status=404)
    walk.open("/console/requests/frq_01m8mexstje1qb2pptx34yxptk", status=404, name="no-request")
    walk.open("/console/search?q=nothing+like+it", name="nothing-found")
    walk.open("/console/requests?box=ended", name="none-ended")
    walk.open("/console/acts/pra_01m8mexstje1qb2pptx34yxptk", status=404, name="no-act")
    page.goto(f"{walk.served.console}/console/requests/{walk.names['request_id']}/withdraw")
    page.get_by_role("button", name="See what you sign").click()
    walk.faults += page_faults(page, "every-refused-form")


def _empty(walk: Walk) -> None:
    """Look at pages of somebody for whom there is nothing, and who may do little."""
    for path in ("", "/requests", "/holds", "/endpoints", "/figures", "/requests?box=received"):
        walk.open(f"/console{path}", name="empty" + re.sub(r"\W", "-", path))
    walk.open("/console/requests/new")
    walk.open("/console/audit")


WALKS: Mapping[str, tuple[str, str, Callable[[Walk], None]]] = MappingProxyType(
    {
        "lead": ("a", "lead", lambda walk: _lead(walk, 0)),
        "lead, the other half": ("a", "lead", lambda walk: _lead(walk, 1)),
        "partner": ("b", "compliance", _partner),
        "lead of a partner": ("b", "lead", lambda walk: walk.open(OF_LEADS_ASKED)),
        "steps": ("a", "lead", _steps),
        "refused": ("a", "lead", _refused),
    }
)


@pytest.mark.parametrize("which", WALKS)
def test_a_page_is_for_everybody(
    full: tuple[Served, dict[str, str]], new_page: NewPage, which: str
) -> None:
    partner, role, go = WALKS[which]
    served, names = full
    page = new_page()
    sign_in(page, served, getattr(getattr(served.cast, partner), role))
    # In both widths where a page is walked for the first time, then in the narrow one.
    widths = (1440, 360) if role == "lead" and which != "refused" else (360,)
    walk = Walk(served, page, names, which.partition(",")[0], new_page, widths)
    go(walk)
    assert walk.faults == [], "\n".join(walk.faults)


def test_every_page_is_shown_from_postgresql(
    postgres_world: World, tmp_path: Path, new_page: NewPage
) -> None:
    with filled(postgres_world, tmp_path) as (served, names):
        lead, partner = served.cast.a.lead, served.cast.b.compliance
        for member, paths in ((lead, pages_of_a_lead()), (partner, [*BOTH, ASKED])):
            page = new_page()
            sign_in(page, served, member)
            for path in paths:
                url = served.console + path.format(**_ids(names, path))
                assert page.request.get(url, max_redirects=0).status == 200, path


def test_a_page_with_nothing_on_it_is_for_everybody(
    sqlite_world: World, tmp_path: Path, new_page: NewPage
) -> None:
    sqlite_world.renew()
    write_keys(tmp_path / "keys")
    with serve(sqlite_world.url, sqlite_world.cast, tmp_path) as served:
        page = new_page()
        sign_in(page, served, served.cast.d.lead)
        walk = Walk(served, page, {"request_id": ""}, "empty", new_page, (360,))
        _empty(walk)
        stranger = Walk(served, new_page(), {"request_id": ""}, "stranger", new_page)
        Authenticator(stranger.page)
        for path in (*DOOR, "/console/requests"):
            stranger.open(path)
        stranger.open("/console/enter", name="enter")
    assert walk.faults + stranger.faults == [], "\n".join(walk.faults + stranger.faults)
