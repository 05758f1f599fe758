"""What a requester really took back: by the signatures of its leads, not by anybody's word.

Hijacked mailboxes have been used to have funds let go, and a coordinator could lie, too. So nothing
is released because an event or a reminder says so: the withdrawal is proven first. What is only
proposed lets nothing go, nor does it matter here how that ends. What nobody signed, as where a
flash request withdrew itself, is left to a person.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from holdfast import Document, KeyDirectory, UntrustedEvidenceError, prove_withdrawal
from holdfast.protocol.views import EvidenceView
from reference_exchange.inbox import Inbox

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ProvenWithdrawals:
    """Tells whether an address of a request was taken back by whoever asked us.

    Attributes:
        inbox: Keeps what we were told, and who proved the request to us.
        directory: Whose key is whose.
        fetch: Returns a request's evidence, where an event had no room for it.
    """

    inbox: Inbox
    directory: KeyDirectory
    fetch: Callable[[str], Iterable[EvidenceView]]

    def covers(self, request: Document, address_no: int) -> bool:
        """Tell whether a proven withdrawal names the address, or all.

        Raises:
            ApiError: Keys or evidence could not be fetched; likewise TransportError.
        """
        requester = self.inbox.requester_of(request.id)
        for data in self.inbox.withdrawals_of(request.id):
            try:
                proven = prove_withdrawal(
                    data, directory=self.directory, holds=True, fetch=self.fetch
                )
            except UntrustedEvidenceError as error:
                _log.error("nothing of %s is let go on a withdrawal: %s", request.id, error)
                continue
            is_ours = (proven.request_id, proven.content_sha256) == (
                request.id,
                request.content_sha256,
            )
            if not is_ours or proven.requester != requester:
                _log.error("a withdrawal of %s is by another than who asked us", request.id)
                continue
            if proven.addresses is None or address_no in proven.addresses:
                return True
        return False
