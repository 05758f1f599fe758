"""How findings are shown, of a request that was read and of a bundle alike."""

import textwrap
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from holdfast.client.published_roots import Published
from holdfast.evidence.case_file import Finding, Result
from holdfast.evidence.examination import Examination

COLUMNS = 80
LEGEND = (
    "verified  signed bytes prove it",
    "asserted  the coordinator says so, and nothing that you may read proves it",
    "FAILED    it does not fit the signed bytes",
)


def finding_document(name: str, finding: Finding) -> dict[str, Any]:
    """Return a finding as a document for programs; `name` is the member that says what it is of."""
    return {
        name: finding.what,
        "partner": finding.by,
        "result": finding.result.value,
        "detail": finding.detail,
        **({"act_id": finding.act_id} if finding.act_id else {}),
        **({"passkey_origin": origin} if (origin := finding.passkey_origin) else {}),
    }


def standing(kid: str, what: Published | str | None, *, is_pinned: bool) -> str:
    """Return how a root key is known.

    Args:
        kid: Its thumbprint.
        what: What its partner publishes, or why nothing is known of that; None: nobody looked.
        is_pinned: Whether somebody compared it.
    """
    if isinstance(what, Published) and kid not in what.roots:
        return "MISMATCH"
    if is_pinned:
        return "pinned"
    return "published" if isinstance(what, Published) else "asserted"


def summary_document(
    examination: Examination, standings: Mapping[str, Published | str] = MappingProxyType({})
) -> dict[str, Any]:
    """Return what all findings come to, with the root keys that they rest on."""
    counts = {result.value.lower(): examination.count(result) for result in Result}
    roots = {
        partner: {
            "root_kid": kid,
            "pinned": is_pinned,
            "standing": standing(kid, standings.get(partner), is_pinned=is_pinned),
        }
        for partner, (kid, is_pinned) in sorted(examination.roots.items())
    }
    return {"summary": examination.sentence(), **counts, "roots": roots}


def folded(text: str) -> str:
    """Return lines for a narrow terminal; ids stay whole."""
    return textwrap.fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


def root_lines(
    examination: Examination, standings: Mapping[str, Published | str] = MappingProxyType({})
) -> Iterable[str]:
    """Yield what is known of each root key, and how to pin it."""
    for partner, (kid, is_pinned) in sorted(examination.roots.items()):
        what = standings.get(partner)
        known = standing(kid, what, is_pinned=is_pinned)
        if isinstance(what, Published) and known != "MISMATCH":
            known += f" ({'also published, ' if is_pinned else ''}{what.source.value})"
        said = known if is_pinned else f"{known}; compare it by phone, then"
        yield f"Root key of {partner}: {said}"
        yield f"  {kid}" if is_pinned else f"  holdfast pin {partner} {kid}"
        if isinstance(what, str):
            yield folded(f"  {what}")
