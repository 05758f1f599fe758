"""Replacing the key of the log: two statements in it, one when it begins and one when it ends.

What they say, and what follows from it for whoever reads the log: `holdfast.protocol.log_keys`.
"""

from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.storage.tail import log_keys as store
from holdfast.protocol.log_keys import HANDED_OVER, RETIRED, change_data
from holdfast.protocol.signed_note import NoteVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverLogKey:
    """Have the log say under its present key that another one takes over."""

    present: NoteVerifier
    following: NoteVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireLogKey:
    """Have the log say under the new key that the old one signs no more."""

    old: NoteVerifier
    new: NoteVerifier


@handles(HandOverLogKey, needs=Permission.LOG_KEY_REPLACE)
def hand_over(command: HandOverLogKey, actor: Actor, uow: UnitOfWork) -> Answer:
    """Log the statement; one that is there already is not made again."""
    del actor
    store.lock(uow.connection)
    keys = store.stored_keys(uow.connection, command.present)
    before = keys.keys[-2:-1]
    if (*before, keys.newest) == (command.present, command.following):
        return Answer(200, {})
    if keys.newest != command.present:
        raise ConflictError(
            f"the log was handed over to {keys.newest} in entry {keys.spans[-1].first - 1}: that "
            "key must sign, and no other can take over from the one before; copy its file from "
            "where the keys are kept"
        )
    data = change_data(command.present, command.following)
    uow.publish(uow.record(HANDED_OVER, data, key=uow.new_key()))
    return Answer(201, {})


@handles(RetireLogKey, needs=Permission.LOG_KEY_REPLACE)
def retire(command: RetireLogKey, actor: Actor, uow: UnitOfWork) -> Answer:
    """Log the statement, and from then on take no checkpoint without the new key's signature."""
    del actor
    store.lock(uow.connection)
    keys = store.stored_keys(uow.connection, command.new)
    if keys.keys[-2:] != (command.old, command.new):
        raise ConflictError(f"the log was not handed over from {command.old} to {command.new}")
    if keys.spans[-2].last is not None:
        return Answer(200, {})
    data = change_data(command.old, command.new, keys.spans[-1].first - 1)
    uow.publish(uow.record(RETIRED, data, key=uow.new_key()))
    uow.require_log_key(command.new.key.raw)
    return Answer(201, {})
