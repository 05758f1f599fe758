"""The facts of one freeze request for people outside: what its reader may read, told in words.

A partner asked reads its own side alone, as everywhere. What a signature proves, what the
coordinator alone says, and what follows by adding up are marked as such.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from coordinator.domain.guest import MOST_OF_REQUEST
from coordinator.domain.permission import Permission, is_allowed
from coordinator.services.core.access import readable_request
from coordinator.services.core.read_context import ReadContext
from coordinator.services.ending.disputes import dispute_views
from coordinator.services.ending.legal_orders import legal_order_views
from coordinator.services.ledger.ledger_views import hold_views
from coordinator.services.reading.code_words import ACTS, SAID, WITHDRAWN_BECAUSE
from coordinator.services.reading.names import partner_names, people_names
from coordinator.services.requests.freeze_request_views import (
    FlaggedAddressView,
    FreezeRequestView,
    LegView,
    WhyYouView,
    address_views,
    leg_views,
    request_view,
)
from coordinator.services.requests.indemnities import indemnity_views
from coordinator.services.requests.info_requests import info_request_views
from coordinator.services.requests.left_out import is_hidden_from
from coordinator.services.requests.support import support_views
from coordinator.services.restoring.encumbering import encumbrance_views
from coordinator.storage.delivery import deliveries
from coordinator.storage.ending import disputes, legal_orders
from coordinator.storage.ledger import ledger_pages
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests import guests, indemnities, info_requests
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests import support as support_store
from coordinator.storage.requests.asked_sums import asked_sums
from coordinator.storage.requests.left_out_acts import Heard
from coordinator.storage.restoring import encumbrances
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow, LegRow
from coordinator.storage.tail import transparency_log as log_store
from coordinator.summary.facts import (
    Act,
    Address,
    Answer,
    AssetSum,
    Attempt,
    Decision,
    Fact,
    Facts,
    Mark,
    Paper,
    Statement,
    Told,
)
from holdfast.protocol.amounts import KnownAssets, format_amount, format_number
from holdfast.protocol.checkpoint import log_origin, parse_checkpoint
from holdfast.protocol.payloads import format_time, parse_time
from holdfast.protocol.signed_note import parse_note
from holdfast.protocol.views import AssetUnit
from holdfast.protocol.vocabulary import EvidenceKind, LegStatus, RequestStatus, Support
from holdfast.wording import RESTS_ON, counted, interest_words

#: As many are told one by one; the rest is counted, and the signed document has all.
MOST_ADDRESSES = 200
MOST_ACTS = 400
MOST_PARTNERS = 1_000
_MOST_PAPERS = 100
#: Acts that are counted; no case comes near it.
_MOST_COUNTED = 20_000
_MOST_ATTEMPTS = 20
_MOST_HOLDS = 1_000
_DASH = "\N{EN DASH}"
_STATES: Mapping[str, str] = MappingProxyType(
    {
        RequestStatus.SUBMITTED: "Waits for approval; nothing went out",
        RequestStatus.ACTIVE: "Active: partners were asked, and it goes on",
        RequestStatus.REJECTED: "Rejected by its own security lead; nothing went out",
        RequestStatus.WITHDRAWN: "Withdrawn",
        RequestStatus.EXPIRED: "Expired undecided; nothing went out",
        RequestStatus.CLOSED: "Closed",
    }
)
_LEG_STATES: Mapping[str, str] = MappingProxyType(
    {
        LegStatus.QUEUED: "Not reached yet",
        LegStatus.DELIVERED: "Has the notice; no acknowledgement yet",
        LegStatus.ACKNOWLEDGED: "Acknowledged; no answer yet",
        LegStatus.UNDER_REVIEW: "Is looking; no answer yet",
        LegStatus.INFO_REQUESTED: "Asked the requester a question",
        LegStatus.PARTIALLY_FROZEN: "Froze a part",
        LegStatus.FROZEN: "Froze",
        LegStatus.RELEASED: "Released what it had frozen",
        LegStatus.RETURNED: "Returned the funds",
        LegStatus.NO_MATCH: "Has nothing of it",
        LegStatus.CANNOT_SAY: "May say neither yes nor no",
        LegStatus.DECLINED: "Declined",
        LegStatus.WITHDRAWN: "Is asked no more",
    }
)
_NO_ANSWER = frozenset(
    {
        LegStatus.QUEUED,
        LegStatus.DELIVERED,
        LegStatus.ACKNOWLEDGED,
        LegStatus.UNDER_REVIEW,
        LegStatus.INFO_REQUESTED,
    }
)
_URGENCIES: Mapping[str, str] = MappingProxyType(
    {"flash": "flash: at once", "urgent": "urgent", "routine": "routine"}
)
_SUMS = ("found", "frozen", "held", "released", "returned", "seized")


def request_summary(read: ReadContext, request_id: str, *, coordinator: str) -> Facts:
    """Return what the reader may tell others of a request.

    Args:
        read: Who reads, and from where.
        request_id: Of the request.
        coordinator: Its origin.

    Raises:
        NotFoundError: If the reader is neither the requester nor asked.
    """
    row, leg = readable_request(read.connection, read.actor.viewer, request_id)
    return _Case(read, row, None if row.requester == read.actor.partner else leg).facts(coordinator)


def _time(value: str | datetime | None, otherwise: str = _DASH) -> str:
    """Return a time with its date and zone, to the second."""
    at = parse_time(value) if isinstance(value, str) else value
    return otherwise if at is None else f"{at:%d %b %Y, %H:%M:%S} UTC".lstrip("0")


def _listed(words: Iterable[str]) -> str:
    every = list(words)
    return " and ".join(filter(None, (", ".join(every[:-1]), every[-1]))) if every else ""


@dataclass
class _Case:
    """One request as its reader sees it, read piece by piece."""

    read: ReadContext
    row: FreezeRequestRow
    leg: LegRow | None

    def facts(self, coordinator: str) -> Facts:
        view, size = self.view, log_store.tree_size(self.read.connection)
        acts = self._every_act[:MOST_ACTS]
        addresses, _ = address_views(self.read, self.row, self.leg, after=-1, limit=MOST_ADDRESSES)
        return Facts(
            request_id=self.row.id,
            drill=self.row.drill,
            title=view["incident"]["title"] or f"A request of {view['requester']}",
            tlp=f"TLP:{view['tlp']}" if view["tlp"] else "",
            state=self._state(),
            made_at=self.read.now,
            made_for=self.read.actor.partner,
            sees_all=self.leg is None,
            coordinator=coordinator,
            content_sha256=view["content_sha256"],
            log_origin=log_origin(coordinator),
            log_size=size,
            log_root=self._root(size),
            in_short=tuple(self._in_short()),
            asked=tuple(self._asked()),
            words=view["summary"],
            decisions=tuple(
                Decision(
                    what="Approved" if each["decision"] == "approve" else "Rejected",
                    who=self._who(view["requester"], each["person"]),
                    at=_time(each["at"]),
                    words=each["comment"] or "",
                    key=each["kid"],
                )
                for each in view["approvals"]
            ),
            papers=tuple(self._papers()),
            told=tuple(self._told(each) for each in self.legs),
            attempts=tuple(self._attempts()),
            answers=tuple(self._answer(each) for each in self.legs),
            sums=tuple(self._sums()),
            open_points=tuple(self._open_points()),
            addresses=tuple(
                Address(
                    number=str(each["address_no"] + 1),
                    account=each["account"] + (f" (tag {each['tag']})" if each["tag"] else ""),
                    asked=self._amount(each["amount"], each["asset"]),
                    note=self._address_note(each),
                )
                for each in addresses
            ),
            address_count=view["address_count"],
            acts=tuple(self._act(each) for each in acts),
            act_count=len(self._every_act),
        )

    # ---- what is read ------------------------------------------------------------------------

    @cached_property
    def view(self) -> FreezeRequestView:
        return request_view(self.read, self.row, self.leg)

    @cached_property
    def legs(self) -> list[LegView]:
        if self.leg is not None:
            rows = [self.leg]
        else:
            rows = leg_store.of_request(
                self.read.connection, self.row.id, after="", limit=MOST_PARTNERS
            )
        return leg_views(self.read, rows)

    @cached_property
    def assets(self) -> KnownAssets:
        return KnownAssets(self.read.chains)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What partners are called, by handle."""
        return partner_names(self.read)

    @cached_property
    def people(self) -> Mapping[str, str]:
        """What the reader's own people are called, by id, as far as it may read that."""
        return people_names(self.read)

    @cached_property
    def acknowledgements(self) -> Mapping[str, ActRow]:
        """Who signed "received", by leg."""
        return {
            act.leg_id: act
            for act in self._every_act
            if act.kind == "acknowledge" and act.leg_id is not None
        }

    @cached_property
    def _every_act(self) -> Sequence[ActRow]:
        leg_id = None if self.leg is None else self.leg.id
        return store.acts(
            self.read.connection,
            self.row.id,
            heard=Heard(leg_id, not is_hidden_from(self.row, self.leg)),
            limit=_MOST_COUNTED,
        )

    def _root(self, size: int) -> str:
        note = log_store.checkpoint_at(self.read.connection, size) if size else None
        return "" if note is None else parse_checkpoint(parse_note(note)).root.hex()

    # ---- in words ----------------------------------------------------------------------------

    def _who(self, partner: str | None, subject: str | None) -> str:
        """Return an organisation and who of it; a name only where the reader may know it."""
        if partner is None:
            return "the coordinator"
        if subject is None:
            return partner
        known = self.people.get(subject)
        return f"{partner}, {known} ({subject})" if known else f"{partner}, {subject}"

    def _called(self, handle: str) -> str:
        name = self.names.get(handle)
        return f"{name} ({handle})" if name else handle

    def _amount(self, amount: str | int | None, asset: str | None) -> str:
        if asset is None:
            return "whatever is there"
        unit = self.assets.unit(asset)
        if amount is None:
            return f"any {unit.symbol if unit else asset}"
        return format_amount(amount, unit, asset=asset)

    def _state(self) -> str:
        view = self.view
        said = _STATES[view["status"]]
        if view["status"] == RequestStatus.ACTIVE and view["unratified"]:
            said = "Out, and not ratified in time: nothing new is frozen on it"
        elif view["status"] == RequestStatus.ACTIVE and view["provisional"]:
            said = "Out before its approval, which is still to come"
        because = WITHDRAWN_BECAUSE.get(view["withdrawn_reason_code"] or "", "")
        why = f": {because}" if because else ""
        ended = f" ({_time(view['ended_at'])})" if view["ended_at"] else ""
        return f"{said}{why}{ended}"

    def _in_short(self) -> Iterable[Statement]:
        view = self.view
        if view["drill"]:
            yield Statement(
                "This is a drill: the requester signed that it is one. Nothing in it is real, and"
                " no money was asked for or is held.",
                Mark.SIGNED,
            )
        count, partners = view["address_count"], len(view["to"])
        yield Statement(
            f"{self._called(view['requester'])} asks {counted(partners, 'organisation')} to freeze "
            f"what is at {counted(count, 'address')}. Submitted {_time(view['submitted_at'])}.",
            Mark.SIGNED,
        )
        approvals = [each for each in view["approvals"] if each["decision"] == "approve"]
        if approvals:
            leads = counted(len(approvals), "security lead")
            yield Statement(
                f"{leads} of the requester, other than who wrote it, approved; the last of them "
                f"{_time(approvals[-1]['at'])}.",
                Mark.SIGNED,
            )
        yield Statement(f"How it stands: {self._state()}.", Mark.RECORDED)
        if self.legs:
            yield from self._short_of_legs()
        yield Statement(self._short_sums(), Mark.COUNTED)

    def _short_of_legs(self) -> Iterable[Statement]:
        signed = [leg for leg in self.legs if leg["acknowledged_at"] is not None]
        silent = [leg for leg in self.legs if leg["status"] in _NO_ANSWER]
        if self.leg is not None:
            own = self.legs[0]
            yield Statement(
                f"{self._called(own['partner'])}: {_LEG_STATES[own['status']]}.", Mark.RECORDED
            )
            return
        yield Statement(
            f"{len(signed)} of {counted(len(self.legs), 'organisation')} signed that they have the "
            f"notice; {len(self.legs) - len(silent)} answered, {len(silent)} did not answer yet.",
            Mark.COUNTED,
        )

    def _short_sums(self) -> str:
        """Say what is held and what came back, of each asset of which anything is."""
        totals = self.view.get("totals") or {}
        parts = []
        for name in ("held", "returned", "seized"):
            sums = [
                self._amount(total[name], asset)
                for asset, total in totals.items()
                if int(total[name])
            ]
            if sums:
                word = "handed to an authority" if name == "seized" else name
                parts.append(f"{_listed(sums)} {word}")
        untold = sum(total["withheld"] for total in totals.values())
        if untold:
            parts.append(f"{counted(untold, 'amount')} reported and not told")
        scope = "By all reports" if self.leg is None else "By this organisation's reports"
        return f"{scope}: {'; '.join(parts)}." if parts else f"{scope}: nothing is held."

    def _asked(self) -> Iterable[Fact]:
        view, signed = self.view, Mark.SIGNED
        incident = view["incident"]
        yield Fact("Asked by", self._called(view["requester"]), signed)
        yield Fact("Written by", self._who(view["requester"], view["submitted_by"]), signed)
        yield Fact("Submitted", _time(view["submitted_at"]), Mark.RECORDED)
        if view["decided_at"]:
            yield Fact("Decided", _time(view["decided_at"]), Mark.RECORDED)
        yield Fact("Asked of", _listed(view["to"][:20]) + self._more(view["to"], 20), signed)
        yield Fact("Incident", incident["title"] or "not told to this reader", signed)
        yield Fact("It happened", _time(incident["occurred_at"]), signed)
        if incident["reference"]:
            yield Fact("Reference", incident["reference"], signed)
        yield Fact("Urgency", _URGENCIES.get(view["urgency"], view["urgency"]), signed)
        yield Fact("To hold for", f"{view['hold_hours']} hours", signed)
        yield Fact("Amount", self._asked_amount(), signed)
        yield Fact("Addresses", f"{view['address_count']:,}", signed)
        if view["withdrawn_count"]:
            yield Fact("Taken back since", counted(view["withdrawn_count"], "address"), signed)
        yield Fact("Rests on", RESTS_ON[Support(view["support"])], signed)
        if view["interest"]:
            declared = view["interest"]
            words = f"{interest_words(declared['kinds'])}: {declared['statement']}"
            yield Fact("Interest of who asks, as declared", words, signed)
        for why in view["why_you"]:
            yield Fact(self._why_asked(why), why["why"], signed)
        if view["rulebook_sha256"]:
            yield Fact("Under the rulebook", view["rulebook_sha256"], signed)
        until = view["do_not_notify_customer_until"]
        if until:
            yield Fact("The customer is not to be told before", _time(until), signed)

    def _why_asked(self, why: WhyYouView) -> str:
        """Say to whom it is said why they are asked: the reader, all of them, or some."""
        to = why.get("to")
        if to is None:
            return "Why this organisation is asked"
        if to == "all":
            return "Why they are asked"
        return (
            f"Why {_listed(to[:3])}{self._more(to, 3)} "
            + ("is" if len(to) == 1 else "are")
            + " asked"
        )

    @staticmethod
    def _more(words: Sequence[str], shown: int) -> str:
        return f" and {len(words) - shown} more" if len(words) > shown else ""

    @cached_property
    def _asked_by_asset(self) -> Mapping[str, tuple[int, int]]:
        found = asked_sums(self.read.connection, [self.row.id])
        return {each.asset: (each.amount, each.stated) for each in found}

    def _asked_amount(self) -> str:
        """Say the stated amounts, and at how many addresses it is whatever is there."""
        stated = sum(count for _, count in self._asked_by_asset.values())
        live = self.view["address_count"] - self.view["withdrawn_count"]
        parts = [self._amount(amount, a) for a, (amount, _) in self._asked_by_asset.items()]
        if live > stated:
            parts.append(f"whatever is there at {counted(live - stated, 'address')}")
        return _listed(parts[:12]) + self._more(parts, 12) or "nothing any more"

    def _papers(self) -> Iterable[Paper]:
        connection, vault, leg_id = self.read.connection, self.read.vault, self._leg_id
        requester = self.view["requester"]
        for given in support_views(
            connection,
            vault,
            support_store.page(connection, self.row.id, after="", limit=_MOST_PAPERS),
        ):
            what = RESTS_ON[Support(given["support"])]
            yield Paper(
                f"The request rests on {what}",
                requester,
                _time(given["given_at"]),
                given["reference"] or "",
                given["document_sha256"],
            )
        for indemnity in indemnity_views(
            connection,
            vault,
            indemnities.page(connection, self.row.id, leg_id=leg_id, after="", limit=_MOST_PAPERS),
        ):
            law = f", law of {indemnity['law']}" if indemnity["law"] else ""
            yield Paper(
                f"Indemnity to {indemnity['to'] or 'all organisations asked'}{law}",
                requester,
                _time(indemnity["given_at"]),
                "",
                indemnity["document_sha256"],
            )
        for order in legal_order_views(
            connection,
            vault,
            legal_orders.page(connection, self.row.id, leg_id=leg_id, after="", limit=_MOST_PAPERS),
        ):
            yield Paper(
                f"Order of {order['agency'] or 'an authority'}",
                order["partner"],
                _time(order["attached_at"]),
                ", ".join(filter(None, (order["reference"], _ended(order["lifted_at"])))),
                order["document_sha256"] or "",
            )
        for claim in encumbrance_views(
            connection,
            vault,
            encumbrances.page(connection, self.row.id, leg_id=leg_id, after="", limit=_MOST_PAPERS),
        ):
            kind = claim["kind"].value.replace("_", " ").capitalize()
            much = (
                "all" if claim["amount"] is None else self._amount(claim["amount"], claim["asset"])
            )
            said = (claim["court"], claim["number"], _ended(claim["lifted_at"]))
            yield Paper(
                f"{kind} on {much} of a hold",
                claim["partner"],
                _time(claim["attached_at"]),
                ", ".join(filter(None, said)),
                claim["order_sha256"],
            )

    @property
    def _leg_id(self) -> str | None:
        return None if self.leg is None else self.leg.id

    def _told(self, leg: LegView) -> Told:
        act = self.acknowledgements.get(leg["id"])
        arrived = _time(leg["delivered_at"], "no arrival seen")
        if leg["delivered_at"] is None and "undeliverable" in leg["flags"]:
            arrived = "could not be delivered"
        acknowledged = _time(leg["acknowledged_at"], f"not yet; due {_time(leg['acknowledge_by'])}")
        if leg["acknowledged_at"] is not None and act is None:
            acknowledged += " (with a later act of its own)"
        return Told(
            partner=leg["partner"],
            name=self.names.get(leg["partner"], ""),
            queued=_time(leg["queued_at"]),
            arrived=arrived,
            acknowledged=acknowledged,
            by="" if act is None else f"entry {act.leaf_index} in Annex B",
        )

    def _attempts(self) -> Iterable[Attempt]:
        """Return the attempts at the reader's own systems; those at others are others' to read."""
        if self.leg is None or not is_allowed(Permission.WEBHOOK_ENDPOINT_READ, self.read.actor):
            return
        for row in deliveries.notice_attempts(
            self.read.connection,
            self.row.id,
            self.read.actor.partner,
            limit=_MOST_ATTEMPTS,
        ):
            answered = f"answered HTTP {row.status}" if row.status else f"failed: {row.error}"
            yield Attempt(_time(row.at), answered)

    def _answer(self, leg: LegView) -> Answer:
        code, detail = leg["decline_code"], leg["decline_detail"] or ""
        said = SAID.get(code or "", "")
        sums = [
            f"{self._amount(total[name], asset)} {name}"  # type: ignore[literal-required]
            for asset, total in leg["totals"].items()
            for name in _SUMS
            if int(total[name])  # type: ignore[literal-required]
        ]
        untold = sum(total["withheld"] for total in leg["totals"].values())
        if untold:
            sums.append(f"{counted(untold, 'amount')} not told")
        return Answer(
            partner=leg["partner"],
            name=self.names.get(leg["partner"], ""),
            state=_LEG_STATES[leg["status"]],
            at=_time(leg["answered_at"], ""),
            why=". ".join(filter(None, (said, detail))),
            sums=tuple(sums[:24]),
        )

    def _sums(self) -> Iterable[AssetSum]:
        totals = self.view.get("totals") or {}
        asked = self._asked_by_asset
        for asset in list(dict.fromkeys([*asked, *totals]))[:100]:
            unit, total = self.assets.unit(asset), totals.get(asset)

            def number(value: str | int | None, unit: AssetUnit | None = unit) -> str:
                if value is None:
                    return _DASH
                return format_number(value, unit) if unit else f"{int(value)}"

            usd = None if total is None else total.get("usd")
            held_usd = None if usd is None else usd["held"]
            sums = {name: number(None if total is None else total[name]) for name in _SUMS}  # type: ignore[literal-required]
            yield AssetSum(
                unit=unit.symbol if unit else f"base units of {asset}",
                asked=number(asked[asset][0] if asset in asked else None),
                worth=_DASH if held_usd is None else f"{held_usd} USD",
                **sums,
            )

    def _open_points(self) -> Iterable[Statement]:
        yield from self._open_decisions()
        for leg in self.legs:
            yield from self._open_of_leg(leg)
        yield from self._open_between()
        yield from self._hold_ends()
        yield from self._guests()

    def _guests(self) -> Iterable[Statement]:
        """Say who was asked without being a member: of what it said, only that it did."""
        if self.leg is not None:
            return
        found = guests.page(self.read.connection, self.row.id, after="", limit=MOST_OF_REQUEST)
        for each in found:
            said = "nothing was said for it"
            if each.answered_at is not None:
                said = f"an answer that nobody signed was typed in {_time(each.answered_at)}"
            yield Statement(
                f"{each.domain}, which was no member, was asked {_time(each.asked_at)}: {said}."
                " It is unverified, and in no sum of this document.",
                Mark.RECORDED,
            )

    def _open_decisions(self) -> Iterable[Statement]:
        view = self.view
        if view["status"] == RequestStatus.SUBMITTED:
            yield self._point(f"A security lead decides by {_time(view['approve_by'])}.")
        if view["status"] == RequestStatus.ACTIVE and view["provisional"]:
            yield self._point(f"It is to be ratified by {_time(view['ratify_by'])}.")
        if view["unratified"]:
            until = _time(view["unratified_until"])
            yield self._point(f"Nobody ratified it in time; it withdraws itself {until}.")

    def _open_between(self) -> Iterable[Statement]:
        """Say which questions and objections wait for an answer."""
        connection, leg_id = self.read.connection, self._leg_id
        for question in info_request_views(
            connection,
            self.read.vault,
            info_requests.page(connection, self.row.id, leg_id=leg_id, after="", limit=500),
            self.read.actor.partner,
        ):
            if question["answered_at"] is None:
                asked = _time(question["asked_at"])
                yield self._point(f"{question['partner']} asked a question {asked}; no answer yet.")
        for dispute in dispute_views(
            connection,
            self.read.vault,
            disputes.page(connection, self.row.id, leg_id=leg_id, after="", limit=500),
            self.read.actor.partner,
        ):
            if dispute["resolved_at"] is None:
                raised, by = _time(dispute["raised_at"]), _time(dispute["answer_by"])
                yield self._point(
                    f"{dispute['partner']} objected for its customer {raised}; the requester is to "
                    f"answer by {by}."
                )

    @staticmethod
    def _point(text: str) -> Statement:
        return Statement(text, Mark.RECORDED)

    def _open_of_leg(self, leg: LegView) -> Iterable[Statement]:
        flags, partner = leg["flags"], leg["partner"]
        if leg["status"] == LegStatus.WITHDRAWN:
            return
        if leg["acknowledged_at"] is None and leg["status"] in _NO_ANSWER:
            late = "; that time has passed" if "overdue" in flags else ""
            yield self._point(
                f"{partner} has not signed that it has the notice; due by "
                f"{_time(leg['acknowledge_by'])}{late}."
            )
        elif leg["answered_at"] is None and leg["answer_by"] is not None:
            what = "has not answered" if leg["status"] in _NO_ANSWER else "has answered in part"
            late = "; that time has passed" if "unanswered" in flags else ""
            yield self._point(f"{partner} {what}; due by {_time(leg['answer_by'])}{late}.")
        if "answer_owed" in flags:
            yield self._point(f"{partner} still owes an answer about what it holds.")
        if "irregular" in flags:
            yield self._point(f"A report of {partner} is marked as irregular.")

    def _hold_ends(self) -> Iterable[Statement]:
        """Say until when each partner holds what it holds, where that ends first."""
        rows = ledger_pages.holds(
            self.read.connection, self.row.id, leg_id=self._leg_id, limit=_MOST_HOLDS
        )
        ends: dict[str, list[str]] = {}
        for hold in hold_views(rows, of_all_legs=self.leg is None):
            if int(hold["held"]) or (hold["withheld"] and not hold["lapsed"]):
                ends.setdefault(hold["partner"], []).append(hold["hold_expires_at"])
        for partner, times in ends.items():
            first = min(times, key=parse_time)
            what = counted(len(times), "hold")
            yield Statement(
                f"{partner} has {what} in force; the first ends {_time(first)}.", Mark.SIGNED
            )

    def _address_note(self, address: FlaggedAddressView) -> str:
        notes = []
        if address.get("left_out"):
            notes.append("left out by the approval: nobody was asked")
        if address.get("withdrawn_at"):
            notes.append(f"taken back {_time(address['withdrawn_at'])}")
        if address["role"]:
            notes.append(str(address["role"]))
        if address["tx"]:
            notes.append(f"transaction {address['tx']}")
        return "; ".join(notes)

    def _act(self, row: ActRow) -> Act:
        is_own = row.evidence_kind == EvidenceKind.COORDINATOR
        return Act(
            id=row.id,
            at=_time(format_time(row.at)),
            what=ACTS.get(row.kind, row.kind.replace("_", " ").capitalize()),
            by=self._who(row.partner, row.subject),
            key=row.kid or "",
            leaf="" if row.leaf_index is None else str(row.leaf_index),
            mark=Mark.RECORDED if is_own else Mark.SIGNED,
        )


def _ended(lifted_at: str | None) -> str:
    return "" if lifted_at is None else f"lifted {_time(lifted_at)}"
