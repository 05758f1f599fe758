"""docs/evidence.md, followed word for word: by somebody who has it, openssl and a bundle.

Its blocks are typed one after the other into one shell, in the folder of the unpacked bundle. They
share no line with the kit, the second verifier or VERIFY.txt, and come to the same verdict.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.node import ROOT
from tests.services.bundle_attacks import (
    of_another_key,
    relabelled,
    swapped_proofs,
    without_event,
    without_last_act,
    without_leg,
    without_lines,
)
from tests.services.bundles import Unpacked, fetch, refused, unpack
from tests.services.request_cast import Office
from tests.services.test_evidence_bundles import settled
from tests.services.test_verification import eventful, others

pytestmark = [
    pytest.mark.processes,
    pytest.mark.parametrize("office", ["sqlite"], indirect=True, scope="module"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("openssl", "jq", "python3"))), reason="needs openssl and jq"
    ),
]

_PAGE = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
_PATIENCE = 180


def _typed() -> str:
    section = _PAGE.split("\n## With openssl\n")[1].split("\n## ")[0]
    return "".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def _by_the_page(folder: Path, bundle: Unpacked) -> "subprocess.CompletedProcess[str]":
    unpack(folder, Unpacked.of(bundle.pack()))
    return subprocess.run(
        ["/bin/sh", "-c", _typed()],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def packed(office: Office) -> bytes:
    """The requester's bundle of a request with keys that came and went, and a passkey's act."""
    return fetch(office, office.desk.cast.a.auditor, settled(office))


def test_an_honest_bundle_fits_together_and_names_the_keys_to_compare(
    office: Office, packed: bytes, tmp_path: Path
) -> None:
    ask = eventful(office)
    partner = others(office)[0]
    bundles = (packed, fetch(office, partner.analyst, ask))
    for number, bundle in enumerate(map(Unpacked.of, bundles)):
        done = _by_the_page(tmp_path / str(number), bundle)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert "FAILED" not in done.stdout
        lines = done.stdout.splitlines()
        assert f"COMPARE the log's key: {bundle.manifest['log']}" in lines
        assert sum(line.startswith("COMPARE the root key of ") for line in lines) >= 2
        signed = [act for act in bundle.lines("acts.jsonl") if act["partner"]]
        acts = [line for line in lines if line.startswith("ok      acts/") and ", by " in line]
        assert len(acts) == len(signed)
        assert sum(line.endswith(" is in the log") for line in lines) == len(bundle.leaves())
        assert lines[-1] == "Everything fits together. It rests on the keys above: compare them."


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        (relabelled, "-acknowledge, by "),
        (of_another_key, "grants/00001: a grant"),
        (swapped_proofs, " is in the log"),
        (without_last_act, "each event tells of an act that is there"),
        (without_event, ": its events 1 to "),
        (without_lines, ": its lines are those of the ledger"),
        (without_leg, "each partner asked has its leg"),
    ],
)
def test_a_tampered_bundle_is_refused_and_the_place_named(
    packed: bytes, tmp_path: Path, attack: Callable[[Unpacked], None], named: str
) -> None:
    bundle = Unpacked.of(packed)
    attack(bundle)
    assert refused(bundle.pack())
    done = _by_the_page(tmp_path / "bundle", bundle)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert [line for line in failed if named in line], done.stdout
    assert done.returncode == 1
    assert "do not rely on this bundle" in done.stdout
