"""The third act: what was frozen comes back and is given to the victims, to the last unit."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from holdfast import new_nonce
from holdfast.protocol import canonical_json
from holdfast.protocol.allocation import ValuedClaim, share_pro_rata
from holdfast.protocol.destination_payloads import ArrivedTest, NewDestination
from holdfast.protocol.destination_views import DestinationView
from holdfast.protocol.restitution_payloads import (
    AllocatedClaim,
    Claim,
    NewRestitution,
    PayoutLine,
    PoolConversion,
    PoolCost,
    PoolLine,
    PoolReserve,
    PoolReturn,
    Price,
    Valuation,
)
from holdfast.protocol.restitution_views import FiledClaimView, RestitutionView
from holdfast.protocol.return_payloads import (
    CourtOrder,
    ReturnAsk,
    ReturnDecision,
    ReturnDestination,
    ReturnReceipt,
)
from holdfast.protocol.return_views import ReturnRequestView
from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import (
    ClaimProof,
    ClaimRejection,
    ClaimStatus,
    Decision,
    EncumbranceKind,
    LineKind,
    ReturnStatus,
)
from holdfast.wording import counted
from reference_exchange.scenarios.board import Board
from reference_exchange.scenarios.every_wei import Flow, lines_of
from reference_exchange.scenarios.first_act import ask_and_wait
from reference_exchange.scenarios.processes import ScenarioError
from reference_exchange.scenarios.script import ThirdAct, load_third_act
from reference_exchange.scenarios.stage import Stage

_TITLE = "Act 3. What comes back"
#: How many of the opener's people's programs decide on claims side by side.
_HANDS = 4
_ANSWERED = frozenset(
    {
        ReturnStatus.ACCEPTED,
        ReturnStatus.PARTIAL,
        ReturnStatus.REFUSED,
    }
)


@dataclass(slots=True)
class _Case:
    """What the scenes of this act hand on to each other."""

    stage: Stage
    board: Board
    act: ThirdAct
    request: FreezeRequestView
    destination: DestinationView

    @property
    def asker(self) -> str:
        """What the exchange that asks is called."""
        return self.board.name(self.stage.asker.handle)


def play(stage: Stage) -> None:
    """Replay the third act.

    Raises:
        ScenarioError: Something that had to happen did not, or a unit is not accounted for.
    """
    act = load_third_act()
    if act.hours_to_start > stage.hours_ahead():
        stage.put_clock_to(act.hours_to_start)
    _fill_books(stage, act)
    board = stage.board(_TITLE)
    case = _freeze(stage, board, act)
    returns = _ask_back(case)
    view = _open(case, returns)
    view = _decide_claims(case, view)
    view = _give(case, view)
    _account_for(case, view)


def _fill_books(stage: Stage, act: ThirdAct) -> None:
    for number, trail in enumerate(act.trails):
        book = stage.player(trail.exchange).book()
        tx = f"invented-third-act-{number}"
        asset = stage.script.assets[trail.asset]
        book.record_deposit(trail.customer, asset, int(trail.amount), trail.account, tx)
        book.close()


def _freeze(stage: Stage, board: Board, act: ThirdAct) -> _Case:
    """Ask for a freeze of what the makers of a token took, and name where it may come back to."""
    name = board.name(stage.asker.handle)
    board.scene(
        "Another theft",
        "The makers of a token, XIRTAM, ran away with 3.3 million dollars in ether; 1,750 "
        "addresses had paid in, and 2.3 million dollars came back. That much is fact. Here "
        f"{name} gives back; exchanges, addresses, claims and amounts of ether are invented.",
    )
    document = {
        "nonce": new_nonce(),
        "incident": {"title": act.title, "kind": "rug_pull", "occurred_at": act.occurred_at},
        "urgency": act.request.urgency,
        "tlp": act.request.tlp,
        "summary": act.request.summary,
        "to": [trail.exchange for trail in act.trails],
        "addresses": [
            {"account": trail.account, "asset": stage.script.assets[trail.asset]}
            for trail in act.trails
        ],
        "hold": {"hours": act.request.hours},
        "rulebook_sha256": stage.rulebook_sha256,
    }
    request = ask_and_wait(stage, board, canonical_json.dumps(document))
    return _Case(stage, board, act, request, _name_destination(stage, board, act))


def _name_destination(stage: Stage, board: Board, act: ThirdAct) -> DestinationView:
    asker, name = stage.asker, board.name(stage.asker.handle)
    eth = stage.script.assets["eth"]
    named = NewDestination(account=act.destination.account, label=act.destination.label)
    proposed = asker.client("officer").propose_destination(named)
    asker.client("lead").decide_destination(proposed.id, Decision.APPROVE, proposed.act_sha256)
    arrived = ArrivedTest(tx=_tx("test"), asset=eth, amount=act.destination.test_amount)
    proven = asker.client("officer").confirm_test_transfer(proposed.id, arrived)
    amount = board.amount(eth, act.destination.test_amount)
    board.say(
        f"{name}: an officer names the account for the victims, a lead approves it, and a test "
        f"transfer of {amount} arrives in it"
    )
    return proven


def _ask_back(case: _Case) -> list[ReturnRequestView]:
    """Have three exchanges send back what they hold; a court stands in the way of one."""
    stage, board, act = case.stage, case.board, case.act
    board.scene(
        "Asking for it back",
        "Money goes back only to an account that two people named a day ago: the clock jumps "
        "ahead. By then a court has forbidden exchange-d to let its part go.",
    )
    encumbrance = _attach(case)
    stage.put_clock_to(act.hours_to_asking_back)
    asked = {trail.exchange: _ask(case, trail.exchange, trail.asset) for trail in act.trails}
    answered = {handle: _answer_to(case, view) for handle, view in asked.items()}
    held_up = act.injunction.exchange
    refused = answered.pop(held_up)
    if refused.return_status is not ReturnStatus.REFUSED:
        raise ScenarioError(f"{held_up} promised what a court forbids")
    board.say(f"{board.name(held_up)}: sends nothing, {_words(refused.code)}")
    lead = stage.player(held_up).client("lead")
    (found,) = (e for e in lead.encumbrances(case.request.id) if e.id == encumbrance)
    lead.lift(case.request, found, document_sha256=_sha256("order that lifts it"))
    board.say(
        f"{board.name(held_up)}: the court gives way; another person than the one who attached the "
        "injunction lifts it, by the new order"
    )
    (asset,) = (trail.asset for trail in act.trails if trail.exchange == held_up)
    answered[held_up] = _answer_to(case, _ask(case, held_up, asset))
    return [_receive(case, view) for view in answered.values()]


def _attach(case: _Case) -> str:
    order = case.act.injunction
    player = case.stage.player(order.exchange)
    holds = player.client("officer").holds(case.request.id)
    (hold,) = (each for each in holds if each.partner == order.exchange)
    made = player.client("officer").encumber(
        case.request,
        kind=EncumbranceKind.INJUNCTION,
        hold=hold.id,
        order_sha256=_sha256("injunction"),
        court=order.court,
        number=order.number,
    )
    case.board.say(
        f"{case.board.name(order.exchange)}: the officer attaches an injunction to its hold"
    )
    return made.id


def _ask(case: _Case, to: str, asset: str) -> ReturnRequestView:
    """Ask one exchange for all that it holds; an officer asks, a lead approves."""
    stage, terms = case.stage, case.act.destination
    ask = ReturnAsk(
        content_sha256=case.request.content_sha256,
        to=to,
        holds="all",
        asset=stage.script.assets[asset],
        amount="all",
        destination=ReturnDestination(id=case.destination.id, account=terms.account),
        basis=CourtOrder(
            kind="court_order",
            court=terms.court,
            reference=terms.reference,
            document_sha256=_sha256("judgment"),
        ),
    )
    made = stage.asker.client("officer").ask_return(case.request.id, ask)
    decision = ReturnDecision(
        content_sha256=case.request.content_sha256,
        act_sha256=made.act_sha256,
        decision=Decision.APPROVE,
    )
    return stage.asker.client("lead").act_on_return(made, decision, "approvals")


def _answer_to(case: _Case, asked: ReturnRequestView) -> ReturnRequestView:
    """Wait until an exchange has answered, and has sent what it promised."""
    client = case.stage.asker.client("officer")

    def now() -> ReturnRequestView:
        views = client.return_requests(case.request.id)
        return next(view for view in views if view.id == asked.id)

    def is_done() -> bool:
        view = now()
        return view.return_status in _ANSWERED and view.sent == view.accepted

    case.stage.wait_for(f"{asked.partner}'s answer to a return request", is_done)
    return now()


def _receive(case: _Case, view: ReturnRequestView) -> ReturnRequestView:
    receipt = ReturnReceipt(
        content_sha256=case.request.content_sha256, received=True, amount=view.sent
    )
    officer = case.stage.asker.client("officer")
    settled = officer.act_on_return(view, receipt, "receipt")
    amount = case.board.amount(view.asset, view.sent)
    case.board.say(
        f"{case.board.name(view.partner)}: its program sends {amount}; {case.asker} confirms that "
        "they arrived"
    )
    return settled


def _open(case: _Case, returns: Sequence[ReturnRequestView]) -> RestitutionView:
    """Open the restitution, and book what came back into its pool."""
    stage, board, act = case.stage, case.board, case.act
    officer = stage.asker.client("officer")
    eth, usdt = stage.script.assets["eth"], stage.script.assets["usdt"]
    board.scene(
        "A pool, and who has a part in it",
        f"{case.asker} opens a restitution by one signed document: the asset that is paid, the "
        "price of the day, until when claims are taken. Every line of the pool is signed, too.",
    )
    now = datetime.fromtimestamp(int(stage.now()), UTC)
    price = Price(asset=eth, units=str(10**18), value=str(act.usd_per_ether))
    terms = NewRestitution(
        nonce=new_nonce(),
        incident=case.request.incident.id,
        asset=eth,
        verify_by_two_above=act.claims.verify_by_two_above,
        valuation=Valuation(at=now, currency="USD", prices=[price]),
        claims_close_at=now + timedelta(hours=act.hours_for_claims),
        objections_until=now + timedelta(hours=act.hours_for_objections),
        unclaimed_to=act.claims.unclaimed_to,
    )
    view = officer.open_restitution(terms)
    names = {each.id for each in returns}
    ledger = officer.ledger(case.request.id)
    came = [
        line for line in ledger if line.kind is LineKind.RETURNED and line.return_request in names
    ]
    pool: list[PoolLine] = [
        PoolReturn(kind="returned", asset=line.asset or "", amount=line.amount or "", line=line.id)
        for line in came
    ]
    sold = sum(int(line.amount) for line in pool if line.asset.lower() == usdt.lower())
    pool.append(
        PoolConversion(
            kind="converted",
            asset=usdt,
            amount=str(sold),
            to_asset=eth,
            to_amount=act.conversion.to_amount,
            fee=act.conversion.fee,
            rate=act.conversion.rate,
            tx=_tx("sale"),
        )
    )
    pool += [PoolCost(kind="cost", asset=eth, amount=c.amount, what=c.what) for c in act.costs]
    reserve = act.reserve
    pool.append(PoolReserve(kind="reserve", asset=eth, amount=reserve.amount, what=reserve.what))
    officer.add_pool_lines(view, pool)
    bought = board.amount(eth, act.conversion.to_amount)
    board.say(
        f"{case.asker}: {counted(len(came), 'return')} into the pool, by the exchanges' own signed "
        f"lines; {board.amount(usdt, str(sold))} are sold for {bought}"
    )
    return officer.restitution(view.id)


def _victims(case: _Case) -> list[Claim]:
    """Return what the victims claim: all that was taken, in uneven parts."""
    terms, eth = case.act.claims, case.stage.script.assets["eth"]
    largest = int(terms.largest)
    weights = [7 + number * 7_919 % 97 for number in range(terms.victims - 1)]
    rest = int(case.act.taken) - largest
    parts = [rest * weight // sum(weights) for weight in weights]
    parts[-1] += rest - sum(parts)
    claims = []
    for number, amount in enumerate([*parts, largest]):
        is_attested = number < terms.attested
        claims.append(
            Claim(
                ref=f"V-{number + 1:04}",
                addresses=[
                    _account(f"victim {number} {place}") for place in range(terms.addresses_each)
                ],
                asset=eth,
                amount=str(amount),
                proof=ClaimProof.ATTESTED if is_attested else ClaimProof.DOCUMENTS,
                documents=None if is_attested else [_sha256(f"papers of {number}")],
                payout=_account("attested" if is_attested else f"payout {number}"),
            )
        )
    return claims


def _decide_claims(case: _Case, view: RestitutionView) -> RestitutionView:
    """Have claims filed, looked at one by one, one of them rejected and objected."""
    stage, board, terms = case.stage, case.board, case.act.claims
    claims = _victims(case)
    officer, deputy = stage.asker.client("officer"), stage.asker.client("deputy")
    member = stage.player(terms.attested_by).client("officer")
    own = claims[: terms.attested]
    attested = member.file_claims(view, own).claims
    filed = officer.file_claims(view, claims[terms.attested :]).claims
    addresses = sum(len(claim.addresses) for claim in claims)
    board.say(
        f"{counted(len(claims), 'claim')} of {addresses:,} addresses; {len(attested)} of them "
        f"{board.name(terms.attested_by)} files for its own customers, and answers for it"
    )
    disputed, *others = attested
    officer.decide_claim(view, disputed.id, decision="reject", code=ClaimRejection.NOT_A_VICTIM)
    member.object_to_claim(view, disputed.id, terms.objection)

    def verify(claim: FiledClaimView) -> None:
        stage.asker.client("officer").decide_claim(view, claim.id, decision="verify")

    with ThreadPoolExecutor(_HANDS) as hands:
        list(hands.map(verify, [*others, *filed]))
    largest = filed[-1]
    deputy.decide_claim(view, largest.id, decision="verify")
    board.say(
        f"{case.asker}: an officer verifies each; of the largest, "
        f"{board.amount(view.asset, terms.largest)}, another person does it once more"
    )
    board.say(
        f"{case.asker}: one claim is rejected, {_words(ClaimRejection.NOT_A_VICTIM)}; "
        f"{board.name(terms.attested_by)} objects, and on a second look it is verified"
    )
    officer.decide_claim(view, disputed.id, decision="verify")
    reserve = case.act.reserve
    released = PoolReserve(
        kind="reserve_released", asset=view.asset, amount=reserve.amount, what="It is decided."
    )
    officer.add_pool_lines(view, [released])
    return officer.restitution(view.id)


def _give(case: _Case, view: RestitutionView) -> RestitutionView:
    """Share the pool in proportion, have it approved by two, pay, and close."""
    stage, board = case.stage, case.board
    asker = stage.asker
    officer = asker.client("officer")
    board.scene(
        "Everybody the same share",
        "The pool is shared in proportion to the losses, to the unit. One person proposes, two "
        "others approve the very document; the coordinator computes it once more.",
    )
    pool = view.pool[view.asset].available
    claims = [
        ValuedClaim(each.id, int(each.verified or "0"), int(each.allocated or "0"))
        for each in officer.claims(view.id)
    ]
    found = share_pro_rata(int(pool), claims, unit_value=1, minimum=0)
    proposed = officer.propose_allocation(
        view,
        method="pro_rata",
        pool=pool,
        claims=[
            AllocatedClaim(
                claim=each.ref,
                value=str(each.value),
                before=str(each.paid),
                amount=str(found.parts[each.ref]),
            )
            for each in claims
        ],
    )
    asker.client("deputy").decide_allocation(view, proposed, decision="approve")
    made = asker.client("lead").decide_allocation(view, proposed, decision="approve")
    share = 10_000 * int(made.given) // sum(each.value for each in claims)
    board.say(
        f"{case.asker}: {board.amount(view.asset, made.given)} to {made.claim_count} claims, "
        f"{share / 100:.2f} % of each loss; approved by two others"
    )
    _pay(case, view)
    stage.put_clock_to(case.act.hours_to_close)
    closed = officer.close_restitution(view)
    board.say(f"{case.asker}: objections are over, nobody waits; the restitution is closed")
    return closed


def _pay(case: _Case, view: RestitutionView) -> None:
    """Record each payout by its transaction; one does not arrive, and is paid anew."""
    officer = case.stage.asker.client("officer")
    first, *others = officer.payouts(view.id)
    failed = PayoutLine(payout=first.id, failed="The account takes no ether.")
    told = officer.record_payouts(
        view, [failed, *(PayoutLine(payout=each.id, tx=_tx(each.id)) for each in others)]
    )
    officer.record_payouts(view, [PayoutLine(payout=first.id, tx=_tx(first.id))])
    case.board.say(
        f"{case.asker}: {counted(told.paid, 'payout')} recorded, each by its transaction; "
        f"{told.failed} came back, and is paid anew"
    )


def _account_for(case: _Case, view: RestitutionView) -> None:
    """Print where every unit is, and stop where a sum is not that of its parts."""
    stage, board, act = case.stage, case.board, case.act
    officer = stage.asker.client("officer")
    totals = {
        asset.lower(): sums
        for asset, sums in officer.freeze_request(case.request.id).totals.items()
    }
    paid = sum(int(each.amount) for each in officer.payouts(view.id) if each.tx is not None)
    eth, usdt = (stage.script.assets[name] for name in ("eth", "usdt"))
    pool = {asset.lower(): sums for asset, sums in view.pool.items()}
    flow = Flow(
        taken=int(act.taken),
        swapped=int(act.swapped),
        ether=totals[eth.lower()],
        dollars=totals[usdt.lower()],
        ether_pool=pool[eth.lower()],
        dollar_pool=pool[usdt.lower()],
        paid=paid,
    )
    board.scene(
        "Every wei",
        "Taken and swapped are the script's figures; all others are the coordinator's, from signed "
        "lines. What is indented adds up to the line above it, to the last unit.",
    )
    faults = flow.faults()
    if faults:
        raise ScenarioError(f"not every unit is accounted for: {faults[0]}")
    board.show(lines_of(flow, act.usd_per_ether))
    stage.claims_paid, stage.paid = view.claims.get(ClaimStatus.PAID, 0), {eth.lower(): str(paid)}


def _words(code: str | None) -> str:
    return (code or "").replace("_", " ")


def _sha256(text: str) -> str:
    """Return the hash of a document that nobody wrote."""
    return sha256(f"invented: {text}".encode()).hexdigest()


def _tx(text: str) -> str:
    return "0x" + _sha256(text)


def _account(text: str) -> str:
    """Return an address that is nobody's."""
    return f"eip155:1:0x{_sha256(text)[:40]}"
