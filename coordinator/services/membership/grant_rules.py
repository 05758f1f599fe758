"""What every grant is checked for before it is stored, whoever signed it."""

from collections.abc import Mapping
from dataclasses import dataclass

from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.services.membership.partner_views import policy_view
from coordinator.storage.engine.documents import DocumentKey
from coordinator.storage.membership import partners as store
from coordinator.storage.tables.partners import SubjectRow
from holdfast.protocol import membership_payloads
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey, WebAuthnScope
from holdfast.protocol.proof_of_possession import verify_possession
from holdfast.protocol.vocabulary import Role

_OF_SYSTEMS = frozenset({Role.SYSTEM, Role.SCREENING})


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantContext:
    """What all grants of one signed body share.

    Attributes:
        partner: Handle of the partner that grants.
        key: Seals what is stored of it.
        audience: The coordinator's origin, which possession is proven to.
        evidence_id: Whose documents hold the token and the body.
        visible: The partner is active, so that all members are told.
        by_root: Signed by the root key, which may vouch again for a key that the subject has.
        proposer: The lead who proposed it, without the root key.
        approver: The other lead, who approved.
    """

    partner: str
    key: DocumentKey
    audience: str
    evidence_id: str
    visible: bool = False
    by_root: bool = False
    proposer: str | None = None
    approver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedGrant:
    """A grant that may be stored.

    Attributes:
        subject: The subject's row, where it exists already.
        owner: The person who answers for the subject, if it is a system.
        key: The key to register.
        is_known_key: The root key vouches again for a key that this subject already has.
    """

    grant: membership_payloads.Grant
    subject: SubjectRow | None
    owner: str | None
    key: PublicKey | None
    is_known_key: bool


def fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    """Return the refusal of one member of a body."""
    return InvalidInputError(detail, errors=[FieldFault(pointer, detail, code)])


def check_grant(
    uow: UnitOfWork,
    grant: membership_payloads.Grant,
    context: GrantContext,
    *,
    pointer: str = "",
) -> CheckedGrant:
    """Return what is to be stored; changes nothing.

    Raises:
        InvalidInputError: With a pointer to what is wrong.
        ConflictError: If the key is known already.
    """
    present, owner = None, None
    if grant.subject is not None:
        present, owner = _check_subject(uow, grant, context, pointer)
    key, is_known = None, False
    if grant.jwk is not None:
        key = _proven_key(uow, grant, context, pointer)
        is_known = _check_known(uow, key, grant, context)
    if grant.replaces is not None:
        _check_replaced(uow, grant, key, context, pointer)
    if grant.policy is not None:
        _check_policy(uow, grant.policy, context, pointer)
        _require_whole(uow, grant.policy, context, pointer)
    return CheckedGrant(grant=grant, subject=present, owner=owner, key=key, is_known_key=is_known)


def _check_subject(
    uow: UnitOfWork, grant: membership_payloads.Grant, context: GrantContext, pointer: str
) -> tuple[SubjectRow | None, str | None]:
    subject_id = str(grant.subject)
    is_person = subject_id.startswith("per_")
    if is_person and grant.owner is not None:
        raise fault(f"{pointer}/owner", "a person has no owner; only a system has", "owner")
    _require_fitting_roles(grant, pointer, is_person=is_person)
    present = store.subject(uow.connection, subject_id)
    if present is None:
        _check_new_subject(uow, grant, context, pointer, is_person=is_person)
        return None, grant.owner
    if present.partner != context.partner or present.revoked_at is not None:
        raise fault(f"{pointer}/subject", "this subject id is taken; make a new one", "taken")
    if grant.owner not in {None, present.owner}:
        raise fault(f"{pointer}/owner", "a system's owner does not change", "owner")
    if not grant.roles and grant.jwk is None and grant.policy is None:
        raise fault(pointer, "this grant gives nothing: name roles, a key or a policy", "empty")
    return present, present.owner


def _require_fitting_roles(
    grant: membership_payloads.Grant, pointer: str, *, is_person: bool
) -> None:
    """Refuse to give a person a system's role, and a system a person's."""
    of_systems = sorted(_OF_SYSTEMS.intersection(grant.roles))
    if is_person and of_systems:
        detail = f"{of_systems[0]} is a role of systems, not of people"
        raise fault(f"{pointer}/roles", detail, "role")
    if not is_person and not _OF_SYSTEMS.issuperset(grant.roles):
        detail = "a system has the role system, or screening, and no other"
        raise fault(f"{pointer}/roles", detail, "role")


def _check_new_subject(
    uow: UnitOfWork,
    grant: membership_payloads.Grant,
    context: GrantContext,
    pointer: str,
    *,
    is_person: bool,
) -> None:
    if not grant.roles and is_person:
        raise fault(f"{pointer}/roles", "a new person needs at least one role", "role")
    if grant.jwk is None:
        raise fault(f"{pointer}/jwk", "a new subject needs its key", "key_missing")
    if is_person:
        return
    owner = None if grant.owner is None else store.subject(uow.connection, grant.owner)
    if owner is None or owner.partner != context.partner or owner.revoked_at is not None:
        raise fault(
            f"{pointer}/owner", "a system needs an owner: a person granted before it", "owner"
        )


