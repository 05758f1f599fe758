"""Why something was withdrawn, in the words that were signed: for whoever owes an answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from holdfast.cli.session import Session
from holdfast.client.client import Client
from holdfast.errors import ApiError, TransportError, UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct, prove_evidence
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.protocol.life_cycle_payloads import WithdrawalDecision
from holdfast.protocol.payloads import Withdrawal
from holdfast.protocol.views import EvidenceView, FreezeRequestView

_WITHDRAWALS = frozenset({"withdraw", "propose_withdrawal", "approve_withdrawal"})


@dataclass(frozen=True, slots=True)
class SignedReason:
    """One withdrawal that holds.

    Attributes:
        addresses: By number; None for all of the request.
        code: Why, for programs.
        words: Why, for people.
    """

    addresses: frozenset[int] | None
    code: str
    words: str

    def is_about(self, address_no: int) -> bool:
        """Tell whether it withdrew an address."""
        return self.addresses is None or address_no in self.addresses


def signed_reasons(
    client: Client, directory: KeyDirectory, request_id: str, content_sha256: str
) -> list[SignedReason]:
    """Return why a request, or some of its addresses, were withdrawn; the newest first.

    What one lead proposed counts once another has approved exactly that.

    Raises:
        UntrustedEvidenceError: A withdrawal is not proven: its words are not to be acted on.
        ApiError: Keys or evidence could not be fetched; likewise TransportError.
    """
    acts = [
        prove_evidence(directory, evidence, request_id=request_id, content_sha256=content_sha256)
        for evidence in client.evidence(request_id)
        if evidence.act in _WITHDRAWALS and _is_whole(evidence)
    ]
    approved = {
        act.payload.act_sha256 for act in acts if isinstance(act.payload, WithdrawalDecision)
    }
    return [*_reasons(acts, approved)][::-1]


def _is_whole(evidence: EvidenceView) -> bool:
    """Tell whether evidence is there: the words may have been erased, or nobody may have signed."""
    return evidence.token is not None and evidence.body is not None


def _reasons(acts: Iterable[ProvenAct], approved: set[str]) -> Iterator[SignedReason]:
    for act in acts:
        said = act.payload
        if isinstance(said, Withdrawal) and (act.act == "withdraw" or act.sha256 in approved):
            numbers = None if said.addresses == "all" else frozenset(said.addresses)
            yield SignedReason(numbers, said.reason_code.value, said.reason)


class Reasons:
    """Looks up why what is held was withdrawn, each request once.

    Args:
        session: Whose profile reads.
        client: Its client.
    """

    def __init__(self, session: Session, client: Client) -> None:
        self._client = client
        self._directory = session.directory(client)
        self._known: dict[str, list[SignedReason] | str] = {}

    def of(self, request_id: str, address_no: int) -> str | None:
        """Return the reason in words; None where nobody stated one."""
        if request_id not in self._known:
            self._known[request_id] = self._read(request_id)
        known = self._known[request_id]
        if isinstance(known, str):
            return known
        return next((each.words for each in known if each.is_about(address_no)), None)

    def _read(self, request_id: str) -> list[SignedReason] | str:
        try:
            content_sha256 = self._client.freeze_request(request_id).content_sha256
            return signed_reasons(self._client, self._directory, request_id, content_sha256)
        except UntrustedEvidenceError:
            return f"its reason is not proven: see `holdfast verify {request_id}`"
        except (ApiError, TransportError) as error:
            return f"its reason cannot be read now: {error}"


def reason_lines(session: Session, client: Client, view: FreezeRequestView) -> list[str]:
    """Return a line for every withdrawal of a request, or of some of its addresses."""
    if view.withdrawn_reason_code is None and not view.withdrawn_count:
        return []
    try:
        directory = session.directory(client)
        found = signed_reasons(client, directory, view.id, view.content_sha256)
    except UntrustedEvidenceError:
        return [f"withdrawn: the reason is not proven: see `holdfast verify {view.id}`"]
    except (ApiError, TransportError) as error:
        return [f"withdrawn: the reason cannot be read now: {error}"]
    # On one line: what a partner wrote below it would read as if `status` said it.
    return [
        f"withdrawn, {_numbers(each)}: {each.code}: {' '.join(each.words.split())}"
        for each in found
    ]


def _numbers(reason: SignedReason) -> str:
    if reason.addresses is None:
        return "all addresses"
    numbers = ", ".join(map(str, sorted(reason.addresses)))
    return f"address {numbers}" if len(reason.addresses) == 1 else f"addresses {numbers}"
