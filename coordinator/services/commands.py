"""The one way in: every command of the coordinator, by its handler.

A command that is not listed here is not carried out. Adding one is a dataclass and a handler in the
module of its noun, and a line here.
"""

from types import MappingProxyType
from typing import Any

from coordinator.domain.actor import Actor
from coordinator.domain.permission import Permission, require
from coordinator.services.core import log_keys
from coordinator.services.core.bus import Handler, handlers_by_command
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.delivery import deliveries, webhook_endpoints
from coordinator.services.ending import (
    clearances,
    closing,
    disputes,
    erasures,
    legal_orders,
    retention,
    withdrawal_approvals,
    withdrawal_proposals,
    withdrawals,
)
from coordinator.services.ledger import freeze_ledger, holds, same_funds
from coordinator.services.membership import (
    console_links,
    encryption_keys,
    gateways,
    grant_proposals,
    grants,
    house_rules,
    log_reconciliation,
    on_call,
    partners,
    people,
    revocations,
    root_resets,
    rotations,
    rulebook_acceptances,
    sign_in_providers,
    suspensions,
    tag_keys,
)
from coordinator.services.requests import (
    additions,
    alarms,
    approvals,
    data_subjects,
    flags,
    freeze_requests,
    guests,
    indemnities,
    info_requests,
    leg_limits,
    legs,
    ratification,
    sealed_evidence,
    support,
    tasks,
)
from coordinator.services.restoring import (
    allocations,
    claim_links,
    claims,
    destinations,
    encumbering,
    liftings,
    payout_changes,
    payouts,
    recovery_requests,
    restitutions,
    return_requests,
)

HANDLERS: tuple[Handler[Any], ...] = (
    # A freeze request, from submission to closure.
    freeze_requests.submit,
    approvals.decide,
    additions.propose,
    support.raise_support,
    flags.renew,
    flags.report_applied,
    indemnities.give,
    withdrawals.withdraw,
    withdrawal_approvals.decide,
    withdrawal_proposals.void,
    closing.close,
    closing.close_by_itself,
    closing.expire,
    erasures.propose,
    erasures.erase,
    erasures.erase_by_policy,
    erasures.erase_again,
    retention.erase_old_evidence,
    retention.forget_names,
    ratification.miss,
    ratification.lapse,
    # A partner's leg of it.
    legs.acknowledge,
    legs.review,
    legs.decline,
    leg_limits.limit_leg,
    legs.mark_delivered,
    legs.mark_undeliverable,
    legs.mark_overdue,
    legs.mark_unanswered,
    info_requests.ask,
    info_requests.answer,
    info_requests.mark_reply_late,
    tasks.take,
    # Organisations that are no members.
    guests.ask,
    guests.note_contact,
    guests.record_answer,
    # Persons who ask for their rights.
    data_subjects.record,
    data_subjects.pass_on,
    data_subjects.answer,
    data_subjects.mark_overdue,
    alarms.wake_for_hold,
    alarms.page_next,
    # What named partners alone read.
    sealed_evidence.send_part,
    sealed_evidence.seal,
    sealed_evidence.share,
    # What was found and is held.
    freeze_ledger.report,
    holds.extend,
    holds.ask_for_extension,
    holds.fire_clock,
    holds.remind,
    same_funds.mark,
    legal_orders.attach,
    legal_orders.call_back,
    # What others claim of it.
    encumbering.encumber,
    liftings.lift_encumbrance,
    liftings.lift_legal_order,
    liftings.review_encumbrance,
    liftings.review_legal_order,
    liftings.miss_review,
    disputes.raise_dispute,
    disputes.resolve,
    disputes.recommend_release,
    clearances.revoke,
    # What comes back.
    return_requests.ask,
    return_requests.decide,
    return_requests.withdraw,
    return_requests.expire,
    return_requests.answer,
    return_requests.revoke,
    return_requests.confirm,
    destinations.propose,
    destinations.decide,
    destinations.confirm_test,
    destinations.close,
    recovery_requests.submit,
    recovery_requests.decide,
    recovery_requests.withdraw,
    recovery_requests.answer,
    recovery_requests.reply,
    # Membership.
    partners.invite,
    partners.join,
    partners.confirm,
    partners.change_entry,
    people.name_person,
    grants.make_grant,
    grant_proposals.propose,
    grant_proposals.approve,
    rotations.rotate,
    revocations.revoke,
    revocations.revoke_own,
    console_links.make_link,
    console_links.offer_passkey,
    tag_keys.set_tag_key,
    encryption_keys.set_key,
    sign_in_providers.set_provider,
    sign_in_providers.remove_provider,
    on_call.set_chain,
    on_call.remove_chain,
    on_call.page_for_test,
    house_rules.publish,
    rulebook_acceptances.accept,
    gateways.declare,
    gateways.withdraw,
    gateways.verify,
    gateways.end,
    root_resets.announce,
    root_resets.take_over,
    log_reconciliation.reconcile,
    suspensions.suspend,
    suspensions.reinstate,
    suspensions.suspend_request,
    # Giving back what was recovered.
    restitutions.open_restitution,
    restitutions.add_pool_lines,
    restitutions.close_restitution,
    payout_changes.propose,
    payout_changes.decide,
    claims.file_claims,
    claims.decide,
    claims.object_to,
    claim_links.make,
    claim_links.revoke,
    claim_links.object_by_link,
    allocations.propose,
    allocations.decide,
    payouts.record,
    # The log.
    log_keys.hand_over,
    log_keys.retire,
    # Webhook endpoints and what is delivered to them.
    webhook_endpoints.register,
    webhook_endpoints.update,
    webhook_endpoints.delete,
    webhook_endpoints.rotate_secret,
    webhook_endpoints.send_test,
    webhook_endpoints.recover,
    webhook_endpoints.tell_failing,
    webhook_endpoints.disable_gone,
    deliveries.resend,
    deliveries.replay,
)
_BY_COMMAND = MappingProxyType(handlers_by_command(HANDLERS))


def permission_of(command: type[Any]) -> Permission:
    """Return the permission that a command needs.

    Raises:
        KeyError: If it has no handler.
    """
    return _BY_COMMAND[command].needs


def require_permission(command: type[Any], actor: Actor) -> None:
    """Raise PermissionDeniedError unless `actor` may give this command at all."""
    require(permission_of(command), actor)


def execute(command: object, actor: Actor, uow: UnitOfWork) -> Answer:
    """Check the permission and run the command's handler inside `uow`.

    Raises:
        PermissionDeniedError: If the actor's role does not carry the permission.
        CoordinatorError: Whatever the rules refuse.
        KeyError: If the command has no handler; nothing undeclared is carried out.
    """
    handler = _BY_COMMAND[type(command)]
    require(handler.needs, actor)
    return handler(command, actor, uow)
