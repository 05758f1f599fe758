"""Following grants takes no longer than honest ones need, whatever a coordinator hands out."""

from dataclasses import dataclass

import pytest

from holdfast.evidence.grant_chain import GrantChain
from holdfast.protocol import canonical_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.proof_of_possession import make_possession
from holdfast.protocol.request_token import make_request_token
from holdfast.protocol.views import GrantView
from tests.factories import NOON, ORIGIN

HANDLE, SUBJECT = "exchange-a.example", "per_01h455vb4pex5vsknk084sn02q"
ROOT = PrivateKey.generate()
AT = int(NOON.timestamp())


@dataclass(slots=True)
class Counted(GrantChain):
    """Counts how often a grant is tried."""

    tried: int = 0

    def _apply(self, view: GrantView) -> bool:
        self.tried += 1
        # Not by super(): a dataclass with slots is another class than this one.
        return GrantChain._apply(self, view)


def granted(number: int, by: PrivateKey, key: PrivateKey, at: int) -> GrantView:
    """Return a grant of a key: by the root key, or in place of the one that signs."""
    body = {
        "subject": SUBJECT,
        "jwk": key.public.jwk(),
        "possession": make_possession(key, audience=ORIGIN, handle=HANDLE, subject=SUBJECT),
    }
    more = {"roles": ["analyst"]} if by is ROOT else {"replaces": by.public.kid}
    raw = canonical_json.dumps(body | more)
    token = make_request_token(
        by,
        iss=HANDLE,
        sub=HANDLE if by is ROOT else SUBJECT,
        aud=ORIGIN,
        method="POST",
        url=f"{ORIGIN}/v1/grants",
        body=raw,
        now=at,
    )
    document = {"id": f"grt_{number}", "partner": HANDLE, "status": "made", "made_at": NOON}
    return GrantView.model_validate(document | {"token": token, "body": raw.decode()})


@pytest.mark.parametrize(("count", "is_reached"), [(5, True), (120, False)])
def test_grants_signed_by_clocks_that_go_backwards_keep_nobody_busy(
    count: int,
    is_reached: bool,  # noqa: FBT001 - a case
) -> None:
    keys = [PrivateKey.generate() for _ in range(count)]
    signers = [ROOT, *keys]
    grants = [
        granted(number, by, key, AT - number)
        for number, (by, key) in enumerate(zip(signers, keys, strict=False))
    ]
    chain = Counted(HANDLE, ROOT.public, ORIGIN)
    chain.follow(grants)
    assert chain.tried <= 20 * count
    assert (keys[-1].public.kid in chain.keys) is is_reached
