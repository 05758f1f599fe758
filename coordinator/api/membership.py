"""Joining, grants and revocations, and one's own entry in the directory."""

from flask import Response, request

from coordinator.api.auth import read_front, require_body, verify
from coordinator.api.body import parse_body, read_body
from coordinator.api.calls import present_call
from coordinator.api.client_address import client_address
from coordinator.api.context import current_context
from coordinator.api.pipeline import SignedCall
from coordinator.api.transaction import join_once
from coordinator.api.view import (
    before_confirmation,
    command_view,
    custom_view,
    or_known,
    personal,
)
from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import AuthenticationError, FieldFault, InvalidInputError
from coordinator.services.membership.grant_proposals import ApproveGrant, ProposeGrant
from coordinator.services.membership.grants import MakeGrant
from coordinator.services.membership.partners import ChangeEntry, JoinNetwork
from coordinator.services.membership.people import NamePerson
from coordinator.services.membership.revocations import Revoke, RevokeOwnKey
from coordinator.services.membership.rotations import RotateKey
from coordinator.services.membership.tag_keys import SetTagKey
from holdfast.protocol import membership_payloads, strict_json, views
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import BURNT_KEY, PRIVATE_MEMBERS, PublicKey

#: Of a body at /v1/join, whose sender is known only once it was read.
_MOST_BYTES = 65_536


@command_view(
    MakeGrant, ProposeGrant, RotateKey, body=membership_payloads.Grant, answer=views.GrantView
)
def make_grant(call: SignedCall[membership_payloads.Grant]) -> MakeGrant | ProposeGrant | RotateKey:
    """Grant a person, system, key, role or policy.

    Signed by the root key it applies at once. Signed by a security lead it is a proposal (`status`
    is `pending`) until another lead approves it. Signed by the key that `replaces` names, with a
    new key of the same subject, it puts that key in the old one's place.
    """
    context, token = call.context, call.token
    if call.body.replaces == token.kid:
        return RotateKey(body=call.body, audience=context.origin)
    if token.sub == token.iss:
        return MakeGrant(body=call.body, audience=context.origin)
    within = context.rulebook.policies.approve_grant_within
    return ProposeGrant(body=call.body, audience=context.origin, approve_within=within)


@command_view(ApproveGrant, body=membership_payloads.GrantApproval, answer=views.GrantView)
def approve_grant(
    call: SignedCall[membership_payloads.GrantApproval], proposal_id: str
) -> ApproveGrant:
    """Approve a grant that another security lead of your partner proposed; it applies at once.

    `grant_sha256` is the SHA-256 of the proposal's exact body, as the proposals show it. Nobody
    approves what they proposed, what is for themselves, or what is for a system that they own.
    """
    origin = call.context.origin
    return ApproveGrant(proposal_id=proposal_id, body=call.body, audience=origin)


@command_view(
    Revoke,
    RevokeOwnKey,
    body=membership_payloads.Revocation,
    answer=views.RevocationView,
    while_suspended=True,
)
def revoke(call: SignedCall[membership_payloads.Revocation]) -> Revoke | RevokeOwnKey:
    """Take one of your own keys or subjects away; it is over at once.

    A security lead takes any of the partner's away. Everybody else takes away a key of their own,
    as long as another of its kind stays, a passkey or not (409 `last_key`).
    Naming a root key that is to take over (`partner.root_reset`) stops that. A suspended partner
    takes keys away, too: what was stolen must not be good again on the day of its return.
    """
    kid = call.body.kid
    owned = None if kid is None else call.context.key_ring.find(call.context.database, kid)
    if owned is not None and (owned[0].partner, owned[0].subject) == (
        call.token.iss,
        call.token.sub,
    ):
        return RevokeOwnKey(body=call.body)
    return Revoke(body=call.body)


@command_view(
    ChangeEntry, body=membership_payloads.PartnerChanges, answer=views.PartnerView, status=200
)
def change_entry(call: SignedCall[membership_payloads.PartnerChanges]) -> ChangeEntry:
    """Change your entry in the directory: how you are reached, and what you say of yourself.

    What you leave out stays; everything else of a member changes by grant. `freezes_on`: `order`
    tells requesters before they send that you freeze nothing without a legal order.
    """
    return ChangeEntry(body=call.body)


@before_confirmation
@or_known("This is the present key already; nothing changed.")
@command_view(SetTagKey, body=membership_payloads.NewTagKey, answer=views.TagKeyView)
def set_tag_key(call: SignedCall[membership_payloads.NewTagKey]) -> SetTagKey:
    """Set the key by which your entries of the log are tagged, so that you alone find them.

    From the entry `first_leaf` on it holds, and the one before no longer: keep both. The kit sends
    the first one when it joins, before the operator has confirmed the partner. Nobody but your own
    partner reads this act.
    """
    return SetTagKey(body=call.body)


@personal
@command_view(
    NamePerson, body=membership_payloads.PersonChanges, answer=views.PersonView, status=200
)
def name_person(call: SignedCall[membership_payloads.PersonChanges], person_id: str) -> NamePerson:
    """Name one of your own people or systems, say how to reach them, or erase either with null.

    Only your own people and systems read it. It is stored sealed, and in nothing that others see:
    members and the log learn that you changed names, not which. Each change erases what the one
    before left behind, so that what was erased is nowhere. Who was taken away is named and erased
    alike.
    """
    return NamePerson(person_id=person_id, body=call.body)


def _root_key(raw: bytes) -> PublicKey:
    """Return the key in the body; only its own signature over that body makes it worth anything.

    Raises:
        AuthenticationError: If there is none.
        InvalidInputError: If its private half came with it: whoever sent that must hear of it.
    """
    try:
        value = strict_json.loads(raw)
        jwk = value["root_jwk"]
        if PRIVATE_MEMBERS & jwk.keys():
            fault = FieldFault("/root_jwk", BURNT_KEY, "private_key")
            raise InvalidInputError(BURNT_KEY, code="private_key", errors=[fault])
        return PublicKey.from_jwk(jwk)
    except (ProtocolError, KeyError, TypeError, AttributeError) as error:
        raise AuthenticationError(f"no usable root_jwk: {error}", code="root_key") from None


@custom_view(
    answer=views.JoinView,
    body=membership_payloads.Join,
    not_found="The invitation is spent, too old, or another's.",
)
def join() -> Response:
    """Join with an invitation, signed by the new root key.

    The only body that a key is ever read from. The partner is pending until the operator confirms
    the root key's thumbprint out of band. The body has at most 64 KiB.
    """
    # A stranger may send anything here, so the body is read only for a token that claims to be for
    # this very request, and validated only once it is known who signed it.
    context = current_context()
    call = present_call()
    if call is None or not call.is_resumed:
        context.limiter.check(f"join:{client_address()}")
    front = read_front(request, origin=context.origin, now=int(context.clock.now().timestamp()))
    handle = str(front.claims["iss"])
    if front.claims["sub"] != handle:
        raise AuthenticationError("not signed as a root key", code="sub_mismatch")
    raw = read_body(min(_MOST_BYTES, context.body_limit_bytes))
    require_body(front, raw)
    root = _root_key(raw)
    token = verify(front, root, iss=handle, sub=handle, origin=context.origin)
    body = parse_body(raw, membership_payloads.Join)
    actor = Actor(partner=handle, subject=handle, kid=root.kid, kind=ActorKind.ROOT)
    command = JoinNetwork(handle=handle, body=body, root_key=root, audience=context.origin)
    return join_once(token, raw, command, actor)
