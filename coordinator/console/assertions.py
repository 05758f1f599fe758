"""What a browser hands over when a passkey signed: read from a form, and held to its passkey."""

from dataclasses import dataclass

from coordinator.console.forms import Form
from coordinator.domain.errors import PermissionDeniedError
from coordinator.storage.console.passkeys import Passkey
from holdfast.protocol import base64url
from holdfast.protocol.errors import Base64UrlError
from holdfast.protocol.passkey_signature import PasskeySignature

#: Where the counter stands in authenticator data: WebAuthn Level 3 section 6.1.
_COUNTER = slice(33, 37)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What `navigator.credentials.get` returned; **nothing in it is authenticated yet**.

    Attributes:
        credential_id: base64url.
    """

    credential_id: str
    client_data: bytes
    authenticator_data: bytes
    signature: bytes

    @classmethod
    def of(cls, form: Form) -> "Assertion":
        """Return what a form brought.

        Raises:
            PermissionDeniedError: If it brought no assertion.
        """
        names = ("client_data", "authenticator_data", "signature")
        try:
            signed = [base64url.decode(form.text(name)) for name in names]
        except Base64UrlError:
            signed = []
        credential_id = form.text("credential_id")
        if not credential_id or not signed or not all(signed):
            raise PermissionDeniedError(
                "no passkey signed: this page needs JavaScript for that. Open it again and repeat",
                code="passkey_missing",
            )
        return cls(credential_id, *signed)

    def over(self, document: bytes) -> PasskeySignature:
        """Return it as the kit verifies it, over a document."""
        return PasskeySignature(document, self.client_data, self.authenticator_data, self.signature)

    @property
    def sign_count(self) -> int:
        """The authenticator's counter; 0 where it does not count."""
        return int.from_bytes(self.authenticator_data[_COUNTER], "big")

    def count(self, passkey: Passkey) -> int:
        """Return the authenticator's counter.

        Raises:
            PermissionDeniedError: If it went back, as a copy's would.
        """
        count = self.sign_count
        if passkey.sign_count and count <= passkey.sign_count:
            raise PermissionDeniedError(
                "this passkey may have been copied, for its counter went back: remove it, and use"
                " another",
                code="passkey_copied",
            )
        return count