def _proven_key(
    uow: UnitOfWork, grant: membership_payloads.Grant, context: GrantContext, pointer: str
) -> PublicKey:
    if grant.jwk is None or grant.possession is None or grant.subject is None:
        raise AssertionError("the model asks for all three together")
    try:
        public = PublicKey.from_jwk(grant.jwk.model_dump(exclude_none=True))
    except ProtocolError as error:
        raise fault(f"{pointer}/jwk", str(error), "key") from None
    if public.webauthn is not None:
        _check_passkey(uow, public.webauthn, grant.subject, f"{pointer}/jwk/webauthn")
    try:
        verify_possession(
            grant.possession,
            jwk=public,
            audience=context.audience,
            handle=context.partner,
            subject=grant.subject,
        )
    except ProtocolError:
        raise fault(
            f"{pointer}/possession",
            "the proof of possession does not verify for this key, audience, handle and subject",
            "possession",
        ) from None
    return public


def _check_passkey(uow: UnitOfWork, scope: WebAuthnScope, subject: str, where: str) -> None:
    """Refuse a passkey that signs elsewhere than in the console, or that no person would touch."""
    if not subject.startswith("per_"):
        raise fault(where, "a passkey is a person's, not a system's or the root key's", "person")
    expected = uow.passkey_scope
    if expected is None:
        raise fault(where, "this coordinator takes no passkeys: it has no console", "no_console")
    if scope != expected:
        detail = f"must be {expected.rp_id!r} at {expected.origin!r}, where the console is"
        raise fault(where, detail, "other_origin")


def _check_known(
    uow: UnitOfWork, key: PublicKey, grant: membership_payloads.Grant, context: GrantContext
) -> bool:
    """Tell whether the root key vouches again for a key of this very subject."""
    owner = store.key_owner(uow.connection, key.kid)
    if owner is None:
        return False
    is_own = (owner.partner, owner.subject) == (context.partner, grant.subject)
    # What is vouched for again is the same key, and signs where it did.
    is_own = is_own and PublicKey.from_jwk(owner.jwk) == key
    if context.by_root and is_own and store.standing(uow.connection, key.kid) is not None:
        return True
    raise ConflictError(
        "this key is known already; a key belongs to one subject for ever", code="known_key"
    )


def _check_replaced(
    uow: UnitOfWork,
    grant: membership_payloads.Grant,
    key: PublicKey | None,
    context: GrantContext,
    pointer: str,
) -> None:
    where = f"{pointer}/replaces"
    if key is None or key.kid == grant.replaces:
        raise fault(where, "comes with the new key that takes its place", "key_missing")
    owner = store.key_owner(uow.connection, str(grant.replaces))
    if (
        owner is None
        or (owner.partner, owner.subject) != (context.partner, grant.subject)
        or store.standing(uow.connection, owner.kid) is None
    ):
        raise fault(where, "names no key of this subject that is still good", "unknown_key")


def _check_policy(
    uow: UnitOfWork, policy: membership_payloads.Policy, context: GrantContext, pointer: str
) -> None:
    if policy.clocks not in uow.policies.clocks:
        known = ", ".join(sorted(uow.policies.clocks))
        detail = f"there is no such profile of clocks; choose one of {known}"
        raise fault(f"{pointer}/policy/clocks", detail, "unknown")
    for name in ("may_flash", "systems_as_compliance"):
        for number, subject_id in enumerate(getattr(policy, name)):
            where = f"{pointer}/policy/{name}/{number}"
            row = store.subject(uow.connection, subject_id)
            if row is None or row.partner != context.partner or row.revoked_at is not None:
                raise fault(where, "names no subject of yours", "unknown")
            if name == "systems_as_compliance" and row.kind != "system":
                raise fault(where, "names no system", "no_system")


def _require_whole(
    uow: UnitOfWork, policy: membership_payloads.Policy, context: GrantContext, pointer: str
) -> None:
    """Refuse a policy that says nothing of a member that is not at its default now.

    A grant holds the whole policy, so silence would reset it: an old client, or a hand-written
    body, that lets one more system act must not undo that withdrawals take two leads.

    Raises:
        InvalidInputError: Naming each such member, with what it is now.
    """
    row = store.partner(uow.connection, context.partner)
    if row is None:
        return  # it is just joining
    in_force: Mapping[str, object] = policy_view(row)
    defaults = membership_payloads.Policy().model_dump(mode="json")
    faults = [
        FieldFault(
            f"{pointer}/policy/{name}",
            f"is {in_force[name]!r} now, and would be reset to {before!r}: name it",
            "would_reset",
        )
        for name, before in defaults.items()
        if name not in policy.model_fields_set and in_force[name] != before
    ]
    if faults:
        names = ", ".join(each.pointer.rpartition("/")[2] for each in faults)
        raise InvalidInputError(
            f"this policy says nothing of {names}, and would reset what is in force: a grant holds"
            " the whole policy, so name every member (GET /v1/partners/me has them)",
            errors=faults,
        )
