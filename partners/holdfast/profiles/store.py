"""Profiles: who acts, with which key, at which coordinator.

A profile is a folder of `$HOLDFAST_HOME/profiles/` (0700) with two files (0600): `profile.json`
says who it is, `key.pem` (PKCS #8, perhaps under a passphrase) is the private key, which never
leaves this machine. `encryption/` beside them holds the keys that evidence is sealed to, each under
its thumbprint and under the same passphrase; old ones stay, for what was sealed to them.
`pins.json` beside the profiles holds the root keys of other partners whose thumbprints somebody
compared out of band, `log-keys.json` the key of each coordinator's transparency log,
`tag-keys.json` the partner's own tag keys (`holdfast.profiles.tag_keys`).
"""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as ModelError

from holdfast.errors import ProfileError
from holdfast.profiles.passphrase import VARIABLE, Asking, from_file
from holdfast.profiles.private_files import make_private_folder, read_private, write_private
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.chains.chain import Chains, ChainTable, chains_of
from holdfast.protocol.encryption_key import DecryptionKey
from holdfast.protocol.errors import KeyFormatError, ProtocolError
from holdfast.protocol.jwk import PrivateKey, has_passphrase
from holdfast.protocol.log_keys import LogKeys, TrustedLog
from holdfast.protocol.payloads import Handle
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.protocol.views import LogKeySpanView

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
SubjectKind = Literal["root", "person", "system"]


def checked_origin(url: str) -> str:
    """Return `url` as an origin ("https://coordinator.example"), the audience of every token.

    Raises:
        ProfileError: If it has a path, query, user, or another scheme than https (http: loopback
        only).
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ProfileError(f"{url!r} is no coordinator: give https:// and its host name")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ProfileError(f"{url!r}: give scheme, host and port only, nothing after them")
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise ProfileError(f"{url!r}: use https; http is for a coordinator on this machine")
    return f"{parts.scheme}://{parts.netloc.lower()}"


class ProfileDocument(BaseModel):
    """What `profile.json` holds; nothing in it is secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    coordinator: str
    handle: Handle
    subject: str
    kind: SubjectKind
    owner: str | None = None
    #: Said where the key has a passphrase, so that a list of profiles asks for none.
    kid: str | None = None


class PinsDocument(BaseModel):
    """What `pins.json` holds: the root key's RFC 7638 thumbprint by handle."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roots: dict[Handle, Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]]


class LogKeysDocument(BaseModel):
    """What `log-keys.json` holds: the verifier key of each coordinator's log, by its origin.

    `spans` has all keys of a log whose key was replaced.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: dict[str, str]
    spans: dict[str, list[LogKeySpanView]] = Field(default_factory=dict)

    def of(self, coordinator: str) -> LogKeys | None:
        """Return the keys of one log.

        Raises:
            NoteError: If one of them is none.
        """
        if coordinator not in self.keys:
            return None
        if coordinator in self.spans:
            return LogKeys.from_views(self.spans[coordinator])
        return LogKeys.of(NoteVerifier.parse(self.keys[coordinator]))


