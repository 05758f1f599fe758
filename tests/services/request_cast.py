"""The cast at work: submits, decides, answers and reports by the commands that do it for real."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from bip_utils import Base58Encoder  # type: ignore[import-untyped]
from sqlalchemy import Select, func, select, text

import coordinator.storage.tables as _tables  # noqa: F401 - fills the metadata
from coordinator.dispatcher.timers import all_timers
from coordinator.domain.actor import COORDINATOR, Viewer
from coordinator.domain.clock import SteppedClock
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import AuthenticationError, CoordinatorError, FieldFault
from coordinator.domain.service_wallets import NO_WALLETS, ServiceWallets
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import Evidence, transaction
from coordinator.services.ending.closing import CloseFreezeRequest
from coordinator.services.ending.disputes import RaiseDispute, ResolveDispute
from coordinator.services.ending.erasures import EraseFreezeRequest
from coordinator.services.ending.legal_orders import AttachLegalOrder
from coordinator.services.ending.withdrawal_approvals import DecideWithdrawal
from coordinator.services.ending.withdrawals import WithdrawFreezeRequest
from coordinator.services.ledger.freeze_ledger import ReportFreeze
from coordinator.services.ledger.holds import AskForExtension, ExtendHold
from coordinator.services.membership.grants import MakeGrant
from coordinator.services.requests.approvals import DecideFreezeRequest
from coordinator.services.requests.flags import RenewFlags
from coordinator.services.requests.freeze_requests import prepare_submission
from coordinator.services.requests.info_requests import AnswerQuestion, AskRequester
from coordinator.services.requests.leg_limits import LimitLeg
from coordinator.services.requests.legs import AcknowledgeLeg, DeclineLeg, ReviewLeg
from coordinator.services.requests.submission import check_document
from coordinator.services.requests.support import RaiseSupport
from coordinator.services.restoring.encumbering import Encumber
from coordinator.services.restoring.liftings import LiftEncumbrance
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.engine.reads import read
from coordinator.storage.ledger import ledger_totals
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.tables.freeze_ledger import HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tables.transparency_log import LogLeafRow
from coordinator.storage.tail import events as event_store
from coordinator.storage.tail.events import FeedPage
from holdfast.protocol import (
    canonical_json,
    flag_views,
    hold_payloads,
    leg_limit_payloads,
    life_cycle_payloads,
    membership_payloads,
    payloads,
    strict_json,
)
from holdfast.protocol.payloads import format_time
from holdfast.protocol.remainder import LeftOut
from tests.factories import (
    ETHER,
    NOON,
    ORIGIN,
    Cast,
    Exchange,
    Member,
    Signer,
    freeze_request_body,
    request_token,
)
from tests.rulebook import RULEBOOK, command_context

R = TypeVar("R")
REQUESTS = "/v1/freeze-requests"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: Tables whose rows change after they were written.
MOVING = frozenset({"freeze_request", "leg", "hold", "finding", "partner", "log_head", "lane"})
_SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"


def policies() -> Policies:
    """Return the clocks and limits as they are shipped."""
    return RULEBOOK.policies


def account(number: int) -> str:
    """Return an account that nothing is to be warned of; equal numbers, equal accounts."""
    return f"{_SOLANA}:{Base58Encoder.Encode(sha256(str(number).encode()).digest())}"


def addresses(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Return flagged addresses without asset or amount: every asset, the whole balance."""
    return [{"account": account(first + number)} for number in range(count)]


def found(address_no: int, amount: int | None, asset: str = ETHER) -> dict[str, Any]:
    """Return a line: so much is here."""
    return {"kind": "found", "address_no": address_no, "asset": asset, "amount": _text(amount)}


def frozen(address_no: int, amount: int | None, **changes: Any) -> dict[str, Any]:
    """Return a line that opens a hold of three days, frozen at noon."""
    line: dict[str, Any] = {
        "kind": "frozen",
        "address_no": address_no,
        "asset": ETHER,
        "amount": _text(amount),
        "frozen_at": format_time(NOON),
        "hold_expires_at": format_time(NOON + 10 * DAY),
    }
    return {name: value for name, value in (line | changes).items() if value is not ...}


def topped_up(hold: str, address_no: int, amount: int | None, **changes: Any) -> dict[str, Any]:
    """Return a line that adds to a hold."""
    line = {"kind": "frozen", "address_no": address_no, "hold": hold, "amount": _text(amount)}
    return line | changes


def shared(hold: str, address_no: int) -> dict[str, Any]:
    """Return a line that makes a hold of another request count for this one, too."""
    return {"kind": "frozen", "address_no": address_no, "hold": hold}


