"""A witness: a name and a key that cosign what a monitor verified, and nothing else."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from holdfast.errors import ProfileError
from holdfast.profiles.private_files import make_private_folder, read_private, write_private
from holdfast.protocol.cosignature import WitnessVerifier, cosign
from holdfast.protocol.errors import KeyFormatError, NoteError
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.signed_note import NoteSignature

_KEY_FILE = "witness.pem"
#: The line that the operator puts into the log's policy; it is public.
_VERIFIER_FILE = "witness.vkey"


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness.

    Attributes:
        verifier: Its name and public key, as the log's policy has them.
    """

    verifier: WitnessVerifier
    _key: PrivateKey

    @classmethod
    def open(cls, folder: Path, name: str) -> "Witness":
        """Return the witness of a monitor's folder; its key is made where there is none.

        Args:
            folder: The monitor's; the key lies there (0600).
            name: E.g. "exchange-a.example/witness": without spaces and plus signs.

        Raises:
            ProfileError: If the folder has a witness of another name, or its files are damaged.
        """
        try:
            make_private_folder(folder)
        except OSError as error:
            raise ProfileError(f"cannot create {folder}: {error.strerror}") from None
        key_path, verifier_path = folder / _KEY_FILE, folder / _VERIFIER_FILE
        if not key_path.exists():
            write_private(key_path, PrivateKey.generate().to_pem(), replace=False)
        try:
            key = PrivateKey.from_pem(read_private(key_path))
            verifier = WitnessVerifier(name, key.public)
        except KeyFormatError as error:
            raise ProfileError(f"{key_path} is damaged: {error}") from None
        except NoteError as error:
            raise ProfileError(f"{name!r} is no name of a witness: {error}") from None
        line = f"{verifier}\n".encode()
        if not verifier_path.exists():
            write_private(verifier_path, line)
        if read_private(verifier_path) != line:
            raise ProfileError(
                f"{folder} has a witness of another name: {verifier_path} says which. A key"
                " cosigns under one name; take another folder for another"
            )
        return cls(verifier, key)

    def cosign(self, text: str, at: datetime) -> NoteSignature:
        """Return the cosignature on a checkpoint's text."""
        return cosign(text, self.verifier.name, self._key, at)
