"""Every code of a problem document, in words: what it means and what to do."""

from dataclasses import dataclass

from coordinator.api.problems import STATUS_BY_ERROR, TITLES
from coordinator.domain import errors


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem: its stable code, its HTTP status, and what it means."""

    code: str
    status: int
    title: str
    meaning: str


#: Codes that narrow a class of refusal down.
NARROWER: dict[type[errors.CoordinatorError], dict[str, str]] = {
    errors.UnavailableError: {
        "read_only": "The coordinator was restored from a copy, and its operator has not yet "
        "reconciled its log with what members hold. Reading goes on; send your act again later.",
    },
    errors.PermissionDeniedError: {
        "partner_suspended": "Your membership is suspended; only what is held already is settled.",
        "unknown_witness": "No witness that the log's policy names cosigned this checkpoint.",
        "partner_pending": "Your membership waits for the operator to confirm the root key.",
    },
    errors.InvalidInputError: {
        "bad_parts": "These parts of a return cannot be promised; the faults say why of each.",
        "invalid_deposits": "Some deposits have faults; all of them are named at once, and nothing "
        "was stored.",
        "about_other_requests": "The body of a decision goes to the partners asked, so it names no "
        "warning about other requests; signing the context accepts it.",
        "cannot_seal_to": "Evidence is sealed to the encryption key in force of each partner; the "
        "faults name who has none, or another.",
        "cosignature": "A cosignature does not verify, or is from the future.",
        "bundle_too_large": "The evidence of this request is more than one bundle can hold: read "
        "its lists instead.",
        "customer_data": "Free text holds what looks like customer data. Each place is named; take "
        "it out. The coordinator never learns who holds an account.",
        "idempotency_key": "The Idempotency-Key header is missing or malformed.",
        "invalid_addresses": "Some flagged addresses have faults; all of them are named at once.",
        "invalid_partners": "Some of the partners asked cannot be; all of them are named at once.",
        "member_domain": "This domain is a member's: ask it as a partner.",
        "no_checkpoint": "The note is no checkpoint of a log.",
        "no_mail": "This coordinator has no mail server: page your people by another channel.",
        "nothing_missed": "`replay` needs an endpoint that is off, since a time that is known.",
        "other_remainder": "`remainder_sha256` is not the hash of what would go out without the "
        "addresses that `except` names.",
        "issuer_refused": "Nobody could sign in by this OpenID provider; the fault says why.",
        "private_key": "The private half of a key came with its JWK: make a new key.",
        "possession": "The proof does not show that its maker holds the new key.",
        "replay_too_long": "More events happened since then than one replay queues.",
        "thumbprint_mismatch": "The root key is not the one whose thumbprint was given.",
        "url_refused": "Webhooks may not go to this URL; the fault's own code says why.",
        "warnings_open": "Approving means accepting every warning with a reason.",
    },
    errors.NotFoundError: {
        "no_such_destination": "There is no such destination, or none of your organisation's.",
        "no_such_leg": "The request does not ask that partner.",
        "no_such_return": "There is no such return request, or none that you may see.",
        "invitation_not_good": "The invitation is spent, too old, or another's.",
        "no_erasure": "Nobody proposes to erase this request.",
        "no_such_clearance": "There is no such clearance.",
        "no_such_data_subject_request": "There is no such data-subject request to be answered.",
        "no_such_dispute": "This request has no such dispute.",
        "no_such_encumbrance": "There is no such encumbrance here, or none that you see.",
        "no_such_order": "There is no such order here, or none that you see.",
        "no_such_hold": "There is no such hold, or none that this act may name.",
        "no_such_question": "Nobody asked this about this request.",
        "guest_page_closed": "This page is closed: the request is over, or its guest has joined.",
        "not_in_log": "The log is not as large as that yet, or nothing of it is named so.",
        "not_asked": "The request does not ask this partner.",
        "no_such_task": "Nothing of that kind waits for your organisation.",
        "no_such_withdrawal": "Nobody proposed to withdraw this.",
    },
    errors.InvalidTransitionError: {
        "destination_status": "The destination does not take this act as it stands; the detail "
        "says why.",
        "return_status": "The return request does not take this act as it stands; the detail says "
        "which it takes.",
        "addition_decided": "This addition of partners was decided on before; propose it again.",
        "hold_ended": "Nothing of this hold is held any more.",
        "not_ratified": "Nobody ratified this flash request; it is ratified, rejected or withdrawn "
        "before it could be closed, or ask more partners.",
        "too_late": "The time to decide is over; the detail says when it ended and what happens "
        "next. Submit the request, or propose the addition, anew.",
        "withdrawal_decided": "This withdrawal was decided on before; propose it again.",
    },
    errors.ConflictError: {
        "allocation_decided": "This allocation was decided on before; propose another.",
        "allocation_stale": "Claims or pool changed since it was proposed: reject it, and propose "
        "it anew.",
        "allocation_waiting": "An allocation waits for approvals: have it approved or rejected "
        "first.",
        "already_sent": "Something was sent already: confirm what arrives, or say that it did not.",
        "claims_waiting": "Claims wait for a decision: verify or reject them first.",
        "destination_erased": "What this destination is was erased; register another.",
        "double_claim": "Another claim that counts names the same address or transaction; reject "
        "one of them, or say that it is no double.",
        "drill": "A drill moves no money.",
        "fee_above_accepted": "The fee is above what the requester accepts: say what is needed, or "
        "decline the deposit.",
        "fee_above_amount": "What was found is above 0, and the fee no more than that.",
        "fee_raised": "A fee that was stated is never raised.",
        "invalid_lines": "Some lines cannot be taken; all of them are named at once, and nothing "
        "was stored.",
        "known": "This very document opened a restitution already.",
        "known_destination": "The account is registered already, or proposed: go on with that one, "
        "or close it.",
        "not_out": "Nobody was asked yet: withdraw the request whole, and submit it anew.",
        "not_the_sum": "Amount and fee must add up to what was found.",
        "nothing_sent": "By the partner's lines nothing was sent yet.",
        "objections_open": "Objections are still taken; the detail says until when.",
        "objections_over": "Objections are taken no more; the detail says since when.",
        "other_amount": "Another amount stands there; the detail says which. Read it again, and "
        "sign that.",
        "other_sender": "The deposit came from another account than the requester says: never send "
        "it there.",
        "payouts_waiting": "Payouts are not paid, or an allocation waits for approvals.",
        "link_opens_nothing": "The secret link of a claim opens nothing: it is unknown, or over.",
        "restitution_closed": "The restitution is closed.",
        "returned_already": "You returned this deposit upon another request already.",
        "same_tx": "This transaction is known already; name the one that returned the deposit.",
        "too_many_lines": "A pool has room for so many lines and no more.",
        "gateway_ended": "This gateway was withdrawn, or the operator ended it, already.",
        "several_gateways": "The partner declared this gateway more than once: name its document.",
        "no_flags": "The request is a drill; a drill flags nothing that could be renewed.",
        "no_drill": "The request is real; a readiness report is made of a drill.",
        "not_limited": "Everybody of your organisation sees this leg already.",
        "beyond_head": "Your flags never changed up to that number.",
        "data_subject_answered": "What this person asks was decided before.",
        "extended_before": "The time was made longer once before.",
        "extension_late": "The time was over before anybody said that it takes longer.",
        "too_many_data_subject_requests": "You passed on as many letters as a day takes.",
        "drill_guest": "A drill asks members alone.",
        "guest_asked": "This request asks that organisation already.",
        "too_many_answers": "A guest's page took as many answers as it may.",
        "too_many_for_guest": "A guest answers on one page, about 200 addresses at most.",
        "too_many_guests": "A request asks 10 guests at most, and a member 20 a day.",
        "tested_just_now": "A chain is tested once a minute: its channels may be somebody else's.",
        "last_key": "It is the caller's last key of its kind; only a security lead takes it away.",
        "answers_owed": "Answers are still owed, or a dispute is open.",
        "already_attached": "This order lies on the hold already, in other words; lift that first.",
        "no_shared_gateway": "No amount is told where no gateway is shared; leave it out.",
        "already_called_back": "Your organisation said before what it heard about this order.",
        "already_lifted": "This order is lifted: there is nothing to call about any more.",
        "encumbered": "Somebody else's claim stands in the way; the detail says how much is free. "
        "Agree to that much, or have what lies on it lifted first.",
        "payout_changing": "Another account is proposed for this claim: nothing is paid on it "
        "until that is in force or rejected.",
        "other_change": "Not this account was proposed: read the change again.",
        "claim_not_payable": "A rejected claim is not paid; object to that first.",
        "already_answered": "This question has its answer.",
        "already_decided": "You have decided on this before; a decision is not changed.",
        "already_marked": "The hold is marked so already.",
        "already_revoked": "This clearance was revoked before.",
        "already_taken": "You have this task already.",
        "already_resolved": "This dispute is resolved.",
        "cannot_open": "It was not sealed to your organisation, which so cannot seal it again.",
        "counts_for_others": "Other holds are marked as the same as this; take that back first.",
        "file_erased": "The sealed file was kept for its time, and is erased; its hash stays.",
        "tlp_marked": "Evidence marked AMBER or stricter is passed on by its author alone.",
        "other_key": "Another encryption key is in force than the one that `replaces` names.",
        "part_missing": "Send every part of sealed evidence before the act that names them.",
        "parts_waiting": "Too many parts of sealed evidence wait for the acts that name them.",
        "too_many_files": "One partner may seal no more files on one request.",
        "erasure_proposed": "It is proposed already, and waits for a lead of the requester.",
        "endpoint_off": "The endpoint is turned off; turn it on first.",
        "flash_cap": "No more flash requests go out for now; the detail says when the next one "
        "may. Send it as urgent.",
        "held_meanwhile": "Funds are held on what the ratification would leave out, and letting "
        "them go takes more leads; withdraw it after the ratification.",
        "holds_open": "Holds are still open; a request closes once all are released, returned or "
        "seized.",
        "other_checkpoint": "The log signed another checkpoint of that size. If both bear its "
        "signature, that proves a fork: keep both.",
        "known_key": "The key is known already; a key belongs to one subject for ever.",
        "left_out_itself": "That hold is left out of sums itself; the detail names what counts.",
        "nonce_used": "This very document was submitted before; a fresh nonce makes it another "
        "request. The detail names the one that stands.",
        "nothing_held": "Nothing is held that this could be about.",
        "nothing_left": "These are all that is left; withdraw the whole request, or reject it.",
        "other_funds": "The two holds are of different addresses or assets.",
        "other_left_out": "An earlier approval leaves out other addresses (`except`); the detail "
        "names them. Approvals that count to one quorum leave out the same ones.",
        "not_proposed": "Nobody proposed to erase this request, or for another reason.",
        "proposer_gone": "Whoever proposed it may no longer; propose it again if it is wanted.",
        "reset_over": "The new root key has taken over.",
        "same_partner": "One partner does not hold the same tokens twice; it corrects its lines.",
        "shared_hold": "A hold is marked on the request on which it was opened.",
        "support_not_raised": "Support is only ever raised, and this is no more than it is.",
        "same_rulebook": "This text is the last edition of the rulebook already.",
        "same_addition": "This very addition was proposed before; a fresh nonce tells them apart.",
        "taken": "The subject id is taken; make a new one.",
        "takes_two_leads": "Your policy lets held funds go by two leads; withdraw the request, and "
        "have another lead approve that.",
        "task_done": "Nothing of it waits any more: somebody did it, or its time is over.",
        "too_few_leads": "Fewer security leads could approve than the policy asks for.",
        "too_many_endpoints": "No more endpoints; delete one that is not used.",
        "unknown_key": "The key named was taken away meanwhile.",
        "withdrawn_already": "Some of these addresses were withdrawn before, or left out when the "
        "request was approved.",
    },
    errors.LedgerBreachError: {
        "amount_too_large": "The sum would be beyond 2^256.",
        "not_reserved": "More would be taken out of the reserve than is in it.",
        "pool_exceeded": "More would leave the pool than is available in it; add first what came "
        "back.",
    },
    errors.BodyTooLargeError: {
        "evidence_too_large": "Sealed evidence has a size that the operator sets; split it.",
    },
    errors.RulebookError: {
        "rulebook_not_accepted": "Your organisation has not accepted the rulebook in force; the "
        "detail says how it does. Send the same request again then.",
    },
    errors.StaleDocumentError: {
        "other_allocation": "`act_sha256` is not that of the allocation that was proposed.",
        "other_destination": "`act_sha256` is not the hash of the proposed destination.",
        "other_return": "`act_sha256` is not the hash of what is asked.",
        "other_context": "`context_sha256` is not the hash of the decision context in force.",
        "other_withdrawal": "`act_sha256` is not the hash of what was proposed.",
    },
}


def catalog() -> list[ProblemKind]:
    """Return every kind of problem, by status and code."""
    kinds = [ProblemKind("internal", 500, "Internal error", "The coordinator failed; try again.")]
    for error, status in STATUS_BY_ERROR.items():
        meaning = " ".join((error.__doc__ or "").split())
        if error is errors.AuthenticationError:
            meaning = "The request could not be authenticated; why is not told."
        kinds.append(ProblemKind(error.default_code, int(status), TITLES[error], meaning))
        kinds.extend(
            ProblemKind(code, int(status), TITLES[error], text)
            for code, text in NARROWER.get(error, {}).items()
        )
    return sorted(kinds, key=lambda kind: (kind.status, kind.code))