def released(hold: str, amount: int | None, reason: str = "withdrawn") -> dict[str, Any]:
    """Return a line: so much was let go."""
    return {"kind": "released", "hold": hold, "amount": _text(amount), "reason": reason}


def returned(hold: str, amount: int | None) -> dict[str, Any]:
    """Return a line: so much went back."""
    return {"kind": "returned", "hold": hold, "amount": _text(amount), "tx": "0x" + "ab" * 32}


def seized(hold: str, amount: int | None) -> dict[str, Any]:
    """Return a line: an authority took so much."""
    return {"kind": "seized", "hold": hold, "amount": _text(amount), "agency": "FBI"}


def kept(hold: str, basis: str = "own_policy", **changes: Any) -> dict[str, Any]:
    """Return a line that keeps a hold."""
    return {"kind": "kept", "hold": hold, "basis": basis, **changes}


def nothing(
    address_nos: list[int] | str = "rest", code: str = "no_match", **members: Any
) -> dict[str, Any]:
    """Return a line that answers addresses."""
    return {"kind": "nothing", "address_nos": address_nos, "code": code, **members}


def corrected(line: str, amount: int | None) -> dict[str, Any]:
    """Return a line that puts another amount in the place of an earlier one's."""
    return {
        "kind": "correction",
        "corrects": line,
        "amount": _text(amount),
        "reason": "a zero too many",
    }


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