class ChainsDocument(BaseModel):
    """What `chains.json` holds: the chain table of each coordinator, by its origin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: dict[str, dict[Literal["chains", "tokens"], list[dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Profile:
    """Whoever signs: a partner's root, person or system, and its key.

    Attributes:
        name: Its folder's name; "" for one that was never stored.
        coordinator: The coordinator's origin, which is the audience of every token.
        handle: The partner it acts for.
        subject: `per_…` or `sys_…`; the handle itself for the root key.
        kind: Root, person or system.
        key: The private key.
        owner: The owning person of a system.
    """

    name: str
    coordinator: str
    handle: str
    subject: str
    kind: SubjectKind
    key: PrivateKey
    owner: str | None = None


class ProfileStore:
    """The profiles and pins below one folder.

    Args:
        home: `$HOLDFAST_HOME`; it is created when something is first written.
        ask: Returns the passphrase of a profile's key, by the profile's name; by default what
            HOLDFAST_PASSPHRASE_FILE holds.
    """

    def __init__(self, home: Path, *, ask: Asking = lambda _: from_file()) -> None:
        self.home = home
        self._ask = ask
        self._answers: dict[str, str | None] = {}

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, ask: Asking | None = None
    ) -> "ProfileStore":
        """Return the store of `HOLDFAST_HOME`, by default `~/.holdfast`."""
        home = Path(environment.get("HOLDFAST_HOME") or "~/.holdfast").expanduser()
        return cls(home, ask=ask or (lambda _: from_file(environment)))

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ProfileError(
                f"{name!r} is no profile name: use letters, digits, '.', '-' and '_'"
            )
        return self.home / "profiles" / name

    def names(self) -> list[str]:
        """Return the names of all profiles, sorted."""
        folder = self.home / "profiles"
        if not folder.is_dir():
            return []
        return sorted(entry.name for entry in folder.iterdir() if (entry / "profile.json").exists())

    def save(self, profile: Profile, *, passphrase: str | None = None) -> None:
        """Store a new profile with its key, encrypted under a passphrase if there is one.

        Raises:
            ProfileError: If the name is taken (a key is never overwritten) or nothing can be
            written.
        """
        folder = self._folder(profile.name)
        try:
            make_private_folder(self.home)
            make_private_folder(folder.parent)
            make_private_folder(folder)
        except OSError as error:
            raise ProfileError(f"cannot create {folder}: {error.strerror}") from None
        pem = profile.key.to_pem(passphrase)
        write_private(folder / "key.pem", pem, replace=False)
        write_private(folder / "profile.json", _document(profile, passphrase), replace=False)

    def guard(self, profile: Profile, passphrase: str | None) -> None:
        """Store a profile's key again, under another passphrase or under none.

        Raises:
            ProfileError: Nothing can be written.
        """
        folder = self._folder(profile.name)
        # Whoever is interrupted in between loses none: each opens with the old or the new one.
        present = self.passphrase_of(profile.name)
        for kid in self.decryption_kids(profile.name):
            key = self._decryption_key(profile.name, kid, (present, passphrase))
            pem = key.to_pem(passphrase)
            write_private(self._encryption_folder(profile.name) / f"{kid}.pem", pem)
        # First the list's kid, then the key.
        if passphrase is not None:
            write_private(folder / "profile.json", _document(profile, passphrase))
        write_private(folder / "key.pem", profile.key.to_pem(passphrase))
        if passphrase is None:
            write_private(folder / "profile.json", _document(profile, passphrase))
        self._answers[profile.name] = passphrase

    def passphrase_of(self, name: str) -> str | None:
        """Return the passphrase of a stored key, asked for once; None where it has none.

        Raises:
            ProfileError: Nobody is there to be asked, or the key file cannot be read.
        """
        if not has_passphrase(read_private(self._folder(name) / "key.pem")):
            return None
        if name not in self._answers:
            self._answers[name] = self._ask(name)
        if self._answers[name] is None:
            raise ProfileError(
                f"the key of profile {name!r} has a passphrase: run this on a terminal, or name a "
                f"file that holds it in {VARIABLE}"
            )
        return self._answers[name]

    def _encryption_folder(self, name: str) -> Path:
        return self._folder(name) / "encryption"

    def decryption_kids(self, name: str) -> list[str]:
        """Return the thumbprints of a profile's keys that open sealed evidence, sorted."""
        folder = self._encryption_folder(name)
        return sorted(path.stem for path in folder.glob("*.pem")) if folder.is_dir() else []

    def decryption_key(self, name: str, kid: str) -> DecryptionKey:
        """Return one of a profile's keys that open sealed evidence.

        Raises:
            ProfileError: The profile has none of that thumbprint, or its file is damaged or open to
                others.
        """
        if kid not in self.decryption_kids(name):
            raise ProfileError(
                f"profile {name!r} has no encryption key {kid}: whoever of your organisation made"
                " it has its file; take a copy in with `holdfast encryption-key import FILE`"
            )
        return self._decryption_key(name, kid, (self.passphrase_of(name), None))

    def _decryption_key(
        self, name: str, kid: str, passphrases: Sequence[str | None]
    ) -> DecryptionKey:
        path = self._encryption_folder(name) / f"{kid}.pem"
        pem = read_private(path)
        found: DecryptionKey | None = None
        for passphrase in passphrases if has_passphrase(pem) else (None,):
            with suppress(KeyFormatError):
                found = found or DecryptionKey.from_pem(pem, passphrase)
        if found is None or found.kid != kid:
            raise ProfileError(f"{path} is damaged, or under another passphrase than the profile's")
        return found

    def keep_decryption_key(self, name: str, key: DecryptionKey) -> Path:
        """Keep a key that opens sealed evidence, under the profile's passphrase if it has one.

        Raises:
            ProfileError: It is there already, or nothing can be written.
        """
        self.describe(name)
        folder = self._encryption_folder(name)
        try:
            make_private_folder(folder)
        except OSError as error:
            raise ProfileError(f"cannot create {folder}: {error.strerror}") from None
        path = folder / f"{key.kid}.pem"
        write_private(path, key.to_pem(self.passphrase_of(name)), replace=False)
        return path

    def copy_decryption_keys(self, source: str, target: str) -> None:
        """Have another profile of the same subject open what this one opens.

        Raises:
            ProfileError: As `decryption_key` and `keep_decryption_key`.
        """
        missing = set(self.decryption_kids(source)) - set(self.decryption_kids(target))
        for kid in sorted(missing):
            self.keep_decryption_key(target, self.decryption_key(source, kid))

    def load(self, name: str) -> Profile:
        """Return one profile.

        Raises:
            ProfileError: If there is none of that name, or its files are damaged or too open.
        """
        document = self.describe(name)
        passphrase = self.passphrase_of(name)
        try:
            key = PrivateKey.from_pem(read_private(self._folder(name) / "key.pem"), passphrase)
        except KeyFormatError as error:
            if passphrase is None:
                raise ProfileError(f"profile {name!r} is damaged: {error}") from None
            del self._answers[name]
            raise ProfileError(f"profile {name!r}: {error}; try again") from None
        return Profile(
            name=name,
            coordinator=document.coordinator,
            handle=document.handle,
            subject=document.subject,
            kind=document.kind,
            key=key,
            owner=document.owner,
        )

    def describe(self, name: str) -> ProfileDocument:
        """Return what is known of a profile without its key, and so without a passphrase.

        Raises:
            ProfileError: If there is none of that name, or its file is damaged or too open.
        """
        path = self._folder(name) / "profile.json"
        if not path.exists():
            known = (
                ", ".join(self.names()) or "none yet; make one with `holdfast join` or `key new`"
            )
            raise ProfileError(f"there is no profile {name!r} in {self.home} (there are: {known})")
        try:
            return ProfileDocument.model_validate(strict_json.loads(read_private(path)))
        except (ProtocolError, ModelError, ValueError) as error:
            raise ProfileError(f"profile {name!r} is damaged: {error}") from None

    def kid(self, name: str) -> str:
        """Return the thumbprint of a profile's key, without its passphrase where it is kept beside.

        Raises:
            ProfileError: As `load`.
        """
        return self.describe(name).kid or self.load(name).key.kid

    def choose(self, name: str | None) -> Profile:
        """Return the profile to act as: the named one, or the only one.

        Raises:
            ProfileError: If none is named and there are several, or none at all.
        """
        return self.load(self.chosen_name(name))

    def chosen_name(self, name: str | None) -> str:
        """Return the name of the profile to act as: the named one, or the only one.

        Raises:
            ProfileError: If none is named and there are several, or none at all.
        """
        if name:
            return name
        names = self.names()
        if len(names) == 1:
            return names[0]
        if not names:
            raise ProfileError(
                f"there is no profile in {self.home}; make one with `holdfast join` or `key new`"
            )
        raise ProfileError(
            "several profiles: say which with --as NAME or HOLDFAST_PROFILE ("
            + ", ".join(names)
            + ")"
        )

    def pins(self) -> dict[str, str]:
        """Return the pinned root thumbprints by handle.

        Raises:
            ProfileError: If the file is damaged or too open.
        """
        path = self.home / "pins.json"
        if not path.exists():
            return {}
        try:
            return PinsDocument.model_validate(strict_json.loads(read_private(path))).roots
        except (ProtocolError, ModelError) as error:
            raise ProfileError(f"{path} is damaged: {error}") from None

    def pin(self, handle: str, thumbprint: str) -> None:
        """Remember that `handle`'s root key has this thumbprint; replaces an older pin.

        Raises:
            ProfileError: If handle or thumbprint are no such thing, or nothing can be written.
        """
        try:
            document = PinsDocument(roots={**self.pins(), handle: thumbprint})
        except ModelError:
            raise ProfileError(
                "a pin is a partner's handle and the 43 characters of its root key's thumbprint"
            ) from None
        make_private_folder(self.home)
        write_private(self.home / "pins.json", canonical_json.dumps(document.model_dump()) + b"\n")

    def log_key(self, coordinator: str) -> LogKeys | None:
        """Return the keys of a coordinator's log that were kept, or None if none was.

        Raises:
            ProfileError: If the file is damaged or too open.
        """
        return self._log_keys().of(coordinator)

    def keep_log_key(self, coordinator: str, trusted: TrustedLog) -> None:
        """Keep the key of a coordinator's log, or its keys, in place of older ones.

        Raises:
            ProfileError: If nothing can be written.
        """
        kept, keys = self._log_keys(), LogKeys.of(trusted)
        spans = {origin: each for origin, each in kept.spans.items() if origin != coordinator}
        if len(keys.spans) > 1:
            spans[coordinator] = keys.views()
        document = LogKeysDocument(
            keys={**kept.keys, coordinator: str(keys.newest)},
            spans=spans,
        )
        make_private_folder(self.home)
        content = document.model_dump(exclude_none=True)
        write_private(self.home / "log-keys.json", canonical_json.dumps(content) + b"\n")

    def _log_keys(self) -> LogKeysDocument:
        path = self.home / "log-keys.json"
        if not path.exists():
            return LogKeysDocument(keys={})
        try:
            kept = LogKeysDocument.model_validate(strict_json.loads(read_private(path)))
            for coordinator in kept.keys:
                kept.of(coordinator)
        except (ProtocolError, ModelError) as error:
            raise ProfileError(f"{path} is damaged: {error}") from None
        return kept

    def chains(self, coordinator: str) -> Chains | None:
        """Return the chain table that a coordinator served last, or None if none was kept.

        Raises:
            ProfileError: If the file is damaged or too open.
        """
        table = self._chain_tables().get(coordinator)
        return None if table is None else chains_of(table, skip_unknown_rules=True)

    def keep_chains(self, coordinator: str, chains: Chains) -> None:
        """Keep the chain table that a coordinator served, in place of an older one.

        Raises:
            ProfileError: If nothing can be written.
        """
        document = ChainsDocument.model_validate(
            {"tables": {**self._chain_tables(), coordinator: chains.table}}
        )
        make_private_folder(self.home)
        write_private(
            self.home / "chains.json", canonical_json.dumps(document.model_dump()) + b"\n"
        )

    def _chain_tables(self) -> dict[str, ChainTable]:
        path = self.home / "chains.json"
        if not path.exists():
            return {}
        try:
            kept = ChainsDocument.model_validate(strict_json.loads(read_private(path))).tables
            return {
                origin: ChainTable(chains=table["chains"], tokens=table["tokens"])
                for origin, table in kept.items()
            }
        except (ProtocolError, ModelError, KeyError) as error:
            raise ProfileError(
                f"{path} is damaged: {error}; delete it, and `holdfast chains` reads it again"
            ) from None

    def unpin(self, handle: str) -> bool:
        """Forget a pin; tell whether there was one."""
        pins = self.pins()
        found = pins.pop(handle, None) is not None
        if found:
            document = PinsDocument(roots=pins)
            write_private(
                self.home / "pins.json", canonical_json.dumps(document.model_dump()) + b"\n"
            )
        return found


def _document(profile: Profile, passphrase: str | None) -> bytes:
    document = ProfileDocument(
        coordinator=profile.coordinator,
        handle=profile.handle,
        subject=profile.subject,
        kind=profile.kind,
        owner=profile.owner,
        kid=None if passphrase is None else profile.key.kid,
    )
    members = document.model_dump()
    if document.kid is None:
        del members["kid"]  # a kit before this one knows no such member
    return canonical_json.dumps(members) + b"\n"
