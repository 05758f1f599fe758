"""Replacing one's own key, and the partner's tag key: made, stored, sent, and safe to repeat."""

from collections.abc import Callable
from dataclasses import replace

from holdfast.client.client import Client
from holdfast.errors import AuthenticationError, ProfileError
from holdfast.profiles.key_requests import new_profile, rotation_of
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.profiles.tag_keys import TagKeyFile
from holdfast.protocol.routing_tag import TagKey, new_tag_key


def rotate_key(
    store: ProfileStore, old: Profile, name: str, *, connect: Callable[[Profile], Client] = Client
) -> Profile:
    """Put a fresh key of the same subject in the place of `old`'s; returns its profile.

    The new key is stored as profile `name` before anything is sent, so that an answer that is lost
    loses no key. Called again with the same name it sends the same key; if the old one was over
    already, it makes sure that the new one is good.

    Args:
        store: Where the new key goes.
        old: Signs.
        name: The new profile's name.
        connect: Makes a client for a profile.

    Raises:
        ProfileError: The root key is reset and not replaced, or the name belongs to somebody else.
        ApiError: The coordinator refused; likewise TransportError.
    """
    if old.kind == "root":
        raise ProfileError("a root key is not replaced but reset: `holdfast key new NAME --root`")
    new = _stored(store, old, name)
    if old.name:
        store.copy_decryption_keys(old.name, new.name)
    try:
        connect(old).grant(rotation_of(old, new))
    except AuthenticationError:
        # Perhaps an earlier try got through, and the old key is over: then the new one works.
        connect(new).me()
    return new


def rotate_tag_key(
    store: ProfileStore, lead: Profile, *, connect: Callable[[Profile], Client] = Client
) -> TagKey:
    """Have the partner's entries of the log tagged with a fresh key; returns that with its place.

    It is stored before anything is sent. One whose answer was lost is sent again, in place of
    another: the coordinator answers it alike.

    Args:
        store: Where all of the partner's tag keys are kept.
        lead: Signs.
        connect: Makes a client for a profile.

    Raises:
        ProfileError: The file of tag keys is damaged, or nothing can be written.
        ApiError: The coordinator refused; likewise TransportError.
    """
    kept = TagKeyFile(store.home)
    place = lead.coordinator, lead.handle
    waiting = [key.key for key in kept.keys(*place) if key.first_leaf is None]
    key = waiting[-1] if waiting else new_tag_key()
    kept.keep(*place, TagKey(key, None))
    set_key = TagKey(key, connect(lead).set_tag_key(key).first_leaf)
    kept.keep(*place, set_key)
    return set_key


def _stored(store: ProfileStore, old: Profile, name: str) -> Profile:
    if name in store.names():
        found = store.load(name)
        is_same = (found.coordinator, found.handle, found.subject) == (
            old.coordinator,
            old.handle,
            old.subject,
        )
        if not is_same or found.key.kid == old.key.kid:
            raise ProfileError(f"there is a profile {name} already: choose another name")
        return found
    fresh = new_profile(
        name,
        coordinator=old.coordinator,
        handle=old.handle,
        kind=old.kind,
        owner=old.owner,
        algorithm=old.key.public.alg,
    )
    new = replace(fresh, subject=old.subject)
    # The new key is guarded as the old one was.
    store.save(new, passphrase=store.passphrase_of(old.name) if old.name else None)
    return new