@dataclass(frozen=True, slots=True)
class Ask:
    """A submitted request, as its answer told it."""

    answer: dict[str, Any]
    raw: bytes

    @property
    def id(self) -> str:
        """The request's id."""
        return str(self.answer["id"])

    @property
    def content_sha256(self) -> str:
        """The hash that every act names."""
        return str(self.answer["content_sha256"])


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, as far as a caller learns it."""

    type: type[CoordinatorError]
    code: str
    current_status: str | None
    errors: tuple[FieldFault, ...]
    message: str

    @property
    def pointers(self) -> dict[str, str]:
        """Where the faults are, with their codes."""
        return {fault.pointer: fault.code for fault in self.errors}


#: Path below a request → its body and what makes the command of it.
_ACTS: dict[str, tuple[type[payloads.ActBody], Callable[..., object]]] = {
    "approvals": (payloads.Approval, DecideFreezeRequest),
    "withdrawal": (payloads.Withdrawal, WithdrawFreezeRequest),
    "support": (life_cycle_payloads.SupportRaise, RaiseSupport),
    "flag-renewals": (flag_views.FlagRenewal, RenewFlags),
    "closure": (payloads.Closure, CloseFreezeRequest),
    "erasure": (payloads.Erasure, EraseFreezeRequest),
    "acknowledgement": (payloads.Acknowledgement, AcknowledgeLeg),
    "review": (payloads.Review, ReviewLeg),
    "decline": (payloads.Decline, DeclineLeg),
    "leg-limit": (leg_limit_payloads.LegLimit, LimitLeg),
    "info-requests": (life_cycle_payloads.InfoRequest, AskRequester),
    "disputes": (life_cycle_payloads.Dispute, RaiseDispute),
    "legal-orders": (life_cycle_payloads.LegalOrder, AttachLegalOrder),
    "encumbrances": (life_cycle_payloads.Encumbrance, Encumber),
    "freeze-reports": (
        payloads.FreezeReport,
        ReportFreeze,
    ),
    "hold-extensions": (
        hold_payloads.HoldExtension,
        ExtendHold,
    ),
    "extension-requests": (hold_payloads.ExtensionRequest, AskForExtension),
}


@dataclass(slots=True)
class Desk:
    """Gives commands to one database: parse, sign, one transaction, commit, as the API does."""

    database: Database
    vault: Vault
    clock: SteppedClock
    cast: Cast
    made: int = field(default=0)
    wallets: ServiceWallets = NO_WALLETS

    # --- the requester ----------------------------------------------------------------------------

    def submit(self, by: Member | None = None, *, raw: bytes | None = None, **changes: Any) -> Ask:
        """Submit a request of A to B, C and D over fresh addresses; `changes` replace members."""
        return self.prepare(by, raw=raw, **changes)()

    def prepare(
        self, by: Member | None = None, *, raw: bytes | None = None, **changes: Any
    ) -> Callable[[], Ask]:
        """Do what `submit` does before its transaction; call what is returned for the rest."""
        self.made += 10
        body = freeze_request_body(**({"addresses": addresses(2, self.made)} | changes))
        sent = canonical_json.dumps(body) if raw is None else raw
        member = by or self.cast.a.analyst
        command = prepare_submission(
            check_document(
                payloads.FreezeRequest.model_validate(strict_json.loads(sent)),
                RULEBOOK.chains,
                self.wallets,
            ),
            member.handle,
            self.database,
            self.vault,
        )
        return lambda: Ask(self.perform(member, REQUESTS, sent, command), sent)

    def decide(self, ask: Ask, by: Member | None = None, **changes: Any) -> dict[str, Any]:
        """Approve a request as A's lead; `changes` replace members of the body."""
        body = {"decision": "approve", "context_sha256": ask.answer["context_sha256"], **changes}
        return self.act(by or self.cast.a.lead, ask, "approvals", **body)

    def decide_without(
        self, ask: Ask, numbers: list[int], by: Member | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Approve a request as A's lead, but for the addresses of these numbers."""
        cut = LeftOut.of(strict_json.loads(ask.raw), numbers)
        members = {"except": numbers, "remainder_sha256": cut.remainder_sha256}
        return self.decide(ask, by, **members, **changes)

    def go_out(self, **changes: Any) -> Ask:
        """Submit a request and approve it, so that it is active."""
        ask = self.submit(**changes)
        self.decide(ask)
        return ask

    def withdraw(
        self,
        ask: Ask,
        numbers: list[int] | str = "all",
        by: Member | None = None,
        reason_code: str = "other",
    ) -> dict[str, Any]:
        """Withdraw all or some addresses as A's lead."""
        lead = by or self.cast.a.lead
        words = {"reason_code": reason_code, "reason": "wrong address"}
        return self.act(lead, ask, "withdrawal", addresses=numbers, **words)

    def decide_withdrawal(
        self,
        ask: Ask,
        withdrawal: Mapping[str, Any],
        by: Member | None = None,
        decision: str = "approve",
    ) -> dict[str, Any]:
        """Decide on a proposed withdrawal as A's other lead."""
        body = {
            "content_sha256": ask.content_sha256,
            "decision": decision,
            "act_sha256": withdrawal["act_sha256"],
        }
        raw = canonical_json.dumps(body)
        command = DecideWithdrawal(
            request_id=ask.id,
            withdrawal_id=withdrawal["id"],
            body=life_cycle_payloads.WithdrawalDecision.model_validate(strict_json.loads(raw)),
        )
        path = f"{REQUESTS}/{ask.id}/withdrawals/{withdrawal['id']}/approvals"
        return self.perform(by or self.cast.a.second_lead, path, raw, command)

    def close(self, ask: Ask) -> dict[str, Any]:
        """Close a request as A's lead."""
        return self.act(self.cast.a.lead, ask, "closure")

    def resolve(self, ask: Ask, dispute: str, resolution: str = "rejected") -> dict[str, Any]:
        """Answer a dispute as A's lead."""
        sent = {"content_sha256": ask.content_sha256, "resolution": resolution, "text": "Checked."}
        command = ResolveDispute(
            request_id=ask.id,
            dispute_id=dispute,
            body=life_cycle_payloads.DisputeResolution.model_validate(sent),
        )
        path = f"{REQUESTS}/{ask.id}/disputes/{dispute}/resolution"
        return self.perform(self.cast.a.lead, path, canonical_json.dumps(sent), command)

    # --- a partner asked --------------------------------------------------------------------------

    def report(self, exchange: Exchange, ask: Ask, *lines: dict[str, Any]) -> dict[str, Any]:
        """Report as the exchange's compliance."""
        return self.act(exchange.compliance, ask, "freeze-reports", lines=list(lines))

    def hold(self, exchange: Exchange, ask: Ask, amount: int = 100, **changes: Any) -> str:
        """Find and freeze so much on address 0 (or another); returns the hold."""
        address_no = changes.pop("address_no", 0)
        lines = (found(address_no, amount), frozen(address_no, amount, **changes))
        return str(self.report(exchange, ask, *lines)["lines"][1]["hold"])

    def extend(
        self, exchange: Exchange, ask: Ask, hold: str, until: datetime, basis: str = "voluntary"
    ) -> dict[str, Any]:
        """Extend a hold as the exchange's compliance."""
        body = {"hold": hold, "hold_expires_at": format_time(until), "basis": basis}
        return self.act(exchange.compliance, ask, "hold-extensions", **body)

    # --- anybody ----------------------------------------------------------------------------------

    def act(self, member: Member, ask: Ask, path: str, **body: Any) -> dict[str, Any]:
        """Sign and carry out one act below a request."""
        model, make = _ACTS[path]
        sent = {"content_sha256": ask.content_sha256, **body}
        raw = canonical_json.dumps({name: v for name, v in sent.items() if v is not ...})
        command = make(request_id=ask.id, body=model.model_validate(strict_json.loads(raw)))
        return self.perform(member, f"{REQUESTS}/{ask.id}/{path}", raw, command)

    def answer(self, ask: Ask, question: str) -> dict[str, Any]:
        """Answer a question as the requester's analyst."""
        body = {"content_sha256": ask.content_sha256, "text": "Here it is."}
        raw = canonical_json.dumps(body)
        command = AnswerQuestion(
            request_id=ask.id,
            info_request_id=question,
            body=life_cycle_payloads.InfoAnswer.model_validate(body),
        )
        path = f"{REQUESTS}/{ask.id}/info-requests/{question}/answer"
        return self.perform(self.cast.a.analyst, path, raw, command)

    def lift(self, by: Member, ask: Ask, claim: str, act_sha256: str) -> dict[str, Any]:
        """Lift an encumbrance."""
        body = {
            "content_sha256": ask.content_sha256,
            "act_sha256": act_sha256,
            "document_sha256": "cd" * 32,
        }
        raw = canonical_json.dumps(body)
        command = LiftEncumbrance(
            request_id=ask.id,
            restraint_id=claim,
            body=life_cycle_payloads.Lifting.model_validate(body),
        )
        return self.perform(by, f"{REQUESTS}/{ask.id}/encumbrances/{claim}/lifting", raw, command)

    def perform(self, member: Member, path: str, raw: bytes, command: object) -> dict[str, Any]:
        """Carry out one command with a real token as evidence, by whoever the key belongs to."""
        token = request_token(member, "POST", path, raw, self.clock)
        evidence = Evidence(token, raw, sha256(raw).hexdigest())
        with transaction(command_context(self.database, self.vault, self.clock), evidence) as uow:
            standing = partner_store.standing(uow.connection, member.key.kid)
            if standing is None:
                raise AuthenticationError("no such key")
            uow.stands_on(standing)
            answer = uow.finish(execute(command, standing.actor, uow))
        told: dict[str, Any] = strict_json.loads(answer)
        return told

    def policy(self, exchange: Exchange, **members: Any) -> None:
        """Set an exchange's policy by a grant of its root key; what is not named is as at first."""
        whole = membership_payloads.Policy().model_dump(mode="json") | members
        raw = canonical_json.dumps({"policy": whole})
        body = membership_payloads.Grant.model_validate(strict_json.loads(raw))
        self.perform(exchange.root, "/v1/grants", raw, MakeGrant(body=body, audience=ORIGIN))

    def own(self, command: object) -> dict[str, Any]:
        """Carry out one of the coordinator's own commands."""
        with transaction(command_context(self.database, self.vault, self.clock)) as uow:
            answer = uow.finish(execute(command, COORDINATOR, uow))
        told: dict[str, Any] = strict_json.loads(answer)
        return told

    def step(self, by: timedelta) -> list[str]:
        """Step the clock and fire what is due then; returns the names of the timers that fired."""
        self.clock.step(by)
        return self.fire_due()

    def fire_due(self) -> list[str]:
        """Fire what is due now, as a worker does, but let no error pass."""
        fired = []
        for timer in all_timers(policies()):
            with self.database.engine.connect() as connection:
                due = timer.find(connection, self.clock.now(), 1000)
            for item in due:
                self.own(timer.command(item))
                fired.append(timer.name)
        return fired

    # --- what is stored ---------------------------------------------------------------------------

    def request(self, ask: Ask) -> FreezeRequestRow:
        """Return the request's row."""
        return self._one(select(FreezeRequestRow).where(FreezeRequestRow.id == ask.id))

    def status(self, ask: Ask) -> str:
        """Return the request's status."""
        return str(self.request(ask).status)

    def leg(self, exchange: Exchange, ask: Ask) -> LegRow:
        """Return the row of an exchange's leg."""
        query = select(LegRow)
        return self._one(
            query.where(LegRow.request_id == ask.id, LegRow.partner == exchange.handle)
        )

    def hold_row(self, hold: str) -> HoldRow:
        """Return a hold's row."""
        return self._one(select(HoldRow).where(HoldRow.id == hold))

    def _one(self, query: Select[R]) -> R:
        with self.database.engine.connect() as connection:
            [row] = read(connection, query)
            return row

    def totals(self, **scope: Any) -> dict[str, dict[str, Any]]:
        """Return the sums of a scope, only what is not 0; not how many state no value.

        `visible_to` is a handle: what its machines see.
        """
        if "visible_to" in scope:
            scope["visible_to"] = Viewer(scope["visible_to"], None)
        with self.database.engine.connect() as connection:
            sums = ledger_totals.totals(connection, **scope)
        return {
            asset: {n: v for n, v in entry.items() if v and n != "unvalued"}
            for asset, entry in sums.items()
        }

    def feed(self, exchange: Exchange, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the events that an exchange reads, in order, as delivered."""
        return [strict_json.loads(raw) for _, raw in self.raw_feed(exchange, after=after)]

    def raw_feed(self, exchange: Exchange, *, after: int = 0) -> list[tuple[int, bytes]]:
        """Return (seq, body) of the events that an exchange reads; erased ones are passed over."""
        with self.database.engine.connect() as connection:
            events, _ = event_store.page(
                connection, self.vault, Viewer(exchange.handle, None), FeedPage(after, 1000)
            )
        return [(event.seq, event.body) for event in events if event.body]

    def told(self, exchange: Exchange, ask: Ask) -> list[str]:
        """Return the types of the events about one request that an exchange reads, in order."""
        return [e["type"] for e in self.feed(exchange) if e["data"].get("request_id") == ask.id]

    def leaf(self, index: int) -> LogLeafRow:
        """Return one leaf of the log."""
        return self._one(select(LogLeafRow).where(LogLeafRow.index == index))

    def last_seq(self) -> int:
        """Return the number of the newest event."""
        return int(self.sql("SELECT event_seq FROM log_head"))

    def row_counts(self) -> dict[str, int]:
        """Return how many rows every table has."""
        with self.database.engine.connect() as connection:
            return {
                name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                for name, table in Base.metadata.tables.items()
            }

    def snapshot(self, names: Collection[str] = ()) -> dict[str, list[Any]]:
        """Return all rows of the named tables; of all tables where none is named."""
        with self.database.engine.connect() as connection:
            return {
                name: sorted(map(repr, connection.execute(select(table))))
                for name, table in Base.metadata.tables.items()
                if not names or name in names
            }

    def sql(self, statement: str, **values: Any) -> Any:
        """Return the one value of a query."""
        with self.database.engine.connect() as connection:
            return connection.execute(text(statement), values).scalar_one()

    def change(self, statement: str, **values: Any) -> None:
        """Change rows behind the commands' back, where no command makes what a test is about."""
        with self.database.writing() as connection, connection.begin():
            connection.execute(text(statement), values)


@dataclass(frozen=True, slots=True)
class Office:
    """A coordinator behind its API, and a desk on the same database that brings things about."""

    desk: Desk
    signer: Signer

    def act(self, member: Member, ask: Ask, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """Send one act below a request; returns status and answer."""
        sent = {"content_sha256": ask.content_sha256, **body}
        response = self.signer.post(member, f"{REQUESTS}/{ask.id}/{path}", sent)
        told: dict[str, Any] = response.get_json(force=True)
        return response.status_code, told

    def lasting(self) -> dict[str, Any]:
        """Return what a refusal must leave as it is: all but the used token and the answer.

        Tables that are only added to are counted; of those whose rows move, all rows are kept.
        """
        kept: dict[str, Any] = self.desk.row_counts()
        for name in ("seen_token", "stored_answer", "document"):
            del kept[name]
        documents = "SELECT count(*) FROM document WHERE name <> 'answer'"
        kept["document"] = self.desk.sql(documents)
        return kept | self.desk.snapshot(MOVING)


def refusal(attempt: Callable[..., object], *args: Any, **members: Any) -> Refused:
    """Return how a call is refused; fails if it is not."""
    try:
        attempt(*args, **members)
    except CoordinatorError as error:
        return Refused(type(error), error.code, error.current_status, error.errors, error.message)
    raise AssertionError("was not refused")


def committed_core(body: bytes) -> bytes:
    """Return a delivered body without its place in the log, as a partner makes it by itself."""
    event = strict_json.loads(body)
    event["data"].pop("log")
    return canonical_json.dumps(event)


def commitment(body: bytes) -> str:
    """Return the commitment of a delivered body, by the documented recipe and no code of ours."""
    salt = bytes.fromhex(strict_json.loads(body)["data"]["log"]["salt"])
    return sha256(b"holdfast/commit/1\0" + salt + committed_core(body)).hexdigest()


def is_id(prefix: str, value: object) -> bool:
    """Tell whether a value is an id of that type."""
    return isinstance(value, str) and bool(re.fullmatch(prefix + "_[0-9a-z]{26}", value))
