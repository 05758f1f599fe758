"""What a requester sends to ask an organisation that is no member."""

from holdfast.protocol.payloads import ActBody, Handle


class GuestAsk(ActBody):
    """`POST …/guests`: ask an organisation that is no member, by its domain.

    Its security contact is looked up at `https://<domain>/.well-known/security.txt` (RFC 9116).
    """

    domain: Handle
