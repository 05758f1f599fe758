"""Sealing files to partners, opening them, and sealing them again for others.

    files = SealedFiles(client, directory, partial(store.decryption_key, "lead"))
    sealed = files.seal(request, [b"..."], SealedHeader("a.pdf", "application/pdf"), to=[...], ...)
    for piece in files.open(request, sealed.id).content: ...

A file is never in memory as a whole: it is encrypted, sent, fetched and decrypted part by part.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from os import urandom

from holdfast.client.client import Client, RequestRef
from holdfast.errors import NoEncryptionKeyError, UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.sealed_evidence import ProvenFile, key_in_force, prove_sealed
from holdfast.profiles.store import ProfileStore
from holdfast.protocol import base64url
from holdfast.protocol.encryption_key import DecryptionKey, EncryptionKey
from holdfast.protocol.errors import SealedEvidenceError
from holdfast.protocol.sealed_evidence import (
    SealedHeader,
    SealedPlace,
    open_parts,
    seal_parts,
    unwrap_key,
    wrap_key,
)
from holdfast.protocol.sealed_payloads import SealedEvidence, SealedEvidenceShare, WrappedKey
from holdfast.protocol.views import EncryptionKeyView, SealedEvidenceView
from holdfast.protocol.vocabulary import Tlp

#: Returns the private key with a thumbprint, e.g. `partial(store.decryption_key, name)`.
DecryptionKeys = Callable[[str], DecryptionKey]


@dataclass(frozen=True, slots=True)
class OpenedEvidence:
    """A file that opened, as far as its first part.

    Attributes:
        view: As the coordinator shows it.
        proven: Who sealed it to whom.
        header: Its name and media type.
        content: Its bytes, in pieces. Use none of them before the last one came: only then is it
            sure that nothing was altered or cut.
    """

    view: SealedEvidenceView
    proven: ProvenFile
    header: SealedHeader
    content: Iterator[bytes]


def publish_encryption_key(
    client: Client, store: ProfileStore, key: DecryptionKey | None = None
) -> EncryptionKeyView:
    """Make a key that evidence is sealed to, keep its private half, and publish the public one.

    It takes the place of the one in force, whose private half stays in the profile. What is kept
    and was not published, because the answer was lost, is published by `key`.

    Args:
        client: Of a security lead; its profile has a name.
        store: Where the private half is kept, before anything is sent.
        key: One that the profile has; by default a fresh one.

    Raises:
        ProfileError: Nothing can be written.
        ApiError: The coordinator refused; likewise TransportError.
    """
    profile = client.profile
    present = [
        view.kid for view in client.encryption_keys(profile.handle) if view.replaced_at is None
    ]
    if key is None:
        key = DecryptionKey.generate()
        store.keep_decryption_key(profile.name, key)
    return client.set_encryption_key(key.public, replaces=present[0] if present else None)


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """Seals files, opens them, and seals them again, for one partner.

    Attributes:
        client: Who acts.
        directory: Whose key is whose.
        keys: One's private keys, by thumbprint.
    """

    client: Client
    directory: KeyDirectory
    keys: DecryptionKeys

    def seal(
        self,
        request: RequestRef,
        content: Iterable[bytes],
        header: SealedHeader,
        *,
        to: Sequence[str],
        tlp: Tlp,
    ) -> SealedEvidenceView:
        """Seal a file to partners and to one's own organisation, and sign that.

        Args:
            request: That it belongs to.
            content: The file's bytes, in pieces.
            header: Its name and media type, sealed with it.
            to: The partners that may open it.
            tlp: Its mark.

        Raises:
            NoEncryptionKeyError: One of them has none; nothing was sent.
            UntrustedEvidenceError: One of their keys cannot be trusted; nothing was sent.
            SealedEvidenceError: The header is none; nothing was sent.
            ApiError: The coordinator refused; likewise TransportError.
        """
        own = self.client.profile.handle
        publics = self._publics([own, *(each for each in to if each != own)])
        place = SealedPlace(
            audience=self.directory.audience,
            request_id=request.id,
            content_sha256=request.content_sha256,
            author=own,
        )
        key, whole = urandom(32), sha256()
        size, hashes = 0, []
        for part in seal_parts(content, header, key, place):
            whole.update(part)
            size += len(part)
            hashes.append(sha256(part).hexdigest())
            self.client.send_sealed_part(request, part)
        digest = whole.hexdigest()
        body = SealedEvidence(
            content_sha256=request.content_sha256,
            tlp=tlp,
            size=size,
            sha256=digest,
            parts=hashes,
            keys=_wrapped(key, publics, place, digest),
        )
        return self.client.seal_evidence(request.id, body)

    def open(self, request: RequestRef, sealed_evidence_id: str) -> OpenedEvidence:
        """Open a file that was sealed to one's organisation, and prove who did.

        Raises:
            UntrustedEvidenceError: It was not sealed to one, by whom it is said, or as it is here;
                raised by `content`, too.
            ProfileError: The private key is not here.
            ApiError: The coordinator refused; likewise TransportError.
        """
        view, proven, key = self._unwrapped(request, sealed_evidence_id)
        parts = self._checked_parts(view, proven)
        pieces = _pieces(view, open_parts(parts, len(proven.sealed.parts), key, proven.place))
        header = next(pieces)
        if not isinstance(header, SealedHeader):
            raise TypeError("a content begins with its header")
        return OpenedEvidence(
            view, proven, header, (piece for piece in pieces if isinstance(piece, bytes))
        )

    def share(
        self, request: RequestRef, sealed_evidence_id: str, *, to: Sequence[str]
    ) -> SealedEvidenceView:
        """Seal a file that one can open for more partners, and sign that.

        Raises:
            NoEncryptionKeyError: One of them has none; nothing was sent.
            UntrustedEvidenceError: What is there is not what its author sealed, or a key of theirs
                cannot be trusted; nothing was sent.
            ProfileError: The private key is not here.
            ApiError: The coordinator refused; likewise TransportError.
        """
        view, proven, key = self._unwrapped(request, sealed_evidence_id)
        publics = self._publics(to)
        body = SealedEvidenceShare(
            content_sha256=request.content_sha256,
            sha256=proven.sealed.sha256,
            keys=_wrapped(key, publics, proven.place, proven.sealed.sha256),
        )
        return self.client.share_sealed_evidence(request.id, view.id, body)

    def _unwrapped(
        self, request: RequestRef, sealed_evidence_id: str
    ) -> tuple[SealedEvidenceView, ProvenFile, bytes]:
        """Return a file, what proves it, and its content key."""
        view = self.client.one_sealed_evidence(request.id, sealed_evidence_id)
        proven = prove_sealed(
            self.directory, view, request_id=request.id, content_sha256=request.content_sha256
        )
        own, digest = self.client.profile.handle, proven.sealed.sha256
        kid, wrapped = proven.wrapped_for(own)
        private = self.keys(kid)
        try:
            key = unwrap_key(wrapped, own, private, proven.place, sha256=digest)
        except SealedEvidenceError as error:
            raise _other(view, error) from None
        return view, proven, key

    def _publics(self, partners: Sequence[str]) -> dict[str, EncryptionKey]:
        found = {}
        for partner in partners:
            views = self.client.encryption_keys(partner)
            try:
                found[partner] = key_in_force(self.directory, views, partner)
            except NoEncryptionKeyError as error:
                if partner != self.client.profile.handle:
                    raise
                said = f"nobody of yours could open it again: {error}"
                raise NoEncryptionKeyError(said) from None
        return found

    def _checked_parts(self, view: SealedEvidenceView, proven: ProvenFile) -> Iterator[bytes]:
        """Yield the parts as they were signed, one by one; in the end the whole is, too."""
        whole = sha256()
        for number, digest in enumerate(proven.sealed.parts):
            part = self.client.sealed_part(view.request_id, view.id, number)
            if sha256(part).hexdigest() != digest:
                raise SealedEvidenceError(f"part {number + 1} is not the one that was signed")
            whole.update(part)
            yield part
        if whole.hexdigest() != proven.sealed.sha256:
            raise SealedEvidenceError("its parts are not together what was signed")


def _wrapped(
    key: bytes, publics: dict[str, EncryptionKey], place: SealedPlace, digest: str
) -> list[WrappedKey]:
    return [
        WrappedKey(
            partner=partner,
            kid=public.kid,
            wrapped=base64url.encode(wrap_key(key, partner, public, place, sha256=digest)),
        )
        for partner, public in publics.items()
    ]


def _pieces(
    view: SealedEvidenceView, pieces: Iterator[SealedHeader | bytes]
) -> Iterator[SealedHeader | bytes]:
    try:
        yield from pieces
    except SealedEvidenceError as error:
        raise _other(view, error) from None


def _other(view: SealedEvidenceView, error: SealedEvidenceError) -> UntrustedEvidenceError:
    said = f"{view.id} by {view.partner}: {error}"
    return UntrustedEvidenceError(said, code="sealed_evidence")
