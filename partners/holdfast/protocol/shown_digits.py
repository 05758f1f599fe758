"""A few digits of what a person decides, to compare on two devices.

One compromised page must not deceive both leads. So the page that asks for a passkey shows these
digits in large type, and `holdfast verify-approval` on another device shows them of what was signed
and of what it has shown itself.
"""

from collections.abc import Iterable
from hashlib import sha256

from holdfast.protocol import canonical_json
from holdfast.protocol.vocabulary import Decision

PURPOSE = "holdfast-shown/1"
_VERSION = 1
#: Hex digits at either end: 64 bits in all, and a page has no time to look for another document
#: whose hash begins and ends alike.
_SHOWN = 8


def shown_digits(
    *,
    aud: str,
    request_id: str,
    content_sha256: str,
    context_sha256: str,
    decision: Decision,
    left_out: Iterable[int] = (),
) -> tuple[str, str]:
    """Return the first and the last eight hex digits of the hash of what is decided.

    Args:
        aud: The coordinator's origin.
        request_id: The freeze request.
        content_sha256: Hash of its document.
        context_sha256: Hash of the decision context, of the request or of an addition to it.
        decision: To approve or to reject.
        left_out: Numbers of the addresses that are not to go out, in any order.
    """
    shown = {
        "v": _VERSION,
        "purpose": PURPOSE,
        "aud": aud,
        "request_id": request_id,
        "content_sha256": content_sha256,
        "context_sha256": context_sha256,
        "decision": decision.value,
        "except": sorted(left_out),
    }
    digits = sha256(canonical_json.dumps(shown)).hexdigest()
    return digits[:_SHOWN], digits[-_SHOWN:]
